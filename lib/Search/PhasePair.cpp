//===- PhasePair.cpp - prefill and decode at one rate ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PhasePair.h"
#include "portolan/Target/SpaceRules.h"
#include "llvm/ADT/Hashing.h"
#include <cmath>

using namespace portolan;

namespace {

/// Plans that are remembered at most.
constexpr size_t kMostPlans = 1 << 16;

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

size_t PhasePair::Hash::operator()(const PlanPoint &plan) const {
  return llvm::hash_combine_range(plan.values.begin(), plan.values.end());
}

PhasePair::PhasePair(Evaluator &decode, Corner corner)
    : decode(decode), served(decode.workload()),
      prefillWorkload(served.of(Phase::prefill)),
      prefillSide(decode.model(), decode.machine(), decode.family(),
                  prefillWorkload, corner) {}

double PhasePair::combine(double decodeObjective,
                          double prefillObjective) const {
  if (decodeObjective <= 0 || prefillObjective <= 0)
    return 0;
  double chipSeconds = decodedPerRequest() / decodeObjective +
                       double(served.contextTokens) / prefillObjective;
  return decodedPerRequest() / chipSeconds;
}

PhasePair::Rate PhasePair::sideRate(Evaluator &side, const PlanPoint &plan,
                                    const Deployment &deployment,
                                    double limitSeconds, double floorRate) {
  ConcurrencyProblem problem;
  problem.maximum = side.largestConcurrency(plan, deployment);
  problem.microBatches = deployment.microBatches;
  problem.limitSeconds = limitSeconds;
  problem.floorRate = floorRate;
  ConcurrencyResult result = solveConcurrency(problem, [&](int64_t sequences) {
    return side.stepSeconds(plan, deployment, sequences);
  });
  return {result.concurrency, result.seconds, result.rate, result.unknown};
}

PhasePair::Rate PhasePair::prefillRate(const PlanPoint &plan,
                                       const Deployment &deployment,
                                       double limitSeconds, double floorRate) {
  return sideRate(prefillSide, plan, deployment, limitSeconds, floorRate);
}

PhasePair::Rate PhasePair::decodeRate(const PlanPoint &plan,
                                      const Deployment &deployment,
                                      double limitSeconds, double floorRate) {
  Rate rate = sideRate(decode, plan, deployment, limitSeconds, floorRate);
  rate.requestsPerSecond /= decodedPerRequest();
  return rate;
}

PhasePair::Rate PhasePair::promptRate(const PlanPoint &plan,
                                      const Deployment &deployment) {
  Rate rate;
  rate.concurrency = deployment.dp * deployment.microBatches;
  rate.seconds = prefillSide.stepSeconds(plan, deployment, deployment.dp);
  rate.requestsPerSecond = double(rate.concurrency) / rate.seconds;
  rate.unknown = std::isnan(rate.seconds);
  return rate;
}

int64_t PhasePair::prefillConcurrency(const PlanPoint &plan,
                                      const Deployment &deployment) {
  if (plan.get(PlanClass::phaseSplit) == kNone)
    return promptRate(plan, deployment).concurrency;
  Rate rate =
      prefillRate(plan, deployment,
                  served.maxTtftSeconds - handoverSeconds(plan, deployment));
  return std::max<int64_t>(rate.concurrency, 1);
}

int64_t PhasePair::largestShared(const PlanPoint &plan,
                                 const Deployment &deployment,
                                 const Rate &prefillRate) {
  MemoryUse prefilling = memoryUse(decode.model(), plan, deployment,
                                   prefillWorkload, prefillRate.concurrency);
  int64_t batches = deployment.microBatches;
  return batches *
         largestWithin(kMostRequests, deployment.dp, decode.availableBytes(),
                       [&](int64_t sequences) {
                         MemoryUse use =
                             memoryUse(decode.model(), plan, deployment, served,
                                       sequences * batches);
                         use.activationBytes = std::max(
                             use.activationBytes, prefilling.activationBytes);
                         return use.total();
                       });
}

PhasePair::Rate PhasePair::sharedRate(const PlanPoint &plan,
                                      const Deployment &deployment,
                                      const Rate &prefillRate,
                                      double limitSeconds, double floorRate) {
  ConcurrencyProblem problem;
  problem.maximum = largestShared(plan, deployment, prefillRate);
  problem.microBatches = deployment.microBatches;
  problem.limitSeconds = limitSeconds;
  problem.floorRate = floorRate;
  double perSequence = double(deployment.microBatches) /
                       (decodedPerRequest() * prefillRate.requestsPerSecond);
  ConcurrencyResult result = solveConcurrency(problem, [&](int64_t sequences) {
    return decode.stepSeconds(plan, deployment, sequences) +
           double(sequences) * perSequence;
  });
  return {result.concurrency, result.seconds, result.rate / decodedPerRequest(),
          result.unknown};
}

double PhasePair::handoverSeconds(const PlanPoint &plan,
                                  const Deployment &deployment) {
  // One sequence per micro-batch on every rank that holds a part of it.
  MemoryUse use = memoryUse(decode.model(), plan, deployment, prefillWorkload,
                            deployment.dp * deployment.microBatches);
  LocalOp op;
  op.kind = OpKind::send;
  // The peer is the same rank of another copy.
  op.group = {2, deployment.instance};
  op.payloadBytes = op.meanPayloadBytes =
      use.cacheBytes / double(deployment.microBatches);
  Steps steps;
  decode.family().realize(op, plan, deployment, decode.machine(), steps);
  return estimate(steps, decode.priced()).seconds;
}

double PhasePair::neededOfDecode(double floor, double prefillObjective) const {
  if (floor <= 0)
    return 0;
  double left = decodedPerRequest() / floor -
                double(served.contextTokens) / prefillObjective;
  return left > 0 ? decodedPerRequest() / left
                  : std::numeric_limits<double>::infinity();
}

double PhasePair::neededOfPrefill(double floor, double decodeObjective) const {
  if (floor <= 0)
    return 0;
  double left =
      decodedPerRequest() / floor - decodedPerRequest() / decodeObjective;
  return left > 0 ? double(served.contextTokens) / left
                  : std::numeric_limits<double>::infinity();
}

bool PhasePair::mayExceed(const PlanPoint &plan, const Deployment &deployment,
                          double limitSeconds, double floor, int64_t largest,
                          Relaxation relaxation) {
  double needed = neededOfDecode(floor, prefillBound);
  if (std::isinf(needed))
    return false;
  return decode.phaseObjectiveAbove(plan, deployment, limitSeconds, needed, 1,
                                    largest, relaxation) != 0;
}

PhasePair::Sides &PhasePair::sidesOf(const PlanPoint &plan,
                                     const Deployment &deployment,
                                     double limitSeconds, double floor) {
  if (rememberedLimit != limitSeconds || remembered.size() >= kMostPlans)
    remembered.clear();
  rememberedLimit = limitSeconds;
  PlanPoint alike = plan;
  alike.set(PlanClass::phaseSplit, kNone);
  Sides &sides = remembered.try_emplace(alike).first->second;
  if (sides.known || sides.atMost <= floor)
    return sides;
  sides.atMost = floor;
  double needed = neededOfDecode(floor, prefillBound);
  if (std::isinf(needed))
    return sides;
  double perChip = double(deployment.copies) / double(deployment.chips);
  double decoded = decodedPerRequest() * perChip;
  double prompts = double(served.contextTokens) * perChip;
  sides.decode = decodeRate(plan, deployment, limitSeconds, needed / perChip);
  if (sides.decode.concurrency == 0 && !sides.decode.unknown)
    return sides;
  needed = neededOfPrefill(floor, sides.decode.requestsPerSecond * decoded);
  if (std::isinf(needed))
    return sides;
  sides.prefill =
      prefillRate(plan, deployment, served.maxTtftSeconds, needed / prompts);
  if (sides.prefill.concurrency == 0 && !sides.prefill.unknown)
    return sides;
  sides.known = true;
  sides.atMost = combine(sides.decode.requestsPerSecond * decoded,
                         sides.prefill.requestsPerSecond * prompts);
  return sides;
}

void PhasePair::addSplit(const PlanPoint &plan, const Deployment &deployment,
                         Sides &sides) {
  if (sides.splitPrefill)
    return;
  sides.handoverSeconds = handoverSeconds(plan, deployment);
  double left = served.maxTtftSeconds - sides.handoverSeconds;
  sides.splitPrefill = sides.prefill.seconds <= left
                           ? sides.prefill
                           : prefillRate(plan, deployment, left);
}

double PhasePair::splitRate(const Sides &sides, int64_t prefillCopies,
                            const Deployment &deployment) const {
  double prefills = double(prefillCopies);
  double decodes = double(deployment.copies - prefillCopies);
  return std::min({prefills * sides.splitPrefill->requestsPerSecond,
                   decodes * sides.decode.requestsPerSecond,
                   std::min(prefills, decodes) / sides.handoverSeconds});
}

double PhasePair::objectiveAbove(const PlanPoint &plan,
                                 const Deployment &deployment,
                                 double limitSeconds, double floor) {
  Sides &sides = sidesOf(plan, deployment, limitSeconds, floor);
  if (sides.decode.unknown || sides.prefill.unknown)
    return std::nan("");
  if (!sides.known || sides.atMost * (1 + kTieTolerance) <= floor)
    return 0;
  PlanValue percent = plan.get(PlanClass::phaseSplit);
  if (percent == kNone) {
    double perRate = decode.objectivePerRate(plan, deployment);
    Rate prompt = promptRate(plan, deployment);
    if (prompt.seconds > served.maxTtftSeconds)
      return 0;
    Rate shared =
        sharedRate(plan, deployment, prompt, limitSeconds, floor / perRate);
    if (shared.unknown)
      return std::nan("");
    return shared.requestsPerSecond * decodedPerRequest() * perRate;
  }
  addSplit(plan, deployment, sides);
  if (std::isnan(sides.handoverSeconds) || sides.splitPrefill->unknown)
    return std::nan("");
  double rate =
      splitRate(sides, prefillCopiesOf(percent, deployment.copies), deployment);
  double objective = rate * decodedPerRequest() / double(deployment.chips);
  return objective > floor ? objective : 0;
}

llvm::Expected<Evaluation> PhasePair::bestShared(const PlanPoint &plan,
                                                 const Deployment &deployment,
                                                 Evaluation prefilled,
                                                 double limitSeconds) {
  Rate rate{prefilled.concurrency, prefilled.stepSeconds,
            double(prefilled.concurrency) / prefilled.stepSeconds, false};
  Rate shared = sharedRate(plan, deployment, rate, limitSeconds, 0);
  llvm::Expected<Evaluation> result =
      decode.at(plan, std::max<int64_t>(shared.concurrency, 1));
  if (!result)
    return result;
  double prefills = double(result->concurrency) /
                    (decodedPerRequest() * double(prefilled.concurrency));
  double decodeSeconds = result->stepSeconds;
  result->stepSeconds += prefills * prefilled.stepSeconds;
  result->parts.add(prefilled.parts, prefills);
  if (prefills * prefilled.stepSeconds > decodeSeconds)
    result->bound = prefilled.bound;
  result->memory.activationBytes = std::max(result->memory.activationBytes,
                                            prefilled.memory.activationBytes);
  result->prefill = PrefillEvaluation{
      prefilled.stepSeconds, 0, prefilled.concurrency, 0, prefilled.parts};
  result->objective = double(result->concurrency) / result->stepSeconds *
                      decode.objectivePerRate(plan, deployment);
  if (shared.concurrency > 0)
    return result;
  result->objective = 0;
  result->infeasible =
      result->memory.total() > decode.availableBytes()
          ? decode.refuseMemory(result->memory)
          : decode.refuseLimit(result->stepSeconds, limitSeconds);
  return result;
}

llvm::Expected<Evaluation> PhasePair::bestSplit(const PlanPoint &plan,
                                                const Deployment &deployment,
                                                int64_t prefillCopies,
                                                double limitSeconds) {
  double handover = handoverSeconds(plan, deployment);
  if (std::isnan(handover))
    return llvm::createStringError("machine '" + decode.machine().name +
                                   "': the time to hand a cache over is "
                                   "unknown");
  llvm::Expected<Evaluation> prefilled =
      prefillSide.best(plan, served.maxTtftSeconds - handover);
  if (!prefilled || !prefilled->isFeasible())
    return prefilled;
  llvm::Expected<Evaluation> full = decode.bestOfPhase(plan, limitSeconds);
  if (!full || !full->isFeasible())
    return full;
  Sides sides;
  sides.handoverSeconds = handover;
  sides.splitPrefill =
      Rate{prefilled->concurrency, prefilled->stepSeconds,
           double(prefilled->concurrency) / prefilled->stepSeconds};
  sides.decode = {full->concurrency, full->stepSeconds,
                  double(full->concurrency) / full->stepSeconds /
                      decodedPerRequest()};
  // The fewest requests in flight that reach the rate of the whole.
  double rate = splitRate(sides, prefillCopies, deployment);
  double needed = rate * decodedPerRequest() /
                  double(deployment.copies - prefillCopies) * (1 - 1e-9);
  int64_t batches = deployment.microBatches;
  int64_t low = 0, high = ceilDiv(full->concurrency, batches);
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    double seconds = decode.stepSeconds(plan, deployment, middle);
    (double(middle * batches) >= needed * seconds ? high : low) = middle;
  }
  llvm::Expected<Evaluation> result =
      decode.at(plan, std::min(high * batches, full->concurrency));
  if (!result)
    return result;
  result->objective = rate * decodedPerRequest() / double(deployment.chips);
  result->prefill = PrefillEvaluation{prefilled->stepSeconds + handover,
                                      handover, prefilled->concurrency,
                                      prefillCopies, prefilled->parts};
  return result;
}

llvm::Expected<Evaluation> PhasePair::best(const PlanPoint &plan,
                                           double limitSeconds) {
  llvm::Expected<Deployment> deployment = decode.deploymentOf(plan);
  if (!deployment)
    return deployment.takeError();
  PlanValue percent = plan.get(PlanClass::phaseSplit);
  if (percent != kNone)
    return bestSplit(plan, *deployment,
                     prefillCopiesOf(percent, deployment->copies),
                     limitSeconds);
  llvm::Expected<Evaluation> prefilled =
      prefillSide.at(plan, deployment->dp * deployment->microBatches);
  if (!prefilled)
    return prefilled;
  if (prefilled->stepSeconds > served.maxTtftSeconds) {
    prefilled->objective = 0;
    prefilled->infeasible =
        prefillSide.refuseLimit(prefilled->stepSeconds, served.maxTtftSeconds);
    return prefilled;
  }
  return bestShared(plan, *deployment, std::move(*prefilled), limitSeconds);
}
