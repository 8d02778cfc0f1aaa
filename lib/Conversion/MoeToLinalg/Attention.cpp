//===- Attention.cpp - attention to linalg --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attentions grow their caches, form scores [B,S,heads,T], and share the
// masked softmax. A query that sees no key (possible on a rank that holds a
// part of the context) yields zero and a log-sum-exp of minus infinity, or,
// where the keys that are there are given one by one, the mean of all values.
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

int64_t dimOf(Value tensor, int64_t dimension) {
  return typeOf(tensor).getDimSize(dimension);
}

/// Where the new tokens of a sequence start: total - S, at least 0; `past`
/// without lengths.
Value emitStart(Emit &e, Value length, int64_t past, int64_t newTokens) {
  if (!length)
    return e.index(past);
  Value total = e.cast(length, e.builder.getIndexType());
  Value start = e.sub(total, e.index(newTokens));
  return e.max(e.min(start, e.index(past)), e.index(0));
}

/// `past` [B,K,P,D] and `added` [B,S,K,D] as one cache [B,K,P+S,D].
Value emitGrownCache(Emit &e, Value past, Value added, Value lengths) {
  int64_t pastLength = dimOf(past, 2), newTokens = dimOf(added, 1);
  Type element = elementOf(past);
  SmallVector<OpFoldResult> sizes = e.sizesOf(past);
  sizes[2] = e.builder.getIndexAttr(pastLength + newTokens);
  if (!lengths || pastLength == 0) {
    Value moved = e.map("bskd->bksd", added, element,
                        [](Emit &, ValueRange args) { return args[0]; });
    Value grown = e.empty(sizes, element);
    if (pastLength > 0)
      grown = e.insertSlice(past, grown, 2, e.builder.getIndexAttr(0));
    return e.insertSlice(moved, grown, 2, e.builder.getIndexAttr(pastLength));
  }
  // New tokens follow each sequence's own past; zeros pad the right end.
  auto body = [&](Emit &e, ValueRange args) {
    Value b = e.at('b'), k = e.at('k'), t = e.at('t'), d = e.at('d');
    Value start = emitStart(e, args[0], pastLength, newTokens);
    Value age = e.sub(t, start);
    Value old =
        e.extract(past, {b, k, e.clampIndex(t, e.index(pastLength)), d});
    Value fresh =
        e.extract(added, {b, e.clampIndex(age, e.index(newTokens)), k, d});
    Value padded = e.select(e.less(age, e.index(newTokens)),
                            e.cast(fresh, element), e.constant(element, 0));
    return e.select(e.less(t, start), old, padded);
  };
  return e.map("b->bktd", lengths, element, body,
               {{'k', sizes[1]}, {'t', sizes[2]}, {'d', sizes[3]}});
}

/// What the softmax of both attentions needs to know.
struct Mask {
  int64_t past = 0;
  int64_t newTokens = 0;
  int64_t window = 0;
  double scale = 1;
  double softCap = 0;
  bool pastOnly = false;
  Value lengths; ///< [B] or null
  Value keys;    ///< [B,T], which keys are there, or null
  Value sinks;   ///< [heads] or null
  Value chosen;  ///< [B,S,T], not 0 where the key is attended to, or null
  int64_t chunk = 0;
  int64_t temperatureFloor = 0;
  double temperatureScale = 0;

  /// Takes the operand that says how long the sequences are, in either form.
  void setLengths(Value operand) {
    if (operand)
      (typeOf(operand).getRank() == 1 ? lengths : keys) = operand;
  }
};

struct Softmax {
  Value weights;   ///< [B,S,heads,T], f32
  Value logSumExp; ///< [B,S,heads], f32
};

/// 1 + scale * ln(1 + floor((position + 1) / floor)).
Value emitTemperature(Emit &e, Value position, const Mask &mask) {
  Value steps =
      e.div(e.add(position, e.index(1)), e.index(mask.temperatureFloor));
  steps = arith::IndexCastOp::create(e.builder, e.loc, e.builder.getI64Type(),
                                     steps);
  Value count =
      arith::SIToFPOp::create(e.builder, e.loc, e.builder.getF32Type(), steps);
  Value log = math::LogOp::create(e.builder, e.loc, e.add(count, e.f32(1)));
  return e.add(e.mul(log, e.f32(mask.temperatureScale)), e.f32(1));
}

