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
// Of prefixes that differ in formats only, the fastest come first: neither the
// bound nor a plan of the others exceeds theirs.
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Tuner.h"
#include "PhasePair.h"
#include "Workers.h"
#include "portolan/Search/Bound.h"
#include "portolan/Search/FormatOrder.h"
#include "portolan/Support/InternalError.h"
#include "llvm/ADT/STLExtras.h"
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>

using namespace portolan;

namespace {

/// Classes that a prefix fixes.
constexpr unsigned kPrefixClasses = unsigned(PlanClass::expertTp) + 1;

/// Prefixes that are bounded and explored first, for an incumbent.
constexpr size_t kSampled = 256;
constexpr size_t kSampleExplored = 12;

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
  std::atomic<uint64_t> explored{0}, plans{0};
  std::atomic<bool> malformed{false};
  /// Objectives at or below are of no interest.
  std::atomic<double> floor{0};
  std::mutex mutex;
  std::vector<RankedPlan> candidates; ///< by falling objective
  std::vector<RankedPlan> found;      ///< everything that was offered
  std::optional<std::pair<std::pair<uint64_t, uint64_t>, PlanPoint>> unknown;
  /// What the plans of each prefix are known not to exceed, unless the floor is
  /// higher.
  std::vector<std::atomic<double>> reached;

  Shared(double limitSeconds, const SearchOptions &options, size_t prefixes)
      : limitSeconds(limitSeconds), options(options), reached(prefixes) {
    raiseFloor(options.known);
    for (std::atomic<double> &most : reached)
      most.store(std::numeric_limits<double>::infinity(),
                 std::memory_order_relaxed);
  }

  /// Plans that tie with `objective` are still of interest.
  void raiseFloor(double objective) {
    floor = std::max<double>(floor, objective * (1 - 2 * kTieTolerance));
  }

  void offer(const RankedPlan &plan) {
    std::lock_guard<std::mutex> lock(mutex);
    found.push_back(plan);
    auto place = llvm::upper_bound(
        candidates, plan, [](const RankedPlan &a, const RankedPlan &b) {
          return a.objective > b.objective;
        });
    candidates.insert(place, plan);
    unsigned keep = options.keep;
    if (candidates.size() < keep)
      return;
    raiseFloor(candidates[keep - 1].objective);
    while (candidates.back().objective <= floor)
      candidates.pop_back();
  }

  /// Takes the floor, counts and failures of a search that came before, not its
  /// candidates: they are found again, unless any will do.
  void absorb(Shared &other) {
    reached.swap(other.reached);
    if (options.anyWillDo)
      candidates = other.candidates;
    floor = std::max<double>(floor, other.floor);
    explored += other.explored;
    plans += other.plans;
    malformed = malformed || other.malformed;
    found.insert(found.end(), other.found.begin(), other.found.end());
    if (other.unknown)
      offerUnknown(other.unknown->first, other.unknown->second);
  }

  void offerUnknown(std::pair<uint64_t, uint64_t> order,
                    const PlanPoint &plan) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!unknown || order < unknown->first)
      unknown.emplace(order, plan);
  }
};

Tuner::Tuner(const ModelShape &model, const Machine &machine,
             const Family &family, const Workload &workload, unsigned threads)
    : workers(std::make_unique<Workers>(std::max(threads, 1u))) {
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
    prefixes.emplace_back();
    prefixes.back().plan = plan;
    prefixes.back().deployment = *deployment;
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
    orderFormats();
  }
  return std::exchange(enumerationError, llvm::Error::success());
}

