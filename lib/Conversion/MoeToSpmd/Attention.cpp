//===- Attention.cpp - attention on one rank ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Heads are split over the tensor axis; where there are fewer key-value heads
// than ranks, neighbours hold copies. With a context axis each rank attends to
// its block of the cache and the parts are merged by their log-sum-exp; the new
// token belongs to the last rank's block.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/BodyEmitter.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t lastDim(Value value) { return tensorOf(value).getShape().back(); }

/// `past` grown by `newTokens` along `dim`.
RankedTensorType grown(Value past, unsigned dim, int64_t newTokens) {
  SmallVector<int64_t> shape(tensorOf(past).getShape());
  shape[dim] += newTokens;
  return tensorOf(past).clone(shape);
}

} // namespace

/// Gathers the parts of all ranks of the context group and merges them.
FailureOr<Value> BodyEmitter::mergeContext(Operation *op, Value values,
                                           Value logSumExp) {
  Group group = geometry.contextGroup();
  if (group.size == 1)
    return values;
  SmallVector<int64_t> sizes(group.size, tensorOf(values).getDimSize(0));
  SmallVector<Value> parts =
      allGather(op->getLoc(), {values, logSumExp}, group, 0, sizes, {});
  return Value(spmd::MergePartialsOp::create(builder, op->getLoc(),
                                             values.getType(), parts[0],
                                             parts[1], i64(group.size)));
}

LogicalResult BodyEmitter::emitAttention(moe::AttentionOp op) {
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads();
  int64_t tp = geometry.deployment.tp;
  if (heads % tp != 0 && heads != kvHeads)
    return op.emitOpError("expects grouped heads that attention_tp ")
           << tp << " divides, got " << heads;
  if (geometry.deployment.cp > 1 &&
      (op.getWindow() > 0 || op.getChunk() > 0 ||
       op.getTemperatureFloor() > 0 || op.getSinks() || op.getTotalLengths()))
    return op.emitOpError("expects no window, chunk, temperature, sinks or "
                          "total_lengths where attention_cp spreads the "
                          "context");
  if (kvHeads >= tp && kvHeads % tp != 0 && heads != kvHeads)
    return op.emitOpError("expects key-value heads that attention_tp ")
           << tp << " divides, got " << kvHeads;
  FailureOr<DimSplit> headDim = headSplit(op, heads, heads);
  FailureOr<DimSplit> kvDim = headSplit(op, kvHeads, kvHeads);
  if (failed(headDim) || failed(kvDim))
    return failure();
  Layout cacheLayout = {geometry.batch(), *kvDim, geometry.context(),
                        geometry.whole()};
  FailureOr<Value> query = activation(op.getQuery());
  FailureOr<Value> key = activation(op.getKey());
  FailureOr<Value> value = activation(op.getValue());
  FailureOr<Value> pastKey = outside(op.getPastKey(), cacheLayout);
  FailureOr<Value> pastValue = outside(op.getPastValue(), cacheLayout);
  FailureOr<Value> sinks = Value();
  if (op.getSinks())
    sinks = outside(op.getSinks(), {*headDim});
  if (failed(query) || failed(key) || failed(value) || failed(pastKey) ||
      failed(pastValue) || failed(sinks))
    return failure();
  int64_t newTokens = tensorOf(op.getQuery()).getDimSize(1);
  FailureOr<Value> lengths = Value();
  if (op.getTotalLengths())
    lengths = activation(op.getTotalLengths());
  if (failed(lengths))
    return failure();
  // The new tokens belong to the last block of the context.
  bool keeps = geometry.deployment.cp == 1 || geometry.isLastOfContext();
  int64_t localHeads = geometry.extent(heads, *headDim);
  int64_t localKvHeads = geometry.extent(kvHeads, *kvDim);
  RankedTensorType type =
      rowsType(op, op.getResult(), localHeads * lastDim(*pastValue));
  Type lse;
  if (geometry.deployment.cp > 1)
    lse = RankedTensorType::get({type.getDimSize(0), newTokens, localHeads},
                                builder.getF32Type());
  auto local = moe::AttentionOp::create(
      builder, op.getLoc(), type, grown(*pastKey, 2, newTokens),
      grown(*pastValue, 2, newTokens), lse, *query, *key, *value, *pastKey,
      *pastValue, *lengths, *sinks, i64(localHeads), i64(localKvHeads),
      op.getScaleAttr(), op.getWindowAttr(), op.getSoftCapAttr(),
      cache(op.getCacheFormat()), keeps ? UnitAttr() : builder.getUnitAttr(),
      op.getChunkAttr(), op.getTemperatureFloorAttr(),
      op.getTemperatureScaleAttr());
  FailureOr<Value> merged =
      mergeContext(op, local.getResult(), local.getLogSumExp());
  if (failed(merged))
    return failure();
  define(op.getResult(), *merged);
  define(op.getPresentKey(), keeps ? Value(local.getPresentKey()) : *pastKey,
         cacheLayout);
  define(op.getPresentValue(),
         keeps ? Value(local.getPresentValue()) : *pastValue, cacheLayout);
  return success();
}

