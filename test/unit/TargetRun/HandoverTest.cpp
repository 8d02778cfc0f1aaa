//===- HandoverTest.cpp - caches handed to another copy -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A prompt on one copy and the next token on another give what the un-lowered
// model gives for both steps; the bytes that a rank hands over are those of the
// cache that it was planned to hold.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Handover.h"
#include "PlannedModel.h"
#include "portolan/Analysis/Partition.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kBatch = 4, kPrompt = 3;

/// Two layers of 4 heads over 2, and 6 experts.
constexpr const char *kConfig = R"({
  "model_type": "mixtral", "hidden_size": 16, "intermediate_size": 12,
  "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2,
  "num_local_experts": 6, "num_experts_per_tok": 2, "hidden_act": "silu",
  "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "vocab_size": 20,
  "max_position_embeddings": 64, "torch_dtype": "float32"})";

struct Case {
  const char *name, *target, *plan;
};

class TwoCopies : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::Expected<OwningOpRef<ModuleOp>> imported =
        importHfConfigText(kConfig, "small.json", "small", model.context);
    ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
    model.module = std::move(*imported);
    model.addWeights();
    model.addInputs(kBatch, kPrompt, /*past=*/0, /*vocabulary=*/20);
    prompt = model.inputs;
    model.inputs.clear();
    model.addInputs(kBatch, 1, kPrompt, /*vocabulary=*/20);
    step = model.inputs;
    // "present.0.key" is handed over as "past_key_values.0.key".
    for (auto [result, name] : llvm::enumerate(outputNames(*model.module))) {
      StringRef suffix = name;
      if (!suffix.consume_front("present"))
        continue;
      auto argument = llvm::find_if(step, [&](const NamedTensor &input) {
        return input.name == ("past_key_values" + suffix).str();
      });
      ASSERT_NE(argument, step.end()) << name;
      caches.push_back({int64_t(result), argument - step.begin()});
    }
    ASSERT_EQ(caches.size(), 4u);
    // What stands in the place of a cache must not be read.
    for (NamedTensor &input : llvm::drop_begin(step, 2))
      input.tensor = Tensor::ofFloats(
          input.tensor.shape,
          std::vector<float>(input.tensor.size(), std::nanf("")));
  }

  /// Both steps of the un-lowered model, one after another.
  std::vector<NamedTensor> expectedStep(std::vector<NamedTensor> &prompted) {
    prompted = llvm::cantFail(runModule(*model.module, prompt, model.folder));
    std::vector<NamedTensor> inputs = step;
    for (const HandedCache &cache : caches)
      inputs[cache.argument].tensor = prompted[cache.result].tensor;
    return llvm::cantFail(runModule(*model.module, inputs, model.folder));
  }

  TestModel model;
  std::vector<NamedTensor> prompt, step;
  std::vector<HandedCache> caches;
};

class Handover : public TwoCopies,
                 public ::testing::WithParamInterface<Case> {};

} // namespace

TEST_P(Handover, GoesOnWhereThePromptEnded) {
  Machine machine = llvm::cantFail(loadMachine(GetParam().target));
  const Family &family = *llvm::cantFail(familyOf(machine));
  PlanPoint plan = llvm::cantFail(parsePlanPoint(GetParam().plan));
  DeviceProgram first =
      llvm::cantFail(lowerProgram(*model.module, prompt, plan, machine));
  DeviceProgram second =
      llvm::cantFail(lowerProgram(*model.module, step, plan, machine));
  const Deployment &deployment = first.deployment;
  Wiring wiring(machine, family.gridOf(deployment, machine),
                deployment.stageSize);
  ThreadFabric fabric(2 * first.ranks(), std::chrono::seconds(20));
  llvm::Expected<HandoverRun> run = runHandedOver(
      {&first, prompt}, {&second, step}, caches, model.folder, fabric, wiring);
  ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
  std::vector<NamedTensor> prompted, stepped = expectedStep(prompted);
  expectClose(run->promptOutputs, prompted);
  expectClose(run->stepOutputs, stepped);

  // What the fullest rank is planned to hold of the prompt, in f32.
  ModelShape shape = llvm::cantFail(extractModelShape(*model.module));
  Workload workload;
  workload.phase = Phase::prefill;
  workload.contextTokens = kPrompt;
  MemoryUse use = memoryUse(shape, plan, deployment, workload, kBatch);
  EXPECT_EQ(double(*std::max_element(run->handedBytes.begin(),
                                     run->handedBytes.end())),
            use.cacheBytes);
}

#define FORMATS                                                                \
  "weight_format=bf16/bf16,activation_format=bf16/bf16,kv_format=f32/f32,"     \
  "residency=hbm,fusion=elementwise,tile=64,"
#define SENT "dispatch_exchange=all_to_all,combine_exchange=all_to_all,"

INSTANTIATE_TEST_SUITE_P(
    Plans, Handover,
    ::testing::Values(Case{"Tensor", "gb300-nvl72:4",
                           FORMATS SENT
                           "instance=2,attention_tp=2,reduction=one_shot"},
                      Case{"Experts", "gb300-nvl72:8",
                           FORMATS SENT "instance=4,attention_tp=1"},
                      Case{"Stages", "gb300-nvl72:4",
                           FORMATS "instance=2,pipeline=2,attention_tp=1"},
                      Case{"Torus", "tpu7x:2x2x2",
                           FORMATS SENT "instance=4,attention_tp=2,"
                                        "reduction=bidirectional_ring"}),
    [](const auto &info) { return std::string(info.param.name); });

TEST_F(TwoCopies, AreOfOneSize) {
  Machine machine = llvm::cantFail(loadMachine("gb300-nvl72:4"));
  PlanPoint two = llvm::cantFail(parsePlanPoint(
      FORMATS SENT "instance=2,attention_tp=2,reduction=one_shot"));
  PlanPoint four = llvm::cantFail(parsePlanPoint(
      FORMATS SENT "instance=4,attention_tp=2,reduction=one_shot"));
  DeviceProgram first =
      llvm::cantFail(lowerProgram(*model.module, prompt, two, machine));
  DeviceProgram second =
      llvm::cantFail(lowerProgram(*model.module, step, four, machine));
  ThreadFabric fabric(6);
  Wiring wiring = Wiring::ofSwitch(2);
  llvm::Expected<HandoverRun> run = runHandedOver(
      {&first, prompt}, {&second, step}, caches, model.folder, fabric, wiring);
  ASSERT_FALSE(bool(run));
  EXPECT_EQ(llvm::toString(run.takeError()),
            "expects two copies of 2 ranks, got one of 4 on a fabric of 6");
}
