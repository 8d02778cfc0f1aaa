//===- LowerDispatch.cpp - packed rows and their exchange -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing is one kernel: a row is read once and stored at each place where it
// goes. The exchange is one too: a receiver tells each sender where its rows
// begin, which also says that they may come; senders put them there and signal
// that they have arrived.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// A stage of one row that bulk copies pass through.
class RowStage {
public:
  RowStage(OpBuilder &builder, Location loc, int64_t width, Format format)
      : b(builder), loc(loc) {
    zero = arith::ConstantIndexOp::create(b, loc, 0);
    barrier = MbarrierInitOp::create(
        b, loc, MbarrierType::get(b.getContext(), 1), /*arrivals=*/1);
    auto type = SmemType::get(b.getContext(), {1, 1, width}, spell(format));
    bytes = type.getStageBytes();
    tile = SmemAllocOp::create(b, loc, type);
  }
  void load(Value source, Value row) {
    MbarrierExpectOp::create(b, loc, barrier, zero, bytes);
    RowLoadOp::create(b, loc, source, row, tile, zero, barrier);
    MbarrierWaitOp::create(b, loc, barrier, zero);
  }
  void store(Value target, Value row, Value peer = {}) {
    RowStoreOp::create(b, loc, tile, zero, target, row, peer);
  }

private:
  OpBuilder &b;
  Location loc;
  int64_t bytes = 0;
  Value zero, barrier, tile;
};

/// Bulk copies take whole 16 bytes, and a row has to be in shared memory.
LogicalResult checkRow(Operation *op, int64_t width, Format format,
                       const KernelMachine &target) {
  double bytes = double(width) * bytesPerElement(format);
  if (width < 1 || std::fmod(bytes, 16) != 0) {
    target.refuse(op, "lower_rows_c3",
                  "expects rows of a multiple of 16 bytes, got " +
                      Twine(width) + " elements of " + spell(format));
    return failure();
  }
  double limit = target.core.sharedMemoryBytes.nominal();
  if (bytes + 1024 > limit) {
    target.refuse(op, "lower_rows_c4",
                  "expects rows that fit into " + Twine(int64_t(limit)) +
                      " bytes of shared memory, got " + Twine(int64_t(bytes)));
    return failure();
  }
  return success();
}

/// The body of a loop of two indices, in which the builder then stands.
Block *enter(OpBuilder &b, Location loc, Region &region) {
  Type index = b.getIndexType();
  return b.createBlock(&region, {}, {index, index}, {loc, loc});
}

/// Ends the loop's body; the builder stands behind the loop.
void leave(OpBuilder &b, Operation *loop) {
  YieldOp::create(b, loop->getLoc(), ValueRange());
  b.setInsertionPointAfter(loop);
}

/// The program that `pack` and `permute` share, `accompany` being what else is
/// stored with a row.
FailureOr<KernelStepOp>
lowerRows(Operation *op, const LocalOp &local, const Step &step,
          DestinationsAttr destinations, unsigned countsResult,
          const KernelMachine &target,
          function_ref<void(OpBuilder &, Block *, Value token,
                            Value destination, Value place)>
              accompany) {
  RankedTensorType input = tensorOf(op->getOperand(0));
  Value chosen = op->getOperand(op->getNumOperands() - 1);
  RankedTensorType choices = tensorOf(chosen);
  auto isKnown = [](RankedTensorType type) {
    return type.getRank() == 2 || (type.getRank() > 2 && type.hasStaticShape());
  };
  if (!isKnown(input) || !isKnown(choices))
    return target.refuse(op, "lower_rows_c1",
                         "expects one dimension of tokens or a known number "
                         "of them, got " +
                             Twine(input.getRank() - 1) + " dimensions");
  if (!tensorOf(chosen).getElementType().isInteger(32))
    return target.refuse(op, "lower_rows_c5", "expects indices of 32 bits");
  if (failed(checkRow(op, local.outer, local.activation, target)))
    return failure();
  const Engine *engine = target.machine.findEngine(EngineKind::matmul);
  int64_t units =
      engine ? int64_t(step.share * double(engine->units)) : int64_t(0);
  if (units < 1)
    return target.refuse(op, "lower_c6",
                         "expects a share of at least 1 units, got 0");

  Location loc = op->getLoc();
  OpBuilder b(op);
  KernelStepOp lowered = createKernelStep(b, op);
  Block *body = &lowered.getBody().front();
  SmallVector<Value> operands;
  for (Value operand : body->getArguments())
    operands.push_back(flattenRows(b, operand));
  KernelOp kernel = createKernel(b, loc, op->getResultTypes(), operands, units,
                                 /*cluster=*/1);
  Block *program = &kernel.getBody().front();
  b.setInsertionPointToEnd(program);
  unsigned inputs = op->getNumOperands();
  Value indices = program->getArgument(inputs - 1),
        rows = program->getArgument(inputs),
        counts = program->getArgument(inputs + countsResult);
  RowStage stage(b, loc, local.outer, local.activation);
  Value next = CountersAllocOp::create(
      b, loc, CountersType::get(b.getContext(), destinations.count()));
  CountRowsOp::create(b, loc, indices, next, counts, destinations);
  auto loop = ForRowsOp::create(b, loc, indices, /*tile=*/1);
  Value token = enter(b, loc, loop.getBody())->getArgument(0);
  stage.load(program->getArgument(0), token);
  auto places =
      ForDestinationsOp::create(b, loc, indices, token, next, destinations);
  Block *inner = enter(b, loc, places.getBody());
  stage.store(rows, inner->getArgument(1));
  accompany(b, program, token, inner->getArgument(0), inner->getArgument(1));
  leave(b, places);
  leave(b, loop);
  YieldOp::create(b, loc, ValueRange());
  b.setInsertionPointToEnd(body);
  YieldOp::create(b, loc, kernel.getResults());
  return lowered;
}

} // namespace

