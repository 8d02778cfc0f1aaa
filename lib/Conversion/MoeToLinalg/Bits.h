//===- Bits.h - arithmetic on the bits of numbers --------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOLINALG_BITS_H
#define PORTOLAN_LIB_CONVERSION_MOETOLINALG_BITS_H

#include "lib/Conversion/MoeToLinalg/Emit.h"
#include "mlir/IR/BuiltinOps.h"

namespace portolan {

/// Arithmetic on i32, which Emit has only in part.
struct Bits {
  Emit &e;

  mlir::Type type() const { return e.builder.getI32Type(); }
  mlir::Value of(int64_t value) const {
    return mlir::arith::ConstantIntOp::create(e.builder, e.loc, type(), value);
  }
  mlir::Value both(mlir::Value a, mlir::Value b) const {
    return mlir::arith::AndIOp::create(e.builder, e.loc, a, b);
  }
  mlir::Value either(mlir::Value a, mlir::Value b) const {
    return mlir::arith::OrIOp::create(e.builder, e.loc, a, b);
  }
  mlir::Value right(mlir::Value a, mlir::Value amount) const {
    return mlir::arith::ShRUIOp::create(e.builder, e.loc, a, amount);
  }
  mlir::Value left(mlir::Value a, int64_t amount) const {
    return mlir::arith::ShLIOp::create(e.builder, e.loc, a, of(amount));
  }
  /// An unsigned number of i32.
  mlir::Value number(mlir::Value a) const {
    return mlir::arith::SIToFPOp::create(e.builder, e.loc,
                                         e.builder.getF32Type(), a);
  }
  mlir::Value ofFloat(mlir::Value value) const {
    return mlir::arith::BitcastOp::create(e.builder, e.loc, type(), value);
  }
  mlir::Value asFloat(mlir::Value bits) const {
    return mlir::arith::BitcastOp::create(e.builder, e.loc,
                                          e.builder.getF32Type(), bits);
  }
  /// A byte of any 8-bit type, zero-extended. The conversion to LLVM has one
  /// type for all of them, so that the cast folds away.
  mlir::Value byte(mlir::Value value) const {
    mlir::Type i8 = e.builder.getI8Type();
    if (value.getType() != i8)
      value =
          mlir::UnrealizedConversionCastOp::create(e.builder, e.loc, i8, value)
              .getResult(0);
    return mlir::arith::ExtUIOp::create(e.builder, e.loc, type(), value);
  }
};

} // namespace portolan

#endif // PORTOLAN_LIB_CONVERSION_MOETOLINALG_BITS_H
