//===- NumberFormats.h - the numbers that a format holds -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each code of 16 bits or fewer stands for, which code a number becomes,
// and how the formats of the catalogue (Format.h) scale their elements. It is
// the definition that `moe.fake_quantize` and its decomposition follow.
//
// Rounding is to nearest, ties to even. Codes of 8 bits and fewer saturate, an
// infinity included; bf16 and fp16 overflow to infinity, as IEEE 754 has it.
//
// A scaled format divides each element by the scale of its group in f32, rounds
// the quotient to a code and multiplies the code's value with the scale:
//
// | format | element | group       | scale of a group with largest magnitude m
// |
// |--------|---------|-------------|-------------------------------------------|
// | bf16, fp16 | itself |          | none | | fp8    | e4m3fn  | row         |
// f32: m / 448, or none if unscaled         | | mxfp8  | e4m3fn  | 32 | e8m0:
// 2^(floor(log2 m) - 8)               | | int8   | -127..127 | row       | f32:
// m / 127                              | | nvfp4  | e2m1fn  | 16          |
// e4m3fn: m / 6 / g, times the tensor's g   | | mxfp4  | e2m1fn  | 32 | e8m0:
// 2^(floor(log2 m) - 2)               | | int4   | -7..7   | 32          |
// bf16: m / 7                               |
//
// The g of nvfp4 is the tensor's largest magnitude / (6 * 448). Scales in f32
// (g too) are cut to 16 significant bits, so that scale times code is exact,
// and are at least 2^-100, so that a group of zeros needs no case of its own.
// The e4m3fn scale is rounded within [2^-6, 448]: a subnormal one would not
// give back what it rounded. Rounding twice therefore changes nothing (below
// 2^126, where a product may overflow). A row or group that holds an infinity
// or a NaN has no scale: all of it becomes NaN.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SUPPORT_NUMBERFORMATS_H
#define PORTOLAN_SUPPORT_NUMBERFORMATS_H

#include "portolan/Support/Format.h"
#include "llvm/ADT/ArrayRef.h"

namespace portolan {

/// A format of single numbers. Names are those of the OCP specifications and of
/// the types of MLIR: `fn` has no infinity, `uz` no negative zero. e5m2 and
/// e4m3 have infinities as IEEE 754 has them, e4m3 up to 240.
enum class ElementFormat : uint8_t {
  bf16,
  fp16,
  e5m2,
  e4m3,
  e4m3fn,
  e4m3fnuz,
  e4m3b11fnuz,
  e2m1fn,
  e8m0fnu, ///< a power of two, unsigned: scales only
  int8,
  int4,
};

inline constexpr std::array<ElementFormat, 11> kAllElementFormats = {
    ElementFormat::bf16,        ElementFormat::fp16,   ElementFormat::e5m2,
    ElementFormat::e4m3,        ElementFormat::e4m3fn, ElementFormat::e4m3fnuz,
    ElementFormat::e4m3b11fnuz, ElementFormat::e2m1fn, ElementFormat::e8m0fnu,
    ElementFormat::int8,        ElementFormat::int4};

/// "e4m3fn".
llvm::StringRef spell(ElementFormat format);

/// The inverse of spell().
std::optional<ElementFormat> parseElementFormat(llvm::StringRef name);

/// How the bits of a code are read: a sign, `exponentBits`, `mantissaBits`.
/// Integers (`exponentBits` 0) are in two's complement.
struct ElementLayout {
  unsigned bits = 8;
  int exponentBits = 0;
  int mantissaBits = 0;
  int bias = 0;
  bool hasNegativeZero = true;
  /// Numbers too large become infinity instead of the largest one.
  bool overflows = false;
  /// The code of the largest finite number.
  uint32_t largestCode = 0;
  /// A code of NaN; the largest number's if no code is NaN.
  uint32_t nanCode = 0;

  bool isInteger() const { return exponentBits == 0; }
};
ElementLayout layoutOf(ElementFormat format);

/// The largest finite number: 448 of e4m3fn.
float largestOf(ElementFormat format);

/// The number that the lowest bits of `code` stand for.
float decode(ElementFormat format, uint32_t code);

/// The code of the nearest number (see above). NaN becomes the code of NaN, or
/// of the largest number where there is none. e8m0fnu takes the largest power
/// of two that is not above `value`, 2^-127 for less, NaN for what is negative.
uint32_t encode(ElementFormat format, float value);

/// The nearest number that the format holds: decode(encode(value)).
inline float roundTo(ElementFormat format, float value) {
  return decode(format, encode(format, value));
}

/// What the elements of a group are divided by.
enum class ScaleRule : uint8_t { none, f32, bf16, e8m0, e4m3 };

/// How a format of the catalogue rounds a tensor.
struct Quantization {
  ElementFormat element = ElementFormat::bf16;
  ScaleRule scale = ScaleRule::none;
  int64_t group = 0; ///< elements that share a scale; 0: a whole row
};

/// The rule of the table above; nothing for f32, which rounds nothing, and for
/// an `encoding` that the format does not have. fp8 is e4m3fn, e5m2, e4m3,
/// e4m3fnuz or e4m3b11fnuz, mxfp8 e4m3fn or e5m2; others have one encoding.
/// `unscaled`: the scale is 1, as caches are commonly kept (fp8
/// alone).
std::optional<Quantization>
quantizationOf(Format format,
               std::optional<ElementFormat> encoding = std::nullopt,
               bool unscaled = false);

/// The bounds of the rule, for those who emit it.
inline constexpr float kLeastScale = 0x1p-100f;
inline constexpr float kLeastNormalE4M3 = 0x1p-6f;
/// Keeps 16 significant bits of an f32.
inline constexpr uint32_t kScaleMask = 0xFFFFFF00;

/// floor(log2) of the largest number of an element format: 8 of e4m3fn.
int largestExponentOf(ElementFormat format);

/// The scale of a group with largest magnitude `groupMax` in a tensor with
/// `tensorMax` (which only e4m3 scales look at); NaN if one is not finite.
float scaleOf(const Quantization &rule, float groupMax, float tensorMax);

/// Rounds a row-major tensor in place. Groups run along dimension `axis`, the
/// last one of a row may be shorter. The last `tensorDims` dimensions, of which
/// `axis` is one, are a tensor with a scale g of its own.
void fakeQuantize(const Quantization &rule, llvm::ArrayRef<int64_t> shape,
                  int64_t axis, int64_t tensorDims,
                  llvm::MutableArrayRef<float> values);

} // namespace portolan

#endif // PORTOLAN_SUPPORT_NUMBERFORMATS_H
