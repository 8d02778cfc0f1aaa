//===- RaiseDecomposedAttention.cpp - attention of single nodes -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention is the product of a softmax and the values. From there the rule
// finds the scores, their scale and mask, the keys, the repetition of
// key-value heads and the caches. The grown caches are results of the same op,
// so the nodes that join past and new keys wait for it.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/AttentionMask.h"
#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Keys or values as the scores read them: a cache that grows by `added`, each
/// head repeated.
struct CacheForm {
  Value added;
  Value past;    ///< an input, or null
  Value present; ///< the grown cache, or null
  int64_t heads = 0;
};

/// Keys and values that are projections of one compressed activation, each key
/// with a rotated part that the heads share.
struct LatentForm {
  Projection expand; ///< [L, heads*(Dn+Dv)]
  Value rotaryKey;   ///< [B,1,S,Dr]
  int64_t heads = 0, keyWidth = 0, valueWidth = 0;
};

struct AttentionForm {
  Value query, mask;
  CacheForm keys, values;
  std::optional<LatentForm> latent;
  Value sinks; ///< a weight with a score per head, or null
  double scale = 1, softCap = 0;
};

bool isAxis(graph::NodeOp node, StringRef name, int64_t axis,
            const GraphFacts &facts) {
  int64_t rank = facts.rank(node.input(0));
  return rank > 0 && wrapIndex(integerAttr(node, name, 0), rank) == axis;
}

/// [B,kv,T,D] of which `value` [B,kv*g,T,D] repeats each head g times:
/// Unsqueeze, Expand, Reshape. `value` itself if it repeats nothing.
Value skipRepeat(Value value, const GraphFacts &facts) {
  graph::NodeOp join = nodeBehindCasts(value, "Reshape", facts);
  graph::NodeOp expand =
      join ? nodeBehindCasts(join.input(0), "Expand", facts) : graph::NodeOp();
  graph::NodeOp split =
      expand ? nodeBehindCasts(expand.input(0), "Unsqueeze", facts)
             : graph::NodeOp();
  if (!split)
    return value;
  const Sizes *from = facts.shape(split.input(0)),
              *one = facts.shape(split.getOutputs()[0]),
              *many = facts.shape(expand.getOutputs()[0]),
              *to = facts.shape(join.getOutputs()[0]);
  if (!from || !one || !many || !to || from->size() != 4 || one->size() != 5 ||
      many->size() != 5 || to->size() != 4)
    return value;
  auto axes = axesOf(split, 1, facts);
  bool inserts = axes && axes->size() == 1 && wrapIndex(axes->front(), 5) == 2;
  std::optional<Size> heads = (*many)[1].times((*many)[2]);
  if (!inserts || (*many)[1] != (*from)[1] || (*many)[3] != (*from)[2] ||
      (*many)[4] != (*from)[3] || (*to)[1] != heads || (*to)[2] != (*from)[2] ||
      (*to)[3] != (*from)[3])
    return value;
  return split.input(0);
}

/// Whether `node` joins a cache that is an input with new tokens: [B,kv,P,D]
/// and [B,kv,S,D] along the tokens.
bool growsCache(graph::NodeOp node, Raiser &raiser) {
  return node.getInputs().size() == 2 &&
         isa_and_nonnull<BlockArgument>(node.input(0)) &&
         raiser.facts.rank(node.input(0)) == 4 &&
         isAxis(node, "axis", 2, raiser.facts);
}

std::optional<CacheForm> matchCache(Value value, Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  CacheForm form;
  Value whole = skipCasts(skipRepeat(skipCasts(value, facts), facts), facts);
  form.added = whole;
  if (graph::NodeOp concat = nodeOf(whole, "Concat");
      concat && growsCache(concat, raiser)) {
    form.past = concat.input(0);
    form.added = skipCasts(concat.input(1), facts);
    form.present = concat.getOutputs()[0];
  }
  form.heads = facts.dim(form.added, 1);
  if (facts.rank(form.added) != 4 || form.heads < 1)
    return std::nullopt;
  return form;
}

/// The softmax whose probabilities `node` multiplies with values; those of
/// sinks at the end of each row are dropped first.
graph::NodeOp matchProbabilities(graph::NodeOp node, const GraphFacts &facts) {
  Value value = skipCasts(node.input(0), facts);
  if (graph::NodeOp slice = nodeOf(value, "Slice")) {
    auto form = sliceOf(slice, facts);
    const Sizes *shape = facts.shape(slice.input(0));
    bool dropsLast = form && form->axis == 3 && form->step == 1 &&
                     form->start == Size(0) &&
                     form->size.plus(1) == shape->back();
    value = dropsLast ? skipCasts(slice.input(0), facts) : Value();
  }
  graph::NodeOp softmax = nodeOf(value, "Softmax");
  return softmax && facts.rank(softmax.input(0)) == 4 ? softmax
                                                      : graph::NodeOp();
}

