//===- HybridConfigsTest.cpp - totals and structure of hybrids ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parameters by hand from the sizes of the configurations, and the published
// totals that they meet.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Import/Model.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

class HybridConfigs : public testing::Test {
protected:
  void load(llvm::StringRef name) {
    auto loaded = loadModel(name, context);
    ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
    module = std::move(*loaded);
  }

  void expectParameters(llvm::StringRef name, int64_t total, int64_t active) {
    load(name);
    ASSERT_TRUE(bool(module));
    llvm::Expected<ParameterCount> count = countParameters(*module);
    ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
    EXPECT_EQ(count->total, total) << name.str();
    EXPECT_EQ(count->active, active) << name.str();
  }

  unsigned calls(llvm::StringRef layer) {
    unsigned count = 0;
    module->walk(
        [&](func::CallOp call) { count += call.getCallee() == layer; });
    return count;
  }

  template <typename OpT> OpT first() {
    OpT found;
    module->walk([&](OpT op) {
      found = op;
      return WalkResult::interrupt();
    });
    return found;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(HybridConfigs, JambaParameters) {
  // Width 4096, 8192 channels, 16 entries, steps of rank 256:
  //   Mamba: in 4096*16384 = 67,108,864; convolution 8192*5 = 40,960; choice
  //     8192*(256+32) = 2,359,296, its norms 288; step 256*8192 + 8192 =
  //     2,105,344; decay 131,072; skip 8,192; out 33,554,432
  //                                                       = 105,308,448
  //   attention 2*4096^2 + 2*4096*1024                    = 41,943,040
  //   dense 3*4096*14336 = 176,160,768; experts 16 times that + 4096*16
  //     = 2,818,637,824; two norms 8,192
  // 28 Mamba and 4 attention layers, 16 dense and 16 with experts:
  //   2,948,636,544 + 167,772,160 + 2,818,572,288 + 45,098,205,184
  //     + 262,144 + 2*65536*4096 + 4,096                  = 51,570,323,328
  // inactive: 16 * 14 * 176,160,768                       = 39,460,012,032
  // Published: 52 B, 12 B active.
  expectParameters("jamba-v0.1", 51570323328, 51570323328 - 39460012032);
  EXPECT_EQ(calls("layer_attention_moe") + calls("layer_attention_dense"), 4u);
  EXPECT_EQ(calls("layer_mamba_moe") + calls("layer_mamba_dense"), 28u);
  EXPECT_FALSE(bool(first<moe::RopeOp>()));
  // Published: 398 B, 94 B active.
  expectParameters("jamba-1.5-large", 398555145696, 94149338592);
}

TEST_F(HybridConfigs, Qwen3NextParameters) {
  // Width 2048, keys 16*128 = 2048, values 32*128 = 4096:
  //   linear 2048*(2*2048 + 2*4096 + 2*32) = 25,296,896; convolutions
  //     8192*4 = 32,768; decay, bias 64; norm 128; out 8,388,608
  //                                                       = 33,718,464
  //   attention 2048*256*(2*16 + 2*2) = 18,874,368; norms 512; out 8,388,608
  //                                                       = 27,263,488
  //   experts 512 * 3*2048*512 = 1,610,612,736; router 1,048,576; shared
  //     3,145,728 + gate 2,048; norms 4,096               = 1,614,813,184
  // 36 linear and 12 attention layers:
  //   1,213,864,704 + 327,161,856 + 77,511,032,832 + 2*151936*2048 + 2,048
  //                                                       = 79,674,391,296
  // inactive: 48 * 502 * 3,145,728                        = 75,799,461,888
  expectParameters("qwen3-next-80b-a3b", 79674391296,
                   79674391296 - 75799461888);
  EXPECT_EQ(calls("layer_linear"), 36u);
  EXPECT_EQ(calls("layer_attention"), 12u);
  auto recurrence = first<moe::RecurrenceOp>();
  EXPECT_EQ(recurrence.getKind(), moe::Recurrence::delta);
  EXPECT_EQ(recurrence.getHeads(), 32u);
  EXPECT_EQ(recurrence.getKeyHeads(), 16u);
  // A quarter of 256 is rotated: 32 pairs.
  auto table = first<moe::RotaryTableOp>();
  EXPECT_EQ(cast<RankedTensorType>(table.getCosine().getType()).getDimSize(1),
            32);
}

TEST_F(HybridConfigs, GainsAreKeptAroundZeroExceptBeforeAGate) {
  load("qwen3-next-80b-a3b");
  ASSERT_TRUE(bool(module));
  unsigned plain = 0, centred = 0;
  module->lookupSymbol<func::FuncOp>("layer_linear")
      .walk([&](moe::RmsNormOp op) {
        (op.getGainOffset().convertToDouble() == 1 ? centred : plain)++;
      });
  EXPECT_EQ(plain, 1u);
  EXPECT_EQ(centred, 2u);
}

TEST_F(HybridConfigs, Qwen35Parameters) {
  // The same sums with 256 experts, 248320 tokens and the widths of each.
  expectParameters("qwen3.5-35b-a3b", 34660610688, 3454988928);
  expectParameters("qwen3.5-122b-a10b", 122111526912, 9771288576);
  expectParameters("qwen3.5-397b-a17b", 396346350336, 17349040896);
}

TEST_F(HybridConfigs, MiniMaxM1Parameters) {
  // Width 6144, 64 heads of 128:
  //   lightning 5 * 6144*8192 + 8,192                     = 251,666,432
  //   attention 2 * 6144*8192 + 2 * 6144*1024             = 113,246,208
  //   experts 32 * 3*6144*9216 = 5,435,817,984; router 196,608; norms 12,288
  //                                                       = 5,436,026,880
  // 70 lightning and 10 attention layers:
  //   17,616,650,240 + 1,132,462,080 + 434,882,150,400
  //     + 2*200064*6144 + 6,144                           = 456,089,655,296
  // and 70 * 64 decays, which are constants of their layer.
  // inactive: 80 * 30 * 169,869,312                       = 407,686,348,800
  // Published: 456 B, 45.9 B active without the embedding and its like.
  int64_t total = 456089655296 + 70 * 64;
  expectParameters("minimax-m1", total, total - 407686348800);
  // Slopes 2^(-8 n / 64) of heads n = 1, .., slowed by 1 - 0/79 + 1e-5 in the
  // first layer: 2^(-1/8) * 1.00001 = 0.917013.
  auto data = module->lookupSymbol<moe::WeightDataOp>("layers.0.decay");
  ASSERT_TRUE(data && data.getValue());
  auto values = cast<DenseElementsAttr>(*data.getValue()).getValues<float>();
  EXPECT_NEAR(values[0], 0.917013, 1e-6);
  // What a block starts from is scaled.
  module->lookupSymbol<func::FuncOp>("layer_linear").walk([&](moe::AddOp add) {
    EXPECT_NEAR(add.getLhsScale().convertToDouble(), 3.55656, 1e-5);
    EXPECT_EQ(add.getRhsScale().convertToDouble(), 1);
  });
}

TEST_F(HybridConfigs, NemotronNanoParameters) {
  // Width 2688, 64 heads of 64 = 4096, 8 groups of 128 = 1024:
  //   Mamba in 2688*(2*4096 + 2*1024 + 64) = 27,697,152; convolutions 6144*5 =
  //     30,720; decay, bias, skip 192; norm 4,096; out 11,010,048; norm 2,688
  //                                                       = 38,744,896
  //   attention 2688*128*(32 + 4) + 4096*2688 + 2,688     = 23,399,040
  //   experts 128 * 2*2688*1856 = 1,277,165,568; router 344,064 + 128; shared
  //     2*2688*3712 = 19,955,712; norm 2,688              = 1,297,468,160
  // 23 Mamba, 6 attention and 23 expert layers:
  //   891,132,608 + 140,394,240 + 29,841,767,680 + 2*131072*2688 + 2,688
  //                                                       = 31,577,940,288
  // inactive: 23 * 122 * 9,977,856                        = 27,997,863,936
  // Published: 31.6 B, 3.6 B active (3.2 B without the embedding).
  expectParameters("nemotron-3-nano-30b-a3b", 31577940288,
                   31577940288 - 27997863936);
  auto experts = first<moe::ExpertsOp>();
  EXPECT_FALSE(bool(experts.getGate()));
  EXPECT_EQ(experts.getActivation(), moe::Activation::relu_squared);
}

TEST_F(HybridConfigs, NemotronUltraParameters) {
  // As above with width 8192, 256 heads of 64, 64 query heads, 512 experts of
  // 2*2048*5120 = 20,971,520 between projections of 2*8192*2048. Published: 550
  // B, 55 B active: 54.99 B without the embedding.
  expectParameters("nemotron-3-ultra-550b-a55b", 549308993536, 56058843136);
  EXPECT_EQ(calls("layer_mamba"), 48u);
  EXPECT_EQ(calls("layer_attention"), 12u);
  EXPECT_EQ(calls("layer_moe"), 48u);
  // Rows travel in the latent width.
  EXPECT_EQ(cast<RankedTensorType>(first<moe::DispatchOp>().getRows().getType())
                .getDimSize(1),
            2048);
  EXPECT_EQ(first<moe::RouteOp>().getTopK(), 22u);
}

TEST_F(HybridConfigs, MiniMaxM3Parameters) {
  // Width 6144, 64 heads and 4 groups of 128:
  //   attention 6144*128*(64 + 8) + 8192*6144 + 256       = 106,954,752
  //   index 6144*512 + 6144*128 + 256                     = 3,932,416
  //   experts 129 * 3*6144*3072 = 7,304,380,416; router 786,432 + 128
  //                                                       = 7,305,166,976
  //   dense 3*6144*12288 = 226,492,416; two norms 12,288
  // 60 layers, 57 of them sparse with experts:
  //   6,417,285,120 + 224,147,712 + 416,394,517,632 + 679,477,248 + 737,280
  //     + 2*200064*6144 + 6,144                           = 426,174,557,...
  // Published: 428 B with the vision tower (0.4 % more), 23 B active: 23.5 B
  // without embedding and head.
  expectParameters("minimax-m3", 426174572928, 25962473856);
  EXPECT_EQ(calls("layer_sparse_moe"), 57u);
  EXPECT_EQ(calls("layer_attention_dense"), 3u);
  auto sparse = first<moe::SparseAttentionOp>();
  EXPECT_EQ(sparse.getBlock() * sparse.getTopBlocks(), 2048u);
}

TEST_F(HybridConfigs, Gemma4Parameters) {
  // Width 2816; the embedding of 262144 tokens counts once:
  //   sliding 2816*256*(16 + 16) + 4096*2816 + 512; global 2816*512*(16 + 2)
  //     + 8192*2816 + 1024; dense 3*2816*2112; 128 experts of 3*2816*704,
  //     router 2816*128; 8 norms (one of them scales the router's input)
  // Published: 25.2 B, 3.8 B active.
  load("gemma-4-26b-a4b");
  ASSERT_TRUE(bool(module));
  llvm::Expected<ParameterCount> count = countParameters(*module);
  ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
  EXPECT_NEAR(double(count->total), 25.2e9, 0.01 * 25.2e9);
  EXPECT_NEAR(double(count->active), 3.8e9, 0.01 * 3.8e9);
  EXPECT_EQ(calls("layer_global"), 5u);
  EXPECT_EQ(calls("layer_sliding"), 25u);
  // Global heads rotate 128 of 512 by theta^(1/4): 10^6 ^ (1/4) = 31.6228.
  bool found = false;
  module->walk([&](moe::RotaryTableOp table) {
    found |= std::abs(table.getTheta().convertToDouble() - 31.6228) < 1e-4;
  });
  EXPECT_TRUE(found);
}

TEST_F(HybridConfigs, KimiK3Parameters) {
  // Width 7168, delta attention in 96 heads of 128 = 12288:
  //   delta: q, k, v, gate, o 5*7168*12288 = 440,401,920; convolutions
  //     3*12288*4 = 147,456; steps 7168*128 + 128*12288 = 2,490,368; strengths
  //     7168*96 = 688,128; biases, decays, norm 12,512    = 443,740,384
  //   latent: q 7168*1536 + 1536 + 1536*96*192 = 39,323,136; kv 7168*576 + 512
  //     + 96*512*256 = 16,712,192; gate and o 176,160,768 = 232,196,096
  //   experts: 896 of 3*3584*3072 = 33,030,144; router 7168*896 + 896 =
  //     6,423,424; latent width 2*7168*3584 + 3584 = 51,383,808; shared
  //     3*7168*6144 = 132,120,576                         = 29,784,936,832
  //   dense 3*7168*33792                                  = 726,663,168
  //   a layer's norms 14,336 and two mixes of streams 28,672, of which the
  //     first layer has one
  // 69 delta and 24 latent layers, 1 dense: 30,618,086,496 + 5,572,706,304 +
  //   92 * 29,784,936,832 + 726,663,168 + 93 * 43,008 - 14,336 + 2*163840*7168
  //   + 7,168 + 14,336                                    = 2,779,484,461,664
  // inactive: 92 * 880 * 33,030,144                       = 2,674,120,458,240
  // Published: 2.78 T.
  expectParameters("kimi-k3", 2779484461664, 2779484461664 - 2674120458240);
}

TEST_F(HybridConfigs, KimiK3PassesStreamsOn) {
  load("kimi-k3");
  ASSERT_TRUE(bool(module));
  // Every 12th layer seals a block: layer 0 what the embedding gives.
  EXPECT_EQ(calls("layer_linear_dense_seals_0"), 1u);
  EXPECT_EQ(calls("layer_linear_moe_seals_1"), 1u);
  EXPECT_EQ(calls("layer_linear_moe_block_1"), 8u);
  EXPECT_EQ(calls("layer_attention_moe_block_1"), 3u);
  // The last block is of layers 84 to 92, of which 87, 91 and 92 attend.
  EXPECT_EQ(calls("layer_linear_moe_seals_7"), 1u);
  EXPECT_EQ(calls("layer_attention_moe_block_8"), 3u);
  auto last = module->lookupSymbol<func::FuncOp>("layer_attention_moe_block_8");
  ASSERT_TRUE(last);
  EXPECT_EQ(cast<RankedTensorType>(last.getArgumentTypes()[0]).getDimSize(2),
            9 * 7168);
  EXPECT_EQ(last.getArgumentTypes()[0], last.getResultTypes()[0]);
  auto experts = first<moe::ExpertsOp>();
  ASSERT_TRUE(experts);
  EXPECT_EQ(experts.getGateCap().convertToDouble(), 4);
  EXPECT_EQ(experts.getLinearCap().convertToDouble(), 25);
  EXPECT_FALSE(first<moe::RopeOp>());
}

} // namespace
