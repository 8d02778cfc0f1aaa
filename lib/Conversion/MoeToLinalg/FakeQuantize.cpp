//===- FakeQuantize.cpp - rounding to narrow formats in linalg ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The largest magnitude of each group, a scale from it, then one loop over the
// elements. Numbers are rounded by arithmetic on the bits of f32, subnormal
// ones by adding and subtracting a power of two: the definition in
// portolan/Support/NumberFormats.h computes the same another way.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/FakeQuantize.h"
#include "lib/Conversion/MoeToLinalg/Bits.h"
#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

constexpr uint32_t kInfinityBits = 0x7F800000;

/// An i32 of these bits.
Value emitBits(Emit &e, uint32_t bits) {
  return Bits{e}.of(int64_t(int32_t(bits)));
}

/// The nearest integer, ties to even, of a number within [-2^22, 2^22]: at
/// 1.5 * 2^23 the step between neighbours is 1.
Value emitNearestInteger(Emit &e, Value x) {
  Value shift = e.f32(0x1.8p23);
  return e.sub(e.add(x, shift), shift);
}

/// The nearest number of an element format, as roundTo().
Value emitRound(Emit &e, ElementFormat format, Value x) {
  ElementLayout layout = layoutOf(format);
  if (layout.isInteger()) {
    double bound = layout.largestCode;
    return emitNearestInteger(e, e.max(e.min(x, e.f32(bound)), e.f32(-bound)));
  }
  Bits bits{e};
  Value all = bits.ofFloat(x);
  Value magnitude = bits.both(all, emitBits(e, 0x7FFFFFFF));
  // Normal: half a step is added, one less if the last bit that stays is even.
  int64_t dropped = 23 - layout.mantissaBits;
  Value odd = bits.both(bits.right(magnitude, bits.of(dropped)), bits.of(1));
  Value half = bits.of((int64_t(1) << (dropped - 1)) - 1);
  Value normal = bits.both(e.add(e.add(magnitude, half), odd),
                           emitBits(e, ~((1u << dropped) - 1)));
  // Subnormal: a power of two whose neighbours are one step away.
  int least = 1 - layout.bias;
  Value shift = e.f32(std::ldexp(1.0, least - layout.mantissaBits + 23));
  Value subnormal =
      bits.ofFloat(e.sub(e.add(bits.asFloat(magnitude), shift), shift));
  Value isSubnormal = e.less(magnitude, bits.of(int64_t(least + 127) << 23));
  Value rounded = e.select(isSubnormal, subnormal, normal);
  uint32_t largest = llvm::bit_cast<uint32_t>(largestOf(format));
  Value isTooLarge = e.less(bits.of(largest), rounded);
  rounded = e.select(
      isTooLarge, bits.of(layout.overflows ? kInfinityBits : largest), rounded);
  Value sign = bits.both(all, emitBits(e, 0x80000000));
  if (!layout.hasNegativeZero)
    sign = e.select(e.equal(rounded, bits.of(0)), bits.of(0), sign);
  Value result = bits.asFloat(bits.either(rounded, sign));
  if (layout.nanCode == layout.largestCode)
    return result; // No NaN: the scale has become one.
  Value isNan = e.less(bits.of(kInfinityBits), magnitude);
  return e.select(isNan, e.f32(std::numeric_limits<double>::quiet_NaN()),
                  result);
}

/// The scale in f32 of a magnitude, as singleScale().
Value emitSingleScale(Emit &e, Value magnitude, double divisor) {
  Bits bits{e};
  Value quotient = e.div(magnitude, e.f32(divisor));
  Value kept = bits.both(bits.ofFloat(quotient), emitBits(e, kScaleMask));
  return e.max(bits.asFloat(kept), e.f32(kLeastScale));
}

/// As scaleOf(); `tensorMax` for e4m3 scales only.
Value emitScale(Emit &e, const Quantization &rule, Value groupMax,
                Value tensorMax) {
  Bits bits{e};
  double largest = largestOf(rule.element);
  Value scale,
      isFinite = e.less(groupMax, bits.asFloat(bits.of(kInfinityBits)));
  switch (rule.scale) {
  case ScaleRule::none:
    return e.f32(1);
  case ScaleRule::f32:
    scale = emitSingleScale(e, groupMax, largest);
    break;
  case ScaleRule::bf16:
    scale = e.max(
        emitRound(e, ElementFormat::bf16, e.div(groupMax, e.f32(largest))),
        e.f32(kLeastScale));
    break;
  case ScaleRule::e8m0: {
    // The exponent of f32 has the bias of e8m0; 2^-127 alone is subnormal.
    Value code = bits.right(bits.ofFloat(groupMax), bits.of(23));
    code = e.max(e.sub(code, bits.of(largestExponentOf(rule.element))),
                 bits.of(0));
    scale = e.select(e.equal(code, bits.of(0)), e.f32(0x1p-127),
                     bits.asFloat(bits.left(code, 23)));
    break;
  }
  case ScaleRule::e4m3: {
    double most = largestOf(ElementFormat::e4m3fn);
    Value global = emitSingleScale(e, tensorMax, largest * most);
    Value local = e.div(groupMax, e.mul(e.f32(largest), global));
    local = e.max(e.min(local, e.f32(most)), e.f32(kLeastNormalE4M3));
    scale = e.mul(emitRound(e, ElementFormat::e4m3fn, local), global);
    isFinite = e.both(isFinite,
                      e.less(tensorMax, bits.asFloat(bits.of(kInfinityBits))));
    break;
  }
  }
  return e.select(isFinite, scale,
                  e.f32(std::numeric_limits<double>::quiet_NaN()));
}

