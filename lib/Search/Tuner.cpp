//===- Tuner.cpp - the best plan of a declared space ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prefixes are visited by falling bound; workers take them one by one. A plan
// is skipped only if it is below the incumbent by more than the tolerance of a
// tie, so every plan that can be the answer is priced whatever the timing.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Tuner.h"
#include "portolan/Search/Bound.h"
#include "portolan/Support/InternalError.h"
#include "llvm/ADT/STLExtras.h"
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <numeric>
#include <thread>

using namespace portolan;

namespace {

/// Classes that a prefix fixes.
constexpr unsigned kPrefixClasses = unsigned(PlanClass::expertTp) + 1;

/// Bounds are rounded up by more than the pricing can round.
constexpr double kBoundMargin = 1 + 1e-9;

} // namespace

bool PlanFilter::permits(const PlanPoint &plan) const {
  return llvm::all_of(allPlanClasses(), [&](PlanClass planClass) {
    return permits(planClass, plan.get(planClass));
  });
}

void SearchStatistics::add(const SearchStatistics &other) {
  prefixes = std::max(prefixes, other.prefixes);
  explored += other.explored;
  plans += other.plans;
  probes += other.probes;
  seconds += other.seconds;
}

/// What the workers of one search share.
struct Tuner::Shared {
  double limitSeconds;
  const SearchOptions &options;
  std::vector<uint64_t> queue;
  std::atomic<size_t> next{0};
  std::atomic<uint64_t> explored{0}, plans{0};
  std::atomic<bool> unevenBatches{false};
  /// Objectives at or below are of no interest.
  std::atomic<double> floor{0};
  std::mutex mutex;
  std::vector<RankedPlan> candidates; ///< by falling objective
  std::optional<std::pair<std::pair<uint64_t, uint64_t>, PlanPoint>> unknown;

  Shared(double limitSeconds, const SearchOptions &options)
      : limitSeconds(limitSeconds), options(options) {
    floor = options.known * (1 - 2 * kTieTolerance);
  }

  void offer(const RankedPlan &plan) {
    std::lock_guard<std::mutex> lock(mutex);
    auto place = llvm::upper_bound(
        candidates, plan, [](const RankedPlan &a, const RankedPlan &b) {
          return a.objective > b.objective;
        });
    candidates.insert(place, plan);
    unsigned keep = options.keep;
    if (candidates.size() < keep)
      return;
    double least = candidates[keep - 1].objective * (1 - 2 * kTieTolerance);
    floor = std::max<double>(floor, least);
    while (candidates.back().objective <= floor)
      candidates.pop_back();
  }

  void offerUnknown(std::pair<uint64_t, uint64_t> order,
                    const PlanPoint &plan) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!unknown || order < unknown->first)
      unknown.emplace(order, plan);
  }
};

Tuner::Tuner(const ModelShape &model, const Machine &machine,
             const Family &family, const Workload &workload, unsigned threads) {
  for (unsigned i = 0; i < std::max(threads, 1u); ++i)
    evaluators.push_back(
        std::make_unique<Evaluator>(model, machine, family, workload));
}

Tuner::~Tuner() { llvm::consumeError(std::move(enumerationError)); }

void Tuner::extendPrefix(unsigned planClass, PlanPoint &plan) {
  if (enumerationError)
    return;
  if (planClass == kPrefixClasses) {
    llvm::Expected<Deployment> deployment = evaluator().deploymentOf(plan);
    if (!deployment) {
      enumerationError = deployment.takeError();
      return;
    }
    prefixes.push_back({plan, *deployment});
    return;
  }
  llvm::SmallVector<PlanValue, 16> values;
  evaluator().family().values(PlanClass(planClass), plan, evaluator().context(),
                              values);
  for (PlanValue value : values) {
    plan.values[planClass] = value;
    extendPrefix(planClass + 1, plan);
  }
  plan.values[planClass] = kNone;
}

llvm::Error Tuner::enumeratePrefixes() {
  if (prefixes.empty()) {
    PlanPoint plan;
    extendPrefix(0, plan);
  }
  return std::exchange(enumerationError, llvm::Error::success());
}

