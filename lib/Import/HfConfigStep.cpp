//===- HfConfigStep.cpp - model_type step3p7 ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped-query attention with normalized heads and, if the file says so, a
// gate per head; layers with a window have other head counts
// (`attention_other_setting`) and rotate by other angles. Sigmoid-routed
// experts with a correction of the choice and a shared expert. Gains of norms
// are kept around zero. Later layers limit the activated gate and the linear
// part of their blocks.
//
// The decoder is the `text_config`, or the file itself; the vision tower and
// the layers that draft tokens are left out. Lists by layer may go on for the
// latter. Published files are often cut down to sizes: what rotates how far,
// which heads a windowed layer has and whether heads are gated is not guessed.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace portolan;

namespace {

/// What tells the layers apart.
struct StepLayer {
  bool windowed = false, routed = false;
  unsigned rotary = 0;
  double limit = 0;       ///< of the experts; 0: none
  double sharedLimit = 0; ///< of the shared or the dense block

  bool operator==(const StepLayer &other) const {
    return windowed == other.windowed && routed == other.routed &&
           rotary == other.rotary && limit == other.limit &&
           sharedLimit == other.sharedLimit;
  }
};

/// The first of the fields that is there, or the last.
StringRef either(const HfConfigReader &reader, StringRef first,
                 StringRef second) {
  return reader.has(first) ? first : second;
}

/// A number for each of `layers`, from a list of at least as many or from one
/// number for all.
std::vector<double> readPerLayer(HfConfigReader &reader, StringRef field,
                                 int64_t layers) {
  if (!reader.isArray(field))
    return std::vector<double>(layers, reader.positive(field));
  std::vector<double> list = reader.numbers(field, /*count=*/-1);
  reader.require(int64_t(list.size()) >= layers, field,
                 "a number for each of " + Twine(layers) + " layers");
  list.resize(layers, 1);
  return list;
}

void readWindows(HfConfigReader &reader, std::vector<StepLayer> &layers) {
  constexpr StringRef kField = "layer_types";
  std::vector<std::string> kinds = reader.strings(kField);
  reader.require(kinds.size() >= layers.size(), kField,
                 "one entry for each of " + Twine(layers.size()) + " layers");
  kinds.resize(layers.size(), "full_attention");
  for (auto [layer, kind] : llvm::zip_equal(layers, kinds)) {
    layer.windowed = kind == "sliding_attention";
    if (!layer.windowed && kind != "full_attention")
      reader.fail(kField, "\"sliding_attention\" or \"full_attention\"",
                  "\"" + kind + "\"");
  }
}

/// Which layers route: `moe_layers_enum` names them, or all behind the first
/// `first_k_dense_replace`.
void readRouted(HfConfigReader &reader, std::vector<StepLayer> &layers) {
  constexpr StringRef kField = "moe_layers_enum";
  int64_t count = layers.size();
  if (!reader.has(kField)) {
    int64_t dense = reader.integer("first_k_dense_replace", 0, count - 1);
    for (int64_t i = dense; i < count; ++i)
      layers[i].routed = true;
    return;
  }
  std::string text = reader.text(kField);
  llvm::SmallVector<StringRef> parts;
  StringRef(text).split(parts, ',');
  for (StringRef part : parts) {
    int64_t layer = 0;
    if (part.trim().getAsInteger(10, layer) || layer < 0 || layer >= count) {
      reader.fail(kField,
                  "layers from 0 to " + Twine(count - 1) + " between commas");
      return;
    }
    layers[layer].routed = true;
  }
  reader.ignore({"use_moe", "moe_every_n_layer", "moe_layer_offset",
                 "first_k_dense_replace"});
}

/// The angles of each layer, every form once in `spec.rotaries`.
void readRotaries(HfConfigReader &reader, DecoderSpec &spec,
                  llvm::ArrayRef<double> thetas, int64_t headWidth,
                  std::vector<StepLayer> &layers) {
  constexpr StringRef kFactors = "partial_rotary_factors";
  std::vector<double> factors(layers.size(), 1);
  if (reader.has(kFactors))
    factors = readPerLayer(reader, kFactors, layers.size());
  RotarySpec plain = spec.rotaries[0], scaled = plain;
  if (reader.has("rope_scaling"))
    reader.nested("rope_scaling", [&](HfConfigReader &inner) {
      readRotationScaling(inner, scaled);
    });
  // Kinds of layers that are scaled; without a list, all.
  std::vector<std::string> kinds = {"full_attention", "sliding_attention"};
  if (reader.has("yarn_only_types"))
    kinds = reader.strings("yarn_only_types");
  if (reader.has("use_rope_layers"))
    reader.require(reader.strings("use_rope_layers").empty(), "use_rope_layers",
                   "an empty list: every layer rotates");
  spec.rotaries.clear();
  std::vector<bool> isScaled;
  for (auto [index, layer] : llvm::enumerate(layers)) {
    bool scales = llvm::is_contained(kinds, layer.windowed ? "sliding_attention"
                                                           : "full_attention");
    RotarySpec rotary = scales ? scaled : plain;
    rotary.theta = thetas[index];
    reader.require(rotary.theta > 0, "rope_theta", "numbers above zero");
    double factor = factors[index];
    bool isPart = factor > 0 && factor <= 1;
    rotary.width = isPart ? int64_t(double(headWidth) * factor) : 0;
    reader.require(rotary.width >= 2 && rotary.width % 2 == 0, kFactors,
                   "factors that rotate an even part of heads of " +
                       Twine(headWidth));
    if (reader.failed())
      return;
    unsigned at = 0;
    while (at < spec.rotaries.size() &&
           (spec.rotaries[at].theta != rotary.theta ||
            spec.rotaries[at].width != rotary.width || isScaled[at] != scales))
      ++at;
    if (at == spec.rotaries.size()) {
      spec.rotaries.push_back(rotary);
      isScaled.push_back(scales);
    }
    layer.rotary = at;
  }
}

/// Attention of the layers with a window.
AttentionSpec readWindowed(HfConfigReader &reader, const DecoderSpec &spec,
                           const AttentionSpec &full) {
  AttentionSpec windowed = full;
  reader.nested("attention_other_setting", [&](HfConfigReader &inner) {
    if (inner.has("attention_type"))
      inner.choice("attention_type", {"sliding_attention"});
    HeadFields fields;
    fields.kvHeads =
        either(inner, "num_attention_groups", "num_key_value_heads");
    windowed.heads = inner.size(fields.heads);
    windowed.kvHeads = inner.has(fields.kvHeads)
                           ? inner.size(fields.kvHeads, windowed.heads)
                           : full.kvHeads;
    inner.require(windowed.heads % windowed.kvHeads == 0, fields.heads,
                  "a multiple of the " + Twine(windowed.kvHeads) +
                      " heads of keys and values");
    // The published code takes the width of the other layers.
    for (StringRef name : {"head_dim", "true_head_dim"})
      inner.onlyInteger(name, full.keyWidth);
  });
  windowed.window = reader.size("sliding_window", kMaxPositions);
  return windowed;
}

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  experts.intermediate = reader.size("moe_intermediate_size");
  experts.shared.intermediate = reader.size("share_expert_dim");
  if (reader.has("share_expert_dims"))
    reader.onlyInteger("share_expert_dims", experts.shared.intermediate);
  reader.onlyInteger("n_shared_experts", 1);
  experts.limitsActivated = experts.shared.limitsActivated = true;
  RoutingSpec &routing = experts.routing;
  routing.experts = reader.size(
      either(reader, "moe_num_experts", "num_experts"), kMaxExperts);
  routing.topK = reader.size(either(reader, "moe_top_k", "num_experts_per_tok"),
                             routing.experts);
  for (StringRef name : {"scoring_func", "moe_router_activation"})
    if (reader.has(name))
      reader.choice(name, {"sigmoid"});
  // Without a correction the published code does not normalize weights alike.
  reader.require(reader.flag("use_moe_router_bias"), "use_moe_router_bias",
                 "true");
  reader.onlyFlag("norm_expert_weight", true);
  routing.scoring = moe::Scoring::sigmoid;
  routing.correction = routing.normalize = true;
  routing.scale = reader.positive("moe_router_scaling_factor");
  return experts;
}