void Tuner::orderFormats() {
  if (!evaluator().family().formatsOnlyScale())
    return;
  constexpr unsigned kFormatClasses = unsigned(PlanClass::kvFormat) + 1;
  using Formats = std::array<PlanValue, kFormatClasses>;
  using Degrees = std::array<PlanValue, kPrefixClasses - kFormatClasses>;
  std::map<Degrees, uint32_t> degrees;
  std::map<Formats, unsigned> formats;
  std::vector<PlanPoint> examples; ///< a prefix of each formats
  // Of each set of degrees: its prefixes with their formats.
  std::vector<llvm::SmallVector<std::pair<uint32_t, unsigned>, 4>> alike;
  for (uint32_t index = 0; index < prefixes.size(); ++index) {
    Prefix &prefix = prefixes[index];
    Formats ownFormats;
    Degrees ownDegrees;
    const auto &values = prefix.plan.values;
    std::copy_n(values.begin(), ownFormats.size(), ownFormats.begin());
    std::copy_n(values.begin() + kFormatClasses, ownDegrees.size(),
                ownDegrees.begin());
    auto [place, isNew] = formats.try_emplace(ownFormats, examples.size());
    if (isNew)
      examples.push_back(prefix.plan);
    auto group = degrees.try_emplace(ownDegrees, degrees.size()).first;
    alike.resize(degrees.size());
    alike[group->second].push_back({index, place->second});
  }
  FormatOrder order(evaluator().priced());
  std::vector<std::vector<char>> isFaster(examples.size());
  for (unsigned fast = 0; fast < examples.size(); ++fast)
    for (unsigned slow = 0; slow < examples.size(); ++slow)
      // Of equal ones the first counts as faster.
      isFaster[fast].push_back(
          fast != slow && order.isNeverSlower(examples[fast], examples[slow]) &&
          (fast < slow ||
           !order.isNeverSlower(examples[slow], examples[fast])));
  for (const auto &group : alike)
    for (auto [slow, slowFormats] : group)
      for (auto [fast, fastFormats] : group)
        if (isFaster[fastFormats][slowFormats])
          prefixes[slow].faster.push_back(fast);
}

Tuner::Bounds &Tuner::boundsFor(double limitSeconds) {
  auto [entry, isNew] = boundsByLimit.try_emplace(limitSeconds);
  Bounds &bounds = entry->second;
  if (!isNew)
    return bounds;
  // What holds under a looser limit holds here.
  if (auto looser = std::next(entry); looser != boundsByLimit.end())
    bounds.upper = looser->second.upper;
  else
    bounds.upper.assign(prefixes.size(),
                        std::numeric_limits<double>::infinity());
  bounds.isTight.assign(prefixes.size(), 0);
  bounds.promises.resize(prefixes.size());
  return bounds;
}

void Tuner::tighten(uint64_t index, PrefixBound &bound, Bounds &bounds,
                    Shared &shared) {
  double floor = shared.floor;
  double &upper = bounds.upper[index];
  if (bounds.isTight[index] || upper <= floor)
    return;
  Prefix &prefix = prefixes[index];
  bound.setPrefix(prefix.plan, prefix.deployment, prefix.largest);
  prefix.largest = bound.largestPerStage();
  double own = bound.objective(shared.limitSeconds, floor);
  bounds.isTight[index] = own > floor;
  upper = std::min(upper, own);
}

void Tuner::tighten(llvm::ArrayRef<uint64_t> which, Bounds &bounds,
                    Shared &shared) {
  constexpr size_t kChunk = 16;
  std::atomic<size_t> next{0};
  workers->run([&](unsigned worker) {
    PrefixBound bound(*evaluators[worker]);
    for (size_t first; (first = next.fetch_add(kChunk)) < which.size();)
      for (uint64_t index :
           which.slice(first, std::min(kChunk, which.size() - first)))
        tighten(index, bound, bounds, shared);
  });
}

double Tuner::boundOf(const PlanPoint &prefix, double limitSeconds) {
  llvm::Expected<Deployment> deployment = evaluator().deploymentOf(prefix);
  if (!deployment) {
    llvm::consumeError(deployment.takeError());
    return 0;
  }
  PrefixBound bound(evaluator());
  bound.setPrefix(prefix, *deployment);
  return bound.objective(limitSeconds, 0);
}

