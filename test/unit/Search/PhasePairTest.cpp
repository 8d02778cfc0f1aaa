//===- PhasePairTest.cpp - both phases at one rate ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What serves both phases, against the evaluators of one phase alone.
//
//===----------------------------------------------------------------------===//

#include "SmallWorld.h"
#include "portolan/Target/SpaceRules.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// One chip per copy of a small model, four copies.
struct Served {
  explicit Served(unsigned seed)
      : random(seed), model(smallModel(random)),
        machine(smallMachine(random, 4, 4 * weightBytesOf(model))) {
    both.phase = Phase::both;
    both.contextTokens = 32;
    both.outputTokens = 64;
    both.popularity.kind = Popularity::Kind::uniform;
    decode = both.of(Phase::decode);
    prefill = both.of(Phase::prefill);
    PlanContext context{model, machine, both};
    llvm::SmallVector<PlanValue, 8> values;
    for (PlanClass planClass : allPlanClasses()) {
      values.clear();
      family.values(planClass, plan, context, values);
      bool smallest = planClass == PlanClass::instance;
      plan.set(planClass, smallest ? values.back() : values.front());
    }
  }

  Evaluation bestOf(const Workload &workload, double limit) {
    Evaluator evaluator(model, machine, family, workload);
    return llvm::cantFail(evaluator.best(plan, limit));
  }

  std::mt19937 random;
  ModelShape model;
  Machine machine;
  SmallFamily family;
  Workload both, decode, prefill;
  PlanPoint plan;
};

constexpr double kLoose = 1e3;

} // namespace

// Of c requests c / 64 end per step; as many prefills, each of one prompt per
// data-parallel rank, delay it. Every concurrency is tried.
TEST(PhasePairTest, SharedCopiesArePricedAsByHand) {
  unsigned compared = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    Served test(seed);
    Evaluator prefill(test.model, test.machine, test.family, test.prefill);
    // One chip per copy, so one prompt.
    Evaluation prefilled = llvm::cantFail(prefill.at(test.plan, 1));
    Evaluation result = test.bestOf(test.both, kLoose);
    if (!result.isFeasible())
      continue;
    ++compared;
    double prefillRate = double(prefilled.concurrency) / prefilled.stepSeconds;
    Evaluator decode(test.model, test.machine, test.family, test.decode);
    double best = 0;
    for (int64_t c = 1; c <= 2 * result.concurrency; ++c) {
      Evaluation step = llvm::cantFail(decode.at(test.plan, c));
      step.memory.activationBytes = std::max(step.memory.activationBytes,
                                             prefilled.memory.activationBytes);
      if (step.memory.total() > decode.availableBytes())
        break;
      double tpot = step.stepSeconds + double(c) / (64 * prefillRate);
      // One chip per copy.
      best = std::max(best, double(c) / tpot);
    }
    EXPECT_NEAR(result.objective, best, 1e-9 * best) << "seed " << seed;
    EXPECT_NEAR(result.parts.total(), result.stepSeconds,
                1e-9 * result.stepSeconds);
    EXPECT_EQ(result.prefill->copies, 0);
  }
  EXPECT_GT(compared, 25u);
}

// A quarter, a half and three quarters of four copies prefill: the slower side
// decides.
TEST(PhasePairTest, TheSlowerSideOfASplitDecides) {
  unsigned compared = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    Served test(seed);
    for (auto [percent, copies] : {std::pair(25, 1), {50, 2}, {75, 3}}) {
      test.plan.set(PlanClass::phaseSplit, PlanValue(percent));
      Evaluation result = test.bestOf(test.both, kLoose);
      if (!result.isFeasible())
        continue;
      ++compared;
      double handover = result.prefill->handoverSeconds;
      EXPECT_GT(handover, 0);
      Evaluation prefilled = test.bestOf(test.prefill, 2.0 - handover);
      Evaluation decoded = test.bestOf(test.decode, kLoose);
      double requests = std::min(
          {copies * double(prefilled.concurrency) / prefilled.stepSeconds,
           (4 - copies) * double(decoded.concurrency) / decoded.stepSeconds /
               64,
           std::min(copies, 4 - copies) / handover});
      EXPECT_NEAR(result.objective, requests * 64 / 4, 1e-9 * result.objective)
          << "seed " << seed;
      EXPECT_NEAR(result.prefill->seconds, prefilled.stepSeconds + handover,
                  1e-12);
      // The copies that decode keep up, and one request fewer would not do.
      double perCopy = requests * 64 / (4 - copies);
      EXPECT_GE(double(result.concurrency) / result.stepSeconds,
                perCopy * (1 - 1e-6));
    }
  }
  EXPECT_GT(compared, 25u);
}

TEST(PhasePairTest, ATtftThatNoPromptMeetsIsTheReason) {
  Served test(1);
  test.both.maxTtftSeconds = 1e-9;
  Evaluation result = test.bestOf(test.both, kLoose);
  ASSERT_FALSE(result.isFeasible());
  EXPECT_EQ(result.infeasible->id, "slo_violated");
  EXPECT_EQ(result.infeasible->resource, "time to first token");
}

TEST(PhasePairTest, ATpotThatNoRequestMeetsIsTheReason) {
  Served test(1);
  Evaluation result = test.bestOf(test.both, 1e-9);
  ASSERT_FALSE(result.isFeasible());
  EXPECT_EQ(result.infeasible->id, "slo_violated");
  EXPECT_EQ(result.infeasible->resource, "time per output token");
}

// 100 * 1 / 6 = 16.7 and so on; one copy of six at least, and one is left.
TEST(PhasePairTest, PercentAreWholeCopies) {
  for (int64_t copies = 2; copies <= 100; ++copies)
    for (int64_t prefills = 1; prefills < copies; ++prefills) {
      PlanValue percent = PlanValue((200 * prefills + copies) / (2 * copies));
      EXPECT_EQ(prefillCopiesOf(percent, copies), prefills);
    }
  EXPECT_EQ(prefillCopiesOf(1, 6), 1);
  EXPECT_EQ(prefillCopiesOf(99, 6), 5);
}
