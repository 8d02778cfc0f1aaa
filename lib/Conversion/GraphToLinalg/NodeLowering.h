//===- NodeLowering.h - lowering of one graph node -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every rule of the fallback works with. A rule states each element of a
// result as a function of its indices:
//
//   n.setResult(0, n.generate(n.sizesOf(x), n.elementOf(x),
//                             [&](Emit &e, ValueRange at) {
//                               return e.exp(n.read(e, x, at));
//                             }));
//
// That is slow and hard to get wrong: the fallback is a reference and a last
// resort, not a way to run a model fast. Sizes are constants where shapes and
// small integers say so (FoldElements.cpp), else values.
//
// Assumptions: f16 and bf16 are computed in f32 and rounded once per node; an
// index outside its dimension reads the nearest element and never memory that
// is not the tensor's.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_NODELOWERING_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_NODELOWERING_H

#include "dialects/Graph/IR/Graph.h"
#include "lib/Conversion/MoeToLinalg/Emit.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace portolan::graph_to_linalg {

using Dims = llvm::SmallVector<mlir::OpFoldResult>;
using Integers = llvm::SmallVector<int64_t>;

class NodeLowering {
public:
  /// An element of a result from its indices.
  using Body = llvm::function_ref<mlir::Value(Emit &, mlir::ValueRange)>;
  /// The next carried scalars from the indices of a loop nest.
  using Step = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      Emit &, mlir::ValueRange, mlir::ValueRange)>;

  NodeLowering(graph::NodeOp node, mlir::OpBuilder &builder)
      : node(node), e(builder, node.getLoc()),
        results(node.getOutputs().size()) {}

  //===--- Operands and attributes
  //-----------------------------------------===//

  /// Operand `index`, or null if it is absent.
  mlir::Value input(unsigned index) { return node.input(index); }
  static int64_t rankOf(mlir::Value tensor) { return typeOf(tensor).getRank(); }
  static mlir::Type elementOf(mlir::Value tensor) {
    return portolan::elementOf(tensor);
  }
  Dims sizesOf(mlir::Value tensor) { return e.sizesOf(tensor); }
  int64_t integer(llvm::StringRef name, int64_t absent);
  double real(llvm::StringRef name, double absent);
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef absent);
  std::optional<Integers> integersAttr(llvm::StringRef name);
  int64_t version() { return node.getVersion(); }
  /// The list that older versions have as attribute `name` and newer ones as
  /// operand `operand`; sorted places in a tensor of `rank`. `given` says
  /// whether there is such a list. Fails if it is not constant or outside.
  llvm::FailureOr<Integers> axes(unsigned operand, int64_t rank, bool &given);
  /// Attribute `axis` as a place in a tensor of `rank`.
  llvm::FailureOr<int64_t> axis(int64_t absent, int64_t rank);

  //===--- Known elements
  //--------------------------------------------------===//

  /// The elements of a small tensor of rank 0 or 1: attributes if they are
  /// known, else scalars of the tensor's type. Nothing if they are not listed.
  std::optional<Dims> elements(mlir::Value tensor);
  /// The same if all are known integers.
  std::optional<Integers> integers(mlir::Value tensor);
  /// A listed element as an index: an attribute or a value.
  mlir::OpFoldResult toIndex(mlir::OpFoldResult element);

  //===--- Scalars
  //---------------------------------------------------------===//

  /// An element; f16 and bf16 as f32.
  mlir::Value read(Emit &e, mlir::Value tensor, mlir::ValueRange at);
  /// The same of a tensor that is broadcast to the rank of `at`.
  mlir::Value readBroadcast(Emit &e, mlir::Value tensor, mlir::ValueRange at);
  static mlir::Value convert(Emit &e, mlir::Value scalar, mlir::Type type);
  /// An integer that counts from the end of `size` if it is negative, as an
  /// index that lies inside.
  static mlir::Value wrap(Emit &e, mlir::Value scalar, mlir::Value size);
  /// `yes` or `no`, of which only one is computed.
  static mlir::Value choose(Emit &e, mlir::Value condition,
                            llvm::function_ref<mlir::Value(Emit &)> yes,
                            llvm::function_ref<mlir::Value(Emit &)> no);
  /// Loops over `counts`, the last one innermost.
  static llvm::SmallVector<mlir::Value>
  loops(Emit &e, mlir::ValueRange counts, mlir::ValueRange carried, Step step);
  mlir::Value value(Emit &e, mlir::OpFoldResult size);

  //===--- Tensors
  //---------------------------------------------------------===//

  mlir::Value generate(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       mlir::Type element, Body body);
  /// The sizes to which tensors of these sizes are broadcast.
  Dims broadcast(llvm::ArrayRef<Dims> shapes);
  /// An elementwise function of broadcast tensors.
  mlir::Value
  map(mlir::ValueRange tensors, mlir::Type element,
      llvm::function_ref<mlir::Value(Emit &, mlir::ValueRange)> body);
  /// One scalar per place outside of `axes`, from the elements along them;
  /// those dimensions have size 1.
  mlir::Value reduce(mlir::Value tensor, llvm::ArrayRef<int64_t> axes,
                     mlir::Type element, mlir::Value initial,
                     llvm::function_ref<mlir::Value(Emit &, mlir::Value acc,
                                                    mlir::Value element)>
                         combine);
  /// The same elements in the same order.
  mlir::Value reshape(mlir::Value tensor,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes);

  void setResult(unsigned index, mlir::Value value) { results[index] = value; }
  bool hasUse(unsigned index) {
    return node.hasOutput(index) && !node.getOutputs()[index].use_empty();
  }
  llvm::LogicalResult fail(const llvm::Twine &why) {
    reason = why.str();
    return llvm::failure();
  }

  graph::NodeOp node;
  Emit e;
  llvm::SmallVector<mlir::Value> results;
  std::string reason;
};

/// Lowers a node of one op type; states each used result.
using Rule = llvm::LogicalResult (*)(NodeLowering &);
using Rules = llvm::StringMap<Rule>; ///< of the standard domain

void addElementwiseRules(Rules &rules);
void addGatherRules(Rules &rules);
void addLayoutRules(Rules &rules);
void addProductRules(Rules &rules);
void addReductionRules(Rules &rules);
void addScatterRules(Rules &rules);
void addShapeRules(Rules &rules);
void addSliceRules(Rules &rules);

/// States the results of a node of integers from the elements of its operands,
/// if all are listed. (FoldElements.cpp)
bool foldElements(NodeLowering &n);

} // namespace portolan::graph_to_linalg

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_NODELOWERING_H
