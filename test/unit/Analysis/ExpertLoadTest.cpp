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

// Four of eight groups: a token cannot reach more than half the ranks.
TEST(DistinctRanks, GroupsLimitTheSpread) {
  EXPECT_LE(distinctRanksPerToken(256, 8, 8, 8, 4), 4);
  EXPECT_LT(distinctRanksPerToken(256, 8, 64, 8, 4),
            distinctRanksPerToken(256, 8, 64, 1, 1));
}
