//===- SwitchedKernelTransfer.cpp - programs of what their step sends -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a program puts into the memory of its peers, or adds up from it, is read
// from its loops and compared with the message of the op that its step covers;
// and no program waits for a signal that does not come.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Switched/IR/SwitchedKernel.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// kernel_transfer_c2: every loop over members has the group of the covered op.
LogicalResult verifyGroups(Region &body, const Group &group) {
  WalkResult result = body.walk([&](Operation *op) {
    auto own = op->getAttrOfType<spmd::GroupAttr>("group");
    if (!own || own.group() == group)
      return WalkResult::advance();
    op->emitOpError("expects the group of ")
        << group.size << " by " << group.stride << " of the covered op, got "
        << own.getSize() << " by " << own.getStride();
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Signals that each member is given: by the parts of a loop, or by every
/// block.
int64_t signalsPerMember(SignalOp op) {
  if (auto loop = dyn_cast<ForPeersOp>(op->getParentOp()))
    return loop.getParts();
  auto kernel = op->getParentOfType<KernelOp>();
  return kernel ? int64_t(kernel.getUnits()) : 0;
}

/// kernel_transfer_c3: each member's signals are waited for, all of them.
LogicalResult verifySignals(Region &body, int64_t members) {
  WalkResult result = body.walk([&](SignalsAllocOp alloc) {
    int64_t sent = 0;
    for (Operation *user : alloc->getUsers())
      if (auto signal = dyn_cast<SignalOp>(user))
        sent += signalsPerMember(signal);
    bool waited = false, complete = true;
    for (Operation *user : alloc->getUsers())
      if (auto wait = dyn_cast<SignalWaitOp>(user)) {
        waited = true;
        complete &= int64_t(wait.getCount()) == sent;
      }
    if (alloc.getTile().getType().getMembers() == members && sent > 0 &&
        waited && complete)
      return WalkResult::advance();
    alloc.emitOpError("expects signals of ")
        << members << " members, and waits for all " << sent
        << " that each of them gives";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Bytes of a row that `op` puts into the memory of a peer.
double putBytes(Operation *op) {
  if (!touchesPeer(op))
    return 0;
  if (auto store = dyn_cast<RowStoreOp>(op))
    return double(store.getTile().getType().getStageBytes());
  auto copy = dyn_cast<CopyRowOp>(op);
  if (!copy)
    return 0;
  auto type = cast<MemRefType>(copy.getSource().getType());
  double bytes = double(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  for (int64_t size : type.getShape().drop_front())
    bytes *= double(size);
  return bytes;
}

/// kernel_transfer_c4 of a ragged exchange: what is put for each row that is
/// sent is the payload.
LogicalResult verifyPuts(Operation *step, Region &body, double payload) {
  auto of = step->getAttrOfType<DictionaryAttr>("of");
  double rows = double(
      cast<RankedTensorType>(step->getOperand(0).getType()).getDimSize(0));
  if (auto load = of.getAs<moe::LoadAttr>("load"))
    rows = load.maxRows();
  double bytes = 0;
  body.walk([&](ForSentOp loop) {
    for (Operation &op : loop.getBody().front())
      bytes += rows * putBytes(&op);
  });
  if (std::abs(bytes - payload) > 1e-9 * payload)
    return step->emitOpError("expects kernels that put the ")
           << payload << " bytes of the covered op, got " << bytes;
  return success();
}

/// kernel_transfer_c6: blocks read a peer's operand when it is there, which
/// each of them waits for, and say when they need it no more.
LogicalResult verifyOrder(ForChunksOp chunks) {
  bool waited = false, signalled = false;
  for (Operation &op : *chunks->getBlock()) {
    auto loop = dyn_cast<EachPeerOp>(op);
    if (!loop)
      continue;
    Block &inner = loop.getBody().front();
    if (op.isBeforeInBlock(chunks))
      waited |= !inner.getOps<SignalWaitOp>().empty();
    else
      signalled |= !inner.getOps<SignalOp>().empty();
  }
  if (waited && signalled)
    return success();
  return chunks.emitOpError("expects every block to wait for all members "
                            "before and to signal them after");
}

/// kernel_transfer_c5 of an all-reduce: every element is added up once, the way
/// that the step is priced for, and is of the payload's size.
LogicalResult verifySums(Operation *step, Region &body, const LocalOp &local) {
  auto name = step->getAttrOfType<StringAttr>("algorithm");
  bool inNetwork = name.getValue() == spell(Algorithm::inNetwork);
  if (!inNetwork && name.getValue() != spell(Algorithm::oneShot))
    return step->emitOpError(
               "expects an algorithm in_network or one_shot, got ")
           << name.getValue();
  unsigned added = 0, stored = 0, others = 0;
  body.walk([&](Operation *op) {
    auto chunks = op->getParentOfType<ForChunksOp>();
    bool shared = chunks && chunks.getGroup();
    if (auto add = dyn_cast<PeerAddOp>(op)) {
      auto members = dyn_cast<EachPeerOp>(op->getParentOp());
      bool all = chunks && !shared && members &&
                 add.getPeer() == members.getBody().getArgument(0);
      ++(!inNetwork && all ? added : others);
    }
    if (isa<MultimemLoadReduceOp>(op))
      ++(inNetwork && shared ? added : others);
    if (isa<MultimemStoreOp>(op))
      ++(inNetwork && shared ? stored : others);
    if (isa<ChunkStoreOp>(op))
      ++(!inNetwork && chunks && !shared ? stored : others);
  });
  if (added != 1 || stored != 1 || others != 0)
    return step->emitOpError("expects kernels that add up and store every "
                             "chunk once ")
           << (inNetwork ? "in the network" : "from every member");
  WalkResult ordered = body.walk([](ForChunksOp loop) {
    return failed(verifyOrder(loop)) ? WalkResult::interrupt()
                                     : WalkResult::advance();
  });
  if (ordered.wasInterrupted())
    return failure();
  auto type = cast<RankedTensorType>(step->getOperand(0).getType());
  double bytes =
      double(type.getNumElements()) * type.getElementTypeBitWidth() / 8;
  if (std::abs(bytes - local.payloadBytes) > 1e-9 * local.payloadBytes)
    return step->emitOpError("expects kernels of the ")
           << local.payloadBytes << " bytes of the covered op, got " << bytes;
  return success();
}

} // namespace

LogicalResult switched::verifyKernelTransfer(Operation *op, Region &body) {
  // kernel_transfer_c1
  if (failed(verifyKernelFrame(op, body)))
    return failure();
  FailureOr<LocalOp> local = ::portolan::describeCovered(op);
  if (failed(local) || failed(verifyGroups(body, local->group)) ||
      failed(verifySignals(body, local->group.size)))
    return failure();
  if (local->kind == OpKind::allToAllV)
    return verifyPuts(op, body, local->payloadBytes);
  return verifySums(op, body, *local);
}
