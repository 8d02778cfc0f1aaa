//===- FamilyConfigs.h - random configurations by family -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small legal configurations of the families whose blocks are attention and
// experts of many forms: windows, chunks, sinks, biases, soft caps, norms over
// heads and rows, an index of keys, experts that are weighted first.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_FAMILYCONFIGS_H
#define PORTOLAN_TEST_UNIT_SUPPORT_FAMILYCONFIGS_H

#include "test/unit/Support/RandomConfigs.h"
#include "test/unit/Support/StreamsConfigs.h"

namespace portolan::test {

inline constexpr unsigned kNumFamilies = 13;

/// `count` entries of `first` and `second`, at random.
template <typename T>
llvm::json::Array mixed(Random &random, int64_t count, T first, T second) {
  llvm::json::Array array;
  for (int64_t i = 0; i < count; ++i)
    array.push_back(random.chance(50) ? first : second);
  return array;
}

/// Fields of grouped-query attention and experts that most families have.
inline llvm::json::Object randomBase(Random &random, llvm::StringRef type) {
  int64_t kvHeads = random.between(1, 4);
  int64_t heads = kvHeads * random.between(1, 4);
  int64_t experts = random.between(2, 16);
  int64_t topK = random.between(1, std::min<int64_t>(experts, 4));
  return llvm::json::Object{{"model_type", type},
                            {"hidden_size", random.between(8, 96)},
                            {"head_dim", 4 * random.between(1, 6)},
                            {"num_attention_heads", heads},
                            {"num_key_value_heads", kvHeads},
                            {"num_local_experts", experts},
                            {"num_experts", experts},
                            {"n_routed_experts", experts},
                            {"num_experts_per_tok", topK},
                            {"intermediate_size", random.between(8, 96)},
                            {"moe_intermediate_size", random.between(8, 64)},
                            {"num_hidden_layers", random.between(2, 5)},
                            {"hidden_act", "silu"},
                            {"max_position_embeddings", 256},
                            {"rms_norm_eps", 1e-6},
                            {"rope_theta", 10000.0},
                            {"vocab_size", random.between(16, 200)},
                            {"torch_dtype", "bfloat16"}};
}

/// `config` without fields that its family does not have.
inline llvm::json::Object less(llvm::json::Object config,
                               std::initializer_list<llvm::StringRef> fields) {
  for (llvm::StringRef field : fields)
    config.erase(field);
  return config;
}

inline void addSigmoidRouting(Random &random, llvm::json::Object &config) {
  config["n_group"] = 1;
  config["topk_group"] = 1;
  config["norm_topk_prob"] = random.chance(70);
  config["routed_scaling_factor"] = 2.5;
}

inline llvm::json::Object randomLatent(Random &random, bool indexed) {
  llvm::json::Object config =
      randomBase(random, indexed ? "deepseek_v32" : "deepseek_v2");
  int64_t experts = 2 * random.between(2, 8);
  config["n_routed_experts"] = experts;
  config["num_experts_per_tok"] = random.between(1, experts / 2);
  config["num_key_value_heads"] = *config.getInteger("num_attention_heads");
  config["kv_lora_rank"] = random.between(4, 32);
  config["q_lora_rank"] = random.between(4, 32);
  config["qk_nope_head_dim"] = random.between(2, 16);
  config["qk_rope_head_dim"] = 2 * random.between(1, 4);
  config["v_head_dim"] = random.between(2, 16);
  config["n_shared_experts"] = random.between(0, 2);
  config["first_k_dense_replace"] = random.between(0, 1);
  addSigmoidRouting(random, config);
  if (indexed) {
    config["scoring_func"] = "sigmoid";
    config["topk_method"] = "noaux_tc";
    config["index_n_heads"] = random.between(1, 6);
    config["index_head_dim"] = 8 + 2 * random.between(0, 4);
    config["index_topk"] = random.between(1, 40);
  } else {
    config["scoring_func"] = "softmax";
    config["topk_method"] = "group_limited_greedy";
    config["n_group"] = 2;
  }
  return less(std::move(config),
              {"num_local_experts", "num_experts", "head_dim"});
}

inline llvm::json::Object randomFamily(Random &random, unsigned family) {
  llvm::json::Object config;
  int64_t layers;
  switch (family) {
  case 0:
    config = randomBase(random, "qwen3_moe");
    config["norm_topk_prob"] = random.chance(50);
    config["decoder_sparse_step"] = random.between(1, 2);
    return less(std::move(config), {"num_local_experts", "n_routed_experts"});
  case 1:
    config = randomBase(random, "gpt_oss");
    config["sliding_window"] = random.between(1, 32);
    return less(std::move(config),
                {"num_experts", "n_routed_experts", "moe_intermediate_size"});
  case 2:
    config = randomBase(random, "glm4_moe");
    config["attention_bias"] = true;
    config["use_qk_norm"] = random.chance(50);
    config["partial_rotary_factor"] = 0.5;
    config["n_shared_experts"] = random.between(0, 2);
    config["first_k_dense_replace"] = random.between(0, 1);
    addSigmoidRouting(random, config);
    return less(std::move(config), {"num_local_experts", "num_experts"});
  case 3:
    config = randomBase(random, "olmoe");
    config["norm_topk_prob"] = random.chance(50);
    if (random.chance(30))
      config["clip_qkv"] = 8.0;
    return less(std::move(config), {"num_local_experts", "n_routed_experts",
                                    "moe_intermediate_size"});
  case 4:
    config = randomBase(random, "minimax_m2");
    config["rotary_dim"] = 2;
    config["use_qk_norm"] = true;
    config["qk_norm_type"] = "per_layer";
    config["use_routing_bias"] = true;
    config["scoring_func"] = "sigmoid";
    return less(std::move(config),
                {"num_experts", "n_routed_experts", "moe_intermediate_size"});
  case 5:
    config = randomBase(random, "arctic");
    config["parallel_attn_mlp_res"] = random.chance(80);
    config["moe_layer_frequency"] = random.between(1, 2);
    return less(std::move(config),
                {"num_experts", "n_routed_experts", "moe_intermediate_size"});
  case 6:
    return randomLatent(random, /*indexed=*/false);
  case 7:
    return randomLatent(random, /*indexed=*/true);
  case 8:
    config = randomBase(random, "phimoe");
    config["num_experts_per_tok"] = 2;
    config["attention_bias"] = true;
    config["lm_head_bias"] = random.chance(50);
    config["router_jitter_noise"] = 0.01;
    return less(std::move(config),
                {"num_experts", "n_routed_experts", "moe_intermediate_size"});
  case 9:
    config = randomBase(random, "llama4_text");
    config["intermediate_size_mlp"] = random.between(8, 96);
    config["interleave_moe_layer_step"] = random.between(1, 2);
    config["no_rope_layer_interval"] = random.between(2, 4);
    config["attention_chunk_size"] = random.between(4, 64);
    config["floor_scale"] = 4;
    return llvm::json::Object{
        {"model_type", "llama4"},
        {"text_config",
         less(std::move(config),
              {"num_experts", "n_routed_experts", "moe_intermediate_size"})}};
  case 10:
    config = randomBase(random, "mixtral");
    config["architectures"] = llvm::json::Array{"Grok1ModelForCausalLM"};
    config["embedding_multiplier_scale"] = 4.0;
    config["output_multiplier_scale"] = 0.5;
    return less(std::move(config), {"num_experts", "n_routed_experts",
                                    "moe_intermediate_size", "hidden_act"});
  case 11: {
    int64_t heads = 2 * random.between(1, 4);
    return llvm::json::Object{
        {"model_type", "dbrx"},
        {"d_model", heads * 2 * random.between(1, 8)},
        {"n_heads", heads},
        {"n_layers", random.between(1, 3)},
        {"max_seq_len", 256},
        {"vocab_size", random.between(16, 200)},
        {"torch_dtype", "bfloat16"},
        {"attn_config", llvm::json::Object{{"clip_qkv", 8},
                                           {"kv_n_heads", heads / 2},
                                           {"rope_theta", 500000}}},
        {"ffn_config", llvm::json::Object{{"ffn_hidden_size", 24},
                                          {"moe_num_experts", 6},
                                          {"moe_top_k", 2}}}};
  }
  default:
    config = randomBase(random, "mimo_v2_flash");
    layers = *config.getInteger("num_hidden_layers");
    config["layernorm_epsilon"] = 1e-5;
    config["v_head_dim"] = random.between(2, 16);
    config["swa_num_attention_heads"] =
        *config.getInteger("num_attention_heads");
    config["swa_num_key_value_heads"] =
        *config.getInteger("num_key_value_heads");
    config["swa_head_dim"] = 4 * random.between(1, 6);
    config["swa_v_head_dim"] = random.between(2, 16);
    config["swa_rope_theta"] = 1000.0;
    config["partial_rotary_factor"] = 0.5;
    config["attention_value_scale"] = 0.707;
    config["add_swa_attention_sink_bias"] = true;
    config["add_full_attention_sink_bias"] = random.chance(30);
    config["sliding_window"] = random.between(1, 32);
    config["hybrid_layer_pattern"] = mixed(random, layers, 0, 1);
    config["moe_layer_freq"] = mixed(random, layers - 1, 0, 1);
    config.getArray("moe_layer_freq")->push_back(1);
    config["scoring_func"] = "sigmoid";
    config["topk_method"] = "noaux_tc";
    addSigmoidRouting(random, config);
    return less(std::move(config),
                {"num_local_experts", "num_experts", "rms_norm_eps"});
  }
}

/// The text of configuration number `seed` of the families whose layers pass
/// several streams on, which take turns.
inline std::string randomStreamsConfig(uint64_t seed) {
  Random random(seed + 500);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(
      seed % 2 == 0 ? randomKimiK3(random) : randomDeepSeekV4(random));
  return text;
}

/// The text of configuration number `seed`; families take turns.
inline std::string randomFamilyConfig(uint64_t seed) {
  Random random(seed + 1000);
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::json::Value(randomFamily(random, seed % kNumFamilies));
  return text;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_FAMILYCONFIGS_H
