//===- PooledAttentionTest.cpp - pooled keys against plain loops ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference of a pool knows all tokens of a sequence and makes every entry
// from them; the op sees the new tokens, and what a step before has kept.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kBatch = 2;
constexpr double kEpsilon = 1e-3;

std::string typeOf(const Array &array) {
  return "tensor<" + spellDims(array.shape) + "xf32>";
}

//===----------------------------------------------------------------------===//
// pool_keys
//===----------------------------------------------------------------------===//

/// Tokens of whole sequences and the weights of a pool.
struct PoolCase {
  int64_t ratio, windows, width, rotated;
  Array values, scores, bias, gain, cosine, sine;

  PoolCase(int64_t ratio, int64_t windows, int64_t tokens)
      : ratio(ratio), windows(windows), width(6), rotated(4) {
    Random random(unsigned(ratio * 10 + windows));
    int64_t columns = windows * width;
    values = random.array({kBatch, tokens, columns}, 2);
    scores = random.array({kBatch, tokens, columns}, 2);
    bias = random.array({ratio, columns});
    gain = random.array({width});
    cosine = Array({tokens, rotated / 2});
    sine = Array({tokens, rotated / 2});
    for (int64_t p = 0; p < tokens; ++p)
      for (int64_t c = 0; c < rotated / 2; ++c) {
        cosine(p, c) = float(std::cos(double(p) * 0.3 * double(c + 1)));
        sine(p, c) = float(std::sin(double(p) * 0.3 * double(c + 1)));
      }
  }

  /// Entry `entry` of a sequence.
  std::vector<double> entry(int64_t b, int64_t entry) {
    std::vector<double> result(width, 0);
    for (int64_t d = 0; d < width; ++d) {
      double total = 0;
      for (int64_t j = 0; j < windows; ++j)
        for (int64_t i = 0; i < ratio; ++i) {
          int64_t token = (entry - (windows - 1) + j) * ratio + i;
          if (token < 0)
            continue;
          int64_t column = j * width + d;
          double power =
              std::exp(double(scores(b, token, column)) + bias(i, column));
          total += power;
          result[d] += power * values(b, token, column);
        }
      result[d] /= total;
    }
    double squares = 0;
    for (double x : result)
      squares += x * x;
    for (int64_t d = 0; d < width; ++d)
      result[d] *= gain(d) / std::sqrt(squares / double(width) + kEpsilon);
    for (int64_t c = 0; c < rotated / 2; ++c) {
      double &x = result[width - rotated + 2 * c];
      double &y = result[width - rotated + 2 * c + 1];
      double cos = cosine(entry * ratio, c), sin = sine(entry * ratio, c);
      double turned = x * cos - y * sin;
      y = y * cos + x * sin;
      x = turned;
    }
    return result;
  }

  Array entries(int64_t count) {
    Array result({kBatch, count, width});
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t e = 0; e < count; ++e)
        for (int64_t d = 0; d < width; ++d)
          result(b, e, d) = float(entry(b, e)[d]);
    return result;
  }

  /// The rows that are kept after `tokens` tokens.
  Array rows(int64_t tokens) {
    int64_t kept = windows * ratio, columns = windows * width;
    Array result({kBatch, kept, 2 * columns});
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t r = 0; r < kept; ++r)
        for (int64_t c = 0; c < columns; ++c)
          if (int64_t token = tokens - kept + r; token >= 0) {
            result(b, r, c) = values(b, token, c);
            result(b, r, columns + c) = scores(b, token, c);
          }
    return result;
  }

  static Array part(Array &whole, int64_t from, int64_t to) {
    Array result({kBatch, to - from, whole.shape[2]});
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t t = from; t < to; ++t)
        for (int64_t c = 0; c < whole.shape[2]; ++c)
          result(b, t - from, c) = whole(b, t, c);
    return result;
  }
};

/// A step over the tokens `from` to `to`.
void checkPool(int64_t ratio, int64_t windows, int64_t from, int64_t to) {
  PoolCase pool(ratio, windows, to);
  std::vector<int64_t> positions;
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t t = from; t < to; ++t)
      positions.push_back(t);
  Array values = PoolCase::part(pool.values, from, to);
  Array scores = PoolCase::part(pool.scores, from, to);
  Array past = pool.entries(from / ratio), rows = pool.rows(from);
  Array present = pool.entries(to / ratio), kept = pool.rows(to);
  std::string at = "tensor<2x" + std::to_string(to - from) + "xi64>";
  std::string types = typeOf(values) + ", " + typeOf(scores) + ", " +
                      typeOf(pool.bias) + ", " + typeOf(pool.gain) + ", " + at +
                      ", " + typeOf(pool.cosine) + ", " + typeOf(pool.sine) +
                      ", " + typeOf(past) + ", " + typeOf(rows);
  std::string results = typeOf(present) + ", " + typeOf(kept);
  std::vector<Tensor> outputs = run(
      "func.func @main(%v: " + typeOf(values) + ", %s: " + typeOf(scores) +
          ", %b: " + typeOf(pool.bias) + ", %g: " + typeOf(pool.gain) +
          ", %p: " + at + ", %c: " + typeOf(pool.cosine) +
          ", %i: " + typeOf(pool.sine) + ", %e: " + typeOf(past) +
          ", %r: " + typeOf(rows) + ") -> (" + results +
          ") {\n%0:2 = moe.pool_keys %v, %s bias %b norm %g at %p by %c, %i "
          "cache %e, %r {epsilon = 1.0e-3 : f64} : (" +
          types + ") -> (" + results + ")\nreturn %0#0, %0#1 : " + results +
          "\n}",
      {values.tensor(), scores.tensor(), pool.bias.tensor(), pool.gain.tensor(),
       Tensor::ofInts(ElementType::i64, {kBatch, to - from}, positions),
       pool.cosine.tensor(), pool.sine.tensor(), past.tensor(), rows.tensor()});
  ASSERT_EQ(outputs.size(), 2u);
  expectNear(outputs[0], present);
  expectNear(outputs[1], kept, 0);
}

