//===- Sensitivity.cpp - what a result rests on ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The objective of a plan at the corners of the machine, and the share of its
// step time that rests on derived or assumed figures.
//
// Process: every derived or assumed figure is changed by one part in 10,000.
//   A part of a step (compute, memory, link, latency, padding, imbalance,
//   launch) that changes uses such a figure and counts whole. For a single
//   figure only that figure is changed.
// Not counted: figures that decide feasibility (capacity, reserve).
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Carryover.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace portolan;

namespace {

constexpr double kNudge = 1 - 1e-4;
constexpr double kNoticed = 1e-9;

constexpr double Parts::*kPartMembers[] = {
    &Parts::computeSeconds, &Parts::memorySeconds,  &Parts::linkSeconds,
    &Parts::latencySeconds, &Parts::paddingSeconds, &Parts::imbalanceSeconds,
    &Parts::launchSeconds,
};

/// The steps of the slowest stage with how often they run in one step.
struct WeightedStep {
  Step step;
  bool overlapped;
  double times;
};

/// Seconds of the parts that differ between two pricings of the same steps.
double changedSeconds(llvm::ArrayRef<WeightedStep> steps,
                      const PricedMachine &before, const PricedMachine &after) {
  double seconds = 0;
  for (const WeightedStep &item : steps) {
    Parts a, b;
    before.stepSeconds(item.step, item.overlapped, a);
    after.stepSeconds(item.step, item.overlapped, b);
    for (double Parts::*member : kPartMembers)
      if (std::abs(a.*member - b.*member) > kNoticed * a.*member)
        seconds += item.times * a.*member;
  }
  if (before.stepOverheadSeconds() != after.stepOverheadSeconds())
    seconds += before.stepOverheadSeconds();
  return seconds;
}

double totalSeconds(llvm::ArrayRef<WeightedStep> steps,
                    const PricedMachine &machine) {
  double seconds = machine.stepOverheadSeconds();
  for (const WeightedStep &item : steps) {
    Parts parts;
    machine.stepSeconds(item.step, item.overlapped, parts);
    seconds += item.times * parts.total();
  }
  return seconds;
}

void nudge(Quantity &quantity) {
  for (double &value : quantity.value)
    value *= kNudge;
}

} // namespace

llvm::Error portolan::addSensitivity(Evaluator &evaluator, double limitSeconds,
                                     TargetResult &result) {
  auto objectiveAt = [&](Corner corner) -> llvm::Expected<double> {
    Evaluator cornered(evaluator.model(), evaluator.machine(),
                       evaluator.family(), evaluator.workload(), corner);
    llvm::Expected<Evaluation> evaluation =
        cornered.best(result.plan, limitSeconds);
    if (!evaluation)
      return evaluation.takeError();
    return evaluation->objective;
  };
  llvm::Expected<double> low = objectiveAt(Corner::low);
  if (!low)
    return low.takeError();
  llvm::Expected<double> high = objectiveAt(Corner::high);
  if (!high)
    return high.takeError();
  result.range = {*low, *high};

  std::vector<WeightedStep> steps;
  evaluator.forEachStep(result.plan, result.best->concurrency,
                        [&](const Step &step, bool overlapped, double times) {
                          steps.push_back({step, overlapped, times});
                        });
  const PricedMachine &before = evaluator.priced();
  double total = totalSeconds(steps, before);
  Machine all = evaluator.machine();
  std::vector<std::string> paths;
  forEachQuantity(all, [&](llvm::StringRef path, Quantity &quantity) {
    if (!quantity.isAssumed())
      return;
    paths.push_back(path.str());
    nudge(quantity);
  });
  result.assumedShare =
      changedSeconds(steps, before, PricedMachine(all, Corner::nominal)) /
      total;
  for (const std::string &wanted : paths) {
    Machine one = evaluator.machine();
    std::string source;
    forEachQuantity(one, [&](llvm::StringRef path, Quantity &quantity) {
      if (path != wanted)
        return;
      source = quantity.source;
      nudge(quantity);
    });
    double share =
        changedSeconds(steps, before, PricedMachine(one, Corner::nominal)) /
        total;
    if (share > 0)
      result.assumed.push_back({wanted, source, share});
  }
  llvm::sort(result.assumed,
             [](const AssumedFigure &a, const AssumedFigure &b) {
               return a.share != b.share ? a.share > b.share : a.path < b.path;
             });
  return llvm::Error::success();
}
