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

struct AttentionForm {
  Value query, mask;
  CacheForm keys, values;
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

/// The node of the probabilities, if `node` is their product with values.
graph::NodeOp matchProbabilities(graph::NodeOp node, const GraphFacts &facts) {
  graph::NodeOp softmax = nodeBehindCasts(node.input(0), "Softmax", facts);
  return softmax && facts.rank(softmax.input(0)) == 4 ? softmax
                                                      : graph::NodeOp();
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

std::optional<AttentionForm> matchAttention(graph::NodeOp node,
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
  Value scores = skipCasts(softmax.input(0), facts);
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

bool isAttention(graph::NodeOp node, Raiser &raiser) {
  return bool(matchProbabilities(node, raiser.facts));
}

void needsAttention(graph::NodeOp node, Raiser &raiser, Values &values) {
  auto form = matchAttention(node, raiser);
  if (!form)
    return;
  values.append({form->query, form->keys.added, form->values.added});
  for (Value past : {form->keys.past, form->values.past})
    if (past)
      values.push_back(past);
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
Value emitNoPast(Raiser &raiser, Value added, int64_t heads) {
  OpBuilder &b = raiser.ahead;
  RankedTensorType type = typeOf(added);
  Value tokens = raiser.tokensOf(added);
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0)) {
    Value zero = arith::ConstantIndexOp::create(b, added.getLoc(), 0);
    dynamic.push_back(tensor::DimOp::create(b, added.getLoc(), tokens, zero));
  }
  auto empty = RankedTensorType::get(
      {type.getDimSize(0), heads, 0, lastDim(added) / heads},
      type.getElementType());
  return tensor::EmptyOp::create(b, added.getLoc(), empty, dynamic);
}

/// The type of a cache that has grown by the new tokens.
RankedTensorType grownType(Value past, Value added) {
  SmallVector<int64_t> shape(typeOf(past).getShape());
  int64_t more = typeOf(added).getDimSize(1);
  bool isStatic =
      !ShapedType::isDynamic(shape[2]) && !ShapedType::isDynamic(more);
  shape[2] = isStatic ? shape[2] + more : ShapedType::kDynamic;
  return RankedTensorType::get(shape, typeOf(past).getElementType());
}

LogicalResult raiseAttention(graph::NodeOp node, Raiser &raiser) {
  auto form = matchAttention(node, raiser);
  if (!form)
    return raiser.fail("expects softmax(query * keys^T * scale + mask) of "
                       "[batch, heads, tokens, width] before the values");
  if (!form->mask)
    return raiser.fail("expects a mask that is added to the scores");
  llvm::Expected<MaskForm> mask = raiser.mask(form->mask);
  if (!mask)
    return raiser.fail(llvm::toString(mask.takeError()));
  int64_t heads = raiser.facts.dim(form->query, 1), kvHeads = form->keys.heads;
  if (heads < 1 || heads % kvHeads != 0 || form->values.heads != kvHeads)
    return raiser.fail("expects key-value heads that divide the heads");
  Value query = readHeads(form->query, heads, raiser),
        key = readHeads(form->keys.added, kvHeads, raiser),
        value = readHeads(form->values.added, kvHeads, raiser);
  if (!query || !key || !value)
    return raiser.fail("expects query, keys and values that are heads of "
                       "activations");
  Value tokens = raiser.tokensOf(query);
  if (!tokens)
    return raiser.fail("expects a query that comes from the inputs");
  if (bool(form->keys.past) != bool(form->values.past))
    return raiser.fail("expects a cache of keys and values, or none");
  Value pastKey = form->keys.past, pastValue = form->values.past;
  if (!pastKey) {
    pastKey = emitNoPast(raiser, key, kvHeads);
    pastValue = emitNoPast(raiser, value, kvHeads);
  }
  int64_t width = lastDim(query) / heads, valueWidth = lastDim(value) / kvHeads;
  if (typeOf(pastKey).getDimSize(1) != kvHeads ||
      typeOf(pastKey).getDimSize(3) != width ||
      typeOf(pastValue).getDimSize(1) != kvHeads ||
      typeOf(pastValue).getDimSize(3) != valueWidth ||
      lastDim(key) != kvHeads * width)
    return raiser.fail("expects caches of [batch, " + Twine(kvHeads) +
                       ", past, head width]");

  auto attention = moe::AttentionOp::create(
      raiser.body, node.getLoc(), withLastDim(query, heads * valueWidth),
      grownType(pastKey, query), grownType(pastValue, query),
      /*log_sum_exp=*/Type(), query, key, value, pastKey, pastValue, mask->keys,
      /*sinks=*/Value(), uint64_t(heads), uint64_t(kvHeads),
      APFloat(form->scale), uint64_t(mask->window), APFloat(form->softCap),
      moe::FormatAttr());
  Value result = attention.getResult();
  raiser.raise(result, result, query);
  View view;
  view.base = result;
  view.layout = View::Layout::HeadsFirst;
  view.heads = heads;
  view.headWidth = view.width = valueWidth;
  raiser.raiseView(node.getOutputs()[0], view);
  if (form->keys.present) {
    raiser.raise(form->keys.present, attention.getPresentKey(), query);
    raiser.raise(form->values.present, attention.getPresentValue(), query);
    raiser.nameDim(pastKey, 2, "past_tokens");
  }
  raiser.nameTokens(tokens);
  if (mask->keys)
    raiser.nameDim(mask->keys, 1, "total_tokens");
  return success();
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