LogicalResult BodyEmitter::emitSparseAttention(moe::SparseAttentionOp op) {
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads();
  int64_t tp = geometry.deployment.tp;
  if (geometry.deployment.cp > 1)
    return op.emitOpError("expects the whole context to choose from, got "
                          "attention_cp ")
           << geometry.deployment.cp;
  if (heads % tp != 0 || (kvHeads % tp != 0 && tp % kvHeads != 0))
    return op.emitOpError("expects grouped heads that attention_tp ")
           << tp << " divides, got " << heads << " in " << kvHeads << " groups";
  FailureOr<DimSplit> headDim = headSplit(op, heads, heads);
  FailureOr<DimSplit> kvDim = headSplit(op, kvHeads, kvHeads);
  if (failed(headDim) || failed(kvDim))
    return failure();
  Layout cacheLayout = {geometry.batch(), *kvDim, geometry.whole(),
                        geometry.whole()};
  Layout indexLayout = {geometry.batch(), geometry.whole(), geometry.whole()};
  FailureOr<Value> query = activation(op.getQuery());
  FailureOr<Value> key = activation(op.getKey());
  FailureOr<Value> value = activation(op.getValue());
  FailureOr<Value> indexQuery = activation(op.getIndexQuery());
  FailureOr<Value> indexKey = activation(op.getIndexKey());
  FailureOr<Value> pastKey = outside(op.getPastKey(), cacheLayout);
  FailureOr<Value> pastValue = outside(op.getPastValue(), cacheLayout);
  FailureOr<Value> pastIndex = outside(op.getPastIndex(), indexLayout);
  if (failed(query) || failed(key) || failed(value) || failed(indexQuery) ||
      failed(indexKey) || failed(pastKey) || failed(pastValue) ||
      failed(pastIndex))
    return failure();
  int64_t newTokens = tensorOf(op.getQuery()).getDimSize(1);
  int64_t localHeads = geometry.extent(heads, *headDim);
  int64_t localKvHeads = geometry.extent(kvHeads, *kvDim);
  auto local = moe::SparseAttentionOp::create(
      builder, op.getLoc(),
      rowsType(op, op.getResult(), localHeads * lastDim(*pastValue)),
      grown(*pastKey, 2, newTokens), grown(*pastValue, 2, newTokens),
      grown(*pastIndex, 1, newTokens), *query, *key, *value, *indexQuery,
      *indexKey, *pastKey, *pastValue, *pastIndex, i64(localHeads),
      i64(localKvHeads), op.getScaleAttr(), op.getBlockAttr(),
      op.getTopBlocksAttr(), op.getLocalBlocksAttr(),
      cache(op.getCacheFormat()));
  define(op.getResult(), local.getResult());
  define(op.getPresentKey(), local.getPresentKey(), cacheLayout);
  define(op.getPresentValue(), local.getPresentValue(), cacheLayout);
  define(op.getPresentIndex(), local.getPresentIndex(), indexLayout);
  return success();
}

