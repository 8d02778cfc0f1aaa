//===- TileWalk.h - which tiles fall to a block ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_TILEWALK_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_TILEWALK_H

#include "lib/Conversion/SwitchedToNvvm/Emitter.h"

namespace portolan::kernels {

/// The loop of a `switched.for_tiles`. Tiles are numbered by expert, then by
/// group of column tiles (one per block of a cluster), then by rows, so that
/// clusters of neighbouring numbers read the same weights; cluster c of C takes
/// the tiles c, c + C, c + 2 C, ...
struct TileWalk {
  Value counts; ///< pointer to an i32 per expert
  int64_t experts = 0;
  int64_t tokenTile = 0;
  int64_t columnTile = 0;
  int64_t columns = 0;
  int64_t clusterSize = 1;
  int64_t clusters = 1;
  Value cluster; ///< number of this block's cluster
  Value rank;    ///< of this block in its cluster
};

/// What a tile is, i32 each. A block whose column lies past the last one has
/// nothing to store.
struct Tile {
  Value expert, row, left, column;
};

/// Runs `body` for each tile of this block, passing `carried` on.
Values emitTileWalk(Emitter &e, const TileWalk &walk, ValueRange carried,
                    llvm::function_ref<Values(const Tile &, ValueRange)> body);

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_TILEWALK_H
