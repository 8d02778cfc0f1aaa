//===- Epilogue.cpp - sums to rows in global memory -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums have the columns of the weights on their rows, results have them on
// their columns, so that a tile is transposed on its way into shared memory.
// There it lies row by row: a whole tile leaves by one tensor copy, the rows
// of a partial one by a bulk copy each, as a tensor copy would overwrite the
// rows of the next expert.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

/// The barrier of the warps that store; 0 is that of all threads.
static constexpr int64_t kStoreBarrier = 1;

//===----------------------------------------------------------------------===//
// Activation
//===----------------------------------------------------------------------===//

namespace {

/// Floating-point forms of the emitter.
struct Floats {
  Emitter &e;
  Value add(Value a, Value b) { return e.create<arith::AddFOp>(a, b); }
  Value mul(Value a, Value b) { return e.create<arith::MulFOp>(a, b); }
  Value mul(Value a, double b) { return b == 1 ? a : mul(a, e.number(b)); }
  Value max(Value a, double b) {
    return e.create<arith::MaxNumFOp>(a, e.number(b));
  }
  Value min(Value a, double b) {
    return e.create<arith::MinNumFOp>(a, e.number(b));
  }

  /// 1 / (1 + 2^(-x log2 e)); both instructions err by 2 units in the last
  /// place at most, and are right at infinity.
  Value sigmoid(Value x) {
    constexpr double kLog2E = 1.4426950408889634;
    Value power = e.inlinePtx("ex2.approx.ftz.f32 $0, $1;",
                              e.builder().getF32Type(), mul(x, -kLog2E));
    return e.create<NVVM::RcpApproxFtzF32Op>(e.builder().getF32Type(),
                                             add(power, e.number(1)));
  }

  Value activation(moe::Activation kind, Value x, double alpha) {
    switch (kind) {
    case moe::Activation::silu:
      return mul(x, sigmoid(mul(x, alpha)));
    case moe::Activation::gelu_tanh: {
      // (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
      Value cube = mul(mul(x, x), x);
      Value inner = add(x, mul(cube, 0.044715));
      return mul(x, sigmoid(mul(inner, 2 * 0.79788456080286536)));
    }
    case moe::Activation::relu:
      return max(x, 0);
    case moe::Activation::sigmoid:
      return sigmoid(x);
    case moe::Activation::relu_squared: {
      Value positive = max(x, 0);
      return mul(positive, positive);
    }
    case moe::Activation::gelu: // KernelForm has refused it.
    case moe::Activation::identity:
      return x;
    }
    return x;
  }
};

} // namespace

Value kernels::emitActivation(Emitter &e, const ActivationForm &form, Value sum,
                              Value gate) {
  Floats f{e};
  if (!form.activation)
    return sum;
  if (!gate)
    return f.activation(*form.activation, sum, form.alpha);
  if (form.limit > 0) {
    gate = f.min(gate, form.limit);
    sum = f.max(f.min(sum, form.limit), -form.limit);
  }
  if (form.linearOffset != 0)
    sum = f.add(sum, e.number(form.linearOffset));
  return f.mul(f.activation(*form.activation, gate, form.alpha), sum);
}

//===----------------------------------------------------------------------===//
// Registers to shared memory
//===----------------------------------------------------------------------===//

/// Two results, the first one in the lower half.
static Value packPair(Emitter &e, Format format, Value low, Value high) {
  auto rounding =
      NVVM::FPRoundingModeAttr::get(e.context(), NVVM::FPRoundingMode::RN);
  OpBuilder &b = e.builder();
  Value pair;
  if (format == Format::bf16)
    pair = e.create<NVVM::ConvertF32x2ToBF16x2Op>(
        VectorType::get(2, b.getBF16Type()), high, low, Value(), rounding,
        NVVM::SaturationModeAttr::get(e.context(), NVVM::SaturationMode::NONE),
        b.getBoolAttr(false));
  else
    pair = e.create<NVVM::ConvertF32x2ToF16x2Op>(
        VectorType::get(2, b.getF16Type()), high, low, Value(), rounding,
        NVVM::SaturationModeAttr::get(e.context(), NVVM::SaturationMode::NONE),
        b.getBoolAttr(false));
  return e.create<LLVM::BitcastOp>(e.i32(), pair);
}

Value kernels::emitFp8Pair(Emitter &e, Value first, Value second) {
  // The first operand of the conversion is the upper element.
  OpBuilder &b = e.builder();
  return e.create<NVVM::ConvertF32x2ToF8x2Op>(
      VectorType::get(2, b.getIntegerType(8)), second, first,
      NVVM::FPRoundingMode::RN, NVVM::SaturationMode::SATFINITE,
      /*relu=*/false, b.getType<Float8E4M3FNType>());
}

ActivationForm KernelWriter::activation() const {
  EpilogueOp op = form.epilogue;
  return {op.getActivation(), op.getLimit().convertToDouble(),
          op.getAlpha().convertToDouble(),
          op.getLinearOffset().convertToDouble()};
}

/// Waits until the copies of the tile before have read the output.
void KernelWriter::awaitOutput() {
  OpBuilder &b = e.builder();
  e.when(e.equal(warp, 0), [&] {
    e.create<NVVM::CpAsyncBulkWaitGroupOp>(b.getI32IntegerAttr(0),
                                           b.getUnitAttr());
  });
  e.syncThreads(kStoreBarrier, drainThreads());
}

