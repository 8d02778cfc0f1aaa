//===- Experts.cpp - dispatch, experts and combine to linalg --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dispatch and combine agree on the order of rows through one counting sort of
// the (token, slot) pairs by expert: linear in pairs and experts. Pairs that
// are dropped sort behind all others. Experts loop over their slices of rows.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// Where each (token, slot) pair goes.
struct Order {
  Value counts;    ///< [E+1] index: rows per expert, then of the dropped pairs
  Value positions; ///< [T*K] index: the row of each pair; the dropped are last
  Value kept;      ///< the number of pairs that are not dropped
};

/// Counting sort of `indices` [T,K] by expert, stable in (token, slot).
Order emitOrder(Emit &e, Value indices, int64_t firstExpert, int64_t experts) {
  Type indexType = e.builder.getIndexType();
  Value flat = e.merge(indices, 0, 2);
  Value pairs = e.dimValue(flat, 0);
  // The bucket of a pair: its expert, or `experts` if it is dropped.
  Value buckets = e.map("n->n", flat, indexType, [&](Emit &e, ValueRange args) {
    Value expert = e.sub(e.cast(args[0], indexType), e.index(firstExpert));
    Value inside =
        e.both(e.less(e.index(-1), expert), e.less(expert, e.index(experts)));
    return e.select(inside, expert, e.index(experts));
  });
  OpFoldResult slots = e.builder.getIndexAttr(experts + 1);
  Value zeros = e.filled({slots}, e.index(0));
  Order order;
  order.counts =
      e.loop(pairs, zeros,
             [&](Emit &e, Value n, ValueRange carried) -> SmallVector<Value> {
               Value bucket = e.extract(buckets, n);
               Value count = e.extract(carried[0], bucket);
               return {e.insert(e.add(count, e.index(1)), carried[0], bucket)};
             })[0];
  // Each bucket starts where the ones before it end.
  Value starts =
      e.loop(e.index(experts + 1), {e.empty({slots}, indexType), e.index(0)},
             [&](Emit &e, Value b, ValueRange carried) -> SmallVector<Value> {
               Value next = e.add(carried[1], e.extract(order.counts, b));
               return {e.insert(carried[1], carried[0], b), next};
             })[0];
  order.kept = e.extract(starts, e.index(experts));
  Value target = e.empty({e.dim(flat, 0)}, indexType);
  order.positions =
      e.loop(pairs, {target, starts},
             [&](Emit &e, Value n, ValueRange carried) -> SmallVector<Value> {
               Value bucket = e.extract(buckets, n);
               Value position = e.extract(carried[1], bucket);
               Value next = e.add(position, e.index(1));
               return {e.insert(position, carried[0], n),
                       e.insert(next, carried[1], bucket)};
             })[0];
  return order;
}

struct LowerDispatch : OpRewritePattern<DispatchOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DispatchOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    auto rowsType = typeOf(op.getRows());
    auto countsType = typeOf(op.getCounts());
    int64_t experts = countsType.getDimSize(0);
    Value input = e.rows(op.getInput()), indices = e.rows(op.getIndices());
    Order order = emitOrder(e, indices, op.getFirstExpert(), experts);
    // The token of each row: the positions, inverted; the pair of token and
    // slot where its weight is needed too.
    Value slots = e.dimValue(indices, 1);
    Value weights = op.getWeights() ? e.rows(op.getWeights()) : Value();
    Value pairs = e.dimValue(order.positions, 0);
    Value target =
        e.empty({e.dim(order.positions, 0)}, rewriter.getIndexType());
    Value tokens =
        e.loop(pairs, target,
               [&](Emit &e, Value n, ValueRange carried) -> SmallVector<Value> {
                 Value position = e.extract(order.positions, n);
                 Value source = op.getWeights() ? n : e.div(n, slots);
                 return {e.insert(source, carried[0], position)};
               })[0];
    OpFoldResult count =
        rowsType.isDynamicDim(0)
            ? OpFoldResult(order.kept)
            : OpFoldResult(rewriter.getIndexAttr(rowsType.getDimSize(0)));
    Value source = e.slice(tokens, 0, rewriter.getIndexAttr(0), count);
    Value rows = e.map("r->rh", source, rowsType.getElementType(),
                       [&](Emit &e, ValueRange args) {
                         if (!op.getWeights())
                           return e.extract(input, {args[0], e.at('h')});
                         Type f32 = e.builder.getF32Type();
                         Value token = e.div(args[0], slots);
                         Value row = e.extract(input, {token, e.at('h')});
                         Value weight =
                             e.extract(weights, {token, e.rem(args[0], slots)});
                         return e.mul(e.cast(row, f32), e.cast(weight, f32));
                       },
                       {{'h', e.dim(input, 1)}});
    Value counts = e.slice(order.counts, 0, rewriter.getIndexAttr(0),
                           rewriter.getIndexAttr(experts));
    counts = e.map("e->e", counts, countsType.getElementType(),
                   [](Emit &, ValueRange args) { return args[0]; });
    rewriter.replaceOp(op, {rows, counts});
    return success();
  }
};

