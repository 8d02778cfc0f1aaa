//===- FoldConditions.cpp - branches whose condition is known -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/SimplifyGraph.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

/// The branch that `node`, an If, takes; null if that is not known.
static Region *branchOf(graph::NodeOp node, const GraphFacts &facts) {
  if (!node.getDomain().empty() || node.getOpType() != "If" ||
      node.getBodies().size() != 2 || !node.getBodyNames())
    return nullptr;
  std::optional<int64_t> condition = facts.integer(node.input(0));
  if (!condition)
    return nullptr;
  StringRef wanted = *condition ? "then_branch" : "else_branch";
  for (auto [body, name] :
       llvm::zip_equal(node.getBodies(), *node.getBodyNames()))
    if (cast<StringAttr>(name).getValue() == wanted && body.hasOneBlock() &&
        body.getNumArguments() == 0 &&
        body.front().getTerminator()->getNumOperands() ==
            node.getOutputs().size())
      return &body;
  return nullptr;
}

void graph_to_moe::foldConditions(func::FuncOp main, GraphFacts &facts) {
  Block &block = main.getBody().front();
  bool changed = false;
  for (Operation *op = &block.front(); op;) {
    Operation *next = op->getNextNode();
    auto node = dyn_cast<graph::NodeOp>(op);
    // What follows a branch that was folded is known better than before.
    if (changed)
      facts.infer(op);
    Region *branch = node ? branchOf(node, facts) : nullptr;
    if (!branch) {
      op = next;
      continue;
    }
    changed = true;
    Block &body = branch->front();
    Operation *end = body.getTerminator();
    if (&body.front() != end)
      next = &body.front();
    for (auto [output, value] :
         llvm::zip_equal(node.getOutputs(), end->getOperands()))
      output.replaceAllUsesWith(value);
    end->erase();
    block.getOperations().splice(Block::iterator(node), body.getOperations());
    facts.forget(node);
    node.erase();
    op = next;
  }
}
