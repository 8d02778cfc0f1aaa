//===- HostMemory.cpp - tiles and transfers in host memory ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Bits.h"
#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;
using namespace portolan::switched_to_linalg;

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Value Host::allocateBuffer(ArrayRef<int64_t> shape, Type element,
                           ValueRange dynamicSizes, double initial) {
  Value buffer = memref::AllocOp::create(
      builder, loc, MemRefType::get(shape, element), dynamicSizes);
  fill(buffer, initial);
  return buffer;
}

void Host::fill(Value buffer, double value) {
  Emit e = emit();
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  linalg::FillOp::create(builder, loc, e.constant(element, value), buffer);
}

/// A part of a buffer, without its dimensions of which one element is left in
/// front.
static Value subview(OpBuilder &builder, Location loc, Value buffer,
                     ArrayRef<OpFoldResult> offsets, ArrayRef<int64_t> sizes,
                     ArrayRef<int64_t> shape) {
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> extents;
  for (int64_t size : sizes)
    extents.push_back(builder.getIndexAttr(size));
  auto type = cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
      shape, cast<MemRefType>(buffer.getType()), offsets, extents, strides));
  return memref::SubViewOp::create(builder, loc, type, buffer, offsets, extents,
                                   strides);
}

Value Host::stageOf(Value buffer, Value stage) {
  ArrayRef<int64_t> shape = cast<MemRefType>(buffer.getType()).getShape();
  OpFoldResult zero = builder.getIndexAttr(0);
  OpFoldResult first = shape[0] == 1 ? zero : OpFoldResult(stage);
  return subview(builder, loc, buffer, {first, zero, zero},
                 {1, shape[1], shape[2]}, shape.drop_front());
}

Value Host::tensorOf(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return bufferization::ToTensorOp::create(
      builder, loc,
      RankedTensorType::get(type.getShape(), type.getElementType()), buffer,
      /*restrict=*/true, /*writable=*/false);
}

Value Host::rowsOf(Value buffer, int64_t first, int64_t rows) {
  ArrayRef<int64_t> shape = cast<MemRefType>(buffer.getType()).getShape();
  return subview(builder, loc, buffer,
                 {builder.getIndexAttr(first), builder.getIndexAttr(0)},
                 {rows, shape[1]}, {rows, shape[1]});
}

