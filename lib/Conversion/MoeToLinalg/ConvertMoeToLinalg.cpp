//===- ConvertMoeToLinalg.cpp - moe to linalg -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass; the patterns are in one source per op family.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "dialects/Moe/IR/FakeQuantize.h"
#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "portolan/Conversion/MoeToLinalg.h"
#include "llvm/ADT/TypeSwitch.h"

namespace portolan {
#define GEN_PASS_DEF_CONVERTMOETOLINALG
#include "lib/Conversion/MoeToLinalg/MoeToLinalgPasses.h.inc"
} // namespace portolan

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

void portolan::populateMoeToLinalgPatterns(RewritePatternSet &patterns) {
  populateDequantizePatterns(patterns);
  populateFakeQuantizePatterns(patterns);
  populateTokenwisePatterns(patterns);
  populateRotaryPatterns(patterns);
  populateAttentionPatterns(patterns);
  populateDepthPatterns(patterns);
  populateStreamsPatterns(patterns);
  populatePooledPatterns(patterns);
  populateRecurrencePatterns(patterns);
  populateRoutePatterns(patterns);
  populateExpertsPatterns(patterns);
}

namespace {

/// The operands and results that hold integers; all others hold floats.
SmallVector<Value> integersOf(Operation *op) {
  using Values = SmallVector<Value>;
  return llvm::TypeSwitch<Operation *, Values>(op)
      .Case([](EmbeddingOp op) { return Values{op.getIds()}; })
      .Case<RopeOp, PoolKeysOp>(
          [](auto op) { return Values{op.getPositions()}; })
      .Case<AttentionOp, LatentAttentionOp>(
          [](auto op) { return Values{op.getTotalLengths()}; })
      .Case([](RouteOp op) {
        return Values{op.getIndices(), op.getIds(), op.getTable()};
      })
      .Case(
          [](DispatchOp op) { return Values{op.getIndices(), op.getCounts()}; })
      .Case([](ExpertsOp op) { return Values{op.getCounts()}; })
      .Case([](CombineOp op) { return Values{op.getIndices()}; })
      .Case<IndexedLatentAttentionOp, ChosenLatentAttentionOp>(
          [](auto op) { return Values{op.getChosen()}; })
      .Default([](Operation *) { return Values{}; });
}

/// Says what is wrong with an op that cannot be decomposed, before any rewrite.
LogicalResult checkLowerable(Operation *op) {
  if (isa<DecomposedOp>(op))
    return op->emitOpError("states work only and cannot be executed");
  if (isa<SparseAttentionOp>(op))
    return op->emitOpError(
        "expects to be priced only: the choice of blocks has "
        "no decomposition to be run");
  if (isa<MlpOp, ExpertsOp>(op) && failed(innerRulesOf(op)))
    return failure();
  bool needsStatic =
      isa<AttentionOp, SharedAttentionOp, LatentAttentionOp,
          IndexedLatentAttentionOp, ChosenLatentAttentionOp, RotaryTableOp,
          ShortConvolutionOp, RecurrenceOp, PoolKeysOp, PooledAttentionOp>(op);
  SmallVector<Value> integers = integersOf(op);
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  for (Value value : values) {
    RankedTensorType type = typeOf(value);
    if (needsStatic && !type.hasStaticShape())
      return op->emitOpError("expects static shapes to be lowered, got ")
             << type << " (run moe-bind-workload)";
    // The verifiers have checked that these are integers.
    if (llvm::is_contained(integers, value))
      continue;
    if (!isa<Float32Type, BFloat16Type, Float16Type>(type.getElementType()))
      return op->emitOpError("expects f32, bf16 or f16 tensors to be lowered, "
                             "got ")
             << type;
    if (type.getRank() > 0 && ShapedType::isDynamic(type.getShape().back()))
      return op->emitOpError("expects static widths to be lowered, got ")
             << type;
  }
  return success();
}

struct ConvertMoeToLinalg
    : public portolan::impl::ConvertMoeToLinalgBase<ConvertMoeToLinalg> {
  void runOnOperation() override {
    WalkResult checked = getOperation().walk([&](Operation *op) {
      // The verifier of dequantize says all of what it lowers.
      if (!isa_and_nonnull<MoeDialect>(op->getDialect()) ||
          isa<DequantizeOp, WeightOp, WeightDataOp>(op))
        return WalkResult::advance();
      return WalkResult(checkLowerable(op));
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateMoeToLinalgPatterns(patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalDialect<MoeDialect>();
    target.addLegalOp<WeightOp, WeightDataOp>();
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
