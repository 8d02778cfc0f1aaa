//===- MoeWork.cpp - moe ops as plain data --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// describe() of every moe op: shapes from types, formats from `#moe.format`
// (or, without one, from the element type), ragged row counts from `#moe.load`.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t lastDim(Value value) { return tensorOf(value).getShape().back(); }

/// Product of all dimensions but the last; an error if one is dynamic.
FailureOr<int64_t> rowsOf(Operation *op, Value value) {
  int64_t product = 1;
  for (int64_t dim : tensorOf(value).getShape().drop_back()) {
    if (ShapedType::isDynamic(dim))
      return op->emitOpError("expects static dimensions to state its work, "
                             "got ")
             << value.getType() << " (run moe-bind-workload)";
    product *= dim;
  }
  return product;
}

FailureOr<Format> storageOf(Operation *op, Value value) {
  Type element = tensorOf(value).getElementType();
  if (std::optional<Format> format = formatOf(element))
    return *format;
  return op->emitOpError("expects a number format of the catalogue, got ")
         << element;
}

/// Rows, activation storage and the default compute format from `value`.
LogicalResult startFrom(Operation *op, OpKind kind, Value value,
                        LocalOp &local) {
  FailureOr<int64_t> rows = rowsOf(op, value);
  FailureOr<Format> format = storageOf(op, value);
  if (failed(rows) || failed(format))
    return failure();
  local.kind = kind;
  local.rows = local.meanRows = double(*rows);
  local.activation = local.compute = *format;
  return success();
}

/// Storage and compute format of a weight operand. `activation_format` says how
/// the activation operand is quantized on the way into the matmul.
LogicalResult addWeight(Operation *op, Value weight,
                        std::optional<FormatAttr> weightFormat,
                        std::optional<FormatAttr> activationFormat,
                        LocalOp &local) {
  if (weightFormat) {
    FormatPair pair = formatPairOf(*weightFormat);
    local.weight = pair.storage;
    local.compute = pair.compute;
  } else {
    FailureOr<Format> storage = storageOf(op, weight);
    if (failed(storage))
      return failure();
    local.weight = *storage;
  }
  if (activationFormat)
    local.activation = formatPairOf(*activationFormat).storage;
  return success();
}

/// Parts of a feed-forward block that go through a tanh.
uint8_t cappedParts(const llvm::APFloat &gateCap,
                    const llvm::APFloat &linearCap) {
  return uint8_t(gateCap.isNonZero()) + uint8_t(linearCap.isNonZero());
}

/// Rows of a ragged op from its load, or from a static row count.
LogicalResult setRaggedRows(Operation *op, Value rows,
                            std::optional<LoadAttr> load, int64_t experts,
                            LocalOp &local) {
  if (load) {
    local.rows = load->maxRows();
    local.meanRows = load->meanRows();
    local.hitExperts = load->hitExperts();
    return success();
  }
  FailureOr<int64_t> count = rowsOf(op, rows);
  if (failed(count))
    return failure();
  local.rows = local.meanRows = double(*count);
  local.hitExperts = double(std::min(*count, experts));
  return success();
}

} // namespace

FailureOr<LocalOp> EmbeddingOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::embedding, getResult(), local)))
    return failure();
  local.inner = tensorOf(getTable()).getDimSize(0);
  local.outer = lastDim(getTable());
  FailureOr<Format> storage = storageOf(*this, getTable());
  if (failed(storage))
    return failure();
  local.weight = *storage;
  return local;
}

FailureOr<LocalOp> RmsNormOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::rmsNorm, getInput(), local)))
    return failure();
  local.outer = lastDim(getInput());
  local.centered = getCentered();
  return local;
}

FailureOr<LocalOp> GateOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::gate, getInput(), local)))
    return failure();
  local.outer = lastDim(getInput());
  local.inner = lastDim(getGate());
  return local;
}

/// As a tensor that gates itself: a soft cap is as much work, a factor less.
FailureOr<LocalOp> ScaleOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::gate, getInput(), local)))
    return failure();
  local.outer = lastDim(getInput());
  return local;
}

FailureOr<LocalOp> ShortConvolutionOp::describe() {
  LocalOp local;
  FailureOr<Format> state = storageOf(*this, getPast());
  if (failed(state) ||
      failed(startFrom(*this, OpKind::shortConvolution, getInput(), local)) ||
      failed(addWeight(*this, getWeight(), std::nullopt, std::nullopt, local)))
    return failure();
  local.inner = lastDim(getWeight());
  local.outer = lastDim(getInput());
  local.sequences = tensorOf(getInput()).getDimSize(0);
  local.newTokens = tensorOf(getInput()).getDimSize(1);
  local.cache = *state;
  return local;
}

