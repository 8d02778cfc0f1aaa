//===- Dequantize.cpp - narrow weights to linalg --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One loop over the elements of the result: the byte of the code, the bits of
// the code, the number that it is, minus the zero point, times the scales. All
// of it is exact in f32 up to the products with the scales.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "lib/Conversion/MoeToLinalg/Bits.h"
#include "lib/Conversion/MoeToLinalg/Patterns.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// A float of a sign, `exponent` and `mantissa` bits whose bias is
/// 2^(exponent-1) - 1, without infinities.
Value emitSmallFloat(Emit &e, Value code, int64_t exponent, int64_t mantissa) {
  Bits bits{e};
  int64_t bias = (int64_t(1) << (exponent - 1)) - 1;
  int64_t magnitudeMask = (int64_t(1) << (exponent + mantissa)) - 1;
  int64_t mantissaMask = (int64_t(1) << mantissa) - 1;
  Value magnitude = bits.both(code, bits.of(magnitudeMask));
  // A normal number: the bits moved to the place that they have in f32, and
  // the bias exchanged.
  Value moved = bits.left(magnitude, 23 - mantissa);
  Value normal =
      bits.asFloat(e.add(moved, bits.of((int64_t(127) - bias) << 23)));
  Value fraction = bits.number(bits.both(code, bits.of(mantissaMask)));
  Value subnormal =
      e.mul(fraction, e.f32(std::ldexp(1.0, int(1 - bias - mantissa))));
  Value isSubnormal = e.less(magnitude, bits.of(mantissaMask + 1));
  Value number = e.select(isSubnormal, subnormal, normal);
  Value isNegative = e.less(bits.of(magnitudeMask), code);
  Value negated = arith::NegFOp::create(e.builder, e.loc, number);
  return e.select(isNegative, negated, number);
}

/// The number that `code` (i32) is.
Value emitNumber(Emit &e, Encoding encoding, Value code) {
  Bits bits{e};
  Value nan = e.f32(std::numeric_limits<double>::quiet_NaN());
  switch (encoding) {
  case Encoding::integer:
    return bits.number(code);
  case Encoding::e2m1:
    return emitSmallFloat(e, code, 2, 1);
  case Encoding::e4m3: {
    Value isNan = e.equal(bits.both(code, bits.of(0x7f)), bits.of(0x7f));
    return e.select(isNan, nan, emitSmallFloat(e, code, 4, 3));
  }
  case Encoding::e8m0: {
    // 2^(code - 127): the exponent of an f32, whose smallest is subnormal.
    Value power = bits.asFloat(bits.left(code, 23));
    Value least = e.f32(std::ldexp(1.0, -127));
    power = e.select(e.equal(code, bits.of(0)), least, power);
    return e.select(e.equal(code, bits.of(255)), nan, power);
  }
  }
  llvm_unreachable("the switch covers the enumeration");
}

/// Code `indices.back()` of `bits` bits of the packed row that the other
/// indices name.
Value emitCode(Emit &e, Value packed, ValueRange indices, int64_t bits) {
  Bits b{e};
  Value perByte = e.index(8 / bits), last = indices.back();
  SmallVector<Value> at(indices);
  at.back() = e.div(last, perByte);
  Value code = b.byte(e.extract(packed, at));
  if (bits == 8)
    return code;
  Value shift = e.cast(e.mul(e.rem(last, perByte), e.index(bits)), b.type());
  return b.both(b.right(code, shift), b.of((int64_t(1) << bits) - 1));
}

struct LowerDequantize : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    RankedTensorType type = typeOf(op.getResult());
    int64_t rank = type.getRank(), axis = op.getAxis(), bits = op.getBits();
    std::string letters;
    Emit::Sizes sizes;
    for (int64_t i = 0; i < rank; ++i) {
      letters += char('a' + i);
      sizes.push_back(
          {letters.back(), rewriter.getIndexAttr(type.getDimSize(i))});
    }
    Type f32 = rewriter.getF32Type();
    auto body = [&](Emit &e, ValueRange) -> Value {
      SmallVector<Value> at, scaleAt;
      for (char letter : letters)
        at.push_back(e.at(letter));
      scaleAt = at;
      scaleAt.erase(scaleAt.begin() + axis);
      if (op.getBlockSize())
        scaleAt.push_back(
            e.div(at[axis], e.index(int64_t(*op.getBlockSize()))));

      Value number = emitNumber(e, *parseEncoding(op.getEncoding()),
                                emitCode(e, op.getPacked(), at, bits));
      if (Value points = op.getZeroPoints()) {
        bool areCodes = typeOf(points).getElementTypeBitWidth() == 8;
        number = e.sub(number,
                       areCodes ? emitNumber(e, Encoding::integer,
                                             emitCode(e, points, scaleAt, bits))
                                : e.cast(e.extract(points, scaleAt), f32));
      } else if (op.getEncoding() == spell(Encoding::integer)) {
        number = e.sub(number, e.f32(double(int64_t(1) << (bits - 1))));
      }
      Value scale = e.extract(op.getScales(), scaleAt);
      if (std::optional<StringRef> encoding = op.getScaleEncoding())
        scale = emitNumber(e, *parseEncoding(*encoding), Bits{e}.byte(scale));
      number = e.mul(number, e.cast(scale, f32));
      if (Value global = op.getGlobalScale())
        number = e.mul(number, e.cast(e.extract(global, at[0]), f32));
      return number;
    };
    rewriter.replaceOp(
        op, e.map("->" + letters, {}, type.getElementType(), body, sizes));
    return success();
  }
};

} // namespace

void portolan::populateDequantizePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDequantize>(patterns.getContext());
}
