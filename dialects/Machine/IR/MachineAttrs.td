//===- MachineAttrs.td - attributes of the machine dialect -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_ATTRS_TD
#define PORTOLAN_MACHINE_ATTRS_TD

include "dialects/Machine/IR/MachineDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Machine_QuantityAttr : AttrDef<Machine_Dialect, "Quantity"> {
  let mnemonic = "quantity";
  let summary = "a figure with unit, corners, confidence and source";
  let description = [{
    `<VALUE "UNIT" (low L)? (high H)?, CONFIDENCE, "SOURCE">`

    `low` is the corner that makes the machine slower or smaller: of a latency it
    is the larger number. A figure without corners is the same at all three.
    The field that holds the figure decides which units and which order of
    corners are right, so the op that holds it verifies it.

    ```mlir
    #machine.quantity<8.0e12 "bytes/s", V, "vendor data sheet">
    #machine.quantity<1.0e-6 "s" low 2.0e-6 high 5.0e-7, assumed, "sister">
    ```
  }];
  let parameters = (ins
    "::mlir::FloatAttr":$value,
    "::mlir::FloatAttr":$low,
    "::mlir::FloatAttr":$high,
    "::mlir::StringAttr":$unit,
    "::portolan::machine::ConfidenceLevel":$confidence,
    "::mlir::StringAttr":$source
  );
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    double getNominalValue() const { return getValue().getValueAsDouble(); }
    double getLowValue() const {
      return (getLow() ? getLow() : getValue()).getValueAsDouble();
    }
    double getHighValue() const {
      return (getHigh() ? getHigh() : getValue()).getValueAsDouble();
    }
  }];
}

#endif // PORTOLAN_MACHINE_ATTRS_TD
