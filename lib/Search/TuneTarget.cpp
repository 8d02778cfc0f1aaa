//===- TuneTarget.cpp - the best plan of one target -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tuning one target, why nothing fits if nothing does, and the choice of
// kernel shapes by price.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Carryover.h"
#include "portolan/Search/IdealBound.h"

using namespace portolan;

namespace {

/// Why no plan is feasible: the plan that comes closest says it. If none holds
/// one request, the plan that needs the least memory; else the fastest one.
llvm::Expected<Refusal> closestRefusal(Tuner &tuner, double limitSeconds) {
  std::optional<Refusal> closest;
  llvm::Error failure = llvm::Error::success();
  tuner.forEachPrefixPlan([&](const PlanPoint &plan) {
    if (failure)
      return;
    llvm::Expected<Evaluation> evaluation =
        tuner.evaluator().best(plan, limitSeconds);
    if (!evaluation) {
      failure = evaluation.takeError();
      return;
    }
    const std::optional<Refusal> &refusal = evaluation->infeasible;
    if (!refusal)
      return;
    bool better = !closest;
    if (closest && refusal->id != closest->id)
      better = closest->id == "capacity_exceeded";
    else if (closest)
      better = refusal->needed < closest->needed;
    if (better)
      closest = refusal;
  });
  if (failure)
    return std::move(failure);
  if (!closest)
    return llvm::createStringError("no plan is feasible and none says why");
  return *closest;
}

} // namespace

llvm::Expected<TargetResult>
portolan::tuneTarget(Tuner &tuner, double limitSeconds, unsigned runnersUp) {
  SearchOptions options;
  options.keep = 1 + runnersUp;
  llvm::Expected<TuneResult> tuned = tuner.search(limitSeconds, options);
  if (!tuned)
    return tuned.takeError();
  TargetResult result;
  result.statistics = tuned->statistics;
  result.idealObjective = idealObjective(tuner.evaluator(), limitSeconds);
  if (tuned->ranked.empty()) {
    llvm::Expected<Refusal> refusal = closestRefusal(tuner, limitSeconds);
    if (!refusal)
      return refusal.takeError();
    result.infeasible = std::move(*refusal);
    return result;
  }
  result.ranked = std::move(tuned->ranked);
  result.plan = result.ranked.front().plan;
  llvm::Expected<Evaluation> best =
      tuner.evaluator().best(result.plan, limitSeconds);
  if (!best)
    return best.takeError();
  result.best = std::move(*best);
  if (llvm::Error error =
          addSensitivity(tuner.evaluator(), limitSeconds, result))
    return std::move(error);
  return result;
}

llvm::Expected<PlanPoint> portolan::retuneKernels(Tuner &tuner,
                                                  const PlanPoint &plan,
                                                  double limitSeconds) {
  SearchOptions options;
  for (PlanClass planClass : allPlanClasses())
    if (planClass != PlanClass::tile && planClass != PlanClass::fusion)
      options.filter.fix(planClass, plan.get(planClass));
  llvm::Expected<TuneResult> tuned = tuner.search(limitSeconds, options);
  if (!tuned)
    return tuned.takeError();
  return tuned->ranked.empty() ? plan : tuned->ranked.front().plan;
}
