//===- WorkOpInterface.cpp - ops that state their work --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/WorkOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"

#include "dialects/Interfaces/WorkOpInterface.cpp.inc"

using namespace mlir;
using namespace portolan;

FailureOr<LocalOp> portolan::describeOp(Operation *op) {
  auto work = dyn_cast<WorkOpInterface>(op);
  if (!work)
    return op->emitOpError("expects an op that states its work");
  FailureOr<LocalOp> local = work.describe();
  if (failed(local))
    return failure();
  if (Attribute half = op->getAttr(kMicroBatchName)) {
    auto number = dyn_cast<IntegerAttr>(half);
    if (!number || number.getInt() < 0 || number.getInt() > 1)
      return op->emitOpError("expects micro_batch 0 or 1, got ") << half;
    local->microBatch = uint8_t(number.getInt());
  }
  return local;
}
