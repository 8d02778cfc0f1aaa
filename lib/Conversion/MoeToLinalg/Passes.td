//===- Passes.td - moe to linalg ---------------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOLINALG_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_MOETOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoeToLinalg : Pass<"convert-moe-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Decomposes every moe op to linalg on tensors.";
  let description = [{
    After this pass no moe op remains but `moe.weight` and `moe.weight_data`
    (see `moe-outline-weights`). Arithmetic on bf16 and f16 tensors is done in
    f32; results are rounded once, at the end of an op. Formats that ops name
    round nothing, but for `moe.fake_quantize` and `moe.inner_formats` (see
    `spmd-emulate-formats`). Attention needs static
    shapes (`moe-bind-workload`); elsewhere the number of tokens or rows may be
    dynamic. Indices outside a table or a count that exceeds the rows given
    never cause an access outside a tensor.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_MOETOLINALG_PASSES_TD
