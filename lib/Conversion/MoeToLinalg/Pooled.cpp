//===- Pooled.cpp - pooled keys and attention to them, to linalg ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many entries a step adds follows from its shapes; which rows they are
// made of follows from the positions, as a row's place in its window does. The
// rows of the new tokens stand behind those that were kept. Attention is one
// softmax over the keys and the entries side by side.
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

int64_t dimOf(Value tensor, int64_t dimension) {
  return typeOf(tensor).getDimSize(dimension);
}

/// `second` behind `first` along `dimension`, in the elements of `first`.
Value emitBehind(Emit &e, Value first, Value second, int64_t dimension) {
  Type element = elementOf(first);
  int64_t before = dimOf(first, dimension), added = dimOf(second, dimension);
  if (added == 0)
    return first;
  second = e.castTensor(second, element);
  if (before == 0)
    return second;
  SmallVector<OpFoldResult> sizes = e.sizesOf(first);
  sizes[dimension] = e.builder.getIndexAttr(before + added);
  Value both = e.insertSlice(first, e.empty(sizes, element), dimension,
                             e.builder.getIndexAttr(0));
  return e.insertSlice(second, both, dimension, e.builder.getIndexAttr(before));
}

/// The entries that the new tokens of a `moe.pool_keys` complete.
class Pool {
public:
  Pool(Emit &e, PoolKeysOp op)
      : e(e), op(op), f32(e.builder.getF32Type()),
        ratio(dimOf(op.getBias(), 0)), columns(dimOf(op.getValues(), 2)),
        width(dimOf(op.getGain(), 0)), pooled(columns / width * ratio),
        first(dimOf(op.getPast(), 1)),
        added(dimOf(op.getPresent(), 1) - first) {
    rows = emitBehind(
        e, op.getPastRows(),
        emitBehind(e, e.castTensor(op.getValues(), elementOf(op.getPastRows())),
                   op.getScores(), 2),
        1);
  }

  /// What is kept: the rows of the last tokens.
  Value keptRows() {
    return e.slice(rows, 1, e.builder.getIndexAttr(dimOf(op.getValues(), 1)),
                   e.builder.getIndexAttr(pooled));
  }

  Value entries() {
    if (added <= 0)
      return op.getPast();
    return emitBehind(e, op.getPast(), rotated(normalized(summed())), 1);
  }

private:
  /// The first of the tokens that make entry `x` of the new ones; below 0 where
  /// there is none yet.
  Value firstToken(Emit &e, Value x) {
    Value end = e.mul(e.add(x, e.index(first + 1)), e.index(ratio));
    return e.sub(end, e.index(pooled));
  }

  /// Element [b, x, u, d] of the values or scores: token u of the entry.
  Value gathered(bool scores) {
    // Position of the first new token of each sequence.
    Value starts =
        e.merge(e.slice(op.getPositions(), 1, e.builder.getIndexAttr(0),
                        e.builder.getIndexAttr(1)),
                0, 2);
    Value bias = op.getBias(), all = rows;
    int64_t length = dimOf(rows, 1);
    auto body = [&](Emit &e, ValueRange args) {
      Value u = e.at('u');
      Value token = e.add(firstToken(e, e.at('x')), u);
      Value start = e.cast(args[0], e.builder.getIndexType());
      Value row = e.clampIndex(e.add(e.sub(token, start), e.index(pooled)),
                               e.index(length));
      Value column =
          e.add(e.mul(e.div(u, e.index(ratio)), e.index(width)), e.at('d'));
      Value at = scores ? e.add(column, e.index(columns)) : column;
      Value element = e.cast(e.extract(all, {e.at('b'), row, at}), f32);
      if (!scores)
        return element;
      Value shift =
          e.cast(e.extract(bias, {e.rem(u, e.index(ratio)), column}), f32);
      return e.select(e.less(token, e.index(0)), e.f32(-kInfinity),
                      e.add(element, shift));
    };
    return e.map("b->bxud", starts, f32, body,
                 {{'x', e.builder.getIndexAttr(added)},
                  {'u', e.builder.getIndexAttr(pooled)},
                  {'d', e.builder.getIndexAttr(width)}});
  }

