//===- HfConfigFormsTest.cpp - families with blocks of their own ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each family says that others do not reaches its op, and what its ops
// cannot say is refused by the name of the field.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Import/ConfigFixture.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

class HfConfigForms : public ConfigFixture {};

TEST_F(HfConfigForms, DeepSeekV2GroupsByTheirBestExpert) {
  OwningOpRef<ModuleOp> module = load("deepseek-v2");
  auto route = only<moe::RouteOp>(*module, "layer_moe");
  EXPECT_EQ(route.getScoring(), moe::Scoring::softmax);
  EXPECT_EQ(route.getGroupRank(), 1u);
  EXPECT_EQ(route.getTopGroups(), 3u);
  EXPECT_FALSE(route.getNormalize());
  EXPECT_EQ(route.getScale().convertToDouble(), 16.0);
  EXPECT_EQ(with("deepseek-v2", "topk_method", "noaux_tc"),
            "c.json: topk_method: expects one of \"greedy\", "
            "\"group_limited_greedy\", got \"noaux_tc\"");
  EXPECT_EQ(with("deepseek-v2", "topk_method", "greedy"), "imported");
  EXPECT_EQ(with("deepseek-v2", "n_group", 7),
            "c.json: n_group: expects a divisor of n_routed_experts 160, got "
            "7");
}

TEST_F(HfConfigForms, AnIndexChoosesKeys) {
  for (auto [name, heads] :
       {std::pair{"deepseek-v3.2", 64u}, std::pair{"glm-5", 32u}}) {
    OwningOpRef<ModuleOp> module = load(name);
    auto op = only<moe::IndexedLatentAttentionOp>(*module, "layer_moe");
    EXPECT_EQ(op.getIndexHeads(), heads) << name;
    EXPECT_EQ(op.getTopKeys(), 2048u);
  }
}

TEST_F(HfConfigForms, IndexRefusals) {
  EXPECT_EQ(with("deepseek-v3.2", "q_lora_rank", nullptr),
            "c.json: q_lora_rank: expects a rank, from which the index is "
            "computed, got null");
  EXPECT_EQ(with("deepseek-v3.2", "index_topk", 0),
            "c.json: index_topk: expects an integer from 1 to 4294967296, got "
            "0");
  EXPECT_EQ(with("glm-5", "qk_head_dim", 192),
            "c.json: qk_head_dim: expects 256, got 192");
}

TEST_F(HfConfigForms, PhiMoeMixerAndLayerNorms) {
  OwningOpRef<ModuleOp> module = load("phi-3.5-moe");
  auto route = only<moe::RouteOp>(*module, "layer_moe");
  EXPECT_EQ(route.getScoring(), moe::Scoring::sparse_mixer);
  EXPECT_EQ(route.getJitter().convertToDouble(), 0.01);
  module->walk([&](moe::RmsNormOp norm) {
    EXPECT_TRUE(norm.getCentered() && norm.getShift());
  });
  EXPECT_EQ(with("phi-3.5-moe", "num_experts_per_tok", 3),
            "c.json: num_experts_per_tok: expects an integer from 2 to 2, got "
            "3");
  EXPECT_EQ(with("phi-3.5-moe", "rope_scaling",
                 llvm::json::Object{{"type", "longrope"}}),
            "c.json: rope_scaling.type: expects one of \"default\", \"yarn\", "
            "\"llama3\", got \"longrope\"");
}

TEST_F(HfConfigForms, Llama4LayersOfFourKinds) {
  OwningOpRef<ModuleOp> module = load("llama-4-maverick-17b-128e");
  // 48 layers: every second has experts, every fourth does not rotate and is
  // one of those.
  EXPECT_EQ(callsOf(*module, "layer_dense"), 24u);
  EXPECT_EQ(callsOf(*module, "layer_moe"), 12u);
  EXPECT_EQ(callsOf(*module, "layer_moe_global"), 12u);
  auto local = only<moe::AttentionOp>(*module, "layer_moe");
  auto global = only<moe::AttentionOp>(*module, "layer_moe_global");
  EXPECT_EQ(local.getChunk(), 8192u);
  EXPECT_EQ(local.getTemperatureFloor(), 0u);
  EXPECT_EQ(global.getChunk(), 0u);
  EXPECT_EQ(global.getTemperatureFloor(), 8192u);
  auto layer = module->lookupSymbol<func::FuncOp>("layer_moe_global");
  layer.walk([&](moe::RopeOp) { ADD_FAILURE() << "does not rotate"; });
  EXPECT_TRUE(only<moe::DispatchOp>(*module, "layer_moe").getWeights());
  EXPECT_TRUE(only<moe::CombineOp>(*module, "layer_moe").getWeightsApplied());
}

TEST_F(HfConfigForms, Llama4Refusals) {
  constexpr const char *kName = "llama-4-maverick-17b-128e";
  EXPECT_EQ(within(kName, "text_config", "use_qk_norm", true),
            "c.json: text_config.use_qk_norm: expects false, got true");
  EXPECT_EQ(within(kName, "text_config", "rope_scaling",
                   llvm::json::Object{{"rope_type", "linear"}}),
            "c.json: text_config.rope_scaling.rope_type: expects one of "
            "\"default\", \"yarn\", \"llama3\", got \"linear\"");
  EXPECT_EQ(without(kName, "text_config"),
            "c.json: text_config: expects an object, got no such field");
}