//===----------------------------------------------------------------------===//
// pooled_attention
//===----------------------------------------------------------------------===//

struct AttentionCase {
  int64_t past = 5, fresh = 4, heads = 2, width = 3, window = 3;
  int64_t ratio = 0, indexHeads = 2, indexWidth = 3, top = 0;
  bool sinks = false;
};

/// The entries that a token which sees `count` of them attends to.
std::vector<int64_t> chosen(std::vector<double> scores, int64_t count,
                            int64_t top) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < count; ++i)
    order.push_back(i);
  if (top == 0)
    return order;
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  order.resize(std::min(count, top));
  return order;
}

void checkAttention(const AttentionCase &c) {
  Random random(31);
  int64_t total = c.past + c.fresh;
  int64_t count = c.ratio > 0 ? total / c.ratio : 0;
  Array query = random.array({kBatch, c.fresh, c.heads * c.width}, 2);
  Array key = random.array({kBatch, c.fresh, c.width});
  Array past = random.array({kBatch, c.past, c.width});
  Array entries = random.array({kBatch, count, c.width});
  Array indexQuery =
      random.array({kBatch, c.fresh, c.indexHeads * c.indexWidth});
  Array indexWeights = random.array({kBatch, c.fresh, c.indexHeads});
  Array indexEntries = random.array({kBatch, count, c.indexWidth});
  Array sinks = random.array({c.heads});
  std::string head, types, text;
  std::vector<Tensor> inputs;
  auto use = [&](const Array &array) {
    std::string name = "%a" + std::to_string(inputs.size());
    std::string comma = inputs.empty() ? "" : ", ";
    head += comma + name + ": " + typeOf(array);
    types += comma + typeOf(array);
    inputs.push_back(array.tensor());
    return name;
  };
  text = use(query) + ", ";
  text += use(key) + " cache ";
  text += use(past);
  if (c.ratio > 0)
    text += " entries " + use(entries);
  if (c.top > 0) {
    text += " index " + use(indexQuery);
    text += ", " + use(indexWeights);
    text += ", " + use(indexEntries);
  }
  if (c.sinks)
    text += " sinks " + use(sinks);
  Array result({kBatch, c.fresh, c.heads * c.width});
  std::string results =
      typeOf(result) + ", " + typeOf(Array({kBatch, total, c.width}));
  std::vector<Tensor> outputs =
      run("func.func @main(" + head + ") -> (" + results +
              ") {\n%0:2 = moe.pooled_attention " + text +
              " {heads = 2 : i64, scale = 0.5 : f64, window = " +
              std::to_string(c.window) +
              " : i64, ratio = " + std::to_string(c.ratio) +
              " : i64, top_entries = " + std::to_string(c.top) + " : i64} : (" +
              types + ") -> (" + results + ")\nreturn %0#0, %0#1 : " + results +
              "\n}",
          inputs);
  ASSERT_EQ(outputs.size(), 2u);

  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t s = 0; s < c.fresh; ++s) {
      int64_t position = c.past + s;
      std::vector<double> scores;
      for (int64_t e = 0; e < count; ++e) {
        double score = 0;
        for (int64_t n = 0; n < c.indexHeads; ++n) {
          double product = 0;
          for (int64_t i = 0; i < c.indexWidth; ++i)
            product += double(indexQuery(b, s, n * c.indexWidth + i)) *
                       indexEntries(b, e, i);
          score += std::max(product, 0.0) * indexWeights(b, s, n);
        }
        scores.push_back(score);
      }
      std::vector<std::vector<double>> keys;
      for (int64_t t = std::max<int64_t>(position - c.window + 1, 0);
           t <= position; ++t) {
        keys.emplace_back();
        for (int64_t d = 0; d < c.width; ++d)
          keys.back().push_back(t < c.past ? past(b, t, d)
                                           : key(b, t - c.past, d));
      }
      int64_t complete = c.ratio > 0 ? (position + 1) / c.ratio : 0;
      for (int64_t e : chosen(scores, complete, c.top)) {
        keys.emplace_back();
        for (int64_t d = 0; d < c.width; ++d)
          keys.back().push_back(entries(b, e, d));
      }
      for (int64_t h = 0; h < c.heads; ++h) {
        double sum = c.sinks ? std::exp(double(sinks(h))) : 0;
        std::vector<double> out(c.width, 0);
        for (const std::vector<double> &k : keys) {
          double score = 0;
          for (int64_t d = 0; d < c.width; ++d)
            score += query(b, s, h * c.width + d) * k[d];
          double power = std::exp(0.5 * score);
          sum += power;
          for (int64_t d = 0; d < c.width; ++d)
            out[d] += power * k[d];
        }
        for (int64_t d = 0; d < c.width; ++d)
          result(b, s, h * c.width + d) = float(out[d] / sum);
      }
    }
  expectNear(outputs[0], result);
}

} // namespace

