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

    A node that cannot be raised stays, with the reason in its attribute
    `graph.reason`, and so do the nodes that serve it; what comes behind is raised
    as if an activation were an input. One warning names the layers with such
    nodes. An attribute or operand that a rule does not understand is a reason:
    nothing is left out. `moe-print-raising` lists them. `graph.work` is what a
    node that stays does per token, `graph.unpriced` why that cannot be stated.
  }];
  let options = [
    Option<"strict", "strict", "bool", "false",
           "Fail with one error that names the first node that cannot be raised, "
           "the reason, and the number of such nodes.">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect", "::portolan::moe::MoeDialect"];
}

def MoePrintRaising : Pass<"moe-print-raising", "::mlir::ModuleOp"> {
  let summary = "Prints what of a graph is raised to moe and what is not.";
  let description = [{
    Raises a copy of the imported graph and prints, per layer, the function that
    the layer becomes, the ops of each kind with the number of nodes that they
    stand for, and each node that stays: its name, op, domain and the reason. Nodes
    that stay because others do are counted per op. Layers of one class in a row
    in which nothing stays are printed once. Then the totals and the warnings. The
    module itself is left as it is. Names are the locations of the nodes:
    `portolan-translate --import-onnx --mlir-print-debuginfo` keeps them.
  }];
}

def GraphFoldNodes : Pass<"graph-fold-nodes", "::mlir::ModuleOp"> {
  let summary = "Replaces nodes that were not raised by the work that they do.";
  let description = [{
    Runs on what `convert-graph-to-moe` leaves, in order to price it: the nodes
    behind each activation that another op reads become one `moe.decomposed` with
    the sums of their `graph.work`. A node that has `graph.unpriced`, or that does
    not lie between activations, is an error with its name and the reason.
  }];
  let dependentDialects = ["::portolan::moe::MoeDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_PASSES_TD
