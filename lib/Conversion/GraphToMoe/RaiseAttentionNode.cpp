//===- RaiseAttentionNode.cpp - rule for Attention ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention of the standard (since version 23) takes queries, keys and values
// as [batch, tokens, heads * width] or [batch, heads, tokens, width], a mask of
// booleans or numbers, and caches. What is not self-attention of the newest
// tokens over all that came before is refused.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/AttentionForm.h"
#include "lib/Conversion/GraphToMoe/Idioms.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

using Layout = View::Layout;

enum Input : unsigned {
  Query = 0,
  Key,
  ValueInput,
  Mask,
  PastKey,
  PastValue,
  KeyCounts ///< nonpad_kv_seqlen
};

/// Attributes as the node states them.
struct Attributes {
  int64_t heads = 0, kvHeads = 0, left = -1, right = -1;
  double scale = 0, softCap = 0;
  bool isCausal = false;
};

FailureOr<Attributes> readAttributes(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  Attributes result;
  result.heads = attributes.integer("q_num_heads", 0);
  result.kvHeads = attributes.integer("kv_num_heads", 0);
  result.scale = attributes.number("scale", 0);
  result.softCap = attributes.number("softcap", 0);
  result.isCausal = attributes.integer("is_causal", 0) != 0;
  result.left = attributes.integer("left_window_size", -1);
  result.right = attributes.integer("right_window_size", -1);
  // The product of query and keys is for an output that is refused if used.
  attributes.integer("qk_matmul_output_mode", 0);
  attributes.expect("softmax_precision", 1);
  if (failed(raiser.check(attributes)))
    return failure();
  if (result.heads < 0 || result.kvHeads < 0 || result.heads > kMaxHeads ||
      result.kvHeads > kMaxHeads)
    return raiser.fail("expects q_num_heads and kv_num_heads from 0 to " +
                       Twine(kMaxHeads));
  if (!isFactor(result.scale) || !isFactor(result.softCap))
    return raiser.fail("expects scale and softcap >= 0");
  for (auto [name, size] : {std::pair{"left_window_size", result.left},
                            {"right_window_size", result.right}})
    if (size < -1)
      return raiser.fail("attribute '" + Twine(name) +
                         "' expects -1 or a number of tokens, got " +
                         Twine(size));
  return result;
}

/// What `value` [B,T,heads*width] flattens, if it has a dimension of heads
/// there.
Value splitHeads(Value value, const GraphFacts &facts) {
  graph::NodeOp join = nodeBehindCasts(value, "Reshape", facts);
  Value heads = join ? skipCasts(join.input(0), facts) : Value();
  const Sizes *from = facts.shape(heads), *to = facts.shape(value);
  bool isJoin = from && to && from->size() == 4 && to->size() == 3 &&
                (*from)[0] == (*to)[0] && (*from)[1] == (*to)[1];
  return isJoin ? heads : Value();
}

std::optional<AttentionForm> matchNode(graph::NodeOp node, Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  int64_t rank = facts.rank(node.input(Query));
  if ((rank != 3 && rank != 4) || facts.rank(node.input(Key)) != rank ||
      facts.rank(node.input(ValueInput)) != rank)
    return std::nullopt;
  AttentionForm form;
  form.query = node.input(Query);
  if (rank == 3) {
    form.layout = Layout::Heads;
    form.heads = integerAttr(node, "q_num_heads", 0);
    int64_t kvHeads = integerAttr(node, "kv_num_heads", 0);
    form.keys = {node.input(Key), Value(), Value(), kvHeads};
    form.values = {node.input(ValueInput), Value(), Value(), kvHeads};
  } else {
    form.heads = facts.dim(form.query, 1);
    auto keys = matchCache(node.input(Key), raiser),
         values = matchCache(node.input(ValueInput), raiser);
    if (!keys || !values)
      return std::nullopt;
    form.keys = *keys;
    form.values = *values;
  }
  if (form.heads < 1 || form.keys.heads < 1)
    return std::nullopt;
  for (auto [cache, input, output] :
       {std::tuple{&form.keys, unsigned(PastKey), 1u},
        {&form.values, unsigned(PastValue), 2u}}) {
    if (Value past = node.input(input))
      cache->past = past;
    if (node.hasOutput(output) && !node.getOutputs()[output].use_empty())
      cache->present = node.getOutputs()[output];
  }
  Value keyHeads = form.keys.added, valueHeads = form.values.added;
  if (rank == 3) {
    keyHeads = splitHeads(keyHeads, facts);
    valueHeads = splitHeads(valueHeads, facts);
  }
  if (keyHeads && valueHeads)
    form.latent = matchLatent(nodeBehindCasts(keyHeads, "Concat", facts),
                              valueHeads, form.layout, facts);
  if (form.latent && form.latent->heads != form.keys.heads)
    form.latent.reset();
  return form;
}

