//===- Route.cpp - expert choice to linalg --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// K rounds of arg-max over the scores that remain. A tie goes to the smaller
// index whatever order a reduction runs in.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value addArgs(Emit &e, ValueRange args) { return e.add(args[0], args[1]); }
Value maxArgs(Emit &e, ValueRange args) { return e.max(args[0], args[1]); }

/// softmax, sigmoid or sqrt(softplus) of the logits [T,E].
Value emitScores(Emit &e, Value logits, Scoring scoring) {
  Type f32 = e.builder.getF32Type();
  if (scoring == Scoring::sigmoid)
    return e.map("te->te", logits, f32,
                 [](Emit &e, ValueRange args) { return e.sigmoid(args[0]); });
  if (scoring == Scoring::sqrt_softplus)
    return e.map("te->te", logits, f32, [](Emit &e, ValueRange args) -> Value {
      return math::SqrtOp::create(e.builder, e.loc, emitSoftplus(e, args[0]));
    });
  Value largest = e.reduce("te->t", logits, -kInfinity, maxArgs);
  Value powers =
      e.map("te,t->te", {logits, largest}, f32, [](Emit &e, ValueRange args) {
        return e.exp(e.sub(args[0], args[1]));
      });
  Value sum = e.reduce("te->t", powers, 0, addArgs);
  return e.map("te,t->te", {powers, sum}, f32, [](Emit &e, ValueRange args) {
    return e.div(args[0], args[1]);
  });
}

/// The index [T] of the largest entry of each row of `scores` [T,E].
Value emitArgMax(Emit &e, Value scores) {
  OpFoldResult tokens = e.dim(scores, 0);
  Value experts = e.dimValue(scores, 1);
  Value best = e.filled({tokens}, e.f32(-kInfinity));
  Value index = e.filled({tokens}, experts);
  auto body = [](Emit &e, ValueRange args) -> SmallVector<Value> {
    Value here = e.at('e');
    Value tied = e.both(e.equal(args[0], args[1]), e.less(here, args[2]));
    Value better = e.either(e.less(args[1], args[0]), tied);
    return {e.select(better, args[0], args[1]),
            e.select(better, here, args[2])};
  };
  Value found = e.generic("te->t,t", scores, {best, index}, body)[1];
  // A row of NaNs has no largest entry; the index must still be one.
  return e.map(
      "t->t", found, e.builder.getIndexType(),
      [&](Emit &e, ValueRange args) { return e.clampIndex(args[0], experts); });
}

/// `scores` with entry `index` [T] of each row out of the running. Written as
/// an update of `scores`, so that the loop below carries one buffer.
Value emitWithout(Emit &e, Value scores, Value index) {
  return e.generic("t->te", index, scores,
                   [](Emit &e, ValueRange args) -> SmallVector<Value> {
                     Value chosen = e.equal(e.at('e'), args[0]);
                     return {e.select(chosen, e.f32(-kInfinity), args[1])};
                   })[0];
}

/// The `count` best indices [T,count] of each row, best first.
Value emitTopIndices(Emit &e, Value scores, int64_t count) {
  Value indices = e.empty({e.dim(scores, 0), e.builder.getIndexAttr(count)},
                          e.builder.getIndexType());
  return e.loop(e.index(count), {scores, indices},
                [](Emit &e, Value k, ValueRange carried) -> SmallVector<Value> {
                  Value best = emitArgMax(e, carried[0]);
                  Value column = e.column(best);
                  return {emitWithout(e, carried[0], best),
                          e.insertSlice(column, carried[1], 1, k)};
                })[1];
}

/// `scores` [T,E] with the experts outside the best groups out of the running.
Value emitGroupLimit(Emit &e, Value scores, int64_t experts, int64_t groups,
                     int64_t topGroups, int64_t groupRank) {
  int64_t size = experts / groups;
  Type f32 = e.builder.getF32Type();
  Value grouped = e.split(scores, 1, {groups, size});
  SmallVector<OpFoldResult> sizes = {e.dim(scores, 0),
                                     e.builder.getIndexAttr(groups)};
  Value none = e.filled(sizes, e.f32(-kInfinity));
  SmallVector<Value> two = e.generic(
      "tge->tg,tg", grouped, {none, none},
      [](Emit &e, ValueRange args) -> SmallVector<Value> {
        Value first = args[1], second = args[2];
        return {e.max(first, args[0]), e.max(second, e.min(first, args[0]))};
      });
  Value rank = two[0];
  if (size > 1 && groupRank > 1)
    rank = e.map("tg,tg->tg", two, f32, addArgs);
  Value best = emitTopIndices(e, rank, topGroups);
  // How often group g is among the best: 1 or 0.
  Value chosen = e.reduce("tk->tg", best, 0,
                          [](Emit &e, ValueRange args) {
                            Value hit = e.select(e.equal(args[0], e.at('g')),
                                                 e.f32(1), e.f32(0));
                            return e.add(args[1], hit);
                          },
                          {{'g', e.builder.getIndexAttr(groups)}});
  Value limited = e.map(
      "tge,tg->tge", {grouped, chosen}, f32, [](Emit &e, ValueRange args) {
        return e.select(e.less(e.f32(0), args[1]), args[0], e.f32(-kInfinity));
      });
  return e.merge(limited, 1, 2);
}

