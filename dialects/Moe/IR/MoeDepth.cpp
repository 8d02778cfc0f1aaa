//===- MoeDepth.cpp - attention over depth, and caps ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifier and work of moe.depth_attention; the check of the caps that
// feed-forward blocks share.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Checks.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

LogicalResult moe::checkCaps(Operation *op, Activation activation,
                             const llvm::APFloat &gateCap,
                             const llvm::APFloat &linearCap, bool gated) {
  double gate = gateCap.convertToDouble();
  double linear = linearCap.convertToDouble();
  // The negated form also refuses NaN.
  if (!(gate >= 0) || !(linear >= 0) || std::isinf(gate) || std::isinf(linear))
    return op->emitOpError("expects finite caps >= 0, got ")
           << gate << " and " << linear;
  if (gate > 0 && activation != Activation::silu)
    return op->emitOpError("expects a gate_cap beside silu only");
  if (linear > 0 && !gated)
    return op->emitOpError("expects a gate beside linear_cap");
  return success();
}

LogicalResult DepthAttentionOp::verify() {
  if (failed(checkMinRank(*this, "current", getCurrent(), 1)) ||
      failed(checkMinRank(*this, "sealed", getSealed(), 1)))
    return failure();
  int64_t width = lastDim(getCurrent()), sealed = lastDim(getSealed());
  if (ShapedType::isDynamic(width) || ShapedType::isDynamic(sealed) ||
      width < 1 || sealed < width || sealed % width != 0)
    return emitOpError("expects sealed streams of width ")
           << width << ", at least one, got " << getSealed().getType();
  if (failed(checkLike(*this, "sealed", getSealed(), getCurrent(), sealed)) ||
      failed(checkRank(*this, "gain", getGain(), 1)) ||
      failed(checkDim(*this, "gain", getGain(), 0, width)) ||
      failed(checkRank(*this, "query", getQuery(), 1)) ||
      failed(checkDim(*this, "query", getQuery(), 0, width)))
    return failure();
  if (getResult().getType() != getCurrent().getType())
    return emitOpError("expects a result of the type of current, got ")
           << getResult().getType();
  if (!(getEpsilon().convertToDouble() >= 0))
    return emitOpError("expects epsilon >= 0, got ")
           << getEpsilon().convertToDouble();
  return success();
}

FailureOr<LocalOp> DepthAttentionOp::describe() {
  LocalOp local;
  local.kind = OpKind::depthAttention;
  int64_t rows = 1;
  for (int64_t dim : tensorOf(getCurrent()).getShape().drop_back()) {
    if (ShapedType::isDynamic(dim))
      return emitOpError("expects static dimensions to state its work, got ")
             << getCurrent().getType() << " (run moe-bind-workload)";
    rows *= dim;
  }
  std::optional<Format> format =
      formatOf(tensorOf(getCurrent()).getElementType());
  std::optional<Format> weight = formatOf(tensorOf(getGain()).getElementType());
  if (!format || !weight)
    return emitOpError("expects number formats of the catalogue, got ")
           << getCurrent().getType() << " and " << getGain().getType();
  local.rows = local.meanRows = double(rows);
  local.activation = local.compute = *format;
  local.weight = *weight;
  local.outer = lastDim(getCurrent());
  local.inner = lastDim(getSealed()) / local.outer + 1;
  return local;
}
