//===- Emit.h - tensor programs in few words -------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds linalg.generic from a letter per loop, as in "tk,kn->tn": the letters
// of each input, then those of the result. Loops nest in the order in which
// letters first appear; letters that the result lacks are reduced. Bodies see
// floats as f32 whatever the tensors hold, so that narrow inputs accumulate in
// f32.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOLINALG_EMIT_H
#define PORTOLAN_LIB_CONVERSION_MOETOLINALG_EMIT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/DenseMap.h"

namespace portolan {

class Emit {
public:
  /// Computes the element of the result from the elements of the inputs and,
  /// if there is a reduction, from the value accumulated so far (the last).
  using Body = llvm::function_ref<mlir::Value(Emit &, mlir::ValueRange)>;
  /// The same for several results.
  using Bodies = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      Emit &, mlir::ValueRange)>;
  using Sizes = llvm::SmallVector<std::pair<char, mlir::OpFoldResult>>;

  Emit(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  //===--- Scalars
  //---------------------------------------------------------===//
  // Each works on floats, integers and indices alike where both make sense.

  mlir::Value index(int64_t value);
  mlir::Value f32(double value);
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value rem(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value either(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value exp(mlir::Value a);
  /// 1 / (1 + exp(-a)).
  mlir::Value sigmoid(mlir::Value a);
  /// Converts between float types, or between integer types and index.
  mlir::Value cast(mlir::Value a, mlir::Type type);
  /// `a` limited to [0, bound - 1], for an access that must stay inside.
  mlir::Value clampIndex(mlir::Value a, mlir::Value bound);

  //===--- Tensors
  //---------------------------------------------------------===//

  /// Size of a dimension: an attribute if it is static.
  mlir::OpFoldResult dim(mlir::Value tensor, int64_t dimension);
  mlir::Value dimValue(mlir::Value tensor, int64_t dimension);
  llvm::SmallVector<mlir::OpFoldResult> sizesOf(mlir::Value tensor);
  mlir::Value empty(llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type type);
  mlir::Value filled(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                     mlir::Value scalar);
  mlir::Value extract(mlir::Value tensor, mlir::ValueRange indices);
  mlir::Value insert(mlir::Value scalar, mlir::Value tensor,
                     mlir::ValueRange indices);
  /// `size` elements of `dimension` from `offset` on.
  mlir::Value slice(mlir::Value tensor, int64_t dimension,
                    mlir::OpFoldResult offset, mlir::OpFoldResult size);
  mlir::Value insertSlice(mlir::Value part, mlir::Value tensor,
                          int64_t dimension, mlir::OpFoldResult offset);
  /// Entry `index` of the first dimension, which is dropped.
  mlir::Value take(mlir::Value tensor, mlir::OpFoldResult index);

  /// Dimension `dimension` split into dimensions of these static sizes.
  mlir::Value split(mlir::Value tensor, int64_t dimension,
                    llvm::ArrayRef<int64_t> sizes);
  /// `count` dimensions from `dimension` on merged into one.
  mlir::Value merge(mlir::Value tensor, int64_t dimension, int64_t count);
  /// [T] as [T, 1].
  mlir::Value column(mlir::Value vector);
  /// [.., X] as [T, X].
  mlir::Value rows(mlir::Value tensor);
  /// [T, X] as [.., X] with the leading dimensions of `like`.
  mlir::Value unrows(mlir::Value tensor, mlir::Value like);

  //===--- Structured ops
  //--------------------------------------------------===//

  /// An elementwise or gathering computation; `element` is the result's type.
  mlir::Value map(llvm::StringRef spec, mlir::ValueRange inputs,
                  mlir::Type element, Body body, const Sizes &sizes = {});
  /// A reduction in f32 that starts from `initial`.
  mlir::Value reduce(llvm::StringRef spec, mlir::ValueRange inputs,
                     double initial, Body body, const Sizes &sizes = {});
  /// The sum of products of the inputs, in f32.
  mlir::Value contract(llvm::StringRef spec, mlir::ValueRange inputs);
  /// The general form: a spec with one result per initial tensor.
  llvm::SmallVector<mlir::Value> generic(llvm::StringRef spec,
                                         mlir::ValueRange inputs,
                                         mlir::ValueRange initials,
                                         Bodies body);
  /// A tensor in another float type; itself if it has that type.
  mlir::Value castTensor(mlir::Value tensor, mlir::Type element);

  /// The current iteration of a loop; in the body of a structured op only.
  mlir::Value at(char letter);

  /// scf.for from 0 to `count` that carries values.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value count, mlir::ValueRange carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(Emit &, mlir::Value,
                                                         mlir::ValueRange)>
           body);

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  llvm::SmallVector<mlir::OpFoldResult> resultSizes(llvm::StringRef spec,
                                                    mlir::ValueRange inputs,
                                                    const Sizes &sizes);

  std::string loops; ///< the letters of the enclosing structured op
};

/// The type of a tensor value.
mlir::RankedTensorType typeOf(mlir::Value tensor);

/// The element type of a tensor value.
mlir::Type elementOf(mlir::Value tensor);

} // namespace portolan

#endif // PORTOLAN_LIB_CONVERSION_MOETOLINALG_EMIT_H
