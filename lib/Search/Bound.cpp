//===- Bound.cpp - an upper bound on the plans of a prefix ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The process is stated in Bound.h. Why it is admissible:
//   - the compute queue is serial, so a body takes at least the sum of its
//     computations; a prefetch hides no more than communication took, which is
//     not counted here;
//   - launches only add, and so do the issued operations and the dequantisation
//     of experts; those of other computations are the family's where it
//     computes by the common rules;
//   - copies of experts only add to what memory holds, and those that make the
//     experts fastest are taken; every number of drafted tokens is tried;
//   - kernels are joined as far as a fusion of the family joins them, and an
//     exchange by all-to-all is the one with the fewest transfers between
//     computations beside none;
//   - time per body is subadditive in the sequences, so k micro-batches take at
//     least what one batch k times as large takes;
//   - rows of the exchange-free and the sliced form differ in the shared
//     expert only: the lesser of both counts.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Bound.h"
#include "PhasePair.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace portolan;

namespace {

/// Computations that every exchange performs.
bool isCounted(OpKind kind) {
  switch (kind) {
  case OpKind::embedding:
  case OpKind::rmsNorm:
  case OpKind::linear:
  case OpKind::rope:
  case OpKind::attention:
  case OpKind::latentAttention:
  case OpKind::recurrence:
  case OpKind::shortConvolution:
  case OpKind::gate:
  case OpKind::depthAttention:
  case OpKind::readStreams:
  case OpKind::writeStreams:
  case OpKind::poolKeys:
  case OpKind::pooledAttention:
  case OpKind::add:
  case OpKind::mlp:
  case OpKind::route:
  case OpKind::experts:
  case OpKind::decomposed:
    return true;
  default:
    return false;
  }
}

/// How close to the tightest value of this bound it is worth computing.
constexpr double kBoundSlack = 0.01;

/// Bounds are rounded up by more than the pricing can round.
constexpr double kBoundMargin = 1 + 1e-9;

/// Rounds of narrowing a range; each costs one bound on the step time.
constexpr unsigned kRangeRounds = 8;

} // namespace

PrefixBound::PrefixBound(Evaluator &evaluator) : evaluator(evaluator) {
  if (PhasePair *phases = evaluator.phases())
    prefill = std::make_unique<PrefixBound>(phases->prefill());
}

