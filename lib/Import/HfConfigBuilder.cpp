//===- HfConfigBuilder.cpp - decoder modules from their parts -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dimensions of the workload stay dynamic; their names are on the arguments
// and results of `@main` (`moe.dims`, one name per dimension, empty where the
// dimension is static). A cache's token dimension is called past_tokens on the
// way in and total_tokens on the way out.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigBuilder.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Import/HfConfigReader.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Verifier.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

FloatAttr real(OpBuilder &builder, double value) {
  return builder.getF64FloatAttr(value);
}

Location named(MLIRContext *context, const Twine &name) {
  return NameLoc::get(StringAttr::get(context, name));
}

RankedTensorType cacheType(const CacheSpec &cache, const DecoderSpec &spec) {
  return RankedTensorType::get(cache.shape, cache.element ? cache.element
                                                          : spec.formats.plain);
}

/// `moe.name` and `moe.dims` of an argument or result of @main.
DictionaryAttr describe(OpBuilder &builder, const Twine &name,
                        ArrayRef<StringRef> dims) {
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("moe.name", builder.getStringAttr(name)),
       builder.getNamedAttr("moe.dims", builder.getStrArrayAttr(dims))});
}

/// The norm of a model; `shift` may be null.
Value buildNorm(OpBuilder &builder, Location loc, const DecoderSpec &spec,
                Value input, Value gain, Value shift, int64_t groups,
                double gainOffset) {
  return moe::RmsNormOp::create(builder, loc, input.getType(), input, gain,
                                shift, llvm::APFloat(spec.epsilon),
                                uint64_t(groups), llvm::APFloat(gainOffset),
                                spec.centeredNorms);
}

/// The streams `first` to `first + count` of `width` each.
Value streamsOf(OpBuilder &builder, Location loc, Value side, int64_t width,
                int64_t first, int64_t count) {
  auto type = cast<RankedTensorType>(side.getType());
  if (type.getShape().back() == width * count)
    return side;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, side);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
  sizes[2] = builder.getIndexAttr(width * count);
  offsets[2] = builder.getIndexAttr(width * first);
  return tensor::ExtractSliceOp::create(
      builder, loc,
      RankedTensorType::get({kDynamic, kDynamic, width * count},
                            type.getElementType()),
      side, offsets, sizes, strides);
}

/// What Llama 3 multiplies each frequency with: nothing where it turns more
/// than `llamaHigh` times within the original positions, 1 / factor where it
/// turns less than `llamaLow` times, and a linear ramp in the turns between.
DenseF64ArrayAttr factorsOf(OpBuilder &builder, const RotarySpec &rotary) {
  if (rotary.llamaFactor <= 0)
    return {};
  SmallVector<double> factors;
  for (int64_t i = 0; i < rotary.width / 2; ++i) {
    double frequency =
        std::pow(rotary.theta, -2.0 * double(i) / double(rotary.width));
    double turns = frequency * double(rotary.llamaOriginalPositions) /
                   (2 * 3.14159265358979323846);
    double ramp = std::clamp((turns - rotary.llamaLow) /
                                 (rotary.llamaHigh - rotary.llamaLow),
                             0.0, 1.0);
    factors.push_back((1 - ramp) / rotary.llamaFactor + ramp);
  }
  return builder.getDenseF64ArrayAttr(factors);
}

SmallVector<StringRef> cacheDims(const CacheSpec &cache, StringRef tokens) {
  SmallVector<StringRef> dims(cache.shape.size(), "");
  dims[0] = "batch";
  if (cache.tokens)
    dims[*cache.tokens] = tokens;
  return dims;
}

/// "past_tokens", or "past_tokens/4" of a cache with an entry for so many.
std::string tokensOf(const CacheSpec &cache, StringRef tokens) {
  std::string name = tokens.str();
  if (cache.tokensPerEntry > 1)
    name += "/" + std::to_string(cache.tokensPerEntry);
  return name;
}

/// Builds the module of one spec.
class DecoderBuilder {
public:
  DecoderBuilder(const DecoderSpec &spec, MLIRContext &context)
      : spec(spec), context(&context), builder(&context) {}

