//===- HfConfigDbrx.cpp - model_type dbrx ---------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layer normalization without biases, projections that are limited to
// [-clip, clip], and softmax-routed experts whose weights sum to 1. Attention
// and experts have fields of their own in `attn_config` and `ffn_config`.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

/// Of the layer normalization that the family's code uses.
constexpr double kEpsilon = 1e-5;

void readAttention(HfConfigReader &reader, DecoderSpec &spec,
                   AttentionSpec &attention) {
  int64_t heads = reader.size("n_heads");
  reader.require(spec.hidden % heads == 0 && (spec.hidden / heads) % 2 == 0,
                 "n_heads",
                 "a divisor of d_model " + Twine(spec.hidden) +
                     " into heads of even width");
  attention.heads = heads;
  attention.keyWidth = attention.valueWidth =
      std::max<int64_t>(spec.hidden / heads / 2 * 2, 2);
  attention.scale = 1 / std::sqrt(double(attention.keyWidth));
  reader.nested("attn_config", [&](HfConfigReader &inner) {
    attention.kvHeads = inner.size("kv_n_heads", heads);
    inner.require(heads % attention.kvHeads == 0, "kv_n_heads",
                  "a divisor of n_heads " + Twine(heads));
    if (inner.has("clip_qkv"))
      attention.clip = inner.positive("clip_qkv");
    readRotation(inner, spec.rotaries[0]);
    ignoreCommonFields(inner);
  });
  spec.rotaries[0].width = attention.keyWidth;
}

void readExperts(HfConfigReader &reader, ExpertsSpec &experts) {
  reader.nested("ffn_config", [&](HfConfigReader &inner) {
    experts.intermediate = inner.size("ffn_hidden_size");
    experts.routing.experts = inner.size("moe_num_experts", kMaxExperts);
    experts.routing.topK = inner.size("moe_top_k", experts.routing.experts);
    // The norm by which the chosen weights are divided; 1 is their sum.
    if (inner.has("moe_normalize_expert_weights"))
      inner.require(inner.positive("moe_normalize_expert_weights") == 1,
                    "moe_normalize_expert_weights", "1");
    experts.routing.normalize = true;
    if (inner.has("ffn_act_fn"))
      inner.nested("ffn_act_fn", [&](HfConfigReader &act) {
        experts.activation = readActivation(act, "name");
      });
    inner.onlyFlag("uniform_expert_assignment", false);
    // Noise and loss of training.
    inner.ignore({"moe_jitter_eps", "moe_loss_weight"});
    ignoreCommonFields(inner);
  });
}

} // namespace

void portolan::readDbrx(HfConfigReader &reader, DecoderSpec &spec) {
  spec.hidden = reader.size("d_model");
  spec.vocabulary = reader.size("vocab_size", kMaxVocabulary);
  spec.epsilon = kEpsilon;
  spec.centeredNorms = true;
  spec.rotaries[0].positions = reader.size("max_seq_len", kMaxPositions);
  readElementType(reader, spec, /*bfloat16IfAbsent=*/false);
  readQuantization(reader, spec.formats);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention;
  readAttention(reader, spec, attention);
  ExpertsSpec experts;
  readExperts(reader, experts);
  int64_t layers = reader.size("n_layers", kMaxLayers);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe",
                  [&] { return makeLayer(spec, attention, experts); });
}
