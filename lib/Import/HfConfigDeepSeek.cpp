//===- HfConfigDeepSeek.cpp - model types deepseek_v3 and kimi_k2 ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two layer classes with latent attention: dense ones first, then ones with
// routed experts (sigmoid scores, a correction of the choice, groups) and
// shared ones. Kimi K2 is the same graph with other sizes. Next-token
// prediction layers (`num_nextn_predict_layers`) are not part of the decoder.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

struct DeepSeekConfig {
  int64_t heads, queryRank, latent, plainWidth, rotaryWidth, valueWidth;
  int64_t denseIntermediate, expertIntermediate, sharedExperts;
  int64_t layers, denseLayers;
  double scale;
  bool interleaved;
  moe::Activation activation;
  RoutingSpec routing;
};

/// YaRN's growth of the attention logits: 1 at factor 1, then logarithmic.
double yarnMagnitude(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

/// Fills `rotary` and returns what the softmax scale is multiplied with.
double readRopeScaling(HfConfigReader &reader, RotarySpec &rotary) {
  if (!reader.has("rope_scaling"))
    return 1;
  double growth = 1;
  reader.nested("rope_scaling", [&](HfConfigReader &inner) {
    inner.choice(inner.has("rope_type") ? "rope_type" : "type", {"yarn"});
    rotary.yarnFactor = inner.positive("factor");
    rotary.yarnOriginalPositions =
        inner.size("original_max_position_embeddings", kMaxPositions);
    rotary.yarnBetaFast = inner.positive("beta_fast");
    rotary.yarnBetaSlow = inner.positive("beta_slow");
    double whole =
        yarnMagnitude(rotary.yarnFactor, inner.positive("mscale_all_dim"));
    // The tables carry what `mscale` adds to the part that the softmax scale
    // (squared: query and key) already has.
    rotary.magnitude =
        yarnMagnitude(rotary.yarnFactor, inner.positive("mscale")) / whole;
    growth = whole * whole;
  });
  return growth;
}

void readRouting(HfConfigReader &reader, RoutingSpec &routing) {
  routing.experts = reader.size("n_routed_experts", kMaxExperts);
  routing.topK = reader.size("num_experts_per_tok", routing.experts);
  reader.choice("topk_method", {"noaux_tc"});
  reader.choice("scoring_func", {"sigmoid"});
  routing.scoring = moe::Scoring::sigmoid;
  routing.correction = true;
  routing.groups = reader.size("n_group", routing.experts);
  reader.require(routing.experts % routing.groups == 0, "n_group",
                 "a divisor of n_routed_experts " + Twine(routing.experts));
  int64_t groupSize = routing.experts / routing.groups;
  reader.require(routing.groups == 1 || groupSize >= 2, "n_group",
                 "groups of at least 2 experts");
  routing.topGroups = reader.size("topk_group", routing.groups);
  reader.require(routing.topK <= groupSize * routing.topGroups,
                 "num_experts_per_tok",
                 "at most the " + Twine(groupSize * routing.topGroups) +
                     " experts of topk_group groups");
  routing.normalize = reader.flag("norm_topk_prob");
  routing.scale = reader.positive("routed_scaling_factor");
}

DeepSeekConfig readFields(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config;
  config.heads = reader.size("num_attention_heads");
  // Latent attention has one key and value per query head.
  reader.onlyInteger("num_key_value_heads", config.heads);
  config.queryRank = reader.has("q_lora_rank") ? reader.size("q_lora_rank") : 0;
  config.latent = reader.size("kv_lora_rank");
  config.plainWidth = reader.size("qk_nope_head_dim");
  config.rotaryWidth = reader.size("qk_rope_head_dim");
  reader.require(config.rotaryWidth % 2 == 0, "qk_rope_head_dim",
                 "an even width");
  config.valueWidth = reader.size("v_head_dim");
  config.interleaved = reader.flagOr("rope_interleave", true);
  double growth = readRopeScaling(reader, spec.rotary);
  config.scale =
      growth / std::sqrt(double(config.plainWidth + config.rotaryWidth));

  config.denseIntermediate = reader.size("intermediate_size");
  config.expertIntermediate = reader.size("moe_intermediate_size");
  config.sharedExperts =
      reader.has("n_shared_experts")
          ? reader.integer("n_shared_experts", 0, kMaxExperts)
          : 0;
  config.activation = readActivation(reader);
  readRouting(reader, config.routing);
  config.layers = reader.size("num_hidden_layers", kMaxLayers);
  config.denseLayers =
      reader.integer("first_k_dense_replace", 0, config.layers - 1);
  reader.onlyInteger("moe_layer_freq", 1);
  return config;
}

void addAttentionWeights(LayerClass &layer, const DecoderSpec &spec,
                         const DeepSeekConfig &config) {
  Type plain = spec.formats.plain, matrix = spec.formats.matrix;
  int64_t hidden = spec.hidden, heads = config.heads;
  int64_t query = heads * (config.plainWidth + config.rotaryWidth);
  layer.weights.push_back({"attention_norm", {hidden}, plain});
  if (config.queryRank > 0) {
    layer.weights.push_back({"q_a", {hidden, config.queryRank}, matrix});
    layer.weights.push_back({"q_norm", {config.queryRank}, plain});
    layer.weights.push_back({"q_b", {config.queryRank, query}, matrix});
  } else {
    layer.weights.push_back({"q", {hidden, query}, matrix});
  }
  layer.weights.push_back(
      {"kv_a", {hidden, config.latent + config.rotaryWidth}, matrix});
  layer.weights.push_back({"kv_norm", {config.latent}, plain});
  layer.weights.push_back(
      {"key_up", {heads, config.latent, config.plainWidth}, matrix});
  layer.weights.push_back(
      {"value_up", {heads, config.latent, config.valueWidth}, matrix});
  layer.weights.push_back({"o", {heads * config.valueWidth, hidden}, matrix});
  layer.weights.push_back({"mlp_norm", {hidden}, plain});
  layer.caches.push_back(
      {"latent",
       {ShapedType::kDynamic, ShapedType::kDynamic, config.latent},
       /*tokens=*/1});
  layer.caches.push_back(
      {"rotary_key",
       {ShapedType::kDynamic, ShapedType::kDynamic, config.rotaryWidth},
       /*tokens=*/1});
}

void addMlpWeights(LayerClass &layer, const DecoderSpec &spec,
                   const std::string &prefix, int64_t intermediate) {
  Type matrix = spec.formats.matrix;
  layer.weights.push_back(
      {prefix + "_gate", {spec.hidden, intermediate}, matrix});
  layer.weights.push_back(
      {prefix + "_up", {spec.hidden, intermediate}, matrix});
  layer.weights.push_back(
      {prefix + "_down", {intermediate, spec.hidden}, matrix});
}

/// Columns [first, first + width) of `input`, whose sizes are `sizes`.
Value slice(LayerBody &body, StringRef name, Value input,
            SmallVector<OpFoldResult> sizes, int64_t first, int64_t width) {
  OpBuilder &builder = body.builder;
  sizes[2] = builder.getIndexAttr(width);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
  offsets[2] = builder.getIndexAttr(first);
  SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, body.at(name),
                                        body.tokens(width), input, offsets,
                                        sizes, strides);
}

