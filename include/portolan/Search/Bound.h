//===- Bound.h - an upper bound on the plans of a prefix -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What no plan with the given formats, instance and parallel degrees can
// exceed, whatever its other classes are.
//
// Process: the useful operations and bytes of the slowest rank at the rates of
//   the machine, with free communication, no padding and no launches; memory
//   holds weights and cache only.
// Assumption (checked): micro-batches are a multiple of the stages.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_BOUND_H
#define PORTOLAN_SEARCH_BOUND_H

#include "portolan/Search/Evaluate.h"
#include "portolan/Target/StepRules.h"

namespace portolan {

/// Bounds of one machine, model and workload; keeps buffers, one per thread.
class PrefixBound {
public:
  explicit PrefixBound(Evaluator &evaluator);

  /// Chooses the prefix that the other functions are about. `largest` is what
  /// largest() returned before, if known.
  void setPrefix(const PlanPoint &prefix, const Deployment &deployment,
                 std::optional<int64_t> largest = std::nullopt);

  /// Most sequences per stage that memory allows; the same for every limit.
  int64_t largestPerStage() const { return largest; }

  /// Upper bound on the objective under a limit on the step time, or `floor` if
  /// the bound is not above it.
  double objective(double limitSeconds, double floor);

  /// Most sequences per stage that memory and the limit allow.
  int64_t mostPerStage(double limitSeconds);

  /// The concurrencies at which a plan may exceed `floor` under the limit,
  /// given what mostPerStage() says; empty if the first is larger than the
  /// second.
  std::pair<int64_t, int64_t> range(double limitSeconds, double floor,
                                    int64_t most);

  /// Of the prefill side of a workload of both phases, under its TTFT limit.
  double prefillObjective();

private:
  /// On the memory level that suits the step best.
  double leastSeconds(const Step &step) const;
  double leastExpertSeconds(const LocalOp &op, const Step &step,
                            int64_t sequences) const;
  void draft(PlanValue drafted);
  /// range() with the drafted tokens that are set.
  std::pair<int64_t, int64_t> draftedRange(double limitSeconds, double floor,
                                           int64_t high);
  double bodySeconds(const LayerShape &layer, int64_t sequences);
  /// Lower bound on the step time with so many sequences per stage.
  double stepSeconds(int64_t sequences);
  int64_t largestSequences() const;

  Evaluator &evaluator;
  /// The prefill side of a workload of both phases.
  std::unique_ptr<PrefixBound> prefill;
  std::optional<double> prefillUpper;
  Deployment deployment;
  /// The prefix with an exchange and, where that is possible, without.
  std::array<PlanPoint, 2> relaxed;
  /// How the family computes what is no expert; nothing if it may vary.
  std::optional<ComputeRules> rules;
  unsigned forms = 1;
  bool nearLevels = false;
  llvm::SmallVector<PlanValue, 4> replicas, drafts; ///< that plans may have
  int64_t largest = 0;
  LocalOps ops;
  Steps steps;
  llvm::SmallVector<double, 8> layerSeconds;
};

} // namespace portolan

#endif // PORTOLAN_SEARCH_BOUND_H
