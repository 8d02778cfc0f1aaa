//===- Patterns.h - moe to linalg, by op family ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One source per op family; each adds its patterns.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOLINALG_PATTERNS_H
#define PORTOLAN_LIB_CONVERSION_MOETOLINALG_PATTERNS_H

#include "dialects/Moe/IR/Moe.h"
#include "lib/Conversion/MoeToLinalg/Emit.h"
#include "mlir/IR/PatternMatch.h"
#include "portolan/Support/NumberFormats.h"

namespace portolan {

/// dequantize.
void populateDequantizePatterns(mlir::RewritePatternSet &patterns);
/// fake_quantize.
void populateFakeQuantizePatterns(mlir::RewritePatternSet &patterns);
/// embedding, rms_norm, linear, add, gate, scale, mlp.
void populateTokenwisePatterns(mlir::RewritePatternSet &patterns);
/// rotary_table, rope.
void populateRotaryPatterns(mlir::RewritePatternSet &patterns);
/// attention, shared_attention, latent_attention, indexed_latent_attention,
/// chosen_latent_attention.
void populateAttentionPatterns(mlir::RewritePatternSet &patterns);
/// depth_attention.
void populateDepthPatterns(mlir::RewritePatternSet &patterns);
/// read_streams, write_streams.
void populateStreamsPatterns(mlir::RewritePatternSet &patterns);
/// pool_keys, pooled_attention, grouped_linear.
void populatePooledPatterns(mlir::RewritePatternSet &patterns);
/// short_convolution, recurrence.
void populateRecurrencePatterns(mlir::RewritePatternSet &patterns);
/// route.
void populateRoutePatterns(mlir::RewritePatternSet &patterns);
/// dispatch, experts, combine.
void populateExpertsPatterns(mlir::RewritePatternSet &patterns);

/// activation(x) in f32; `alpha` scales the argument of a sigmoid.
mlir::Value emitActivation(Emit &e, moe::Activation activation, mlir::Value x,
                           double alpha = 1);
/// How the parts of a feed-forward block meet (see moe.experts).
struct FeedForwardForm {
  FeedForwardForm(moe::Activation activation, double limit, double alpha,
                  double linearOffset, double gateCap, double linearCap)
      : activation(activation), limit(limit), alpha(alpha),
        linearOffset(linearOffset), gateCap(gateCap), linearCap(linearCap) {}
  template <typename OpT>
  explicit FeedForwardForm(OpT op)
      : activation(op.getActivation()), limit(op.getLimit().convertToDouble()),
        alpha(op.getAlpha().convertToDouble()),
        linearOffset(op.getLinearOffset().convertToDouble()),
        gateCap(op.getGateCap().convertToDouble()),
        linearCap(op.getLinearCap().convertToDouble()),
        limitsActivated(op.getLimitsActivated()) {}

  moe::Activation activation;
  double limit, alpha, linearOffset, gateCap, linearCap;
  bool limitsActivated;
};
/// act(gate) * (linear + offset) of a gate and a linear part, or act(linear).
mlir::Value emitFeedForward(Emit &e, mlir::ValueRange parts,
                            const FeedForwardForm &form);
/// How experts are chosen from logits (see moe.route), with the operands.
struct RouteForm {
  template <typename OpT>
  explicit RouteForm(OpT op)
      : bias(op.getBias()), correction(op.getCorrection()), ids(op.getIds()),
        table(op.getTable()), topK(op.getTopK()), scoring(op.getScoring()),
        groups(op.getGroups()), topGroups(op.getTopGroups()),
        groupRank(op.getGroupRank()), normalize(op.getNormalize()),
        scale(op.getScale().convertToDouble()),
        jitter(op.getJitter().convertToDouble()) {}

  mlir::Value bias, correction, ids, table; ///< null if absent
  int64_t topK;
  moe::Scoring scoring;
  int64_t groups, topGroups, groupRank;
  bool normalize;
  double scale, jitter;
};
struct Choice {
  mlir::Value weights; ///< [T,K] of f32
  mlir::Value indices; ///< [T,K] of index
};
/// The choice from logits [T,E] of f32, of all experts.
Choice emitChoice(Emit &e, mlir::Value logits, const RouteForm &form);
/// log(1 + exp(x)) in f32.
mlir::Value emitSoftplus(Emit &e, mlir::Value x);
/// `product` plus a `share`-th of `bias`, by the letters of `spec`.
mlir::Value emitBias(Emit &e, llvm::StringRef spec, mlir::Value product,
                     mlir::Value bias, mlir::Type element, int64_t share);
/// `tensor` rounded as fakeQuantize() says.
mlir::Value emitFakeQuantize(Emit &e, mlir::Value tensor,
                             const Quantization &rule, int64_t axis,
                             int64_t tensorDims);
/// [T,I] rounded row by row as `moe.inner_formats` of `op` says.
mlir::Value emitInnerFormats(Emit &e, mlir::Operation *op, mlir::Value rows);
/// How many of `keys` [B,T,I] a token of `query` [B,S,heads*I] with `weights`
/// [B,S,heads] takes before each, [B,S,T], for a past of `past` keys (see
/// moe.indexed_latent_attention). `ratio`: tokens that each key stands for.
mlir::Value emitKeyOrder(Emit &e, mlir::Value query, mlir::Value keys,
                         mlir::Value weights, int64_t heads, int64_t past,
                         int64_t ratio = 1);
/// Which of them are among the first `topKeys`: 1 or 0 [B,S,T].
mlir::Value emitChosenKeys(Emit &e, mlir::Value order, int64_t topKeys);
/// Where the first `topKeys` of the visible ones are, in their order:
/// [B,S,topKeys] of i32, -1 where there are fewer.
mlir::Value emitChosenPositions(Emit &e, mlir::Value order, int64_t past,
                                int64_t topKeys);
/// Which of `keys` keys `positions` [B,S,K] name: 1 or 0 [B,S,T].
mlir::Value emitKeysAt(Emit &e, mlir::Value positions, int64_t keys);

} // namespace portolan

#endif // PORTOLAN_LIB_CONVERSION_MOETOLINALG_PATTERNS_H