  Value summed() {
    Value scores = gathered(/*scores=*/true);
    Value most = e.reduce("bxud->bxd", scores, -kInfinity, maxArgs);
    Value powers = e.map("bxud,bxd->bxud", {scores, most}, f32,
                         [](Emit &e, ValueRange args) {
                           return e.exp(e.sub(args[0], args[1]));
                         });
    Value total = e.reduce("bxud->bxd", powers, 0, addArgs);
    Value sum =
        e.contract("bxud,bxud->bxd", {powers, gathered(/*scores=*/false)});
    return e.map(
        "bxd,bxd->bxd", {sum, total}, f32,
        [](Emit &e, ValueRange args) { return e.div(args[0], args[1]); });
  }

  Value normalized(Value entries) {
    double epsilon = op.getEpsilon().convertToDouble();
    Value squares =
        e.reduce("bxd->bx", entries, 0, [](Emit &e, ValueRange args) {
          return e.add(args[1], e.mul(args[0], args[0]));
        });
    return e.map("bxd,bx,d->bxd", {entries, squares, op.getGain()}, f32,
                 [&](Emit &e, ValueRange args) {
                   Value mean = e.div(args[1], e.f32(double(width)));
                   Value norm = math::SqrtOp::create(
                       e.builder, e.loc, e.add(mean, e.f32(epsilon)));
                   return e.mul(e.div(args[0], norm), args[2]);
                 });
  }

  /// By the angles of the first token of each entry's own window.
  Value rotated(Value entries) {
    Value cosine = op.getCosine(), sine = op.getSine();
    int64_t turned = 2 * dimOf(cosine, 1), offset = width - turned;
    if (turned == 0)
      return entries;
    Value length = e.dimValue(cosine, 0);
    auto body = [&](Emit &e, ValueRange args) {
      Value at = e.sub(e.at('d'), e.index(offset));
      Value inside = e.less(e.index(-1), at);
      Value safe = e.select(inside, at, e.index(0));
      Value isFirst = e.equal(e.rem(safe, e.index(2)), e.index(0));
      Value partner = e.add(
          e.select(isFirst, e.add(safe, e.index(1)), e.sub(safe, e.index(1))),
          e.index(offset));
      Value other = e.extract(entries, {e.at('b'), e.at('x'), partner});
      Value position = e.mul(e.add(e.at('x'), e.index(first)), e.index(ratio));
      position = e.clampIndex(position, length);
      Value column = e.div(safe, e.index(2));
      Value c = e.cast(e.extract(cosine, {position, column}), f32);
      Value s = e.cast(e.extract(sine, {position, column}), f32);
      Value own = e.mul(args[0], c), cross = e.mul(other, s);
      Value result = e.select(isFirst, e.sub(own, cross), e.add(own, cross));
      return e.select(inside, result, args[0]);
    };
    return e.map("bxd->bxd", entries, f32, body);
  }

  Emit &e;
  PoolKeysOp op;
  Type f32;
  int64_t ratio, columns, width, pooled, first, added;
  Value rows; ///< [B, kept and new tokens, values and scores]
};

struct LowerPoolKeys : OpRewritePattern<PoolKeysOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PoolKeysOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Pool pool(e, op);
    Value entries = pool.entries();
    rewriter.replaceOp(op, {entries, pool.keptRows()});
    return success();
  }
};

