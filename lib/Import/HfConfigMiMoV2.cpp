//===- HfConfigMiMoV2.cpp - model_type mimo_v2_flash ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers with a window (`hybrid_layer_pattern` 1) have heads, a rotation and
// sinks of their own; keys are wider than values, and values are scaled. The
// router is that of DeepSeek-V3, in the layers that `moe_layer_freq` marks.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

/// Attention of the layers with or without a window.
AttentionSpec readKind(HfConfigReader &reader, const DecoderSpec &spec,
                       bool windowed) {
  HeadFields fields;
  if (windowed)
    fields = {"swa_num_attention_heads", "swa_num_key_value_heads",
              "swa_head_dim"};
  AttentionSpec attention = readHeads(reader, spec, fields);
  attention.valueWidth =
      reader.size(windowed ? "swa_v_head_dim" : "v_head_dim");
  attention.inputBias = reader.flagOr("attention_bias", false);
  if (reader.has("attention_value_scale"))
    attention.valueScale = reader.positive("attention_value_scale");
  attention.sinks = reader.flag(windowed ? "add_swa_attention_sink_bias"
                                         : "add_full_attention_sink_bias");
  return attention;
}

} // namespace

void portolan::readMiMoV2(HfConfigReader &reader, DecoderSpec &spec) {
  CommonFields common;
  common.epsilon = "layernorm_epsilon";
  readCommon(reader, spec, common);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec full = readKind(reader, spec, /*windowed=*/false);
  AttentionSpec windowed = readKind(reader, spec, /*windowed=*/true);
  windowed.window = reader.size("sliding_window", kMaxPositions);
  // Older names of the window.
  for (StringRef name : {"sliding_window_size", "attention_chunk_size"})
    if (reader.has(name))
      reader.onlyInteger(name, windowed.window);
  spec.rotaries.push_back(spec.rotaries[0]);
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[1].theta = reader.positive("swa_rope_theta");
  reader.require(spec.rotaries[0].yarnFactor == 0, "rope_scaling",
                 "no scaling, as two kinds of layers rotate");
  spec.rotaries[0].width = readRotatedWidth(reader, full.keyWidth);
  spec.rotaries[1].width = readRotatedWidth(reader, windowed.keyWidth);

  MlpSpec mlp;
  ExpertsSpec experts;
  mlp.intermediate = reader.size("intermediate_size");
  experts.intermediate = reader.size("moe_intermediate_size");
  if (reader.has("n_shared_experts"))
    experts.shared.intermediate =
        reader.integer("n_shared_experts", 0, kMaxExperts) *
        experts.intermediate;
  mlp.activation = experts.activation = experts.shared.activation =
      readActivation(reader);
  readGroupedRouting(reader, experts.routing, /*scaleIfGiven=*/true);

  int64_t layers = readLayers(reader);
  std::vector<int64_t> hasWindow =
      reader.integers("hybrid_layer_pattern", 0, 1, layers);
  std::vector<int64_t> isRouted =
      reader.integers("moe_layer_freq", 0, 1, layers);
  for (int64_t i = 0; i < layers; ++i) {
    std::string name = isRouted[i] ? "layer_moe" : "layer_dense";
    name += hasWindow[i] ? "_window" : "_full";
    spec.addLayer(name, [&] {
      const AttentionSpec &attention = hasWindow[i] ? windowed : full;
      unsigned rotary = hasWindow[i] ? 1 : 0;
      return isRouted[i] ? makeLayer(spec, attention, experts, rotary)
                         : makeLayer(spec, attention, mlp, rotary);
    });
  }
}
