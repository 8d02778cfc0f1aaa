//===- SwitchingCost.cpp - ops that a switch of target changes ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the lowered programs of two plans are compared body by body (each
// distinct layer, the prologue, the epilogue and the stage boundary once). An
// op is the same if it is of the same kind with the same engine, tile, formats,
// memory level, algorithm and group; shapes are not compared, as they follow
// from the batch. Dialect names are not compared: across families every op
// would differ.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Carryover.h"
#include <map>

using namespace portolan;

namespace {

using Signature = std::array<int64_t, 12>;

Signature signatureOf(const Step &step) {
  return {int64_t(step.kind),
          int64_t(step.engine),
          step.tokenTile,
          int64_t(step.memoryLevel),
          int64_t(step.prefetched),
          int64_t(step.algorithm),
          int64_t(step.linkTier),
          int64_t(step.work.compute),
          int64_t(step.work.weightStorage),
          int64_t(step.work.cacheStorage),
          step.work.message.group.size,
          int64_t(step.microBatch)};
}

/// How often each op occurs, per body.
std::vector<std::map<Signature, unsigned>>
programOf(Evaluator &evaluator, const PlanPoint &plan, int64_t concurrency) {
  std::vector<std::map<Signature, unsigned>> bodies;
  evaluator.forEachBody(plan, concurrency, [&](llvm::ArrayRef<Step> steps) {
    auto &body = bodies.emplace_back();
    for (const Step &step : steps)
      ++body[signatureOf(step)];
  });
  return bodies;
}

} // namespace

unsigned portolan::switchingOps(Evaluator &other, const PlanPoint &otherPlan,
                                int64_t otherConcurrency, Evaluator &evaluator,
                                const PlanPoint &plan, int64_t concurrency) {
  auto before = programOf(other, otherPlan, otherConcurrency);
  auto after = programOf(evaluator, plan, concurrency);
  unsigned changed = 0;
  for (size_t body = 0; body < after.size(); ++body)
    for (auto [signature, count] : after[body]) {
      unsigned had = 0;
      if (body < before.size())
        if (auto found = before[body].find(signature);
            found != before[body].end())
          had = found->second;
      changed += count > had ? count - had : 0;
    }
  return changed;
}
