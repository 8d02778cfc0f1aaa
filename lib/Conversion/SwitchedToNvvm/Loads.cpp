//===- Loads.cpp - the warps that fill stages -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One thread runs ahead of the products by as many steps as there are stages. A
// barrier that was never used counts as freed: waiting for the parity of the
// phase before the first one does not wait. Block scales of tokens come as rows
// of words, since tokens of an expert start anywhere; a warp orders them.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/Descriptors.h"
#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Starts a tensor copy. Blocks of a pair may signal each other.
static void emitTensorLoad(Emitter &e, Value place, Value map,
                           ValueRange coordinates, Value barrier,
                           bool ofPair = false) {
  place = e.create<LLVM::AddrSpaceCastOp>(e.pointer(kSharedOfCluster), place);
  auto group = ofPair ? NVVM::CTAGroupKindAttr::get(e.context(),
                                                    NVVM::CTAGroupKind::CTA_2)
                      : NVVM::CTAGroupKindAttr();
  e.create<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(
      place, map, coordinates, barrier, ValueRange(), Value(), Value(),
      NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false, group, Value());
}

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
  emitTensorLoad(e, stageOf(load.getTile(), stage), parameters[form.maps[load]],
                 coordinates, loadBarrier(stage), signalsPair());
}

void KernelWriter::writeScaleLoad(TmaLoadOp load, const Tile &tile,
                                  Value element, Value stage) {
  SmemType type = load.getTile().getType();
  int64_t block = scaleBlock(*parseFormat(type.getFormat()));
  Value map = parameters[form.scaleMaps[load]];
  Value barrier = loadBarrier(stage);
  Value place = e.advance(stageOf(load.getTile(), stage), elementBytes(type));
  Value word = e.div(element, 4 * block);
  if (load.getTile() != form.products.front().tokens) {
    // Whole units, prepared.
    SmallVector<Value> coordinates = {
        e.constant(0), word, e.div(tile.column, kScaleRows), tile.expert};
    coordinates.resize(form.parameters[form.scaleMaps[load]].box.size());
    return emitTensorLoad(e, place, map, coordinates, barrier);
  }
  // One word of each row at a time, as each word gets units of its own.
  for (int64_t i = 0; i < scaleWords(type); ++i)
    emitTensorLoad(e, e.advance(place, i * tokenUnits() * kScaleUnitBytes), map,
                   {tile.row, e.add(word, i)}, barrier);
}

Value KernelWriter::loadBarrier(Value stage) {
  Value barrier = stageOf(form.pipeline.getFull(), stage);
  if (!signalsPair())
    return barrier;
  // That of the first block. The copy takes an address in the memory of the
  // cluster there, whatever the type of its operand says.
  Value first = e.create<NVVM::MapaOp>(e.pointer(kSharedOfCluster), barrier,
                                       e.constant(0));
  return e.create<LLVM::IntToPtrOp>(e.pointer(kShared), e.addressOf(first));
}

int64_t KernelWriter::loadBytes() {
  int64_t bytes = 0;
  for (TmaLoadOp load : form.loads) {
    SmemType type = load.getTile().getType();
    bytes += elementBytes(type);
    if (form.isScaled())
      bytes += load.getTile() == form.products.front().tokens
                   ? 4 * scaleWords(type) * int64_t(form.tiles.getTokenTile())
                   : kScaleUnitBytes * scaleWords(type);
  }
  return bytes * (signalsPair() ? 2 : 1);
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

void KernelWriter::writeProducer() {
  forTiles({e.constant(0), e.constant(0)}, [&](const Tile &tile,
                                               ValueRange carried) {
    return e.loop(steps(), carried, [&](Value step, ValueRange ring) -> Values {
      RingState state = {ring[0], ring[1]};
      e.waitFor(stageOf(form.pipeline.getFree(), state.stage),
                e.bitXor(state.parity, 1), form.pair);
      Value full = stageOf(form.pipeline.getFull(), state.stage);
      if (signalsPair())
        e.when(e.equal(rank, 0), [&] { e.expect(full, loadBytes()); });
      else
        e.expect(full, loadBytes());
      Value element = e.mul(step, int64_t(form.pipeline.getBlock()));
      for (TmaLoadOp load : form.loads) {
        writeLoad(load, tile, element, state.stage);
        if (form.isScaled())
          writeScaleLoad(load, tile, element, state.stage);
      }
      RingState next = e.next(state, stages());
      return {next.stage, next.parity};
    });
  });
}

Values kernels::emitReadScales(Emitter &e, Value unit, Value lane) {
  Values words;
  for (int64_t j = 0; j < 4; ++j) {
    Value place = e.advance(unit, e.add(e.mul(lane, 4), 128 * j));
    // The copies that wrote them are another thread's, and the compiler knows
    // of no connection.
    words.push_back(e.create<LLVM::LoadOp>(e.i32(), place, /*alignment=*/4,
                                           /*isVolatile=*/true));
  }
  return words;
}

void kernels::emitWriteScales(Emitter &e, Value unit, Value lane,
                              ValueRange words) {
  for (int64_t j = 0; j < 4; ++j)
    e.store(words[j], e.advance(unit, e.add(e.mul(lane, 16), 4 * j)));
}

void KernelWriter::orderScales() {
  Value tokens = form.products.front().tokens;
  SmemType type = form.products.front().tokenType();
  forTiles({e.constant(0), e.constant(0)}, [&](const Tile &,
                                               ValueRange carried) {
    return e.loop(steps(), carried, [&](Value, ValueRange ring) -> Values {
      RingState state = {ring[0], ring[1]};
      e.waitFor(stageOf(form.pipeline.getFull(), state.stage), state.parity);
      Value start = e.advance(stageOf(tokens, state.stage), elementBytes(type));
      e.loop(scaleWords(type) * tokenUnits(), {},
             [&](Value unit, ValueRange) -> Values {
               Value place = e.advance(start, e.mul(unit, kScaleUnitBytes));
               Values words = emitReadScales(e, place, lane);
               e.syncWarp();
               emitWriteScales(e, place, lane, words);
               return {};
             });
      // Written by threads, read by the matrix unit.
      e.create<NVVM::FenceProxyOp>(
          NVVM::ProxyKind::async_shared,
          NVVM::SharedSpaceAttr::get(e.context(),
                                     NVVM::SharedSpace::shared_cta));
      e.syncWarp();
      Value ready =
          e.advance(e.advance(shared, form.scalesReady), e.mul(state.stage, 8));
      e.when(e.equal(lane, 0), [&] {
        // To the first block of a pair, which issues.
        if (form.pair)
          e.arriveAt(ready, e.constant(0));
        else
          e.arrive(ready, e.bit(true));
      });
      RingState next = e.next(state, stages());
      return {next.stage, next.parity};
    });
  });
}
