//===- TokenwiseTest.cpp - token-wise and rotary ops ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

TEST(Embedding, TakesRows) {
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%i: tensor<1x3xi64>, %t: tensor<4x2xf32>)
        -> tensor<1x3x2xf32> {
      %0 = moe.embedding %i, %t
        : (tensor<1x3xi64>, tensor<4x2xf32>) -> tensor<1x3x2xf32>
      return %0 : tensor<1x3x2xf32>
    })",
          {Tensor::ofInts(ElementType::i64, {1, 3}, {3, 0, 3}),
           Tensor::ofFloats({4, 2}, {0, 1, 10, 11, 20, 21, 30, 31})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{30, 31, 0, 1, 30, 31}));
}

namespace {

/// rms_norm of [2,3,width] with a gain of `run` elements.
void checkNorm(int64_t width, int64_t runLength, unsigned seed) {
  Random random(seed);
  Array x = random.array({2, 3, width}), gain = random.array({runLength});
  std::string type = "tensor<2x3x" + std::to_string(width) + "xf32>";
  std::string gainType = "tensor<" + std::to_string(runLength) + "xf32>";
  std::vector<Tensor> outputs = run(
      "func.func @main(%x: " + type + ", %g: " + gainType + ") -> " + type +
          " {\n%0 = moe.rms_norm %x, %g {epsilon = 0.01 : f64} : (" + type +
          ", " + gainType + ") -> " + type + "\nreturn %0 : " + type + "\n}",
      {x.tensor(), gain.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({2, 3, width});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t s = 0; s < 3; ++s)
      for (int64_t i = 0; i < width; ++i) {
        int64_t first = i - i % runLength;
        double sum = 0;
        for (int64_t j = first; j < first + runLength; ++j)
          sum += double(x(b, s, j)) * x(b, s, j);
        expected(b, s, i) =
            float(x(b, s, i) / std::sqrt(sum / runLength + .01) *
                  gain(i % runLength));
      }
  expectNear(outputs[0], expected);
}

} // namespace

TEST(RmsNorm, WholeRow) { checkNorm(8, 8, 1); }
TEST(RmsNorm, RunsOfHeadWidth) { checkNorm(12, 4, 2); }

TEST(Linear, BiasAndLastPosition) {
  Random random(3);
  Array x = random.array({2, 3, 5}), w = random.array({5, 4});
  Array bias = random.array({4});
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<2x3x5xf32>, %w: tensor<5x4xf32>,
                    %b: tensor<4xf32>)
        -> (tensor<2x3x4xf32>, tensor<2x1x4xf32>) {
      %0 = moe.linear %x, %w bias %b
        : (tensor<2x3x5xf32>, tensor<5x4xf32>, tensor<4xf32>)
        -> tensor<2x3x4xf32>
      %1 = moe.linear %x, %w {last_position}
        : (tensor<2x3x5xf32>, tensor<5x4xf32>) -> tensor<2x1x4xf32>
      return %0, %1 : tensor<2x3x4xf32>, tensor<2x1x4xf32>
    })",
                                    {x.tensor(), w.tensor(), bias.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  Array all({2, 3, 4}), last({2, 1, 4});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t s = 0; s < 3; ++s)
      for (int64_t n = 0; n < 4; ++n) {
        float sum = 0;
        for (int64_t k = 0; k < 5; ++k)
          sum += x(b, s, k) * w(k, n);
        all(b, s, n) = sum + bias(n);
        if (s == 2)
          last(b, 0, n) = sum;
      }
  expectNear(outputs[0], all);
  expectNear(outputs[1], last);
}

