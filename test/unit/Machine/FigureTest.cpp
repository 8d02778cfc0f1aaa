//===- FigureTest.cpp - the figures of the default targets ------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers of the collected hardware facts, written again by hand: a machine
// file that drifts from them fails here.
//
//===----------------------------------------------------------------------===//

#include "portolan/Machine/Machine.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace portolan;

namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr double kMiB = 1024.0 * 1024;

class Figures : public ::testing::Test {
protected:
  void load(llvm::StringRef target) {
    auto loaded = describeMachine(target);
    ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
    machine = *loaded;
  }
  double nominal(llvm::StringRef path) { return figure(path, Corner::nominal); }
  /// The figure at a path, or NaN.
  double figure(llvm::StringRef path, Corner corner) {
    double result = std::nan("");
    forEachQuantity(machine, [&](llvm::StringRef at, Quantity &quantity) {
      if (at == path)
        result = quantity.at(corner);
    });
    return result;
  }
  bool has(llvm::StringRef path) { return !std::isnan(nominal(path)); }

  Machine machine;
};

TEST_F(Figures, Gb300) {
  load("gb300-nvl72");
  // Dense peaks: the fp4 one is 15 PF, neither 20 (sparse) nor half of it.
  EXPECT_EQ(nominal("engine.matmul.peak.bf16"), 2500e12);
  EXPECT_EQ(nominal("engine.matmul.peak.fp8"), 5000e12);
  EXPECT_EQ(nominal("engine.matmul.peak.nvfp4"), 15000e12);
  EXPECT_EQ(nominal("engine.matmul.peak.int8"), 165e12);
  EXPECT_EQ(nominal("engine.matmul.efficiency.bf16"), 0.84);
  EXPECT_EQ(nominal("engine.matmul.efficiency.fp8"), 0.75);
  EXPECT_EQ(nominal("engine.matmul.efficiency.nvfp4"), 0.43);
  EXPECT_EQ(figure("engine.matmul.efficiency.nvfp4", Corner::low), 0.16);
  EXPECT_EQ(nominal("engine.transcendental.peak.f32"), 10.7e12);
  // 80 TFLOPS of fp32 over two operations an FMA.
  EXPECT_EQ(nominal("engine.vector.peak.f32"), 40e12);
  const Engine *tensorCore = machine.findEngine(EngineKind::matmul);
  EXPECT_EQ(tensorCore->units, 148);
  // 128 rows take tokens by 16, with block scales by 8.
  EXPECT_EQ(tensorCore->rowGranule[unsigned(Format::fp8)], 16);
  EXPECT_EQ(tensorCore->rowGranule[unsigned(Format::nvfp4)], 1);
  EXPECT_EQ(nominal("memory.hbm.capacity"), 277 * kGiB);
  EXPECT_EQ(nominal("memory.hbm.bandwidth"), 8e12);
  EXPECT_EQ(nominal("memory.hbm.efficiency.bf16"), 0.87);
  EXPECT_EQ(nominal("memory.hbm.efficiency.fp8"), 0.80);
  EXPECT_EQ(nominal("memory.hbm.efficiency.nvfp4"), 0.75);
  EXPECT_EQ(nominal("memory.l2.capacity"), 126e6);
  EXPECT_FALSE(has("memory.l2.bandwidth"));
  // 900 GB/s is one direction; the vendor's 1,800 is both.
  EXPECT_EQ(nominal("link.NVLink5.bandwidth"), 900e9);
  EXPECT_EQ(nominal("link.NVLink5.reduction_gain"), 1.3);
  EXPECT_TRUE(machine.links[0].inNetworkReduction);
  EXPECT_TRUE(machine.links[0].multicast);
  EXPECT_EQ(nominal("link.RDMA.bandwidth"), 100e9);
  EXPECT_EQ(nominal("link.RDMA.latency"), 10e-6);
  // 120 kW over 72 GPUs.
  EXPECT_NEAR(nominal("power.per_chip"), 120e3 / 72, 0.1);
  EXPECT_FALSE(has("price.per_chip"));
}

