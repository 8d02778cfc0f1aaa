//===- MoePooled.cpp - keys that are pooled, grouped projections ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifiers and work of moe.pool_keys, moe.pooled_attention and
// moe.grouped_linear.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Checks.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// Rows and formats from `value`.
LogicalResult startFrom(Operation *op, OpKind kind, Value value,
                        LocalOp &local) {
  int64_t rows = 1;
  for (int64_t dim : tensorOf(value).getShape().drop_back()) {
    if (ShapedType::isDynamic(dim))
      return op->emitOpError(
                 "expects static dimensions to state its work, got ")
             << value.getType() << " (run moe-bind-workload)";
    rows *= dim;
  }
  std::optional<Format> format = formatOf(tensorOf(value).getElementType());
  if (!format)
    return op->emitOpError("expects a number format of the catalogue, got ")
           << value.getType();
  local.kind = kind;
  local.rows = local.meanRows = double(rows);
  local.activation = local.compute = *format;
  return success();
}

FailureOr<Format> formatOfElements(Operation *op, Value value) {
  if (std::optional<Format> format = formatOf(tensorOf(value).getElementType()))
    return *format;
  return op->emitOpError("expects a number format of the catalogue, got ")
         << value.getType();
}

/// The format of a cache: as `format` says, or as its elements do.
LogicalResult addCache(Operation *op, std::optional<FormatAttr> format,
                       Value cache, LocalOp &local) {
  if (format) {
    FormatPair pair = formatPairOf(*format);
    local.cache = pair.storage;
    local.compute = pair.compute;
    return success();
  }
  FailureOr<Format> own = formatOfElements(op, cache);
  if (failed(own))
    return failure();
  local.cache = *own;
  return success();
}

/// `value` is [B,T,width], with the batch of `like` and, as far as both are
/// known, `tokens` tokens.
LogicalResult checkKept(Operation *op, StringRef name, Value value, Value like,
                        int64_t tokens, int64_t width) {
  if (failed(checkRank(op, name, value, 3)) ||
      failed(checkDim(op, name, value, 0, tensorOf(like).getDimSize(0))) ||
      failed(checkDim(op, name, value, 1, tokens)))
    return failure();
  return checkDim(op, name, value, 2, width);
}

} // namespace

//===----------------------------------------------------------------------===//
// Pooled keys
//===----------------------------------------------------------------------===//

LogicalResult PoolKeysOp::verify() {
  for (auto [name, value, rank] :
       {std::tuple<StringRef, Value, int64_t>{"values", getValues(), 3},
        {"scores", getScores(), 3},
        {"bias", getBias(), 2},
        {"gain", getGain(), 1},
        {"positions", getPositions(), 2},
        {"cosine", getCosine(), 2},
        {"sine", getSine(), 2},
        {"past", getPast(), 3}})
    if (failed(checkRank(*this, name, value, rank)))
      return failure();
  if (failed(checkIntegers(*this, "positions", getPositions())))
    return failure();
  int64_t ratio = tensorOf(getBias()).getDimSize(0);
  int64_t columns = lastDim(getValues()), width = lastDim(getGain());
  if (ShapedType::isDynamic(ratio) || ratio < 1 ||
      ShapedType::isDynamic(columns) || ShapedType::isDynamic(width) ||
      width < 1 || columns < width || columns % width != 0)
    return emitOpError("expects values of whole entries and a bias of whole "
                       "windows, got ")
           << getValues().getType() << ", " << getGain().getType() << " and "
           << getBias().getType();
  int64_t batch = tensorOf(getValues()).getDimSize(0);
  int64_t rotated = 2 * lastDim(getCosine());
  if (ShapedType::isDynamic(rotated) || rotated > width)
    return emitOpError("expects tables that rotate at most ")
           << width << " elements, got " << getCosine().getType();
  if (getCosine().getType() != getSine().getType())
    return emitOpError("expects tables of one type, got ")
           << getCosine().getType() << " and " << getSine().getType();
  if (getPastRows().getType() != getPresentRows().getType() ||
      tensorOf(getPast()).getElementType() !=
          tensorOf(getPresent()).getElementType())
    return emitOpError("expects caches that keep their types, got ")
           << getPresent().getType() << " and " << getPresentRows().getType();
  if (tensorOf(getPastRows()).getElementType() !=
      tensorOf(getBias()).getElementType())
    return emitOpError(
               "expects kept rows of the element type of the bias, got ")
           << getPastRows().getType() << " and " << getBias().getType();
  int64_t kept = columns / width * ratio;
  if (failed(checkLike(*this, "scores", getScores(), getValues(), columns)) ||
      failed(checkDim(*this, "bias", getBias(), 1, columns)) ||
      failed(checkDim(*this, "positions", getPositions(), 0, batch)) ||
      failed(checkDim(*this, "positions", getPositions(), 1,
                      tensorOf(getValues()).getDimSize(1))) ||
      failed(checkKept(*this, "past", getPast(), getValues(),
                       ShapedType::kDynamic, width)) ||
      failed(checkKept(*this, "past_rows", getPastRows(), getValues(), kept,
                       2 * columns)) ||
      failed(checkKept(*this, "present", getPresent(), getValues(),
                       ShapedType::kDynamic, width)))
    return failure();
  int64_t before = tensorOf(getPast()).getDimSize(1);
  int64_t after = tensorOf(getPresent()).getDimSize(1);
  int64_t added = tensorOf(getValues()).getDimSize(1);
  if (!ShapedType::isDynamic(before) && !ShapedType::isDynamic(after) &&
      !ShapedType::isDynamic(added) &&
      (after < before + added / ratio || after > before + added / ratio + 1))
    return emitOpError("expects present to have the entries that ")
           << added << " tokens can complete, got " << getPresent().getType()
           << " after " << getPast().getType();
  if (double epsilon = getEpsilon().convertToDouble();
      !(epsilon >= 0) || std::isinf(epsilon))
    return emitOpError("expects epsilon >= 0 and finite, got ") << epsilon;
  return success();
}

