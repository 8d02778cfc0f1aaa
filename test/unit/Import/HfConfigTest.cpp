//===- HfConfigTest.cpp - structure of imported configurations ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/HfConfig.h"
#include "dialects/Moe/IR/Moe.h"
#include "mlir/IR/Verifier.h"
#include "portolan/Import/Model.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace portolan;

namespace {

OwningOpRef<ModuleOp> load(MLIRContext &context, llvm::StringRef model) {
  llvm::Expected<OwningOpRef<ModuleOp>> module = loadModel(model, context);
  if (module)
    return std::move(*module);
  ADD_FAILURE() << llvm::toString(module.takeError());
  return {};
}

unsigned countFunctions(ModuleOp module) {
  return llvm::range_size(module.getOps<func::FuncOp>());
}

template <typename OpT> OpT first(ModuleOp module) {
  OpT found;
  module.walk([&](OpT op) {
    found = op;
    return WalkResult::interrupt();
  });
  return found;
}

std::string tiny(llvm::StringRef name) {
  return (llvm::Twine(PORTOLAN_CONFIGS "/") + name + ".json").str();
}

TEST(HfConfig, EveryDistinctLayerIsOneFunction) {
  MLIRContext context;
  // Mixtral: @main and one layer; DeepSeek: a dense one as well.
  EXPECT_EQ(countFunctions(*load(context, tiny("mixtral-tiny"))), 2u);
  EXPECT_EQ(countFunctions(*load(context, tiny("deepseek-tiny"))), 3u);
  EXPECT_EQ(countFunctions(*load(context, "deepseek-v3")), 3u);
}

TEST(HfConfig, OneCallPerLayer) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = load(context, "deepseek-v3");
  unsigned dense = 0, routed = 0;
  module->walk([&](func::CallOp call) {
    (call.getCallee() == "layer_dense" ? dense : routed)++;
  });
  EXPECT_EQ(dense, 3u);
  EXPECT_EQ(routed, 58u);
}

TEST(HfConfig, ModulesVerify) {
  MLIRContext context;
  for (const std::string &name : shippedModelNames())
    EXPECT_TRUE(succeeded(verify(*load(context, name)))) << name;
}

TEST(HfConfig, OpsAreNamedByTheirLocation) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = load(context, "deepseek-v3");
  auto loc = dyn_cast<NameLoc>(first<moe::ExpertsOp>(*module).getLoc());
  ASSERT_TRUE(loc);
  EXPECT_EQ(loc.getName(), "layer_moe.experts");
}

TEST(HfConfig, YarnScalesTheSoftmax) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = load(context, "deepseek-v3");
  // (0.1 ln 40 + 1)^2 / sqrt(128 + 64) = 1.8738 / 13.8564 = 0.13523
  double scale =
      first<moe::LatentAttentionOp>(*module).getScale().convertToDouble();
  EXPECT_NEAR(scale, 0.13523, 1e-5);
  // mscale = mscale_all_dim: nothing is left for the tables.
  EXPECT_EQ(first<moe::RotaryTableOp>(*module).getMagnitude().convertToDouble(),
            1.0);
}

TEST(HfConfig, MscaleBeyondAllDimScalesTheTables) {
  MLIRContext context;
  auto buffer = llvm::MemoryBuffer::getFile(tiny("deepseek-tiny"));
  ASSERT_TRUE(bool(buffer));
  llvm::json::Value config =
      llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()));
  (*config.getAsObject()->getObject("rope_scaling"))["mscale"] = 2.0;
  std::string text = llvm::formatv("{0}", config);
  llvm::Expected<OwningOpRef<ModuleOp>> module =
      importHfConfigText(text, "config.json", "m", context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  // (0.2 ln 40 + 1) / (0.1 ln 40 + 1) = 1.737776 / 1.368888 = 1.269480
  EXPECT_NEAR(
      first<moe::RotaryTableOp>(**module).getMagnitude().convertToDouble(),
      1.269480, 1e-5);
}

TEST(HfConfig, SlidingWindowReachesTheAttention) {
  MLIRContext context;
  auto buffer = llvm::MemoryBuffer::getFile(tiny("mixtral-tiny"));
  ASSERT_TRUE(bool(buffer));
  llvm::json::Value config =
      llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()));
  (*config.getAsObject())["sliding_window"] = 24;
  std::string text = llvm::formatv("{0}", config);
  llvm::Expected<OwningOpRef<ModuleOp>> module =
      importHfConfigText(text, "config.json", "m", context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  EXPECT_EQ(first<moe::AttentionOp>(**module).getWindow(), 24u);
}

} // namespace
