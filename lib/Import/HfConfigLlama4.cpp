//===- HfConfigLlama4.cpp - model_type llama4 (its text model) ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers that rotate attend within chunks; every fourth does not rotate, sees
// the whole context and scales its scores with the position. Experts, with a
// shared one, are in every `interleave_moe_layer_step`-th layer; a row is
// multiplied with the sigmoid of its logit before it goes to its expert.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

/// Defaults of the published configuration class.
constexpr int64_t kRotationInterval = 4;
constexpr int64_t kTemperatureFloor = 8192;
constexpr double kTemperatureScale = 0.1;

struct Llama4Config {
  AttentionSpec local, global;
  MlpSpec mlp;
  ExpertsSpec experts;
};

void readAttention(HfConfigReader &reader, DecoderSpec &spec,
                   Llama4Config &config) {
  AttentionSpec &local = config.local = readHeads(reader, spec);
  local.inputBias = local.outputBias = reader.flagOr("attention_bias", false);
  local.interleaved = true;
  // A norm without a gain, after rotation.
  reader.onlyFlag("use_qk_norm", false);
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = local.keyWidth;
  config.global = local;
  if (reader.has("attention_chunk_size"))
    local.chunk = reader.size("attention_chunk_size", kMaxPositions);
  if (reader.flagOr("attn_temperature_tuning", true)) {
    config.global.temperatureFloor =
        reader.has("floor_scale") ? reader.size("floor_scale", kMaxPositions)
                                  : kTemperatureFloor;
    config.global.temperatureScale = reader.has("attn_scale")
                                         ? reader.positive("attn_scale")
                                         : kTemperatureScale;
  } else {
    reader.ignore({"floor_scale", "attn_scale"});
  }
}

void readExperts(HfConfigReader &reader, Llama4Config &config) {
  ExpertsSpec &experts = config.experts;
  experts.intermediate = experts.shared.intermediate =
      reader.size("intermediate_size");
  config.mlp.intermediate = reader.size("intermediate_size_mlp");
  config.mlp.activation = experts.activation = experts.shared.activation =
      readActivation(reader);
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.scoring = moe::Scoring::sigmoid;
  experts.weightsFirst = true;
  reader.ignore({"router_jitter_noise"});
}

/// Which layers of `layers` have experts.
std::vector<bool> readExpertLayers(HfConfigReader &reader, int64_t layers) {
  std::vector<bool> routed(layers, false);
  if (reader.has("moe_layers")) {
    for (int64_t layer : reader.integers("moe_layers", 0, layers - 1))
      routed[layer] = true;
    reader.ignore({"interleave_moe_layer_step"});
    return routed;
  }
  int64_t step = reader.size("interleave_moe_layer_step", layers);
  for (int64_t i = step - 1; i < layers; i += step)
    routed[i] = true;
  return routed;
}

/// Which layers of `layers` rotate: 1 in `no_rope_layers`.
std::vector<bool> readRotatedLayers(HfConfigReader &reader, int64_t layers) {
  std::vector<bool> rotated(layers, true);
  if (reader.has("no_rope_layers")) {
    std::vector<int64_t> flags = reader.integers("no_rope_layers", 0, 1);
    // An empty list means the interval.
    if (!flags.empty()) {
      reader.require(int64_t(flags.size()) == layers, "no_rope_layers",
                     "one entry for each of " + Twine(layers) + " layers");
      flags.resize(layers);
      reader.ignore({"no_rope_layer_interval"});
      return std::vector<bool>(flags.begin(), flags.end());
    }
  }
  int64_t interval = reader.has("no_rope_layer_interval")
                         ? reader.size("no_rope_layer_interval", kMaxLayers)
                         : kRotationInterval;
  for (int64_t i = interval - 1; i < layers; i += interval)
    rotated[i] = false;
  return rotated;
}

void readText(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  Llama4Config config;
  readAttention(reader, spec, config);
  readExperts(reader, config);
  int64_t layers = readLayers(reader);
  std::vector<bool> routed = readExpertLayers(reader, layers);
  std::vector<bool> rotated = readRotatedLayers(reader, layers);
  // Says what no_rope_layers says.
  reader.ignore({"layer_types", "for_llm_compressor", "cache_implementation"});
  ignoreCommonFields(reader);
  for (int64_t i = 0; i < layers; ++i) {
    std::string name = routed[i] ? "layer_moe" : "layer_dense";
    name += rotated[i] ? "" : "_global";
    spec.addLayer(name, [&] {
      const AttentionSpec &attention =
          rotated[i] ? config.local : config.global;
      std::optional<unsigned> rotary;
      if (rotated[i])
        rotary = 0;
      return routed[i] ? makeLayer(spec, attention, config.experts, rotary)
                       : makeLayer(spec, attention, config.mlp, rotary);
    });
  }
}

} // namespace

void portolan::readLlama4(HfConfigReader &reader, DecoderSpec &spec) {
  reader.nested("text_config",
                [&](HfConfigReader &inner) { readText(inner, spec); });
  // The towers of other senses, and what the text model repeats.
  reader.ignore({"vision_config", "torch_dtype", "dtype", "boi_token_index",
                 "eoi_token_index", "image_token_index",
                 "tie_word_embeddings"});
}