void readDecoder(HfConfigReader &reader, DecoderSpec &spec) {
  std::vector<StepLayer> layers(readLayers(reader));
  std::vector<double> thetas =
      readPerLayer(reader, "rope_theta", layers.size());
  readCommon(reader, spec);
  spec.gainOffset = 1;
  spec.tiedHead = reader.flagOr("tie_word_embeddings", false);
  for (StringRef name : {"zero_centered", "use_qk_norm"})
    reader.onlyFlag(name, true);
  for (StringRef name : {"attention_bias", "sink", "use_mfa"})
    reader.onlyFlag(name, false);
  if (reader.has("att_impl_type"))
    reader.choice("att_impl_type", {"GQA"});
  if (reader.has("hidden_act"))
    reader.choice("hidden_act", {"silu"});
  reader.onlyInteger("moe_dynamic_exp_p", 1);
  reader.ignore({"max_seq_len", "need_fp32_gate"});

  HeadFields fields;
  fields.kvHeads =
      either(reader, "num_attention_groups", "num_key_value_heads");
  AttentionSpec full = readHeads(reader, spec, fields);
  full.norm = QkNorm::head;
  full.gated = full.headGates = reader.flag("use_head_wise_attn_gate");
  readWindows(reader, layers);
  AttentionSpec windowed = full;
  if (llvm::any_of(layers, [](StepLayer &layer) { return layer.windowed; }))
    windowed = readWindowed(reader, spec, full);
  else
    reader.ignore({"attention_other_setting", "sliding_window"});
  readRotaries(reader, spec, thetas, full.keyWidth, layers);
  readRouted(reader, layers);
  ExpertsSpec experts = readExperts(reader);
  MlpSpec mlp = experts.shared;
  mlp.intermediate = reader.size("intermediate_size");
  for (auto [field, limit] :
       {std::pair{"swiglu_limits", &StepLayer::limit},
        std::pair{"swiglu_limits_shared", &StepLayer::sharedLimit}}) {
    if (!reader.has(field))
      continue;
    std::vector<double> limits = readPerLayer(reader, field, layers.size());
    for (size_t i = 0; i < layers.size(); ++i)
      layers[i].*limit = limits[i];
    reader.require(
        llvm::all_of(limits, [](double limit) { return limit >= 0; }), field,
        "limits of at least 0");
  }
  if (reader.failed())
    return;

  std::vector<StepLayer> forms;
  for (StepLayer layer : layers) {
    // A dense layer has no experts to limit.
    if (!layer.routed)
      layer.limit = 0;
    auto isLike = [&](const StepLayer &form) {
      return form.routed == layer.routed && form.windowed == layer.windowed;
    };
    auto known = llvm::find(forms, layer);
    std::string name = layer.routed ? "layer_moe" : "layer_dense";
    name += layer.windowed ? "_window" : "_full";
    // Those that differ from the first of their kind are numbered.
    if (int64_t before = std::count_if(forms.begin(), known, isLike))
      name += "_" + std::to_string(before);
    if (known == forms.end())
      forms.push_back(layer);
    spec.addLayer(name, [&] {
      const AttentionSpec &attention = layer.windowed ? windowed : full;
      ExpertsSpec ownExperts = experts;
      MlpSpec ownMlp = mlp;
      ownExperts.limit = layer.limit;
      ownMlp.limit = ownExperts.shared.limit = layer.sharedLimit;
      return layer.routed ? makeLayer(spec, attention, ownExperts, layer.rotary)
                          : makeLayer(spec, attention, ownMlp, layer.rotary);
    });
  }
}

} // namespace

void portolan::readStep37(HfConfigReader &reader, DecoderSpec &spec) {
  if (!reader.has("text_config"))
    return readDecoder(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  reader.ignore({"vision_config", "image_token_id", "image_token_len",
                 "patch_token_len", "im_start_token", "im_end_token",
                 "im_patch_token", "understand_projector_stride",
                 "projector_bias", "use_im_start_end", "dtype", "torch_dtype",
                 "max_position_embeddings"});
  reader.nested("text_config", [&](HfConfigReader &text) {
    text.choice("model_type", {"step3p5"});
    readDecoder(text, spec);
    ignoreCommonFields(text);
  });
}
