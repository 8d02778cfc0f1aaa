//===- FuseRouting.cpp - scores, choices and their weights ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A router is what leads to a TopK over experts: logits or scores, a correction
// of the choice, a mask of all but the best groups. Its weights are the TopK's
// values or the scores at its indices, normalized and scaled, per slot or, put
// where they belong among zeros, per expert.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

bool ExpertFusion::agree(const Router &lhs, const Router &rhs) {
  return lhs.source == rhs.source && lhs.matrix == rhs.matrix &&
         lhs.bias == rhs.bias;
}

ExpertFusion::Result ExpertFusion::scoresOf(const Label &label) {
  if (label.part == Part::Scores)
    return label;
  // Logits are a product with a whole matrix; a gate may be a router's.
  bool isSigmoid = label.isForward(Forward::Stage::Sigmoid);
  if (!isSigmoid && !label.isForward(Forward::Stage::Linear))
    return std::nullopt;
  const Forward &forward = *label.forward;
  int64_t axis = positionOf(label.dims, AxisKind::Column);
  const WeightPart &matrix = forward.main.matrix;
  if (axis == -1 || !forward.main.isPlain() || matrix.expert != -1 ||
      matrix.sliced != -1 || forward.gatheredBy || forward.listedBy)
    return std::nullopt;
  auto router = std::make_shared<Router>();
  router->source = forward.source;
  router->matrix = matrix;
  router->bias = forward.main.bias;
  router->experts = matrix.size;
  router->isScored = isSigmoid;
  router->scoring = isSigmoid ? moe::Scoring::sigmoid : moe::Scoring::softmax;
  Label scores{Part::Scores, label.dims};
  scores.dims[axis] = over(AxisKind::Expert, matrix.size);
  scores.router = router;
  return scores;
}

ExpertFusion::Result ExpertFusion::correct(graph::NodeOp node,
                                           const Label &label,
                                           const Label &correction) {
  Result scores = scoresOf(label);
  int64_t axis = scores ? positionOf(scores->dims, AxisKind::Expert) : -1;
  if (axis == -1)
    return std::nullopt;
  // One number per expert, whatever dimensions of size 1 stand before it.
  Dims dims = correction.dims;
  const Axis *raw = dims.empty() ? nullptr : only(dims.back(), AxisKind::Raw);
  bool isLast = axis + 1 == int64_t(scores->dims.size());
  bool isVector =
      raw && llvm::all_of(ArrayRef(dims).drop_back(),
                          [](const Dim &dim) { return dim.empty(); });
  if (!isLast || !isVector || correction.one != -1 ||
      raw->size != scores->dims[axis][0].size || scores->isCorrected ||
      scores->isLimited || !scores->router->isScored)
    return label.part == Part::Scores
               ? note(node, "expects a correction of each expert's score")
               : Result();
  auto router = std::make_shared<Router>(*scores->router);
  router->correction = {correction.value, -1, -1,
                        raw->index,       0,  router->experts};
  scores->router = router;
  scores->isCorrected = true;
  return scores;
}

ExpertFusion::Result ExpertFusion::softmax(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label)
    return std::nullopt;
  int64_t axis = wrapIndex(integerAttr(node, "axis", -1), label->dims.size());
  if (axis == -1)
    return std::nullopt;
  // Over the chosen ones it is that over all, normalized.
  if (label->part == Part::RouteWeights) {
    bool isOverSlots =
        only(label->dims[axis], AxisKind::Slot) || label->router->topK == 1;
    if (!isOverSlots || label->router->isScored || label->isCorrected ||
        label->scale != 1)
      return note(node, "expects a softmax over the logits that were chosen");
    auto router = std::make_shared<Router>(*label->router);
    router->isScored = true;
    router->scoring = moe::Scoring::softmax;
    Label result = *label;
    result.router = router;
    result.isNormalized = true;
    return result;
  }
  Result scores = scoresOf(*label);
  if (!scores || scores->router->isScored ||
      !only(scores->dims[axis], AxisKind::Expert))
    return std::nullopt;
  auto router = std::make_shared<Router>(*scores->router);
  router->isScored = true;
  router->scoring = moe::Scoring::softmax;
  scores->router = router;
  return scores;
}

