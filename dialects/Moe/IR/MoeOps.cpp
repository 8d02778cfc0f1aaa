//===- MoeOps.cpp - verifiers of the moe ops ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A verifier checks an op's own shapes and attributes. A dynamic dimension
// agrees with every other one.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Checks.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

#define GET_OP_CLASSES
#include "dialects/Moe/IR/MoeOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

LogicalResult WeightDataOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape())
    return emitOpError("expects a statically shaped tensor type, got ")
           << getType();
  int64_t elements = 1;
  for (int64_t dim : type.getShape())
    if (llvm::MulOverflow(elements, std::max<int64_t>(dim, 1), elements))
      return emitOpError("expects fewer than 2^63 elements, got ") << type;
  if (std::optional<ArrayRef<int64_t>> offsets = getOffsets()) {
    if (getFile().has_value() == getFiles().has_value() || !getLength() ||
        getOffset())
      return emitOpError("expects offsets with a length and either a file or "
                         "files");
    if (getValue())
      return emitOpError("expects either offsets or value, got both");
    int64_t parts = type.getRank() ? type.getDimSize(0) : 0;
    if (int64_t(offsets->size()) != parts)
      return emitOpError("expects an offset for each part of the first "
                         "dimension, ")
             << parts << ", got " << offsets->size();
    if (getFiles() && int64_t(getFiles()->size()) != parts)
      return emitOpError("expects a file for each part of the first "
                         "dimension, ")
             << parts << ", got " << getFiles()->size();
    for (int64_t offset : *offsets)
      if (offset < -1)
        return emitOpError("expects offsets >= -1, got ") << offset;
    if (int64_t(*getLength()) < 0 || (parts && *getLength() % parts != 0))
      return emitOpError("expects a length that the parts share, got ")
             << int64_t(*getLength()) << " for " << parts;
    return success();
  }
  if (getFiles())
    return emitOpError("expects files beside offsets only");
  if (getFile().has_value() != getOffset().has_value() ||
      getFile().has_value() != getLength().has_value())
    return emitOpError("expects file, offset and length together");
  if (getFile() && getValue())
    return emitOpError("expects either file or value, got both");
  if (getOffset() && (int64_t(*getOffset()) < 0 || int64_t(*getLength()) < 0))
    return emitOpError("expects offset and length >= 0, got ")
           << int64_t(*getOffset()) << " and " << int64_t(*getLength());
  if (getValue() && getValue()->getShapedType() != type)
    return emitOpError("expects a value of type ")
           << type << ", got " << getValue()->getShapedType();
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto data =
      symbols.lookupNearestSymbolFrom<WeightDataOp>(*this, getSourceAttr());
  if (!data)
    return emitOpError("expects a moe.weight_data symbol, got ")
           << getSourceAttr();
  if (data.getType() != getType())
    return emitOpError("expects the type of ")
           << getSourceAttr() << ", " << data.getType() << ", got "
           << getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Token-wise ops
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  if (failed(checkRank(*this, "table", getTable(), 2)))
    return failure();
  if (failed(checkIntegers(*this, "ids", getIds())))
    return failure();
  if (tensorOf(getResult()).getRank() != tensorOf(getIds()).getRank() + 1)
    return emitOpError("expects a result of one dimension more than ids, got ")
           << getResult().getType();
  return checkDim(*this, "result", getResult(), -1, lastDim(getTable()));
}

LogicalResult RmsNormOp::verify() {
  if (getInput().getType() != getResult().getType())
    return emitOpError("expects a result of the input's type, got ")
           << getResult().getType();
  if (failed(checkRank(*this, "gain", getGain(), 1)) ||
      failed(checkMinRank(*this, "input", getInput(), 1)))
    return failure();
  int64_t width = lastDim(getInput()), gain = lastDim(getGain());
  if (ShapedType::isDynamic(width) || gain <= 0 || width % gain != 0)
    return emitOpError("expects a gain whose size divides the width ")
           << width << ", got " << gain;
  if (failed(checkRank(*this, "shift", getShift(), 1)) ||
      failed(checkDim(*this, "shift", getShift(), 0, gain)))
    return failure();
  if (getShift() && !getCentered())
    return emitOpError("expects a shift beside centered only");
  int64_t groups = getGroups();
  if (groups < 1 || gain % groups != 0)
    return emitOpError("expects groups that divide the gain of size ")
           << gain << ", got " << groups;
  return success();
}