struct LowerPooledAttention : OpRewritePattern<PooledAttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Scaled scores [B,S,heads,T] of the query with `keys`, minus infinity where
  /// `isVisible` says no.
  static Value
  emitScores(Emit &e, PooledAttentionOp op, Value query, Value keys,
             Value chosen,
             llvm::function_ref<Value(Emit &, Value, Value)> isVisible) {
    SmallVector<Value> inputs = {e.contract("bshd,btd->bsht", {query, keys})};
    std::string spec = "bsht";
    if (chosen) {
      inputs.push_back(chosen);
      spec += ",bst";
    }
    double scale = op.getScale().convertToDouble();
    int64_t past = dimOf(op.getPastKey(), 1);
    return e.map(spec + "->bsht", inputs, e.builder.getF32Type(),
                 [&](Emit &e, ValueRange args) {
                   Value position = e.add(e.index(past), e.at('s'));
                   Value visible = isVisible(e, position, e.at('t'));
                   if (chosen)
                     visible = e.both(visible, e.less(e.f32(0), args[1]));
                   return e.select(visible, e.mul(args[0], e.f32(scale)),
                                   e.f32(-kInfinity));
                 });
  }

  LogicalResult matchAndRewrite(PooledAttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Type f32 = rewriter.getF32Type();
    int64_t heads = op.getHeads(), ratio = op.getRatio();
    int64_t past = dimOf(op.getPastKey(), 1), window = op.getWindow();
    Value query = e.split(op.getQuery(), 2, {heads, dimOf(op.getKey(), 2)});
    Value present = emitBehind(e, op.getPastKey(), op.getKey(), 1);
    Value keys = present;
    Value scores =
        emitScores(e, op, query, keys, /*chosen=*/Value(),
                   [&](Emit &e, Value position, Value t) {
                     // A key's distance behind the query: 0 is the query's own
                     // key.
                     Value distance = e.sub(position, t);
                     return e.both(e.less(e.index(-1), distance),
                                   e.less(distance, e.index(window)));
                   });
    if (op.getEntries() && dimOf(op.getEntries(), 1) > 0) {
      Value chosen;
      if (op.getIndexQuery())
        chosen = emitChosenKeys(
            e,
            emitKeyOrder(e, op.getIndexQuery(), op.getIndexEntries(),
                         op.getIndexWeights(), dimOf(op.getIndexWeights(), 2),
                         past, ratio),
            op.getTopEntries());
      Value pooled =
          emitScores(e, op, query, op.getEntries(), chosen,
                     [&](Emit &e, Value position, Value t) {
                       Value complete =
                           e.div(e.add(position, e.index(1)), e.index(ratio));
                       return e.less(t, complete);
                     });
      scores = emitBehind(e, scores, pooled, 3);
      keys = emitBehind(e, keys, op.getEntries(), 1);
    }
    Value most = e.reduce("bsht->bsh", scores, -kInfinity, maxArgs);
    if (op.getSinks())
      most = e.map("bsh,h->bsh", {most, op.getSinks()}, f32, maxArgs);
    Value powers = e.map("bsht,bsh->bsht", {scores, most}, f32,
                         [](Emit &e, ValueRange args) {
                           return e.exp(e.sub(args[0], args[1]));
                         });
    Value total = e.reduce("bsht->bsh", powers, 0, addArgs);
    if (op.getSinks())
      total = e.map("bsh,bsh,h->bsh", {total, most, op.getSinks()}, f32,
                    [](Emit &e, ValueRange args) {
                      return e.add(args[0], e.exp(e.sub(args[2], args[1])));
                    });
    Value sum = e.contract("bsht,btd->bshd", {powers, keys});
    Value result =
        e.map("bshd,bsh->bshd", {sum, total}, elementOf(op.getResult()),
              [](Emit &e, ValueRange args) { return e.div(args[0], args[1]); });
    rewriter.replaceOp(op, {e.merge(result, 2, 2), present});
    return success();
  }
};

struct LowerGroupedLinear : OpRewritePattern<GroupedLinearOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GroupedLinearOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t groups = dimOf(op.getWeight(), 0), inner = dimOf(op.getWeight(), 1);
    Value input = e.split(e.rows(op.getInput()), 1, {groups, inner});
    Value result = e.contract("tgk,gkn->tgn", {input, op.getWeight()});
    result = e.castTensor(e.merge(result, 1, 2), elementOf(op.getResult()));
    rewriter.replaceOp(op, e.unrows(result, op.getInput()));
    return success();
  }
};

} // namespace

void portolan::populatePooledPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPoolKeys, LowerPooledAttention, LowerGroupedLinear>(
      patterns.getContext());
}
