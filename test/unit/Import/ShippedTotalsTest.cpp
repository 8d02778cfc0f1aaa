//===- ShippedTotalsTest.cpp - sizes of the models that ship --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Totals and active parameters against a count that was made apart from this
// code, by a script over the configurations; it is given in billions with two
// digits. Layers that draft tokens, vision towers and scales are in neither.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Import/Model.h"
#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

struct Totals {
  const char *model;
  double total, active; ///< billions
};

constexpr Totals kTotals[] = {
    {"arctic", 478.58, 17.32},
    {"dbrx", 131.60, 36.47},
    {"deepseek-r1", 671.03, 37.55},
    {"deepseek-v2", 235.74, 21.38},
    {"deepseek-v3", 671.03, 37.55},
    {"deepseek-v3.2", 671.88, 38.40},
    {"deepseek-v4-flash", 284.33, 13.80},
    {"deepseek-v4-pro", 1573.00, 49.78},
    {"glm-4.5", 352.80, 33.63},
    {"glm-5", 743.91, 41.78},
    {"gpt-oss-120b", 116.83, 5.71},
    {"gpt-oss-20b", 20.91, 4.19},
    {"grok-1", 316.49, 84.56},
    {"hunyuan-large", 388.70, 51.32},
    {"kimi-k2-instruct", 1026.41, 32.86},
    {"llama-4-maverick-17b-128e", 400.71, 17.18},
    {"mimo-v2-flash", 308.78, 15.45},
    {"minimax-m2", 228.69, 11.03},
    {"mixtral-8x7b", 46.70, 12.88},
    {"olmoe-1b-7b", 6.92, 1.28},
    {"phi-3.5-moe", 41.87, 6.64},
    {"qwen3-235b-a22b", 235.09, 22.19},
    {"qwen3-30b-a3b", 30.53, 3.35},
};

/// 0.1 %, and what the two digits leave open.
double tolerance(double billions) { return 0.001 * billions + 0.005; }

TEST(ShippedTotals, AreThoseOfTheIndependentCount) {
  MLIRContext context;
  for (const Totals &expected : kTotals) {
    auto module = loadModel(expected.model, context);
    ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
    llvm::Expected<ParameterCount> count = countParameters(**module);
    ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
    EXPECT_NEAR(double(count->total) / 1e9, expected.total,
                tolerance(expected.total))
        << expected.model;
    EXPECT_NEAR(double(count->active) / 1e9, expected.active,
                tolerance(expected.active))
        << expected.model;
  }
}

TEST(ShippedTotals, EveryModelHasASource) {
  for (const std::string &name : shippedModelNames())
    EXPECT_FALSE(shippedModelSource(name).empty()) << name;
  EXPECT_TRUE(shippedModelSource("no-such-model").empty());
}

TEST(ShippedTotals, NamesAreDistinct) {
  llvm::StringSet<> names;
  for (const std::string &name : shippedModelNames())
    EXPECT_TRUE(names.insert(name).second) << name;
}

} // namespace
