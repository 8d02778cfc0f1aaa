//===- RealTargetsTest.cpp - the same properties on real families ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random plans of machines that ship: none beats the optimum or its bound, step
// times are monotone, better figures help.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "portolan/Search/FormatOrder.h"
#include "portolan/Search/IdealBound.h"
#include "portolan/Search/Tuner.h"
#include "gtest/gtest.h"
#include <random>

using namespace portolan;

namespace {

ModelShape shapeOf(llvm::StringRef name) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = llvm::cantFail(loadModel(name, context));
  return llvm::cantFail(extractModelShape(*module));
}

struct Setting {
  const char *model, *target;
  Phase phase;
};

class RealTargetsTest : public testing::TestWithParam<Setting> {
protected:
  RealTargetsTest()
      : model(shapeOf(GetParam().model)),
        machine(llvm::cantFail(loadMachine(GetParam().target))),
        family(*llvm::cantFail(familyOf(machine))) {
    workload.phase = GetParam().phase;
    limit = workload.limitSeconds();
  }

  PlanPoint randomPlan() {
    PlanPoint plan;
    llvm::SmallVector<PlanValue, 16> values;
    for (PlanClass planClass : allPlanClasses()) {
      values.clear();
      family.values(planClass, plan, {model, machine, workload}, values);
      plan.set(planClass, values[random() % values.size()]);
    }
    return plan;
  }

  std::mt19937 random{7};
  ModelShape model;
  Machine machine;
  const Family &family;
  Workload workload;
  double limit;
};

TEST_P(RealTargetsTest, NoPlanBeatsTheOptimumOrItsBound) {
  Tuner tuner(model, machine, family, workload, 2);
  TuneResult tuned = llvm::cantFail(tuner.search(limit, {}));
  ASSERT_FALSE(tuned.ranked.empty());
  double best = tuned.ranked.front().objective;
  Evaluator &evaluator = tuner.evaluator();
  EXPECT_LE(best, idealObjective(evaluator, limit));
  for (int i = 0; i < 200; ++i) {
    PlanPoint plan = randomPlan();
    PlanPoint prefix;
    for (unsigned c = 0; c <= unsigned(PlanClass::expertTp); ++c)
      prefix.values[c] = plan.values[c];
    double objective = llvm::cantFail(evaluator.best(plan, limit)).objective;
    EXPECT_LE(objective, best * (1 + 1e-9));
    EXPECT_LE(objective, tuner.boundOf(prefix, limit));
  }
}

TEST_P(RealTargetsTest, WithoutTransfersNoOtherWayToSendThemIsBetter) {
  Evaluator evaluator(model, machine, family, workload);
  for (int i = 0; i < 200; ++i) {
    PlanPoint plan = randomPlan();
    Deployment deployment = llvm::cantFail(evaluator.deploymentOf(plan));
    if (deployment.stagesAreRegions)
      continue;
    double objective = llvm::cantFail(evaluator.best(plan, limit)).objective;
    if (objective == 0)
      continue;
    llvm::SmallVector<PlanValue, 4> fusions;
    family.values(PlanClass::fusion, plan, {model, machine, workload}, fusions);
    plan.set(PlanClass::fusion, fusions.back());
    plan.set(PlanClass::overlap, kNone);
    plan.set(PlanClass::batchForm, PlanValue(deployment.stages));
    deployment.setBatchForm(deployment.stages);
    EXPECT_NE(evaluator.objectiveAbove(
                  plan, deployment, limit, objective * (1 - 1e-9), 1,
                  kMostRequests * deployment.stages, Relaxation::transfers),
              0);
  }
}

TEST_P(RealTargetsTest, NarrowerAndFasterFormatsAreNeverSlowerOrLarger) {
  if (!family.formatsOnlyScale())
    GTEST_SKIP() << "the family decides more by formats";
  Evaluator evaluator(model, machine, family, workload);
  FormatOrder order(evaluator.priced());
  PlanContext context{model, machine, workload};
  unsigned compared = 0;
  for (int i = 0; i < 100; ++i) {
    PlanPoint slow = randomPlan(), other = randomPlan(), fast = slow;
    for (PlanClass planClass :
         {PlanClass::weightFormat, PlanClass::activationFormat,
          PlanClass::kvFormat})
      fast.set(planClass, other.get(planClass));
    if (!order.isNeverSlower(fast, slow))
      continue;
    ++compared;
    for (PlanClass planClass : allPlanClasses())
      EXPECT_FALSE(
          family.legalize(planClass, fast.get(planClass), fast, context))
          << spell(planClass).str();
    Deployment deployment = llvm::cantFail(evaluator.deploymentOf(slow));
    for (int64_t sequences : {1, 7, 64, 500, 3000}) {
      EXPECT_LE(evaluator.stepSeconds(fast, deployment, sequences),
                evaluator.stepSeconds(slow, deployment, sequences) *
                    (1 + 1e-12));
      EXPECT_LE(
          memoryUse(model, fast, deployment, workload, sequences).total(),
          memoryUse(model, slow, deployment, workload, sequences).total());
    }
  }
  EXPECT_GT(compared, 10u);
}

