//===- Evaluate.cpp - the objective of one plan ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The process is stated in Evaluate.h. Two paths share the body prices: the
// search needs seconds only, a report needs the parts.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Evaluate.h"
#include "PhasePair.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <limits>

using namespace portolan;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr unsigned kNumBounds = unsigned(Bound::launch) + 1;

/// Seconds by what bounds them. Padding is work of the compute engines;
/// imbalance is more of what bounds the body.
struct BoundSeconds {
  std::array<double, kNumBounds> seconds{};

  void add(const Estimate &estimate, double times) {
    const Parts &parts = estimate.parts;
    auto count = [&](Bound bound, double amount) {
      seconds[unsigned(bound)] += times * amount;
    };
    count(Bound::compute, parts.computeSeconds + parts.paddingSeconds);
    count(Bound::memory, parts.memorySeconds);
    count(Bound::link, parts.linkSeconds);
    count(Bound::latency, parts.latencySeconds);
    count(Bound::launch, parts.launchSeconds);
    count(estimate.bound, parts.imbalanceSeconds);
  }
  Bound largest() const {
    return Bound(std::max_element(seconds.begin(), seconds.end()) -
                 seconds.begin());
  }
};

} // namespace

Evaluator::Evaluator(const ModelShape &model, const Machine &machine,
                     const Family &family, const Workload &workload,
                     Corner corner)
    : modelShape(model), target(machine), targetFamily(family),
      served(workload), pricedMachine(machine, corner) {
  layerSeconds.resize(model.layers.size());
  if (workload.phase == Phase::both)
    pair = std::make_unique<PhasePair>(*this, corner);
}

Evaluator::~Evaluator() = default;

llvm::Expected<Deployment>
Evaluator::deploymentOf(const PlanPoint &plan) const {
  return portolan::deploymentOf(plan, target.topology);
}

double Evaluator::objectivePerRate(const PlanPoint &plan,
                                   const Deployment &deployment) const {
  return expectedTokens(served, plan.count(PlanClass::speculation)) *
         double(deployment.copies) / double(deployment.chips);
}

double Evaluator::stepLimit(const PlanPoint &plan, double limitSeconds) const {
  return served.phase == Phase::prefill
             ? limitSeconds
             : limitSeconds *
                   expectedTokens(served, plan.count(PlanClass::speculation));
}

double Evaluator::stagePasses(const Deployment &deployment) const {
  bool isFilled =
      served.phase != Phase::prefill || relaxed == Relaxation::transfers;
  int64_t bubble = isFilled ? 0 : deployment.stages - 1;
  return double(deployment.microBatches + bubble);
}

llvm::ArrayRef<Evaluator::Stage>
Evaluator::stagesOf(const Deployment &deployment) {
  for (const auto &known : stageCache)
    if (known.first == deployment.stages)
      return known.second;
  llvm::SmallVector<Stage, 4> distinct;
  for (int64_t index = 0; index < deployment.stages; ++index) {
    auto [first, last] = stageLayers(modelShape, deployment, index);
    Stage stage;
    stage.first = index == 0;
    stage.last = index + 1 == deployment.stages;
    if (!stage.first)
      stage.received = receivedBy(modelShape, deployment, index);
    if (!stage.last)
      stage.sent = receivedBy(modelShape, deployment, index + 1);
    for (unsigned layer = 0; layer < modelShape.layers.size(); ++layer) {
      int64_t calls = std::count(modelShape.sequence.begin() + first,
                                 modelShape.sequence.begin() + last, layer);
      if (calls)
        stage.calls.push_back({layer, calls});
    }
    if (!llvm::is_contained(distinct, stage))
      distinct.push_back(stage);
  }
  stageCache.push_back({deployment.stages, std::move(distinct)});
  return stageCache.back().second;
}

