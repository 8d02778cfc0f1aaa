//===- HfConfigDeepSeek.cpp - models with latent attention ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Model types deepseek_v2, deepseek_v3, kimi_k2, deepseek_v32 and glm_moe_dsa.
// Two layer classes with latent attention: dense ones first, then ones with
// routed experts and shared ones. V3 and Kimi K2 route by sigmoid scores with a
// correction of the choice, V2 by softmax scores, of which the best one ranks a
// group. V3.2 and GLM-5 attend to the keys that an index chooses; in GLM-5.2
// most layers have no index and attend to the keys that the last one with an
// index has chosen, whose positions pass from layer to layer. Next-token
// prediction layers (`num_nextn_predict_layers`) are not part of the decoder.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

/// Of the normalization of an index's keys, which the family's code fixes.
constexpr double kIndexEpsilon = 1e-6;

struct DeepSeekConfig {
  int64_t heads, queryRank, latent, plainWidth, rotaryWidth, valueWidth;
  int64_t layers, denseLayers;
  double scale;
  bool interleaved;
  MlpSpec mlp; ///< of the dense layers
  ExpertsSpec experts;
  // The index that chooses keys; topKeys 0: none.
  int64_t indexHeads = 0, indexWidth = 0, topKeys = 0;
  bool indexInterleaved = false;
  /// Layers that attend to the keys that a layer before has chosen; empty:
  /// none.
  std::vector<bool> shares;
};

/// What tells the layers apart.
struct LayerForm {
  bool dense = false;
  bool takesKeys = false; ///< has no index
  bool handsKeys = false; ///< the next layer has none

  /// Whether it has an index of its own.
  bool hasIndex(const DeepSeekConfig &config) const {
    return config.topKeys > 0 && !takesKeys;
  }
  std::string name() const {
    std::string name = dense ? "layer_dense" : "layer_moe";
    if (takesKeys)
      name += handsKeys ? "_shares" : "_shares_last";
    else if (handsKeys)
      name += "_chooses";
    return name;
  }
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
  config.layers = readLayers(reader);
  config.denseLayers =
      reader.integer("first_k_dense_replace", 0, config.layers - 1);
  reader.onlyInteger("moe_layer_freq", 1);
  return config;
}

