//===- HfConfigMiniMaxM1.cpp - model_type minimax_m1
//-----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lightning attention in most layers, softmax attention (rotated in part) in
// the others, and softmax-routed experts in all. What a block computes is added
// to the normalized state that it started from, scaled.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

/// What a block starts from is scaled by alpha, what it computes by beta.
double readAlpha(HfConfigReader &reader, const std::string &block) {
  std::string beta = "layernorm_" + block + "_beta";
  reader.require(reader.positive(beta) == 1, beta, "1");
  return reader.positive("layernorm_" + block + "_alpha");
}

} // namespace

void portolan::readMiniMaxM1(HfConfigReader &reader, DecoderSpec &spec) {
  CommonFields fields;
  fields.bfloat16IfAbsent = true;
  readCommon(reader, spec, fields);
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyNull("sliding_window");
  AttentionSpec attention = readHeads(reader, spec);
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = reader.size("rotary_dim", attention.keyWidth);
  reader.require(spec.rotaries[0].width % 2 == 0, "rotary_dim",
                 "an even width");
  ResidualSpec linear, full;
  linear.fromNorm = full.fromNorm = reader.flag("postnorm");
  linear.mixerScale = readAlpha(reader, "linear_attention");
  full.mixerScale = readAlpha(reader, "full_attention");
  linear.feedForwardScale = full.feedForwardScale = readAlpha(reader, "mlp");

  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = readActivation(reader);
  experts.routing.experts = reader.size("num_local_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.normalize = true;
  // Without a shared expert its gate has no effect.
  reader.onlyInteger("shared_intermediate_size", 0);
  reader.ignore({"shared_moe_mode", "router_jitter_noise"});

  int64_t layers = readLayers(reader);
  LightningSpec lightning;
  lightning.heads = attention.heads;
  lightning.width = attention.keyWidth;
  lightning.layers = layers;
  reader.require(llvm::isPowerOf2_64(uint64_t(lightning.heads)),
                 "num_attention_heads",
                 "a power of two, for which the decays of lightning attention "
                 "are defined");
  for (int64_t type : reader.integers("attn_type_list", 0, 1, layers))
    spec.addLayer(type == 1 ? "layer_attention" : "layer_linear", [&] {
      return type == 1
                 ? makeHybridLayer(spec, mixerOf(attention),
                                   feedForwardOf(experts), /*rotary=*/0, full)
                 : makeHybridLayer(spec, mixerOf(lightning),
                                   feedForwardOf(experts), std::nullopt,
                                   linear);
    });
}
