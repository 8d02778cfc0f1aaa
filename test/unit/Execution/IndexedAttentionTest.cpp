//===- IndexedAttentionTest.cpp - attention to chosen keys ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Against loops: the index sorts the visible keys by score and position, and
// attention runs over the first of them.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kBatch = 2, kNew = 3, kPast = 4, kTotal = kNew + kPast;
constexpr int64_t kHeads = 2, kPlain = 3, kRotary = 2, kLatent = 5, kValue = 4;
constexpr int64_t kIndexHeads = 3, kIndex = 4;

std::string typeOf(const Array &array) {
  return "tensor<" + spellDims(array.shape) + "xf32>";
}

/// `past` and `added` of one sequence at position t.
float &grown(Array &past, Array &added, int64_t b, int64_t t, int64_t d) {
  return t < kPast ? past(b, t, d) : added(b, t - kPast, d);
}

/// The keys that a token at `last` attends to.
std::vector<int64_t> chosen(const std::vector<double> &scores,
                            int64_t topKeys) {
  std::vector<int64_t> order(scores.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = int64_t(i);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::pair(-scores[a], a) < std::pair(-scores[b], b);
  });
  order.resize(std::min<size_t>(order.size(), topKeys));
  return order;
}

void checkIndexed(int64_t topKeys, double indexScale) {
  Random random(7);
  Array query = random.array({kBatch, kNew, kHeads * (kPlain + kRotary)}, 2);
  Array latent = random.array({kBatch, kNew, kLatent});
  Array rotary = random.array({kBatch, kNew, kRotary});
  Array indexQuery =
      random.array({kBatch, kNew, kIndexHeads * kIndex}, indexScale);
  Array indexKey = random.array({kBatch, kNew, kIndex});
  Array indexWeights = random.array({kBatch, kNew, kIndexHeads});
  Array pastLatent = random.array({kBatch, kPast, kLatent});
  Array pastRotary = random.array({kBatch, kPast, kRotary});
  Array pastIndex = random.array({kBatch, kPast, kIndex});
  Array keyUp = random.array({kHeads, kLatent, kPlain});
  Array valueUp = random.array({kHeads, kLatent, kValue});
  Array result({kBatch, kNew, kHeads * kValue});
  Array presentIndex({kBatch, kTotal, kIndex});
  std::string head, types;
  std::vector<Tensor> inputs;
  for (const Array *array :
       {&query, &latent, &rotary, &indexQuery, &indexKey, &indexWeights,
        &pastLatent, &pastRotary, &pastIndex, &keyUp, &valueUp}) {
    std::string comma = inputs.empty() ? "" : ", ";
    head +=
        comma + "%a" + std::to_string(inputs.size()) + ": " + typeOf(*array);
    types += comma + typeOf(*array);
    inputs.push_back(array->tensor());
  }
  std::string results =
      typeOf(result) + ", " + typeOf(Array({kBatch, kTotal, kLatent})) + ", " +
      typeOf(Array({kBatch, kTotal, kRotary})) + ", " + typeOf(presentIndex);
  std::vector<Tensor> outputs =
      run("func.func @main(" + head + ") -> (" + results +
              ") {\n%0:4 = moe.indexed_latent_attention %a0, %a1, %a2 "
              "index %a3, %a4, %a5 cache %a6, %a7, %a8 up %a9, %a10 "
              "{heads = 2 : i64, scale = 0.4 : f64, index_heads = 3 : i64, "
              "top_keys = " +
              std::to_string(topKeys) + " : i64} : (" + types + ") -> (" +
              results + ")\nreturn %0#0, %0#1, %0#2, %0#3 : " + results + "\n}",
          inputs);
  ASSERT_EQ(outputs.size(), 4u);

  for (int64_t b = 0; b < kBatch; ++b) {
    for (int64_t t = 0; t < kTotal; ++t)
      for (int64_t d = 0; d < kIndex; ++d)
        presentIndex(b, t, d) = grown(pastIndex, indexKey, b, t, d);
    for (int64_t s = 0; s < kNew; ++s) {
      std::vector<double> index;
      for (int64_t t = 0; t <= kPast + s; ++t) {
        double score = 0;
        for (int64_t h = 0; h < kIndexHeads; ++h) {
          double product = 0;
          for (int64_t d = 0; d < kIndex; ++d)
            product += indexQuery(b, s, h * kIndex + d) * presentIndex(b, t, d);
          score += indexWeights(b, s, h) * std::max(product, 0.0);
        }
        index.push_back(score);
      }
      for (int64_t h = 0; h < kHeads; ++h) {
        double sum = 0;
        std::vector<double> out(kValue, 0);
        for (int64_t t : chosen(index, topKeys)) {
          double score = 0;
          for (int64_t n = 0; n < kPlain; ++n) {
            double key = 0;
            for (int64_t l = 0; l < kLatent; ++l)
              key += grown(pastLatent, latent, b, t, l) * keyUp(h, l, n);
            score += query(b, s, h * (kPlain + kRotary) + n) * key;
          }
          for (int64_t r = 0; r < kRotary; ++r)
            score += query(b, s, h * (kPlain + kRotary) + kPlain + r) *
                     grown(pastRotary, rotary, b, t, r);
          double power = std::exp(0.4 * score);
          sum += power;
          for (int64_t v = 0; v < kValue; ++v)
            for (int64_t l = 0; l < kLatent; ++l)
              out[v] +=
                  power * grown(pastLatent, latent, b, t, l) * valueUp(h, l, v);
        }
        for (int64_t v = 0; v < kValue; ++v)
          result(b, s, h * kValue + v) = float(out[v] / sum);
      }
    }
  }
  expectNear(outputs[0], result);
  expectNear(outputs[3], presentIndex, 0);
}

} // namespace

TEST(IndexedAttention, TheBestKeys) { checkIndexed(3, 2); }

TEST(IndexedAttention, OneKey) { checkIndexed(1, 2); }

TEST(IndexedAttention, AllKeysWhereThereAreNoMore) { checkIndexed(16, 2); }

// All scores are 0.
TEST(IndexedAttention, EqualScoresGoToTheEarlierKeys) { checkIndexed(2, 0); }
