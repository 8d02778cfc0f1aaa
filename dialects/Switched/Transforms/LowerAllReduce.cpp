//===- LowerAllReduce.cpp - sums over ranks as kernel programs ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In the network: each member adds up its share of the chunks by one load that
// the switch answers with the sum, and stores it to all members by one store.
// One-shot: each member reads every chunk of every other. Both wait until all
// operands are there, and until nobody needs them any more.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// Writes the program into the kernel that the builder stands in.
class ProgramWriter {
public:
  ProgramWriter(OpBuilder &builder, AllReduceOp op, Format format,
                int64_t members, int64_t units, Block *body)
      : b(builder), loc(op.getLoc()),
        group(op.getOf().getAs<spmd::GroupAttr>("group")), format(format),
        members(members), units(units), input(body->getArgument(0)),
        result(body->getArgument(1)) {}

  /// Operands are there when a kernel starts: one signal says so, and every
  /// block waits for all of them.
  void writeBegin();
  /// A block's results are there, and its operands not needed any more, when it
  /// says so; the kernel ends when all blocks of all members have.
  void writeEnd();
  void writeInNetwork();
  void writeOneShot();

private:
  Block *enter(Region &region);
  /// The body of a loop over members, whose member is returned.
  Value enterPeers(Region &region, unsigned indices);
  Value signals();
  void leave(Operation *loop);
  /// Elements of a chunk: 16 bytes of each thread.
  int64_t perThread() const { return 128 / packedBits(format); }
  Value tile(Format kept);

  OpBuilder &b;
  Location loc;
  spmd::GroupAttr group;
  Format format;
  int64_t members, units;
  Value input, result;
};

Block *ProgramWriter::enter(Region &region) {
  Type index = b.getIndexType();
  return b.createBlock(&region, {}, {index, index}, {loc, loc});
}

void ProgramWriter::leave(Operation *loop) {
  YieldOp::create(b, loc, ValueRange());
  b.setInsertionPointAfter(loop);
}

Value ProgramWriter::tile(Format kept) {
  return RegisterAllocOp::create(
      b, loc,
      RegistersType::get(b.getContext(), {kWarpgroupThreads, perThread()},
                         spell(kept)));
}

Value ProgramWriter::signals() {
  return SignalsAllocOp::create(b, loc,
                                SignalsType::get(b.getContext(), members));
}

Value ProgramWriter::enterPeers(Region &region, unsigned indices) {
  SmallVector<Type> types(indices, b.getIndexType());
  return b.createBlock(&region, {}, types, SmallVector<Location>(indices, loc))
      ->getArgument(0);
}

void ProgramWriter::writeBegin() {
  Value begun = signals();
  auto tell = ForPeersOp::create(b, loc, group, /*parts=*/1);
  SignalOp::create(b, loc, begun, enterPeers(tell.getBody(), 2));
  leave(tell);
  auto wait = EachPeerOp::create(b, loc, group);
  SignalWaitOp::create(b, loc, begun, enterPeers(wait.getBody(), 1),
                       /*count=*/1);
  leave(wait);
}

void ProgramWriter::writeEnd() {
  Value ended = signals();
  auto tell = EachPeerOp::create(b, loc, group);
  SignalOp::create(b, loc, ended, enterPeers(tell.getBody(), 1));
  leave(tell);
  auto wait = ForPeersOp::create(b, loc, group, /*parts=*/1);
  SignalWaitOp::create(b, loc, ended, enterPeers(wait.getBody(), 2), units);
  leave(wait);
}

void ProgramWriter::writeInNetwork() {
  Value sums = tile(format);
  auto loop = ForChunksOp::create(b, loc, input,
                                  kWarpgroupThreads * perThread(), group);
  Block *chunk = enter(loop.getBody());
  Value first = chunk->getArgument(0), left = chunk->getArgument(1);
  MultimemLoadReduceOp::create(b, loc, input, first, left, sums);
  MultimemStoreOp::create(b, loc, sums, result, first, left);
  leave(loop);
}

void ProgramWriter::writeOneShot() {
  Value sums = tile(Format::f32);
  auto loop = ForChunksOp::create(
      b, loc, input, kWarpgroupThreads * perThread(), spmd::GroupAttr());
  Block *chunk = enter(loop.getBody());
  Value first = chunk->getArgument(0), left = chunk->getArgument(1);
  ZeroOp::create(b, loc, sums);
  // In the order of members, so that all have the same sum.
  auto peers = EachPeerOp::create(b, loc, group);
  Value peer = enterPeers(peers.getBody(), 1);
  PeerAddOp::create(b, loc, input, first, left, peer, sums);
  leave(peers);
  ChunkStoreOp::create(b, loc, sums, result, first, left);
  leave(loop);
}

} // namespace

FailureOr<KernelTransferOp>
switched::lowerAllReduce(AllReduceOp op, const KernelMachine &target) {
  FailureOr<LocalOp> local = op.describeCovered();
  FailureOr<Step> step = op.step();
  if (failed(local) || failed(step))
    return failure();
  bool inNetwork = step->algorithm == Algorithm::inNetwork;
  if (!inNetwork && step->algorithm != Algorithm::oneShot)
    return target.refuse(op, "lower_transfer_c3",
                         "expects an all-reduce in_network or one_shot, got " +
                             spell(step->algorithm));
  FailureOr<int64_t> units = transferUnits(op, *local, *step, target);
  if (failed(units))
    return failure();
  auto type = cast<RankedTensorType>(op->getOperand(0).getType());
  std::optional<Format> format = moe::formatOf(type.getElementType());
  if (!format || (*format != Format::bf16 && *format != Format::fp16 &&
                  *format != Format::f32))
    return target.refuse(op, "lower_transfer_c4",
                         "expects sums of bf16, fp16 or f32, got " +
                             (format ? spell(*format) : "another format"));
  if (auto sent = op.getOf().getAs<moe::FormatAttr>("format"))
    if (moe::formatPairOf(sent).storage != *format)
      return target.refuse(op, "lower_transfer_c4",
                           "expects the tensor to be sent in its format " +
                               spell(*format) + ", got " +
                               spell(moe::formatPairOf(sent).storage));

  Location loc = op->getLoc();
  OpBuilder b(op);
  KernelTransferOp lowered = createKernelTransfer(b, op);
  Block *body = &lowered.getBody().front();
  KernelOp kernel = createKernel(b, loc, op->getResultTypes(),
                                 body->getArguments(), *units, /*cluster=*/1);
  Block *program = &kernel.getBody().front();
  b.setInsertionPointToEnd(program);
  ProgramWriter writer(b, op, *format, local->group.size, *units, program);
  writer.writeBegin();
  if (inNetwork)
    writer.writeInNetwork();
  else
    writer.writeOneShot();
  writer.writeEnd();
  YieldOp::create(b, loc, ValueRange());
  b.setInsertionPointToEnd(body);
  YieldOp::create(b, loc, kernel.getResults());
  return lowered;
}
