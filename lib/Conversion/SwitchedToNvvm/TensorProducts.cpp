//===- TensorProducts.cpp - products with sums in tensor memory -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One thread issues all products of a block, or of a pair of blocks. The matrix
// unit tells by barriers when a stage has been read and when the sums of a tile
// are complete; copies of block scales stand in its queue before the products
// that need them.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

//===----------------------------------------------------------------------===//
// Allocation
//===----------------------------------------------------------------------===//

void KernelWriter::allocateTensorTiles() {
  e.when(e.equal(warp, form.roles.issuerWarp), [&] {
    e.syncWarp();
    for (auto [i, alloc] : llvm::enumerate(form.tensorTiles))
      e.create<NVVM::Tcgen05AllocOp>(
          e.advance(shared, form.tensorAddresses + 4 * int64_t(i)),
          e.constant(int64_t(alloc.getColumns())), group());
    e.create<NVVM::Tcgen05RelinquishAllocPermitOp>(group());
  });
  e.create<NVVM::Tcgen05FenceOp>(NVVM::Tcgen05FenceKind::BEFORE_THREAD_SYNC);
}

void KernelWriter::readTensorAddresses() {
  e.create<NVVM::Tcgen05FenceOp>(NVVM::Tcgen05FenceKind::AFTER_THREAD_SYNC);
  for (auto [i, alloc] : llvm::enumerate(form.tensorTiles))
    tensorAddresses[alloc.getTile()] = e.load(
        e.i32(), e.advance(shared, form.tensorAddresses + 4 * int64_t(i)));
}

