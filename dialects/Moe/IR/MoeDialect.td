//===- MoeDialect.td - the moe dialect ---------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEDIALECT_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEDIALECT_TD

include "mlir/IR/OpBase.td"

def Moe_Dialect : Dialect {
  let name = "moe";
  let summary = "The hardware-neutral Mixture-of-Experts inference graph.";
  let description = [{
    What a MoE decoder computes, at the granularity at which placements and
    kernels are chosen: attention, routing, dispatch, experts, combine. Each op
    states its work (`WorkOpInterface`) and decomposes to linalg. Dimensions of
    the workload (batch, new tokens, past tokens) stay dynamic until
    `moe-bind-workload`; below it the only dynamic dimension is a ragged row
    count, and the ops that touch it carry its `#moe.load`.
  }];
  let cppNamespace = "::portolan::moe";
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::mlir::tensor::TensorDialect"];
}

class Moe_Op<string mnemonic, list<Trait> traits = []>
    : Op<Moe_Dialect, mnemonic, traits>;

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEDIALECT_TD
