//===- HfConfigKimiK3.cpp - model_type kimi_k3 ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decoder of the `text_config`; the vision tower is left out. Most layers
// mix tokens by Kimi delta attention, the others by latent attention whose
// heads are not rotated and whose result is gated. Experts work in a latent
// width, and the sum of their results is normalized before it is projected
// back.
//
// The residual is in blocks of `attn_res_block_size` layers. A layer reads no
// running sum but a mix, by attention over depth, of the sums of the blocks
// before and of its own block so far; the first layer of a block seals what
// came in. What passes between layers are those streams side by side.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

//===----------------------------------------------------------------------===//
// Latent attention without rotation
//===----------------------------------------------------------------------===//

struct LatentSpec {
  int64_t heads = 0, queryRank = 0, latent = 0;
  /// Of a head's key: the part that comes from the latent and the part that all
  /// heads share, which other families rotate.
  int64_t plainWidth = 0, sharedWidth = 0;
  int64_t valueWidth = 0;
  bool gated = false;
};

void addLatentWeights(LayerClass &layer, const DecoderSpec &spec,
                      const LatentSpec &latent) {
  Type plain = spec.formats.plain;
  const WeightFormat &matrix = spec.formats.attention;
  int64_t hidden = spec.hidden, heads = latent.heads;
  int64_t query = heads * (latent.plainWidth + latent.sharedWidth);
  int64_t values = heads * latent.valueWidth;
  layer.weights.push_back({"q_a", {hidden, latent.queryRank}, matrix});
  layer.weights.push_back({"q_norm", {latent.queryRank}, plain});
  layer.weights.push_back({"q_b", {latent.queryRank, query}, matrix});
  layer.weights.push_back(
      {"kv_a", {hidden, latent.latent + latent.sharedWidth}, matrix});
  layer.weights.push_back({"kv_norm", {latent.latent}, plain});
  layer.weights.push_back(
      {"key_up", {heads, latent.latent, latent.plainWidth}, matrix});
  layer.weights.push_back(
      {"value_up", {heads, latent.latent, latent.valueWidth}, matrix});
  if (latent.gated)
    layer.weights.push_back({"attention_gate", {hidden, values}, matrix});
  layer.weights.push_back({"o", {values, hidden}, matrix});
  for (auto [name, width] : {std::pair{"latent", latent.latent},
                             std::pair{"shared_key", latent.sharedWidth}})
    layer.caches.push_back({name,
                            {ShapedType::kDynamic, ShapedType::kDynamic, width},
                            /*tokens=*/1});
}

SmallVector<Value> buildLatent(LayerBody &body, Value input,
                               const LatentSpec &latent) {
  Value query =
      body.linear(body.norm(body.linear(input, "q_a"), "q_norm"), "q_b");
  Value compressed = body.linear(input, "kv_a");
  Value cached = body.norm(
      sliceColumns(body, "latent", compressed, 0, latent.latent), "kv_norm");
  Value shared = sliceColumns(body, "shared_key", compressed, latent.latent,
                              latent.sharedWidth);
  double width = double(latent.plainWidth + latent.sharedWidth);
  auto op = moe::LatentAttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(latent.heads * latent.valueWidth), body.grownType(0),
      body.grownType(1), /*log_sum_exp=*/Type(), query, cached, shared,
      body.cache(0), body.cache(1), body.weight("key_up"),
      body.weight("value_up"), /*total_lengths=*/Value(),
      uint64_t(latent.heads), llvm::APFloat(1 / std::sqrt(width)),
      /*absorbed=*/true,
      /*weight_format=*/moe::FormatAttr(), /*cache_format=*/moe::FormatAttr());
  Value attended = op.getResult();
  if (latent.gated)
    attended = body.gate("gate_attention", attended,
                         body.linear(input, "attention_gate"),
                         moe::Activation::sigmoid);
  return {body.linear(attended, "o"), op.getPresentLatent(),
          op.getPresentRotaryKey()};
}

