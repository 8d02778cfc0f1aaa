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
// operations / (peak * efficiency)), vector time, memory time (bytes /
// (bandwidth * efficiency)) and gather time (bytes / rate at the size of its
// transfers), plus launches and transfers between the units of the chip; a
// communication step's duration is
// starts + hops * latency + extra messages * gap + bytes / (bandwidth *
// efficiency), the bytes on axes with a bandwidth of their own added. What runs
// beside a communication has the memory bandwidth that this leaves. Steps issue
// in program order on a compute queue and one queue per link tier; a step waits
// for the previous step of its micro-batch. Without overlap there is one
// micro-batch and the durations add up. Not counted: contention between tiers,
// power throttling, host jitter.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_ESTIMATE_H
#define PORTOLAN_ANALYSIS_ESTIMATE_H

#include "portolan/Analysis/Step.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

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

/// Visits the parts by name: "compute", "memory", ...
void forEachPart(const Parts &parts,
                 llvm::function_ref<void(llvm::StringRef, double)> visit);

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
/// unknown ones kept as NaN until a step needs them. The machine must outlive
/// it.
class PricedMachine {
public:
  PricedMachine(const Machine &machine, Corner corner);

  /// Duration of one step alone with its parts; NaN if it needs an unknown
  /// figure (missing() names it). `overlapped`: communication runs beside it
  /// and takes its share of the compute units.
  double stepSeconds(const Step &step, bool overlapped, Parts &parts) const;

  /// Seconds that a step takes less if as much of its weights as the next
  /// nearer memory level holds is there before it begins: no more than what its
  /// memory takes beyond its computation; 0 without such a level.
  double prefetchSeconds(const Step &step, bool overlapped) const;

  /// Part of the memory bandwidth that a running communication leaves.
  double memoryShareBesideLinks() const {
    return links.empty() ? 1 : 1 - links.front().memoryTax;
  }

  const Machine &machine() const { return *source; }
  Corner corner() const { return pricedCorner; }
  /// The first unknown figure that a step of this list needs, or empty.
  std::string missing(llvm::ArrayRef<Step> steps) const;

  /// Seconds between steps; NaN if unknown.
  double stepOverheadSeconds() const { return stepOverhead; }
  /// Bytes of level-0 memory per chip, and those that the stack reserves.
  double capacityBytes() const { return capacity; }
  double reserveBytes() const { return reserve; }

private:
  /// Seconds of the queues of a kernel, which run beside each other.
  struct KernelTimes {
    double useful = 0, issued = 0; ///< matmul without and with padding
    double vector = 0;             ///< vector or transcendental operations
    double memory = 0;
    double activations = 0; ///< of the memory's
    double body = 0;        ///< the longest
  };
  KernelTimes kernelTimes(const Step &step, bool overlapped) const;
  double computeSeconds(const Step &step, bool overlapped, Parts &parts) const;
  /// Transfers between the units of a chip that a computation of `body` seconds
  /// needs, as far as they are not beside it.
  double unitTransferSeconds(const Step &step, double body, Parts &parts) const;
  double linkSeconds(const Step &step, Parts &parts) const;
  double tierSeconds(const Step &step, const LinkLoad &load, unsigned tier,
                     Parts &parts) const;

  struct LinkRate {
    double bytesPerSecond, latency, start, gap, reductionGain, computeTax,
        memoryTax;
    /// Reached bytes/s of an axis; unknown without a figure of its own.
    std::array<double, 3> axisBytesPerSecond;
  };
  static double axisTransferSeconds(const LinkLoad &load, const LinkRate &link);
  static double latencyOf(const LinkLoad &load, const LinkRate &link);
  const Machine *source;
  Corner pricedCorner;
  /// Reached operations/s: of the matmul engine per format; of the vector and
  /// transcendental engines at full precision.
  std::array<double, kNumFormats> matmulRate;
  double vectorRate, transcendentalRate;
  /// Reached bytes/s of the gather engine with transfers that fill it, and the
  /// size of those.
  double gatherRate, saturatingBytes;
  /// Reached bytes/s per level and storage format.
  llvm::SmallVector<std::array<double, kNumFormats>, 3> memoryRate;
  llvm::SmallVector<LinkRate, 2> links;
  double kernelLaunch, stepOverhead, capacity, reserve;
};

/// The price of one body. Requires missing(steps) to be empty.
Estimate estimate(llvm::ArrayRef<Step> steps, const PricedMachine &machine);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_ESTIMATE_H
