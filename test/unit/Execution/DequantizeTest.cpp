//===- DequantizeTest.cpp - narrow weights --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Codes are small constants of the module, so that each expected number can be
// read off its byte.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// The result [rows, columns] of the only op of @main.
void expectWeight(llvm::StringRef text, llvm::ArrayRef<int64_t> shape,
                  llvm::ArrayRef<float> values) {
  std::vector<Tensor> outputs = run(text, {});
  ASSERT_EQ(outputs.size(), 1u);
  ASSERT_EQ(outputs[0].shape, llvm::SmallVector<int64_t>(shape));
  std::vector<float> got = outputs[0].floats();
  for (auto [i, value] : llvm::enumerate(values))
    EXPECT_EQ(got[i], value) << "at element " << i;
}

} // namespace

// 0x81: first the low nibble 1, then the high one 8. Codes count from 8.
TEST(Dequantize, LowNibbleFirst) {
  expectWeight(R"(
    moe.weight_data @q {value = dense<[[0x81, 0xF0]]> : tensor<1x2xui8>}
      : tensor<1x2xui8>
    moe.weight_data @s {value = dense<2.0> : tensor<1xf32>} : tensor<1xf32>
    func.func @main() -> tensor<1x4xf32> {
      %q = moe.weight @q : tensor<1x2xui8>
      %s = moe.weight @s : tensor<1xf32>
      %w = moe.dequantize %q scales %s {bits = 4 : i64, axis = 1 : i64,
        encoding = "integer"}
        : (tensor<1x2xui8>, tensor<1xf32>) -> tensor<1x4xf32>
      return %w : tensor<1x4xf32>
    })",
               {1, 4}, {2 * (1 - 8), 2 * (8 - 8), 2 * (0 - 8), 2 * (15 - 8)});
}

// 0xE4 = 11 10 01 00 in bits: codes 0, 1, 2, 3, which count from 2. The row
// has 3 elements, so the last code is padding.
TEST(Dequantize, TwoBitsAndPadding) {
  expectWeight(R"(
    moe.weight_data @q {value = dense<0xE4> : tensor<1x1xui8>} : tensor<1x1xui8>
    moe.weight_data @s {value = dense<0.5> : tensor<1xf32>} : tensor<1xf32>
    func.func @main() -> tensor<1x3xf32> {
      %q = moe.weight @q : tensor<1x1xui8>
      %s = moe.weight @s : tensor<1xf32>
      %w = moe.dequantize %q scales %s {bits = 2 : i64, axis = 1 : i64,
        encoding = "integer"}
        : (tensor<1x1xui8>, tensor<1xf32>) -> tensor<1x3xf32>
      return %w : tensor<1x3xf32>
    })",
               {1, 3}, {-1, -0.5, 0});
}

// Blocks of 2 of a row of 6 have scales 1, 10, 100; their zero points 1, 2, 3
// are packed as codes: 0x21, 0x03.
TEST(Dequantize, BlocksWithPackedZeroPoints) {
  expectWeight(R"(
    moe.weight_data @q {value = dense<[[0x54, 0x54, 0x54]]> : tensor<1x3xui8>}
      : tensor<1x3xui8>
    moe.weight_data @s {value = dense<[[1.0, 10.0, 100.0]]> : tensor<1x3xf32>}
      : tensor<1x3xf32>
    moe.weight_data @z {value = dense<[[0x21, 0x03]]> : tensor<1x2xui8>}
      : tensor<1x2xui8>
    func.func @main() -> tensor<1x6xf32> {
      %q = moe.weight @q : tensor<1x3xui8>
      %s = moe.weight @s : tensor<1x3xf32>
      %z = moe.weight @z : tensor<1x2xui8>
      %w = moe.dequantize %q scales %s zero_points %z {bits = 4 : i64,
        axis = 1 : i64, block_size = 2 : i64, encoding = "integer"}
        : (tensor<1x3xui8>, tensor<1x3xf32>, tensor<1x2xui8>)
        -> tensor<1x6xf32>
      return %w : tensor<1x6xf32>
    })",
               {1, 6}, {3, 4, 20, 30, 100, 200});
}

