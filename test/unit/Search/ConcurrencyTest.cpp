//===- ConcurrencyTest.cpp - the best integer concurrency -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Search/Concurrency.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>
#include <vector>

using namespace portolan;

namespace {

double bruteForce(const ConcurrencyProblem &problem,
                  const std::vector<double> &seconds) {
  double best = 0;
  for (int64_t c = 1; c <= problem.maximum; ++c) {
    int64_t sequences = (c + problem.microBatches - 1) / problem.microBatches;
    if (seconds[sequences] <= problem.limitSeconds)
      best = std::max(best, double(c) / seconds[sequences]);
  }
  return best;
}

TEST(ConcurrencyTest, AConstantTimeIsSharedByAsManyAsFit) {
  ConcurrencyProblem problem;
  problem.maximum = 100;
  problem.limitSeconds = 1;
  ConcurrencyResult result =
      solveConcurrency(problem, [](int64_t) { return 0.5; });
  EXPECT_EQ(result.concurrency, 100);
  EXPECT_EQ(result.rate, 200);
}

TEST(ConcurrencyTest, TheLimitCutsTheConcurrency) {
  ConcurrencyProblem problem;
  problem.maximum = 100;
  problem.limitSeconds = 0.5;
  // T(c) = 0.1 + 0.01 c: 0.5 is reached at c = 40, where the rate is 80.
  ConcurrencyResult result = solveConcurrency(problem, [](int64_t sequences) {
    return 0.1 + 0.01 * double(sequences) - 1e-12;
  });
  EXPECT_EQ(result.concurrency, 40);
  EXPECT_NEAR(result.rate, 80, 1e-6);
}

TEST(ConcurrencyTest, MicroBatchesAreFilled) {
  ConcurrencyProblem problem;
  problem.maximum = 10;
  problem.microBatches = 4;
  problem.limitSeconds = 1;
  // Three sequences per micro-batch would hold 12 requests; 10 fit.
  ConcurrencyResult result = solveConcurrency(
      problem, [](int64_t sequences) { return 0.3 + 0.001 * sequences; });
  EXPECT_EQ(result.concurrency, 10);
}

TEST(ConcurrencyTest, NothingFits) {
  ConcurrencyProblem problem;
  problem.limitSeconds = 1;
  EXPECT_EQ(solveConcurrency(problem, [](int64_t) { return 0.1; }).concurrency,
            0);
  problem.maximum = 5;
  EXPECT_EQ(solveConcurrency(problem, [](int64_t) { return 2.0; }).concurrency,
            0);
}

TEST(ConcurrencyTest, AnUnknownTimeIsReported) {
  ConcurrencyProblem problem;
  problem.maximum = 5;
  problem.limitSeconds = 1;
  EXPECT_TRUE(
      solveConcurrency(problem, [](int64_t) { return std::nan(""); }).unknown);
}

TEST(ConcurrencyTest, EqualsBruteForceOnRandomMonotoneTimes) {
  std::mt19937 random(1);
  for (int instance = 0; instance < 3000; ++instance) {
    ConcurrencyProblem problem;
    problem.maximum = 1 + random() % 300;
    problem.microBatches = 1 + random() % 4;
    std::vector<double> seconds = {0};
    double time = 1 + random() % 50;
    // Steps and slopes, so that the rate has many local maxima.
    for (int64_t s = 1; s <= problem.maximum; ++s) {
      time += random() % 8 == 0 ? random() % 40 : random() % 2;
      seconds.push_back(time);
    }
    problem.limitSeconds = 1 + random() % 400;
    double expected = bruteForce(problem, seconds);
    auto probe = [&](int64_t sequences) { return seconds[sequences]; };
    EXPECT_EQ(solveConcurrency(problem, probe).rate, expected);
    // A floor hides exactly what does not exceed it.
    problem.floorRate = expected * 0.9;
    EXPECT_EQ(solveConcurrency(problem, probe).rate, expected);
    problem.floorRate = expected;
    EXPECT_EQ(solveConcurrency(problem, probe).rate, 0);
    // With slack the answer is an upper bound up to the slack.
    problem.floorRate = 0;
    problem.slack = 0.05;
    double loose = solveConcurrency(problem, probe).rate;
    EXPECT_LE(loose, expected);
    EXPECT_GE(loose * 1.05, expected);
  }
}

TEST(ConcurrencyTest, LargestWithinFindsTheLastThatFits) {
  for (int64_t granule : {1, 3, 8})
    for (int64_t last : {0, 1, 2, 3, 7, 8, 100, 999, 1000})
      // A staircase with `granule` wide steps, and a curve.
      for (bool straight : {true, false}) {
        auto amount = [&](int64_t value) {
          double steps = double((value + granule - 1) / granule);
          return straight ? steps : steps * steps;
        };
        double available = last == 0 ? 0.5 : amount(last);
        int64_t expected = 0;
        while (expected < 1000 && amount(expected + 1) <= available)
          ++expected;
        EXPECT_EQ(largestWithin(1000, granule, available, amount), expected);
      }
}

TEST(ConcurrencyTest, LargestWithinOfALineNeedsFewCalls) {
  unsigned calls = 0;
  EXPECT_EQ(largestWithin(1 << 20, 8, 1000.5,
                          [&](int64_t value) {
                            ++calls;
                            return 1.0 + double((value + 7) / 8);
                          }),
            999 * 8);
  EXPECT_LE(calls, 5u);
}

} // namespace
