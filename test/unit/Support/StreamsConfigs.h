//===- StreamsConfigs.h - random configurations with streams ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of FamilyConfigs.h: small legal configurations of models that pass
// several streams from layer to layer.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_STREAMSCONFIGS_H
#define PORTOLAN_TEST_UNIT_SUPPORT_STREAMSCONFIGS_H

#include "test/unit/Support/RandomSource.h"
#include "llvm/Support/JSON.h"

namespace portolan::test {

/// Blocks of layers with streams between them.
inline llvm::json::Object randomKimiK3(Random &random) {
  int64_t heads = random.between(1, 6);
  int64_t experts = random.between(2, 16);
  int64_t layers = random.between(2, 6);
  llvm::json::Array attends{1}, linear;
  for (int64_t i = 2; i <= layers; ++i)
    (random.chance(40) ? attends : linear).push_back(i);
  llvm::json::Object config{
      {"model_type", "kimi_linear"},
      {"hidden_size", random.between(8, 64)},
      {"intermediate_size", random.between(8, 64)},
      {"moe_intermediate_size", random.between(8, 64)},
      {"num_hidden_layers", layers},
      {"first_k_dense_replace", random.between(0, 1)},
      {"moe_layer_freq", 1},
      {"attn_res_block_size", random.between(1, 4)},
      {"vocab_size", random.between(16, 200)},
      {"max_position_embeddings", 256},
      {"rms_norm_eps", 1e-5},
      {"torch_dtype", "bfloat16"},
      {"hidden_act", "situ"},
      {"activation_situ_beta", 4.0},
      {"num_attention_heads", heads},
      {"num_key_value_heads", heads},
      {"q_lora_rank", random.between(4, 32)},
      {"kv_lora_rank", random.between(4, 32)},
      {"qk_nope_head_dim", random.between(2, 16)},
      {"qk_rope_head_dim", random.between(2, 8)},
      {"v_head_dim", random.between(2, 16)},
      {"mla_use_nope", true},
      {"mla_use_output_gate", random.chance(70)},
      {"num_experts", experts},
      {"num_experts_per_token",
       random.between(1, std::min<int64_t>(experts, 4))},
      {"num_shared_experts", random.between(0, 2)},
      {"moe_router_activation_func", "sigmoid"},
      {"topk_method", "noaux_tc"},
      {"num_expert_group", 1},
      {"topk_group", 1},
      {"moe_renormalize", random.chance(70)},
      {"routed_scaling_factor", 2.0},
      {"linear_attn_config",
       llvm::json::Object{{"num_heads", random.between(1, 6)},
                          {"head_dim", random.between(2, 12)},
                          {"short_conv_kernel_size", random.between(2, 5)},
                          {"use_full_rank_gate", random.chance(50)},
                          {"gate_lower_bound", -5.0},
                          {"full_attn_layers", std::move(attends)},
                          {"kda_layers", std::move(linear)}}}};
  if (random.chance(70))
    config["activation_situ_linear_beta"] = 25.0;
  if (random.chance(70)) {
    config["routed_expert_hidden_size"] = random.between(4, 32);
    config["latent_moe_use_norm"] = random.chance(70);
  }
  return llvm::json::Object{{"model_type", "kimi_k3"},
                            {"text_config", std::move(config)}};
}

/// Streams that hyper-connections mix, pooled keys and tables of
/// experts.
inline llvm::json::Object randomDeepSeekV4(Random &random) {
  int64_t groups = random.oneOf({1, 2, 4});
  int64_t rotated = 2 * random.between(1, 3);
  int64_t experts = random.between(2, 16);
  int64_t layers = random.between(2, 5);
  // One layer that chooses entries, and one more for a layer that drafts.
  llvm::json::Array ratios{4};
  for (int64_t i = 1; i <= layers; ++i)
    ratios.push_back(random.oneOf({0, 4, 128}));
  llvm::json::Object config{
      {"model_type", "deepseek_v4"},
      {"hidden_size", random.between(8, 48)},
      {"moe_intermediate_size", random.between(8, 32)},
      {"num_hidden_layers", layers},
      {"num_nextn_predict_layers", 1},
      {"num_hash_layers", random.between(0, layers)},
      {"vocab_size", random.between(16, 200)},
      {"max_position_embeddings", 256},
      {"rms_norm_eps", 1e-5},
      {"torch_dtype", "bfloat16"},
      {"hidden_act", "silu"},
      {"num_attention_heads", groups * random.oneOf({1, 2})},
      {"num_key_value_heads", 1},
      {"head_dim", rotated + random.between(0, 6)},
      {"qk_rope_head_dim", rotated},
      {"q_lora_rank", random.between(4, 16)},
      {"o_groups", groups},
      {"o_lora_rank", random.between(2, 8)},
      {"sliding_window", random.between(1, 6)},
      {"compress_ratios", std::move(ratios)},
      {"compress_rope_theta", 160000},
      {"rope_theta", 10000},
      {"index_n_heads", random.between(1, 4)},
      {"index_head_dim", rotated + random.between(0, 6)},
      {"index_topk", random.between(1, 3)},
      {"n_routed_experts", experts},
      {"n_shared_experts", 1},
      {"num_experts_per_tok", random.between(1, std::min<int64_t>(experts, 4))},
      {"scoring_func", random.chance(70) ? "sqrtsoftplus" : "sigmoid"},
      {"topk_method", "noaux_tc"},
      {"norm_topk_prob", true},
      {"routed_scaling_factor", 1.5},
      {"hc_mult", random.between(2, 4)},
      {"hc_sinkhorn_iters", random.between(1, 20)},
      {"hc_eps", 1e-6}};
  if (random.chance(70))
    config["swiglu_limit"] = 10.0;
  if (random.chance(70))
    config["rope_scaling"] =
        llvm::json::Object{{"type", "yarn"},
                           {"factor", 16},
                           {"beta_fast", 32},
                           {"beta_slow", 1},
                           {"original_max_position_embeddings", 64}};
  return config;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_STREAMSCONFIGS_H
