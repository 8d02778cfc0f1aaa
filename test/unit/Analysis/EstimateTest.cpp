//===- EstimateTest.cpp - prices by hand ----------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Estimate.h"
#include "TestModels.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

Step computeStep(double operations, double weightBytes) {
  Step step;
  step.kind = OpKind::linear;
  step.engine = EngineKind::matmul;
  step.work.matmulOperations = step.issuedOperations = operations;
  step.work.weightBytes = weightBytes;
  step.kernels = 1;
  return step;
}

Step linkStep(double bytes) {
  Step step;
  step.kind = OpKind::allGather;
  step.algorithm = Algorithm::direct;
  step.load.starts = 1;
  step.load.hops = 2;
  step.load.bottleneckBytes = bytes;
  step.work.message = {OpKind::allGather, {4, 1}, bytes};
  return step;
}

Estimate priced(llvm::ArrayRef<Step> steps, const Machine &machine) {
  PricedMachine prices(machine, Corner::nominal);
  EXPECT_EQ(prices.missing(steps), "");
  return estimate(steps, prices);
}

} // namespace

// 1e9 operations at 1e12/s and 1e5 bytes at 1e9/s: 1 ms against 0.1 ms.
TEST(Estimate, ComputeBoundByHand) {
  Machine machine = plainMachine();
  Estimate result = priced({computeStep(1e9, 1e5)}, machine);
  EXPECT_NEAR(result.seconds, 1e-3 + 3e-6, 1e-12);
  EXPECT_NEAR(result.parts.computeSeconds, 1e-3, 1e-12);
  EXPECT_EQ(result.bound, Bound::compute);
}

TEST(Estimate, MemoryBoundByHand) {
  Machine machine = plainMachine();
  Estimate result = priced({computeStep(1e6, 1e6)}, machine);
  EXPECT_NEAR(result.seconds, 1e-3 + 3e-6, 1e-12);
  EXPECT_EQ(result.bound, Bound::memory);
}

// A quarter of the units: 4 ms instead of 1 ms, and 0.4 ms of memory.
TEST(Estimate, AShareOfTheUnitsIsThatMuchSlower) {
  Machine machine = plainMachine();
  Step step = computeStep(1e9, 1e5);
  step.share = 0.25;
  EXPECT_NEAR(priced({step}, machine).seconds, 4e-3 + 3e-6, 1e-12);
  step.work.matmulOperations = step.issuedOperations = 0;
  EXPECT_NEAR(priced({step}, machine).seconds, 0.4e-3 + 3e-6, 1e-12);
}

// A transfer between units is after the computation, or beside it where it
// streams; its latency is neither.
TEST(Estimate, TransfersBetweenUnitsByHand) {
  Machine machine = plainMachine();
  const Link &link = machine.links.front();
  double latency =
      link.startSeconds.nominal() + 5 * link.latencySeconds.nominal();
  double transfer = 1e5 / (link.bandwidthBytesPerSecond.nominal() *
                           link.efficiency.nominal());
  Step step = computeStep(1e9, 0);
  step.load.starts = 1;
  step.load.hops = 5;
  step.load.bottleneckBytes = 1e5;
  EXPECT_NEAR(priced({step}, machine).seconds, 1e-3 + 3e-6 + transfer + latency,
              1e-12);
  step.streamed = true;
  EXPECT_NEAR(priced({step}, machine).seconds,
              std::max(1e-3, transfer) + 3e-6 + latency, 1e-12);
  EXPECT_NEAR(priced({step}, machine).parts.total(),
              priced({step}, machine).seconds, 1e-12);
}

// Of 3e5 activation bytes at 1e9/s a third stays next to the engines.
TEST(Estimate, ResidentActivationsDoNotTravel) {
  Machine machine = plainMachine();
  Step step = computeStep(0, 0);
  step.work.activationInBytes = 2e5;
  step.work.activationOutBytes = 1e5;
  step.residentBytes = 1e5;
  EXPECT_NEAR(priced({step}, machine).seconds, 0.2e-3 + 3e-6, 1e-12);
}

TEST(Estimate, PaddingIsItsOwnPart) {
  Machine machine = plainMachine();
  Step step = computeStep(1e9, 0);
  step.issuedOperations = 4e9;
  Estimate result = priced({step}, machine);
  EXPECT_NEAR(result.parts.computeSeconds, 1e-3, 1e-12);
  EXPECT_NEAR(result.parts.paddingSeconds, 3e-3, 1e-12);
}

