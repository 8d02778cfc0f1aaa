//===- FuseLoop.cpp - loops whose iteration is an expert ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A script that loops over experts takes, for the expert that has the number
// of the iteration, the tokens that chose it, computes its weights' block on
// them, and adds the weighted results to a sum that the loop carries. The body
// is labelled where it stands, once, for an expert whose number is a symbol:
// what the iteration picks out of a dimension of experts has the same label
// without that dimension. A condition that skips an expert without tokens adds
// nothing in either branch.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Bodies.h"
#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// `dims` with `position` replaced by `inner`.
Dims replaced(const Dims &dims, unsigned position, const Dims &inner) {
  Dims result(dims.begin(), dims.begin() + position);
  llvm::append_range(result, inner);
  result.append(dims.begin() + position + 1, dims.end());
  return result;
}

} // namespace

/// Whether `value` is the number of the loop's expert.
bool ExpertFusion::isIteration(Value value) const {
  const Sizes *data = facts.elements(value);
  return loop && data && data->size() == 1 && data->front() == loop->iteration;
}

//===----------------------------------------------------------------------===//
// The expert of the iteration
//===----------------------------------------------------------------------===//

/// `label` for the expert of the iteration, at dimension `axis`; in its place
/// come the dimensions `inner`.
ExpertFusion::Result ExpertFusion::ofIteration(graph::NodeOp node,
                                               const Label &label, int64_t axis,
                                               const Dims &inner) {
  Label result = label;
  result.dims = replaced(label.dims, axis, inner);
  result.one = kIteration;
  const Dim &dim = label.dims[axis];
  switch (label.part) {
  case Part::Weight: {
    const Axis *raw = only(dim, AxisKind::Raw);
    if (label.router || label.one != -1 || (!raw && !dim.empty()))
      return note(node, "expects the weights of the iteration's expert");
    result.expert = raw ? raw->index : 0;
    return result;
  }
  case Part::OneHot:
  case Part::DenseWeights:
  case Part::ExpertMask: {
    const Axis *experts = only(dim, AxisKind::Expert);
    bool isOnly = dim.empty() && label.router->experts == 1;
    if (label.one != -1 || !(experts ? experts->index == 0 : isOnly))
      return std::nullopt;
    return result;
  }
  default:
    return std::nullopt;
  }
}

ExpertFusion::Result ExpertFusion::gatherInLoop(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  int64_t rank = facts.rank(node.input(1));
  int64_t axis =
      label ? wrapIndex(integerAttr(node, "axis", 0), label->dims.size()) : -1;
  if (axis == -1 || rank < 0 || !isIteration(node.input(1)))
    return std::nullopt;
  return ofIteration(node, *label, axis, Dims(rank));
}

/// A slice of one from the number of the iteration on.
ExpertFusion::Result ExpertFusion::sliceInLoop(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  std::optional<SliceForm> form = label ? sliceOf(node, facts) : std::nullopt;
  if (!form || form->start != loop->iteration || form->size != Size(1) ||
      form->axis >= int64_t(label->dims.size()))
    return std::nullopt;
  return ofIteration(node, *label, form->axis, Dims(1));
}

