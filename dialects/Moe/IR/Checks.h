//===- Checks.h - what verifiers ask of operands ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the sources of the dialect's verifiers. A dynamic dimension agrees
// with every other one; an operand that is absent passes every check.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_CHECKS_H
#define PORTOLAN_DIALECTS_MOE_IR_CHECKS_H

#include "dialects/Moe/IR/Moe.h"

namespace portolan::moe {

inline mlir::RankedTensorType tensorOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

inline bool agree(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) ||
         mlir::ShapedType::isDynamic(b);
}

inline mlir::LogicalResult checkRank(mlir::Operation *op, llvm::StringRef name,
                                     mlir::Value value, int64_t rank) {
  if (!value || tensorOf(value).getRank() == rank)
    return mlir::success();
  return op->emitOpError("expects ")
         << name << " of rank " << rank << ", got " << value.getType();
}

inline mlir::LogicalResult checkMinRank(mlir::Operation *op,
                                        llvm::StringRef name, mlir::Value value,
                                        int64_t rank) {
  if (tensorOf(value).getRank() >= rank)
    return mlir::success();
  return op->emitOpError("expects ")
         << name << " of rank at least " << rank << ", got " << value.getType();
}

/// `value`, if there is one, holds integers.
inline mlir::LogicalResult
checkIntegers(mlir::Operation *op, llvm::StringRef name, mlir::Value value) {
  if (!value || mlir::isa<mlir::IntegerType>(tensorOf(value).getElementType()))
    return mlir::success();
  return op->emitOpError("expects integer ")
         << name << ", got " << value.getType();
}

/// Dimension `index` (from the end if negative) of `value` must be `expected`.
inline mlir::LogicalResult checkDim(mlir::Operation *op, llvm::StringRef name,
                                    mlir::Value value, int64_t index,
                                    int64_t expected) {
  if (!value)
    return mlir::success();
  mlir::RankedTensorType type = tensorOf(value);
  int64_t at = index < 0 ? type.getRank() + index : index;
  if (at >= 0 && at < type.getRank() && agree(type.getDimSize(at), expected))
    return mlir::success();
  return op->emitOpError("expects dimension ")
         << at << " of " << name << " to be " << expected << ", got " << type;
}

inline int64_t lastDim(mlir::Value value) {
  return tensorOf(value).getShape().back();
}

/// `value` has the leading dimensions of `like` and `last` as its last one.
inline mlir::LogicalResult checkLike(mlir::Operation *op, llvm::StringRef name,
                                     mlir::Value value, mlir::Value like,
                                     int64_t last) {
  mlir::RankedTensorType type = tensorOf(value), other = tensorOf(like);
  bool ok = type.getRank() == other.getRank();
  for (int64_t i = 0; ok && i + 1 < type.getRank(); ++i)
    ok = agree(type.getDimSize(i), other.getDimSize(i));
  if (ok && agree(type.getShape().back(), last))
    return mlir::success();
  return op->emitOpError("expects ")
         << name << " with the leading dimensions of " << other << " and width "
         << last << ", got " << type;
}

/// `present` is `past` with dimension `index` grown by the new tokens of
/// `query` [B,S,..].
inline mlir::LogicalResult checkGrown(mlir::Operation *op, llvm::StringRef name,
                                      mlir::Value present, mlir::Value past,
                                      mlir::Value query, int64_t index) {
  mlir::RankedTensorType type = tensorOf(present), before = tensorOf(past);
  llvm::SmallVector<int64_t> expected(before.getShape());
  int64_t added = tensorOf(query).getDimSize(1);
  if (mlir::ShapedType::isDynamic(added) ||
      mlir::ShapedType::isDynamic(expected[index]))
    expected[index] = mlir::ShapedType::kDynamic;
  else
    expected[index] += added;
  bool ok = agree(tensorOf(query).getDimSize(0), expected[0]) &&
            type.getElementType() == before.getElementType();
  for (auto [a, b] : llvm::zip_equal(type.getShape(), expected))
    ok = ok && agree(a, b);
  if (ok)
    return mlir::success();
  return op->emitOpError("expects ")
         << name << " to be " << before << " grown by " << added
         << " tokens, got " << type;
}

/// The caps of the parts of a feed-forward block: see moe.experts.
mlir::LogicalResult checkCaps(mlir::Operation *op, Activation activation,
                              const llvm::APFloat &gateCap,
                              const llvm::APFloat &linearCap, bool gated);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_IR_CHECKS_H
