//===- TunerTest.cpp - the search equals trying everything ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Tuner.h"
#include "SmallWorld.h"
#include "portolan/Search/IdealBound.h"
#include "portolan/Target/SpaceRules.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// One random instance with everything that is needed to search it.
struct Instance {
  explicit Instance(unsigned seed)
      : random(seed), model(smallModel(random)),
        machine(smallMachine(random, int64_t(1) << (random() % 3),
                             weightBytesOf(model))),
        workload(smallWorkload(random)) {
    limit = machine.stepOverheadSeconds->nominal() +
            std::uniform_real_distribution<double>(1e-4, 0.2)(random);
    family.overlaps = random() % 2;
    family.reducesInNetwork = random() % 2;
    family.fuses = random() % 2;
    family.copiesExperts = random() % 2;
    if (workload.phase == Phase::decode && random() % 4 == 0)
      workload.acceptanceRate =
          std::uniform_real_distribution<double>(0.05, 0.95)(random);
    family.narrowsAll = random() % 4 == 0;
  }

  std::mt19937 random;
  ModelShape model;
  Machine machine;
  Workload workload;
  SmallFamily family;
  double limit;
};

void forEachPlan(const Instance &instance, PlanPoint &plan, unsigned planClass,
                 llvm::function_ref<void(const PlanPoint &)> visit) {
  if (planClass == kNumPlanClasses)
    return visit(plan);
  PlanContext context{instance.model, instance.machine, instance.workload};
  llvm::SmallVector<PlanValue, 8> values;
  instance.family.values(PlanClass(planClass), plan, context, values);
  for (PlanValue value : values) {
    plan.values[planClass] = value;
    forEachPlan(instance, plan, planClass + 1, visit);
  }
  plan.values[planClass] = kNone;
}

/// The most of `value(c)` over the concurrencies that fit beside so many bytes
/// of activations and whose time is within the limit.
double bestOf(Evaluator &evaluator, const PlanPoint &plan, double limit,
              double activationBytes,
              llvm::function_ref<double(int64_t, double)> secondsOf) {
  Deployment deployment = llvm::cantFail(evaluator.deploymentOf(plan));
  double best = 0;
  for (int64_t c = 1;; ++c) {
    MemoryUse use =
        memoryUse(evaluator.model(), plan, deployment, evaluator.workload(), c);
    use.activationBytes = std::max(use.activationBytes, activationBytes);
    if (use.total() > evaluator.availableBytes())
      return best;
    int64_t sequences =
        (c + deployment.microBatches - 1) / deployment.microBatches;
    double seconds =
        secondsOf(c, evaluator.stepSeconds(plan, deployment, sequences));
    if (seconds > limit)
      return best;
    best = std::max(best, double(c) / seconds);
  }
}

/// Output tokens per second and chip of a plan that serves both phases, from
/// the two phases alone.
double objectiveOfBoth(const Instance &instance, const PlanPoint &plan) {
  Workload decodes = instance.workload.of(Phase::decode);
  Workload prefills = instance.workload.of(Phase::prefill);
  Evaluator decode(instance.model, instance.machine, instance.family, decodes);
  Evaluator prefill(instance.model, instance.machine, instance.family,
                    prefills);
  Deployment deployment = llvm::cantFail(decode.deploymentOf(plan));
  double copies = double(deployment.copies), chips = double(deployment.chips);
  double output = double(decodes.outputTokens);
  auto plain = [](int64_t, double seconds) { return seconds; };
  PlanValue percent = plan.get(PlanClass::phaseSplit);
  if (percent == kNone) {
    Evaluation prompt = llvm::cantFail(
        prefill.at(plan, deployment.dp * deployment.microBatches));
    if (prompt.stepSeconds > prefills.maxTtftSeconds)
      return 0;
    double rate = double(prompt.concurrency) / prompt.stepSeconds;
    // The concurrency that counts is a multiple of the micro-batches, or all.
    auto delayed = [&](int64_t c, double seconds) {
      int64_t batches = deployment.microBatches;
      int64_t whole = (c + batches - 1) / batches * batches;
      return seconds + double(whole) / (output * rate);
    };
    return bestOf(decode, plan, instance.limit, prompt.memory.activationBytes,
                  delayed) *
           copies / chips;
  }
  Evaluator both(instance.model, instance.machine, instance.family,
                 instance.workload);
  Evaluation known = llvm::cantFail(both.best(plan, 1e3));
  if (!known.prefill)
    return 0;
  double handover = known.prefill->handoverSeconds;
  double senders = double(prefillCopiesOf(percent, deployment.copies));
  double prompts =
      bestOf(prefill, plan, prefills.maxTtftSeconds - handover, 0, plain);
  double tokens = bestOf(decode, plan, instance.limit, 0, plain);
  return std::min({senders * prompts, (copies - senders) * tokens / output,
                   std::min(senders, copies - senders) / handover}) *
         output / chips;
}

