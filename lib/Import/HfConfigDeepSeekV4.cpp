//===- HfConfigDeepSeekV4.cpp - model_type deepseek_v4
//----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Several streams run side by side through all layers; each half of a layer
// reads a mix of them and writes its result back to all (hyper-connections).
//
// All heads attend to one key per token, which is its value too: to the last
// ones, and, by `compress_ratios`, to an entry for every 4 tokens that an index
// chooses or for every 128 tokens. What is attended to is rotated back, and
// groups of heads are projected to a low rank each before all are mixed. Layers
// without entries rotate by `rope_theta`, those with them by
// `compress_rope_theta` and yarn, whose tables are not scaled.
//
// The first layers choose experts by a table of the tokens' ids. Weights of
// experts are 4-bit floats that are multiplied with 8-bit ones.
//
// Not said, as it changes no number: the index rotates its queries and entries
// by one orthogonal matrix, and scales scores that are only compared. What
// training simulated in narrow formats (caches) is the plan's to choose.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

/// Tokens to an entry where an index chooses among the entries; each is made of
/// two windows. In the family's code, not in its files.
constexpr int64_t kIndexedRatio = 4;
/// Tokens to an entry where all are attended to.
constexpr int64_t kWideRatio = 128;

struct V4Config {
  int64_t layers = 0, hashed = 0;
  int64_t heads = 0, width = 0, rotated = 0, window = 0;
  int64_t queryRank = 0, groups = 0, groupRank = 0;
  int64_t indexHeads = 0, indexWidth = 0, topEntries = 0;
  std::vector<int64_t> ratios; ///< of each layer; 0: no entries
  ExpertsSpec experts;
};

bool isIndexed(int64_t ratio) { return ratio == kIndexedRatio; }

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Weights and caches of a pool of entries of `width` elements.
void addPool(LayerClass &layer, const DecoderSpec &spec,
             const std::string &prefix, int64_t width, int64_t ratio) {
  Type plain = spec.formats.plain, f32 = Float32Type::get(spec.context);
  int64_t columns = (isIndexed(ratio) ? 2 : 1) * width;
  layer.weights.push_back({prefix + "_values", {spec.hidden, columns}, plain});
  layer.weights.push_back({prefix + "_scores", {spec.hidden, columns}, plain});
  layer.weights.push_back({prefix + "_bias", {ratio, columns}, f32});
  layer.weights.push_back({prefix + "_norm", {width}, plain});
  CacheSpec entries = {prefix + "_entries",
                       {ShapedType::kDynamic, ShapedType::kDynamic, width},
                       /*tokens=*/1};
  entries.tokensPerEntry = ratio;
  layer.caches.push_back(std::move(entries));
  layer.caches.push_back(
      {prefix + "_rows",
       {ShapedType::kDynamic, columns / width * ratio, 2 * columns},
       /*tokens=*/std::nullopt,
       f32});
}

void addAttention(LayerClass &layer, const DecoderSpec &spec,
                  const V4Config &config, int64_t ratio) {
  Type plain = spec.formats.plain;
  const WeightFormat &matrix = spec.formats.attention;
  int64_t hidden = spec.hidden, attended = config.heads * config.width;
  auto add = [&](const std::string &name, SmallVector<int64_t, 3> shape,
                 const WeightFormat &format) {
    layer.weights.push_back({name, std::move(shape), format});
  };
  add("q_a", {hidden, config.queryRank}, matrix);
  add("q_norm", {config.queryRank}, plain);
  add("q_b", {config.queryRank, attended}, matrix);
  // Heads of queries are normalized without a gain.
  WeightSpec ones = {"head_norm", {config.width}, plain};
  ones.isBuffer = true;
  ones.values = [plain, width = config.width](int64_t) -> ElementsAttr {
    return DenseElementsAttr::get(RankedTensorType::get({width}, plain),
                                  FloatAttr::get(plain, 1.0).getValue());
  };
  layer.weights.push_back(std::move(ones));
  add("kv", {hidden, config.width}, matrix);
  add("kv_norm", {config.width}, plain);
  layer.caches.push_back(
      {"key",
       {ShapedType::kDynamic, ShapedType::kDynamic, config.width},
       /*tokens=*/1});
  if (ratio > 0)
    addPool(layer, spec, "pool", config.width, ratio);
  if (isIndexed(ratio)) {
    add("index_q", {config.queryRank, config.indexHeads * config.indexWidth},
        matrix);
    add("index_weights", {hidden, config.indexHeads}, plain);
    addPool(layer, spec, "index", config.indexWidth, ratio);
  }
  add("sinks", {config.heads}, Float32Type::get(spec.context));
  add("o_groups", {config.groups, attended / config.groups, config.groupRank},
      matrix);
  add("o", {config.groups * config.groupRank, hidden}, matrix);
}

