//===- PlanOps.cpp - syntax and verification of plans ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Plan.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::plan;

namespace portolan::plan {

/// A value is written bare: 8, all, nvfp4/fp8.
static ParseResult parsePlanValue(OpAsmParser &parser, StringAttr &value) {
  std::string text;
  int64_t number;
  OptionalParseResult isNumber = parser.parseOptionalInteger(number);
  if (isNumber.has_value()) {
    if (failed(*isNumber))
      return failure();
    text = std::to_string(number);
  } else {
    StringRef word;
    if (parser.parseKeyword(&word))
      return failure();
    text = word.str();
    if (succeeded(parser.parseOptionalSlash())) {
      if (parser.parseKeyword(&word))
        return failure();
      text += "/" + word.str();
    }
  }
  value = parser.getBuilder().getStringAttr(text);
  return success();
}

static void printPlanValue(OpAsmPrinter &printer, Operation *,
                           StringAttr value) {
  printer << value.getValue();
}

} // namespace portolan::plan

#define GET_OP_CLASSES
#include "dialects/Plan/IR/PlanOps.cpp.inc"

ArrayRef<PlanOpInfo> plan::planOps() {
  static const PlanOpInfo ops[] = {
      {SetFormatOp::getOperationName(),
       {PlanClass::weightFormat, PlanClass::activationFormat,
        PlanClass::kvFormat}},
      {InstanceOp::getOperationName(), {PlanClass::instance}},
      {PipelineOp::getOperationName(), {PlanClass::pipeline}},
      {ShardAttentionOp::getOperationName(),
       {PlanClass::attentionTp, PlanClass::attentionCp}},
      {ShardExpertsOp::getOperationName(),
       {PlanClass::expertTp, PlanClass::placementForm}},
      {PlaceExpertsOp::getOperationName(), {PlanClass::replicas}},
      {PlaceWeightsOp::getOperationName(), {PlanClass::residency}},
      {ExchangeOp::getOperationName(),
       {PlanClass::dispatchExchange, PlanClass::combineExchange}},
      {ReductionOp::getOperationName(), {PlanClass::reduction}},
      {OverlapOp::getOperationName(), {PlanClass::overlap}},
      {BatchOp::getOperationName(), {PlanClass::batchForm}},
      {SplitPhasesOp::getOperationName(), {PlanClass::phaseSplit}},
      {FuseOp::getOperationName(), {PlanClass::fusion}},
      {TileOp::getOperationName(), {PlanClass::tile}},
      {SpeculateOp::getOperationName(), {PlanClass::speculation}},
  };
  return ops;
}

static bool isPlanOp(Operation &op) {
  return isa_and_nonnull<PlanDialect>(op.getDialect());
}

LogicalResult plan::verifyNormalForm(Block &block) {
  // The op that should come next; the last is plan.commit.
  size_t next = 0;
  auto expected = [&]() -> StringRef {
    return next < planOps().size() ? StringRef(planOps()[next].name)
                                   : CommitOp::getOperationName();
  };
  Value handle;
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      break;
    StringRef name = op.getName().getStringRef();
    if (next > planOps().size())
      return op.emitOpError("expects nothing after 'plan.commit'");
    if (name != expected())
      return op.emitOpError("expects '")
             << expected() << "' in its place: a plan has every op once, in "
             << "order";
    if (!handle)
      handle = op.getOperand(0);
    if (op.getOperand(0) != handle)
      return op.emitOpError("expects the handle of the other ops of the plan");
    ++next;
  }
  if (next <= planOps().size())
    return block.getParentOp()->emitError("expects '")
           << expected() << "' at the end of the plan";
  return success();
}

/// Verifies the values of one op and, on the first op of a block, the block.
static LogicalResult verifyPlanOp(Operation *op) {
  for (const PlanOpInfo &info : planOps()) {
    if (op->getName().getStringRef() != info.name)
      continue;
    for (PlanClass planClass : info.classes) {
      auto text = op->getAttrOfType<StringAttr>(spell(planClass));
      llvm::Expected<PlanValue> value =
          portolan::parsePlanValue(planClass, text.getValue());
      if (!value)
        return op->emitOpError(llvm::toString(value.takeError()));
    }
  }
  for (Operation &other : *op->getBlock())
    if (isPlanOp(other)) {
      if (&other == op)
        return verifyNormalForm(*op->getBlock());
      break;
    }
  return success();
}

#define PORTOLAN_PLAN_OP(Op)                                                   \
  LogicalResult Op::verify() { return verifyPlanOp(*this); }                   \
  void Op::getEffects(                                                         \
      SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {               \
    transform::onlyReadsHandle(getTargetMutable(), effects);                   \
    transform::modifiesPayload(effects);                                       \
  }
PORTOLAN_PLAN_OP(SetFormatOp)
PORTOLAN_PLAN_OP(InstanceOp)
PORTOLAN_PLAN_OP(PipelineOp)
PORTOLAN_PLAN_OP(ShardAttentionOp)
PORTOLAN_PLAN_OP(ShardExpertsOp)
PORTOLAN_PLAN_OP(PlaceExpertsOp)
PORTOLAN_PLAN_OP(PlaceWeightsOp)
PORTOLAN_PLAN_OP(ExchangeOp)
PORTOLAN_PLAN_OP(ReductionOp)
PORTOLAN_PLAN_OP(OverlapOp)
PORTOLAN_PLAN_OP(BatchOp)
PORTOLAN_PLAN_OP(SplitPhasesOp)
PORTOLAN_PLAN_OP(FuseOp)
PORTOLAN_PLAN_OP(TileOp)
PORTOLAN_PLAN_OP(SpeculateOp)
PORTOLAN_PLAN_OP(CommitOp)
#undef PORTOLAN_PLAN_OP
