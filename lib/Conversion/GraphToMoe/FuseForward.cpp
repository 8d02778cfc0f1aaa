//===- FuseForward.cpp - products and activations of feed-forward blocks --===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMul and Einsum are one thing here: dimensions that both sides share are
// matched, one that both have and the result lacks is summed over. A product of
// tokens with a weight starts a block, one of its activations ends it.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

using Letters = llvm::SmallVector<int, 6>;

namespace {

/// Letters of "ab,bc->ac"; false if it is another kind of equation.
bool parseEquation(StringRef equation, Letters &left, Letters &right,
                   Letters &out) {
  auto [inputs, output] = equation.split("->");
  auto [lhs, rhs] = inputs.split(',');
  if (!equation.contains("->") || !inputs.contains(','))
    return false;
  for (auto [text, letters] :
       {std::pair{lhs, &left}, {rhs, &right}, {output, &out}})
    for (char letter : text) {
      if (letter == ' ')
        continue;
      if (!llvm::isAlpha(letter) || llvm::is_contained(*letters, letter))
        return false;
      letters->push_back(letter);
    }
  return true;
}

/// The dimension of `letter`, or null.
const Dim *dimOf(const Label &label, ArrayRef<int> letters, int letter) {
  auto found = llvm::find(letters, letter);
  return found == letters.end() ? nullptr
                                : &label.dims[found - letters.begin()];
}

/// The one letter that both sides have and the result lacks.
std::optional<int> summedLetter(ArrayRef<int> left, ArrayRef<int> right,
                                ArrayRef<int> out) {
  std::optional<int> found;
  for (int letter : left)
    if (!llvm::is_contained(out, letter)) {
      if (found || !llvm::is_contained(right, letter))
        return std::nullopt;
      found = letter;
    }
  for (int letter : right)
    if (!llvm::is_contained(out, letter) && letter != found)
      return std::nullopt;
  return found;
}

std::optional<Dims> resultDims(const Label &lhs, const Label &rhs,
                               ArrayRef<int> left, ArrayRef<int> right,
                               ArrayRef<int> out) {
  Dims dims;
  for (int letter : out) {
    const Dim *a = dimOf(lhs, left, letter), *b = dimOf(rhs, right, letter);
    std::optional<Dim> dim = unify(a ? *a : Dim(), b ? *b : Dim());
    if (!dim)
      return std::nullopt;
    dims.push_back(*dim);
  }
  return dims;
}

} // namespace

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

ExpertFusion::Result ExpertFusion::product(graph::NodeOp node) {
  if (node.getInputs().size() != 2)
    return std::nullopt;
  const Label *lhs = operand(node, 0), *rhs = operand(node, 1);
  if (!lhs || !rhs)
    return std::nullopt;
  Letters left, right, out;
  if (node.getOpType() == "Einsum") {
    auto equation = dyn_cast_or_null<StringAttr>(node.attribute("equation"));
    if (!equation || !parseEquation(equation.getValue(), left, right, out) ||
        left.size() != lhs->dims.size() || right.size() != rhs->dims.size())
      return std::nullopt;
    return contract(node, *lhs, *rhs, left, right, out);
  }
  int a = lhs->dims.size(), b = rhs->dims.size();
  if (a < 2 || b < 2)
    return std::nullopt;
  // Batch dimensions count down from the last one; then rows, sum, columns.
  int rank = std::max(a, b);
  for (int i = 0; i < rank - 2; ++i) {
    if (i >= rank - a)
      left.push_back(i);
    if (i >= rank - b)
      right.push_back(i);
    out.push_back(i);
  }
  left.append({rank, rank + 1});
  right.append({rank + 1, rank + 2});
  out.append({rank, rank + 2});
  return contract(node, *lhs, *rhs, left, right, out);
}