/// Runs `work(worker)` on every worker and waits.
static void onWorkers(size_t workers, llvm::function_ref<void(unsigned)> work) {
  std::vector<std::thread> threads;
  for (unsigned worker = 1; worker < workers; ++worker)
    threads.emplace_back([&, worker] { work(worker); });
  work(0);
  for (std::thread &thread : threads)
    thread.join();
}

const std::vector<double> &Tuner::boundsFor(double limitSeconds) {
  auto [entry, isNew] = bounds.try_emplace(limitSeconds);
  std::vector<double> &values = entry->second;
  if (!isNew)
    return values;
  values.resize(prefixes.size());
  std::atomic<size_t> next{0};
  onWorkers(evaluators.size(), [&](unsigned worker) {
    constexpr size_t kChunk = 64;
    PrefixBound bound(*evaluators[worker]);
    for (size_t first; (first = next.fetch_add(kChunk)) < prefixes.size();)
      for (size_t i = first; i < std::min(first + kChunk, prefixes.size()); ++i)
        values[i] = kBoundMargin * bound.objective(prefixes[i].plan,
                                                   prefixes[i].deployment,
                                                   limitSeconds);
  });
  return values;
}

double Tuner::boundOf(const PlanPoint &prefix, double limitSeconds) {
  llvm::Expected<Deployment> deployment = evaluator().deploymentOf(prefix);
  if (!deployment) {
    llvm::consumeError(deployment.takeError());
    return 0;
  }
  return kBoundMargin *
         PrefixBound(evaluator()).objective(prefix, *deployment, limitSeconds);
}

namespace {

/// Visits the plans of a prefix in declared order. Numbers count the plans that
/// the filter leaves out too, so that a plan has one place in the order.
class PlanWalk {
public:
  using Visitor = llvm::function_ref<void(const PlanPoint &, uint64_t)>;

  PlanWalk(const Family &family, PlanContext context, const PlanFilter &filter)
      : family(family), context(context), filter(filter) {}

  void run(PlanPoint plan, Visitor visit) {
    extend(kPrefixClasses, plan, /*permitted=*/true, visit);
  }

private:
  void extend(unsigned planClass, PlanPoint &plan, bool permitted,
              Visitor visit) {
    if (planClass == kNumPlanClasses) {
      if (permitted)
        visit(plan, count);
      ++count;
      return;
    }
    auto &values = buffers[planClass];
    values.clear();
    family.values(PlanClass(planClass), plan, context, values);
    for (PlanValue value : values) {
      plan.values[planClass] = value;
      extend(planClass + 1, plan,
             permitted && filter.permits(PlanClass(planClass), value), visit);
    }
    plan.values[planClass] = kNone;
  }

  const Family &family;
  PlanContext context;
  const PlanFilter &filter;
  std::array<llvm::SmallVector<PlanValue, 8>, kNumPlanClasses> buffers;
  uint64_t count = 0;
};

} // namespace

void Tuner::explore(unsigned worker, uint64_t index, Shared &shared) {
  Evaluator &evaluator = *evaluators[worker];
  const Prefix &prefix = prefixes[index];
  shared.explored.fetch_add(1, std::memory_order_relaxed);
  PlanWalk walk(evaluator.family(), evaluator.context(), shared.options.filter);
  walk.run(prefix.plan, [&](const PlanPoint &plan, uint64_t number) {
    double floor = shared.options.exhaustive ? 0 : shared.floor.load();
    if (shared.options.anyWillDo && floor > 0)
      return;
    shared.plans.fetch_add(1, std::memory_order_relaxed);
    Deployment deployment = prefix.deployment;
    deployment.microBatches = plan.number(PlanClass::batchForm);
    // What the bound of a prefix assumes.
    if (deployment.microBatches % deployment.stages != 0) {
      shared.unevenBatches = true;
      return;
    }
    double objective =
        evaluator.objectiveAbove(plan, deployment, shared.limitSeconds, floor);
    if (std::isnan(objective))
      shared.offerUnknown({index, number}, plan);
    else if (objective > floor)
      shared.offer({plan, objective, {index, number}});
  });
}

