//===- SharedConfigsTest.cpp - layers that share --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Families whose layers read the cache of an earlier one, attend to the keys
// that an earlier one has chosen, or have gates per head: parameters by hand,
// structure, and what is refused.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Partition.h"
#include "test/unit/Analysis/TestModels.h"
#include "test/unit/Import/ConfigFixture.h"

using namespace portolan;
using namespace portolan::test;

namespace {

class SharedConfigs : public ConfigFixture {
protected:
  void expectParameters(ModuleOp module, int64_t total, int64_t active) {
    llvm::Expected<ParameterCount> count = countParameters(module);
    ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
    EXPECT_EQ(count->total, total);
    EXPECT_EQ(count->active, active);
  }

  /// A configuration of the tests.
  llvm::json::Object readInput(llvm::StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(
        llvm::Twine(PORTOLAN_CONFIGS "/") + name + ".json");
    return *llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()))
                .getAsObject();
  }
  /// Bytes of cache per token of a sequence on one chip, in bf16.
  double cacheBytesPerToken(ModuleOp module) {
    llvm::Expected<ModelShape> shape = extractModelShape(module);
    if (!shape) {
      ADD_FAILURE() << llvm::toString(shape.takeError());
      return 0;
    }
    PlanPoint plan = plainPlan();
    Workload workload;
    MemoryUse use =
        memoryUse(*shape, plan, llvm::cantFail(deploymentOf(plan, 1, 1)),
                  workload, /*sequences=*/1);
    return use.cacheBytes / double(workload.meanContextTokens() + 1);
  }
  std::string withInput(llvm::StringRef name, llvm::StringRef field,
                        JsonValue value) {
    llvm::json::Object config = readInput(name);
    config[field] = std::move(value);
    return import(std::move(config));
  }
};

constexpr const char *kStep = "step-3.7-flash-completed";

//===----------------------------------------------------------------------===//
// Hunyuan-Large
//===----------------------------------------------------------------------===//

TEST_F(SharedConfigs, HunYuanParameters) {
  // Width 6400, 80 heads of 80, 8 of keys and values:
  //   a layer: q and o 2*6400^2 = 81,920,000; router 102,400; 16 experts and a
  //     shared one, 17 * 3*6400*18304 = 5,974,425,600; two norms 12,800; gains
  //     of queries 80                                     = 6,056,460,880
  //   every other one: k and v 2*6400*640, gains of keys 80 = 8,192,080
  // 64 layers, 32 with keys and values, one table of 129024*6400 for both ends,
  // final norm 6,400:
  //   387,613,496,320 + 262,146,560 + 825,753,600 + 6,400
  //                                                       = 388,701,402,880
  // inactive: 64 * 15 * 351,436,800                       = 337,379,328,000
  // Published: 389 B, 52 B active; counted apart: 388.70 and 51.32.
  OwningOpRef<ModuleOp> module = load("hunyuan-large");
  expectParameters(*module, 388701402880, 388701402880 - 337379328000);
}

// Two layers are one function: one cache of keys and values, one projection of
// each, and an attention that reads what the other has appended.
TEST_F(SharedConfigs, HunYuanPairsShareOneCache) {
  OwningOpRef<ModuleOp> module = load("hunyuan-large");
  EXPECT_EQ(callsOf(*module, "layer_moe_2"), 32u);
  auto own = only<moe::AttentionOp>(*module, "layer_moe_2");
  auto shared = only<moe::SharedAttentionOp>(*module, "layer_moe_2");
  EXPECT_EQ(shared.getKeys(), own.getPresentKey());
  EXPECT_EQ(shared.getValues(), own.getPresentValue());
  EXPECT_EQ(shared.getKvHeads(), 8u);
  auto main = module->lookupSymbol<func::FuncOp>("main");
  // Tokens, positions, and 32 times keys and values of layers 0, 2, ...
  ASSERT_EQ(main.getNumArguments(), 2u + 64u);
  EXPECT_EQ(main.getArgAttrOfType<StringAttr>(4, "moe.name").getValue(),
            "past_key_values.2.key");
  EXPECT_TRUE(module->lookupSymbol<moe::WeightDataOp>("layers.63.q"));
  EXPECT_FALSE(module->lookupSymbol<moe::WeightDataOp>("layers.63.k"));
  // Gains of keys are those of queries; what is cached has none.
  auto gains = module->lookupSymbol<moe::WeightDataOp>("layers.62.k_norm");
  ASSERT_TRUE(gains && gains.getValue());
  EXPECT_TRUE(cast<DenseElementsAttr>(*gains.getValue()).isSplat());

  llvm::Expected<ModelShape> shape = extractModelShape(*module);
  ASSERT_TRUE(bool(shape)) << llvm::toString(shape.takeError());
  EXPECT_EQ(shape->sequence.size(), 32u);
  EXPECT_EQ(shape->depth(), 64);
}

