//===- HfConfigQwen3.cpp - model_type qwen3_moe ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped-query attention whose queries and keys are normalized head by head,
// and softmax-routed experts in every `decoder_sparse_step`-th layer that
// `mlp_only_layers` does not name; the others have a dense block.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

void portolan::readQwen3(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  AttentionSpec attention = readHeads(reader, spec);
  attention.norm = QkNorm::head;
  attention.inputBias = attention.outputBias =
      reader.flagOr("attention_bias", false);
  // A window would hold in layers from max_window_layers on.
  reader.onlyFlag("use_sliding_window", false);
  reader.ignore({"sliding_window", "max_window_layers"});
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = attention.keyWidth;

  ExpertsSpec experts;
  MlpSpec mlp;
  experts.activation = mlp.activation = readActivation(reader);
  experts.intermediate = reader.size("moe_intermediate_size");
  mlp.intermediate = reader.size("intermediate_size");
  experts.routing.experts = reader.size("num_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.normalize = reader.flag("norm_topk_prob");

  int64_t layers = readLayers(reader);
  int64_t step = reader.has("decoder_sparse_step")
                     ? reader.size("decoder_sparse_step", kMaxLayers)
                     : 1;
  std::vector<int64_t> dense;
  if (reader.has("mlp_only_layers"))
    dense = reader.integers("mlp_only_layers", 0, layers - 1);
  for (int64_t i = 0; i < layers; ++i) {
    if ((i + 1) % step == 0 && !llvm::is_contained(dense, i))
      spec.addLayer("layer_moe",
                    [&] { return makeLayer(spec, attention, experts); });
    else
      spec.addLayer("layer_dense",
                    [&] { return makeLayer(spec, attention, mlp); });
  }
}
