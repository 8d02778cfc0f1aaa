//===- PhasePair.h - prefill and decode at one rate ------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan that serves both phases: requests are prefilled at the rate at which
// they are decoded.
//
// Process: without a phase split every copy does both. While `c` requests
//   decode, c / output of them end per step and as many are prefilled, one
//   prompt per data-parallel rank at a time, which delays the step:
//     TPOT(c) = T(c) + c / (output * prefill rate)
//   and the activations of a prefill take memory from the cache. With a split
//   some copies only prefill, at the concurrency of their best rate under the
//   TTFT limit, and hand the cache over, which adds to TTFT; the rate of the
//   system is that of its slower side, or of the links between.
// Assumptions: one plan serves both phases; arrivals are even; a cache is sent
//   by all ranks that hold a part of it at once.
// Not counted: queueing; memory traffic of a cache that is sent.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_SEARCH_PHASEPAIR_H
#define PORTOLAN_LIB_SEARCH_PHASEPAIR_H

#include "portolan/Search/Evaluate.h"
#include <limits>
#include <unordered_map>

namespace portolan {

class PhasePair {
public:
  /// `decode` evaluates the decode side and must outlive this.
  PhasePair(Evaluator &decode, Corner corner);

  Evaluator &prefill() { return prefillSide; }

  /// Output tokens per second and chip if they exceed `floor`, else 0; NaN if a
  /// figure is unknown.
  double objectiveAbove(const PlanPoint &plan, const Deployment &deployment,
                        double limitSeconds, double floor);

  /// Whether the decode side alone leaves room for more than `floor` at no more
  /// than `largest` requests, an upper bound by what is left out.
  bool mayExceed(const PlanPoint &plan, const Deployment &deployment,
                 double limitSeconds, double floor, int64_t largest,
                 Relaxation relaxation);

  /// No plan that is asked about from now on prefills faster, in prompt tokens
  /// per second and chip.
  void setPrefillBound(double objective) { prefillBound = objective; }

  llvm::Expected<Evaluation> best(const PlanPoint &plan, double limitSeconds);

  /// The concurrency of prefill under the plan, at least 1.
  int64_t prefillConcurrency(const PlanPoint &plan,
                             const Deployment &deployment);

  /// What no plan exceeds whose sides alone reach no more than these, in output
  /// and prompt tokens per second and chip: every request needs both.
  double combine(double decodeObjective, double prefillObjective) const;

private:
  /// The best rate of one side, in requests per second and copy.
  struct Rate {
    int64_t concurrency = 0; ///< 0: none within the limit
    double seconds = 0;
    double requestsPerSecond = 0;
    bool unknown = false;
  };
  /// What the sides of a plan reach alone.
  struct Sides {
    Rate prefill, decode;
    bool known = false;
    /// Not more than this together; not looked at further.
    double atMost = std::numeric_limits<double>::infinity();
    /// With copies of their own, once asked for.
    std::optional<Rate> splitPrefill;
    double handoverSeconds = 0;
  };
  struct Hash {
    size_t operator()(const PlanPoint &plan) const;
  };

  /// One prompt per data-parallel rank at a time.
  Rate promptRate(const PlanPoint &plan, const Deployment &deployment);
  /// The best concurrencies per second of one side, above the floor.
  static Rate sideRate(Evaluator &side, const PlanPoint &plan,
                       const Deployment &deployment, double limitSeconds,
                       double floorRate);
  /// Rates at or below the floor are of no interest.
  Rate prefillRate(const PlanPoint &plan, const Deployment &deployment,
                   double limitSeconds, double floorRate = 0);
  Rate decodeRate(const PlanPoint &plan, const Deployment &deployment,
                  double limitSeconds, double floorRate);
  /// Both on every copy.
  Rate sharedRate(const PlanPoint &plan, const Deployment &deployment,
                  const Rate &prefillRate, double limitSeconds,
                  double floorRate);
  int64_t largestShared(const PlanPoint &plan, const Deployment &deployment,
                        const Rate &prefillRate);
  /// The sides of a plan, whatever its split, as far as they may exceed the
  /// floor together.
  Sides &sidesOf(const PlanPoint &plan, const Deployment &deployment,
                 double limitSeconds, double floor);
  /// Least of the other side's objective that exceeds `floor` with this one.
  double neededOfDecode(double floor, double prefillObjective) const;
  double neededOfPrefill(double floor, double decodeObjective) const;
  void addSplit(const PlanPoint &plan, const Deployment &deployment,
                Sides &sides);
  /// Requests per second of the whole shape.
  double splitRate(const Sides &sides, int64_t prefillCopies,
                   const Deployment &deployment) const;
  double handoverSeconds(const PlanPoint &plan, const Deployment &deployment);
  double decodedPerRequest() const { return double(served.outputTokens); }

  llvm::Expected<Evaluation> bestShared(const PlanPoint &plan,
                                        const Deployment &deployment,
                                        Evaluation prefilled,
                                        double limitSeconds);
  llvm::Expected<Evaluation> bestSplit(const PlanPoint &plan,
                                       const Deployment &deployment,
                                       int64_t prefillCopies,
                                       double limitSeconds);

  Evaluator &decode;
  const Workload &served;
  Workload prefillWorkload;
  Evaluator prefillSide;
  /// Splits differ in how copies are shared out, not in what a copy does.
  std::unordered_map<PlanPoint, Sides, Hash> remembered;
  double rememberedLimit = 0;
  double prefillBound = std::numeric_limits<double>::infinity();
};

} // namespace portolan

#endif // PORTOLAN_LIB_SEARCH_PHASEPAIR_H
