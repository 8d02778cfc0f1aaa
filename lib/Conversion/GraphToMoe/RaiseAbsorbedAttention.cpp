//===- RaiseAbsorbedAttention.cpp - absorbed latent attention -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latent attention over latent caches, as a chain of Einsum nodes: the query is
// moved into the latent space, scores of the latent and of the rotated key are
// added, and what was attended to is moved out. Letters of equations are names
// that each exporter chooses; only which of them are equal matters.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Whether `node` is an Einsum whose equation is `pattern` but for the letters.
bool isEinsum(graph::NodeOp node, StringRef pattern) {
  auto attribute = dyn_cast_or_null<StringAttr>(
      node ? node.attribute("equation") : Attribute());
  if (!attribute || node.getInputs().size() != 2)
    return false;
  llvm::DenseMap<char, char> to, from;
  std::string equation;
  for (char letter : attribute.getValue())
    if (letter != ' ')
      equation += letter;
  if (equation.size() != pattern.size())
    return false;
  for (auto [letter, expected] : llvm::zip_equal(equation, pattern)) {
    bool isLetter = llvm::isAlpha(expected);
    if (isLetter != llvm::isAlpha(letter) || (!isLetter && letter != expected))
      return false;
    if (to.try_emplace(letter, expected).first->second != expected ||
        from.try_emplace(expected, letter).first->second != letter)
      return false;
  }
  return true;
}

/// The Einsum of the form `pattern` that makes `value`, or null.
graph::NodeOp einsumOf(Value value, StringRef pattern,
                       const GraphFacts &facts) {
  graph::NodeOp node = nodeBehindCasts(value, "Einsum", facts);
  return isEinsum(node, pattern) ? node : graph::NodeOp();
}

/// A latent cache: [B,P,L] of the inputs and [B,S,L] along the tokens.
bool growsLatentCache(graph::NodeOp node, Raiser &raiser) {
  return node.getInputs().size() == 2 &&
         isa_and_nonnull<BlockArgument>(node.input(0)) &&
         raiser.facts.rank(node.input(0)) == 3 &&
         wrapIndex(integerAttr(node, "axis", 0), 3) == 1;
}

struct AbsorbedForm {
  Value plain, rotated;            ///< parts of the query [B,heads,S,*]
  Value keyUp, valueUp;            ///< weights [heads, width, L]
  graph::NodeOp latent, rotaryKey; ///< the nodes that grow the caches
  Value mask;
  double scale = 1;
};

std::optional<AbsorbedForm> matchAbsorbed(graph::NodeOp node, Raiser &raiser) {
  const GraphFacts &facts = raiser.facts;
  if (!isEinsum(node, "bhsc,hdc->bshd"))
    return std::nullopt;
  AbsorbedForm form;
  form.valueUp = skipCasts(node.input(1), facts);
  graph::NodeOp attended = einsumOf(node.input(0), "bhst,btc->bhsc", facts);
  graph::NodeOp softmax =
      attended ? nodeBehindCasts(attended.input(0), "Softmax", facts)
               : graph::NodeOp();
  graph::NodeOp masked = softmax
                             ? nodeBehindCasts(softmax.input(0), "Add", facts)
                             : graph::NodeOp();
  if (!masked || wrapIndex(integerAttr(softmax, "axis", -1), 4) != 3)
    return std::nullopt;
  for (auto [scores, mask] : {std::pair{masked.input(0), masked.input(1)},
                              std::pair{masked.input(1), masked.input(0)}}) {
    WithNumber scaled = peelScale(scores, facts);
    graph::NodeOp sum = nodeBehindCasts(scaled.value, "Add", facts);
    if (!sum)
      continue;
    for (auto [first, second] : {std::pair{sum.input(0), sum.input(1)},
                                 std::pair{sum.input(1), sum.input(0)}}) {
      graph::NodeOp plain = einsumOf(first, "bhsc,btc->bhst", facts),
                    rotary = einsumOf(second, "bhsr,btr->bhst", facts);
      graph::NodeOp moved =
          plain ? einsumOf(plain.input(0), "bhsd,hdc->bhsc", facts)
                : graph::NodeOp();
      if (!moved || !rotary)
        continue;
      form.latent = nodeBehindCasts(plain.input(1), "Concat", facts);
      form.rotaryKey = nodeBehindCasts(rotary.input(1), "Concat", facts);
      if (!form.latent || !form.rotaryKey ||
          !growsLatentCache(form.latent, raiser) ||
          !growsLatentCache(form.rotaryKey, raiser) ||
          skipCasts(attended.input(1), facts) != form.latent.getOutputs()[0])
        continue;
      form.plain = skipCasts(moved.input(0), facts);
      form.keyUp = skipCasts(moved.input(1), facts);
      form.rotated = skipCasts(rotary.input(0), facts);
      form.mask = mask;
      form.scale = scaled.number;
      return form;
    }
  }
  return std::nullopt;
}

