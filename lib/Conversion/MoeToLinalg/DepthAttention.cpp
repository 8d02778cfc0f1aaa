//===- DepthAttention.cpp - moe.depth_attention to linalg -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The streams of a token as [tokens, streams, width]: two sums per stream give
// its score, a softmax over the streams its share. The stream that still grows
// is the last one.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

struct LowerDepthAttention : OpRewritePattern<DepthAttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DepthAttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t width = typeOf(op.getCurrent()).getShape().back();
    int64_t streams = typeOf(op.getSealed()).getShape().back() / width + 1;
    double epsilon = op.getEpsilon().convertToDouble();
    Value sealed = e.rows(op.getSealed()), current = e.rows(op.getCurrent());
    SmallVector<OpFoldResult> sizes = e.sizesOf(sealed);
    sizes[1] = rewriter.getIndexAttr(width * streams);
    Value all = e.insertSlice(sealed, e.empty(sizes, elementOf(sealed)), 1,
                              rewriter.getIndexAttr(0));
    all = e.insertSlice(current, all, 1,
                        rewriter.getIndexAttr(width * (streams - 1)));
    Value x = e.split(all, 1, {streams, width});
    Value squares = e.reduce("tnw->tn", x, 0, [](Emit &e, ValueRange args) {
      return e.add(args[1], e.mul(args[0], args[0]));
    });
    Value products = e.reduce(
        "tnw,w,w->tn", {x, op.getGain(), op.getQuery()}, 0,
        [](Emit &e, ValueRange args) {
          return e.add(args[3], e.mul(args[0], e.mul(args[1], args[2])));
        });
    Type f32 = rewriter.getF32Type();
    Value scores = e.map("tn,tn->tn", {products, squares}, f32,
                         [&](Emit &e, ValueRange args) {
                           Value mean = e.div(args[1], e.f32(double(width)));
                           Value norm = math::SqrtOp::create(
                               e.builder, e.loc, e.add(mean, e.f32(epsilon)));
                           return e.div(args[0], norm);
                         });
    Value most = e.reduce(
        "tn->t", scores, -std::numeric_limits<double>::infinity(),
        [](Emit &e, ValueRange args) { return e.max(args[1], args[0]); });
    Value weights =
        e.map("tn,t->tn", {scores, most}, f32, [](Emit &e, ValueRange args) {
          return e.exp(e.sub(args[0], args[1]));
        });
    Value total = e.reduce("tn->t", weights, 0, [](Emit &e, ValueRange args) {
      return e.add(args[1], args[0]);
    });
    Value mixed = e.contract("tnw,tn->tw", {x, weights});
    Value result =
        e.map("tw,t->tw", {mixed, total}, elementOf(op.getResult()),
              [](Emit &e, ValueRange args) { return e.div(args[0], args[1]); });
    rewriter.replaceOp(op, e.unrows(result, op.getCurrent()));
    return success();
  }
};

} // namespace

void portolan::populateDepthPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDepthAttention>(patterns.getContext());
}
