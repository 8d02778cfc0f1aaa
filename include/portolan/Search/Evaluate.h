//===- Evaluate.h - the objective of one plan ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// f_t(p): the tokens per second and chip of a plan on a machine, at the best
// concurrency within the latency limit and memory.
//
// Process: partition, realize and estimate each distinct layer once; a stage
//   takes the sum over its layer calls plus its boundary; the slowest stage
//   paces all. Decode: step = micro-batches * slowest stage + step overhead,
//   TPOT = step / tokens that a sequence is expected to gain by it.
//   Prefill: TTFT = (micro-batches + stages - 1) * slowest stage + overhead.
//   Objective = tokens of all copies / time / chips of the shape, idle ones
//   included.
// Assumptions: requests are of one length; a request's cache is that of its
//   mean age (Little's law). Chips beyond copies * instance idle.
// Not counted: prefill beside decode, arrival bursts.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_EVALUATE_H
#define PORTOLAN_SEARCH_EVALUATE_H

#include "portolan/Analysis/Estimate.h"
#include "portolan/Search/Concurrency.h"
#include "portolan/Target/Family.h"
#include <memory>

namespace portolan {

class PhasePair;

/// What an upper bound on plans leaves out of their price.
enum class Relaxation : uint8_t {
  none,
  /// Expert matmuls have tiles of any size: the plan without a tile is no worse
  /// than with any.
  tiles,
  /// In addition communication takes no time and a pipeline needs not be
  /// filled: with one micro-batch per stage and no overlap, no worse than with
  /// any reduction, overlap and number of micro-batches.
  transfers,
};

/// The prefill side of a plan that serves both phases.
struct PrefillEvaluation {
  double seconds = 0;         ///< TTFT, with the handover
  double handoverSeconds = 0; ///< of a cache to a copy that decodes
  int64_t concurrency = 0;    ///< prompts at once per copy
  int64_t copies = 0;         ///< that only prefill; 0: every copy does both
  Parts parts;                ///< of a prefill
};

/// What a plan achieves.
struct Evaluation {
  /// Tokens (decode: output, prefill: prompt) per second and chip; 0 if the
  /// plan is infeasible, for the reason given.
  double objective = 0;
  PlanPoint plan;
  double stepSeconds = 0;   ///< TTFT; TPOT is tokenSeconds()
  double tokensPerStep = 1; ///< that a sequence is expected to gain
  int64_t concurrency = 0;  ///< requests in flight per model copy
  Deployment deployment;
  Parts parts; ///< of stepSeconds, on the slowest stage
  Bound bound = Bound::compute;
  MemoryUse memory;
  std::optional<PrefillEvaluation> prefill; ///< with both phases
  std::optional<Refusal> infeasible; ///< capacity_exceeded or slo_violated

  bool isFeasible() const { return objective > 0; }
  /// Time per output token of a decode step.
  double tokenSeconds() const { return stepSeconds / tokensPerStep; }
  /// Requests that are served at once, per chip of the shape.
  double usersPerChip() const {
    int64_t serving = deployment.copies - (prefill ? prefill->copies : 0);
    return double(concurrency) * double(serving) / double(deployment.chips);
  }
};

/// Evaluates plans of one model on one machine under one workload. Keeps its
/// buffers between calls: one per thread. The limit is an argument, so that one
/// evaluator serves several.
class Evaluator {
public:
  Evaluator(const ModelShape &model, const Machine &machine,
            const Family &family, const Workload &workload,
            Corner corner = Corner::nominal);
  ~Evaluator();

  const ModelShape &model() const { return modelShape; }
  const Machine &machine() const { return target; }
  const Family &family() const { return targetFamily; }
  const Workload &workload() const { return served; }
  const PricedMachine &priced() const { return pricedMachine; }
  PlanContext context() const { return {modelShape, target, served}; }

  llvm::Expected<Deployment> deploymentOf(const PlanPoint &plan) const;

  /// The best concurrency of a legal plan. An error names the figure that is
  /// unknown.
  llvm::Expected<Evaluation> best(const PlanPoint &plan, double limitSeconds);

  /// With both phases: the decode side alone. Else as best().
  llvm::Expected<Evaluation> bestOfPhase(const PlanPoint &plan,
                                         double limitSeconds);

  /// The sides of a workload of both phases; this is the decode side. Null with
  /// one phase.
  PhasePair *phases() const { return pair.get(); }

  /// One request does not fit into memory, or takes too long.
  Refusal refuseMemory(const MemoryUse &use) const;
  Refusal refuseLimit(double seconds, double limitSeconds) const;

