//===- Tokenwise.cpp - token-wise moe ops to linalg -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops that treat each token alone: they run on [tokens, width] views.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

Value portolan::emitActivation(Emit &e, Activation activation, Value x,
                               double alpha) {
  switch (activation) {
  case Activation::silu:
    return e.mul(x, e.sigmoid(alpha == 1 ? x : e.mul(x, e.f32(alpha))));
  case Activation::gelu: {
    // x / 2 * (1 + erf(x / sqrt(2))).
    Value scaled = e.mul(x, e.f32(0.70710678118654752));
    Value erf = math::ErfOp::create(e.builder, e.loc, scaled);
    return e.mul(e.mul(x, e.f32(0.5)), e.add(erf, e.f32(1)));
  }
  case Activation::gelu_tanh: {
    // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).
    Value cube = e.mul(e.mul(x, x), x);
    Value inner = e.mul(e.add(x, e.mul(cube, e.f32(0.044715))),
                        e.f32(0.79788456080286536));
    Value tanh = math::TanhOp::create(e.builder, e.loc, inner);
    return e.mul(e.mul(x, e.f32(0.5)), e.add(tanh, e.f32(1)));
  }
  case Activation::relu:
    return e.max(x, e.f32(0));
  case Activation::identity:
    return x;
  case Activation::sigmoid:
    return e.sigmoid(x);
  case Activation::relu_squared: {
    Value positive = e.max(x, e.f32(0));
    return e.mul(positive, positive);
  }
  }
  llvm_unreachable("the switch covers the enumeration");
}

/// x limited to (-cap, cap) by a tanh.
static Value emitCap(Emit &e, Value x, double cap) {
  Value tanh = math::TanhOp::create(e.builder, e.loc, e.div(x, e.f32(cap)));
  return e.mul(tanh, e.f32(cap));
}

Value portolan::emitFeedForward(Emit &e, ValueRange parts,
                                const FeedForwardForm &form) {
  Value gate = parts[0];
  bool limited = parts.size() == 2 && form.limit > 0;
  if (limited && !form.limitsActivated)
    gate = e.min(gate, e.f32(form.limit));
  Value activated = emitActivation(e, form.activation, gate, form.alpha);
  if (form.gateCap > 0) {
    // The verifier allows a cap in silu alone, whose sigmoid it spares.
    Value argument = form.alpha == 1 ? gate : e.mul(gate, e.f32(form.alpha));
    activated = e.mul(emitCap(e, gate, form.gateCap), e.sigmoid(argument));
  }
  if (limited && form.limitsActivated)
    activated = e.min(activated, e.f32(form.limit));
  if (parts.size() == 1)
    return activated;
  Value linear = parts[1];
  if (form.limit > 0)
    linear = e.max(e.min(linear, e.f32(form.limit)), e.f32(-form.limit));
  if (form.linearOffset != 0)
    linear = e.add(linear, e.f32(form.linearOffset));
  if (form.linearCap > 0)
    linear = emitCap(e, linear, form.linearCap);
  return e.mul(activated, linear);
}

Value portolan::emitSoftplus(Emit &e, Value x) {
  // max(x, 0) + log(1 + exp(-|x|)), which overflows nowhere.
  Value negated = e.sub(e.f32(0), math::AbsFOp::create(e.builder, e.loc, x));
  Value rest = math::Log1pOp::create(e.builder, e.loc, e.exp(negated));
  return e.add(e.max(x, e.f32(0)), rest);
}

Value portolan::emitBias(Emit &e, StringRef spec, Value product, Value bias,
                         Type element, int64_t share) {
  return e.map(spec, {product, bias}, element, [&](Emit &e, ValueRange args) {
    Value part =
        share == 1 ? args[1] : e.mul(args[1], e.f32(1 / double(share)));
    return e.add(args[0], part);
  });
}

namespace {

struct LowerEmbedding : OpRewritePattern<EmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(EmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value table = op.getTable();
    int64_t rank = typeOf(op.getIds()).getRank();
    // Letters a, b, .. for the dimensions of the ids; w for the width.
    std::string ids;
    for (int64_t i = 0; i < rank; ++i)
      ids += char('a' + i);
    Value vocabulary = e.dimValue(table, 0);
    Value result =
        e.map(ids + "->" + ids + "w", op.getIds(), elementOf(op.getResult()),
              [&](Emit &e, ValueRange args) {
                // An id outside the table must not become a stray access.
                Value id = e.clampIndex(
                    e.cast(args[0], e.builder.getIndexType()), vocabulary);
                return e.extract(table, {id, e.at('w')});
              },
              {{'w', e.dim(table, 1)}});
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerRmsNorm : OpRewritePattern<RmsNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RmsNormOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    auto type = typeOf(op.getInput());
    int64_t run = typeOf(op.getGain()).getDimSize(0);
    int64_t runs = type.getShape().back() / run;
    int64_t groups = op.getGroups(), size = run / groups;
    Value x = e.split(e.rows(op.getInput()), 1, {runs, groups, size});
    Value gain = e.split(op.getGain(), 0, {groups, size});
    if (op.getCentered()) {
      Value sum = e.reduce("trgn->trg", x, 0, [](Emit &e, ValueRange args) {
        return e.add(args[1], args[0]);
      });
      x = e.map("trgn,trg->trgn", {x, sum}, rewriter.getF32Type(),
                [&](Emit &e, ValueRange args) {
                  return e.sub(args[0], e.div(args[1], e.f32(double(size))));
                });
    }
    Value squares = e.reduce("trgn->trg", x, 0, [](Emit &e, ValueRange args) {
      return e.add(args[1], e.mul(args[0], args[0]));
    });
    double epsilon = op.getEpsilon().convertToDouble();
    double offset = op.getGainOffset().convertToDouble();
    SmallVector<Value> inputs = {x, squares, gain};
    if (op.getShift())
      inputs.push_back(e.split(op.getShift(), 0, {groups, size}));
    Value result = e.map(
        op.getShift() ? "trgn,trg,gn,gn->trgn" : "trgn,trg,gn->trgn", inputs,
        type.getElementType(), [&](Emit &e, ValueRange args) -> Value {
          Value mean = e.div(args[1], e.f32(double(size)));
          Value norm = math::SqrtOp::create(e.builder, e.loc,
                                            e.add(mean, e.f32(epsilon)));
          Value factor = offset == 0 ? args[2] : e.add(args[2], e.f32(offset));
          Value normed = e.mul(e.div(args[0], norm), factor);
          return args.size() == 4 ? e.add(normed, args[3]) : normed;
        });
    rewriter.replaceOp(op, e.unrows(e.merge(result, 1, 3), op.getInput()));
    return success();
  }
};

