//===- SwitchedKernelReduce.cpp - sums over ranks -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

LogicalResult ForChunksOp::verifyRegions() {
  // for_chunks_c1
  if (int64_t(getChunk()) < 1)
    return emitOpError("expects a chunk of at least 1 element, got ")
           << int64_t(getChunk());
  // for_chunks_c2
  return verifyProgramRegion(*this, getBody(), /*indices=*/2);
}

/// A tile of the chunk of the enclosing loop.
static LogicalResult verifyChunk(Operation *op, RegistersType tile) {
  auto loop = op->getParentOfType<ForChunksOp>();
  int64_t elements = tile.getRows() * tile.getColumns();
  if (!loop || int64_t(loop.getChunk()) == elements)
    return success();
  return op->emitOpError("expects a tile of the loop's chunk of ")
         << int64_t(loop.getChunk()) << " elements, got " << elements;
}

/// A tile of 16 bytes of each thread, in the tensor's format, that the switch
/// adds or copies.
static LogicalResult verifyMultimem(Operation *op, RegistersType tile,
                                    MemRefType tensor) {
  std::optional<Format> format = parseFormat(tile.getFormat());
  bool fits = tile.getRows() == kWarpgroupThreads &&
              tile.getColumns() * packedBits(*format) == 128 &&
              moe::formatOf(tensor.getElementType()) == format;
  if (!fits || (*format != Format::bf16 && *format != Format::fp16 &&
                *format != Format::f32))
    return op->emitOpError("expects 16 bytes of each of ")
           << kWarpgroupThreads << " threads in bf16, fp16 or f32 like "
           << tensor << ", got " << tile;
  return verifyChunk(op, tile);
}

LogicalResult MultimemLoadReduceOp::verify() {
  // multimem_load_reduce_c1, multimem_load_reduce_c2
  return verifyMultimem(*this, getTile().getType(),
                        cast<MemRefType>(getTensor().getType()));
}

LogicalResult MultimemStoreOp::verify() {
  // multimem_store_c1, multimem_store_c2
  return verifyMultimem(*this, getTile().getType(),
                        cast<MemRefType>(getTensor().getType()));
}

LogicalResult PeerAddOp::verify() {
  // peer_add_c1
  RegistersType tile = getTile().getType();
  auto tensor = cast<MemRefType>(getTensor().getType());
  if (tile.getFormat() != "f32" || !isa<FloatType>(tensor.getElementType()))
    return emitOpError("expects f32 sums of floats, got ")
           << tile << " of " << tensor;
  // peer_add_c2
  return verifyChunk(*this, tile);
}

LogicalResult ChunkStoreOp::verify() {
  // chunk_store_c1
  auto tensor = cast<MemRefType>(getTensor().getType());
  if (!isa<FloatType>(tensor.getElementType()))
    return emitOpError("expects a tensor of floats, got ") << tensor;
  // chunk_store_c2
  return verifyChunk(*this, getTile().getType());
}
