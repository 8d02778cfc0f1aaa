//===- RealizeTest.cpp - steps by hand ------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The engine of TestTargets.h has tiles of 16, 32, 64 or 128 rows, 128 columns
// and a contraction of 64.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"
#include "portolan/Analysis/Estimate.h"

using namespace portolan;
using namespace portolan::test;

namespace {

LocalOp makeLinear(double rows, int64_t inner, int64_t outer,
                   Format format = Format::bf16) {
  LocalOp op;
  op.kind = OpKind::linear;
  op.rows = op.meanRows = rows;
  op.inner = inner;
  op.outer = outer;
  op.compute = op.weight = format;
  return op;
}

LocalOp makeExperts(double rows, double meanRows, double hit) {
  LocalOp op = makeLinear(rows, 512, 256);
  op.kind = OpKind::experts;
  op.meanRows = meanRows;
  op.gated = true;
  op.experts = 8;
  op.hitExperts = hit;
  return op;
}

LocalOp makeCollective(OpKind kind, Group group, double payload) {
  LocalOp op;
  op.kind = kind;
  op.group = group;
  op.payloadBytes = op.meanPayloadBytes = payload;
  return op;
}

TEST(Realize, LinearIsPaddedInAllThreeDimensions) {
  Setting rack(makeSwitched(8, 8));
  Step step = rack.realizeOne(makeLinear(20, 100, 200), rack.firstPlan());
  // 20 rows: 32 with tiles of 16 and of 32, so the larger tile; 100 -> 128
  // contraction, 200 -> 256 columns.
  EXPECT_EQ(step.tokenTile, 32);
  EXPECT_EQ(step.issuedOperations, 2.0 * 32 * 128 * 256);
  EXPECT_EQ(step.work.matmulOperations, 2.0 * 20 * 100 * 200);
  EXPECT_EQ(step.engine, EngineKind::matmul);
  EXPECT_EQ(step.kernels, 1);
  EXPECT_EQ(step.memoryLevel, 0);
}

TEST(Realize, RowsFillTheGranuleOfTheirFormat) {
  Setting torus(makeTorus({4, 4, 4}));
  Step step =
      torus.realizeOne(makeLinear(4, 64, 128, Format::fp8), torus.firstPlan());
  // Four fp8 rows lie in a tile of 32.
  EXPECT_EQ(step.issuedOperations, 2.0 * 32 * 64 * 128);
}

TEST(Realize, ExpertsArePaddedEach) {
  Setting rack(makeSwitched(8, 8));
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::tile, 16);
  Step step = rack.realizeOne(makeExperts(40, 30, 8), plan);
  // 5 rows per hit expert -> 16. Gate and up: 2*16*512*512, down: 2*16*256*512.
  EXPECT_EQ(step.issuedOperations,
            8 * (2.0 * 16 * 512 * 512 + 2.0 * 16 * 256 * 512));
  EXPECT_EQ(step.tokenTile, 16);
  EXPECT_EQ(step.kernels, 2);
  EXPECT_EQ(step.balance, 0.75); // 30 of 40 rows

  PlanPoint wide = rack.with(plan, PlanClass::tile, 64);
  EXPECT_EQ(rack.realizeOne(makeExperts(40, 30, 8), wide).issuedOperations,
            4 * step.issuedOperations);
}

TEST(Realize, LastWaveIsPaidInFull) {
  Machine machine = makeSwitched(8, 8);
  machine.engines.front().units = 10;
  Setting rack(machine);
  Step step = rack.realizeOne(makeLinear(128, 64, 12 * 128), rack.firstPlan());
  // Tiles of 128 rows: 12 iterations, two rounds of 10 units. Of 64: 24, three
  // rounds of half the size. Of 32: 48, five rounds of a quarter. Of 16: 96,
  // ten rounds of an eighth. 20, 15, 12.5 and 12.5: the larger tile of the
  // best.
  EXPECT_EQ(step.tokenTile, 32);
  EXPECT_EQ(step.issuedOperations, 50 * 2.0 * 32 * 128 * 64);
}