ExpertFusion::Result ExpertFusion::equalInLoop(graph::NodeOp node) {
  for (auto [lhs, rhs] : {std::pair{0, 1}, {1, 0}}) {
    const Label *index = map.lookup(node.input(lhs));
    if (!index || index->part != Part::Choice ||
        !isIteration(node.input(rhs)) ||
        facts.rank(node.input(rhs)) > int64_t(index->dims.size()))
      continue;
    Label result{Part::OneHot, index->dims};
    result.router = index->router;
    result.one = kIteration;
    return result;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The tokens of the expert
//===----------------------------------------------------------------------===//

/// A mask compared with 0 or 1 is the mask.
ExpertFusion::Result ExpertFusion::compareMask(graph::NodeOp node) {
  StringRef type = node.getOpType();
  for (bool isSwapped : {false, true}) {
    const Label *label = map.lookup(node.input(isSwapped));
    std::optional<double> bound = facts.number(node.input(!isSwapped));
    if (!label || !bound || label->one != kIteration)
      continue;
    bool isMask =
        label->part == Part::ExpertMask || label->part == Part::OneHot;
    // Weights are positive where they are not zero.
    bool isWeight = label->part == Part::DenseWeights && label->scale > 0;
    bool isAbove =
        (type == "Greater" && !isSwapped) || (type == "Less" && isSwapped);
    bool isAtLeast = (type == "GreaterOrEqual" && !isSwapped) ||
                     (type == "LessOrEqual" && isSwapped);
    Label result = *label;
    if (isWeight)
      result.part = Part::ExpertMask;
    if ((isMask || isWeight) && isAbove && *bound == 0)
      return result;
    if (isMask && isAtLeast && *bound == 1)
      return result;
    bool isOfTokens = label->part == Part::ExpertMask;
    if (type == "Equal" && isMask && *bound == 1)
      return result;
    if (type == "Equal" && isOfTokens && *bound == 0) {
      result.isNegated = !label->isNegated;
      return result;
    }
  }
  return std::nullopt;
}

/// Over all dimensions a mask is a count, over the slots a mask of tokens.
ExpertFusion::Result ExpertFusion::reduceMask(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label || label->isNegated ||
      (label->part != Part::OneHot && label->part != Part::ExpertMask) ||
      label->one != kIteration)
    return std::nullopt;
  auto axes = axesOf(node, 1, facts);
  if (!axes && node.input(1))
    return std::nullopt;
  llvm::SmallDenseSet<int64_t> reduced;
  if (axes)
    for (int64_t axis : *axes)
      reduced.insert(wrapIndex(axis, label->dims.size()));
  bool isAll =
      !axes || (reduced.size() == label->dims.size() && !reduced.contains(-1));
  Label result = *label;
  if (isAll && label->dims.size() > 1) {
    result.part = Part::HitCount;
    result.dims.clear();
    return result;
  }
  if (!axes || axes->size() != 1)
    return std::nullopt;
  int64_t axis = wrapIndex(axes->front(), label->dims.size());
  if (axis == -1)
    return std::nullopt;
  bool keeps = integerAttr(node, "keepdims", 1) != 0;
  bool isSlot = only(label->dims[axis], AxisKind::Slot);
  bool isOne = label->dims[axis].empty() && label->router->topK == 1;
  if (label->part == Part::ExpertMask && label->dims.size() == 1)
    result.part = Part::HitCount;
  else if (label->part == Part::OneHot && (isSlot || isOne))
    result.part = Part::ExpertMask;
  else
    return std::nullopt;
  result.dims = replaced(label->dims, axis, Dims(keeps ? 1 : 0));
  return result;
}

/// The places where a mask is set; how many they are may be a condition.
ExpertFusion::Result ExpertFusion::nonZero(graph::NodeOp node) {
  if (const Label *mask = map.lookup(node.input(0)); mask && mask->isNegated)
    return note(node, "expects a mask of the tokens of one expert");
  Result places = placesOf(node);
  // Nothing real has more, and each condition looks at all of them.
  constexpr size_t kMaxCounts = 64;
  if (places && loop->counts.size() < kMaxCounts)
    loop->counts.push_back((*facts.shape(node.getOutputs()[0]))[1]);
  return places;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// Whether `value` is a number that is 0 if no token chose the expert, and at
/// least 1 otherwise.
bool ExpertFusion::isRowCount(Value value) const {
  if (const Label *label = map.lookup(value))
    return label->part == Part::HitCount;
  const Sizes *data = facts.elements(value);
  if (!data || data->size() != 1)
    return false;
  return llvm::any_of(loop->counts, [&](const Size &count) {
    std::optional<Size> factor = data->front().dividedBy(count);
    std::optional<int64_t> number = factor ? factor->constant() : std::nullopt;
    return number && *number > 0;
  });
}

/// What `condition` is where a token chose the expert, if it is the opposite
/// where none did.
std::optional<bool> ExpertFusion::whenRouted(Value condition) const {
  bool isNegated = false;
  // Casts and the like; exporters stack a few.
  for (unsigned steps = 0; steps < 16; ++steps) {
    if (isRowCount(condition))
      return !isNegated;
    auto node = condition.getDefiningOp<graph::NodeOp>();
    if (!node || !node.getDomain().empty() || !node.input(0))
      return std::nullopt;
    StringRef type = node.getOpType();
    if (type == "Not") {
      isNegated = !isNegated;
    } else if (!llvm::is_contained(
                   {"Cast", "Identity", "Squeeze", "Reshape", "Unsqueeze"},
                   type)) {
      for (bool isSwapped : {false, true}) {
        std::optional<double> bound = facts.number(node.input(!isSwapped));
        if (!bound || !isRowCount(node.input(isSwapped)))
          continue;
        auto holds = [&](double count) -> std::optional<bool> {
          double lhs = isSwapped ? *bound : count;
          double rhs = isSwapped ? count : *bound;
          return llvm::StringSwitch<std::optional<bool>>(type)
              .Case("Greater", lhs > rhs)
              .Case("GreaterOrEqual", lhs >= rhs)
              .Case("Less", lhs < rhs)
              .Case("LessOrEqual", lhs <= rhs)
              .Case("Equal", lhs == rhs)
              .Default(std::nullopt);
        };
        // Alike for all counts but 0, as the bound lies below 1 or at it.
        std::optional<bool> one = holds(1), many = holds(2);
        if (!one || one != many || one == holds(0) || *bound > 1)
          return std::nullopt;
        return *one != isNegated;
      }
      return std::nullopt;
    }
    condition = node.input(0);
  }
  return std::nullopt;
}

void ExpertFusion::visitIf(graph::NodeOp node) {
  std::optional<IfForm> form = ifOf(node);
  if (!form)
    return;
  visitBlock(*form->whenTrue);
  visitBlock(*form->whenFalse);
  std::optional<bool> routed = whenRouted(node.input(0));
  if (!routed) {
    note(node, "expects a condition on the number of the expert's tokens");
    return;
  }
  Operation *some =
      (*routed ? form->whenTrue : form->whenFalse)->getTerminator();
  Operation *none =
      (*routed ? form->whenFalse : form->whenTrue)->getTerminator();
  for (auto [output, result, skipped] : llvm::zip_equal(
           node.getOutputs(), some->getOperands(), none->getOperands())) {
    const Label *sum = map.lookup(result);
    const Label *other = map.lookup(skipped);
    if (!sum || sum->part != Part::ExpertSum)
      continue;
    // Zeros, or what the results were added to.
    bool addsNothing =
        other &&
        (sum->value ? other->part == Part::Tokens &&
                          other->value == sum->value && other->dims == sum->dims
                    : other->part == Part::Fill && other->number == 0);
    if (addsNothing)
      set(output, *sum);
    else
      note(node, "expects an expert without tokens to add nothing");
  }
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

bool ExpertFusion::visitInLoop(graph::NodeOp node) {
  using Method = Result (ExpertFusion::*)(graph::NodeOp);
  auto method =
      llvm::StringSwitch<Method>(node.getOpType())
          .Case("Gather", &ExpertFusion::gatherInLoop)
          .Case("Slice", &ExpertFusion::sliceInLoop)
          .Case("NonZero", &ExpertFusion::nonZero)
          .Cases({"ReduceMax", "ReduceSum"}, &ExpertFusion::reduceMask)
          .Cases({"Greater", "GreaterOrEqual", "Less", "LessOrEqual"},
                 &ExpertFusion::compareMask)
          .Default(nullptr);
  Result result;
  if (node.getOpType() == "Equal") {
    result = equalInLoop(node);
    if (!result)
      result = compareMask(node);
  } else if (node.getOpType() == "Not") {
    if (const Label *label = map.lookup(node.input(0));
        label && label->part == Part::ExpertMask) {
      result = *label;
      result->isNegated = !result->isNegated;
    }
  } else if (method) {
    result = (this->*method)(node);
  }
  if (!result)
    return notes.contains(node);
  set(node.getOutputs()[0], std::move(*result));
  return true;
}

void ExpertFusion::visitBlock(Block &block) {
  for (auto node : llvm::make_early_inc_range(block.getOps<graph::NodeOp>())) {
    if (!node.getDomain().empty() || node.getInputs().empty() ||
        node.getOutputs().empty())
      continue;
    if (node.getOpType() == "If")
      visitIf(node);
    else if (node.getBodies().empty() && !visitInLoop(node))
      visit(node);
  }
}

/// The first note in the body of a loop.
static std::string
noteIn(Block &body, const llvm::DenseMap<Operation *, std::string> &notes) {
  std::string text;
  body.walk<WalkOrder::PreOrder>([&](graph::NodeOp node) {
    auto found = notes.find(node);
    if (found == notes.end())
      return WalkResult::advance();
    auto name = dyn_cast<NameLoc>(node.getLoc());
    text = (name ? "in its body, node '" + name.getName().str() + "' "
                 : "in its body, a node ") +
           "(op '" + node.getOpType().str() + "') " + found->second;
    return WalkResult::interrupt();
  });
  return text;
}

/// The dimensions of the sum that a loop carries: those of the tokens of that
/// shape which the body reads.
std::optional<Dims> ExpertFusion::sumDims(const LoopForm &form) {
  const Sizes *shape = facts.shape(form.carried[0]);
  if (!shape)
    return std::nullopt;
  auto fits = [&](const Label *label) {
    bool same = label && label->part == Part::Tokens && label->one == -1 &&
                label->dims.size() == shape->size();
    for (unsigned i = 0; same && i < shape->size(); ++i)
      same = sizeOf(label->dims[i]) == std::optional<Size>((*shape)[i]);
    return same;
  };
  if (const Label *start = label(form.initial[0]); fits(start))
    return start->dims;
  std::optional<Dims> found;
  form.body->walk([&](graph::NodeOp node) {
    for (Value value : node.getInputs())
      if (const Label *known = map.lookup(value); fits(known)) {
        found = known->dims;
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return found;
}

void ExpertFusion::visitLoop(graph::NodeOp node) {
  std::optional<LoopForm> form = loopOf(node);
  const Sizes *number = form ? facts.elements(form->iteration) : nullptr;
  if (!form || !number)
    return;
  LoopState state;
  state.iteration = number->front();
  loop = &state;
  if (form->carried.size() == 1)
    if (std::optional<Dims> dims = sumDims(*form)) {
      Label sum{Part::Tokens, std::move(*dims)};
      sum.value = form->carried[0];
      set(form->carried[0], std::move(sum));
    }
  visitBlock(*form->body);
  loop = nullptr;
  Result result = completeLoop(node, *form);
  if (!result)
    return;
  // What the sum starts with is added to it.
  Value start = form->initial[0];
  const Label *first = label(start);
  bool isZero = (first && first->part == Part::Fill && first->number == 0) ||
                facts.number(start) == 0;
  if (!isZero) {
    Result sum = first && first->part == Part::Tokens
                     ? addTokens(node, *result, *first)
                     : Result();
    if (!sum) {
      note(node, "expects a sum that starts with zeros or with tokens");
      return;
    }
    result = std::move(sum);
  }
  set(node.getOutputs()[0], std::move(*result));
}

ExpertFusion::Result ExpertFusion::completeLoop(graph::NodeOp node,
                                                const LoopForm &form) {
  if (std::string inner = noteIn(*form.body, notes); !inner.empty())
    return note(node, inner);
  if (form.carried.size() != 1 || node.getOutputs().size() != 1)
    return note(node, "expects a loop that carries one sum and has no other "
                      "results, got " +
                          Twine(node.getOutputs().size()) + " results");
  const Label *sum = map.lookup(form.next[0]);
  if (!sum || sum->part != Part::ExpertSum || sum->value != form.carried[0] ||
      sum->sum->count != 1 || sum->sum->first->expert != kIteration)
    return note(node, "expects a body that adds the weighted results of one "
                      "expert to the sum that it carries");
  if (!form.isCounted(facts))
    return note(node, "expects a loop that only its trip count ends");
  int64_t experts = sum->router->experts;
  std::optional<int64_t> trips = facts.integer(form.trips);
  if (trips != experts)
    return note(node, "expects an iteration for each of the router's " +
                          Twine(experts) + " experts, got " +
                          (trips ? Twine(*trips) : Twine("another number")));
  Forward forward = *sum->sum->first->forward;
  forward.listedBy = nullptr;
  forward.listed = -1;
  for (WeightPart *part :
       {&forward.gate.matrix, &forward.gate.bias, &forward.main.matrix,
        &forward.main.bias, &forward.down, &forward.downBias}) {
    if (!*part)
      continue;
    int64_t size = part->index != kIteration
                       ? 0
                       : typeOf(part->weight).getDimSize(part->sliced);
    if (size != experts)
      return note(node, "expects weights of the router's " + Twine(experts) +
                            " experts, got " + Twine(size));
    part->expert = part->sliced;
    part->sliced = part->index = -1;
  }
  Label weights = *sum;
  weights.value = nullptr;
  return completeExperts(node, forward, weights, sum->dims);
}
