//===- HfConfigLayers.cpp - parts of layers that families share -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights and ops of the parts. The order of weights is that of the arguments
// of a layer function.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigLayers.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

ElementsAttr ones(Type element, int64_t width) {
  return DenseElementsAttr::get(RankedTensorType::get({width}, element),
                                FloatAttr::get(element, 1.0));
}

/// Attention over the cache that the first layer of the function has grown.
Value buildBorrowingAttention(LayerBody &body, Value query,
                              const AttentionSpec &attention) {
  return moe::SharedAttentionOp::create(
             body.builder, body.at("attention"),
             body.tokens(attention.heads * attention.valueWidth),
             /*log_sum_exp=*/Type(), query, body.kept[0], body.kept[1],
             uint64_t(attention.heads), uint64_t(attention.kvHeads),
             llvm::APFloat(attention.scale), /*cache_format=*/moe::FormatAttr(),
             /*past_only=*/false)
      .getResult();
}

} // namespace

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

void portolan::addAttentionWeights(LayerClass &layer, const DecoderSpec &spec,
                                   const AttentionSpec &attention) {
  Type plain = spec.formats.plain;
  const WeightFormat &matrix = spec.formats.attention;
  int64_t query = attention.heads * attention.keyWidth;
  int64_t key = attention.kvHeads * attention.keyWidth;
  int64_t value = attention.kvHeads * attention.valueWidth;
  int64_t attended = attention.heads * attention.valueWidth;
  auto add = [&](std::string name, int64_t in, int64_t out, bool bias) {
    layer.weights.push_back({name, {in, out}, matrix});
    if (bias)
      layer.weights.push_back({name + "_bias", {out}, plain});
  };
  add("q", spec.hidden, query, attention.inputBias);
  if (attention.gated)
    add("attention_gate", spec.hidden,
        attention.headGates ? attention.heads : attended, /*bias=*/false);
  bool borrows = attention.cache == AttentionSpec::Cache::borrowed;
  if (!borrows) {
    add("k", spec.hidden, key, attention.inputBias);
    add("v", spec.hidden, value, attention.inputBias);
  }
  if (attention.norm != QkNorm::none) {
    bool head = attention.norm == QkNorm::head;
    layer.weights.push_back(
        {"q_norm", {head ? attention.keyWidth : query}, plain});
    int64_t width = head ? attention.keyWidth : key;
    if (attention.cache == AttentionSpec::Cache::own)
      layer.weights.push_back({"k_norm", {width}, plain});
    else if (!borrows)
      layer.weights.push_back({"k_norm", {width}, plain, [=](int64_t) {
                                 return ones(plain, width);
                               }});
  }
  if (attention.sinks)
    layer.weights.push_back({"sinks", {attention.heads}, plain});
  add("o", attended, spec.hidden, attention.outputBias);
  if (borrows)
    return;
  for (auto [name, width] : {std::pair{"key", attention.keyWidth},
                             std::pair{"value", attention.valueWidth}})
    layer.caches.push_back(
        {name, {kDynamic, attention.kvHeads, kDynamic, width}, /*tokens=*/2});
}

AttentionParts portolan::buildAttention(LayerBody &body, Value input,
                                        const AttentionSpec &attention) {
  auto linear = [&](const std::string &name) {
    Value value = body.linear(input, name);
    return attention.clip > 0
               ? body.scale("clip_" + name, value, 1, attention.clip)
               : value;
  };
  // Queries and keys go the same way: projection, norm, rotation.
  auto project = [&](const std::string &name) {
    Value value = linear(name);
    bool norm = attention.norm != QkNorm::none;
    if (norm && !attention.normAfterRotation)
      value = body.norm(value, name + "_norm");
    if (body.cosine)
      value = body.rope("rope_" + name, value, attention.keyWidth,
                        attention.rotaryOffset, attention.interleaved);
    if (norm && attention.normAfterRotation)
      value = body.norm(value, name + "_norm");
    return value;
  };
  // Gates each head, or each element, and projects.
  auto finish = [&](Value attended) {
    if (attention.gated)
      attended = body.gate("gate_attention", attended,
                           body.linear(input, "attention_gate"),
                           moe::Activation::sigmoid);
    return body.linear(attended, "o");
  };
  Value query = project("q");
  if (attention.cache == AttentionSpec::Cache::borrowed)
    return {finish(buildBorrowingAttention(body, query, attention)), {}, {}};
  Value key = project("k");
  Value value = linear("v");
  if (attention.valueScale != 1)
    value = body.scale("scale_v", value, attention.valueScale);
  auto op = moe::AttentionOp::create(
      body.builder, body.at("attention"),
      body.tokens(attention.heads * attention.valueWidth), body.grownType(0),
      body.grownType(1), /*log_sum_exp=*/Type(), query, key, value,
      body.cache(0), body.cache(1), /*total_lengths=*/Value(),
      body.optionalWeight("sinks"), uint64_t(attention.heads),
      uint64_t(attention.kvHeads), llvm::APFloat(attention.scale),
      uint64_t(attention.window), llvm::APFloat(attention.softCap),
      /*cache_format=*/moe::FormatAttr(), /*past_only=*/false,
      uint64_t(attention.chunk), uint64_t(attention.temperatureFloor),
      llvm::APFloat(attention.temperatureScale));
  return {finish(op.getResult()), op.getPresentKey(), op.getPresentValue()};
}

