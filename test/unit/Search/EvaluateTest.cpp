//===- EvaluateTest.cpp - properties of the objective ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SmallWorld.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// A random plan of a family's space.
PlanPoint randomPlan(std::mt19937 &random, const Family &family,
                     PlanContext context) {
  PlanPoint plan;
  llvm::SmallVector<PlanValue, 8> values;
  for (PlanClass planClass : allPlanClasses()) {
    values.clear();
    family.values(planClass, plan, context, values);
    plan.set(planClass, values[random() % values.size()]);
  }
  return plan;
}

struct Case {
  explicit Case(unsigned seed)
      : random(seed), model(smallModel(random)),
        machine(smallMachine(random, 4, 4 * weightBytesOf(model))),
        workload(smallWorkload(random)),
        evaluator(model, machine, family, workload),
        plan(randomPlan(random, family, evaluator.context())) {}

  std::mt19937 random;
  SmallFamily family;
  ModelShape model;
  Machine machine;
  Workload workload;
  Evaluator evaluator;
  PlanPoint plan;
};

TEST(EvaluateTest, StepTimeNeverFallsAsConcurrencyGrows) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Case test(seed);
    Deployment deployment =
        llvm::cantFail(test.evaluator.deploymentOf(test.plan));
    double before = 0;
    for (int64_t sequences = 1; sequences < 40; ++sequences) {
      double seconds =
          test.evaluator.stepSeconds(test.plan, deployment, sequences);
      EXPECT_GE(seconds, before * (1 - 1e-12))
          << "seed " << seed << " at " << sequences;
      before = seconds;
    }
  }
}

TEST(EvaluateTest, PartsSumToTheStepTime) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Case test(seed);
    Evaluation evaluation = llvm::cantFail(test.evaluator.at(test.plan, 8));
    EXPECT_NEAR(evaluation.parts.total(), evaluation.stepSeconds,
                1e-9 * evaluation.stepSeconds)
        << "seed " << seed;
  }
}

TEST(EvaluateTest, ABetterFigureNeverLowersTheObjectiveOfAPlan) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Case test(seed);
    double limit = 0.5;
    double before =
        llvm::cantFail(test.evaluator.best(test.plan, limit)).objective;
    std::vector<std::string> paths;
    forEachQuantity(test.machine, [&](llvm::StringRef path, Quantity &) {
      paths.push_back(path.str());
    });
    for (const std::string &wanted : paths) {
      Machine better = test.machine;
      forEachQuantity(better, [&](llvm::StringRef path, Quantity &quantity) {
        // The high corner is the better one by definition.
        if (path == wanted)
          quantity.value[unsigned(Corner::nominal)] = quantity.at(Corner::high);
      });
      Evaluator evaluator(test.model, better, test.family, test.workload);
      double after = llvm::cantFail(evaluator.best(test.plan, limit)).objective;
      EXPECT_GE(after, before * (1 - 1e-9))
          << "seed " << seed << " figure " << wanted;
    }
  }
}

TEST(EvaluateTest, IdleChipsCount) {
  Case test(4);
  test.plan.set(PlanClass::instance, kInstanceAll);
  Deployment all = llvm::cantFail(test.evaluator.deploymentOf(test.plan));
  EXPECT_EQ(all.copies, 1);
  // One copy on four chips: a request per second is a quarter per chip.
  test.workload.phase = Phase::decode;
  EXPECT_DOUBLE_EQ(
      Evaluator(test.model, test.machine, test.family, test.workload)
          .objectivePerRate(test.plan, all),
      0.25);
}

TEST(EvaluateTest, DraftedTokensShareAStep) {
  Case test(4);
  test.workload.phase = Phase::decode;
  test.workload.acceptanceRate = 0.5;
  Evaluator evaluator(test.model, test.machine, test.family, test.workload);
  test.plan.set(PlanClass::speculation, 2);
  // 1 + 1/2 + 1/4 tokens are expected per step and sequence.
  EXPECT_DOUBLE_EQ(evaluator.stepLimit(test.plan, 0.02), 0.035);
  Evaluation drafted = llvm::cantFail(evaluator.at(test.plan, 2));
  EXPECT_DOUBLE_EQ(drafted.tokensPerStep, 1.75);
  EXPECT_DOUBLE_EQ(drafted.tokenSeconds(), drafted.stepSeconds / 1.75);
  EXPECT_DOUBLE_EQ(drafted.objective, 2 * 1.75 / drafted.stepSeconds *
                                          double(drafted.deployment.copies) /
                                          double(drafted.deployment.chips));
  // Three new tokens per sequence are computed and kept.
  test.plan.set(PlanClass::speculation, kNone);
  Evaluation plain = llvm::cantFail(evaluator.at(test.plan, 2));
  EXPECT_GT(drafted.stepSeconds, plain.stepSeconds);
  EXPECT_GT(drafted.memory.cacheBytes, plain.memory.cacheBytes);
}

TEST(EvaluateTest, PrefillPaysForItsBubble) {
  Case test(4);
  test.workload.phase = Phase::prefill;
  Evaluator evaluator(test.model, test.machine, test.family, test.workload);
  Deployment deployment;
  deployment.stages = 2;
  deployment.microBatches = 4;
  // Four micro-batches through two stages: 4 + 2 - 1 passes.
  EXPECT_EQ(evaluator.stagePasses(deployment), 5);
  test.workload.phase = Phase::decode;
  EXPECT_EQ(Evaluator(test.model, test.machine, test.family, test.workload)
                .stagePasses(deployment),
            4);
}

TEST(EvaluateTest, AnInfeasiblePlanSaysWhatItBreaks) {
  Case test(6);
  Evaluation late = llvm::cantFail(test.evaluator.best(test.plan, 1e-12));
  EXPECT_FALSE(late.isFeasible());
  EXPECT_EQ(late.infeasible->id, "slo_violated");
  EXPECT_EQ(late.infeasible->available, 1e-12);
  for (double &value : test.machine.memories[0].capacityBytes.value)
    value = 1;
  Evaluator small(test.model, test.machine, test.family, test.workload);
  Evaluation full = llvm::cantFail(small.best(test.plan, 10));
  EXPECT_FALSE(full.isFeasible());
  EXPECT_EQ(full.infeasible->id, "capacity_exceeded");
  EXPECT_EQ(full.infeasible->available, 1);
}

} // namespace
