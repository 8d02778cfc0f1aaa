//===- PlanApply.cpp - what plan ops do to a payload ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Strict: a decision must be legal after those before it, or the op fails
// silenceably. With a ledger: the op records the repaired value.
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Plan.h"
#include "dialects/Plan/IR/Remarks.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::plan;
using mlir::transform::TransformState;

namespace {

/// The one module that a handle must stand for.
DiagnosedSilenceableFailure payloadOf(Operation *op, TransformState &state,
                                      ModuleOp &module) {
  auto payload = state.getPayloadOps(op->getOperand(0));
  auto begin = payload.begin();
  if (begin == payload.end() || std::next(begin) != payload.end())
    return emitDefiniteFailure(op, "expects a handle of one module");
  module = dyn_cast<ModuleOp>(*begin);
  if (!module)
    return emitDefiniteFailure(op, "expects a handle of a module, got '")
           << (*begin)->getName() << "'";
  return DiagnosedSilenceableFailure::success();
}

DiagnosedSilenceableFailure targetOf(Operation *op, TransformState &state,
                                     ModuleOp module,
                                     TargetExtension *&target) {
  target = state.getExtension<TargetExtension>();
  if (target)
    return DiagnosedSilenceableFailure::success();
  llvm::Expected<TargetExtension *> loaded =
      TargetExtension::load(state, module);
  if (!loaded)
    return emitDefiniteFailure(op, llvm::toString(loaded.takeError()));
  target = *loaded;
  return DiagnosedSilenceableFailure::success();
}

DiagnosedSilenceableFailure refuseStrictly(Operation *op, ModuleOp module,
                                           const TargetExtension &target,
                                           PlanClass planClass, PlanValue value,
                                           const Refusal &refusal) {
  emitMissed(module.getLoc(), planClass, value, value, "infeasible", refusal);
  return emitSilenceableFailure(op)
         << spell(planClass) << " = " << spell(planClass, value)
         << " is not legal on '" << target.context().machine.name
         << "': " << refusal.reason << " (" << refusal.id << ")";
}

DiagnosedSilenceableFailure applyDecisions(Operation *op,
                                           TransformState &state) {
  ModuleOp module;
  if (DiagnosedSilenceableFailure result = payloadOf(op, state, module);
      !result.succeeded())
    return result;
  TargetExtension *target;
  if (DiagnosedSilenceableFailure result = targetOf(op, state, module, target);
      !result.succeeded())
    return result;
  auto *ledger = state.getExtension<LedgerExtension>();
  for (const PlanOpInfo &info : planOps()) {
    if (op->getName().getStringRef() != info.name)
      continue;
    for (PlanClass planClass : info.classes) {
      auto text = op->getAttrOfType<StringAttr>(spell(planClass));
      PlanValue value =
          llvm::cantFail(portolan::parsePlanValue(planClass, text.getValue()));
      if (ledger)
        value = ledger->sequence.next(planClass, value).value;
      else if (std::optional<Refusal> refusal = target->family().legalize(
                   planClass, value, target->point, target->context()))
        return refuseStrictly(op, module, *target, planClass, value, *refusal);
      target->point.set(planClass, value);
    }
  }
  return DiagnosedSilenceableFailure::success();
}

DiagnosedSilenceableFailure applyCommit(Operation *op, TransformState &state) {
  ModuleOp module;
  if (DiagnosedSilenceableFailure result = payloadOf(op, state, module);
      !result.succeeded())
    return result;
  TargetExtension *target;
  if (DiagnosedSilenceableFailure result = targetOf(op, state, module, target);
      !result.succeeded())
    return result;
  if (auto *ledger = state.getExtension<LedgerExtension>()) {
    Repair &repair = ledger->result = ledger->sequence.finish();
    target->point = repair.plan;
    for (PlanClass planClass : allPlanClasses()) {
      const RepairedDecision &decision = repair.decisions[unsigned(planClass)];
      if (decision.refusal)
        emitMissed(module.getLoc(), planClass, decision.source, decision.value,
                   "repaired", *decision.refusal);
    }
  } else if (std::optional<Refusal> refusal =
                 refuseCapacity(target->point, target->context())) {
    return refuseStrictly(op, module, *target, PlanClass::instance,
                          target->point.get(PlanClass::instance), *refusal);
  }
  module->setAttr(kPointAttr, pointAttr(target->point, *module.getContext()));
  return DiagnosedSilenceableFailure::success();
}

} // namespace

#define PORTOLAN_PLAN_OP(Op)                                                   \
  DiagnosedSilenceableFailure Op::apply(transform::TransformRewriter &,        \
                                        transform::TransformResults &,         \
                                        TransformState &state) {               \
    return applyDecisions(*this, state);                                       \
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
#undef PORTOLAN_PLAN_OP

DiagnosedSilenceableFailure CommitOp::apply(transform::TransformRewriter &,
                                            transform::TransformResults &,
                                            TransformState &state) {
  return applyCommit(*this, state);
}
