//===- Passes.td - spmd to runtime calls -------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SPMDTORUNTIME_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_SPMDTORUNTIME_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertSpmdToRuntime : Pass<"convert-spmd-to-runtime", "::mlir::ModuleOp"> {
  let summary = "Lowers collectives to calls of the fabric and local ops to loops.";
  let description = [{
    Every function with a body, except `@prepare`, gets the rank context (an
    i64 handle) as its first argument and passes it on. A collective becomes a
    call of `portolan_begin`, which says what it is and which transfer of the
    lowered program (`portolan.site`), and one `portolan_OP_TYPE` per tensor on
    buffers: its result is allocated beside the call, a ragged one once the
    received counts are known. `spmd.slice` and
    `spmd.localize` look up the place of this rank; `pack`, `unpack` and
    `merge_partials` become loops. No spmd op but the mesh remains. Formats change
    no value, they only tell the runtime how many bytes an element counts.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_SPMDTORUNTIME_PASSES_TD
