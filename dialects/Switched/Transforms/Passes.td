//===- Passes.td - passes on the switched dialect ------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_PASSES_TD
#define PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SwitchedVerifyMachine : Pass<"switched-verify-machine", "::mlir::ModuleOp"> {
  let summary = "Checks that every step fits the machine.";
  let description = [{
    Applies the labelled rules over (step, machine) of dialects/Switched/README.md
    to every system op of a lowered module, and to the kernel programs of those
    that are written out. `target` names the machine; without
    it the module's `portolan.target` does. Changes nothing.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "Machine file or name, with its shape after a colon">,
  ];
}

def SwitchedLowerToKernels
    : Pass<"switched-lower-to-kernels", "::mlir::ModuleOp"> {
  let summary = "Writes out the kernels of hot steps.";
  let description = [{
    Replaces every `switched.grouped_gemm`, `switched.latent_attention`,
    `switched.router_topk`, `switched.pack` and `switched.permute` by a
    `switched.kernel_step`, and every
    `switched.row_put` and `switched.all_reduce` by a `switched.kernel_transfer`.
    Both cover the same op with the same attributes, so they are priced as
    before, and their region holds the programs of their kernels: of experts gate
    and up with activation and quantization, then down; of an absorbed attention the moved
    queries, the run over the cache and the values; of a router the logits
    and the choice; of rows their places, copies and puts; of a sum loads that
    the network adds up, or those of every member. Tile, formats and share of the
    units are those of the step (of a communication the share that its link
    takes); stages, cluster and instructions follow from the machine's
    `machine.core`. A step that has no program is an error with a label of
    dialects/Switched/README.md; with `keep-refused` it stays and the reason is a
    remark. Other ops stay. `target` names the machine; without it the module's
    `portolan.target` does.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "Machine file or name, with its shape after a colon">,
    Option<"keepRefused", "keep-refused", "bool", "false",
           "Leave steps without program as they are, with a remark">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_PASSES_TD
