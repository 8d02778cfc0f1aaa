//===- LoadMachineTest.cpp - targets, shapes and shipped machines -----------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestMachine.h"
#include "portolan/Machine/Machine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
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

Machine load(llvm::StringRef target) {
  auto machine = loadMachine(target);
  if (machine)
    return *machine;
  ADD_FAILURE() << llvm::toString(machine.takeError());
  return {};
}

//===----------------------------------------------------------------------===//
// What ships
//===----------------------------------------------------------------------===//

TEST(ShippedMachines, AreThoseOfTheDesignInItsOrder) {
  std::vector<llvm::StringRef> expected = {"hgx-h100",
                                           "hgx-h200",
                                           "hgx-b200",
                                           "hgx-b300",
                                           "gb200-nvl72",
                                           "gb300-nvl72",
                                           "vera-rubin-nvl72",
                                           "mi300x",
                                           "mi355x",
                                           "tpu-v4",
                                           "tpu-v5e",
                                           "tpu-v5p",
                                           "tpu-v6e",
                                           "tpu7x",
                                           "trn1",
                                           "trn2",
                                           "trn2-ultraserver",
                                           "trn3-ultraserver",
                                           "cs2",
                                           "cs3"};
  EXPECT_EQ(std::vector<llvm::StringRef>(shippedMachineNames()), expected);
}

TEST(ShippedMachines, EachLoadsUnderItsOwnName) {
  for (llvm::StringRef name : shippedMachineNames()) {
    auto machine = describeMachine(name);
    ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
    EXPECT_EQ(splitTarget(machine->name).name, name);
    EXPECT_EQ(machine->sha256.size(), 64u);
    EXPECT_GE(machine->chips(), 1);
  }
}

TEST(ShippedMachines, DefaultTargetsAreThoseOfTheDesign) {
  EXPECT_EQ(defaultTargets(),
            (std::vector<std::string>{"gb300-nvl72", "tpu7x:4x4x4",
                                      "trn2-ultraserver", "cs3:64"}));
  for (const std::string &target : defaultTargets()) {
    Machine machine = load(target);
    EXPECT_EQ(machine.name, target);
    EXPECT_TRUE(machine.isDefaultTarget);
  }
}

TEST(ShippedMachines, UnknownNameListsTheKnownOnes) {
  EXPECT_NE(errorOf("gb301:72")
                .find("target 'gb301': expects a machine file or "
                      "one of hgx-h100, hgx-h200, hgx-b200, "),
            std::string::npos)
      << errorOf("gb301:72");
}

TEST(ShippedMachines, HashIsThatOfTheText) {
  // printf '' | sha256sum begins with e3b0; a machine file is not empty, and
  // two files have two hashes.
  EXPECT_NE(load("trn1").sha256.substr(0, 4), "e3b0");
  EXPECT_NE(load("trn1").sha256, load("trn2").sha256);
  EXPECT_EQ(load("trn2").sha256, load("trn2:4").sha256);
}

//===----------------------------------------------------------------------===//
// Names and shapes
//===----------------------------------------------------------------------===//

TEST(SplitTarget, SplitsAtTheLastColon) {
  EXPECT_EQ(splitTarget("a:4x4x4").name, "a");
  EXPECT_EQ(splitTarget("a:4x4x4").shape, "4x4x4");
  EXPECT_EQ(splitTarget("a").name, "a");
  EXPECT_EQ(splitTarget("a").shape, "");
  EXPECT_EQ(splitTarget("dir:x/a.mlir:8").name, "dir:x/a.mlir");
  EXPECT_EQ(splitTarget("").name, "");
}

TEST(Shape, PlainNumberOfChips) {
  Machine machine = load("gb300-nvl72:8");
  EXPECT_EQ(machine.name, "gb300-nvl72:8");
  EXPECT_EQ(machine.chips(), 8);
  EXPECT_EQ(machine.topology.domain, 8);
  EXPECT_EQ(load("gb300-nvl72").chips(), 72);
  EXPECT_EQ(load("gb300-nvl72").topology.domain, 72);
}

TEST(Shape, DefaultShapeIsNotSpelledInTheName) {
  EXPECT_EQ(load("gb300-nvl72:72").name, "gb300-nvl72");
  EXPECT_EQ(load("hgx-h100:1").name, "hgx-h100");
}

