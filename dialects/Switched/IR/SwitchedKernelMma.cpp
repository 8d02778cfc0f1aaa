//===- SwitchedKernelMma.cpp - matrix products and epilogues --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// A matrix operand, wherever it is.
struct Matrix {
  int64_t rows = 0;
  int64_t columns = 0;
  StringRef format;
};

Matrix matrixOf(Value value) {
  if (auto type = dyn_cast<SmemType>(value.getType()))
    return {type.getRows(), type.getContraction(), type.getFormat()};
  if (auto type = dyn_cast<TmemType>(value.getType()))
    return {type.getRows(), type.getColumns(), type.getFormat()};
  auto type = cast<RegistersType>(value.getType());
  return {type.getRows(), type.getColumns(), type.getFormat()};
}

/// Rules that both products have: operands of one format that the instruction
/// takes (`_c2`), a contraction of whole instructions (`_c3`), and sums of the
/// operands' shape (`_c4`).
LogicalResult verifyProduct(Operation *op, Matrix weights, Matrix tokens,
                            Matrix sums, bool (*takes)(Format), int64_t parts) {
  std::optional<Format> format = parseFormat(weights.format);
  if (!format || weights.format != tokens.format || !takes(*format))
    return op->emitOpError("expects operands of one format of the instruction, "
                           "got ")
           << weights.format << " and " << tokens.format;
  if (weights.columns != tokens.columns ||
      weights.columns * packedBits(*format) % (8 * kInstructionBytes) != 0)
    return op->emitOpError("expects one contraction of whole instructions of ")
           << kInstructionBytes << " bytes, got " << weights.columns << " and "
           << tokens.columns << " elements of " << weights.format;
  if (sums.rows != weights.rows || sums.columns != parts * tokens.rows ||
      sums.format != "f32")
    return op->emitOpError("expects sums of ")
           << weights.rows << " x " << parts * tokens.rows << " f32, got "
           << sums.rows << " x " << sums.columns << " " << sums.format;
  return success();
}

LogicalResult verifyScales(Operation *op, Value scales, int64_t rows,
                           int64_t blocks) {
  auto type = cast<TmemType>(scales.getType());
  if (type.getFormat() != kScaleFormat || type.getRows() != rows ||
      type.getColumns() != blocks)
    return op->emitOpError("expects scales of ")
           << rows << " rows of " << blocks << " blocks, got " << type;
  return success();
}

} // namespace

LogicalResult WgmmaOp::verify() {
  Matrix weights = matrixOf(getWeights()), tokens = matrixOf(getTokens());
  // wgmma_c1
  if (weights.rows != kWgmmaRows || !wgmmaHasTokens(tokens.rows))
    return emitOpError("expects 64 rows and a multiple of 8 tokens up to 256, "
                       "got ")
           << weights.rows << " x " << tokens.rows;
  // wgmma_c5
  if (isa<TmemType>(getWeights().getType()))
    return emitOpError("expects weights in shared memory or registers, got ")
           << getWeights().getType();
  return verifyProduct(*this, weights, tokens, matrixOf(getSums()), wgmmaTakes,
                       /*parts=*/1);
}

LogicalResult Tcgen05MmaOp::verify() {
  Matrix weights = matrixOf(getWeights()), tokens = matrixOf(getTokens());
  int64_t parts = getCtaPair() ? 2 : 1;
  std::optional<Format> format = parseFormat(weights.format);
  // tcgen05_mma_c1
  if (format && !tcgen05HasShape(*format, parts * weights.rows,
                                 parts * tokens.rows, getCtaPair()))
    return emitOpError("expects a shape of the instruction, got ")
           << parts * weights.rows << " x " << parts * tokens.rows << " of "
           << weights.format << (getCtaPair() ? " on a pair" : "");
  // tcgen05_mma_c5
  if (isa<RegistersType>(getWeights().getType()))
    return emitOpError(
               "expects weights in shared memory or tensor memory, got ")
           << getWeights().getType();
  if (failed(verifyProduct(*this, weights, tokens, matrixOf(getSums()),
                           tcgen05Takes, parts)))
    return failure();
  // tcgen05_mma_c6
  int64_t block = scaleBlock(*format);
  if ((block != 0) != bool(getWeightScales()))
    return emitOpError("expects block scales exactly of a format that has "
                       "them, got ")
           << weights.format;
  if (!block)
    return success();
  int64_t blocks = weights.columns / block;
  if (failed(verifyScales(*this, getWeightScales(), weights.rows, blocks)))
    return failure();
  return verifyScales(*this, getTokenScales(), parts * tokens.rows, blocks);
}

LogicalResult Tcgen05CopyScalesOp::verify() {
  SmemType tile = getTile().getType();
  // tcgen05_copy_scales_c1
  int64_t block = scaleBlock(*parseFormat(tile.getFormat()));
  if (block == 0)
    return emitOpError("expects a format with block scales, got ")
           << tile.getFormat();
  // tcgen05_copy_scales_c2
  TmemType scales = getScales().getType();
  if (scales.getFormat() != kScaleFormat ||
      scales.getColumns() * block != tile.getContraction() ||
      scales.getRows() % tile.getRows() != 0)
    return emitOpError("expects scales of ")
           << tile.getRows() << " rows of " << tile.getContraction() / block
           << " blocks, got " << scales;
  return success();
}

LogicalResult ConvertOp::verify() {
  Matrix from = matrixOf(getTile()), to = matrixOf(getResult());
  // convert_c1
  if (from.rows != to.rows || from.columns != to.columns)
    return emitOpError("expects tiles of one shape, got ")
           << from.rows << " x " << from.columns << " and " << to.rows << " x "
           << to.columns;
  // convert_c2
  if (from.format == to.format || !parseFormat(to.format))
    return emitOpError("expects another number format, got ")
           << from.format << " and " << to.format;
  return success();
}

LogicalResult EpilogueOp::verify() {
  Matrix sums = matrixOf(getSums());
  SmemType result = getResult().getType();
  // epilogue_c1
  if (getGate() && getGate().getType() != getSums().getType())
    return emitOpError("expects gate and sums of one type, got ")
           << getGate().getType() << " and " << getSums().getType();
  if (getGate() && !getActivation())
    return emitOpError("expects an activation of its gate, got none");
  // epilogue_c2
  if (sums.format != "f32" || result.getStages() != 1 ||
      result.getRows() != sums.columns || result.getContraction() != sums.rows)
    return emitOpError("expects one stage of ")
           << sums.columns << " x " << sums.rows << " of f32 sums, got "
           << result << " of " << sums.format;
  return success();
}