// 1e4 bytes at 1e8/s, one start of 2 us, two hops of 1 us.
TEST(Estimate, LinkByHand) {
  Machine machine = plainMachine();
  Estimate result = priced({linkStep(1e4)}, machine);
  EXPECT_NEAR(result.seconds, 1e-4 + 2e-6 + 2e-6, 1e-12);
  EXPECT_NEAR(result.parts.latencySeconds, 4e-6, 1e-15);
  EXPECT_EQ(result.bound, Bound::link);
}

// 1e4 bytes at 1e8/s, then 1e4 on an axis of half that: 100 + 200 us.
TEST(Estimate, AnAxisOfItsOwnBandwidthComesAfterTheOthers) {
  Machine machine = plainMachine();
  for (double rate : {1e8, 5e7})
    machine.links.front().axisBandwidthBytesPerSecond.push_back(exactly(rate));
  Step step = linkStep(1e4);
  step.load.axisBytes[1] = 1e4;
  EXPECT_NEAR(priced({step}, machine).seconds, 3e-4 + 4e-6, 1e-12);
  // The third axis has no figure.
  step.load.axisBytes[2] = 1;
  EXPECT_NE(PricedMachine(machine, Corner::nominal).missing({step}), "");
}

// 1e5 bytes are read and written at 1e9/s: 200 us. Moved by transfers of a
// hundredth of 4 KiB they take 1e5 / 1e8 * 100 = 100 ms.
TEST(Estimate, SmallTransfersDoNotFillTheGatherEngine) {
  Machine machine = plainMachine();
  Engine gather;
  gather.kind = EngineKind::gather;
  gather.peakOperationsPerSecond[unsigned(Format::f32)] = exactly(1e9);
  gather.efficiency[unsigned(Format::f32)] = exactly(0.1);
  machine.engines.push_back(gather);
  Step step = computeStep(0, 0);
  step.kind = OpKind::dispatch;
  step.engine = EngineKind::gather;
  step.work.activationInBytes = step.work.activationOutBytes = 1e5;
  EXPECT_NEAR(priced({step}, machine).seconds, 2e-4 + 3e-6, 1e-12);
  step.transferBytes = 40.96;
  EXPECT_EQ(PricedMachine(machine, Corner::nominal).missing({step}),
            "machine 'plain': gather rate or its saturating bytes is unknown");
  machine.engines.back().saturatingBytes = exactly(4096);
  EXPECT_NEAR(priced({step}, machine).seconds, 0.1 + 3e-6, 1e-9);
  EXPECT_EQ(priced({step}, machine).bound, Bound::memory);
  // Transfers of 4 KiB and more fill it: 1e5 / 1e8 = 1 ms.
  step.transferBytes = 8192;
  EXPECT_NEAR(priced({step}, machine).seconds, 1e-3 + 3e-6, 1e-12);
}

// 1 ms of communication hides 1 ms of weights, or three quarters of it where a
// communication takes a quarter of the memory bandwidth.
TEST(Estimate, PrefetchGetsTheMemoryThatCommunicationLeaves) {
  Machine machine = plainMachine();
  machine.memories.push_back(machine.memories.front());
  Step send = linkStep(1e5 - 400);
  Step step = computeStep(0, 4e6);
  step.prefetched = true;
  double alone = priced({send, computeStep(0, 4e6)}, machine).seconds;
  EXPECT_NEAR(priced({send, step}, machine).seconds, alone - 1e-3, 1e-9);
  machine.links.front().memoryTax = exactly(0.25);
  EXPECT_NEAR(priced({send, step}, machine).seconds, alone - 0.75e-3, 1e-9);
}

// 4 ms of memory beside 3.5 ms of operations: 1 ms of communication hides the
// 0.5 ms that the memory takes longer. A memory of twice the bandwidth takes 2
// ms and has nothing to hide; the step is bound by its 3.5 ms either way.
TEST(Estimate, PrefetchDoesNotHideOperations) {
  Machine machine = plainMachine();
  machine.memories.push_back(machine.memories.front());
  Step send = linkStep(1e5 - 400);
  Step step = computeStep(3.5e9, 4e6);
  double alone = priced({send, step}, machine).seconds;
  step.prefetched = true;
  double hidden = priced({send, step}, machine).seconds;
  EXPECT_NEAR(hidden, alone - 0.5e-3, 1e-9);
  for (Memory &memory : machine.memories)
    memory.bandwidthBytesPerSecond = exactly(2e9);
  EXPECT_NEAR(priced({send, step}, machine).seconds, hidden, 1e-9);
}

