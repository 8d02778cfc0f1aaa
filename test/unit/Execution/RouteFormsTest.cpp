//===- RouteFormsTest.cpp - rarer forms of routing ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

float logit(Array &x, Array &router, int64_t t, int64_t e) {
  float sum = 0;
  for (int64_t h = 0; h < router.shape[0]; ++h)
    sum += x(t, h) * router(h, e);
  return sum;
}

} // namespace

// Two rounds; in each, an expert counts for the softmax of the best one if its
// logit is within 2 * jitter of it, relative to the larger of the two.
TEST(RouteForms, SparseMixer) {
  constexpr int64_t kTokens = 9, kExperts = 6;
  constexpr double kJitter = 0.3;
  Random random(3);
  Array x = random.array({kTokens, 8}), router = random.array({8, kExperts});
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<9x8xf32>, %r: tensor<8x6xf32>)
        -> (tensor<9x2xf32>, tensor<9x2xi32>) {
      %w, %i = moe.route %x, %r
        {top_k = 2 : i64, scoring = #moe<scoring sparse_mixer>,
         jitter = 0.3 : f64}
        : (tensor<9x8xf32>, tensor<8x6xf32>)
        -> (tensor<9x2xf32>, tensor<9x2xi32>)
      return %w, %i : tensor<9x2xf32>, tensor<9x2xi32>
    })",
                                    {x.tensor(), router.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  Array weights({kTokens, 2});
  bool someAreOut = false, someAreIn = false;
  for (int64_t t = 0; t < kTokens; ++t) {
    std::vector<bool> taken(kExperts, false);
    for (int64_t k = 0; k < 2; ++k) {
      int64_t best = -1;
      for (int64_t e = 0; e < kExperts; ++e)
        if (!taken[e] &&
            (best < 0 || logit(x, router, t, e) > logit(x, router, t, best)))
          best = e;
      float largest = logit(x, router, t, best);
      double sum = 0;
      for (int64_t e = 0; e < kExperts; ++e) {
        float score = logit(x, router, t, e);
        float gap = (largest - score) / std::max(std::fabs(score), largest);
        if (taken[e] || gap > 2 * kJitter) {
          someAreOut |= !taken[e];
          continue;
        }
        someAreIn |= e != best;
        sum += std::exp(score - largest);
      }
      weights(t, k) = float(1 / sum);
      EXPECT_EQ(outputs[1].intAt(t * 2 + k), best);
      taken[best] = true;
    }
  }
  EXPECT_TRUE(someAreOut && someAreIn);
  expectNear(outputs[0], weights);
}

// Logits of three groups of two experts: (5, 0), (4, 3), (1, 1). By the sum of
// two the second group is best, by its best expert the first.
TEST(RouteForms, GroupsByTheirBestExpert) {
  Array x({1, 1}), router({1, 6});
  x(0, 0) = 1;
  const float logits[] = {5, 0, 4, 3, 1, 1};
  for (int64_t e = 0; e < 6; ++e)
    router(0, e) = logits[e];
  for (int64_t rank : {1, 2}) {
    std::vector<Tensor> outputs = run(
        R"(
    func.func @main(%x: tensor<1x1xf32>, %r: tensor<1x6xf32>)
        -> (tensor<1x2xf32>, tensor<1x2xi32>) {
      %w, %i = moe.route %x, %r
        {top_k = 2 : i64, scoring = #moe<scoring sigmoid>, groups = 3 : i64,
         top_groups = 1 : i64, group_rank = )" +
            std::to_string(rank) + R"( : i64}
        : (tensor<1x1xf32>, tensor<1x6xf32>)
        -> (tensor<1x2xf32>, tensor<1x2xi32>)
      return %w, %i : tensor<1x2xf32>, tensor<1x2xi32>
    })",
        {x.tensor(), router.tensor()});
    ASSERT_EQ(outputs.size(), 2u);
    EXPECT_EQ(outputs[1].intAt(0), rank == 1 ? 0 : 2);
    EXPECT_EQ(outputs[1].intAt(1), rank == 1 ? 1 : 3);
  }
}

