//===- Experts.cpp - the expert block on one rank -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three forms of exchange (Partition.h): rows sent once per rank that needs
// them (or once per domain, then per rank in it) and summed on return; rows
// gathered by all ranks and partial sums scattered; none, with partial sums
// left to the end of the block.
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

RankedTensorType raggedLike(Value value) {
  return RankedTensorType::get({ShapedType::kDynamic, lastDim(value)},
                               tensorOf(value).getElementType());
}

/// The combine that puts back what `op` hands out, or null.
moe::CombineOp combineOf(moe::DispatchOp op) {
  for (Operation *user : op.getIndices().getUsers())
    if (auto combine = dyn_cast<moe::CombineOp>(user))
      return combine;
  return nullptr;
}

} // namespace

/// The same expectations, of the slowest rank, as in Partition.cpp.
BodyEmitter::Loads BodyEmitter::loads() const {
  const Deployment &deployment = geometry.deployment;
  Loads result;
  int64_t total = geometry.totalRows(half);
  result.experts =
      problem.plan.is(PlanClass::placementForm, PlacementForm::spatial)
          ? sideBySideLoad(problem.popularity, problem.experts, problem.topK,
                           total)
          : expertLoad(problem.popularity, problem.experts, problem.topK,
                       deployment.ep, total, problem.redundant());
  // Rank 0 holds the most sequences, and its first slice is the longest.
  int64_t slowest =
      llvm::divideCeil(geometry.sequencesOf(0, half) * geometry.newTokens,
                       geometry.equalRanks());
  if (problem.sendsRows())
    result.levels = exchangeLevels(
        Exchange(problem.plan.get(PlanClass::dispatchExchange)), deployment,
        problem.experts, problem.topK, problem.groups, problem.topGroups, total,
        slowest, result.experts);
  return result;
}

LogicalResult BodyEmitter::emitRoute(moe::RouteOp op) {
  FailureOr<Value> input = regional(op.getInput());
  FailureOr<Value> router = replicated(op.getRouter());
  FailureOr<Value> bias = Value(), correction = Value();
  if (op.getBias())
    bias = replicated(op.getBias());
  if (op.getCorrection())
    correction = replicated(op.getCorrection());
  FailureOr<Value> ids = Value(), table = Value();
  if (op.getTable()) {
    ids = regional(op.getIds());
    table = replicated(op.getTable());
  }
  if (failed(input) || failed(router) || failed(bias) || failed(correction) ||
      failed(ids) || failed(table))
    return failure();
  auto local = moe::RouteOp::create(
      builder, op.getLoc(),
      rowsType(op, op.getWeights(), int64_t(op.getTopK())),
      rowsType(op, op.getIndices(), int64_t(op.getTopK())), *input, *router,
      *bias, *correction, *ids, *table, op.getTopKAttr(), op.getScoringAttr(),
      op.getGroupsAttr(), op.getTopGroupsAttr(), op.getNormalizeAttr(),
      op.getScaleAttr(), op.getGroupRankAttr(), op.getJitterAttr());
  defineRegional(op.getWeights(), local.getWeights(), /*partial=*/false);
  defineRegional(op.getIndices(), local.getIndices(), /*partial=*/false);
  return success();
}

Value BodyEmitter::chooseCopy(Location loc, Value indices) {
  if (problem.slots.empty())
    return indices;
  return spmd::ChooseCopyOp::create(
      builder, loc, indices.getType(), indices, i64(problem.experts),
      builder.getDenseI64ArrayAttr(problem.slots));
}

