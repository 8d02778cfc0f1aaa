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

/// Bytes of a row of a ragged exchange: its payload is of the rows that its
/// load expects, or of those of its type.
double rowBytesOf(Operation *op, DictionaryAttr of, double payloadBytes) {
  double rows = 0;
  if (auto load = of.getAs<moe::LoadAttr>("load"))
    rows = load.maxRows();
  else if (auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType()))
    rows = double(type.getDimSize(0));
  return rows > 0 ? payloadBytes / rows : 0;
}

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
    // Kernels that are written out are what runs, not the op that they cover.
    if (op->getNumRegions() != 0)
      continue;
    std::optional<int64_t> site;
    if (auto stepOp = dyn_cast<StepOpInterface>(op)) {
      FailureOr<Step> step = stepOp.step();
      if (failed(step))
        return failure();
      if (isCommunication(step->kind)) {
        site = int64_t(transfers.size());
        Transfer transfer{op->getName().getStringRef().str(), *step};
        if (step->kind == OpKind::allToAllV)
          transfer.rowBytes = rowBytesOf(op, of, step->work.message.bytes);
        transfers.push_back(std::move(transfer));
      }
    }
    if (failed(uncover(op, covers, of, site)))
      return failure();
  }
  return transfers;
}
