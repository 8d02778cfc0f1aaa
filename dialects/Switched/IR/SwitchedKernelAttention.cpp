//===- SwitchedKernelAttention.cpp - attention over a cache ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult ForHeadsOp::verifyRegions() {
  // for_heads_c1
  for (int64_t size :
       {int64_t(getHeads()), int64_t(getRows()), int64_t(getTokenTile()),
        int64_t(getColumnTile()), int64_t(getColumns())})
    if (size < 1)
      return emitOpError("expects heads, rows, tiles and columns of at least "
                         "1, got ")
             << size;
  // for_heads_c2
  return verifyProgramRegion(*this, getBody(), /*indices=*/4);
}

LogicalResult ForSequencesOp::verifyRegions() {
  // for_sequences_c1
  for (int64_t size :
       {int64_t(getSequences()), int64_t(getQueries()), int64_t(getTile())})
    if (size < 1)
      return emitOpError("expects sequences, queries and a tile of at least 1, "
                         "got ")
             << size;
  // for_sequences_c2
  return verifyProgramRegion(*this, getBody(), /*indices=*/3);
}

LogicalResult ForCacheTilesOp::verifyRegions() {
  // for_cache_tiles_c1
  for (int64_t size : {int64_t(getKeys()), int64_t(getTile())})
    if (size < 1)
      return emitOpError("expects keys and a tile of at least 1, got ") << size;
  for (Region *region : {&getProduce(), &getConsume()})
    if (failed(verifyProgramRegion(*this, *region, /*indices=*/2)))
      return failure();
  // for_cache_tiles_c2
  for (auto load : getProduce().front().getOps<TmaLoadOp>()) {
    SmemType tile = load.getTile().getType();
    if (tile.getStages() != int64_t(getStages()) ||
        tile.getRows() != int64_t(getTile()))
      return load.emitOpError("expects tiles of ")
             << int64_t(getStages()) << " stages of " << int64_t(getTile())
             << " keys, got " << tile;
  }
  if (getFull().getType().getStages() != int64_t(getStages()) ||
      getFree().getType().getStages() != int64_t(getStages()))
    return emitOpError("expects barriers of its ")
           << int64_t(getStages()) << " stages";
  // for_cache_tiles_c3, for_cache_tiles_c4
  return verifyHandshake(*this, getProduce(), getConsume(), getFull(),
                         getFree());
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

namespace {

/// Rows, columns and format of a tile of sums.
struct Sums {
  int64_t rows = 0, columns = 0;
  StringRef format;

  explicit Sums(Value value) {
    if (auto type = dyn_cast<TmemType>(value.getType())) {
      rows = type.getRows();
      columns = type.getColumns();
      format = type.getFormat();
      return;
    }
    auto type = cast<RegistersType>(value.getType());
    rows = type.getRows();
    columns = type.getColumns();
    format = type.getFormat();
  }
};

/// A maximum and a sum for each of `queries`.
bool isStateOf(RegistersType state, int64_t queries) {
  return state.getRows() == 2 && state.getColumns() == queries &&
         state.getFormat() == "f32";
}

} // namespace

LogicalResult SoftmaxStepOp::verify() {
  Sums scores(getScores());
  SmemType powers = getProbabilities().getType();
  // softmax_step_c1
  if (scores.format != "f32" || powers.getStages() != 1 ||
      powers.getRows() != scores.columns ||
      powers.getContraction() != scores.rows)
    return emitOpError("expects probabilities of ")
           << scores.columns << " x " << scores.rows << " of f32 scores, got "
           << powers << " of " << scores.format;
  // softmax_step_c2
  if (!isStateOf(getState().getType(), scores.columns))
    return emitOpError("expects a maximum and a sum in f32 of ")
           << scores.columns << " queries, got " << getState().getType();
  // softmax_step_c3
  for (Value output : getOutputs()) {
    Sums sums(output);
    if (sums.columns != scores.columns || sums.format != "f32")
      return emitOpError("expects outputs in f32 of ")
             << scores.columns << " queries, got " << output.getType();
  }
  // softmax_step_c4
  if (int64_t(getHeads()) < 1 || int64_t(getPast()) < 0)
    return emitOpError("expects heads of at least 1 and a past of at least 0, "
                       "got ")
           << int64_t(getHeads()) << " and " << int64_t(getPast());
  return success();
}

LogicalResult AttendOp::verify() {
  SmemType latent = getLatent().getType(),
           powers = getProbabilities().getType();
  std::optional<Format> format = parseFormat(latent.getFormat());
  bool inRegisters = isa<RegistersType>(getSums().getType());
  // attend_c1: rows that are not the contraction's are contiguous.
  if (!format || latent.getFormat() != powers.getFormat() ||
      scaleBlock(*format) || packedBits(*format) < (inRegisters ? 16 : 8) ||
      !(inRegisters ? wgmmaTakes(*format) : tcgen05Takes(*format)))
    return emitOpError(
               "expects operands of one format that is transposed, got ")
           << latent.getFormat() << " and " << powers.getFormat();
  // attend_c2
  int64_t rows = latent.getContraction(), queries = powers.getRows();
  bool hasShape = inRegisters
                      ? rows == kWgmmaRows && wgmmaHasTokens(queries)
                      : tcgen05HasShape(*format, rows, queries, /*pair=*/false);
  if (!hasShape)
    return emitOpError("expects a shape of the instruction, got ")
           << rows << " x " << queries;
  // attend_c3
  if (latent.getRows() != powers.getContraction() || powers.getStages() != 1 ||
      latent.getRows() * packedBits(*format) % (8 * kInstructionBytes) != 0)
    return emitOpError("expects one contraction of whole instructions of ")
           << kInstructionBytes << " bytes, got " << latent.getRows() << " and "
           << powers.getContraction() << " keys";
  // attend_c4
  Sums sums(getSums());
  if (sums.rows != rows || sums.columns != queries || sums.format != "f32")
    return emitOpError("expects sums of ")
           << rows << " x " << queries << " f32, got " << getSums().getType();
  return success();
}

LogicalResult NormalizeOp::verify() {
  Sums sums(getSums());
  SmemType result = getResult().getType();
  // normalize_c1
  if (sums.format != "f32" || result.getStages() != 1 ||
      result.getRows() != sums.columns || result.getContraction() != sums.rows)
    return emitOpError("expects one stage of ")
           << sums.columns << " x " << sums.rows << " of f32 sums, got "
           << result << " of " << sums.format;
  // normalize_c2
  if (!isStateOf(getState().getType(), sums.columns))
    return emitOpError("expects a maximum and a sum in f32 of ")
           << sums.columns << " queries, got " << getState().getType();
  return success();
}

LogicalResult StoreLogSumExpOp::verify() {
  // store_log_sum_exp_c1
  auto target = cast<MemRefType>(getTarget().getType());
  if (target.getRank() != 1 || !isa<FloatType>(target.getElementType()) ||
      getState().getType().getRows() != 2)
    return emitOpError(
               "expects a float per query and a maximum and a sum, got ")
           << target << " and " << getState().getType();
  return success();
}