FailureOr<LocalOp> PoolKeysOp::describe() {
  LocalOp local;
  FailureOr<Format> weight = formatOfElements(*this, getBias());
  if (failed(weight) ||
      failed(startFrom(*this, OpKind::poolKeys, getValues(), local)) ||
      failed(addCache(*this, getCacheFormat(), getPast(), local)))
    return failure();
  local.weight = *weight;
  local.chunk = tensorOf(getBias()).getDimSize(0);
  local.outer = lastDim(getGain());
  local.inner = lastDim(getValues()) / local.outer * local.chunk;
  local.ropeWidth = 2 * lastDim(getCosine());
  local.sequences = tensorOf(getValues()).getDimSize(0);
  local.newTokens = tensorOf(getValues()).getDimSize(1);
  return local;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Entries and what chooses among them.
static LogicalResult checkEntries(PooledAttentionOp op, int64_t width) {
  int64_t ratio = op.getRatio(), top = op.getTopEntries();
  bool isIndexed = bool(op.getIndexQuery());
  if (op.getEntries() ? ratio < 1 : ratio != 0)
    return op.emitOpError("expects ")
           << (op.getEntries() ? "a ratio of entries to tokens >= 1"
                               : "no ratio where there are no entries")
           << ", got " << ratio;
  if (isIndexed != bool(op.getIndexWeights()) ||
      isIndexed != bool(op.getIndexEntries()) ||
      (isIndexed && !op.getEntries()))
    return op.emitOpError("expects queries, weights and entries of an index "
                          "beside entries, or none of them");
  if (isIndexed ? top < 1 : top != 0)
    return op.emitOpError("expects ")
           << (isIndexed ? "top_entries >= 1"
                         : "no top_entries without an index")
           << ", got " << top;
  if (!op.getEntries())
    return success();
  int64_t total = tensorOf(op.getPresentKey()).getDimSize(1);
  int64_t entries =
      ShapedType::isDynamic(total) ? ShapedType::kDynamic : total / ratio;
  if (failed(checkKept(op, "entries", op.getEntries(), op.getQuery(), entries,
                       width)))
    return failure();
  if (!isIndexed)
    return success();
  if (failed(checkRank(op, "index_query", op.getIndexQuery(), 3)) ||
      failed(checkRank(op, "index_weights", op.getIndexWeights(), 3)) ||
      failed(checkRank(op, "index_entries", op.getIndexEntries(), 3)))
    return failure();
  int64_t index = lastDim(op.getIndexEntries());
  int64_t heads = lastDim(op.getIndexWeights());
  if (ShapedType::isDynamic(index) || ShapedType::isDynamic(heads) ||
      index < 1 || heads < 1)
    return op.emitOpError("expects static widths of an index, got ")
           << op.getIndexEntries().getType() << " and "
           << op.getIndexWeights().getType();
  if (failed(checkKept(op, "index_entries", op.getIndexEntries(), op.getQuery(),
                       entries, index)) ||
      failed(checkLike(op, "index_weights", op.getIndexWeights(), op.getQuery(),
                       heads)))
    return failure();
  return checkLike(op, "index_query", op.getIndexQuery(), op.getQuery(),
                   heads * index);
}

LogicalResult PooledAttentionOp::verify() {
  int64_t heads = getHeads(), window = getWindow();
  if (heads < 1 || window < 1)
    return emitOpError("expects heads and a window >= 1, got ")
           << heads << " and " << window;
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"past_key", getPastKey()},
                             {"present_key", getPresentKey()},
                             {"result", getResult()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  int64_t width = lastDim(getKey());
  if (failed(checkLike(*this, "query", getQuery(), getKey(), heads * width)) ||
      failed(checkDim(*this, "past_key", getPastKey(), 2, width)) ||
      failed(checkGrown(*this, "present_key", getPresentKey(), getPastKey(),
                        getKey(), 1)) ||
      failed(checkRank(*this, "sinks", getSinks(), 1)) ||
      failed(checkDim(*this, "sinks", getSinks(), 0, heads)) ||
      failed(checkEntries(*this, width)))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(), heads * width);
}

