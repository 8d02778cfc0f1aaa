//===- SharedAttentionTest.cpp - what layers share, against loops ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention over another layer's cache, whose layers normalize keys with gains
// of their own, and latent attention to keys that another layer has chosen.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kBatch = 2, kNew = 3, kPast = 4, kTotal = kNew + kPast;

std::string typeOf(const Array &array) {
  return "tensor<" + spellDims(array.shape) + "xf32>";
}

/// `values` divided by their root mean square, as a norm without gain does.
std::vector<double> normalized(std::vector<double> values) {
  double squares = 0;
  for (double value : values)
    squares += value * value;
  for (double &value : values)
    value /= std::sqrt(squares / double(values.size()));
  return values;
}

} // namespace

// The caches hold keys without a gain; the layer multiplies them with its own.
// That equals queries that are multiplied with it, which is what is run here.
TEST(SharedAttention, GainsOfKeysAreThoseOfQueries) {
  constexpr int64_t heads = 4, kvHeads = 2, width = 4, valueWidth = 3;
  Random random(3);
  Array query = random.array({kBatch, kNew, heads * width}, 2);
  Array rotated = random.array({kBatch, kvHeads, kTotal, width}, 2);
  Array values = random.array({kBatch, kvHeads, kTotal, valueWidth});
  Array gain = random.array({width}, 2);
  Array keys(rotated.shape), moved(query.shape);
  for (int64_t b = 0; b < kBatch; ++b) {
    for (int64_t k = 0; k < kvHeads; ++k)
      for (int64_t t = 0; t < kTotal; ++t) {
        std::vector<double> key(width);
        for (int64_t d = 0; d < width; ++d)
          key[d] = rotated(b, k, t, d);
        key = normalized(key);
        for (int64_t d = 0; d < width; ++d)
          keys(b, k, t, d) = float(key[d]);
      }
    for (int64_t s = 0; s < kNew; ++s)
      for (int64_t d = 0; d < heads * width; ++d)
        moved(b, s, d) = query(b, s, d) * gain(d % width);
  }
  Array result({kBatch, kNew, heads * valueWidth});
  std::string types =
      typeOf(moved) + ", " + typeOf(keys) + ", " + typeOf(values);
  std::vector<Tensor> outputs =
      run("func.func @main(%q: " + typeOf(moved) + ", %k: " + typeOf(keys) +
              ", %v: " + typeOf(values) + ") -> " + typeOf(result) +
              " {\n%0 = moe.shared_attention %q cache %k, %v {heads = 4 : i64, "
              "kv_heads = 2 : i64, scale = 0.5 : f64} : (" +
              types + ") -> " + typeOf(result) +
              "\nreturn %0 : " + typeOf(result) + "\n}",
          {moved.tensor(), keys.tensor(), values.tensor()});
  ASSERT_EQ(outputs.size(), 1u);

  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t s = 0; s < kNew; ++s)
      for (int64_t h = 0; h < heads; ++h) {
        int64_t k = h / (heads / kvHeads);
        double sum = 0;
        std::vector<double> out(valueWidth, 0);
        for (int64_t t = 0; t <= kPast + s; ++t) {
          std::vector<double> key(width);
          for (int64_t d = 0; d < width; ++d)
            key[d] = rotated(b, k, t, d);
          key = normalized(key);
          double score = 0;
          for (int64_t d = 0; d < width; ++d)
            score += query(b, s, h * width + d) * key[d] * gain(d);
          double power = std::exp(0.5 * score);
          sum += power;
          for (int64_t d = 0; d < valueWidth; ++d)
            out[d] += power * values(b, k, t, d);
        }
        for (int64_t d = 0; d < valueWidth; ++d)
          result(b, s, h * valueWidth + d) = float(out[d] / sum);
      }
  expectNear(outputs[0], result);
}

// On a rank whose block of the context has no new token, every query sees all
// of it: one key and value of 5, with a log-sum-exp of the score 2 * 3.
TEST(SharedAttention, PastOnlySeesAllKeys) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%q: tensor<1x2x1xf32>, %k: tensor<1x1x1x1xf32>,
                    %v: tensor<1x1x1x1xf32>)
        -> (tensor<1x2x1xf32>, tensor<1x2x1xf32>) {
      %0:2 = moe.shared_attention %q cache %k, %v
        {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64, past_only}
        : (tensor<1x2x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>)
        -> (tensor<1x2x1xf32>, tensor<1x2x1xf32>)
      return %0#0, %0#1 : tensor<1x2x1xf32>, tensor<1x2x1xf32>
    })",
      {Tensor::ofFloats({1, 2, 1}, {2, 2}), Tensor::ofFloats({1, 1, 1, 1}, {3}),
       Tensor::ofFloats({1, 1, 1, 1}, {5})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{5, 5}));
  EXPECT_EQ(outputs[1].floats(), (std::vector<float>{6, 6}));
}

