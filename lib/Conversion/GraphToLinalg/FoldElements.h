//===- FoldElements.h - lists of known elements ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One node whose operands are tensors of rank 0 or 1 with listed elements.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_FOLDELEMENTS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_FOLDELEMENTS_H

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"

namespace portolan::graph_to_linalg {

/// Longer lists are computed when the model runs.
inline constexpr size_t kMaxFolded = 256;

/// The elements of a result, its rank (0 or 1) and its element type.
struct List {
  Dims elements;
  bool isScalar = false;
  mlir::Type type;
};

struct Folder {
  NodeLowering &n;
  llvm::SmallVector<std::optional<List>> inputs;

  explicit Folder(NodeLowering &n) : n(n) {
    for (unsigned i = 0; i < n.node.getInputs().size(); ++i) {
      std::optional<Dims> elements = n.elements(n.input(i));
      inputs.emplace_back();
      if (elements)
        inputs.back() =
            List{std::move(*elements), NodeLowering::rankOf(n.input(i)) == 0,
                 NodeLowering::elementOf(n.input(i))};
    }
  }

  const List *list(unsigned index) const {
    return index < inputs.size() && inputs[index] ? &*inputs[index] : nullptr;
  }
  mlir::OpFoldResult number(int64_t value) {
    return n.e.builder.getI64IntegerAttr(value);
  }
  mlir::OpFoldResult real(double value) {
    return n.e.builder.getF64FloatAttr(value);
  }

  std::optional<List> fold();

private:
  mlir::OpFoldResult binary(llvm::StringRef op, mlir::OpFoldResult a,
                            mlir::OpFoldResult b, mlir::Type type);
  std::optional<List> foldBinary();
  std::optional<List> foldUnary();
  std::optional<List> foldCast();
  std::optional<List> foldShape();
  std::optional<List> foldWhere();
  std::optional<List> foldLayout();
  std::optional<List> foldReduction();
};

} // namespace portolan::graph_to_linalg

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOLINALG_FOLDELEMENTS_H