/// Scaled, capped scores; minus infinity where the query does not see the key.
Value emitMaskedScores(Emit &e, Value scores, const Mask &mask) {
  SmallVector<Value> inputs = {scores};
  std::string spec = "bsht";
  if (mask.lengths || mask.keys) {
    inputs.push_back(mask.lengths ? mask.lengths : mask.keys);
    spec += mask.lengths ? ",b" : ",bt";
  }
  if (mask.chosen) {
    inputs.push_back(mask.chosen);
    spec += ",bst";
  }
  auto body = [&](Emit &e, ValueRange args) {
    Value start = emitStart(e, mask.lengths ? args[1] : Value(), mask.past,
                            mask.newTokens);
    Value position = e.add(start, e.at('s'));
    Value score = e.mul(args[0], e.f32(mask.scale));
    if (mask.temperatureFloor > 0)
      score = e.mul(score, emitTemperature(e, position, mask));
    if (mask.softCap > 0) {
      Value cap = e.f32(mask.softCap);
      Value tanh = math::TanhOp::create(e.builder, e.loc, e.div(score, cap));
      score = e.mul(cap, tanh);
    }
    // The key's distance behind the query: 0 is the query's own key.
    Value distance = e.sub(position, e.at('t'));
    Value visible = e.less(e.index(-1), distance);
    if (mask.pastOnly)
      visible = e.both(visible, e.less(e.at('t'), start));
    if (mask.window > 0)
      visible = e.both(visible, e.less(distance, e.index(mask.window)));
    if (mask.chunk > 0)
      visible = e.both(
          visible, e.less(distance, e.add(e.rem(position, e.index(mask.chunk)),
                                          e.index(1))));
    if (mask.chosen)
      visible = e.both(visible, e.less(e.f32(0), args.back()));
    if (mask.keys) {
      Value absent = e.constant(args[1].getType(), 0);
      visible = e.both(
          visible, e.either(e.less(absent, args[1]), e.less(args[1], absent)));
    }
    return e.select(visible, score, e.f32(-kInfinity));
  };
  return e.map(spec + "->bsht", inputs, e.builder.getF32Type(), body);
}

Softmax emitSoftmax(Emit &e, Value scores, const Mask &mask) {
  Type f32 = e.builder.getF32Type();
  Value masked = emitMaskedScores(e, scores, mask);
  Value largest =
      e.reduce("bsht->bsh", masked, -kInfinity, [](Emit &e, ValueRange args) {
        return e.max(args[0], args[1]);
      });
  if (mask.sinks)
    largest =
        e.map("bsh,h->bsh", {largest, mask.sinks}, f32,
              [](Emit &e, ValueRange args) { return e.max(args[0], args[1]); });
  Value powers = e.map(
      "bsht,bsh->bsht", {masked, largest}, f32, [&](Emit &e, ValueRange args) {
        // Where nothing is seen, -inf - -inf would be NaN.
        Value none = e.f32(-kInfinity), hidden = e.equal(args[0], none);
        Value power = e.f32(0);
        if (mask.keys)
          power = e.select(e.equal(args[1], none), e.f32(1), power);
        return e.select(hidden, power, e.exp(e.sub(args[0], args[1])));
      });
  Value sum = e.reduce("bsht->bsh", powers, 0, [](Emit &e, ValueRange args) {
    return e.add(args[0], args[1]);
  });
  if (mask.sinks)
    sum = e.map("bsh,bsh,h->bsh", {sum, largest, mask.sinks}, f32,
                [](Emit &e, ValueRange args) {
                  return e.add(args[0], e.exp(e.sub(args[2], args[1])));
                });
  Softmax result;
  result.weights =
      e.map("bsht,bsh->bsht", {powers, sum}, f32, [](Emit &e, ValueRange args) {
        Value none = e.equal(args[1], e.f32(0));
        return e.div(args[0], e.select(none, e.f32(1), args[1]));
      });
  result.logSumExp = e.map("bsh,bsh->bsh", {largest, sum}, f32,
                           [](Emit &e, ValueRange args) -> Value {
                             Value log =
                                 math::LogOp::create(e.builder, e.loc, args[1]);
                             return e.add(args[0], log);
                           });
  return result;
}

