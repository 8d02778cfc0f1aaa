//===- RecurrenceTest.cpp - states of fixed size against plain loops ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two sequences of three tokens, from a state that is not zero; four heads of
// which two share a key, so that a mix-up of dimensions shows.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t B = 2, S = 3, N = 4, M = 2, K = 3, V = 2;

double softplus(double x) { return std::log1p(std::exp(x)); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Inputs {
  Array query, key, value, step, strength, decay, stepBias, skip, past;
};

/// What differs between the kinds.
struct Kind {
  std::string name;
  int64_t heads = N, groups = M, valueWidth = V;
  bool perChannel = false; ///< a step per channel of the keys
  bool perEntry = false;   ///< a decay per entry of a row
  bool hasStep = true, isDelta = false, hasSkip = false, normalize = false;
  double scale = 1, lowerBound = 0;
};

Inputs makeInputs(const Kind &kind, unsigned seed) {
  Random random(seed);
  int64_t steps = kind.perChannel ? kind.heads * K : kind.heads;
  Inputs in;
  in.query = random.array({B, S, kind.groups * K});
  in.key = random.array({B, S, kind.groups * K});
  in.value = random.array({B, S, kind.heads * kind.valueWidth});
  in.step = random.array({B, S, steps});
  in.strength = random.array({B, S, kind.heads});
  in.decay = kind.perEntry ? random.array({kind.heads, K})
                           : random.array({kind.heads});
  in.stepBias = random.array({steps});
  in.skip = random.array({kind.heads});
  in.past = random.array({B, kind.heads, K, kind.valueWidth});
  return in;
}

/// The definition, one number after the other.
std::pair<Array, Array> reference(const Kind &kind, Inputs in) {
  int64_t width = kind.valueWidth;
  Array result({B, S, kind.heads * width}), state = in.past;
  for (int64_t b = 0; b < B; ++b)
    for (int64_t s = 0; s < S; ++s)
      for (int64_t n = 0; n < kind.heads; ++n) {
        int64_t m = n / (kind.heads / kind.groups);
        double q[K], k[K], qq = 0, kk = 0;
        for (int64_t i = 0; i < K; ++i) {
          q[i] = in.query(b, s, m * K + i);
          k[i] = in.key(b, s, m * K + i);
          qq += q[i] * q[i];
          kk += k[i] * k[i];
        }
        for (int64_t i = 0; i < K && kind.normalize; ++i) {
          q[i] /= std::sqrt(qq + 1e-6);
          k[i] /= std::sqrt(kk + 1e-6);
        }
        auto raw = [&](int64_t i) {
          int64_t at = kind.perChannel ? n * K + i : n;
          return double(in.step(b, s, at)) + in.stepBias(at);
        };
        for (int64_t i = 0; i < K; ++i) {
          double rate = std::exp(kind.perEntry ? in.decay(n, i) : in.decay(n));
          double g = -rate * softplus(raw(i));
          if (kind.lowerBound < 0)
            g = kind.lowerBound * sigmoid(rate * raw(i));
          if (!kind.hasStep)
            g = -in.decay(n);
          for (int64_t v = 0; v < width; ++v)
            state(b, n, i, v) *= float(std::exp(g));
        }
        for (int64_t v = 0; v < width; ++v) {
          double x = in.value(b, s, n * width + v), u = x, known = 0, y = 0;
          for (int64_t i = 0; i < K; ++i)
            known += double(state(b, n, i, v)) * k[i];
          if (kind.isDelta)
            u = sigmoid(in.strength(b, s, n)) * (x - known);
          else if (kind.hasStep)
            u = softplus(raw(0)) * x;
          for (int64_t i = 0; i < K; ++i) {
            state(b, n, i, v) += float(k[i] * u);
            y += double(state(b, n, i, v)) * q[i];
          }
          y = kind.scale * y + (kind.hasSkip ? in.skip(n) * x : 0);
          result(b, s, n * width + v) = float(y);
        }
      }
  return {result, state};
}

std::string typeOfArray(const Array &array) {
  std::string type = "tensor<";
  for (int64_t size : array.shape)
    type += std::to_string(size) + "x";
  return type + "f32>";
}

void check(const Kind &kind, unsigned seed) {
  Inputs in = makeInputs(kind, seed);
  std::string arguments, types, op = "moe.recurrence " + kind.name + " ";
  std::vector<Tensor> values;
  auto pass = [&](llvm::StringRef word, const Array &array) {
    std::string name = "%a" + std::to_string(values.size());
    arguments +=
        (values.empty() ? "" : ", ") + name + ": " + typeOfArray(array);
    types += (values.empty() ? "" : ", ") + typeOfArray(array);
    op += (word + name).str();
    values.push_back(array.tensor());
  };
  pass("", in.query);
  pass(", ", in.key);
  pass(", ", in.value);
  if (kind.hasStep)
    pass(" step ", in.step);
  if (kind.isDelta)
    pass(" strength ", in.strength);
  pass(" decay ", in.decay);
  if (kind.hasStep)
    pass(" step_bias ", in.stepBias);
  if (kind.hasSkip)
    pass(" skip ", in.skip);
  pass(" state ", in.past);
  std::string results =
      "(" + typeOfArray(in.value) + ", " + typeOfArray(in.past) + ")";
  std::string attributes =
      "{heads = " + std::to_string(kind.heads) +
      " : i64, key_heads = " + std::to_string(kind.groups) +
      " : i64, scale = " + std::to_string(kind.scale) +
      " : f64, lower_bound = " + std::to_string(kind.lowerBound) + " : f64" +
      (kind.normalize ? ", normalize}" : "}");
  std::vector<Tensor> outputs = run(
      "func.func @main(" + arguments + ") -> " + results + " {\n%0:2 = " + op +
          " " + attributes + " : (" + types + ") -> " + results +
          "\nreturn %0#0, %0#1 : " + results.substr(1, results.size() - 2) +
          "\n}",
      values);
  ASSERT_EQ(outputs.size(), 2u);
  auto [result, state] = reference(kind, in);
  expectNear(outputs[0], result, 1e-5);
  expectNear(outputs[1], state, 1e-5);
}

} // namespace