namespace {

/// mlp of [4,6] with inner width 5 and `activation`.
template <typename Function>
void checkMlp(llvm::StringRef activation, bool gated, Function function) {
  Random random(4);
  Array x = random.array({4, 6}, 2), gate = random.array({6, 5});
  Array up = random.array({6, 5}), down = random.array({5, 6});
  std::string op = gated ? "%x gate %g up %u down %d" : "%x up %u down %d";
  std::string types =
      gated ? "tensor<6x5xf32>, tensor<6x5xf32>" : "tensor<6x5xf32>";
  std::vector<Tensor> outputs =
      run("func.func @main(%x: tensor<4x6xf32>, %g: tensor<6x5xf32>, %u: "
          "tensor<6x5xf32>, %d: tensor<5x6xf32>) -> tensor<4x6xf32> {\n"
          "%0 = moe.mlp " +
              op + " {activation = #moe<activation " + activation.str() +
              ">} : (tensor<4x6xf32>, " + types +
              ", tensor<5x6xf32>) -> tensor<4x6xf32>\n"
              "return %0 : tensor<4x6xf32>\n}",
          {x.tensor(), gate.tensor(), up.tensor(), down.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({4, 6});
  for (int64_t t = 0; t < 4; ++t)
    for (int64_t i = 0; i < 5; ++i) {
      double g = 0, u = 0;
      for (int64_t h = 0; h < 6; ++h) {
        g += x(t, h) * gate(h, i);
        u += x(t, h) * up(h, i);
      }
      double inner = gated ? function(g) * u : function(u);
      for (int64_t h = 0; h < 6; ++h)
        expected(t, h) += float(inner * down(i, h));
    }
  expectNear(outputs[0], expected);
}

} // namespace

TEST(Mlp, GatedSilu) {
  checkMlp("silu", true, [](double v) { return v / (1 + std::exp(-v)); });
}
TEST(Mlp, GatedGeluTanh) {
  checkMlp("gelu_tanh", true, [](double v) {
    return v / 2 *
           (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) *
                          (v + 0.044715 * v * v * v)));
  });
}
TEST(Mlp, Relu) {
  checkMlp("relu", false, [](double v) { return std::max(v, 0.0); });
}
TEST(Mlp, Identity) {
  checkMlp("identity", true, [](double v) { return v; });
}

TEST(Bfloat, AccumulatesInF32AndRoundsOnce) {
  // 256 + 1 + 1 = 258 exactly in f32; a bf16 accumulator would stay at 256,
  // because its step there is 2.
  llvm::Expected<Tensor> x =
      Tensor::ofFloats({1, 3}, {256, 1, 1}).convert(ElementType::bf16);
  llvm::Expected<Tensor> w =
      Tensor::ofFloats({3, 1}, {1, 1, 1}).convert(ElementType::bf16);
  ASSERT_TRUE(x && w);
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<1x3xbf16>, %w: tensor<3x1xbf16>)
        -> tensor<1x1xbf16> {
      %0 = moe.linear %x, %w
        : (tensor<1x3xbf16>, tensor<3x1xbf16>) -> tensor<1x1xbf16>
      return %0 : tensor<1x1xbf16>
    })",
                                    {*x, *w});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].type, ElementType::bf16);
  EXPECT_EQ(outputs[0].at(0), 258);
}

TEST(Half, Add) {
  llvm::Expected<Tensor> x =
      Tensor::ofFloats({2}, {0.5f, -3}).convert(ElementType::f16);
  ASSERT_TRUE(bool(x));
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<2xf16>) -> tensor<2xf16> {
      %0 = moe.add %x, %x : tensor<2xf16>
      return %0 : tensor<2xf16>
    })",
                                    {*x});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{1, -6}));
}

//===----------------------------------------------------------------------===//
// Rotary position embedding
//===----------------------------------------------------------------------===//

