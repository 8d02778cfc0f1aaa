//===- ExpertsTest.cpp - route, dispatch, experts, combine ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace portolan;
using namespace portolan::test;

namespace {

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

/// Indices of `scores`, best first, ties to the smaller index.
std::vector<int64_t> ranked(const std::vector<float> &scores) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  return order;
}

std::vector<float> logitsOf(Array &x, Array &router, int64_t token) {
  std::vector<float> logits(router.shape[1], 0);
  for (int64_t e = 0; e < router.shape[1]; ++e)
    for (int64_t h = 0; h < router.shape[0]; ++h)
      logits[e] += x(token, h) * router(h, e);
  return logits;
}

void expectInts(const Tensor &actual, const std::vector<int64_t> &expected) {
  ASSERT_EQ(actual.size(), int64_t(expected.size()));
  for (int64_t i = 0; i < actual.size(); ++i)
    EXPECT_EQ(actual.intAt(i), expected[i]) << "at element " << i;
}

} // namespace

TEST(Route, SoftmaxWithBias) {
  Random random(1);
  Array x = random.array({5, 8}), router = random.array({8, 6});
  Array bias = random.array({6});
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<5x8xf32>, %r: tensor<8x6xf32>,
                    %b: tensor<6xf32>) -> (tensor<5x3xf32>, tensor<5x3xi32>) {
      %w, %i = moe.route %x, %r bias %b
        {top_k = 3 : i64, scoring = #moe<scoring softmax>, scale = 2.0 : f64}
        : (tensor<5x8xf32>, tensor<8x6xf32>, tensor<6xf32>)
        -> (tensor<5x3xf32>, tensor<5x3xi32>)
      return %w, %i : tensor<5x3xf32>, tensor<5x3xi32>
    })",
          {x.tensor(), router.tensor(), bias.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  Array weights({5, 3});
  std::vector<int64_t> indices;
  for (int64_t t = 0; t < 5; ++t) {
    std::vector<float> scores = logitsOf(x, router, t);
    float sum = 0;
    for (int64_t e = 0; e < 6; ++e) {
      scores[e] = std::exp(scores[e] + bias(e));
      sum += scores[e];
    }
    std::vector<int64_t> order = ranked(scores);
    for (int64_t k = 0; k < 3; ++k) {
      weights(t, k) = 2 * scores[order[k]] / sum;
      indices.push_back(order[k]);
    }
  }
  expectNear(outputs[0], weights);
  expectInts(outputs[1], indices);
}

TEST(Route, GroupLimitedSigmoidWithCorrection) {
  // 12 experts in 4 groups of 3; the best 2 groups are eligible.
  Random random(2);
  Array x = random.array({7, 8}), router = random.array({8, 12});
  Array correction = random.array({12}, 0.5);
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<7x8xf32>, %r: tensor<8x12xf32>,
                    %c: tensor<12xf32>) -> (tensor<7x4xf32>, tensor<7x4xi32>) {
      %w, %i = moe.route %x, %r correction %c
        {top_k = 4 : i64, scoring = #moe<scoring sigmoid>, groups = 4 : i64,
         top_groups = 2 : i64, normalize, scale = 2.5 : f64}
        : (tensor<7x8xf32>, tensor<8x12xf32>, tensor<12xf32>)
        -> (tensor<7x4xf32>, tensor<7x4xi32>)
      return %w, %i : tensor<7x4xf32>, tensor<7x4xi32>
    })",
          {x.tensor(), router.tensor(), correction.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  Array weights({7, 4});
  std::vector<int64_t> indices;
  for (int64_t t = 0; t < 7; ++t) {
    std::vector<float> scores = logitsOf(x, router, t), corrected;
    for (int64_t e = 0; e < 12; ++e) {
      scores[e] = sigmoid(scores[e]);
      corrected.push_back(scores[e] + correction(e));
    }
    std::vector<float> groups;
    for (int64_t g = 0; g < 4; ++g) {
      std::vector<float> group(corrected.begin() + 3 * g,
                               corrected.begin() + 3 * g + 3);
      std::sort(group.rbegin(), group.rend());
      groups.push_back(group[0] + group[1]);
    }
    std::vector<int64_t> best = ranked(groups);
    for (int64_t e = 0; e < 12; ++e)
      if (e / 3 != best[0] && e / 3 != best[1])
        corrected[e] = -1e30f;
    std::vector<int64_t> order = ranked(corrected);
    float sum = 0;
    for (int64_t k = 0; k < 4; ++k)
      sum += scores[order[k]];
    for (int64_t k = 0; k < 4; ++k) {
      weights(t, k) = 2.5f * scores[order[k]] / sum;
      indices.push_back(order[k]);
    }
  }
  expectNear(outputs[0], weights);
  expectInts(outputs[1], indices);
}