void addLatentWeights(LayerClass &layer, const DecoderSpec &spec,
                      const DeepSeekConfig &config, bool hasIndex) {
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
  if (hasIndex) {
    int64_t width = config.indexWidth, indexHeads = config.indexHeads;
    layer.weights.push_back(
        {"index_q", {config.queryRank, indexHeads * width}, matrix});
    layer.weights.push_back({"index_k", {hidden, width}, matrix});
    layer.weights.push_back({"index_norm", {width}, plain});
    layer.weights.push_back({"index_norm_bias", {width}, plain});
    layer.weights.push_back({"index_weights", {hidden, indexHeads}, plain});
  }
  layer.weights.push_back({"mlp_norm", {hidden}, plain});
  layer.caches.push_back(
      {"latent",
       {ShapedType::kDynamic, ShapedType::kDynamic, config.latent},
       /*tokens=*/1});
  layer.caches.push_back(
      {"rotary_key",
       {ShapedType::kDynamic, ShapedType::kDynamic, config.rotaryWidth},
       /*tokens=*/1});
  if (hasIndex)
    layer.caches.push_back(
        {"index_key",
         {ShapedType::kDynamic, ShapedType::kDynamic, config.indexWidth},
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

/// Operands of attention that every kind has.
struct LatentOperands {
  Value normed, compressedQuery, query, latent, rotaryKey;
};

LatentOperands buildOperands(LayerBody &body, const DeepSeekConfig &config) {
  LatentOperands parts;
  parts.normed = body.norm(body.hidden, "attention_norm");
  if (config.queryRank > 0) {
    parts.compressedQuery =
        body.norm(body.linear(parts.normed, "q_a"), "q_norm");
    parts.query = body.linear(parts.compressedQuery, "q_b");
  } else {
    parts.query = body.linear(parts.normed, "q");
  }
  parts.query =
      body.rope("rope_q", parts.query, config.plainWidth + config.rotaryWidth,
                /*offset=*/config.plainWidth, config.interleaved);
  Value compressed = body.linear(parts.normed, "kv_a");
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(body.builder, body.at("kv_a"), compressed);
  parts.latent = body.norm(
      slice(body, "latent", compressed, sizes, 0, config.latent), "kv_norm");
  parts.rotaryKey =
      body.rope("rope_k",
                slice(body, "rotary_key", compressed, sizes, config.latent,
                      config.rotaryWidth),
                config.rotaryWidth, /*offset=*/0, config.interleaved);
  return parts;
}

/// The result and the caches of attention to the keys that an index chooses.
/// Its scores are compared and go nowhere else, so that the constants that they
/// are scaled with (widths, heads) are left out.
SmallVector<Value> buildIndexedAttention(LayerBody &body,
                                         const DeepSeekConfig &config,
                                         const LatentOperands &parts,
                                         bool handsKeys) {
  Value query =
      body.rope("rope_index_q", body.linear(parts.compressedQuery, "index_q"),
                config.indexWidth, /*offset=*/0, config.indexInterleaved);
  Value key = moe::RmsNormOp::create(
      body.builder, body.at("index_norm"), body.tokens(config.indexWidth),
      body.linear(parts.normed, "index_k"), body.weight("index_norm"),
      body.weight("index_norm_bias"), llvm::APFloat(kIndexEpsilon),
      /*groups=*/uint64_t(1), /*gain_offset=*/llvm::APFloat(0.0),
      /*centered=*/true);
  key = body.rope("rope_index_k", key, config.indexWidth, /*offset=*/0,
                  config.indexInterleaved);
  Type chosen;
  if (handsKeys)
    chosen = RankedTensorType::get(
        {ShapedType::kDynamic, ShapedType::kDynamic, config.topKeys},
        body.builder.getI32Type());
  auto op = moe::IndexedLatentAttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(config.heads * config.valueWidth), body.grownType(0),
      body.grownType(1), body.grownType(2), chosen, parts.query, parts.latent,
      parts.rotaryKey, query, key, body.linear(parts.normed, "index_weights"),
      body.cache(0), body.cache(1), body.cache(2), body.weight("key_up"),
      body.weight("value_up"), uint64_t(config.heads),
      llvm::APFloat(config.scale), uint64_t(config.indexHeads),
      uint64_t(config.topKeys),
      /*weight_format=*/moe::FormatAttr(), /*cache_format=*/moe::FormatAttr());
  if (handsKeys)
    body.chosen = op.getChosen();
  return {op.getResult(), op.getPresentLatent(), op.getPresentRotaryKey(),
          op.getPresentIndex()};
}

/// The result and the caches of attention to the keys that are handed over.
SmallVector<Value> buildSharingAttention(LayerBody &body,
                                         const DeepSeekConfig &config,
                                         const LatentOperands &parts) {
  auto op = moe::ChosenLatentAttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(config.heads * config.valueWidth), body.grownType(0),
      body.grownType(1), parts.query, parts.latent, parts.rotaryKey,
      body.chosen, body.cache(0), body.cache(1), body.weight("key_up"),
      body.weight("value_up"), uint64_t(config.heads),
      llvm::APFloat(config.scale), /*weight_format=*/moe::FormatAttr(),
      /*cache_format=*/moe::FormatAttr());
  return SmallVector<Value>(op.getResults());
}

/// The attended values and the grown caches.
SmallVector<Value> buildLatentAttention(LayerBody &body,
                                        const DeepSeekConfig &config,
                                        const LayerForm &form) {
  LatentOperands parts = buildOperands(body, config);
  if (form.takesKeys)
    return buildSharingAttention(body, config, parts);
  if (form.hasIndex(config))
    return buildIndexedAttention(body, config, parts, form.handsKeys);
  auto op = moe::LatentAttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(config.heads * config.valueWidth), body.grownType(0),
      body.grownType(1), /*log_sum_exp=*/Type(), parts.query, parts.latent,
      parts.rotaryKey, body.cache(0), body.cache(1), body.weight("key_up"),
      body.weight("value_up"), /*total_lengths=*/Value(),
      uint64_t(config.heads), llvm::APFloat(config.scale), /*absorbed=*/true,
      /*weight_format=*/moe::FormatAttr(), /*cache_format=*/moe::FormatAttr());
  return {op.getResult(), op.getPresentLatent(), op.getPresentRotaryKey()};
}

SmallVector<Value> buildLayer(LayerBody &body, const DeepSeekConfig &config,
                              const LayerForm &form) {
  SmallVector<Value> results = buildLatentAttention(body, config, form);
  Value hidden =
      body.add("add_attention", body.hidden, body.linear(results.front(), "o"));
  Value normed = body.norm(hidden, "mlp_norm");
  Value update = form.dense ? buildMlp(body, "mlp", normed, config.mlp)
                            : buildExperts(body, normed, config.experts);
  results.front() = body.add("add_mlp", hidden, update);
  return results;
}

/// Softmax scores: the best of all, or those of the groups whose best score is
/// best.
void readSoftmaxRouting(HfConfigReader &reader, RoutingSpec &routing) {
  bool limited =
      reader.choice("topk_method", {"greedy", "group_limited_greedy"}) == 1;
  reader.choice("scoring_func", {"softmax"});
  if (limited) {
    readGroups(reader, routing);
    routing.groupRank = 1;
  } else {
    routing.experts = reader.size("n_routed_experts", kMaxExperts);
    routing.topK = reader.size("num_experts_per_tok", routing.experts);
    routing.normalize = reader.flag("norm_topk_prob");
    routing.scale = reader.positive("routed_scaling_factor");
    reader.ignore({"n_group", "topk_group"});
  }
  routing.scoring = moe::Scoring::softmax;
  routing.correction = false;
  // The family scales what it does not normalize.
  if (routing.normalize && routing.topK > 1)
    routing.scale = 1;
  else
    routing.normalize = false;
}