namespace {

/// Bits of a path that a class takes. A phase split is a number of percent; no
/// other class has many values.
constexpr unsigned bitsOf(unsigned planClass) {
  return PlanClass(planClass) == PlanClass::phaseSplit ? 7 : 5;
}
constexpr unsigned bitsOfPath() {
  unsigned bits = 0;
  for (unsigned c = kPrefixClasses; c < kNumPlanClasses; ++c)
    bits += bitsOf(c);
  return bits;
}

/// Visits the plans of a prefix in declared order. A plan's place in that order
/// is the path of value indices that leads to it, so that it does not depend on
/// what is skipped.
class PlanWalk {
public:
  using Visitor = llvm::function_ref<void(const PlanPoint &, uint64_t)>;
  using Gate = llvm::function_ref<bool(const PlanPoint &)>;
  /// Whether any plan may be good enough that begins with what is set.
  struct Gates {
    Gate transfers; ///< before the reductions, overlaps and batch forms
    Gate tiles;     ///< before the tiles
  };

  PlanWalk(const Family &family, PlanContext context, const PlanFilter &filter)
      : family(family), context(context), filter(filter) {}

  /// In declared order.
  void run(PlanPoint plan, Visitor visit) {
    fastestFirst = false;
    auto open = [](const PlanPoint &) { return true; };
    extend(kPrefixClasses, plan, /*path=*/0, visit, {open, open});
  }
  /// In the order in which gates refuse most.
  void run(PlanPoint plan, Visitor visit, Gates gates) {
    fastestFirst = true;
    extend(kPrefixClasses, plan, /*path=*/0, visit, gates);
  }

  /// Whether the prefix has a plan that the filter permits.
  bool findsPlan(PlanPoint plan) { return reachesPlan(kPrefixClasses, plan); }

  /// A class had more values than a path can tell apart.
  bool overflowed() const { return hasOverflowed; }

private:
  static_assert(bitsOfPath() <= 64, "a path fits into one word");

  void extend(unsigned planClass, PlanPoint &plan, uint64_t path, Visitor visit,
              const Gates &gates) {
    if (planClass == kNumPlanClasses) {
      visit(plan, path);
      return;
    }
    if (PlanClass(planClass) == PlanClass::reduction && !gates.transfers(plan))
      return;
    auto &values = buffers[planClass];
    values.clear();
    family.values(PlanClass(planClass), plan, context, values);
    hasOverflowed |= values.size() > (1u << bitsOf(planClass));
    bool anyPermitted = llvm::any_of(values, [&](PlanValue value) {
      return filter.permits(PlanClass(planClass), value);
    });
    if (!anyPermitted) {
      plan.values[planClass] = kNone;
      return;
    }
    if (PlanClass(planClass) == PlanClass::fusion)
      return extendFusions(values, plan, path, visit, gates);
    if (PlanClass(planClass) == PlanClass::tile && values.size() > 1 &&
        !gateIsOpen && !gates.tiles(plan))
      return;
    for (unsigned i = 0; i < values.size(); ++i) {
      if (!filter.permits(PlanClass(planClass), values[i]))
        continue;
      plan.values[planClass] = values[i];
      extend(planClass + 1, plan, path << bitsOf(planClass) | i, visit, gates);
    }
    plan.values[planClass] = kNone;
  }

  /// No fusion takes more time than the one declared before it. So a search
  /// visits the last one first, and if the gate refuses it, none of them.
  void extendFusions(llvm::ArrayRef<PlanValue> values, PlanPoint &plan,
                     uint64_t path, Visitor visit, const Gates &gates) {
    unsigned planClass = unsigned(PlanClass::fusion);
    auto isPermitted = [&](PlanValue value) {
      return filter.permits(PlanClass::fusion, value);
    };
    bool isGated = llvm::count_if(values, isPermitted) > 1;
    for (unsigned step = 0; step < values.size(); ++step) {
      unsigned i = fastestFirst ? values.size() - 1 - step : step;
      if (!isPermitted(values[i]))
        continue;
      plan.values[planClass] = values[i];
      if (isGated && !gates.tiles(plan))
        break;
      gateIsOpen = std::exchange(isGated, false);
      extend(planClass + 1, plan, path << bitsOf(planClass) | i, visit, gates);
      gateIsOpen = false;
    }
    plan.values[planClass] = kNone;
  }