TEST(PoolKeys, APromptFromTheBeginning) { checkPool(3, 1, 0, 11); }

// The first window has none before it.
TEST(PoolKeys, EntriesOfTwoWindows) { checkPool(3, 2, 0, 11); }

TEST(PoolKeys, GoesOnInTheMiddleOfAWindow) {
  checkPool(3, 1, 4, 11);
  checkPool(3, 2, 4, 11);
}

TEST(PoolKeys, OneTokenThatCompletesAWindow) {
  checkPool(4, 1, 7, 8);
  checkPool(4, 2, 3, 4);
  checkPool(4, 2, 11, 12);
}

TEST(PoolKeys, OneTokenThatCompletesNone) {
  checkPool(4, 1, 8, 9);
  checkPool(4, 2, 0, 1);
}

TEST(PooledAttention, AWindowAlone) { checkAttention({}); }

TEST(PooledAttention, ADecodedTokenAfterNone) {
  AttentionCase c;
  c.past = 0;
  c.fresh = 1;
  c.sinks = true;
  checkAttention(c);
}

TEST(PooledAttention, AllEntries) {
  AttentionCase c;
  c.ratio = 2;
  c.sinks = true;
  checkAttention(c);
}

TEST(PooledAttention, NoEntryYet) {
  AttentionCase c;
  c.ratio = 16;
  checkAttention(c);
}

TEST(PooledAttention, TheEntriesThatAnIndexChooses) {
  AttentionCase c;
  c.ratio = 2;
  c.top = 2;
  c.sinks = true;
  checkAttention(c);
  c.top = 1;
  checkAttention(c);
}

TEST(PooledAttention, AllWhereThereAreNoMore) {
  AttentionCase c;
  c.ratio = 2;
  c.top = 9;
  checkAttention(c);
}

TEST(GroupedLinear, EachPartTimesItsMatrix) {
  Random random(5);
  Array x = random.array({2, 6}), w = random.array({3, 2, 4});
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<2x6xf32>, %w: tensor<3x2x4xf32>)
        -> tensor<2x12xf32> {
      %0 = moe.grouped_linear %x, %w
        : (tensor<2x6xf32>, tensor<3x2x4xf32>) -> tensor<2x12xf32>
      return %0 : tensor<2x12xf32>
    })",
      {x.tensor(), w.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({2, 12});
  for (int64_t t = 0; t < 2; ++t)
    for (int64_t g = 0; g < 3; ++g)
      for (int64_t n = 0; n < 4; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < 2; ++k)
          sum += double(x(t, g * 2 + k)) * w(g, k, n);
        expected(t, g * 4 + n) = float(sum);
      }
  expectNear(outputs[0], expected);
}

// There and back again.
TEST(Rope, TheInverseUndoesIt) {
  Random random(6);
  Array x = random.array({1, 3, 12}), c({8, 2}), s({8, 2});
  for (int64_t p = 0; p < 8; ++p)
    for (int64_t i = 0; i < 2; ++i) {
      c(p, i) = float(std::cos(0.7 * double(p) * double(i + 1)));
      s(p, i) = float(std::sin(0.7 * double(p) * double(i + 1)));
    }
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<1x3x12xf32>, %p: tensor<1x3xi64>,
                    %c: tensor<8x2xf32>, %s: tensor<8x2xf32>)
        -> tensor<1x3x12xf32> {
      %0 = moe.rope %x at %p by %c, %s
        {head_width = 6 : i64, offset = 2 : i64, interleaved}
        : (tensor<1x3x12xf32>, tensor<1x3xi64>, tensor<8x2xf32>,
           tensor<8x2xf32>) -> tensor<1x3x12xf32>
      %1 = moe.rope %0 at %p by %c, %s
        {head_width = 6 : i64, offset = 2 : i64, interleaved, inverse}
        : (tensor<1x3x12xf32>, tensor<1x3xi64>, tensor<8x2xf32>,
           tensor<8x2xf32>) -> tensor<1x3x12xf32>
      return %1 : tensor<1x3x12xf32>
    })",
      {x.tensor(), Tensor::ofInts(ElementType::i64, {1, 3}, {5, 6, 7}),
       c.tensor(), s.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  expectNear(outputs[0], x);
}
