//===- HostRows.cpp - packed rows on the host -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel that counts rows runs once for each of its blocks, with that block's
// share of the tokens, so that the places that blocks count for themselves have
// to fit together.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;
using namespace portolan::switched_to_linalg;

/// The only op of its kind in a kernel; null if it has none.
static CountRowsOp countingOf(KernelOp kernel) {
  auto ops = kernel.getBody().front().getOps<CountRowsOp>();
  return ops.empty() ? CountRowsOp() : *ops.begin();
}

std::optional<Value> Host::mostRows(KernelOp kernel) {
  CountRowsOp counting = countingOf(kernel);
  if (!counting)
    return std::nullopt;
  Emit e = emit();
  Value indices = buffers.lookup(counting.getIndices());
  Value tokens = memref::DimOp::create(builder, loc, indices, 0);
  int64_t each = counting.getDestinations().getRanks();
  if (!each)
    each = cast<MemRefType>(indices.getType()).getDimSize(1);
  // At least one, of which none may be there: a slice starts inside.
  return e.max(e.mul(tokens, e.index(each)), e.index(1));
}

LogicalResult Host::lowerUnits(KernelOp kernel) {
  if (!countingOf(kernel))
    return lowerBlock(kernel.getBody().front());
  OpBuilder::InsertionGuard guard(builder);
  Emit e = emit();
  unitCount = kernel.getUnits();
  auto loop = scf::ForOp::create(builder, loc, e.index(0), e.index(unitCount),
                                 e.index(1));
  builder.setInsertionPointToStart(loop.getBody());
  unit = loop.getInductionVar();
  LogicalResult result = lowerBlock(kernel.getBody().front());
  unit = Value();
  return result;
}

Value Host::countedRows(KernelOp kernel, Value all) {
  Value counts = buffers.lookup(countingOf(kernel).getCounts());
  Emit e = emit();
  int64_t size = cast<MemRefType>(counts.getType()).getDimSize(0);
  Value rows =
      e.loop(e.index(size), ValueRange{e.index(0)},
             [&](Emit &e, Value entry, ValueRange sum) -> SmallVector<Value> {
               Value own = memref::LoadOp::create(builder, loc, counts, entry);
               return {e.add(sum[0], e.cast(own, builder.getIndexType()))};
             })
          .front();
  return e.slice(all, 0, builder.getIndexAttr(0), rows);
}

std::pair<Value, Value> Host::shareOf(Value tiles) {
  Emit e = emit();
  Value count = e.index(unitCount);
  Value first = e.div(e.mul(unit, tiles), count);
  Value last = e.div(e.mul(e.add(unit, e.index(1)), tiles), count);
  return {first, last};
}

/// The block of ranks that holds an expert, of `count` blocks.
static Value blockOf(Emit &e, Value expert, int64_t experts, int64_t count) {
  int64_t size = experts / count, larger = experts % count;
  int64_t border = larger * (size + 1);
  Value inLarger = e.div(expert, e.index(size + 1));
  Value behind = e.max(e.sub(expert, e.index(border)), e.index(0));
  Value inSmaller = e.add(e.index(larger), e.div(behind, e.index(size)));
  return e.select(e.less(expert, e.index(border)), inLarger, inSmaller);
}

void Host::visit(Value indices, Value token, DestinationsAttr to,
                 llvm::function_ref<void(Emit &, Value)> body) {
  Emit e = emit();
  int64_t choices = cast<MemRefType>(indices.getType()).getDimSize(1);
  Value zero = e.index(0), one = e.index(1);
  auto chosen = [&](Emit &e, Value choice) -> Value {
    Value index = memref::LoadOp::create(builder, loc, indices,
                                         ValueRange{token, choice});
    return e.cast(index, builder.getIndexType());
  };
  auto guarded = [&](Value condition, Value destination) {
    auto branch = scf::IfOp::create(builder, loc, condition, false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    Emit e = emit();
    body(e, destination);
  };
  if (to.getRanks() == 0) {
    nest(zero, e.index(choices), [&](Emit &e, ValueRange at) {
      Value local = e.sub(chosen(e, at[0]), e.index(to.getFirst()));
      guarded(e.both(e.less(e.index(-1), local),
                     e.less(local, e.index(to.getExperts()))),
              local);
    });
    return;
  }
  int64_t blocks = to.getRanks() / to.getSpread();
  nest(zero, e.index(to.getRanks()), [&](Emit &e, ValueRange at) {
    Value own = e.div(at[0], e.index(to.getSpread()));
    auto hits =
        scf::ForOp::create(builder, loc, zero, e.index(choices), one, zero);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(hits.getBody());
      Emit e = emit();
      Value expert = e.clampIndex(chosen(e, hits.getInductionVar()),
                                  e.index(to.getExperts()));
      Value same = e.equal(blockOf(e, expert, to.getExperts(), blocks), own);
      Value sum = e.add(hits.getRegionIterArg(0), e.select(same, one, zero));
      scf::YieldOp::create(builder, loc, sum);
    }
    guarded(e.less(zero, hits.getResult(0)), at[0]);
  });
}

void Host::allocate(CountersAllocOp op) {
  buffers.map(op.getTile(),
              memref::AllocOp::create(
                  builder, loc,
                  MemRefType::get({op.getTile().getType().getCount()},
                                  builder.getIndexType())));
}

