//===- GraphModelTest.cpp - imported models that are not raised -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph is executed node by node as its file states it: the reference for
// what the raising makes of it. PORTOLAN_MODELS may name a folder with more
// models, each in a folder of its own with its data sets.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "dialects/Graph/IR/Graph.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Import/DataSet.h"
#include "portolan/Import/Onnx.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cstdlib>

using namespace portolan;
using namespace portolan::test;

namespace {

/// Executes the model in `folder` on each of its data sets.
void expectOutputs(llvm::StringRef folder, double rtol, double atol) {
  SCOPED_TRACE(folder.str());
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = importOnnx((folder + "/model.onnx").str(), *context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  auto sets = readDataSets(folder);
  ASSERT_TRUE(bool(sets)) << llvm::toString(sets.takeError());
  for (const DataSet &set : *sets) {
    auto outputs = runModule(**module, set.inputs, folder);
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    ASSERT_LE(set.outputs.size(), outputs->size());
    for (auto [got, wanted] : llvm::zip(*outputs, set.outputs)) {
      auto difference = compare(got.tensor, wanted.tensor, rtol, atol);
      ASSERT_TRUE(bool(difference))
          << got.name << ": " << llvm::toString(difference.takeError());
      EXPECT_EQ(difference->outOfTolerance, 0)
          << got.name << ": off by " << difference->maxAbsolute;
    }
  }
}

std::vector<std::string> foldersIn(llvm::StringRef root) {
  std::vector<std::string> folders;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(root, error), end;
       it != end && !error; it.increment(error))
    if (llvm::sys::fs::exists(it->path() + "/model.onnx"))
      folders.push_back(it->path());
  llvm::sort(folders);
  return folders;
}

} // namespace

TEST(GraphModel, GivesTheExpectedOutputsUnraised) {
  expectOutputs(std::string(PORTOLAN_TEST_MODELS) + "/qwen3_dense_kv", 0, 1e-4);
}

// An activation that no rule knows leaves the expert blocks to their nodes,
// among what is raised around them.
TEST(GraphModel, NodesThatStayGiveWhatTheWholeGraphGives) {
  std::string folder = std::string(PORTOLAN_TEST_MODELS) + "/qwen3_dense_kv";
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = importOnnx(folder + "/model.onnx", *context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  (*module)->walk([](graph::NodeOp node) {
    if (node.getOpType() == "Sigmoid")
      node.setOpType("Softsign");
  });
  mlir::OwningOpRef<mlir::ModuleOp> raised((*module)->clone());
  RaisingReport report;
  llvm::Error error = raiseGraphToMoe(*raised, &report);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_GT(report.keptCount(), 0u);
  auto sets = readDataSets(folder);
  ASSERT_TRUE(bool(sets)) << llvm::toString(sets.takeError());
  for (const DataSet &set : *sets) {
    auto wanted = runModule(**module, set.inputs, folder);
    ASSERT_TRUE(bool(wanted)) << llvm::toString(wanted.takeError());
    auto outputs = runModule(*raised, set.inputs, folder);
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    ASSERT_EQ(outputs->size(), wanted->size());
    for (auto [got, reference] : llvm::zip(*outputs, *wanted)) {
      auto difference = compare(got.tensor, reference.tensor, 0, 1e-5);
      ASSERT_TRUE(bool(difference)) << llvm::toString(difference.takeError());
      EXPECT_EQ(difference->outOfTolerance, 0)
          << got.name << ": off by " << difference->maxAbsolute;
    }
  }
}

TEST(GraphModel, MoreModelsGiveTheExpectedOutputsUnraised) {
  const char *root = std::getenv("PORTOLAN_MODELS");
  if (!root)
    GTEST_SKIP() << "PORTOLAN_MODELS names no folder";
  for (const std::string &folder : foldersIn(root))
    expectOutputs(folder, 1e-3, 1e-4);
}
