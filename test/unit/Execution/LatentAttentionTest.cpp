//===- LatentAttentionTest.cpp - latent attention -------------------------===//
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

constexpr int64_t kBatch = 2, kNew = 3, kPast = 5, kTotal = kNew + kPast;
constexpr int64_t kHeads = 3, kLatent = 8, kKeyWidth = 4, kRotary = 2,
                  kValueWidth = 5;

struct LatentInputs {
  Array query, latent, rotaryKey, pastLatent, pastRotaryKey, keyUp, valueUp;

  explicit LatentInputs(Random &random)
      : query(random.array({kBatch, kNew, kHeads * (kKeyWidth + kRotary)})),
        latent(random.array({kBatch, kNew, kLatent})),
        rotaryKey(random.array({kBatch, kNew, kRotary})),
        pastLatent(random.array({kBatch, kPast, kLatent})),
        pastRotaryKey(random.array({kBatch, kPast, kRotary})),
        keyUp(random.array({kHeads, kLatent, kKeyWidth})),
        valueUp(random.array({kHeads, kLatent, kValueWidth})) {}
};

std::vector<Tensor> runLatent(const LatentInputs &in, bool absorbed,
                              const std::vector<int64_t> &lengths) {
  std::string types =
      "tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, "
      "tensor<2x5x8xf32>, tensor<2x5x2xf32>, tensor<3x8x4xf32>, "
      "tensor<3x8x5xf32>, tensor<2xi32>";
  std::string results = "tensor<2x3x15xf32>, tensor<2x8x8xf32>, "
                        "tensor<2x8x2xf32>, tensor<2x3x3xf32>";
  std::string text =
      "func.func @main(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, "
      "%r: tensor<2x3x2xf32>, %pc: tensor<2x5x8xf32>, %pr: tensor<2x5x2xf32>, "
      "%ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>, %len: tensor<2xi32>) "
      "-> (" +
      results +
      ") {\n"
      "%0:4 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu "
      "lengths %len {heads = 3 : i64, scale = 0.25 : f64" +
      (absorbed ? ", absorbed" : "") + "} : (" + types + ") -> (" + results +
      ")\nreturn %0#0, %0#1, %0#2, %0#3 : " + results + "\n}";
  return run(text,
             {in.query.tensor(), in.latent.tensor(), in.rotaryKey.tensor(),
              in.pastLatent.tensor(), in.pastRotaryKey.tensor(),
              in.keyUp.tensor(), in.valueUp.tensor(),
              Tensor::ofInts(ElementType::i32, {kBatch}, lengths)});
}

void checkLatent(bool absorbed) {
  Random random(7);
  LatentInputs in(random);
  std::vector<int64_t> lengths = {8, 5};
  std::vector<Tensor> outputs = runLatent(in, absorbed, lengths);
  ASSERT_EQ(outputs.size(), 4u);
  Array result({kBatch, kNew, kHeads * kValueWidth});
  Array present({kBatch, kTotal, kLatent}), rotary({kBatch, kTotal, kRotary});
  Array logSumExp({kBatch, kNew, kHeads});
  for (int64_t b = 0; b < kBatch; ++b) {
    int64_t start = lengths[b] - kNew;
    for (int64_t t = 0; t < lengths[b]; ++t) {
      for (int64_t l = 0; l < kLatent; ++l)
        present(b, t, l) =
            t < start ? in.pastLatent(b, t, l) : in.latent(b, t - start, l);
      for (int64_t r = 0; r < kRotary; ++r)
        rotary(b, t, r) = t < start ? in.pastRotaryKey(b, t, r)
                                    : in.rotaryKey(b, t - start, r);
    }
    for (int64_t s = 0; s < kNew; ++s)
      for (int64_t h = 0; h < kHeads; ++h) {
        double sum = 0;
        std::vector<double> out(kValueWidth, 0);
        for (int64_t t = 0; t <= start + s; ++t) {
          double score = 0;
          int64_t at = h * (kKeyWidth + kRotary);
          for (int64_t n = 0; n < kKeyWidth; ++n) {
            double keyElement = 0;
            for (int64_t l = 0; l < kLatent; ++l)
              keyElement += present(b, t, l) * in.keyUp(h, l, n);
            score += in.query(b, s, at + n) * keyElement;
          }
          for (int64_t r = 0; r < kRotary; ++r)
            score += in.query(b, s, at + kKeyWidth + r) * rotary(b, t, r);
          double power = std::exp(0.25 * score);
          sum += power;
          for (int64_t v = 0; v < kValueWidth; ++v)
            for (int64_t l = 0; l < kLatent; ++l)
              out[v] += power * present(b, t, l) * in.valueUp(h, l, v);
        }
        for (int64_t v = 0; v < kValueWidth; ++v)
          result(b, s, h * kValueWidth + v) = float(out[v] / sum);
        logSumExp(b, s, h) = float(std::log(sum));
      }
  }
  expectNear(outputs[0], result);
  expectNear(outputs[1], present, 0);
  expectNear(outputs[2], rotary, 0);
  expectNear(outputs[3], logSumExp);
}

} // namespace