/// Makes the output, written by threads, visible to the copy engine.
void KernelWriter::publishOutput() {
  e.create<NVVM::FenceProxyOp>(
      NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(e.context(), NVVM::SharedSpace::shared_cta));
  e.syncThreads(kStoreBarrier, drainThreads());
}

void KernelWriter::storeRegisters(ValueRange sums) {
  SmemType tile = form.store.getTile().getType();
  Format format = *parseFormat(tile.getFormat());
  int64_t rowBytes = tile.getContraction() * packedBits(format) / 8;
  ActivationForm act = activation();
  auto result = [&](int64_t i) {
    Value gate = sums.size() > 1 ? e.field(sums[1], i) : Value();
    return emitActivation(e, act, e.field(sums[0], i), gate);
  };
  awaitOutput();

  // For 8 tokens a thread has the sums of column lane / 4 of the 16 columns of
  // its warp, and of the eighth after it, for tokens 2 (lane % 4) and the next.
  int64_t groups = tile.getRows() / 8;
  if (packedBits(format) == 16) {
    // Each lane names a row of 8 columns: matrix lane / 8 of the four, of which
    // two are beside each other and two below.
    Value matrix = e.div(lane, 8);
    Value token = e.add(e.mul(e.div(matrix, 2), 8), e.rem(lane, 8));
    Value column = e.add(e.mul(warp, 16), e.mul(e.rem(matrix, 2), 8));
    Value place =
        e.advance(output(), e.add(e.mul(token, rowBytes), e.mul(column, 2)));
    for (int64_t group = 0; group < groups; group += 2) {
      SmallVector<Value> matrices;
      for (int64_t i = group; i < std::min(group + 2, groups); ++i)
        for (int64_t half : {0, 2})
          matrices.push_back(packPair(e, format, result(4 * i + half),
                                      result(4 * i + half + 1)));
      e.create<NVVM::StMatrixOp>(
          e.advance(place, 8 * group * rowBytes), matrices,
          NVVM::MMALayoutAttr::get(e.context(), NVVM::MMALayout::col),
          NVVM::LdStMatrixShapeAttr::get(e.context(), 8, 8),
          NVVM::LdStMatrixEltTypeAttr::get(e.context(),
                                           NVVM::LdStMatrixEltType::B16));
    }
  } else {
    Value column = e.add(e.mul(warp, 16), e.div(lane, 4));
    Value token = e.mul(e.rem(lane, 4), 2);
    Value place = e.advance(output(), e.add(e.mul(token, rowBytes), column));
    for (int64_t group = 0; group < groups; ++group)
      for (int64_t half : {0, 1}) {
        Value pair = emitFp8Pair(e, result(4 * group + 2 * half),
                                 result(4 * group + 2 * half + 1));
        for (int64_t i : {0, 1}) {
          Value byte = e.create<LLVM::ExtractElementOp>(pair, e.constant(i));
          e.store(byte,
                  e.advance(place, (8 * group + i) * rowBytes + 8 * half));
        }
      }
  }
  publishOutput();
}

//===----------------------------------------------------------------------===//
// Shared memory to global memory
//===----------------------------------------------------------------------===//

void KernelWriter::storeTile(const Tile &tile) {
  OpBuilder &b = e.builder();
  SmemType type = form.store.getTile().getType();
  Format format = *parseFormat(type.getFormat());
  int64_t columns = int64_t(form.tiles.getColumns());
  auto bytesOf = [&](int64_t elements) {
    return elements * packedBits(format) / 8;
  };
  auto wide = [&](Value value) -> Value {
    return e.create<arith::ExtUIOp>(b.getI64Type(), value);
  };

  auto storeWhole = [&] {
    e.when(e.elected(), [&] {
      e.create<NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp>(
          parameters[form.maps[form.store]], output(),
          ValueRange{tile.column, tile.row}, Value(), NVVM::TMAStoreMode::TILE,
          Value());
    });
  };
  auto storeRows = [&] {
    // Nothing, if the tile lies past the last column.
    Value first = e.min(tile.column, e.constant(columns));
    Value width = e.min(e.sub(e.constant(columns), first),
                        e.constant(type.getContraction()));
    Value bytes = e.div(e.mul(width, packedBits(format)), 8);
    Value hasColumns = e.less(e.constant(0), width);
    Value end = e.select(hasColumns, tile.left, e.constant(0));
    e.loop(lane, end, e.constant(32), {}, [&](Value row, ValueRange) -> Values {
      Value place = e.create<arith::AddIOp>(
          e.create<arith::MulIOp>(wide(e.add(tile.row, row)),
                                  e.constant64(uint64_t(bytesOf(columns)))),
          wide(e.div(e.mul(first, packedBits(format)), 8)));
      e.create<NVVM::CpAsyncBulkSharedCTAToGlobalOp>(
          e.advance(parameters[form.targetPointer], place),
          e.advance(output(), e.mul(row, bytesOf(type.getContraction()))),
          bytes, Value(), Value());
      return {};
    });
  };
  e.when(e.equal(warp, 0), [&] {
    e.when(e.equal(tile.left, type.getRows()), storeWhole, storeRows);
    e.create<NVVM::CpAsyncBulkCommitGroupOp>();
  });
}

void KernelWriter::awaitStores() {
  // Shared memory lives as long as its block.
  e.when(e.equal(warp, 0), [&] {
    e.create<NVVM::CpAsyncBulkWaitGroupOp>(e.builder().getI32IntegerAttr(0),
                                           UnitAttr());
  });
}