moe::LatentAttentionOp buildAttention(LayerBody &body,
                                      const DeepSeekConfig &config) {
  Value normed = body.norm(body.hidden, "attention_norm");
  Value query =
      config.queryRank > 0
          ? body.linear(body.norm(body.linear(normed, "q_a"), "q_norm"), "q_b")
          : body.linear(normed, "q");
  query = body.rope("rope_q", query, config.plainWidth + config.rotaryWidth,
                    /*offset=*/config.plainWidth, config.interleaved);
  Value compressed = body.linear(normed, "kv_a");
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(body.builder, body.at("kv_a"), compressed);
  Value latent = body.norm(
      slice(body, "latent", compressed, sizes, 0, config.latent), "kv_norm");
  Value rotaryKey =
      body.rope("rope_k",
                slice(body, "rotary_key", compressed, sizes, config.latent,
                      config.rotaryWidth),
                config.rotaryWidth, /*offset=*/0, config.interleaved);
  return moe::LatentAttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(config.heads * config.valueWidth), body.grownType(0),
      body.grownType(1), /*log_sum_exp=*/Type(), query, latent, rotaryKey,
      body.cache(0), body.cache(1), body.weight("key_up"),
      body.weight("value_up"), /*total_lengths=*/Value(),
      uint64_t(config.heads), llvm::APFloat(config.scale), /*absorbed=*/true,
      /*weight_format=*/moe::FormatAttr(), /*cache_format=*/moe::FormatAttr());
}

Value buildMlp(LayerBody &body, StringRef prefix, Value input,
               moe::Activation activation) {
  return moe::MlpOp::create(body.builder, body.at(prefix), input.getType(),
                            input, body.weight((prefix + "_gate").str()),
                            body.weight((prefix + "_up").str()),
                            body.weight((prefix + "_down").str()), activation,
                            body.matrixFormat(), body.matrixFormat());
}

SmallVector<Value> buildLayer(LayerBody &body, const DeepSeekConfig &config,
                              bool dense) {
  moe::LatentAttentionOp attention = buildAttention(body, config);
  Value hidden = body.add("add_attention", body.hidden,
                          body.linear(attention.getResult(), "o"));
  Value normed = body.norm(hidden, "mlp_norm");
  Value update;
  if (dense) {
    update = buildMlp(body, "mlp", normed, config.activation);
  } else {
    update = buildExperts(body, normed, config.routing, config.activation);
    if (config.sharedExperts > 0)
      update = body.add("add_shared", update,
                        buildMlp(body, "shared", normed, config.activation));
  }
  return {body.add("add_mlp", hidden, update), attention.getPresentLatent(),
          attention.getPresentRotaryKey()};
}

} // namespace

void portolan::readDeepSeek(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config = readFields(reader, spec);
  spec.rotary.width = config.rotaryWidth;

  if (config.denseLayers > 0) {
    LayerClass dense;
    dense.name = "layer_dense";
    addAttentionWeights(dense, spec, config);
    addMlpWeights(dense, spec, "mlp", config.denseIntermediate);
    dense.body = [config](LayerBody &body) {
      return buildLayer(body, config, /*dense=*/true);
    };
    spec.classes.push_back(std::move(dense));
  }
  LayerClass routed;
  routed.name = "layer_moe";
  addAttentionWeights(routed, spec, config);
  addExpertWeights(routed, spec, config.routing, config.expertIntermediate);
  if (config.sharedExperts > 0)
    addMlpWeights(routed, spec, "shared",
                  config.sharedExperts * config.expertIntermediate);
  routed.body = [config](LayerBody &body) {
    return buildLayer(body, config, /*dense=*/false);
  };
  spec.classes.push_back(std::move(routed));

  spec.sequence.assign(config.denseLayers, 0);
  spec.sequence.insert(spec.sequence.end(), config.layers - config.denseLayers,
                       unsigned(spec.classes.size() - 1));
}
