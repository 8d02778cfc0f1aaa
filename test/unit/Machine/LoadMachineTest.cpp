//===- LoadMachineTest.cpp - targets and shipped machines -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Machine/Machine.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

/// The message of a target that must not load.
std::string errorOf(llvm::StringRef target) {
  auto machine = loadMachine(target);
  if (machine)
    return "loaded as " + machine->name;
  return llvm::toString(machine.takeError());
}

TEST(LoadMachine, DefaultTargetsLoad) {
  for (const std::string &target : defaultTargets()) {
    auto machine = loadMachine(target);
    ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
    EXPECT_EQ(machine->name, target);
    EXPECT_TRUE(machine->isDefaultTarget);
    EXPECT_EQ(machine->sha256.size(), 64u);
  }
}

TEST(LoadMachine, TorusOfCubesWraps) {
  auto machine = loadMachine("tpu7x:4x4x4");
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  EXPECT_EQ(machine->chips(), 64);
  EXPECT_EQ(machine->topology.domain, 64);
  EXPECT_EQ(machine->topology.wraps,
            (llvm::SmallVector<bool, 3>{true, true, true}));
}

TEST(LoadMachine, UnknownNameListsTheKnownOnes) {
  EXPECT_NE(errorOf("gb301").find("hgx-h100, hgx-h200"), std::string::npos)
      << errorOf("gb301");
}

TEST(LoadMachine, ShapeIsRequired) {
  EXPECT_EQ(errorOf("tpu7x"),
            "target 'tpu7x': expects a shape after a colon, AxBxC (chips per "
            "axis), as in 'tpu7x:4x4x4', got none");
}

} // namespace