ExpertFusion::Result ExpertFusion::gemm(graph::NodeOp node) {
  const Label *lhs = operand(node, 0), *rhs = operand(node, 1);
  auto isOne = [&](StringRef name) {
    auto factor = dyn_cast_or_null<FloatAttr>(node.attribute(name));
    return !factor || factor.getValueAsDouble() == 1;
  };
  if (!lhs || !rhs || lhs->dims.size() != 2 || rhs->dims.size() != 2 ||
      integerAttr(node, "transA", 0) != 0 || !isOne("alpha") || !isOne("beta"))
    return std::nullopt;
  Letters right = {1, 2};
  if (integerAttr(node, "transB", 0) != 0)
    std::swap(right[0], right[1]);
  Result result = contract(node, *lhs, *rhs, {0, 1}, right, {0, 2});
  if (!result || !node.input(2))
    return result;
  const Label *bias = operand(node, 2);
  return bias ? addBias(node, *result, *bias) : std::nullopt;
}

ExpertFusion::Result ExpertFusion::contract(graph::NodeOp node,
                                            const Label &lhs, const Label &rhs,
                                            ArrayRef<int> left,
                                            ArrayRef<int> right,
                                            ArrayRef<int> out) {
  // The weight, or the weights of the choice, stand at the right.
  auto rank = [](Part part) {
    return part == Part::Weight                                       ? 4
           : part == Part::OneHot                                     ? 3
           : part == Part::RouteWeights || part == Part::DenseWeights ? 2
                                                                      : 1;
  };
  if (rank(lhs.part) > rank(rhs.part))
    return contract(node, rhs, lhs, right, left, out);
  if (rhs.part == Part::Weight) {
    if (lhs.part == Part::Tokens || lhs.part == Part::Forward)
      return multiplyWeight(node, lhs, rhs, left, right, out);
    return std::nullopt;
  }
  bool isOutput = lhs.isForward(Forward::Stage::Done);
  bool areSlots = lhs.part == Part::RouteWeights && rhs.part == Part::OneHot;
  if (!areSlots && (!isOutput || rank(rhs.part) != 2))
    return std::nullopt;
  std::optional<int> summed = summedLetter(left, right, out);
  std::optional<Dims> dims = resultDims(lhs, rhs, left, right, out);
  if (!summed || !dims)
    return note(node, "expects a sum over the experts or slots of both sides");
  const Dim *a = dimOf(lhs, left, *summed), *b = dimOf(rhs, right, *summed);
  bool isSlot = rhs.part != Part::DenseWeights;
  AxisKind kind = isSlot ? AxisKind::Slot : AxisKind::Expert;
  bool isOnly = isSlot && rhs.router->topK == 1 && a->empty() && b->empty();
  if (*a != *b || (!only(*a, kind) && !isOnly))
    return note(node, "expects a sum over the experts or slots of both sides");
  if (areSlots) {
    if (lhs.router->choice != rhs.router->choice)
      return note(node, "expects the weights of the choice");
    Label result = lhs;
    result.part = Part::DenseWeights;
    result.dims = std::move(*dims);
    result.one = rhs.one;
    return result;
  }
  // As a product and then a sum.
  Result weighted = weigh(node, lhs, rhs, dims);
  if (!weighted)
    return std::nullopt;
  if (weighted->part == Part::Tokens)
    return with(&*weighted, std::move(*dims));
  return completeExperts(node, *lhs.forward, *weighted, std::move(*dims));
}

