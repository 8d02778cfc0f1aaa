//===- NodeWork.h - work of nodes that stay --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the sizes of a node's operands and results are polynomials of batch
//   and new tokens while the graph is raised. Operations follow from them by op
//   type; what is a multiple of batch * new tokens is stated per token.
// Assumptions: a node reads its operands and writes its results once, each
//   element as wide as its type. Views are free, shapes are known ahead of a
//   step. Functions cost what their definitions say: an exponential, a root, an
//   error function are one transcendental operation, a division, a comparison
//   or a choice one vector operation; a softmax and a norm cost what they cost
//   in Work.cpp.
// Not counted: index arithmetic, and what depends on weights alone (it is done
//   ahead of a step).
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NODEWORK_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NODEWORK_H

#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "llvm/ADT/SetVector.h"

namespace portolan::graph_to_moe {

/// On a node that stays and depends on an input of the graph, a dictionary of
/// its work per token, by the names of moe.decomposed's attributes; what it has
/// none of is left out.
inline constexpr llvm::StringLiteral kWorkName = "graph.work";
/// On others of them, why their work cannot be stated.
inline constexpr llvm::StringLiteral kUnpricedName = "graph.unpriced";

inline constexpr llvm::StringLiteral kMatmulName = "matmul_operations";
inline constexpr llvm::StringLiteral kVectorName = "vector_operations";
inline constexpr llvm::StringLiteral kTranscendentalName =
    "transcendental_operations";
inline constexpr llvm::StringLiteral kReadName = "bytes_read";
inline constexpr llvm::StringLiteral kWrittenName = "bytes_written";

/// Whether `node` picks elements of its first operand by others: it reads no
/// more than it writes.
bool picksElements(graph::NodeOp node);

/// The ops of `main` that depend on an input of the graph, in order.
llvm::SetVector<mlir::Operation *> findActive(mlir::func::FuncOp main);

/// Attaches their work, or why it cannot be stated, to the nodes among `kept`
/// that depend on an input. `facts` learns the shapes of what was raised.
void stateWork(mlir::func::FuncOp main, GraphFacts &facts,
               llvm::ArrayRef<mlir::Operation *> kept);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NODEWORK_H
