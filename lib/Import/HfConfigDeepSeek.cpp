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
  int64_t layers, denseLayers;
  double scale;
  bool interleaved;
  MlpSpec mlp; ///< of the dense layers
  ExpertsSpec experts;
};

DeepSeekConfig readFields(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config;
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_bias", false);
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
  double growth = readRotation(reader, spec.rotaries[0]);
  config.scale =
      growth / std::sqrt(double(config.plainWidth + config.rotaryWidth));

  config.mlp.intermediate = reader.size("intermediate_size");
  config.experts.intermediate = reader.size("moe_intermediate_size");
  int64_t shared = reader.has("n_shared_experts")
                       ? reader.integer("n_shared_experts", 0, kMaxExperts)
                       : 0;
  config.experts.shared.intermediate = shared * config.experts.intermediate;
  config.mlp.activation = config.experts.activation =
      config.experts.shared.activation = readActivation(reader);
  readGroupedRouting(reader, config.experts.routing);
  config.layers = readLayers(reader);
  config.denseLayers =
      reader.integer("first_k_dense_replace", 0, config.layers - 1);
  reader.onlyInteger("moe_layer_freq", 1);
  return config;
}

void addLatentWeights(LayerClass &layer, const DecoderSpec &spec,
                      const DeepSeekConfig &config) {
  Type plain = spec.formats.plain;
  const WeightFormat &matrix = spec.formats.attention;
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

moe::LatentAttentionOp buildLatentAttention(LayerBody &body,
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

SmallVector<Value> buildLayer(LayerBody &body, const DeepSeekConfig &config,
                              bool dense) {
  moe::LatentAttentionOp attention = buildLatentAttention(body, config);
  Value hidden = body.add("add_attention", body.hidden,
                          body.linear(attention.getResult(), "o"));
  Value normed = body.norm(hidden, "mlp_norm");
  Value update = dense ? buildMlp(body, "mlp", normed, config.mlp)
                       : buildExperts(body, normed, config.experts);
  return {body.add("add_mlp", hidden, update), attention.getPresentLatent(),
          attention.getPresentRotaryKey()};
}

} // namespace

void portolan::readDeepSeek(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config = readFields(reader, spec);
  spec.rotaries[0].width = config.rotaryWidth;
  for (int64_t i = 0; i < config.layers; ++i) {
    bool dense = i < config.denseLayers;
    spec.addLayer(dense ? "layer_dense" : "layer_moe", [&] {
      LayerClass layer;
      addLatentWeights(layer, spec, config);
      if (dense)
        addMlpWeights(layer, spec, "mlp", config.mlp);
      else
        addExpertsWeights(layer, spec, config.experts);
      layer.body = [config, dense](LayerBody &body) {
        return buildLayer(body, config, dense);
      };
      return layer;
    });
  }
}