/// Without transfers or padding, and with the fastest fusion, the plan is above
/// what it reaches.
void expectRelaxedAbove(Evaluator &evaluator, PlanPoint plan, double limit) {
  Deployment deployment = llvm::cantFail(evaluator.deploymentOf(plan));
  double objective = evaluator.objectiveAbove(plan, deployment, limit, 0);
  if (objective == 0)
    return;
  double floor = objective * (1 - 1e-9);
  int64_t largest = kMostRequests * deployment.stages;
  EXPECT_NE(evaluator.objectiveAbove(plan, deployment, limit, floor, 1, largest,
                                     Relaxation::tiles),
            0);
  plan.set(PlanClass::overlap, kNone);
  plan.set(PlanClass::batchForm, PlanValue(deployment.stages));
  if (plan.get(PlanClass::fusion) != kNone)
    plan.set(PlanClass::fusion, PlanValue(Fusion::block));
  deployment.setBatchForm(deployment.stages);
  EXPECT_NE(evaluator.objectiveAbove(plan, deployment, limit, floor, 1, largest,
                                     Relaxation::transfers),
            0);
}

/// The best plan by trying every concurrency of every plan.
std::pair<PlanPoint, double> bruteForce(const Instance &instance) {
  Evaluator evaluator(instance.model, instance.machine, instance.family,
                      instance.workload);
  std::vector<std::pair<PlanPoint, double>> all;
  double best = 0;
  PlanPoint scratch;
  forEachPlan(instance, scratch, 0, [&](const PlanPoint &plan) {
    Deployment deployment = llvm::cantFail(evaluator.deploymentOf(plan));
    double objective =
        instance.workload.phase == Phase::both
            ? objectiveOfBoth(instance, plan)
            : bestOf(evaluator, plan, evaluator.stepLimit(plan, instance.limit),
                     0, [](int64_t, double seconds) { return seconds; }) *
                  evaluator.objectivePerRate(plan, deployment);
    all.push_back({plan, objective});
    best = std::max(best, objective);
  });
  for (const auto &[plan, objective] : all)
    if (best > 0 && objective >= best * (1 - kTieTolerance))
      return {plan, objective};
  return {PlanPoint(), 0};
}

TEST(TunerTest, EqualsBruteForceOnRandomInstances) {
  unsigned feasible = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    Instance instance(seed);
    auto [plan, objective] = bruteForce(instance);
    Tuner tuner(instance.model, instance.machine, instance.family,
                instance.workload, /*threads=*/1);
    TuneResult result = llvm::cantFail(tuner.search(instance.limit, {}));
    ASSERT_EQ(result.ranked.empty(), objective == 0) << "seed " << seed;
    if (result.ranked.empty())
      continue;
    ++feasible;
    EXPECT_NEAR(result.ranked.front().objective, objective, 1e-9 * objective)
        << "seed " << seed;
    EXPECT_EQ(result.ranked.front().plan, plan) << "seed " << seed;
  }
  // The instances are worth something only if most can be served.
  EXPECT_GT(feasible, 500u);
}

TEST(TunerTest, TheBoundIsNeverBelowAPlan) {
  for (unsigned seed = 2000; seed < 2150; ++seed) {
    Instance instance(seed);
    Tuner tuner(instance.model, instance.machine, instance.family,
                instance.workload, 1);
    Evaluator &evaluator = tuner.evaluator();
    double ideal = idealObjective(evaluator, instance.limit);
    PlanPoint scratch;
    forEachPlan(instance, scratch, 0, [&](const PlanPoint &plan) {
      PlanPoint prefix;
      for (unsigned c = 0; c <= unsigned(PlanClass::expertTp); ++c)
        prefix.values[c] = plan.values[c];
      double objective = evaluator.objectiveAbove(
          plan, llvm::cantFail(evaluator.deploymentOf(plan)), instance.limit,
          0);
      EXPECT_LE(objective, tuner.boundOf(prefix, instance.limit))
          << "seed " << seed;
      EXPECT_LE(objective, ideal * (1 + 1e-9)) << "seed " << seed;
    });
  }
}

TEST(TunerTest, WhatIsRelaxedIsNeverBelowAPlan) {
  for (unsigned seed = 2500; seed < 2650; ++seed) {
    Instance instance(seed);
    if (instance.workload.phase == Phase::both)
      instance.workload.phase = Phase::prefill;
    Evaluator evaluator(instance.model, instance.machine, instance.family,
                        instance.workload);
    PlanPoint scratch;
    forEachPlan(instance, scratch, 0, [&](const PlanPoint &plan) {
      expectRelaxedAbove(evaluator, plan, instance.limit);
    });
  }
}

