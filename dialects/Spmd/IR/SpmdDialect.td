//===- SpmdDialect.td - the spmd dialect -------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_IR_SPMDDIALECT_TD
#define PORTOLAN_DIALECTS_SPMD_IR_SPMDDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Spmd_Dialect : Dialect {
  let name = "spmd";
  let summary = "The device program: what one rank computes and sends.";
  let description = [{
    Collectives over explicit groups of ranks, and the few local ops that a
    partition introduces. A function is the program of every rank whose local
    shapes are equal (a variant); shapes are exact, uneven ones included, and
    only a ragged row count is dynamic. Nothing here knows a machine.
  }];
  let cppNamespace = "::portolan::spmd";
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::portolan::moe::MoeDialect"];
  let hasRegionArgAttrVerify = 1;
}

/// What communication acts on: it keeps collectives alive and in order.
def Spmd_Fabric : Resource<"::portolan::spmd::FabricResource">;

class Spmd_Op<string mnemonic, list<Trait> traits = []>
    : Op<Spmd_Dialect, mnemonic, traits>;

#endif // PORTOLAN_DIALECTS_SPMD_IR_SPMDDIALECT_TD