LogicalResult ScaleOp::verify() {
  double factor = getFactor().convertToDouble();
  double cap = getSoftCap().convertToDouble();
  // The negated form also refuses NaN.
  if (!std::isfinite(factor) || !(cap >= 0))
    return emitOpError("expects a finite factor and soft_cap >= 0, got ")
           << factor << " and " << cap;
  double limit = getLimit().convertToDouble();
  if (!(limit >= 0) || (limit > 0 && cap > 0))
    return emitOpError("expects limit >= 0, and no soft_cap beside one, got ")
           << limit << " and " << cap;
  return success();
}

LogicalResult GateOp::verify() {
  if (getInput().getType() != getResult().getType())
    return emitOpError("expects a result of the input's type, got ")
           << getResult().getType();
  bool isShared = tensorOf(getGate()).getRank() == 1;
  if (failed(checkMinRank(*this, "input", getInput(), 1)) ||
      (!isShared && failed(checkLike(*this, "gate", getGate(), getInput(),
                                     lastDim(getGate())))))
    return failure();
  int64_t width = lastDim(getInput()), gates = lastDim(getGate());
  if (ShapedType::isDynamic(width) || gates <= 0 || width % gates != 0)
    return emitOpError("expects a gate whose width divides ")
           << width << ", got " << gates;
  return success();
}

LogicalResult LinearOp::verify() {
  if (failed(checkRank(*this, "weight", getWeight(), 2)) ||
      failed(checkRank(*this, "bias", getBias(), 1)) ||
      failed(checkMinRank(*this, "input", getInput(), 1)) ||
      failed(checkDim(*this, "weight", getWeight(), 0, lastDim(getInput()))) ||
      failed(checkDim(*this, "bias", getBias(), 0, lastDim(getWeight()))))
    return failure();
  if (int64_t(getBiasShare()) < 1)
    return emitOpError("expects bias_share >= 1, got ")
           << int64_t(getBiasShare());
  if (!getLastPosition())
    return checkLike(*this, "result", getResult(), getInput(),
                     lastDim(getWeight()));
  if (failed(checkRank(*this, "input", getInput(), 3)) ||
      failed(checkRank(*this, "result", getResult(), 3)) ||
      failed(checkDim(*this, "result", getResult(), 2, lastDim(getWeight()))))
    return failure();
  int64_t positions =
      cast<RankedTensorType>(getInput().getType()).getDimSize(1);
  int64_t kept = cast<RankedTensorType>(getResult().getType()).getDimSize(1);
  if (ShapedType::isDynamic(kept) || kept < 1 ||
      (!ShapedType::isDynamic(positions) && kept > positions))
    return emitOpError("expects at least one and at most all positions in "
                       "dimension 1 of the result, got ")
           << getResult().getType();
  return success();
}