TEST(Recurrence, Selective) {
  Kind kind{"selective", 5, 1, 1};
  kind.perEntry = kind.hasSkip = true;
  check(kind, 1);
}

TEST(Recurrence, StateSpace) {
  Kind kind{"state_space"};
  kind.hasSkip = true;
  check(kind, 2);
}

TEST(Recurrence, Delta) {
  Kind kind{"delta"};
  kind.isDelta = kind.normalize = true;
  kind.scale = 0.5;
  check(kind, 3);
}

TEST(Recurrence, ChannelDelta) {
  Kind kind{"channel_delta", N, N};
  kind.isDelta = kind.normalize = kind.perChannel = true;
  check(kind, 4);
}

TEST(Recurrence, ChannelDeltaWithALowerBound) {
  Kind kind{"channel_delta"};
  kind.isDelta = kind.perChannel = true;
  kind.lowerBound = -5;
  check(kind, 5);
}

TEST(Recurrence, FixedDecay) {
  Kind kind{"fixed_decay", N, N};
  kind.hasStep = false;
  check(kind, 6);
}

TEST(ShortConvolution, SeesThePastAndKeepsTheLastInputs) {
  Random random(7);
  Array x = random.array({2, 3, 4}), w = random.array({4, 3});
  Array bias = random.array({4}), past = random.array({2, 2, 4});
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<2x3x4xf32>, %w: tensor<4x3xf32>,
                    %b: tensor<4xf32>, %p: tensor<2x2x4xf32>)
        -> (tensor<2x3x4xf32>, tensor<2x2x4xf32>) {
      %0:2 = moe.short_convolution %x, %w bias %b state %p
        {activation = #moe<activation silu>}
        : (tensor<2x3x4xf32>, tensor<4x3xf32>, tensor<4xf32>,
           tensor<2x2x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x2x4xf32>)
      return %0#0, %0#1 : tensor<2x3x4xf32>, tensor<2x2x4xf32>
    })",
          {x.tensor(), w.tensor(), bias.tensor(), past.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  Array expected({2, 3, 4}), kept({2, 2, 4});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t c = 0; c < 4; ++c) {
      auto at = [&](int64_t i) {
        return i < 2 ? past(b, i, c) : x(b, i - 2, c);
      };
      for (int64_t s = 0; s < 3; ++s) {
        double sum = bias(c);
        for (int64_t t = 0; t < 3; ++t)
          sum += double(w(c, t)) * at(s + t);
        expected(b, s, c) = float(sum * sigmoid(sum));
      }
      for (int64_t i = 0; i < 2; ++i)
        kept(b, i, c) = at(3 + i);
    }
  expectNear(outputs[0], expected);
  expectNear(outputs[1], kept);
}

TEST(ShortConvolution, OneTokenMovesThePastByOne) {
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<1x1x1xf32>, %w: tensor<1x3xf32>,
                    %p: tensor<1x2x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x2x1xf32>) {
      %0:2 = moe.short_convolution %x, %w state %p
        {activation = #moe<activation identity>}
        : (tensor<1x1x1xf32>, tensor<1x3xf32>, tensor<1x2x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x2x1xf32>)
      return %0#0, %0#1 : tensor<1x1x1xf32>, tensor<1x2x1xf32>
    })",
                                    {Tensor::ofFloats({1, 1, 1}, {5}),
                                     Tensor::ofFloats({1, 3}, {100, 10, 1}),
                                     Tensor::ofFloats({1, 2, 1}, {3, 4})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{345}));
  EXPECT_EQ(outputs[1].floats(), (std::vector<float>{4, 5}));
}
