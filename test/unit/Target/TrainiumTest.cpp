//===- TrainiumTest.cpp - groups, algorithms and transfers by hand --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the trainium family has of its own. The machines of TestTargets.h have
// four ranks a chip, links of 1e11 bytes/s and half of that along the third
// axis.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"

using namespace portolan;
using namespace portolan::test;
using Strings = std::vector<std::string>;

namespace {

LocalOp makeCollective(OpKind kind, Group group, double payload) {
  LocalOp op;
  op.kind = kind;
  op.group = group;
  op.payloadBytes = op.meanPayloadBytes = payload;
  return op;
}

LocalOp makeDispatch(double rows, int64_t width) {
  LocalOp op;
  op.kind = OpKind::dispatch;
  op.rows = op.meanRows = rows;
  op.outer = width;
  op.topK = 4;
  return op;
}

/// Prefill of so many tokens, so that one request's reduction has
/// tokens * 512 * 2 bytes.
Setting prefillOf(Machine machine, int64_t tokens) {
  Setting setting(std::move(machine));
  setting.workload.phase = Phase::prefill;
  setting.workload.contextTokens = tokens;
  return setting;
}

PlanPoint withTp(const Setting &setting, PlanValue tp) {
  return setting.with(setting.firstPlan(), PlanClass::attentionTp, tp);
}

//===----------------------------------------------------------------------===//
// Space
//===----------------------------------------------------------------------===//

// Whole axes, first axis first: a row, a server, the pod.
TEST(Trainium, InstancesAreWholeAxes) {
  Setting pod(makeNeuron({4, 4, 4}));
  EXPECT_EQ(pod.spelled(PlanClass::instance, PlanPoint()),
            (Strings{"all", "16", "4", "1"}));
  PlanPoint plan = pod.firstPlan();
  EXPECT_EQ(pod.spelled(PlanClass::attentionTp, plan),
            (Strings{"1", "4", "16"})); // 64 would exceed the 16 heads
  EXPECT_EQ(pod.spelled(PlanClass::pipeline, plan), (Strings{"1", "4"}));
}

// Alike for all servers of four: not 3, 6 and 12 + ... of 24 chips.
TEST(Trainium, GroupsBehindASwitchAreAlikeForAllServers) {
  Setting rack(makeNeuronSwitch(24));
  EXPECT_EQ(rack.spelled(PlanClass::instance, PlanPoint()),
            (Strings{"all", "12", "8", "4", "2", "1"}));
  EXPECT_EQ(rack.spelled(PlanClass::attentionTp, rack.firstPlan()),
            (Strings{"1", "2", "4", "8"}));
}

TEST(Trainium, ReductionsAreTheAlgorithmsOfTheRuntime) {
  Setting pod(makeNeuron({4, 4, 4}));
  EXPECT_EQ(pod.spelled(PlanClass::reduction, withTp(pod, 4)),
            (Strings{"mesh", "recursive_doubling", "kanga_ring", "ring"}));
  Setting rack(makeNeuronSwitch(24));
  PlanPoint equalRows = rack.with(withTp(rack, 8), PlanClass::attentionCp, 1);
  EXPECT_EQ(rack.spelled(PlanClass::reduction, equalRows),
            (Strings{"mesh", "recursive_doubling", "kanga_ring", "ring"}));
}

TEST(Trainium, TwoLevelsWhereLinksDiffer) {
  Setting pod(makeNeuron({4, 4, 4})), server(makeNeuron({4, 4}));
  EXPECT_EQ(pod.spelled(PlanClass::dispatchExchange, pod.firstPlan()),
            (Strings{"all_to_all", "all_gather", "hierarchical"}));
  EXPECT_EQ(server.spelled(PlanClass::dispatchExchange, server.firstPlan()),
            (Strings{"all_to_all", "all_gather"}));
}

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

// plan_format_c5: 192 columns are the contraction of the second matmul.
TEST(Trainium, FormatWhoseStepDoesNotDivideTheContraction) {
  ModelShape model = makeModel();
  model.layers.front().ops.back().local.outer = 192;
  Setting pod(makeNeuron({4, 4}), model);
  EXPECT_EQ(pod.spelled(PlanClass::weightFormat, PlanPoint()),
            (Strings{"bf16/bf16"}));
  std::optional<Refusal> refusal = pod.legalize(
      PlanClass::weightFormat, formats(Format::fp8, Format::fp8), PlanPoint());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "tile_padding");
  EXPECT_EQ(refusal->reason, "the matmul engine takes fp8 in contractions of "
                             "128, which do not divide 192");
  EXPECT_EQ(refusal->needed, 128);
  EXPECT_EQ(refusal->available, 192);
  // The next wider one: fp8 -> bf16.
  EXPECT_EQ(pod.repaired(PlanClass::weightFormat,
                         formats(Format::nvfp4, Format::nvfp4), PlanPoint()),
            "bf16/bf16");
  Setting divides(makeNeuron({4, 4}));
  EXPECT_EQ(divides.spelled(PlanClass::weightFormat, PlanPoint()),
            (Strings{"bf16/bf16", "fp8/fp8"}));
}

