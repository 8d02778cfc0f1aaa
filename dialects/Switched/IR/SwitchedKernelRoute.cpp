//===- SwitchedKernelRoute.cpp - the choice of experts --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

LogicalResult ForRowsOp::verifyRegions() {
  // for_rows_c1
  if (int64_t(getTile()) < 1)
    return emitOpError("expects a tile of at least 1 row, got ")
           << int64_t(getTile());
  if (cast<MemRefType>(getRows().getType()).getRank() < 1)
    return emitOpError("expects a tensor of rows, got ") << getRows().getType();
  return verifyProgramRegion(*this, getBody(), /*indices=*/2);
}

/// Global memory of `shape` whose elements `accepts`.
static LogicalResult verifyGlobal(ChooseOp op, StringRef name, Value value,
                                  ArrayRef<int64_t> shape,
                                  bool (*accepts)(Type)) {
  if (!value)
    return success();
  auto type = cast<MemRefType>(value.getType());
  bool fits =
      type.getRank() == int64_t(shape.size()) && accepts(type.getElementType());
  for (auto [has, wants] : llvm::zip(type.getShape(), shape))
    fits &= ShapedType::isDynamic(wants) || has == wants;
  if (fits)
    return success();
  return op.emitOpError("expects ")
         << name << " of the experts and the choice, got " << type;
}

LogicalResult ChooseOp::verify() {
  int64_t experts = getExperts(), topK = getTopK();
  // choose_c1
  if (getLogits().empty())
    return emitOpError("expects tiles of logits, got none");
  SmemType first = cast<SmemType>(getLogits().front().getType());
  int64_t columns = 0;
  for (Value tile : getLogits()) {
    auto type = cast<SmemType>(tile.getType());
    if (type != first || type.getFormat() != "f32" || type.getStages() != 1)
      return emitOpError("expects one stage of f32 in tiles of one type, got ")
             << type;
    columns += type.getContraction();
  }
  // choose_c2
  if (experts > columns || experts <= columns - first.getContraction())
    return emitOpError("expects tiles of ")
           << experts << " experts, got " << columns << " columns";
  // choose_c3
  int64_t groups = getGroups(), topGroups = getTopGroups();
  if (groups < 1 || experts % groups != 0 || topGroups < 1 ||
      topGroups > groups || topK < 1 || topK > experts / groups * topGroups)
    return emitOpError("expects top_k of the experts of top_groups of groups "
                       "that divide the experts, got ")
           << topK << " of " << topGroups << " of " << groups << " groups of "
           << experts;
  // choose_c4
  bool mixes = getScoring() == moe::Scoring::sparse_mixer;
  double jitter = getJitter().convertToDouble();
  if (getGroupRank() < 1 || getGroupRank() > 2 || !(jitter >= 0) ||
      (jitter > 0 && !mixes))
    return emitOpError("expects group_rank 1 or 2 and jitter of sparse_mixer "
                       "only, got ")
           << int64_t(getGroupRank()) << " and " << jitter;
  if (bool(getIds()) != bool(getTable()) ||
      (getTable() && (getCorrection() || groups > 1)) ||
      (mixes && (getTable() || getCorrection() || groups > 1)))
    return emitOpError("expects one way to choose: groups and correction, ids "
                       "and table, or sparse_mixer");
  // choose_c5
  auto isFloat = [](Type type) { return isa<FloatType>(type); };
  auto isInteger = [](Type type) { return isa<IntegerType>(type); };
  int64_t any = ShapedType::kDynamic;
  if (failed(verifyGlobal(*this, "bias", getBias(), experts, isFloat)) ||
      failed(verifyGlobal(*this, "correction", getCorrection(), experts,
                          isFloat)) ||
      failed(verifyGlobal(*this, "ids", getIds(), any, isInteger)) ||
      failed(
          verifyGlobal(*this, "table", getTable(), {any, topK}, isInteger)) ||
      failed(
          verifyGlobal(*this, "weights", getWeights(), {any, topK}, isFloat)))
    return failure();
  return verifyGlobal(*this, "indices", getIndices(), {any, topK}, isInteger);
}
