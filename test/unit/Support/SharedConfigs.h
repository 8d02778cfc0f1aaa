//===- SharedConfigs.h - configurations whose layers share -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small legal configurations of families whose layers read the cache of an
// earlier one (hunyuan), attend to keys that an earlier one has chosen
// (glm_moe_dsa), or gate heads of which there are different numbers (step3p7).
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_SHAREDCONFIGS_H
#define PORTOLAN_TEST_UNIT_SUPPORT_SHAREDCONFIGS_H

#include "test/unit/Support/FamilyConfigs.h"

namespace portolan::test {

inline constexpr unsigned kNumSharedFamilies = 3;

inline llvm::json::Object randomHunYuan(Random &random) {
  llvm::json::Object config = randomBase(random, "hunyuan");
  int64_t layers = random.between(2, 6);
  config["num_hidden_layers"] = layers;
  config["use_cla"] = random.chance(90);
  config["cla_share_factor"] = random.between(1, std::min<int64_t>(layers, 3));
  config["use_qk_norm"] = random.chance(70);
  config["moe_topk"] = *config.getInteger("num_experts_per_tok");
  config["use_mixed_mlp_moe"] = random.chance(70);
  config["num_shared_expert"] = random.between(1, 2);
  config["tie_word_embeddings"] = random.chance(50);
  return less(std::move(config),
              {"num_local_experts", "n_routed_experts", "num_experts_per_tok",
               "moe_intermediate_size"});
}

inline llvm::json::Object randomSharedIndex(Random &random) {
  llvm::json::Object config = randomLatent(random, /*indexed=*/true);
  config["model_type"] = "glm_moe_dsa";
  int64_t layers = random.between(3, 7);
  config["num_hidden_layers"] = layers;
  llvm::json::Array kinds = mixed(random, layers, "full", "shared");
  kinds[0] = "full";
  config["indexer_types"] = std::move(kinds);
  return config;
}

inline llvm::json::Object randomStep(Random &random) {
  llvm::json::Object config = randomBase(random, "step3p7");
  int64_t layers = random.between(2, 5);
  config["num_hidden_layers"] = layers;
  llvm::json::Array kinds =
      mixed(random, layers, "full_attention", "sliding_attention");
  llvm::json::Array thetas, factors;
  for (const llvm::json::Value &kind : kinds) {
    bool full = kind.getAsString() == llvm::StringRef("full_attention");
    thetas.push_back(full ? 50000.0 : 1000.0);
    factors.push_back(full ? 0.5 : 1.0);
  }
  config["layer_types"] = std::move(kinds);
  config["rope_theta"] = std::move(thetas);
  config["partial_rotary_factors"] = std::move(factors);
  config["sliding_window"] = random.between(1, 8);
  if (random.chance(50)) {
    config["rope_scaling"] =
        llvm::json::Object{{"rope_type", "llama3"},
                           {"factor", 2.0},
                           {"original_max_position_embeddings", 64},
                           {"low_freq_factor", 1.0},
                           {"high_freq_factor", 4.0}};
    config["yarn_only_types"] = llvm::json::Array{"full_attention"};
  }
  int64_t groups = *config.getInteger("num_key_value_heads");
  config["attention_other_setting"] =
      llvm::json::Object{{"attention_type", "sliding_attention"},
                         {"num_attention_heads", groups * random.between(1, 4)},
                         {"num_attention_groups", groups}};
  config["use_head_wise_attn_gate"] = random.chance(80);
  config["first_k_dense_replace"] = random.between(0, 1);
  config["share_expert_dim"] = random.between(8, 64);
  config["use_moe_router_bias"] = true;
  config["moe_router_scaling_factor"] = 3.0;
  config["swiglu_limits"] = mixed(random, layers, 0.0, 0.5);
  config["swiglu_limits_shared"] = mixed(random, layers, 0.0, 1.5);
  return less(std::move(config), {"num_local_experts", "n_routed_experts"});
}

/// The text of configuration number `seed`; families take turns.
inline std::string randomSharedConfig(uint64_t seed) {
  Random random(seed + 1500);
  llvm::json::Object config;
  switch (seed % kNumSharedFamilies) {
  case 0:
    config = randomHunYuan(random);
    break;
  case 1:
    config = randomSharedIndex(random);
    break;
  default:
    config = randomStep(random);
    break;
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(config));
  return text;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_SHAREDCONFIGS_H