TEST(Shape, BoardsOfEight) {
  Machine machine = load("hgx-h100:4");
  EXPECT_EQ(machine.chips(), 32); // 4 boards x 8
  EXPECT_EQ(machine.topology.domain, 8);
  EXPECT_EQ(load("hgx-h100").chips(), 8);
  for (llvm::StringRef name : {"hgx-b300", "mi300x", "mi355x"}) {
    EXPECT_EQ(load(name).name, name);
    EXPECT_EQ(load(name).chips(), 8) << name.str();
    Machine boards = load((name + ":4").str());
    EXPECT_EQ(boards.chips(), 32) << name.str(); // 4 boards x 8
    EXPECT_EQ(boards.topology.domain, 8) << name.str();
  }
}

TEST(Shape, SmallestSliceOfAHost) {
  Machine machine = load("tpu7x:2x2x1");
  EXPECT_EQ(machine.chips(), 4);
  EXPECT_EQ(machine.topology.domain, 4);
  EXPECT_EQ(machine.topology.axes, (llvm::SmallVector<int64_t, 3>{2, 2, 1}));
}

TEST(Shape, NumberOfChipsFoldsOntoTheTorus) {
  using Axes = llvm::SmallVector<int64_t, 3>;
  using Wraps = llvm::SmallVector<bool, 3>;
  EXPECT_EQ(load("trn2").topology.axes, (Axes{4, 4}));
  EXPECT_EQ(load("trn2").topology.wraps, (Wraps{true, true}));
  EXPECT_EQ(load("trn2:8").topology.axes, (Axes{4, 2}));
  EXPECT_EQ(load("trn2:8").topology.wraps, (Wraps{true, false}));
  EXPECT_EQ(load("trn2:1").topology.axes, (Axes{1, 1}));
  EXPECT_EQ(load("trn2-ultraserver").topology.axes, (Axes{4, 4, 4}));
  EXPECT_EQ(load("trn2-ultraserver:16").topology.axes, (Axes{4, 4, 1}));
}

TEST(Shape, WafersAreDomainsByThemselves) {
  Machine machine = load("cs3:4");
  EXPECT_EQ(machine.chips(), 4);
  EXPECT_EQ(machine.topology.domain, 1);
  EXPECT_EQ(machine.topology.kind, TopologyKind::waferMesh);
}

TEST(Shape, RequiredShapeIsAskedForWithAnExample) {
  EXPECT_EQ(errorOf("tpu7x"),
            "target 'tpu7x': expects a shape after a colon, AxBxC (chips per "
            "axis), as in 'tpu7x:4x4x4', got none");
  EXPECT_EQ(errorOf("cs3"), "target 'cs3': expects a shape after a colon, a "
                            "number of wafers, as in 'cs3:64', got none");
}

TEST(Shape, WrongNumberOfAxes) {
  EXPECT_EQ(errorOf("tpu7x:4x4"), "target 'tpu7x:4x4': shape expects AxBxC "
                                  "(chips per axis), got '4x4'");
  EXPECT_EQ(errorOf("gb300-nvl72:8x9"),
            "target 'gb300-nvl72:8x9': shape expects "
            "a number of GPUs, got '8x9'");
}

TEST(Shape, NotNumbers) {
  for (llvm::StringRef bad : {"tpu7x:4x4xq", "tpu7x:4x4x", "tpu7x:",
                              "tpu7x:-4x4x4", "tpu7x:4x4x+4", "tpu7x:4 x4x4"})
    EXPECT_NE(errorOf(bad).find("shape expects AxBxC (chips per axis)"),
              std::string::npos)
        << errorOf(bad);
}

TEST(Shape, ZeroAndOverflow) {
  EXPECT_EQ(errorOf("tpu7x:0x4x4"),
            "target 'tpu7x:0x4x4': shape expects numbers "
            "from 1 to 1048576, got '0'");
  EXPECT_NE(errorOf("cs3:99999999999999999999").find("shape expects"),
            std::string::npos);
  EXPECT_NE(errorOf("cs3:4000000000").find("from 1 to 1048576"),
            std::string::npos);
}

TEST(Shape, AboveTheMaximum) {
  EXPECT_EQ(errorOf("gb300-nvl72:73"), "target 'gb300-nvl72:73': shape expects "
                                       "at most 72 GPUs, got 73");
  EXPECT_NE(errorOf("tpu-v4:16x16x32")
                .find("shape expects chips per axis out "
                      "of 1, 2, 4, 8, 12, 16, got 32"),
            std::string::npos);
  // 32^3 = 32,768 chips.
  EXPECT_EQ(errorOf("tpu7x:32x32x32"), "target 'tpu7x:32x32x32': shape expects "
                                       "at most 9216 chips, got '32x32x32'");
}

