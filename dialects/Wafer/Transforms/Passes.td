//===- Passes.td - passes on the wafer dialect ------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_TRANSFORMS_PASSES_TD
#define PORTOLAN_DIALECTS_WAFER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def WaferVerifyMachine : Pass<"wafer-verify-machine", "::mlir::ModuleOp"> {
  let summary = "Checks that every step fits the machine.";
  let description = [{
    Applies the labelled rules over (step, machine) of dialects/Wafer/README.md
    to every system op of a lowered module. `target` names the machine; without
    it the module's `portolan.target` does. Changes nothing.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "Machine file or name, with its shape after a colon">,
  ];
}

#endif // PORTOLAN_DIALECTS_WAFER_TRANSFORMS_PASSES_TD
