//===- Recurrence.cpp - states of fixed size to linalg --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One token after the other, whatever the chunk: the definition itself. Heads
// n are (m, r): head r of those that share the keys of group m.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// What the squared length of a query or key is enlarged by.
constexpr double kLengthEpsilon = 1e-6;

struct LowerShortConvolution : OpRewritePattern<ShortConvolutionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ShortConvolutionOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value input = op.getInput(), weight = op.getWeight();
    Type element = elementOf(input), state = elementOf(op.getPast());
    int64_t taps = typeOf(weight).getDimSize(1);
    int64_t tokens = typeOf(input).getDimSize(1);
    auto attr = [&](int64_t value) { return rewriter.getIndexAttr(value); };
    // The past and the new tokens one after the other.
    Value all = e.empty(
        {e.dim(input, 0), attr(taps - 1 + tokens), e.dim(input, 2)}, element);
    all = e.insertSlice(e.castTensor(op.getPast(), element), all, 1, attr(0));
    all = e.insertSlice(input, all, 1, attr(taps - 1));
    Value sums =
        e.reduce("ct->bsc", weight, 0,
                 [&](Emit &e, ValueRange args) {
                   Value at = e.add(e.at('s'), e.at('t'));
                   Value x = e.cast(e.extract(all, {e.at('b'), at, e.at('c')}),
                                    e.builder.getF32Type());
                   return e.add(args[1], e.mul(args[0], x));
                 },
                 {{'b', e.dim(input, 0)}, {'s', e.dim(input, 1)}});
    SmallVector<Value> inputs = {sums};
    if (op.getBias())
      inputs.push_back(op.getBias());
    Value result =
        e.map(op.getBias() ? "bsc,c->bsc" : "bsc->bsc", inputs, element,
              [&](Emit &e, ValueRange args) {
                Value x = args.size() == 2 ? e.add(args[0], args[1]) : args[0];
                return emitActivation(e, op.getActivation(), x);
              });
    Value present = e.slice(all, 1, attr(tokens), attr(taps - 1));
    rewriter.replaceOp(op, {result, e.castTensor(present, state)});
    return success();
  }
};

/// One token of a recurrence.
class TokenStep {
public:
  explicit TokenStep(RecurrenceOp op)
      : op(op), heads(op.getHeads()), groups(op.getKeyHeads()),
        keyWidth(typeOf(op.getPast()).getDimSize(2)),
        valueWidth(typeOf(op.getPast()).getDimSize(3)) {}

  /// The state [B,M,R,K,V] after token `token` and the result [B,1,N*V].
  std::pair<Value, Value> emit(Emit &e, Value token, Value state);

private:
  /// Columns of a token as [B, sizes..].
  Value row(Emit &e, Value tensor, Value token, ArrayRef<int64_t> sizes) {
    Value slice = e.slice(tensor, 1, token, e.builder.getIndexAttr(1));
    return e.split(e.merge(slice, 0, 2), 1, sizes);
  }
  /// A weight of the heads, with the heads in groups.
  Value grouped(Emit &e, Value weight, bool perChannel) {
    SmallVector<int64_t> sizes = {groups, heads / groups};
    if (perChannel && typeOf(weight).getRank() == 1)
      sizes.push_back(keyWidth);
    return e.split(weight, 0, sizes);
  }
  Value normalized(Emit &e, Value vectors);
  /// softplus(step + step_bias), or its argument.
  Value steps(Emit &e, Value token, bool softplus);
  /// exp(g) and the letters of its dimensions.
  std::pair<Value, std::string> decays(Emit &e, Value token, Value d);

  RecurrenceOp op;
  int64_t heads, groups, keyWidth, valueWidth;
};

Value TokenStep::normalized(Emit &e, Value vectors) {
  if (!op.getNormalize())
    return vectors;
  Value squares = e.reduce("bmk->bm", vectors, 0, [](Emit &e, ValueRange args) {
    return e.add(args[1], e.mul(args[0], args[0]));
  });
  return e.map("bmk,bm->bmk", {vectors, squares}, e.builder.getF32Type(),
               [](Emit &e, ValueRange args) -> Value {
                 Value length = math::SqrtOp::create(
                     e.builder, e.loc, e.add(args[1], e.f32(kLengthEpsilon)));
                 return e.div(args[0], length);
               });
}

Value TokenStep::steps(Emit &e, Value token, bool softplus) {
  bool perChannel = op.getKind() == Recurrence::channel_delta;
  SmallVector<int64_t> sizes = {groups, heads / groups};
  if (perChannel)
    sizes.push_back(keyWidth);
  SmallVector<Value> inputs = {row(e, op.getStep(), token, sizes)};
  std::string own = perChannel ? "mrk" : "mr";
  std::string spec = "b" + own;
  if (op.getStepBias()) {
    inputs.push_back(grouped(e, op.getStepBias(), perChannel));
    spec += "," + own;
  }
  return e.map(spec + "->b" + own, inputs, e.builder.getF32Type(),
               [&](Emit &e, ValueRange args) {
                 Value x = args.size() == 2 ? e.add(args[0], args[1]) : args[0];
                 return softplus ? emitSoftplus(e, x) : x;
               });
}

