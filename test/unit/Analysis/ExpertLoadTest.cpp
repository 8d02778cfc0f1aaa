//===- ExpertLoadTest.cpp - the popularity law ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Workload.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>
#include <set>

using namespace portolan;

namespace {
Popularity uniform() {
  Popularity popularity;
  popularity.kind = Popularity::Kind::uniform;
  return popularity;
}
} // namespace

// E (1 - (1 - k/E)^T) = 256 (1 - (1 - 1/32)^64) = 222.4 experts hit in all.
TEST(ExpertLoad, UniformHitsByHand) {
  ExpertLoad load = expertLoad(uniform(), 256, 8, 1, 64);
  EXPECT_NEAR(load.hitExperts, 256 * (1 - std::pow(31.0 / 32, 64)), 1e-9);
  EXPECT_DOUBLE_EQ(load.meanRows, 512);
  EXPECT_DOUBLE_EQ(load.maxRows, 512); // one rank has no fluctuation
}

// 256 experts over 72 ranks: 40 ranks with 4 and 32 with 3; the slowest has 4.
TEST(ExpertLoad, UnevenPlacementCountsTheFullerRank) {
  ExpertLoad load = expertLoad(uniform(), 256, 8, 72, 7200);
  EXPECT_EQ(load.experts, 4);
  EXPECT_DOUBLE_EQ(load.meanRows, 800);
  // Placed mean 4 * 7200 * 8/256 = 900, plus sqrt(2 * 900 * ln 72) = 87.7.
  EXPECT_NEAR(load.maxRows, 900 + std::sqrt(2 * 900 * std::log(72.0)), 1e-6);
}

TEST(ExpertLoad, NoTokensLoadNothing) {
  ExpertLoad load = expertLoad(Popularity(), 8, 2, 4, 0);
  EXPECT_EQ(load.maxRows, 0);
  EXPECT_EQ(load.hitExperts, 0);
}

TEST(ExpertLoad, GrowsWithTokens) {
  ExpertLoad last;
  for (int64_t tokens = 0; tokens < 300; ++tokens) {
    ExpertLoad load = expertLoad(Popularity(), 64, 6, 8, tokens);
    EXPECT_GE(load.maxRows, last.maxRows);
    EXPECT_GE(load.hitExperts, last.hitExperts);
    EXPECT_GE(double(load.capacity), load.maxRows);
    last = load;
  }
}

// A popular expert cannot be chosen more than once per token.
TEST(ExpertLoad, AShareIsCappedAtCertainty) {
  Popularity popularity;
  popularity.kind = Popularity::Kind::shares;
  popularity.shares = {1000, 1, 1, 1};
  ExpertLoad load = expertLoad(popularity, 4, 2, 4, 100);
  // The first is always chosen (100 rows), the others share the second choice.
  EXPECT_NEAR(load.maxRows, 100, 1e-9);
}

// Two experts with 3/4 and 1/4 of the rows on two ranks: with one redundant
// expert per rank both ranks hold both, and half of the rows.
TEST(Replicas, TwoExpertsByHand) {
  Popularity popularity;
  popularity.kind = Popularity::Kind::shares;
  popularity.shares = {3, 1};
  EXPECT_DOUBLE_EQ(fullestRank(popularity, 2, 1, 2, 0), 0.75);
  EXPECT_DOUBLE_EQ(fullestRank(popularity, 2, 1, 2, 1), 0.5);
  ExpertLoad load = expertLoad(popularity, 2, 1, 2, 100, 1);
  // 50 + sqrt(2 * 50 * ln 2)
  EXPECT_NEAR(load.maxRows, 50 + std::sqrt(100 * std::log(2.0)), 1e-9);
  EXPECT_EQ(load.meanRows, 50);
  EXPECT_EQ(load.experts, 2);
  // Each copy serves every second token: (1 - 1/4^50) + (1 - (3/4)^50).
  EXPECT_NEAR(load.hitExperts, 2 - std::pow(0.75, 50), 1e-12);
}

// Shares 8, 4, 2, 2: copies of the first (then 4 each) and of the second (2
// each), so that each rank has 4 + 2 + 2.
TEST(Replicas, HottestExpertsAreCopiedThenPacked) {
  Popularity popularity;
  popularity.kind = Popularity::Kind::shares;
  popularity.shares = {8, 4, 2, 2};
  EXPECT_EQ(expertSlots(popularity, 4, 1, 2, 1),
            (std::vector<int64_t>{0, 1, 2, 0, 1, 3}));
  EXPECT_DOUBLE_EQ(fullestRank(popularity, 4, 1, 2, 1), 0.5);
}

TEST(Replicas, WithoutCopiesSlotsAreTheExperts) {
  EXPECT_EQ(expertSlots(Popularity(), 3, 1, 2, 0),
            (std::vector<int64_t>{0, 1, 2}));
}