Estimate Evaluator::bodyEstimate(const PlanPoint &plan,
                                 const Deployment &deployment,
                                 const LayerShape &layer, int64_t sequences) {
  partitionLayer(modelShape, layer, plan, deployment, served, sequences, ops);
  steps.clear();
  targetFamily.realize(ops, plan, deployment, target, steps);
  if (relaxed != Relaxation::none) {
    for (Step &step : steps) {
      if (step.kind == OpKind::experts)
        step.issuedOperations = step.work.matmulOperations;
      else if (relaxed == Relaxation::transfers && isCommunication(step.kind))
        step.load = step.outerLoad = LinkLoad();
    }
  }
  return estimate(steps, pricedMachine);
}

double Evaluator::bodySeconds(const PlanPoint &plan,
                              const Deployment &deployment,
                              const LayerShape &layer, int64_t sequences) {
  return bodyEstimate(plan, deployment, layer, sequences).seconds;
}

Estimate Evaluator::boundaryEstimate(const PlanPoint &plan,
                                     const Deployment &deployment,
                                     int64_t sequences, OpKind kind,
                                     Passed passed) {
  LocalOp op = stageBoundary(modelShape, plan, deployment, served, sequences,
                             kind, passed);
  steps.clear();
  targetFamily.realize(op, plan, deployment, target, steps);
  return estimate(steps, pricedMachine);
}

llvm::SmallVector<Passed, 4>
Evaluator::passedForms(const Deployment &deployment) {
  llvm::SmallVector<Passed, 4> forms;
  for (const Stage &stage : stagesOf(deployment))
    for (Passed passed : stage.received)
      if (!llvm::is_contained(forms, passed))
        forms.push_back(passed);
  return forms;
}

double Evaluator::stepSeconds(const PlanPoint &plan,
                              const Deployment &deployment, int64_t sequences) {
  ++probeCount;
  for (auto [seconds, layer] : llvm::zip_equal(layerSeconds, modelShape.layers))
    seconds = bodySeconds(plan, deployment, layer, sequences);
  double prologue =
      bodySeconds(plan, deployment, modelShape.prologue, sequences);
  double epilogue =
      bodySeconds(plan, deployment, modelShape.epilogue, sequences);
  llvm::SmallVector<Passed, 4> forms;
  boundarySeconds.clear();
  if (deployment.stages > 1 && relaxed != Relaxation::transfers)
    forms = passedForms(deployment);
  for (Passed passed : forms) {
    auto take = [&](OpKind kind) {
      return boundaryEstimate(plan, deployment, sequences, kind, passed)
          .seconds;
    };
    double receive = take(OpKind::receive);
    boundarySeconds.push_back({receive, take(OpKind::send)});
  }
  auto boundary = [&](const PassedList &list) {
    std::pair<double, double> sum(0, 0);
    for (Passed passed : list)
      for (auto [known, seconds] : llvm::zip_equal(forms, boundarySeconds))
        if (known == passed) {
          sum.first += seconds.first;
          sum.second += seconds.second;
        }
    return sum;
  };
  double slowest = 0;
  for (const Stage &stage : stagesOf(deployment)) {
    double seconds = stage.first ? prologue : boundary(stage.received).first;
    seconds += stage.last ? epilogue : boundary(stage.sent).second;
    for (auto [layer, calls] : stage.calls)
      seconds += double(calls) * layerSeconds[layer];
    // Written so that NaN (an unknown figure) wins.
    slowest = slowest >= seconds ? slowest : seconds;
  }
  return stagePasses(deployment) * slowest +
         pricedMachine.stepOverheadSeconds();
}

double Evaluator::availableBytes() const {
  return pricedMachine.capacityBytes() - pricedMachine.reserveBytes();
}

bool Evaluator::fits(const PlanPoint &plan, const Deployment &deployment,
                     int64_t concurrency) const {
  return memoryUse(modelShape, plan, deployment, served, concurrency).total() <=
         availableBytes();
}

int64_t Evaluator::largestConcurrency(const PlanPoint &plan,
                                      const Deployment &deployment) const {
  // Memory, too, depends on the sequences per micro-batch only, and grows by
  // one per rank with every dp of them.
  int64_t batches = deployment.microBatches;
  return batches * largestWithin(kMostRequests, deployment.dp, availableBytes(),
                                 [&](int64_t sequences) {
                                   return memoryUse(modelShape, plan,
                                                    deployment, served,
                                                    sequences * batches)
                                       .total();
                                 });
}

