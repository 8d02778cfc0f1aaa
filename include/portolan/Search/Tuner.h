//===- Tuner.h - the best plan of a declared space -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the plan of Space(t) with the highest objective. The space is split
// into prefixes (formats, instance and parallel degrees); a prefix whose upper
// bound does not reach the incumbent is skipped with all its plans, and so is
// one whose formats are never faster than those of a prefix without a plan that
// is good enough (FormatOrder.h). What is found is the optimum of the declared
// space and model, not an approximation;
// plans within 1e-9 of it are ties and the first in declared order wins, so the
// result does not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_TUNER_H
#define PORTOLAN_SEARCH_TUNER_H

#include "portolan/Search/Evaluate.h"
#include <functional>
#include <limits>
#include <map>
#include <memory>

namespace portolan {

class PrefixBound;
class Workers;

/// Values that a search may use, per class; every one where nothing is said.
class PlanFilter {
public:
  using Predicate = std::function<bool(PlanValue)>;

  PlanFilter &fix(PlanClass planClass, PlanValue value) {
    fixed[unsigned(planClass)] = value;
    return *this;
  }
  /// `predicate` is called from several threads.
  PlanFilter &allow(PlanClass planClass, Predicate predicate) {
    predicates[unsigned(planClass)] = std::move(predicate);
    return *this;
  }
  bool permits(PlanClass planClass, PlanValue value) const {
    const std::optional<PlanValue> &only = fixed[unsigned(planClass)];
    const Predicate &predicate = predicates[unsigned(planClass)];
    return (!only || *only == value) && (!predicate || predicate(value));
  }
  bool permits(const PlanPoint &plan) const;
  /// Whether it may refuse some value of the class.
  bool constrains(PlanClass planClass) const {
    return fixed[unsigned(planClass)] || predicates[unsigned(planClass)];
  }

private:
  std::array<std::optional<PlanValue>, kNumPlanClasses> fixed;
  std::array<Predicate, kNumPlanClasses> predicates;
};

struct RankedPlan {
  PlanPoint plan;
  double objective = 0;
  /// Place in the declared order of the space.
  std::pair<uint64_t, uint64_t> order;
};

struct SearchStatistics {
  uint64_t prefixes = 0; ///< of the space
  uint64_t explored = 0; ///< prefixes whose plans were priced
  uint64_t plans = 0;    ///< plans priced
  uint64_t probes = 0;   ///< step times computed
  double seconds = 0;

  void add(const SearchStatistics &other);
};

struct SearchOptions {
  PlanFilter filter;
  /// How many plans to rank (the best and its runners-up).
  unsigned keep = 1;
  /// Price every plan, without bounds.
  bool exhaustive = false;
  /// Ask only whether a plan is feasible: stop at the first.
  bool anyWillDo = false;
  /// An objective that is known to be reached under the filter.
  double known = 0;
};

struct TuneResult {
  /// Best first; empty if no plan is feasible.
  std::vector<RankedPlan> ranked;
  SearchStatistics statistics;
};

/// Searches the plans of one model on one machine under one workload, for any
/// number of limits and filters. Bounds are computed once per limit.
class Tuner {
public:
  Tuner(const ModelShape &model, const Machine &machine, const Family &family,
        const Workload &workload, unsigned threads = 2);
  ~Tuner();

  /// An error names an unknown figure that a plan needs.
  llvm::Expected<TuneResult> search(double limitSeconds,
                                    const SearchOptions &options);

  /// Evaluator for single plans, of the calling thread.
  Evaluator &evaluator() { return *evaluators.front(); }

  /// Distinct values of each class in the space, in order of first appearance,
  /// and the number of plans.
  struct SpaceSummary {
    std::array<llvm::SmallVector<PlanValue, 8>, kNumPlanClasses> values;
    uint64_t plans = 0;
  };
  llvm::Expected<SpaceSummary> summarize();

  /// Visits the first plan of every prefix.
  void forEachPrefixPlan(llvm::function_ref<void(const PlanPoint &)> visit);

  /// Upper bound on the objective of every plan that starts with `prefix`.
  double boundOf(const PlanPoint &prefix, double limitSeconds);

private:
  /// Memory depends on what is computed and sent, not on how: on these classes
  /// beyond the prefix.
  static constexpr std::array kMemoryClasses = {
      PlanClass::replicas,        PlanClass::dispatchExchange,
      PlanClass::combineExchange, PlanClass::overlap,
      PlanClass::batchForm,       PlanClass::speculation};
  using MemoryKey = std::array<PlanValue, kMemoryClasses.size()>;

  /// What is remembered of a prefix is written by the one worker that bounds or
  /// explores it.
  struct Prefix {
    PlanPoint plan;
    Deployment deployment;
    /// Prefixes that differ in formats only, which are never slower.
    llvm::SmallVector<uint32_t, 4> faster;
    std::optional<int64_t> largest; ///< see PrefixBound::largestPerStage()
    /// Concurrencies that memory allows.
    std::vector<std::pair<MemoryKey, int64_t>> largestOfPlans;
  };
  /// Where the plans of a prefix may exceed a floor.
  struct Promise {
    double floor = std::numeric_limits<double>::infinity();
    std::optional<int64_t> most; ///< see PrefixBound::mostPerStage()
    std::pair<int64_t, int64_t> range;
    double prefillObjective = 0; ///< bound of the other side of both phases
  };
  /// What is known of the plans of each prefix under one limit.
  struct Bounds {
    std::vector<double> upper;
    std::vector<char> isTight; ///< cannot be lowered
    /// Of the least floor that was asked for: wider than that of a higher one.
    std::vector<Promise> promises;
    /// Plans of earlier searches with what they reach: incumbents.
    std::vector<std::pair<PlanPoint, double>> known;
  };
  struct Shared;

  llvm::Error enumeratePrefixes();
  void orderFormats();
  void extendPrefix(unsigned planClass, PlanPoint &plan);
  Bounds &boundsFor(double limitSeconds);
  /// Lowers the bounds of `which` as far as the floor asks for it.
  void tighten(llvm::ArrayRef<uint64_t> which, Bounds &bounds, Shared &shared);
  void tighten(uint64_t index, PrefixBound &bound, Bounds &bounds,
               Shared &shared);
  /// Puts those first whose formats none of the others betters; says how many.
  size_t fastestFirst(std::vector<uint64_t> &which) const;
  void exploreBestFirst(std::vector<uint64_t> which, Bounds &bounds,
                        Shared &shared, size_t most);
  void explore(unsigned worker, uint64_t prefix, Shared &shared);
  const Promise &promiseOf(uint64_t prefix, double floor, double limitSeconds,
                           Evaluator &evaluator);
  int64_t largestOf(uint64_t prefix, const PlanPoint &plan,
                    const Deployment &deployment, const Evaluator &evaluator);
  /// Drops the prefixes none of whose plans the filter permits.
  void dropEmpty(std::vector<uint64_t> &permitted, const PlanFilter &filter);
  void searchWithBounds(std::vector<uint64_t> permitted, Shared &shared);

  std::vector<std::unique_ptr<Evaluator>> evaluators; ///< one per worker
  std::unique_ptr<Workers> workers;
  std::vector<Prefix> prefixes;
  std::map<double, Bounds> boundsByLimit;
  llvm::Error enumerationError = llvm::Error::success();
};

} // namespace portolan

#endif // PORTOLAN_SEARCH_TUNER_H
