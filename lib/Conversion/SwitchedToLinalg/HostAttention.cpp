//===- HostAttention.cpp - attention programs on the host -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;
using namespace portolan::switched_to_linalg;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult Host::lowerLoop(ForHeadsOp op) {
  Emit e = emit();
  OpBuilder::InsertionGuard guard(builder);
  Value zero = e.index(0), rows = e.index(op.getRows()),
        tile = e.index(op.getTokenTile());
  SmallVector<Value> at;
  std::pair<Value, Value> bounds[] = {
      {e.index(op.getHeads()), e.index(1)},
      {rows, tile},
      {e.index(op.getColumns()), e.index(op.getColumnTile())}};
  for (auto [end, step] : bounds) {
    auto loop = scf::ForOp::create(builder, loc, zero, end, step);
    builder.setInsertionPointToStart(loop.getBody());
    at.push_back(loop.getInductionVar());
  }
  Value left = e.min(e.sub(rows, at[1]), tile);
  for (BlockState &block : blocks)
    block.scalars.map(op.getBody().getArguments(),
                      ValueRange{at[0], at[1], left, at[2]});
  return lowerBlock(op.getBody().front());
}

LogicalResult Host::lowerLoop(ForSequencesOp op) {
  Emit e = emit();
  OpBuilder::InsertionGuard guard(builder);
  Value zero = e.index(0), queries = e.index(op.getQueries()),
        tile = e.index(op.getTile()), count = e.index(op.getSequences());
  // The last sequence first: rows that are stored too far spoil those done.
  auto perSequence = scf::ForOp::create(builder, loc, zero, count, e.index(1));
  builder.setInsertionPointToStart(perSequence.getBody());
  Value sequence =
      e.sub(e.sub(count, e.index(1)), perSequence.getInductionVar());
  auto perTile = scf::ForOp::create(builder, loc, zero, queries, tile);
  builder.setInsertionPointToStart(perTile.getBody());
  Value first = perTile.getInductionVar();
  Value left = e.min(e.sub(queries, first), tile);
  for (BlockState &block : blocks)
    block.scalars.map(op.getBody().getArguments(),
                      ValueRange{sequence, first, left});
  return lowerBlock(op.getBody().front());
}

LogicalResult Host::lowerLoop(ForCacheTilesOp op) {
  OpBuilder::InsertionGuard guard(builder);
  Emit e = emit();
  Value zero = e.index(0);
  SetVector<Value> scores, states, outputs;
  for (auto softmax : op.getConsume().front().getOps<SoftmaxStepOp>()) {
    scores.insert(softmax.getScores());
    states.insert(softmax.getState());
    outputs.insert(softmax.getOutputs().begin(), softmax.getOutputs().end());
  }
  for (unsigned block = 0; block < blocks.size(); ++block) {
    for (Value output : outputs)
      fill(tile(block, output).data, 0);
    for (Value state : states) {
      Value view = stageOf(tile(block, state).data, zero);
      fill(rowsOf(view, 0, 1), -kInfinity);
      fill(rowsOf(view, 1, 1), 0);
    }
  }
  return lowerSides(op, op.getSteps(), op.getTile(), op.getStages(),
                    op.getProduce(), op.getConsume(), [&] {
                      for (unsigned block = 0; block < blocks.size(); ++block)
                        for (Value score : scores)
                          fill(tile(block, score).data, 0);
                    });
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

void Host::takeScores(SoftmaxStepOp op) {
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Emit e = emit();
    Value zero = e.index(0), one = e.index(1);
    Value scores = stageOf(tile(block, op.getScores()).data, zero);
    Value state = stageOf(tile(block, op.getState()).data, zero);
    Tile &target = tile(block, op.getProbabilities());
    Value powers = stageOf(target.data, zero);
    SmallVector<Value> outputs;
    for (Value output : op.getOutputs())
      outputs.push_back(stageOf(tile(block, output).data, zero));
    int64_t keys = target.columns(), queries = target.rows();
    Value firstKey = scalar(block, op.getKey());
    Value firstQuery = scalar(block, op.getQuery());
    Value none = e.f32(-kInfinity);
    nest(zero, e.index(queries), [&](Emit &e, ValueRange query) {
      Value q = query[0];
      Value token = e.div(e.add(firstQuery, q), e.index(op.getHeads()));
      Value end = op.getPastOnly()
                      ? e.index(op.getPast())
                      : e.add(e.add(token, one), e.index(op.getPast()));
      // A score, or minus infinity where the query does not see the key.
      auto scoreOf = [&](Emit &e, Value k) {
        Value score =
            memref::LoadOp::create(builder, loc, scores, ValueRange{k, q});
        score = e.mul(score, e.f32(op.getScale().convertToDouble()));
        return e.select(e.less(e.add(firstKey, k), end), score, none);
      };
      auto overKeys = [&](Value initial, auto body) {
        auto loop = scf::ForOp::create(builder, loc, zero, e.index(keys), one,
                                       ValueRange{initial});
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(loop.getBody());
        Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
        scf::YieldOp::create(builder, loc, next);
        return loop.getResult(0);
      };
      Value old =
          memref::LoadOp::create(builder, loc, state, ValueRange{zero, q});
      Value largest = overKeys(old, [&](Value k, Value carried) {
        return e.max(carried, scoreOf(e, k));
      });
      // Relative to no maximum there is nothing to keep.
      auto power = [&](Value value) {
        Value exp = e.exp(e.sub(value, largest));
        return e.select(e.equal(value, none), e.f32(0), exp);
      };
      Value factor = power(old);
      Value sum = overKeys(e.f32(0), [&](Value k, Value carried) {
        Value p = power(scoreOf(e, k));
        memref::StoreOp::create(builder, loc, p, powers, ValueRange{q, k});
        return e.add(carried, p);
      });
      Value before =
          memref::LoadOp::create(builder, loc, state, ValueRange{one, q});
      memref::StoreOp::create(builder, loc, largest, state,
                              ValueRange{zero, q});
      memref::StoreOp::create(builder, loc, e.add(e.mul(before, factor), sum),
                              state, ValueRange{one, q});
      for (Value output : outputs) {
        int64_t columns = cast<MemRefType>(output.getType()).getDimSize(0);
        nest(zero, e.index(columns), [&](Emit &e, ValueRange column) {
          SmallVector<Value> at = {column[0], q};
          Value value = memref::LoadOp::create(builder, loc, output, at);
          memref::StoreOp::create(builder, loc, e.mul(value, factor), output,
                                  at);
        });
      }
    });
    settle(target, zero, /*narrowed=*/true);
  }
}