void ExpertFusion::topK(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label || node.getOutputs().size() != 2)
    return;
  int64_t axis = wrapIndex(integerAttr(node, "axis", -1), label->dims.size());
  Result scores =
      label->part == Part::GroupScores ? Result(*label) : scoresOf(*label);
  std::optional<int64_t> count = facts.integer(node.input(1));
  if (!scores || axis == -1)
    return;
  const Axis *over =
      scores->dims[axis].size() == 1 ? &scores->dims[axis][0] : nullptr;
  if (!over || over->kind != AxisKind::Expert)
    return;
  if (!count || integerAttr(node, "largest", 1) != 1) {
    note(node, "expects a constant number of the largest scores");
    return;
  }
  auto router = std::make_shared<Router>(*scores->router);
  Label values = *scores, indices = *scores;
  int64_t size = over->size.constant().value_or(0);
  bool isGroup = scores->part == Part::GroupScores;
  if (*count < 1 || *count > size) {
    note(node, "expects 1 <= k <= " + Twine(size) +
                   (isGroup ? " groups" : " experts") + ", got " +
                   Twine(*count));
    return;
  }
  AxisKind kind = AxisKind::Chosen;
  if (isGroup) {
    router->groups = size;
    router->topGroups = *count;
    indices.part = Part::GroupChoice;
  } else if (over->index == 2) {
    values.part = Part::GroupBest;
    if (*count != 2) {
      note(node,
           "expects the two best scores of each group, got " + Twine(*count));
      return;
    }
  } else {
    kind = AxisKind::Slot;
    router->topK = *count;
    router->choice = node;
    values.part = Part::RouteWeights;
    indices.part = Part::Choice;
  }
  for (auto [index, result] : {std::pair{0, &values}, {1, &indices}}) {
    result->router = router;
    result->dims[axis] = graph_to_moe::over(kind, *count);
    if (result->part != Part::Scores && result->part != Part::GroupScores)
      set(node.getOutputs()[index], *result);
  }
}

ExpertFusion::Result ExpertFusion::reduceSum(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label)
    return std::nullopt;
  auto axes = axesOf(node, 1, facts);
  if (!axes || axes->size() != 1)
    return std::nullopt;
  int64_t axis = wrapIndex(axes->front(), label->dims.size());
  if (axis == -1)
    return std::nullopt;
  Dims dims = label->dims;
  Dim reduced = dims[axis];
  if (integerAttr(node, "keepdims", 1) != 0)
    dims[axis].clear();
  else
    dims.erase(dims.begin() + axis);
  Label result = *label;
  result.dims = std::move(dims);
  const Axis *over = reduced.size() == 1 ? &reduced[0] : nullptr;
  auto isOver = [&](AxisKind kind) { return over && over->kind == kind; };
  switch (label->part) {
  case Part::Tokens:
    // The sum over a single choice.
    return reduced.empty() ? Result(result) : std::nullopt;
  case Part::GroupBest:
    if (!isOver(AxisKind::Chosen))
      return std::nullopt;
    result.part = Part::GroupScores;
    // Groups are chosen as experts are.
    return result;
  case Part::RouteWeights:
  case Part::DenseWeights:
    if (!isOver(label->part == Part::RouteWeights ? AxisKind::Slot
                                                  : AxisKind::Expert) &&
        !(reduced.empty() && label->router->topK == 1))
      return note(node, "expects the sum of a token's weights");
    result.part = Part::WeightSum;
    return result;
  case Part::OneHot:
  case Part::SlotWeights:
    if (!isOver(AxisKind::Slot) &&
        !(reduced.empty() && label->router->topK == 1))
      return note(node, "expects a sum over the slots");
    result.part =
        label->part == Part::OneHot ? Part::ExpertMask : Part::DenseWeights;
    return result;
  case Part::Weighted:
    if (!isOver(label->forward->gatheredBy ? AxisKind::Slot : AxisKind::Expert))
      return note(node, "expects the sum of the results of all experts of a "
                        "token");
    return completeExperts(node, *label->forward, *label,
                           std::move(result.dims));
  default:
    return std::nullopt;
  }
}

ExpertFusion::Result ExpertFusion::gatherElements(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  const Label *index = map.lookup(node.input(1));
  if (!label || !index || index->part != Part::Choice)
    return std::nullopt;
  int64_t axis = wrapIndex(integerAttr(node, "axis", 0), label->dims.size());
  Result scores = scoresOf(*label);
  if (!scores || axis == -1 || !only(scores->dims[axis], AxisKind::Expert) ||
      scores->isCorrected || scores->isLimited ||
      !agree(*scores->router, *index->router))
    return note(node, "expects the router's scores at the chosen experts");
  Dims expected = scores->dims;
  expected[axis] = over(AxisKind::Slot, index->router->topK);
  if (expected != index->dims)
    return note(node, "expects the scores of the experts' dimension");
  auto router = std::make_shared<Router>(*index->router);
  // Scores rise with their logits, so either may have been chosen from.
  if (router->isScored && scores->router->isScored &&
      router->scoring != scores->router->scoring)
    return note(node, "expects one scoring of choice and weights");
  router->isScored = scores->router->isScored;
  router->scoring = scores->router->scoring;
  Label result{Part::RouteWeights, index->dims};
  result.router = router;
  return result;
}