double Evaluator::objectiveAbove(const PlanPoint &plan,
                                 const Deployment &deployment,
                                 double limitSeconds, double floor) {
  return objectiveAbove(plan, deployment, limitSeconds, floor, /*least=*/1,
                        largestConcurrency(plan, deployment));
}

double Evaluator::objectiveAbove(const PlanPoint &plan,
                                 const Deployment &deployment,
                                 double limitSeconds, double floor,
                                 int64_t least, int64_t largest,
                                 Relaxation relaxation) {
  if (!pair)
    return phaseObjectiveAbove(plan, deployment, limitSeconds, floor, least,
                               largest, relaxation);
  return pair->objectiveAbove(plan, deployment, limitSeconds, floor);
}

double Evaluator::phaseObjectiveAbove(const PlanPoint &plan,
                                      const Deployment &deployment,
                                      double limitSeconds, double floor,
                                      int64_t least, int64_t largest,
                                      Relaxation relaxation) {
  relaxed = relaxation;
  double perRate = objectivePerRate(plan, deployment);
  ConcurrencyProblem problem;
  problem.minimum = least;
  problem.maximum = largest;
  problem.microBatches = deployment.microBatches;
  problem.limitSeconds = stepLimit(plan, limitSeconds);
  problem.floorRate = floor / perRate;
  // Of a bound it is asked only whether it is above the floor.
  if (relaxation != Relaxation::none)
    problem.slack = std::numeric_limits<double>::infinity();
  ConcurrencyResult result = solveConcurrency(problem, [&](int64_t sequences) {
    return stepSeconds(plan, deployment, sequences);
  });
  relaxed = Relaxation::none;
  if (result.unknown)
    return std::nan("");
  return result.rate * perRate;
}

llvm::Error Evaluator::unknownFigure(const PlanPoint &plan,
                                     const Deployment &deployment) {
  auto check = [&](llvm::ArrayRef<LocalOp> body) -> std::string {
    steps.clear();
    targetFamily.realize(body, plan, deployment, target, steps);
    return pricedMachine.missing(steps);
  };
  auto checkLayer = [&](const LayerShape &layer) {
    partitionLayer(modelShape, layer, plan, deployment, served,
                   /*sequences=*/1, ops);
    return check(ops);
  };
  for (const LayerShape &layer : modelShape.layers)
    if (std::string what = checkLayer(layer); !what.empty())
      return llvm::createStringError(what);
  for (const LayerShape *layer : {&modelShape.prologue, &modelShape.epilogue})
    if (std::string what = checkLayer(*layer); !what.empty())
      return llvm::createStringError(what);
  for (Passed passed : passedForms(deployment))
    for (OpKind kind : {OpKind::receive, OpKind::send})
      if (std::string what = check(stageBoundary(modelShape, plan, deployment,
                                                 served, 1, kind, passed));
          !what.empty())
        return llvm::createStringError(what);
  if (std::isnan(pricedMachine.stepOverheadSeconds()))
    return llvm::createStringError("machine '" + target.name +
                                   "': step overhead is unknown");
  if (std::isnan(pricedMachine.reserveBytes()))
    return llvm::createStringError("machine '" + target.name +
                                   "': reserve fraction is unknown");
  return llvm::createStringError("machine '" + target.name +
                                 "': the step time is not a number");
}

