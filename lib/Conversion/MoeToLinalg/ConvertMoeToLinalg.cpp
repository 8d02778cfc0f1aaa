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

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "portolan/Conversion/MoeToLinalg.h"

namespace portolan {
#define GEN_PASS_DEF_CONVERTMOETOLINALG
#include "lib/Conversion/MoeToLinalg/MoeToLinalgPasses.h.inc"
} // namespace portolan

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

void portolan::populateMoeToLinalgPatterns(RewritePatternSet &patterns) {
  populateTokenwisePatterns(patterns);
  populateRotaryPatterns(patterns);
  populateAttentionPatterns(patterns);
  populateRoutePatterns(patterns);
  populateExpertsPatterns(patterns);
}

namespace {

/// Says what is wrong with an op that cannot be decomposed, before any rewrite.
LogicalResult checkLowerable(Operation *op) {
  bool needsStatic = isa<AttentionOp, LatentAttentionOp, RotaryTableOp>(op);
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  for (Type type : types) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      continue;
    Type element = tensor.getElementType();
    if (!isa<Float32Type, BFloat16Type, Float16Type, IntegerType>(element))
      return op->emitOpError("expects f32, bf16, f16 or integer tensors to be "
                             "lowered, got ")
             << type;
    if (needsStatic && !tensor.hasStaticShape())
      return op->emitOpError("expects static shapes to be lowered, got ")
             << type << " (run moe-bind-workload)";
  }
  return success();
}

struct ConvertMoeToLinalg
    : public portolan::impl::ConvertMoeToLinalgBase<ConvertMoeToLinalg> {
  void runOnOperation() override {
    WalkResult checked = getOperation().walk([&](Operation *op) {
      if (!isa_and_nonnull<MoeDialect>(op->getDialect()) ||
          isa<WeightOp, WeightDataOp>(op))
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
