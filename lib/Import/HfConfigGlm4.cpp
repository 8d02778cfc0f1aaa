//===- HfConfigGlm4.cpp - model_type glm4_moe -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped-query attention with biases on queries, keys and values, a norm per
// head where `use_qk_norm` says so and rotation of a part of each head; the
// router and the shared experts of DeepSeek-V3. The first layers are dense.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readGlm4(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.inputBias = reader.flagOr("attention_bias", false);
  if (reader.flagOr("use_qk_norm", false))
    attention.norm = QkNorm::head;
  readRotation(reader, spec.rotaries[0]);
  // Half of a head if the file does not say.
  spec.rotaries[0].width =
      reader.has("partial_rotary_factor") || reader.has("rope_parameters")
          ? readRotatedWidth(reader, attention.keyWidth)
          : attention.keyWidth / 2;

  ExpertsSpec experts;
  MlpSpec mlp;
  mlp.intermediate = reader.size("intermediate_size");
  experts.intermediate = reader.size("moe_intermediate_size");
  experts.shared.intermediate =
      reader.integer("n_shared_experts", 0, kMaxExperts) * experts.intermediate;
  mlp.activation = experts.activation = experts.shared.activation =
      readActivation(reader);
  // The family has no other router.
  if (reader.has("topk_method"))
    reader.choice("topk_method", {"noaux_tc"});
  if (reader.has("scoring_func"))
    reader.choice("scoring_func", {"sigmoid"});
  readGroups(reader, experts.routing);

  int64_t layers = readLayers(reader);
  int64_t dense = reader.integer("first_k_dense_replace", 0, layers - 1);
  for (int64_t i = 0; i < layers; ++i) {
    if (i < dense)
      spec.addLayer("layer_dense",
                    [&] { return makeLayer(spec, attention, mlp); });
    else
      spec.addLayer("layer_moe",
                    [&] { return makeLayer(spec, attention, experts); });
  }
}