FailureOr<KernelStepOp> switched::lowerPack(PackOp op,
                                            const KernelMachine &target) {
  FailureOr<LocalOp> local = op.describeCovered();
  FailureOr<Step> step = op.step();
  if (failed(local) || failed(step))
    return failure();
  DestinationsAttr destinations = coveredDestinations(op, *local);
  if (!destinations)
    return target.refuse(op, "lower_rows_c6",
                         "expects at most " + Twine(kMostDestinations) +
                             " experts and ranks");
  return lowerRows(op, *local, *step, destinations, /*countsResult=*/4, target,
                   [&](OpBuilder &b, Block *program, Value token,
                       Value destination, Value place) {
                     RowMetadataOp::create(
                         b, op.getLoc(), program->getArgument(1),
                         program->getArgument(2), token, destination,
                         program->getArgument(4), program->getArgument(5),
                         program->getArgument(6), place, destinations);
                   });
}

FailureOr<KernelStepOp> switched::lowerPermute(PermuteOp op,
                                               const KernelMachine &target) {
  FailureOr<LocalOp> local = op.describeCovered();
  FailureOr<Step> step = op.step();
  if (failed(local) || failed(step))
    return failure();
  if (op.getInputs().size() != 2)
    return target.refuse(op, "lower_rows_c2",
                         "expects rows that are not multiplied with weights");
  DestinationsAttr destinations = coveredDestinations(op, *local);
  if (!destinations)
    return target.refuse(op, "lower_rows_c6",
                         "expects at most " + Twine(kMostDestinations) +
                             " experts and ranks");
  return lowerRows(op, *local, *step, destinations, /*countsResult=*/1, target,
                   [](OpBuilder &, Block *, Value, Value, Value) {});
}

FailureOr<int64_t> switched::transferUnits(Operation *op, const LocalOp &local,
                                           const Step &step,
                                           const KernelMachine &target) {
  const Machine &machine = target.machine;
  int64_t span = local.group.size * local.group.stride;
  if (machine.links.empty() || step.linkTier != 0 ||
      step.outerLoad.starts > 0 || span > machine.topology.domain)
    return target.refuse(op, "lower_transfer_c1",
                         "expects a group inside of a domain of " +
                             Twine(machine.topology.domain) +
                             " chips, got one of " + Twine(span));
  // The units that the machine gives to a communication beside other kernels.
  const std::optional<Quantity> &tax = machine.links.front().computeTax;
  const Engine *engine = machine.findEngine(EngineKind::matmul);
  if (!tax || !engine)
    return target.refuse(op, "lower_transfer_c2",
                         "expects a link that says which share of the units a "
                         "communication takes, got none");
  return std::max<int64_t>(1, int64_t(tax->nominal() * double(engine->units)));
}

