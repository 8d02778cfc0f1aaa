//===- HfConfigJamba.cpp - model_type jamba
//--------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mamba layers with an attention layer (no rotation) in every period; routed
// experts in every second layer or so, a dense block of the same width in the
// others. The router's weights are the softmax's, not normalized again.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

/// Every `period`-th layer from `offset` on.
struct Period {
  int64_t period = 1, offset = 0;

  bool has(int64_t layer) const { return layer % period == offset; }
};

Period readPeriod(HfConfigReader &reader, StringRef period, StringRef offset) {
  Period result;
  result.period = reader.size(period, kMaxLayers);
  result.offset = reader.integer(offset, 0, result.period - 1);
  return result;
}

MambaSpec readMamba(HfConfigReader &reader, const DecoderSpec &spec) {
  MambaSpec mamba;
  mamba.channels = reader.size("mamba_expand", 64) * spec.hidden;
  mamba.state = reader.size("mamba_d_state");
  mamba.taps = reader.integer("mamba_d_conv", 2, 64);
  mamba.stepRank = reader.size("mamba_dt_rank");
  mamba.convolutionBias = reader.flag("mamba_conv_bias");
  mamba.projectionBias = reader.flag("mamba_proj_bias");
  mamba.norms = true;
  return mamba;
}

} // namespace

void portolan::readJamba(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  reader.onlyNull("sliding_window");
  spec.rotaries.clear();
  MambaSpec mamba = readMamba(reader, spec);
  // How the last positions are asked for, and with which kernels.
  reader.ignore({"num_logits_to_keep", "use_mamba_kernels"});

  MlpSpec mlp;
  mlp.intermediate = reader.size("intermediate_size");
  mlp.activation = readActivation(reader);
  ExpertsSpec experts;
  experts.intermediate = mlp.intermediate;
  experts.activation = mlp.activation;
  experts.routing.experts = reader.size("num_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);

  int64_t layers = readLayers(reader);
  Period attends = readPeriod(reader, "attn_layer_period", "attn_layer_offset");
  Period routes =
      readPeriod(reader, "expert_layer_period", "expert_layer_offset");
  for (int64_t i = 0; i < layers; ++i) {
    std::string name = attends.has(i) ? "layer_attention" : "layer_mamba";
    name += routes.has(i) ? "_moe" : "_dense";
    spec.addLayer(name, [&] {
      return makeHybridLayer(
          spec, attends.has(i) ? mixerOf(attention) : mixerOf(mamba),
          routes.has(i) ? feedForwardOf(experts) : feedForwardOf(mlp));
    });
  }
}