Mixer mixerOf(const LatentSpec &latent) {
  return {[latent](LayerClass &layer, const DecoderSpec &spec) {
            addLatentWeights(layer, spec, latent);
          },
          [latent](LayerBody &body, Value input) {
            return buildLatent(body, input, latent);
          }};
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// A layer after `sealed` blocks (those that it attends to first); `seals`: it
/// is the first of its block.
LayerClass makeBlockLayer(const DecoderSpec &spec, const Mixer &mixer,
                          const FeedForward &feedForward, int64_t sealed,
                          bool seals) {
  LayerClass layer;
  layer.rotary = std::nullopt;
  layer.streamsIn = sealed + 1;
  layer.streamsOut = layer.streamsIn + seals;
  auto add = [&](const std::string &name) {
    layer.weights.push_back({name, {spec.hidden}, spec.formats.plain});
  };
  if (sealed > 0) {
    add("mixer_depth_norm");
    add("mixer_depth_query");
  }
  add("mixer_input_norm");
  mixer.addWeights(layer, spec);
  std::string name = feedForward.name, depth = name + "_depth";
  add(depth + "_norm");
  add(depth + "_query");
  add(name + "_norm");
  feedForward.addWeights(layer, spec);
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    Value current = body.streams("current", body.hidden, sealed, 1);
    Value blocks, input = current;
    if (sealed > 0) {
      blocks = body.streams("sealed", body.hidden, 0, sealed);
      input = body.mixDepth("mixer_depth", blocks, current);
    }
    SmallVector<Value> results =
        mixer.build(body, body.norm(input, "mixer_input_norm"));
    if (seals) {
      blocks = body.hidden;
      current = results[0];
    } else {
      current = body.add("add_mixer", current, results[0]);
    }
    input = body.mixDepth(depth, blocks, current);
    Value update = feedForward.build(body, body.norm(input, name + "_norm"));
    results[0] = body.append("streams", blocks,
                             body.add("add_" + name, current, update));
    return results;
  };
  return layer;
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

LatentSpec readLatent(HfConfigReader &reader) {
  LatentSpec latent;
  latent.heads = reader.size("num_attention_heads");
  reader.onlyInteger("num_key_value_heads", latent.heads);
  latent.queryRank = reader.size("q_lora_rank");
  latent.latent = reader.size("kv_lora_rank");
  latent.plainWidth = reader.size("qk_nope_head_dim");
  latent.sharedWidth = reader.size("qk_rope_head_dim");
  latent.valueWidth = reader.size("v_head_dim");
  // The family's other models rotate; no file of one is known.
  if (!reader.flag("mla_use_nope"))
    reader.fail("mla_use_nope", "true (heads that are not rotated)");
  latent.gated = reader.flagOr("mla_use_output_gate", false);
  return latent;
}

/// Kimi delta attention, and which layers attend instead (from 0 on).
KimiDeltaSpec readDelta(HfConfigReader &reader, int64_t layers,
                        std::vector<bool> &attends) {
  KimiDeltaSpec delta;
  attends.assign(layers, false);
  reader.nested("linear_attn_config", [&](HfConfigReader &inner) {
    delta.heads = inner.size("num_heads");
    delta.width = inner.size("head_dim");
    delta.taps = inner.integer("short_conv_kernel_size", 2, 64);
    delta.gateRank =
        inner.flagOr("use_full_rank_gate", false) ? 0 : delta.width;
    if (inner.has("gate_lower_bound"))
      delta.lowerBound = inner.negative("gate_lower_bound");
    // Layers count from 1.
    std::vector<unsigned> named(layers, 0);
    for (int64_t layer : inner.integers("full_attn_layers", 1, layers)) {
      attends[layer - 1] = true;
      ++named[layer - 1];
    }
    for (int64_t layer : inner.integers("kda_layers", 1, layers))
      ++named[layer - 1];
    for (int64_t layer = 0; layer < layers; ++layer)
      if (named[layer] != 1)
        inner.fail(
            "kda_layers", "each layer once in kda_layers or full_attn_layers",
            "layer " + Twine(layer + 1) + " " + Twine(named[layer]) + " times");
  });
  return delta;
}

/// The activation of the blocks, with the caps of its two parts.
template <typename SpecT> void readCaps(HfConfigReader &reader, SpecT &spec) {
  spec.activation = moe::Activation::silu;
  if (reader.choice("hidden_act", {"situ", "silu"}) == 1)
    return;
  // c * tanh(g / c) * sigmoid(g), beside c' * tanh(u / c').
  spec.gateCap = reader.positive("activation_situ_beta");
  if (reader.has("activation_situ_linear_beta"))
    spec.linearCap = reader.positive("activation_situ_linear_beta");
}

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  readCaps(reader, experts);
  readCaps(reader, experts.shared);
  experts.intermediate = reader.size("moe_intermediate_size");
  experts.shared.intermediate =
      reader.integer("num_shared_experts", 0, kMaxExperts) *
      experts.intermediate;
  if (reader.has("routed_expert_hidden_size")) {
    experts.latent = reader.size("routed_expert_hidden_size");
    experts.latentNorm = reader.flagOr("latent_moe_use_norm", false);
  }
  RoutingSpec &routing = experts.routing;
  routing.experts = reader.size("num_experts", kMaxExperts);
  routing.topK = reader.size("num_experts_per_token", routing.experts);
  reader.choice("moe_router_activation_func", {"sigmoid"});
  reader.choice("topk_method", {"noaux_tc"});
  routing.scoring = moe::Scoring::sigmoid;
  routing.correction = true;
  // One group is no limit.
  reader.onlyInteger("num_expert_group", 1);
  reader.onlyInteger("topk_group", 1);
  reader.ignore({"use_grouped_topk"});
  routing.normalize = reader.flag("moe_renormalize");
  routing.scale = reader.positive("routed_scaling_factor");
  return experts;
}