/// The results of an attention; the log-sum-exp only if the op has it.
template <typename Op>
void replaceAttention(Op op, PatternRewriter &rewriter, Emit &e, Value result,
                      ArrayRef<Value> caches, Value logSumExp) {
  SmallVector<Value> values = {
      e.castTensor(e.merge(result, 2, 2), elementOf(op.getResult()))};
  llvm::append_range(values, caches);
  if (op.getLogSumExp())
    values.push_back(e.castTensor(logSumExp, elementOf(op.getLogSumExp())));
  rewriter.replaceOp(op, values);
}

struct Attended {
  Value result;    ///< [B,S,heads,Dv]
  Value logSumExp; ///< [B,S,heads], f32
};

/// Grouped attention of `query` [B,S,heads*D] to keys [B,kvHeads,T,D].
Attended emitAttention(Emit &e, Value query, Value keys, Value values,
                       int64_t heads, const Mask &mask) {
  int64_t kvHeads = dimOf(keys, 1), group = heads / kvHeads;
  query = e.split(query, 2, {kvHeads, group, dimOf(keys, 3)});
  Value scores = e.contract("bskgd,bktd->bskgt", {query, keys});
  Softmax softmax = emitSoftmax(e, e.merge(scores, 2, 2), mask);
  Value weights = e.split(softmax.weights, 2, {kvHeads, group});
  Value result = e.contract("bskgt,bktv->bskgv", {weights, values});
  return {e.merge(result, 2, 2), softmax.logSumExp};
}

struct LowerAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t kvHeads = op.getKvHeads();
    int64_t width = dimOf(op.getPastKey(), 3);
    int64_t valueWidth = dimOf(op.getPastValue(), 3);
    Mask mask;
    mask.setLengths(op.getTotalLengths());
    Value lengths = mask.lengths;
    Value keys = emitGrownCache(
        e, op.getPastKey(), e.split(op.getKey(), 2, {kvHeads, width}), lengths);
    Value values = emitGrownCache(
        e, op.getPastValue(), e.split(op.getValue(), 2, {kvHeads, valueWidth}),
        lengths);

    mask.past = dimOf(op.getPastKey(), 2);
    mask.newTokens = dimOf(op.getQuery(), 1);
    mask.window = op.getWindow();
    mask.chunk = op.getChunk();
    mask.temperatureFloor = op.getTemperatureFloor();
    mask.temperatureScale = op.getTemperatureScale().convertToDouble();
    mask.scale = op.getScale().convertToDouble();
    mask.softCap = op.getSoftCap().convertToDouble();
    mask.pastOnly = op.getPastOnly();
    mask.sinks = op.getSinks();
    Attended attended =
        emitAttention(e, op.getQuery(), keys, values, op.getHeads(), mask);
    replaceAttention(op, rewriter, e, attended.result, {keys, values},
                     attended.logSumExp);
    return success();
  }
};

struct LowerSharedAttention : OpRewritePattern<SharedAttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SharedAttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Mask mask;
    mask.newTokens = dimOf(op.getQuery(), 1);
    mask.past = dimOf(op.getKeys(), 2);
    mask.pastOnly = op.getPastOnly();
    if (!mask.pastOnly)
      mask.past -= mask.newTokens;
    mask.scale = op.getScale().convertToDouble();
    Attended attended = emitAttention(e, op.getQuery(), op.getKeys(),
                                      op.getValues(), op.getHeads(), mask);
    replaceAttention(op, rewriter, e, attended.result, /*caches=*/{},
                     attended.logSumExp);
    return success();
  }
};

