//===- Recurrence.cpp - states of fixed size on one rank ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Heads, and the channels that belong to them, are split over the tensor axis.
// A state is updated by every token of its sequence, which is therefore never
// spread over ranks.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/BodyEmitter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

namespace {

int64_t lastDim(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

} // namespace

LogicalResult BodyEmitter::emitShortConvolution(moe::ShortConvolutionOp op) {
  if (geometry.deployment.cp > 1)
    return op.emitOpError("expects whole sequences, got attention_cp ")
           << geometry.deployment.cp;
  OpRole role = roles.lookup(op);
  DimSplit channels;
  if (role.sharding == Sharding::columns && role.units > 0) {
    FailureOr<DimSplit> split =
        headSplit(op, role.units, lastDim(op.getInput()));
    if (failed(split))
      return failure();
    channels = *split;
  }
  Layout state = {geometry.batch(), geometry.whole(), channels};
  FailureOr<Value> input = activation(op.getInput());
  FailureOr<Value> weight =
      outside(op.getWeight(), {channels, geometry.whole()});
  FailureOr<Value> bias = Value();
  if (op.getBias())
    bias = outside(op.getBias(), {channels});
  FailureOr<Value> past = outside(op.getPast(), state);
  if (failed(input) || failed(weight) || failed(bias) || failed(past))
    return failure();
  auto local = moe::ShortConvolutionOp::create(
      builder, op.getLoc(), input->getType(), past->getType(), *input, *weight,
      *bias, *past, op.getActivationAttr());
  define(op.getResult(), local.getResult());
  define(op.getPresent(), local.getPresent(), state);
  return success();
}

LogicalResult BodyEmitter::emitRecurrence(moe::RecurrenceOp op) {
  int64_t tp = geometry.deployment.tp;
  if (geometry.deployment.cp > 1)
    return op.emitOpError("expects whole sequences, got attention_cp ")
           << geometry.deployment.cp;
  int64_t heads = op.getHeads(), keyHeads = op.getKeyHeads();
  if (heads % tp != 0 || (keyHeads % tp != 0 && tp % keyHeads != 0))
    return op.emitOpError("expects heads that attention_tp ")
           << tp << " divides, got " << heads << " in " << keyHeads
           << " groups";
  FailureOr<DimSplit> headDim = headSplit(op, heads, heads);
  FailureOr<DimSplit> keyDim = headSplit(op, keyHeads, keyHeads);
  if (failed(headDim) || failed(keyDim))
    return failure();
  Layout state = {geometry.batch(), *headDim, geometry.whole(),
                  geometry.whole()};
  auto perHead = [&](Value weight) -> FailureOr<Value> {
    if (!weight)
      return Value();
    Layout layout(cast<RankedTensorType>(weight.getType()).getRank(),
                  geometry.whole());
    int64_t width = cast<RankedTensorType>(weight.getType()).getDimSize(0);
    FailureOr<DimSplit> split = headSplit(op, heads, width);
    if (failed(split))
      return failure();
    layout[0] = *split;
    return outside(weight, layout);
  };
  auto optional = [&](Value value) -> FailureOr<Value> {
    return value ? activation(value) : FailureOr<Value>(Value());
  };
  FailureOr<Value> query = activation(op.getQuery());
  FailureOr<Value> key = activation(op.getKey());
  FailureOr<Value> value = activation(op.getValue());
  FailureOr<Value> step = optional(op.getStep());
  FailureOr<Value> strength = optional(op.getStrength());
  FailureOr<Value> decay = perHead(op.getDecay());
  FailureOr<Value> stepBias = perHead(op.getStepBias());
  FailureOr<Value> skip = perHead(op.getSkip());
  FailureOr<Value> past = outside(op.getPast(), state);
  if (failed(query) || failed(key) || failed(value) || failed(step) ||
      failed(strength) || failed(decay) || failed(stepBias) || failed(skip) ||
      failed(past))
    return failure();
  auto local = moe::RecurrenceOp::create(
      builder, op.getLoc(), value->getType(), past->getType(), *query, *key,
      *value, *step, *strength, *decay, *stepBias, *skip, *past,
      op.getKindAttr(), i64(geometry.extent(heads, *headDim)),
      i64(geometry.extent(keyHeads, *keyDim)), op.getScaleAttr(),
      op.getNormalizeAttr(), op.getLowerBoundAttr(), op.getChunkAttr());
  define(op.getResult(), local.getResult());
  define(op.getPresent(), local.getPresent(), state);
  return success();
}