LogicalResult MlpOp::verify() {
  if (failed(checkMinRank(*this, "input", getInput(), 1)))
    return failure();
  int64_t hidden = lastDim(getInput());
  for (auto [name, value] : {std::pair<StringRef, Value>{"gate", getGate()},
                             {"up", getUp()},
                             {"down", getDown()}})
    if (failed(checkRank(*this, name, value, 2)))
      return failure();
  int64_t inner = lastDim(getUp());
  if (failed(checkDim(*this, "up", getUp(), 0, hidden)) ||
      failed(checkDim(*this, "gate", getGate(), 0, hidden)) ||
      failed(checkDim(*this, "gate", getGate(), 1, inner)) ||
      failed(checkDim(*this, "down", getDown(), 0, inner)) ||
      failed(checkCaps(*this, getActivation(), getGateCap(), getLinearCap(),
                       bool(getGate()))))
    return failure();
  return checkLike(*this, "result", getResult(), getInput(),
                   lastDim(getDown()));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Lengths are [B], or [B,P+S] with a number for each key of the grown cache,
/// whose dimension `dim` counts them.
static LogicalResult checkLengths(Operation *op, Value lengths, Value present,
                                  int64_t dim) {
  if (!lengths)
    return success();
  int64_t rank = tensorOf(lengths).getRank();
  if (rank != 1 && rank != 2)
    return op->emitOpError("expects total_lengths of rank 1 or 2, got ")
           << lengths.getType();
  if (failed(checkIntegers(op, "total_lengths", lengths)))
    return failure();
  if (rank == 1)
    return success();
  return checkDim(op, "total_lengths", lengths, 1,
                  tensorOf(present).getDimSize(dim));
}

LogicalResult RotaryTableOp::verify() {
  if (getCosine().getType() != getSine().getType())
    return emitOpError("expects two tables of one type, got ")
           << getCosine().getType() << " and " << getSine().getType();
  if (failed(checkRank(*this, "cosine", getCosine(), 2)))
    return failure();
  if (!(getTheta().convertToDouble() > 0))
    return emitOpError("expects theta > 0, got ")
           << getTheta().convertToDouble();
  if (getYarnFactor() &&
      !(getYarnOriginalPositions() && getYarnBetaFast() && getYarnBetaSlow()))
    return emitOpError("expects yarn_original_positions, yarn_beta_fast and "
                       "yarn_beta_slow beside yarn_factor");
  int64_t columns = lastDim(getCosine());
  if (std::optional<ArrayRef<double>> factors = getFactors())
    if (ShapedType::isDynamic(columns) || int64_t(factors->size()) != columns)
      return emitOpError("expects one of factors for each column, got ")
             << factors->size() << " for " << getCosine().getType();
  return success();
}

LogicalResult RopeOp::verify() {
  if (getInput().getType() != getResult().getType())
    return emitOpError("expects a result of the input's type, got ")
           << getResult().getType();
  if (failed(checkRank(*this, "input", getInput(), 3)) ||
      failed(checkRank(*this, "positions", getPositions(), 2)) ||
      failed(checkIntegers(*this, "positions", getPositions())) ||
      failed(checkRank(*this, "cosine", getCosine(), 2)) ||
      failed(checkRank(*this, "sine", getSine(), 2)))
    return failure();
  int64_t width = getHeadWidth();
  int64_t rotated = 2 * lastDim(getCosine());
  if (width <= 0 || lastDim(getInput()) % width != 0)
    return emitOpError("expects a head width that divides ")
           << lastDim(getInput()) << ", got " << width;
  if (int64_t(getOffset()) < 0 || int64_t(getOffset()) + rotated > width)
    return emitOpError("expects offset + 2 * columns <= head width ")
           << width << ", got " << getOffset() << " + " << rotated;
  return success();
}

LogicalResult AttentionOp::verify() {
  int64_t heads = getHeads(), kvHeads = getKvHeads();
  if (heads <= 0 || kvHeads <= 0 || heads % kvHeads != 0)
    return emitOpError("expects kv_heads that divide heads, got ")
           << heads << " heads and " << kvHeads << " kv_heads";
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()},
                             {"result", getResult()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"past_key", getPastKey()},
        {"past_value", getPastValue()},
        {"present_key", getPresentKey()},
        {"present_value", getPresentValue()}})
    if (failed(checkRank(*this, name, value, 4)) ||
        failed(checkDim(*this, name, value, 1, kvHeads)))
      return failure();
  if (lastDim(getQuery()) % heads != 0)
    return emitOpError("expects a query width that heads divide, got ")
           << lastDim(getQuery()) << " and " << heads;
  if (int64_t(getChunk()) < 0 || (getChunk() > 0 && getWindow() > 0))
    return emitOpError("expects a chunk >= 0, and no window beside one, got ")
           << int64_t(getChunk()) << " and " << int64_t(getWindow());
  if (int64_t(getTemperatureFloor()) < 0)
    return emitOpError("expects temperature_floor >= 0, got ")
           << int64_t(getTemperatureFloor());
  int64_t keyWidth = lastDim(getQuery()) / heads;
  int64_t valueWidth = lastDim(getPastValue());
  if (failed(checkDim(*this, "key", getKey(), 2, kvHeads * keyWidth)) ||
      failed(checkDim(*this, "past_key", getPastKey(), 3, keyWidth)) ||
      failed(checkDim(*this, "present_key", getPresentKey(), 3, keyWidth)) ||
      failed(checkDim(*this, "value", getValue(), 2, kvHeads * valueWidth)) ||
      failed(
          checkDim(*this, "present_value", getPresentValue(), 3, valueWidth)) ||
      failed(checkRank(*this, "sinks", getSinks(), 1)) ||
      failed(checkDim(*this, "sinks", getSinks(), 0, heads)) ||
      failed(checkLengths(*this, getTotalLengths(), getPresentKey(), 2)) ||
      failed(checkGrown(*this, "present_key", getPresentKey(), getPastKey(),
                        getQuery(), 2)) ||
      failed(checkGrown(*this, "present_value", getPresentValue(),
                        getPastValue(), getQuery(), 2)) ||
      (getLogSumExp() && failed(checkLike(*this, "log_sum_exp", getLogSumExp(),
                                          getQuery(), heads))))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * valueWidth);
}