  bool reachesPlan(unsigned planClass, PlanPoint &plan) {
    if (planClass == kNumPlanClasses)
      return true;
    auto &values = buffers[planClass];
    values.clear();
    family.values(PlanClass(planClass), plan, context, values);
    for (PlanValue value : values) {
      if (!filter.permits(PlanClass(planClass), value))
        continue;
      plan.values[planClass] = value;
      if (reachesPlan(planClass + 1, plan))
        return true;
    }
    plan.values[planClass] = kNone;
    return false;
  }

  const Family &family;
  PlanContext context;
  const PlanFilter &filter;
  std::array<llvm::SmallVector<PlanValue, 8>, kNumPlanClasses> buffers;
  bool hasOverflowed = false;
  bool gateIsOpen = false; ///< for the tiles that come next
  bool fastestFirst = false;
};

} // namespace

int64_t Tuner::largestOf(uint64_t index, const PlanPoint &plan,
                         const Deployment &deployment,
                         const Evaluator &evaluator) {
  MemoryKey key;
  for (unsigned i = 0; i < key.size(); ++i)
    key[i] = plan.get(kMemoryClasses[i]);
  auto &known = prefixes[index].largestOfPlans;
  for (const auto &[other, largest] : known)
    if (other == key)
      return largest;
  known.push_back({key, evaluator.largestConcurrency(plan, deployment)});
  return known.back().second;
}

const Tuner::Promise &Tuner::promiseOf(uint64_t index, double floor,
                                       double limitSeconds,
                                       Evaluator &evaluator) {
  Promise &promise = boundsByLimit.find(limitSeconds)->second.promises[index];
  if (promise.floor <= floor)
    return promise;
  Prefix &prefix = prefixes[index];
  PrefixBound bound(evaluator);
  bound.setPrefix(prefix.plan, prefix.deployment, prefix.largest);
  promise.floor = floor;
  if (!promise.most)
    promise.most = bound.mostPerStage(limitSeconds);
  promise.range = bound.range(limitSeconds, floor, *promise.most);
  if (evaluator.phases())
    promise.prefillObjective = bound.prefillObjective();
  return promise;
}

