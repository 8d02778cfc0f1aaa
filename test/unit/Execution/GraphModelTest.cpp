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

TEST(GraphModel, MoreModelsGiveTheExpectedOutputsUnraised) {
  const char *root = std::getenv("PORTOLAN_MODELS");
  if (!root)
    GTEST_SKIP() << "PORTOLAN_MODELS names no folder";
  for (const std::string &folder : foldersIn(root))
    expectOutputs(folder, 1e-3, 1e-4);
}
