//===- NumberFormatsTest.cpp - codes against independent tables -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every code of 8 bits and fewer, and every rounding between neighbours. The
// tables are those of llvm::APFloat, and, written out below, the definitions of
// the OCP specifications.
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/NumberFormats.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <map>
#include <random>

using namespace portolan;
using llvm::APFloat;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  const char *name;
  ElementFormat format;
  const llvm::fltSemantics &(*semantics)();
  unsigned bits;
};

const Case kFloats[] = {
    {"e5m2", ElementFormat::e5m2, &APFloat::Float8E5M2, 8},
    {"e4m3", ElementFormat::e4m3, &APFloat::Float8E4M3, 8},
    {"e4m3fn", ElementFormat::e4m3fn, &APFloat::Float8E4M3FN, 8},
    {"e4m3fnuz", ElementFormat::e4m3fnuz, &APFloat::Float8E4M3FNUZ, 8},
    {"e4m3b11fnuz", ElementFormat::e4m3b11fnuz, &APFloat::Float8E4M3B11FNUZ, 8},
    {"e2m1fn", ElementFormat::e2m1fn, &APFloat::Float4E2M1FN, 4},
};

/// What APFloat says that a code is.
float valueOf(const Case &format, uint32_t code) {
  APFloat number(format.semantics(), llvm::APInt(format.bits, code));
  if (number.isNaN())
    return kNan; // Of e8m0 it would be converted to an infinity.
  bool inexact;
  number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &inexact);
  return number.convertToFloat();
}

uint32_t bitsOf(float value) { return llvm::bit_cast<uint32_t>(value); }

/// Equal as bits, so that zeros have signs; one NaN is like another.
void expectSame(float got, float expected, const char *what, double at) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(got)) << what << " at " << at << ": " << got;
  else
    EXPECT_EQ(bitsOf(got), bitsOf(expected))
        << what << " at " << at << ": " << got << " for " << expected;
}

/// Finite numbers and their codes in order; of two zeros the positive one.
std::map<float, uint32_t> finiteCodes(const Case &format) {
  std::map<float, uint32_t> codes;
  for (uint32_t code = 0; code < 1u << format.bits; ++code)
    if (float value = valueOf(format, code); std::isfinite(value))
      codes.insert({value, code});
  return codes;
}

class NumberCodes : public ::testing::TestWithParam<Case> {};

} // namespace

TEST_P(NumberCodes, EveryCodeDecodesAsTheTableSays) {
  for (uint32_t code = 0; code < 1u << GetParam().bits; ++code)
    expectSame(decode(GetParam().format, code), valueOf(GetParam(), code),
               "code", code);
}

TEST_P(NumberCodes, EveryCodeIsGivenBack) {
  for (uint32_t code = 0; code < 1u << GetParam().bits; ++code) {
    float value = valueOf(GetParam(), code);
    if (std::isfinite(value))
      EXPECT_EQ(encode(GetParam().format, value), code);
    else if (std::isnan(value))
      EXPECT_TRUE(std::isnan(roundTo(GetParam().format, value)));
  }
}

// The middle of two neighbours goes to the one with an even code, one step of
// f32 to either side of it to the nearer one.
TEST_P(NumberCodes, EveryMiddleRoundsToEven) {
  std::map<float, uint32_t> codes = finiteCodes(GetParam());
  ElementFormat format = GetParam().format;
  bool hasNegativeZero = layoutOf(format).hasNegativeZero;
  for (auto low = codes.begin(), high = std::next(low); high != codes.end();
       ++low, ++high) {
    // Exact: the neighbours have few bits.
    float middle = (low->first + high->first) / 2;
    auto rounded = [&](std::pair<float, uint32_t> to, float from) {
      return to.first == 0 && from < 0 && hasNegativeZero ? -0.0f : to.first;
    };
    auto even = low->second % 2 == 0 ? *low : *high;
    EXPECT_NE(low->second % 2, high->second % 2);
    expectSame(roundTo(format, middle), rounded(even, middle), "middle",
               middle);
    float below = std::nextafter(middle, -kInfinity);
    expectSame(roundTo(format, below), rounded(*low, below), "below", below);
    float above = std::nextafter(middle, kInfinity);
    expectSame(roundTo(format, above), rounded(*high, above), "above", above);
  }
}

