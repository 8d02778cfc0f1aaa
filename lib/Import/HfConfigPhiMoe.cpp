//===- HfConfigPhiMoe.cpp - model_type phimoe -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layer normalization with biases, biases on all projections and the head, and
// experts that a sparse mixer chooses one after the other.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readPhiMoe(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  spec.centeredNorms = spec.normBias = true;
  spec.headBias = reader.flagOr("lm_head_bias", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.inputBias = attention.outputBias =
      reader.flagOr("attention_bias", false);
  attention.window = reader.has("sliding_window")
                         ? reader.size("sliding_window", kMaxPositions)
                         : 0;
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;
  // Read by rope_scaling only.
  reader.ignore({"original_max_position_embeddings"});

  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = readActivation(reader);
  RoutingSpec &routing = experts.routing;
  routing.experts = reader.size("num_local_experts", kMaxExperts);
  // The mixer is defined for two rounds.
  routing.topK = reader.integer("num_experts_per_tok", 2, 2);
  reader.require(routing.experts >= 2, "num_local_experts",
                 "at least 2 experts");
  routing.scoring = moe::Scoring::sparse_mixer;
  routing.jitter = reader.positive("router_jitter_noise");
  // Noise on the input while training.
  reader.ignore({"input_jitter_noise"});

  int64_t layers = readLayers(reader);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe",
                  [&] { return makeLayer(spec, attention, experts); });
}
