//===- IdealBound.cpp - what no plan can exceed ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Requests per second never fall as the batch grows (what is read of the
// weights per request falls), so the largest batch within memory and limit is
// the best one.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/IdealBound.h"
#include "PhasePair.h"

using namespace portolan;

namespace {

class Roofline {
public:
  Roofline(const ModelShape &model, const Machine &machine,
           const Workload &workload, const PlanPoint &formats)
      : model(model), machine(machine), workload(workload), plan(formats),
        chips(double(machine.chips())) {
    const Engine *matmul = machine.findEngine(EngineKind::matmul);
    for (Format format : kAllFormats)
      if (matmul && matmul->computes(format))
        peak[unsigned(format)] =
            matmul->peakOperationsPerSecond[unsigned(format)]->nominal();
    // Weights and cache are in the first level; nearer ones only buffer.
    if (!machine.memories.empty() &&
        machine.memories.front().bandwidthBytesPerSecond)
      bandwidth = machine.memories.front().bandwidthBytesPerSecond->nominal();
  }

  double seconds(int64_t sequences) {
    double operationSeconds = 0, bytes = 0;
    auto add = [&](const LayerShape &layer, double calls) {
      partitionLayer(model, layer, plan, whole, workload, sequences, ops);
      for (const LocalOp &op : ops) {
        Work work = workOf(op);
        double rate = peak[unsigned(work.compute)];
        if (work.matmulOperations > 0 && rate > 0)
          operationSeconds += calls * work.matmulOperations / rate;
        bytes += calls * (work.weightBytes + work.cacheReadBytes +
                          work.cacheWriteBytes);
      }
    };
    for (unsigned layer = 0; layer < model.layers.size(); ++layer)
      add(model.layers[layer], double(model.callsOf(layer)));
    add(model.prologue, 1);
    add(model.epilogue, 1);
    double memorySeconds = bandwidth > 0 ? bytes / bandwidth : 0;
    return std::max(operationSeconds, memorySeconds) / chips;
  }

  double bytes(int64_t sequences) {
    MemoryUse use = memoryUse(model, plan, whole, workload, sequences);
    return use.weightBytes + use.cacheBytes;
  }

  double objective(double limitSeconds, int64_t mostRequests) {
    double capacity = chips * machine.memories.front().capacityBytes.nominal();
    int64_t requests =
        largestWithin(mostRequests, 1, capacity,
                      [&](int64_t sequences) { return bytes(sequences); });
    double tokens =
        expectedTokens(workload, plan.count(PlanClass::speculation));
    // The limit of decode is on a token.
    double stepLimit =
        workload.phase == Phase::prefill ? limitSeconds : limitSeconds * tokens;
    requests = largestWithin(requests, 1, stepLimit, [&](int64_t sequences) {
      return seconds(sequences);
    });
    if (requests == 0)
      return 0;
    return double(requests) * tokens / seconds(requests) / chips;
  }

private:
  const ModelShape &model;
  const Machine &machine;
  const Workload &workload;
  PlanPoint plan;
  Deployment whole; ///< one rank that does everything
  double chips;
  std::array<double, kNumFormats> peak{};
  double bandwidth = 0;
  LocalOps ops;
};

} // namespace

double portolan::idealObjective(const ModelShape &model, const Machine &machine,
                                const Workload &workload,
                                const PlanPoint &formats, double limitSeconds,
                                int64_t mostRequests) {
  return Roofline(model, machine, workload, formats)
      .objective(limitSeconds, mostRequests);
}

/// The best over the formats of one phase.
static double idealOfPhase(Evaluator &evaluator, double limitSeconds) {
  const Family &family = evaluator.family();
  double best = 0;
  PlanPoint plan;
  std::array<llvm::SmallVector<PlanValue, 8>, 3> values;
  llvm::SmallVector<PlanValue, 4> drafts;
  family.values(PlanClass::speculation, plan, evaluator.context(), drafts);
  family.values(PlanClass::weightFormat, plan, evaluator.context(), values[0]);
  for (PlanValue weight : values[0]) {
    plan.set(PlanClass::weightFormat, weight);
    values[1].clear();
    family.values(PlanClass::activationFormat, plan, evaluator.context(),
                  values[1]);
    for (PlanValue activation : values[1]) {
      plan.set(PlanClass::activationFormat, activation);
      values[2].clear();
      family.values(PlanClass::kvFormat, plan, evaluator.context(), values[2]);
      for (PlanValue cache : values[2]) {
        plan.set(PlanClass::kvFormat, cache);
        for (PlanValue drafted : drafts) {
          plan.set(PlanClass::speculation, drafted);
          best = std::max(best,
                          idealObjective(evaluator.model(), evaluator.machine(),
                                         evaluator.workload(), plan,
                                         limitSeconds, kMostRequests));
        }
        plan.set(PlanClass::speculation, kNone);
      }
    }
  }
  return best;
}

double portolan::idealObjective(Evaluator &evaluator, double limitSeconds) {
  double ideal = idealOfPhase(evaluator, limitSeconds);
  PhasePair *phases = evaluator.phases();
  if (!phases)
    return ideal;
  return phases->combine(
      ideal,
      idealOfPhase(phases->prefill(), evaluator.workload().maxTtftSeconds));
}