/// The entries after the step, with the caches of the pool.
SmallVector<Value> buildPool(LayerBody &body, Value input,
                             const std::string &prefix, unsigned cache) {
  auto op = moe::PoolKeysOp::create(
      body.builder, body.at(prefix), body.grownType(cache),
      body.grownType(cache + 1), body.linear(input, prefix + "_values"),
      body.linear(input, prefix + "_scores"), body.weight(prefix + "_bias"),
      body.weight(prefix + "_norm"), body.positions, body.cosine, body.sine,
      body.cache(cache), body.cache(cache + 1),
      llvm::APFloat(body.spec.epsilon), moe::FormatAttr());
  return {op.getPresent(), op.getPresentRows()};
}

SmallVector<Value> buildAttention(LayerBody &body, Value input,
                                  const V4Config &config, int64_t ratio) {
  int64_t width = config.width, offset = width - config.rotated;
  Value compressed = body.norm(body.linear(input, "q_a"), "q_norm");
  Value query = body.norm(body.linear(compressed, "q_b"), "head_norm");
  query = body.rope("rope_q", query, width, offset, /*interleaved=*/true);
  Value key = body.norm(body.linear(input, "kv"), "kv_norm");
  key = body.rope("rope_kv", key, width, offset, /*interleaved=*/true);
  SmallVector<Value> pool, index;
  Value indexQuery, indexWeights;
  if (ratio > 0)
    pool = buildPool(body, input, "pool", /*cache=*/1);
  if (isIndexed(ratio)) {
    indexQuery =
        body.rope("rope_index_q", body.linear(compressed, "index_q"),
                  config.indexWidth, config.indexWidth - config.rotated,
                  /*interleaved=*/true);
    indexWeights = body.linear(input, "index_weights");
    index = buildPool(body, input, "index", /*cache=*/3);
  }
  auto op = moe::PooledAttentionOp::create(
      body.builder, body.at("attention"), body.tokens(config.heads * width),
      body.grownType(0), query, key, body.cache(0),
      pool.empty() ? Value() : pool[0], indexQuery, indexWeights,
      index.empty() ? Value() : index[0], body.weight("sinks"),
      uint64_t(config.heads), llvm::APFloat(1 / std::sqrt(double(width))),
      uint64_t(config.window), uint64_t(ratio),
      uint64_t(isIndexed(ratio) ? config.topEntries : 0), moe::FormatAttr());
  Value attended = body.rope("rope_back", op.getResult(), width, offset,
                             /*interleaved=*/true, /*inverse=*/true);
  SmallVector<Value> results = {
      body.linear(body.groupedLinear(attended, "o_groups"), "o"),
      op.getPresentKey()};
  results.append(pool);
  results.append(index);
  return results;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

LayerClass makeStreamsLayer(const DecoderSpec &spec, const V4Config &config,
                            int64_t ratio, bool hashed, unsigned rotary) {
  LayerClass layer;
  layer.rotary = rotary;
  layer.streamsIn = layer.streamsOut = spec.streams.count;
  ExpertsSpec experts = config.experts;
  experts.routing.tabled = hashed;
  experts.routing.correction = !hashed;
  auto add = [&](const std::string &name) {
    layer.weights.push_back({name, {spec.hidden}, spec.formats.plain});
  };
  addReadWeights(layer, spec, "attention_read");
  add("attention_norm");
  addAttention(layer, spec, config, ratio);
  addReadWeights(layer, spec, "experts_read");
  add("experts_norm");
  addExpertsWeights(layer, spec, experts);
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    auto write = [&](StringRef name, Value streams, Value update, Value mix) {
      return moe::WriteStreamsOp::create(
          body.builder, body.at(name), streams.getType(), streams, update, mix);
    };
    Value streams = body.hidden;
    auto [input, mix] = body.readStreams("attention_read", streams);
    SmallVector<Value> results =
        buildAttention(body, body.norm(input, "attention_norm"), config, ratio);
    streams = write("attention_write", streams, results[0], mix);
    auto [rows, spread] = body.readStreams("experts_read", streams);
    Value update = buildExperts(body, body.norm(rows, "experts_norm"), experts);
    results[0] = write("experts_write", streams, update, spread);
    return results;
  };
  return layer;
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

/// The tables of layers with entries.
RotarySpec readPooledRotation(HfConfigReader &reader, RotarySpec rotary) {
  rotary.theta = reader.positive("compress_rope_theta");
  if (!reader.has("rope_scaling"))
    return rotary;
  reader.nested("rope_scaling", [&](HfConfigReader &inner) {
    inner.choice(inner.has("rope_type") ? "rope_type" : "type", {"yarn"});
    rotary.yarnFactor = inner.positive("factor");
    rotary.yarnOriginalPositions =
        inner.size("original_max_position_embeddings", kMaxPositions);
    rotary.yarnBetaFast = inner.positive("beta_fast");
    rotary.yarnBetaSlow = inner.positive("beta_slow");
  });
  return rotary;
}

void readAttention(HfConfigReader &reader, V4Config &config) {
  config.heads = reader.size("num_attention_heads");
  reader.onlyInteger("num_key_value_heads", 1);
  config.width = reader.size("head_dim");
  config.rotated = reader.size("qk_rope_head_dim", config.width);
  reader.require(config.rotated % 2 == 0, "qk_rope_head_dim",
                 "an even rotated width");
  config.window = reader.size("sliding_window", kMaxPositions);
  config.queryRank = reader.size("q_lora_rank");
  config.groups = reader.size("o_groups", config.heads);
  reader.require(config.heads % config.groups == 0, "o_groups",
                 "a divisor of num_attention_heads " + Twine(config.heads));
  config.groupRank = reader.size("o_lora_rank");
  // With one entry per layer, and perhaps one per layer that drafts.
  config.ratios = reader.integers("compress_ratios", 0, kWideRatio);
  int64_t drafting = reader.has("num_nextn_predict_layers")
                         ? reader.integer("num_nextn_predict_layers", 0, 64)
                         : 0;
  int64_t given = config.ratios.size();
  if (given != config.layers && given != config.layers + drafting)
    reader.fail("compress_ratios",
                "one entry for each of " + Twine(config.layers) +
                    " layers (and " + Twine(drafting) + " that draft)",
                Twine(given));
  config.ratios.resize(config.layers);
  for (int64_t ratio : config.ratios)
    if (ratio != 0 && ratio != kIndexedRatio && ratio != kWideRatio)
      reader.fail("compress_ratios",
                  "0, " + Twine(kIndexedRatio) + " or " + Twine(kWideRatio),
                  Twine(ratio));
  config.indexHeads = reader.size("index_n_heads");
  config.indexWidth = reader.size("index_head_dim");
  reader.require(config.rotated <= config.indexWidth, "index_head_dim",
                 "at least the rotated width " + Twine(config.rotated));
  config.topEntries = reader.size("index_topk", kMaxPositions);
}

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  reader.choice("hidden_act", {"silu"});
  experts.intermediate = reader.size("moe_intermediate_size");
  reader.onlyInteger("n_shared_experts", 1);
  experts.shared.intermediate = experts.intermediate;
  if (reader.has("swiglu_limit"))
    experts.limit = experts.shared.limit = reader.positive("swiglu_limit");
  RoutingSpec &routing = experts.routing;
  routing.experts = reader.size("n_routed_experts", kMaxExperts);
  routing.topK = reader.size("num_experts_per_tok", routing.experts);
  routing.scoring =
      reader.choice("scoring_func", {"sqrtsoftplus", "sigmoid"}) == 0
          ? moe::Scoring::sqrt_softplus
          : moe::Scoring::sigmoid;
  reader.choice("topk_method", {"noaux_tc"});
  // The family's code normalizes whatever the file says.
  reader.onlyFlag("norm_topk_prob", true);
  routing.normalize = true;
  routing.scale = reader.positive("routed_scaling_factor");
  return experts;
}