//===----------------------------------------------------------------------===//
// Dense blocks
//===----------------------------------------------------------------------===//

void portolan::addMlpWeights(LayerClass &layer, const DecoderSpec &spec,
                             StringRef prefix, const MlpSpec &mlp) {
  const WeightFormat &matrix = spec.formats.mlp;
  auto add = [&](StringRef name, int64_t in, int64_t out) {
    layer.weights.push_back({(prefix + name).str(), {in, out}, matrix});
  };
  if (mlp.gated)
    add("_gate", spec.hidden, mlp.intermediate);
  add("_up", spec.hidden, mlp.intermediate);
  add("_down", mlp.intermediate, spec.hidden);
}

Value portolan::buildMlp(LayerBody &body, StringRef prefix, Value input,
                         const MlpSpec &mlp) {
  std::string gate = (prefix + "_gate").str(), up = (prefix + "_up").str(),
              down = (prefix + "_down").str();
  return moe::MlpOp::create(
      body.builder, body.at(prefix), input.getType(), input,
      body.optionalWeight(gate), body.weight(up), body.weight(down),
      mlp.activation, body.weightFormat(up), body.activationFormat(up),
      llvm::APFloat(mlp.limit), llvm::APFloat(mlp.alpha),
      llvm::APFloat(mlp.linearOffset), llvm::APFloat(mlp.gateCap),
      llvm::APFloat(mlp.linearCap), mlp.limitsActivated);
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

void portolan::addExpertsWeights(LayerClass &layer, const DecoderSpec &spec,
                                 const ExpertsSpec &experts) {
  const RoutingSpec &routing = experts.routing;
  Type plain = spec.formats.plain;
  const WeightFormat &matrix = spec.formats.experts;
  int64_t count = routing.experts;
  layer.weights.push_back({"router", {spec.hidden, count}, plain});
  if (routing.bias)
    layer.weights.push_back({"router_bias", {count}, plain});
  if (routing.tabled) {
    WeightSpec table = {"router_table",
                        {spec.vocabulary, routing.topK},
                        IntegerType::get(spec.context, 32)};
    table.isBuffer = true;
    layer.weights.push_back(std::move(table));
    layer.takesIds = true;
  }
  if (routing.correction)
    layer.weights.push_back({"router_correction", {count}, plain});
  auto add = [&](std::string name, int64_t in, int64_t out) {
    layer.weights.push_back({name, {count, in, out}, matrix});
    if (experts.biases)
      layer.weights.push_back({name + "_bias", {count, out}, plain});
  };
  int64_t width = experts.latent > 0 ? experts.latent : spec.hidden;
  if (experts.gated)
    add("experts_gate", width, experts.intermediate);
  add("experts_up", width, experts.intermediate);
  add("experts_down", experts.intermediate, width);
  if (experts.latent > 0) {
    layer.weights.push_back(
        {"latent_down", {spec.hidden, width}, spec.formats.mlp});
    layer.weights.push_back(
        {"latent_up", {width, spec.hidden}, spec.formats.mlp});
    if (experts.latentNorm)
      layer.weights.push_back({"latent_norm", {width}, plain});
  }
  if (experts.shared.intermediate > 0)
    addMlpWeights(layer, spec, "shared", experts.shared);
  if (experts.sharedGate)
    layer.weights.push_back({"shared_switch", {spec.hidden, 1}, plain});
}

Value portolan::buildExperts(LayerBody &body, Value input,
                             const ExpertsSpec &experts, Value rows) {
  const RoutingSpec &routing = experts.routing;
  OpBuilder &builder = body.builder;
  SmallVector<int64_t> chosen = {kDynamic, kDynamic, routing.topK};
  auto indexType = RankedTensorType::get(chosen, builder.getI32Type());
  auto weightType = RankedTensorType::get(chosen, builder.getF32Type());
  auto route = moe::RouteOp::create(
      builder, body.at("route"), weightType, indexType, input,
      body.weight("router"), body.optionalWeight("router_bias"),
      body.optionalWeight("router_correction"), /*ids=*/body.ids,
      body.optionalWeight("router_table"), uint64_t(routing.topK),
      routing.scoring, uint64_t(routing.groups), uint64_t(routing.topGroups),
      routing.normalize, llvm::APFloat(routing.scale),
      uint64_t(routing.groupRank), llvm::APFloat(routing.jitter));

  int64_t width = experts.latent > 0 ? experts.latent : body.spec.hidden;
  Value sent = rows ? rows : input;
  if (experts.latent > 0)
    sent = body.linear(sent, "latent_down");
  auto rowType =
      RankedTensorType::get({kDynamic, width}, body.spec.formats.plain);
  auto countType =
      RankedTensorType::get({routing.experts}, builder.getI32Type());
  Value weights = experts.weightsFirst ? route.getWeights() : Value();
  auto dispatch =
      moe::DispatchOp::create(builder, body.at("dispatch"), rowType, countType,
                              sent, route.getIndices(), weights, uint64_t(0),
                              moe::LoadAttr(), moe::FormatAttr());
  Value computed = moe::ExpertsOp::create(
      builder, body.at("experts"), rowType, dispatch.getRows(),
      dispatch.getCounts(), body.optionalWeight("experts_gate"),
      body.weight("experts_up"), body.weight("experts_down"),
      body.optionalWeight("experts_gate_bias"),
      body.optionalWeight("experts_up_bias"),
      body.optionalWeight("experts_down_bias"), experts.activation,
      llvm::APFloat(experts.limit), llvm::APFloat(experts.alpha),
      llvm::APFloat(experts.linearOffset), moe::LoadAttr(),
      body.weightFormat("experts_up"), body.activationFormat("experts_up"),
      /*bias_share=*/uint64_t(1), llvm::APFloat(experts.gateCap),
      llvm::APFloat(experts.linearCap), experts.limitsActivated);
  Value result = moe::CombineOp::create(
      builder, body.at("combine"), sent.getType(), computed, route.getWeights(),
      route.getIndices(), uint64_t(routing.experts), uint64_t(0),
      moe::LoadAttr(), moe::LoadAttr(), experts.weightsFirst);
  if (experts.latentNorm)
    result = body.norm(result, "latent_norm");
  if (experts.latent > 0)
    result = body.linear(result, "latent_up");
  if (experts.shared.intermediate == 0)
    return result;
  Value shared = buildMlp(body, "shared", input, experts.shared);
  if (experts.sharedGate)
    shared =
        body.gate("gate_shared", shared, body.linear(input, "shared_switch"),
                  moe::Activation::sigmoid);
  return body.add("add_shared", result, shared);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// The two halves of a layer, the second by callbacks.
LayerClass
makePreNormLayer(const DecoderSpec &spec, const AttentionSpec &attention,
                 std::optional<unsigned> rotary, StringRef name,
                 llvm::function_ref<void(LayerClass &)> addWeights,
                 std::function<Value(LayerBody &, Value)> feedForward) {
  LayerClass layer;
  layer.rotary = rotary;
  std::string norm = (name + "_norm").str(), sum = ("add_" + name).str();
  addNormWeights(layer, spec, "attention_norm", spec.hidden);
  addAttentionWeights(layer, spec, attention);
  addNormWeights(layer, spec, norm, spec.hidden);
  addWeights(layer);
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    AttentionParts parts = buildAttention(
        body, body.norm(body.hidden, "attention_norm"), attention);
    Value hidden = body.add("add_attention", body.hidden, parts.result);
    Value update = feedForward(body, body.norm(hidden, norm));
    SmallVector<Value> results = {body.add(sum, hidden, update)};
    if (parts.presentKey)
      results.append({parts.presentKey, parts.presentValue});
    return results;
  };
  return layer;
}

} // namespace

LayerClass portolan::makeLayer(const DecoderSpec &spec,
                               const AttentionSpec &attention,
                               const MlpSpec &mlp,
                               std::optional<unsigned> rotary) {
  return makePreNormLayer(
      spec, attention, rotary, "mlp",
      [&](LayerClass &layer) { addMlpWeights(layer, spec, "mlp", mlp); },
      [mlp](LayerBody &body, Value input) {
        return buildMlp(body, "mlp", input, mlp);
      });
}

LayerClass portolan::makeLayer(const DecoderSpec &spec,
                               const AttentionSpec &attention,
                               const ExpertsSpec &experts,
                               std::optional<unsigned> rotary) {
  return makePreNormLayer(
      spec, attention, rotary, "experts",
      [&](LayerClass &layer) { addExpertsWeights(layer, spec, experts); },
      [experts](LayerBody &body, Value input) {
        return buildExperts(body, input, experts);
      });
}