TEST(Route, TiesGoToTheSmallerIndex) {
  // Columns 0 and 3, and 1 and 2, of the router are equal; x = 1, so the
  // logits are 2, 5, 5, 2.
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<1x1xf32>, %r: tensor<1x4xf32>)
        -> (tensor<1x3xf32>, tensor<1x3xi32>) {
      %w, %i = moe.route %x, %r
        {top_k = 3 : i64, scoring = #moe<scoring softmax>, normalize}
        : (tensor<1x1xf32>, tensor<1x4xf32>)
        -> (tensor<1x3xf32>, tensor<1x3xi32>)
      return %w, %i : tensor<1x3xf32>, tensor<1x3xi32>
    })",
      {Tensor::ofFloats({1, 1}, {1}), Tensor::ofFloats({1, 4}, {2, 5, 5, 2})});
  ASSERT_EQ(outputs.size(), 2u);
  expectInts(outputs[1], {1, 2, 0});
}

TEST(Dispatch, OrdersRowsByExpertTokenSlot) {
  // Experts 2..4 are local; 0, 1 and 5 are dropped.
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<1x3x2xf32>, %i: tensor<1x3x2xi32>)
        -> (tensor<?x2xf32>, tensor<3xi32>) {
      %rows, %counts = moe.dispatch %x, %i {first_expert = 2 : i64}
        : (tensor<1x3x2xf32>, tensor<1x3x2xi32>)
        -> (tensor<?x2xf32>, tensor<3xi32>)
      return %rows, %counts : tensor<?x2xf32>, tensor<3xi32>
    })",
      {Tensor::ofFloats({1, 3, 2}, {10, 11, 20, 21, 30, 31}),
       Tensor::ofInts(ElementType::i32, {1, 3, 2}, {4, 2, 5, 4, 2, 0})});
  ASSERT_EQ(outputs.size(), 2u);
  // Expert 2: token 0, token 2; expert 3: none; expert 4: token 0, token 1.
  expectNear(outputs[0],
             Array(Tensor::ofFloats({4, 2}, {10, 11, 30, 31, 10, 11, 20, 21})));
  expectInts(outputs[1], {2, 0, 2});
}

TEST(Dispatch, NoRowsAtAll) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<2x3xf32>, %i: tensor<2x1xi32>,
                    %w: tensor<2x1xf32>, %u: tensor<4x3x5xf32>,
                    %d: tensor<4x5x3xf32>)
        -> (tensor<4xi32>, tensor<?x3xf32>, tensor<2x3xf32>) {
      %rows, %counts = moe.dispatch %x, %i {first_expert = 8 : i64}
        : (tensor<2x3xf32>, tensor<2x1xi32>) -> (tensor<?x3xf32>, tensor<4xi32>)
      %y = moe.experts %rows, %counts up %u down %d
        {activation = #moe<activation relu>}
        : (tensor<?x3xf32>, tensor<4xi32>, tensor<4x3x5xf32>, tensor<4x5x3xf32>)
        -> tensor<?x3xf32>
      %o = moe.combine %y, %w, %i {experts = 4 : i64, first_expert = 8 : i64}
        : (tensor<?x3xf32>, tensor<2x1xf32>, tensor<2x1xi32>) -> tensor<2x3xf32>
      return %counts, %y, %o : tensor<4xi32>, tensor<?x3xf32>, tensor<2x3xf32>
    })",
      {Array({2, 3}).tensor(), Tensor::ofInts(ElementType::i32, {2, 1}, {1, 2}),
       Array({2, 1}).tensor(), Array({4, 3, 5}).tensor(),
       Array({4, 5, 3}).tensor()});
  ASSERT_EQ(outputs.size(), 3u);
  expectInts(outputs[0], {0, 0, 0, 0});
  EXPECT_EQ(outputs[1].shape[0], 0);
  expectNear(outputs[2], Array({2, 3}));
}