void Host::count(CountRowsOp op) {
  Emit e = emit();
  Value indices = buffers.lookup(op.getIndices()),
        next = buffers.lookup(op.getNext()),
        counts = buffers.lookup(op.getCounts());
  DestinationsAttr to = op.getDestinations();
  Value zero = e.index(0), one = e.index(1), all = e.index(to.count());
  Value tokens = memref::DimOp::create(builder, loc, indices, 0);
  Value first = shareOf(tokens).first;
  Value total =
      memref::AllocOp::create(builder, loc, cast<MemRefType>(next.getType()));
  auto increase = [&](Emit &e, Value counter, Value entry, Value by) {
    Value old = memref::LoadOp::create(builder, loc, counter, entry);
    memref::StoreOp::create(builder, loc, e.add(old, by), counter, entry);
  };
  nest(zero, all, [&](Emit &, ValueRange at) {
    memref::StoreOp::create(builder, loc, zero, total, at);
    memref::StoreOp::create(builder, loc, zero, next, at);
  });
  nest(zero, tokens, [&](Emit &, ValueRange at) {
    visit(indices, at[0], to, [&](Emit &e, Value destination) {
      increase(e, total, destination, one);
      increase(e, next, destination, e.select(e.less(at[0], first), one, zero));
    });
  });
  Type word = cast<MemRefType>(counts.getType()).getElementType();
  e.loop(all, ValueRange{zero},
         [&](Emit &e, Value entry, ValueRange before) -> SmallVector<Value> {
           Value own = memref::LoadOp::create(builder, loc, total, entry);
           increase(e, next, entry, before[0]);
           memref::StoreOp::create(builder, loc, e.cast(own, word), counts,
                                   entry);
           return {e.add(before[0], own)};
         });
}

LogicalResult Host::lowerLoop(ForDestinationsOp op) {
  Value next = buffers.lookup(op.getNext());
  LogicalResult result = success();
  visit(buffers.lookup(op.getIndices()), scalar(0, op.getToken()),
        op.getDestinations(), [&](Emit &e, Value destination) {
          Value place = memref::LoadOp::create(builder, loc, next, destination);
          memref::StoreOp::create(builder, loc, e.add(place, e.index(1)), next,
                                  destination);
          blocks[0].scalars.map(op.getBody().getArguments(),
                                ValueRange{destination, place});
          result = lowerBlock(op.getBody().front());
        });
  loc = op.getLoc();
  return result;
}

void Host::load(RowLoadOp op) {
  Emit e = emit();
  Tile &target = tile(0, op.getTile());
  Value global = buffers.lookup(op.getSource()), row = scalar(0, op.getRow()),
        stage = scalar(0, op.getStage());
  Value view = stageOf(target.data, stage), zero = e.index(0);
  nest(zero, e.index(target.columns()), [&](Emit &e, ValueRange at) {
    Value value =
        memref::LoadOp::create(builder, loc, global, ValueRange{row, at[0]});
    memref::StoreOp::create(builder, loc, e.cast(value, builder.getF32Type()),
                            view, ValueRange{zero, at[0]});
  });
  // The row was stored in the format of the tile.
  settle(target, stage, /*narrowed=*/true);
}

void Host::store(RowStoreOp op) {
  Emit e = emit();
  Tile &source = tile(0, op.getTile());
  Value global = buffers.lookup(op.getTarget()), row = scalar(0, op.getRow()),
        stage = scalar(0, op.getStage()), zero = e.index(0);
  Type type = cast<MemRefType>(global.getType()).getElementType();
  nest(zero, e.index(source.columns()), [&](Emit &e, ValueRange at) {
    Value value = element(source, stage, zero, at[0]);
    memref::StoreOp::create(builder, loc, e.cast(value, type), global,
                            ValueRange{row, at[0]});
  });
}

void Host::accompany(RowMetadataOp op) {
  Emit e = emit();
  DestinationsAttr to = op.getDestinations();
  Value indices = buffers.lookup(op.getIndices()),
        weights = buffers.lookup(op.getWeights()),
        rowWeights = buffers.lookup(op.getRowWeights()),
        rowIndices = buffers.lookup(op.getRowIndices()),
        tokens = buffers.lookup(op.getTokens());
  Value token = scalar(0, op.getToken()), place = scalar(0, op.getPlace());
  int64_t count = to.getRanks() / to.getSpread();
  int64_t size = to.getExperts() / count, larger = to.getExperts() % count;
  Value own = e.div(scalar(0, op.getDestination()), e.index(to.getSpread()));
  // Experts in the blocks before it.
  Value first = e.add(e.mul(own, e.index(size)), e.min(own, e.index(larger)));
  Type word = builder.getI32Type();
  int64_t choices = cast<MemRefType>(indices.getType()).getDimSize(1);
  nest(e.index(0), e.index(choices), [&](Emit &e, ValueRange at) {
    SmallVector<Value> from = {token, at[0]}, target = {place, at[0]};
    Value weight = memref::LoadOp::create(builder, loc, weights, from);
    memref::StoreOp::create(builder, loc, weight, rowWeights, target);
    Value index = memref::LoadOp::create(builder, loc, indices, from);
    Value expert = e.clampIndex(e.cast(index, builder.getIndexType()),
                                e.index(to.getExperts()));
    Value here = e.equal(blockOf(e, expert, to.getExperts(), count), own);
    Value local = e.select(here, e.sub(expert, first), e.index(-1));
    memref::StoreOp::create(builder, loc, e.cast(local, word), rowIndices,
                            target);
  });
  memref::StoreOp::create(builder, loc, e.cast(token, word), tokens, place);
}
