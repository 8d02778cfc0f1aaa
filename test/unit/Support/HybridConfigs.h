//===- HybridConfigs.h - random configurations of hybrids ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of RandomConfigs.h: small legal configurations of models whose layers
// have states of fixed size, experts in a latent width or chosen blocks.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_HYBRIDCONFIGS_H
#define PORTOLAN_TEST_UNIT_SUPPORT_HYBRIDCONFIGS_H

#include "test/unit/Support/RandomSource.h"
#include "llvm/Support/JSON.h"

namespace portolan::test {

inline llvm::json::Object randomJamba(Random &random) {
  int64_t kvHeads = random.between(1, 3);
  int64_t heads = kvHeads * random.between(1, 3);
  int64_t experts = random.between(2, 12);
  int64_t period = random.between(1, 3);
  return llvm::json::Object{
      {"model_type", "jamba"},
      {"hidden_size", heads * 8},
      {"intermediate_size", random.between(8, 64)},
      {"num_attention_heads", heads},
      {"num_key_value_heads", kvHeads},
      {"num_experts", experts},
      {"num_experts_per_tok", random.between(1, std::min<int64_t>(experts, 4))},
      {"attn_layer_period", period},
      {"attn_layer_offset", 0},
      {"expert_layer_period", 2},
      {"expert_layer_offset", 1},
      {"num_hidden_layers", random.between(2, 5)},
      {"mamba_d_conv", random.between(2, 5)},
      {"mamba_d_state", random.between(1, 9)},
      {"mamba_dt_rank", random.between(1, 9)},
      {"mamba_expand", random.between(1, 3)},
      {"mamba_conv_bias", random.chance(50)},
      {"mamba_proj_bias", false}};
}

inline llvm::json::Object randomQwen3Next(Random &random) {
  int64_t keyHeads = random.between(1, 4);
  int64_t kvHeads = random.between(1, 3);
  int64_t experts = random.between(2, 20);
  return llvm::json::Object{
      {"model_type", "qwen3_next"},
      {"hidden_size", random.between(8, 96)},
      {"head_dim", 4 * random.between(1, 4)},
      {"num_attention_heads", kvHeads * random.between(1, 4)},
      {"num_key_value_heads", kvHeads},
      {"partial_rotary_factor", 0.5},
      {"full_attention_interval", random.between(1, 3)},
      {"num_hidden_layers", random.between(3, 6)},
      {"linear_num_key_heads", keyHeads},
      {"linear_num_value_heads", keyHeads * random.between(1, 3)},
      {"linear_key_head_dim", random.between(1, 16)},
      {"linear_value_head_dim", random.between(1, 16)},
      {"linear_conv_kernel_dim", random.between(2, 5)},
      {"moe_intermediate_size", random.between(8, 64)},
      {"shared_expert_intermediate_size", random.between(8, 64)},
      {"num_experts", experts},
      {"num_experts_per_tok", random.between(1, std::min<int64_t>(experts, 6))},
      {"norm_topk_prob", random.chance(50)}};
}

inline llvm::json::Object randomMiniMaxM1(Random &random) {
  int64_t kvHeads = random.oneOf({1, 2, 4});
  int64_t experts = random.between(2, 12);
  int64_t layers = random.between(1, 4);
  llvm::json::Array types;
  types.push_back(1); // at least one attends
  for (int64_t i = 1; i < layers; ++i)
    types.push_back(random.between(0, 1));
  return llvm::json::Object{
      {"model_type", "minimax_m1"},
      {"hidden_size", random.between(8, 96)},
      {"intermediate_size", random.between(8, 64)},
      {"head_dim", 2 * random.between(2, 8)},
      {"rotary_dim", 2},
      {"num_attention_heads", kvHeads * random.oneOf({1, 2, 4})},
      {"num_key_value_heads", kvHeads},
      {"num_hidden_layers", layers},
      {"attn_type_list", std::move(types)},
      {"postnorm", random.chance(50)},
      {"layernorm_full_attention_alpha", 3.5},
      {"layernorm_full_attention_beta", 1.0},
      {"layernorm_linear_attention_alpha", 3.5},
      {"layernorm_linear_attention_beta", 1.0},
      {"layernorm_mlp_alpha", 3.5},
      {"layernorm_mlp_beta", 1.0},
      {"num_local_experts", experts},
      {"num_experts_per_tok",
       random.between(1, std::min<int64_t>(experts, 4))}};
}

inline llvm::json::Object randomNemotronH(Random &random) {
  int64_t groups = random.oneOf({1, 2, 4});
  int64_t kvHeads = random.between(1, 3);
  int64_t experts = random.between(2, 24);
  std::string pattern = "*E";
  for (int64_t i = random.between(1, 4); i > 0; --i)
    pattern += "ME*-"[random.between(0, 3)];
  llvm::json::Object config{
      {"model_type", "nemotron_h"},
      {"hidden_size", random.between(8, 96)},
      {"intermediate_size", random.between(8, 64)},
      {"head_dim", 2 * random.between(1, 8)},
      {"num_attention_heads", kvHeads * random.between(1, 4)},
      {"num_key_value_heads", kvHeads},
      {"num_hidden_layers", int64_t(pattern.size())},
      {"hybrid_override_pattern", pattern},
      {"mamba_num_heads", groups * random.oneOf({1, 2, 3})},
      {"mamba_head_dim", random.between(1, 12)},
      {"ssm_state_size", random.between(1, 12)},
      {"n_groups", groups},
      {"conv_kernel", random.between(2, 5)},
      {"chunk_size", random.between(1, 16)},
      {"use_conv_bias", random.chance(50)},
      {"mamba_hidden_act", "silu"},
      {"mlp_hidden_act", "relu2"},
      {"moe_intermediate_size", random.between(8, 64)},
      {"n_shared_experts", 1},
      {"moe_shared_expert_intermediate_size", random.between(8, 64)},
      {"n_routed_experts", experts},
      {"num_experts_per_tok", random.between(1, std::min<int64_t>(experts, 8))},
      {"n_group", 1},
      {"topk_group", 1},
      {"norm_topk_prob", true},
      {"routed_scaling_factor", 2.5},
      {"layer_norm_epsilon", 1e-5}};
  if (random.chance(50))
    config["moe_latent_size"] = random.between(4, 64);
  return config;
}

inline llvm::json::Object randomMiniMaxM3(Random &random) {
  int64_t kvHeads = random.between(1, 3);
  int64_t width = 4 * random.between(1, 4);
  int64_t experts = random.between(2, 16);
  int64_t intermediate = random.between(8, 64);
  llvm::json::Array sparse{0, 1, 1}, disabled{0, 1, 1}, routes{0, 1, 1};
  return llvm::json::Object{
      {"model_type", "minimax_m3"},
      {"hidden_size", random.between(8, 96)},
      {"head_dim", width},
      {"num_attention_heads", kvHeads * random.between(1, 4)},
      {"num_key_value_heads", kvHeads},
      {"partial_rotary_factor", 0.5},
      {"num_hidden_layers", 3},
      {"hidden_act", "swigluoai"},
      {"use_gemma_norm", random.chance(50)},
      {"use_qk_norm", true},
      {"qk_norm_type", "per_head"},
      {"moe_intermediate_size", intermediate},
      {"intermediate_size", intermediate},
      {"dense_intermediate_size", random.between(8, 64)},
      {"n_shared_experts", 1},
      {"shared_intermediate_size", random.between(8, 64)},
      {"num_local_experts", experts},
      {"num_experts_per_tok", random.between(1, std::min<int64_t>(experts, 4))},
      {"scoring_func", "sigmoid"},
      {"use_routing_bias", true},
      {"routed_scaling_factor", 2.0},
      {"swiglu_alpha", 1.7},
      {"swiglu_limit", 7.0},
      {"moe_layer_freq", std::move(routes)},
      {"sparse_attention_config",
       llvm::json::Object{
           {"use_sparse_attention", true},
           {"sparse_index_dim", width},
           {"sparse_num_index_heads", kvHeads},
           {"sparse_block_size", random.between(1, 8)},
           {"sparse_topk_blocks", random.between(1, 4)},
           {"sparse_local_block", 1},
           {"sparse_init_block", 0},
           {"sparse_score_type", "max"},
           {"sparse_attention_freq", std::move(sparse)},
           {"sparse_disable_index_value", std::move(disabled)}}}};
}

/// One of the above.
inline llvm::json::Object randomHybrid(Random &random) {
  switch (random.between(0, 4)) {
  case 0:
    return randomJamba(random);
  case 1:
    return randomQwen3Next(random);
  case 2:
    return randomMiniMaxM1(random);
  case 3:
    return randomNemotronH(random);
  default:
    return randomMiniMaxM3(random);
  }
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_HYBRIDCONFIGS_H
