//===- RegressionTest.cpp - what fuzzing has found ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every file of test/fuzz/regressions/TARGET crashed, hung or exhausted that
// target once. Passing means to return: with an error, or without.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Targets.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <vector>

using namespace portolan::fuzz;

static std::vector<std::string> filesIn(const llvm::Twine &folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator at(folder, error), end;
       !error && at != end; at.increment(error))
    files.push_back(at->path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Regression, EveryFileReturns) {
  for (const Target &target : targets())
    for (const std::string &path :
         filesIn(llvm::Twine(PORTOLAN_REGRESSIONS "/") + target.name)) {
      SCOPED_TRACE(path);
      auto buffer = llvm::MemoryBuffer::getFile(path);
      ASSERT_TRUE(bool(buffer)) << path;
      Outcome outcome = target.take((*buffer)->getBuffer());
      EXPECT_EQ(outcome.error.find('\n'), std::string::npos) << outcome.error;
    }
}

// A folder that is no target's would never be read.
TEST(Regression, EveryFolderIsATarget) {
  std::vector<std::string> folders = filesIn(PORTOLAN_REGRESSIONS);
  EXPECT_FALSE(folders.empty());
  for (const std::string &folder : folders)
    EXPECT_TRUE(llvm::any_of(targets(), [&](const Target &target) {
      return llvm::StringRef(folder).ends_with(("/" + target.name).str());
    })) << folder;
}