// 5 experts over 2 ranks are 3 and 2, and 2 more each.
TEST(Replicas, EveryExpertHasASlotAndRanksTheirShare) {
  std::vector<int64_t> slots = expertSlots(Popularity(), 5, 2, 2, 2);
  EXPECT_EQ(slots.size(), 9u);
  std::set<int64_t> first(slots.begin(), slots.begin() + 5);
  std::set<int64_t> second(slots.begin() + 5, slots.end());
  // No rank holds an expert twice, and all are somewhere.
  EXPECT_EQ(first.size(), 5u);
  EXPECT_EQ(second.size(), 4u);
}

// 1 + 1/2 + 1/4 = (1 - 1/8) / (1 - 1/2).
TEST(Speculation, ExpectedTokensByHand) {
  Workload workload;
  workload.acceptanceRate = 0.5;
  EXPECT_DOUBLE_EQ(expectedTokens(workload, 2), 1.75);
  EXPECT_DOUBLE_EQ(expectedTokens(workload, 0), 1);
  EXPECT_EQ(stepTokens(workload, 2), 3);
  workload.phase = Phase::prefill;
  EXPECT_EQ(expectedTokens(workload, 0), 4096);
  EXPECT_EQ(stepTokens(workload, 0), 4096);
}

// Four experts side by side, one always chosen, three sharing the second
// choice: 100 rows each for four hit experts, though 200 rows are all there
// are.
TEST(ExpertLoad, SideBySideTheFullestExpertCounts) {
  Popularity popularity;
  popularity.kind = Popularity::Kind::shares;
  popularity.shares = {1000, 1, 1, 1};
  ExpertLoad load = sideBySideLoad(popularity, 4, 2, 100);
  EXPECT_DOUBLE_EQ(load.meanRows, 200);
  EXPECT_NEAR(load.hitExperts, 4, 1e-9);
  EXPECT_NEAR(load.maxRows, 400, 1e-6);
  EXPECT_EQ(load.experts, 4);
  EXPECT_GE(double(load.capacity), load.maxRows);
}

// One token hits as many experts as it chooses, with one row each.
TEST(ExpertLoad, SideBySideOneTokenIsEven) {
  ExpertLoad load = sideBySideLoad(uniform(), 256, 8, 1);
  EXPECT_NEAR(load.hitExperts, 8, 1e-9);
  EXPECT_NEAR(load.maxRows, 8, 1e-9);
}

// Distinct ranks by drawing: 8 of 256 experts over 16 ranks.
TEST(DistinctRanks, EqualsDrawing) {
  std::mt19937 random(7);
  std::vector<int> experts(256);
  for (int i = 0; i < 256; ++i)
    experts[i] = i;
  double sum = 0;
  int draws = 20000;
  for (int draw = 0; draw < draws; ++draw) {
    std::set<int> ranks;
    for (int i = 0; i < 8; ++i) {
      std::swap(experts[i], experts[i + random() % (256 - i)]);
      ranks.insert(experts[i] / 16);
    }
    sum += double(ranks.size());
  }
  EXPECT_NEAR(distinctRanksPerToken(256, 8, 16, 1, 1), sum / draws, 0.03);
}

// Drawn without replacement:
// 16 (1 - (240 * 239 * ... * 233) / (256 * ... * 249)) = 6.52 distinct ranks.
// (With replacement it would be 16 (1 - (15/16)^8) = 6.45.)
TEST(DistinctRanks, ByHand) {
  EXPECT_NEAR(distinctRanksPerToken(256, 8, 16, 1, 1), 6.523, 0.001);
  EXPECT_DOUBLE_EQ(distinctRanksPerToken(8, 2, 1, 1, 1), 1);
}

// 2 ranks of 4 of 8 groups, of which 4 are chosen: a rank has 0, 1, 2, 3 or 4
// of those with 1, 16, 36, 16 and 1 in 70, and is then missed by 8 of 128
// experts with 1, C(96,8)/C(128,8) = 0.0926, C(64,8)/C(128,8) = 0.0031, ~0 and
// 0. 2 (1 - 0.03706) = 1.9259. Of 4 ranks with 2 groups each it reaches 2.9289.
TEST(DistinctRanks, ARankMayHoldSeveralOfTheChosenGroups) {
  EXPECT_NEAR(distinctRanksPerToken(256, 8, 2, 8, 4), 1.925842, 1e-6);
  EXPECT_NEAR(distinctRanksPerToken(256, 8, 4, 8, 4), 2.928210, 1e-6);
  EXPECT_DOUBLE_EQ(distinctRanksPerToken(256, 8, 1, 8, 4), 1);
}

// Four of eight groups: a token cannot reach more than half the ranks.
TEST(DistinctRanks, GroupsLimitTheSpread) {
  EXPECT_LE(distinctRanksPerToken(256, 8, 8, 8, 4), 4);
  EXPECT_LT(distinctRanksPerToken(256, 8, 64, 8, 4),
            distinctRanksPerToken(256, 8, 64, 1, 1));
}