// Two halves: the memory-bound kernels of each take 4 / 3 as long.
TEST(Estimate, OverlapSharesTheMemoryBandwidth) {
  Machine machine = plainMachine();
  machine.kernelLaunchSeconds = exactly(0);
  Step a = computeStep(0, 3e6), b = a;
  b.microBatch = 1;
  EXPECT_NEAR(priced({a, b}, machine).seconds, 6e-3, 1e-9);
  machine.links.front().memoryTax = exactly(0.25);
  EXPECT_NEAR(priced({a, b}, machine).seconds, 8e-3, 1e-9);
}

TEST(Estimate, SerialPartsSumToTheTime) {
  Machine machine = plainMachine();
  Estimate result = priced(
      {computeStep(1e9, 1e5), linkStep(1e4), computeStep(1e6, 1e6)}, machine);
  EXPECT_NEAR(result.seconds, result.parts.total(), 1e-15);
}

// Halves A and B, each 1 ms of compute then 1 ms on the link: A computes, then
// B computes while A sends, then B sends: 3 ms and not 4.
TEST(Estimate, TwoBatchesOverlap) {
  Machine machine = plainMachine();
  machine.kernelLaunchSeconds = exactly(0);
  Step a = computeStep(1e9, 0), b = a;
  Step sendA = linkStep(1e5 - 400), sendB = sendA; // 4 us less of transfer
  b.microBatch = sendB.microBatch = 1;
  Estimate result = priced({a, b, sendA, sendB}, machine);
  EXPECT_NEAR(result.seconds, 3e-3, 1e-9);
  EXPECT_NEAR(result.seconds, result.parts.total(), 1e-12);
}

// 1 ms of weights behind 404 us on the link: all of the link's time is used if
// the nearer memory holds that much, else what it holds.
TEST(Estimate, PrefetchHidesWeightsBehindTheLink) {
  Machine machine = plainMachine();
  Memory nearer;
  nearer.name = "near";
  nearer.capacityBytes = exactly(1e6);
  machine.memories.push_back(nearer);
  Step experts = computeStep(1e6, 1e6);
  double plain = priced({linkStep(4e4), experts}, machine).seconds;
  experts.prefetched = true;
  EXPECT_NEAR(plain - priced({linkStep(4e4), experts}, machine).seconds, 404e-6,
              1e-9);
  machine.memories.back().capacityBytes = exactly(1e5); // 100 us
  EXPECT_NEAR(plain - priced({linkStep(4e4), experts}, machine).seconds, 100e-6,
              1e-9);
}

TEST(Estimate, NothingIsPrefetchedWithoutANearerMemory) {
  Machine machine = plainMachine();
  Step experts = computeStep(1e6, 1e6);
  double plain = priced({linkStep(4e4), experts}, machine).seconds;
  experts.prefetched = true;
  EXPECT_DOUBLE_EQ(priced({linkStep(4e4), experts}, machine).seconds, plain);
}

TEST(Estimate, InNetworkReductionIsBoundByTheMeasuredGain) {
  Machine machine = plainMachine();
  machine.links[0].reductionGain = exactly(1.3);
  Step step;
  step.kind = OpKind::allReduce;
  step.algorithm = Algorithm::inNetwork;
  step.load = {2, 900, 0, 1};
  step.work.message = {OpKind::allReduce, {8, 1}, 800};
  Parts parts;
  PricedMachine prices(machine, Corner::nominal);
  prices.stepSeconds(step, false, parts);
  // A ring moves 1400 bytes; 1400 / 1.3 = 1077 > 900.
  EXPECT_NEAR(parts.linkSeconds, 1400 / 1.3 / 1e8, 1e-12);
}

TEST(Estimate, AnUnknownFigureIsAnErrorAndNotZero) {
  Machine machine = plainMachine();
  machine.kernelLaunchSeconds.reset();
  PricedMachine prices(machine, Corner::nominal);
  EXPECT_EQ(prices.missing({computeStep(1, 1)}),
            "machine 'plain': kernel launch time is unknown");
  EXPECT_EQ(prices.missing({linkStep(1)}), "");
}

TEST(Estimate, AFormatThatIsNotNativeIsAnError) {
  Machine machine = plainMachine();
  Step step = computeStep(1, 1);
  step.work.compute = Format::nvfp4;
  PricedMachine prices(machine, Corner::nominal);
  EXPECT_EQ(prices.missing({step}),
            "machine 'plain': matmul rate in nvfp4 is unknown");
}

TEST(Estimate, ASecondTierThatIsNotThereIsAnError) {
  Machine machine = plainMachine();
  Step step = linkStep(1);
  step.outerLoad = step.load;
  PricedMachine prices(machine, Corner::nominal);
  EXPECT_EQ(prices.missing({step}), "machine 'plain': link tier 1 is unknown");
}