/// The scores of `value` without the sinks that are joined to their end: one
/// per head, a weight with `heads` elements. The row's maximum may be
/// subtracted, which changes nothing.
Value skipSinks(Value value, AttentionForm &form, const GraphFacts &facts) {
  value = skipCasts(value, facts);
  Value whole = value;
  if (graph::NodeOp difference = nodeOf(value, "Sub")) {
    graph::NodeOp largest =
        nodeBehindCasts(difference.input(1), "ReduceMax", facts);
    if (!largest || skipCasts(largest.input(0), facts) !=
                        skipCasts(difference.input(0), facts))
      return value;
    whole = skipCasts(difference.input(0), facts);
  }
  graph::NodeOp join = nodeOf(whole, "Concat");
  if (!join || join.getInputs().size() != 2 || !isAxis(join, "axis", 3, facts))
    return whole;
  Value sinks = skipCasts(join.input(1), facts);
  for (unsigned steps = 0; steps < 4; ++steps)
    if (auto node = sinks.getDefiningOp<graph::NodeOp>();
        node && node.input(0) &&
        (node.getOpType() == "Expand" || node.getOpType() == "Unsqueeze" ||
         node.getOpType() == "Reshape"))
      sinks = skipCasts(node.input(0), facts);
  int64_t heads = facts.dim(join.input(0), 1);
  if (facts.dim(join.input(1), 3) != 1 || !isWeight(sinks) || heads < 1 ||
      typeOf(sinks).getNumElements() != heads)
    return nullptr;
  form.sinks = sinks;
  return skipCasts(join.input(0), facts);
}

/// Reads scale * tanh(q k^T * scale / cap) * cap.
bool matchScores(Value value, AttentionForm &form, Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  WithNumber scaled = peelScale(value, facts);
  if (graph::NodeOp tanh = nodeBehindCasts(scaled.value, "Tanh", facts)) {
    form.softCap = scaled.number;
    scaled = peelScale(tanh.input(0), facts);
    scaled.number *= form.softCap;
  }
  graph::NodeOp product = nodeBehindCasts(scaled.value, "MatMul", facts);
  if (!product || !product.input(0) || !product.input(1))
    return false;
  WithNumber query = peelScale(product.input(0), facts),
             keys = peelScale(product.input(1), facts);
  graph::NodeOp transpose = nodeBehindCasts(keys.value, "Transpose", facts);
  auto perm = permutationOf(transpose);
  if (!perm || *perm != SmallVector<int64_t>{0, 1, 3, 2})
    return false;
  WithNumber untransposed = peelScale(transpose.input(0), facts);
  auto cache = matchCache(untransposed.value, raiser);
  if (!cache)
    return false;
  form.query = skipCasts(query.value, facts);
  form.keys = *cache;
  form.scale = scaled.number * query.number * keys.number * untransposed.number;
  // A cache holds the keys as they are, so a scale may not lie before it.
  return form.scale > 0 && form.softCap >= 0;
}

/// Columns of each head of `source` [B,heads,S,*].
struct HeadPart {
  Value source;
  int64_t start = 0, width = 0;
};

std::optional<HeadPart> matchPart(Value value, const GraphFacts &facts) {
  auto node = value.getDefiningOp<graph::NodeOp>();
  if (!node || !node.getDomain().empty() || facts.rank(value) != 4)
    return std::nullopt;
  HeadPart part{node.input(0), 0, facts.dim(value, -1)};
  if (node.getOpType() == "Slice") {
    auto form = sliceOf(node, facts);
    auto start = form && form->axis == 3 && form->step == 1
                     ? form->start.constant()
                     : std::nullopt;
    if (!start || part.width < 1)
      return std::nullopt;
    part.start = *start;
    return part;
  }
  if (node.getOpType() != "Split" || !isAxis(node, "axis", 3, facts))
    return std::nullopt;
  for (Value output : node.getOutputs()) {
    int64_t width = facts.dim(output, -1);
    if (width < 1)
      return std::nullopt;
    if (output == value)
      return part;
    part.start += width;
  }
  return std::nullopt;
}

