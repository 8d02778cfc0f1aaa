//===- FoldConditions.cpp - branches whose condition is known -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An If whose condition is known is its branch, and a Loop that runs once is
// its body, wherever they stand.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Bodies.h"
#include "lib/Conversion/GraphToMoe/SimplifyGraph.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

/// The branch that `node`, an If, takes; null if that is not known.
static Block *branchOf(graph::NodeOp node, const GraphFacts &facts) {
  std::optional<IfForm> form = ifOf(node);
  std::optional<int64_t> condition =
      form ? facts.integer(node.input(0)) : std::nullopt;
  if (!condition)
    return nullptr;
  return *condition ? form->whenTrue : form->whenFalse;
}

/// Puts the nodes of `body` in front of `node`, which they compute; `results`
/// are what they yield for its results. The first of them, or null.
static Operation *inlineBody(graph::NodeOp node, Block &body,
                             OperandRange results, GraphFacts &facts) {
  Operation *end = body.getTerminator();
  Operation *first = &body.front() == end ? nullptr : &body.front();
  for (auto [output, value] : llvm::zip_equal(node.getOutputs(), results))
    output.replaceAllUsesWith(value);
  end->erase();
  node->getBlock()->getOperations().splice(Block::iterator(node),
                                           body.getOperations());
  facts.forget(node);
  node.erase();
  return first;
}

/// A constant in front of `node`.
static Value constantBefore(graph::NodeOp node, DenseElementsAttr value,
                            GraphFacts &facts) {
  OpBuilder builder(node);
  auto constant = graph::NodeOp::create(
      builder, node.getLoc(),
      TypeRange(graph::UnknownType::get(builder.getContext())),
      builder.getStringAttr("Constant"), ValueRange(),
      builder.getStringAttr(""), node.getVersionAttr(),
      builder.getDictionaryAttr(builder.getNamedAttr("value", value)),
      ArrayAttr(), /*bodies=*/0u);
  facts.infer(constant);
  return constant.getOutputs()[0];
}

/// Makes the arguments of a Loop that runs once what they are; false if
/// `node` is not one.
static bool bindOnlyIteration(graph::NodeOp node, GraphFacts &facts) {
  std::optional<LoopForm> loop = loopOf(node);
  if (!loop || facts.integer(loop->trips) != 1 ||
      (loop->start && facts.integer(loop->start) != 1) ||
      node.getOutputs().size() != loop->carried.size())
    return false;
  Builder builder(node.getContext());
  auto scalar = [](Type type) { return RankedTensorType::get({}, type); };
  Value zero = constantBefore(
      node, DenseElementsAttr::get(scalar(builder.getI64Type()), int64_t(0)),
      facts);
  Value yes = constantBefore(
      node, DenseElementsAttr::get(scalar(builder.getI1Type()), true), facts);
  loop->iteration.replaceAllUsesWith(zero);
  loop->isRunning.replaceAllUsesWith(yes);
  for (auto [argument, value] : llvm::zip_equal(loop->carried, loop->initial))
    argument.replaceAllUsesWith(value);
  return true;
}

static void foldBlock(Block &block, GraphFacts &facts) {
  bool changed = false;
  for (Operation *op = &block.front(); op;) {
    Operation *next = op->getNextNode();
    auto node = dyn_cast<graph::NodeOp>(op);
    // What follows a branch that was folded is known better than before.
    if (changed)
      facts.infer(op);
    if (!node || node.getBodies().empty()) {
      op = next;
      continue;
    }
    Operation *first = nullptr;
    if (Block *branch = branchOf(node, facts)) {
      changed = true;
      first = inlineBody(node, *branch, branch->getTerminator()->getOperands(),
                         facts);
    } else if (bindOnlyIteration(node, facts)) {
      changed = true;
      Block &body = node.getBodies()[0].front();
      first = inlineBody(
          node, body, body.getTerminator()->getOperands().drop_front(), facts);
    } else {
      for (Region &body : node.getBodies())
        if (body.hasOneBlock())
          foldBlock(body.front(), facts);
    }
    op = first ? first : next;
  }
}

void graph_to_moe::foldConditions(func::FuncOp main, GraphFacts &facts) {
  foldBlock(main.getBody().front(), facts);
}