// Two tokens of width 1, each to both experts (in the order of its choice):
// expert e squares its row by way of relu(x) and the weight 10^e.
TEST(RouteForms, RowsAreWeightedBeforeTheExperts) {
  Array x({2, 1}), weights({2, 2}), up({2, 1, 1}), down({2, 1, 1});
  x(0, 0) = 3;
  x(1, 0) = 5;
  weights(0, 0) = 0.5;
  weights(0, 1) = 2;
  weights(1, 0) = 1;
  weights(1, 1) = 4;
  up(0, 0, 0) = up(1, 0, 0) = 1;
  down(0, 0, 0) = 1;
  down(1, 0, 0) = 10;
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<2x1xf32>, %w: tensor<2x2xf32>,
                    %i: tensor<2x2xi32>, %u: tensor<2x1x1xf32>,
                    %d: tensor<2x1x1xf32>)
        -> (tensor<4x1xf32>, tensor<2x1xf32>) {
      %rows, %counts = moe.dispatch %x, %i weights %w
        : (tensor<2x1xf32>, tensor<2x2xi32>, tensor<2x2xf32>)
        -> (tensor<4x1xf32>, tensor<2xi32>)
      %h = moe.experts %rows, %counts up %u down %d
        {activation = #moe<activation relu>}
        : (tensor<4x1xf32>, tensor<2xi32>, tensor<2x1x1xf32>,
           tensor<2x1x1xf32>) -> tensor<4x1xf32>
      %y = moe.combine %h, %w, %i {experts = 2 : i64, weights_applied}
        : (tensor<4x1xf32>, tensor<2x2xf32>, tensor<2x2xi32>)
        -> tensor<2x1xf32>
      return %rows, %y : tensor<4x1xf32>, tensor<2x1xf32>
    })",
      {x.tensor(), weights.tensor(),
       Tensor::ofInts(ElementType::i32, {2, 2}, {1, 0, 0, 1}), up.tensor(),
       down.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  // Expert 0 gets token 0 by its second choice (3 * 2) and token 1 by its first
  // (5 * 1), expert 1 the others (3 * 0.5, 5 * 4).
  Array rows({4, 1}), sums({2, 1});
  rows(0, 0) = 6;
  rows(1, 0) = 5;
  rows(2, 0) = 1.5;
  rows(3, 0) = 20;
  sums(0, 0) = 6 + 10 * 1.5;
  sums(1, 0) = 5 + 10 * 20;
  expectNear(outputs[0], rows, 0);
  expectNear(outputs[1], sums, 0);
}

// (2 * 3 + 8 / 4) and, of an expert, (2 * 3) * 1 + 8 / 4.
TEST(RouteForms, ABiasThatIsShared) {
  Array x({1, 1}), weight({1, 1}), bias(std::vector<int64_t>{1});
  x(0, 0) = 2;
  weight(0, 0) = 3;
  bias(0) = 8;
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<1x1xf32>, %w: tensor<1x1xf32>,
                    %b: tensor<1xf32>, %n: tensor<1xi32>,
                    %u: tensor<1x1x1xf32>, %d: tensor<1x1x1xf32>,
                    %db: tensor<1x1xf32>)
        -> (tensor<1x1xf32>, tensor<1x1xf32>) {
      %y = moe.linear %x, %w bias %b {bias_share = 4 : i64}
        : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
      %z = moe.experts %x, %n up %u down %d down_bias %db
        {activation = #moe<activation relu>, bias_share = 4 : i64}
        : (tensor<1x1xf32>, tensor<1xi32>, tensor<1x1x1xf32>,
           tensor<1x1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
      return %y, %z : tensor<1x1xf32>, tensor<1x1xf32>
    })",
          {x.tensor(), weight.tensor(), bias.tensor(),
           Tensor::ofInts(ElementType::i32, {1}, {1}),
           Tensor::ofFloats({1, 1, 1}, {3}), Tensor::ofFloats({1, 1, 1}, {1}),
           Tensor::ofFloats({1, 1}, {8})});
  ASSERT_EQ(outputs.size(), 2u);
  for (const Tensor &output : outputs)
    EXPECT_EQ(output.floats()[0], 8);
}

// A row (1, 5): mean 3, variance 4: (-1, 1) times the gain (2, 3) plus the
// shift (10, 20).
TEST(RouteForms, LayerNormalization) {
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<1x2xf32>, %g: tensor<2xf32>, %s: tensor<2xf32>)
        -> tensor<1x2xf32> {
      %y = moe.rms_norm %x, %g shift %s {epsilon = 0.0 : f64, centered}
        : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
      return %y : tensor<1x2xf32>
    })",
          {Tensor::ofFloats({1, 2}, {1, 5}), Tensor::ofFloats({2}, {2, 3}),
           Tensor::ofFloats({2}, {10, 20})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_FLOAT_EQ(outputs[0].floats()[0], 8);
  EXPECT_FLOAT_EQ(outputs[0].floats()[1], 23);
}