/// Keys [own part of each head | rotated part of all] and values that are
/// columns of one projection.
std::optional<LatentForm> matchLatent(const AttentionForm &form,
                                      const GraphFacts &facts) {
  graph::NodeOp join = nodeBehindCasts(form.keys.added, "Concat", facts);
  if (!join || join.getInputs().size() != 2 || !isAxis(join, "axis", 3, facts))
    return std::nullopt;
  auto own = matchPart(skipCasts(join.input(0), facts), facts);
  auto values = matchPart(form.values.added, facts);
  graph::NodeOp repeat = nodeBehindCasts(join.input(1), "Expand", facts);
  if (!own || !values || !repeat || own->source != values->source ||
      own->start != 0 || values->start != own->width)
    return std::nullopt;
  LatentForm latent;
  latent.heads = form.keys.heads;
  latent.keyWidth = own->width;
  latent.valueWidth = values->width;
  latent.rotaryKey = skipCasts(repeat.input(0), facts);
  // The projection, its heads split from the width and moved in front.
  graph::NodeOp transpose = nodeBehindCasts(own->source, "Transpose", facts);
  auto perm = permutationOf(transpose);
  graph::NodeOp split =
      transpose ? nodeBehindCasts(transpose.input(0), "Reshape", facts)
                : graph::NodeOp();
  auto expand =
      split ? matchProjection(skipCasts(split.input(0), facts)) : std::nullopt;
  int64_t width = own->width + values->width;
  if (!expand || expand->bias || !perm ||
      *perm != SmallVector<int64_t>{0, 2, 1, 3} ||
      facts.rank(expand->input) != 3 ||
      facts.dim(own->source, 1) != latent.heads ||
      facts.dim(own->source, 3) != width ||
      lastDim(expand->weight) != latent.heads * width ||
      facts.dim(latent.rotaryKey, 1) != 1)
    return std::nullopt;
  latent.expand = *expand;
  return latent;
}

std::optional<AttentionForm> matchScoredValues(graph::NodeOp node,
                                               Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  graph::NodeOp softmax = matchProbabilities(node, facts);
  if (!softmax || !isAxis(softmax, "axis", 3, facts))
    return std::nullopt;
  AttentionForm form;
  auto values = matchCache(node.input(1), raiser);
  if (!values)
    return std::nullopt;
  form.values = *values;
  // Probabilities are dropped where there are sinks and nowhere else.
  Value scores = skipSinks(softmax.input(0), form, facts);
  bool drops = bool(nodeBehindCasts(node.input(0), "Slice", facts));
  if (!scores || drops != bool(form.sinks))
    return std::nullopt;
  if (graph::NodeOp sum = nodeOf(scores, "Add")) {
    for (auto [masked, mask] : {std::pair{sum.input(0), sum.input(1)},
                                std::pair{sum.input(1), sum.input(0)}})
      if (masked && matchScores(masked, form, raiser)) {
        form.mask = mask;
        return form;
      }
    return std::nullopt;
  }
  return matchScores(scores, form, raiser) ? std::optional(form) : std::nullopt;
}

std::optional<AttentionForm> matchAttention(graph::NodeOp node,
                                            Raiser &raiser) {
  auto form = matchScoredValues(node, raiser);
  if (form)
    form->latent = matchLatent(*form, raiser.facts);
  return form;
}

bool isAttention(graph::NodeOp node, Raiser &raiser) {
  return bool(matchProbabilities(node, raiser.facts));
}

void needsAttention(graph::NodeOp node, Raiser &raiser, Values &values) {
  auto form = matchAttention(node, raiser);
  if (!form)
    return;
  values.push_back(form->query);
  if (form->latent)
    values.append({form->latent->expand.input, form->latent->expand.weight,
                   form->latent->rotaryKey});
  else
    values.append({form->keys.added, form->values.added});
  for (Value other : {form->keys.past, form->values.past, form->sinks})
    if (other)
      values.push_back(other);
}

/// Activations [B,S,heads*width] whose heads stand in front.
Value readHeads(Value value, int64_t heads, Raiser &raiser) {
  const View *view = raiser.view(value);
  if (!view || view->layout != View::Layout::HeadsFirst || !view->isWhole() ||
      view->heads != heads)
    return nullptr;
  return view->base;
}

/// A cache [B,heads,0,width] for a graph that has none.
Value emitNoPast(Raiser &raiser, Value query, int64_t heads, int64_t width) {
  OpBuilder &b = raiser.ahead;
  RankedTensorType type = typeOf(query);
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0)) {
    Value zero = arith::ConstantIndexOp::create(b, query.getLoc(), 0);
    dynamic.push_back(
        tensor::DimOp::create(b, query.getLoc(), raiser.tokensOf(query), zero));
  }
  auto empty = RankedTensorType::get({type.getDimSize(0), heads, 0, width},
                                     type.getElementType());
  return tensor::EmptyOp::create(b, query.getLoc(), empty, dynamic);
}