/// Experts of 4-bit floats, 32 of which share a scale, among matrices of 8-bit
/// ones.
void readExpertFormat(HfConfigReader &reader, FormatSpec &formats) {
  if (!reader.has("expert_dtype"))
    return;
  reader.choice("expert_dtype", {"fp4"});
  FormatPair rows{Format::fp8, Format::fp8};
  formats.experts =
      WeightFormat(Float4E2M1FNType::get(formats.plain.getContext()),
                   FormatPair{Format::mxfp4, Format::fp8}, rows);
}

} // namespace

void portolan::readDeepSeekV4(HfConfigReader &reader, DecoderSpec &spec) {
  V4Config config;
  readCommon(reader, spec);
  readExpertFormat(reader, spec.formats);
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_bias", false);
  config.layers = readLayers(reader);
  readAttention(reader, config);
  config.experts = readExperts(reader);
  config.hashed = reader.integer("num_hash_layers", 0, config.layers);
  spec.streams.count = reader.integer("hc_mult", 2, 64);
  spec.streams.rounds = reader.integer("hc_sinkhorn_iters", 1, 1000);
  spec.streams.floor = reader.positive("hc_eps");
  RotarySpec rotary = spec.rotaries[0];
  rotary.width = config.rotated;
  RotarySpec pooled = readPooledRotation(reader, rotary);
  rotary.theta = reader.positive("rope_theta");
  if (reader.failed())
    return;
  spec.rotaries = {pooled};
  if (llvm::is_contained(config.ratios, 0))
    spec.rotaries.push_back(rotary);
  for (int64_t i = 0; i < config.layers; ++i) {
    int64_t ratio = config.ratios[i];
    bool hashed = i < config.hashed;
    std::string name =
        ratio > 0 ? "layer_pooled_" + std::to_string(ratio) : "layer_window";
    name += hashed ? "_hash" : "_moe";
    spec.addLayer(name, [&] {
      return makeStreamsLayer(spec, config, ratio, hashed, ratio > 0 ? 0 : 1);
    });
  }
}
