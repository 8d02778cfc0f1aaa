//===- HfConfigGemma4.cpp - model_type gemma4, with experts -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sliding and global attention with heads of different widths, and in every
// layer a dense block and routed experts side by side, each between norms of
// its own. The router sees the state before the experts' norm, normalized and
// scaled by weights of its own. Values are normalized without gains; in global
// layers they are the keys before their norm and rotation. The head is the
// embedding. Weights that change their place, exactly: the scale of an expert
// is part of its down projection, and the columns of a global head are ordered
// so that those that rotate come first (pair i of D / 2 becomes pair i of those
// that rotate, whose theta is that of the whole head to their share). Vision,
// audio and the scalar of a layer's last sum are not parameters of the decoder.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

struct GemmaAttention {
  AttentionSpec heads;
  bool valueIsKey = false;
};

/// A weight that holds ones: the gain of a norm that has none.
WeightSpec ones(const std::string &name, int64_t width,
                const DecoderSpec &spec) {
  auto type = RankedTensorType::get({width}, Float32Type::get(spec.context));
  return {name, {width}, type.getElementType(), [type](int64_t) {
            return ElementsAttr(DenseElementsAttr::get(type, 1.0f));
          }};
}

Mixer mixerOf(const GemmaAttention &attention) {
  AttentionSpec heads = attention.heads;
  auto add = [=](LayerClass &layer, const DecoderSpec &spec) {
    addAttentionWeights(layer, spec, heads);
    if (attention.valueIsKey)
      llvm::erase_if(layer.weights, [](const WeightSpec &weight) {
        return weight.name == "v";
      });
    // Norms without gains fold into one op with a gain of ones.
    layer.weights.push_back(ones("v_norm", heads.valueWidth, spec));
    layer.weights.push_back({"mixer_norm", {spec.hidden}, spec.formats.plain});
  };
  auto build = [=](LayerBody &body, Value input) -> SmallVector<Value> {
    auto turn = [&](const std::string &name, Value value) {
      return body.rope("rope_" + name, body.norm(value, name + "_norm"),
                       heads.keyWidth, /*offset=*/0, /*interleaved=*/false);
    };
    Value query = turn("q", body.linear(input, "q"));
    Value projected = body.linear(input, "k");
    Value key = turn("k", projected);
    Value value = body.norm(
        attention.valueIsKey ? projected : body.linear(input, "v"), "v_norm");
    auto op = moe::AttentionOp::create(
        body.builder, body.at("attention"),
        body.tokens(heads.heads * heads.valueWidth), body.grownType(0),
        body.grownType(1), /*log_sum_exp=*/Type(), query, key, value,
        body.cache(0), body.cache(1), /*total_lengths=*/Value(),
        /*sinks=*/Value(), uint64_t(heads.heads), uint64_t(heads.kvHeads),
        llvm::APFloat(heads.scale), uint64_t(heads.window),
        llvm::APFloat(heads.softCap), /*cache_format=*/moe::FormatAttr());
    Value result = body.norm(body.linear(op.getResult(), "o"), "mixer_norm");
    return {result, op.getPresentKey(), op.getPresentValue()};
  };
  return {add, build};
}

/// norm(mlp(norm(h)) and norm(experts(norm(h))) summed and normalized again.
LayerClass makeLayer(const DecoderSpec &spec, const GemmaAttention &attention,
                     const MlpSpec &mlp, const ExpertsSpec &experts,
                     unsigned rotary) {
  LayerClass layer;
  layer.rotary = rotary;
  Mixer mixer = mixerOf(attention);
  auto norm = [&](const char *name) {
    layer.weights.push_back({name, {spec.hidden}, spec.formats.plain});
  };
  norm("mixer_input_norm");
  mixer.addWeights(layer, spec);
  norm("mlp_norm");
  addMlpWeights(layer, spec, "mlp", mlp);
  norm("mlp_output_norm");
  norm("router_norm");
  norm("experts_norm");
  addExpertsWeights(layer, spec, experts);
  norm("experts_output_norm");
  norm("output_norm");
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    SmallVector<Value> results =
        mixer.build(body, body.norm(body.hidden, "mixer_input_norm"));
    Value hidden = body.add("add_mixer", body.hidden, results[0]);
    Value dense =
        body.norm(buildMlp(body, "mlp", body.norm(hidden, "mlp_norm"), mlp),
                  "mlp_output_norm");
    Value routed = moe::ScaleOp::create(
        body.builder, body.at("router_scale"), hidden.getType(),
        body.norm(hidden, "router_norm"),
        llvm::APFloat(1 / std::sqrt(double(body.spec.hidden))),
        /*soft_cap=*/llvm::APFloat(0.0), /*limit=*/llvm::APFloat(0.0));
    Value sum =
        buildExperts(body, routed, experts, body.norm(hidden, "experts_norm"));
    sum = body.add("add_experts", dense, body.norm(sum, "experts_output_norm"));
    results[0] = body.add("add_output", hidden, body.norm(sum, "output_norm"));
    return results;
  };
  return layer;
}

