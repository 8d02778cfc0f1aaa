//===- WorkOpInterface.h - ops that state their work -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface by which analyses ask an op for its work.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_WORKOPINTERFACE_H
#define PORTOLAN_DIALECTS_INTERFACES_WORKOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"
#include "portolan/Analysis/LocalOp.h"

#include "dialects/Interfaces/WorkOpInterface.h.inc"

namespace portolan {

/// The half of a micro-batch that an op works on (overlap two_batch).
inline constexpr llvm::StringLiteral kMicroBatchName = "micro_batch";

/// describe() of an op that has the interface, and its `micro_batch`; fails
/// with a diagnostic otherwise.
mlir::FailureOr<LocalOp> describeOp(mlir::Operation *op);

/// Fills the dataflow of element-wise ops (LocalOp::input, soleReader) of a
/// body: `locals[i]` describes `body[i]`. What is between two such ops may
/// change the shape of a value or select a part of it. Linear in the ops.
void linkElementwise(llvm::ArrayRef<mlir::Operation *> body,
                     llvm::MutableArrayRef<LocalOp> locals);

} // namespace portolan

#endif // PORTOLAN_DIALECTS_INTERFACES_WORKOPINTERFACE_H
