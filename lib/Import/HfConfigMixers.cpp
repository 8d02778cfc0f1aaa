//===- HfConfigMixers.cpp - mixers with a state of fixed size -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights and ops of each mixer, and the layers around them. States are kept in
// f32, the last inputs of a convolution as activations are.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Adds weights and caches of one mixer.
class Weights {
public:
  Weights(LayerClass &layer, const DecoderSpec &spec)
      : layer(layer), spec(spec) {}

  void matrix(const std::string &name, int64_t in, int64_t out,
              bool bias = false) {
    layer.weights.push_back({name, {in, out}, spec.formats.attention});
    if (bias)
      plain(name + "_bias", {out});
  }
  void plain(const std::string &name, llvm::SmallVector<int64_t, 3> shape) {
    layer.weights.push_back({name, std::move(shape), spec.formats.plain});
  }
  /// Weight, bias and past of a convolution.
  void convolution(const std::string &name, int64_t channels, int64_t taps,
                   bool bias) {
    plain(name, {channels, taps});
    if (bias)
      plain(name + "_bias", {channels});
    layer.caches.push_back(
        {name, {kDynamic, taps - 1, channels}, std::nullopt, nullptr});
  }
  void state(int64_t heads, int64_t keyWidth, int64_t valueWidth) {
    layer.caches.push_back({"state",
                            {kDynamic, heads, keyWidth, valueWidth},
                            std::nullopt,
                            Float32Type::get(spec.context)});
  }

private:
  LayerClass &layer;
  const DecoderSpec &spec;
};

/// Builds the ops of one mixer; caches come back in the order in which they
/// were added.
class Ops {
public:
  explicit Ops(LayerBody &body) : body(body) {}

  Value convolution(StringRef name, Value input, moe::Activation activation) {
    Value past = body.cache(presents.size());
    auto op = moe::ShortConvolutionOp::create(
        body.builder, body.at(name), input.getType(), past.getType(), input,
        body.weight(name), body.optionalWeight((name + "_bias").str()), past,
        activation);
    presents.push_back(op.getPresent());
    return op.getResult();
  }

  /// What a recurrence reads beside its queries, keys and values.
  struct Recurrence {
    moe::Recurrence kind;
    int64_t heads, keyHeads;
    Value query = {}, key = {}, value = {}, step = {}, strength = {};
    double scale = 1;
    bool normalize = false;
    double lowerBound = 0;
    int64_t chunk = 64; ///< tokens; what published kernels take
  };
  Value recurrence(const Recurrence &spec) {
    Value past = body.cache(presents.size());
    auto op = moe::RecurrenceOp::create(
        body.builder, body.at("recurrence"), spec.value.getType(),
        past.getType(), spec.query, spec.key, spec.value, spec.step,
        spec.strength, body.weight("decay"), body.optionalWeight("step_bias"),
        body.optionalWeight("skip"), past, spec.kind, uint64_t(spec.heads),
        uint64_t(spec.keyHeads), llvm::APFloat(spec.scale), spec.normalize,
        llvm::APFloat(spec.lowerBound), uint64_t(spec.chunk));
    presents.push_back(op.getPresent());
    return op.getResult();
  }

  SmallVector<Value> results(Value result) {
    SmallVector<Value> values = {result};
    values.append(presents);
    return values;
  }

private:
  LayerBody &body;
  SmallVector<Value> presents;
};

} // namespace

Value portolan::sliceColumns(LayerBody &body, StringRef name, Value input,
                             int64_t first, int64_t width) {
  OpBuilder &builder = body.builder;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, body.at(name), input);
  sizes[2] = builder.getIndexAttr(width);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
  offsets[2] = builder.getIndexAttr(first);
  SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, body.at(name),
                                        body.tokens(width), input, offsets,
                                        sizes, strides);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Mixer portolan::mixerOf(const AttentionSpec &attention) {
  return {[attention](LayerClass &layer, const DecoderSpec &spec) {
            addAttentionWeights(layer, spec, attention);
          },
          [attention](LayerBody &body, Value input) -> SmallVector<Value> {
            AttentionParts parts = buildAttention(body, input, attention);
            return {parts.result, parts.presentKey, parts.presentValue};
          }};
}

//===----------------------------------------------------------------------===//
// State space models
//===----------------------------------------------------------------------===//

