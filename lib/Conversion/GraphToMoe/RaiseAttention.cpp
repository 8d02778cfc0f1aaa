//===- RaiseAttention.cpp - rules for attention nodes ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GroupQueryAttention is a packed projection (split here by splitting its
// weight), the rotation of query and key, and attention over the cache.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Raiser.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Inputs of GroupQueryAttention by position.
enum Input : unsigned {
  Query = 0,
  Key,
  ValueInput,
  PastKey,
  PastValue,
  LastPositions, ///< seqlens_k: tokens of each sequence minus 1
  TotalLength,   ///< the largest of them; follows from the shapes
  Cosine,
  Sine,
  Positions,
  HeadSink = 11,
  QueryNorm = 14,
  KeyNorm
};

bool isIntegerTensor(Value value, int64_t rank) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == rank &&
         (type.getElementType().isInteger(32) ||
          type.getElementType().isInteger(64));
}

/// The value that says how long each sequence is: the attention mask, of which
/// `last` is ReduceSum(mask, axis 1) - 1, or `last` itself.
Value matchLengths(Value last, Raiser *raiser) {
  if (!last)
    return nullptr;
  if (isa<BlockArgument>(last) && isIntegerTensor(last, 1))
    return last;
  Value value = last;
  if (graph::NodeOp cast = nodeOf(value, "Cast"))
    value = cast.input(0);
  graph::NodeOp minusOne = nodeOf(value, "Sub");
  graph::NodeOp sum =
      minusOne ? nodeOf(minusOne.input(0), "ReduceSum") : graph::NodeOp();
  if (!sum || !sum.input(0) || !isa<BlockArgument>(sum.input(0)) ||
      !isIntegerTensor(sum.input(0), 2))
    return nullptr;
  if (!raiser)
    return sum.input(0);
  // Axes are an operand since version 13.
  auto axes = raiser->constant(sum.input(1));
  if (auto attribute =
          dyn_cast_or_null<DenseI64ArrayAttr>(sum.attribute("axes")))
    axes = SmallVector<int64_t>(attribute.asArrayRef());
  auto one = raiser->constant(minusOne.input(1));
  auto keep = dyn_cast_or_null<IntegerAttr>(sum.attribute("keepdims"));
  bool overTokens =
      axes && axes->size() == 1 && (axes->front() == 1 || axes->front() == -1);
  if (!overTokens || !keep || keep.getInt() != 0 || !one || one->size() != 1 ||
      one->front() != 1)
    return nullptr;
  return sum.input(0);
}

bool isPacked(graph::NodeOp node) {
  return !node.input(Key) && !node.input(ValueInput);
}

void needsAttention(graph::NodeOp node, Raiser &raiser, Values &values) {
  Value lengths = matchLengths(node.input(LastPositions), nullptr);
  if (!lengths)
    return;
  values.push_back(lengths);
  if (isPacked(node)) {
    auto packed = matchProjection(node.input(Query));
    if (!packed)
      return values.push_back(node.input(Query));
    needs(*packed, values);
  }
  for (auto [index, value] : llvm::enumerate(node.getInputs())) {
    bool done = index == LastPositions || index == TotalLength ||
                (index == Query && isPacked(node));
    if (!done && !isa<NoneType>(value.getType()))
      values.push_back(value);
  }
}

struct AttentionForm {
  int64_t heads, kvHeads, window;
  double scale, softCap, normEpsilon;
  bool rotates, interleaved, isSmooth;
};

FailureOr<AttentionForm> readForm(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  AttentionForm form;
  form.heads = attributes.integer("num_heads", 0);
  form.kvHeads = attributes.integer("kv_num_heads", 0);
  form.window = attributes.integer("local_window_size", -1);
  form.scale = attributes.number("scale", 0);
  form.softCap = attributes.number("softcap", 0);
  form.rotates = attributes.integer("do_rotary", 0) != 0;
  form.interleaved = attributes.integer("rotary_interleaved", 0) != 0;
  form.isSmooth = attributes.integer("smooth_softmax", 0) == 1;
  form.normEpsilon = attributes.number("qk_norm_epsilon", 1e-6);
  attributes.expect("qk_output", 0);
  attributes.expect("causal", 1);
  attributes.expect("sliding_window_cache", 0);
  attributes.expect("kv_cache_bit_width", 0);
  for (StringRef name : {"k_quant_type", "v_quant_type"})
    if (StringRef type = attributes.string(name, "NONE"); type != "NONE")
      return raiser.fail("attribute '" + name + "' expects NONE, got '" + type +
                         "'");
  if (failed(raiser.check(attributes)))
    return failure();
  if (form.heads < 1 || form.kvHeads < 1 || form.heads > kMaxHeads ||
      form.heads % form.kvHeads != 0)
    return raiser.fail("expects kv_num_heads that divide num_heads, got " +
                       Twine(form.heads) + " and " + Twine(form.kvHeads));
  if (!isFactor(form.softCap) || !isFactor(form.scale) || form.window == 0)
    return raiser.fail("expects softcap and scale >= 0 and a window of 1 "
                       "token at least");
  return form;
}