std::pair<Value, std::string> TokenStep::decays(Emit &e, Value token, Value d) {
  Type f32 = e.builder.getF32Type();
  Value decay = grouped(e, op.getDecay(), /*perChannel=*/false);
  auto negated = [](Emit &e, Value x) { return e.sub(e.f32(0), x); };
  auto byRate = [&](Emit &e, ValueRange args) {
    return e.exp(negated(e, e.mul(e.exp(args[0]), args[1])));
  };
  switch (op.getKind()) {
  case Recurrence::fixed_decay:
    return {e.map("mr->mr", decay, f32,
                  [&](Emit &e, ValueRange args) {
                    return e.exp(negated(e, args[0]));
                  }),
            "mr"};
  case Recurrence::selective:
    return {e.map("mrk,bmr->bmrk", {decay, d}, f32, byRate), "bmrk"};
  case Recurrence::state_space:
  case Recurrence::delta:
    return {e.map("mr,bmr->bmr", {decay, d}, f32, byRate), "bmr"};
  case Recurrence::channel_delta:
    break;
  }
  double bound = op.getLowerBound().convertToDouble();
  if (bound == 0)
    return {e.map("mr,bmrk->bmrk", {decay, d}, f32, byRate), "bmrk"};
  return {e.map("mr,bmrk->bmrk", {decay, steps(e, token, /*softplus=*/false)},
                f32,
                [&](Emit &e, ValueRange args) {
                  Value open = e.sigmoid(e.mul(e.exp(args[0]), args[1]));
                  return e.exp(e.mul(e.f32(bound), open));
                }),
          "bmrk"};
}

std::pair<Value, Value> TokenStep::emit(Emit &e, Value token, Value state) {
  Type f32 = e.builder.getF32Type();
  Recurrence kind = op.getKind();
  bool isDelta = kind == Recurrence::delta || kind == Recurrence::channel_delta;
  bool scalesValue =
      kind == Recurrence::selective || kind == Recurrence::state_space;
  Value query = normalized(e, row(e, op.getQuery(), token, {groups, keyWidth}));
  Value key = normalized(e, row(e, op.getKey(), token, {groups, keyWidth}));
  Value value =
      row(e, op.getValue(), token, {groups, heads / groups, valueWidth});
  Value d;
  if (op.getStep() && op.getLowerBound().isZero())
    d = steps(e, token, /*softplus=*/true);
  auto [decay, letters] = decays(e, token, d);
  // Written as updates of `state`, so that the loop carries one buffer.
  state = e.generic(letters + "->bmrkv", decay, state,
                    [](Emit &e, ValueRange args) -> SmallVector<Value> {
                      return {e.mul(args[1], args[0])};
                    })[0];
  Value written = value;
  if (scalesValue)
    written =
        e.map("bmrv,bmr->bmrv", {value, d}, f32,
              [](Emit &e, ValueRange args) { return e.mul(args[0], args[1]); });
  if (isDelta) {
    Value known = e.contract("bmrkv,bmk->bmrv", {state, key});
    Value strength = row(e, op.getStrength(), token, {groups, heads / groups});
    written = e.map("bmrv,bmrv,bmr->bmrv", {value, known, strength}, f32,
                    [](Emit &e, ValueRange args) {
                      return e.mul(e.sigmoid(args[2]), e.sub(args[0], args[1]));
                    });
  }
  state = e.generic("bmk,bmrv->bmrkv", {key, written}, state,
                    [](Emit &e, ValueRange args) -> SmallVector<Value> {
                      return {e.add(args[2], e.mul(args[0], args[1]))};
                    })[0];
  Value read = e.contract("bmrkv,bmk->bmrv", {state, query});
  SmallVector<Value> inputs = {read};
  if (op.getSkip()) {
    inputs.push_back(value);
    inputs.push_back(grouped(e, op.getSkip(), /*perChannel=*/false));
  }
  double scale = op.getScale().convertToDouble();
  Value result =
      e.map(op.getSkip() ? "bmrv,bmrv,mr->bmrv" : "bmrv->bmrv", inputs,
            elementOf(op.getResult()), [&](Emit &e, ValueRange args) {
              Value y = e.mul(args[0], e.f32(scale));
              return args.size() == 3 ? e.add(y, e.mul(args[1], args[2])) : y;
            });
  // [B,M,R,V] -> [B,1,N*V].
  return {state, e.split(e.merge(result, 1, 3), 1, {1, heads * valueWidth})};
}

struct LowerRecurrence : OpRewritePattern<RecurrenceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RecurrenceOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t groups = op.getKeyHeads();
    Value past = e.castTensor(op.getPast(), rewriter.getF32Type());
    Value state = e.split(past, 1, {groups, int64_t(op.getHeads()) / groups});
    Value empty = e.empty(e.sizesOf(op.getValue()), elementOf(op.getResult()));
    TokenStep step(op);
    SmallVector<Value> last = e.loop(
        e.dimValue(op.getQuery(), 1), {state, empty},
        [&](Emit &e, Value token, ValueRange carried) -> SmallVector<Value> {
          auto [next, row] = step.emit(e, token, carried[0]);
          return {next, e.insertSlice(row, carried[1], 1, token)};
        });
    Value present = e.merge(last[0], 1, 2);
    rewriter.replaceOp(
        op, {last[1], e.castTensor(present, elementOf(op.getPresent()))});
    return success();
  }
};

} // namespace

void portolan::populateRecurrencePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerShortConvolution, LowerRecurrence>(patterns.getContext());
}