// plan_group_c1
TEST(Trainium, GroupThatIsNoRunOfWholeAxes) {
  Setting pod(makeNeuron({4, 4, 4}));
  std::optional<Refusal> refusal =
      pod.legalize(PlanClass::attentionTp, 8, pod.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "group_shape_not_expressible");
  EXPECT_EQ(refusal->resource, "axes 4x4x4");
  EXPECT_EQ(refusal->needed, 8);
  EXPECT_EQ(refusal->available, 4);
}

// plan_group_c2
TEST(Trainium, GroupThatIsNotAlikeForAllServers) {
  Setting rack(makeNeuronSwitch(24));
  std::optional<Refusal> refusal =
      rack.legalize(PlanClass::attentionCp, 6, rack.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "group_shape_not_expressible");
  EXPECT_EQ(refusal->resource, "servers of 4");
  EXPECT_EQ(refusal->available, 4);
}

// plan_exchange_c3
TEST(Trainium, ExchangesThatTheLinksDoNotHave) {
  Setting server(makeNeuron({4, 4}));
  for (Exchange exchange : {Exchange::hierarchical, Exchange::multicast})
    EXPECT_EQ(server.refusalId(PlanClass::dispatchExchange, PlanValue(exchange),
                               server.firstPlan()),
              "unavailable_decision");
}

// plan_reduction_c2
TEST(Trainium, NothingAddsInTheNetwork) {
  Setting rack(makeNeuronSwitch(24));
  EXPECT_EQ(rack.refusalId(PlanClass::reduction,
                           PlanValue(Reduction::inNetwork), withTp(rack, 4)),
            "no_in_network_reduction");
}

// plan_reduction_c5: 1,024 tokens of 1,024 bytes are 1.05 MB.
TEST(Trainium, MeshIsForSmallMessages) {
  Setting small = prefillOf(makeNeuron({4, 4}), 512);
  EXPECT_FALSE(small.legalize(PlanClass::reduction, PlanValue(Reduction::mesh),
                              withTp(small, 4)));
  Setting large = prefillOf(makeNeuron({4, 4}), 1024);
  std::optional<Refusal> refusal = large.legalize(
      PlanClass::reduction, PlanValue(Reduction::mesh), withTp(large, 4));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "unavailable_decision");
  EXPECT_EQ(refusal->reason,
            "reduction mesh: all pairs at once are for messages below 1000000 "
            "bytes, and one request has 1048576");
}

// plan_reduction_c6: equal rows are reduced over all twelve chips.
TEST(Trainium, RecursiveDoublingNeedsAPowerOfTwo) {
  Setting rack(makeNeuronSwitch(12));
  PlanPoint plan = withTp(rack, 4);
  plan.set(PlanClass::attentionCp, 3);
  plan.set(PlanClass::dispatchExchange, kNone);
  std::optional<Refusal> refusal = rack.legalize(
      PlanClass::reduction, PlanValue(Reduction::recursiveDoubling), plan);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "group_shape_not_expressible");
  EXPECT_EQ(refusal->needed, 12);
  EXPECT_EQ(refusal->available, 8);
}

