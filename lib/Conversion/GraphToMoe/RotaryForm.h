//===- RotaryForm.h - rotary angles that a graph computes ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ROTARYFORM_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ROTARYFORM_H

#include "lib/Conversion/GraphToMoe/Raiser.h"

namespace portolan::graph_to_moe {

/// cos(position * frequency) * magnitude, or sines; or the rows of a table that
/// positions choose.
struct AngleForm {
  mlir::Value positions;   ///< an input [B,S]
  mlir::Value frequencies; ///< or null
  mlir::Value table;       ///< a weight [positions, columns], or null
  double magnitude = 1;
  bool isCosine = false;   ///< not known of a table
  bool isRepeated = false; ///< the columns twice, side by side; of a table, too
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

/// Whether both are of one table, and first its cosines and then its sines.
bool areOfOneTable(const AngleForm &cosine, const AngleForm &sine);

/// The number of angles of each position, or -1.
int64_t anglesOf(const AngleForm &form, const GraphFacts &facts);

/// theta, if `frequencies` are theta^(-i/n) for i < n within the precision of
/// f32.
std::optional<double> thetaOf(llvm::ArrayRef<double> frequencies);

/// The tables [rows, angles] of cosines and sines that `cosineValue` and its
/// sines are taken from. (RaiseRotation.cpp)
mlir::FailureOr<std::pair<mlir::Value, mlir::Value>>
rotaryTables(Raiser &raiser, const AngleForm &cosine, const AngleForm &sine,
             mlir::Value cosineValue);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ROTARYFORM_H
