//===- Dequantize.cpp - verifier of moe.dequantize ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights that a file keeps as codes of a few bits: which shapes belong
// together, and which format of the catalogue they ship in.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

#define GET_OP_CLASSES
#include "dialects/Moe/IR/MoeDequantize.cpp.inc"

namespace {

constexpr llvm::StringLiteral kEncodings[] = {"integer", "e2m1", "e4m3",
                                              "e8m0"};

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool hasBytes(Value value) {
  return tensorOf(value).getElementTypeBitWidth() == 8;
}

bool hasNumbers(Value value) {
  return isa<Float32Type, BFloat16Type, Float16Type>(
      tensorOf(value).getElementType());
}

/// Elements of a block of an `nvfp4` weight; other e2m1 weights are `mxfp4`.
constexpr int64_t kNvfp4Block = 16;

} // namespace

llvm::StringRef moe::spell(Encoding encoding) {
  return kEncodings[unsigned(encoding)];
}

std::optional<Encoding> moe::parseEncoding(llvm::StringRef name) {
  auto found = llvm::find(kEncodings, name);
  if (found == std::end(kEncodings))
    return std::nullopt;
  return Encoding(found - std::begin(kEncodings));
}

Format DequantizeOp::storage() {
  // The verifier has accepted the name.
  switch (*parseEncoding(getEncoding())) {
  case Encoding::e2m1:
    return getBlockSize() && int64_t(*getBlockSize()) == kNvfp4Block
               ? Format::nvfp4
               : Format::mxfp4;
  case Encoding::e4m3:
    return Format::fp8;
  default:
    return int64_t(getBits()) == 8 ? Format::int8 : Format::int4;
  }
}

LogicalResult DequantizeOp::verify() {
  int64_t bits = getBits();
  std::optional<Encoding> encoding = parseEncoding(getEncoding());
  bool fits = encoding == Encoding::integer
                  ? bits == 2 || bits == 4 || bits == 8
              : encoding == Encoding::e2m1 ? bits == 4
                                           : bits == 8;
  if (!fits || !encoding || encoding == Encoding::e8m0)
    return emitOpError("expects integers of 2, 4 or 8 bits, e2m1 of 4 or e4m3 "
                       "of 8, got ")
           << getEncoding() << " of " << bits;
  RankedTensorType result = tensorOf(getResult());
  if (!result.hasStaticShape() || result.getRank() < 1 ||
      !hasNumbers(getResult()))
    return emitOpError("expects a static result of f32, bf16 or f16, got ")
           << result;
  int64_t axis = getAxis(), rank = result.getRank();
  if (axis < 0 || axis >= rank)
    return emitOpError("expects an axis of the ")
           << rank << " dimensions of the result, got " << axis;

  int64_t bytes = llvm::divideCeil(result.getShape().back() * bits, 8);
  RankedTensorType packed = tensorOf(getPacked());
  if (!hasBytes(getPacked()) || packed.getRank() != rank ||
      packed.getShape().drop_back() != result.getShape().drop_back() ||
      packed.getShape().back() < bytes)
    return emitOpError("expects packed bytes with the leading dimensions of ")
           << result << " and at least " << bytes << " in the last, got "
           << packed;

  SmallVector<int64_t> shape(result.getShape());
  shape.erase(shape.begin() + axis);
  if (getBlockSize()) {
    int64_t block = *getBlockSize();
    if (block < 1)
      return emitOpError("expects block_size >= 1, got ") << block;
    shape.push_back(llvm::divideCeil(result.getDimSize(axis), block));
  }
  RankedTensorType scales = tensorOf(getScales());
  if (scales.getShape() != ArrayRef<int64_t>(shape))
    return emitOpError("expects scales of ")
           << RankedTensorType::get(shape, scales.getElementType()) << ", got "
           << scales;
  bool encoded = getScaleEncoding() && (*getScaleEncoding() == "e4m3" ||
                                        *getScaleEncoding() == "e8m0");
  if (!(hasNumbers(getScales()) && !getScaleEncoding()) &&
      !(hasBytes(getScales()) && encoded))
    return emitOpError("expects scales of f32, bf16 or f16, or bytes with "
                       "scale_encoding e4m3 or e8m0, got ")
           << scales;
  if (Value points = getZeroPoints()) {
    if (encoding != Encoding::integer)
      return emitOpError("expects no zero points beside ") << getEncoding();
    SmallVector<int64_t> expected(shape);
    if (hasBytes(points) && !expected.empty())
      expected.back() = llvm::divideCeil(expected.back() * bits, 8);
    RankedTensorType type = tensorOf(points);
    if ((!hasBytes(points) && !hasNumbers(points)) ||
        type.getShape() != ArrayRef<int64_t>(expected))
      return emitOpError("expects zero points of ")
             << RankedTensorType::get(expected, type.getElementType())
             << " in bytes or as f32, bf16 or f16, got " << type;
  }
  if (Value global = getGlobalScale()) {
    RankedTensorType type = tensorOf(global);
    if (!hasNumbers(global) || type.getRank() != 1 ||
        type.getDimSize(0) != result.getDimSize(0))
      return emitOpError("expects a global scale for each of ")
             << result.getDimSize(0) << " entries of the first dimension, got "
             << type;
  }
  return success();
}
