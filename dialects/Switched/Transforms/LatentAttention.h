//===- LatentAttention.h - kernels of decode attention ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is chosen for the kernels of a latent attention, and the writers of
// their programs.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_LATENTATTENTION_H
#define PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_LATENTATTENTION_H

#include "dialects/Switched/Transforms/Kernels.h"
#include "llvm/Support/MathExtras.h"

namespace portolan::switched {

struct LatentRecipe {
  // Of the attention.
  int64_t sequences = 0, newTokens = 0, past = 0, heads = 0;
  int64_t rows = 0; ///< new tokens of all sequences
  int64_t latent = 0, key = 0, rope = 0, value = 0; ///< widths
  double scale = 1;
  bool pastOnly = false;
  // Of its kernels.
  Format weights = Format::bf16; ///< storage
  Format wide = Format::bf16;    ///< of activations between kernels
  Format compute = Format::bf16; ///< and storage of the cache
  bool tensorMemory = false;
  int64_t tokenTile = 0;  ///< rows, or queries, on the columns of a product
  int64_t columnTile = 0; ///< keys, or weight columns, on its rows
  int64_t block = 0;      ///< elements of contraction in a stage
  int64_t ropeTile = 0;   ///< width of a tile of rotated keys
  int64_t units = 0;
  int64_t sharedMemoryBytes = 0;

  int64_t keys() const { return past + newTokens; }
  int64_t queries() const { return newTokens * heads; }
  int64_t latentTiles() const {
    return int64_t(llvm::divideCeil(latent, columnTile));
  }
};

/// A product per head: `rows` [R,heads,..] with `weights` of each head.
struct HeadProduct {
  mlir::Value rows, weights;
  mlir::Type result; ///< [R,heads,columns]
  int64_t contraction = 0, columns = 0;
  Format input = Format::bf16, output = Format::bf16;
  bool transposed = false; ///< weights are [heads, contraction, columns]
};

/// The result of a kernel at the builder's place; nothing if shared memory does
/// not hold two stages.
std::optional<mlir::Value> writeHeadProduct(mlir::OpBuilder &b,
                                            mlir::Location loc,
                                            const LatentRecipe &recipe,
                                            const HeadProduct &product);

/// The same of the kernel that runs over the cache. Its operands are the moved
/// query [R,heads,L], the query [R,heads,Dn+Dr] and the caches; its results
/// [R,heads,L] and, if there are two, the log-sum-exp [R*heads].
std::optional<llvm::SmallVector<mlir::Value>>
writeCacheKernel(mlir::OpBuilder &b, mlir::Location loc,
                 const LatentRecipe &recipe, mlir::ValueRange inputs,
                 mlir::TypeRange results);

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_LATENTATTENTION_H
