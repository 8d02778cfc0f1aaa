//===- HfConfigOlmoe.cpp - model_type olmoe -------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention whose queries and keys are normalized over all heads together, and
// softmax-routed experts in every layer.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readOlmoe(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.norm = QkNorm::row;
  attention.inputBias = attention.outputBias =
      reader.flagOr("attention_bias", false);
  if (reader.has("clip_qkv"))
    attention.clip = reader.positive("clip_qkv");
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;

  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = readActivation(reader);
  experts.routing.experts = reader.size("num_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.normalize = reader.flag("norm_topk_prob");

  int64_t layers = readLayers(reader);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe",
                  [&] { return makeLayer(spec, attention, experts); });
}
