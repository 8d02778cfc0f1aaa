//===- HfConfigFamiliesTest.cpp - families with known blocks --------------===//
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

class HfConfigFamilies : public ConfigFixture {};

TEST_F(HfConfigFamilies, Qwen3NormalizesEachHead) {
  OwningOpRef<ModuleOp> module = load("qwen3-30b-a3b");
  unsigned heads = 0;
  module->walk([&](moe::RmsNormOp norm) {
    heads +=
        cast<RankedTensorType>(norm.getGain().getType()).getDimSize(0) == 128;
  });
  EXPECT_EQ(heads, 2u);
}

TEST_F(HfConfigFamilies, Qwen3DenseLayersByStepAndList) {
  llvm::json::Object config = read("qwen3-30b-a3b");
  config["num_hidden_layers"] = 6;
  config["decoder_sparse_step"] = 2;
  config["mlp_only_layers"] = llvm::json::Array{1};
  std::string text = llvm::formatv("{0}", JsonValue(std::move(config))).str();
  auto module = importHfConfigText(text, "c.json", "m", context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  // Layers 1, 3 and 5 would have experts, but 1 is listed.
  EXPECT_EQ(callsOf(**module, "layer_moe"), 2u);
  EXPECT_EQ(callsOf(**module, "layer_dense"), 4u);
}

TEST_F(HfConfigFamilies, Qwen3Refusals) {
  EXPECT_EQ(with("qwen3-30b-a3b", "use_sliding_window", true),
            "c.json: use_sliding_window: expects false, got true");
  EXPECT_EQ(with("qwen3-30b-a3b", "mlp_only_layers", llvm::json::Array{48}),
            "c.json: mlp_only_layers: expects an array of integers from 0 to "
            "47, got [48]");
  EXPECT_EQ(without("qwen3-30b-a3b", "norm_topk_prob"),
            "c.json: norm_topk_prob: expects true or false, got no such field");
}

TEST_F(HfConfigFamilies, GptOssAttentionAndExperts) {
  OwningOpRef<ModuleOp> module = load("gpt-oss-20b");
  auto window = only<moe::AttentionOp>(*module, "layer_window");
  auto full = only<moe::AttentionOp>(*module, "layer_full");
  EXPECT_EQ(window.getWindow(), 128u);
  EXPECT_EQ(full.getWindow(), 0u);
  EXPECT_TRUE(window.getSinks() && full.getSinks());
  auto experts = only<moe::ExpertsOp>(*module, "layer_full");
  EXPECT_TRUE(experts.getGateBias() && experts.getDownBias());
  EXPECT_EQ(experts.getLimit().convertToDouble(), 7.0);
  EXPECT_EQ(experts.getAlpha().convertToDouble(), 1.702);
  EXPECT_EQ(experts.getWeightFormat()->getStorage(), "mxfp4");
  EXPECT_EQ(experts.getWeightFormat()->getCompute(), "bf16");
  auto route = only<moe::RouteOp>(*module, "layer_full");
  EXPECT_TRUE(route.getBias() && route.getNormalize());
  // YaRN's tables grow by 0.1 ln 32 + 1; its ramp is not rounded to columns.
  moe::RotaryTableOp table;
  module->walk([&](moe::RotaryTableOp op) { table = op; });
  EXPECT_NEAR(table.getMagnitude().convertToDouble(), 1.3465736, 1e-6);
  EXPECT_TRUE(table.getYarnExactBounds());
}

TEST_F(HfConfigFamilies, GptOssQuantizesExpertsAlone) {
  OwningOpRef<ModuleOp> module = load("gpt-oss-120b");
  auto layer = module->lookupSymbol<func::FuncOp>("layer_full");
  layer.walk([&](moe::LinearOp op) {
    EXPECT_FALSE(op.getWeightFormat().has_value());
    EXPECT_TRUE(cast<RankedTensorType>(op.getWeight().getType())
                    .getElementType()
                    .isBF16());
  });
}

TEST_F(HfConfigFamilies, GptOssRefusals) {
  EXPECT_EQ(with("gpt-oss-20b", "hidden_act", "gelu"),
            "c.json: hidden_act: expects \"silu\", got \"gelu\"");
  EXPECT_EQ(
      with("gpt-oss-20b", "layer_types", llvm::json::Array{"full_attention"}),
      "c.json: layer_types: expects one entry for each of 24 layers, got "
      "[\"full_attention\"]");
  EXPECT_EQ(with("gpt-oss-20b", "experts_per_token", 2),
            "c.json: experts_per_token: expects 4, got 2");
  EXPECT_EQ(within("gpt-oss-20b", "quantization_config",
                   "modules_to_not_convert",
                   llvm::json::Array{"model.layers.0.self_attn"}),
            "c.json: quantization_config.modules_to_not_convert: expects all "
            "modules of a kind or none (self_attn.q_proj of all layers), got "
            "[\"model.layers.0.self_attn\"]");
}

TEST_F(HfConfigFamilies, Glm4RotatesHalfAHead) {
  OwningOpRef<ModuleOp> module = load("glm-4.5");
  moe::RotaryTableOp table;
  module->walk([&](moe::RotaryTableOp op) { table = op; });
  // 128 * 0.5 = 64 elements: 32 columns.
  EXPECT_EQ(cast<RankedTensorType>(table.getCosine().getType()).getDimSize(1),
            32);
  EXPECT_EQ(callsOf(*module, "layer_dense"), 3u);
  auto route = only<moe::RouteOp>(*module, "layer_moe");
  EXPECT_EQ(route.getScoring(), moe::Scoring::sigmoid);
  EXPECT_TRUE(route.getCorrection());
}

TEST_F(HfConfigFamilies, Glm4Refusals) {
  EXPECT_EQ(with("glm-4.5", "partial_rotary_factor", 1.5),
            "c.json: partial_rotary_factor: expects a factor of at most 1, got "
            "1.5");
  // 128 * 3/128: 3 elements.
  EXPECT_EQ(with("glm-4.5", "partial_rotary_factor", 0.0234375),
            "c.json: partial_rotary_factor: expects an even rotated width of "
            "heads of 128, got 0.0234375");
  EXPECT_EQ(with("glm-4.5", "n_shared_experts", "1"),
            "c.json: n_shared_experts: expects an integer from 0 to 65536, got "
            "\"1\"");
}

TEST_F(HfConfigFamilies, NormsOverAllHeads) {
  for (auto [name, columns] :
       {std::pair{"olmoe-1b-7b", 2048}, std::pair{"minimax-m2", 48 * 128}}) {
    int width = columns; // a lambda does not capture a binding
    OwningOpRef<ModuleOp> module = load(name);
    auto layer = module->lookupSymbol<func::FuncOp>("layer_moe");
    unsigned norms = 0;
    layer.walk([&](moe::RmsNormOp norm) {
      norms += norm.getInput().getDefiningOp<moe::LinearOp>() &&
               cast<RankedTensorType>(norm.getGain().getType()).getDimSize(0) ==
                   width;
    });
    EXPECT_GE(norms, 1u) << name;
  }
}

TEST_F(HfConfigFamilies, OlmoeAndMiniMaxRefusals) {
  EXPECT_EQ(with("olmoe-1b-7b", "clip_qkv", 0),
            "c.json: clip_qkv: expects a number above 0, got 0");
  EXPECT_EQ(with("minimax-m2", "rotary_dim", 63),
            "c.json: rotary_dim: expects an even width, got 63");
  EXPECT_EQ(with("minimax-m2", "qk_norm_type", "per_head"),
            "c.json: qk_norm_type: expects \"per_layer\", got \"per_head\"");
  EXPECT_EQ(with("minimax-m2", "shared_intermediate_size", 1536),
            "c.json: shared_intermediate_size: expects an integer from 0 to 0, "
            "got 1536");
}

TEST_F(HfConfigFamilies, ArcticExpertsReadTheLayersInput) {
  OwningOpRef<ModuleOp> module = load("arctic");
  auto route = only<moe::RouteOp>(*module, "layer_moe");
  auto norm = route.getInput().getDefiningOp<moe::RmsNormOp>();
  ASSERT_TRUE(norm);
  EXPECT_TRUE(isa<BlockArgument>(norm.getInput()));
  auto mlp = only<moe::MlpOp>(*module, "layer_moe");
  EXPECT_EQ(cast<RankedTensorType>(mlp.getUp().getType()).getDimSize(1), 7168);
}

TEST_F(HfConfigFamilies, ArcticRefusals) {
  EXPECT_EQ(with("arctic", "use_residual", false),
            "c.json: use_residual: expects true, got false");
  EXPECT_EQ(without("arctic", "parallel_attn_mlp_res"),
            "c.json: parallel_attn_mlp_res: expects true or false, got no such "
            "field");
}

} // namespace
