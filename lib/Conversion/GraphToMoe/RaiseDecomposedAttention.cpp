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

#include "lib/Conversion/GraphToMoe/AttentionForm.h"
#include "lib/Conversion/GraphToMoe/AttentionMask.h"
#include "lib/Conversion/GraphToMoe/Idioms.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Attention with the mask that is added to its scores, or null.
struct ScoredForm : AttentionForm {
  Value mask;
};

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

} // namespace

bool graph_to_moe::growsCache(graph::NodeOp node, Raiser &raiser) {
  return node.getInputs().size() == 2 &&
         isa_and_nonnull<BlockArgument>(node.input(0)) &&
         raiser.facts.rank(node.input(0)) == 4 &&
         isAxis(node, "axis", 2, raiser.facts);
}

std::optional<CacheForm> graph_to_moe::matchCache(Value value, Raiser &raiser) {
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

namespace {

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
  return form.scale > 0 && isFactor(form.scale) && isFactor(form.softCap);
}

std::optional<ScoredForm> matchScoredValues(graph::NodeOp node,
                                            Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  graph::NodeOp softmax = matchProbabilities(node, facts);
  if (!softmax || !isAxis(softmax, "axis", 3, facts))
    return std::nullopt;
  ScoredForm form;
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

std::optional<ScoredForm> matchAttention(graph::NodeOp node, Raiser &raiser) {
  auto form = matchScoredValues(node, raiser);
  if (!form)
    return form;
  form->heads = raiser.facts.dim(form->query, 1);
  graph::NodeOp join =
      nodeBehindCasts(form->keys.added, "Concat", raiser.facts);
  form->latent =
      matchLatent(join, form->values.added, form->layout, raiser.facts);
  return form;
}

bool isAttention(graph::NodeOp node, Raiser &raiser) {
  return bool(matchProbabilities(node, raiser.facts));
}

void needsAttention(graph::NodeOp node, Raiser &raiser, Values &values) {
  if (auto form = matchAttention(node, raiser))
    needs(*form, values);
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
  return emitAttention(node, *form, *mask, raiser);
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
