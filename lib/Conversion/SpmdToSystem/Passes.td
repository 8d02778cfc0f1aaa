//===- Passes.td - spmd to the hardware dialects -----------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SPMDTOSYSTEM_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_SPMDTOSYSTEM_PASSES_TD

include "mlir/Pass/PassBase.td"

class SpmdToSystemPass<string family, string dialect>
    : Pass<"convert-spmd-to-" # family, "::mlir::ModuleOp"> {
  let summary = "Lowers device programs to the system ops of " # family # ".";
  let description = [{
    Each function body is realized by the family: one step per op that states
    work, emitted as one system op with the step as its attributes. Ops without
    work become views; weights become the module attribute `portolan.weights`.
    The plan is the module's `plan.point`; `target` names the machine. It fails
    if a step states other work than the op that it covers, or if an op is not
    covered exactly once: both are bugs of the family.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "Machine file or name, with its shape after a colon">,
  ];
  let dependentDialects = [dialect];
}

def ConvertSpmdToSwitched
    : SpmdToSystemPass<"switched", "::portolan::switched::SwitchedDialect">;
def ConvertSpmdToTorus
    : SpmdToSystemPass<"torus", "::portolan::torus::TorusDialect">;
def ConvertSpmdToTrainium
    : SpmdToSystemPass<"trainium", "::portolan::trainium::TrainiumDialect">;
def ConvertSpmdToWafer
    : SpmdToSystemPass<"wafer", "::portolan::wafer::WaferDialect">;

#endif // PORTOLAN_LIB_CONVERSION_SPMDTOSYSTEM_PASSES_TD
