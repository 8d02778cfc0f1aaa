//===- StepOpInterface.h - system ops that carry a step --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading and writing the step of a system op. All hardware dialects share the
// attribute names below (declared in SystemOps.td), so a step is read the same
// way from each.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_STEPOPINTERFACE_H
#define PORTOLAN_DIALECTS_INTERFACES_STEPOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"
#include "portolan/Analysis/Step.h"

namespace portolan {

/// The op that `systemOp` covers, as plain data: an op of that name with the
/// system op's operand and result types is asked. Emits a diagnostic if there
/// is no such op or it cannot state its work.
mlir::FailureOr<LocalOp> describeCovered(mlir::Operation *systemOp);

/// The step in the attributes of `systemOp`; its work and balance come from
/// describeCovered(). `Step::covers` is 0: the reader of a body numbers steps.
mlir::FailureOr<Step> readStep(mlir::Operation *systemOp);

/// Adds to `state` the attributes that make it cover `covered` by `step`.
void writeStep(mlir::OperationState &state, mlir::Operation *covered,
               const Step &step);

/// Rules of every system op (labels step_c1.. in
/// dialects/Interfaces/README.md).
mlir::LogicalResult verifyStepOp(mlir::Operation *systemOp,
                                 llvm::ArrayRef<OpKind> kinds);

} // namespace portolan

#include "dialects/Interfaces/StepOpInterface.h.inc"

#endif // PORTOLAN_DIALECTS_INTERFACES_STEPOPINTERFACE_H
