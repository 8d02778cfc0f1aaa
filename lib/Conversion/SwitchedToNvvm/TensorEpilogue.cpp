//===- TensorEpilogue.cpp - sums in tensor memory to results --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane of tensor memory holds one column of the weights and a warp reads its
// own 32 lanes, so a thread has one column of results for some tokens at a
// time, and the columns of a warp are beside each other in a row.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

/// Waits for loads from tensor memory. The words pass through, so that nothing
/// that uses them is moved before.
static Values emitAwaitLoads(Emitter &e, ValueRange words) {
  std::string constraints;
  for (size_t i = 0; i < words.size(); ++i)
    constraints += "=r,";
  for (size_t i = 0; i < words.size(); ++i)
    constraints += std::to_string(i) + ",";
  constraints.pop_back();
  Type type = LLVM::LLVMStructType::getLiteral(
      e.context(), SmallVector<Type>(words.size(), e.i32()));
  Value all =
      e.create<LLVM::InlineAsmOp>(
           type, words, "tcgen05.wait::ld.sync.aligned;", constraints,
           /*has_side_effects=*/true, /*is_align_stack=*/false,
           LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
          .getResult(0);
  Values results;
  for (size_t i = 0; i < words.size(); ++i)
    results.push_back(e.create<LLVM::BitcastOp>(e.builder().getF32Type(),
                                                e.field(all, int64_t(i))));
  return results;
}

/// Sums of `count` tokens from `column` on, of one product after the other.
Values KernelWriter::loadSums(Value column, int64_t count) {
  Values words;
  for (const Product &product : form.products) {
    Value vector = e.create<NVVM::Tcgen05LdOp>(
        VectorType::get(count, e.i32()), /*pack=*/false,
        NVVM::Tcgen05LdStShape::SHAPE_32X32B,
        tensorPointer(e, e.add(tensorAddresses[product.sums], column),
                      e.mul(warp, 32), 0),
        Value());
    for (int64_t i = 0; i < count; ++i)
      words.push_back(e.create<LLVM::ExtractElementOp>(vector, e.constant(i)));
  }
  return emitAwaitLoads(e, words);
}

/// Stores one result per token, from `token` on, in the column of this thread.
void KernelWriter::storeLanes(Value token, ValueRange results) {
  OpBuilder &b = e.builder();
  SmemType type = form.store.getTile().getType();
  Format format = *parseFormat(type.getFormat());
  int64_t bytes = packedBits(format) / 8;
  Value place =
      e.advance(output(), e.add(e.mul(token, type.getContraction() * bytes),
                                e.mul(thread, bytes)));
  for (auto [i, result] : llvm::enumerate(results)) {
    Value target = e.advance(place, int64_t(i) * type.getContraction() * bytes);
    if (format == Format::fp8)
      e.store(e.create<LLVM::ExtractElementOp>(
                  emitFp8Pair(e, result, e.number(0)), e.constant(0)),
              target);
    else
      e.store(e.create<arith::TruncFOp>(format == Format::bf16
                                            ? Type(b.getBF16Type())
                                            : Type(b.getF16Type()),
                                        result),
              target);
  }
}

//===----------------------------------------------------------------------===//
// Block scales
//===----------------------------------------------------------------------===//

/// The largest of `value` over a group of neighbouring lanes.
static Value emitGroupMax(Emitter &e, Value value, int64_t lanes) {
  for (int64_t distance = lanes / 2; distance > 0; distance /= 2) {
    Value other = e.create<NVVM::ShflOp>(
        e.builder().getF32Type(), e.constant(-1), value, e.constant(distance),
        e.constant(31), NVVM::ShflKind::bfly, UnitAttr());
    value = e.create<arith::MaxNumFOp>(value, other);
  }
  return value;
}

BlockScale kernels::emitBlockScale(Emitter &e, Format format, Value largest) {
  OpBuilder &b = e.builder();
  Type f32 = b.getF32Type(), i8 = b.getIntegerType(8);
  if (format == Format::nvfp4) {
    // m / 6, rounded within [2^-6, 448]; the tensor's own scale is 1.
    Value scale = e.create<arith::DivFOp>(largest, e.number(6));
    scale = e.create<arith::MaxNumFOp>(scale, e.number(0x1p-6));
    Value pair = emitFp8Pair(e, scale, e.number(0));
    Value code = e.create<LLVM::ExtractElementOp>(pair, e.constant(0));
    Value wide = e.create<NVVM::ConvertF8x2ToF16x2Op>(
        VectorType::get(2, b.getF16Type()), pair, b.getBoolAttr(false),
        TypeAttr::get(b.getType<Float8E4M3FNType>()));
    Value first = e.create<LLVM::ExtractElementOp>(wide, e.constant(0));
    return {code, e.create<arith::ExtFOp>(f32, first)};
  }
  // 2^(floor(log2 m) - the exponent of the largest element).
  int64_t exponent = format == Format::mxfp8 ? 8 : 2;
  Value bits = e.create<LLVM::BitcastOp>(e.i32(), largest);
  Value power = e.create<arith::ShRUIOp>(bits, e.constant(23));
  Value code = e.create<arith::SubIOp>(
      e.create<arith::MaxSIOp>(power, e.constant(exponent)),
      e.constant(exponent));
  // The code 0 is 2^-127, a subnormal number.
  Value normal = e.create<arith::ShLIOp>(code, e.constant(23));
  Value value = e.select(e.equal(code, 0), e.constant(1 << 22), normal);
  return {e.create<arith::TruncIOp>(i8, code),
          e.create<LLVM::BitcastOp>(f32, value)};
}

/// As storeLanes, in a format with block scales, which go behind the elements:
/// per word of four scales, one word per token.
void KernelWriter::storeScaledLanes(Value token, ValueRange results) {
  OpBuilder &b = e.builder();
  SmemType type = form.store.getTile().getType();
  Format format = *parseFormat(type.getFormat());
  int64_t block = scaleBlock(format), rows = type.getRows();
  int64_t rowBytes = type.getContraction() * packedBits(format) / 8;
  Value number = e.div(thread, block);
  Value scalePlace = e.advance(
      output(), e.add(e.add(e.mul(e.div(number, 4), 4 * rows), e.mul(token, 4)),
                      e.add(e.rem(number, 4), elementBytes(type))));
  Value startsBlock = e.equal(e.rem(thread, block), 0);
  Value place = e.advance(
      output(), e.add(e.mul(token, rowBytes),
                      format == Format::mxfp8 ? thread : e.div(thread, 2)));
  Value isEven = e.equal(e.rem(thread, 2), 0);
  for (int64_t i = 0; i < int64_t(results.size()); ++i) {
    Value result = results[i];
    Value magnitude = e.create<LLVM::FAbsOp>(result);
    BlockScale scale =
        emitBlockScale(e, format, emitGroupMax(e, magnitude, block));
    e.when(startsBlock,
           [&] { e.store(scale.code, e.advance(scalePlace, 4 * i)); });
    Value scaled = e.create<arith::DivFOp>(result, scale.value);
    Value target = e.advance(place, i * rowBytes);
    if (format == Format::mxfp8) {
      e.store(e.create<LLVM::ExtractElementOp>(
                  emitFp8Pair(e, scaled, e.number(0)), e.constant(0)),
              target);
      continue;
    }
    // Two columns are a byte; the first one is in its lower half.
    Value next = e.create<NVVM::ShflOp>(b.getF32Type(), e.constant(-1), scaled,
                                        e.constant(1), e.constant(31),
                                        NVVM::ShflKind::bfly, UnitAttr());
    Value byte = e.create<NVVM::ConvertF32x2ToF4x2Op>(
        b.getIntegerType(8), next, scaled, /*relu=*/false,
        b.getType<Float4E2M1FNType>());
    e.when(isEven, [&] { e.store(byte, target); });
  }
}

/// The scales of a tile to global memory: a thread per token.
void KernelWriter::storeScales(const Tile &tile) {
  SmemType type = form.store.getTile().getType();
  int64_t block = scaleBlock(*parseFormat(type.getFormat()));
  auto target = cast<MemRefType>(form.store.getTarget().getType());
  // Rows of words start at multiples of 16 bytes, as tensor maps have them.
  int64_t pitch = (target.getDimSize(0) + 3) / 4 * 4;
  int64_t words = (target.getDimSize(1) + 4 * block - 1) / (4 * block);
  Value pointer = parameters[form.targetScalesPointer];
  Value first = e.div(tile.column, 4 * block);
  e.loop(thread, tile.left, e.constant(drainThreads()), {},
         [&](Value row, ValueRange) -> Values {
           for (int64_t i = 0; i < scaleWords(type); ++i) {
             Value word = e.add(first, i);
             e.when(e.less(word, e.constant(words)), [&] {
               Value value = e.load(
                   e.i32(),
                   e.advance(output(),
                             e.add(e.mul(row, 4), elementBytes(type) +
                                                      4 * i * type.getRows())));
               Value index = e.add(e.mul(word, pitch), e.add(tile.row, row));
               Value wide =
                   e.create<arith::ExtUIOp>(e.builder().getI64Type(), index);
               e.store(value, e.advance(pointer, e.create<arith::MulIOp>(
                                                     wide, e.constant64(4))));
             });
           }
           return {};
         });
}

//===----------------------------------------------------------------------===//
// Role
//===----------------------------------------------------------------------===//

void KernelWriter::drainTensorTiles() {
  Value sumsFull = e.advance(shared, form.sumsFull);
  Value sumsFree = e.advance(shared, form.sumsFree);
  SmemType type = form.store.getTile().getType();
  bool hasScales = scaleBlock(*parseFormat(type.getFormat())) != 0;
  int64_t tokens = form.tiles.getTokenTile();
  // With scales more is done per token, and twice as many would spill.
  int64_t count = tokens % 16 == 0 && !hasScales ? 16 : 8;
  ActivationForm act = activation();

  forTiles(
      {e.constant(0)}, [&](const Tile &tile, ValueRange carried) -> Values {
        e.waitFor(sumsFull, carried[0], form.pair);
        e.create<NVVM::Tcgen05FenceOp>(
            NVVM::Tcgen05FenceKind::AFTER_THREAD_SYNC);
        awaitOutput();
        e.loop(e.constant(0), e.constant(tokens), e.constant(count), {},
               [&](Value token, ValueRange) -> Values {
                 Values sums = loadSums(token, count), results;
                 for (int64_t i = 0; i < count; ++i)
                   results.push_back(emitActivation(
                       e, act, sums[i],
                       form.products.size() > 1 ? sums[count + i] : Value()));
                 if (hasScales)
                   storeScaledLanes(token, results);
                 else
                   storeLanes(token, results);
                 return {};
               });
        // The sums may be overwritten, the first block of a pair issues.
        e.create<NVVM::Tcgen05FenceOp>(
            NVVM::Tcgen05FenceKind::BEFORE_THREAD_SYNC);
        if (form.pair)
          e.arriveAt(sumsFree, e.constant(0));
        else
          e.arrive(sumsFree, e.bit(true));
        publishOutput();
        if (hasScales)
          storeScales(tile);
        storeTile(tile);
        return {e.bitXor(carried[0], 1)};
      });
  awaitStores();
}