struct LowerLinear : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value input = op.getInput();
    if (op.getLastPosition()) {
      int64_t kept =
          cast<RankedTensorType>(op.getResult().getType()).getDimSize(1);
      Value first = e.sub(e.dimValue(input, 1), e.index(kept));
      input = e.slice(input, 1, first, rewriter.getIndexAttr(kept));
    }
    Value product = e.contract("tk,kn->tn", {e.rows(input), op.getWeight()});
    Type element = elementOf(op.getResult());
    if (op.getBias())
      product = emitBias(e, "tn,n->tn", product, op.getBias(), element,
                         op.getBiasShare());
    rewriter.replaceOp(op, e.unrows(e.castTensor(product, element), input));
    return success();
  }
};

struct LowerAdd : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value result = e.map(
        "tn,tn->tn", {e.rows(op.getLhs()), e.rows(op.getRhs())},
        elementOf(op.getResult()), [&](Emit &e, ValueRange args) {
          auto scaled = [&](Value value, double scale) {
            return scale == 1 ? value : e.mul(value, e.f32(scale));
          };
          return e.add(scaled(args[0], op.getLhsScale().convertToDouble()),
                       scaled(args[1], op.getRhsScale().convertToDouble()));
        });
    rewriter.replaceOp(op, e.unrows(result, op.getLhs()));
    return success();
  }
};

struct LowerScale : OpRewritePattern<ScaleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaleOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    double factor = op.getFactor().convertToDouble();
    double cap = op.getSoftCap().convertToDouble();
    double limit = op.getLimit().convertToDouble();
    Value result =
        e.map("tn->tn", e.rows(op.getInput()), elementOf(op.getResult()),
              [&](Emit &e, ValueRange args) -> Value {
                Value y = e.mul(args[0], e.f32(factor));
                if (limit > 0)
                  y = e.max(e.min(y, e.f32(limit)), e.f32(-limit));
                if (cap == 0)
                  return y;
                return emitCap(e, y, cap);
              });
    rewriter.replaceOp(op, e.unrows(result, op.getInput()));
    return success();
  }
};

struct LowerGate : OpRewritePattern<GateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GateOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    int64_t gates = typeOf(op.getGate()).getShape().back();
    bool isShared = typeOf(op.getGate()).getRank() == 1;
    int64_t width = typeOf(op.getInput()).getShape().back();
    Value input = e.split(e.rows(op.getInput()), 1, {gates, width / gates});
    Value result = e.map(
        isShared ? "tgw,g->tgw" : "tgw,tg->tgw",
        {input, isShared ? Value(op.getGate()) : e.rows(op.getGate())},
        elementOf(op.getResult()), [&](Emit &e, ValueRange args) {
          return e.mul(args[0], emitActivation(e, op.getActivation(), args[1]));
        });
    rewriter.replaceOp(op, e.unrows(e.merge(result, 1, 2), op.getInput()));
    return success();
  }
};

struct LowerMlp : OpRewritePattern<MlpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MlpOp op,
                                PatternRewriter &rewriter) const override {
    Emit e(rewriter, op.getLoc());
    Value input = e.rows(op.getInput());
    SmallVector<Value> parts;
    if (op.getGate())
      parts.push_back(e.contract("th,hi->ti", {input, op.getGate()}));
    parts.push_back(e.contract("th,hi->ti", {input, op.getUp()}));
    Value inner = e.map(op.getGate() ? "ti,ti->ti" : "ti->ti", parts,
                        rewriter.getF32Type(), [&](Emit &e, ValueRange args) {
                          return emitFeedForward(e, args, FeedForwardForm(op));
                        });
    inner = emitInnerFormats(e, op, inner);
    Value result = e.contract("ti,ih->th", {inner, op.getDown()});
    rewriter.replaceOp(op,
                       e.unrows(e.castTensor(result, elementOf(op.getResult())),
                                op.getInput()));
    return success();
  }
};

} // namespace

void portolan::populateTokenwisePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerEmbedding, LowerRmsNorm, LowerLinear, LowerAdd, LowerGate,
               LowerScale, LowerMlp>(patterns.getContext());
}