/// Query, key and value of [B,S,..], before rotation.
LogicalResult readInputs(graph::NodeOp node, const AttentionForm &form,
                         int64_t width, Raiser &raiser,
                         std::array<Value, 3> &values) {
  int64_t sizes[3] = {form.heads * width, form.kvHeads * width,
                      form.kvHeads * width};
  if (!isPacked(node)) {
    for (unsigned i = 0; i < 3; ++i) {
      if (!node.input(Query + i))
        return raiser.fail("expects key and value, or a packed query");
      values[i] = raiser.raised(node.input(Query + i));
      if (typeOf(values[i]).getRank() != 3 || lastDim(values[i]) != sizes[i])
        return raiser.fail("expects a query, key and value as wide as their "
                           "heads");
    }
    return success();
  }
  auto packed = matchProjection(node.input(Query));
  if (!packed)
    return raiser.fail("expects a packed query that is a product with an "
                       "initialiser");
  Value input = raiser.raised(packed->input);
  if (typeOf(input).getRank() != 3 ||
      lastDim(input) != typeOf(packed->weight).getDimSize(0) ||
      lastDim(packed->weight) != sizes[0] + sizes[1] + sizes[2])
    return raiser.fail("expects a packed weight of [" + Twine(lastDim(input)) +
                       ", " + Twine(sizes[0] + sizes[1] + sizes[2]) + "]");
  int64_t offset = 0;
  constexpr StringLiteral kParts[] = {"query", "key", "value"};
  for (unsigned i = 0; i < 3; ++i) {
    values[i] = raiser.project(partOf(node, kParts[i]), input, *packed, offset,
                               sizes[i]);
    raiser.raise(values[i], values[i], input);
    offset += sizes[i];
  }
  return success();
}

/// The type of a cache that has grown by the new tokens.
RankedTensorType grown(RankedTensorType past, int64_t newTokens) {
  SmallVector<int64_t> shape(past.getShape());
  bool isStatic =
      !ShapedType::isDynamic(shape[2]) && !ShapedType::isDynamic(newTokens);
  shape[2] = isStatic ? shape[2] + newTokens : ShapedType::kDynamic;
  return RankedTensorType::get(shape, past.getElementType());
}