llvm::Expected<TuneResult> Tuner::search(double limitSeconds,
                                         const SearchOptions &options) {
  auto start = std::chrono::steady_clock::now();
  auto probesNow = [&] {
    uint64_t probes = 0;
    for (const auto &evaluator : evaluators)
      probes += evaluator->probes();
    return probes;
  };
  uint64_t probesBefore = probesNow();
  if (llvm::Error error = enumeratePrefixes())
    return std::move(error);

  Shared shared(limitSeconds, options);
  std::vector<double> none;
  const std::vector<double> &bound =
      options.exhaustive ? none : boundsFor(limitSeconds);
  for (uint64_t i = 0; i < prefixes.size(); ++i) {
    bool permitted = true;
    for (unsigned c = 0; c < kPrefixClasses && permitted; ++c)
      permitted =
          options.filter.permits(PlanClass(c), prefixes[i].plan.values[c]);
    if (permitted && (options.exhaustive || bound[i] > shared.floor))
      shared.queue.push_back(i);
  }
  if (!options.exhaustive)
    llvm::sort(shared.queue, [&](uint64_t a, uint64_t b) {
      return bound[a] != bound[b] ? bound[a] > bound[b] : a < b;
    });
  onWorkers(evaluators.size(), [&](unsigned worker) {
    for (size_t i; (i = shared.next.fetch_add(1)) < shared.queue.size();) {
      uint64_t index = shared.queue[i];
      // Bounds only fall from here on.
      if (!options.exhaustive && bound[index] <= shared.floor)
        return;
      if (options.anyWillDo && shared.floor > 0)
        return;
      explore(worker, index, shared);
    }
  });
  if (shared.unevenBatches)
    return llvm::make_error<InternalError>(
        "the space has micro-batches that are no multiple of the stages");
  if (shared.unknown) {
    llvm::Expected<Evaluation> evaluation =
        evaluator().best(shared.unknown->second, limitSeconds);
    if (!evaluation)
      return evaluation.takeError();
    return llvm::createStringError("a plan has an unknown step time");
  }

  TuneResult result;
  result.ranked = std::move(shared.candidates);
  llvm::sort(result.ranked, [](const RankedPlan &a, const RankedPlan &b) {
    return a.objective != b.objective ? a.objective > b.objective
                                      : a.order < b.order;
  });
  if (!result.ranked.empty()) {
    double tie = result.ranked.front().objective * (1 - kTieTolerance);
    auto end = llvm::find_if(result.ranked, [&](const RankedPlan &plan) {
      return plan.objective < tie;
    });
    auto first = std::min_element(result.ranked.begin(), end,
                                  [](const RankedPlan &a, const RankedPlan &b) {
                                    return a.order < b.order;
                                  });
    std::rotate(result.ranked.begin(), first, first + 1);
    if (result.ranked.size() > options.keep)
      result.ranked.resize(options.keep);
  }
  result.statistics.prefixes = prefixes.size();
  result.statistics.explored = shared.explored;
  result.statistics.plans = shared.plans;
  result.statistics.probes = probesNow() - probesBefore;
  result.statistics.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return result;
}

void Tuner::forEachPrefixPlan(
    llvm::function_ref<void(const PlanPoint &)> visit) {
  const Family &family = evaluator().family();
  llvm::SmallVector<PlanValue, 16> values;
  for (const Prefix &prefix : prefixes) {
    PlanPoint plan = prefix.plan;
    for (unsigned c = kPrefixClasses; c < kNumPlanClasses; ++c) {
      values.clear();
      family.values(PlanClass(c), plan, evaluator().context(), values);
      plan.values[c] = values.front();
    }
    visit(plan);
  }
}

llvm::Expected<Tuner::SpaceSummary> Tuner::summarize() {
  SpaceSummary summary;
  if (llvm::Error error = enumeratePrefixes())
    return std::move(error);
  PlanFilter everything;
  PlanWalk walk(evaluator().family(), evaluator().context(), everything);
  for (const Prefix &prefix : prefixes)
    walk.run(prefix.plan, [&](const PlanPoint &plan, uint64_t) {
      ++summary.plans;
      for (unsigned c = 0; c < kNumPlanClasses; ++c)
        if (!llvm::is_contained(summary.values[c], plan.values[c]))
          summary.values[c].push_back(plan.values[c]);
    });
  return summary;
}
