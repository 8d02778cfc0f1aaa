//===- Estimate.h - the only price -----------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// estimate() combines steps (what is done how) with a machine (how fast) into
// seconds with their parts. Nothing else in the project prices anything.
//
// Process: each step's duration is the larger of its engine time (issued
// operations / (peak * efficiency)), vector time and memory time (bytes /
// (bandwidth * efficiency)), plus launches; a communication step's duration is
// starts + hops * latency + extra messages * gap + bytes / (bandwidth *
// efficiency). Steps issue in program order on a compute queue and one queue
// per link tier; a step waits for the previous step of its micro-batch. Without
// overlap there is one micro-batch and the durations add up.
// Not counted: contention between tiers, power throttling, host jitter.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_ESTIMATE_H
#define PORTOLAN_ANALYSIS_ESTIMATE_H

#include "portolan/Analysis/Step.h"

namespace portolan {

/// Where the time of a body goes; the parts of a serial body sum to its time.
/// With overlap they are scaled so that they still do.
struct Parts {
  double computeSeconds = 0;   ///< useful operations at the reached peak
  double memorySeconds = 0;    ///< beyond the useful compute, memory-bound part
  double linkSeconds = 0;      ///< bytes over links
  double latencySeconds = 0;   ///< hops, starts, messages
  double paddingSeconds = 0;   ///< operations issued beyond the useful ones
  double imbalanceSeconds = 0; ///< the slowest rank beyond the mean one
  double launchSeconds = 0;    ///< kernels and framework

  double total() const {
    return computeSeconds + memorySeconds + linkSeconds + latencySeconds +
           paddingSeconds + imbalanceSeconds + launchSeconds;
  }
  void add(const Parts &other, double times = 1);
  void scale(double factor);
};

enum class Bound : uint8_t { compute, memory, link, latency, launch };
llvm::StringRef spell(Bound bound);

/// The price of steps on a machine.
struct Estimate {
  double seconds = 0;
  Parts parts;
  /// The part that is largest (padding and imbalance count to what they pad).
  Bound bound = Bound::compute;
};

/// A machine compiled for pricing at one corner: figures looked up once,
/// unknown ones kept as NaN until a step needs them.
class PricedMachine {
public:
  PricedMachine(const Machine &machine, Corner corner);

  /// Duration and parts of one step alone; NaN if a figure it needs is unknown
  /// (missing() names it).
  double stepSeconds(const Step &step, Parts &parts, double computeTax) const;

  const Machine &machine() const { return *source; }
  Corner corner() const { return pricedCorner; }
  /// The first unknown figure that a step of this list needs, or empty.
  std::string missing(llvm::ArrayRef<Step> steps) const;

  double stepOverheadSeconds() const { return stepOverhead; }
  double capacityBytes() const { return capacity; }
  double reserveBytes() const { return reserve; }

private:
  const Machine *source;
  Corner pricedCorner;
  struct EngineRate {
    std::array<double, kNumFormats> operationsPerSecond;
  };
  std::array<EngineRate, kNumEngineKinds> engines;
  struct MemoryRate {
    std::array<double, kNumFormats> bytesPerSecond;
    double plainBytesPerSecond;
  };
  llvm::SmallVector<MemoryRate, 3> memories;
  struct LinkRate {
    double bytesPerSecond, latency, start, gap, reductionGain, computeTax;
  };
  llvm::SmallVector<LinkRate, 2> links;
  double kernelLaunch, stepOverhead, capacity, reserve;

  friend Estimate estimate(llvm::ArrayRef<Step>, const PricedMachine &);
};

/// The price of one body. Requires missing(steps) to be empty.
Estimate estimate(llvm::ArrayRef<Step> steps, const PricedMachine &machine);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_ESTIMATE_H