  /// The plan at a given concurrency, whatever limit and memory say.
  llvm::Expected<Evaluation> at(const PlanPoint &plan, int64_t concurrency);

  /// The objective of a plan if it exceeds `floor`, else 0; NaN if a figure is
  /// unknown. The search's inner loop.
  double objectiveAbove(const PlanPoint &plan, const Deployment &deployment,
                        double limitSeconds, double floor);

  /// The same for concurrencies from `least` to `largest` only, which memory
  /// allows.
  double objectiveAbove(const PlanPoint &plan, const Deployment &deployment,
                        double limitSeconds, double floor, int64_t least,
                        int64_t largest,
                        Relaxation relaxation = Relaxation::none);

  /// The same with both phases: of the decode side alone.
  double phaseObjectiveAbove(const PlanPoint &plan,
                             const Deployment &deployment, double limitSeconds,
                             double floor, int64_t least, int64_t largest,
                             Relaxation relaxation);

  /// Step time with so many sequences per micro-batch.
  double stepSeconds(const PlanPoint &plan, const Deployment &deployment,
                     int64_t sequences);

  /// Largest concurrency that memory allows; 0 if one request does not fit.
  int64_t largestConcurrency(const PlanPoint &plan,
                             const Deployment &deployment) const;
  /// Bytes per chip for weights, cache and activations.
  double availableBytes() const;
  bool fits(const PlanPoint &plan, const Deployment &deployment,
            int64_t concurrency) const;

  /// Objective = steps of one copy (requests per second) * this.
  double objectivePerRate(const PlanPoint &plan,
                          const Deployment &deployment) const;

  /// Step time that a limit allows: in decode the limit is on a token.
  double stepLimit(const PlanPoint &plan, double limitSeconds) const;

  /// Stage passes per step: how often the slowest stage counts.
  double stagePasses(const Deployment &deployment) const;

  /// Visits the steps of every body of the lowered program once: the distinct
  /// layers, prologue, epilogue and stage boundaries; with both phases those of
  /// the prefill program after those of decode.
  void forEachBody(const PlanPoint &plan, int64_t concurrency,
                   llvm::function_ref<void(llvm::ArrayRef<Step>)> visit);

  /// Visits the steps of the slowest stage with how often each runs in one
  /// model step; with both phases also those of the prefills per step.
  void forEachStep(
      const PlanPoint &plan, int64_t concurrency,
      llvm::function_ref<void(const Step &, bool overlapped, double times)>
          visit);

  uint64_t probes() const { return probeCount; }

  /// Layer classes called by each distinct stage, with how often.
  struct Stage {
    llvm::SmallVector<std::pair<unsigned, int64_t>, 4> calls;
    bool first = false, last = false;
    /// What it gets from the stage before and hands on; nothing where there is
    /// none.
    PassedList received, sent;
    bool operator==(const Stage &other) const {
      return calls == other.calls && first == other.first &&
             last == other.last && received == other.received &&
             sent == other.sent;
    }
  };
  llvm::ArrayRef<Stage> stagesOf(const Deployment &deployment);

private:
  /// Price of one body: index into the layers, or one of the three below.
  double bodySeconds(const PlanPoint &plan, const Deployment &deployment,
                     const LayerShape &layer, int64_t sequences);
  Estimate bodyEstimate(const PlanPoint &plan, const Deployment &deployment,
                        const LayerShape &layer, int64_t sequences);
  Estimate boundaryEstimate(const PlanPoint &plan, const Deployment &deployment,
                            int64_t sequences, OpKind kind, Passed passed);
  /// The tensors that pass between stages, each form once.
  llvm::SmallVector<Passed, 4> passedForms(const Deployment &deployment);
  llvm::Error unknownFigure(const PlanPoint &plan,
                            const Deployment &deployment);

  const ModelShape &modelShape;
  const Machine &target;
  const Family &targetFamily;
  const Workload &served;
  PricedMachine pricedMachine;
  LocalOps ops;
  Steps steps;
  llvm::SmallVector<double, 8> layerSeconds;
  /// Seconds to receive and to send, for each of passedForms().
  llvm::SmallVector<std::pair<double, double>, 4> boundarySeconds;
  std::vector<std::pair<int64_t, llvm::SmallVector<Stage, 4>>> stageCache;
  uint64_t probeCount = 0;
  Relaxation relaxed = Relaxation::none;
  std::unique_ptr<PhasePair> pair;
};

} // namespace portolan

#endif // PORTOLAN_SEARCH_EVALUATE_H
