//===- HybridErrorsTest.cpp - refusal of bad hybrid configurations --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One field of a shipped configuration is changed, and the whole error
// expected.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Import/ConfigFixture.h"

using namespace portolan;
using namespace portolan::test;

namespace {

class HybridErrors : public ConfigFixture {};

TEST_F(HybridErrors, TheUnchangedFilesAreGood) {
  for (llvm::StringRef name :
       {"jamba-v0.1", "qwen3-next-80b-a3b", "qwen3.5-35b-a3b", "minimax-m1",
        "minimax-m3", "nemotron-3-nano-30b-a3b", "nemotron-3-ultra-550b-a55b",
        "gemma-4-26b-a4b", "kimi-k3"})
    EXPECT_EQ(import(read(name)), "imported") << name.str();
}

TEST_F(HybridErrors, Jamba) {
  EXPECT_EQ(with("jamba-v0.1", "attn_layer_offset", 8),
            "c.json: attn_layer_offset: expects an integer from 0 to 7, got 8");
  EXPECT_EQ(with("jamba-v0.1", "mamba_d_conv", 1),
            "c.json: mamba_d_conv: expects an integer from 2 to 64, got 1");
  EXPECT_EQ(with("jamba-v0.1", "mamba_dt_rank", "auto"),
            "c.json: mamba_dt_rank: expects an integer from 1 to 1048576, got "
            "\"auto\"");
  EXPECT_EQ(with("jamba-v0.1", "sliding_window", 128),
            "c.json: sliding_window: expects null, got 128");
}

TEST_F(HybridErrors, Qwen3Next) {
  EXPECT_EQ(with("qwen3-next-80b-a3b", "linear_num_key_heads", 12),
            "c.json: linear_num_key_heads: expects a divisor of "
            "linear_num_value_heads 32, got 12");
  EXPECT_EQ(with("qwen3-next-80b-a3b", "decoder_sparse_step", 2),
            "c.json: decoder_sparse_step: expects 1, got 2");
  EXPECT_EQ(with("qwen3-next-80b-a3b", "tie_word_embeddings", true),
            "c.json: tie_word_embeddings: expects false, got true");
}

TEST_F(HybridErrors, Qwen35) {
  EXPECT_EQ(within("qwen3.5-35b-a3b", "text_config", "attn_output_gate", false),
            "c.json: text_config.attn_output_gate: expects true, got false");
  EXPECT_EQ(within("qwen3.5-35b-a3b", "text_config", "layer_types",
                   llvm::json::Array{"linear_attention"}),
            "c.json: text_config.layer_types: expects one entry per layer, 40, "
            "got [\"linear_attention\"]");
  EXPECT_EQ(within("qwen3.5-35b-a3b", "text_config", "hidden_act", "relu6"),
            "c.json: text_config.hidden_act: expects one of \"silu\", "
            "\"gelu\", \"gelu_pytorch_tanh\", \"relu\", got \"relu6\"");
}

TEST_F(HybridErrors, MiniMaxM1) {
  EXPECT_EQ(with("minimax-m1", "shared_intermediate_size", 1024),
            "c.json: shared_intermediate_size: expects 0, got 1024");
  EXPECT_EQ(with("minimax-m1", "layernorm_mlp_beta", 0.5),
            "c.json: layernorm_mlp_beta: expects 1, got 0.5");
  EXPECT_EQ(with("minimax-m1", "num_attention_heads", 48),
            "c.json: num_attention_heads: expects a power of two, for which "
            "the decays of lightning attention are defined, got 48");
}

TEST_F(HybridErrors, NemotronH) {
  EXPECT_EQ(with("nemotron-3-nano-30b-a3b", "hybrid_override_pattern", "MX"),
            "c.json: hybrid_override_pattern: expects letters M, *, E and -, "
            "got \"MX\"");
  EXPECT_EQ(with("nemotron-3-nano-30b-a3b", "mlp_hidden_act", "silu"),
            "c.json: mlp_hidden_act: expects \"relu2\", got \"silu\"");
  EXPECT_EQ(with("nemotron-3-nano-30b-a3b", "num_hidden_layers", 51),
            "c.json: num_hidden_layers: expects 52, got 51");
  EXPECT_EQ(with("nemotron-3-ultra-550b-a55b", "time_step_limit",
                 llvm::json::Array{0.0, 0.5}),
            "c.json: time_step_limit: expects no limit, [0, 1e308], got "
            "[0,0.5]");
  EXPECT_EQ(with("nemotron-3-ultra-550b-a55b", "layers_block_type",
                 llvm::json::Array{"rwkv"}),
            "c.json: layers_block_type: expects \"mamba\", \"attention\", "
            "\"moe\" or \"mlp\", got \"rwkv\"");
}

TEST_F(HybridErrors, MiniMaxM3) {
  EXPECT_EQ(
      within("minimax-m3", "sparse_attention_config", "sparse_init_block", 1),
      "c.json: sparse_attention_config.sparse_init_block: expects 0, got "
      "1");
  EXPECT_EQ(within("minimax-m3", "sparse_attention_config",
                   "sparse_num_index_heads", 8),
            "c.json: sparse_attention_config.sparse_num_index_heads: expects "
            "an integer from 4 to 4, got 8");
  EXPECT_EQ(with("minimax-m3", "hidden_act", "silu"),
            "c.json: hidden_act: expects \"swigluoai\", got \"silu\"");
}

TEST_F(HybridErrors, Gemma4) {
  EXPECT_EQ(within("gemma-4-26b-a4b", "text_config", "enable_moe_block", false),
            "c.json: text_config.enable_moe_block: expects true (dense models "
            "are not imported), got false");
  EXPECT_EQ(within("gemma-4-26b-a4b", "text_config",
                   "hidden_size_per_layer_input", 256),
            "c.json: text_config.hidden_size_per_layer_input: expects 0, got "
            "256");
}

TEST_F(HybridErrors, KimiK3) {
  auto text = [&](llvm::StringRef field, llvm::json::Value value) {
    return within("kimi-k3", "text_config", field, std::move(value));
  };
  EXPECT_EQ(text("mla_use_nope", false),
            "c.json: text_config.mla_use_nope: expects true (heads that are "
            "not rotated), got false");
  EXPECT_EQ(text("attn_res_block_size", 0),
            "c.json: text_config.attn_res_block_size: expects an integer from "
            "1 to 4096, got 0");
  EXPECT_EQ(text("hidden_act", "gelu"),
            "c.json: text_config.hidden_act: expects one of \"situ\", "
            "\"silu\", got \"gelu\"");
  EXPECT_EQ(text("activation_situ_beta", 0),
            "c.json: text_config.activation_situ_beta: expects a number above "
            "0, got 0");
  EXPECT_EQ(text("num_expert_group", 8),
            "c.json: text_config.num_expert_group: expects 1, got 8");
  EXPECT_EQ(text("linear_attn_config",
                 llvm::json::Object{{"num_heads", 96},
                                    {"head_dim", 128},
                                    {"short_conv_kernel_size", 4},
                                    {"gate_lower_bound", 5.0}}),
            "c.json: text_config.linear_attn_config.gate_lower_bound: expects "
            "a number below 0, got 5");
  EXPECT_EQ(text("num_hidden_layers", 94),
            "c.json: text_config.linear_attn_config.kda_layers: expects each "
            "layer once in kda_layers or full_attn_layers, got layer 94 0 "
            "times");
}

} // namespace
