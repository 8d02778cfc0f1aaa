//===- KernelShapeTest.cpp - priced tiles are shapes of the unit ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan may choose the token tiles that a machine file lists and that hold
// whole granules of rows. Where the file describes a core, those must be the
// shapes that its matrix instruction has.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "portolan/Machine/Core.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::switched;

namespace {

bool unitTakes(const Core &core, Format format) {
  return core.matrixUnit == MatrixUnit::tensorMemory ? tcgen05Takes(format)
                                                     : wgmmaTakes(format);
}

bool unitHasShape(const Core &core, Format format, int64_t columns,
                  int64_t tokens) {
  if (core.matrixUnit == MatrixUnit::tensorMemory)
    return tcgen05HasShape(format, columns, tokens, /*pair=*/false);
  return columns == kWgmmaRows && wgmmaHasTokens(tokens);
}

TEST(KernelShapeTest, PricedTilesAreShapesOfTheMatrixUnit) {
  unsigned described = 0, tooSmall = 0;
  for (llvm::StringRef name : shippedMachineNames()) {
    llvm::Expected<Core> core = loadCore(name);
    if (!core) {
      llvm::consumeError(core.takeError());
      continue;
    }
    ++described;
    llvm::Expected<Machine> machine = describeMachine(name);
    ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
    const Engine *engine = machine->findEngine(EngineKind::matmul);
    ASSERT_NE(engine, nullptr);
    for (unsigned i = 0; i < kNumFormats; ++i) {
      Format format = Format(i);
      if (!unitTakes(*core, format))
        continue;
      for (int64_t tile : engine->tokenTiles) {
        bool isWhole = tile % engine->rowGranule[i] == 0;
        EXPECT_EQ(isWhole,
                  unitHasShape(*core, format, engine->columnTile, tile))
            << name.str() << ": " << tile << " tokens of "
            << spell(format).str();
        tooSmall += !isWhole;
      }
    }
  }
  EXPECT_GE(described, 6u);
  // 8 tokens of bf16 where sums are in tensor memory, among others.
  EXPECT_GE(tooSmall, 5u);
}

} // namespace
