//===- DeepSeekRunTest.cpp - a scaled-down DeepSeek on ranks --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latent attention, sigmoid group-limited routing with a correction, a shared
// expert and a dense first layer, with random weights: the moe module and its
// partitions equal a plain loop reference.
//
//===----------------------------------------------------------------------===//

#include "DeepSeekReference.h"
#include "Harness.h"
#include "portolan/Import/HfConfig.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kBatch = 5, kPast = 3;

class DeepSeekModel : public TestModel {
public:
  void load() {
    auto imported = importHfConfig(
        std::string(PORTOLAN_TEST_CONFIGS) + "/deepseek-tiny.json", context);
    ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
    module = std::move(*imported);
    addWeights();
    addInputs(kBatch, /*newTokens=*/1, kPast, sizes.vocabulary);
  }

  /// Logits [B,1,V] of the loop reference.
  Tensor loops() {
    auto weight = [&](std::string name) -> const Floats & {
      auto found = weights.find(name);
      EXPECT_NE(found, weights.end()) << name;
      return found->second;
    };
    Floats logits;
    for (int64_t sequence = 0; sequence < kBatch; ++sequence) {
      std::vector<DeepSeekCache> caches;
      for (int layer = 0; layer < sizes.layers; ++layer)
        caches.push_back({pastOf(2 + 2 * layer, sequence, sizes.latent),
                          pastOf(3 + 2 * layer, sequence, sizes.rotary)});
      Floats own = deepSeekStep(sizes, weight, inputs[0].tensor.intAt(sequence),
                                inputs[1].tensor.intAt(sequence), caches);
      logits.insert(logits.end(), own.begin(), own.end());
    }
    return Tensor::ofFloats({kBatch, 1, sizes.vocabulary}, logits);
  }

  DeepSeekSizes sizes;

private:
  Floats pastOf(int input, int64_t sequence, int64_t width) {
    Floats all = inputs[input].tensor.floats();
    return Floats(all.begin() + sequence * kPast * width,
                  all.begin() + (sequence + 1) * kPast * width);
  }
};

struct Case {
  const char *name, *plan;
  int64_t ranks;
};

class DeepSeekRun : public ::testing::TestWithParam<Case> {};

} // namespace

TEST(DeepSeek, ModuleEqualsLoops) {
  DeepSeekModel model;
  model.load();
  std::vector<NamedTensor> outputs = model.reference();
  ASSERT_FALSE(outputs.empty());
  expectClose({outputs[0]}, {{"logits", model.loops()}});
}

TEST_P(DeepSeekRun, RanksEqualLoops) {
  DeepSeekModel model;
  model.load();
  llvm::Expected<SpmdRun> run = model.spmd(GetParam().plan, GetParam().ranks);
  ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
  ASSERT_FALSE(run->outputs.empty());
  expectClose({run->outputs[0]}, {{"logits", model.loops()}});
  // Weights and inputs are the same in every case, and so are the outputs.
  static const std::vector<NamedTensor> expected = model.reference();
  expectClose(run->outputs, expected);
}

#define SENT "dispatch_exchange=all_to_all,combine_exchange=all_to_all"
#define GATHERED "dispatch_exchange=all_gather,combine_exchange=reduce_scatter"

INSTANTIATE_TEST_SUITE_P(
    Plans, DeepSeekRun,
    ::testing::Values(
        // Heads and experts over all ranks, nothing exchanged.
        Case{"tensor4", "attention_tp=4", 4},
        // 16 experts over 4 and 8 ranks, one sequence or none per replica.
        Case{"experts4", SENT, 4}, Case{"experts8", SENT, 8},
        Case{"mixed8", "attention_tp=2,expert_tp=2," SENT, 8},
        Case{"gathered8", "attention_tp=4," GATHERED, 8},
        // 3 layers over 2 stages are 2 and 1.
        Case{"pipeline8", "pipeline=2,attention_tp=2," SENT, 8},
        Case{"context4", "attention_cp=2," SENT, 4}),
    [](const auto &info) { return std::string(info.param.name); });
