//===- Dequantize.h - weights kept as codes of a few bits ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_DEQUANTIZE_H
#define PORTOLAN_DIALECTS_MOE_IR_DEQUANTIZE_H

#include "dialects/Moe/IR/Moe.h"

#define GET_OP_CLASSES
#include "dialects/Moe/IR/MoeDequantize.h.inc"

namespace portolan::moe {

/// Which number a code is: an unsigned integer, a float of sign, exponent and
/// mantissa bits, or a power of two.
enum class Encoding { integer, e2m1, e4m3, e8m0 };

/// "e2m1".
llvm::StringRef spell(Encoding encoding);

/// The inverse of spell().
std::optional<Encoding> parseEncoding(llvm::StringRef name);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_IR_DEQUANTIZE_H
