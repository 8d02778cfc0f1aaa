//===- Idioms.h - matchers of decomposed forms -----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shared toolkit of the raising rules, part 3 of 3: matchers that walk from
// a value towards the inputs of the graph. They look at dataflow and constants,
// never at names, and return nothing where a graph does something else. Each
// looks at a bounded number of nodes.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_IDIOMS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_IDIOMS_H

#include "lib/Conversion/GraphToMoe/Raiser.h"

namespace portolan::graph_to_moe {

/// `value` without the casts between floats that it went through. The moe ops
/// compute in f32 and round once, so these casts say nothing.
mlir::Value skipCasts(mlir::Value value, const GraphFacts &facts);

/// `value` without casts between floats, the node of type `opType` that makes
/// it, or null.
graph::NodeOp nodeBehindCasts(mlir::Value value, llvm::StringRef opType,
                              const GraphFacts &facts);

/// A commutative node as (operand, constant number): Mul(x, 2), Add(1e-5, x).
struct WithNumber {
  mlir::Value value;
  double number;
};
std::optional<WithNumber> matchNumber(mlir::Value value, llvm::StringRef opType,
                                      const GraphFacts &facts);

/// `value` without products and quotients with constants, and their product.
WithNumber peelScale(mlir::Value value, const GraphFacts &facts);

/// The permutation of a Transpose, or nothing.
std::optional<llvm::SmallVector<int64_t>> permutationOf(graph::NodeOp node);

/// Whether `node` reads the mean of squares of its first operand:
/// RMS norm = gain * x / sqrt(mean(x^2) + epsilon), the gain optional.
struct NormForm {
  mlir::Value input, gain;
  double epsilon = 0;
};
/// Matches the last node of a decomposed RMS norm over the last dimension.
std::optional<NormForm> matchNorm(graph::NodeOp node, const GraphFacts &facts);

/// x * sigmoid(x), decomposed or as one node; returns x.
mlir::Value matchSilu(mlir::Value value, const GraphFacts &facts);

/// activation(gate) * up, in either order.
struct GatedForm {
  mlir::Value gate, up;
};
std::optional<GatedForm> matchGated(mlir::Value value, const GraphFacts &facts);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_IDIOMS_H