  OwningOpRef<ModuleOp> build();

private:
  RankedTensorType tokens(int64_t width) const {
    return RankedTensorType::get({kDynamic, kDynamic, width},
                                 spec.formats.plain);
  }
  RankedTensorType positionsType() {
    return RankedTensorType::get({kDynamic, kDynamic}, builder.getI64Type());
  }
  RankedTensorType tableType(const RotarySpec &rotary) {
    return RankedTensorType::get({rotary.positions, rotary.width / 2},
                                 builder.getF32Type());
  }

  RankedTensorType chosenType(int64_t keys) {
    return RankedTensorType::get({kDynamic, kDynamic, keys},
                                 builder.getI32Type());
  }

  func::FuncOp buildLayer(const LayerClass &layer);
  void buildMain(ArrayRef<func::FuncOp> layers);
  /// Declares the weight `name` at the end of the module and reads it here.
  Value readWeight(const Twine &name, ArrayRef<int64_t> shape, Type element,
                   ElementsAttr values = nullptr, bool isBuffer = false);
  /// A matrix with its dimensions exchanged, prepared once.
  Value transposed(Value matrix);
  std::pair<Value, Value> buildRotaryTable(unsigned index);
  /// What the last layer leaves, as one stream.
  Value mixDepth(Value side);
  Value readLast(Value side);

  const DecoderSpec &spec;
  MLIRContext *context;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
};

OwningOpRef<ModuleOp> DecoderBuilder::build() {
  module = ModuleOp::create(named(context, spec.name), StringRef(spec.name));
  builder.setInsertionPointToEnd(module->getBody());
  SmallVector<func::FuncOp> layers;
  for (const LayerClass &layer : spec.classes)
    layers.push_back(buildLayer(layer));
  buildMain(layers);
  return std::move(module);
}

func::FuncOp DecoderBuilder::buildLayer(const LayerClass &layer) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> inputs = {tokens(spec.hidden * layer.streamsIn),
                              positionsType()};
  if (layer.takesIds)
    inputs.push_back(positionsType());
  if (layer.keysIn)
    inputs.push_back(chosenType(layer.keysIn));
  std::optional<unsigned> rotary = layer.layers().front().rotary;
  if (rotary)
    inputs.append(2, tableType(spec.rotaries[*rotary]));
  SmallVector<Type> results = {tokens(spec.hidden * layer.streamsOut)};
  if (layer.keysOut)
    results.push_back(chosenType(layer.keysOut));
  for (const LayerClass &part : layer.layers()) {
    for (const WeightSpec &weight : part.weights)
      inputs.push_back(
          RankedTensorType::get(weight.shape, weight.format.element));
    for (const CacheSpec &cache : part.caches) {
      inputs.push_back(cacheType(cache, spec));
      results.push_back(cacheType(cache, spec));
    }
  }
  auto function =
      func::FuncOp::create(builder, named(context, layer.name), layer.name,
                           builder.getFunctionType(inputs, results));
  function.setPrivate();
  if (!layer.parts.empty())
    function->setAttr(moe::kDepthAttr,
                      builder.getI64IntegerAttr(layer.parts.size()));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  unsigned next = 0;
  auto take = [&](StringRef name) -> Value {
    BlockArgument argument = function.getArgument(next++);
    argument.setLoc(named(context, Twine(layer.name) + "." + name));
    return argument;
  };
  Value hidden = take("hidden"), chosen;
  LayerBody::Shared shared;
  shared.positions = take("positions");
  if (layer.takesIds)
    shared.ids = take("ids");
  if (layer.keysIn)
    chosen = take("chosen");
  if (rotary) {
    shared.cosine = take("cosine");
    shared.sine = take("sine");
  }
  SmallVector<Value> kept;
  for (const LayerClass &part : layer.layers()) {
    LayerBody body(builder, spec, part, function, shared, next);
    body.hidden = hidden;
    body.chosen = chosen;
    body.kept = kept;
    SmallVector<Value> values = part.body(body);
    hidden = values.front();
    chosen = body.chosen;
    kept.append(values.begin() + 1, values.end());
  }
  SmallVector<Value> returned = {hidden};
  if (layer.keysOut)
    returned.push_back(chosen);
  llvm::append_range(returned, kept);
  func::ReturnOp::create(builder, function.getLoc(), returned);
  return function;
}

