//===- Rotary.cpp - rotary position embedding to linalg -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The frequencies (one per column, YaRN included) are constants; angles are
// computed in f64, because at position 100,000 an f32 angle is off by 0.004.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

constexpr double kPi = 3.14159265358979323846;

SmallVector<double> interpolatedFrequencies(RotaryTableOp op, int64_t columns);

/// With the factors of each column.
SmallVector<double> frequenciesOf(RotaryTableOp op, int64_t columns) {
  SmallVector<double> frequencies = interpolatedFrequencies(op, columns);
  if (std::optional<ArrayRef<double>> factors = op.getFactors())
    for (auto [frequency, factor] : llvm::zip_equal(frequencies, *factors))
      frequency *= factor;
  return frequencies;
}

/// theta^(-2i/dim), interpolated as YaRN does: columns that turn more than
/// beta_fast times within the original positions keep their frequency, those
/// that turn less than beta_slow times get it divided by the factor, and a
/// linear ramp joins the two.
SmallVector<double> interpolatedFrequencies(RotaryTableOp op, int64_t columns) {
  double theta = op.getTheta().convertToDouble(), dim = 2.0 * columns;
  SmallVector<double> frequencies;
  for (int64_t i = 0; i < columns; ++i)
    frequencies.push_back(std::pow(theta, -2.0 * i / dim));
  if (!op.getYarnFactor())
    return frequencies;
  double factor = op.getYarnFactor()->convertToDouble();
  double positions = double(*op.getYarnOriginalPositions());
  // The (fractional) column that turns `turns` times in `positions`.
  auto columnOf = [&](double turns) {
    return dim * std::log(positions / (turns * 2 * kPi)) /
           (2 * std::log(theta));
  };
  double low = columnOf(op.getYarnBetaFast()->convertToDouble());
  double high = columnOf(op.getYarnBetaSlow()->convertToDouble());
  if (!op.getYarnExactBounds()) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high)
    high += 0.001; // A ramp of no width would divide by zero.
  for (int64_t i = 0; i < columns; ++i) {
    double ramp = std::clamp((i - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= (1 - ramp) + ramp / factor;
  }
  return frequencies;
}

struct LowerRotaryTable : OpRewritePattern<RotaryTableOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotaryTableOp op,
                                PatternRewriter &rewriter) const override {
    auto type = typeOf(op.getCosine());
    if (!type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "expects static tables");
    Emit e(rewriter, op.getLoc());
    SmallVector<double> values = frequenciesOf(op, type.getDimSize(1));
    Value frequencies = arith::ConstantOp::create(
        rewriter, op.getLoc(),
        DenseElementsAttr::get(
            RankedTensorType::get(type.getDimSize(1), rewriter.getF64Type()),
            ArrayRef<double>(values)));
    double magnitude = op.getMagnitude().convertToDouble();
    auto table = [&](bool cosine) {
      return e.map(
          "c->pc", frequencies, type.getElementType(),
          [&](Emit &e, ValueRange args) {
            Type f64 = e.builder.getF64Type();
            Value position = e.cast(e.at('p'), e.builder.getI64Type());
            Value angle =
                e.mul(arith::SIToFPOp::create(e.builder, e.loc, f64, position),
                      args[0]);
            Value value =
                cosine
                    ? math::CosOp::create(e.builder, e.loc, angle).getResult()
                    : math::SinOp::create(e.builder, e.loc, angle).getResult();
            return e.mul(value, e.constant(f64, magnitude));
          },
          {{'p', rewriter.getIndexAttr(type.getDimSize(0))}});
    };
    Value cosine = table(true);
    rewriter.replaceOp(op, {cosine, table(false)});
    return success();
  }
};

struct LowerRope : OpRewritePattern<RopeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RopeOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    auto type = typeOf(op.getInput());
    int64_t width = op.getHeadWidth(), heads = type.getDimSize(2) / width;
    Value cosine = op.getCosine(), sine = op.getSine();
    int64_t columns = typeOf(cosine).getDimSize(1);
    Value input = e.split(op.getInput(), 2, {heads, width});
    Value length = e.dimValue(cosine, 0);
    auto body = [&](Emit &e, ValueRange args) {
      // `at` counts inside the rotated part, which it may lie outside of.
      Value at = e.sub(e.at('w'), e.index(op.getOffset()));
      Value inside =
          e.both(e.less(e.index(-1), at), e.less(at, e.index(2 * columns)));
      Value safe = e.select(inside, at, e.index(0));
      Value column, first;
      if (op.getInterleaved()) {
        column = e.div(safe, e.index(2));
        first = e.equal(e.rem(safe, e.index(2)), e.index(0));
      } else {
        column = e.rem(safe, e.index(columns));
        first = e.less(safe, e.index(columns));
      }
      Value step = e.index(op.getInterleaved() ? 1 : columns);
      Value partner =
          e.add(e.select(first, e.add(safe, step), e.sub(safe, step)),
                e.index(op.getOffset()));
      Value other =
          e.extract(input, {e.at('b'), e.at('s'), e.at('h'), partner});
      Value position =
          e.clampIndex(e.cast(args[1], e.builder.getIndexType()), length);
      Type f32 = e.builder.getF32Type();
      Value c = e.cast(e.extract(cosine, {position, column}), f32);
      Value s = e.cast(e.extract(sine, {position, column}), f32);
      Value turned = e.mul(e.cast(other, f32), s);
      Value own = e.mul(args[0], c);
      Value less = e.sub(own, turned), more = e.add(own, turned);
      Value rotated = op.getInverse() ? e.select(first, more, less)
                                      : e.select(first, less, more);
      return e.select(inside, rotated, args[0]);
    };
    Value result = e.map("bshw,bs->bshw", {input, op.getPositions()},
                         type.getElementType(), body);
    rewriter.replaceOp(op, e.merge(result, 2, 2));
    return success();
  }
};

} // namespace

void portolan::populateRotaryPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRotaryTable, LowerRope>(patterns.getContext());
}
