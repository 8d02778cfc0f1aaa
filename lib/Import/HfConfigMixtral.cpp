//===- HfConfigMixtral.cpp - model_type mixtral ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One layer class: grouped-query attention and experts with a softmax router
// whose chosen weights are normalized.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readMixtral(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_bias", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.window = reader.has("sliding_window")
                         ? reader.size("sliding_window", kMaxPositions)
                         : 0;
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;

  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = readActivation(reader);
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.normalize = true;
  // Noise on the router's input while training.
  reader.ignore({"router_jitter_noise"});

  int64_t layers = readLayers(reader);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe",
                  [&] { return makeLayer(spec, attention, experts); });
}