// Zero points may be numbers between codes. 8 bits: 0xC8 = 200 is unsigned.
TEST(Dequantize, EightBitsWithZeroPointsAsNumbers) {
  expectWeight(R"(
    moe.weight_data @q {value = dense<[[0xC8, 0x02]]> : tensor<1x2xui8>}
      : tensor<1x2xui8>
    moe.weight_data @s {value = dense<2.0> : tensor<1xf32>} : tensor<1xf32>
    moe.weight_data @z {value = dense<1.5> : tensor<1xf32>} : tensor<1xf32>
    func.func @main() -> tensor<1x2xf32> {
      %q = moe.weight @q : tensor<1x2xui8>
      %s = moe.weight @s : tensor<1xf32>
      %z = moe.weight @z : tensor<1xf32>
      %w = moe.dequantize %q scales %s zero_points %z {bits = 8 : i64,
        axis = 1 : i64, encoding = "integer"}
        : (tensor<1x2xui8>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2xf32>
      return %w : tensor<1x2xf32>
    })",
               {1, 2}, {397, 1});
}

// All 16 codes of e2m1, code 0 in the low nibble of the first byte; a scale of
// e8m0 128 is 2^1, the global scale of the row is 3.
TEST(Dequantize, MicroscaledFloats) {
  expectWeight(
      R"(
    moe.weight_data @q {value = dense<[[0x10, 0x32, 0x54, 0x76, 0x98, 0xBA,
      0xDC, 0xFE]]> : tensor<1x8xui8>} : tensor<1x8xui8>
    moe.weight_data @s {value = dense<128> : tensor<1xui8>} : tensor<1xui8>
    moe.weight_data @g {value = dense<3.0> : tensor<1xf32>} : tensor<1xf32>
    func.func @main() -> tensor<1x16xf32> {
      %q = moe.weight @q : tensor<1x8xui8>
      %s = moe.weight @s : tensor<1xui8>
      %g = moe.weight @g : tensor<1xf32>
      %w = moe.dequantize %q scales %s global %g {bits = 4 : i64,
        axis = 1 : i64, encoding = "e2m1",
        scale_encoding = "e8m0"}
        : (tensor<1x8xui8>, tensor<1xui8>, tensor<1xf32>) -> tensor<1x16xf32>
      return %w : tensor<1x16xf32>
    })",
      {1, 16},
      {0, 3, 6, 9, 12, 18, 24, 36, -0.0f, -3, -6, -9, -12, -18, -24, -36});
}

// e4m3: 0x38 = 1.0, 0x7E = 448 (the largest), 0x01 = 2^-9 (the smallest), 0x08
// = 2^-6 (the smallest normal), 0xC4 = -3.0. The scale 0x40 is 2.0.
TEST(Dequantize, EightBitFloats) {
  expectWeight(R"(
    moe.weight_data @q {value = dense<[[0x38, 0x7E, 0x01, 0x08, 0xC4]]>
      : tensor<1x5xui8>} : tensor<1x5xui8>
    moe.weight_data @s {value = dense<0x40> : tensor<1xui8>} : tensor<1xui8>
    func.func @main() -> tensor<1x5xf32> {
      %q = moe.weight @q : tensor<1x5xui8>
      %s = moe.weight @s : tensor<1xui8>
      %w = moe.dequantize %q scales %s {bits = 8 : i64, axis = 1 : i64,
        encoding = "e4m3", scale_encoding = "e4m3"}
        : (tensor<1x5xui8>, tensor<1xui8>) -> tensor<1x5xf32>
      return %w : tensor<1x5xf32>
    })",
               {1, 5}, {2, 896, 0.00390625, 0.03125, -6});
}

// Codes are packed along the last dimension, blocks run along the first one:
// scales are [columns, blocks]. 0x21, 0x43: rows (1, 2) and (3, 4), from 8.
TEST(Dequantize, BlocksAlongAnotherDimension) {
  expectWeight(R"(
    moe.weight_data @q {value = dense<[[0x21], [0x43]]> : tensor<2x1xui8>}
      : tensor<2x1xui8>
    moe.weight_data @s {value = dense<[[1.0, 10.0], [100.0, 1000.0]]>
      : tensor<2x2xf32>} : tensor<2x2xf32>
    func.func @main() -> tensor<2x2xf32> {
      %q = moe.weight @q : tensor<2x1xui8>
      %s = moe.weight @s : tensor<2x2xf32>
      %w = moe.dequantize %q scales %s {bits = 4 : i64, axis = 0 : i64,
        block_size = 1 : i64, encoding = "integer"}
        : (tensor<2x1xui8>, tensor<2x2xf32>) -> tensor<2x2xf32>
      return %w : tensor<2x2xf32>
    })",
               {2, 2}, {-7, -600, -50, -4000});
}
