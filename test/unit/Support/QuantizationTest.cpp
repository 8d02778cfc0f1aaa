//===- QuantizationTest.cpp - scale rules of the formats ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/NumberFormats.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>

using namespace portolan;

namespace {

using Floats = std::vector<float>;

/// One row of `values`, rounded.
Floats rounded(Format format, Floats values) {
  fakeQuantize(*quantizationOf(format), {int64_t(values.size())}, 0, 1, values);
  return values;
}

/// Numbers of many magnitudes.
Floats randomFloats(std::mt19937 &random, size_t count, int exponents) {
  Floats values(count);
  for (float &value : values)
    value = std::ldexp(float(int32_t(random())) / 2147483648.0f,
                       int(random() % (2 * exponents + 1)) - exponents);
  return values;
}

} // namespace

// The largest magnitude 7 lies in [4, 8), whose scale is 2^(2 - 2) = 1: 7
// saturates at 6, the middle 5 goes to 4, 2.5 to 2, 0.25 to 0.
TEST(Quantization, Mxfp4) {
  EXPECT_EQ(rounded(Format::mxfp4, {7, 5, -2.5, 0.25, 3}),
            (Floats{6, 4, -2, 0, 3}));
  // A scale of 2^(5 - 2) = 8: steps of 4 below 16.
  EXPECT_EQ(rounded(Format::mxfp4, {40, 5, 7}), (Floats{32, 4, 8}));
}

// 500 lies in [256, 512): the scale is 1 and 500 saturates at 448.
TEST(Quantization, Mxfp8) {
  EXPECT_EQ(rounded(Format::mxfp8, {500, 17, 1.0625}), (Floats{448, 16, 1}));
}

// Elements 0 to 31 share a scale, 32 to 39 have another one.
TEST(Quantization, GroupsAlongARow) {
  Floats values(40, 0.75f);
  values[0] = 4; // Scale 1: 0.75 is a tie between 0.5 and 1, to the even 1.
  Floats expected(40, 0.75f); // Scale 2^(-1 - 2): 6 steps, exact.
  std::fill(expected.begin(), expected.begin() + 32, 1.0f);
  expected[0] = 4;
  EXPECT_EQ(rounded(Format::mxfp4, values), expected);
}

// The tensor's 2688 = 6 * 448 makes g = 1. The second group has scale 3 / 6:
// 2.75 / 0.5 = 5.5 is rounded to 6, 1.3 / 0.5 = 2.6 to 3.
TEST(Quantization, Nvfp4HasTwoScales) {
  Floats values(32, 0.0f);
  values[0] = 2688;
  values[1] = 672; // 672 / 448 = 1.5
  values[16] = 3;
  values[17] = 2.75;
  values[18] = -1.3;
  Floats expected = values;
  expected[17] = 3;
  expected[18] = -1.5;
  EXPECT_EQ(rounded(Format::nvfp4, values), expected);
}

// 1 / 6 of g = 1 is no e4m3fn: the nearest is 0.171875 (1.375 / 8), and
// 1 / 0.171875 = 5.8 is rounded to 6.
TEST(Quantization, Nvfp4RoundsTheScale) {
  Floats values(32, 0.0f);
  values[0] = 2688;
  values[16] = 1;
  EXPECT_EQ(rounded(Format::nvfp4, values)[16], 6 * 0.171875f);
}

// g = 1: 2^-12 / 6 is below the smallest normal e4m3fn, which is taken; 2688 /
// 6 is the largest one.
TEST(Quantization, Nvfp4ScaleStaysNormal) {
  Quantization rule = *quantizationOf(Format::nvfp4);
  EXPECT_EQ(scaleOf(rule, 0x1p-12f, 2688), 0x1p-6f);
  EXPECT_EQ(scaleOf(rule, 2688, 2688), 448);
}

// Per row: 127 / 127 = 1; halves go to the even integer.
TEST(Quantization, Int8) {
  EXPECT_EQ(rounded(Format::int8, {127, 0.5, 1.5, -2.5, 100.4f}),
            (Floats{127, 0, 2, -2, 100}));
}

// 7 / 7 = 1. 3 / 7 in bf16 is 0.427734375 (219 / 512): 1 is 2.34 of it, so 2.
TEST(Quantization, Int4) {
  EXPECT_EQ(rounded(Format::int4, {7, 3.5, -6.4f}), (Floats{7, 4, -6}));
  EXPECT_EQ(rounded(Format::int4, {3, 1}),
            (Floats{7 * 0.4277343750f, 2 * 0.4277343750f}));
}

// 448 / 448 = 1: 17 is a tie between 16 and 18, to the even 16.
TEST(Quantization, Fp8) {
  EXPECT_EQ(rounded(Format::fp8, {448, 17, 19}), (Floats{448, 16, 20}));
  Floats values = {1000, 17, 2e-4f};
  fakeQuantize(*quantizationOf(Format::fp8, std::nullopt, /*unscaled=*/true),
               {3}, 0, 1, values);
  EXPECT_EQ(values, (Floats{448, 16, 0}));
}

