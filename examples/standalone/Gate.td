//===- Gate.td - a dialect with one op ---------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef STANDALONE_GATE_TD
#define STANDALONE_GATE_TD

include "dialects/Interfaces/WorkOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Gate_Dialect : Dialect {
  let name = "gate";
  let cppNamespace = "::gate";
}

def Gate_ScaledAddOp : Op<Gate_Dialect, "scaled_add", [
    Pure, SameOperandsAndResultType, Elementwise,
    DeclareOpInterfaceMethods<WorkOpInterface>]> {
  let summary = "lhs + factor * rhs, elementwise";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs,
                       F64Attr:$factor);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs `by` $factor attr-dict `:` type($result)";
}

#endif // STANDALONE_GATE_TD