namespace {

constexpr int64_t kHeads = 2, kPlain = 3, kRotary = 2, kLatent = 5, kValue = 4;

struct LatentInputs {
  Array query, latent, rotary, pastLatent, pastRotary, keyUp, valueUp;

  explicit LatentInputs(Random &random)
      : query(random.array({kBatch, kNew, kHeads * (kPlain + kRotary)}, 2)),
        latent(random.array({kBatch, kNew, kLatent})),
        rotary(random.array({kBatch, kNew, kRotary})),
        pastLatent(random.array({kBatch, kPast, kLatent})),
        pastRotary(random.array({kBatch, kPast, kRotary})),
        keyUp(random.array({kHeads, kLatent, kPlain})),
        valueUp(random.array({kHeads, kLatent, kValue})) {}

  float &cached(Array &past, Array &added, int64_t b, int64_t t, int64_t d) {
    return t < kPast ? past(b, t, d) : added(b, t - kPast, d);
  }

  /// The result of token s for the keys at `positions`.
  std::vector<double> attend(int64_t b, int64_t s, int64_t h,
                             const std::vector<int64_t> &positions) {
    double sum = 0;
    std::vector<double> out(kValue, 0);
    for (int64_t t : positions) {
      double score = 0;
      for (int64_t n = 0; n < kPlain; ++n) {
        double key = 0;
        for (int64_t l = 0; l < kLatent; ++l)
          key += cached(pastLatent, latent, b, t, l) * keyUp(h, l, n);
        score += query(b, s, h * (kPlain + kRotary) + n) * key;
      }
      for (int64_t r = 0; r < kRotary; ++r)
        score += query(b, s, h * (kPlain + kRotary) + kPlain + r) *
                 cached(pastRotary, rotary, b, t, r);
      double power = std::exp(0.4 * score);
      sum += power;
      for (int64_t v = 0; v < kValue; ++v) {
        double value = 0;
        for (int64_t l = 0; l < kLatent; ++l)
          value += cached(pastLatent, latent, b, t, l) * valueUp(h, l, v);
        out[v] += power * value;
      }
    }
    for (double &value : out)
      value /= sum;
    return out;
  }
};

} // namespace

// -1 and keys behind the token are passed over, a key that is named twice
// counts once.
TEST(ChosenAttention, AttendsToTheKeysThatAreNamed) {
  Random random(5);
  LatentInputs in(random);
  constexpr int64_t K = 3;
  // Tokens 0, 1, 2 are at 4, 5, 6.
  std::vector<int64_t> chosen = {0, 3, 4,  5, -1, 1, 2, 2, 6,
                                 4, 0, -1, 5, 4,  3, 6, 1, 0};
  std::vector<std::vector<int64_t>> seen = {{0, 3, 4}, {5, 1},    {2, 6},
                                            {4, 0},    {5, 4, 3}, {6, 1, 0}};
  Array result({kBatch, kNew, kHeads * kValue});
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%q: tensor<2x3x10xf32>, %l: tensor<2x3x5xf32>,
                    %r: tensor<2x3x2xf32>, %c: tensor<2x3x3xi32>,
                    %pl: tensor<2x4x5xf32>, %pr: tensor<2x4x2xf32>,
                    %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x4xf32>)
        -> (tensor<2x3x8xf32>, tensor<2x7x5xf32>, tensor<2x7x2xf32>) {
      %0:3 = moe.chosen_latent_attention %q, %l, %r chosen %c cache %pl, %pr
        up %ku, %vu {heads = 2 : i64, scale = 0.4 : f64}
        : (tensor<2x3x10xf32>, tensor<2x3x5xf32>, tensor<2x3x2xf32>,
           tensor<2x3x3xi32>, tensor<2x4x5xf32>, tensor<2x4x2xf32>,
           tensor<2x5x3xf32>, tensor<2x5x4xf32>)
        -> (tensor<2x3x8xf32>, tensor<2x7x5xf32>, tensor<2x7x2xf32>)
      return %0#0, %0#1, %0#2
        : tensor<2x3x8xf32>, tensor<2x7x5xf32>, tensor<2x7x2xf32>
    })",
      {in.query.tensor(), in.latent.tensor(), in.rotary.tensor(),
       Tensor::ofInts(ElementType::i32, {kBatch, kNew, K}, chosen),
       in.pastLatent.tensor(), in.pastRotary.tensor(), in.keyUp.tensor(),
       in.valueUp.tensor()});
  ASSERT_EQ(outputs.size(), 3u);
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t s = 0; s < kNew; ++s)
      for (int64_t h = 0; h < kHeads; ++h) {
        std::vector<double> out = in.attend(b, s, h, seen[b * kNew + s]);
        for (int64_t v = 0; v < kValue; ++v)
          result(b, s, h * kValue + v) = float(out[v]);
      }
  expectNear(outputs[0], result);
}