LogicalResult raiseAttention(graph::NodeOp node, Raiser &raiser) {
  FailureOr<AttentionForm> form = readForm(node, raiser);
  if (failed(form))
    return failure();
  if (Value bias = node.input(10))
    return raiser.fail(
        "expects no input 10 (attention_bias), got one of rank " +
        Twine(raiser.facts.rank(bias)));
  for (auto [index, value] : llvm::enumerate(node.getInputs()))
    if (index > Positions && index != HeadSink && index != QueryNorm &&
        index != KeyNorm && node.input(index))
      return raiser.fail("expects no input " + Twine(index));
  for (unsigned index : {PastKey, PastValue})
    if (!node.input(index))
      return raiser.fail("expects a cache of keys and values");
  Value lengths = matchLengths(node.input(LastPositions), &raiser);
  if (!lengths)
    return raiser.fail("expects seqlens_k to be an input or the sum of the "
                       "attention mask minus 1");
  // Of another packed query nothing else was asked for.
  if (isPacked(node) && !matchProjection(node.input(Query)))
    return raiser.fail("expects a packed query that is a product with an "
                       "initialiser");
  Value pastKey = raiser.raised(node.input(PastKey));
  Value pastValue = raiser.raised(node.input(PastValue));
  RankedTensorType cacheType = typeOf(pastKey);
  if (cacheType.getRank() != 4 || cacheType != pastValue.getType() ||
      cacheType.getDimSize(1) != form->kvHeads || cacheType.getDimSize(3) < 1 ||
      cacheType.getDimSize(3) > INT32_MAX)
    return raiser.fail("expects caches of [batch, " + Twine(form->kvHeads) +
                       ", past, head width]");
  int64_t width = cacheType.getDimSize(3);
  std::array<Value, 3> values;
  if (failed(readInputs(node, *form, width, raiser, values)))
    return failure();
  auto &[query, key, value] = values;
  Value tokens = raiser.tokensOf(query);
  if (!tokens || typeOf(tokens).getRank() < 2)
    return raiser.fail("expects a query that comes from the inputs");
  auto [total, positions] = raiser.lengthsAndPositions(lengths, tokens);

  if (Value given = node.input(Positions)) {
    Value stated = raiser.raised(given);
    if (typeOf(stated) != typeOf(positions))
      return raiser.fail("expects a position for each token of each sequence");
    positions = stated;
    raiser.nameTokens(given);
  }

  OpBuilder &body = raiser.body;
  // Heads are normalized before they are rotated.
  if (bool(node.input(QueryNorm)) != bool(node.input(KeyNorm)))
    return raiser.fail("expects gains of queries and of keys, got one of them");
  if (!(form->normEpsilon > 0) || !std::isfinite(form->normEpsilon))
    return raiser.fail("attribute 'qk_norm_epsilon' expects a positive number");
  for (auto [normed, input, part] :
       {std::tuple<Value *, Input, StringRef>{&query, QueryNorm, "norm_query"},
        {&key, KeyNorm, "norm_key"}}) {
    Value gain = node.input(input);
    if (!gain)
      continue;
    if (!isWeight(gain, 1) || lastDim(gain) != width)
      return raiser.fail("expects gains of the head width " + Twine(width));
    *normed =
        moe::RmsNormOp::create(body, partOf(node, part), normed->getType(),
                               *normed, gain, APFloat(form->normEpsilon));
  }
  if (form->rotates) {
    Value cosine = node.input(Cosine), sine = node.input(Sine);
    if (!isWeight(cosine, 2) || !isWeight(sine, 2) ||
        cosine.getType() != sine.getType() || 2 * lastDim(cosine) > width)
      return raiser.fail("expects tables of cosines and sines of at most half "
                         "the head width");
    for (auto [rotated, part] :
         {std::pair<Value *, StringRef>{&query, "rope_query"},
          {&key, "rope_key"}})
      *rotated = moe::RopeOp::create(
          body, partOf(node, part), rotated->getType(), *rotated, positions,
          cosine, sine, uint64_t(width), uint64_t(0), form->interleaved);
  }
  Value sinks = node.input(HeadSink);
  if (sinks && (!isWeight(sinks, 1) || lastDim(sinks) != form->heads))
    return raiser.fail("expects a sink for each head");
  // One more score of 0 beside those of the keys.
  if (form->isSmooth && !sinks)
    sinks = raiser.zeros(
        RankedTensorType::get({form->heads}, typeOf(query).getElementType()));
  double scale = form->scale == 0 ? 1 / std::sqrt(double(width)) : form->scale;
  RankedTensorType present = grown(cacheType, typeOf(query).getDimSize(1));
  auto attention = moe::AttentionOp::create(
      body, node.getLoc(), withLastDim(query, form->heads * width), present,
      present, /*log_sum_exp=*/Type(), query, key, value, pastKey, pastValue,
      total, sinks, uint64_t(form->heads), uint64_t(form->kvHeads),
      APFloat(scale), uint64_t(std::max<int64_t>(form->window, 0)),
      APFloat(form->softCap), moe::FormatAttr());
  Value results[] = {attention.getResult(), attention.getPresentKey(),
                     attention.getPresentValue()};
  for (auto [index, result] : llvm::enumerate(results))
    if (node.hasOutput(index))
      raiser.raise(node.getOutputs()[index], result, tokens);
  for (unsigned i = 3; i < node.getOutputs().size(); ++i)
    if (!node.getOutputs()[i].use_empty())
      return raiser.fail("expects output " + Twine(i) + " to be unused");
  return success();
}

} // namespace

void graph_to_moe::addAttentionRules(Rules &rules) {
  rules.add("com.microsoft", "GroupQueryAttention",
            {1, needsAttention, raiseAttention});
}