TEST(FormatOrderTest, AFormatIsFasterOnlyIfItIsNowhereSlower) {
  Machine machine = llvm::cantFail(loadMachine("gb300-nvl72"));
  PricedMachine priced(machine, Corner::nominal);
  FormatOrder order(priced);
  auto plan = [](Format weight, Format cache) {
    PlanPoint result;
    result.set(PlanClass::weightFormat, encodeFormats({weight, weight}));
    result.set(PlanClass::activationFormat, encodeFormats({weight, weight}));
    result.set(PlanClass::kvFormat, encodeFormats({cache, cache}));
    return result;
  };
  PlanPoint wide = plan(Format::bf16, Format::bf16);
  PlanPoint narrow = plan(Format::mxfp4, Format::fp8);
  EXPECT_TRUE(order.isNeverSlower(narrow, wide));
  EXPECT_FALSE(order.isNeverSlower(wide, narrow));
  // int8 takes half the bytes, but a thirtieth of the rate of fp8.
  PlanPoint slow = plan(Format::int8, Format::bf16);
  EXPECT_FALSE(order.isNeverSlower(slow, wide));
  EXPECT_FALSE(order.isNeverSlower(wide, slow));
  // A narrower cache does not make up for wider weights.
  EXPECT_FALSE(order.isNeverSlower(plan(Format::bf16, Format::fp8),
                                   plan(Format::fp8, Format::bf16)));
  // A rate that is unknown is not compared.
  auto &peaks = machine.engines.front().peakOperationsPerSecond;
  peaks[unsigned(Format::mxfp4)].reset();
  PricedMachine unknown(machine, Corner::nominal);
  EXPECT_FALSE(FormatOrder(unknown).isNeverSlower(narrow, wide));
}

TEST_P(RealTargetsTest, StepTimeNeverFallsAsConcurrencyGrows) {
  Evaluator evaluator(model, machine, family, workload);
  for (int i = 0; i < 60; ++i) {
    PlanPoint plan = randomPlan();
    Deployment deployment = llvm::cantFail(evaluator.deploymentOf(plan));
    double before = 0;
    for (int64_t sequences = 1; sequences < 3000;
         sequences += 1 + sequences / 5) {
      double seconds = evaluator.stepSeconds(plan, deployment, sequences);
      EXPECT_GE(seconds, before * (1 - 1e-9)) << "at " << sequences;
      before = seconds;
    }
  }
}

TEST_P(RealTargetsTest, ABetterFigureNeverLowersTheObjectiveOfAPlan) {
  std::vector<std::string> paths;
  forEachQuantity(machine, [&](llvm::StringRef path, Quantity &quantity) {
    if (quantity.at(Corner::high) != quantity.nominal())
      paths.push_back(path.str());
  });
  Evaluator evaluator(model, machine, family, workload);
  for (int i = 0; i < 4; ++i) {
    PlanPoint plan = randomPlan();
    double before = llvm::cantFail(evaluator.best(plan, limit)).objective;
    for (const std::string &wanted : paths) {
      Machine better = machine;
      forEachQuantity(better, [&](llvm::StringRef path, Quantity &quantity) {
        if (path == wanted)
          quantity.value[unsigned(Corner::nominal)] = quantity.at(Corner::high);
      });
      Evaluator improved(model, better, family, workload);
      EXPECT_GE(llvm::cantFail(improved.best(plan, limit)).objective,
                before * (1 - 1e-9))
          << wanted;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Targets, RealTargetsTest,
    testing::Values(Setting{"mixtral-8x7b", "hgx-b200:1", Phase::decode},
                    Setting{"mixtral-8x7b", "tpu7x:2x2x1", Phase::prefill},
                    Setting{"deepseek-v3", "hgx-h100:2", Phase::decode},
                    Setting{"deepseek-v3", "mi300x:2", Phase::decode},
                    Setting{"deepseek-v3", "tpu7x:2x2x4", Phase::decode},
                    Setting{"deepseek-v3", "trn2-ultraserver", Phase::decode},
                    Setting{"mixtral-8x7b", "trn3-ultraserver:24",
                            Phase::prefill},
                    Setting{"mixtral-8x7b", "cs3:4", Phase::decode},
                    Setting{"deepseek-v3", "cs3:32", Phase::prefill}));

} // namespace