llvm::Expected<Evaluation> Evaluator::at(const PlanPoint &plan,
                                         int64_t concurrency) {
  llvm::Expected<Deployment> deployment = deploymentOf(plan);
  if (!deployment)
    return deployment.takeError();
  Evaluation result;
  result.plan = plan;
  result.deployment = *deployment;
  result.concurrency = concurrency;
  result.memory = memoryUse(modelShape, plan, *deployment, served, concurrency);
  int64_t sequences = ceilDiv(concurrency, deployment->microBatches);
  result.stepSeconds = stepSeconds(plan, *deployment, sequences);
  if (!std::isfinite(result.stepSeconds) ||
      std::isnan(pricedMachine.reserveBytes()))
    return unknownFigure(plan, *deployment);
  result.tokensPerStep =
      expectedTokens(served, plan.count(PlanClass::speculation));
  result.objective = double(concurrency) / result.stepSeconds *
                     objectivePerRate(plan, *deployment);

  llvm::SmallVector<Estimate, 8> layers;
  for (const LayerShape &layer : modelShape.layers)
    layers.push_back(bodyEstimate(plan, *deployment, layer, sequences));
  Estimate prologue =
      bodyEstimate(plan, *deployment, modelShape.prologue, sequences);
  Estimate epilogue =
      bodyEstimate(plan, *deployment, modelShape.epilogue, sequences);
  double passes = stagePasses(*deployment);
  BoundSeconds bounds;
  double slowest = -1;
  for (const Stage &stage : stagesOf(*deployment)) {
    Parts parts;
    BoundSeconds stageBounds;
    auto add = [&](const Estimate &estimate, double times) {
      parts.add(estimate.parts, times * passes);
      stageBounds.add(estimate, times * passes);
    };
    auto pass = [&](OpKind kind, const PassedList &list) {
      for (Passed passed : list)
        add(boundaryEstimate(plan, *deployment, sequences, kind, passed), 1);
    };
    pass(OpKind::receive, stage.received);
    pass(OpKind::send, stage.sent);
    if (stage.first)
      add(prologue, 1);
    if (stage.last)
      add(epilogue, 1);
    for (auto [layer, calls] : stage.calls)
      add(layers[layer], double(calls));
    if (parts.total() > slowest) {
      slowest = parts.total();
      result.parts = parts;
      bounds = stageBounds;
    }
  }
  Estimate overhead;
  overhead.parts.launchSeconds = pricedMachine.stepOverheadSeconds();
  overhead.bound = Bound::launch;
  result.parts.add(overhead.parts);
  bounds.add(overhead, 1);
  result.bound = bounds.largest();
  return result;
}

void Evaluator::forEachBody(
    const PlanPoint &plan, int64_t concurrency,
    llvm::function_ref<void(llvm::ArrayRef<Step>)> visit) {
  Deployment deployment = llvm::cantFail(deploymentOf(plan));
  int64_t sequences = ceilDiv(concurrency, deployment.microBatches);
  auto visitOps = [&](llvm::ArrayRef<LocalOp> body) {
    steps.clear();
    targetFamily.realize(body, plan, deployment, target, steps);
    visit(steps);
  };
  auto visitLayer = [&](const LayerShape &layer) {
    partitionLayer(modelShape, layer, plan, deployment, served, sequences, ops);
    visitOps(ops);
  };
  for (const LayerShape &layer : modelShape.layers)
    visitLayer(layer);
  visitLayer(modelShape.prologue);
  visitLayer(modelShape.epilogue);
  for (Passed passed : passedForms(deployment))
    for (OpKind kind : {OpKind::receive, OpKind::send})
      visitOps(stageBoundary(modelShape, plan, deployment, served, sequences,
                             kind, passed));
  if (pair)
    pair->prefill().forEachBody(
        plan, pair->prefillConcurrency(plan, deployment), visit);
}

