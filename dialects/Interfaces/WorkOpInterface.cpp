//===- WorkOpInterface.cpp - ops that state their work --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/WorkOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"

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

/// Only passes on (a part of) what its first operand holds.
static bool isView(Operation *op) {
  return !isa<WorkOpInterface>(op) && op->getNumOperands() > 0 &&
         op->getNumRegions() == 0 && isMemoryEffectFree(op);
}

/// The op that makes what `value` holds, or null.
static Operation *makerOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && isView(op))
    op = op->getOperand(0).getDefiningOp();
  return op;
}

/// Whether `reader` alone reads the results of `maker`. Stops at the first
/// other reader.
static bool readsAlone(Operation *reader, Operation *maker) {
  SmallVector<Operation *> pending = {maker};
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val()->getUsers()) {
      if (isView(user))
        pending.push_back(user);
      else if (user != reader)
        return false;
    }
  return true;
}

void portolan::linkElementwise(ArrayRef<Operation *> body,
                               MutableArrayRef<LocalOp> locals) {
  DenseMap<Operation *, int32_t> indices;
  for (auto [index, op] : llvm::enumerate(body)) {
    LocalOp &local = locals[index];
    local.input = -1;
    local.soleReader = false;
    if (isElementwise(local.kind)) {
      // Tables and positions of a rotation are no activations.
      unsigned operands = local.kind == OpKind::add ? op->getNumOperands() : 1;
      for (Value operand : op->getOperands().take_front(operands))
        if (auto known = indices.find(makerOf(operand)); known != indices.end())
          local.input = std::max(local.input, known->second);
      local.soleReader = local.input >= 0 && readsAlone(op, body[local.input]);
    }
    indices[op] = int32_t(index);
  }
}