LogicalResult BodyEmitter::emitLatentAttention(moe::LatentAttentionOp op) {
  if (geometry.deployment.cp > 1 && op.getTotalLengths())
    return op.emitOpError("expects no total_lengths where attention_cp spreads "
                          "the context");
  if (geometry.deployment.cp > 1 && tensorOf(op.getPastLatent()).getRank() == 4)
    return op.emitOpError("expects latent caches where attention_cp spreads "
                          "the context, got ")
           << op.getPastLatent().getType();
  FailureOr<DimSplit> headDim = headSplit(op, op.getHeads(), op.getHeads());
  if (failed(headDim))
    return failure();
  // The graph's contract may keep the keys and values of each head.
  bool expanded = tensorOf(op.getPastLatent()).getRank() == 4;
  unsigned contextDim = expanded ? 2 : 1;
  Layout cacheLayout = {geometry.batch(), geometry.context(), geometry.whole()};
  if (expanded)
    cacheLayout.insert(cacheLayout.begin() + 1, *headDim);
  Layout weightLayout = {*headDim, geometry.whole(), geometry.whole()};
  FailureOr<Value> query = activation(op.getQuery());
  FailureOr<Value> latent = activation(op.getLatent());
  FailureOr<Value> rotaryKey = activation(op.getRotaryKey());
  FailureOr<Value> pastLatent = outside(op.getPastLatent(), cacheLayout);
  FailureOr<Value> pastRotaryKey = outside(op.getPastRotaryKey(), cacheLayout);
  FailureOr<Value> keyUp = outside(op.getKeyUp(), weightLayout);
  FailureOr<Value> valueUp = outside(op.getValueUp(), weightLayout);
  if (failed(query) || failed(latent) || failed(rotaryKey) ||
      failed(pastLatent) || failed(pastRotaryKey) || failed(keyUp) ||
      failed(valueUp))
    return failure();
  int64_t newTokens = tensorOf(op.getQuery()).getDimSize(1);
  FailureOr<Value> lengths = Value();
  if (op.getTotalLengths())
    lengths = activation(op.getTotalLengths());
  if (failed(lengths))
    return failure();
  // The new tokens belong to the last block of the context.
  bool keeps = geometry.deployment.cp == 1 || geometry.isLastOfContext();
  int64_t localHeads = geometry.extent(op.getHeads(), *headDim);
  RankedTensorType type =
      rowsType(op, op.getResult(), localHeads * lastDim(*valueUp));
  Type lse;
  if (geometry.deployment.cp > 1)
    lse = RankedTensorType::get({type.getDimSize(0), newTokens, localHeads},
                                builder.getF32Type());
  auto local = moe::LatentAttentionOp::create(
      builder, op.getLoc(), type, grown(*pastLatent, contextDim, newTokens),
      grown(*pastRotaryKey, contextDim, newTokens), lse, *query, *latent,
      *rotaryKey, *pastLatent, *pastRotaryKey, *keyUp, *valueUp, *lengths,
      i64(localHeads), op.getScaleAttr(), op.getAbsorbedAttr(),
      attentionWeight(op.getWeightFormat()), cache(op.getCacheFormat()),
      keeps ? UnitAttr() : builder.getUnitAttr());
  FailureOr<Value> merged =
      mergeContext(op, local.getResult(), local.getLogSumExp());
  if (failed(merged))
    return failure();
  define(op.getResult(), *merged);
  define(op.getPresentLatent(),
         keeps ? Value(local.getPresentLatent()) : *pastLatent, cacheLayout);
  define(op.getPresentRotaryKey(),
         keeps ? Value(local.getPresentRotaryKey()) : *pastRotaryKey,
         cacheLayout);
  return success();
}

LogicalResult BodyEmitter::emitSharedAttention(moe::SharedAttentionOp op) {
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads();
  FailureOr<DimSplit> headDim = headSplit(op, heads, heads);
  FailureOr<DimSplit> kvDim = headSplit(op, kvHeads, kvHeads);
  if (failed(headDim) || failed(kvDim))
    return failure();
  FailureOr<Value> query = activation(op.getQuery());
  if (failed(query))
    return failure();
  // The part of the caches that this rank's attention keeps.
  SmallVector<Value, 2> kept;
  for (Value whole : {op.getKeys(), op.getValues()}) {
    auto known = full.find(whole);
    if (known == full.end())
      return op.emitOpError("expects caches that an attention of the same "
                            "function keeps");
    kept.push_back(known->second.value);
  }
  bool keeps = geometry.deployment.cp == 1 || geometry.isLastOfContext();
  int64_t localHeads = geometry.extent(heads, *headDim);
  RankedTensorType type =
      rowsType(op, op.getResult(), localHeads * lastDim(kept[1]));
  Type lse;
  if (geometry.deployment.cp > 1)
    lse = RankedTensorType::get(
        {type.getDimSize(0), tensorOf(op.getQuery()).getDimSize(1), localHeads},
        builder.getF32Type());
  auto local = moe::SharedAttentionOp::create(
      builder, op.getLoc(), type, lse, *query, kept[0], kept[1],
      i64(localHeads), i64(geometry.extent(kvHeads, *kvDim)), op.getScaleAttr(),
      cache(op.getCacheFormat()), keeps ? UnitAttr() : builder.getUnitAttr());
  FailureOr<Value> merged =
      mergeContext(op, local.getResult(), local.getLogSumExp());
  if (failed(merged))
    return failure();
  define(op.getResult(), *merged);
  return success();
}