Mixer portolan::mixerOf(const MambaSpec &mamba) {
  auto add = [mamba](LayerClass &layer, const DecoderSpec &spec) {
    Weights weights(layer, spec);
    weights.matrix("x", spec.hidden, mamba.channels, mamba.projectionBias);
    weights.matrix("z", spec.hidden, mamba.channels, mamba.projectionBias);
    weights.convolution("convolution", mamba.channels, mamba.taps,
                        mamba.convolutionBias);
    weights.matrix("choice", mamba.channels, mamba.stepRank + 2 * mamba.state);
    if (mamba.norms) {
      weights.plain("step_norm", {mamba.stepRank});
      weights.plain("key_norm", {mamba.state});
      weights.plain("query_norm", {mamba.state});
    }
    weights.matrix("step", mamba.stepRank, mamba.channels);
    weights.plain("step_bias", {mamba.channels});
    weights.plain("decay", {mamba.channels, mamba.state});
    weights.plain("skip", {mamba.channels});
    weights.state(mamba.channels, mamba.state, 1);
    weights.matrix("o", mamba.channels, spec.hidden, mamba.projectionBias);
  };
  auto build = [mamba](LayerBody &body, Value input) {
    Ops ops(body);
    Value x = ops.convolution("convolution", body.linear(input, "x"),
                              moe::Activation::silu);
    // What is written, what is read and how fast it decays is chosen by x.
    Value choice = body.linear(x, "choice");
    auto part = [&](const std::string &name, int64_t first, int64_t width) {
      Value value = sliceColumns(body, name, choice, first, width);
      return mamba.norms ? body.norm(value, name + "_norm") : value;
    };
    Value step = part("step", 0, mamba.stepRank);
    Ops::Recurrence spec{moe::Recurrence::selective, mamba.channels, 1};
    spec.key = part("key", mamba.stepRank, mamba.state);
    spec.query = part("query", mamba.stepRank + mamba.state, mamba.state);
    spec.value = x;
    spec.step = body.linear(step, "step");
    Value y = body.gate("gate", ops.recurrence(spec), body.linear(input, "z"),
                        moe::Activation::silu);
    return ops.results(body.linear(y, "o"));
  };
  return {add, build};
}

Mixer portolan::mixerOf(const Mamba2Spec &mamba) {
  int64_t inner = mamba.heads * mamba.width;
  int64_t keys = mamba.groups * mamba.state;
  auto add = [=](LayerClass &layer, const DecoderSpec &spec) {
    Weights weights(layer, spec);
    for (auto [name, width] :
         {std::pair{"z", inner}, std::pair{"x", inner}, std::pair{"b", keys},
          std::pair{"c", keys}, std::pair{"step", mamba.heads}})
      weights.matrix(name, spec.hidden, width, mamba.projectionBias);
    for (auto [name, width] :
         {std::pair{"x", inner}, std::pair{"b", keys}, std::pair{"c", keys}})
      weights.convolution(std::string("convolution_") + name, width, mamba.taps,
                          mamba.convolutionBias);
    weights.plain("step_bias", {mamba.heads});
    weights.plain("decay", {mamba.heads});
    weights.plain("skip", {mamba.heads});
    weights.plain("mixer_norm", {inner});
    weights.state(mamba.heads, mamba.state, mamba.width);
    weights.matrix("o", inner, spec.hidden, mamba.projectionBias);
  };
  auto build = [=](LayerBody &body, Value input) {
    Ops ops(body);
    auto part = [&](const std::string &name) {
      return ops.convolution("convolution_" + name, body.linear(input, name),
                             moe::Activation::silu);
    };
    Ops::Recurrence spec{moe::Recurrence::state_space, mamba.heads,
                         mamba.groups};
    spec.value = part("x");
    spec.key = part("b");
    spec.query = part("c");
    spec.step = body.linear(input, "step");
    spec.chunk = mamba.chunk;
    Value y = body.gate("gate", ops.recurrence(spec), body.linear(input, "z"),
                        moe::Activation::silu);
    y = body.norm(y, "mixer_norm", mamba.groups, /*gainOffset=*/0);
    return ops.results(body.linear(y, "o"));
  };
  return {add, build};
}

//===----------------------------------------------------------------------===//
// Linear attention
//===----------------------------------------------------------------------===//