void Host::attend(AttendOp op) {
  MLIRContext *context = builder.getContext();
  AffineExpr c, q, k;
  bindDims(context, c, q, k);
  auto map = [&](AffineExpr a, AffineExpr b) {
    return AffineMap::get(3, 0, {a, b}, context);
  };
  auto parallel = utils::IteratorType::parallel;
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Value stage = scalar(block, op.getStage()), zero = emit().index(0);
    Value latent = stageOf(tile(block, op.getLatent()).data, stage);
    Value powers = stageOf(tile(block, op.getProbabilities()).data, zero);
    Value sums = stageOf(tile(block, op.getSums()).data, zero);
    linalg::GenericOp::create(
        builder, loc, ValueRange{latent, powers}, ValueRange{sums},
        ArrayRef<AffineMap>{map(k, c), map(q, k), map(c, q)},
        ArrayRef<utils::IteratorType>{parallel, parallel,
                                      utils::IteratorType::reduction},
        [](OpBuilder &inner, Location loc, ValueRange args) {
          Emit e(inner, loc);
          linalg::YieldOp::create(inner, loc,
                                  e.add(args[2], e.mul(args[0], args[1])));
        });
  }
}

void Host::normalize(NormalizeOp op) {
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Tile &target = tile(block, op.getResult());
    Emit e = emit();
    Value zero = e.index(0), one = e.index(1);
    Value sums = stageOf(tile(block, op.getSums()).data, zero);
    Value state = stageOf(tile(block, op.getState()).data, zero);
    Value view = stageOf(target.data, zero);
    nest({zero, zero}, {e.index(target.rows()), e.index(target.columns())},
         [&](Emit &e, ValueRange at) {
           Value value = memref::LoadOp::create(builder, loc, sums,
                                                ValueRange{at[1], at[0]});
           Value sum = memref::LoadOp::create(builder, loc, state,
                                              ValueRange{one, at[0]});
           Value none = e.equal(sum, e.f32(0));
           Value result = e.div(value, e.select(none, e.f32(1), sum));
           memref::StoreOp::create(builder, loc, result, view, at);
         });
    settle(target, zero, /*narrowed=*/true);
  }
}

void Host::storeLogSumExp(StoreLogSumExpOp op) {
  Value target = buffers.lookup(op.getTarget());
  Type element = cast<MemRefType>(target.getType()).getElementType();
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Emit e = emit();
    Value zero = e.index(0), one = e.index(1);
    Value state = stageOf(tile(block, op.getState()).data, zero);
    int64_t queries = cast<MemRefType>(state.getType()).getDimSize(1);
    Value offset = scalar(block, op.getOffset());
    Value size = memref::DimOp::create(builder, loc, target, 0);
    Value rows = e.min(e.min(scalar(block, op.getRows()), e.index(queries)),
                       e.sub(size, offset));
    nest(zero, rows, [&](Emit &e, ValueRange at) {
      Value largest =
          memref::LoadOp::create(builder, loc, state, ValueRange{zero, at[0]});
      Value sum =
          memref::LoadOp::create(builder, loc, state, ValueRange{one, at[0]});
      Value log = math::LogOp::create(builder, loc, sum);
      memref::StoreOp::create(builder, loc,
                              e.cast(e.add(largest, log), element), target,
                              ValueRange{e.add(offset, at[0])});
    });
  }
}