/// The row [T,K] of the table for the id of each token, as indices of experts.
Value emitLookUp(Emit &e, Value ids, Value table, int64_t experts) {
  // [..] as [T].
  int64_t rank = typeOf(ids).getRank();
  Value flat = rank == 0 ? ids : e.merge(ids, 0, rank);
  Value rows = e.dimValue(table, 0), count = e.index(experts);
  return e.map("t->tk", flat, e.builder.getIndexType(),
               [&](Emit &e, ValueRange args) {
                 // Neither an id nor an entry must become a stray access.
                 Value id = e.clampIndex(
                     e.cast(args[0], e.builder.getIndexType()), rows);
                 Value entry = e.cast(e.extract(table, {id, e.at('k')}),
                                      e.builder.getIndexType());
                 return e.clampIndex(entry, count);
               },
               {{'k', e.dim(table, 1)}});
}

/// The choice of a sparse mixer: indices and weights [T,count].
std::pair<Value, Value> emitMixer(Emit &e, Value logits, int64_t count,
                                  double jitter) {
  Type f32 = e.builder.getF32Type();
  SmallVector<OpFoldResult> sizes = {e.dim(logits, 0),
                                     e.builder.getIndexAttr(count)};
  Value indices = e.empty(sizes, e.builder.getIndexType());
  Value weights = e.empty(sizes, f32);
  auto round = [&](Emit &e, Value k, ValueRange carried) -> SmallVector<Value> {
    Value left = carried[0];
    Value best = emitArgMax(e, left);
    Value largest = e.reduce("te->t", left, -kInfinity, maxArgs);
    // The best of those that are as good has the power 1: its softmax is one
    // over the sum.
    Value sum =
        e.reduce("te,te,t->t", {logits, left, largest}, 0,
                 [&](Emit &e, ValueRange args) -> Value {
                   Value size = math::AbsFOp::create(e.builder, e.loc, args[0]);
                   Value gap =
                       e.div(e.sub(args[2], args[0]), e.max(size, args[2]));
                   Value power = e.exp(e.sub(args[1], args[2]));
                   Value worse = e.less(e.f32(2 * jitter), gap);
                   return e.add(args[3], e.select(worse, e.f32(0), power));
                 });
    Value weight = e.map("t->t", sum, f32, [](Emit &e, ValueRange args) {
      return e.div(e.f32(1), args[0]);
    });
    return {emitWithout(e, left, best),
            e.insertSlice(e.column(best), carried[1], 1, k),
            e.insertSlice(e.column(weight), carried[2], 1, k)};
  };
  SmallVector<Value> results =
      e.loop(e.index(count), {logits, indices, weights}, round);
  return {results[1], results[2]};
}

struct LowerRoute : OpRewritePattern<RouteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value logits =
        e.contract("th,he->te", {e.rows(op.getInput()), op.getRouter()});
    Choice choice = emitChoice(e, logits, RouteForm(op));
    Value weights = e.castTensor(choice.weights, elementOf(op.getWeights()));
    Value indices = e.map("tk->tk", choice.indices, elementOf(op.getIndices()),
                          [](Emit &, ValueRange args) { return args[0]; });
    rewriter.replaceOp(op, {e.unrows(weights, op.getInput()),
                            e.unrows(indices, op.getInput())});
    return success();
  }
};

} // namespace

Choice portolan::emitChoice(Emit &e, Value logits, const RouteForm &form) {
  Type f32 = e.builder.getF32Type();
  int64_t experts = typeOf(logits).getDimSize(1);
  if (form.bias)
    logits = e.map("te,e->te", {logits, form.bias}, f32, addArgs);
  Value indices, weights;
  if (form.scoring == Scoring::sparse_mixer) {
    std::tie(indices, weights) = emitMixer(e, logits, form.topK, form.jitter);
  } else {
    Value scores = emitScores(e, logits, form.scoring), eligible = scores;
    if (form.correction)
      eligible = e.map("te,e->te", {scores, form.correction}, f32, addArgs);
    if (form.topGroups < form.groups)
      eligible = emitGroupLimit(e, eligible, experts, form.groups,
                                form.topGroups, form.groupRank);
    indices = form.table ? emitLookUp(e, form.ids, form.table, experts)
                         : emitTopIndices(e, eligible, form.topK);
    weights = e.map("tk->tk", indices, f32, [&](Emit &e, ValueRange args) {
      return e.extract(scores, {e.at('t'), args[0]});
    });
  }
  SmallVector<Value> inputs = {weights};
  if (form.normalize)
    inputs.push_back(e.reduce("tk->t", weights, 0, addArgs));
  weights = e.map(form.normalize ? "tk,t->tk" : "tk->tk", inputs, f32,
                  [&](Emit &e, ValueRange args) {
                    Value weight =
                        args.size() == 2 ? e.div(args[0], args[1]) : args[0];
                    return e.mul(weight, e.f32(form.scale));
                  });
  return {weights, indices};
}

void portolan::populateRoutePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRoute>(patterns.getContext());
}
