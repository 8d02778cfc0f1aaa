//===- Loads.cpp - the warp that fills stages -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One thread runs ahead of the products by as many steps as there are stages. A
// barrier that was never used counts as freed: waiting for the parity of the
// phase before the first one does not wait.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

void KernelWriter::writeLoad(TmaLoadOp load, const Tile &tile, Value element,
                             Value stage) {
  // What an offset of the program is in the emitted function.
  IRMapping names;
  Block &tiles = form.tiles.getBody().front();
  names.map(tiles.getArgument(0), tile.expert);
  names.map(tiles.getArgument(1), tile.row);
  names.map(tiles.getArgument(2), tile.left);
  names.map(tiles.getArgument(3), tile.column);
  names.map(form.pipeline.getProduce().getArgument(0), element);
  SmallVector<Value> coordinates;
  for (Value offset : llvm::reverse(load.getOffsets()))
    coordinates.push_back(names.lookup(offset));
  if (load.getTransposed())
    std::swap(coordinates[0], coordinates[1]);
  if (load.getSpread())
    coordinates[1] =
        e.add(coordinates[1], e.mul(rank, load.getTile().getType().getRows()));
  Value place = e.create<LLVM::AddrSpaceCastOp>(e.pointer(kSharedOfCluster),
                                                stageOf(load.getTile(), stage));
  e.create<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(
      place, parameters[form.maps[load]], coordinates,
      stageOf(form.pipeline.getFull(), stage), ValueRange(), Value(), Value(),
      NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(),
      Value());
}

void KernelWriter::writeProducer() {
  int64_t bytes = 0;
  for (TmaLoadOp load : form.loads)
    bytes += load.getTile().getType().getStageBytes();
  forTiles({e.constant(0), e.constant(0)}, [&](const Tile &tile,
                                               ValueRange carried) {
    return e.loop(steps(), carried, [&](Value step, ValueRange ring) -> Values {
      RingState state = {ring[0], ring[1]};
      e.waitFor(stageOf(form.pipeline.getFree(), state.stage),
                e.bitXor(state.parity, 1));
      e.expect(stageOf(form.pipeline.getFull(), state.stage), bytes);
      Value element = e.mul(step, int64_t(form.pipeline.getBlock()));
      for (TmaLoadOp load : form.loads)
        writeLoad(load, tile, element, state.stage);
      RingState next = e.next(state, stages());
      return {next.stage, next.parity};
    });
  });
}