struct LowerCombine : OpRewritePattern<CombineOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value rows = op.getRows(), indices = e.rows(op.getIndices());
    int64_t slots = typeOf(indices).getDimSize(1);
    if (ShapedType::isDynamic(slots))
      return rewriter.notifyMatchFailure(op, "expects static slots per token");
    Order order = emitOrder(e, indices, op.getFirstExpert(), op.getExperts());
    // Rows that a caller forgot to pass must not become a stray access.
    Value kept = e.min(order.kept, e.dimValue(rows, 0));
    Value sum = e.reduce(
        "tk->th", e.rows(op.getWeights()), 0,
        [&](Emit &e, ValueRange args) -> Value {
          Value pair = e.add(e.mul(e.at('t'), e.index(slots)), e.at('k'));
          Value position = e.extract(order.positions, pair);
          Value h = e.at('h');
          // With no rows at all there is nothing that could be read.
          auto choice = scf::IfOp::create(
              e.builder, e.loc, e.less(position, kept),
              [&](OpBuilder &builder, Location loc) {
                Emit inner(builder, loc);
                Value value = inner.cast(inner.extract(rows, {position, h}),
                                         builder.getF32Type());
                if (!op.getWeightsApplied())
                  value = inner.mul(value, args[0]);
                scf::YieldOp::create(builder, loc, value);
              },
              [&](OpBuilder &builder, Location loc) {
                scf::YieldOp::create(builder, loc, Emit(builder, loc).f32(0));
              });
          return e.add(args[1], choice.getResult(0));
        },
        {{'h', e.dim(rows, 1)}});
    rewriter.replaceOp(op,
                       e.unrows(e.castTensor(sum, elementOf(op.getResult())),
                                op.getIndices()));
    return success();
  }
};

struct LowerExperts : OpRewritePattern<ExpertsOp> {
  using OpRewritePattern::OpRewritePattern;

  /// x [r,k] times weights [E,k,n] of one expert, plus its bias.
  static Value project(Emit &e, Value x, Value weights, Value bias,
                       Value expert, int64_t share = 1) {
    Value product = e.contract("rk,kn->rn", {x, e.take(weights, expert)});
    if (!bias)
      return product;
    return emitBias(e, "rn,n->rn", product, e.take(bias, expert),
                    e.builder.getF32Type(), share);
  }

  /// The activation of [r,I]: act(gate) * (up + offset), or act(up).
  static Value activate(Emit &e, ExpertsOp op, Value gate, Value up) {
    SmallVector<Value> parts;
    if (gate)
      parts.push_back(gate);
    parts.push_back(up);
    return e.map(gate ? "ri,ri->ri" : "ri->ri", parts, e.builder.getF32Type(),
                 [&](Emit &e, ValueRange args) {
                   return emitFeedForward(e, args, FeedForwardForm(op));
                 });
  }

  LogicalResult matchAndRewrite(ExpertsOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value rows = op.getRows();
    Type element = elementOf(op.getResult());
    Value total = e.dimValue(rows, 0);
    Value target = e.filled({e.dim(rows, 0), e.dim(op.getDown(), 2)},
                            e.constant(element, 0));
    auto body = [&](Emit &e, Value expert,
                    ValueRange carried) -> SmallVector<Value> {
      Value start = carried[0];
      Value count =
          e.cast(e.extract(op.getCounts(), expert), e.builder.getIndexType());
      // Counts that exceed the rows must not become a stray access.
      count = e.max(e.min(count, e.sub(total, start)), e.index(0));
      Value x = e.slice(rows, 0, start, count);
      Value gate;
      if (op.getGate())
        gate = project(e, x, op.getGate(), op.getGateBias(), expert);
      Value up = project(e, x, op.getUp(), op.getUpBias(), expert);
      Value inner = emitInnerFormats(e, op, activate(e, op, gate, up));
      Value down = project(e, inner, op.getDown(), op.getDownBias(), expert,
                           op.getBiasShare());
      Value result =
          e.insertSlice(e.castTensor(down, element), carried[1], 0, start);
      return {e.add(start, count), result};
    };
    rewriter.replaceOp(op, e.loop(e.dimValue(op.getCounts(), 0),
                                  {e.index(0), target}, body)[1]);
    return success();
  }
};

} // namespace

void portolan::populateExpertsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDispatch, LowerExperts, LowerCombine>(
      patterns.getContext());
}
