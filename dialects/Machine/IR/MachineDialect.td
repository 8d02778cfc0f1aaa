//===- MachineDialect.td - the machine dialect -------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_DIALECT_TD
#define PORTOLAN_MACHINE_DIALECT_TD

include "mlir/IR/OpBase.td"

def Machine_Dialect : Dialect {
  let name = "machine";
  let summary = "Systems of accelerators as data.";
  let description = [{
    A machine file holds one `machine.system`, whose children state its engines,
    memories, links, overheads, power and price. Every figure is a
    `#machine.quantity` with a unit, a confidence and a source. No code reads a
    figure from anywhere else.
  }];
  let cppNamespace = "::portolan::machine";
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = "void registerAttributes();";
}

#endif // PORTOLAN_MACHINE_DIALECT_TD
