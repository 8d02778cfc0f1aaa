//===- TileWalk.cpp - which tiles fall to a block -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every role of a block walks the tiles on its own: the counts are few and in
// the cache, and handing tiles over would need one more barrier. An expert's
// tiles are taken in one inner loop, so no search by prefix sums is needed.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/TileWalk.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;

Values kernels::emitTileWalk(
    Emitter &e, const TileWalk &walk, ValueRange carried,
    llvm::function_ref<Values(const Tile &, ValueRange)> body) {
  int64_t width = walk.columnTile * walk.clusterSize;
  Value groups = e.constant(int64_t(llvm::divideCeil(walk.columns, width)));
  Value blockColumn = e.mul(walk.rank, walk.columnTile);
  Value stride = e.constant(walk.clusters);

  // Carried over experts: the next tile of this cluster, the number of the
  // expert's first tile, its first row.
  Values outer = {walk.cluster, e.constant(0), e.constant(0)};
  llvm::append_range(outer, carried);
  Values end = e.loop(walk.experts, outer, [&](Value expert, ValueRange state) {
    Value next = state[0], first = state[1], firstRow = state[2];
    Value count =
        e.load(e.i32(), e.advance(walk.counts, e.mul(expert, /*bytes=*/4)));
    Value rowTiles = e.ceilDiv(count, walk.tokenTile);
    Value last = e.add(first, e.mul(rowTiles, groups));

    Values inner = {next};
    llvm::append_range(inner, state.drop_front(3));
    auto tiles = e.create<scf::WhileOp>(
        ValueRange(inner).getTypes(), inner,
        [&](OpBuilder &, Location, ValueRange values) {
          e.create<scf::ConditionOp>(e.less(values[0], last), values);
        },
        [&](OpBuilder &, Location, ValueRange values) {
          Value number = e.sub(values[0], first);
          Value rowInExpert = e.mul(e.rem(number, rowTiles), walk.tokenTile);
          Tile tile;
          tile.expert = expert;
          tile.row = e.add(firstRow, rowInExpert);
          tile.left =
              e.min(e.sub(count, rowInExpert), e.constant(walk.tokenTile));
          tile.column =
              e.add(e.mul(e.div(number, rowTiles), width), blockColumn);
          Values results = body(tile, values.drop_front());
          results.insert(results.begin(), e.add(values[0], stride));
          e.create<scf::YieldOp>(results);
        });
    Values results = {tiles.getResult(0), last, e.add(firstRow, count)};
    llvm::append_range(results, tiles.getResults().drop_front());
    return results;
  });
  return Values(ValueRange(end).drop_front(3));
}