TEST(Shape, AboveACubeWholeCubesOnly) {
  EXPECT_EQ(
      errorOf("tpu7x:2x4x8"),
      "target 'tpu7x:2x4x8': shape expects every axis to be a multiple of "
      "4 if one is larger than 4, got '2x4x8'");
  EXPECT_EQ(load("tpu7x:4x4x8").chips(), 128);
}

TEST(Shape, SizeThatDoesNotExist) {
  EXPECT_NE(errorOf("tpu7x:3x3x3").find("out of 1, 2, 4, 8"),
            std::string::npos);
  EXPECT_NE(errorOf("trn2:3").find("chips out of 1, 2, 4, 8, 16, got 3"),
            std::string::npos);
}

TEST(Shape, ChipsThatDoNotFillAnAxis) {
  // 6 chips on a 4x4 torus: one row of 4 and half a row.
  std::string error =
      errorOf(writeMachine("fold", {{"rank = 1", "rank = 1"},
                                    {"full_switch domain = 8",
                                     "torus grid = [4, 4] wrap = always"}}) +
              ":6");
  EXPECT_NE(
      error.find("expects chips that fill whole axes of the torus 4x4, got "
                 "'6'"),
      std::string::npos)
      << error;
}

//===----------------------------------------------------------------------===//
// Wraparound
//===----------------------------------------------------------------------===//

TEST(Wrap, FollowsTheRuleOfEachTorus) {
  struct Case {
    const char *target;
    llvm::SmallVector<bool, 3> wraps;
  };
  // v4, v5p, 7x: all axes or none, by whole 4x4x4 cubes (2x2x4 does not wrap).
  // v5e, v6e: an axis of 16 (8x16 wraps on the 16). Trainium: an axis of 4.
  const Case cases[] = {
      {"tpu-v4:4x4x4", {true, true, true}},
      {"tpu-v4:2x2x4", {false, false, false}},
      {"tpu-v5p:4x8x12", {true, true, true}},
      {"tpu-v5p:2x4x4", {false, false, false}},
      {"tpu7x:4x4x4", {true, true, true}},
      {"tpu7x:8x8x8", {true, true, true}},
      {"tpu7x:2x2x1", {false, false, false}},
      {"tpu7x:2x2x2", {false, false, false}},
      {"tpu-v5e:16x16", {true, true}},
      {"tpu-v5e:8x16", {false, true}},
      {"tpu-v5e:4x4", {false, false}},
      {"tpu-v6e:16x8", {true, false}},
      {"trn1", {true, true}},
      {"trn2-ultraserver:32", {true, true, false}},
  };
  for (const Case &test : cases)
    EXPECT_EQ(load(test.target).topology.wraps, test.wraps) << test.target;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST(MachineFile, PathWinsAndTakesAShape) {
  std::string path = writeMachine("own", {});
  EXPECT_EQ(load(path).name, "own");
  EXPECT_EQ(load(path + ":4").name, "own:4");
  EXPECT_EQ(load(path + ":4").chips(), 4);
}

TEST(MachineFile, SyntaxErrorIsOneMessageWithItsPlace) {
  std::string path =
      writeMachine("syntax", {{"family = switched", "family switched"}});
  EXPECT_EQ(errorOf(path), path + ":1:30: expected '='");
}

TEST(MachineFile, MissingSourceNamesTheField) {
  std::string path = writeMachine("source", {{"V, \"sheet\"", "V"}});
  EXPECT_NE(errorOf(path).find("field 'capacity' expects a source, got none"),
            std::string::npos)
      << errorOf(path);
  EXPECT_EQ(errorOf(path).find('\n'), std::string::npos);
}

TEST(MachineFile, HoldsOneSystem) {
  std::string path =
      writeText("two", testMachineText("a") + testMachineText("b"));
  EXPECT_EQ(errorOf(path), path + ": expects one machine.system, got 2");
  path = writeText("none", "module {}\n");
  EXPECT_EQ(errorOf(path), path + ": expects one machine.system, got 0");
}

TEST(MachineFile, BinaryRubbishIsRefused) {
  std::string path = writeText("rubbish", std::string("\x7f"
                                                      "ELF\0\1\2",
                                                      7));
  EXPECT_NE(errorOf(path), "");
  EXPECT_EQ(errorOf(path).find("loaded"), std::string::npos);
}

} // namespace
