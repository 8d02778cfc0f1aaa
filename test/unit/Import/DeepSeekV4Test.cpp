//===- DeepSeekV4Test.cpp - model_type deepseek_v4 ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/Passes.h"
#include "test/unit/Import/ConfigFixture.h"

using namespace portolan;
using namespace portolan::test;

namespace {

class DeepSeekV4 : public ConfigFixture {
protected:
  void expectParameters(llvm::StringRef name, int64_t total, int64_t inactive) {
    OwningOpRef<ModuleOp> module = load(name);
    ASSERT_TRUE(bool(module));
    llvm::Expected<ParameterCount> count = countParameters(*module);
    ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
    EXPECT_EQ(count->total, total);
    EXPECT_EQ(count->active, total - inactive);
  }
};

TEST_F(DeepSeekV4, ParametersOfFlash) {
  // Width 4096, 4 streams, 64 heads of 512:
  //   reads of the streams 2 * ((4*4096 + 1) * 24 + 3)       =       786,486
  //   norms 2 * 4096                                         =         8,192
  //   q 4096*1024 + 1024 + 1024*32768 = 37,749,760; kv 4096*512 + 512 =
  //     2,097,664; sinks 64; out 8*4096*1024 + 8192*4096     =   106,956,352
  //   router 4096*256; 256 experts and one of 3*4096*2048 = 25,165,824
  //                                                          = 6,468,665,344
  //   a layer                                                = 6,576,416,374
  // 128 tokens to an entry: 2*4096*512 + 128*512 + 512       =     4,260,352
  // 4 tokens to an entry: 2*4096*1024 + 4*1024 + 512 = 8,393,216; the index
  //   1024*8192 + 4096*64 + 2*4096*256 + 4*256 + 128         =    19,142,272
  // 43 layers, 21 with entries of 4 and 20 of 128; corrections 40*256:
  //   282,785,904,082 + 401,987,712 + 85,207,040 + 10,240
  // embedding and head 2*129280*4096 = 1,059,061,760; final norm 4,096; final
  //   read 16384*4 + 4 + 1 = 65,541                          = 284,332,240,471
  // inactive: 43 * 250 * 25,165,824                          = 270,532,608,000
  // Published: 284 B, 13 B active.
  expectParameters("deepseek-v4-flash", 284332240471, 270532608000);
}

TEST_F(DeepSeekV4, ParametersOfPro) {
  // Width 7168, 128 heads, in the same order:
  //   2 * ((4*7168 + 1) * 24 + 3)                            =     1,376,310
  //   2 * 7168                                               =        14,336
  //   7168*1536 + 1536 + 1536*65536 + 7168*512 + 512 + 128
  //     + 16*4096*1024 + 16384*7168                          =   299,894,912
  //   7168*384 + 385 * 66,060,288                            = 25,435,963,392
  //   a layer                                                = 25,737,248,950
  // 2*7168*512 + 128*512 + 512                               =     7,406,080
  // 2*7168*1024 + 4*1024 + 512 + 1536*8192 + 7168*64 + 2*7168*256 + 4*256 + 128
  //                                                          =    31,397,504
  // 61 layers, 30 with entries of 4 and 31 of 128; corrections 58*384:
  //   1,569,972,185,950 + 941,925,120 + 229,588,480 + 22,272
  // 2*129280*7168 + 7168 + 28672*4 + 4 + 1                   = 1,853,479,941
  //                                                        = 1,572,997,201,763
  // inactive: 61 * 378 * 66,060,288                        = 1,523,218,120,704
  // Published: 1.6 T, 49 B active.
  expectParameters("deepseek-v4-pro", 1572997201763, 1523218120704);
}

TEST_F(DeepSeekV4, LayersByKind) {
  OwningOpRef<ModuleOp> module = load("deepseek-v4-flash");
  ASSERT_TRUE(bool(module));
  llvm::StringMap<unsigned> calls;
  module->walk([&](func::CallOp call) { ++calls[call.getCallee()]; });
  // Two layers of a window alone; the third is the last with a table.
  EXPECT_EQ(calls["layer_window_hash"], 2u);
  EXPECT_EQ(calls["layer_pooled_4_hash"], 1u);
  EXPECT_EQ(calls["layer_pooled_4_moe"], 20u);
  EXPECT_EQ(calls["layer_pooled_128_moe"], 20u);
  auto layer = module->lookupSymbol<func::FuncOp>("layer_pooled_4_moe");
  ASSERT_TRUE(layer);
  EXPECT_EQ(cast<RankedTensorType>(layer.getArgumentTypes()[0]).getDimSize(2),
            4 * 4096);
  EXPECT_EQ(layer.getArgumentTypes()[0], layer.getResultTypes()[0]);
}

TEST_F(DeepSeekV4, CachesOfAWindowAndOfEntries) {
  OwningOpRef<ModuleOp> module = load("deepseek-v4-flash");
  ASSERT_TRUE(bool(module));
  auto main = module->lookupSymbol<func::FuncOp>("main");
  llvm::StringMap<std::string> caches;
  for (unsigned i = 2; i < main.getNumArguments(); ++i) {
    std::string text;
    llvm::raw_string_ostream os(text);
    for (Attribute dim : main.getArgAttrOfType<ArrayAttr>(i, moe::kDimsAttr))
      os << cast<StringAttr>(dim).getValue() << ",";
    os << main.getArgument(i).getType();
    caches[main.getArgAttrOfType<StringAttr>(i, moe::kNameAttr).getValue()] =
        text;
  }
  // 2 windows; 21 layers of 5 and 20 layers of 3 caches.
  EXPECT_EQ(caches.size(), 2u + 21 * 5 + 20 * 3);
  EXPECT_EQ(caches["past_key_values.0.key"],
            "batch,past_tokens,,tensor<?x?x512xbf16>");
  EXPECT_EQ(caches["past_key_values.2.key"], caches["past_key_values.0.key"]);
  EXPECT_EQ(caches["past_key_values.2.pool_entries"],
            "batch,past_tokens/4,,tensor<?x?x512xbf16>");
  // Two windows of 4 tokens, a value and a score of 1024 of each.
  EXPECT_EQ(caches["past_key_values.2.pool_rows"],
            "batch,,,tensor<?x8x2048xf32>");
  EXPECT_EQ(caches["past_key_values.2.index_entries"],
            "batch,past_tokens/4,,tensor<?x?x128xbf16>");
  EXPECT_EQ(caches["past_key_values.2.index_rows"],
            "batch,,,tensor<?x8x512xf32>");
  EXPECT_EQ(caches["past_key_values.3.pool_entries"],
            "batch,past_tokens/128,,tensor<?x?x512xbf16>");
  EXPECT_EQ(caches["past_key_values.3.pool_rows"],
            "batch,,,tensor<?x128x1024xf32>");
}

TEST_F(DeepSeekV4, AttentionOfALayer) {
  OwningOpRef<ModuleOp> module = load("deepseek-v4-flash");
  ASSERT_TRUE(bool(module));
  auto chosen = only<moe::PooledAttentionOp>(*module, "layer_pooled_4_moe");
  EXPECT_EQ(chosen.getWindow(), 128u);
  EXPECT_EQ(chosen.getRatio(), 4u);
  EXPECT_EQ(chosen.getTopEntries(), 512u);
  EXPECT_TRUE(chosen.getSinks());
  auto all = only<moe::PooledAttentionOp>(*module, "layer_pooled_128_moe");
  EXPECT_EQ(all.getRatio(), 128u);
  EXPECT_FALSE(all.getIndexQuery());
  auto window = only<moe::PooledAttentionOp>(*module, "layer_window_hash");
  EXPECT_FALSE(window.getEntries());
  // Heads are rotated back before their groups are projected.
  auto grouped = only<moe::GroupedLinearOp>(*module, "layer_window_hash");
  auto back = grouped.getInput().getDefiningOp<moe::RopeOp>();
  ASSERT_TRUE(back);
  EXPECT_TRUE(back.getInverse());
  EXPECT_EQ(back.getOffset(), 448u);
}

TEST_F(DeepSeekV4, RoutesByTableFirst) {
  OwningOpRef<ModuleOp> module = load("deepseek-v4-flash");
  ASSERT_TRUE(bool(module));
  auto table = only<moe::RouteOp>(*module, "layer_pooled_4_hash");
  ASSERT_TRUE(table.getTable());
  EXPECT_FALSE(table.getCorrection());
  EXPECT_EQ(cast<RankedTensorType>(table.getTable().getType()).getShape(),
            (llvm::ArrayRef<int64_t>{129280, 6}));
  auto scored = only<moe::RouteOp>(*module, "layer_pooled_4_moe");
  EXPECT_FALSE(scored.getTable());
  EXPECT_TRUE(scored.getCorrection());
  EXPECT_EQ(scored.getScoring(), moe::Scoring::sqrt_softplus);
  EXPECT_EQ(scored.getScale().convertToDouble(), 1.5);
  auto experts = only<moe::ExpertsOp>(*module, "layer_pooled_4_moe");
  EXPECT_EQ(experts.getLimit().convertToDouble(), 10);
  FormatPair weight = moe::formatPairOf(*experts.getWeightFormat());
  EXPECT_EQ(weight.storage, Format::mxfp4);
  EXPECT_EQ(weight.compute, Format::fp8);
  auto shared = only<moe::MlpOp>(*module, "layer_pooled_4_moe");
  EXPECT_EQ(moe::formatPairOf(*shared.getWeightFormat()).storage, Format::fp8);
}

// Layers with entries turn by another base and yarn, whose tables keep their
// magnitude; there is no other layer in Pro.
TEST_F(DeepSeekV4, TwoRotations) {
  auto thetas = [&](llvm::StringRef name) {
    std::vector<std::tuple<double, bool, double>> result;
    OwningOpRef<ModuleOp> module = load(name);
    module->walk([&](moe::RotaryTableOp op) {
      result.push_back({op.getTheta().convertToDouble(),
                        op.getYarnFactor().has_value(),
                        op.getMagnitude().convertToDouble()});
    });
    return result;
  };
  std::tuple<double, bool, double> pooled{160000, true, 1};
  std::tuple<double, bool, double> plain{10000, false, 1};
  EXPECT_EQ(thetas("deepseek-v4-flash"),
            (std::vector<std::tuple<double, bool, double>>{pooled, plain}));
  EXPECT_EQ(thetas("deepseek-v4-pro"),
            (std::vector<std::tuple<double, bool, double>>{pooled}));
}

TEST_F(DeepSeekV4, Errors) {
  auto flash = [&](llvm::StringRef field, JsonValue value) {
    return with("deepseek-v4-flash", field, std::move(value));
  };
  EXPECT_EQ(import(read("deepseek-v4-flash")), "imported");
  EXPECT_EQ(flash("hc_mult", 1),
            "c.json: hc_mult: expects an integer from 2 to 64, got 1");
  EXPECT_EQ(flash("hc_sinkhorn_iters", 0),
            "c.json: hc_sinkhorn_iters: expects an integer from 1 to 1000, got "
            "0");
  EXPECT_EQ(flash("num_key_value_heads", 8),
            "c.json: num_key_value_heads: expects 1, got 8");
  EXPECT_EQ(flash("o_groups", 7),
            "c.json: o_groups: expects a divisor of num_attention_heads 64, "
            "got 7");
  EXPECT_EQ(flash("n_shared_experts", 2),
            "c.json: n_shared_experts: expects 1, got 2");
  EXPECT_EQ(flash("expert_dtype", "int4"),
            "c.json: expert_dtype: expects \"fp4\", got \"int4\"");
  EXPECT_EQ(flash("norm_topk_prob", false),
            "c.json: norm_topk_prob: expects true, got false");
  EXPECT_EQ(flash("num_hidden_layers", 42),
            "c.json: compress_ratios: expects one entry for each of 42 layers "
            "(and 1 that draft), got 44");
  EXPECT_EQ(
      within("deepseek-v4-flash", "rope_scaling", "mscale", 1.0),
      "c.json: rope_scaling.mscale: expects no such field, as its effect is "
      "not known, got 1");
}

TEST_F(DeepSeekV4, RatiosThatTheFamilyDoesNotHave) {
  llvm::json::Object config = read("deepseek-v4-flash");
  (*config.getArray("compress_ratios"))[3] = 16;
  EXPECT_EQ(import(std::move(config)),
            "c.json: compress_ratios: expects 0, 4 or 128, got 16");
}

} // namespace