TEST(LatentAttention, Absorbed) { checkLatent(/*absorbed=*/true); }
TEST(LatentAttention, Expanded) { checkLatent(/*absorbed=*/false); }

TEST(LatentAttention, AbsorbedEqualsExpanded) {
  Random random(8);
  LatentInputs in(random);
  std::vector<Tensor> absorbed = runLatent(in, true, {6, 8});
  std::vector<Tensor> expanded = runLatent(in, false, {6, 8});
  ASSERT_EQ(absorbed.size(), 4u);
  ASSERT_EQ(expanded.size(), 4u);
  expectNear(absorbed[0], Array(expanded[0]));
}

TEST(LatentAttention, CachesOfWhatWasExpanded) {
  // The same past, kept as keys and values of each head.
  Random random(9);
  LatentInputs in(random);
  std::vector<Tensor> latent = runLatent(in, false, {kTotal, kTotal});
  constexpr int64_t kWidth = kKeyWidth + kRotary;
  auto expand = [&](Array compressed, Array rotary, int64_t tokens, Array &keys,
                    Array &values) {
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t h = 0; h < kHeads; ++h)
        for (int64_t t = 0; t < tokens; ++t) {
          for (int64_t l = 0; l < kLatent; ++l) {
            for (int64_t n = 0; n < kKeyWidth; ++n)
              keys(b, h, t, n) += compressed(b, t, l) * in.keyUp(h, l, n);
            for (int64_t v = 0; v < kValueWidth; ++v)
              values(b, h, t, v) += compressed(b, t, l) * in.valueUp(h, l, v);
          }
          for (int64_t r = 0; r < kRotary; ++r)
            keys(b, h, t, kKeyWidth + r) = rotary(b, t, r);
        }
  };
  Array pastKeys({kBatch, kHeads, kPast, kWidth}),
      pastValues({kBatch, kHeads, kPast, kValueWidth}),
      keys({kBatch, kHeads, kTotal, kWidth}),
      values({kBatch, kHeads, kTotal, kValueWidth});
  expand(in.pastLatent, in.pastRotaryKey, kPast, pastKeys, pastValues);
  expand(Array(latent[1]), Array(latent[2]), kTotal, keys, values);
  llvm::StringRef text = R"(
    func.func @main(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>,
                    %r: tensor<2x3x2xf32>, %pk: tensor<2x3x5x6xf32>,
                    %pv: tensor<2x3x5x5xf32>, %ku: tensor<3x8x4xf32>,
                    %vu: tensor<3x8x5xf32>)
        -> (tensor<2x3x15xf32>, tensor<2x3x8x6xf32>, tensor<2x3x8x5xf32>) {
      %0:3 = moe.latent_attention %q, %c, %r cache %pk, %pv up %ku, %vu
          {heads = 3 : i64, scale = 0.25 : f64}
        : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>,
           tensor<2x3x5x6xf32>, tensor<2x3x5x5xf32>, tensor<3x8x4xf32>,
           tensor<3x8x5xf32>)
        -> (tensor<2x3x15xf32>, tensor<2x3x8x6xf32>, tensor<2x3x8x5xf32>)
      return %0#0, %0#1, %0#2
        : tensor<2x3x15xf32>, tensor<2x3x8x6xf32>, tensor<2x3x8x5xf32>
    })";
  std::vector<Tensor> expanded = run(
      text.str(), {in.query.tensor(), in.latent.tensor(), in.rotaryKey.tensor(),
                   pastKeys.tensor(), pastValues.tensor(), in.keyUp.tensor(),
                   in.valueUp.tensor()});
  ASSERT_EQ(expanded.size(), 3u);
  expectNear(expanded[0], Array(latent[0]));
  expectNear(expanded[1], keys);
  expectNear(expanded[2], values);
}