TEST(Realize, LatentAttentionPadsHeadAndLatentWidths) {
  Machine machine = makeSwitched(8, 8);
  machine.engines.front().columnTile = 256;
  machine.engines.front().contractionTile = 256;
  Setting rack(machine);
  LocalOp op;
  op.kind = OpKind::latentAttention;
  op.absorbed = true;
  op.rows = op.meanRows = 1;
  op.sequences = op.newTokens = 1;
  op.context = 255;
  op.heads = 16;
  op.inner = 512;
  op.keyWidth = op.outer = 128;
  op.ropeWidth = 64;
  Step step = rack.realizeOne(op, rack.firstPlan());
  // Query up-projection and value up-projection per head: 1 row -> 16, widths
  // of 128 -> 256. Scores: 16 heads x (512 + 64 -> 768) x 256 keys. Values: 16
  // x 256 x 512.
  EXPECT_EQ(step.issuedOperations,
            16 * 2.0 * 16 * 256 * 512 + 2.0 * 16 * 768 * 256 +
                2.0 * 16 * 256 * 512 + 16 * 2.0 * 16 * 512 * 256);
  // 2*256*16*(512+64+512) + 2*16*512*(128+128).
  EXPECT_EQ(step.work.matmulOperations, 13107200);
}

TEST(Realize, CausalPrefillIssuesNoMoreThanItSees) {
  Setting rack(makeSwitched(8, 8));
  LocalOp op;
  op.kind = OpKind::attention;
  op.rows = op.meanRows = 1024;
  op.sequences = 1;
  op.newTokens = 1024;
  op.causalPrefill = true;
  op.heads = 16;
  op.kvHeads = 4;
  op.inner = op.outer = 128;
  Step step = rack.realizeOne(op, rack.firstPlan());
  // All dimensions are whole tiles: nothing beyond the attended pairs,
  // 1024*1025/2 * 16 heads * 2 * 256.
  EXPECT_DOUBLE_EQ(step.issuedOperations, 1024.0 * 1025 / 2 * 16 * 2 * 256);
}

TEST(Realize, NarrowWeightsAreWidenedByTheVectorEngine) {
  Setting rack(makeSwitched(8, 8));
  LocalOp op = makeExperts(40, 40, 8);
  op.weight = Format::int4;
  op.compute = Format::fp8;
  Step step = rack.realizeOne(op, rack.firstPlan());
  // 8 experts of 3 * 512 * 256 elements, two operations each.
  EXPECT_DOUBLE_EQ(step.dequantizeOperations, 8.0 * 3 * 512 * 256 * 2);
  op.weight = Format::fp8;
  EXPECT_EQ(rack.realizeOne(op, rack.firstPlan()).dequantizeOperations, 0);
}

TEST(Realize, OnlyExpertsArePrefetched) {
  Setting torus(makeTorus({4, 4, 4}));
  PlanPoint plan = torus.with(torus.firstPlan(), PlanClass::residency,
                              PlanValue(Residency::hbmPrefetch));
  EXPECT_TRUE(torus.realizeOne(makeExperts(8, 8, 4), plan).prefetched);
  EXPECT_FALSE(torus.realizeOne(makeLinear(8, 64, 64), plan).prefetched);
  EXPECT_FALSE(
      torus.realizeOne(makeExperts(8, 8, 4), torus.firstPlan()).prefetched);
}

TEST(Realize, RowsMoveOnTheGatherEngineIfThereIsOne) {
  LocalOp op;
  op.kind = OpKind::pack;
  op.rows = op.meanRows = 8;
  op.outer = 512;
  Setting torus(makeTorus({4, 4, 4}));
  EXPECT_EQ(torus.realizeOne(op, torus.firstPlan()).engine, EngineKind::gather);
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(rack.realizeOne(op, rack.firstPlan()).engine, EngineKind::vector);
}

TEST(Realize, SwitchReducesAsPlanned) {
  Setting rack(makeSwitched(8, 8));
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::attentionTp, 4);
  LocalOp op = makeCollective(OpKind::allReduce, {4, 1}, 4000);
  Step step = rack.realizeOne(op, plan);
  EXPECT_EQ(step.algorithm, Algorithm::oneShot);
  EXPECT_EQ(step.linkTier, 0);
  EXPECT_EQ(step.load.bottleneckBytes, 3 * 4000); // reads of three peers
  EXPECT_EQ(step.kernels, 0);

  plan.set(PlanClass::reduction, PlanValue(Reduction::inNetwork));
  step = rack.realizeOne(op, plan);
  EXPECT_EQ(step.algorithm, Algorithm::inNetwork);
  EXPECT_EQ(step.load.bottleneckBytes, 4000 * 1.25); // (1 + 1/4) m
}

TEST(Realize, ReductionAcrossDomainsIsHierarchical) {
  Setting rack(makeSwitched(16, 8));
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::attentionTp, 16);
  Step step =
      rack.realizeOne(makeCollective(OpKind::allReduce, {16, 1}, 8000), plan);
  EXPECT_EQ(step.algorithm, Algorithm::hierarchical);
  EXPECT_EQ(step.linkTier, 0);
  // Ring of 8 inside: 2 * 7/8 m; an eighth of the tensor between 2 domains:
  // 2 * 1/2 * m/8.
  EXPECT_EQ(step.load.bottleneckBytes, 2 * 7000);
  EXPECT_EQ(step.outerLoad.bottleneckBytes, 1000);
  EXPECT_EQ(step.load.hops, 14);
  EXPECT_EQ(step.outerLoad.hops, 2);
}