void Evaluator::forEachStep(
    const PlanPoint &plan, int64_t concurrency,
    llvm::function_ref<void(const Step &, bool, double)> visit) {
  Deployment deployment = llvm::cantFail(deploymentOf(plan));
  // Seconds of each body, in the order of forEachBody().
  llvm::SmallVector<double, 8> seconds;
  forEachBody(plan, concurrency, [&](llvm::ArrayRef<Step> body) {
    seconds.push_back(estimate(body, pricedMachine).seconds);
  });
  unsigned layers = modelShape.layers.size();
  const unsigned prologue = layers, epilogue = layers + 1;
  // To receive and to send a tensor of each form, after the bodies above.
  llvm::SmallVector<Passed, 4> forms = passedForms(deployment);
  auto boundary = [&](Passed passed) {
    return layers + 2 + 2 * unsigned(llvm::find(forms, passed) - forms.begin());
  };
  llvm::SmallVector<double, 8> times(layers + 2 + 2 * forms.size(), 0.0), most;
  double slowest = -1;
  for (const Stage &stage : stagesOf(deployment)) {
    std::fill(times.begin(), times.end(), 0.0);
    for (Passed passed : stage.received)
      ++times[boundary(passed)];
    for (Passed passed : stage.sent)
      ++times[boundary(passed) + 1];
    if (stage.first)
      times[prologue] = 1;
    if (stage.last)
      times[epilogue] = 1;
    for (auto [layer, calls] : stage.calls)
      times[layer] = double(calls);
    double total = 0;
    for (auto [count, body] : llvm::zip(times, seconds))
      total += count * body;
    if (total > slowest) {
      slowest = total;
      most = times;
    }
  }
  double passes = stagePasses(deployment);
  unsigned index = 0;
  forEachBody(plan, concurrency, [&](llvm::ArrayRef<Step> body) {
    // The bodies of prefill follow.
    double count = index < most.size() ? passes * most[index] : 0;
    ++index;
    bool overlapped = llvm::any_of(
        body, [](const Step &step) { return step.microBatch != 0; });
    if (count > 0)
      for (const Step &step : body)
        visit(step, overlapped, count);
  });
  if (!pair)
    return;
  int64_t prompts = pair->prefillConcurrency(plan, deployment);
  double prefills =
      double(concurrency) / (double(served.outputTokens) * double(prompts));
  pair->prefill().forEachStep(
      plan, prompts, [&](const Step &step, bool overlapped, double times) {
        visit(step, overlapped, prefills * times);
      });
}

llvm::Expected<Evaluation> Evaluator::best(const PlanPoint &plan,
                                           double limitSeconds) {
  return pair ? pair->best(plan, limitSeconds)
              : bestOfPhase(plan, limitSeconds);
}

Refusal Evaluator::refuseMemory(const MemoryUse &use) const {
  Refusal refusal;
  refusal.id = "capacity_exceeded";
  refusal.resource = target.memories.front().name;
  refusal.needed = use.total() + pricedMachine.reserveBytes();
  refusal.available = pricedMachine.capacityBytes();
  refusal.unit = "bytes";
  refusal.reason = "one request does not fit into memory";
  return refusal;
}

Refusal Evaluator::refuseLimit(double seconds, double limitSeconds) const {
  Refusal refusal;
  refusal.id = "slo_violated";
  refusal.resource =
      served.decodes() ? "time per output token" : "time to first token";
  refusal.needed = seconds;
  refusal.available = limitSeconds;
  refusal.unit = "seconds";
  refusal.reason = "one request alone takes longer than the limit";
  return refusal;
}

llvm::Expected<Evaluation> Evaluator::bestOfPhase(const PlanPoint &plan,
                                                  double limitSeconds) {
  llvm::Expected<Deployment> deployment = deploymentOf(plan);
  if (!deployment)
    return deployment.takeError();
  ConcurrencyProblem problem;
  problem.maximum = largestConcurrency(plan, *deployment);
  problem.microBatches = deployment->microBatches;
  problem.limitSeconds = stepLimit(plan, limitSeconds);
  ConcurrencyResult result = solveConcurrency(problem, [&](int64_t sequences) {
    return stepSeconds(plan, *deployment, sequences);
  });
  if (result.unknown || std::isnan(pricedMachine.reserveBytes()))
    return unknownFigure(plan, *deployment);
  llvm::Expected<Evaluation> evaluation =
      at(plan, std::max<int64_t>(result.concurrency, 1));
  if (!evaluation || result.concurrency > 0)
    return evaluation;
  // Not even one request: say which limit it breaks.
  evaluation->objective = 0;
  evaluation->infeasible = problem.maximum == 0
                               ? refuseMemory(evaluation->memory)
                               : refuseLimit(served.phase == Phase::prefill
                                                 ? evaluation->stepSeconds
                                                 : evaluation->tokenSeconds(),
                                             limitSeconds);
  return evaluation;
}
