//===- AttentionTest.cpp - attention --------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <cmath>
#include <limits>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kBatch = 2, kNew = 3, kPast = 5, kTotal = kNew + kPast;

struct Options {
  int64_t heads = 4, kvHeads = 2, width = 4, valueWidth = 6;
  int64_t window = 0;
  int64_t chunk = 0, temperatureFloor = 0;
  double softCap = 0;
  bool sinks = false;
  std::vector<int64_t> lengths; ///< none: all of them are kTotal
};

std::string tensorType(llvm::ArrayRef<int64_t> shape,
                       llvm::StringRef element = "f32") {
  return "tensor<" + spellDims(shape) + "x" + element.str() + ">";
}

/// Runs one attention on random tensors and compares all four results with
/// loops over single elements.
void checkAttention(const Options &options, unsigned seed) {
  int64_t heads = options.heads, kvHeads = options.kvHeads;
  int64_t width = options.width, valueWidth = options.valueWidth;
  Random random(seed);
  Array query = random.array({kBatch, kNew, heads * width}, 2);
  Array key = random.array({kBatch, kNew, kvHeads * width}, 2);
  Array value = random.array({kBatch, kNew, kvHeads * valueWidth});
  Array pastKey = random.array({kBatch, kvHeads, kPast, width}, 2);
  Array pastValue = random.array({kBatch, kvHeads, kPast, valueWidth});
  Array sinks = random.array({heads});
  std::vector<Tensor> inputs = {query.tensor(), key.tensor(), value.tensor(),
                                pastKey.tensor(), pastValue.tensor()};
  std::vector<std::string> types;
  for (const Tensor &input : inputs)
    types.push_back(tensorType(input.shape));
  std::string names = "%q, %k, %v cache %pk, %pv",
              head = "%q: " + types[0] + ", %k: " + types[1] +
                     ", %v: " + types[2] + ", %pk: " + types[3] +
                     ", %pv: " + types[4];
  if (!options.lengths.empty()) {
    inputs.push_back(
        Tensor::ofInts(ElementType::i32, {kBatch}, options.lengths));
    types.push_back(tensorType({kBatch}, "i32"));
    names += " lengths %len";
    head += ", %len: " + types.back();
  }
  if (options.sinks) {
    inputs.push_back(sinks.tensor());
    types.push_back(tensorType({heads}));
    names += " sinks %sinks";
    head += ", %sinks: " + types.back();
  }
  std::string results = tensorType({kBatch, kNew, heads * valueWidth}) + ", " +
                        tensorType({kBatch, kvHeads, kTotal, width}) + ", " +
                        tensorType({kBatch, kvHeads, kTotal, valueWidth}) +
                        ", " + tensorType({kBatch, kNew, heads});
  std::string attributes =
      "{heads = " + std::to_string(heads) +
      " : i64, kv_heads = " + std::to_string(kvHeads) +
      " : i64, scale = 0.5 : f64, window = " + std::to_string(options.window) +
      " : i64, chunk = " + std::to_string(options.chunk) +
      " : i64, temperature_floor = " +
      std::to_string(options.temperatureFloor) +
      " : i64, temperature_scale = 0.5 : f64, soft_cap = " +
      std::to_string(options.softCap) + " : f64}";
  std::string text = "func.func @main(" + head + ") -> (" + results +
                     ") {\n %0:4 = moe.attention " + names + " " + attributes +
                     " : (" + llvm::join(types, ", ") + ") -> (" + results +
                     ")\n return %0#0, %0#1, %0#2, %0#3 : " + results + "\n}";
  std::vector<Tensor> outputs = run(text, inputs);
  ASSERT_EQ(outputs.size(), 4u);

  Array result({kBatch, kNew, heads * valueWidth});
  Array presentKey({kBatch, kvHeads, kTotal, width});
  Array presentValue({kBatch, kvHeads, kTotal, valueWidth});
  Array logSumExp({kBatch, kNew, heads});
  for (int64_t b = 0; b < kBatch; ++b) {
    int64_t length = options.lengths.empty() ? kTotal : options.lengths[b];
    int64_t start = length - kNew;
    for (int64_t k = 0; k < kvHeads; ++k)
      for (int64_t t = 0; t < length; ++t) {
        for (int64_t d = 0; d < width; ++d)
          presentKey(b, k, t, d) = t < start ? pastKey(b, k, t, d)
                                             : key(b, t - start, k * width + d);
        for (int64_t d = 0; d < valueWidth; ++d)
          presentValue(b, k, t, d) =
              t < start ? pastValue(b, k, t, d)
                        : value(b, t - start, k * valueWidth + d);
      }
    for (int64_t s = 0; s < kNew; ++s)
      for (int64_t h = 0; h < heads; ++h) {
        int64_t k = h / (heads / kvHeads), last = start + s;
        int64_t first = options.window > 0
                            ? std::max<int64_t>(0, last - options.window + 1)
                            : 0;
        if (options.chunk > 0)
          first = last - last % options.chunk;
        double temperature = 1;
        if (options.temperatureFloor > 0)
          temperature +=
              0.5 * std::log1p(double((last + 1) / options.temperatureFloor));
        double sum = options.sinks ? std::exp(double(sinks(h))) : 0;
        std::vector<double> out(valueWidth, 0);
        for (int64_t t = first; t <= last; ++t) {
          double score = 0;
          for (int64_t d = 0; d < width; ++d)
            score += query(b, s, h * width + d) * presentKey(b, k, t, d);
          score *= 0.5 * temperature;
          if (options.softCap > 0)
            score = options.softCap * std::tanh(score / options.softCap);
          sum += std::exp(score);
          for (int64_t d = 0; d < valueWidth; ++d)
            out[d] += std::exp(score) * presentValue(b, k, t, d);
        }
        for (int64_t d = 0; d < valueWidth; ++d)
          result(b, s, h * valueWidth + d) = float(out[d] / sum);
        logSumExp(b, s, h) = float(std::log(sum));
      }
  }
  expectNear(outputs[0], result);
  expectNear(outputs[1], presentKey, 0);
  expectNear(outputs[2], presentValue, 0);
  expectNear(outputs[3], logSumExp);
}

} // namespace

