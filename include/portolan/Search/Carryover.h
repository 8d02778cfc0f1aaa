//===- Carryover.h - which decisions carry over, and at what cost -*- C++ -*-=//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The main job as data: the best plan of every target, every plan repaired for
// and priced on every other target, the verdict of every decision, and the
// portability figures. Reports print this structure and compute nothing.
//
// Definitions (design section 5): R = repair(P*(s), t), e = f_t(R) /
// f_t(P*(t)); v(S) = the best objective on t with the classes in S fixed to R's
// values; alone = (v({}) - v({c})) / v({}); leave_one_out = (v(D - c) - v(D)) /
// v({}); worth_at_source = 1 - (best objective on s with a value of the class
// that is legal on t, after R's values of the classes before it) / f_s(P*(s)).
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_CARRYOVER_H
#define PORTOLAN_SEARCH_CARRYOVER_H

#include "portolan/Plan/Repair.h"
#include "portolan/Search/Tuner.h"

namespace portolan {

/// A target that takes part.
struct Target {
  std::string name; ///< as asked for
  Machine machine;
  const Family *family = nullptr;
};

/// A derived or assumed figure with the share of the step time whose parts use
/// it. Shares of several figures overlap where a part uses both.
struct AssumedFigure {
  std::string path;
  std::string source;
  double share = 0;
};

/// The best plan of a target.
struct TargetResult {
  /// Nothing if no plan is feasible, for the reason given.
  std::optional<Evaluation> best;
  PlanPoint plan;
  std::optional<Refusal> infeasible;
  std::vector<RankedPlan> ranked; ///< the best and its runners-up
  double idealObjective = 0;
  /// The objective of the plan with every figure low, and high.
  std::optional<std::pair<double, double>> range;
  /// Share of the step time in parts that use derived or assumed figures.
  double assumedShare = 0;
  std::vector<AssumedFigure> assumed; ///< by falling share
  SearchStatistics statistics;
};

enum class Verdict : uint8_t { carries, slower, repaired, infeasible };
llvm::StringRef spell(Verdict verdict);

struct DecisionResult {
  PlanClass planClass;
  PlanValue value = kNone;       ///< in the source's plan
  PlanValue targetValue = kNone; ///< in R
  Verdict verdict = Verdict::carries;
  bool requantised = false;
  std::optional<Refusal> refusal;
  std::optional<double> worthAtSource, alone, leaveOneOut;
};

struct DerivedResult {
  llvm::StringRef name; ///< "dp", "ep"
  int64_t sourceValue, targetValue;
};

struct TransferResult {
  unsigned source, target;
  PlanPoint plan; ///< R
  /// f_t(R); nothing if it is infeasible.
  std::optional<Evaluation> evaluation;
  std::optional<double> efficiency, efficiencyUnseeded;
  Verdict verdict = Verdict::carries;
  std::vector<DecisionResult> decisions; ///< one per class, in order
  std::vector<DerivedResult> derived;
  /// The smallest set of classes that cannot keep R's values together.
  std::vector<PlanClass> infeasibleClasses;
  std::optional<Refusal> infeasible;
  /// Step time of R minus that of the target's best, by part.
  std::optional<Parts> resourceStack;
  unsigned switchingOps = 0;
};

struct PortabilityResult {
  unsigned source;
  double pennycook;
  std::optional<double> mean, minimum, legalShare, switchingDecisions,
      switchingOps;
};

/// Figures of one source over its transfers (those of other sources are
/// skipped).
PortabilityResult portabilityOf(unsigned source,
                                llvm::ArrayRef<TransferResult> transfers);

/// One phase and limit.
struct LimitResult {
  Workload workload;
  std::vector<TargetResult> targets;
  std::vector<TransferResult> transfers; ///< row by row, the diagonal included
  std::vector<PortabilityResult> portability;
};

struct CarryoverResult {
  std::vector<LimitResult> limits;
  uint64_t evaluations = 0;
  double seconds = 0;
};

struct CarryoverRequest {
  const ModelShape &model;
  llvm::ArrayRef<Target> targets;
  /// Limits aside.
  Workload workload;
  llvm::ArrayRef<double> limitSeconds;
  /// Replayed on every target instead of each target's own plan.
  std::optional<PlanPoint> pinned;
  unsigned runnersUp = 5;
  unsigned threads = 2;
};

/// An InternalError if the search missed a plan better than its optimum.
llvm::Expected<CarryoverResult> runCarryover(const CarryoverRequest &request);

/// The best plan of one target under one limit, with its runners-up.
llvm::Expected<TargetResult> tuneTarget(Tuner &tuner, double limitSeconds,
                                        unsigned runnersUp);

/// R with tile and fusion chosen by price, all else fixed: what differs between
/// families there is a kernel's shape, not a deployment.
llvm::Expected<PlanPoint> retuneKernels(Tuner &tuner, const PlanPoint &plan,
                                        double limitSeconds);

/// Fills range, assumedShare and assumed of a feasible result.
llvm::Error addSensitivity(Evaluator &evaluator, double limitSeconds,
                           TargetResult &result);

/// Ops of the lowered program of `plan` on `evaluator`'s machine that the
/// program of `otherPlan` does not have, each distinct layer counted once.
unsigned switchingOps(Evaluator &other, const PlanPoint &otherPlan,
                      int64_t otherConcurrency, Evaluator &evaluator,
                      const PlanPoint &plan, int64_t concurrency);

} // namespace portolan

#endif // PORTOLAN_SEARCH_CARRYOVER_H
