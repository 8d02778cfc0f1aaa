//===- SimplifyGraph.h - clean-up ahead of raising -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shared toolkit of the raising rules, part 2 of 3: what exporters leave
// behind and no rule should have to look through.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_SIMPLIFYGRAPH_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_SIMPLIFYGRAPH_H

#include "lib/Conversion/GraphToMoe/GraphFacts.h"

namespace portolan::graph_to_moe {

/// Makes weights of Constant nodes that hold tensors of numbers, so that a rule
/// finds a gain or a bias in one form; forwards the operand of nodes that
/// change nothing (Identity, Cast to the same type, Reshape, Expand and
/// Transpose to the same shape); erases nodes that nobody reads. Linear.
void forwardConstants(mlir::func::FuncOp main);
void forwardNoOps(mlir::func::FuncOp main, GraphFacts &facts);
/// Puts the branch of an If whose condition is known in its place. Exporters
/// ask for the rank of what they squeeze. Linear.
void foldConditions(mlir::func::FuncOp main, GraphFacts &facts);

/// Replaces fused elementwise nodes and norms of com.microsoft by nodes of the
/// standard. (ExpandContrib.cpp)
void expandContribNodes(mlir::func::FuncOp main);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_SIMPLIFYGRAPH_H
