//===- GraphOps.cpp - verifiers of the graph ops --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The verifier checks what holds for every node; what an op type demands is
// checked when the node is raised.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/IR/Graph.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph;

#define GET_OP_CLASSES
#include "dialects/Graph/IR/GraphOps.cpp.inc"

Value NodeOp::input(unsigned index) {
  if (index >= getInputs().size())
    return nullptr;
  Value value = getInputs()[index];
  return isa<NoneType>(value.getType()) ? nullptr : value;
}

bool NodeOp::hasOutput(unsigned index) {
  return index < getOutputs().size() &&
         !isa<NoneType>(getOutputs()[index].getType());
}

LogicalResult NodeOp::verify() {
  if (getOpType().empty())
    return emitOpError("expects an op type, got an empty string");
  if (int64_t(getVersion()) < 1)
    return emitOpError("expects version >= 1, got ") << int64_t(getVersion());
  size_t named = getBodyNames() ? getBodyNames()->size() : 0;
  if (named != getBodies().size())
    return emitOpError("expects a name for each of ")
           << getBodies().size() << " bodies, got " << named;
  for (auto [index, body] : llvm::enumerate(getBodies()))
    if (body.front().empty() || !isa<YieldOp>(body.front().back()))
      return emitOpError("expects body ")
             << index << " to end with graph.yield";
  return success();
}