ExpertFusion::Result
ExpertFusion::multiplyWeight(graph::NodeOp node, const Label &input,
                             const Label &weight, ArrayRef<int> left,
                             ArrayRef<int> right, ArrayRef<int> out) {
  bool starts = input.part == Part::Tokens;
  if (!starts && !input.isForward(Forward::Stage::Activated) &&
      !input.isForward(Forward::Stage::Gated))
    return std::nullopt;
  bool isListed = starts ? input.one != -1 : bool(input.forward->listedBy);
  bool isRouted = weight.router || isListed ||
                  positionOf(input.dims, AxisKind::Expert) != -1;
  auto fail = [&](const Twine &why) -> Result {
    if (isRouted)
      note(node, why);
    return std::nullopt;
  };
  std::optional<int> summed = summedLetter(left, right, out);
  if (!summed)
    return fail("expects a product with the experts' weights");
  const Axis *in = only(*dimOf(weight, right, *summed), AxisKind::Raw);
  const Axis *width = only(*dimOf(input, left, *summed),
                           starts ? AxisKind::Width : AxisKind::Column);
  if (!in || !width || in->size != width->size)
    return fail("expects the sum over the width of the tokens or the inner "
                "width of the block");

  // The dimensions of the weight that stay: experts and outputs.
  WeightPart part;
  part.weight = weight.value;
  part.in = in->index;
  if (weight.router || weight.one == -1) {
    part.expert = weight.expert;
  } else {
    part.sliced = weight.expert;
    part.index = weight.one;
  }
  SmallVector<std::pair<int, const Axis *>, 2> free;
  for (int letter : right)
    if (const Axis *raw = only(*dimOf(weight, right, letter), AxisKind::Raw);
        raw && letter != *summed)
      free.push_back({letter, raw});
  llvm::sort(free,
             [](auto a, auto b) { return a.second->index < b.second->index; });
  Label renamed = weight;
  auto rename = [&](int letter, Dim dim) {
    renamed.dims[llvm::find(right, letter) - right.begin()] = std::move(dim);
  };
  if (!weight.router && free.size() == 2) {
    // Those that the input has too are of the experts, else the first ones.
    auto isShared = [&](int letter) {
      const Dim *dim = dimOf(input, left, letter);
      return dim && !dim->empty();
    };
    unsigned expert = isShared(free[1].first) && !isShared(free[0].first);
    part.expert = free[expert].second->index;
    rename(free[expert].first,
           over(AxisKind::Expert, free[expert].second->size));
    free.erase(free.begin() + expert);
  }
  if (free.size() != 1)
    return fail("expects a weight of experts, inputs and outputs");
  part.out = free[0].second->index;
  part.size = free[0].second->size.constant().value_or(0);
  if (!starts &&
      (part.expert == -1) != (input.forward->main.matrix.expert == -1))
    return fail("expects a weight for each expert");
  rename(free[0].first,
         over(starts ? AxisKind::Column : AxisKind::Width, part.size));
  std::optional<Dims> dims = resultDims(input, renamed, left, right, out);
  if (!dims)
    return fail("expects the experts of the weight to be those of the input");

  auto forward = starts ? std::make_shared<Forward>()
                        : std::make_shared<Forward>(*input.forward);
  graph::NodeOp gatheredBy =
      weight.router ? weight.router->choice : graph::NodeOp();
  if (!starts) {
    if (forward->gatheredBy != gatheredBy)
      return fail("expects the weights of one choice");
    forward->stage = Forward::Stage::Done;
    forward->down = part;
    if (part.expert == -1 && !forward->listedBy)
      if (Result block = completeMlp(node, *forward, *dims))
        return block;
  } else {
    forward->source = input.value;
    if (isListed) {
      forward->listedBy = input.router->choice;
      forward->listed = input.one;
    }
    forward->gatheredBy = gatheredBy;
    forward->main.matrix = part;
  }
  Label result{Part::Forward, std::move(*dims)};
  result.forward = forward;
  return result;
}

