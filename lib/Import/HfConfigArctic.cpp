//===- HfConfigArctic.cpp - model_type arctic -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dense block runs beside the experts (`parallel_attn_mlp_res`): it reads the
// sum of layer input and attention, the experts read the layer's input, and all
// are summed. It is as wide inside as the model.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

struct ArcticConfig {
  AttentionSpec attention;
  ExpertsSpec experts;
  MlpSpec residual; ///< intermediate 0: no dense block beside the experts
};

LayerClass makeArcticLayer(const DecoderSpec &spec,
                           const ArcticConfig &config) {
  LayerClass layer;
  Type plain = spec.formats.plain;
  layer.weights.push_back({"attention_norm", {spec.hidden}, plain});
  addAttentionWeights(layer, spec, config.attention);
  layer.weights.push_back({"residual_norm", {spec.hidden}, plain});
  addMlpWeights(layer, spec, "residual", config.residual);
  layer.weights.push_back({"experts_norm", {spec.hidden}, plain});
  addExpertsWeights(layer, spec, config.experts);
  layer.body = [config](LayerBody &body) -> SmallVector<Value> {
    AttentionParts parts = buildAttention(
        body, body.norm(body.hidden, "attention_norm"), config.attention);
    Value hidden = body.add("add_attention", body.hidden, parts.result);
    Value residual = buildMlp(
        body, "residual", body.norm(hidden, "residual_norm"), config.residual);
    hidden = body.add("add_residual", hidden, residual);
    Value routed = buildExperts(body, body.norm(body.hidden, "experts_norm"),
                                config.experts);
    return {body.add("add_experts", hidden, routed), parts.presentKey,
            parts.presentValue};
  };
  return layer;
}

} // namespace

void portolan::readArctic(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  ArcticConfig config;
  config.attention = readHeads(reader, spec);
  config.attention.inputBias = config.attention.outputBias =
      reader.flagOr("attention_bias", false);
  config.attention.window = reader.has("sliding_window")
                                ? reader.size("sliding_window", kMaxPositions)
                                : 0;
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = config.attention.keyWidth;

  ExpertsSpec &experts = config.experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = config.residual.activation = readActivation(reader);
  config.residual.intermediate = spec.hidden;
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.normalize = experts.routing.topK > 1;
  reader.onlyFlag("use_residual", true);
  bool parallel = reader.flag("parallel_attn_mlp_res");
  int64_t frequency = reader.size("moe_layer_frequency", kMaxLayers);
  // Capacities and dropping are of training; a server drops no token.
  reader.ignore(
      {"max_sequence_length", "moe_eval_capacity_factor", "moe_min_capacity",
       "moe_token_dropping", "moe_train_capacity_factor",
       "enable_expert_tensor_parallelism", "enc_index", "quantization"});

  int64_t layers = readLayers(reader);
  MlpSpec mlp{experts.intermediate, experts.activation};
  for (int64_t i = 0; i < layers; ++i) {
    if ((i + 1) % frequency != 0)
      spec.addLayer("layer_dense",
                    [&] { return makeLayer(spec, config.attention, mlp); });
    else if (parallel)
      spec.addLayer("layer_moe", [&] { return makeArcticLayer(spec, config); });
    else
      spec.addLayer("layer_moe",
                    [&] { return makeLayer(spec, config.attention, experts); });
  }
}
