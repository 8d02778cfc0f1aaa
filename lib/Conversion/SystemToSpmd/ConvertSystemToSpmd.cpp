//===- ConvertSystemToSpmd.cpp - system ops as what they compute ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Interfaces/WorkOpInterface.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "portolan/Conversion/SpmdToRuntime.h"
#include "portolan/Conversion/SystemToSpmd.h"

using namespace mlir;
using namespace portolan;

namespace portolan {
#define GEN_PASS_DEF_CONVERTSYSTEMTOSPMD
#include "lib/Conversion/SystemToSpmd/SystemToSpmdPasses.h.inc"
} // namespace portolan

namespace {

/// The op that `op` covers, in its place.
LogicalResult uncover(Operation *op, StringAttr covers, DictionaryAttr of,
                      std::optional<int64_t> site) {
  std::optional<RegisteredOperationName> name =
      RegisteredOperationName::lookup(covers.getValue(), op->getContext());
  if (!name)
    return op->emitOpError("expects to cover a known op, got '")
           << covers.getValue() << "'";
  OpBuilder builder(op);
  OperationState state(op->getLoc(), *name);
  state.addOperands(op->getOperands());
  state.addTypes(op->getResultTypes());
  state.addAttributes(of.getValue());
  if (site)
    state.addAttribute(kSiteName, builder.getI64IntegerAttr(*site));
  Operation *covered = builder.create(state);
  // Attributes are properties of the op's own; a lowered file may be changed by
  // hand.
  if (failed(name->verifyInvariants(covered)))
    return failure();
  op->replaceAllUsesWith(covered);
  op->erase();
  return success();
}

struct ConvertSystemToSpmd
    : public portolan::impl::ConvertSystemToSpmdBase<ConvertSystemToSpmd> {
  void runOnOperation() override {
    if (failed(convertSystemToSpmd(getOperation())))
      signalPassFailure();
  }
};

} // namespace

FailureOr<std::vector<Transfer>>
portolan::convertSystemToSpmd(ModuleOp module) {
  std::vector<Transfer> transfers;
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    auto covers = op->getAttrOfType<StringAttr>("covers");
    auto of = op->getAttrOfType<DictionaryAttr>("of");
    if (!covers || !of)
      continue;
    std::optional<int64_t> site;
    if (auto stepOp = dyn_cast<StepOpInterface>(op)) {
      FailureOr<Step> step = stepOp.step();
      FailureOr<LocalOp> local = stepOp.describeCovered();
      if (failed(step) || failed(local))
        return failure();
      if (isCommunication(step->kind)) {
        site = int64_t(transfers.size());
        transfers.push_back(
            {op->getName().getStringRef().str(), *step,
             local->rows > 0 ? local->payloadBytes / local->rows : 0});
      }
    }
    if (failed(uncover(op, covers, of, site)))
      return failure();
  }
  return transfers;
}