LogicalResult SparseAttentionOp::verify() {
  int64_t heads = getHeads(), kvHeads = getKvHeads();
  if (heads <= 0 || kvHeads <= 0 || heads % kvHeads != 0)
    return emitOpError("expects kv_heads that divide heads, got ")
           << heads << " heads and " << kvHeads << " kv_heads";
  int64_t block = getBlock(), top = getTopBlocks(), local = getLocalBlocks();
  if (block < 1 || local < 1 || top < local)
    return emitOpError("expects blocks of at least one key, and at least one "
                       "local block among top_blocks, got block ")
           << block << ", top_blocks " << top << ", local_blocks " << local;
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()},
                             {"index_query", getIndexQuery()},
                             {"index_key", getIndexKey()},
                             {"past_index", getPastIndex()},
                             {"present_index", getPresentIndex()},
                             {"result", getResult()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"past_key", getPastKey()},
        {"past_value", getPastValue()},
        {"present_key", getPresentKey()},
        {"present_value", getPresentValue()}})
    if (failed(checkRank(*this, name, value, 4)) ||
        failed(checkDim(*this, name, value, 1, kvHeads)))
      return failure();
  if (lastDim(getQuery()) % heads != 0)
    return emitOpError("expects a query width that heads divide, got ")
           << lastDim(getQuery()) << " and " << heads;
  int64_t keyWidth = lastDim(getQuery()) / heads;
  int64_t valueWidth = lastDim(getPastValue());
  int64_t index = lastDim(getIndexKey());
  if (failed(checkDim(*this, "key", getKey(), 2, kvHeads * keyWidth)) ||
      failed(checkDim(*this, "past_key", getPastKey(), 3, keyWidth)) ||
      failed(checkDim(*this, "value", getValue(), 2, kvHeads * valueWidth)) ||
      failed(checkDim(*this, "index_query", getIndexQuery(), 2,
                      kvHeads * index)) ||
      failed(checkDim(*this, "past_index", getPastIndex(), 2, index)) ||
      failed(checkGrown(*this, "present_key", getPresentKey(), getPastKey(),
                        getQuery(), 2)) ||
      failed(checkGrown(*this, "present_value", getPresentValue(),
                        getPastValue(), getQuery(), 2)) ||
      failed(checkGrown(*this, "present_index", getPresentIndex(),
                        getPastIndex(), getQuery(), 1)))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * valueWidth);
}