TEST(Attention, GroupedHeads) { checkAttention({}, 1); }

TEST(Attention, OneHeadPerQueryHead) {
  Options options;
  options.kvHeads = 4;
  checkAttention(options, 2);
}

TEST(Attention, SlidingWindow) {
  Options options;
  options.window = 3;
  checkAttention(options, 3);
}

// The queries stand at 5, 6 and 7: the last two are in a chunk of their own.
TEST(Attention, Chunks) {
  Options options;
  options.chunk = 6;
  checkAttention(options, 8);
}

TEST(Attention, ScoresGrowWithThePosition) {
  Options options;
  options.temperatureFloor = 3;
  checkAttention(options, 9);
}

TEST(Attention, ChunksOfSequencesOfTheirOwnLength) {
  Options options;
  options.chunk = 4;
  options.temperatureFloor = 2;
  options.lengths = {8, 5};
  checkAttention(options, 10);
}

TEST(Attention, SoftCapAndSinks) {
  Options options;
  options.softCap = 1.5;
  options.sinks = true;
  checkAttention(options, 4);
}

TEST(Attention, Lengths) {
  Options options;
  options.lengths = {4, 8};
  checkAttention(options, 5);
}

TEST(Attention, LengthsWindowSinksTogether) {
  Options options;
  options.lengths = {3, 6};
  options.window = 2;
  options.sinks = true;
  checkAttention(options, 6);
}

TEST(Attention, FirstTokensWithoutAPast) {
  // One head of width 1; queries 0, keys anything: equal weights. Query 0 sees
  // value 2, query 1 the mean of 2 and 4.
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%q: tensor<1x2x1xf32>, %v: tensor<1x2x1xf32>,
                    %p: tensor<1x1x0x1xf32>)
        -> (tensor<1x2x1xf32>, tensor<1x1x2x1xf32>) {
      %0:3 = moe.attention %q, %v, %v cache %p, %p
        {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64}
        : (tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>,
           tensor<1x1x0x1xf32>, tensor<1x1x0x1xf32>)
        -> (tensor<1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>)
      return %0#0, %0#2 : tensor<1x2x1xf32>, tensor<1x1x2x1xf32>
    })",
                                    {Tensor::ofFloats({1, 2, 1}, {0, 0}),
                                     Tensor::ofFloats({1, 2, 1}, {2, 4}),
                                     Tensor(ElementType::f32, {1, 1, 0, 1})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{2, 3}));
  EXPECT_EQ(outputs[1].floats(), (std::vector<float>{2, 4}));
}

