//===- RaiseRotaryNode.cpp - rule for RotaryEmbedding ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RotaryEmbedding of the standard (and the contrib op before it) rotates the
// first columns of each head, by tables and positions, or by cosines and sines
// that the graph takes out of its tables.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "lib/Conversion/GraphToMoe/RotaryForm.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

enum Input : unsigned { Data = 0, Cosine, Sine, Positions };

bool isContrib(graph::NodeOp node) {
  return node.getDomain() == "com.microsoft";
}

/// Operand `input`; the contrib op has positions before the tables.
Value operandOf(graph::NodeOp node, Input input) {
  constexpr unsigned kContrib[] = {0, 2, 3, 1};
  return node.input(isContrib(node) ? kContrib[input] : unsigned(input));
}

/// Where the angles of `node` come from.
std::optional<std::pair<AngleForm, AngleForm>>
matchSource(graph::NodeOp node, const GraphFacts &facts) {
  AngleForm cosine, sine;
  if (Value positions = operandOf(node, Positions)) {
    for (auto [form, index] : {std::pair{&cosine, Cosine}, {&sine, Sine}}) {
      form->positions = positions;
      form->table = skipCasts(operandOf(node, index), facts);
      if (!isWeight(form->table, 2))
        return std::nullopt;
    }
    return std::pair{cosine, sine};
  }
  auto cosines = matchAngles(operandOf(node, Cosine), facts),
       sines = matchAngles(operandOf(node, Sine), facts);
  if (!cosines || !sines || cosines->isRepeated)
    return std::nullopt;
  return std::pair{*cosines, *sines};
}

void needsRotary(graph::NodeOp node, Raiser &raiser, Values &values) {
  values.push_back(node.input(Data));
  if (auto source = matchSource(node, raiser.facts))
    values.push_back(source->first.positions);
}

/// The heads of operand 0.
std::optional<View> readData(graph::NodeOp node, int64_t heads,
                             Raiser &raiser) {
  using Layout = View::Layout;
  Value data = node.input(Data);
  if (const View *view = raiser.view(data)) {
    bool fits = raiser.facts.rank(data) == 4
                    ? view->layout == Layout::HeadsFirst &&
                          (heads == 0 || heads == view->heads)
                    : view->layout == Layout::Joined && heads == view->heads;
    return fits ? std::optional<View>(*view) : std::nullopt;
  }
  Value base = raiser.raised(data);
  if (!base || typeOf(base).getRank() != 3 || heads < 1 ||
      ShapedType::isDynamic(lastDim(base)) || lastDim(base) % heads != 0)
    return std::nullopt;
  View view;
  view.base = base;
  view.layout = Layout::Joined;
  view.heads = heads;
  view.headWidth = view.width = lastDim(base) / heads;
  return view;
}

LogicalResult raiseRotary(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  bool interleaved = attributes.integer("interleaved", 0) != 0;
  int64_t heads = attributes.integer("num_heads", 0);
  int64_t rotated = attributes.integer("rotary_embedding_dim", 0);
  if (isContrib(node)) {
    attributes.expect("is_packed_batching", 0);
    if (attributes.number("scale", 1) != 1)
      return raiser.fail("attribute 'scale' expects 1");
    // Without a number of heads, the tables are of whole heads.
    Value table = operandOf(node, Cosine), data = node.input(Data);
    if (heads == 0 && rotated == 0 && isWeight(table, 2) &&
        lastDim(table) > 0 && raiser.raised(data) &&
        !ShapedType::isDynamic(lastDim(raiser.raised(data))))
      heads = lastDim(raiser.raised(data)) / (2 * lastDim(table));
  }
  if (failed(raiser.check(attributes)))
    return failure();
  if (node.getInputs().size() > Positions + 1)
    return raiser.fail("expects at most 4 inputs, got " +
                       Twine(node.getInputs().size()));
  std::optional<View> view = readData(node, heads, raiser);
  if (!view)
    return raiser.fail("expects [batch, tokens, width] with num_heads that "
                       "divide the width, or [batch, heads, tokens, width]");
  if (rotated < 0 || rotated % 2 != 0 || rotated > view->width)
    return raiser.fail("attribute 'rotary_embedding_dim' expects an even "
                       "number up to the head width " +
                       Twine(view->width) + ", got " + Twine(rotated));
  auto source = matchSource(node, raiser.facts);
  if (!source || !areOfOneTable(source->first, source->second))
    return raiser.fail("expects cosines and sines that positions choose from "
                       "tables, or that follow from positions");
  int64_t width = rotated == 0 ? view->width : rotated;
  if (2 * anglesOf(source->first, raiser.facts) != width)
    return raiser.fail("expects " + Twine(width / 2) +
                       " angles for each position, got " +
                       Twine(anglesOf(source->first, raiser.facts)));
  Value positions = raiser.raised(source->first.positions);
  RankedTensorType type = typeOf(positions);
  if (type.getRank() != 2 || !isa<IntegerType>(type.getElementType()) ||
      type.getShape() != typeOf(view->base).getShape().drop_back())
    return raiser.fail("expects a position for each token of each sequence");
  auto tables = rotaryTables(raiser, source->first, source->second,
                             operandOf(node, Cosine));
  if (failed(tables))
    return failure();
  View result = *view;
  result.base = moe::RopeOp::create(
      raiser.body, node.getLoc(), view->base.getType(), view->base, positions,
      tables->first, tables->second, uint64_t(view->headWidth),
      uint64_t(view->offset), interleaved);
  raiser.raise(result.base, result.base, view->base);
  if (result.layout == View::Layout::Joined && result.isWhole())
    raiser.raise(node.getOutputs()[0], result.base, view->base);
  else
    raiser.raiseView(node.getOutputs()[0], result);
  raiser.nameTokens(positions);
  return success();
}

} // namespace

void graph_to_moe::addRotaryNodeRules(Rules &rules) {
  rules.add("com.microsoft", "RotaryEmbedding",
            {4, needsRotary, raiseRotary, /*matches=*/nullptr,
             /*readsViews=*/true});
  rules.add("", "RotaryEmbedding",
            {3, needsRotary, raiseRotary, /*matches=*/nullptr,
             /*readsViews=*/true});
}