BodyEmitter::Exchanged::Level
BodyEmitter::exchange(Location loc, const ExchangeLevel &level,
                      SmallVectorImpl<Value> &values) {
  Exchanged::Level result;
  if (tensorOf(values[1]).isDynamicDim(0))
    result.packed = values[1];
  // Across domains all experts are in question, inside one those of its ranks.
  int64_t experts = geometry.expertsOf(
      problem.slotCount(), level.group.size / level.expertTp * level.holders);
  auto countsType =
      RankedTensorType::get({level.group.size}, builder.getI32Type());
  auto pack = spmd::PackOp::create(
      builder, loc, raggedLike(values[0]), raggedLike(values[1]),
      raggedLike(values[2]),
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type()),
      countsType, values[0], values[1], values[2], i64(experts),
      groupAttr(level.group), i64(level.expertTp), i64(level.holders),
      load(level.packedMean, level.packedMax, 0), sent());
  result.tokens = pack.getTokens();
  result.sent = result.received = pack.getCounts();
  values.assign({pack.getRows(), pack.getRowWeights(), pack.getRowIndices()});
  if (level.group.size == 1)
    return result;
  result.received = spmd::AllToAllOp::create(
      builder, loc, countsType, result.sent, groupAttr(level.group));
  auto exchanged = spmd::AllToAllVOp::create(
      builder, loc, TypeRange(ValueRange(values)), values, result.sent,
      result.received, groupAttr(level.group),
      load(level.receivedMean, level.exchangedMax(), 0), sent());
  values.assign(exchanged.result_begin(), exchanged.result_end());
  return result;
}

LogicalResult BodyEmitter::emitDispatch(moe::DispatchOp op) {
  Location loc = op.getLoc();
  moe::CombineOp combine = combineOf(op);
  if (!combine)
    return op.emitOpError("expects a moe.combine with the same indices");
  if (op.getWeights() && op.getWeights() != combine.getWeights())
    return op.emitOpError("expects the weights of its moe.combine");
  FailureOr<Value> rows = regional(op.getInput());
  FailureOr<Value> weights = regional(combine.getWeights());
  FailureOr<Value> indices = regional(op.getIndices());
  if (failed(rows) || failed(weights) || failed(indices))
    return failure();
  if (op.getFirstExpert() != 0 || lastDim(op.getCounts()) != problem.experts)
    return op.emitOpError("expects a dispatch to all ")
           << problem.experts << " experts";
  const Deployment &deployment = geometry.deployment;
  int64_t localExperts =
      geometry.block(problem.slotCount(), deployment.ep, deployment.expertTp);
  Loads expected = loads();
  Group stage = geometry.stageGroup();
  Exchanged state;
  if (problem.sendsRows()) {
    SmallVector<Value> values = {*rows, *weights, chooseCopy(loc, *indices)};
    for (const ExchangeLevel &level : expected.levels)
      state.levels.push_back(exchange(loc, level, values));
    *rows = values[0];
    state.weights = values[1];
    state.indices = values[2];
  } else {
    SmallVector<Value> gathered = {*rows, *weights, *indices};
    if (problem.exchanges())
      gathered =
          allGather(loc, gathered, stage, 0, geometry.slicedRows(half), sent());
    *rows = gathered[0];
    state.weights = gathered[1];
    state.indices = spmd::LocalizeOp::create(
        builder, loc, gathered[2].getType(), chooseCopy(loc, gathered[2]),
        i64(problem.slotCount()), groupAttr(geometry.expertGroup()));
  }
  auto dispatch = moe::DispatchOp::create(
      builder, loc, raggedLike(*rows),
      RankedTensorType::get({localExperts}, builder.getI32Type()), *rows,
      state.indices, op.getWeights() ? state.weights : Value(), i64(0),
      load(expected.experts.meanRows, expected.experts.maxRows,
           expected.experts.hitExperts),
      sent());
  defineRegional(op.getRows(), dispatch.getRows(), /*partial=*/false);
  defineRegional(op.getCounts(), dispatch.getCounts(), /*partial=*/false);
  exchanges[op.getIndices()] = state;
  return success();
}