ExpertFusion::Result ExpertFusion::addBias(graph::NodeOp node,
                                           const Label &input,
                                           const Label &bias) {
  if (bias.part != Part::Weight)
    return std::nullopt;
  Label label = unfused(input);
  bool isOutput = label.isForward(Forward::Stage::Done);
  if (label.part != Part::Forward ||
      (!isOutput && !label.isForward(Forward::Stage::Linear)))
    return std::nullopt;
  auto forward = std::make_shared<Forward>(*label.forward);
  WeightPart &place = isOutput ? forward->downBias : forward->main.bias;
  int64_t experts = forward->main.matrix.expert;
  if (place || (!isOutput && !forward->main.isPlain()) ||
      bias.dims.size() > label.dims.size())
    return std::nullopt;
  WeightPart part;
  part.weight = bias.value;
  if (bias.router || bias.one == -1) {
    part.expert = bias.expert;
  } else {
    part.sliced = bias.expert;
    part.index = bias.one;
  }
  Dims renamed = bias.dims;
  unsigned skipped = label.dims.size() - bias.dims.size();
  for (auto [i, dim] : llvm::enumerate(renamed)) {
    const Axis *raw = only(dim, AxisKind::Raw);
    const Dim &other = label.dims[i + skipped];
    if (!raw)
      continue;
    if (other.size() != 1 || other[0].size != raw->size)
      return std::nullopt;
    if (other[0].kind == AxisKind::Expert)
      part.expert = raw->index;
    else if (other[0].kind == (isOutput ? AxisKind::Width : AxisKind::Column)) {
      part.out = raw->index;
      part.size = raw->size.constant().value_or(0);
    } else {
      return std::nullopt;
    }
    dim = other;
  }
  auto dims = broadcast(label.dims, renamed);
  bool isOfChoice = !bias.router || bias.router->choice == forward->gatheredBy;
  if (!dims || *dims != label.dims || part.out == -1 || !isOfChoice ||
      (part.expert == -1) != (experts == -1))
    return std::nullopt;
  place = part;
  Label result = label;
  result.forward = forward;
  return result;
}

//===----------------------------------------------------------------------===//
// Activations and elementwise ops
//===----------------------------------------------------------------------===//

ExpertFusion::Result ExpertFusion::activate(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label)
    return std::nullopt;
  StringRef type = node.getOpType();
  if (type == "Sigmoid") {
    if (label->part == Part::RouteWeights && !label->router->isScored &&
        !label->isNormalized && label->scale == 1) {
      auto router = std::make_shared<Router>(*label->router);
      router->isScored = true;
      router->scoring = moe::Scoring::sigmoid;
      Label result = *label;
      result.router = router;
      return result;
    }
    if (!label->isForward(Forward::Stage::Linear))
      return std::nullopt;
    auto forward = std::make_shared<Forward>(*label->forward);
    forward->stage = Forward::Stage::Sigmoid;
    Label result = *label;
    result.forward = forward;
    return result;
  }
  if (!label->isForward(Forward::Stage::Linear) ||
      label->forward->main.scale != 1 || label->forward->main.offset != 0)
    return std::nullopt;
  auto forward = std::make_shared<Forward>(*label->forward);
  forward->stage = Forward::Stage::Activated;
  if (type == "Relu") {
    forward->activation = moe::Activation::relu;
  } else if (type == "Swish") {
    forward->activation = moe::Activation::silu;
    if (auto alpha = dyn_cast_or_null<FloatAttr>(node.attribute("alpha")))
      forward->alpha = alpha.getValueAsDouble();
  } else {
    auto form = dyn_cast_or_null<StringAttr>(node.attribute("approximate"));
    forward->activation = form && form.getValue() == "tanh"
                              ? moe::Activation::gelu_tanh
                              : moe::Activation::gelu;
  }
  Label result = *label;
  result.forward = forward;
  return result;
}