void readDecoder(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  reader.onlyFlag("tie_word_embeddings", false);
  spec.rotaries.clear();
  int64_t layers = readLayers(reader);
  LatentSpec latent = readLatent(reader);
  std::vector<bool> attends;
  KimiDeltaSpec delta = readDelta(reader, layers, attends);
  ExpertsSpec experts = readExperts(reader);
  MlpSpec mlp = experts.shared;
  mlp.intermediate = reader.size("intermediate_size");
  int64_t dense = reader.integer("first_k_dense_replace", 0, layers - 1);
  reader.onlyInteger("moe_layer_freq", 1);
  int64_t block = reader.size("attn_res_block_size", kMaxLayers);
  spec.mixesDepth = true;
  // What every file of the library of models carries, for other architectures.
  reader.ignore({"add_cross_attention",
                 "bad_words_ids",
                 "begin_suppress_tokens",
                 "chunk_size_feed_forward",
                 "cross_attention_hidden_size",
                 "diversity_penalty",
                 "encoder_no_repeat_ngram_size",
                 "exponential_decay_length_penalty",
                 "finetuning_task",
                 "forced_bos_token_id",
                 "forced_eos_token_id",
                 "num_return_sequences",
                 "output_scores",
                 "prefix",
                 "pruned_heads",
                 "remove_invalid_values",
                 "return_dict_in_generate",
                 "suppress_tokens",
                 "tf_legacy_loss",
                 "tie_encoder_decoder",
                 "tokenizer_class",
                 "torchscript",
                 "use_bfloat16"});
  for (int64_t i = 0; i < layers; ++i) {
    int64_t sealed = (i + block - 1) / block;
    bool seals = i % block == 0, isDense = i < dense;
    std::string name = attends[i] ? "layer_attention" : "layer_linear";
    name += isDense ? "_dense" : "_moe";
    name += (seals ? "_seals_" : "_block_") + std::to_string(sealed);
    spec.addLayer(name, [&] {
      return makeBlockLayer(
          spec, attends[i] ? mixerOf(latent) : portolan::mixerOf(delta),
          isDense ? feedForwardOf(mlp) : feedForwardOf(experts), sealed, seals);
    });
  }
}

} // namespace

void portolan::readKimiK3(HfConfigReader &reader, DecoderSpec &spec) {
  reader.onlyFlag("tie_word_embeddings", false);
  reader.ignore({"vision_config", "ignore_index", "image_placeholder",
                 "media_placeholder_token_id", "dtype", "torch_dtype"});
  reader.nested("text_config", [&](HfConfigReader &text) {
    text.choice("model_type", {"kimi_linear"});
    readDecoder(text, spec);
    ignoreCommonFields(text);
  });
}