/// The type of a cache that has grown by the new tokens.
RankedTensorType grownType(Value past, Value query) {
  SmallVector<int64_t> shape(typeOf(past).getShape());
  int64_t more = typeOf(query).getDimSize(1);
  bool isStatic =
      !ShapedType::isDynamic(shape[2]) && !ShapedType::isDynamic(more);
  shape[2] = isStatic ? shape[2] + more : ShapedType::kDynamic;
  return RankedTensorType::get(shape, typeOf(past).getElementType());
}

/// What both kinds of attention read.
struct Operands {
  Value query, pastKey, pastValue, keys;
  int64_t heads = 0, keyWidth = 0, window = 0;
};

/// The caches, which hold `form.keys.heads` heads.
LogicalResult readCaches(const AttentionForm &form, int64_t valueWidth,
                         Operands &operands, Raiser &raiser) {
  int64_t heads = form.keys.heads;
  if (bool(form.keys.past) != bool(form.values.past))
    return raiser.fail("expects a cache of keys and values, or none");
  operands.pastKey = form.keys.past;
  operands.pastValue = form.values.past;
  if (!form.keys.past) {
    operands.pastKey =
        emitNoPast(raiser, operands.query, heads, operands.keyWidth);
    operands.pastValue = emitNoPast(raiser, operands.query, heads, valueWidth);
  }
  for (auto [cache, width] : {std::pair{operands.pastKey, operands.keyWidth},
                              std::pair{operands.pastValue, valueWidth}})
    if (typeOf(cache).getDimSize(1) != heads ||
        typeOf(cache).getDimSize(3) != width)
      return raiser.fail("expects caches of [batch, " + Twine(heads) +
                         ", past, " + Twine(width) + "]");
  return success();
}

/// The query and the mask.
LogicalResult readQuery(const AttentionForm &form, Operands &operands,
                        Raiser &raiser) {
  if (!form.mask)
    return raiser.fail("expects a mask that is added to the scores");
  llvm::Expected<MaskForm> mask = raiser.mask(form.mask);
  if (!mask)
    return raiser.fail(llvm::toString(mask.takeError()));
  operands.keys = mask->keys;
  operands.window = mask->window;
  operands.heads = raiser.facts.dim(form.query, 1);
  if (operands.heads < 1 || operands.heads % form.keys.heads != 0 ||
      form.values.heads != form.keys.heads)
    return raiser.fail("expects key-value heads that divide the heads");
  operands.query = readHeads(form.query, operands.heads, raiser);
  if (!operands.query)
    return raiser.fail("expects a query that is the heads of an activation");
  operands.keyWidth = lastDim(operands.query) / operands.heads;
  if (!raiser.tokensOf(operands.query))
    return raiser.fail("expects a query that comes from the inputs");
  return success();
}

/// States what the node, the grown caches and the dimensions became.
void raiseResults(graph::NodeOp node, const AttentionForm &form,
                  const Operands &operands, ValueRange results,
                  Raiser &raiser) {
  Value query = operands.query, result = results[0];
  raiser.raise(result, result, query);
  View view;
  view.base = result;
  view.layout = View::Layout::HeadsFirst;
  view.heads = operands.heads;
  view.headWidth = view.width = lastDim(result) / operands.heads;
  raiser.raiseView(node.getOutputs()[0], view);
  if (form.keys.present) {
    raiser.raise(form.keys.present, results[1], query);
    raiser.raise(form.values.present, results[2], query);
    raiser.nameDim(form.keys.past, 2, "past_tokens");
  }
  raiser.nameTokens(raiser.tokensOf(query));
  if (operands.keys)
    raiser.nameDim(operands.keys, 1, "total_tokens");
}

/// Sinks [heads] of a weight that may have dimensions of size 1.
Value readSinks(Raiser &raiser, Value sinks) {
  if (!sinks || typeOf(sinks).getRank() == 1)
    return sinks;
  ReassociationIndices all;
  for (int64_t i = 0; i < typeOf(sinks).getRank(); ++i)
    all.push_back(i);
  return tensor::CollapseShapeOp::create(raiser.ahead, sinks.getLoc(), sinks,
                                         ArrayRef<ReassociationIndices>{all});
}

