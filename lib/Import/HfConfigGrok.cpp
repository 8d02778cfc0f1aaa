//===- HfConfigGrok.cpp - architecture Grok1ModelForCausalLM --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grok-1, whose files say `model_type` mixtral. What is added to the hidden
// state is normalized before and after each block, scores are capped softly,
// experts are gated by gelu and keep their softmax weights, and constants scale
// the embedding and the logits. The head is a matrix of its own, as in the
// files of this architecture.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

/// What the family's code fixes where the file does not say.
constexpr double kSoftCap = 30;

struct GrokConfig {
  AttentionSpec attention;
  ExpertsSpec experts;
};

LayerClass makeGrokLayer(const DecoderSpec &spec, const GrokConfig &config) {
  LayerClass layer;
  addNormWeights(layer, spec, "attention_norm", spec.hidden);
  addAttentionWeights(layer, spec, config.attention);
  addNormWeights(layer, spec, "attention_post_norm", spec.hidden);
  addNormWeights(layer, spec, "experts_norm", spec.hidden);
  addExpertsWeights(layer, spec, config.experts);
  addNormWeights(layer, spec, "experts_post_norm", spec.hidden);
  layer.body = [config](LayerBody &body) -> SmallVector<Value> {
    AttentionParts parts = buildAttention(
        body, body.norm(body.hidden, "attention_norm"), config.attention);
    Value hidden = body.add("add_attention", body.hidden,
                            body.norm(parts.result, "attention_post_norm"));
    Value routed =
        buildExperts(body, body.norm(hidden, "experts_norm"), config.experts);
    return {
        body.add("add_experts", hidden, body.norm(routed, "experts_post_norm")),
        parts.presentKey, parts.presentValue};
  };
  return layer;
}

} // namespace

void portolan::readGrok(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  spec.embeddingScale = reader.positive("embedding_multiplier_scale");
  spec.logitsScale = reader.positive("output_multiplier_scale");
  GrokConfig config;
  AttentionSpec &attention = config.attention = readHeads(reader, spec);
  if (reader.has("attn_output_multiplier"))
    attention.scale = reader.positive("attn_output_multiplier");
  attention.softCap = reader.has("attn_logit_softcapping")
                          ? reader.positive("attn_logit_softcapping")
                          : kSoftCap;
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;

  ExpertsSpec &experts = config.experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = moe::Activation::gelu_tanh;
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);

  int64_t layers = readLayers(reader);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe", [&] { return makeGrokLayer(spec, config); });
}
