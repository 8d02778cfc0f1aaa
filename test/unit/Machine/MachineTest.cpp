//===- MachineTest.cpp - queries of a machine -------------------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Machine/Machine.h"
#include "gtest/gtest.h"
#include <set>

using namespace portolan;

namespace {

Machine load(llvm::StringRef target) {
  auto machine = describeMachine(target);
  if (machine)
    return *machine;
  ADD_FAILURE() << llvm::toString(machine.takeError());
  return {};
}

/// Fields of which more is worse: the low corner holds the larger number.
bool smallerIsBetter(llvm::StringRef path) {
  for (llvm::StringRef field :
       {".latency", ".start", ".message_gap", ".compute_tax", ".memory_tax",
        ".saturating_bytes", ".dequantize", "overheads.", "power.", "price."})
    if (path.contains(field))
      return true;
  return false;
}

TEST(Quantities, EveryLeafHasUnitSourceAndOrderedCorners) {
  for (llvm::StringRef name : shippedMachineNames()) {
    Machine machine = load(name);
    unsigned leaves = 0;
    forEachQuantity(machine, [&](llvm::StringRef path, Quantity &quantity) {
      std::string where = (name + " " + path).str();
      ++leaves;
      EXPECT_FALSE(quantity.unit.empty()) << where;
      EXPECT_FALSE(quantity.source.empty()) << where;
      double low = quantity.at(Corner::low), nominal = quantity.nominal(),
             high = quantity.at(Corner::high);
      if (smallerIsBetter(path)) {
        EXPECT_GE(low, nominal) << where;
        EXPECT_GE(nominal, high) << where;
      } else {
        EXPECT_LE(low, nominal) << where;
        EXPECT_LE(nominal, high) << where;
      }
    });
    EXPECT_GT(leaves, 30u) << name.str();
  }
}

TEST(Quantities, PathsAreUnique) {
  for (llvm::StringRef name : shippedMachineNames()) {
    Machine machine = load(name);
    std::set<std::string> seen;
    forEachQuantity(machine, [&](llvm::StringRef path, Quantity &) {
      EXPECT_TRUE(seen.insert(path.str()).second) << path.str();
    });
  }
}

TEST(Quantities, WalkReachesTheMachineItself) {
  Machine machine = load("gb300-nvl72");
  forEachQuantity(machine, [](llvm::StringRef path, Quantity &quantity) {
    if (path == "memory.hbm.bandwidth")
      quantity.value = {1, 1, 1};
  });
  EXPECT_EQ(machine.memories[0].bandwidthBytesPerSecond->nominal(), 1);
}

TEST(Quantities, MachinesOfTheFirstFamiliesPriceADecodeStep) {
  // What estimate() looks up for a layer; an unknown one would stop a run.
  for (llvm::StringRef name : shippedMachineNames()) {
    Machine machine = load(name);
    if (machine.family != "switched" && machine.family != "torus")
      continue;
    SCOPED_TRACE(name.str());
    for (EngineKind kind :
         {EngineKind::matmul, EngineKind::vector, EngineKind::transcendental}) {
      const Engine *engine = machine.findEngine(kind);
      ASSERT_TRUE(engine);
      for (Format format : {Format::f32, Format::bf16}) {
        EXPECT_TRUE(engine->computes(format));
        EXPECT_TRUE(engine->efficiency[unsigned(format)].has_value());
      }
    }
    EXPECT_TRUE(machine.memories[0].bandwidthBytesPerSecond.has_value());
    for (const StorageFormat &storage : machine.storageFormats) {
      EXPECT_TRUE(
          machine.memories[0].efficiency[unsigned(storage.format)].has_value());
      EXPECT_TRUE(machine.computeFormatFor(storage.format).has_value());
    }
    EXPECT_TRUE(machine.kernelLaunchSeconds.has_value());
    EXPECT_TRUE(machine.stepOverheadSeconds.has_value());
    EXPECT_TRUE(machine.reserveFraction.has_value());
    EXPECT_GE(machine.links.size(), 1u);
  }
}

TEST(Require, AbsentFigureIsAnErrorThatNamesMachineAndFigure) {
  Machine machine = load("tpu7x");
  auto price = require(machine, machine.priceUsdPerChipHour, "price per chip");
  ASSERT_FALSE(bool(price));
  EXPECT_EQ(llvm::toString(price.takeError()),
            "machine 'tpu7x:4x4x4': price per chip is unknown");
}

TEST(Require, PresentFigureIsReturned) {
  Machine machine = load("tpu7x");
  auto reserve = require(machine, machine.reserveFraction, "reserve");
  ASSERT_TRUE(bool(reserve)) << llvm::toString(reserve.takeError());
  EXPECT_EQ(*reserve, &*machine.reserveFraction);
}

TEST(Engines, AbsentKindIsAnErrorThatNamesMachineAndKind) {
  // TPU v5e has no SparseCore.
  Machine machine = load("tpu-v5e");
  EXPECT_EQ(machine.findEngine(EngineKind::gather), nullptr);
  auto engine = machine.engine(EngineKind::gather);
  ASSERT_FALSE(bool(engine));
  EXPECT_EQ(llvm::toString(engine.takeError()),
            "machine 'tpu-v5e:16x16': expects an engine of kind 'gather', got "
            "none");
}

TEST(Engines, PresentKindIsReturned) {
  Machine machine = load("tpu7x");
  auto engine = machine.engine(EngineKind::gather);
  ASSERT_TRUE(bool(engine)) << llvm::toString(engine.takeError());
  EXPECT_EQ((*engine)->units, 4); // SparseCores
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

TEST(Formats, ATpuReadsNoFp4) {
  for (llvm::StringRef name : shippedMachineNames()) {
    Machine machine = load(name);
    if (machine.family != "torus")
      continue;
    EXPECT_FALSE(machine.reads(Format::nvfp4)) << name.str();
    EXPECT_FALSE(machine.reads(Format::mxfp4)) << name.str();
  }
}

TEST(Formats, BoardsOfBlackwellUltraHaveAlmostNoInt8) {
  // 4,500 TOPS on B200, 153.5 on B300, against 2,250 in bf16 on both.
  auto peak = [](llvm::StringRef target, Format format) {
    return load(target)
        .findEngine(EngineKind::matmul)
        ->peakOperationsPerSecond[unsigned(format)]
        ->nominal();
  };
  EXPECT_EQ(peak("hgx-b200", Format::int8), 2 * peak("hgx-b200", Format::bf16));
  EXPECT_LT(peak("hgx-b300", Format::int8),
            peak("hgx-b300", Format::bf16) / 10);
}

TEST(Links, AMeshHasSevenLinksAndAddsNothing) {
  for (llvm::StringRef name : {"mi300x", "mi355x"}) {
    Machine machine = load(name);
    const Link &link = machine.links.front();
    ASSERT_EQ(link.axisBandwidthBytesPerSecond.size(), 1u) << name.str();
    EXPECT_NEAR(link.bandwidthBytesPerSecond.nominal(),
                7 * link.axisBandwidthBytesPerSecond.front().nominal(), 1);
    EXPECT_FALSE(link.inNetworkReduction) << name.str();
    EXPECT_FALSE(link.multicast) << name.str();
  }
  EXPECT_TRUE(load("hgx-b300").links.front().inNetworkReduction);
}

TEST(Formats, ComputeFormatIsTheNarrowestThatHoldsTheStorage) {
  struct Case {
    const char *target;
    Format storage, compute;
  };
  const Case cases[] = {
      {"gb300-nvl72", Format::nvfp4, Format::nvfp4},
      {"gb300-nvl72", Format::mxfp4, Format::mxfp4},
      {"gb300-nvl72", Format::fp8, Format::fp8},
      {"gb300-nvl72", Format::bf16, Format::bf16},
      // int4 fits fp8 (5,000 TFLOPS) and int8 (165 TOPS): the faster one.
      {"gb300-nvl72", Format::int4, Format::fp8},
      // No fp4 on Hopper: fp4 elements are fp8 ones.
      {"hgx-h100", Format::mxfp4, Format::fp8},
      {"hgx-b300", Format::int4, Format::fp8},
      // No fp4 before CDNA 4, and nvfp4 on no AMD part.
      {"mi300x", Format::mxfp4, Format::fp8},
      {"mi355x", Format::mxfp4, Format::mxfp4},
      {"mi355x", Format::nvfp4, Format::fp8},
      {"tpu7x", Format::fp8, Format::fp8},
      {"tpu7x", Format::nvfp4, Format::fp8},
      // v4 has no fp8: 8 bits widen to 16.
      {"tpu-v4", Format::fp8, Format::bf16},
      {"tpu-v6e", Format::int4, Format::int4},
      // No 16-bit integer or fp16 unit: fp16 only fits f32.
      {"tpu7x", Format::fp16, Format::f32},
      {"cs3", Format::fp16, Format::fp16},
  };
  for (const Case &test : cases)
    EXPECT_EQ(load(test.target).computeFormatFor(test.storage), test.compute)
        << test.target << " " << spell(test.storage).str();
}

// JAX's table of operands (facts of the machine files): e4m3b11fnuz before OCP.
TEST(Formats, EightBitFloatsDifferBetweenMachines) {
  EXPECT_EQ(load("tpu-v6e").fp8Encoding(), ElementFormat::e4m3b11fnuz);
  EXPECT_EQ(load("tpu-v5p").fp8Encoding(), ElementFormat::e4m3b11fnuz);
  // HIP's table of devices: fnuz before OCP.
  EXPECT_EQ(load("mi300x").fp8Encoding(), ElementFormat::e4m3fnuz);
  EXPECT_EQ(load("mi355x").fp8Encoding(), ElementFormat::e4m3fn);
  EXPECT_EQ(load("tpu7x").fp8Encoding(), ElementFormat::e4m3fn);
  EXPECT_EQ(load("gb300-nvl72").fp8Encoding(), ElementFormat::e4m3fn);
}

TEST(Formats, BlockScalesOfAnotherKindNeedRequantisation) {
  // Trn3 computes mxfp4 (e8m0 per 32) but not nvfp4 (e4m3 per 16), which
  // widens to fp8.
  Machine machine = load("trn3-ultraserver");
  EXPECT_EQ(machine.computeFormatFor(Format::nvfp4), Format::fp8);
  EXPECT_EQ(machine.computeFormatFor(Format::mxfp4), Format::mxfp4);
  EXPECT_FALSE(machine.reads(Format::nvfp4));
}

} // namespace
