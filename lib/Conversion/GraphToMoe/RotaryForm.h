//===- RotaryForm.h - rotary angles that a graph computes ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ROTARYFORM_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ROTARYFORM_H

#include "lib/Conversion/GraphToMoe/GraphFacts.h"

namespace portolan::graph_to_moe {

/// cos(position * frequency) * magnitude, or sines.
struct AngleForm {
  mlir::Value positions; ///< an input [B,S]
  mlir::Value frequencies;
  double magnitude = 1;
  bool isCosine = false;
  bool isRepeated = false; ///< the columns twice, side by side
};

/// Reads the cosines or sines that a rotation multiplies with.
std::optional<AngleForm> matchAngles(mlir::Value value,
                                     const GraphFacts &facts);

/// A rotation of the last dimension of `input`: x * cos + half(x) * sin with
/// half(x) = (-x[w/2:], x[:w/2]), or its two halves on their own,
/// (x1 * cos - x2 * sin, x2 * cos + x1 * sin).
struct RotationForm {
  mlir::Value input;
  AngleForm cosine, sine;
  mlir::Value cosineValue;
};

/// Matches the Add, or the Concat of halves, at the end of a rotation; nothing
/// unless the angles are those of one table.
std::optional<RotationForm> matchRotation(graph::NodeOp node,
                                          const GraphFacts &facts);

/// theta, if `frequencies` are theta^(-i/n) for i < n within the precision of
/// f32.
std::optional<double> thetaOf(llvm::ArrayRef<double> frequencies);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ROTARYFORM_H
