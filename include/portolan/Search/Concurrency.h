//===- Concurrency.h - the best integer concurrency ------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many requests one model copy should serve at once: the integer c that
// maximizes c / T(c) under a limit on T, where T never falls as c grows. Solved
// exactly by branch and bound: on the integers from a to b nothing exceeds
// b / T(a).
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_CONCURRENCY_H
#define PORTOLAN_SEARCH_CONCURRENCY_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>

namespace portolan {

/// Plans and concurrencies whose rates differ by less are ties.
inline constexpr double kTieTolerance = 1e-9;

/// No deployment serves more sequences at once in one micro-batch; keeps the
/// bisection finite where a request needs no cache.
inline constexpr int64_t kMostRequests = int64_t(1) << 22;

struct ConcurrencyProblem {
  /// Largest concurrency that memory allows; 0 if not even one request fits.
  int64_t maximum = 0;
  /// Smaller ones are known to be of no interest.
  int64_t minimum = 1;
  /// A step serves the requests in so many micro-batches, each of
  /// ceil(c / microBatches) sequences: T depends on nothing else.
  int64_t microBatches = 1;
  /// Limit on T in seconds.
  double limitSeconds = 0;
  /// Rates at or below it are of no interest (an incumbent's).
  double floorRate = 0;
  /// What may be missed: nothing exceeds max(floor, rate * (1 + slack)). An
  /// upper bound needs few probes where it may be loose.
  double slack = 0;
};

struct ConcurrencyResult {
  /// 0 if no concurrency is within the limit and above the floor.
  int64_t concurrency = 0;
  double seconds = 0;
  /// concurrency / seconds.
  double rate = 0;
  unsigned probes = 0;
  /// A probe was NaN: a figure is unknown.
  bool unknown = false;
};

/// The best concurrency, up to the slack. `seconds` is T for so many sequences
/// per micro-batch.
ConcurrencyResult
solveConcurrency(const ConcurrencyProblem &problem,
                 llvm::function_ref<double(int64_t sequences)> seconds);

/// The largest value in [0, upper] whose `amount` is at most `available`, 0 if
/// not even that of 1 is. The amount never falls; where it is a line through
/// multiples of `granule`, few calls find it.
int64_t largestWithin(int64_t upper, int64_t granule, double available,
                      llvm::function_ref<double(int64_t value)> amount);

} // namespace portolan

#endif // PORTOLAN_SEARCH_CONCURRENCY_H
