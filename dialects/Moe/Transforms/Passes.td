//===- Passes.td - passes on the moe dialect ---------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_TRANSFORMS_PASSES_TD
#define PORTOLAN_DIALECTS_MOE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeBindWorkload : Pass<"moe-bind-workload", "::mlir::ModuleOp"> {
  let summary = "Makes the dimensions of the workload static.";
  let description = [{
    Each dynamic dimension of an argument of `@main` has a name in the
    argument's `moe.dims` (one string per dimension, "" where it is static). The
    pass gives the names sizes and carries the static types through every op and
    call; a private function that is called with different types is cloned.
    `total_tokens` is past plus new tokens unless it is bound itself, and is the
    length of a rotary table that has none. The number of rows of a dispatch
    stays dynamic if an index may be dropped.

    A name without a size is an error, as is an op whose result types do not
    follow from its operands' types.
  }];
  let options = [
    Option<"batch", "batch", "int64_t", "-1", "Sequences in flight.">,
    Option<"newTokens", "new-tokens", "int64_t", "-1",
           "New tokens of each sequence.">,
    Option<"pastTokens", "past-tokens", "int64_t", "-1",
           "Past tokens of each sequence.">,
    ListOption<"bind", "bind", "std::string",
               "Sizes of other names, as NAME=N.">,
    Option<"phase", "phase", "std::string", "",
           "decode or prefill: also sets moe.workload on the module, from "
           "batch, past-tokens and new-tokens.">];
}

def MoeOutlineWeights : Pass<"moe-outline-weights", "::mlir::ModuleOp"> {
  let summary = "Makes the weights arguments of main.";
  let description = [{
    Every `moe.weight_data` that is used becomes an argument of `@main` behind
    the others, in the order of the symbols, with the attribute `moe.weight` =
    its symbol. A weight that holds its value becomes a constant instead. The
    `moe.weight_data` ops stay: they say where a runner finds the bytes.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def MoeApplyServingForm : Pass<"moe-apply-serving-form", "::mlir::ModuleOp"> {
  let summary = "Gives a model the form in which it is served.";
  let description = [{
    Logits are those of the last position; attention takes sequences that are
    packed, without a mask or lengths, at the positions `position_ids`; the ops
    of a layer stand in the order in which its results need them. A model whose
    past is always empty gets caches as inputs and results. Arguments of
    @main and of layers that nothing reads then are dropped. A model that has
    this form already is left as it is.
  }];
}

def MoePrintWork : Pass<"moe-print-work", "::mlir::ModuleOp"> {
  let summary = "Prints the work of each op.";
  let description = [{
    One line per op that states its work: `function op: field = value ..`, with
    the fields of its LocalOp and then of its Work that are not zero.
  }];
}

#endif // PORTOLAN_DIALECTS_MOE_TRANSFORMS_PASSES_TD