void KernelWriter::freeTensorTiles() {
  e.create<NVVM::Tcgen05FenceOp>(NVVM::Tcgen05FenceKind::AFTER_THREAD_SYNC);
  e.when(e.equal(warp, form.roles.issuerWarp), [&] {
    for (TmemAllocOp alloc : form.tensorTiles)
      e.create<NVVM::Tcgen05DeallocOp>(
          tensorPointer(e, tensorAddresses[alloc.getTile()], Value(), 0),
          e.constant(int64_t(alloc.getColumns())), group());
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Signals a barrier when all that was issued before is done; of a pair, the
/// barriers of both blocks.
void KernelWriter::commitTo(Value barrier) {
  Value both;
  if (form.pair)
    both = e.create<arith::ConstantOp>(e.builder().getI16IntegerAttr(3));
  e.create<NVVM::Tcgen05CommitOp>(barrier, both, group());
}

void KernelWriter::issueScaleCopies(const Product &product, Value stage) {
  auto copy = [&](Value tile, Value scales, int64_t units) {
    // Units of a word follow each other, then those of the next word; each
    // takes four columns.
    SmemType type = cast<SmemType>(tile.getType());
    Value start = e.advance(stageOf(tile, stage), elementBytes(type));
    for (int64_t i = 0; i < units * scaleWords(type); ++i)
      e.create<NVVM::Tcgen05CpOp>(
          NVVM::Tcgen05CpShape::SHAPE_32x128b, group(),
          NVVM::Tcgen05CpMulticast::WARPX4, NVVM::Tcgen05CpSrcFormatAttr(),
          tensorPointer(e, tensorAddresses[scales], Value(), 4 * i),
          matrixAt(e.advance(start, i * kScaleUnitBytes), scalesDescriptor()));
  };
  copy(product.weights, product.weightScales, 1);
  // All products have the same tokens.
  if (product.tokenScales != form.products.front().tokenScales ||
      product.sums == form.products.front().sums)
    copy(product.tokens, product.tokenScales, tokenUnits());
}

void KernelWriter::issueProduct(const Product &product, int64_t part,
                                Value weights, Value tokens, Value isFirst) {
  int64_t blocks = form.blocksOfProduct();
  int64_t rows = blocks * cast<SmemType>(product.weights.getType()).getRows();
  int64_t count = blocks * product.tokenType().getRows();
  Value sums = tensorPointer(e, tensorAddresses[product.sums], Value(), 0);
  // Sums of a tile start at 0.
  Value adds = part == 0 ? Value(e.create<arith::XOrIOp>(isFirst, e.bit(true)))
                         : e.bit(true);
  if (!product.weightScales) {
    bool isWide = packedBits(product.format) == 16;
    e.create<NVVM::Tcgen05MMAOp>(
        isWide ? NVVM::Tcgen05MMAKind::F16 : NVVM::Tcgen05MMAKind::F8F6F4,
        group(), NVVM::Tcgen05MMACollectorOp::DISCARD, /*aShift=*/false, sums,
        weights, tokens,
        e.constant(int32_t(instructionDescriptor(product.format, rows, count))),
        adds, Value(), Value());
    return;
  }
  int64_t scales = 8 * kInstructionBytes / packedBits(product.format) /
                   scaleBlock(product.format);
  int64_t word = part * scales / 4, byte = part * scales % 4;
  NVVM::MMABlockScaleKind kind = NVVM::MMABlockScaleKind::MXF8F6F4;
  if (product.format == Format::mxfp4)
    kind = NVVM::MMABlockScaleKind::MXF4;
  if (product.format == Format::nvfp4)
    kind = NVVM::MMABlockScaleKind::MXF4NVF4;
  auto size = product.format == Format::nvfp4
                  ? NVVM::Tcgen05MMABlockScale::BLOCK16
                  : NVVM::Tcgen05MMABlockScale::BLOCK32;
  auto at = [&](Value tile, int64_t units) {
    return tensorPointer(e, tensorAddresses[tile], Value(), 4 * units * word);
  };
  e.create<NVVM::Tcgen05MMABlockScaleOp>(
      kind, group(), size, NVVM::Tcgen05MMACollectorOp::DISCARD, sums, weights,
      tokens,
      e.constant(int32_t(
          scaledInstructionDescriptor(product.format, rows, count, byte))),
      adds, at(product.weightScales, 1), at(product.tokenScales, tokenUnits()));
}

void KernelWriter::issueStage(Value stage, Value isFirst) {
  for (const Product &product : form.products)
    if (product.weightScales)
      issueScaleCopies(product, stage);
  SmallVector<std::pair<Value, Value>> operands;
  for (const Product &product : form.products)
    operands.push_back(
        {descriptorOf(product.weights, stage, tensorDescriptor()),
         descriptorOf(product.tokens, stage, tensorDescriptor())});
  for (int64_t part = 0; part < kSwizzleBytes / kInstructionBytes; ++part)
    for (auto [product, operand] : llvm::zip_equal(form.products, operands)) {
      Value step =
          e.constant64(addressField(uint64_t(part * kInstructionBytes)));
      issueProduct(product, part, e.create<arith::AddIOp>(operand.first, step),
                   e.create<arith::AddIOp>(operand.second, step), isFirst);
    }
}

void KernelWriter::writeIssuer() {
  Value sumsFull = e.advance(shared, form.sumsFull);
  Value sumsFree = e.advance(shared, form.sumsFree);
  Values start(3, e.constant(0));
  forTiles(start, [&](const Tile &, ValueRange carried) -> Values {
    // The sums of the tile before have been taken.
    e.waitFor(sumsFree, e.bitXor(carried[2], 1), form.pair);
    e.create<NVVM::Tcgen05FenceOp>(NVVM::Tcgen05FenceKind::AFTER_THREAD_SYNC);
    Values end =
        e.loop(steps(), carried.take_front(2),
               [&](Value step, ValueRange values) -> Values {
                 RingState ring = {values[0], values[1]};
                 Value ready =
                     form.isScaled()
                         ? e.advance(e.advance(shared, form.scalesReady),
                                     e.mul(ring.stage, 8))
                         : stageOf(form.pipeline.getFull(), ring.stage);
                 e.waitFor(ready, ring.parity, form.pair);
                 e.create<NVVM::Tcgen05FenceOp>(
                     NVVM::Tcgen05FenceKind::AFTER_THREAD_SYNC);
                 issueStage(ring.stage, e.equal(step, 0));
                 commitTo(stageOf(form.pipeline.getFree(), ring.stage));
                 RingState next = e.next(ring, stages());
                 return {next.stage, next.parity};
               });
    commitTo(sumsFull);
    return {end[0], end[1], e.bitXor(carried[2], 1)};
  });
}