void readIndex(HfConfigReader &reader, DeepSeekConfig &config) {
  reader.require(config.queryRank > 0, "q_lora_rank",
                 "a rank, from which the index is computed");
  config.indexHeads = reader.size("index_n_heads");
  config.indexWidth = reader.size("index_head_dim");
  reader.require(config.rotaryWidth <= config.indexWidth, "index_head_dim",
                 "at least the rotated width " + Twine(config.rotaryWidth));
  config.topKeys = reader.size("index_topk", kMaxPositions);
  config.indexInterleaved = reader.flagOr("indexer_rope_interleave", false);
  if (!reader.has("indexer_types")) {
    // Other fields would say it by a rule.
    reader.onlyInteger("index_topk_freq", 1);
    reader.onlyNull("index_topk_pattern");
    return;
  }
  reader.ignore({"index_topk_freq", "index_topk_pattern",
                 "index_skip_topk_offset", "index_share_for_mtp_iteration"});
  std::vector<std::string> kinds = reader.strings("indexer_types");
  reader.require(int64_t(kinds.size()) == config.layers, "indexer_types",
                 "one entry for each of " + Twine(config.layers) + " layers");
  for (StringRef kind : kinds) {
    if (kind != "full" && kind != "shared")
      reader.fail("indexer_types", "\"full\" or \"shared\"",
                  "\"" + kind + "\"");
    if (kind == "shared" && config.shares.empty())
      reader.fail("indexer_types",
                  "\"full\" in the first layer, as none before it chooses",
                  "\"shared\"");
    config.shares.push_back(kind == "shared");
  }
}

/// `mlp_layer_types` says once more which layers are dense.
void checkLayerTypes(HfConfigReader &reader, const DeepSeekConfig &config) {
  constexpr StringRef kField = "mlp_layer_types";
  if (!reader.has(kField))
    return;
  std::vector<std::string> kinds = reader.strings(kField);
  bool agrees = int64_t(kinds.size()) == config.layers;
  for (int64_t i = 0; agrees && i < config.layers; ++i)
    agrees = kinds[i] == (i < config.denseLayers ? "dense" : "sparse");
  reader.require(agrees, kField,
                 "\"dense\" in the first first_k_dense_replace layers and "
                 "\"sparse\" in the others");
}

void addLayers(HfConfigReader &reader, DecoderSpec &spec,
               const DeepSeekConfig &config) {
  spec.rotaries[0].width = config.rotaryWidth;
  if (reader.failed())
    return;
  auto shares = [&](int64_t layer) {
    return layer < int64_t(config.shares.size()) && config.shares[layer];
  };
  for (int64_t i = 0; i < config.layers; ++i) {
    LayerForm form{i < config.denseLayers, shares(i), shares(i + 1)};
    spec.addLayer(form.name(), [&] {
      LayerClass layer;
      layer.keysIn = form.takesKeys ? config.topKeys : 0;
      layer.keysOut = form.handsKeys ? config.topKeys : 0;
      addLatentWeights(layer, spec, config, form.hasIndex(config));
      if (form.dense)
        addMlpWeights(layer, spec, "mlp", config.mlp);
      else
        addExpertsWeights(layer, spec, config.experts);
      layer.body = [config, form](LayerBody &body) {
        return buildLayer(body, config, form);
      };
      return layer;
    });
  }
}

} // namespace

void portolan::readDeepSeek(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config = readFields(reader, spec);
  readGroupedRouting(reader, config.experts.routing);
  addLayers(reader, spec, config);
}

void portolan::readDeepSeekV2(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config = readFields(reader, spec);
  readSoftmaxRouting(reader, config.experts.routing);
  addLayers(reader, spec, config);
}

void portolan::readDeepSeekV32(HfConfigReader &reader, DecoderSpec &spec) {
  DeepSeekConfig config = readFields(reader, spec);
  readGroupedRouting(reader, config.experts.routing);
  readIndex(reader, config);
  checkLayerTypes(reader, config);
  // Scores are computed in f32.
  if (reader.has("moe_router_dtype"))
    reader.choice("moe_router_dtype", {"float32"});
  // Widths that the others give too.
  if (reader.has("qk_head_dim"))
    reader.onlyInteger("qk_head_dim", config.plainWidth + config.rotaryWidth);
  reader.ignore({"head_dim"});
  addLayers(reader, spec, config);
}
