//===- Bodies.h - loops and conditions of a graph --------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts of Loop and If by what they are for, and what is known of the
// values inside.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_BODIES_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_BODIES_H

#include "lib/Conversion/GraphToMoe/GraphFacts.h"

namespace portolan::graph_to_moe {

/// A Loop whose operands, arguments, yields and results fit each other.
struct LoopForm {
  mlir::Block *body = nullptr;
  mlir::Value trips, start; ///< operands; null if absent
  mlir::BlockArgument iteration, isRunning;
  /// What is carried: operands, arguments of the body and what it yields; the
  /// first results are of these, the rest are scan outputs.
  llvm::SmallVector<mlir::Value> initial, carried, next;
  mlir::Value keepsRunning; ///< what the body yields first

  /// Whether only the trip count ends the loop.
  bool isCounted(const GraphFacts &facts) const;
};
std::optional<LoopForm> loopOf(graph::NodeOp node);

/// An If whose branches yield as many values as it has results.
struct IfForm {
  mlir::Block *whenTrue = nullptr, *whenFalse = nullptr;
};
std::optional<IfForm> ifOf(graph::NodeOp node);

/// Infers what is in the bodies of `node`, and its results. What is carried
/// has the shape that it starts with if the body keeps it.
void inferBodies(graph::NodeOp node, GraphFacts &facts);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_BODIES_H