void Host::nest(ValueRange lows, ValueRange highs,
                llvm::function_ref<void(Emit &, ValueRange)> body) {
  SmallVector<Value> ones(lows.size(), emit().index(1));
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Value> indices;
  for (auto [low, high, one] : llvm::zip_equal(lows, highs, ones)) {
    auto loop = scf::ForOp::create(builder, loc, low, high, one);
    builder.setInsertionPointToStart(loop.getBody());
    indices.push_back(loop.getInductionVar());
  }
  Emit e = emit();
  body(e, indices);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void Host::allocate(Operation *op) {
  Value value = op->getResult(0);
  SmallVector<int64_t> shape;
  StringRef format;
  if (auto type = dyn_cast<SmemType>(value.getType())) {
    shape.assign(type.getShape().begin(), type.getShape().end());
    format = type.getFormat();
  } else if (auto type = dyn_cast<TmemType>(value.getType())) {
    shape = {1, type.getRows(), type.getColumns()};
    format = type.getFormat();
  } else {
    auto registers = cast<RegistersType>(value.getType());
    shape = {1, registers.getRows(), registers.getColumns()};
    format = registers.getFormat();
  }
  double nan = std::numeric_limits<double>::quiet_NaN();
  Type f32 = builder.getF32Type();
  for (BlockState &block : blocks) {
    Tile tile;
    tile.data = allocateBuffer(shape, f32, {}, nan);
    // Scales are of a format of their own.
    tile.format = parseFormat(format).value_or(Format::f32);
    if (int64_t size = scaleBlock(tile.format)) {
      int64_t count = (shape[2] + size - 1) / size;
      tile.scales = allocateBuffer({shape[0], shape[1], count}, f32, {}, nan);
    }
    block.tiles.try_emplace(value, tile);
  }
}

Value Host::element(const Tile &tile, Value stage, Value row, Value column) {
  Emit e = emit();
  Value value = memref::LoadOp::create(builder, loc, stageOf(tile.data, stage),
                                       ValueRange{row, column});
  if (!tile.scales)
    return value;
  Value group = e.div(column, e.index(scaleBlock(tile.format)));
  Value scale = memref::LoadOp::create(
      builder, loc, stageOf(tile.scales, stage), ValueRange{row, group});
  return e.mul(value, scale);
}

void Host::settle(const Tile &tile, Value stage, bool narrowed) {
  Value data = stageOf(tile.data, stage);
  Emit e = emit();
  std::optional<Quantization> rule = quantizationOf(
      tile.format, tile.format == Format::fp8
                       ? std::optional<ElementFormat>(options.fp8)
                       : std::nullopt);
  if (options.formats && narrowed && rule) {
    Value rounded = emitFakeQuantize(e, tensorOf(data), *rule, /*axis=*/1,
                                     /*tensorDims=*/1);
    bufferization::MaterializeInDestinationOp::create(
        builder, loc, Type(), rounded, data, /*restrict=*/true,
        /*writable=*/true);
  }
  if (!tile.scales)
    return;
  // The power of two below the largest magnitude: dividing by it is exact.
  Value scales = stageOf(tile.scales, stage);
  int64_t size = scaleBlock(tile.format);
  int64_t groups = cast<MemRefType>(scales.getType()).getDimSize(1);
  Value zero = e.index(0);
  auto columnsOf = [&](Emit &e, Value group) -> std::pair<Value, Value> {
    Value first = e.mul(group, e.index(size));
    return {first, e.min(e.add(first, e.index(size)), e.index(tile.columns()))};
  };
  nest({zero, zero}, {e.index(tile.rows()), e.index(groups)},
       [&](Emit &e, ValueRange at) {
         auto [low, high] = columnsOf(e, at[1]);
         auto loop = scf::ForOp::create(builder, loc, low, high, e.index(1),
                                        ValueRange{e.f32(0)});
         {
           OpBuilder::InsertionGuard guard(builder);
           builder.setInsertionPointToStart(loop.getBody());
           Value value = memref::LoadOp::create(
               builder, loc, data, ValueRange{at[0], loop.getInductionVar()});
           Value magnitude = math::AbsFOp::create(builder, loc, value);
           Value larger = e.max(loop.getRegionIterArg(0), magnitude);
           scf::YieldOp::create(builder, loc, larger);
         }
         Bits bits{e};
         Value exponent =
             bits.both(bits.ofFloat(loop.getResult(0)), bits.of(0x7F800000));
         Value power = bits.asFloat(exponent);
         // 0, a subnormal number, infinity and NaN have none.
         Value has = e.both(e.less(bits.of(0), exponent),
                            e.less(exponent, bits.of(0x7F800000)));
         Value scale = e.select(has, power, e.f32(1));
         memref::StoreOp::create(builder, loc, scale, scales, at);
         nest(low, high, [&](Emit &e, ValueRange column) {
           SmallVector<Value> place = {at[0], column[0]};
           Value value = memref::LoadOp::create(builder, loc, data, place);
           memref::StoreOp::create(builder, loc, e.div(value, scale), data,
                                   place);
         });
       });
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

namespace {

/// Where the box of a transfer lies in global memory.
struct Box {
  SmallVector<Value> offsets;
  /// Rows and columns of the box that are inside of the tensor.
  SmallVector<Value, 2> lows, highs;
};

} // namespace

/// The part of a box of `rows` x `columns` that is inside of `global`, whose
/// last two dimensions are `rowDim` and `columnDim`.
static Box clip(Emit &e, Value global, SmallVector<Value> offsets, Value rows,
                Value columns, int64_t rowDim, int64_t columnDim) {
  Box box;
  box.offsets = std::move(offsets);
  Value zero = e.index(0);
  auto size = [&](int64_t dim) -> Value {
    return memref::DimOp::create(e.builder, e.loc, global, dim);
  };
  for (auto [dim, extent] :
       {std::pair<int64_t, Value>{rowDim, rows}, {columnDim, columns}}) {
    Value offset = box.offsets[dim];
    box.lows.push_back(e.max(e.sub(zero, offset), zero));
    box.highs.push_back(e.min(e.sub(size(dim), offset), extent));
  }
  // An index in front that does not exist leaves nothing.
  for (int64_t i = 0, end = int64_t(box.offsets.size()) - 2; i < end; ++i) {
    Value exists = e.both(e.less(e.index(-1), box.offsets[i]),
                          e.less(box.offsets[i], size(i)));
    box.highs[0] = e.select(exists, box.highs[0], zero);
  }
  return box;
}

void Host::load(TmaLoadOp op) {
  Value global = buffers.lookup(op.getSource());
  int64_t rank = cast<MemRefType>(global.getType()).getRank();
  int64_t rowDim = rank - 2, columnDim = rank - 1;
  if (op.getTransposed())
    std::swap(rowDim, columnDim);
  for (unsigned block = 0; block < blocks.size(); ++block) {
    // A tile for all blocks is the one that the first of them asks for.
    unsigned asking = op.getMulticast() > 1 ? 0 : block;
    Tile &target = tile(block, op.getTile());
    Emit e = emit();
    SmallVector<Value> offsets;
    for (Value offset : op.getOffsets())
      offsets.push_back(scalar(asking, offset));
    if (op.getSpread() && block)
      offsets[rowDim] =
          e.add(offsets[rowDim], e.index(int64_t(block) * target.rows()));
    Value stage = scalar(block, op.getStage());
    Value view = stageOf(target.data, stage);
    fill(view, 0);
    Box box = clip(e, global, std::move(offsets), e.index(target.rows()),
                   e.index(target.columns()), rowDim, columnDim);
    nest(box.lows, box.highs, [&](Emit &e, ValueRange at) {
      SmallVector<Value> place = box.offsets;
      place[rowDim] = e.add(place[rowDim], at[0]);
      place[columnDim] = e.add(place[columnDim], at[1]);
      Value value = memref::LoadOp::create(builder, loc, global, place);
      memref::StoreOp::create(builder, loc, e.cast(value, builder.getF32Type()),
                              view, at);
    });
    settle(target, stage, /*narrowed=*/false);
  }
}

void Host::store(TmaStoreOp op) {
  Value global = buffers.lookup(op.getTarget());
  auto type = cast<MemRefType>(global.getType());
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Tile &source = tile(block, op.getTile());
    Emit e = emit();
    SmallVector<Value> offsets;
    for (Value offset : op.getOffsets())
      offsets.push_back(scalar(block, offset));
    Value rows = e.min(scalar(block, op.getRows()), e.index(source.rows()));
    Box box =
        clip(e, global, std::move(offsets), rows, e.index(source.columns()),
             type.getRank() - 2, type.getRank() - 1);
    nest(box.lows, box.highs, [&](Emit &e, ValueRange at) {
      SmallVector<Value> place = box.offsets;
      for (unsigned i = 0; i < 2; ++i) {
        Value &index = place[type.getRank() - 2 + i];
        index = e.add(index, at[i]);
      }
      Value value = element(source, e.index(0), at[0], at[1]);
      memref::StoreOp::create(
          builder, loc, e.cast(value, type.getElementType()), global, place);
    });
  }
}