TEST_F(HfConfigForms, DbrxLimitsItsProjections) {
  OwningOpRef<ModuleOp> module = load("dbrx");
  auto layer = module->lookupSymbol<func::FuncOp>("layer_moe");
  unsigned limits = 0;
  layer.walk(
      [&](moe::ScaleOp op) { limits += op.getLimit().convertToDouble() == 8; });
  EXPECT_EQ(limits, 3u);
  EXPECT_EQ(within("dbrx", "attn_config", "kv_n_heads", 7),
            "c.json: attn_config.kv_n_heads: expects a divisor of n_heads 48, "
            "got 7");
  EXPECT_EQ(within("dbrx", "ffn_config", "moe_normalize_expert_weights", 2),
            "c.json: ffn_config.moe_normalize_expert_weights: expects 1, got "
            "2");
}

TEST_F(HfConfigForms, GrokIsChosenByItsArchitecture) {
  OwningOpRef<ModuleOp> module = load("grok-1");
  auto attention = only<moe::AttentionOp>(*module, "layer_moe");
  EXPECT_EQ(attention.getSoftCap().convertToDouble(), 30.0);
  EXPECT_EQ(only<moe::ExpertsOp>(*module, "layer_moe").getActivation(),
            moe::Activation::gelu_tanh);
  unsigned norms = 0, scales = 0;
  module->lookupSymbol<func::FuncOp>("layer_moe").walk([&](moe::RmsNormOp) {
    ++norms;
  });
  module->lookupSymbol<func::FuncOp>("main").walk(
      [&](moe::ScaleOp) { ++scales; });
  EXPECT_EQ(norms, 4u);
  EXPECT_EQ(scales, 2u);
  EXPECT_EQ(with("grok-1", "embedding_multiplier_scale", "78"),
            "c.json: embedding_multiplier_scale: expects a number above 0, got "
            "\"78\"");
  EXPECT_EQ(with("grok-1", "architectures", llvm::json::Array{"Grok2"}),
            "c.json: architectures: expects one of \"MixtralForCausalLM\", "
            "\"Grok1ModelForCausalLM\", got [\"Grok2\"]");
}

TEST_F(HfConfigForms, MiMoTwoKindsOfAttention) {
  OwningOpRef<ModuleOp> module = load("mimo-v2-flash");
  auto window = only<moe::AttentionOp>(*module, "layer_moe_window");
  auto full = only<moe::AttentionOp>(*module, "layer_moe_full");
  EXPECT_EQ(window.getWindow(), 128u);
  EXPECT_EQ(window.getKvHeads(), 8u);
  EXPECT_TRUE(window.getSinks());
  EXPECT_EQ(full.getKvHeads(), 4u);
  EXPECT_FALSE(full.getSinks());
  llvm::SmallVector<double> thetas;
  module->walk([&](moe::RotaryTableOp op) {
    thetas.push_back(op.getTheta().convertToDouble());
    // int(192 * 0.334) = 64 elements.
    EXPECT_EQ(cast<RankedTensorType>(op.getCosine().getType()).getDimSize(1),
              32);
  });
  EXPECT_EQ(thetas, (llvm::SmallVector<double>{5e6, 1e4}));
}

TEST_F(HfConfigForms, MiMoRefusals) {
  EXPECT_EQ(
      with("mimo-v2-flash", "hybrid_layer_pattern", llvm::json::Array{0, 1}),
      "c.json: hybrid_layer_pattern: expects an array of 48 integers "
      "from 0 to 1, got [0,1]");
  EXPECT_EQ(with("mimo-v2-flash", "sliding_window_size", 64),
            "c.json: sliding_window_size: expects 128, got 64");
}

TEST_F(HfConfigForms, Int4WeightsOfCompressedTensors) {
  llvm::json::Object config = read("kimi-k2-instruct");
  config["quantization_config"] = llvm::json::Object{
      {"quant_method", "compressed-tensors"},
      {"format", "pack-quantized"},
      {"ignore",
       llvm::json::Array{"lm_head", "re:.*self_attn.*", "re:.*shared_experts.*",
                         "re:.*mlp\\.(gate|up|down)_proj.*"}},
      {"config_groups",
       llvm::json::Object{
           {"group_0",
            llvm::json::Object{
                {"targets", llvm::json::Array{"Linear"}},
                {"weights", llvm::json::Object{{"num_bits", 4},
                                               {"type", "int"},
                                               {"strategy", "group"},
                                               {"group_size", 32},
                                               {"symmetric", true}}}}}}}};
  std::string text =
      llvm::formatv("{0}", JsonValue(llvm::json::Object(config))).str();
  auto module = importHfConfigText(text, "c.json", "m", context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  EXPECT_EQ(only<moe::ExpertsOp>(**module, "layer_moe")
                .getWeightFormat()
                ->getStorage(),
            "int4");
  EXPECT_FALSE(only<moe::MlpOp>(**module, "layer_moe").getWeightFormat());

  auto *weights = config.getObject("quantization_config")
                      ->getObject("config_groups")
                      ->getObject("group_0")
                      ->getObject("weights");
  (*weights)["group_size"] = 128;
  EXPECT_EQ(import(config),
            "c.json: quantization_config.config_groups.group_0.weights."
            "group_size: expects an integer from 32 to 32, got 128");
}

} // namespace
