//===- FakeQuantize.h - rounding to a narrow format ------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_FAKEQUANTIZE_H
#define PORTOLAN_DIALECTS_MOE_IR_FAKEQUANTIZE_H

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Support/NumberFormats.h"

#define GET_OP_CLASSES
#include "dialects/Moe/IR/MoeFakeQuantize.h.inc"

namespace portolan::moe {

/// On `moe.mlp` and `moe.experts`: how the activations between the two
/// projections are rounded, which are no values of the program. An array of
/// names of number formats, applied one after another; an 8-bit float other
/// than e4m3fn is spelled "fp8:e5m2".
inline constexpr llvm::StringLiteral kInnerFormatsAttr = "moe.inner_formats";

/// The rules that `moe.inner_formats` of `op` names, none without it; fails
/// with a diagnostic if it names something else.
mlir::FailureOr<llvm::SmallVector<Quantization>>
innerRulesOf(mlir::Operation *op);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_IR_FAKEQUANTIZE_H