LogicalResult LatentAttentionOp::verify() {
  int64_t heads = getHeads();
  if (heads <= 0)
    return emitOpError("expects heads > 0, got ") << heads;
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"latent", getLatent()},
                             {"rotary_key", getRotaryKey()},
                             {"key_up", getKeyUp()},
                             {"value_up", getValueUp()},
                             {"result", getResult()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  int64_t rank = lastDim(getLatent()), rotary = lastDim(getRotaryKey());
  int64_t keyWidth = lastDim(getKeyUp()), valueWidth = lastDim(getValueUp());
  // Caches of rank 4 hold the keys and values of each head.
  bool expanded = tensorOf(getPastLatent()).getRank() == 4;
  int64_t caches = expanded ? 4 : 3, tokens = expanded ? 2 : 1;
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"past_latent", getPastLatent()},
        {"past_rotary_key", getPastRotaryKey()},
        {"present_latent", getPresentLatent()},
        {"present_rotary_key", getPresentRotaryKey()}})
    if (failed(checkRank(*this, name, value, caches)) ||
        (expanded && failed(checkDim(*this, name, value, 1, heads))))
      return failure();
  if (expanded && (getAbsorbed() || getPastOnly()))
    return emitOpError("expects latent caches where it is absorbed or sees the "
                       "past only");
  if (failed(checkDim(*this, "key_up", getKeyUp(), 0, heads)) ||
      failed(checkDim(*this, "key_up", getKeyUp(), 1, rank)) ||
      failed(checkDim(*this, "value_up", getValueUp(), 0, heads)) ||
      failed(checkDim(*this, "value_up", getValueUp(), 1, rank)) ||
      failed(checkDim(*this, "past_latent", getPastLatent(), -1,
                      expanded ? keyWidth + rotary : rank)) ||
      failed(checkDim(*this, "past_rotary_key", getPastRotaryKey(), -1,
                      expanded ? valueWidth : rotary)) ||
      failed(checkDim(*this, "query", getQuery(), 2,
                      heads * (keyWidth + rotary))) ||
      failed(
          checkLengths(*this, getTotalLengths(), getPresentLatent(), tokens)) ||
      failed(checkGrown(*this, "present_latent", getPresentLatent(),
                        getPastLatent(), getQuery(), tokens)) ||
      failed(checkGrown(*this, "present_rotary_key", getPresentRotaryKey(),
                        getPastRotaryKey(), getQuery(), tokens)) ||
      (getLogSumExp() && failed(checkLike(*this, "log_sum_exp", getLogSumExp(),
                                          getQuery(), heads))))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * valueWidth);
}

LogicalResult IndexedLatentAttentionOp::verify() {
  int64_t heads = getHeads(), indexHeads = getIndexHeads();
  if (heads <= 0 || indexHeads <= 0 || int64_t(getTopKeys()) < 1)
    return emitOpError("expects heads, index_heads and top_keys > 0, got ")
           << heads << ", " << indexHeads << " and " << int64_t(getTopKeys());
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"latent", getLatent()},
                             {"rotary_key", getRotaryKey()},
                             {"index_query", getIndexQuery()},
                             {"index_key", getIndexKey()},
                             {"index_weights", getIndexWeights()},
                             {"past_latent", getPastLatent()},
                             {"past_rotary_key", getPastRotaryKey()},
                             {"past_index", getPastIndex()},
                             {"present_latent", getPresentLatent()},
                             {"present_rotary_key", getPresentRotaryKey()},
                             {"present_index", getPresentIndex()},
                             {"key_up", getKeyUp()},
                             {"value_up", getValueUp()},
                             {"result", getResult()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  int64_t rank = lastDim(getLatent()), rotary = lastDim(getRotaryKey());
  int64_t keyWidth = lastDim(getKeyUp()), index = lastDim(getIndexKey());
  if (failed(checkDim(*this, "key_up", getKeyUp(), 0, heads)) ||
      failed(checkDim(*this, "key_up", getKeyUp(), 1, rank)) ||
      failed(checkDim(*this, "value_up", getValueUp(), 0, heads)) ||
      failed(checkDim(*this, "value_up", getValueUp(), 1, rank)) ||
      failed(checkDim(*this, "query", getQuery(), 2,
                      heads * (keyWidth + rotary))) ||
      failed(checkDim(*this, "index_query", getIndexQuery(), 2,
                      indexHeads * index)) ||
      failed(
          checkDim(*this, "index_weights", getIndexWeights(), 2, indexHeads)) ||
      failed(checkDim(*this, "past_latent", getPastLatent(), 2, rank)) ||
      failed(
          checkDim(*this, "past_rotary_key", getPastRotaryKey(), 2, rotary)) ||
      failed(checkDim(*this, "past_index", getPastIndex(), 2, index)) ||
      failed(checkGrown(*this, "present_latent", getPresentLatent(),
                        getPastLatent(), getQuery(), 1)) ||
      failed(checkGrown(*this, "present_rotary_key", getPresentRotaryKey(),
                        getPastRotaryKey(), getQuery(), 1)) ||
      failed(checkGrown(*this, "present_index", getPresentIndex(),
                        getPastIndex(), getQuery(), 1)))
    return failure();
  if (getChosen()) {
    if (!tensorOf(getChosen()).getElementType().isInteger(32))
      return emitOpError("expects chosen of i32, got ")
             << getChosen().getType();
    if (failed(
            checkLike(*this, "chosen", getChosen(), getQuery(), getTopKeys())))
      return failure();
  }
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * lastDim(getValueUp()));
}