TEST(TunerTest, FormatsThatAreNarrowerArePricedFirstAndOftenAlone) {
  // A prefix in bf16 is explored only if the same one in fp8 has a plan among
  // the best.
  uint64_t explored = 0, prefixes = 0;
  for (unsigned seed = 5000; seed < 5040; ++seed) {
    Instance instance(seed);
    instance.family.narrowsAll = true;
    Tuner tuner(instance.model, instance.machine, instance.family,
                instance.workload, 1);
    TuneResult result = llvm::cantFail(tuner.search(instance.limit, {}));
    explored += result.statistics.explored;
    prefixes += result.statistics.prefixes;
  }
  // Of the eight combinations of formats one is the fastest.
  EXPECT_LT(explored * 4, prefixes);
}

TEST(TunerTest, ThreadsAndBoundsDoNotChangeTheRanking) {
  for (unsigned seed = 3000; seed < 3060; ++seed) {
    Instance instance(seed);
    SearchOptions options;
    options.keep = 6;
    Tuner one(instance.model, instance.machine, instance.family,
              instance.workload, 1);
    Tuner two(instance.model, instance.machine, instance.family,
              instance.workload, 2);
    TuneResult a = llvm::cantFail(one.search(instance.limit, options));
    TuneResult b = llvm::cantFail(two.search(instance.limit, options));
    options.exhaustive = true;
    TuneResult c = llvm::cantFail(one.search(instance.limit, options));
    ASSERT_EQ(a.ranked.size(), b.ranked.size());
    ASSERT_EQ(a.ranked.size(), c.ranked.size());
    for (size_t i = 0; i < a.ranked.size(); ++i) {
      EXPECT_EQ(a.ranked[i].plan, b.ranked[i].plan) << "seed " << seed;
      EXPECT_EQ(a.ranked[i].plan, c.ranked[i].plan) << "seed " << seed;
    }
  }
}

TEST(TunerTest, AFilterIsTheBestOfWhatItPermits) {
  for (unsigned seed = 4000; seed < 4040; ++seed) {
    Instance instance(seed);
    Tuner tuner(instance.model, instance.machine, instance.family,
                instance.workload, 1);
    SearchOptions options;
    options.filter.fix(PlanClass::tile, 16).fix(PlanClass::pipeline, 1);
    TuneResult result = llvm::cantFail(tuner.search(instance.limit, options));
    Evaluator &evaluator = tuner.evaluator();
    double best = 0;
    PlanPoint scratch;
    forEachPlan(instance, scratch, 0, [&](const PlanPoint &plan) {
      if (plan.get(PlanClass::tile) == 16 && plan.get(PlanClass::pipeline) == 1)
        best = std::max(best,
                        evaluator.objectiveAbove(
                            plan, llvm::cantFail(evaluator.deploymentOf(plan)),
                            instance.limit, 0));
    });
    double found = result.ranked.empty() ? 0 : result.ranked.front().objective;
    EXPECT_NEAR(found, best, 1e-9 * best) << "seed " << seed;
  }
}

TEST(TunerTest, AFilterThatPermitsNothingIsSeenBeforeAnythingIsPriced) {
  Instance instance(4000);
  Tuner tuner(instance.model, instance.machine, instance.family,
              instance.workload, 1);
  SearchOptions options;
  options.filter.fix(PlanClass::placementForm,
                     PlanValue(PlacementForm::spatial));
  TuneResult result = llvm::cantFail(tuner.search(instance.limit, options));
  EXPECT_TRUE(result.ranked.empty());
  EXPECT_EQ(result.statistics.explored, 0u);
  EXPECT_EQ(result.statistics.plans, 0u);
}

TEST(TunerTest, TheSpaceIsCountedPlanByPlan) {
  Instance instance(1);
  Tuner tuner(instance.model, instance.machine, instance.family,
              instance.workload, 1);
  uint64_t plans = 0;
  PlanPoint scratch;
  forEachPlan(instance, scratch, 0, [&](const PlanPoint &) { ++plans; });
  Tuner::SpaceSummary summary = llvm::cantFail(tuner.summarize());
  EXPECT_EQ(summary.plans, plans);
  EXPECT_EQ(summary.values[unsigned(PlanClass::tile)].size(), 2u);
}

TEST(TunerTest, AnUnknownFigureThatAPlanNeedsIsAnError) {
  Instance instance(7);
  instance.machine.kernelLaunchSeconds.reset();
  Tuner tuner(instance.model, instance.machine, instance.family,
              instance.workload, 1);
  llvm::Expected<TuneResult> result = tuner.search(1e9, {});
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(llvm::toString(result.takeError()),
            "machine 'small': kernel launch time is unknown");
}

} // namespace