// plan_reduction_c7
TEST(Trainium, AKangaRingHopsOverEveryOtherRank) {
  Machine machine = makeNeuron({4, 4});
  machine.collectives->ranksPerChip = 3;
  Setting pod(machine);
  EXPECT_EQ(pod.refusalId(PlanClass::reduction, PlanValue(Reduction::kangaRing),
                          withTp(pod, 4)),
            "group_shape_not_expressible");
}

//===----------------------------------------------------------------------===//
// Repair
//===----------------------------------------------------------------------===//

// By the size of one request: 0.5, 10 and 80 MB.
TEST(Trainium, ForeignReductionsGoBySize) {
  for (auto [tokens, expected] : {std::pair<int64_t, const char *>{512, "mesh"},
                                  {10240, "recursive_doubling"},
                                  {81920, "kanga_ring"}}) {
    Setting pod = prefillOf(makeNeuron({4, 4, 4}), tokens);
    for (Reduction word : {Reduction::inNetwork, Reduction::oneShot,
                           Reduction::bidirectionalRing, Reduction::kTree})
      EXPECT_EQ(
          pod.repaired(PlanClass::reduction, PlanValue(word), withTp(pod, 4)),
          expected);
  }
}

TEST(Trainium, ReductionWithoutAPowerOfTwoGoesAroundTheRing) {
  Setting rack = prefillOf(makeNeuronSwitch(12), 10240);
  PlanPoint plan = withTp(rack, 4);
  plan.set(PlanClass::dispatchExchange, kNone);
  EXPECT_EQ(rack.repaired(PlanClass::reduction, PlanValue(Reduction::inNetwork),
                          plan),
            "kanga_ring");
}

TEST(Trainium, TwoLevelsStayWhereThereAreTwo) {
  Setting pod(makeNeuron({4, 4, 4})), server(makeNeuron({4, 4}));
  PlanValue hierarchical = PlanValue(Exchange::hierarchical);
  EXPECT_EQ(
      pod.repaired(PlanClass::dispatchExchange, hierarchical, pod.firstPlan()),
      "hierarchical");
  EXPECT_EQ(server.repaired(PlanClass::dispatchExchange, hierarchical,
                            server.firstPlan()),
            "all_to_all");
}

TEST(Trainium, InstanceIsTheNearestRunOfAxes) {
  Setting pod(makeNeuron({4, 4, 4}));
  EXPECT_EQ(pod.repaired(PlanClass::instance, 72, PlanPoint()), "all");
  // 2 is as far from 1 as from 4, 8 as from 4 as from 16: the smaller.
  EXPECT_EQ(pod.repaired(PlanClass::instance, 2, PlanPoint()), "1");
  EXPECT_EQ(pod.repaired(PlanClass::instance, 8, PlanPoint()), "4");
  EXPECT_EQ(pod.repaired(PlanClass::instance, 9, PlanPoint()), "16");
}