struct LowerLatentAttention : OpRewritePattern<LatentAttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  /// A latent cache is a cache with one head.
  static Value grow(Emit &e, Value past, Value added, Value lengths) {
    Value grown =
        emitGrownCache(e, e.split(past, 1, {1, dimOf(past, 1)}),
                       e.split(added, 1, {dimOf(added, 1), 1}), lengths);
    return e.merge(grown, 1, 2);
  }

  /// Keys [B,S,heads,Dn+Dr] of the new tokens: each head's own part, then the
  /// rotated one that all heads share.
  static Value expandKeys(Emit &e, LatentAttentionOp op, Type element) {
    int64_t heads = op.getHeads(), keyWidth = dimOf(op.getKeyUp(), 2);
    Value own = e.contract("bsl,hln->bshn", {op.getLatent(), op.getKeyUp()});
    Value shared = e.map(
        "bsr->bshr", op.getRotaryKey(), element,
        [&](Emit &e, ValueRange args) { return e.cast(args[0], element); },
        {{'h', e.builder.getIndexAttr(heads)}});
    SmallVector<OpFoldResult> sizes = e.sizesOf(own);
    sizes[3] = e.builder.getIndexAttr(keyWidth + dimOf(op.getRotaryKey(), 2));
    Value keys =
        e.insertSlice(e.castTensor(own, element), e.empty(sizes, element), 3,
                      e.builder.getIndexAttr(0));
    return e.insertSlice(shared, keys, 3, e.builder.getIndexAttr(keyWidth));
  }

  /// Attention over caches that hold the keys and values of each head.
  static LogicalResult rewriteExpanded(LatentAttentionOp op,
                                       PatternRewriter &rewriter) {
    Emit e(rewriter, op.getLoc());
    int64_t heads = op.getHeads();
    Mask mask;
    mask.setLengths(op.getTotalLengths());
    mask.past = dimOf(op.getPastLatent(), 2);
    mask.newTokens = dimOf(op.getQuery(), 1);
    mask.scale = op.getScale().convertToDouble();
    Type element = elementOf(op.getPastLatent());
    Value added =
        e.contract("bsl,hlv->bshv", {op.getLatent(), op.getValueUp()});
    Value keys = emitGrownCache(e, op.getPastLatent(),
                                expandKeys(e, op, element), mask.lengths);
    Value values = emitGrownCache(e, op.getPastRotaryKey(),
                                  e.castTensor(added, element), mask.lengths);
    Value query = e.split(op.getQuery(), 2, {heads, dimOf(keys, 3)});
    Value scores = e.contract("bshd,bhtd->bsht", {query, keys});
    Softmax softmax = emitSoftmax(e, scores, mask);
    Value result = e.contract("bsht,bhtv->bshv", {softmax.weights, values});
    replaceAttention(op, rewriter, e, result, {keys, values},
                     softmax.logSumExp);
    return success();
  }

  LogicalResult matchAndRewrite(LatentAttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (typeOf(op.getPastLatent()).getRank() == 4)
      return rewriteExpanded(op, rewriter);
    Emit e(rewriter, op.getLoc());
    int64_t heads = op.getHeads(), keyWidth = dimOf(op.getKeyUp(), 2);
    int64_t rotary = dimOf(op.getRotaryKey(), 2);
    Mask mask;
    mask.setLengths(op.getTotalLengths());
    Value lengths = mask.lengths;
    Value query = e.split(op.getQuery(), 2, {heads, keyWidth + rotary});
    Value plain = e.slice(query, 3, rewriter.getIndexAttr(0),
                          rewriter.getIndexAttr(keyWidth));
    Value rotated = e.slice(query, 3, rewriter.getIndexAttr(keyWidth),
                            rewriter.getIndexAttr(rotary));
    Value latent = grow(e, op.getPastLatent(), op.getLatent(), lengths);
    Value rotaryKey =
        grow(e, op.getPastRotaryKey(), op.getRotaryKey(), lengths);

    Value scores;
    if (op.getAbsorbed()) {
      Value moved = e.contract("bshn,hln->bshl", {plain, op.getKeyUp()});
      scores = e.contract("bshl,btl->bsht", {moved, latent});
    } else {
      Value keys = e.contract("btl,hln->bthn", {latent, op.getKeyUp()});
      scores = e.contract("bshn,bthn->bsht", {plain, keys});
    }
    Value rotaryScores = e.contract("bshr,btr->bsht", {rotated, rotaryKey});
    scores =
        e.map("bsht,bsht->bsht", {scores, rotaryScores}, rewriter.getF32Type(),
              [](Emit &e, ValueRange args) { return e.add(args[0], args[1]); });

    mask.past = dimOf(op.getPastLatent(), 1);
    mask.newTokens = dimOf(op.getQuery(), 1);
    mask.scale = op.getScale().convertToDouble();
    mask.pastOnly = op.getPastOnly();
    Softmax softmax = emitSoftmax(e, scores, mask);

    Value result;
    if (op.getAbsorbed()) {
      Value attended = e.contract("bsht,btl->bshl", {softmax.weights, latent});
      result = e.contract("bshl,hlv->bshv", {attended, op.getValueUp()});
    } else {
      Value values = e.contract("btl,hlv->bthv", {latent, op.getValueUp()});
      result = e.contract("bsht,bthv->bshv", {softmax.weights, values});
    }
    replaceAttention(op, rewriter, e, result, {latent, rotaryKey},
                     softmax.logSumExp);
    return success();
  }
};

