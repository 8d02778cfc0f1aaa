//===- SheetTest.cpp - a machine for people and programs --------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Machine/Sheet.h"
#include "TestMachine.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

std::string sheetOf(const Machine &machine) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printMachineSheet(machine, stream);
  return text;
}

TEST(Sheet, FiguresScaleToPowersOfAThousand) {
  EXPECT_EQ(spellFigure(2.5e15, "flop/s"), "2.5 Pflop/s");
  EXPECT_EQ(spellFigure(900e9, "bytes/s"), "900 GB/s");
  EXPECT_EQ(spellFigure(1e12, "bytes/s"), "1 TB/s");
  EXPECT_EQ(spellFigure(1.8e-6, "s"), "1.8 us");
  EXPECT_EQ(spellFigure(1.14e-9, "s"), "1.14 ns");
  EXPECT_EQ(spellFigure(0.84, "fraction"), "0.84");
  EXPECT_EQ(spellFigure(0, "s"), "0 s");
  EXPECT_EQ(spellFigure(2, "operations/element"), "2 operations/element");
  EXPECT_EQ(spellFigure(1666.7, "W"), "1.667 kW");
}

TEST(Sheet, ShapeRuleSaysWhatIsLegal) {
  auto board = describeMachine("hgx-h100");
  ASSERT_TRUE(bool(board));
  EXPECT_EQ(spellShapeRule(board->shapeRule),
            "a number of boards of 8 chips, at most 32; without a colon 1");
  auto slice = describeMachine("tpu-v5e");
  ASSERT_TRUE(bool(slice));
  EXPECT_EQ(spellShapeRule(slice->shapeRule),
            "AxB (chips per axis) out of 1, 2, 4, 8, 16, at most 16x16; "
            "required");
}

TEST(Sheet, SmallMachineInFull) {
  auto machine = loadMachine(writeMachine(
      "tiny", {{"V, \"sheet\"> {}",
                "V, \"sheet\">\n bandwidth <2.0e12 \"bytes/s\" low 1.0e12 high "
                "3.0e12, D, \"half\"> { machine.stream any efficiency <0.9 "
                "\"fraction\", Mv, \"table\"> }"}}));
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  machine->sha256 = "0";
  EXPECT_EQ(sheetOf(*machine),
            "tiny: Test\n"
            "family    switched\n"
            "chips     8\n"
            "topology  full_switch, 8 chips a domain\n"
            "shape     a number of chips; without a colon 8\n"
            "sha256    0\n"
            "\n"
            "figures (slower .. faster corner; V vendor, V3 vendor at third "
            "hand, M measured,\n"
            "P paper, mem from memory, E estimate, D derived, assumed)\n"
            "  memory.hbm.capacity        1 GB  [V] sheet\n"
            "  memory.hbm.bandwidth       2 TB/s (1 TB/s .. 3 TB/s)  [D] half\n"
            "  memory.hbm.efficiency.any  0.9  [M] table\n"
            "unknown: engine.matmul, engine.vector, engine.transcendental, "
            "engine.gather, overheads.kernel_launch, overheads.step, "
            "overheads.reserve, power.per_chip, price.per_chip\n");
}

TEST(Sheet, EveryFigureOfEveryMachineIsPrinted) {
  for (llvm::StringRef name : shippedMachineNames()) {
    auto machine = describeMachine(name);
    ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
    std::string sheet = sheetOf(*machine);
    forEachQuantity(*machine, [&](llvm::StringRef path, Quantity &quantity) {
      bool printed = sheet.find("  " + path.str() + " ") != std::string::npos ||
                     sheet.find("  " + path.rsplit('.').first.str() +
                                ".any ") != std::string::npos;
      EXPECT_TRUE(printed) << path.str();
      EXPECT_NE(sheet.find(quantity.source), std::string::npos) << path.str();
    });
  }
}

TEST(MachineJson, HoldsEveryFigureWithCorners) {
  auto machine = describeMachine("tpu7x");
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  llvm::json::Value json = machineToJson(*machine);
  const llvm::json::Object &object = *json.getAsObject();
  EXPECT_EQ(object.getString("name"), "tpu7x:4x4x4");
  EXPECT_EQ(object.getInteger("chips"), 64);
  EXPECT_EQ(object.getObject("topology")->getString("kind"), "torus");
  size_t leaves = 0;
  forEachQuantity(*machine, [&](llvm::StringRef, Quantity &) { ++leaves; });
  EXPECT_EQ(object.getArray("figures")->size(), leaves);
  for (const llvm::json::Value &value : *object.getArray("figures")) {
    const llvm::json::Object &figure = *value.getAsObject();
    if (figure.getString("path") != "engine.matmul.efficiency.bf16")
      continue;
    EXPECT_EQ(figure.getNumber("low"), 0.6);
    EXPECT_EQ(figure.getNumber("nominal"), 0.8);
    EXPECT_EQ(figure.getNumber("high"), 0.9);
    EXPECT_EQ(figure.getString("unit"), "fraction");
    EXPECT_EQ(figure.getString("confidence"), "assumed");
  }
}

TEST(MachineJson, UnknownFiguresHaveAReason) {
  auto machine = describeMachine("tpu7x");
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  llvm::json::Value json = machineToJson(*machine);
  std::vector<std::string> paths;
  for (const llvm::json::Value &value :
       *json.getAsObject()->getArray("unknown")) {
    paths.push_back(value.getAsObject()->getString("path")->str());
    EXPECT_EQ(value.getAsObject()->getString("reason"),
              "the machine file states none");
  }
  EXPECT_EQ(paths,
            (std::vector<std::string>{"power.per_chip", "price.per_chip"}));
}

} // namespace
