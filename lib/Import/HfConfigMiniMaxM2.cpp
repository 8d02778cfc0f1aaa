//===- HfConfigMiniMaxM2.cpp - model_type minimax_m2 ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention whose queries and keys are normalized over all heads together and
// rotated in the first `rotary_dim` elements of each head; sigmoid-routed
// experts, chosen with a correction and with weights that sum to 1.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readMiniMaxM2(HfConfigReader &reader, DecoderSpec &spec) {
  CommonFields common;
  common.bfloat16IfAbsent = true;
  readCommon(reader, spec, common);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  if (reader.flag("use_qk_norm")) {
    reader.choice("qk_norm_type", {"per_layer"});
    attention.norm = QkNorm::row;
  }
  readRotation(reader, spec.rotaries[0]);
  int64_t rotated = spec.rotaries[0].width =
      reader.size("rotary_dim", attention.keyWidth);
  reader.require(rotated % 2 == 0, "rotary_dim", "an even width");
  // Kinds of attention by layer: 1 is the softmax over all keys.
  if (reader.has("attn_type_list"))
    for (int64_t kind : reader.integers("attn_type_list", 1, 1))
      (void)kind;

  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = readActivation(reader);
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  reader.choice("scoring_func", {"sigmoid"});
  experts.routing.scoring = moe::Scoring::sigmoid;
  experts.routing.correction = reader.flag("use_routing_bias");
  experts.routing.normalize = true;
  if (reader.has("shared_intermediate_size"))
    reader.integer("shared_intermediate_size", 0, 0);
  // Layers that draft the next tokens are no part of the decoder.
  reader.ignore({"use_mtp", "num_mtp_modules", "mtp_transformer_layers"});

  int64_t layers = readLayers(reader);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe",
                  [&] { return makeLayer(spec, attention, experts); });
}
