//===- Transfer.h - one plan on another target -----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the parts of the carry-over analysis; not public.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_SEARCH_TRANSFER_H
#define PORTOLAN_LIB_SEARCH_TRANSFER_H

#include "portolan/Search/Carryover.h"
#include <map>

namespace portolan {

/// The best objectives of a source with a value of a class among those given:
/// targets that allow the same values ask for the same.
using KnownWorths =
    std::map<std::pair<PlanClass, std::vector<PlanValue>>, double>;

/// The best plans of a target with a value of a class, where they beat the
/// plans that were replayed: several sources bring the same value.
using KnownFixed = std::map<std::pair<PlanClass, PlanValue>, RankedPlan>;

/// A target under one limit, with its tuner.
struct TunedTarget {
  const Target &target;
  Tuner &tuner;
  const TargetResult &result;
  KnownWorths &worths;
  KnownFixed &fixed;
};

/// What replays a plan of `source` on `target`.
class Transfer {
public:
  /// `sourcePlan` is what the source runs; `plan` is what is replayed: the same
  /// unless a plan was pinned.
  Transfer(TunedTarget source, TunedTarget target, const PlanPoint &sourcePlan,
           const PlanPoint &plan, double limitSeconds)
      : source(source), target(target), sourcePlan(sourcePlan), plan(plan),
        limit(limitSeconds) {}

  /// Fills everything but the indices. Counts searched plans.
  llvm::Error run(TransferResult &result, uint64_t &evaluations);

private:
  llvm::Error price(TransferResult &result);
  llvm::Error decide(TransferResult &result);
  llvm::Error attribute(TransferResult &result, DecisionResult &decision);
  llvm::Error findInfeasibleSet(TransferResult &result);
  llvm::Expected<bool> isFeasible(llvm::ArrayRef<PlanClass> fixed);
  /// Nothing if no plan of the source has a value that is legal there: a pinned
  /// plan can leave none.
  llvm::Expected<std::optional<double>> worthAtSource(PlanClass planClass);
  void derive(TransferResult &result);
  /// v({c}), with a plan that reaches it.
  llvm::Expected<RankedPlan> bestWith(PlanClass planClass, double replayed);
  /// v(S) on a tuner, with a plan that reaches it: `fallback` if that is what
  /// was known.
  llvm::Expected<RankedPlan> bestUnder(Tuner &tuner, SearchOptions options,
                                       const PlanPoint &fallback);
  /// Why `with` costs more than `without` on the target.
  llvm::Expected<Refusal> slowerReason(PlanClass planClass,
                                       const PlanPoint &with,
                                       const PlanPoint &without);

  TunedTarget source, target;
  PlanPoint sourcePlan, plan;
  double limit;
  Repair repair;
  PlanPoint repaired; ///< R
  uint64_t searched = 0;
};

/// The remark for a legal decision that costs more: the part of the step in
/// which the cost per token rises most.
Refusal explainSlower(PlanClass planClass, const Evaluation &with,
                      const Evaluation &without, const Machine &machine);

} // namespace portolan

#endif // PORTOLAN_LIB_SEARCH_TRANSFER_H