/// Results of choices that are added up in the rows of their tokens.
ExpertFusion::Result ExpertFusion::addUp(graph::NodeOp node) {
  if (const Label *updates = map.lookup(node.input(2));
      updates && updates->one != -1)
    return scatterOne(node);
  const Label *data = operand(node, 0), *updates = map.lookup(node.input(2));
  const Label *index = map.lookup(node.input(1));
  if (!updates || updates->part != Part::Weighted)
    return std::nullopt;
  auto reduction = dyn_cast_or_null<StringAttr>(node.attribute("reduction"));
  const Sizes *shape = facts.shape(node.input(0));
  const Dims &dims = updates->dims;
  bool isRow = dims.size() == 2 && dims[0].size() > 1 &&
               only(dims[1], AxisKind::Width) &&
               dims[0].back().kind == AxisKind::Slot;
  bool isZero = data && data->part == Part::Fill && data->number == 0;
  if (!isRow || !isZero || !shape || shape->size() != 2 || !reduction ||
      reduction.getValue() != "add" || integerAttr(node, "axis", 0) != 0 ||
      !index || index->part != Part::TokenIndex || index->dims.empty())
    return note(node, "expects to add the results of all choices to zeros");
  Dim tokens(dims[0].begin(), std::prev(dims[0].end()));
  const Dim &positions = index->dims[0];
  if (sizeOf(tokens) != (*shape)[0] || positions.size() != 2 ||
      positions[0].kind != AxisKind::Position ||
      positions[0].size != (*shape)[0] ||
      positions[1].size != dims[0].back().size)
    return note(node, "expects to add each result to the row of its token");
  return completeExperts(node, *updates->forward, *updates, {tokens, dims[1]});
}

ExpertFusion::Result ExpertFusion::scatterElements(graph::NodeOp node) {
  if (Result sum = addUp(node))
    return sum;
  const Label *index = map.lookup(node.input(1));
  if (!index ||
      (index->part != Part::Choice && index->part != Part::GroupChoice))
    return std::nullopt;
  const Label *data = operand(node, 0), *updates = operand(node, 2);
  const Sizes *shape = facts.shape(node.input(0));
  std::optional<double> base = data && data->part == Part::Fill
                                   ? data->number
                                   : facts.number(node.input(0));
  if (!base || *base != 0 || !shape)
    return note(node, "expects to scatter into zeros of a known shape");
  bool isGroup = index->part == Part::GroupChoice;
  AxisKind kind = isGroup ? AxisKind::Chosen : AxisKind::Slot;
  int64_t axis = wrapIndex(integerAttr(node, "axis", 0), index->dims.size());
  const Router &router = *index->router;
  bool isOne = (isGroup ? router.topGroups : router.topK) == 1;
  if (axis == -1 ||
      !(only(index->dims[axis], kind) || (isOne && index->dims[axis].empty())))
    return note(node, "attribute 'axis' expects the dimension of the choice, "
                      "got " +
                          Twine(integerAttr(node, "axis", 0)));
  int64_t count = isGroup ? router.groups : router.experts;
  Dims dims = index->dims;
  dims[axis] = over(AxisKind::Expert, count, isGroup ? 1 : 0);
  bool fits = shape->size() == dims.size();
  for (unsigned i = 0; fits && i < dims.size(); ++i)
    fits = sizeOf(dims[i]) == (*shape)[i];
  if (!fits)
    return note(node, "expects zeros for each token and " + Twine(count) +
                          (isGroup ? " groups" : " experts"));
  std::optional<double> number = updates && updates->part == Part::Fill
                                     ? updates->number
                                     : facts.number(node.input(2));
  Label result{Part::ExpertMask, std::move(dims)};
  result.router = index->router;
  if (number && *number == 1) {
    result.isCorrected = index->isCorrected;
    if (isGroup)
      result.part = Part::GroupMask;
    return result;
  }
  if (isGroup || !updates || updates->part != Part::RouteWeights ||
      updates->router->choice != router.choice || updates->dims != index->dims)
    return note(node, "expects to scatter the weights of the choice");
  result.part = Part::DenseWeights;
  result.router = updates->router;
  result.isCorrected = updates->isCorrected;
  result.isNormalized = updates->isNormalized;
  result.scale = updates->scale;
  return result;
}