TEST_P(NumberCodes, NumbersTooLargeSaturate) {
  ElementFormat format = GetParam().format;
  float largest = finiteCodes(GetParam()).rbegin()->first;
  EXPECT_EQ(largestOf(format), largest);
  EXPECT_EQ(largestExponentOf(format), int(std::floor(std::log2(largest))));
  for (float value :
       {std::nextafter(largest, kInfinity), 1.25f * largest, 2 * largest,
        std::numeric_limits<float>::max(), kInfinity}) {
    EXPECT_EQ(roundTo(format, value), largest) << value;
    EXPECT_EQ(roundTo(format, -value), -largest) << value;
  }
}

TEST_P(NumberCodes, ZerosKeepTheirSignWhereThereAreTwo) {
  ElementFormat format = GetParam().format;
  bool hasNegativeZero = layoutOf(format).hasNegativeZero;
  expectSame(roundTo(format, 0.0f), 0.0f, "zero", 0);
  float negative = hasNegativeZero ? -0.0f : 0.0f;
  expectSame(roundTo(format, -0.0f), negative, "zero", -0.0);
  // The smallest of f32, and a normal one.
  expectSame(roundTo(format, -0x1p-149f), negative, "underflow", -0x1p-149);
  expectSame(roundTo(format, -0x1p-100f), negative, "underflow", -0x1p-100);
}