FailureOr<KernelTransferOp> switched::lowerRowPut(RowPutOp op,
                                                  const KernelMachine &target) {
  FailureOr<LocalOp> local = op.describeCovered();
  FailureOr<Step> step = op.step();
  if (failed(local) || failed(step))
    return failure();
  if (step->algorithm != Algorithm::direct)
    return target.refuse(op, "lower_transfer_c3",
                         "expects rows that go directly to their rank, got " +
                             spell(step->algorithm));
  FailureOr<int64_t> units = transferUnits(op, *local, *step, target);
  if (failed(units))
    return failure();
  // The values, then what travels along, then the counts.
  unsigned tensors = op->getNumResults();
  RankedTensorType values = tensorOf(op->getOperand(0));
  std::optional<Format> format = moe::formatOf(values.getElementType());
  if (auto sent = op.getOf().getAs<moe::FormatAttr>("format"))
    format = moe::formatPairOf(sent).storage;
  if (!format || values.getRank() != 2)
    return target.refuse(op, "lower_rows_c1",
                         "expects values in rows of a number format");
  if (failed(checkRow(op, values.getDimSize(1), *format, target)))
    return failure();
  int64_t members = local->group.size;
  if (members > kMostDestinations)
    return target.refuse(op, "lower_rows_c6",
                         "expects at most " + Twine(kMostDestinations) +
                             " experts and ranks");

  Location loc = op->getLoc();
  OpBuilder b(op);
  KernelTransferOp lowered = createKernelTransfer(b, op);
  Block *body = &lowered.getBody().front();
  KernelOp kernel = createKernel(b, loc, op->getResultTypes(),
                                 body->getArguments(), *units, /*cluster=*/1);
  Block *program = &kernel.getBody().front();
  b.setInsertionPointToEnd(program);
  Value sent = program->getArgument(tensors),
        received = program->getArgument(tensors + 1);
  auto result = [&](unsigned i) {
    return program->getArgument(op->getNumOperands() + i);
  };
  RowStage stage(b, loc, values.getDimSize(1), *format);
  Type signals = SignalsType::get(b.getContext(), members);
  Value ready = SignalsAllocOp::create(b, loc, signals),
        arrived = SignalsAllocOp::create(b, loc, signals),
        places = WordsAllocOp::create(
            b, loc, MemRefType::get({members}, b.getI32Type()));
  auto group = op.getOf().getAs<spmd::GroupAttr>("group");
  int64_t parts = std::max<int64_t>(1, *units / members);

  auto tell = ForPeersOp::create(b, loc, group, /*parts=*/1);
  Value peer = enter(b, loc, tell.getBody())->getArgument(0);
  Value place = PrefixOp::create(b, loc, b.getIndexType(), received, peer);
  PutWordOp::create(b, loc, place, places, peer);
  SignalOp::create(b, loc, ready, peer);
  leave(b, tell);

  auto send = ForPeersOp::create(b, loc, group, parts);
  Block *sender = enter(b, loc, send.getBody());
  peer = sender->getArgument(0);
  SignalWaitOp::create(b, loc, ready, peer, /*count=*/1);
  Value word = memref::LoadOp::create(b, loc, places, peer);
  Value first = arith::IndexCastOp::create(b, loc, b.getIndexType(), word);
  auto rows = ForSentOp::create(b, loc, sent, peer, sender->getArgument(1));
  Block *row = enter(b, loc, rows.getBody());
  Value from = row->getArgument(0),
        to = arith::AddIOp::create(b, loc, first, row->getArgument(1));
  stage.load(program->getArgument(0), from);
  stage.store(result(0), to, peer);
  for (unsigned i = 1; i < tensors; ++i)
    CopyRowOp::create(b, loc, program->getArgument(i), from, result(i), to,
                      peer);
  leave(b, rows);
  SignalOp::create(b, loc, arrived, peer);
  leave(b, send);

  auto finish = ForPeersOp::create(b, loc, group, /*parts=*/1);
  peer = enter(b, loc, finish.getBody())->getArgument(0);
  SignalWaitOp::create(b, loc, arrived, peer, /*count=*/parts);
  leave(b, finish);
  YieldOp::create(b, loc, ValueRange());
  b.setInsertionPointToEnd(body);
  YieldOp::create(b, loc, kernel.getResults());
  return lowered;
}
