//===- HfConfigRandomTest.cpp - random configurations import --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/Import/Model.h"
#include "test/unit/Support/RandomConfigs.h"
#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

TEST(HfConfigRandom, TwoHundredImportVerifyAndReadBack) {
  MLIRContext context;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::string config = test::randomConfig(seed);
    llvm::Expected<OwningOpRef<ModuleOp>> module =
        importHfConfigText(config, "random.json", "random", context);
    ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError()) << "\n"
                              << config;
    ASSERT_TRUE(succeeded(verify(**module))) << config;

    std::string text, again;
    llvm::raw_string_ostream(text) << **module;
    OwningOpRef<ModuleOp> parsed = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(bool(parsed)) << config;
    llvm::raw_string_ostream(again) << *parsed;
    ASSERT_EQ(text, again) << config;
  }
}

TEST(HfConfigRandom, ActiveParametersAreAtMostAll) {
  MLIRContext context;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::string config = test::randomConfig(seed);
    auto module = importHfConfigText(config, "random.json", "random", context);
    ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
    llvm::Expected<ParameterCount> count = countParameters(**module);
    ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
    EXPECT_GT(count->active, 0);
    EXPECT_LE(count->active, count->total) << config;
  }
}

TEST(HfConfigRandom, TheGeneratorIsAFunctionOfItsSeed) {
  llvm::StringSet<> distinct;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    EXPECT_EQ(test::randomConfig(seed), test::randomConfig(seed));
    distinct.insert(test::randomConfig(seed));
  }
  EXPECT_EQ(distinct.size(), 200u);
}

} // namespace