void Tuner::explore(unsigned worker, uint64_t index, Shared &shared) {
  Evaluator &evaluator = *evaluators[worker];
  const Prefix &prefix = prefixes[index];
  shared.explored.fetch_add(1, std::memory_order_relaxed);
  bool exhaustive = shared.options.exhaustive;
  // With both phases, concurrency follows from both.
  PhasePair *phases = evaluator.phases();
  if (phases)
    phases->setPrefillBound(std::numeric_limits<double>::infinity());
  std::pair<int64_t, int64_t> range = {1, kMostRequests};
  if (!exhaustive) {
    const Promise &promise =
        promiseOf(index, shared.floor, shared.limitSeconds, evaluator);
    range = promise.range;
    if (range.first > range.second) {
      shared.reached[index] = 0;
      return;
    }
    if (phases)
      phases->setPrefillBound(promise.prefillObjective);
  }
  auto deploy = [&](const PlanPoint &plan) {
    Deployment deployment = prefix.deployment;
    deployment.setBatchForm(plan.number(PlanClass::batchForm));
    return deployment;
  };
  double most = 0;
  auto visit = [&](const PlanPoint &plan, uint64_t path) {
    double floor = exhaustive ? 0 : shared.floor.load();
    if (shared.options.anyWillDo && floor > 0)
      return;
    shared.plans.fetch_add(1, std::memory_order_relaxed);
    Deployment deployment = deploy(plan);
    // What the bound of a prefix assumes.
    if (deployment.microBatches % deployment.stages != 0) {
      shared.malformed = true;
      return;
    }
    int64_t high = phases
                       ? range.second
                       : std::min(largestOf(index, plan, deployment, evaluator),
                                  range.second);
    double objective = evaluator.objectiveAbove(
        plan, deployment, shared.limitSeconds, floor, range.first, high);
    if (std::isnan(objective))
      shared.offerUnknown({index, path}, plan);
    else if (objective > floor)
      shared.offer({plan, objective, {index, path}});
    most = std::max(most, objective);
  };
  llvm::SmallVector<PlanValue, 4> drafts;
  evaluator.family().values(PlanClass::speculation, prefix.plan,
                            evaluator.context(), drafts);
  const PlanFilter &filter = shared.options.filter;
  auto mayExceed = [&](PlanPoint plan, const Deployment &deployment,
                       std::optional<int64_t> largest, Relaxation relaxation) {
    for (PlanValue drafted : drafts) {
      if (!filter.permits(PlanClass::speculation, drafted))
        continue;
      plan.set(PlanClass::speculation, drafted);
      shared.plans.fetch_add(1, std::memory_order_relaxed);
      int64_t high = std::min(
          largest ? *largest : largestOf(index, plan, deployment, evaluator),
          range.second);
      bool may =
          phases ? phases->mayExceed(plan, deployment, shared.limitSeconds,
                                     shared.floor, high, relaxation)
                 : evaluator.objectiveAbove(plan, deployment,
                                            shared.limitSeconds, shared.floor,
                                            range.first, high, relaxation) != 0;
      if (may)
        return true;
    }
    return false;
  };
  // A tile only pads: if the plan without padding is not good enough, no tile
  // of it is.
  auto anyTileMayDo = [&](const PlanPoint &plan) {
    return exhaustive ||
           mayExceed(plan, deploy(plan), std::nullopt, Relaxation::tiles);
  };
  // Without communication there is nothing to reduce or to hide, and more
  // micro-batches only split the work. (Where stages are regions, the batch
  // form is how attention is computed.)
  auto anyTransferMayDo = [&](PlanPoint plan) {
    if (exhaustive || prefix.deployment.stagesAreRegions)
      return true;
    llvm::SmallVector<PlanValue, 4> fusions;
    evaluator.family().values(PlanClass::fusion, plan, evaluator.context(),
                              fusions);
    llvm::erase_if(fusions, [&](PlanValue value) {
      return !filter.permits(PlanClass::fusion, value);
    });
    if (!fusions.empty())
      plan.set(PlanClass::fusion, fusions.back());
    plan.set(PlanClass::batchForm, PlanValue(prefix.deployment.stages));
    return mayExceed(plan, deploy(plan), range.second, Relaxation::transfers);
  };
  PlanWalk walk(evaluator.family(), evaluator.context(), filter);
  walk.run(prefix.plan, visit, {anyTransferMayDo, anyTileMayDo});
  if (walk.overflowed())
    shared.malformed = true;
  shared.reached[index] = most;
}

void Tuner::exploreBestFirst(std::vector<uint64_t> which, Bounds &bounds,
                             Shared &shared, size_t most) {
  const std::vector<double> &upper = bounds.upper;
  llvm::erase_if(which,
                 [&](uint64_t index) { return upper[index] <= shared.floor; });
  llvm::sort(which, [&](uint64_t a, uint64_t b) {
    return std::make_tuple(-upper[a], prefixes[a].faster.size(), a) <
           std::make_tuple(-upper[b], prefixes[b].faster.size(), b);
  });
  // None of its plans, or of the plans with faster formats, is good enough.
  auto isHopeless = [&](uint64_t index) {
    double floor = shared.floor;
    return shared.reached[index] <= floor ||
           llvm::any_of(prefixes[index].faster, [&](uint32_t other) {
             return shared.reached[other] <= floor;
           });
  };
  std::atomic<size_t> next{0};
  workers->run([&](unsigned worker) {
    PrefixBound bound(*evaluators[worker]);
    for (size_t i; (i = next.fetch_add(1)) < std::min(which.size(), most);) {
      // Bounds only fall from here on.
      if (upper[which[i]] <= shared.floor)
        return;
      if (shared.options.anyWillDo && shared.floor > 0)
        return;
      if (isHopeless(which[i]))
        continue;
      tighten(which[i], bound, bounds, shared);
      if (upper[which[i]] > shared.floor)
        explore(worker, which[i], shared);
    }
  });
}

