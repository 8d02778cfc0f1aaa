//===- StackWeights.h - the weights of experts as one ----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An unrolled graph has a weight of its own for each expert. Here they become
// one weight with a dimension of experts, which says where its parts are: no
// byte is read.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_STACKWEIGHTS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_STACKWEIGHTS_H

#include "dialects/Moe/IR/Moe.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>

namespace portolan::graph_to_moe {

/// A weight, or element `index` of its first dimension if that is not -1.
struct WeightSlice {
  moe::WeightOp weight;
  int64_t index = -1;
};

class WeightStacks {
public:
  explicit WeightStacks(mlir::func::FuncOp main) : main(main) {}

  /// The weight whose part i is `slices[i]`, or zero where that is null; parts
  /// are of one type. Fails if the bytes of a part are not known to lie in one
  /// piece.
  llvm::Expected<moe::WeightOp> stack(llvm::ArrayRef<WeightSlice> slices);

private:
  llvm::Expected<moe::WeightDataOp>
  makeData(llvm::ArrayRef<WeightSlice> slices);

  mlir::func::FuncOp main;
  std::optional<mlir::SymbolTable> symbols;
  /// Gate and linear part may share their weights.
  std::map<std::vector<std::pair<const void *, int64_t>>, moe::WeightOp> known;
};

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_STACKWEIGHTS_H
