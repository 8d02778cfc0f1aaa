//===- Carryover.cpp - which decisions carry over, and at what cost -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tunes every target under every limit, replays every plan everywhere and sums
// up. One tuner per target serves all limits and all attribution.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Carryover.h"
#include "Transfer.h"
#include <chrono>

using namespace portolan;

llvm::StringRef portolan::spell(Verdict verdict) {
  constexpr llvm::StringLiteral names[] = {"carries", "slower", "repaired",
                                           "infeasible"};
  return names[unsigned(verdict)];
}

PortabilityResult
portolan::portabilityOf(unsigned source,
                        llvm::ArrayRef<TransferResult> transfers) {
  PortabilityResult result{source, 0, {}, {}, {}, {}, {}};
  double inverseSum = 0, sum = 0, decisions = 0, ops = 0;
  unsigned all = 0, others = 0, legal = 0;
  double minimum = 1;
  bool everywhere = true;
  for (const TransferResult &transfer : transfers) {
    if (transfer.source != source)
      continue;
    ++all;
    double efficiency = transfer.efficiency.value_or(0);
    if (transfer.efficiency)
      inverseSum += 1 / efficiency;
    else
      everywhere = false;
    if (transfer.target == source)
      continue;
    ++others;
    legal += transfer.efficiency.has_value();
    sum += efficiency;
    minimum = std::min(minimum, efficiency);
    for (const DecisionResult &decision : transfer.decisions)
      decisions += decision.value != decision.targetValue;
    ops += transfer.switchingOps;
  }
  if (everywhere && all > 0)
    result.pennycook = all / inverseSum;
  if (others > 0) {
    result.mean = sum / others;
    result.minimum = minimum;
    result.legalShare = double(legal) / others;
    result.switchingDecisions = decisions / others;
    result.switchingOps = ops / others;
  }
  return result;
}

namespace {

class Run {
public:
  explicit Run(const CarryoverRequest &request) : request(request) {}

  llvm::Expected<CarryoverResult> run() {
    auto start = std::chrono::steady_clock::now();
    for (const Target &target : request.targets)
      tuners.push_back(std::make_unique<Tuner>(request.model, target.machine,
                                               *target.family, request.workload,
                                               request.threads));
    CarryoverResult result;
    for (double limit : request.limitSeconds) {
      result.limits.emplace_back();
      if (llvm::Error error = runLimit(limit, result.limits.back()))
        return std::move(error);
    }
    result.evaluations = evaluations;
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    return result;
  }

private:
  llvm::Error runLimit(double limit, LimitResult &result) {
    result.workload = request.workload;
    result.workload.setLimit(limit);
    worths.assign(tuners.size(), {});
    fixed.assign(tuners.size(), {});
    for (const auto &tuner : tuners) {
      llvm::Expected<TargetResult> target =
          tuneTarget(*tuner, limit, request.runnersUp);
      if (!target)
        return target.takeError();
      evaluations += target->statistics.plans;
      result.targets.push_back(std::move(*target));
    }
    for (unsigned source = 0; source < tuners.size(); ++source)
      if (llvm::Error error = replayFrom(source, limit, result))
        return error;
    return llvm::Error::success();
  }

  llvm::Error replayFrom(unsigned source, double limit, LimitResult &result) {
    // No transfers from a target on which no plan fits.
    if (!result.targets[source].best)
      return llvm::Error::success();
    PlanPoint plan = request.pinned.value_or(result.targets[source].plan);
    PlanPoint sourcePlan = plan;
    int64_t sourceConcurrency = result.targets[source].best->concurrency;
    if (request.pinned) {
      Evaluator &evaluator = tuners[source]->evaluator();
      sourcePlan =
          repairPlan(plan, evaluator.family(), evaluator.context()).plan;
      llvm::Expected<Evaluation> evaluation = evaluator.best(sourcePlan, limit);
      if (!evaluation)
        return evaluation.takeError();
      sourceConcurrency = evaluation->concurrency;
    }
    for (unsigned target = 0; target < tuners.size(); ++target) {
      TransferResult transfer;
      transfer.source = source;
      transfer.target = target;
      if (llvm::Error error =
              Transfer(tuned(source, result), tuned(target, result), sourcePlan,
                       plan, limit)
                  .run(transfer, evaluations))
        return error;
      transfer.switchingOps = switchingOps(
          tuners[source]->evaluator(), sourcePlan, sourceConcurrency,
          tuners[target]->evaluator(), transfer.plan,
          transfer.evaluation ? transfer.evaluation->concurrency : 1);
      result.transfers.push_back(std::move(transfer));
    }
    result.portability.push_back(portabilityOf(source, result.transfers));
    return llvm::Error::success();
  }

  TunedTarget tuned(unsigned index, const LimitResult &result) {
    return {request.targets[index], *tuners[index], result.targets[index],
            worths[index], fixed[index]};
  }

  const CarryoverRequest &request;
  std::vector<KnownWorths> worths; ///< of each source, under one limit
  std::vector<KnownFixed> fixed;   ///< of each target, under one limit
  std::vector<std::unique_ptr<Tuner>> tuners;
  uint64_t evaluations = 0;
};

} // namespace

llvm::Expected<CarryoverResult>
portolan::runCarryover(const CarryoverRequest &request) {
  return Run(request).run();
}
