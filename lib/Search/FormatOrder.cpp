//===- FormatOrder.cpp - formats that are never slower --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every duration grows with what is compared here (Estimate.h), and the time of
// a body with the duration of every step; so does memory with bytes.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/FormatOrder.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace portolan;

double FormatOrder::secondsPerOperation(Format compute) const {
  Step step;
  step.kind = OpKind::linear;
  step.work.matmulOperations = 1;
  step.work.compute = compute;
  Parts parts;
  return machine.stepSeconds(step, /*overlapped=*/false, parts);
}

double FormatOrder::secondsPerElement(Format storage, unsigned level) const {
  Step step;
  step.kind = OpKind::linear;
  step.memoryLevel = uint8_t(level);
  step.work.weightBytes = bytesPerElement(storage);
  step.work.weightStorage = storage;
  Parts parts;
  return machine.stepSeconds(step, /*overlapped=*/false, parts);
}

double FormatOrder::widening(Format storage, Format compute) const {
  if (storage == compute)
    return 0;
  for (const StorageFormat &known : machine.machine().storageFormats)
    if (known.format == storage)
      return known.dequantizeOperationsPerElement.at(machine.corner());
  return std::numeric_limits<double>::infinity();
}

bool FormatOrder::computesNoSlower(Format fast, Format slow) const {
  if (fast == slow)
    return true;
  if (const Engine *matmul = machine.machine().findEngine(EngineKind::matmul)) {
    auto contraction = [&](Format format) {
      return std::max(matmul->contractionTile,
                      matmul->contractionStep[unsigned(format)]);
    };
    // Where tiles of the one are whole tiles of the other, each tile of slow is
    // one of fast, and padded no more.
    if (matmul->rowGranule[unsigned(slow)] %
                matmul->rowGranule[unsigned(fast)] !=
            0 ||
        contraction(fast) != contraction(slow))
      return false;
  }
  return secondsPerOperation(fast) <= secondsPerOperation(slow);
}

bool FormatOrder::isUsedNoSlower(FormatPair fast, FormatPair slow) const {
  if (fast == slow)
    return true;
  for (unsigned level = 0; level < machine.machine().memories.size(); ++level) {
    double ofFast = secondsPerElement(fast.storage, level);
    double ofSlow = secondsPerElement(slow.storage, level);
    // Nothing can stream from a level whose bandwidth is not known at all.
    bool isUnused = std::isnan(ofFast) && std::isnan(ofSlow);
    if (fast.storage != slow.storage && !isUnused && !(ofFast <= ofSlow))
      return false;
  }
  return bytesPerElement(fast.storage) <= bytesPerElement(slow.storage) &&
         computesNoSlower(fast.compute, slow.compute) &&
         widening(fast.storage, fast.compute) <=
             widening(slow.storage, slow.compute);
}

bool FormatOrder::isNeverSlower(const PlanPoint &fast,
                                const PlanPoint &slow) const {
  // A class that no op uses decides nothing if it is none in both.
  PlanPoint plans[] = {fast, slow};
  for (PlanClass planClass : {PlanClass::weightFormat,
                              PlanClass::activationFormat, PlanClass::kvFormat})
    if (fast.get(planClass) == kNone || slow.get(planClass) == kNone) {
      if (fast.get(planClass) != slow.get(planClass))
        return false;
      for (PlanPoint &plan : plans)
        plan.set(planClass, encodeFormats(FormatPair()));
    }
  PlannedFormats a = plannedFormats(plans[0]), b = plannedFormats(plans[1]);
  return bytesPerElement(a.rows) <= bytesPerElement(b.rows) &&
         bytesPerElement(a.projected) <= bytesPerElement(b.projected) &&
         isUsedNoSlower(a.feedForward, b.feedForward) &&
         isUsedNoSlower(a.projection, b.projection) &&
         isUsedNoSlower(a.cache, b.cache) &&
         // Up-projections of a latent cache are computed as the cache.
         widening(a.projection.storage, a.cache.compute) <=
             widening(b.projection.storage, b.cache.compute);
}
