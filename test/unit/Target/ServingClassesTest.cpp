//===- ServingClassesTest.cpp - replicas and speculation ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values, reasons and ladders of the classes that depend on what is served.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"

using namespace portolan;
using namespace portolan::test;
using Strings = std::vector<std::string>;

namespace {

/// Four experts of which the first takes half of the rows, over two ranks.
Setting skewed() {
  ModelShape model = makeModel(/*layers=*/4, /*experts=*/4);
  model.topK = 1;
  Setting setting(makeSwitched(2, 2), model);
  setting.workload.popularity.kind = Popularity::Kind::shares;
  setting.workload.popularity.shares = {12, 2, 1, 1};
  return setting;
}

TEST(Replicas, CopiesAreListedWhileTheyHelp) {
  Setting setting = skewed();
  // 13/16 on one rank; with a copy of the first 6/16 each, and the other three
  // and a copy of the second (1/16 each) fill up: 8/16. No rank has room for
  // four more.
  EXPECT_EQ(setting.spelled(PlanClass::replicas, setting.firstPlan()),
            (Strings{"0", "1"}));
}

TEST(Replicas, EqualExpertsHaveNoCopies) {
  Setting setting = skewed();
  setting.workload.popularity.kind = Popularity::Kind::uniform;
  EXPECT_EQ(setting.spelled(PlanClass::replicas, setting.firstPlan()),
            (Strings{"0"}));
}

// switched.plan_replicas_c1
TEST(Replicas, ExpertsOnOneRankHaveNoCopies) {
  Setting setting = skewed();
  PlanPoint plan = setting.firstPlan();
  plan.set(PlanClass::placementForm, kNone);
  EXPECT_EQ(setting.spelled(PlanClass::replicas, plan), (Strings{"none"}));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::replicas, 1, plan);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "unavailable_decision");
  EXPECT_EQ(refusal->reason,
            "replicas 1: the experts are not spread over ranks");
}

// switched.plan_replicas_c2
TEST(Replicas, ARankHoldsDifferentExperts) {
  Setting setting = skewed();
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::replicas, 4, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->needed, 6); // 2 of its own and 4
  EXPECT_EQ(refusal->available, 4);
}

// switched.plan_replicas_c3
TEST(Replicas, CopiesThatDoNotHelpAreRefused) {
  Setting setting = skewed();
  EXPECT_EQ(setting.refusalId(PlanClass::replicas, 2, setting.firstPlan()),
            "unavailable_decision");
  setting.workload.popularity.kind = Popularity::Kind::uniform;
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::replicas, 1, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, "replicas 1: all experts are equally popular");
}

TEST(Replicas, RepairKeepsElseHalves) {
  Setting setting = skewed();
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.repaired(PlanClass::replicas, 1, plan), "1");
  EXPECT_EQ(setting.repaired(PlanClass::replicas, 4, plan), "1");
  EXPECT_EQ(setting.repaired(PlanClass::replicas, kNone, plan), "0");
  setting.workload.popularity.kind = Popularity::Kind::uniform;
  EXPECT_EQ(setting.repaired(PlanClass::replicas, 4, plan), "0");
}

TEST(Speculation, ExistsInDecodeWithAnAcceptanceRate) {
  Setting setting(makeSwitched(8, 8));
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.spelled(PlanClass::speculation, plan), (Strings{"none"}));
  setting.workload.acceptanceRate = 0.7;
  EXPECT_EQ(setting.spelled(PlanClass::speculation, plan),
            (Strings{"none", "1", "2", "3"}));
  EXPECT_EQ(setting.repaired(PlanClass::speculation, 2, plan), "2");
  setting.workload.phase = Phase::prefill;
  EXPECT_EQ(setting.spelled(PlanClass::speculation, plan), (Strings{"none"}));
}

// switched.plan_speculation_c1
TEST(Speculation, RefusesWithItsReason) {
  Setting setting(makeTorus({4, 4, 4}));
  PlanPoint plan = setting.firstPlan();
  auto reason = [&](PlanValue value) {
    std::optional<Refusal> refusal =
        setting.legalize(PlanClass::speculation, value, plan);
    EXPECT_TRUE(refusal && refusal->id == "unavailable_decision");
    return refusal ? refusal->reason : "";
  };
  EXPECT_EQ(reason(2), "speculation 2: no acceptance rate is given");
  EXPECT_EQ(setting.repaired(PlanClass::speculation, 2, plan), "none");
  setting.workload.acceptanceRate = 0.7;
  EXPECT_EQ(reason(8), "speculation 8: up to 3 tokens are drafted per step");
  setting.workload.phase = Phase::prefill;
  EXPECT_EQ(reason(2),
            "speculation 2: a prompt is known, so that nothing is drafted");
}

} // namespace