FailureOr<LocalOp> RecurrenceOp::describe() {
  LocalOp local;
  FailureOr<Format> state = storageOf(*this, getPast());
  if (failed(state) || failed(rowsOf(*this, getPast())) ||
      failed(startFrom(*this, OpKind::recurrence, getQuery(), local)) ||
      failed(addWeight(*this, getDecay(), std::nullopt, std::nullopt, local)))
    return failure();
  RankedTensorType past = tensorOf(getPast());
  local.recurrence = RecurrenceKind(getKind());
  local.heads = getHeads();
  local.kvHeads = getKeyHeads();
  local.inner = past.getDimSize(2);
  local.outer = past.getDimSize(3);
  local.chunk = getChunk();
  local.sequences = tensorOf(getQuery()).getDimSize(0);
  local.newTokens = tensorOf(getQuery()).getDimSize(1);
  local.cache = *state;
  return local;
}

FailureOr<LocalOp> AddOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::add, getLhs(), local)))
    return failure();
  local.outer = lastDim(getLhs());
  return local;
}

FailureOr<LocalOp> LinearOp::describe() {
  LocalOp local;
  // The result's rows: fewer than the input's with `last_position`.
  if (failed(startFrom(*this, OpKind::linear, getResult(), local)) ||
      failed(addWeight(*this, getWeight(), getWeightFormat(),
                       getActivationFormat(), local)))
    return failure();
  local.inner = lastDim(getInput());
  local.outer = lastDim(getWeight());
  return local;
}

FailureOr<LocalOp> MlpOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::mlp, getInput(), local)) ||
      failed(addWeight(*this, getUp(), getWeightFormat(), getActivationFormat(),
                       local)))
    return failure();
  local.inner = lastDim(getInput());
  local.outer = lastDim(getUp());
  local.gated = bool(getGate());
  local.cappedParts = cappedParts(getGateCap(), getLinearCap());
  return local;
}

FailureOr<LocalOp> RopeOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::rope, getInput(), local)))
    return failure();
  local.outer = lastDim(getInput()) / getHeadWidth() * 2 * lastDim(getCosine());
  return local;
}

FailureOr<LocalOp> AttentionOp::describe() {
  LocalOp local;
  RankedTensorType past = tensorOf(getPastKey());
  if (failed(startFrom(*this, OpKind::attention, getQuery(), local)) ||
      failed(rowsOf(*this, getPastKey())))
    return failure();
  local.heads = getHeads();
  local.kvHeads = getKvHeads();
  local.inner = past.getDimSize(3);
  local.outer = tensorOf(getPastValue()).getDimSize(3);
  local.sequences = tensorOf(getQuery()).getDimSize(0);
  local.newTokens = tensorOf(getQuery()).getDimSize(1);
  local.context = visibleContext(past.getDimSize(2), getWindow(), getChunk());
  local.softCapped = getSoftCap().convertToDouble() > 0;
  local.causalPrefill = local.newTokens > 1;
  if (std::optional<FormatAttr> format = getCacheFormat()) {
    FormatPair pair = formatPairOf(*format);
    local.cache = pair.storage;
    local.compute = pair.compute;
    return local;
  }
  FailureOr<Format> cache = storageOf(*this, getPastKey());
  if (failed(cache))
    return failure();
  local.cache = *cache;
  return local;
}

FailureOr<LocalOp> SparseAttentionOp::describe() {
  LocalOp local;
  RankedTensorType past = tensorOf(getPastKey());
  if (failed(startFrom(*this, OpKind::attention, getQuery(), local)) ||
      failed(rowsOf(*this, getPastKey())))
    return failure();
  local.heads = getHeads();
  local.kvHeads = getKvHeads();
  local.inner = past.getDimSize(3);
  local.outer = tensorOf(getPastValue()).getDimSize(3);
  local.sequences = tensorOf(getQuery()).getDimSize(0);
  local.newTokens = tensorOf(getQuery()).getDimSize(1);
  local.context = past.getDimSize(2);
  local.causalPrefill = local.newTokens > 1;
  local.topK = int64_t(getBlock()) * int64_t(getTopBlocks());
  local.keyWidth = lastDim(getIndexQuery());
  local.ropeWidth = lastDim(getIndexKey());
  if (std::optional<FormatAttr> format = getCacheFormat()) {
    FormatPair pair = formatPairOf(*format);
    local.cache = pair.storage;
    local.compute = pair.compute;
    return local;
  }
  FailureOr<Format> cache = storageOf(*this, getPastKey());
  if (failed(cache))
    return failure();
  local.cache = *cache;
  return local;
}