void needsNode(graph::NodeOp node, Raiser &raiser, Values &values) {
  if (auto form = matchNode(node, raiser))
    return needs(*form, values);
  for (unsigned index : {Query, Key, ValueInput})
    values.push_back(node.input(index));
}

/// The mask and the windows of `node`; a form that has neither is causal.
FailureOr<MaskForm> readMask(graph::NodeOp node, const AttentionForm &form,
                             const Attributes &attributes, Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  int64_t tokens =
      facts.dim(form.query, form.layout == Layout::HeadsFirst ? 2 : 1);
  // The one token of a step sees all that came before it.
  bool isCausal = attributes.isCausal || attributes.right == 0 ||
                  (tokens == 1 && !node.input(Mask));
  if (!attributes.isCausal && attributes.right > 0)
    return raiser.fail("attribute 'right_window_size' expects 0 or a causal "
                       "attention, got " +
                       Twine(attributes.right));
  MaskForm mask;
  if (Value value = node.input(Mask)) {
    auto found = matchSelfMask(value, isCausal, facts);
    if (!found)
      return raiser.fail(llvm::toString(found.takeError()));
    mask = *found;
    const Sizes *shape = facts.shape(value);
    if (form.keys.past && shape && shape->size() >= 2 &&
        shape->back() == (*shape)[shape->size() - 2] &&
        shape->back() != Size(1))
      return raiser.fail("expects a mask of the cache's keys too");
  } else if (!isCausal) {
    return raiser.fail("expects a causal attention");
  }
  if (attributes.left >= 0) {
    if (mask.window != 0)
      return raiser.fail("expects one window, got one of the mask beside "
                         "attribute 'left_window_size'");
    mask.window = attributes.left + 1;
  }
  return mask;
}

LogicalResult raiseNode(graph::NodeOp node, Raiser &raiser) {
  FailureOr<Attributes> attributes = readAttributes(node, raiser);
  if (failed(attributes))
    return failure();
  if (node.getInputs().size() > KeyCounts + 1)
    return raiser.fail("expects at most 7 inputs, got " +
                       Twine(node.getInputs().size()));
  if (node.input(KeyCounts))
    return raiser.fail("expects caches that grow by the new tokens, got "
                       "nonpad_kv_seqlen of a cache of fixed size");
  for (unsigned i = 3; i < node.getOutputs().size(); ++i)
    if (!node.getOutputs()[i].use_empty())
      return raiser.fail("expects output " + Twine(i) + " to be unused");
  auto form = matchNode(node, raiser);
  if (!form)
    return raiser.fail("expects query, key and value of [batch, tokens, "
                       "width] with numbers of heads, or of [batch, heads, "
                       "tokens, width]");
  for (auto [name, stated, actual] :
       {std::tuple{"q_num_heads", attributes->heads, form->heads},
        {"kv_num_heads", attributes->kvHeads, form->keys.heads}})
    if (stated != 0 && stated != actual)
      return raiser.fail("attribute '" + Twine(name) + "' expects " +
                         Twine(actual) + " heads, got " + Twine(stated));
  // Without past inputs the first query is aligned with the first key.
  bool joinsCache = form->keys.past && !node.input(PastKey);
  if (joinsCache && attributes->isCausal)
    return raiser.fail("expects past_key and past_value of a causal attention "
                       "over a cache");
  FailureOr<MaskForm> mask = readMask(node, *form, *attributes, raiser);
  if (failed(mask))
    return failure();
  int64_t width = raiser.facts.dim(form->query, -1);
  if (form->layout == Layout::Heads && width > 0)
    width = width % form->heads == 0 ? width / form->heads : -1;
  if (width < 1)
    return raiser.fail("expects a query as wide as its heads");
  form->scale =
      attributes->scale == 0 ? 1 / std::sqrt(double(width)) : attributes->scale;
  form->softCap = attributes->softCap;
  return emitAttention(node, *form, *mask, raiser);
}

} // namespace

void graph_to_moe::addAttentionNodeRules(Rules &rules) {
  rules.add("", "Attention",
            {3, needsNode, raiseNode, /*matches=*/nullptr,
             /*readsViews=*/true});
}