ExpertFusion::Result ExpertFusion::clip(graph::NodeOp node) {
  StringRef type = node.getOpType();
  const Label *label = operand(node, 0);
  unsigned bound = 1;
  if (type != "Clip" && facts.number(node.input(0))) {
    label = operand(node, 1);
    bound = 0;
  }
  if (!label)
    return std::nullopt;
  std::optional<double> low, high;
  for (auto [index, value] : {std::pair{1u, &low}, {2u, &high}}) {
    if (type == "Clip" && node.input(index))
      *value = facts.number(node.input(index));
    if (type == "Clip" && node.input(index) && !*value)
      return std::nullopt;
  }
  if (type != "Clip")
    (type == "Min" ? high : low) = facts.number(node.input(bound));
  if (!low && !high)
    return std::nullopt;
  // A bound that keeps a division defined.
  if (label->part == Part::WeightSum && low && *low <= 1e-6 && !high)
    return *label;
  if (!label->isForward(Forward::Stage::Linear) ||
      label->forward->main.scale != 1 || label->forward->main.offset != 0)
    return std::nullopt;
  auto forward = std::make_shared<Forward>(*label->forward);
  forward->main.low = std::max(forward->main.low, low.value_or(-INFINITY));
  forward->main.high = std::min(forward->main.high, high.value_or(INFINITY));
  Label result = *label;
  result.forward = forward;
  return result;
}

/// The gated product of an activated and a linear branch, or the activation
/// that a branch and its sigmoid make.
static std::shared_ptr<Forward> gated(const Forward &lhs, const Forward &rhs) {
  using Stage = Forward::Stage;
  if (lhs.source != rhs.source || lhs.gatheredBy != rhs.gatheredBy ||
      lhs.listedBy != rhs.listedBy || lhs.listed != rhs.listed ||
      rhs.stage != Stage::Linear || rhs.main.scale != 1)
    return nullptr;
  if (lhs.stage == Stage::Sigmoid) {
    if (!lhs.main.matches(rhs.main) || rhs.main.offset != 0)
      return nullptr;
    auto result = std::make_shared<Forward>(rhs);
    result->stage = Stage::Activated;
    result->activation = moe::Activation::silu;
    result->alpha = lhs.main.scale;
    return result;
  }
  bool areExperts = lhs.main.matrix.expert != -1;
  if (lhs.stage != Stage::Activated ||
      areExperts != (rhs.main.matrix.expert != -1))
    return nullptr;
  auto result = std::make_shared<Forward>(lhs);
  result->stage = Stage::Gated;
  result->gate = lhs.main;
  result->main = rhs.main;
  return result;
}

/// The columns that the dimensions run over: none if there is one column.
static llvm::SmallVector<Axis> columnsOf(const Dims &dims) {
  llvm::SmallVector<Axis> columns;
  for (const Dim &dim : dims)
    for (const Axis &axis : dim)
      if (axis.kind == AxisKind::Column)
        columns.push_back(axis);
  return columns;
}