FailureOr<LocalOp> PooledAttentionOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::pooledAttention, getQuery(), local)) ||
      failed(addCache(*this, getCacheFormat(), getPastKey(), local)))
    return failure();
  int64_t past = tensorOf(getPastKey()).getDimSize(1);
  if (ShapedType::isDynamic(past))
    return emitOpError("expects static dimensions to state its work, got ")
           << getPastKey().getType() << " (run moe-bind-workload)";
  local.heads = getHeads();
  local.kvHeads = 1;
  local.inner = lastDim(getKey());
  local.window = getWindow();
  local.chunk = getRatio();
  local.sequences = tensorOf(getQuery()).getDimSize(0);
  local.newTokens = tensorOf(getQuery()).getDimSize(1);
  local.context = past;
  local.causalPrefill = local.newTokens > 1;
  if (getIndexQuery()) {
    local.topKeys = getTopEntries();
    local.indexHeads = lastDim(getIndexWeights());
    local.indexWidth = lastDim(getIndexEntries());
  }
  return local;
}

//===----------------------------------------------------------------------===//
// Grouped projections
//===----------------------------------------------------------------------===//

LogicalResult GroupedLinearOp::verify() {
  if (failed(checkMinRank(*this, "input", getInput(), 1)) ||
      failed(checkRank(*this, "weight", getWeight(), 3)))
    return failure();
  RankedTensorType weight = tensorOf(getWeight());
  if (!weight.hasStaticShape() || weight.getNumElements() == 0)
    return emitOpError("expects a static weight, got ") << weight;
  int64_t groups = weight.getDimSize(0);
  if (failed(checkDim(*this, "input", getInput(), -1,
                      groups * weight.getDimSize(1))))
    return failure();
  return checkLike(*this, "result", getResult(), getInput(),
                   groups * weight.getDimSize(2));
}

FailureOr<LocalOp> GroupedLinearOp::describe() {
  LocalOp local;
  if (failed(startFrom(*this, OpKind::linear, getResult(), local)))
    return failure();
  if (std::optional<FormatAttr> format = getWeightFormat()) {
    FormatPair pair = formatPairOf(*format);
    local.weight = pair.storage;
    local.compute = pair.compute;
  } else {
    FailureOr<Format> own = formatOfElements(*this, getWeight());
    if (failed(own))
      return failure();
    local.weight = *own;
  }
  if (std::optional<FormatAttr> format = getActivationFormat())
    local.activation = formatPairOf(*format).storage;
  RankedTensorType weight = tensorOf(getWeight());
  local.heads = weight.getDimSize(0);
  local.inner = weight.getDimSize(1);
  local.outer = local.heads * weight.getDimSize(2);
  return local;
}
