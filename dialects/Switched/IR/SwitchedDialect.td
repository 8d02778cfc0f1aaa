//===- SwitchedDialect.td - the switched dialect -----------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDDIALECT_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDDIALECT_TD

include "mlir/IR/OpBase.td"

def Switched_Dialect : Dialect {
  let name = "switched";
  let summary = "Switched GPU racks, one launch or transfer at a time.";
  let description = [{
    What a GPU of a switched scale-up domain launches and sends: GEMMs on tensor
    cores, attention kernels, one-sided puts over the switch, reductions in the
    switch where a machine has them. Op rules are in
    dialects/Switched/README.md.
  }];
  let cppNamespace = "::portolan::switched";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  // A system op describes itself through the op that it covers.
  let dependentDialects = ["::portolan::moe::MoeDialect",
                           "::portolan::spmd::SpmdDialect"];
  let extraClassDeclaration = "void registerKernelTypes();";
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDDIALECT_TD