//===----------------------------------------------------------------------===//
// States of fixed size
//===----------------------------------------------------------------------===//

LogicalResult ShortConvolutionOp::verify() {
  if (getInput().getType() != getResult().getType())
    return emitOpError("expects a result of the input's type, got ")
           << getResult().getType();
  if (getPast().getType() != getPresent().getType())
    return emitOpError("expects a state that keeps its type, got ")
           << getPast().getType() << " and " << getPresent().getType();
  if (failed(checkRank(*this, "input", getInput(), 3)) ||
      failed(checkRank(*this, "weight", getWeight(), 2)) ||
      failed(checkRank(*this, "bias", getBias(), 1)) ||
      failed(checkRank(*this, "past", getPast(), 3)))
    return failure();
  int64_t channels = lastDim(getInput()), taps = lastDim(getWeight());
  if (ShapedType::isDynamic(taps) || taps < 2)
    return emitOpError("expects at least 2 taps, got ") << taps;
  if (failed(checkDim(*this, "weight", getWeight(), 0, channels)) ||
      failed(checkDim(*this, "bias", getBias(), 0, channels)) ||
      failed(checkDim(*this, "past", getPast(), 1, taps - 1)) ||
      failed(checkDim(*this, "past", getPast(), 2, channels)))
    return failure();
  return checkDim(*this, "past", getPast(), 0,
                  tensorOf(getInput()).getDimSize(0));
}

/// Which of the optional operands a kind has.
static LogicalResult checkRecurrenceForm(RecurrenceOp op) {
  Recurrence kind = op.getKind();
  bool isDelta = kind == Recurrence::delta || kind == Recurrence::channel_delta;
  bool hasStep = kind != Recurrence::fixed_decay;
  if (bool(op.getStep()) != hasStep)
    return op.emitOpError("expects ")
           << (hasStep ? "a step" : "no step") << " for kind "
           << stringifyRecurrence(kind);
  if (bool(op.getStrength()) != isDelta)
    return op.emitOpError("expects ")
           << (isDelta ? "a strength" : "no strength") << " for kind "
           << stringifyRecurrence(kind);
  if (op.getStepBias() && !hasStep)
    return op.emitOpError("expects no step_bias where there is no step");
  double bound = op.getLowerBound().convertToDouble();
  if (!(bound <= 0) || (bound < 0 && kind != Recurrence::channel_delta))
    return op.emitOpError("expects a lower_bound below 0, of kind "
                          "channel_delta only, got ")
           << bound;
  if (int64_t(op.getChunk()) < 1)
    return op.emitOpError("expects a chunk of at least one token, got ")
           << int64_t(op.getChunk());
  return success();
}