TEST(Realize, FlatExchangeAcrossDomainsIsBoundByWhatLeaves) {
  Setting rack(makeSwitched(16, 8));
  PlanPoint plan = rack.firstPlan();
  LocalOp op = makeCollective(OpKind::allToAllV, {16, 1}, 1600);
  Step step = rack.realizeOne(op, plan);
  EXPECT_EQ(step.algorithm, Algorithm::direct);
  EXPECT_EQ(step.linkTier, 1);
  EXPECT_EQ(step.load.bottleneckBytes, 800); // 8 of 16 ranks are elsewhere
  EXPECT_EQ(step.load.extraMessages, 7);
}

TEST(Realize, TheLevelsOfAnExchangeHaveATierEach) {
  Setting rack(makeSwitched(16, 8));
  PlanPoint plan = rack.firstPlan();
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::hierarchical));
  Step across =
      rack.realizeOne(makeCollective(OpKind::allToAllV, {2, 8}, 1600), plan);
  EXPECT_EQ(across.algorithm, Algorithm::direct);
  EXPECT_EQ(across.linkTier, 1);
  EXPECT_EQ(across.load.bottleneckBytes, 800); // 1 of 2 domains
  Step inside =
      rack.realizeOne(makeCollective(OpKind::allToAllV, {8, 1}, 1600), plan);
  EXPECT_EQ(inside.algorithm, Algorithm::direct);
  EXPECT_EQ(inside.linkTier, 0);
  EXPECT_EQ(inside.load.bottleneckBytes, 1400); // 7 of 8 ranks
}

TEST(Realize, OneRankPerDomainHasNoInnerPart) {
  Setting rack(makeSwitched(32, 8));
  Step step = rack.realizeOne(makeCollective(OpKind::allGather, {4, 8}, 4000),
                              rack.firstPlan());
  EXPECT_EQ(step.load.starts, 0);
  EXPECT_EQ(step.outerLoad.bottleneckBytes, 3000); // 3/4 of the result
}

TEST(Realize, StageBoundaryLeavesTheDomainWithTheInstance) {
  Setting rack(makeSwitched(16, 8));
  LocalOp op = makeCollective(OpKind::send, {2, 8}, 1000);
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::pipeline, 2);
  Step step = rack.realizeOne(op, plan);
  EXPECT_EQ(step.algorithm, Algorithm::neighbour);
  EXPECT_EQ(step.linkTier, 1);
  EXPECT_EQ(step.load.bottleneckBytes, 1000);
  plan = rack.with(plan, PlanClass::instance, kInstanceDomain);
  op.group.stride = 4;
  EXPECT_EQ(rack.realizeOne(op, plan).linkTier, 0);
}

TEST(Realize, TorusReducesAlongTheInnermostAxis) {
  Setting torus(makeTorus({4, 4, 4}));
  PlanPoint plan = torus.with(torus.firstPlan(), PlanClass::attentionTp, 4);
  LocalOp op = makeCollective(OpKind::allReduce, {4, 1}, 4000);
  Step step = torus.realizeOne(op, plan);
  EXPECT_EQ(step.algorithm, Algorithm::bidirectionalRing);
  EXPECT_EQ(step.load.bottleneckBytes, 3000); // 2 * 3/4 m over two directions
  EXPECT_EQ(step.load.hops, 4);               // twice half-way around
  plan.set(PlanClass::reduction, PlanValue(Reduction::ring));
  EXPECT_EQ(torus.realizeOne(op, plan).load.bottleneckBytes, 6000);
}

TEST(Realize, TorusExchangesAlongOneAxisAfterAnother) {
  Setting torus(makeTorus({4, 4, 4}));
  Step step = torus.realizeOne(makeCollective(OpKind::allToAllV, {64, 1}, 8000),
                               torus.firstPlan());
  EXPECT_EQ(step.algorithm, Algorithm::dimensionOrdered);
  EXPECT_EQ(step.load.bottleneckBytes, 4000); // m A / 8 with A = 4
}

