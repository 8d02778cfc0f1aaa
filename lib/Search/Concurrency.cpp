//===- Concurrency.cpp - the best integer concurrency ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Branch and bound over sequences per micro-batch. Samples are kept on a stack
// as intervals between two probed ends; an interval is dropped when the
// concurrency just below its upper end, at the time of its lower end, does not
// beat the best rate.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Concurrency.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>
#include <cmath>

using namespace portolan;

namespace {

/// Open interval (lower, upper) of sequences per micro-batch; T(lower) is
/// known.
struct Interval {
  int64_t lower, upper;
  double lowerSeconds;
};

class Solver {
public:
  Solver(const ConcurrencyProblem &problem,
         llvm::function_ref<double(int64_t)> seconds)
      : problem(problem), seconds(seconds) {
    bestRate = problem.floorRate;
    tolerance = 1 + problem.slack;
  }

  ConcurrencyResult solve() {
    if (problem.maximum < 1)
      return result;
    int64_t last =
        (problem.maximum + problem.microBatches - 1) / problem.microBatches;
    double first = probe(1);
    if (result.unknown || first > problem.limitSeconds)
      return result;
    accept(1, first);
    if (last > 1 && beats(last, first))
      search(last, first);
    return result;
  }

private:
  int64_t concurrencyAt(int64_t sequences) const {
    return std::min(sequences * problem.microBatches, problem.maximum);
  }

  double probe(int64_t sequences) {
    ++result.probes;
    double time = seconds(sequences);
    if (std::isnan(time))
      result.unknown = true;
    return time;
  }

  bool beats(int64_t sequences, double time) const {
    return double(concurrencyAt(sequences)) > bestRate * tolerance * time;
  }

  void accept(int64_t sequences, double time) {
    int64_t concurrency = concurrencyAt(sequences);
    double rate = double(concurrency) / time;
    // Of equal rates the smallest concurrency, whatever the order of visits.
    if (rate < bestRate ||
        (rate == bestRate &&
         (result.concurrency == 0 || concurrency >= result.concurrency)))
      return;
    bestRate = rate;
    result.concurrency = concurrency;
    result.seconds = time;
    result.rate = rate;
  }

  void search(int64_t last, double firstSeconds) {
    stack.push_back({1, last, firstSeconds});
    // The cap is most often the optimum: a memory-bound step takes the same
    // time however many share it.
    double lastSeconds = probe(last);
    if (result.unknown)
      return;
    if (lastSeconds <= problem.limitSeconds)
      accept(last, lastSeconds);
    while (!stack.empty() && !result.unknown) {
      Interval interval = stack.pop_back_val();
      int64_t top = interval.upper - 1;
      if (top <= interval.lower || !beats(top, interval.lowerSeconds))
        continue;
      int64_t middle = split(interval.lower, interval.upper);
      double time = probe(middle);
      if (result.unknown)
        return;
      if (time > problem.limitSeconds) {
        stack.push_back({interval.lower, middle, interval.lowerSeconds});
        continue;
      }
      accept(middle, time);
      // The upper part is searched first.
      stack.push_back({interval.lower, middle, interval.lowerSeconds});
      stack.push_back({middle, interval.upper, time});
    }
  }

  /// Wide intervals are split at the geometric mean.
  static int64_t split(int64_t lower, int64_t upper) {
    int64_t middle = upper > 2 * lower
                         ? int64_t(std::sqrt(double(lower) * double(upper)))
                         : lower + (upper - lower) / 2;
    return std::clamp(middle, lower + 1, upper - 1);
  }

  const ConcurrencyProblem &problem;
  llvm::function_ref<double(int64_t)> seconds;
  ConcurrencyResult result;
  double bestRate, tolerance;
  llvm::SmallVector<Interval, 64> stack;
};

} // namespace

ConcurrencyResult
portolan::solveConcurrency(const ConcurrencyProblem &problem,
                           llvm::function_ref<double(int64_t)> seconds) {
  return Solver(problem, seconds).solve();
}

int64_t portolan::largestFitting(int64_t upper,
                                 llvm::function_ref<bool(int64_t)> fits) {
  if (upper < 1 || !fits(1))
    return 0;
  int64_t good = 1;
  while (good < upper) {
    int64_t next = std::min(good * 2, upper);
    if (!fits(next)) {
      int64_t bad = next;
      while (bad - good > 1) {
        int64_t middle = good + (bad - good) / 2;
        (fits(middle) ? good : bad) = middle;
      }
      return good;
    }
    good = next;
  }
  return good;
}
