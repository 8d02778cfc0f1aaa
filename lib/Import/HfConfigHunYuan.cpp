//===- HfConfigHunYuan.cpp - model_type hunyuan ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention whose queries and keys are normalized after rotation, and experts
// beside a shared block that is as wide as one of them.
//
// With cross-layer attention (`use_cla`) the first of `cla_share_factor` layers
// projects keys and values, and all attend to them. Each layer normalizes the
// rotated keys with gains of its own; as a score is linear in them, the gains
// are applied to the queries, and the layers share one cache of keys that are
// normalized without gain.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

/// Layers [first, first + count) that share the cache of the first.
LayerClass makeGroup(const DecoderSpec &spec, const AttentionSpec &attention,
                     const ExpertsSpec &experts, int64_t count) {
  if (count == 1)
    return makeLayer(spec, attention, experts);
  LayerClass group;
  for (int64_t i = 0; i < count; ++i) {
    AttentionSpec own = attention;
    own.cache =
        i == 0 ? AttentionSpec::Cache::first : AttentionSpec::Cache::borrowed;
    group.parts.push_back(makeLayer(spec, own, experts));
  }
  return group;
}

} // namespace

void portolan::readHunYuan(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  spec.tiedHead = reader.flagOr("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.inputBias = attention.outputBias =
      reader.flagOr("attention_bias", false);
  if (reader.flagOr("use_qk_norm", false)) {
    attention.norm = QkNorm::head;
    attention.normAfterRotation = true;
  }
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
  else
    reader.ignore({"num_shared_expert"});

  int64_t layers = readLayers(reader), share = 1;
  if (reader.flagOr("use_cla", false))
    share = reader.size("cla_share_factor", layers);
  else
    reader.ignore({"cla_share_factor"});
  if (reader.failed())
    return;
  for (int64_t i = 0; i < layers; i += share) {
    // The last group may have fewer layers.
    int64_t count = std::min(share, layers - i);
    std::string name = "layer_moe";
    if (count > 1)
      name += "_" + std::to_string(count);
    spec.addLayer(name,
                  [&] { return makeGroup(spec, attention, experts, count); });
  }
}
