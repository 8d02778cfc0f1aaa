//===- Passes.td - the raising of graphs to moe ------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertGraphToMoe : Pass<"convert-graph-to-moe", "::mlir::ModuleOp"> {
  let summary = "Raises an imported graph to the moe dialect.";
  let description = [{
    Replaces every `graph.node` of @main that an output depends on by moe ops,
    and puts the ops of each layer into a private function, one per distinct
    layer, that is called once per layer with its weights and caches. Blocks of
    many nodes (a norm, attention, a router with its experts) are recognised by
    their dataflow, whatever nodes an exporter spells them in. Weights
    that are packed or interleaved are sliced and transposed in @main, ahead of
    the layers, where nothing depends on the inputs.

    Fails with one error that names the first node that cannot be raised, the
    reason, and the number of such nodes. Nothing is left out: an attribute or
    operand that a rule does not understand is a failure of its node.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect", "::portolan::moe::MoeDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_PASSES_TD
