//===- Streams.cpp - reads and writes of mixed streams to linalg ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The columns of the projection are cut into what is read of each stream, what
// is written to each, and the matrix, which is balanced in a loop over tensors
// [tokens, from, to].
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// The columns `offset` to `offset + width` of [tokens, columns].
Value columnsOf(Emit &e, Value tensor, int64_t offset, int64_t width) {
  return e.slice(tensor, 1, e.builder.getIndexAttr(offset),
                 e.builder.getIndexAttr(width));
}

/// p * scales[part] + base of the columns from `offset` on.
Value emitScaled(Emit &e, ReadStreamsOp op, Value projected, int64_t part,
                 int64_t offset, int64_t width) {
  Value scales = op.getScales();
  Value base = e.slice(op.getBase(), 0, e.builder.getIndexAttr(offset),
                       e.builder.getIndexAttr(width));
  return e.map("tc,c->tc", {columnsOf(e, projected, offset, width), base},
               e.builder.getF32Type(), [&](Emit &e, ValueRange args) {
                 Value scale = e.cast(e.extract(scales, {e.index(part)}),
                                      e.builder.getF32Type());
                 return e.add(e.mul(args[0], scale), args[1]);
               });
}

/// `matrix` [tokens, from, to] divided by its sums over the loop that `sums`
/// lacks, plus `floor`. Written as an update of `matrix`, so that the loop
/// below carries one buffer.
Value emitDivided(Emit &e, Value matrix, StringRef sums, double floor) {
  Value total =
      e.reduce(("tij->" + sums).str(), matrix, 0, [](Emit &e, ValueRange args) {
        return e.add(args[0], args[1]);
      });
  return e.generic((sums + "->tij").str(), total, matrix,
                   [&](Emit &e, ValueRange args) -> SmallVector<Value> {
                     return {e.div(args[1], e.add(args[0], e.f32(floor)))};
                   })[0];
}

/// The balanced matrix of logits [tokens, N*N].
Value emitBalanced(Emit &e, Value logits, int64_t streams, int64_t rounds,
                   double floor) {
  Type f32 = e.builder.getF32Type();
  Value matrix = e.split(logits, 1, {streams, streams});
  Value most = e.reduce(
      "tij->ti", matrix, -std::numeric_limits<double>::infinity(),
      [](Emit &e, ValueRange args) { return e.max(args[0], args[1]); });
  Value powers =
      e.map("tij,ti->tij", {matrix, most}, f32, [](Emit &e, ValueRange args) {
        return e.exp(e.sub(args[0], args[1]));
      });
  Value total = e.reduce("tij->ti", powers, 0, [](Emit &e, ValueRange args) {
    return e.add(args[0], args[1]);
  });
  matrix =
      e.map("tij,ti->tij", {powers, total}, f32, [&](Emit &e, ValueRange args) {
        return e.add(e.div(args[0], args[1]), e.f32(floor));
      });
  matrix = emitDivided(e, matrix, "tj", floor);
  if (rounds == 1)
    return matrix;
  return e.loop(e.index(rounds - 1), matrix,
                [&](Emit &e, Value, ValueRange carried) -> SmallVector<Value> {
                  Value rows = emitDivided(e, carried[0], "ti", floor);
                  return {emitDivided(e, rows, "tj", floor)};
                })[0];
}

struct LowerReadStreams : OpRewritePattern<ReadStreamsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReadStreamsOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Type f32 = rewriter.getF32Type();
    int64_t all = typeOf(op.getStreams()).getShape().back();
    int64_t width = typeOf(op.getResult()).getShape().back();
    int64_t streams = all / width;
    double epsilon = op.getEpsilon().convertToDouble();
    double floor = op.getFloor().convertToDouble();
    Value rows = e.rows(op.getStreams());
    Value squares = e.reduce("tk->t", rows, 0, [](Emit &e, ValueRange args) {
      return e.add(args[1], e.mul(args[0], args[0]));
    });
    Value products = e.contract("tk,kc->tc", {rows, op.getProjection()});
    Value projected = e.map(
        "tc,t->tc", {products, squares}, f32, [&](Emit &e, ValueRange args) {
          Value mean = e.div(args[1], e.f32(double(all)));
          Value norm = math::SqrtOp::create(e.builder, e.loc,
                                            e.add(mean, e.f32(epsilon)));
          return e.div(args[0], norm);
        });
    Value read = e.map("tn->tn", emitScaled(e, op, projected, 0, 0, streams),
                       f32, [&](Emit &e, ValueRange args) {
                         return e.add(e.sigmoid(args[0]), e.f32(floor));
                       });
    Value mixed =
        e.contract("tnw,tn->tw", {e.split(rows, 1, {streams, width}), read});
    SmallVector<Value> results = {e.unrows(
        e.castTensor(mixed, elementOf(op.getResult())), op.getStreams())};
    if (op.getMix()) {
      Value written =
          e.map("tn->tn", emitScaled(e, op, projected, 1, streams, streams),
                f32, [](Emit &e, ValueRange args) {
                  return e.mul(e.sigmoid(args[0]), e.f32(2));
                });
      Value matrix = emitBalanced(
          e, emitScaled(e, op, projected, 2, 2 * streams, streams * streams),
          streams, op.getRounds(), floor);
      SmallVector<OpFoldResult> sizes = e.sizesOf(projected);
      sizes[1] = rewriter.getIndexAttr(streams * (streams + 1));
      Value mix = e.insertSlice(written, e.empty(sizes, f32), 1,
                                rewriter.getIndexAttr(0));
      mix = e.insertSlice(e.merge(matrix, 1, 2), mix, 1,
                          rewriter.getIndexAttr(streams));
      results.push_back(
          e.unrows(e.castTensor(mix, elementOf(op.getMix())), op.getStreams()));
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct LowerWriteStreams : OpRewritePattern<WriteStreamsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WriteStreamsOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t width = typeOf(op.getUpdate()).getShape().back();
    int64_t streams = typeOf(op.getStreams()).getShape().back() / width;
    Value mix = e.rows(op.getMix());
    Value written = columnsOf(e, mix, 0, streams);
    Value matrix = e.split(columnsOf(e, mix, streams, streams * streams), 1,
                           {streams, streams});
    Value from = e.split(e.rows(op.getStreams()), 1, {streams, width});
    Value moved = e.contract("tij,tiw->tjw", {matrix, from});
    Value result =
        e.map("tjw,tj,tw->tjw", {moved, written, e.rows(op.getUpdate())},
              elementOf(op.getResult()), [](Emit &e, ValueRange args) {
                return e.add(args[0], e.mul(args[1], args[2]));
              });
    rewriter.replaceOp(op, e.unrows(e.merge(result, 1, 2), op.getStreams()));
    return success();
  }
};

} // namespace

void portolan::populateStreamsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerReadStreams, LowerWriteStreams>(patterns.getContext());
}
