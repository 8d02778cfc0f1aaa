//===- Passes.td - graph to linalg -------------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertGraphToLinalg : Pass<"convert-graph-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lowers the nodes of a graph to upstream ops on tensors.";
  let description = [{
    For nodes that `convert-graph-to-moe` left, or for a whole graph that is not
    raised. Types of operands must be known; dimensions may be dynamic where no
    op needs them. Shapes and small integers are computed ahead. Result types
    follow from the lowering, so one walk over each function is enough. Fails at
    the first node that has no rule or that its rule does not understand, naming
    the node, its op and domain.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_PASSES_TD