TEST(Realize, SubSliceLosesItsWrapAround) {
  Setting torus(makeTorus({4, 4, 4}));
  PlanPoint plan = torus.with(torus.firstPlan(), PlanClass::instance, 8);
  // 2x2x2 of 4x4x4: lines of two, the middle link carries m/2 * 1 * 1.
  Step step =
      torus.realizeOne(makeCollective(OpKind::allToAllV, {8, 1}, 8000), plan);
  EXPECT_EQ(step.load.bottleneckBytes, 4000);
  EXPECT_EQ(step.load.hops, 3);
}

TEST(Realize, OneStepPerOpInOrder) {
  for (Machine machine :
       {makeSwitched(8, 8), makeTorus({4, 4, 4}), makeNeuron({4, 4, 4})}) {
    Setting setting(machine);
    PlanPoint plan = setting.firstPlan();
    std::vector<LocalOp> ops;
    for (unsigned kind = 0; kind < kNumOpKinds; ++kind) {
      LocalOp op = makeLinear(8, 64, 64);
      op.kind = OpKind(kind);
      op.microBatch = kind % 2;
      op.group = {setting.machine.chips(), 1};
      ops.push_back(op);
    }
    Steps steps;
    setting.family->realize(ops, plan, setting.deployment(plan),
                            setting.machine, steps);
    ASSERT_EQ(steps.size(), ops.size());
    for (auto [index, step] : llvm::enumerate(steps)) {
      EXPECT_EQ(step.covers, index);
      EXPECT_EQ(step.kind, ops[index].kind);
      EXPECT_EQ(step.microBatch, ops[index].microBatch);
      EXPECT_TRUE(step.work == workOf(ops[index]));
      EXPECT_FALSE(setting.family->systemOpName(step).empty());
      EXPECT_EQ(step.algorithm == Algorithm::none, !isCommunication(step.kind));
    }
  }
}

TEST(Realize, FasterMachineIssuesTheSameWork) {
  for (Machine machine :
       {makeSwitched(16, 8), makeTorus({4, 4, 4}), makeNeuron({4, 4, 4})}) {
    Setting slow(machine), fast(machine);
    forEachQuantity(fast.machine, [](llvm::StringRef path, Quantity &quantity) {
      bool smallerIsBetter =
          path.contains("latency") || path.contains("start") ||
          path.contains("gap") || path.contains("launch") ||
          path.contains("dequantize") || path.contains("step");
      for (double &value : quantity.value)
        value *= smallerIsBetter ? 0.5 : 2;
    });
    PlanPoint plan = slow.firstPlan();
    for (const LocalOp &op :
         {makeLinear(20, 100, 200), makeExperts(40, 30, 8),
          makeCollective(OpKind::allToAllV, {16, 1}, 1600)}) {
      std::string difference;
      EXPECT_TRUE(sameStep(slow.realizeOne(op, plan), fast.realizeOne(op, plan),
                           &difference))
          << difference;
    }
  }
}

TEST(Realize, FinerTileNeverIssuesMore) {
  Machine machine = makeSwitched(8, 8);
  machine.engines.front().tokenTiles = {8, 16, 32, 64, 128};
  Setting fine(machine), coarse(makeSwitched(8, 8));
  PlanPoint plan = coarse.firstPlan();
  for (double rows : {1.0, 7.5, 9.0, 100.0, 129.0})
    EXPECT_LE(
        fine.realizeOne(makeLinear(rows, 512, 256), plan).issuedOperations,
        coarse.realizeOne(makeLinear(rows, 512, 256), plan).issuedOperations);
}

} // namespace

// A cache that goes to another copy of the model is sent on every family: a
// message is started and its bytes pass a link.
TEST(Realize, APeerInAnotherCopyIsReachedOverTheMachine) {
  for (const char *target : {"gb300-nvl72:8", "tpu7x:2x2x2", "trn2:4",
                             "trn3-ultraserver", "cs3:4"}) {
    Machine machine = llvm::cantFail(loadMachine(target));
    const Family &family = *llvm::cantFail(familyOf(machine));
    PlanPoint plan;
    plan.set(PlanClass::instance, 1);
    Deployment deployment =
        llvm::cantFail(deploymentOf(plan, machine.topology));
    LocalOp op;
    op.kind = OpKind::send;
    op.group = {2, deployment.instance};
    op.payloadBytes = op.meanPayloadBytes = 1e6;
    Steps steps;
    family.realize(op, plan, deployment, machine, steps);
    ASSERT_EQ(steps.size(), 1u) << target;
    Parts parts;
    PricedMachine priced(machine, Corner::nominal);
    priced.stepSeconds(steps.front(), false, parts);
    EXPECT_GT(parts.latencySeconds, 0) << target;
    // No link of a machine that ships carries 1e6 bytes in 0.1 us.
    EXPECT_GT(parts.linkSeconds, 1e-7) << target;
  }
}
