//===- NarrowWeights.h - weights kept as codes of a few bits ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A node that holds a quantized weight becomes the node of the whole one: the
// weight is a moe.dequantize of what the file holds, ahead of the layers, and
// an op that reads it ships in the format of the codes.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NARROWWEIGHTS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NARROWWEIGHTS_H

#include "dialects/Moe/IR/Dequantize.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/Error.h"

namespace portolan::graph_to_moe {

class Rules;

/// What a file holds of one weight; operands that are absent are null.
struct NarrowWeight {
  mlir::Value packed, scales, zeroPoints, globalScale;
  llvm::SmallVector<int64_t, 3> shape; ///< of the dequantized weight
  int64_t bits = 4;
  moe::Encoding encoding = moe::Encoding::integer;
  int64_t axis = 0;      ///< the dimension with blocks
  int64_t blockSize = 0; ///< 0: one block
  std::optional<moe::Encoding> scaleEncoding;
};

/// Makes the last size of `weight.shape`, which counts bytes, count codes of
/// `weight.bits` bits. An error if there are too many.
llvm::Error countCodes(NarrowWeight &weight);

/// Emits the weight as numbers of `element`. Scales and zero points may come
/// as one row. An error says what does not fit; nothing is left of it then.
llvm::Expected<mlir::Value> dequantize(mlir::OpBuilder &builder,
                                       mlir::Location loc, NarrowWeight weight,
                                       mlir::Type element);

/// The format of an op on `input` whose weight is `weight`: null if the weight
/// ships as what it is, else the format of its codes, computed as the input.
moe::FormatAttr shippedFormat(mlir::Value weight, mlir::Value input);

/// Replaces MatMulNBits by MatMul and Add, GatherBlockQuantized by Gather;
/// those that do not fit stay, and their rule says why.
void expandNarrowProducts(mlir::func::FuncOp main);

/// Adds the rule that refuses what expandNarrowProducts() has left.
void addNarrowRules(Rules &rules);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NARROWWEIGHTS_H
