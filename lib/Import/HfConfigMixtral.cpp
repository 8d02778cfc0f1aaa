//===- HfConfigMixtral.cpp - model_type mixtral ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One layer class: grouped-query attention and experts with a softmax router
// whose chosen weights are normalized.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigModels.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

struct MixtralConfig {
  int64_t heads, kvHeads, headWidth, window, intermediate;
  moe::Activation activation;
  RoutingSpec routing;
};

MixtralConfig readFields(HfConfigReader &reader, const DecoderSpec &spec) {
  MixtralConfig config;
  config.heads = reader.size("num_attention_heads");
  config.kvHeads = reader.size("num_key_value_heads", config.heads);
  reader.require(config.heads % config.kvHeads == 0, "num_key_value_heads",
                 "a divisor of num_attention_heads " + Twine(config.heads));
  if (reader.has("head_dim")) {
    config.headWidth = reader.size("head_dim");
  } else {
    reader.require(spec.hidden % config.heads == 0, "num_attention_heads",
                   "a divisor of hidden_size " + Twine(spec.hidden));
    config.headWidth = spec.hidden / config.heads;
  }
  if (config.headWidth % 2 != 0)
    reader.fail(reader.has("head_dim") ? "head_dim" : "hidden_size",
                "an even head width for rotation", Twine(config.headWidth));
  config.window = reader.has("sliding_window")
                      ? reader.size("sliding_window", kMaxPositions)
                      : 0;
  reader.onlyNull("rope_scaling");
  config.intermediate = reader.size("intermediate_size");
  config.activation = readActivation(reader);
  config.routing.experts = reader.size("num_local_experts", kMaxExperts);
  config.routing.topK =
      reader.size("num_experts_per_tok", config.routing.experts);
  config.routing.normalize = true;
  return config;
}

SmallVector<Value> buildLayer(LayerBody &body, const MixtralConfig &config) {
  Value normed = body.norm(body.hidden, "attention_norm");
  Value query = body.rope("rope_q", body.linear(normed, "q"), config.headWidth,
                          /*offset=*/0, /*interleaved=*/false);
  Value key = body.rope("rope_k", body.linear(normed, "k"), config.headWidth,
                        /*offset=*/0, /*interleaved=*/false);
  Value value = body.linear(normed, "v");
  double scale = 1 / std::sqrt(double(config.headWidth));
  auto attention = moe::AttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(config.heads * config.headWidth), body.grownType(0),
      body.grownType(1), /*log_sum_exp=*/Type(), query, key, value,
      body.cache(0), body.cache(1), /*total_lengths=*/Value(),
      /*sinks=*/Value(), uint64_t(config.heads), uint64_t(config.kvHeads),
      llvm::APFloat(scale), uint64_t(config.window), llvm::APFloat(0.0),
      /*cache_format=*/moe::FormatAttr());
  Value hidden = body.add("add_attention", body.hidden,
                          body.linear(attention.getResult(), "o"));
  Value experts = buildExperts(body, body.norm(hidden, "experts_norm"),
                               config.routing, config.activation);
  return {body.add("add_experts", hidden, experts), attention.getPresentKey(),
          attention.getPresentValue()};
}

} // namespace

void portolan::readMixtral(HfConfigReader &reader, DecoderSpec &spec) {
  MixtralConfig config = readFields(reader, spec);
  spec.rotary.width = config.headWidth;

  LayerClass layer;
  layer.name = "layer_moe";
  Type plain = spec.formats.plain, matrix = spec.formats.matrix;
  int64_t hidden = spec.hidden, query = config.heads * config.headWidth;
  int64_t key = config.kvHeads * config.headWidth;
  layer.weights = {
      {"attention_norm", {hidden}, plain}, {"q", {hidden, query}, matrix},
      {"k", {hidden, key}, matrix},        {"v", {hidden, key}, matrix},
      {"o", {query, hidden}, matrix},      {"experts_norm", {hidden}, plain}};
  addExpertWeights(layer, spec, config.routing, config.intermediate);
  for (const char *name : {"key", "value"})
    layer.caches.push_back({name,
                            {ShapedType::kDynamic, config.kvHeads,
                             ShapedType::kDynamic, config.headWidth},
                            /*tokens=*/2});
  layer.body = [config](LayerBody &body) { return buildLayer(body, config); };
  spec.classes.push_back(std::move(layer));
  spec.sequence.assign(reader.size("num_hidden_layers", kMaxLayers), 0);
}
