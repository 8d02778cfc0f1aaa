//===- HfConfigGptOss.cpp - model_type gpt_oss ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped-query attention with biases, sinks and a window in the layers that
// `layer_types` says (without it, every other one from the first on), and
// experts with biases and a clamped SwiGLU. The softmax over the chosen logits
// is the softmax over all, normalized over the chosen.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

/// What the family's code fixes: act = g * sigmoid(1.702 g) * (u + 1).
constexpr double kAlpha = 1.702;
constexpr double kLinearOffset = 1;

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  reader.choice("hidden_act", {"silu"});
  experts.biases = true;
  experts.limit =
      reader.has("swiglu_limit") ? reader.positive("swiglu_limit") : 7.0;
  experts.alpha = kAlpha;
  experts.linearOffset = kLinearOffset;
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  if (reader.has("experts_per_token"))
    reader.onlyInteger("experts_per_token", experts.routing.topK);
  experts.routing.bias = true;
  experts.routing.normalize = true;
  return experts;
}

} // namespace

void portolan::readGptOss(HfConfigReader &reader, DecoderSpec &spec) {
  CommonFields common;
  common.bfloat16IfAbsent = true;
  readCommon(reader, spec, common);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.inputBias = attention.outputBias =
      reader.flagOr("attention_bias", true);
  attention.sinks = true;
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;
  // The context before scaling, which rope_scaling says too.
  reader.ignore({"initial_context_length"});
  ExpertsSpec experts = readExperts(reader);

  int64_t layers = readLayers(reader);
  std::vector<bool> windowed = readWindowedLayers(reader, layers);
  if (windowed.empty())
    for (int64_t i = 0; i < layers; ++i)
      windowed.push_back(i % 2 == 0);
  int64_t window = reader.size("sliding_window", kMaxPositions);
  for (bool isWindowed : windowed) {
    attention.window = isWindowed ? window : 0;
    spec.addLayer(isWindowed ? "layer_window" : "layer_full",
                  [&] { return makeLayer(spec, attention, experts); });
  }
}