/// Latent attention to some keys: `rows` and `pasts` are its operands before
/// the up-projections, `presents` its caches after the step.
template <typename Op>
LogicalResult BodyEmitter::emitSomeKeys(Op op, ValueRange rows,
                                        ValueRange pasts, ValueRange presents,
                                        Value chosen) {
  if (geometry.deployment.cp > 1)
    return op.emitOpError("expects no attention_cp, as the index chooses among "
                          "all keys, got ")
           << geometry.deployment.cp;
  FailureOr<DimSplit> headDim = headSplit(op, op.getHeads(), op.getHeads());
  if (failed(headDim))
    return failure();
  Layout cacheLayout = {geometry.batch(), geometry.whole(), geometry.whole()};
  Layout weightLayout = {*headDim, geometry.whole(), geometry.whole()};
  SmallVector<Value> operands;
  for (Value value : rows) {
    FailureOr<Value> local = activation(value);
    if (failed(local))
      return failure();
    operands.push_back(*local);
  }
  int64_t localHeads = geometry.extent(op.getHeads(), *headDim);
  SmallVector<Type> types = {
      rowsType(op, op.getResult(), localHeads * lastDim(op.getValueUp()))};
  int64_t newTokens = tensorOf(op.getQuery()).getDimSize(1);
  for (Value value : pasts) {
    FailureOr<Value> local = outside(value, cacheLayout);
    if (failed(local))
      return failure();
    operands.push_back(*local);
    types.push_back(grown(*local, 1, newTokens));
  }
  for (Value value : {op.getKeyUp(), op.getValueUp()}) {
    FailureOr<Value> local = outside(value, weightLayout);
    if (failed(local))
      return failure();
    operands.push_back(*local);
  }
  if (chosen)
    types.push_back(rowsType(op, chosen, lastDim(chosen)));
  NamedAttrList attributes(op->getAttrs());
  attributes.set(op.getHeadsAttrName(), i64(localHeads));
  if (moe::FormatAttr weight = attentionWeight(op.getWeightFormat()))
    attributes.set(op.getWeightFormatAttrName(), weight);
  if (moe::FormatAttr format = cache(op.getCacheFormat()))
    attributes.set(op.getCacheFormatAttrName(), format);
  auto local =
      Op::create(builder, op.getLoc(), types, operands, attributes.getAttrs());
  define(op.getResult(), local.getResult());
  for (auto [whole, own] :
       llvm::zip(presents, local->getResults().drop_front()))
    define(whole, own, cacheLayout);
  if (chosen)
    define(chosen, local->getResults().back());
  return success();
}

LogicalResult
BodyEmitter::emitIndexedLatentAttention(moe::IndexedLatentAttentionOp op) {
  // The index is whole on every rank, and so is what it chooses.
  return emitSomeKeys(
      op,
      {op.getQuery(), op.getLatent(), op.getRotaryKey(), op.getIndexQuery(),
       op.getIndexKey(), op.getIndexWeights()},
      {op.getPastLatent(), op.getPastRotaryKey(), op.getPastIndex()},
      {op.getPresentLatent(), op.getPresentRotaryKey(), op.getPresentIndex()},
      op.getChosen());
}

LogicalResult
BodyEmitter::emitChosenLatentAttention(moe::ChosenLatentAttentionOp op) {
  return emitSomeKeys(
      op, {op.getQuery(), op.getLatent(), op.getRotaryKey(), op.getChosen()},
      {op.getPastLatent(), op.getPastRotaryKey()},
      {op.getPresentLatent(), op.getPresentRotaryKey()}, /*chosen=*/Value());
}
