//===- MoeStreams.cpp - streams that are mixed by weights -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifiers and work of moe.read_streams and moe.write_streams.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Checks.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// How many streams of the width of `one` lie side by side in `streams`; 0 if
/// that is no whole number of at least two.
int64_t streamsOf(Value streams, Value one) {
  if (tensorOf(streams).getRank() < 1 || tensorOf(one).getRank() < 1)
    return 0;
  int64_t all = lastDim(streams), width = lastDim(one);
  if (ShapedType::isDynamic(all) || ShapedType::isDynamic(width) || width < 1 ||
      all < 2 * width || all % width != 0)
    return 0;
  return all / width;
}

/// Rows, formats and shape of both ops.
FailureOr<LocalOp> describeStreams(Operation *op, OpKind kind, Value streams,
                                   Value one) {
  LocalOp local;
  local.kind = kind;
  int64_t rows = 1;
  for (int64_t dim : tensorOf(streams).getShape().drop_back()) {
    if (ShapedType::isDynamic(dim))
      return op->emitOpError(
                 "expects static dimensions to state its work, got ")
             << streams.getType() << " (run moe-bind-workload)";
    rows *= dim;
  }
  std::optional<Format> format = formatOf(tensorOf(streams).getElementType());
  if (!format)
    return op->emitOpError("expects a number format of the catalogue, got ")
           << streams.getType();
  local.rows = local.meanRows = double(rows);
  local.activation = local.compute = *format;
  local.outer = lastDim(one);
  local.inner = lastDim(streams) / local.outer;
  return local;
}

} // namespace

LogicalResult ReadStreamsOp::verify() {
  int64_t count = streamsOf(getStreams(), getResult());
  if (count == 0)
    return emitOpError("expects at least two streams of the width of the "
                       "result, got ")
           << getStreams().getType() << " and " << getResult().getType();
  int64_t mixed = count + count * count;
  int64_t columns = getMix() ? count + mixed : count;
  if (failed(checkLike(*this, "result", getResult(), getStreams(),
                       lastDim(getResult()))) ||
      (getMix() &&
       failed(checkLike(*this, "mix", getMix(), getStreams(), mixed))) ||
      failed(checkRank(*this, "projection", getProjection(), 2)) ||
      failed(checkDim(*this, "projection", getProjection(), 0,
                      lastDim(getStreams()))) ||
      failed(checkDim(*this, "projection", getProjection(), 1, columns)) ||
      failed(checkRank(*this, "scales", getScales(), 1)) ||
      failed(checkDim(*this, "scales", getScales(), 0, getMix() ? 3 : 1)) ||
      failed(checkRank(*this, "base", getBase(), 1)) ||
      failed(checkDim(*this, "base", getBase(), 0, columns)))
    return failure();
  for (auto [name, value] :
       {std::pair<StringRef, llvm::APFloat>{"epsilon", getEpsilon()},
        {"floor", getFloor()}})
    if (double number = value.convertToDouble();
        !(number >= 0) || std::isinf(number))
      return emitOpError("expects ")
             << name << " >= 0 and finite, got " << number;
  int64_t rounds = getRounds();
  if (getMix() ? rounds < 1 : rounds != 0)
    return emitOpError("expects ")
           << (getMix() ? "at least one round to balance its matrix"
                        : "no rounds where there is no matrix")
           << ", got " << rounds;
  return success();
}

LogicalResult WriteStreamsOp::verify() {
  int64_t count = streamsOf(getStreams(), getUpdate());
  if (count == 0)
    return emitOpError("expects at least two streams of the width of the "
                       "update, got ")
           << getStreams().getType() << " and " << getUpdate().getType();
  if (getResult().getType() != getStreams().getType())
    return emitOpError("expects a result of the type of the streams, got ")
           << getResult().getType();
  if (failed(checkLike(*this, "update", getUpdate(), getStreams(),
                       lastDim(getUpdate()))))
    return failure();
  return checkLike(*this, "mix", getMix(), getStreams(), count + count * count);
}

FailureOr<LocalOp> ReadStreamsOp::describe() {
  FailureOr<LocalOp> local =
      describeStreams(*this, OpKind::readStreams, getStreams(), getResult());
  if (failed(local))
    return failure();
  std::optional<Format> weight =
      formatOf(tensorOf(getProjection()).getElementType());
  if (!weight)
    return emitOpError("expects a number format of the catalogue, got ")
           << getProjection().getType();
  local->weight = *weight;
  local->chunk = getRounds();
  return local;
}

FailureOr<LocalOp> WriteStreamsOp::describe() {
  return describeStreams(*this, OpKind::writeStreams, getStreams(),
                         getUpdate());
}
