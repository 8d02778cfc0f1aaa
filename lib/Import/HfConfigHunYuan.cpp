//===- HfConfigHunYuan.cpp - model_type hunyuan ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention whose queries and keys are normalized after rotation, and experts
// beside a shared block that is as wide as one of them. Layers that read the
// keys and values of another layer are refused.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readHunYuan(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.inputBias = attention.outputBias =
      reader.flagOr("attention_bias", false);
  if (reader.flagOr("use_qk_norm", false)) {
    attention.norm = QkNorm::head;
    attention.normAfterRotation = true;
  }
  // Every cla_share_factor-th layer would project keys and values; the others
  // normalize the keys of its cache with gains of their own.
  reader.onlyFlag("use_cla", false);
  reader.ignore({"cla_share_factor"});
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;

  ExpertsSpec experts;
  experts.intermediate = reader.size("intermediate_size");
  experts.activation = experts.shared.activation = readActivation(reader);
  experts.routing.experts = reader.size("num_experts", kMaxExperts);
  experts.routing.topK = reader.size("moe_topk", experts.routing.experts);
  experts.routing.normalize = experts.routing.topK > 1;
  if (reader.flagOr("use_mixed_mlp_moe", false))
    experts.shared.intermediate =
        reader.size("num_shared_expert", kMaxExperts) * experts.intermediate;

  int64_t layers = readLayers(reader);
  for (int64_t i = 0; i < layers; ++i)
    spec.addLayer("layer_moe",
                  [&] { return makeLayer(spec, attention, experts); });
}