TEST_F(Figures, Gb300LinkFit) {
  load("gb300-nvl72");
  // One-shot all-reduce less tiny-GEMM floor on H100: 3.2 - 2.5 us.
  EXPECT_NEAR(nominal("link.NVLink5.latency"), 3.2e-6 - 2.5e-6, 1e-9);
  // Dispatch of 128 fp8 tokens, top 8, hidden 7168: distinct ranks N(1 -
  // (1 - 1/N)^8), of which (N - 1)/N are remote, at 900 GB/s x 0.706.
  auto transferSeconds = [](double ranks) {
    double distinct = ranks * (1 - std::pow(1 - 1 / ranks, 8));
    return 128 * 7168 * distinct * (ranks - 1) / ranks / (900e9 * 0.706);
  };
  double rest8 = 22.8e-6 - transferSeconds(8);
  double rest64 = 27.6e-6 - transferSeconds(64);
  EXPECT_NEAR(nominal("link.NVLink5.message_gap"), (rest64 - rest8) / 56, 1e-9);
  // The start of a communication step includes the launch of its kernel.
  double slow = rest8 - 0.7e-6 - 7 * 0.012e-6;
  double fast = 5.0e-6 - 0.7e-6 - 7 * 0.012e-6;
  EXPECT_NEAR(figure("link.NVLink5.start", Corner::low), slow, 0.1e-6);
  EXPECT_NEAR(figure("link.NVLink5.start", Corner::high), fast, 0.1e-6);
  EXPECT_NEAR(nominal("link.NVLink5.start"), std::sqrt(slow * fast), 0.1e-6);
}

TEST_F(Figures, Tpu7x) {
  load("tpu7x");
  EXPECT_EQ(nominal("engine.matmul.peak.bf16"), 2307e12);
  EXPECT_EQ(nominal("engine.matmul.peak.fp8"), 4614e12);
  EXPECT_FALSE(has("engine.matmul.peak.int8"));
  EXPECT_FALSE(has("engine.matmul.peak.int4"));
  EXPECT_EQ(nominal("engine.matmul.efficiency.bf16"), 0.80);
  EXPECT_EQ(figure("engine.matmul.efficiency.bf16", Corner::low), 0.6);
  EXPECT_EQ(figure("engine.matmul.efficiency.bf16", Corner::high), 0.9);
  const Engine *mxu = machine.findEngine(EngineKind::matmul);
  EXPECT_EQ(mxu->columnTile, 256);
  EXPECT_EQ(mxu->contractionTile, 256);
  EXPECT_EQ(mxu->rowGranule[unsigned(Format::f32)], 8);
  EXPECT_EQ(mxu->rowGranule[unsigned(Format::bf16)], 16);
  EXPECT_EQ(mxu->rowGranule[unsigned(Format::fp8)], 32);
  EXPECT_EQ(nominal("memory.hbm.capacity"), 192 * kGiB);
  EXPECT_EQ(nominal("memory.hbm.bandwidth"), 7.38e12);
  EXPECT_EQ(nominal("memory.vmem.capacity"), 128 * kMiB);
  EXPECT_NEAR(nominal("memory.vmem.bandwidth"), 22 * 7.38e12, 1);
  // 1,200 GB/s both ways per chip over 6 links and 2 directions.
  EXPECT_EQ(nominal("link.ICI.bandwidth"), 1200e9 / 6 / 2);
  EXPECT_EQ(nominal("link.ICI.efficiency"), 0.90);
  EXPECT_EQ(nominal("link.ICI.latency"), 1e-6);
  // 8 us measured less three hops of 1 us.
  EXPECT_NEAR(nominal("link.ICI.start"), 8e-6 - 3 * 1e-6, 1e-12);
  EXPECT_FALSE(machine.links[0].inNetworkReduction);
  EXPECT_EQ(nominal("link.DCN.bandwidth"), 12.5e9);
  EXPECT_FALSE(has("power.per_chip"));
  EXPECT_FALSE(has("price.per_chip"));
}

TEST_F(Figures, Trn2UltraServer) {
  load("trn2-ultraserver");
  EXPECT_EQ(nominal("engine.matmul.peak.bf16"), 667e12);
  // 8 cores x 79 TFLOPS.
  EXPECT_EQ(figure("engine.matmul.peak.bf16", Corner::low), 8 * 79e12);
  EXPECT_EQ(nominal("engine.matmul.peak.fp8"), 1299e12);
  EXPECT_EQ(nominal("engine.matmul.peak.f32"), 181e12);
  EXPECT_EQ(nominal("memory.hbm.capacity"), 96 * kGiB);
  EXPECT_EQ(nominal("memory.hbm.bandwidth"), 2.9e12);
  EXPECT_EQ(nominal("memory.sbuf.capacity"), 8 * 28 * kMiB);
  EXPECT_EQ(nominal("memory.psum.capacity"), 8 * 2 * kMiB);
  // 1,024 GB/s over 4 links both ways; 256 GB/s over 2 links both ways.
  EXPECT_EQ(nominal("link.NeuronLink-v3.axis_bandwidth.0"), 1024e9 / 4 / 2);
  EXPECT_EQ(nominal("link.NeuronLink-v3.axis_bandwidth.1"), 1024e9 / 4 / 2);
  EXPECT_EQ(nominal("link.NeuronLink-v3.axis_bandwidth.2"), 256e9 / 2 / 2);
  // 1 to 2 us per hop.
  EXPECT_EQ(figure("link.NeuronLink-v3.latency", Corner::low), 2e-6);
  EXPECT_EQ(figure("link.NeuronLink-v3.latency", Corner::high), 1e-6);
  EXPECT_EQ(nominal("link.EFA.bandwidth"), 25e9);
  EXPECT_EQ(nominal("link.EFA.latency"), 15e-6);
  EXPECT_EQ(nominal("overheads.kernel_launch"), 1.3e-6);
  EXPECT_EQ(nominal("power.per_chip"), 500);
}

