//===- Pooled.cpp - pooled keys and attention to them on one rank ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All heads share a key per token and an entry per window: ranks that share a
// sequence all pool it, and each attends with its own heads. The groups of the
// projection behind them stay whole.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/BodyEmitter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

} // namespace

LogicalResult BodyEmitter::emitPoolKeys(moe::PoolKeysOp op) {
  if (geometry.deployment.cp > 1)
    return op.emitOpError("expects whole sequences, got attention_cp ")
           << geometry.deployment.cp;
  Layout cacheLayout = {geometry.batch(), geometry.whole(), geometry.whole()};
  FailureOr<Value> values = activation(op.getValues());
  FailureOr<Value> scores = activation(op.getScores());
  FailureOr<Value> bias = replicated(op.getBias());
  FailureOr<Value> gain = replicated(op.getGain());
  FailureOr<Value> positions = activation(op.getPositions());
  FailureOr<Value> cosine = replicated(op.getCosine());
  FailureOr<Value> sine = replicated(op.getSine());
  FailureOr<Value> past = outside(op.getPast(), cacheLayout);
  FailureOr<Value> rows = outside(op.getPastRows(), cacheLayout);
  if (failed(values) || failed(scores) || failed(bias) || failed(gain) ||
      failed(positions) || failed(cosine) || failed(sine) || failed(past) ||
      failed(rows))
    return failure();
  SmallVector<int64_t> shape(tensorOf(op.getPresent()).getShape());
  shape[0] = tensorOf(*past).getDimSize(0);
  auto local = moe::PoolKeysOp::create(
      builder, op.getLoc(), tensorOf(*past).clone(shape), rows->getType(),
      *values, *scores, *bias, *gain, *positions, *cosine, *sine, *past, *rows,
      op.getEpsilonAttr(), cache(op.getCacheFormat()));
  define(op.getPresent(), local.getPresent(), cacheLayout);
  define(op.getPresentRows(), local.getPresentRows(), cacheLayout);
  return success();
}

LogicalResult BodyEmitter::emitPooledAttention(moe::PooledAttentionOp op) {
  if (geometry.deployment.cp > 1)
    return op.emitOpError("expects no attention_cp, as a window lies on one "
                          "rank, got ")
           << geometry.deployment.cp;
  FailureOr<DimSplit> headDim = headSplit(op, op.getHeads(), op.getHeads());
  if (failed(headDim))
    return failure();
  Layout cacheLayout = {geometry.batch(), geometry.whole(), geometry.whole()};
  auto optional = [&](Value value) -> FailureOr<Value> {
    return value ? activation(value) : FailureOr<Value>(Value());
  };
  FailureOr<Value> query = activation(op.getQuery());
  FailureOr<Value> key = activation(op.getKey());
  FailureOr<Value> past = outside(op.getPastKey(), cacheLayout);
  FailureOr<Value> entries = optional(op.getEntries());
  FailureOr<Value> indexQuery = optional(op.getIndexQuery());
  FailureOr<Value> indexWeights = optional(op.getIndexWeights());
  FailureOr<Value> indexEntries = optional(op.getIndexEntries());
  FailureOr<Value> sinks = Value();
  if (op.getSinks())
    sinks = outside(op.getSinks(), {*headDim});
  if (failed(query) || failed(key) || failed(past) || failed(entries) ||
      failed(indexQuery) || failed(indexWeights) || failed(indexEntries) ||
      failed(sinks))
    return failure();
  int64_t localHeads = geometry.extent(op.getHeads(), *headDim);
  int64_t width = tensorOf(op.getKey()).getShape().back();
  SmallVector<int64_t> grown(tensorOf(*past).getShape());
  grown[1] += tensorOf(op.getKey()).getDimSize(1);
  auto local = moe::PooledAttentionOp::create(
      builder, op.getLoc(), rowsType(op, op.getResult(), localHeads * width),
      tensorOf(*past).clone(grown), *query, *key, *past, *entries, *indexQuery,
      *indexWeights, *indexEntries, *sinks, i64(localHeads), op.getScaleAttr(),
      op.getWindowAttr(), op.getRatioAttr(), op.getTopEntriesAttr(),
      cache(op.getCacheFormat()));
  define(op.getResult(), local.getResult());
  define(op.getPresentKey(), local.getPresentKey(), cacheLayout);
  return success();
}

LogicalResult BodyEmitter::emitGroupedLinear(moe::GroupedLinearOp op) {
  OpRole role = roles.lookup(op);
  int64_t groups = tensorOf(op.getWeight()).getDimSize(0);
  int64_t width = tensorOf(op.getWeight()).getDimSize(2);
  DimSplit split;
  if (role.sharding == Sharding::columns) {
    if (groups % geometry.deployment.tp != 0)
      return op.emitOpError("expects groups that attention_tp ")
             << geometry.deployment.tp << " divides, got " << groups;
    FailureOr<DimSplit> units = headSplit(op, groups, groups);
    if (failed(units))
      return failure();
    split = *units;
  }
  FailureOr<Value> input = operand(op, op.getInput());
  FailureOr<Value> weight =
      outside(op.getWeight(), {split, geometry.whole(), geometry.whole()});
  if (failed(input) || failed(weight))
    return failure();
  if (isRegional(op))
    return op.emitOpError("expects to be outside of the expert block");
  auto [weightFormat, activationFormat] =
      projection(op, op.getWeightFormat(), op.getActivationFormat());
  define(op.getResult(), moe::GroupedLinearOp::create(
                             builder, op.getLoc(),
                             rowsType(op, op.getResult(),
                                      tensorOf(*weight).getDimSize(0) * width),
                             *input, *weight, weightFormat, activationFormat));
  return success();
}
