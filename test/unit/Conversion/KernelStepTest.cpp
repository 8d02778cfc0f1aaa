//===- KernelStepTest.cpp - a written-out step costs what it did ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Steps of random shapes, formats and tiles are either written out, and then
// the step, work included, is the one before, or are refused with a label.
//
//===----------------------------------------------------------------------===//

#include "KernelCases.h"
#include "dialects/Interfaces/StepOpInterface.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

constexpr unsigned kCases = 600;

FailureOr<Step> onlyStep(ModuleOp module) {
  FailureOr<Step> step = failure();
  module.walk([&](StepOpInterface op) { step = op.step(); });
  return step;
}

/// `random` makes the text of a function of one step.
void expectSameStepOrRefusal(std::string (*random)(Cases &), unsigned seed) {
  registerAllPasses();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  Cases cases(seed);
  unsigned lowered = 0, refused = 0;
  for (unsigned i = 0; i < kCases; ++i) {
    std::string text = random(cases);
    std::string target = cases.oneOf<const char *>({"hgx-h100", "gb300-nvl72"});
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      message += diagnostic.str();
      return success();
    });
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << message << text;
    FailureOr<Step> before = onlyStep(*module);
    ASSERT_TRUE(succeeded(before));
    PassManager passes(&context);
    ASSERT_TRUE(succeeded(parsePassPipeline(
        "switched-lower-to-kernels{target=" + target + "}", passes)));
    if (failed(passes.run(*module))) {
      EXPECT_NE(message.find("(switched."), std::string::npos)
          << target << ": " << message << text;
      ++refused;
      continue;
    }
    ++lowered;
    FailureOr<Step> after = onlyStep(*module);
    ASSERT_TRUE(succeeded(after));
    std::string difference;
    EXPECT_TRUE(sameStep(*before, *after, &difference)) << difference << text;
    EXPECT_TRUE(before->work == after->work) << text;
    // A step that was left alone would be the same too.
    bool written = false;
    module->walk([&](StepOpInterface op) {
      written = op->getNumRegions() == 1 && !op->getRegion(0).empty();
    });
    EXPECT_TRUE(written) << text;
  }
  // Both outcomes are tested, not one of them alone.
  EXPECT_GT(lowered, kCases / 10);
  EXPECT_GT(refused, kCases / 10);
}

TEST(KernelStepTest, RandomExpertsKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomExperts, 1);
}

TEST(KernelStepTest, RandomRoutersKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomRouter, 2);
}

TEST(KernelStepTest, RandomLatentAttentionsKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomLatentAttention, 7);
}

TEST(KernelStepTest, RandomPacksKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomPack, 3);
}

TEST(KernelStepTest, RandomPermutationsKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomPermute, 4);
}

TEST(KernelStepTest, RandomPutsKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomRowPut, 5);
}

TEST(KernelStepTest, RandomAllReducesKeepTheirStepOrAreRefused) {
  expectSameStepOrRefusal(randomAllReduce, 6);
}

} // namespace