/// The larger of two magnitudes, NaN if one is NaN.
Value emitLarger(Emit &e, ValueRange args) { return e.max(args[0], args[1]); }

struct LowerFakeQuantize : OpRewritePattern<FakeQuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(FakeQuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t rank = typeOf(op.getInput()).getRank();
    rewriter.replaceOp(op, emitFakeQuantize(e, op.getInput(), op.rule(),
                                            op.getAxis(),
                                            op.getTensorDims().value_or(rank)));
    return success();
  }
};

} // namespace

Value portolan::emitFakeQuantize(Emit &e, Value tensor,
                                 const Quantization &rule, int64_t axis,
                                 int64_t tensorDims) {
  RankedTensorType type = typeOf(tensor);
  Type f32 = e.builder.getF32Type();
  int64_t rank = type.getRank(), extent = type.getDimSize(axis);
  if (extent == 0)
    return tensor;
  std::string letters;
  for (int64_t i = 0; i < rank; ++i)
    letters += char('a' + i);
  std::string same = letters + "->" + letters;
  if (rule.scale == ScaleRule::none)
    return e.map(same, tensor, type.getElementType(),
                 [&](Emit &e, ValueRange args) {
                   return emitRound(e, rule.element, args[0]);
                 });

  // [.., groups, ..]; the loop over a group has no tensor of its own, so that
  // an empty one says how long it is. Past the end stands the last element.
  int64_t group = rule.group ? rule.group : extent;
  Emit::Sizes sizes;
  for (int64_t i = 0; i < rank; ++i)
    sizes.push_back({letters[i], i == axis ? e.builder.getIndexAttr(
                                                 (extent + group - 1) / group)
                                           : e.dim(tensor, i)});
  Value length = e.empty({e.builder.getIndexAttr(group)}, f32);
  Value groupMax = e.reduce(
      "z->" + letters, length, 0,
      [&](Emit &e, ValueRange args) {
        SmallVector<Value> at;
        for (char letter : letters)
          at.push_back(e.at(letter));
        Value index = e.add(e.mul(at[axis], e.index(group)), e.at('z'));
        at[axis] = e.min(index, e.index(extent - 1));
        Value element = e.cast(e.extract(tensor, at), e.builder.getF32Type());
        Value magnitude = math::AbsFOp::create(e.builder, e.loc, element);
        return e.max(args.back(), magnitude);
      },
      sizes);

  SmallVector<Value> maxima = {groupMax};
  std::string spec = letters;
  if (rule.scale == ScaleRule::e4m3) {
    std::string tensors = letters.substr(0, rank - tensorDims);
    maxima.push_back(
        e.reduce(letters + "->" + tensors, groupMax, 0, emitLarger));
    spec += "," + tensors;
  }
  Value scales =
      e.map(spec + "->" + letters, maxima, f32, [&](Emit &e, ValueRange args) {
        return emitScale(e, rule, args[0], args.back());
      });
  return e.map(
      same, tensor, type.getElementType(), [&](Emit &e, ValueRange args) {
        SmallVector<Value> at;
        for (char letter : letters)
          at.push_back(e.at(letter));
        at[axis] = e.div(at[axis], e.index(group));
        Value scale = e.extract(scales, at);
        return e.mul(emitRound(e, rule.element, e.div(args[0], scale)), scale);
      });
}

Value portolan::emitInnerFormats(Emit &e, Operation *op, Value rows) {
  FailureOr<SmallVector<Quantization>> rules = innerRulesOf(op);
  assert(succeeded(rules) && "checked before any rewrite");
  for (const Quantization &rule : *rules)
    rows = emitFakeQuantize(e, rows, rule, /*axis=*/1, /*tensorDims=*/1);
  return rows;
}

void portolan::populateFakeQuantizePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerFakeQuantize>(patterns.getContext());
}