LogicalResult raiseGrouped(graph::NodeOp node, const AttentionForm &form,
                           Operands &operands, Raiser &raiser) {
  int64_t kvHeads = form.keys.heads;
  Value key = readHeads(form.keys.added, kvHeads, raiser),
        value = readHeads(form.values.added, kvHeads, raiser);
  if (!key || !value || lastDim(key) != kvHeads * operands.keyWidth)
    return raiser.fail("expects keys and values that are heads of activations, "
                       "keys as wide as the query's");
  int64_t valueWidth = lastDim(value) / kvHeads;
  if (failed(readCaches(form, valueWidth, operands, raiser)))
    return failure();
  Value query = operands.query;
  auto attention = moe::AttentionOp::create(
      raiser.body, node.getLoc(),
      withLastDim(query, operands.heads * valueWidth),
      grownType(operands.pastKey, query), grownType(operands.pastValue, query),
      /*log_sum_exp=*/Type(), query, key, value, operands.pastKey,
      operands.pastValue, operands.keys, readSinks(raiser, form.sinks),
      uint64_t(operands.heads), uint64_t(kvHeads), APFloat(form.scale),
      uint64_t(operands.window), APFloat(form.softCap), moe::FormatAttr());
  raiseResults(node, form, operands, attention->getResults(), raiser);
  return success();
}

/// Columns [first, first + width) of each head of `weight`
/// [L, heads*headWidth], as [heads, L, width].
Value headWeights(Raiser &raiser, Value weight, int64_t heads, int64_t first,
                  int64_t width) {
  OpBuilder &b = raiser.ahead;
  Location loc = weight.getLoc();
  RankedTensorType type = typeOf(weight);
  Type element = type.getElementType();
  int64_t rows = type.getDimSize(0);
  auto split =
      RankedTensorType::get({rows, heads, lastDim(weight) / heads}, element);
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  Value part = raiser.sliceWeight(
      tensor::ExpandShapeOp::create(b, loc, split, weight, groups), 2, first,
      width);
  Value init = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{heads, rows, width}, element);
  return linalg::TransposeOp::create(b, loc, part, init,
                                     ArrayRef<int64_t>{1, 0, 2})
      ->getResult(0);
}

LogicalResult raiseLatent(graph::NodeOp node, const AttentionForm &form,
                          Operands &operands, Raiser &raiser) {
  const LatentForm &latent = *form.latent;
  Value input = raiser.raised(latent.expand.input),
        rotaryKey = readHeads(latent.rotaryKey, 1, raiser);
  if (!input || typeOf(input).getRank() != 3 || !rotaryKey ||
      operands.heads != latent.heads ||
      operands.keyWidth != latent.keyWidth + lastDim(rotaryKey))
    return raiser.fail("expects a compressed activation, and a rotated key of "
                       "one head that completes the query's width");
  if (form.softCap != 0 || operands.window != 0 || form.sinks)
    return raiser.fail("expects neither window, cap nor sinks of latent "
                       "attention");
  if (failed(readCaches(form, latent.valueWidth, operands, raiser)))
    return failure();
  Value query = operands.query, weight = latent.expand.weight;
  // One after the other: compilers differ in the order of arguments.
  Value keyUp = headWeights(raiser, weight, latent.heads, 0, latent.keyWidth);
  Value valueUp = headWeights(raiser, weight, latent.heads, latent.keyWidth,
                              latent.valueWidth);
  auto attention = moe::LatentAttentionOp::create(
      raiser.body, node.getLoc(),
      withLastDim(query, latent.heads * latent.valueWidth),
      grownType(operands.pastKey, query), grownType(operands.pastValue, query),
      /*log_sum_exp=*/Type(), query, input, rotaryKey, operands.pastKey,
      operands.pastValue, keyUp, valueUp, operands.keys, uint64_t(latent.heads),
      APFloat(form.scale),
      /*absorbed=*/false, moe::FormatAttr(), moe::FormatAttr());
  raiseResults(node, form, operands, attention->getResults(), raiser);
  return success();
}

LogicalResult raiseAttention(graph::NodeOp node, Raiser &raiser) {
  auto form = matchAttention(node, raiser);
  if (!form)
    return raiser.fail("expects softmax(query * keys^T * scale + mask) of "
                       "[batch, heads, tokens, width] before the values");
  Operands operands;
  if (failed(readQuery(*form, operands, raiser)))
    return failure();
  return form->latent ? raiseLatent(node, *form, operands, raiser)
                      : raiseGrouped(node, *form, operands, raiser);
}

void needsNothing(graph::NodeOp, Raiser &, Values &) {}

LogicalResult postpone(graph::NodeOp node, Raiser &raiser) {
  raiser.postponed.push_back(node);
  return success();
}

} // namespace

void graph_to_moe::addDecomposedAttentionRules(Rules &rules) {
  rules.add("", "MatMul",
            {2, needsAttention, raiseAttention, isAttention,
             /*readsViews=*/true});
  rules.add("", "Concat", {2, needsNothing, postpone, growsCache});
}