void PrefixBound::setPrefix(const PlanPoint &prefix,
                            const Deployment &newDeployment,
                            std::optional<int64_t> knownLargest) {
  deployment = newDeployment;
  deployment.microBatches = deployment.stages;
  for (PlanPoint &plan : relaxed) {
    plan = prefix;
    plan.set(PlanClass::batchForm, PlanValue(deployment.stages));
  }
  relaxed[0].set(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  relaxed[0].set(PlanClass::combineExchange, PlanValue(Exchange::allToAll));
  // Without an exchange the rows are equal on all ranks, so dp is 1.
  forms = deployment.dp == 1 ? 2 : 1;

  // Levels that some residency lets weights stream from.
  nearLevels = false;
  PlanPoint plan = prefix;
  const Family &family = evaluator.family();
  PlanContext context = evaluator.context();
  llvm::SmallVector<PlanValue, 4> places, copies, residencies;
  replicas.clear();
  family.values(PlanClass::placementForm, plan, context, places);
  for (PlanValue place : places) {
    plan.set(PlanClass::placementForm, place);
    copies.clear();
    family.values(PlanClass::replicas, plan, context, copies);
    for (PlanValue replica : copies) {
      if (!llvm::is_contained(replicas, replica))
        replicas.push_back(replica);
      plan.set(PlanClass::replicas, replica);
      residencies.clear();
      family.values(PlanClass::residency, plan, context, residencies);
      for (PlanValue residency : residencies)
        nearLevels |= residency != kNone &&
                      residency != PlanValue(Residency::hbm) &&
                      residency != PlanValue(Residency::hbmPrefetch);
    }
  }
  rules.reset();
  if (family.computesByRules())
    rules.emplace(evaluator.machine(), prefix);
  // Joined kernels keep the same activations, however they are launched.
  llvm::SmallVector<PlanValue, 4> fusions;
  family.values(PlanClass::fusion, prefix, context, fusions);
  for (PlanValue fusion : fusions)
    if (fusion != kNone)
      for (PlanPoint &relaxedPlan : relaxed)
        relaxedPlan.set(PlanClass::fusion, PlanValue(Fusion::elementwise));
  drafts.clear();
  family.values(PlanClass::speculation, prefix, context, drafts);
  draft(kNone);
  largest = knownLargest ? *knownLargest : largestSequences();
  if (prefill)
    prefill->setPrefix(prefix, newDeployment);
  prefillUpper.reset();
}

double PrefixBound::prefillObjective() {
  if (!prefillUpper)
    prefillUpper =
        prefill->objective(evaluator.workload().maxTtftSeconds, /*floor=*/0);
  return *prefillUpper;
}

double PrefixBound::leastSeconds(const Step &step) const {
  Parts parts;
  double least = evaluator.priced().stepSeconds(step, false, parts);
  if (nearLevels) {
    Step near = step;
    for (unsigned level = 1; level < evaluator.machine().memories.size();
         ++level) {
      near.memoryLevel = level;
      double seconds = evaluator.priced().stepSeconds(near, false, parts);
      if (seconds < least)
        least = seconds;
    }
  }
  // An unknown figure bounds nothing.
  return std::isnan(least) ? 0 : least;
}

/// Copies of experts even out the rows and add to the experts that are hit.
double PrefixBound::leastExpertSeconds(const LocalOp &op, const Step &step,
                                       int64_t sequences) const {
  double least = leastSeconds(step);
  const ModelShape &model = evaluator.model();
  int64_t tokens =
      sequences * stepTokens(evaluator.workload(),
                             relaxed[0].count(PlanClass::speculation));
  for (PlanValue redundant : replicas) {
    if (redundant <= 0)
      continue;
    ExpertLoad load = expertLoad(evaluator.workload().popularity, model.experts,
                                 model.topK, deployment.ep, tokens, redundant);
    LocalOp copied = op;
    copied.rows = load.maxRows;
    copied.meanRows = load.meanRows;
    copied.hitExperts = load.hitExperts;
    Step other = step;
    other.work = workOf(copied);
    least = std::min(least, leastSeconds(other));
  }
  return least;
}

double PrefixBound::bodySeconds(const LayerShape &layer, int64_t sequences) {
  double least = 0;
  for (unsigned form = 0; form < forms; ++form) {
    partitionLayer(evaluator.model(), layer, relaxed[form], deployment,
                   evaluator.workload(), sequences, ops);
    steps.clear();
    for (const LocalOp &op : ops) {
      Step &step = steps.emplace_back();
      step.kind = op.kind;
      step.work = workOf(op);
      if (rules && op.kind != OpKind::experts && isCounted(op.kind)) {
        rules->fill(op, step);
        step.kernels = 0; // they may be part of others
      }
    }
    joinKernels(ops, relaxed[form], steps);
    double seconds = 0;
    for (auto [op, step] : llvm::zip_equal(ops, steps))
      if (op.kind == OpKind::experts)
        seconds += leastExpertSeconds(op, step, sequences);
      else if (isCounted(op.kind))
        seconds += leastSeconds(step);
    least = form == 0 ? seconds : std::min(least, seconds);
    if (!layer.hasExperts())
      break;
  }
  return least;
}

double PrefixBound::stepSeconds(int64_t sequences) {
  const ModelShape &model = evaluator.model();
  layerSeconds.clear();
  for (const LayerShape &layer : model.layers)
    layerSeconds.push_back(bodySeconds(layer, sequences));
  double prologue = bodySeconds(model.prologue, sequences);
  double epilogue = bodySeconds(model.epilogue, sequences);
  double slowest = 0;
  for (const Evaluator::Stage &stage : evaluator.stagesOf(deployment)) {
    double seconds = stage.first ? prologue : 0;
    if (stage.last)
      seconds += epilogue;
    for (auto [layer, calls] : stage.calls)
      seconds += double(calls) * layerSeconds[layer];
    slowest = std::max(slowest, seconds);
  }
  double overhead = evaluator.priced().stepOverheadSeconds();
  return double(deployment.stages) * slowest +
         (std::isnan(overhead) ? 0 : overhead);
}

int64_t PrefixBound::largestSequences() const {
  auto bytes = [&](unsigned form, int64_t sequences) {
    MemoryUse use =
        memoryUse(evaluator.model(), relaxed[form], deployment,
                  evaluator.workload(), sequences * deployment.microBatches);
    return use.weightBytes + use.cacheBytes;
  };
  return largestWithin(kMostRequests, deployment.dp, evaluator.availableBytes(),
                       [&](int64_t sequences) {
                         double least = bytes(0, sequences);
                         if (forms > 1)
                           least = std::min(least, bytes(1, sequences));
                         return least;
                       });
}

void PrefixBound::draft(PlanValue drafted) {
  for (PlanPoint &plan : relaxed)
    plan.set(PlanClass::speculation, drafted);
}

double PrefixBound::objective(double limitSeconds, double floor) {
  double best = 0;
  for (PlanValue drafted : drafts) {
    draft(drafted);
    double perRate = evaluator.objectivePerRate(relaxed[0], deployment);
    ConcurrencyProblem problem;
    problem.microBatches = deployment.stages;
    problem.maximum = deployment.stages * largest;
    problem.limitSeconds = evaluator.stepLimit(relaxed[0], limitSeconds);
    problem.floorRate = std::max(floor, best) / perRate;
    problem.slack = kBoundSlack;
    ConcurrencyResult result = solveConcurrency(
        problem, [&](int64_t sequences) { return stepSeconds(sequences); });
    best = std::max(best, result.rate * (1 + kBoundSlack) * perRate);
  }
  // The floor itself says that nothing is above it: no margin on it.
  double bound = best * kBoundMargin;
  if (bound <= floor)
    return floor;
  if (prefill)
    bound =
        evaluator.phases()->combine(bound, prefillObjective()) * kBoundMargin;
  return std::max(floor, bound);
}

int64_t PrefixBound::mostPerStage(double limitSeconds) {
  int64_t most = 0;
  for (PlanValue drafted : drafts) {
    draft(drafted);
    double limit = evaluator.stepLimit(relaxed[0], limitSeconds);
    most = std::max(most, largestWithin(largest, deployment.dp, limit,
                                        [&](int64_t sequences) {
                                          return stepSeconds(sequences);
                                        }));
  }
  return most;
}

std::pair<int64_t, int64_t> PrefixBound::range(double limitSeconds,
                                               double floor, int64_t most) {
  std::pair<int64_t, int64_t> all = {1, 0};
  for (PlanValue drafted : drafts) {
    draft(drafted);
    std::pair<int64_t, int64_t> own = draftedRange(limitSeconds, floor, most);
    if (own.first > own.second)
      continue;
    bool isFirst = all.first > all.second;
    all = {isFirst ? own.first : std::min(all.first, own.first),
           std::max(all.second, own.second)};
  }
  return all;
}

std::pair<int64_t, int64_t>
PrefixBound::draftedRange(double limitSeconds, double floor, int64_t high) {
  if (prefill)
    return {1, high * deployment.stages};
  // A plan beats the floor only with c > floor * T(c), and T never falls: each
  // round starts from what the round before excluded.
  double floorRate = floor / evaluator.objectivePerRate(relaxed[0], deployment);
  double stages = double(deployment.stages);
  int64_t low = 1;
  for (unsigned round = 0; round < kRangeRounds && low <= high; ++round) {
    double needed = floorRate * stepSeconds(low) / kBoundMargin;
    int64_t next = int64_t(std::floor(needed / stages));
    if (next <= low)
      break;
    low = next;
  }
  if (stepSeconds(low) > evaluator.stepLimit(relaxed[0], limitSeconds))
    return {1, 0};
  return {(low - 1) * deployment.stages + 1, high * deployment.stages};
}