TEST_F(Figures, Cs3) {
  load("cs3");
  // 900,000 PEs x 8 FMAC x 2 x 0.875 GHz = 12.6 PF, not the 125 "AI" PF.
  EXPECT_NEAR(nominal("engine.matmul.peak.fp16"), 900e3 * 8 * 2 * 0.875e9,
              1e12);
  EXPECT_EQ(nominal("engine.matmul.peak.f32"), 1.57e15);
  EXPECT_FALSE(has("engine.matmul.peak.fp8"));
  EXPECT_EQ(nominal("memory.sram.capacity"), 44e9);
  EXPECT_EQ(nominal("memory.sram.bandwidth"), 21e15);
  EXPECT_EQ(machine.topology.units, (llvm::SmallVector<int64_t, 2>{762, 1172}));
  EXPECT_EQ(machine.findEngine(EngineKind::matmul)->units, 893064);
  // 4 B a cycle at 0.875 GHz, one link of one PE.
  EXPECT_EQ(nominal("link.fabric.bandwidth"), 4 * 0.875e9);
  EXPECT_NEAR(nominal("link.fabric.latency"), 1 / 0.875e9, 0.01e-9);
  EXPECT_TRUE(machine.links[0].multicast);
  EXPECT_FALSE(machine.links[0].inNetworkReduction);
  EXPECT_EQ(nominal("link.system I/O.bandwidth"), 150e9);
  EXPECT_EQ(nominal("power.per_chip"), 23e3);
}

TEST_F(Figures, HgxH100) {
  load("hgx-h100");
  // Dense: half of the quoted 3,958.
  EXPECT_EQ(nominal("engine.matmul.peak.fp8"), 1978e12);
  EXPECT_FALSE(has("engine.matmul.peak.nvfp4"));
  EXPECT_EQ(nominal("memory.hbm.capacity"), 80 * kGiB);
  EXPECT_EQ(nominal("memory.hbm.bandwidth"), 3.35e12);
  EXPECT_EQ(nominal("memory.l2.bandwidth"), 5.5e12);
  EXPECT_EQ(nominal("link.NVLink4.bandwidth"), 18 * 25e9);
  EXPECT_NEAR(nominal("link.NVLink4.efficiency"), 370.0 / 450, 1e-3);
  EXPECT_EQ(nominal("link.RDMA.bandwidth"), 50e9);
  // 39.33 USD/h over 8 GPUs.
  EXPECT_NEAR(nominal("price.per_chip"), 39.33 / 8, 1e-3);
}

TEST_F(Figures, RidgePoints) {
  // Peak over memory bandwidth, FLOP/byte, of section 5.2 of the facts or by
  // hand.
  struct Case {
    const char *target;
    const char *format;
    double ridge;
  };
  const Case cases[] = {{"hgx-h100", "bf16", 295.2},
                        {"hgx-h100", "fp8", 590.4},
                        {"hgx-h200", "fp8", 412.1},
                        {"hgx-b200", "fp8", 584.4},
                        {"hgx-b200", "nvfp4", 1168.8},
                        {"hgx-b300", "nvfp4", 1806.5},
                        {"gb300-nvl72", "nvfp4", 1875.0},
                        {"mi300x", "fp8", 493.4},
                        {"mi355x", "mxfp4", 1258.3},
                        {"tpu-v5e", "bf16", 240.5},
                        {"tpu-v5p", "bf16", 166.0},
                        {"tpu-v6e", "bf16", 560.4},
                        {"tpu7x", "bf16", 312.6},
                        {"tpu7x", "fp8", 625.2},
                        {"trn1", "bf16", 231.7},
                        {"trn2", "bf16", 230.0},
                        {"trn2", "fp8", 447.9},
                        {"trn3-ultraserver", "bf16", 136.9},
                        {"trn3-ultraserver", "mxfp8", 513.7}};
  for (const Case &test : cases) {
    load(test.target);
    std::string path = std::string("engine.matmul.peak.") + test.format;
    EXPECT_NEAR(nominal(path) / nominal("memory.hbm.bandwidth"), test.ridge,
                0.06)
        << test.target << " " << test.format;
  }
}

} // namespace
