//===- CarryoverTest.cpp - invariants of transfer and attribution ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Carryover.h"
#include "SmallWorld.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// Two unlike targets of two families and a model that both can serve.
struct TwoTargets {
  explicit TwoTargets(unsigned seed)
      : random(seed), model(smallModel(random)),
        workload(smallWorkload(random)) {
    double bytes = 3 * weightBytesOf(model);
    second.familyName = "other";
    second.readsFp8 = random() % 2;
    second.reducesInNetwork = random() % 2;
    targets.push_back({"one", smallMachine(random, 4, bytes), &first});
    targets.push_back({"two", smallMachine(random, 2, bytes), &second});
  }

  CarryoverResult run(std::optional<PlanPoint> pinned = std::nullopt) {
    std::vector<double> limits = {0.5};
    CarryoverRequest request{model,        targets, workload,
                             limits,       pinned,  /*runnersUp=*/0,
                             /*threads=*/1};
    return llvm::cantFail(runCarryover(request));
  }

  std::mt19937 random;
  SmallFamily first, second;
  ModelShape model;
  Workload workload;
  std::vector<Target> targets;
};

constexpr unsigned kSeeds = 12;

TEST(CarryoverTest, TheDiagonalIsExactlyOneAndNothingIsAbove) {
  unsigned losses = 0;
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    CarryoverResult result = TwoTargets(seed).run();
    for (const TransferResult &transfer : result.limits[0].transfers) {
      if (!transfer.efficiency)
        continue;
      if (transfer.source == transfer.target) {
        EXPECT_EQ(*transfer.efficiency, 1.0) << "seed " << seed;
        EXPECT_EQ(transfer.verdict, Verdict::carries) << "seed " << seed;
      }
      EXPECT_LE(*transfer.efficiency, 1.0) << "seed " << seed;
      losses += *transfer.efficiency < 0.99;
    }
  }
  // The instances say something only if some plans lose.
  EXPECT_GT(losses, 3u);
}

TEST(CarryoverTest, RepairedPlansLieInTheSpaceOfTheTarget) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    TwoTargets world(seed);
    CarryoverResult result = world.run();
    for (const TransferResult &transfer : result.limits[0].transfers) {
      const Target &target = world.targets[transfer.target];
      EXPECT_FALSE(firstIllegal(
          transfer.plan, *target.family,
          PlanContext{world.model, target.machine, world.workload}))
          << "seed " << seed;
    }
  }
}

TEST(CarryoverTest, FixingMoreClassesNeverHelps) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    TwoTargets world(seed);
    CarryoverResult result = world.run();
    for (const TransferResult &transfer : result.limits[0].transfers) {
      if (!transfer.efficiency || transfer.source == transfer.target)
        continue;
      const Target &target = world.targets[transfer.target];
      Tuner tuner(world.model, target.machine, *target.family, world.workload,
                  1);
      // v of growing sets, one class more at a time.
      SearchOptions options;
      double before = result.limits[0].targets[transfer.target].best->objective;
      for (PlanClass planClass : allPlanClasses()) {
        options.filter.fix(planClass, transfer.plan.get(planClass));
        TuneResult best = llvm::cantFail(tuner.search(0.5, options));
        ASSERT_FALSE(best.ranked.empty());
        double now = best.ranked.front().objective;
        EXPECT_LE(now, before * (1 + 1e-9)) << "seed " << seed;
        before = now;
      }
      // All fixed: R itself.
      EXPECT_NEAR(before, transfer.evaluation->objective, 1e-9 * before);
    }
  }
}

TEST(CarryoverTest, AttributionFollowsItsDefinition) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    TwoTargets world(seed);
    CarryoverResult result = world.run();
    for (const TransferResult &transfer : result.limits[0].transfers) {
      if (!transfer.efficiency || transfer.source == transfer.target)
        continue;
      const Target &target = world.targets[transfer.target];
      Tuner tuner(world.model, target.machine, *target.family, world.workload,
                  1);
      auto v = [&](llvm::function_ref<bool(PlanClass)> isFixed) {
        SearchOptions options;
        options.exhaustive = true;
        for (PlanClass planClass : allPlanClasses())
          if (isFixed(planClass))
            options.filter.fix(planClass, transfer.plan.get(planClass));
        return llvm::cantFail(tuner.search(0.5, options))
            .ranked.front()
            .objective;
      };
      double free = v([](PlanClass) { return false; });
      double all = v([](PlanClass) { return true; });
      EXPECT_NEAR(*transfer.efficiency, all / free, 1e-9);
      for (const DecisionResult &decision : transfer.decisions) {
        auto isThis = [&](PlanClass c) { return c == decision.planClass; };
        auto isOther = [&](PlanClass c) { return c != decision.planClass; };
        EXPECT_NEAR(*decision.alone, (free - v(isThis)) / free, 1e-9);
        EXPECT_NEAR(*decision.leaveOneOut, (v(isOther) - all) / free, 1e-9);
      }
    }
  }
}