LogicalResult BodyEmitter::emitExperts(moe::ExpertsOp op) {
  FailureOr<Value> rows = regional(op.getRows());
  FailureOr<Value> counts = regional(op.getCounts());
  if (failed(rows) || failed(counts))
    return failure();
  DimSplit expert = geometry.expert(problem.slots),
           inner = geometry.expertTensor();
  DimSplit whole = geometry.whole();
  auto weight = [&](Value value, const Layout &layout) {
    return value ? outside(value, layout) : FailureOr<Value>(Value());
  };
  FailureOr<Value> gate = weight(op.getGate(), {expert, whole, inner});
  FailureOr<Value> up = weight(op.getUp(), {expert, whole, inner});
  FailureOr<Value> down = weight(op.getDown(), {expert, inner, whole});
  FailureOr<Value> gateBias = weight(op.getGateBias(), {expert, inner});
  FailureOr<Value> upBias = weight(op.getUpBias(), {expert, inner});
  FailureOr<Value> downBias = weight(op.getDownBias(), {expert, whole});
  if (failed(gate) || failed(up) || failed(down) || failed(gateBias) ||
      failed(upBias) || failed(downBias))
    return failure();
  Loads expected = loads();
  Value result = moe::ExpertsOp::create(
      builder, op.getLoc(), rows->getType(), *rows, *counts, *gate, *up, *down,
      *gateBias, *upBias, *downBias, op.getActivationAttr(), op.getLimitAttr(),
      op.getAlphaAttr(), op.getLinearOffsetAttr(),
      load(expected.experts.meanRows, expected.experts.maxRows,
           expected.experts.hitExperts),
      feedForwardWeight(op.getWeightFormat()),
      feedForwardActivation(op.getActivationFormat()),
      // Each of the ranks that share a contraction adds its share of the bias.
      i64(int64_t(op.getBiasShare()) * inner.parts), op.getGateCapAttr(),
      op.getLinearCapAttr(), op.getLimitsActivatedAttr());
  defineRegional(op.getResult(), result, /*partial=*/false);
  return success();
}

LogicalResult BodyEmitter::emitCombine(moe::CombineOp op) {
  Location loc = op.getLoc();
  auto known = exchanges.find(op.getIndices());
  FailureOr<Value> rows = regional(op.getRows());
  if (failed(rows) || known == exchanges.end())
    return failure();
  const Exchanged &state = known->second;
  const Deployment &deployment = geometry.deployment;
  int64_t localExperts =
      geometry.block(problem.slotCount(), deployment.ep, deployment.expertTp);
  Loads expected = loads();
  moe::LoadAttr resultLoad;
  if (problem.sendsRows())
    resultLoad = load(expected.levels.back().receivedMean,
                      expected.levels.back().receivedMax, 0);
  SmallVector<int64_t> shape(tensorOf(state.indices).getShape());
  shape.back() = lastDim(*rows);
  Value result = moe::CombineOp::create(
      builder, loc, tensorOf(*rows).clone(shape), *rows, state.weights,
      state.indices, i64(localExperts), i64(0),
      load(expected.experts.meanRows, expected.experts.maxRows,
           expected.experts.hitExperts),
      resultLoad, op.getWeightsAppliedAttr());
  Group stage = geometry.stageGroup();
  if (problem.sendsRows()) {
    // Back the way they came.
    for (size_t i = state.levels.size(); i-- > 0;) {
      const ExchangeLevel &level = expected.levels[i];
      const Exchanged::Level &way = state.levels[i];
      if (level.group.size > 1) {
        auto back = spmd::AllToAllVOp::create(
            builder, loc, TypeRange(result.getType()), ValueRange(result),
            way.received, way.sent, groupAttr(level.group),
            load(level.receivedMean, level.exchangedMax(), 0),
            moe::FormatAttr());
        result = back.getResult(0);
      }
      RankedTensorType type =
          way.packed ? raggedLike(result)
                     : rowsType(op, op.getResult(), lastDim(result));
      moe::LoadAttr unpacked;
      if (way.packed)
        unpacked = load(expected.levels[i - 1].receivedMean,
                        expected.levels[i - 1].receivedMax, 0);
      result = spmd::UnpackOp::create(
          builder, loc, type, result, way.tokens, way.packed,
          load(level.packedMean, level.packedMax, 0), unpacked);
    }
  } else if (problem.exchanges() && stage.size > 1) {
    SmallVector<int64_t> sizes = geometry.slicedRows(half);
    result = spmd::ReduceScatterOp::create(
        builder, loc,
        tensorOf(result).clone({sizes[geometry.rank], lastDim(result)}), result,
        groupAttr(stage), i64(0), builder.getDenseI64ArrayAttr(sizes),
        moe::FormatAttr());
  }
  defineRegional(op.getResult(), result, /*partial=*/!problem.exchanges());
  return success();
}
