//===- NumberFormats.cpp - the numbers that a format holds ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Codes are computed in double, where every step but the rounding is exact.
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/NumberFormats.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace portolan;

namespace {

constexpr llvm::StringLiteral kNames[] = {
    "bf16",        "fp16",   "e5m2",    "e4m3", "e4m3fn", "e4m3fnuz",
    "e4m3b11fnuz", "e2m1fn", "e8m0fnu", "int8", "int4"};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr uint32_t kScaleNan = 0xFF; ///< of e8m0fnu

/// Nearest integer, ties to even, whatever the rounding mode of the thread.
double nearestEven(double value) {
  double below = std::floor(value), rest = value - below;
  if (rest < 0.5 || (rest == 0.5 && std::fmod(below, 2) == 0))
    return below;
  return below + 1;
}

uint32_t encodePower(float value) {
  if (std::isnan(value) || std::signbit(value))
    return kScaleNan;
  if (value < 0x1p-126f)
    return 0;
  return std::isinf(value) ? 254 : uint32_t(std::ilogb(value) + 127);
}

uint32_t encodeInteger(const ElementLayout &layout, float value) {
  uint32_t mask = (1u << layout.bits) - 1;
  if (std::isnan(value))
    return layout.nanCode;
  double bound = layout.largestCode;
  double whole = nearestEven(std::clamp(double(value), -bound, bound));
  return uint32_t(int32_t(whole)) & mask;
}

/// The magnitude's code, before it is held against the largest one.
uint64_t magnitudeCode(const ElementLayout &layout, double magnitude) {
  if (magnitude == 0)
    return 0;
  int least = 1 - layout.bias;
  int exponent = std::max(std::ilogb(magnitude), least);
  double steps =
      nearestEven(std::ldexp(magnitude, layout.mantissaBits - exponent));
  // A carry into the next binade is a carry of the code as well.
  return uint64_t(steps) + (uint64_t(exponent - least) << layout.mantissaBits);
}

float dropBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= kScaleMask;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

float singleScale(float numerator, float denominator) {
  return std::max(dropBits(numerator / denominator), kLeastScale);
}

/// The larger one, or NaN if one is.
float larger(float a, float b) {
  return std::isnan(a) ? a : std::isnan(b) || b > a ? b : a;
}

} // namespace

llvm::StringRef portolan::spell(ElementFormat format) {
  return kNames[unsigned(format)];
}

std::optional<ElementFormat>
portolan::parseElementFormat(llvm::StringRef name) {
  for (ElementFormat format : kAllElementFormats)
    if (spell(format) == name)
      return format;
  return std::nullopt;
}

ElementLayout portolan::layoutOf(ElementFormat format) {
  switch (format) {
  case ElementFormat::bf16:
    return {16, 8, 7, 127, true, /*overflows=*/true, 0x7F7F, 0x7FC0};
  case ElementFormat::fp16:
    return {16, 5, 10, 15, true, /*overflows=*/true, 0x7BFF, 0x7E00};
  case ElementFormat::e5m2:
    return {8, 5, 2, 15, true, /*overflows=*/false, 0x7B, 0x7E};
  case ElementFormat::e4m3:
    return {8, 4, 3, 7, true, /*overflows=*/false, 0x77, 0x7C};
  case ElementFormat::e4m3fn:
    return {8, 4, 3, 7, true, /*overflows=*/false, 0x7E, 0x7F};
  case ElementFormat::e4m3fnuz:
    return {8, 4, 3, 8, false, /*overflows=*/false, 0x7F, 0x80};
  case ElementFormat::e4m3b11fnuz:
    return {8, 4, 3, 11, false, /*overflows=*/false, 0x7F, 0x80};
  case ElementFormat::e2m1fn:
    return {4, 2, 1, 1, true, /*overflows=*/false, 0x7, 0x7};
  case ElementFormat::e8m0fnu:
    return {8, 8, 0, 127, false, /*overflows=*/false, 254, kScaleNan};
  case ElementFormat::int8:
    return {8, 0, 0, 0, false, /*overflows=*/false, 127, 127};
  case ElementFormat::int4:
    return {4, 0, 0, 0, false, /*overflows=*/false, 7, 7};
  }
  llvm_unreachable("the switch covers the enumeration");
}

float portolan::largestOf(ElementFormat format) {
  return decode(format, layoutOf(format).largestCode);
}

int portolan::largestExponentOf(ElementFormat format) {
  return std::ilogb(largestOf(format));
}

float portolan::decode(ElementFormat format, uint32_t code) {
  ElementLayout layout = layoutOf(format);
  code &= (1u << layout.bits) - 1;
  if (format == ElementFormat::e8m0fnu)
    return code == kScaleNan ? kNan : std::ldexp(1.0f, int(code) - 127);
  uint32_t sign = 1u << (layout.bits - 1);
  if (layout.isInteger())
    return float(int32_t(code ^ sign) - int32_t(sign));
  if (!layout.hasNegativeZero && code == layout.nanCode)
    return kNan;
  uint32_t magnitude = code & (sign - 1);
  float value;
  if (magnitude > layout.largestCode) {
    // Of the codes above the largest number the first one is infinity in the
    // formats that keep IEEE's, where the exponent has no number at all.
    uint32_t infinity = ((1u << layout.exponentBits) - 1)
                        << layout.mantissaBits;
    value = magnitude == infinity ? kInfinity : kNan;
  } else {
    int exponent = int(magnitude >> layout.mantissaBits);
    uint32_t mantissa = magnitude & ((1u << layout.mantissaBits) - 1);
    if (exponent > 0)
      mantissa |= 1u << layout.mantissaBits;
    value = std::ldexp(float(mantissa), std::max(exponent, 1) - layout.bias -
                                            layout.mantissaBits);
  }
  return code & sign ? -value : value;
}

