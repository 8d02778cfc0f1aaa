//===- Bodies.cpp - loops and conditions of a graph -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Bodies.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Loops in loops are looked at twice each, so their depth has an end.
constexpr unsigned kMaxDepth = 4;

/// The one block of the body of `node` that attribute `name` holds, or null.
Block *bodyOf(graph::NodeOp node, StringRef name) {
  if (!node.getBodyNames())
    return nullptr;
  for (auto [body, known] : llvm::zip(node.getBodies(), *node.getBodyNames()))
    if (cast<StringAttr>(known).getValue() == name && body.hasOneBlock())
      return &body.front();
  return nullptr;
}

bool isStandard(graph::NodeOp node, StringRef opType, unsigned bodies) {
  return node.getDomain().empty() && node.getOpType() == opType &&
         node.getBodies().size() == bodies;
}

void inferBlock(Block &block, GraphFacts &facts) {
  for (Operation &op : block)
    facts.infer(&op);
}

void forgetBlock(Block &block, GraphFacts &facts) {
  block.walk([&](graph::NodeOp node) { facts.forget(node); });
}

/// States what an argument is: `shape`, or what its type says.
void stateArgument(Value argument, Type element, const Sizes *shape,
                   GraphFacts &facts) {
  GraphFacts::Fact &fact = facts.at(argument);
  auto type = dyn_cast<ShapedType>(argument.getType());
  fact.element = type ? type.getElementType() : element;
  fact.shape.reset();
  if (shape) {
    fact.shape = *shape;
  } else if (type && type.hasRank()) {
    Sizes sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? facts.fresh() : Size(size));
    fact.shape = std::move(sizes);
  }
}

void inferLoop(graph::NodeOp node, const LoopForm &loop, GraphFacts &facts) {
  Builder builder(node.getContext());
  Sizes scalar;
  stateArgument(loop.iteration, builder.getI64Type(), &scalar, facts);
  facts.at(loop.iteration).data = Sizes{facts.fresh()};
  stateArgument(loop.isRunning, builder.getI1Type(), &scalar, facts);
  for (auto [argument, value] : llvm::zip_equal(loop.carried, loop.initial))
    stateArgument(argument, facts.elementType(value), facts.shape(value),
                  facts);
  inferBlock(*loop.body, facts);
  // The shape of one iteration is that of all only if it comes back.
  bool isKept = true;
  for (auto [value, next] : llvm::zip_equal(loop.initial, loop.next))
    isKept &= !facts.shape(value) || facts.sameShape(value, next);
  if (!isKept) {
    forgetBlock(*loop.body, facts);
    for (auto [argument, value] : llvm::zip_equal(loop.carried, loop.initial))
      stateArgument(argument, facts.elementType(value), nullptr, facts);
    inferBlock(*loop.body, facts);
  }
  for (auto [i, value] : llvm::enumerate(loop.initial)) {
    GraphFacts::Fact &result = facts.at(node.getOutputs()[i]);
    result.element = facts.elementType(value);
    if (const Sizes *shape = facts.shape(value); shape && isKept)
      result.shape = *shape;
  }
}

void inferIf(graph::NodeOp node, const IfForm &form, GraphFacts &facts) {
  inferBlock(*form.whenTrue, facts);
  inferBlock(*form.whenFalse, facts);
  std::optional<int64_t> condition = facts.integer(node.input(0));
  for (auto [output, yes, no] : llvm::zip_equal(
           node.getOutputs(), form.whenTrue->getTerminator()->getOperands(),
           form.whenFalse->getTerminator()->getOperands())) {
    if (condition) {
      if (const GraphFacts::Fact *fact = facts.find(*condition ? yes : no)) {
        GraphFacts::Fact copy = *fact;
        facts.at(output) = std::move(copy);
      }
      continue;
    }
    GraphFacts::Fact &result = facts.at(output);
    if (facts.elementType(yes) == facts.elementType(no))
      result.element = facts.elementType(yes);
    if (facts.sameShape(yes, no))
      result.shape = *facts.shape(yes);
  }
}

} // namespace

std::optional<LoopForm> graph_to_moe::loopOf(graph::NodeOp node) {
  Block *body = bodyOf(node, "body");
  if (!isStandard(node, "Loop", 1) || !body || node.getInputs().size() < 2)
    return std::nullopt;
  unsigned carried = node.getInputs().size() - 2;
  Operation *end = body->getTerminator();
  if (body->getNumArguments() != carried + 2 ||
      node.getOutputs().size() < carried ||
      end->getNumOperands() != node.getOutputs().size() + 1)
    return std::nullopt;
  LoopForm loop;
  loop.body = body;
  loop.trips = node.input(0);
  loop.start = node.input(1);
  loop.iteration = body->getArgument(0);
  loop.isRunning = body->getArgument(1);
  loop.keepsRunning = end->getOperand(0);
  for (unsigned i = 0; i < carried; ++i) {
    loop.initial.push_back(node.input(i + 2));
    loop.carried.push_back(body->getArgument(i + 2));
    loop.next.push_back(end->getOperand(i + 1));
    if (!loop.initial.back())
      return std::nullopt;
  }
  return loop;
}

bool LoopForm::isCounted(const GraphFacts &facts) const {
  if (!trips || (start && facts.integer(start) != 1))
    return false;
  Value value = keepsRunning;
  while (auto node = value.getDefiningOp<graph::NodeOp>()) {
    if ((node.getOpType() != "Identity" && node.getOpType() != "Cast") ||
        !node.getDomain().empty() || !node.input(0))
      break;
    value = node.input(0);
  }
  return value == isRunning || facts.integer(value) == 1;
}

std::optional<IfForm> graph_to_moe::ifOf(graph::NodeOp node) {
  IfForm form{bodyOf(node, "then_branch"), bodyOf(node, "else_branch")};
  if (!isStandard(node, "If", 2) || !form.whenTrue || !form.whenFalse)
    return std::nullopt;
  for (Block *branch : {form.whenTrue, form.whenFalse})
    if (branch->getNumArguments() != 0 ||
        branch->getTerminator()->getNumOperands() != node.getOutputs().size())
      return std::nullopt;
  return form;
}

void graph_to_moe::inferBodies(graph::NodeOp node, GraphFacts &facts) {
  unsigned depth = 0;
  for (auto outer = node->getParentOfType<graph::NodeOp>(); outer;
       outer = outer->getParentOfType<graph::NodeOp>())
    ++depth;
  if (depth >= kMaxDepth)
    return;
  if (std::optional<LoopForm> loop = loopOf(node))
    inferLoop(node, *loop, facts);
  else if (std::optional<IfForm> form = ifOf(node))
    inferIf(node, *form, facts);
}