Value DecoderBuilder::readWeight(const Twine &name, ArrayRef<int64_t> shape,
                                 Type element, ElementsAttr values,
                                 bool isBuffer) {
  std::string symbol = name.str();
  Location loc = named(context, symbol);
  auto type = RankedTensorType::get(shape, element);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module->getBody());
    auto data = moe::WeightDataOp::create(
        builder, loc, builder.getStringAttr(symbol), TypeAttr::get(type),
        StringAttr(), IntegerAttr(), IntegerAttr(), values);
    if (isBuffer)
      data->setAttr(moe::kBufferAttr, builder.getUnitAttr());
  }
  return moe::WeightOp::create(builder, loc, type, symbol);
}

Value DecoderBuilder::transposed(Value matrix) {
  auto type = cast<RankedTensorType>(matrix.getType());
  Location loc = named(context, "lm_head_tied");
  Value empty = tensor::EmptyOp::create(
      builder, loc, {type.getDimSize(1), type.getDimSize(0)},
      type.getElementType());
  return linalg::TransposeOp::create(builder, loc, matrix, empty,
                                     ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

std::pair<Value, Value> DecoderBuilder::buildRotaryTable(unsigned index) {
  const RotarySpec &rotary = spec.rotaries[index];
  FloatAttr factor, fast, slow;
  IntegerAttr original;
  UnitAttr exact;
  if (rotary.yarnFactor > 0) {
    factor = real(builder, rotary.yarnFactor);
    original = builder.getI64IntegerAttr(rotary.yarnOriginalPositions);
    fast = real(builder, rotary.yarnBetaFast);
    slow = real(builder, rotary.yarnBetaSlow);
    if (rotary.yarnExactBounds)
      exact = builder.getUnitAttr();
  }
  std::string name = "rotary_table";
  if (spec.rotaries.size() > 1)
    name += "_" + std::to_string(index);
  auto table = moe::RotaryTableOp::create(
      builder, named(context, name), tableType(rotary), tableType(rotary),
      real(builder, rotary.theta), factor, original, fast, slow,
      real(builder, rotary.magnitude), exact, factorsOf(builder, rotary));
  return {table.getCosine(), table.getSine()};
}

Value DecoderBuilder::mixDepth(Value side) {
  int64_t streams =
      cast<RankedTensorType>(side.getType()).getShape().back() / spec.hidden;
  Location loc = named(context, "final_depth");
  Value gain =
      readWeight("final_depth_norm", {spec.hidden}, spec.formats.plain);
  Value query =
      readWeight("final_depth_query", {spec.hidden}, spec.formats.plain);
  return moe::DepthAttentionOp::create(
      builder, loc, tokens(spec.hidden),
      streamsOf(builder, loc, side, spec.hidden, 0, streams - 1),
      streamsOf(builder, loc, side, spec.hidden, streams - 1, 1), gain, query,
      llvm::APFloat(spec.epsilon));
}

Value DecoderBuilder::readLast(Value side) {
  int64_t streams = spec.streams.count;
  Type f32 = builder.getF32Type();
  Value projection =
      readWeight("final_read", {streams * spec.hidden, streams}, f32);
  Value scale = readWeight("final_read_scale", {1}, f32);
  Value base = readWeight("final_read_base", {streams}, f32);
  return moe::ReadStreamsOp::create(
             builder, named(context, "final_read"), tokens(spec.hidden),
             /*mix=*/Type(), side, projection, scale, base,
             llvm::APFloat(spec.epsilon), llvm::APFloat(spec.streams.floor),
             /*rounds=*/uint64_t(0))
      .getResult();
}

void DecoderBuilder::buildMain(ArrayRef<func::FuncOp> layers) {
  SmallVector<Type> inputs = {positionsType(), positionsType()};
  auto logitsType =
      RankedTensorType::get({kDynamic, 1, spec.vocabulary}, spec.formats.plain);
  SmallVector<Type> results = {logitsType};
  SmallVector<DictionaryAttr> inputAttrs = {
      describe(builder, "input_ids", {"batch", "new_tokens"}),
      describe(builder, "position_ids", {"batch", "new_tokens"})};
  SmallVector<DictionaryAttr> resultAttrs = {
      describe(builder, "logits", {"batch", "", ""})};
  int64_t depth = 0;
  for (unsigned layer : spec.sequence)
    for (const LayerClass &part : spec.classes[layer].layers()) {
      for (const CacheSpec &cache : part.caches) {
        std::string name = std::to_string(depth) + "." + cache.name;
        inputs.push_back(cacheType(cache, spec));
        results.push_back(cacheType(cache, spec));
        inputAttrs.push_back(
            describe(builder, "past_key_values." + name,
                     cacheDims(cache, tokensOf(cache, "past_tokens"))));
        resultAttrs.push_back(
            describe(builder, "present." + name,
                     cacheDims(cache, tokensOf(cache, "total_tokens"))));
      }
      ++depth;
    }
  auto main = func::FuncOp::create(builder, named(context, "main"), "main",
                                   builder.getFunctionType(inputs, results));
  main.setAllArgAttrs(inputAttrs);
  main.setAllResultAttrs(resultAttrs);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(main.addEntryBlock());

  Value table = readWeight("embedding", {spec.vocabulary, spec.hidden},
                           spec.formats.plain);
  Value hidden =
      moe::EmbeddingOp::create(builder, named(context, "embedding"),
                               tokens(spec.hidden), main.getArgument(0), table);
  if (spec.embeddingScale != 1)
    hidden = moe::ScaleOp::create(
        builder, named(context, "embedding_scale"), hidden.getType(), hidden,
        real(builder, spec.embeddingScale), real(builder, 0));
  if (spec.streams.count > 0)
    hidden = tensor::ConcatOp::create(
        builder, named(context, "streams"), /*dim=*/int64_t(2),
        SmallVector<Value>(spec.streams.count, hidden));
  SmallVector<std::pair<Value, Value>> tables;
  for (unsigned i = 0; i < spec.rotaries.size(); ++i)
    tables.push_back(buildRotaryTable(i));
  SmallVector<Value> returned = {Value()};
  Value chosen;
  unsigned nextCache = 2;
  depth = 0;
  for (unsigned layer : spec.sequence) {
    const LayerClass &layerClass = spec.classes[layer];
    std::string first = ("layers." + Twine(depth)).str();
    SmallVector<Value> operands = {hidden, main.getArgument(1)};
    if (layerClass.takesIds)
      operands.push_back(main.getArgument(0));
    if (layerClass.keysIn)
      operands.push_back(chosen);
    if (std::optional<unsigned> rotary = layerClass.layers().front().rotary) {
      auto [cosine, sine] = tables[*rotary];
      operands.append({cosine, sine});
    }
    for (const LayerClass &part : layerClass.layers()) {
      std::string prefix = ("layers." + Twine(depth)).str();
      for (const WeightSpec &weight : part.weights)
        operands.push_back(readWeight(
            prefix + "." + weight.name, weight.shape, weight.format.element,
            weight.values ? weight.values(depth) : ElementsAttr(),
            weight.isBuffer));
      for (unsigned i = 0; i < part.caches.size(); ++i)
        operands.push_back(main.getArgument(nextCache++));
      ++depth;
    }
    auto call = func::CallOp::create(builder, named(context, first),
                                     layers[layer], operands);
    hidden = call.getResult(0);
    if (layerClass.keysOut)
      chosen = call.getResult(1);
    llvm::append_range(
        returned, call.getResults().drop_front(layerClass.keysOut ? 2 : 1));
  }
  if (spec.mixesDepth)
    hidden = mixDepth(hidden);
  if (spec.streams.count > 0)
    hidden = readLast(hidden);
  Value gain = readWeight("final_norm", {spec.hidden}, spec.formats.plain);
  Value shift, bias;
  if (spec.normBias)
    shift = readWeight("final_norm_bias", {spec.hidden}, spec.formats.plain);
  hidden = buildNorm(builder, named(context, "final_norm"), spec, hidden, gain,
                     shift, /*groups=*/1, spec.gainOffset);
  Value head = spec.tiedHead
                   ? transposed(table)
                   : readWeight("lm_head", {spec.hidden, spec.vocabulary},
                                spec.formats.plain);
  if (spec.headBias)
    bias = readWeight("lm_head_bias", {spec.vocabulary}, spec.formats.plain);
  Value logits = moe::LinearOp::create(
      builder, named(context, "lm_head"), logitsType, hidden, head, bias,
      builder.getUnitAttr(), moe::FormatAttr(), moe::FormatAttr());
  if (spec.logitsScale != 1 || spec.logitsCap > 0)
    logits = moe::ScaleOp::create(
        builder, named(context, "logits_scale"), logitsType, logits,
        real(builder, spec.logitsScale), real(builder, spec.logitsCap));
  returned[0] = logits;
  func::ReturnOp::create(builder, main.getLoc(), returned);
}

llvm::Error checkSizes(const DecoderSpec &spec, StringRef file) {
  for (const LayerClass &function : spec.classes)
    for (const LayerClass &layer : function.layers())
      for (const WeightSpec &weight : layer.weights) {
        int64_t elements = 1;
        for (int64_t size : weight.shape)
          if (__builtin_mul_overflow(elements, size, &elements) ||
              elements > kMaxElements)
            return llvm::createStringError(
                Twine(file) +
                ": expects weights of at most 2^46 elements, got " +
                llvm::formatv("{0:$[x]}", llvm::make_range(weight.shape.begin(),
                                                           weight.shape.end()))
                    .str() +
                " for " + layer.name + "." + weight.name);
      }
  return llvm::Error::success();
}

} // namespace

//===----------------------------------------------------------------------===//
// LayerBody
//===----------------------------------------------------------------------===//

LayerBody::LayerBody(OpBuilder &builder, const DecoderSpec &spec,
                     const LayerClass &layer, func::FuncOp function,
                     const Shared &shared, unsigned &next)
    : builder(builder), spec(spec), positions(shared.positions),
      cosine(shared.cosine), sine(shared.sine), ids(shared.ids), layer(layer) {
  auto take = [&](const Twine &name) {
    BlockArgument argument = function.getArgument(next++);
    argument.setLoc(at(name.str()));
    return argument;
  };
  for (const WeightSpec &weight : layer.weights) {
    weights[weight.name] = take(weight.name);
    specs[weight.name] = &weight;
  }
  for (const CacheSpec &cache : layer.caches) {
    caches.push_back(take("past_" + cache.name));
    grown.push_back(cacheType(cache, spec));
  }
}

Value LayerBody::weight(StringRef name) const {
  Value value = weights.lookup(name);
  assert(value && "a layer class lists the weights that its body uses");
  return value;
}

Location LayerBody::at(StringRef name) const {
  return named(builder.getContext(), Twine(layer.name) + "." + name);
}

RankedTensorType LayerBody::tokens(int64_t width) const {
  return RankedTensorType::get({kDynamic, kDynamic, width}, spec.formats.plain);
}

moe::FormatAttr LayerBody::weightFormat(StringRef name) const {
  const WeightSpec *weight = specs.lookup(name);
  if (!weight || !weight->format.weight)
    return {};
  return moe::formatAttrOf(builder.getContext(), *weight->format.weight);
}

moe::FormatAttr LayerBody::activationFormat(StringRef name) const {
  const WeightSpec *weight = specs.lookup(name);
  if (!weight || !weight->format.activation)
    return {};
  return moe::formatAttrOf(builder.getContext(), *weight->format.activation);
}

Value LayerBody::norm(Value input, StringRef gain) {
  return norm(input, gain, /*groups=*/1, spec.gainOffset);
}

Value LayerBody::norm(Value input, StringRef gain, int64_t groups,
                      double gainOffset) {
  return buildNorm(builder, at(gain), spec, input, weight(gain),
                   optionalWeight((gain + "_bias").str()), groups, gainOffset);
}

Value LayerBody::gate(StringRef name, Value input, Value gate,
                      moe::Activation activation) {
  return moe::GateOp::create(builder, at(name), input.getType(), input, gate,
                             activation);
}

Value LayerBody::linear(Value input, StringRef matrix) {
  Value value = weight(matrix);
  int64_t width = cast<RankedTensorType>(value.getType()).getDimSize(1);
  return moe::LinearOp::create(builder, at(matrix), tokens(width), input, value,
                               optionalWeight((matrix + "_bias").str()),
                               UnitAttr(), weightFormat(matrix),
                               activationFormat(matrix));
}

Value LayerBody::add(StringRef name, Value lhs, Value rhs) {
  return moe::AddOp::create(builder, at(name), lhs, rhs);
}

Value LayerBody::scale(StringRef name, Value input, double factor,
                       double limit) {
  return moe::ScaleOp::create(
      builder, at(name), input.getType(), input, llvm::APFloat(factor),
      /*soft_cap=*/llvm::APFloat(0.0), llvm::APFloat(limit));
}

Value LayerBody::streams(StringRef name, Value side, int64_t first,
                         int64_t count) {
  return streamsOf(builder, at(name), side, spec.hidden, first, count);
}

Value LayerBody::append(StringRef name, Value sealed, Value current) {
  return tensor::ConcatOp::create(builder, at(name), /*dim=*/int64_t(2),
                                  ValueRange{sealed, current});
}

std::pair<Value, Value> LayerBody::readStreams(StringRef name, Value streams) {
  int64_t count = spec.streams.count;
  auto mixType = RankedTensorType::get(
      {kDynamic, kDynamic, count + count * count}, builder.getF32Type());
  auto op = moe::ReadStreamsOp::create(
      builder, at(name), tokens(spec.hidden), mixType, streams, weight(name),
      weight((name + "_scales").str()), weight((name + "_base").str()),
      llvm::APFloat(spec.epsilon), llvm::APFloat(spec.streams.floor),
      uint64_t(spec.streams.rounds));
  return {op.getResult(), op.getMix()};
}

Value LayerBody::groupedLinear(Value input, StringRef matrices) {
  Value value = weight(matrices);
  auto type = cast<RankedTensorType>(value.getType());
  return moe::GroupedLinearOp::create(
      builder, at(matrices), tokens(type.getDimSize(0) * type.getDimSize(2)),
      input, value, weightFormat(matrices), activationFormat(matrices));
}

Value LayerBody::mixDepth(StringRef name, Value sealed, Value current) {
  return moe::DepthAttentionOp::create(
      builder, at(name), current.getType(), sealed, current,
      weight((name + "_norm").str()), weight((name + "_query").str()),
      llvm::APFloat(spec.epsilon));
}

Value LayerBody::rope(StringRef name, Value input, int64_t headWidth,
                      int64_t offset, bool interleaved, bool inverse) {
  return moe::RopeOp::create(builder, at(name), input.getType(), input,
                             positions, cosine, sine, uint64_t(headWidth),
                             uint64_t(offset), interleaved, inverse);
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

void portolan::addNormWeights(LayerClass &layer, const DecoderSpec &spec,
                              StringRef name, int64_t width) {
  layer.weights.push_back({name.str(), {width}, spec.formats.plain});
  if (spec.normBias)
    layer.weights.push_back(
        {(name + "_bias").str(), {width}, spec.formats.plain});
}

void portolan::addReadWeights(LayerClass &layer, const DecoderSpec &spec,
                              StringRef name) {
  int64_t count = spec.streams.count, columns = count * (count + 2);
  Type f32 = Float32Type::get(spec.context);
  layer.weights.push_back({name.str(), {count * spec.hidden, columns}, f32});
  layer.weights.push_back({(name + "_scales").str(), {3}, f32});
  layer.weights.push_back({(name + "_base").str(), {columns}, f32});
}

void DecoderSpec::addLayer(StringRef name,
                           llvm::function_ref<LayerClass()> make) {
  auto found = llvm::find_if(
      classes, [&](const LayerClass &layer) { return layer.name == name; });
  sequence.push_back(std::distance(classes.begin(), found));
  if (found != classes.end())
    return;
  classes.push_back(make());
  classes.back().name = name.str();
  for (auto [index, part] : llvm::enumerate(classes.back().parts))
    part.name = (name + "." + Twine(index)).str();
}

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::buildDecoder(const DecoderSpec &spec, StringRef file,
                       MLIRContext &context) {
  if (llvm::Error error = checkSizes(spec, file))
    return std::move(error);
  OwningOpRef<ModuleOp> module = DecoderBuilder(spec, context).build();
  // Every configuration that the readers let through must verify.
  if (failed(verify(*module)))
    return llvm::createStringError(Twine(file) +
                                   ": the imported module does not verify");
  return std::move(module);
}
