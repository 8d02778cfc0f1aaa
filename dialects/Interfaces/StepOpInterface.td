//===- StepOpInterface.td - system ops that carry a step ---*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_STEPOPINTERFACE_TD
#define PORTOLAN_DIALECTS_INTERFACES_STEPOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def StepOpInterface : OpInterface<"StepOpInterface"> {
  let cppNamespace = "::portolan";
  let description = [{
    A system op of a hardware dialect: one kernel launch or one communication
    step. It names the op that it covers (`covers`, with that op's attributes in
    `of`) and takes the same operands and results, so that its work is computed
    from its own types; how the step is carried out is in its other attributes.
  }];
  let methods = [
    StaticInterfaceMethod<"The kinds of op that this op can cover.",
      "::llvm::ArrayRef<::portolan::OpKind>", "coveredKinds", (ins)>,
    InterfaceMethod<"The covered op as plain data, from this op's types.",
      "::mlir::FailureOr<::portolan::LocalOp>", "describeCovered", (ins), [{}],
      [{ return ::portolan::describeCovered($_op); }]>,
    InterfaceMethod<"The step, its work computed from this op's types.",
      "::mlir::FailureOr<::portolan::Step>", "step", (ins), [{}],
      [{ return ::portolan::readStep($_op); }]>,
  ];
  let verify = [{
    return ::portolan::verifyStepOp($_op, ConcreteOp::coveredKinds());
  }];
}

#endif // PORTOLAN_DIALECTS_INTERFACES_STEPOPINTERFACE_TD