/// Absorbed latent attention of `op` to the keys that `mask` leaves, over grown
/// caches: [B,S,heads*Dv].
template <typename Op>
Value emitAbsorbed(Emit &e, Op op, Value latent, Value rotaryKey,
                   const Mask &mask) {
  int64_t heads = op.getHeads(), keyWidth = dimOf(op.getKeyUp(), 2);
  int64_t rotary = dimOf(op.getRotaryKey(), 2);
  Value query = e.split(op.getQuery(), 2, {heads, keyWidth + rotary});
  Value plain = e.slice(query, 3, e.builder.getIndexAttr(0),
                        e.builder.getIndexAttr(keyWidth));
  Value rotated = e.slice(query, 3, e.builder.getIndexAttr(keyWidth),
                          e.builder.getIndexAttr(rotary));
  Value moved = e.contract("bshn,hln->bshl", {plain, op.getKeyUp()});
  Value scores = e.contract("bshl,btl->bsht", {moved, latent});
  Value rotaryScores = e.contract("bshr,btr->bsht", {rotated, rotaryKey});
  scores =
      e.map("bsht,bsht->bsht", {scores, rotaryScores}, e.builder.getF32Type(),
            [](Emit &e, ValueRange args) { return e.add(args[0], args[1]); });
  Softmax softmax = emitSoftmax(e, scores, mask);
  Value attended = e.contract("bsht,btl->bshl", {softmax.weights, latent});
  Value result = e.contract("bshl,hlv->bshv", {attended, op.getValueUp()});
  return e.castTensor(e.merge(result, 2, 2), elementOf(op.getResult()));
}

/// What the attentions to chosen keys start from.
template <typename Op> Mask startMask(Op op) {
  Mask mask;
  mask.past = dimOf(op.getPastLatent(), 1);
  mask.newTokens = dimOf(op.getQuery(), 1);
  mask.scale = op.getScale().convertToDouble();
  return mask;
}

struct LowerIndexedLatentAttention
    : OpRewritePattern<IndexedLatentAttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IndexedLatentAttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Mask mask = startMask(op);
    auto grow = [&](Value past, Value added) {
      return LowerLatentAttention::grow(e, past, added, /*lengths=*/Value());
    };
    Value latent = grow(op.getPastLatent(), op.getLatent());
    Value rotaryKey = grow(op.getPastRotaryKey(), op.getRotaryKey());
    Value index = grow(op.getPastIndex(), op.getIndexKey());
    Value order =
        emitKeyOrder(e, op.getIndexQuery(), index, op.getIndexWeights(),
                     op.getIndexHeads(), mask.past);
    mask.chosen = emitChosenKeys(e, order, op.getTopKeys());
    SmallVector<Value> results = {emitAbsorbed(e, op, latent, rotaryKey, mask),
                                  latent, rotaryKey, index};
    if (op.getChosen())
      results.push_back(
          emitChosenPositions(e, order, mask.past, op.getTopKeys()));
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct LowerChosenLatentAttention : OpRewritePattern<ChosenLatentAttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChosenLatentAttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Mask mask = startMask(op);
    auto grow = [&](Value past, Value added) {
      return LowerLatentAttention::grow(e, past, added, /*lengths=*/Value());
    };
    Value latent = grow(op.getPastLatent(), op.getLatent());
    Value rotaryKey = grow(op.getPastRotaryKey(), op.getRotaryKey());
    mask.chosen = emitKeysAt(e, op.getChosen(), mask.past + mask.newTokens);
    rewriter.replaceOp(
        op, {emitAbsorbed(e, op, latent, rotaryKey, mask), latent, rotaryKey});
    return success();
  }
};

} // namespace

void portolan::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttention, LowerSharedAttention, LowerLatentAttention,
               LowerIndexedLatentAttention, LowerChosenLatentAttention>(
      patterns.getContext());
}