Mixer portolan::mixerOf(const DeltaSpec &delta) {
  int64_t keys = delta.keyHeads * delta.keyWidth;
  int64_t values = delta.heads * delta.valueWidth;
  auto add = [=](LayerClass &layer, const DecoderSpec &spec) {
    Weights weights(layer, spec);
    for (auto [name, width] :
         {std::pair{"q", keys}, std::pair{"k", keys}, std::pair{"v", values},
          std::pair{"z", values}, std::pair{"strength", delta.heads},
          std::pair{"step", delta.heads}})
      weights.matrix(name, spec.hidden, width);
    for (auto [name, width] :
         {std::pair{"q", keys}, std::pair{"k", keys}, std::pair{"v", values}})
      weights.convolution(std::string("convolution_") + name, width, delta.taps,
                          /*bias=*/false);
    weights.plain("step_bias", {delta.heads});
    weights.plain("decay", {delta.heads});
    weights.plain("mixer_norm", {delta.valueWidth});
    weights.state(delta.heads, delta.keyWidth, delta.valueWidth);
    weights.matrix("o", values, spec.hidden);
  };
  auto build = [=](LayerBody &body, Value input) {
    Ops ops(body);
    auto part = [&](const std::string &name) {
      return ops.convolution("convolution_" + name, body.linear(input, name),
                             moe::Activation::silu);
    };
    Ops::Recurrence spec{moe::Recurrence::delta, delta.heads, delta.keyHeads};
    spec.query = part("q");
    spec.key = part("k");
    spec.value = part("v");
    spec.step = body.linear(input, "step");
    spec.strength = body.linear(input, "strength");
    spec.scale = 1 / std::sqrt(double(delta.keyWidth));
    spec.normalize = true;
    // The gains of the norm before a gate are kept as they are.
    Value y = body.norm(ops.recurrence(spec), "mixer_norm", /*groups=*/1,
                        /*gainOffset=*/0);
    y = body.gate("gate", y, body.linear(input, "z"), moe::Activation::silu);
    return ops.results(body.linear(y, "o"));
  };
  return {add, build};
}

/// The decays of lightning attention in layer `layer`: those of ALiBi's slopes
/// for a power of two of heads, slower in later layers.
static ElementsAttr lightningDecays(MLIRContext *context, int64_t heads,
                                    int64_t layer, int64_t layers) {
  double rate =
      1 - double(layer) / double(std::max<int64_t>(layers - 1, 1)) + 1e-5;
  SmallVector<float> decays;
  for (int64_t head = 1; head <= heads; ++head)
    decays.push_back(
        float(rate * std::exp2(-8.0 * double(head) / double(heads))));
  return DenseElementsAttr::get(
      RankedTensorType::get({heads}, Float32Type::get(context)),
      llvm::ArrayRef<float>(decays));
}

Mixer portolan::mixerOf(const LightningSpec &lightning) {
  int64_t inner = lightning.heads * lightning.width;
  auto add = [=](LayerClass &layer, const DecoderSpec &spec) {
    Weights weights(layer, spec);
    for (const char *name : {"q", "k", "v", "z"})
      weights.matrix(name, spec.hidden, inner);
    MLIRContext *context = spec.context;
    layer.weights.push_back({"decay",
                             {lightning.heads},
                             Float32Type::get(context),
                             [=](int64_t index) {
                               return lightningDecays(context, lightning.heads,
                                                      index, lightning.layers);
                             }});
    weights.plain("mixer_norm", {inner});
    weights.state(lightning.heads, lightning.width, lightning.width);
    weights.matrix("o", inner, spec.hidden);
  };
  auto build = [=](LayerBody &body, Value input) {
    Ops ops(body);
    auto part = [&](const std::string &name) {
      Value x = body.linear(input, name);
      // silu(x) = x * sigmoid(x).
      return body.gate("activate_" + name, x, x, moe::Activation::sigmoid);
    };
    Ops::Recurrence spec{moe::Recurrence::fixed_decay, lightning.heads,
                         lightning.heads};
    spec.query = part("q");
    spec.key = part("k");
    spec.value = part("v");
    spec.chunk = 256; // tokens; what published kernels take
    Value y = body.norm(ops.recurrence(spec), "mixer_norm");
    y = body.gate("gate", y, body.linear(input, "z"), moe::Activation::sigmoid);
    return ops.results(body.linear(y, "o"));
  };
  return {add, build};
}