bool isAbsorbed(graph::NodeOp node, Raiser &raiser) {
  return bool(matchAbsorbed(node, raiser));
}

void needsAbsorbed(graph::NodeOp node, Raiser &raiser, Values &values) {
  auto form = matchAbsorbed(node, raiser);
  values.append({form->plain, form->rotated, form->keyUp, form->valueUp});
  for (graph::NodeOp cache : {form->latent, form->rotaryKey})
    values.append({cache.input(0), skipCasts(cache.input(1), raiser.facts)});
}

RankedTensorType grownType(Value past, Value query) {
  SmallVector<int64_t> shape(typeOf(past).getShape());
  int64_t more = typeOf(query).getDimSize(1);
  bool isStatic =
      !ShapedType::isDynamic(shape[1]) && !ShapedType::isDynamic(more);
  shape[1] = isStatic ? shape[1] + more : ShapedType::kDynamic;
  return RankedTensorType::get(shape, typeOf(past).getElementType());
}

LogicalResult raiseAbsorbed(graph::NodeOp node, Raiser &raiser) {
  auto form = matchAbsorbed(node, raiser);
  llvm::Expected<MaskForm> mask = raiser.mask(form->mask);
  if (!mask)
    return raiser.fail(llvm::toString(mask.takeError()));
  const View *plain = raiser.view(form->plain),
             *rotated = raiser.view(form->rotated);
  auto query = plain && rotated && plain->layout == View::Layout::HeadsFirst
                   ? joinParts(*plain, *rotated)
                   : std::nullopt;
  if (!query || !query->isWhole() || mask->window != 0)
    return raiser.fail("expects a query of plain and rotated columns, and no "
                       "window");
  Value latent = raiser.raised(skipCasts(form->latent.input(1), raiser.facts)),
        rotaryKey =
            raiser.raised(skipCasts(form->rotaryKey.input(1), raiser.facts));
  Value pastLatent = form->latent.input(0),
        pastRotaryKey = form->rotaryKey.input(0);
  if (!latent || !rotaryKey || lastDim(latent) != lastDim(pastLatent) ||
      lastDim(rotaryKey) != lastDim(pastRotaryKey) ||
      lastDim(rotaryKey) != rotated->width)
    return raiser.fail("expects a latent and a rotated key as wide as their "
                       "caches");
  int64_t heads = query->heads, width = lastDim(latent);
  for (auto [weight, columns] :
       {std::pair{form->keyUp, plain->width}, std::pair{form->valueUp, -1L}})
    if (!isWeight(weight, 3) || typeOf(weight).getDimSize(0) != heads ||
        lastDim(weight) != width ||
        (columns >= 0 && typeOf(weight).getDimSize(1) != columns))
      return raiser.fail("expects weights of [" + Twine(heads) + ", columns, " +
                         Twine(width) + "]");
  int64_t valueWidth = typeOf(form->valueUp).getDimSize(1);
  auto attention = moe::LatentAttentionOp::create(
      raiser.body, node.getLoc(), withLastDim(query->base, heads * valueWidth),
      grownType(pastLatent, query->base), grownType(pastRotaryKey, query->base),
      /*log_sum_exp=*/Type(), query->base, latent, rotaryKey, pastLatent,
      pastRotaryKey, raiser.transposeWeight(form->keyUp),
      raiser.transposeWeight(form->valueUp), mask->keys, uint64_t(heads),
      APFloat(form->scale), /*absorbed=*/true, moe::FormatAttr(),
      moe::FormatAttr());
  Value result = attention.getResult(), tokens = raiser.tokensOf(query->base);
  raiser.raise(result, result, query->base);
  View view;
  view.base = result;
  view.layout = View::Layout::Heads;
  view.heads = heads;
  view.headWidth = view.width = valueWidth;
  raiser.raiseView(node.getOutputs()[0], view);
  raiser.raise(form->latent.getOutputs()[0], attention.getPresentLatent(),
               query->base);
  raiser.raise(form->rotaryKey.getOutputs()[0], attention.getPresentRotaryKey(),
               query->base);
  raiser.nameDim(pastLatent, 1, "past_tokens");
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

void graph_to_moe::addAbsorbedAttentionRules(Rules &rules) {
  rules.add("", "Einsum",
            {2, needsAbsorbed, raiseAbsorbed, isAbsorbed,
             /*readsViews=*/true});
  rules.add("", "Concat", {2, needsNothing, postpone, growsLatentCache});
}