namespace {

/// A whole block on one rank that holds experts [first, first + local) of
/// `experts`: dispatch, experts with every option, combine.
void checkBlock(int64_t first, int64_t local, bool gated, unsigned seed) {
  constexpr int64_t kTokens = 9, kSlots = 3, kHidden = 8, kInner = 5;
  Random random(seed);
  Array x = random.array({kTokens, kHidden});
  Array weights = random.array({kTokens, kSlots});
  Array gate = random.array({local, kHidden, kInner}, 2);
  Array up = random.array({local, kHidden, kInner}, 2);
  Array down = random.array({local, kInner, kHidden});
  Array gateBias = random.array({local, kInner});
  Array upBias = random.array({local, kInner});
  Array downBias = random.array({local, kHidden});
  // Distinct experts per token among 0, 2, .. 10: odd ones get no rows.
  std::vector<int64_t> indices;
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t k = 0; k < kSlots; ++k)
      indices.push_back(2 * ((t * t + k * (1 + t % 2)) % 6));
  std::string e = std::to_string(local), f = std::to_string(first);
  std::string w = "tensor<" + e + "x8x5xf32>", d = "tensor<" + e + "x5x8xf32>";
  std::string b = "tensor<" + e + "x5xf32>", o = "tensor<" + e + "x8xf32>";
  std::string text =
      "func.func @main(%x: tensor<9x8xf32>, %w: tensor<9x3xf32>, "
      "%i: tensor<9x3xi32>, %g: " +
      w + ", %u: " + w + ", %d: " + d + ", %gb: " + b + ", %ub: " + b +
      ", %db: " + o +
      ") -> tensor<9x8xf32> {\n"
      "  %rows, %counts = moe.dispatch %x, %i {first_expert = " +
      f +
      " : i64} : (tensor<9x8xf32>, tensor<9x3xi32>) -> (tensor<?x8xf32>, "
      "tensor<" +
      e + "xi32>)\n";
  text += gated ? "  %y = moe.experts %rows, %counts gate %g up %u down %d "
                  "gate_bias %gb up_bias %ub down_bias %db {activation = "
                  "#moe<activation silu>, limit = 1.5 : f64, alpha = 1.7 : f64,"
                  " linear_offset = 1.0 : f64} : (tensor<?x8xf32>, tensor<" +
                      e + "xi32>, " + w + ", " + w + ", " + d + ", " + b +
                      ", " + b + ", " + o + ") -> tensor<?x8xf32>\n"
                : "  %y = moe.experts %rows, %counts up %u down %d up_bias %ub "
                  "{activation = #moe<activation gelu>} : (tensor<?x8xf32>, "
                  "tensor<" +
                      e + "xi32>, " + w + ", " + d + ", " + b +
                      ") -> tensor<?x8xf32>\n";
  text += "  %o = moe.combine %y, %w, %i {experts = " + e +
          " : i64, first_expert = " + f +
          " : i64} : (tensor<?x8xf32>, tensor<9x3xf32>, tensor<9x3xi32>) -> "
          "tensor<9x8xf32>\n  return %o : tensor<9x8xf32>\n}";
  std::vector<Tensor> outputs =
      run(text, {x.tensor(), weights.tensor(),
                 Tensor::ofInts(ElementType::i32, {kTokens, kSlots}, indices),
                 gate.tensor(), up.tensor(), down.tensor(), gateBias.tensor(),
                 upBias.tensor(), downBias.tensor()});
  ASSERT_EQ(outputs.size(), 1u);

  Array expected({kTokens, kHidden});
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t k = 0; k < kSlots; ++k) {
      int64_t e = indices[t * kSlots + k] - first;
      if (e < 0 || e >= local)
        continue;
      std::vector<float> inner(kInner);
      for (int64_t i = 0; i < kInner; ++i) {
        float g = gateBias(e, i), u = upBias(e, i);
        for (int64_t h = 0; h < kHidden; ++h) {
          g += x(t, h) * gate(e, h, i);
          u += x(t, h) * up(e, h, i);
        }
        if (gated) {
          g = std::min(g, 1.5f);
          u = std::max(std::min(u, 1.5f), -1.5f);
          inner[i] = g * sigmoid(1.7f * g) * (u + 1);
        } else {
          inner[i] = 0.5f * u * (1 + std::erf(u / std::sqrt(2.0f)));
        }
      }
      for (int64_t h = 0; h < kHidden; ++h) {
        float sum = gated ? downBias(e, h) : 0;
        for (int64_t i = 0; i < kInner; ++i)
          sum += inner[i] * down(e, i, h);
        expected(t, h) += weights(t, k) * sum;
      }
    }
  expectNear(outputs[0], expected);
}

} // namespace

TEST(Experts, GatedWithEveryOption) {
  checkBlock(/*first=*/0, /*local=*/12, /*gated=*/true, 3);
}
TEST(Experts, NotGated) {
  checkBlock(/*first=*/0, /*local=*/12, /*gated=*/false, 4);
}
TEST(Experts, PartOfTheExpertsDropsTheOthersRows) {
  checkBlock(/*first=*/3, /*local=*/5, /*gated=*/true, 5);
}