uint32_t portolan::encode(ElementFormat format, float value) {
  ElementLayout layout = layoutOf(format);
  if (format == ElementFormat::e8m0fnu)
    return encodePower(value);
  if (layout.isInteger())
    return encodeInteger(layout, value);
  if (std::isnan(value))
    return layout.nanCode;
  uint64_t code = layout.largestCode + 1;
  if (!std::isinf(value))
    code = magnitudeCode(layout, std::fabs(double(value)));
  if (code > layout.largestCode)
    code = layout.overflows ? layout.largestCode + 1 : layout.largestCode;
  if (std::signbit(value) && (code != 0 || layout.hasNegativeZero))
    code |= 1u << (layout.bits - 1);
  return uint32_t(code);
}

std::optional<Quantization>
portolan::quantizationOf(Format format, std::optional<ElementFormat> encoding,
                         bool unscaled) {
  using Element = ElementFormat;
  // The first encoding is the one meant without a name.
  llvm::ArrayRef<Element> encodings;
  static constexpr Element kFp8[] = {Element::e4m3fn, Element::e5m2,
                                     Element::e4m3, Element::e4m3fnuz,
                                     Element::e4m3b11fnuz};
  static constexpr Element kBf16[] = {Element::bf16}, kFp16[] = {Element::fp16},
                           kFp4[] = {Element::e2m1fn},
                           kInt8[] = {Element::int8}, kInt4[] = {Element::int4};
  Quantization rule;
  switch (format) {
  case Format::f32:
    return std::nullopt;
  case Format::bf16:
    encodings = kBf16;
    break;
  case Format::fp16:
    encodings = kFp16;
    break;
  case Format::fp8:
    encodings = kFp8;
    rule.scale = unscaled ? ScaleRule::none : ScaleRule::f32;
    break;
  case Format::mxfp8:
    encodings = llvm::ArrayRef(kFp8).take_front(2);
    rule.scale = ScaleRule::e8m0;
    rule.group = 32;
    break;
  case Format::int8:
    encodings = kInt8;
    rule.scale = ScaleRule::f32;
    break;
  case Format::nvfp4:
    encodings = kFp4;
    rule.scale = ScaleRule::e4m3;
    rule.group = 16;
    break;
  case Format::mxfp4:
    encodings = kFp4;
    rule.scale = ScaleRule::e8m0;
    rule.group = 32;
    break;
  case Format::int4:
    encodings = kInt4;
    rule.scale = ScaleRule::bf16;
    rule.group = 32;
    break;
  }
  if ((encoding && !llvm::is_contained(encodings, *encoding)) ||
      (unscaled && format != Format::fp8))
    return std::nullopt;
  rule.element = encoding.value_or(encodings.front());
  return rule;
}

float portolan::scaleOf(const Quantization &rule, float groupMax,
                        float tensorMax) {
  if (!std::isfinite(groupMax))
    return rule.scale == ScaleRule::none ? 1 : kNan;
  float largest = largestOf(rule.element);
  switch (rule.scale) {
  case ScaleRule::none:
    return 1;
  case ScaleRule::f32:
    return singleScale(groupMax, largest);
  case ScaleRule::bf16:
    return std::max(roundTo(ElementFormat::bf16, groupMax / largest),
                    kLeastScale);
  case ScaleRule::e8m0: {
    // The bias of the exponent is that of f32.
    int code = int(encodePower(groupMax)) - largestExponentOf(rule.element);
    return decode(ElementFormat::e8m0fnu, uint32_t(std::max(code, 0)));
  }
  case ScaleRule::e4m3: {
    if (!std::isfinite(tensorMax))
      return kNan;
    float most = largestOf(ElementFormat::e4m3fn);
    float global = singleScale(tensorMax, largest * most);
    float local =
        std::clamp(groupMax / (largest * global), kLeastNormalE4M3, most);
    return roundTo(ElementFormat::e4m3fn, local) * global;
  }
  }
  llvm_unreachable("the switch covers the enumeration");
}

void portolan::fakeQuantize(const Quantization &rule,
                            llvm::ArrayRef<int64_t> shape, int64_t axis,
                            int64_t tensorDims,
                            llvm::MutableArrayRef<float> values) {
  // The axis has `extent` elements, `inner` apart, in each of `rows` rows.
  int64_t extent = shape[axis], inner = 1, outer = 1, perTensor = 1;
  for (int64_t size : shape.drop_front(axis + 1))
    inner *= size;
  for (int64_t size : shape.take_front(axis))
    outer *= size;
  for (int64_t size : shape.take_back(tensorDims))
    perTensor *= size;
  int64_t group = rule.group ? rule.group : std::max<int64_t>(extent, 1);
  std::vector<float> tensorMax(perTensor ? values.size() / perTensor : 0, 0);
  for (auto [i, value] : llvm::enumerate(values)) {
    float &most = tensorMax[i / perTensor];
    most = larger(most, std::fabs(value));
  }
  for (int64_t row = 0; row < outer * inner; ++row)
    for (int64_t begin = 0; begin < extent; begin += group) {
      int64_t first = row / inner * extent * inner + row % inner;
      int64_t end = std::min(begin + group, extent);
      float most = 0;
      for (int64_t i = begin; i < end; ++i)
        most = larger(most, std::fabs(values[first + i * inner]));
      float scale =
          scaleOf(rule, most, tensorMax[(first + begin * inner) / perTensor]);
      for (int64_t i = begin; i < end; ++i) {
        float &value = values[first + i * inner];
        value = roundTo(rule.element, value / scale) * scale;
      }
    }
}
