//===- Repair.cpp - a plan made legal on another target -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Plan/Repair.h"
#include "portolan/Analysis/Estimate.h"

using namespace portolan;

std::optional<Refusal> portolan::refuseCapacity(const PlanPoint &plan,
                                                PlanContext context) {
  const Machine &machine = context.machine;
  llvm::Expected<Deployment> deployment = deploymentOf(plan, machine.topology);
  if (!deployment) {
    Refusal refusal;
    refusal.id = "group_shape_not_expressible";
    refusal.reason = llvm::toString(deployment.takeError());
    return refusal;
  }
  PricedMachine priced(machine, Corner::nominal);
  MemoryUse use = memoryUse(context.model, plan, *deployment, context.workload,
                            /*sequences=*/deployment->microBatches);
  double needed = use.weightBytes + use.cacheBytes + use.activationBytes;
  double available = priced.capacityBytes() - priced.reserveBytes();
  if (needed <= available)
    return std::nullopt;
  Refusal refusal;
  refusal.id = "capacity_exceeded";
  refusal.reason = "one request does not fit into the memory of a chip";
  refusal.resource = machine.memories.front().name;
  refusal.needed = needed;
  refusal.available = available;
  refusal.unit = "bytes";
  refusal.op =
      spell(context.model.experts > 0 ? OpKind::experts : OpKind::linear);
  return refusal;
}

const RepairedDecision &RepairSequence::next(PlanClass planClass,
                                             PlanValue source) {
  RepairedDecision &decision = repair.decisions[unsigned(planClass)];
  decision.source = source;
  redo(unsigned(planClass));
  return decision;
}

void RepairSequence::redo(unsigned first) {
  // Classes after `first` that were not fed yet are not touched.
  RepairedDecision &decision = repair.decisions[first];
  PlanClass planClass = PlanClass(first);
  decision.refusal =
      family.legalize(planClass, decision.source, repair.plan, context);
  PlanValue wanted = forced[first].value_or(decision.source);
  decision.value = family.repair(planClass, wanted, repair.plan, context);
  if (forced[first])
    decision.refusal = forcedBy[first];
  if (decision.value == decision.source)
    decision.refusal.reset();
  repair.plan.values[first] = decision.value;
}

std::optional<PlanValue> RepairSequence::nextLarger(PlanClass planClass) const {
  PlanPoint prefix;
  for (unsigned c = 0; c < unsigned(planClass); ++c)
    prefix.values[c] = repair.plan.values[c];
  llvm::SmallVector<PlanValue, 32> values;
  family.values(planClass, prefix, context, values);
  const Topology &topology = context.machine.topology;
  auto sizeOf = [&](PlanValue value) -> int64_t {
    if (value == kInstanceAll)
      return topology.chips();
    if (value == kInstanceDomain)
      return std::min(topology.domain, topology.chips());
    return std::max<int64_t>(value, 1);
  };
  int64_t now = sizeOf(repair.plan.get(planClass));
  std::optional<PlanValue> best;
  for (PlanValue value : values)
    if (sizeOf(value) > now && (!best || sizeOf(value) < sizeOf(*best)))
      best = value;
  return best;
}

bool RepairSequence::grow(PlanClass planClass) {
  std::optional<PlanValue> larger = nextLarger(planClass);
  if (!larger)
    return false;
  forced[unsigned(planClass)] = larger;
  forcedBy[unsigned(planClass)] = refuseCapacity(repair.plan, context);
  for (unsigned c = unsigned(planClass); c < kNumPlanClasses; ++c)
    repair.plan.values[c] = kNone;
  for (unsigned c = unsigned(planClass); c < kNumPlanClasses; ++c)
    redo(c);
  return true;
}

Repair RepairSequence::finish() {
  for (PlanClass planClass :
       {PlanClass::instance, PlanClass::attentionTp, PlanClass::pipeline})
    while (refuseCapacity(repair.plan, context))
      if (!grow(planClass))
        break;
  repair.infeasible = refuseCapacity(repair.plan, context);
  return repair;
}

Repair portolan::repairPlan(const PlanPoint &source, const Family &family,
                            PlanContext context) {
  RepairSequence sequence(family, context);
  for (PlanClass planClass : allPlanClasses())
    sequence.next(planClass, source.get(planClass));
  return sequence.finish();
}

std::optional<std::pair<PlanClass, Refusal>>
portolan::firstIllegal(const PlanPoint &plan, const Family &family,
                       PlanContext context) {
  PlanPoint prefix;
  for (PlanClass planClass : allPlanClasses()) {
    PlanValue value = plan.get(planClass);
    if (std::optional<Refusal> refusal =
            family.legalize(planClass, value, prefix, context))
      return std::pair(planClass, std::move(*refusal));
    prefix.set(planClass, value);
  }
  return std::nullopt;
}