TEST(Trainium, OnChipWeightsArePrefetched) {
  Setting pod(makeNeuron({4, 4, 4}));
  EXPECT_EQ(pod.repaired(PlanClass::residency, PlanValue(Residency::sram),
                         pod.firstPlan()),
            "hbm_prefetch");
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

TEST(Trainium, ReducesAsPlanned) {
  Setting pod(makeNeuron({4, 4, 4}));
  PlanPoint plan = withTp(pod, 16);
  LocalOp op = makeCollective(OpKind::allReduce, {16, 1}, 16000);
  plan.set(PlanClass::reduction, PlanValue(Reduction::recursiveDoubling));
  Step step = pod.realizeOne(op, plan);
  EXPECT_EQ(step.algorithm, Algorithm::recursiveDoubling);
  // Twice 15/16, over four links of the first axis' speed.
  EXPECT_EQ(step.load.axisBytes[0], 2 * 15000.0 / 4);
  EXPECT_EQ(step.load.hops, 2 * (4 + 1));
  plan.set(PlanClass::reduction, PlanValue(Reduction::kangaRing));
  EXPECT_EQ(pod.realizeOne(op, plan).load.hops, 2 * 31);
}

// Small gathers go all pairs at once, large ones by recursive doubling where
// that is possible, else around the ring.
TEST(Trainium, GathersTakeTheFastestAlgorithm) {
  Setting pod(makeNeuron({4, 4}));
  auto algorithm = [](const Setting &setting, int64_t ranks, double bytes) {
    return setting
        .realizeOne(makeCollective(OpKind::allGather, {ranks, 1}, bytes),
                    setting.firstPlan())
        .algorithm;
  };
  EXPECT_EQ(algorithm(pod, 16, 1e3), Algorithm::mesh);
  EXPECT_EQ(algorithm(pod, 16, 1e9), Algorithm::recursiveDoubling);
  // Five times four chips cannot double; a port sends as much either way.
  Setting rack(makeNeuronSwitch(20));
  EXPECT_EQ(algorithm(rack, 20, 1e9), Algorithm::mesh);
}

TEST(Trainium, ExchangesInTwoLevelsAsPlanned) {
  Setting pod(makeNeuron({4, 4, 4}));
  LocalOp op = makeCollective(OpKind::allToAllV, {64, 1}, 8000);
  PlanPoint plan = pod.firstPlan();
  Step direct = pod.realizeOne(op, plan);
  EXPECT_EQ(direct.algorithm, Algorithm::dimensionOrdered);
  EXPECT_EQ(direct.load.axisBytes[2], 4000);
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::hierarchical));
  Step levels = pod.realizeOne(op, plan);
  EXPECT_EQ(levels.algorithm, Algorithm::hierarchical);
  EXPECT_EQ(levels.load.axisBytes[0], 4000);
  EXPECT_EQ(levels.load.starts, 2);
}

TEST(Trainium, StagesSendAlongTheAxisOfTheServers) {
  Setting pod(makeNeuron({4, 4, 4}));
  PlanPoint plan = pod.with(pod.firstPlan(), PlanClass::pipeline, 4);
  Step step = pod.realizeOne(makeCollective(OpKind::send, {2, 16}, 8000), plan);
  EXPECT_EQ(step.algorithm, Algorithm::neighbour);
  EXPECT_EQ(step.load.axisBytes[2], 8000);
}

// 512 elements of bf16 are transfers of 1,024 bytes on one partition, of 64
// when spread over 16, which are 1 / 64 of what fills the engine. 32 rows are
// two blocks, transposed by 2 * 2 * 16 * 512 * 16 operations, 16 per byte.
TEST(Trainium, RowsMoveWholeAndAreTransposed) {
  Setting pod(makeNeuron({4, 4}));
  Step step = pod.realizeOne(makeDispatch(32, 512), pod.firstPlan());
  EXPECT_EQ(step.engine, EngineKind::gather);
  EXPECT_EQ(step.transferBytes, 1024);
  EXPECT_EQ(step.issuedOperations, 2.0 * 2 * 16 * 512 * 16);
}

// A sixteenth of 16 KiB fills a quarter of the engine: four seconds per byte
// moved are fewer than the 16 of a transposition.
TEST(Trainium, LongRowsAreSpread) {
  Setting pod(makeNeuron({4, 4}));
  Step step = pod.realizeOne(makeDispatch(32, 8192), pod.firstPlan());
  EXPECT_EQ(step.transferBytes, 1024);
  EXPECT_EQ(step.issuedOperations, 0);
}

// fp8 contractions of 64 are padded to 128: twice the operations.
TEST(Trainium, ContractionIsPaddedToItsStep) {
  Setting pod(makeNeuron({4, 4}));
  LocalOp op;
  op.kind = OpKind::linear;
  op.rows = op.meanRows = 64;
  op.inner = 64;
  op.outer = 128;
  EXPECT_EQ(pod.realizeOne(op, pod.firstPlan()).issuedOperations,
            2.0 * 64 * 64 * 128);
  op.compute = op.weight = Format::fp8;
  EXPECT_EQ(pod.realizeOne(op, pod.firstPlan()).issuedOperations,
            2.0 * 64 * 128 * 128);
}

} // namespace
