//===- DepthAttentionTest.cpp - streams and caps against plain loops ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// c * tanh(x / c).
double cap(double x, double c) { return c * std::tanh(x / c); }

} // namespace

// Three streams of width 4: two sealed ones side by side, and the current one.
TEST(DepthAttention, MixesStreamsByTheirScores) {
  constexpr int64_t B = 2, S = 3, N = 3, H = 4;
  constexpr double epsilon = 1e-3;
  Random random(11);
  Array sealed = random.array({B, S, (N - 1) * H}, 2);
  Array current = random.array({B, S, H}, 2);
  Array gain = random.array({H}), query = random.array({H}, 3);
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%s: tensor<2x3x8xf32>, %c: tensor<2x3x4xf32>,
                    %g: tensor<4xf32>, %q: tensor<4xf32>) -> tensor<2x3x4xf32> {
      %0 = moe.depth_attention %s, %c by %g, %q {epsilon = 1.0e-3 : f64}
        : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>)
        -> tensor<2x3x4xf32>
      return %0 : tensor<2x3x4xf32>
    })",
      {sealed.tensor(), current.tensor(), gain.tensor(), query.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({B, S, H});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t s = 0; s < S; ++s) {
      auto at = [&](int64_t n, int64_t i) -> double {
        return n < N - 1 ? sealed(b, s, n * H + i) : current(b, s, i);
      };
      double shares[N], total = 0;
      for (int64_t n = 0; n < N; ++n) {
        double squares = 0, score = 0;
        for (int64_t i = 0; i < H; ++i)
          squares += at(n, i) * at(n, i);
        for (int64_t i = 0; i < H; ++i)
          score +=
              query(i) * gain(i) * at(n, i) / std::sqrt(squares / H + epsilon);
        shares[n] = std::exp(score);
        total += shares[n];
      }
      for (int64_t i = 0; i < H; ++i) {
        double sum = 0;
        for (int64_t n = 0; n < N; ++n)
          sum += shares[n] / total * at(n, i);
        expected(b, s, i) = float(sum);
      }
    }
  expectNear(outputs[0], expected);
}

// Equal scores: the mean of 1 and 3, and of 10 and 30.
TEST(DepthAttention, NoQueryIsTheMean) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%s: tensor<1x2xf32>, %c: tensor<1x2xf32>, %g: tensor<2xf32>,
                    %q: tensor<2xf32>) -> tensor<1x2xf32> {
      %0 = moe.depth_attention %s, %c by %g, %q {epsilon = 0.0 : f64}
        : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>)
        -> tensor<1x2xf32>
      return %0 : tensor<1x2xf32>
    })",
      {Tensor::ofFloats({1, 2}, {1, 10}), Tensor::ofFloats({1, 2}, {3, 30}),
       Tensor::ofFloats({2}, {1, 1}), Tensor::ofFloats({2}, {0, 0})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{2, 20}));
}

TEST(Caps, OfADenseBlock) {
  Random random(12);
  Array x = random.array({3, 5}, 4), gate = random.array({5, 2}, 2),
        up = random.array({5, 2}, 2), down = random.array({2, 5});
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<3x5xf32>, %g: tensor<5x2xf32>,
                    %u: tensor<5x2xf32>, %d: tensor<2x5xf32>)
        -> tensor<3x5xf32> {
      %0 = moe.mlp %x gate %g up %u down %d
        {activation = #moe<activation silu>, gate_cap = 4.0 : f64,
         linear_cap = 2.5 : f64}
        : (tensor<3x5xf32>, tensor<5x2xf32>, tensor<5x2xf32>, tensor<2x5xf32>)
        -> tensor<3x5xf32>
      return %0 : tensor<3x5xf32>
    })",
      {x.tensor(), gate.tensor(), up.tensor(), down.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({3, 5});
  for (int64_t t = 0; t < 3; ++t)
    for (int64_t i = 0; i < 2; ++i) {
      double g = 0, u = 0;
      for (int64_t k = 0; k < 5; ++k) {
        g += double(x(t, k)) * gate(k, i);
        u += double(x(t, k)) * up(k, i);
      }
      double inner = cap(g, 4) * sigmoid(g) * cap(u, 2.5);
      for (int64_t k = 0; k < 5; ++k)
        expected(t, k) += float(inner * down(i, k));
    }
  expectNear(outputs[0], expected);
}

// One expert, one row, widths 1: g = 6, u = 30 with caps 4 and 25:
// 4 tanh(1.5) sigmoid(6) * 25 tanh(1.2) = 3.620592 * 0.997527 * 20.841364.
TEST(Caps, OfAnExpert) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<1x1xf32>, %n: tensor<1xi32>,
                    %g: tensor<1x1x1xf32>, %u: tensor<1x1x1xf32>)
        -> tensor<1x1xf32> {
      %d = arith.constant dense<1.0> : tensor<1x1x1xf32>
      %0 = moe.experts %x, %n gate %g up %u down %d
        {activation = #moe<activation silu>, gate_cap = 4.0 : f64,
         linear_cap = 25.0 : f64}
        : (tensor<1x1xf32>, tensor<1xi32>, tensor<1x1x1xf32>,
           tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<1x1xf32>
      return %0 : tensor<1x1xf32>
    })",
      {Tensor::ofFloats({1, 1}, {1}),
       Tensor::ofInts(ElementType::i32, {1}, {1}),
       Tensor::ofFloats({1, 1, 1}, {6}), Tensor::ofFloats({1, 1, 1}, {30})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_NEAR(outputs[0].floats()[0], 3.620592 * 0.997527 * 20.841364, 1e-3);
}
