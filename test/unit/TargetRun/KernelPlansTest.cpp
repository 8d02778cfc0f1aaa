//===- KernelPlansTest.cpp - kernels of a model under several plans -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small model with latent attention whose hot steps are written out equals
// itself un-lowered, in whatever way it is divided, and moves what it states.
//
//===----------------------------------------------------------------------===//

#include "PlannedModel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

/// Widths that tensor maps describe in every format: multiples of 32.
constexpr const char *kConfig = R"({
  "model_type": "deepseek_v3", "torch_dtype": "float32", "vocab_size": 32,
  "max_position_embeddings": 256, "rope_theta": 10000.0, "rms_norm_eps": 1e-6,
  "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 64,
  "moe_intermediate_size": 96, "num_attention_heads": 4,
  "num_key_value_heads": 4, "kv_lora_rank": 96, "qk_nope_head_dim": 32,
  "qk_rope_head_dim": 32, "v_head_dim": 32, "n_routed_experts": 8,
  "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2,
  "n_shared_experts": 1, "first_k_dense_replace": 1, "num_hidden_layers": 2,
  "scoring_func": "sigmoid", "topk_method": "noaux_tc",
  "norm_topk_prob": true, "routed_scaling_factor": 1.5})";

struct Case {
  const char *name, *target, *plan;
  /// Steps: two attentions, the experts and the permutation before them, with
  /// an exchange the packing too, of each variant of the ranks.
  int64_t written;
  const char *refusedAsWell; ///< label of a step that stays, or ""
};

void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

#define COMMON "residency=hbm,fusion=elementwise,"
#define BF16                                                                   \
  "weight_format=bf16/bf16,activation_format=bf16/bf16,kv_format=bf16/bf16,"
#define FP8 "weight_format=fp8/fp8,activation_format=fp8/fp8,kv_format=fp8/fp8,"
#define SENT "dispatch_exchange=all_to_all,combine_exchange=all_to_all,"

class KernelPlans : public ::testing::TestWithParam<Case> {};

} // namespace

TEST_P(KernelPlans, EqualTheModel) {
  const Case &c = GetParam();
  llvm::Expected<Machine> machine = loadMachine(c.target);
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  const Family &family = *llvm::cantFail(familyOf(*machine));
  PlannedModel model;
  auto imported =
      importHfConfigText(kConfig, "small.json", "small", model.context);
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  model.module = std::move(*imported);
  model.addWeights();
  model.addInputs(/*batch=*/4, /*newTokens=*/1, /*past=*/70,
                  /*vocabulary=*/32);
  std::vector<NamedTensor> expected = model.reference();
  PlanPoint plan = llvm::cantFail(parsePlanPoint(c.plan));
  TargetSetting setting{*machine, family, plan};
  setting.stratum = Stratum::kernel;
  setting.target = c.target;
  for (RunFormats formats : {RunFormats::ofTypes, RunFormats::ofPlan}) {
    setting.formats = formats;
    ThreadFabric fabric(llvm::cantFail(ranksOf(setting)),
                        std::chrono::seconds(60));
    llvm::Expected<TargetRun> run =
        runOnTarget(*model.module, model.inputs, model.folder, setting, fabric);
    ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
    EXPECT_EQ(run->kernels.writtenOut, c.written);
    std::string refusals;
    for (const std::string &refusal : run->kernels.refusals)
      refusals += refusal + "\n";
    EXPECT_NE(refusals.find(c.refusedAsWell), std::string::npos) << refusals;
    if (formats == RunFormats::ofPlan)
      continue;
    expectClose(run->outputs, expected, /*rtol=*/1e-5);
    for (const TransferTraffic &row : run->traffic)
      EXPECT_TRUE(row.movesWhatItStates()) << row.op;
  }
}

const Case kCases[] = {
    {"TensorMemory", "gb300-nvl72:4", COMMON BF16 "tile=16,instance=1", 4, ""},
    {"Registers", "hgx-h100:1", COMMON BF16 "tile=16,instance=1", 4, ""},
    {"Narrow", "gb300-nvl72:4", COMMON FP8 "tile=16,instance=1", 4, ""},
    {"Ranks", "gb300-nvl72:4",
     COMMON BF16 SENT "tile=16,instance=4,attention_tp=2,reduction=one_shot", 5,
     "switched.host_c1"},
    {"Context", "gb300-nvl72:4",
     COMMON BF16 SENT "tile=16,instance=4,attention_tp=1,attention_cp=2", 10,
     "switched.host_c1"},
};

INSTANTIATE_TEST_SUITE_P(Plans, KernelPlans, ::testing::ValuesIn(kCases),
                         [](const auto &info) { return info.param.name; });