// Scales in f32 have 16 bits: 1 / 448 = 1.142857 * 2^-9 is cut, not rounded.
TEST(Quantization, SingleScalesAreCut) {
  float scale = scaleOf(*quantizationOf(Format::fp8), 1, 0);
  EXPECT_LE(scale, 1.0f / 448);
  EXPECT_GE(scale, (1.0f / 448) * (1 - 0x1p-15f));
  EXPECT_EQ(std::fmod(scale, std::ldexp(1.0f, std::ilogb(scale) - 15)), 0);
}

// Each column of [4, 2] is a row of its own along axis 0.
TEST(Quantization, AnotherAxis) {
  Floats values = {127, 1, 0.5, 0.5, 1.5, 0.25, -2.5, 0};
  fakeQuantize(*quantizationOf(Format::int8), {4, 2}, 0, 2, values);
  EXPECT_EQ(values[0], 127);
  EXPECT_EQ(values[2], 0);
  EXPECT_EQ(values[4], 2);
  EXPECT_EQ(values[6], -2);
  // 0.5 of a largest 1 is 63.5 steps, a tie, to 64.
  EXPECT_NEAR(values[3], 64.0 / 127, 1e-4);
}

// Of [2, 2] each row is a tensor, or both are one: the scale of the first row
// is exact in its own tensor only.
TEST(Quantization, TensorsOfTheSecondScale) {
  Quantization rule = *quantizationOf(Format::nvfp4);
  Floats own = {2688 / 1024.0f, 0, 2688 * 1024.0f, 0}, shared = own;
  fakeQuantize(rule, {2, 2}, 1, 1, own);
  EXPECT_EQ(own[0], 2688 / 1024.0f);
  fakeQuantize(rule, {2, 2}, 1, 2, shared);
  EXPECT_EQ(shared[0], 0);
  EXPECT_EQ(shared[2], 2688 * 1024.0f);
}

// Down to magnitudes at which scales are at their least, up to 2^120.
TEST(Quantization, RoundingTwiceChangesNothing) {
  std::mt19937 random(11);
  for (Format format : kAllFormats) {
    for (ElementFormat encoding : kAllElementFormats) {
      std::optional<Quantization> rule = quantizationOf(format, encoding);
      if (!rule)
        continue;
      for (int exponents : {1, 8, 20, 119}) {
        Floats once = randomFloats(random, 4 * 100, exponents);
        fakeQuantize(*rule, {4, 100}, 1, 2, once);
        Floats twice = once;
        fakeQuantize(*rule, {4, 100}, 1, 2, twice);
        for (size_t i = 0; i < once.size(); ++i)
          ASSERT_EQ(once[i], twice[i])
              << spell(format).str() << " " << spell(encoding).str() << " at "
              << i << " of 2^" << exponents;
      }
    }
  }
}

TEST(Quantization, AGroupThatIsNotFiniteBecomesNan) {
  for (Format format : kAllFormats) {
    std::optional<Quantization> rule = quantizationOf(format);
    if (!rule || rule->scale == ScaleRule::none)
      continue;
    for (float bad : {std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::quiet_NaN()}) {
      Floats values(33, 1.0f);
      values[3] = -bad;
      fakeQuantize(*rule, {33}, 0, 1, values);
      EXPECT_TRUE(std::isnan(values[0]));
      EXPECT_TRUE(std::isnan(values[3]));
    }
  }
}

TEST(Quantization, ZerosStayZeros) {
  for (Format format : kAllFormats)
    if (format != Format::f32)
      EXPECT_EQ(rounded(format, {0, -0.0f, 0}), (Floats{0, 0, 0}));
}

TEST(Quantization, TensorsWithoutElements) {
  Floats none;
  fakeQuantize(*quantizationOf(Format::nvfp4), {0, 4}, 1, 2, none);
  fakeQuantize(*quantizationOf(Format::int8), {4, 0}, 1, 2, none);
  EXPECT_TRUE(none.empty());
}

TEST(Quantization, RefusesWhatAFormatDoesNotHave) {
  EXPECT_FALSE(quantizationOf(Format::f32).has_value());
  EXPECT_FALSE(quantizationOf(Format::bf16, ElementFormat::fp16).has_value());
  EXPECT_FALSE(
      quantizationOf(Format::mxfp8, ElementFormat::e4m3b11fnuz).has_value());
  EXPECT_FALSE(quantizationOf(Format::int8, std::nullopt, true).has_value());
  EXPECT_EQ(quantizationOf(Format::fp8, ElementFormat::e5m2)->element,
            ElementFormat::e5m2);
}
