//===- TensorTest.cpp - host tensors --------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Tensor.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>

using namespace portolan;

TEST(Tensor, ConvertToBfloatRoundsToNearestEven) {
  // bf16 keeps 8 bits: between 256 and 512 its step is 2.
  Tensor values = Tensor::ofFloats({4}, {257.0f, 259.0f, -1.5f, 258.0f});
  llvm::Expected<Tensor> narrow = values.convert(ElementType::bf16);
  ASSERT_TRUE(bool(narrow));
  EXPECT_EQ(narrow->floats(), (std::vector<float>{256, 260, -1.5f, 258}));
}

TEST(Tensor, ConvertToHalfOverflowsToInfinity) {
  llvm::Expected<Tensor> narrow =
      Tensor::ofFloats({2}, {65504.0f, 65536.0f}).convert(ElementType::f16);
  ASSERT_TRUE(bool(narrow));
  EXPECT_EQ(narrow->at(0), 65504.0);
  EXPECT_TRUE(std::isinf(narrow->at(1)));
}

TEST(Tensor, ConvertIntegers) {
  Tensor wide = Tensor::ofInts(ElementType::i64, {2}, {-7, 300});
  llvm::Expected<Tensor> narrow = wide.convert(ElementType::i32);
  ASSERT_TRUE(bool(narrow));
  EXPECT_EQ(narrow->intAt(0), -7);
  EXPECT_EQ(narrow->intAt(1), 300);
}

TEST(Tensor, ConvertRefusesAnIntegerThatDoesNotFit) {
  llvm::Expected<Tensor> narrow =
      Tensor::ofInts(ElementType::i64, {1}, {300}).convert(ElementType::i8);
  ASSERT_FALSE(bool(narrow));
  EXPECT_EQ(llvm::toString(narrow.takeError()),
            "expects values of i8, got 300");
}

TEST(Tensor, ConvertRefusesAFloatAsAnInteger) {
  llvm::Expected<Tensor> ints =
      Tensor::ofFloats({1}, {1.0f}).convert(ElementType::i32);
  ASSERT_FALSE(bool(ints));
  EXPECT_EQ(llvm::toString(ints.takeError()),
            "expects an integer tensor to make one of i32, got f32");
}

TEST(Tensor, CompareFindsTheLargestError) {
  Tensor expected = Tensor::ofFloats({3}, {1, 2, 4});
  Tensor actual = Tensor::ofFloats({3}, {1, 2.5f, 4.25f});
  llvm::Expected<Difference> difference =
      compare(actual, expected, /*rtol=*/0.1, /*atol=*/0);
  ASSERT_TRUE(bool(difference));
  EXPECT_EQ(difference->maxAbsolute, 0.5);
  EXPECT_EQ(difference->index, 1);
  // 0.5 > 0.1 * 2, but 0.25 <= 0.1 * 4.
  EXPECT_EQ(difference->outOfTolerance, 1);
}

TEST(Tensor, CompareNeverAcceptsANaN) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  llvm::Expected<Difference> difference =
      compare(Tensor::ofFloats({1}, {nan}), Tensor::ofFloats({1}, {1}), 1, 1e9);
  ASSERT_TRUE(bool(difference));
  EXPECT_TRUE(std::isinf(difference->maxAbsolute));
  EXPECT_EQ(difference->outOfTolerance, 1);
}

TEST(Tensor, CompareRefusesAnotherShape) {
  llvm::Expected<Difference> difference =
      compare(Tensor::ofFloats({2}, {1, 2}), Tensor::ofFloats({1, 2}, {1, 2}));
  ASSERT_FALSE(bool(difference));
  EXPECT_EQ(llvm::toString(difference.takeError()), "expects shape 1x2, got 2");
}