// An index with one head of width 1, query 1 and weight 1: a key's score is
// itself. Past keys 5, 1, 4, 2; new keys 3, 6, 1. Of equal scores the earlier
// key comes first.
TEST(ChosenAttention, PositionsComeBestFirst) {
  Random random(6);
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%q: tensor<1x3x2xf32>, %l: tensor<1x3x1xf32>,
                    %r: tensor<1x3x1xf32>, %iq: tensor<1x3x1xf32>,
                    %ik: tensor<1x3x1xf32>, %pl: tensor<1x4x1xf32>,
                    %pr: tensor<1x4x1xf32>, %pi: tensor<1x4x1xf32>,
                    %u: tensor<1x1x1xf32>) -> tensor<1x3x6xi32> {
      %0:5 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iq
        cache %pl, %pr, %pi up %u, %u
        {heads = 1 : i64, scale = 1.0 : f64, index_heads = 1 : i64,
         top_keys = 6 : i64}
        : (tensor<1x3x2xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>,
           tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>,
           tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>,
           tensor<1x1x1xf32>, tensor<1x1x1xf32>)
        -> (tensor<1x3x1xf32>, tensor<1x7x1xf32>, tensor<1x7x1xf32>,
            tensor<1x7x1xf32>, tensor<1x3x6xi32>)
      return %0#4 : tensor<1x3x6xi32>
    })",
      {random.array({1, 3, 2}).tensor(), random.array({1, 3, 1}).tensor(),
       random.array({1, 3, 1}).tensor(), Tensor::ofFloats({1, 3, 1}, {1, 1, 1}),
       Tensor::ofFloats({1, 3, 1}, {3, 6, 1}), random.array({1, 4, 1}).tensor(),
       random.array({1, 4, 1}).tensor(),
       Tensor::ofFloats({1, 4, 1}, {5, 1, 4, 2}),
       Tensor::ofFloats({1, 1, 1}, {1})});
  ASSERT_EQ(outputs.size(), 1u);
  int64_t expected[] = {0, 2, 4, 3, 1, -1, 5, 0, 2, 4, 3, 1, 5, 0, 2, 4, 3, 1};
  for (int64_t i = 0; i < 18; ++i)
    EXPECT_EQ(outputs[0].intAt(i), expected[i]) << i;
}

// silu(g) limited to 1 and u to [-1, 1], in place of g: g = 3, u = 5 gives
// min(3 * sigmoid(3), 1) * 1 = 1; g = 1, u = -0.5 is below both limits.
TEST(Limits, OfTheActivatedGate) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<2x2xf32>, %g: tensor<2x1xf32>,
                    %u: tensor<2x1xf32>, %d: tensor<1x2xf32>)
        -> tensor<2x2xf32> {
      %0 = moe.mlp %x gate %g up %u down %d
        {activation = #moe<activation silu>, limit = 1.0 : f64,
         limits_activated}
        : (tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<1x2xf32>)
        -> tensor<2x2xf32>
      return %0 : tensor<2x2xf32>
    })",
      {Tensor::ofFloats({2, 2}, {3, 5, 1, -0.5f}),
       Tensor::ofFloats({2, 1}, {1, 0}), Tensor::ofFloats({2, 1}, {0, 1}),
       Tensor::ofFloats({1, 2}, {1, 2})});
  ASSERT_EQ(outputs.size(), 1u);
  double second = -0.5 / (1 + std::exp(-1.0));
  expectNear(outputs[0], Array(Tensor::ofFloats({2, 2}, {1, 2, float(second),
                                                         float(2 * second)})));
}