ExpertFusion::Result ExpertFusion::oneHot(graph::NodeOp node) {
  const Label *index = map.lookup(node.input(0));
  if (!index || index->part != Part::Choice)
    return std::nullopt;
  int64_t experts = index->router->experts;
  std::optional<int64_t> depth = facts.integer(node.input(1));
  auto values = facts.numbers(node.input(2));
  if (depth != experts)
    return note(node, "expects a depth of " + Twine(experts) +
                          " experts, got " +
                          (depth ? Twine(*depth) : Twine("another value")));
  if (!values || *values != SmallVector<double>{0, 1})
    return note(node, "expects the values 0 and 1");
  int64_t axis =
      wrapIndex(integerAttr(node, "axis", -1), index->dims.size() + 1);
  if (axis == -1)
    return std::nullopt;
  Label result{Part::OneHot, index->dims};
  result.dims.insert(result.dims.begin() + axis,
                     over(AxisKind::Expert, experts));
  result.router = index->router;
  return result;
}

ExpertFusion::Result ExpertFusion::equal(graph::NodeOp node) {
  for (auto [lhs, rhs] : {std::pair{0, 1}, {1, 0}}) {
    const Label *index = map.lookup(node.input(lhs));
    if (!index || index->part != Part::Choice)
      continue;
    // Compared with each expert's number.
    auto numbers = facts.integers(node.input(rhs));
    const Sizes *shape = facts.shape(node.input(rhs));
    int64_t experts = index->router->experts;
    if (numbers && numbers->size() == 1 && experts > 1 && shape) {
      int64_t expert = numbers->front();
      if (expert < 0 || expert >= experts)
        return note(node, "expects an expert below " + Twine(experts) +
                              ", got " + Twine(expert));
      Result result = with(index, broadcast(index->dims, Dims(shape->size())));
      if (!result)
        return std::nullopt;
      result->part = Part::OneHot;
      result->one = expert;
      see(*index->router, expert);
      return result;
    }
    if (!numbers || !shape || int64_t(numbers->size()) != experts ||
        experts == 1)
      return std::nullopt;
    for (auto [i, number] : llvm::enumerate(*numbers))
      if (number != int64_t(i))
        return std::nullopt;
    Dims counted;
    for (const Size &size : *shape)
      counted.push_back(over(AxisKind::Expert, size));
    auto dims = broadcast(index->dims, counted);
    if (!dims)
      return note(node, "expects to compare each choice with each expert");
    Label result{Part::OneHot, std::move(*dims)};
    result.router = index->router;
    return result;
  }
  return std::nullopt;
}

ExpertFusion::Result ExpertFusion::maskScores(graph::NodeOp node,
                                              const Label &scores,
                                              const Label &mask) {
  auto dims = broadcast(scores.dims, mask.dims);
  if (!dims || *dims != scores.dims || !agree(*scores.router, *mask.router) ||
      scores.isCorrected != mask.isCorrected)
    return note(node, "expects a mask of the scores' groups");
  auto router = std::make_shared<Router>(*scores.router);
  router->groups = mask.router->groups;
  router->topGroups = mask.router->topGroups;
  Label result = scores;
  result.router = router;
  result.isLimited = true;
  return result;
}

ExpertFusion::Result ExpertFusion::where(graph::NodeOp node) {
  const Label *mask = map.lookup(node.input(0));
  if (!mask || (mask->part != Part::GroupMask && mask->part != Part::OneHot))
    return std::nullopt;
  unsigned kept = mask->isNegated ? 2 : 1;
  const Label *label = operand(node, kept);
  std::optional<double> other = facts.number(node.input(3 - kept));
  if (const Label *fill = map.lookup(node.input(3 - kept));
      fill && fill->part == Part::Fill)
    other = fill->number;
  if (!label || !other)
    return note(node, "expects a mask between a value and a constant");
  if (mask->part == Part::GroupMask) {
    // What is masked is meant to lose to every score; a 0 does unless the
    // correction makes a score of a chosen group negative.
    Result scores = scoresOf(*label);
    if (!scores || *other > 0)
      return note(node, "expects scores where the mask is set, at most 0 "
                        "elsewhere");
    return maskScores(node, *scores, *mask);
  }
  if (label->part != Part::RouteWeights || *other != 0 ||
      label->router->choice != mask->router->choice)
    return note(node, "expects the weights of the choice where the mask is "
                      "set, 0 elsewhere");
  Result result = with(label, broadcast(label->dims, mask->dims));
  if (result) {
    result->part = Part::SlotWeights;
    result->one = mask->one;
  }
  return result;
}