/// Theta and width of one kind of layer's rotation.
void readGemmaRotation(HfConfigReader &reader, StringRef kind,
                       RotarySpec &rotary, int64_t width) {
  reader.nested(kind, [&](HfConfigReader &inner) {
    double theta = inner.positive("rope_theta");
    bool proportional =
        inner.choice("rope_type", {"default", "proportional"}) == 1;
    rotary.width = readRotatedWidth(inner, width);
    if (!proportional)
      inner.require(rotary.width == width, "partial_rotary_factor",
                    "1 for rope_type default");
    // theta^(-2i / width) = (theta^(rotated / width))^(-2i / rotated).
    rotary.theta = std::pow(theta, double(rotary.width) / double(width));
  });
}

void readText(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  spec.tiedHead = reader.flag("tie_word_embeddings");
  reader.require(spec.tiedHead, "tie_word_embeddings", "true");
  spec.embeddingScale = std::sqrt(double(spec.hidden));
  if (reader.has("final_logit_softcapping"))
    spec.logitsCap = reader.positive("final_logit_softcapping");
  reader.onlyFlag("attention_bias", false);
  reader.require(reader.flag("enable_moe_block"), "enable_moe_block",
                 "true (dense models are not imported)");
  reader.onlyInteger("hidden_size_per_layer_input", 0);
  reader.onlyInteger("num_kv_shared_layers", 0);
  reader.onlyFlag("use_double_wide_mlp", false);
  // Text sees itself causally in every case; the vocabulary of embeddings per
  // layer belongs to inputs that this model does not have.
  reader.ignore({"use_bidirectional_attention", "vocab_size_per_layer_input"});

  GemmaAttention sliding, global;
  sliding.heads = readHeads(reader, spec);
  sliding.heads.window = reader.size("sliding_window", kMaxPositions);
  HeadFields fields;
  fields.kvHeads = "num_global_key_value_heads";
  fields.width = "global_head_dim";
  global.heads = readHeads(reader, spec, fields);
  global.valueIsKey = reader.flag("attention_k_eq_v");
  // Queries and keys are normalized, their scores not scaled.
  sliding.heads.scale = global.heads.scale = 1;
  sliding.heads.norm = global.heads.norm = QkNorm::head;
  spec.rotaries.push_back(spec.rotaries[0]);
  reader.nested("rope_parameters", [&](HfConfigReader &inner) {
    readGemmaRotation(inner, "sliding_attention", spec.rotaries[0],
                      sliding.heads.keyWidth);
    readGemmaRotation(inner, "full_attention", spec.rotaries[1],
                      global.heads.keyWidth);
  });

  MlpSpec mlp;
  ExpertsSpec experts;
  mlp.activation = experts.activation =
      readActivation(reader, "hidden_activation");
  mlp.intermediate = reader.size("intermediate_size");
  experts.intermediate = reader.size("moe_intermediate_size");
  experts.routing.experts = reader.size("num_experts", kMaxExperts);
  experts.routing.topK = reader.size("top_k_experts", experts.routing.experts);
  experts.routing.normalize = true;

  int64_t layers = readLayers(reader);
  std::vector<std::string> types = reader.strings("layer_types");
  reader.require(int64_t(types.size()) == layers, "layer_types",
                 "one entry per layer, " + Twine(layers));
  for (const std::string &type : types) {
    if (type == "full_attention")
      spec.addLayer("layer_global", [&] {
        return makeLayer(spec, global, mlp, experts, /*rotary=*/1);
      });
    else if (type == "sliding_attention")
      spec.addLayer("layer_sliding", [&] {
        return makeLayer(spec, sliding, mlp, experts, /*rotary=*/0);
      });
    else
      reader.fail("layer_types", "\"sliding_attention\" or \"full_attention\"",
                  "\"" + type + "\"");
  }
}

} // namespace

void portolan::readGemma4(HfConfigReader &reader, DecoderSpec &spec) {
  reader.onlyFlag("tie_word_embeddings", true);
  if (reader.has("dtype"))
    reader.choice("dtype", {"bfloat16"});
  reader.ignore({"vision_config", "audio_config", "audio_token_id",
                 "boa_token_id", "boi_token_id", "eoa_token_id",
                 "eoa_token_index", "eoi_token_id", "image_token_id",
                 "video_token_id", "vision_soft_tokens_per_image"});
  reader.nested("text_config", [&](HfConfigReader &text) {
    readText(text, spec);
    ignoreCommonFields(text);
  });
}