TEST(CarryoverTest, ARemovedFormatShowsInItsWorthAtSource) {
  TwoTargets world(1);
  world.workload.phase = Phase::decode;
  world.first.readsFp8 = true;
  world.second.readsFp8 = false;
  // fp8 pays on the source: its weights stream twice as fast.
  Machine &machine = world.targets[0].machine;
  for (double &value : machine.memories[0].bandwidthBytesPerSecond->value)
    value = 1e7;
  CarryoverResult result = world.run();
  const LimitResult &limit = result.limits[0];
  ASSERT_TRUE(limit.targets[0].best && limit.targets[1].best);
  const DecisionResult &weights = limit.transfers[1].decisions[0];
  EXPECT_EQ(weights.planClass, PlanClass::weightFormat);
  EXPECT_EQ(spell(weights.planClass, weights.value), "fp8/fp8");
  EXPECT_EQ(weights.verdict, Verdict::repaired);
  EXPECT_TRUE(weights.requantised);
  EXPECT_EQ(weights.refusal->id, "format_not_native");
  EXPECT_GT(*weights.worthAtSource, 0.05);
  // It costs nothing there: the target's own best plan lacks fp8 too.
  EXPECT_EQ(*weights.alone, 0);
}

TEST(CarryoverTest, ACapabilityThatBothHaveIsWorthNothing) {
  TwoTargets world(1);
  world.first.readsFp8 = world.second.readsFp8 = true;
  CarryoverResult result = world.run();
  for (const TransferResult &transfer : result.limits[0].transfers)
    EXPECT_EQ(*transfer.decisions[0].worthAtSource, 0);
}

TEST(CarryoverTest, AnImpossibleLimitLeavesNoTransfers) {
  TwoTargets world(3);
  std::vector<double> limits = {1e-9};
  CarryoverRequest request{
      world.model, world.targets, world.workload, limits, std::nullopt, 0, 1};
  CarryoverResult result = llvm::cantFail(runCarryover(request));
  const LimitResult &limit = result.limits[0];
  EXPECT_TRUE(limit.transfers.empty());
  for (const TargetResult &target : limit.targets) {
    EXPECT_FALSE(target.best.has_value());
    EXPECT_EQ(target.infeasible->id, "slo_violated");
    EXPECT_GT(target.infeasible->needed, 1e-9);
  }
}

TEST(CarryoverTest, AnInfeasibleTransferNamesTheSmallestSet) {
  // The target holds the model on both chips only; the source's plan keeps one
  // chip per copy where nothing grows: the memory of the target is shrunk until
  // even all chips are too few for bf16 weights, and fp8 is not readable.
  TwoTargets world(5);
  world.second.readsFp8 = false;
  Machine &small = world.targets[1].machine;
  for (double &value : small.memories[0].capacityBytes.value)
    value = weightBytesOf(world.model) * 0.2;
  CarryoverResult result = world.run();
  const LimitResult &limit = result.limits[0];
  EXPECT_FALSE(limit.targets[1].best.has_value());
  EXPECT_EQ(limit.targets[1].infeasible->id, "capacity_exceeded");
  ASSERT_TRUE(limit.targets[0].best.has_value());
  const TransferResult &transfer = limit.transfers[1];
  EXPECT_FALSE(transfer.efficiency.has_value());
  EXPECT_EQ(transfer.verdict, Verdict::infeasible);
  EXPECT_EQ(transfer.infeasible->id, "capacity_exceeded");
  // No plan fits at all, so no decision is to blame.
  EXPECT_TRUE(transfer.infeasibleClasses.empty());
  EXPECT_EQ(limit.portability[0].pennycook, 0);
  EXPECT_EQ(*limit.portability[0].legalShare, 0);
}

TEST(CarryoverTest, APinnedPlanIsReplayedOnEveryTarget) {
  TwoTargets world(2);
  CarryoverResult own = world.run();
  PlanPoint plan = own.limits[0].targets[0].plan;
  plan.set(PlanClass::instance, kInstanceAll);
  CarryoverResult result = world.run(plan);
  for (const TransferResult &transfer : result.limits[0].transfers)
    for (const DecisionResult &decision : transfer.decisions)
      EXPECT_EQ(decision.value, plan.get(decision.planClass));
}

TEST(CarryoverTest, PortabilityFollowsTheReferenceFigures) {
  // Run times A(1,1,1,1) B(2,1,4,1) C(1,2,-,3): efficiencies are the fastest
  // over the own time. PP(B) = 4 / (2 + 1 + 4 + 1) = 0.5; C fails once: 0.
  auto transferOf = [](unsigned source, unsigned target,
                       std::optional<double> efficiency) {
    TransferResult transfer;
    transfer.source = source;
    transfer.target = target;
    transfer.efficiency = efficiency;
    return transfer;
  };
  std::vector<TransferResult> transfers = {transferOf(0, 0, 1),
                                           transferOf(0, 1, 1),
                                           transferOf(0, 2, 1),
                                           transferOf(0, 3, 1),
                                           transferOf(1, 0, 0.5),
                                           transferOf(1, 1, 1),
                                           transferOf(1, 2, 0.25),
                                           transferOf(1, 3, 1),
                                           transferOf(2, 0, 1),
                                           transferOf(2, 1, 0.5),
                                           transferOf(2, 2, std::nullopt),
                                           transferOf(2, 3, 1.0 / 3)};
  EXPECT_DOUBLE_EQ(portabilityOf(0, transfers).pennycook, 1);
  PortabilityResult b = portabilityOf(1, transfers);
  EXPECT_DOUBLE_EQ(b.pennycook, 0.5);
  // Over the targets other than its own: (0.5 + 0.25 + 1) / 3.
  EXPECT_DOUBLE_EQ(*b.mean, 1.75 / 3);
  EXPECT_DOUBLE_EQ(*b.minimum, 0.25);
  EXPECT_DOUBLE_EQ(*b.legalShare, 1);
  EXPECT_DOUBLE_EQ(portabilityOf(2, transfers).pennycook, 0);
}

} // namespace