Mixer portolan::mixerOf(const KimiDeltaSpec &delta) {
  int64_t inner = delta.heads * delta.width;
  auto add = [=](LayerClass &layer, const DecoderSpec &spec) {
    Weights weights(layer, spec);
    for (const char *name : {"q", "k", "v"})
      weights.matrix(name, spec.hidden, inner);
    for (const char *name : {"q", "k", "v"})
      weights.convolution(std::string("convolution_") + name, inner, delta.taps,
                          /*bias=*/false);
    weights.matrix("step_a", spec.hidden, delta.width);
    weights.matrix("step", delta.width, inner);
    weights.matrix("strength", spec.hidden, delta.heads);
    if (delta.gateRank > 0)
      weights.matrix("z_a", spec.hidden, delta.gateRank);
    weights.matrix("z", delta.gateRank > 0 ? delta.gateRank : spec.hidden,
                   inner);
    weights.plain("step_bias", {inner});
    weights.plain("decay", {delta.heads});
    weights.plain("mixer_norm", {delta.width});
    weights.state(delta.heads, delta.width, delta.width);
    weights.matrix("o", inner, spec.hidden);
  };
  auto build = [=](LayerBody &body, Value input) {
    Ops ops(body);
    auto part = [&](const std::string &name) {
      return ops.convolution("convolution_" + name, body.linear(input, name),
                             moe::Activation::silu);
    };
    Ops::Recurrence spec{moe::Recurrence::channel_delta, delta.heads,
                         delta.heads};
    spec.query = part("q");
    spec.key = part("k");
    spec.value = part("v");
    spec.step = body.linear(body.linear(input, "step_a"), "step");
    spec.strength = body.linear(input, "strength");
    spec.scale = 1 / std::sqrt(double(delta.width));
    spec.normalize = true;
    spec.lowerBound = delta.lowerBound;
    Value y = body.norm(ops.recurrence(spec), "mixer_norm", /*groups=*/1,
                        /*gainOffset=*/0);
    Value gate = delta.gateRank > 0 ? body.linear(input, "z_a") : input;
    y = body.gate("gate", y, body.linear(gate, "z"), moe::Activation::sigmoid);
    return ops.results(body.linear(y, "o"));
  };
  return {add, build};
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

FeedForward portolan::feedForwardOf(const MlpSpec &mlp) {
  return {"mlp",
          [mlp](LayerClass &layer, const DecoderSpec &spec) {
            addMlpWeights(layer, spec, "mlp", mlp);
          },
          [mlp](LayerBody &body, Value input) {
            return buildMlp(body, "mlp", input, mlp);
          }};
}

FeedForward portolan::feedForwardOf(const ExpertsSpec &experts) {
  return {"experts",
          [experts](LayerClass &layer, const DecoderSpec &spec) {
            addExpertsWeights(layer, spec, experts);
          },
          [experts](LayerBody &body, Value input) {
            return buildExperts(body, input, experts);
          }};
}

namespace {

Value addScaled(LayerBody &body, StringRef name, Value from, double scale,
                Value update) {
  return moe::AddOp::create(body.builder, body.at(name), from.getType(), from,
                            update, llvm::APFloat(scale), llvm::APFloat(1.0));
}

} // namespace

LayerClass portolan::makeHybridLayer(const DecoderSpec &spec,
                                     const Mixer &mixer,
                                     const FeedForward &feedForward,
                                     std::optional<unsigned> rotary,
                                     const ResidualSpec &residual) {
  LayerClass layer;
  layer.rotary = rotary;
  std::string norm = feedForward.name + "_norm";
  layer.weights.push_back(
      {"mixer_input_norm", {spec.hidden}, spec.formats.plain});
  mixer.addWeights(layer, spec);
  layer.weights.push_back({norm, {spec.hidden}, spec.formats.plain});
  feedForward.addWeights(layer, spec);
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    Value normed = body.norm(body.hidden, "mixer_input_norm");
    SmallVector<Value> results = mixer.build(body, normed);
    Value hidden =
        addScaled(body, "add_mixer", residual.fromNorm ? normed : body.hidden,
                  residual.mixerScale, results[0]);
    normed = body.norm(hidden, norm);
    results[0] = addScaled(
        body, "add_" + feedForward.name, residual.fromNorm ? normed : hidden,
        residual.feedForwardScale, feedForward.build(body, normed));
    return results;
  };
  return layer;
}

LayerClass portolan::makeMixerLayer(const DecoderSpec &spec, const Mixer &mixer,
                                    std::optional<unsigned> rotary) {
  LayerClass layer;
  layer.rotary = rotary;
  layer.weights.push_back(
      {"mixer_input_norm", {spec.hidden}, spec.formats.plain});
  mixer.addWeights(layer, spec);
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    SmallVector<Value> results =
        mixer.build(body, body.norm(body.hidden, "mixer_input_norm"));
    results[0] = body.add("add_mixer", body.hidden, results[0]);
    return results;
  };
  return layer;
}

LayerClass portolan::makeFeedForwardLayer(const DecoderSpec &spec,
                                          const FeedForward &feedForward) {
  LayerClass layer;
  layer.rotary = std::nullopt;
  std::string norm = feedForward.name + "_norm";
  layer.weights.push_back({norm, {spec.hidden}, spec.formats.plain});
  feedForward.addWeights(layer, spec);
  layer.body = [=](LayerBody &body) -> SmallVector<Value> {
    Value update = feedForward.build(body, body.norm(body.hidden, norm));
    return {body.add("add_" + feedForward.name, body.hidden, update)};
  };
  return layer;
}