LogicalResult RecurrenceOp::verify() {
  int64_t heads = getHeads(), keyHeads = getKeyHeads();
  if (heads <= 0 || keyHeads <= 0 || heads % keyHeads != 0)
    return emitOpError("expects key_heads that divide heads, got ")
           << heads << " heads and " << keyHeads << " key_heads";
  if (failed(checkRecurrenceForm(*this)))
    return failure();
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()},
                             {"step", getStep()},
                             {"strength", getStrength()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  if (failed(checkRank(*this, "past", getPast(), 4)))
    return failure();
  if (getPast().getType() != getPresent().getType())
    return emitOpError("expects a state that keeps its type, got ")
           << getPast().getType() << " and " << getPresent().getType();
  int64_t keyWidth = tensorOf(getPast()).getDimSize(2);
  int64_t valueWidth = tensorOf(getPast()).getDimSize(3);
  Recurrence kind = getKind();
  bool perChannel = kind == Recurrence::channel_delta;
  bool selects = kind == Recurrence::selective;
  int64_t steps = perChannel ? heads * keyWidth : heads;
  if (failed(checkDim(*this, "past", getPast(), 0,
                      tensorOf(getQuery()).getDimSize(0))) ||
      failed(checkDim(*this, "past", getPast(), 1, heads)) ||
      failed(checkDim(*this, "query", getQuery(), 2, keyHeads * keyWidth)) ||
      failed(
          checkLike(*this, "key", getKey(), getQuery(), keyHeads * keyWidth)) ||
      failed(checkLike(*this, "value", getValue(), getQuery(),
                       heads * valueWidth)) ||
      failed(checkDim(*this, "step", getStep(), 2, steps)) ||
      failed(checkDim(*this, "strength", getStrength(), 2, heads)) ||
      failed(checkRank(*this, "decay", getDecay(), selects ? 2 : 1)) ||
      failed(checkDim(*this, "decay", getDecay(), 0, heads)) ||
      (selects && failed(checkDim(*this, "decay", getDecay(), 1, keyWidth))) ||
      failed(checkRank(*this, "step_bias", getStepBias(), 1)) ||
      failed(checkDim(*this, "step_bias", getStepBias(), 0, steps)) ||
      failed(checkRank(*this, "skip", getSkip(), 1)) ||
      failed(checkDim(*this, "skip", getSkip(), 0, heads)))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * valueWidth);
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

LogicalResult RouteOp::verify() {
  if (failed(checkRank(*this, "router", getRouter(), 2)) ||
      failed(checkMinRank(*this, "input", getInput(), 1)) ||
      failed(checkIntegers(*this, "indices", getIndices())))
    return failure();
  int64_t experts = lastDim(getRouter()), topK = getTopK();
  int64_t groups = getGroups(), topGroups = getTopGroups();
  if (failed(checkDim(*this, "router", getRouter(), 0, lastDim(getInput()))) ||
      failed(checkRank(*this, "bias", getBias(), 1)) ||
      failed(checkDim(*this, "bias", getBias(), 0, experts)) ||
      failed(checkRank(*this, "correction", getCorrection(), 1)) ||
      failed(checkDim(*this, "correction", getCorrection(), 0, experts)))
    return failure();
  if (topK < 1 || topK > experts)
    return emitOpError("expects 1 <= top_k <= ")
           << experts << " experts, got " << topK;
  if (groups < 1 || experts % groups != 0)
    return emitOpError("expects groups that divide ")
           << experts << " experts, got " << groups;
  if (topGroups < 1 || topGroups > groups)
    return emitOpError("expects 1 <= top_groups <= ")
           << groups << " groups, got " << topGroups;
  if (getGroupRank() < 1 || getGroupRank() > 2)
    return emitOpError("expects group_rank 1 or 2, got ")
           << int64_t(getGroupRank());
  bool isMixer = getScoring() == Scoring::sparse_mixer;
  double jitter = getJitter().convertToDouble();
  if (!(jitter >= 0) || (jitter > 0 && !isMixer))
    return emitOpError("expects jitter >= 0, of sparse_mixer only, got ")
           << jitter;
  if (isMixer && (groups > 1 || getCorrection() || getTable()))
    return emitOpError("expects no groups, correction or table with "
                       "sparse_mixer");
  if (topK > experts / groups * topGroups)
    return emitOpError("expects top_k experts within top_groups, got ")
           << topK << " of " << experts / groups * topGroups;
  if (bool(getIds()) != bool(getTable()))
    return emitOpError("expects ids and table together");
  if (getTable()) {
    if (getCorrection() || groups > 1)
      return emitOpError("expects no correction and no groups where a table "
                         "chooses");
    if (failed(checkRank(*this, "table", getTable(), 2)) ||
        failed(checkIntegers(*this, "ids", getIds())) ||
        failed(checkIntegers(*this, "table", getTable())) ||
        failed(checkDim(*this, "table", getTable(), 1, topK)) ||
        failed(checkRank(*this, "ids", getIds(),
                         tensorOf(getInput()).getRank() - 1)))
      return failure();
  }
  if (failed(checkLike(*this, "weights", getWeights(), getInput(), topK)))
    return failure();
  return checkLike(*this, "indices", getIndices(), getInput(), topK);
}

