//===- HfConfigQwen3Next.cpp - qwen3_next, qwen3_5_moe
//---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers of linear attention by the gated delta rule, and every few of them one
// of gated attention whose heads are rotated in part. All have routed experts
// and a shared one that a sigmoid gates. Gains of norms are kept around zero.
// Qwen3.5 is the same decoder under `text_config`; of its rotation in three
// sections text sees one, as its positions are the same in all. Its vision
// tower and next-token layers are not part of the decoder.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

DeltaSpec readDelta(HfConfigReader &reader) {
  DeltaSpec delta;
  delta.heads = reader.size("linear_num_value_heads");
  delta.keyHeads = reader.size("linear_num_key_heads", delta.heads);
  reader.require(delta.heads % delta.keyHeads == 0, "linear_num_key_heads",
                 "a divisor of linear_num_value_heads " + Twine(delta.heads));
  delta.keyWidth = reader.size("linear_key_head_dim");
  delta.valueWidth = reader.size("linear_value_head_dim");
  delta.taps = reader.integer("linear_conv_kernel_dim", 2, 64);
  return delta;
}

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  experts.intermediate = reader.size("moe_intermediate_size");
  experts.shared.intermediate = reader.size("shared_expert_intermediate_size");
  experts.sharedGate = true;
  experts.activation = experts.shared.activation = readActivation(reader);
  experts.routing.experts = reader.size("num_experts", kMaxExperts);
  experts.routing.topK =
      reader.size("num_experts_per_tok", experts.routing.experts);
  experts.routing.normalize = reader.flagOr("norm_topk_prob", true);
  return experts;
}

/// Whether each layer attends to its whole context: `layer_types`, or every
/// `full_attention_interval`-th.
std::vector<bool> readAttends(HfConfigReader &reader) {
  int64_t layers = readLayers(reader);
  int64_t interval = reader.has("full_attention_interval")
                         ? reader.size("full_attention_interval", kMaxLayers)
                         : 4;
  std::vector<bool> attends;
  for (int64_t i = 0; i < layers; ++i)
    attends.push_back((i + 1) % interval == 0);
  if (!reader.has("layer_types"))
    return attends;
  std::vector<std::string> types = reader.strings("layer_types");
  reader.require(int64_t(types.size()) == layers, "layer_types",
                 "one entry per layer, " + Twine(layers));
  for (size_t i = 0; i < types.size() && i < attends.size(); ++i) {
    attends[i] = types[i] == "full_attention";
    if (!attends[i] && types[i] != "linear_attention")
      reader.fail("layer_types", "\"linear_attention\" or \"full_attention\"",
                  "\"" + types[i] + "\"");
  }
  return attends;
}

/// Theta and rotated width. Files of Qwen3.5 keep both in `rope_parameters`.
void readPartialRotation(HfConfigReader &reader, RotarySpec &rotary,
                         int64_t width) {
  if (!reader.has("rope_parameters")) {
    readRotation(reader, rotary);
    rotary.width = readRotatedWidth(reader, width);
    return;
  }
  reader.nested("rope_parameters", [&](HfConfigReader &inner) {
    rotary.theta = inner.positive("rope_theta");
    inner.choice("rope_type", {"default"});
    rotary.width = readRotatedWidth(inner, width);
    // Sections of time, height and width: the same position for text.
    inner.ignore({"mrope_interleaved", "mrope_section"});
  });
}

void readDecoder(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  spec.gainOffset = 1;
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_bias", false);
  reader.onlyFlag("attn_output_gate", true);
  reader.onlyFlag("use_sliding_window", false);
  if (reader.has("mamba_ssm_dtype"))
    reader.choice("mamba_ssm_dtype", {"float32"});
  AttentionSpec attention = readHeads(reader, spec);
  attention.norm = QkNorm::head;
  attention.gated = true;
  readPartialRotation(reader, spec.rotaries[0], attention.keyWidth);
  DeltaSpec delta = readDelta(reader);
  ExpertsSpec experts = readExperts(reader);
  // Every layer has experts, so that the width of a dense one is not used.
  reader.onlyInteger("decoder_sparse_step", 1);
  if (reader.has("mlp_only_layers"))
    reader.integers("mlp_only_layers", 0, 0, /*count=*/0);
  reader.ignore({"intermediate_size", "mtp_num_hidden_layers",
                 "mtp_use_dedicated_embeddings"});
  for (bool attends : readAttends(reader))
    spec.addLayer(attends ? "layer_attention" : "layer_linear", [&] {
      return attends ? makeHybridLayer(spec, mixerOf(attention),
                                       feedForwardOf(experts), /*rotary=*/0)
                     : makeHybridLayer(spec, mixerOf(delta),
                                       feedForwardOf(experts));
    });
}

} // namespace

void portolan::readQwen3Next(HfConfigReader &reader, DecoderSpec &spec) {
  readDecoder(reader, spec);
}

void portolan::readQwen35(HfConfigReader &reader, DecoderSpec &spec) {
  reader.onlyFlag("tie_word_embeddings", false);
  reader.ignore({"vision_config", "image_token_id", "video_token_id",
                 "vision_start_token_id", "vision_end_token_id"});
  reader.nested("text_config", [&](HfConfigReader &text) {
    readDecoder(text, spec);
    ignoreCommonFields(text);
  });
}
