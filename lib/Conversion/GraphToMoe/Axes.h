//===- Axes.h - what the dimensions of a tensor run over -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each dimension of a tensor of an expert block runs over a product of axes:
// [tokens * slots, width], [experts, tokens, columns]. Reshapes, transposes and
// broadcasts change how axes are put together, never what they are, so that a
// block is understood whatever shapes its exporter went through.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_AXES_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_AXES_H

#include "lib/Conversion/GraphToMoe/Size.h"

namespace portolan::graph_to_moe {

enum class AxisKind : uint8_t {
  Token,      ///< leading dimension `index` of the hidden state
  Width,      ///< the hidden width
  Expert,     ///< index 1 and 2: group of experts, expert of a group
  Slot,       ///< the choices of a token
  Column,     ///< inner width of a feed-forward block, or router logits; index
              ///< 1 and 2: runs of columns, column of a run
  Chosen,     ///< the chosen groups of a token, or the best experts of a group
  Raw,        ///< dimension `index` of a weight that is not used yet
  Position,   ///< counts the tokens
  Repeat,     ///< copies
  List,       ///< the tokens of one expert
  Coordinate, ///< the coordinates of one element
};

struct Axis {
  AxisKind kind;
  unsigned index = 0;
  Size size;

  bool operator==(const Axis &other) const {
    return kind == other.kind && index == other.index && size == other.size;
  }
};

/// What one dimension runs over, outermost first; nothing if its size is 1.
using Dim = llvm::SmallVector<Axis, 1>;
using Dims = llvm::SmallVector<Dim, 4>;

/// A dimension over one axis; none if the size is 1.
Dim over(AxisKind kind, Size size, unsigned index = 0);
/// The one axis of this kind that `dim` runs over, or null.
const Axis *only(const Dim &dim, AxisKind kind);
/// The position of the one dimension that is over one axis of `kind`, or -1.
int64_t positionOf(const Dims &dims, AxisKind kind);
/// The number of elements, if it can be stated.
std::optional<Size> sizeOf(const Dim &dim);

/// The dimension of an elementwise result: equal ones, one and a single
/// element, or an axis and as many copies.
std::optional<Dim> unify(const Dim &lhs, const Dim &rhs);
/// The same for all dimensions, aligned at the last one.
std::optional<Dims> broadcast(const Dims &lhs, const Dims &rhs);

/// The same elements in the same order as dimensions of these sizes.
std::optional<Dims> reshape(const Dims &dims, llvm::ArrayRef<Size> shape);
/// Copies made where `dims` has one element and `shape` more.
std::optional<Dims> expand(const Dims &dims, llvm::ArrayRef<Size> shape);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_AXES_H
