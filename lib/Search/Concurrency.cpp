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
    bestRate = threshold = problem.floorRate;
  }

  ConcurrencyResult solve() {
    if (problem.maximum < 1)
      return result;
    auto sequencesOf = [&](int64_t concurrency) {
      return (concurrency + problem.microBatches - 1) / problem.microBatches;
    };
    int64_t last = sequencesOf(problem.maximum);
    int64_t first = std::max<int64_t>(sequencesOf(problem.minimum), 1);
    if (first > last)
      return result;
    double seconds = probe(first);
    if (result.unknown || seconds > problem.limitSeconds)
      return result;
    accept(first, seconds);
    // Above a better one, steps would be as small as one.
    bool isBetter = bestRate > problem.floorRate;
    bool isLeft = isBetter ? first < last : climb(first, last, seconds);
    if (isLeft && beats(last, seconds))
      search(first, last, seconds);
    return result;
  }

private:
  /// Most steps of climb(); wide gaps are left to the search.
  static constexpr unsigned kSteps = 5;

  /// Goes up from `first`, whose time is `seconds`, over what cannot beat the
  /// threshold because T never falls: a plan that is not good enough meets the
  /// limit soon. Says whether anything above `first` is left to be searched.
  bool climb(int64_t &first, int64_t last, double &seconds) {
    for (unsigned step = 0; step < kSteps && first < last; ++step) {
      double needed = threshold * seconds;
      if (needed >= double(problem.maximum))
        return false;
      int64_t next =
          std::max(first + 1, int64_t(needed) / problem.microBatches + 1);
      double time = probe(next);
      if (result.unknown || time > problem.limitSeconds)
        return false;
      accept(next, time);
      first = next;
      seconds = time;
      if (bestRate > problem.floorRate)
        break;
    }
    return first < last;
  }

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
    return double(concurrencyAt(sequences)) > threshold * time;
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
    threshold = std::max(threshold, rate * (1 + problem.slack));
    result.concurrency = concurrency;
    result.seconds = time;
    result.rate = rate;
  }

  void search(int64_t first, int64_t last, double firstSeconds) {
    stack.push_back({first, last, firstSeconds});
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
  double bestRate;  ///< of what was accepted, or the floor
  double threshold; ///< what an interval must exceed
  llvm::SmallVector<Interval, 64> stack;
};

} // namespace

ConcurrencyResult
portolan::solveConcurrency(const ConcurrencyProblem &problem,
                           llvm::function_ref<double(int64_t)> seconds) {
  return Solver(problem, seconds).solve();
}

int64_t portolan::largestWithin(int64_t upper, int64_t granule,
                                double available,
                                llvm::function_ref<double(int64_t)> amount) {
  // Amounts at `good` fit, those at `bad` do not.
  int64_t good = 0, bad = upper + 1;
  double goodAmount = 0;
  auto probe = [&](int64_t value) {
    value = std::clamp(value, good + 1, bad - 1);
    double used = amount(value);
    if (used <= available) {
      good = value;
      goodAmount = used;
    } else {
      bad = value;
    }
    return used;
  };
  if (upper < 1 || !(probe(1) <= available))
    return 0;
  if (bad - good > 1)
    probe(granule);
  if (bad - good > 1 && good >= granule) {
    // The line through one and two granules.
    double first = goodAmount;
    double second = probe(2 * granule);
    double perGranule = second - first;
    if (good >= 2 * granule && perGranule > 0) {
      double granules =
          std::floor((available - first) / perGranule * (1 + 1e-12)) + 1;
      if (granules < double(upper) / double(granule))
        probe(int64_t(granules) * granule);
      else
        probe(upper);
      if (bad - good > 1)
        probe(good + 1);
    }
  }
  // Elsewhere: grow, then halve.
  while (bad - good > 1)
    probe(bad > upper ? good * 4 : good + (bad - good) / 2);
  return good;
}