// One cache for two layers: 32 * 8 heads of 80 + 80, 2 bytes each. An index has
// a cache where it chooses: 78 * (512 + 64) + 21 * 128 elements.
TEST_F(SharedConfigs, CachesCountOnce) {
  EXPECT_DOUBLE_EQ(cacheBytesPerToken(*load("hunyuan-large")),
                   32 * 8 * 160 * 2);
  EXPECT_DOUBLE_EQ(cacheBytesPerToken(*load("glm-5.2")),
                   (78 * 576 + 21 * 128) * 2);
}

TEST_F(SharedConfigs, HunYuanFactors) {
  EXPECT_EQ(with("hunyuan-large", "cla_share_factor", 0),
            "c.json: cla_share_factor: expects an integer from 1 to 64, got 0");
  EXPECT_EQ(with("hunyuan-large", "cla_share_factor", 65),
            "c.json: cla_share_factor: expects an integer from 1 to 64, got "
            "65");
  EXPECT_EQ(without("hunyuan-large", "cla_share_factor"),
            "c.json: cla_share_factor: expects an integer from 1 to 64, got no "
            "such field");
  // The last group has one layer, with a cache and gains of its own.
  llvm::json::Object config = read("hunyuan-large");
  config["cla_share_factor"] = 3;
  auto module = importHfConfigText(
      llvm::formatv("{0}", JsonValue(std::move(config))).str(), "c.json", "m",
      context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  EXPECT_EQ(callsOf(**module, "layer_moe_3"), 21u);
  EXPECT_EQ(callsOf(**module, "layer_moe"), 1u);
}

TEST_F(SharedConfigs, HunYuanWithoutSharing) {
  llvm::json::Object config = read("hunyuan-large");
  config["use_cla"] = false;
  auto module = importHfConfigText(
      llvm::formatv("{0}", JsonValue(std::move(config))).str(), "c.json", "m",
      context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  EXPECT_EQ(callsOf(**module, "layer_moe"), 64u);
  // 32 layers more with keys, values and gains of keys, and 32 gains that are
  // no longer constant.
  expectParameters(**module, 388701402880 + 32 * 8192080,
                   51322074880 + 32 * 8192080);
}

//===----------------------------------------------------------------------===//
// GLM-5.2
//===----------------------------------------------------------------------===//

TEST_F(SharedConfigs, Glm52Parameters) {
  // Width 6144, 64 heads of 192 + 64 and 256, ranks 2048 and 512:
  //   attention 12,582,912 + 33,554,432 + 3,538,944 + 6,291,456 + 8,388,608
  //     + 100,663,296; norms 2048 + 512 + 2*6144          = 165,034,496
  //   index 2048*32*128 + 6144*128 + 2*128 + 6144*32      = 9,371,904
  //   dense 3*6144*12288                                  = 226,492,416
  //   experts 257 * 3*6144*2048 + 6144*256 + 256          = 9,702,998,272
  // 78 layers, 21 with an index, 3 dense and 75 with experts:
  //   12,872,690,688 + 196,809,984 + 679,477,248 + 727,724,870,400
  //     + 2*154880*6144 + 6144                            = 743,377,019,904
  // inactive: 75 * 248 * 37,748,736                       = 702,126,489,600
  // The count that was made apart (743.91 and 41.78) has an index in every
  // layer: 57 * 9,371,904 = 534,198,528 more.
  OwningOpRef<ModuleOp> module = load("glm-5.2");
  expectParameters(*module, 743377019904, 743377019904 - 702126489600);
}

// Layers 0 and 1 choose for themselves, 2 for three others, then one of four
// chooses: 18 groups.
TEST_F(SharedConfigs, Glm52ChoicesPassFromLayerToLayer) {
  OwningOpRef<ModuleOp> module = load("glm-5.2");
  EXPECT_EQ(callsOf(*module, "layer_dense"), 2u);
  EXPECT_EQ(callsOf(*module, "layer_dense_chooses"), 1u);
  EXPECT_EQ(callsOf(*module, "layer_moe_chooses"), 18u);
  EXPECT_EQ(callsOf(*module, "layer_moe_shares"), 38u);
  EXPECT_EQ(callsOf(*module, "layer_moe_shares_last"), 19u);
  auto chooses =
      only<moe::IndexedLatentAttentionOp>(*module, "layer_moe_chooses");
  ASSERT_TRUE(chooses.getChosen());
  auto shares = only<moe::ChosenLatentAttentionOp>(*module, "layer_moe_shares");
  EXPECT_EQ(
      cast<RankedTensorType>(shares.getChosen().getType()).getShape().back(),
      2048);
  EXPECT_FALSE(
      only<moe::IndexedLatentAttentionOp>(*module, "layer_dense").getChosen());
  EXPECT_FALSE(module->lookupSymbol<moe::WeightDataOp>("layers.3.index_q"));
  EXPECT_TRUE(module->lookupSymbol<moe::WeightDataOp>("layers.6.index_q"));

  llvm::Expected<ModelShape> shape = extractModelShape(*module);
  ASSERT_TRUE(bool(shape)) << llvm::toString(shape.takeError());
  EXPECT_EQ(shape->depth(), 78);
  for (const LayerShape &layer : shape->layers) {
    bool shares = llvm::StringRef(layer.name).contains("shares");
    EXPECT_EQ(layer.inputKeys, shares ? 2048 : 0) << layer.name;
    EXPECT_EQ(layer.find(OpKind::latentAttention)->local.indexHeads,
              shares ? 0 : 32)
        << layer.name;
  }
}

TEST_F(SharedConfigs, Glm52Refusals) {
  llvm::json::Object config = read("glm-5.2");
  (*config.getArray("indexer_types"))[0] = "shared";
  EXPECT_EQ(import(std::move(config)),
            "c.json: indexer_types: expects \"full\" in the first layer, as "
            "none before it chooses, got \"shared\"");
  config = read("glm-5.2");
  (*config.getArray("indexer_types"))[1] = "half";
  EXPECT_EQ(import(std::move(config)),
            "c.json: indexer_types: expects \"full\" or \"shared\", got "
            "\"half\"");
  config = read("glm-5.2");
  config.getArray("indexer_types")->pop_back();
  EXPECT_NE(import(std::move(config))
                .find("c.json: indexer_types: expects one entry for each of 78 "
                      "layers, got "),
            std::string::npos);
  config = read("glm-5.2");
  (*config.getArray("mlp_layer_types"))[3] = "dense";
  EXPECT_NE(import(std::move(config))
                .find("c.json: mlp_layer_types: expects \"dense\" in the first "
                      "first_k_dense_replace layers"),
            std::string::npos);
  // A rule in place of the list is not followed.
  EXPECT_EQ(without("glm-5.2", "indexer_types"),
            "c.json: index_topk_freq: expects 1, got 4");
}

//===----------------------------------------------------------------------===//
// Step-3.7
//===----------------------------------------------------------------------===//

TEST_F(SharedConfigs, StepParameters) {
  // Width 4096, heads of 128, 8 of keys and values:
  //   full: 64 heads, q and o 2*33,554,432; k and v 8,388,608; gates 262,144;
  //     norms 256                                         = 75,759,872
  //   window: 96 heads, 2*50,331,648 + 8,388,608 + 393,216 + 256
  //                                                       = 109,445,376
  //   dense 3*4096*11264                                  = 138,412,032
  //   experts 289 * 3*4096*1280 + 4096*288 + 288          = 4,546,756,896
  // 12 full and 33 windowed layers, 3 dense and 42 with experts, two norms
  // each:
  //   909,118,464 + 3,611,697,408 + 415,236,096 + 190,963,789,632 + 368,640
  //     + 2*128896*4096 + 4096                            = 196,956,130,368
  // inactive: 42 * 280 * 15,728,640                       = 184,968,806,400
  // Published: 196.81 B without what is added to it for images, 11 B active.
  auto module = loadModel(
      llvm::Twine(PORTOLAN_CONFIGS "/").concat(kStep).str() + ".json", context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  expectParameters(**module, 196956130368, 196956130368 - 184968806400);
}

TEST_F(SharedConfigs, StepHeadsGatesAndAngles) {
  auto loaded = loadModel(
      llvm::Twine(PORTOLAN_CONFIGS "/").concat(kStep).str() + ".json", context);
  ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
  ModuleOp module = **loaded;
  auto full = only<moe::AttentionOp>(module, "layer_moe_full");
  auto window = only<moe::AttentionOp>(module, "layer_moe_window");
  EXPECT_EQ(full.getHeads(), 64u);
  EXPECT_EQ(full.getWindow(), 0u);
  EXPECT_EQ(window.getHeads(), 96u);
  EXPECT_EQ(window.getWindow(), 512u);
  auto gate = only<moe::GateOp>(module, "layer_moe_window");
  EXPECT_EQ(cast<RankedTensorType>(gate.getGate().getType()).getShape().back(),
            96);
  // Half of a head and all of it: 32 and 64 pairs; only the first are scaled.
  SmallVector<moe::RotaryTableOp> tables;
  module.walk([&](moe::RotaryTableOp op) { tables.push_back(op); });
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].getTheta().convertToDouble(), 5e6);
  ASSERT_TRUE(tables[0].getFactors());
  ASSERT_EQ(tables[0].getFactors()->size(), 32u);
  // Column 0 turns 131072 / (2 pi) times, far more than 32: kept. Column 31
  // turns 0.0068 times, less than once: halved.
  EXPECT_EQ(tables[0].getFactors()->front(), 1);
  EXPECT_EQ(tables[0].getFactors()->back(), 0.5);
  // Column 16: 5e6^(-1/2) * 131072 / (2 pi) = 9.3292 turns, a share of
  // 8.3292 / 31 of the ramp: 0.5 + 0.5 * 0.26868.
  EXPECT_NEAR((*tables[0].getFactors())[16], 0.634342, 1e-5);
  EXPECT_EQ(tables[1].getTheta().convertToDouble(), 1e4);
  EXPECT_FALSE(tables[1].getFactors());
  // Gains are kept around zero.
  module.walk([&](moe::RmsNormOp op) {
    EXPECT_EQ(op.getGainOffset().convertToDouble(), 1);
  });
}

// Layer 43 has a window and limits its experts; layer 44 is full and limits the
// shared one too.
TEST_F(SharedConfigs, StepLimitsOfTheLastLayers) {
  auto loaded = loadModel(
      llvm::Twine(PORTOLAN_CONFIGS "/").concat(kStep).str() + ".json", context);
  ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
  ModuleOp module = **loaded;
  EXPECT_EQ(callsOf(module, "layer_moe_window"), 30u);
  EXPECT_EQ(callsOf(module, "layer_moe_window_1"), 1u);
  EXPECT_EQ(callsOf(module, "layer_moe_full_1"), 1u);
  auto experts = only<moe::ExpertsOp>(module, "layer_moe_full_1");
  EXPECT_EQ(experts.getLimit().convertToDouble(), 7);
  EXPECT_TRUE(experts.getLimitsActivated());
  EXPECT_EQ(
      only<moe::MlpOp>(module, "layer_moe_full_1").getLimit().convertToDouble(),
      16);
  EXPECT_EQ(only<moe::MlpOp>(module, "layer_moe_window_1")
                .getLimit()
                .convertToDouble(),
            0);
}

TEST_F(SharedConfigs, StepWithAVisionTower) {
  llvm::json::Object text = readInput(kStep);
  text["model_type"] = "step3p5";
  text["moe_layers_enum"] = "3, 4,5";
  text.erase("first_k_dense_replace");
  text["num_hidden_layers"] = 6;
  text["num_attention_groups"] = 8;
  text.erase("num_key_value_heads");
  llvm::json::Object config{{"model_type", "step3p7"},
                            {"text_config", std::move(text)},
                            {"vision_config", llvm::json::Object{}}};
  EXPECT_EQ(import(std::move(config)), "imported");
}

// What a cut-down file lacks is named, not guessed.
TEST_F(SharedConfigs, StepRefusals) {
  EXPECT_EQ(import(readInput("step-3.7-flash")),
            "c.json: rope_theta: expects a number above 0, got no such "
            "field");
  auto without = [&](llvm::StringRef field) {
    return withInput(kStep, field, nullptr);
  };
  EXPECT_EQ(without("use_head_wise_attn_gate"),
            "c.json: use_head_wise_attn_gate: expects true or false, got null");
  EXPECT_EQ(without("attention_other_setting"),
            "c.json: attention_other_setting: expects an object, got null");
  EXPECT_EQ(withInput(kStep, "rope_theta", llvm::json::Array{1e4, 1e4}),
            "c.json: rope_theta: expects a number for each of 45 layers, got "
            "[10000,10000]");
  EXPECT_EQ(withInput(kStep, "attention_other_setting",
                      llvm::json::Object{{"num_attention_heads", 97},
                                         {"num_attention_groups", 8}}),
            "c.json: attention_other_setting.num_attention_heads: expects a "
            "multiple of the 8 heads of keys and values, got 97");
  EXPECT_EQ(withInput(kStep, "use_moe_router_bias", false),
            "c.json: use_moe_router_bias: expects true, got false");
  EXPECT_EQ(withInput(kStep, "partial_rotary_factors", 0.01),
            "c.json: partial_rotary_factors: expects factors that rotate an "
            "even part of heads of 128, got 0.01");
  EXPECT_EQ(withInput(kStep, "partial_rotary_factors", 1e300),
            "c.json: partial_rotary_factors: expects factors that rotate an "
            "even part of heads of 128, got 1.0000000000000001e+300");
  EXPECT_EQ(withInput(kStep, "moe_layers_enum", "3,45"),
            "c.json: moe_layers_enum: expects layers from 0 to 44 between "
            "commas, got \"3,45\"");
}

} // namespace