TEST(Attention, PartsOfAContextMerge) {
  // One head of width 1. Queries 0 weigh all keys alike: the first part holds
  // values 2 and 4 (mean 3, two keys), the second 9 and the new 5 (mean 7). Its
  // log-sum-exps are ln 2 each, so the merged result is 5, the mean of all.
  llvm::StringRef text = R"(
    func.func @main(%q: tensor<1x1x1xf32>, %v: tensor<1x1x1xf32>,
                    %a: tensor<1x1x2x1xf32>, %b: tensor<1x1x1x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>,
            tensor<1x1x1xf32>) {
      %0:4 = moe.attention %q, %v, %v cache %a, %a
        {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64, past_only}
        : (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>,
           tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x1x3x1xf32>, tensor<1x1x3x1xf32>,
            tensor<1x1x1xf32>)
      %1:4 = moe.attention %q, %v, %v cache %b, %b
        {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64}
        : (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>,
           tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>,
            tensor<1x1x1xf32>)
      return %0#0, %0#3, %1#0, %1#3 : tensor<1x1x1xf32>, tensor<1x1x1xf32>,
        tensor<1x1x1xf32>, tensor<1x1x1xf32>
    })";
  std::vector<Tensor> outputs = run(
      text, {Tensor::ofFloats({1, 1, 1}, {0}), Tensor::ofFloats({1, 1, 1}, {5}),
             Tensor::ofFloats({1, 1, 2, 1}, {2, 4}),
             Tensor::ofFloats({1, 1, 1, 1}, {9})});
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_NEAR(outputs[0].at(0), 3, 1e-6);
  EXPECT_NEAR(outputs[1].at(0), std::log(2.0), 1e-6);
  EXPECT_NEAR(outputs[2].at(0), 7, 1e-6);
  EXPECT_NEAR(outputs[3].at(0), std::log(2.0), 1e-6);
}

TEST(Attention, APartWithoutKeys) {
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%q: tensor<1x1x1xf32>, %p: tensor<1x1x0x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x1x1xf32>) {
      %0:4 = moe.attention %q, %q, %q cache %p, %p
        {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64, past_only}
        : (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>,
           tensor<1x1x0x1xf32>, tensor<1x1x0x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>,
            tensor<1x1x1xf32>)
      return %0#0, %0#3 : tensor<1x1x1xf32>, tensor<1x1x1xf32>
    })",
                                    {Tensor::ofFloats({1, 1, 1}, {3}),
                                     Tensor(ElementType::f32, {1, 1, 0, 1})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].at(0), 0);
  EXPECT_EQ(outputs[1].at(0), -std::numeric_limits<double>::infinity());
}

//===----------------------------------------------------------------------===//
// Keys that are there
//===----------------------------------------------------------------------===//

namespace {

/// Two queries of 0, so that all keys score alike, over the values 1, 2 (past)
/// and 4, 8 (new); `there` says which keys are there.
std::vector<Tensor> attendTo(const std::vector<int64_t> &there) {
  llvm::StringRef text = R"(
    func.func @main(%q: tensor<1x2x1xf32>, %v: tensor<1x2x1xf32>,
                    %p: tensor<1x1x2x1xf32>, %there: tensor<1x4xi64>)
        -> (tensor<1x2x1xf32>, tensor<1x1x4x1xf32>) {
      %0:3 = moe.attention %q, %v, %v cache %p, %p lengths %there
          {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64}
        : (tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>,
           tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x4xi64>)
        -> (tensor<1x2x1xf32>, tensor<1x1x4x1xf32>, tensor<1x1x4x1xf32>)
      return %0#0, %0#2 : tensor<1x2x1xf32>, tensor<1x1x4x1xf32>
    })";
  return run(text.str(), {Tensor::ofFloats({1, 2, 1}, {0, 0}),
                          Tensor::ofFloats({1, 2, 1}, {4, 8}),
                          Tensor::ofFloats({1, 1, 2, 1}, {1, 2}),
                          Tensor::ofInts(ElementType::i64, {1, 4}, there)});
}

} // namespace

TEST(Attention, KeysThatAreNotThereAreNotSeen) {
  std::vector<Tensor> outputs = attendTo({0, 1, 0, 1});
  ASSERT_EQ(outputs.size(), 2u);
  // Query 0 sees value 2 of 1, 2, 4; query 1 sees 2 and 8, whose mean is 5.
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{2, 5}));
  // The cache keeps its places.
  EXPECT_EQ(outputs[1].floats(), (std::vector<float>{1, 2, 4, 8}));
}

TEST(Attention, AQueryWithoutKeysSeesTheMeanOfAll) {
  std::vector<Tensor> outputs = attendTo({0, 0, 0, 1});
  ASSERT_EQ(outputs.size(), 2u);
  // (1 + 2 + 4 + 8) / 4 = 3.75, future values included.
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{3.75, 8}));
}
