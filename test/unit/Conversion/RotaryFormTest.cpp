//===- RotaryFormTest.cpp - theta of rotary frequencies -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/RotaryForm.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace portolan::graph_to_moe;

namespace {

/// theta^(-i/count), rounded to f32 as a file has them.
llvm::SmallVector<double> frequenciesOf(double theta, int count) {
  llvm::SmallVector<double> frequencies;
  for (int i = 0; i < count; ++i)
    frequencies.push_back(float(std::pow(theta, -double(i) / count)));
  return frequencies;
}

} // namespace

TEST(ThetaOf, FindsTheThetasOfModels) {
  for (double theta : {10000.0, 150000.0, 500000.0, 1e6, 5e6, 1e7})
    for (int count : {4, 32, 64})
      EXPECT_EQ(thetaOf(frequenciesOf(theta, count)), theta)
          << theta << " " << count;
}

TEST(ThetaOf, RefusesOtherFrequencies) {
  EXPECT_FALSE(thetaOf({1.0, 2.0, 3.0}));
  EXPECT_FALSE(thetaOf({1.0, 0.0}));
  EXPECT_FALSE(thetaOf({1.0}));
  // YaRN divides the slow ones: no power of one number.
  llvm::SmallVector<double> scaled = frequenciesOf(10000, 32);
  scaled.back() /= 40;
  EXPECT_FALSE(thetaOf(scaled));
}
