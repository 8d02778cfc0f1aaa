//===- BoundLoweringInterface.td - lowered when bound ------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_BOUNDLOWERINGINTERFACE_TD
#define PORTOLAN_DIALECTS_INTERFACES_BOUNDLOWERINGINTERFACE_TD

include "mlir/IR/OpBase.td"

def BoundLoweringInterface : OpInterface<"BoundLoweringInterface"> {
  let cppNamespace = "::portolan";
  let description = [{
    An op whose result types follow from the values of its operands and not from
    their types alone (a reshape to a computed shape). It is lowered as soon as
    the types of its operands are bound, because only then are its results.
  }];
  let methods = [
    InterfaceMethod<[{
        Replaces the op by upstream ops on tensors and erases it. Fails with a
        diagnostic that names the op.
      }],
      "::llvm::LogicalResult", "lowerBound", (ins)>,
  ];
}

#endif // PORTOLAN_DIALECTS_INTERFACES_BOUNDLOWERINGINTERFACE_TD
