//===- Repair.h - a plan made legal on another target ----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// R = repair(plan, t): the plan of Space(t) that stands for a foreign plan.
//
// Process: class by class in order, each seeing the repaired classes before it,
//   by the family's ladder; then, if one request does not fit into memory, a
//   larger instance, then tensor parallelism, then pipelining, one legal step
//   at a time, with the later classes repaired again.
// By legality and capacity only, never by price. (Tile and fusion across
// families are the exception; that is the search's part, not done here.)
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_PLAN_REPAIR_H
#define PORTOLAN_PLAN_REPAIR_H

#include "portolan/Target/Family.h"

namespace portolan {

/// What became of one decision.
struct RepairedDecision {
  PlanValue source = kNone;
  PlanValue value = kNone;
  /// Why the source value did not stay; nothing if it did.
  std::optional<Refusal> refusal;
};

struct Repair {
  PlanPoint plan;
  std::array<RepairedDecision, kNumPlanClasses> decisions;
  /// The ladder ended: one request does not fit into memory whatever the
  /// instance, tensor parallelism and pipelining.
  std::optional<Refusal> infeasible;
};

/// Repairs class by class: feed the classes in order, then finish().
class RepairSequence {
public:
  RepairSequence(const Family &family, PlanContext context)
      : family(family), context(context) {}

  /// Repairs the next class; its value in R so far.
  const RepairedDecision &next(PlanClass planClass, PlanValue source);

  /// Repairs what is joint, once every class was fed.
  Repair finish();

  const Repair &current() const { return repair; }

private:
  /// Repairs all classes from `first` on, from their source values or from the
  /// values that capacity forced.
  void redo(unsigned first);
  bool grow(PlanClass planClass);
  std::optional<PlanValue> nextLarger(PlanClass planClass) const;

  const Family &family;
  PlanContext context;
  Repair repair;
  std::array<std::optional<PlanValue>, kNumPlanClasses> forced;
  std::array<std::optional<Refusal>, kNumPlanClasses> forcedBy;
};

Repair repairPlan(const PlanPoint &source, const Family &family,
                  PlanContext context);

/// Why one request does not fit into memory; nothing if it does.
std::optional<Refusal> refuseCapacity(const PlanPoint &plan,
                                      PlanContext context);

/// The first class whose value is not legal after those before it, with the
/// reason.
std::optional<std::pair<PlanClass, Refusal>>
firstIllegal(const PlanPoint &plan, const Family &family, PlanContext context);

} // namespace portolan

#endif // PORTOLAN_PLAN_REPAIR_H