ExpertFusion::Result ExpertFusion::multiply(graph::NodeOp node) {
  for (auto [first, second] : {std::pair{0, 1}, {1, 0}}) {
    const Label *lhs = operand(node, first);
    if (!lhs)
      continue;
    if (lhs->part == Part::Places)
      return scalePlaces(*lhs, node.input(second));
    if (std::optional<double> factor = facts.number(node.input(second))) {
      Label result = *lhs;
      if (lhs->part == Part::RouteWeights || lhs->part == Part::DenseWeights ||
          lhs->part == Part::WeightSum) {
        result.scale *= *factor;
        return result;
      }
      if (lhs->part == Part::Tokens)
        return scaleExperts(*lhs, *factor);
      if (!lhs->isForward(Forward::Stage::Linear))
        continue;
      auto forward = std::make_shared<Forward>(*lhs->forward);
      forward->main.scale *= *factor;
      forward->main.offset *= *factor;
      result.forward = forward;
      return result;
    }
    const Label *rhs = operand(node, second);
    if (!rhs)
      continue;
    if (lhs->part == Part::Forward && rhs->part == Part::Forward) {
      std::shared_ptr<Forward> forward = gated(*lhs->forward, *rhs->forward);
      std::optional<Dims> dims = broadcast(lhs->dims, rhs->dims);
      // One column of a gate for all of the other branch is no gate of ours.
      if (!forward || !dims || columnsOf(lhs->dims) != columnsOf(rhs->dims))
        continue;
      Label result{Part::Forward, std::move(*dims)};
      result.forward = forward;
      return result;
    }
    if (rhs->part == Part::RouteWeights || rhs->part == Part::DenseWeights)
      if (Label output = rhs->one == -1 ? *lhs : unfused(*lhs);
          output.isForward(Forward::Stage::Done))
        return weigh(node, output, *rhs, broadcast(output.dims, rhs->dims));
    if (rhs->part == Part::GroupMask && !rhs->isNegated)
      if (Result scores = scoresOf(*lhs))
        return maskScores(node, *scores, *rhs);
    if (rhs->part == Part::ExpertMask) {
      Result scores = scoresOf(*lhs);
      if (!scores || !scores->router->isScored || scores->isCorrected ||
          scores->dims != rhs->dims || !agree(*scores->router, *rhs->router))
        return note(node, "expects the router's scores where experts are "
                          "chosen");
      auto router = std::make_shared<Router>(*rhs->router);
      router->isScored = true;
      router->scoring = scores->router->scoring;
      Label result{Part::DenseWeights, scores->dims};
      result.router = router;
      return result;
    }
    if (lhs->part == Part::RouteWeights && rhs->part == Part::OneHot &&
        lhs->router->choice == rhs->router->choice)
      if (Result result = with(lhs, broadcast(lhs->dims, rhs->dims))) {
        result->part = Part::SlotWeights;
        result->one = rhs->one;
        return result;
      }
  }
  return std::nullopt;
}

ExpertFusion::Result ExpertFusion::divide(graph::NodeOp node) {
  const Label *lhs = operand(node, 0);
  if (!lhs ||
      (lhs->part != Part::RouteWeights && lhs->part != Part::DenseWeights))
    return std::nullopt;
  Label result = *lhs;
  if (std::optional<double> factor = facts.number(node.input(1));
      factor && *factor != 0) {
    result.scale /= *factor;
    return result;
  }
  const Label *rhs = operand(node, 1);
  if (!rhs || rhs->part != Part::WeightSum ||
      rhs->router->choice != lhs->router->choice ||
      broadcast(lhs->dims, rhs->dims) != lhs->dims || rhs->scale == 0)
    return note(node, "expects to divide by the sum of a token's weights");
  result.isNormalized = true;
  result.scale /= rhs->scale;
  return result;
}

ExpertFusion::Result ExpertFusion::add(graph::NodeOp node) {
  for (auto [first, second] : {std::pair{0, 1}, {1, 0}}) {
    const Label *lhs = operand(node, first);
    if (!lhs)
      continue;
    std::optional<double> number = facts.number(node.input(second));
    if (number && lhs->part == Part::WeightSum && *number >= 0 &&
        *number <= 1e-9)
      return *lhs;
    if (number && lhs->isForward(Forward::Stage::Linear)) {
      auto forward = std::make_shared<Forward>(*lhs->forward);
      forward->main.offset += *number;
      Label result = *lhs;
      result.forward = forward;
      return result;
    }
    const Label *rhs = operand(node, second);
    if (!rhs)
      continue;
    bool isScores =
        lhs->part == Part::Scores || lhs->isForward(Forward::Stage::Sigmoid);
    if (isScores && rhs->part == Part::Weight)
      return correct(node, *lhs, *rhs);
    if (lhs->part == Part::Tokens && rhs->part == Part::Tokens)
      return addTokens(node, *lhs, *rhs);
    if (lhs->part == Part::Places && rhs->part == Part::Places)
      return addPlaces(*lhs, *rhs);
    if (rhs->sum)
      if (Result result = addExperts(node, *lhs, *rhs); result || lhs->sum)
        return result;
    if (Result result = addBias(node, *lhs, *rhs))
      return result;
  }
  return std::nullopt;
}