void Tuner::searchWithBounds(std::vector<uint64_t> permitted, Shared &shared) {
  Bounds &bounds = boundsFor(shared.limitSeconds);
  // What earlier searches found is known to be reached. Only one plan is asked
  // for then: runners-up need not exceed it.
  if (shared.options.keep == 1 && !shared.options.anyWillDo)
    for (const auto &[plan, objective] : bounds.known)
      if (shared.options.filter.permits(plan))
        shared.raiseFloor(objective);
  auto dropHopeless = [&] {
    llvm::erase_if(permitted, [&](uint64_t index) {
      return bounds.upper[index] <= shared.floor;
    });
  };
  dropHopeless();
  // An incumbent from a sample makes most other bounds cheap.
  if (permitted.size() > 2 * kSampled) {
    size_t fastest = fastestFirst(permitted);
    std::vector<uint64_t> sample;
    size_t stride = std::max<size_t>(fastest / kSampled, 1);
    for (size_t i = 0; i < fastest; i += stride)
      sample.push_back(permitted[i]);
    tighten(sample, bounds, shared);
    // Explored again below unless it is hopeless by then: the sample only
    // raises the floor.
    Shared probe(shared.limitSeconds, shared.options, prefixes.size());
    probe.floor = shared.floor.load();
    exploreBestFirst(sample, bounds, probe, kSampleExplored);
    shared.absorb(probe);
  }
  dropHopeless();
  dropEmpty(permitted, shared.options.filter);
  // First those of the fastest formats. Most often they say that the others,
  // which have their bounds until it is their turn, are not worth exploring.
  auto fastest = permitted.begin() + fastestFirst(permitted);
  std::vector<uint64_t> others(fastest, permitted.end());
  permitted.erase(fastest, permitted.end());
  tighten(permitted, bounds, shared);
  exploreBestFirst(std::move(permitted), bounds, shared,
                   std::numeric_limits<size_t>::max());
  for (uint64_t index : others)
    for (uint32_t other : prefixes[index].faster)
      bounds.upper[index] = std::min(bounds.upper[index], bounds.upper[other]);
  exploreBestFirst(std::move(others), bounds, shared,
                   std::numeric_limits<size_t>::max());
  for (const RankedPlan &plan : shared.found)
    bounds.known.push_back({plan.plan, plan.objective});
}

size_t Tuner::fastestFirst(std::vector<uint64_t> &which) const {
  std::vector<char> isOffered(prefixes.size(), 0);
  for (uint64_t index : which)
    isOffered[index] = 1;
  // Those that others are faster than go to the end; the order is kept.
  std::vector<uint64_t> later;
  size_t kept = 0;
  for (uint64_t index : which) {
    if (llvm::none_of(prefixes[index].faster,
                      [&](uint32_t other) { return isOffered[other]; }))
      which[kept++] = index;
    else
      later.push_back(index);
  }
  llvm::copy(later, which.begin() + kept);
  return kept;
}

void Tuner::dropEmpty(std::vector<uint64_t> &permitted,
                      const PlanFilter &filter) {
  bool constrains = false;
  for (unsigned c = kPrefixClasses; c < kNumPlanClasses; ++c)
    constrains |= filter.constrains(PlanClass(c));
  if (!constrains)
    return;
  // A walk is cheaper than a bound, as it ends at the first class of which
  // nothing is permitted or at the first plan.
  PlanWalk walk(evaluator().family(), evaluator().context(), filter);
  llvm::erase_if(permitted, [&](uint64_t index) {
    return !walk.findsPlan(prefixes[index].plan);
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

  Shared shared(limitSeconds, options, prefixes.size());
  std::vector<uint64_t> permitted;
  for (uint64_t i = 0; i < prefixes.size(); ++i) {
    bool isPermitted = true;
    for (unsigned c = 0; c < kPrefixClasses && isPermitted; ++c)
      isPermitted =
          options.filter.permits(PlanClass(c), prefixes[i].plan.values[c]);
    if (isPermitted)
      permitted.push_back(i);
  }
  if (options.exhaustive) {
    for (uint64_t index : permitted)
      explore(0, index, shared);
  } else {
    searchWithBounds(std::move(permitted), shared);
  }
  if (shared.malformed)
    return llvm::make_error<InternalError>(
        "the space has micro-batches that are no multiple of the stages, or "
        "more values of a class than the search can order");
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