TEST_P(NumberCodes, NanStaysWhereItHasACode) {
  bool hasNan = false;
  for (uint32_t code = 0; code < 1u << GetParam().bits; ++code)
    hasNan |= std::isnan(valueOf(GetParam(), code));
  for (float nan : {kNan, -kNan}) {
    float got = roundTo(GetParam().format, nan);
    expectSame(got, hasNan ? kNan : largestOf(GetParam().format), "NaN", 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, NumberCodes, ::testing::ValuesIn(kFloats),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

// OCP Microscaling 1.0, the table of E2M1.
TEST(NumberFormats, E2m1AsTheSpecificationListsIt) {
  const float values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (uint32_t code = 0; code < 8; ++code) {
    expectSame(decode(ElementFormat::e2m1fn, code), values[code], "code", code);
    expectSame(decode(ElementFormat::e2m1fn, code | 8), -values[code], "code",
               code | 8);
  }
}

// OCP 8-bit floating point 1.0: (-1)^s 2^(e - bias) (1 + m / 2^M), without the
// one and with e = 1 if e is 0. E4M3 gives up the code of all ones alone; E5M2
// keeps infinities and NaN.
TEST(NumberFormats, OcpFloatsFromTheirDefinition) {
  for (uint32_t code = 0; code < 256; ++code) {
    double sign = code >> 7 ? -1 : 1;
    uint32_t e4 = code >> 3 & 15, m3 = code & 7;
    double e4m3 = sign * (e4 ? std::pow(2.0, int(e4) - 7) * (1 + m3 / 8.0)
                             : std::pow(2.0, -6) * m3 / 8.0);
    expectSame(decode(ElementFormat::e4m3fn, code),
               (code & 127) == 127 ? kNan : float(e4m3), "e4m3", code);
    uint32_t e5 = code >> 2 & 31, m2 = code & 3;
    double e5m2 = sign * (e5 ? std::pow(2.0, int(e5) - 15) * (1 + m2 / 4.0)
                             : std::pow(2.0, -14) * m2 / 4.0);
    if (e5 == 31)
      e5m2 = m2 == 0 ? sign * kInfinity : kNan;
    expectSame(decode(ElementFormat::e5m2, code), float(e5m2), "e5m2", code);
  }
  EXPECT_EQ(largestOf(ElementFormat::e4m3fn), 448);
  EXPECT_EQ(largestOf(ElementFormat::e5m2), 57344);
}

// One code less of finite numbers, no negative zero, NaN in its place; the bias
// is 11 instead of 7, so that the numbers are 16 times smaller, and the largest
// exponent has all its mantissas: 2^4 * 1.875.
TEST(NumberFormats, TheEncodingWithBias11) {
  ElementFormat narrow = ElementFormat::e4m3b11fnuz;
  for (uint32_t code = 0; code < 256; ++code)
    if (code != 0x80 && (code & 0x7F) != 0x7F)
      expectSame(decode(narrow, code), decode(ElementFormat::e4m3fn, code) / 16,
                 "code", code);
  EXPECT_TRUE(std::isnan(decode(narrow, 0x80)));
  EXPECT_EQ(largestOf(narrow), 30);
}

TEST(NumberFormats, PowersOfTwoAreTheFloorOfLog2) {
  Case e8m0 = {"e8m0fnu", ElementFormat::e8m0fnu, &APFloat::Float8E8M0FNU, 8};
  for (uint32_t code = 0; code < 256; ++code) {
    float value = valueOf(e8m0, code);
    expectSame(decode(e8m0.format, code), value, "code", code);
    if (code == 255) {
      EXPECT_EQ(encode(e8m0.format, value), code);
      continue;
    }
    EXPECT_EQ(encode(e8m0.format, value), code);
    EXPECT_EQ(encode(e8m0.format, std::nextafter(2 * value, 0.0f)), code);
  }
  EXPECT_EQ(encode(e8m0.format, 0), 0u);
  EXPECT_EQ(encode(e8m0.format, kInfinity), 254u);
  EXPECT_EQ(encode(e8m0.format, -1), 255u);
  EXPECT_EQ(encode(e8m0.format, kNan), 255u);
}

TEST(NumberFormats, IntegersAreSymmetric) {
  for (auto [format, bits] :
       {std::pair(ElementFormat::int8, 8), std::pair(ElementFormat::int4, 4)}) {
    int largest = (1 << (bits - 1)) - 1;
    for (int code = 0; code < 1 << bits; ++code) {
      int value = code > largest ? code - (1 << bits) : code;
      expectSame(decode(format, code), float(value), "code", code);
      // The one more negative number is not used.
      if (value >= -largest)
        EXPECT_EQ(encode(format, float(value)), uint32_t(code));
    }
    for (int low = -largest; low < largest; ++low) {
      float middle = float(low) + 0.5f;
      EXPECT_EQ(roundTo(format, middle), low % 2 == 0 ? low : low + 1);
      EXPECT_EQ(roundTo(format, std::nextafter(middle, -kInfinity)), low);
      EXPECT_EQ(roundTo(format, std::nextafter(middle, kInfinity)), low + 1);
    }
    for (float value : {float(largest) + 0.5f, 1e30f, kInfinity}) {
      EXPECT_EQ(roundTo(format, value), largest);
      EXPECT_EQ(roundTo(format, -value), -largest);
    }
    expectSame(roundTo(format, -0.25f), 0.0f, "zero", -0.25);
  }
}

// Each exponent with mantissas at and around every place where bits are cut,
// and with random ones.
TEST(NumberFormats, SixteenBitsAreThoseOfIeee) {
  std::mt19937 random(7);
  std::vector<uint32_t> mantissas;
  for (unsigned bit = 0; bit <= 23; ++bit)
    for (uint32_t around : {0u, 1u, 2u, 3u})
      mantissas.push_back(((1u << bit) + around - 2) & 0x7FFFFF);
  for (int i = 0; i < 100; ++i) {
    mantissas.push_back(random() & 0x7FFFFF);
    // Ties of bf16 and of fp16.
    mantissas.push_back((random() & 0x7F0000) | 0x8000);
    mantissas.push_back((random() & 0x7FE000) | 0x1000);
  }
  const std::pair<ElementFormat, const llvm::fltSemantics *> formats[] = {
      {ElementFormat::bf16, &APFloat::BFloat()},
      {ElementFormat::fp16, &APFloat::IEEEhalf()}};
  for (auto [format, semantics] : formats)
    for (uint32_t top = 0; top < 512; ++top)
      for (uint32_t mantissa : mantissas) {
        float value = llvm::bit_cast<float>(top << 23 | mantissa);
        APFloat number(value);
        bool inexact;
        number.convert(*semantics, APFloat::rmNearestTiesToEven, &inexact);
        uint32_t code = number.bitcastToAPInt().getZExtValue();
        if (number.isNaN()) {
          ASSERT_TRUE(std::isnan(roundTo(format, value)));
          continue;
        }
        ASSERT_EQ(encode(format, value), code) << value;
        number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                       &inexact);
        ASSERT_EQ(bitsOf(decode(format, code)),
                  bitsOf(number.convertToFloat()));
      }
}

TEST(NumberFormats, NamesAreInverse) {
  for (ElementFormat format : kAllElementFormats)
    EXPECT_EQ(parseElementFormat(spell(format)), format);
  EXPECT_FALSE(parseElementFormat("e3m4").has_value());
}
