//===- RandomConfigs.h - random legal configurations -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small legal configurations of every supported architecture, a pure function
// of the seed: experts, top-k, widths, heads, groups and the ranks of latent
// attention vary, awkward (odd, prime) sizes included.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_RANDOMCONFIGS_H
#define PORTOLAN_TEST_UNIT_SUPPORT_RANDOMCONFIGS_H

#include "test/unit/Support/HybridConfigs.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace portolan::test {

inline llvm::json::Object randomMixtral(Random &random) {
  int64_t kvHeads = random.between(1, 4);
  int64_t heads = kvHeads * random.between(1, 4);
  int64_t headWidth = 2 * random.between(2, 16);
  int64_t experts = random.between(2, 20);
  llvm::json::Object config{{"model_type", "mixtral"},
                            {"hidden_size", heads * headWidth},
                            {"intermediate_size", random.between(8, 96)},
                            {"num_attention_heads", heads},
                            {"num_key_value_heads", kvHeads},
                            {"num_local_experts", experts},
                            {"num_experts_per_tok",
                             random.between(1, std::min<int64_t>(experts, 6))}};
  if (random.chance(30))
    config["sliding_window"] = random.between(1, 32);
  if (random.chance(30)) {
    // A head width of its own frees the hidden width from the heads.
    config["head_dim"] = headWidth;
    config["hidden_size"] = random.between(8, 96);
  }
  return config;
}

inline llvm::json::Object randomDeepSeek(Random &random) {
  int64_t groups = random.oneOf({1, 1, 2, 3, 4, 8});
  int64_t groupSize = random.between(2, 9);
  int64_t topGroups = random.between(1, groups);
  int64_t heads = random.between(1, 12);
  int64_t layers = random.between(1, 5);
  llvm::json::Object config{
      {"model_type", random.chance(50) ? "deepseek_v3" : "kimi_k2"},
      {"hidden_size", random.between(8, 160)},
      {"intermediate_size", random.between(8, 160)},
      {"moe_intermediate_size", random.between(8, 96)},
      {"num_attention_heads", heads},
      {"num_key_value_heads", heads},
      {"kv_lora_rank", random.between(4, 64)},
      {"qk_nope_head_dim", random.between(2, 32)},
      {"qk_rope_head_dim", 2 * random.between(1, 16)},
      {"v_head_dim", random.between(2, 32)},
      {"n_routed_experts", groups * groupSize},
      {"n_group", groups},
      {"topk_group", topGroups},
      {"num_experts_per_tok",
       random.between(1, std::min<int64_t>(groupSize * topGroups, 8))},
      {"n_shared_experts", random.between(0, 2)},
      {"first_k_dense_replace", random.between(0, layers - 1)},
      {"num_hidden_layers", layers},
      {"scoring_func", "sigmoid"},
      {"topk_method", "noaux_tc"},
      {"norm_topk_prob", random.chance(80)},
      {"routed_scaling_factor", double(random.between(1, 12)) / 4}};
  if (random.chance(70))
    config["q_lora_rank"] = random.between(4, 64);
  if (random.chance(50))
    config["rope_scaling"] =
        llvm::json::Object{{"type", "yarn"},
                           {"factor", random.between(2, 40)},
                           {"original_max_position_embeddings", 32},
                           {"beta_fast", 32},
                           {"beta_slow", 1},
                           {"mscale", 1.0},
                           {"mscale_all_dim", 1.0}};
  return config;
}

/// The text of configuration number `seed`. `element` is the torch_dtype; with
/// `quantized`, some are fp8 checkpoints.
inline std::string randomConfig(uint64_t seed,
                                llvm::StringRef element = "bfloat16",
                                bool quantized = true) {
  Random random(seed);
  llvm::json::Object config = random.chance(50)   ? randomHybrid(random)
                              : random.chance(50) ? randomMixtral(random)
                                                  : randomDeepSeek(random);
  if (!config.get("num_hidden_layers"))
    config["num_hidden_layers"] = random.between(1, 5);
  // Fields that some families have values of their own for, or none.
  llvm::StringRef type = *config.getString("model_type");
  if (type != "nemotron_h") {
    config["rms_norm_eps"] = 1e-6;
    if (type != "minimax_m3")
      config["hidden_act"] = "silu";
  }
  config["max_position_embeddings"] = 256;
  if (type != "jamba")
    config["rope_theta"] = 10000.0;
  config["vocab_size"] = random.between(16, 300);
  config["torch_dtype"] = element;
  if (quantized && random.chance(40))
    config["quantization_config"] =
        llvm::json::Object{{"quant_method", "fp8"},
                           {"fmt", "e4m3"},
                           {"activation_scheme", "dynamic"}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(config));
  return text;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_RANDOMCONFIGS_H