LogicalResult DispatchOp::verify() {
  if (failed(checkRank(*this, "rows", getRows(), 2)) ||
      failed(checkRank(*this, "counts", getCounts(), 1)) ||
      failed(checkIntegers(*this, "counts", getCounts())) ||
      failed(checkIntegers(*this, "indices", getIndices())) ||
      failed(checkMinRank(*this, "input", getInput(), 1)) ||
      failed(checkMinRank(*this, "indices", getIndices(), 1)) ||
      failed(checkDim(*this, "rows", getRows(), 1, lastDim(getInput()))))
    return failure();
  if (ShapedType::isDynamic(lastDim(getCounts())))
    return emitOpError("expects a static number of experts, got ")
           << getCounts().getType();
  if (getWeights() &&
      cast<RankedTensorType>(getWeights().getType()).getShape() !=
          tensorOf(getIndices()).getShape())
    return emitOpError("expects weights and indices of one shape, got ")
           << getWeights().getType() << " and " << getIndices().getType();
  // A static R says that no index is dropped.
  RankedTensorType indices = tensorOf(getIndices());
  int64_t rows = tensorOf(getRows()).getDimSize(0);
  if (!ShapedType::isDynamic(rows) && indices.hasStaticShape() &&
      rows != indices.getNumElements())
    return emitOpError("expects as many rows as indices, ")
           << indices.getNumElements() << ", or a dynamic number, got "
           << getRows().getType();
  return checkLike(*this, "indices", getIndices(), getInput(),
                   lastDim(getIndices()));
}

LogicalResult ExpertsOp::verify() {
  if (failed(checkRank(*this, "rows", getRows(), 2)) ||
      failed(checkRank(*this, "counts", getCounts(), 1)) ||
      failed(checkIntegers(*this, "counts", getCounts())))
    return failure();
  int64_t experts = lastDim(getCounts()), hidden = lastDim(getRows());
  for (auto [name, value] : {std::pair<StringRef, Value>{"gate", getGate()},
                             {"up", getUp()},
                             {"down", getDown()}})
    if (failed(checkRank(*this, name, value, 3)) ||
        failed(checkDim(*this, name, value, 0, experts)))
      return failure();
  int64_t inner = lastDim(getUp());
  if (failed(checkDim(*this, "up", getUp(), 1, hidden)) ||
      failed(checkDim(*this, "gate", getGate(), 1, hidden)) ||
      failed(checkDim(*this, "gate", getGate(), 2, inner)) ||
      failed(checkDim(*this, "down", getDown(), 1, inner)))
    return failure();
  for (auto [name, value, width] :
       {std::tuple<StringRef, Value, int64_t>{"gate_bias", getGateBias(),
                                              inner},
        {"up_bias", getUpBias(), inner},
        {"down_bias", getDownBias(), lastDim(getDown())}})
    if (failed(checkRank(*this, name, value, 2)) ||
        failed(checkDim(*this, name, value, 0, experts)) ||
        failed(checkDim(*this, name, value, 1, width)))
      return failure();
  if (!getGate() && (getGateBias() || getLimit().convertToDouble() != 0 ||
                     getLinearOffset().convertToDouble() != 0))
    return emitOpError("expects a gate beside gate_bias, limit and "
                       "linear_offset");
  if (int64_t(getBiasShare()) < 1)
    return emitOpError("expects bias_share >= 1, got ")
           << int64_t(getBiasShare());
  if (failed(checkCaps(*this, getActivation(), getGateCap(), getLinearCap(),
                       bool(getGate()))))
    return failure();
  return checkLike(*this, "result", getResult(), getRows(), lastDim(getDown()));
}

LogicalResult CombineOp::verify() {
  if (failed(checkRank(*this, "rows", getRows(), 2)) ||
      failed(checkIntegers(*this, "indices", getIndices())) ||
      failed(checkMinRank(*this, "indices", getIndices(), 1)))
    return failure();
  if (int64_t(getExperts()) < 1)
    return emitOpError("expects experts >= 1, got ") << getExperts();
  if (getWeights().getType() !=
      tensorOf(getIndices()).clone(tensorOf(getWeights()).getElementType()))
    return emitOpError("expects weights and indices of one shape, got ")
           << getWeights().getType() << " and " << getIndices().getType();
  return checkLike(*this, "result", getResult(), getIndices(),
                   lastDim(getRows()));
}