FailureOr<LocalOp> LatentAttentionOp::describe() {
  LocalOp local;
  RankedTensorType past = tensorOf(getPastLatent());
  if (failed(startFrom(*this, OpKind::latentAttention, getQuery(), local)) ||
      failed(rowsOf(*this, getPastLatent())) ||
      failed(
          addWeight(*this, getKeyUp(), getWeightFormat(), std::nullopt, local)))
    return failure();
  local.expanded = past.getRank() == 4;
  local.heads = getHeads();
  local.kvHeads = 1;
  local.inner = lastDim(getLatent());
  local.outer = lastDim(getValueUp());
  local.keyWidth = lastDim(getKeyUp());
  local.ropeWidth = lastDim(getRotaryKey());
  local.sequences = tensorOf(getQuery()).getDimSize(0);
  local.newTokens = tensorOf(getQuery()).getDimSize(1);
  local.context = past.getDimSize(local.expanded ? 2 : 1);
  local.causalPrefill = local.newTokens > 1;
  local.absorbed = getAbsorbed();
  if (std::optional<FormatAttr> format = getCacheFormat()) {
    FormatPair pair = formatPairOf(*format);
    local.cache = pair.storage;
    local.compute = pair.compute;
    return local;
  }
  FailureOr<Format> cache = storageOf(*this, getPastLatent());
  if (failed(cache))
    return failure();
  local.cache = *cache;
  return local;
}

FailureOr<LocalOp> IndexedLatentAttentionOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::latentAttention, getQuery(), local)) ||
      failed(rowsOf(*this, getPastLatent())) ||
      failed(
          addWeight(*this, getKeyUp(), getWeightFormat(), std::nullopt, local)))
    return failure();
  local.heads = getHeads();
  local.kvHeads = 1;
  local.inner = lastDim(getLatent());
  local.outer = lastDim(getValueUp());
  local.keyWidth = lastDim(getKeyUp());
  local.ropeWidth = lastDim(getRotaryKey());
  local.indexHeads = getIndexHeads();
  local.indexWidth = lastDim(getIndexKey());
  local.topKeys = getTopKeys();
  local.yieldsChoice = bool(getChosen());
  local.sequences = tensorOf(getQuery()).getDimSize(0);
  local.newTokens = tensorOf(getQuery()).getDimSize(1);
  local.context = tensorOf(getPastLatent()).getDimSize(1);
  local.causalPrefill = local.newTokens > 1;
  local.absorbed = true;
  if (std::optional<FormatAttr> format = getCacheFormat()) {
    FormatPair pair = formatPairOf(*format);
    local.cache = pair.storage;
    local.compute = pair.compute;
    return local;
  }
  FailureOr<Format> cache = storageOf(*this, getPastLatent());
  if (failed(cache))
    return failure();
  local.cache = *cache;
  return local;
}

FailureOr<LocalOp> RouteOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::route, getInput(), local)) ||
      failed(addWeight(*this, getRouter(), std::nullopt, std::nullopt, local)))
    return failure();
  local.inner = lastDim(getInput());
  local.outer = lastDim(getRouter());
  local.topK = getTopK();
  local.tabled = bool(getTable());
  return local;
}

FailureOr<LocalOp> DispatchOp::describe() {
  LocalOp local;
  FailureOr<Format> format = storageOf(*this, getInput());
  if (failed(format) || failed(setRaggedRows(*this, getRows(), getLoad(),
                                             lastDim(getCounts()), local)))
    return failure();
  local.kind = OpKind::dispatch;
  local.activation = local.compute = *format;
  if (std::optional<FormatAttr> sent = getActivationFormat())
    local.activation = formatPairOf(*sent).storage;
  local.weighted = bool(getWeights());
  local.outer = lastDim(getInput());
  local.topK = lastDim(getIndices());
  return local;
}

FailureOr<LocalOp> ExpertsOp::describe() {
  LocalOp local;
  FailureOr<Format> format = storageOf(*this, getRows());
  if (failed(format))
    return failure();
  local.activation = local.compute = *format;
  local.experts = lastDim(getCounts());
  if (failed(
          setRaggedRows(*this, getRows(), getLoad(), local.experts, local)) ||
      failed(addWeight(*this, getUp(), getWeightFormat(), getActivationFormat(),
                       local)))
    return failure();
  local.kind = OpKind::experts;
  local.inner = lastDim(getRows());
  local.outer = lastDim(getUp());
  local.gated = bool(getGate());
  local.cappedParts = cappedParts(getGateCap(), getLinearCap());
  return local;
}

FailureOr<LocalOp> CombineOp::describe() {
  LocalOp local;
  FailureOr<Format> format = storageOf(*this, getRows());
  if (failed(format) ||
      failed(setRaggedRows(*this, getRows(), getLoad(), getExperts(), local)))
    return failure();
  local.kind = OpKind::combine;
  local.activation = local.compute = *format;
  local.weighted = getWeightsApplied();
  local.outer = lastDim(getRows());
  local.topK = lastDim(getIndices());
  if (std::optional<LoadAttr> result = getResultLoad()) {
    local.rowsOut = result->maxRows();
    return local;
  }
  FailureOr<int64_t> rows = rowsOf(*this, getResult());
  if (failed(rows))
    return failure();
  local.rowsOut = double(*rows);
  return local;
}
