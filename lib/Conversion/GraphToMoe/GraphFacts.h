//===- GraphFacts.h - shapes and small integers of a graph -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shared toolkit of the raising rules, part 1 of 3: what is known of the
// values of an imported graph. (Part 2 is SimplifyGraph.h, part 3 Idioms.h.)
//
//   GraphFacts facts(main);            // one pass over the nodes
//   facts.shape(value)                 // [batch, seq, 64], or null
//   facts.integers(value)              // the integers, if all are known
//   facts.number(value)                // a scalar constant as double
//   facts.elementType(value)           // f32, or null
//
// The analysis runs forwards over the nodes of @main. Beside shapes it follows
// the elements of small integer tensors, so that a Reshape whose target is
// Concat(Gather(Shape(x)), -1, 16) has the shape that it will have. Dimensions
// with a name in moe.dims are symbols; those that follow from nothing are
// symbols of their own. What a rule does not know has no shape: nothing here
// fails.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_GRAPHFACTS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_GRAPHFACTS_H

#include "dialects/Graph/IR/Graph.h"
#include "lib/Conversion/GraphToMoe/Size.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <deque>

namespace portolan::graph_to_moe {

class GraphFacts {
public:
  /// Analyses the nodes of `main`, which has one block.
  explicit GraphFacts(mlir::func::FuncOp main);
  /// Analyses one op whose operands are analysed, again or for the first time.
  void infer(mlir::Operation *op);

  /// The shape of `value`, or null if its rank is unknown.
  const Sizes *shape(mlir::Value value) const;
  /// The rank of `value`, or -1.
  int64_t rank(mlir::Value value) const;
  /// Size `dimension` (negative: from the end) if it is a known number, or -1.
  int64_t dim(mlir::Value value, int64_t dimension) const;
  /// The type of the elements, or null.
  mlir::Type elementType(mlir::Value value) const;
  /// The type with what is known of the shape, or null.
  mlir::RankedTensorType type(mlir::Value value) const;
  bool sameShape(mlir::Value lhs, mlir::Value rhs) const;

  /// The elements of a small integer tensor, row by row, or null.
  const Sizes *elements(mlir::Value value) const;
  /// The same if each is a known number.
  std::optional<llvm::SmallVector<int64_t>> integers(mlir::Value value) const;
  std::optional<int64_t> integer(mlir::Value value) const;
  /// The one element of a constant of numbers, through casts; f32 elements in
  /// double precision with the spelling that they have in f32 (1e-5 is 1e-5).
  std::optional<double> number(mlir::Value value) const;
  /// All elements of a constant of numbers that the module holds.
  std::optional<llvm::SmallVector<double>> numbers(mlir::Value value) const;

  /// The elements of a constant that the module holds, or null.
  mlir::ElementsAttr constant(mlir::Value value) const {
    return constants.lookup(value);
  }

  /// Drops what is known of the results of `node`, which is to be erased.
  void forget(graph::NodeOp node);

  Size fresh() { return Size::symbol(nextSymbol++); }

  struct Fact {
    mlir::Type element;
    std::optional<Sizes> shape;
    std::optional<Sizes> data;
  };
  /// The fact of `value`, created empty if there is none.
  Fact &at(mlir::Value value);
  const Fact *find(mlir::Value value) const;

private:
  void addType(mlir::Value value, mlir::ArrayAttr names);
  void addConstant(mlir::Value value, mlir::ElementsAttr elements);

  /// What the module holds of weights, by symbol.
  llvm::DenseMap<mlir::StringAttr, mlir::ElementsAttr> values;
  llvm::DenseMap<mlir::Value, unsigned> index;
  std::deque<Fact> facts;
  llvm::StringMap<Size> symbols;
  llvm::DenseMap<mlir::Value, mlir::ElementsAttr> constants;
  unsigned nextSymbol = 0;
};

/// Infers the results of `node` from its operands. (GraphShapes.cpp)
void inferNode(graph::NodeOp node, GraphFacts &facts);

/// Index `index` of a list of `size`, counted from the end if it is negative;
/// -1 if it lies outside.
int64_t wrapIndex(int64_t index, int64_t size);

/// The axes of `node`: its attribute `axes`, or operand `operand`.
std::optional<llvm::SmallVector<int64_t>>
axesOf(graph::NodeOp node, unsigned operand, const GraphFacts &facts);

/// An integer attribute of `node`.
int64_t integerAttr(graph::NodeOp node, llvm::StringRef name, int64_t absent);

/// What a Slice node takes of one dimension.
struct SliceForm {
  int64_t axis = 0;
  Size start, size;
  int64_t step = 1;
};
/// The forms of a Slice of any dimensions, under the same conditions.
std::optional<llvm::SmallVector<SliceForm>> slicesOf(graph::NodeOp node,
                                                     const GraphFacts &facts);
/// The form of a Slice of one dimension whose bounds are known, or that starts
/// at a known place and runs to the end.
std::optional<SliceForm> sliceOf(graph::NodeOp node, const GraphFacts &facts);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_GRAPHFACTS_H