TEST(RotaryTable, PlainFrequencies) {
  std::vector<Tensor> outputs = run(R"(
    func.func @main() -> (tensor<7x3xf32>, tensor<7x3xf32>) {
      %c, %s = moe.rotary_table {theta = 100.0 : f64}
        : tensor<7x3xf32>, tensor<7x3xf32>
      return %c, %s : tensor<7x3xf32>, tensor<7x3xf32>
    })",
                                    {});
  ASSERT_EQ(outputs.size(), 2u);
  Array cosine({7, 3}), sine({7, 3});
  for (int64_t p = 0; p < 7; ++p)
    for (int64_t i = 0; i < 3; ++i) {
      cosine(p, i) = float(std::cos(p * std::pow(100.0, -2.0 * i / 6)));
      sine(p, i) = float(std::sin(p * std::pow(100.0, -2.0 * i / 6)));
    }
  expectNear(outputs[0], cosine, 1e-6);
  expectNear(outputs[1], sine, 1e-6);
}

TEST(RotaryTable, Yarn) {
  // dim 8, theta 10^4, 1000 original positions. A column that turns b times is
  // 8 ln(1000 / (2 pi b)) / (2 ln 10^4): b = 32 -> 0.697, b = 1 -> 2.202.
  // Rounded outwards: the ramp is (i - 0) / (3 - 0).
  std::vector<Tensor> outputs = run(R"(
    func.func @main() -> (tensor<2x4xf32>, tensor<2x4xf32>) {
      %c, %s = moe.rotary_table {theta = 1.0e4 : f64, yarn_factor = 4.0 : f64,
          yarn_original_positions = 1000 : i64, yarn_beta_fast = 32.0 : f64,
          yarn_beta_slow = 1.0 : f64, magnitude = 2.0 : f64}
        : tensor<2x4xf32>, tensor<2x4xf32>
      return %c, %s : tensor<2x4xf32>, tensor<2x4xf32>
    })",
                                    {});
  ASSERT_EQ(outputs.size(), 2u);
  Array sine({2, 4});
  for (int64_t i = 0; i < 4; ++i) {
    double frequency = std::pow(10.0, -i), ramp = i / 3.0;
    sine(1, i) =
        float(2 * std::sin(frequency * (1 - ramp) + frequency / 4 * ramp));
  }
  expectNear(outputs[1], sine, 1e-6);
}

namespace {

/// rope of [2,3,2*8] with tables of 2 columns at `offset`.
void checkRope(int64_t offset, bool interleaved) {
  Random random(5);
  Array x = random.array({2, 3, 16}), cosine = random.array({9, 2});
  Array sine = random.array({9, 2});
  std::vector<int64_t> positions = {8, 0, 3, 1, 1, 7};
  std::vector<Tensor> outputs =
      run("func.func @main(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>, %c: "
          "tensor<9x2xf32>, %s: tensor<9x2xf32>) -> tensor<2x3x16xf32> {\n"
          "%0 = moe.rope %x at %p by %c, %s {head_width = 8 : i64, offset = " +
              std::to_string(offset) + " : i64" +
              (interleaved ? ", interleaved" : "") +
              "} : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x2xf32>, "
              "tensor<9x2xf32>) -> tensor<2x3x16xf32>\n"
              "return %0 : tensor<2x3x16xf32>\n}",
          {x.tensor(), Tensor::ofInts(ElementType::i64, {2, 3}, positions),
           cosine.tensor(), sine.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected = x;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t s = 0; s < 3; ++s)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t i = 0; i < 2; ++i) {
          int64_t p = positions[b * 3 + s], at = h * 8 + offset;
          int64_t first = at + (interleaved ? 2 * i : i);
          int64_t second = at + (interleaved ? 2 * i + 1 : i + 2);
          float u = x(b, s, first), v = x(b, s, second);
          expected(b, s, first) = u * cosine(p, i) - v * sine(p, i);
          expected(b, s, second) = v * cosine(p, i) + u * sine(p, i);
        }
  expectNear(outputs[0], expected);
}

} // namespace

TEST(Rope, Halves) { checkRope(/*offset=*/0, /*interleaved=*/false); }
TEST(Rope, Pairs) { checkRope(/*offset=*/0, /*interleaved=*/true); }
TEST(Rope, PartOfAHead) { checkRope(/*offset=*/4, /*interleaved=*/false); }
