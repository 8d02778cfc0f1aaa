//===- FakeQuantize.cpp - verifier of moe.fake_quantize -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/FakeQuantize.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

#define GET_OP_CLASSES
#include "dialects/Moe/IR/MoeFakeQuantize.cpp.inc"

/// Loops of the decomposition are named by letters.
static constexpr int64_t kMaxRank = 16;

Quantization FakeQuantizeOp::rule() {
  // The verifier has accepted the names.
  std::optional<ElementFormat> encoding;
  if (std::optional<StringRef> name = getEncoding())
    encoding = parseElementFormat(*name);
  return *quantizationOf(*parseFormat(getFormat()), encoding, getUnscaled());
}

LogicalResult FakeQuantizeOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  if (!isa<Float32Type, BFloat16Type, Float16Type>(type.getElementType()))
    return emitOpError("expects a tensor of f32, bf16 or f16, got ") << type;
  std::optional<Format> format = parseFormat(getFormat());
  if (!format || *format == Format::f32)
    return emitOpError("expects a number format narrower than f32, got '")
           << getFormat() << "'";
  std::optional<ElementFormat> encoding;
  if (std::optional<StringRef> name = getEncoding()) {
    encoding = parseElementFormat(*name);
    if (!encoding || !quantizationOf(*format, encoding))
      return emitOpError("expects an encoding of ")
             << getFormat() << ", got '" << *name << "'";
  }
  if (getUnscaled() && !quantizationOf(*format, encoding, /*unscaled=*/true))
    return emitOpError("expects fp8 to be unscaled, got ") << getFormat();
  int64_t rank = type.getRank(), axis = getAxis();
  if (rank > kMaxRank)
    return emitOpError("expects at most ")
           << kMaxRank << " dimensions, got " << type;
  if (axis < 0 || axis >= rank || type.isDynamicDim(axis))
    return emitOpError("expects a static dimension of ")
           << type << " as axis, got " << axis;
  if (std::optional<uint64_t> dims = getTensorDims();
      dims && (int64_t(*dims) < rank - axis || int64_t(*dims) > rank))
    return emitOpError("expects tensor_dims from ")
           << rank - axis << " to " << rank << ", got " << int64_t(*dims);
  return success();
}

FailureOr<SmallVector<Quantization>> moe::innerRulesOf(Operation *op) {
  SmallVector<Quantization> rules;
  Attribute attribute = op->getDiscardableAttr(kInnerFormatsAttr);
  if (!attribute)
    return rules;
  auto names = dyn_cast<ArrayAttr>(attribute);
  if (!names)
    return op->emitOpError("expects an array of names as ")
           << kInnerFormatsAttr << ", got " << attribute;
  for (Attribute element : names) {
    auto name = dyn_cast<StringAttr>(element);
    auto [text, encodingText] =
        (name ? name.getValue() : StringRef()).split(':');
    std::optional<Format> format = parseFormat(text);
    std::optional<ElementFormat> encoding = parseElementFormat(encodingText);
    std::optional<Quantization> rule;
    if (format && (encodingText.empty() || encoding))
      rule = quantizationOf(*format, encoding);
    if (!rule)
      return op->emitOpError("expects number formats narrower than f32 in ")
             << kInnerFormatsAttr << ", got " << element;
    rules.push_back(*rule);
  }
  return rules;
}
