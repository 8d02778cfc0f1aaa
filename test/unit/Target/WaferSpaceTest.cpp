//===- WaferSpaceTest.cpp - plans of wafers -------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The declared values in order, one refusal per label, each rung of the ladder.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"

using namespace portolan;
using namespace portolan::test;
using Strings = std::vector<std::string>;

namespace {

/// Four layers on four wafers.
struct WaferSpace : testing::Test {
  Setting wafers{makeWafer(4)};
  PlanPoint first = wafers.firstPlan();

  Refusal refusalOf(PlanClass planClass, PlanValue value) {
    std::optional<Refusal> refusal = wafers.legalize(planClass, value, first);
    EXPECT_TRUE(refusal) << spell(planClass, value);
    return refusal.value_or(Refusal());
  }
};

TEST_F(WaferSpace, InstancesAreWholeWafersWithALayerEach) {
  EXPECT_EQ(wafers.spelled(PlanClass::instance, PlanPoint()),
            (Strings{"all", "domain", "2"}));
  // 64 wafers, 61 layers: 64 would leave three without a layer.
  Setting many(makeWafer(64), makeModel(/*layers=*/61));
  EXPECT_EQ(many.spelled(PlanClass::instance, PlanPoint()),
            (Strings{"domain", "32", "16", "8", "4", "2"}));
}

TEST_F(WaferSpace, StagesDoubleUntilEveryLayerHasARegion) {
  Setting many(makeWafer(4), makeModel(/*layers=*/61));
  PlanPoint plan = many.with(many.firstPlan(), PlanClass::instance, 2);
  EXPECT_EQ(many.spelled(PlanClass::pipeline, plan),
            (Strings{"2", "4", "8", "16", "32", "61"}));
  EXPECT_EQ(wafers.spelled(PlanClass::pipeline, first), (Strings{"4"}));
}

TEST_F(WaferSpace, WhatIsSpreadOverPEsHasOneValue) {
  EXPECT_EQ(wafers.spelled(PlanClass::attentionTp, first), (Strings{"1"}));
  EXPECT_EQ(wafers.spelled(PlanClass::expertTp, first), (Strings{"1"}));
  EXPECT_EQ(wafers.spelled(PlanClass::placementForm, first),
            (Strings{"spatial"}));
  EXPECT_EQ(wafers.spelled(PlanClass::residency, first), (Strings{"sram"}));
  EXPECT_EQ(wafers.spelled(PlanClass::dispatchExchange, first),
            (Strings{"multicast"}));
  EXPECT_EQ(wafers.spelled(PlanClass::combineExchange, first),
            (Strings{"reduce_scatter"}));
  EXPECT_EQ(wafers.spelled(PlanClass::reduction, first), (Strings{"k_tree"}));
  EXPECT_EQ(wafers.spelled(PlanClass::overlap, first), (Strings{"dataflow"}));
  EXPECT_EQ(wafers.spelled(PlanClass::batchForm, first),
            (Strings{"1", "2", "4", "8"}));
}

TEST_F(WaferSpace, AModelWithoutExpertsHasNoneToPlace) {
  Setting dense(makeWafer(4), makeModel(4, /*experts=*/0));
  PlanPoint plan = dense.firstPlan();
  EXPECT_EQ(dense.spelled(PlanClass::placementForm, plan), (Strings{"none"}));
  EXPECT_EQ(dense.spelled(PlanClass::dispatchExchange, plan),
            (Strings{"none"}));
  EXPECT_EQ(dense.spelled(PlanClass::combineExchange, plan), (Strings{"none"}));
}

//===----------------------------------------------------------------------===//
// Refusals, by label
//===----------------------------------------------------------------------===//

// plan_format_c1
TEST_F(WaferSpace, FormatThatPEsDoNotCompute) {
  Refusal refusal =
      refusalOf(PlanClass::weightFormat, formats(Format::fp8, Format::fp8));
  EXPECT_EQ(refusal.id, "format_not_native");
  EXPECT_EQ(refusal.available, 16);
}

// plan_format_c2
TEST_F(WaferSpace, FormatThatNoProgramReads) {
  EXPECT_EQ(
      refusalOf(PlanClass::weightFormat, formats(Format::nvfp4, Format::bf16))
          .id,
      "format_not_readable");
}

// plan_format_c3
TEST_F(WaferSpace, FormatNarrowerThanShipped) {
  wafers.workload.formats = FormatPolicy::asShipped;
  EXPECT_EQ(
      refusalOf(PlanClass::weightFormat, formats(Format::fp8, Format::bf16)).id,
      "unavailable_decision");
}

// plan_format_c4
TEST_F(WaferSpace, ActivationComputedUnlikeTheWeights) {
  EXPECT_EQ(
      refusalOf(PlanClass::activationFormat, formats(Format::bf16, Format::f32))
          .id,
      "unavailable_decision");
}

// plan_instance_c1
TEST_F(WaferSpace, CopiesThatDoNotFillTheShape) {
  EXPECT_EQ(refusalOf(PlanClass::instance, 3).id, "not_divisible");
}

// plan_instance_c2
TEST_F(WaferSpace, WaferWithoutALayer) {
  Setting many(makeWafer(8));
  std::optional<Refusal> refusal =
      many.legalize(PlanClass::instance, kInstanceAll, PlanPoint());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->needed, 8);
  EXPECT_EQ(refusal->available, 4);
  EXPECT_EQ(refusal->unit, "layers");
}

// plan_stage_c1
TEST_F(WaferSpace, StageOfSeveralWafers) {
  Refusal refusal = refusalOf(PlanClass::pipeline, 2);
  EXPECT_EQ(refusal.id, "group_shape_not_expressible");
  EXPECT_EQ(refusal.needed, 4);
  EXPECT_EQ(refusal.available, 2);
}

// plan_stage_c2
TEST_F(WaferSpace, StageWithoutALayer) {
  Refusal refusal = refusalOf(PlanClass::pipeline, 8);
  EXPECT_EQ(refusal.id, "not_divisible");
  EXPECT_EQ(refusal.needed, 8);
  EXPECT_EQ(refusal.available, 4);
}

// plan_stage_c3
TEST_F(WaferSpace, StagesThatDoNotHalve) {
  Setting one(makeWafer(1));
  EXPECT_EQ(one.refusalId(PlanClass::pipeline, 3, one.firstPlan()),
            "group_shape_not_expressible");
}

// plan_rectangle_c1
TEST_F(WaferSpace, HeadsOverWafers) {
  Refusal refusal = refusalOf(PlanClass::attentionTp, 4);
  EXPECT_EQ(refusal.id, "group_shape_not_expressible");
  EXPECT_EQ(refusal.op, "attention");
  EXPECT_EQ(refusal.needed, 4);
  EXPECT_EQ(refusal.available, 1);
  EXPECT_EQ(refusalOf(PlanClass::attentionCp, 2).id,
            "group_shape_not_expressible");
  EXPECT_EQ(refusalOf(PlanClass::expertTp, 2).op, "experts");
  EXPECT_EQ(refusalOf(PlanClass::attentionTp, kNone).id,
            "unavailable_decision");
}

// plan_placement_c1
TEST_F(WaferSpace, ExpertsDealtToRanks) {
  EXPECT_EQ(
      refusalOf(PlanClass::placementForm, PlanValue(PlacementForm::distributed))
          .id,
      "unavailable_decision");
}

// plan_residency_c1
TEST_F(WaferSpace, WeightsBehindTheWafer) {
  for (Residency residency :
       {Residency::hbm, Residency::hbmPrefetch, Residency::host}) {
    Refusal refusal = refusalOf(PlanClass::residency, PlanValue(residency));
    EXPECT_EQ(refusal.id, "unavailable_decision");
    EXPECT_EQ(refusal.resource, "system I/O");
    EXPECT_EQ(refusal.needed, 1e12);    // of the PEs' memory
    EXPECT_EQ(refusal.available, 1e11); // of system I/O
    EXPECT_EQ(refusal.unit, "bytes/s");
  }
}

// plan_exchange_c1
TEST_F(WaferSpace, RowsSentByRunTimeDestination) {
  Refusal refusal =
      refusalOf(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  EXPECT_EQ(refusal.id, "data_dependent_counts");
  EXPECT_EQ(refusal.op, "dispatch");
  EXPECT_EQ(
      refusalOf(PlanClass::dispatchExchange, PlanValue(Exchange::allGather)).id,
      "unavailable_decision");
  EXPECT_EQ(refusalOf(PlanClass::dispatchExchange, kNone).id,
            "unavailable_decision");
}

// plan_exchange_c2
TEST_F(WaferSpace, CombineThatIsNotTheWayBack) {
  Refusal refusal =
      refusalOf(PlanClass::combineExchange, PlanValue(Exchange::allToAll));
  EXPECT_EQ(refusal.id, "unavailable_decision");
  EXPECT_EQ(refusal.op, "combine");
}

// plan_reduction_c1
TEST_F(WaferSpace, RoutersDoNotAdd) {
  EXPECT_EQ(refusalOf(PlanClass::reduction, PlanValue(Reduction::inNetwork)).id,
            "no_in_network_reduction");
}

// plan_reduction_c2
TEST_F(WaferSpace, TheMeshDoesNotWrap) {
  EXPECT_EQ(refusalOf(PlanClass::reduction, PlanValue(Reduction::ring)).id,
            "no_wraparound");
}

// plan_reduction_c3
TEST_F(WaferSpace, SumsOfPEsAreAddedAlongTrees) {
  EXPECT_EQ(refusalOf(PlanClass::reduction, PlanValue(Reduction::oneShot)).id,
            "unavailable_decision");
  EXPECT_EQ(refusalOf(PlanClass::reduction, kNone).id, "unavailable_decision");
}

// plan_overlap_c1
TEST_F(WaferSpace, OverlapIsDataflow) {
  EXPECT_EQ(refusalOf(PlanClass::overlap, PlanValue(Overlap::twoBatch)).id,
            "unavailable_decision");
}

// plan_batch_c1
TEST_F(WaferSpace, BatchFormCountsAttentionTiles) {
  Refusal refusal = refusalOf(PlanClass::batchForm, 72);
  EXPECT_EQ(refusal.id, "unavailable_decision");
  EXPECT_EQ(refusal.op, "attention");
}

// plan_tile_c1
TEST_F(WaferSpace, PEsHaveNoTile) {
  EXPECT_EQ(refusalOf(PlanClass::tile, 64).id, "unavailable_decision");
}

// plan_unused_c1
TEST_F(WaferSpace, UnusedDecisionTakesNoneOnly) {
  EXPECT_EQ(refusalOf(PlanClass::replicas, 32).id, "unavailable_decision");
}

//===----------------------------------------------------------------------===//
// Repair
//===----------------------------------------------------------------------===//

TEST_F(WaferSpace, NarrowFormatsAreStoredIn8BitsAndComputedIn16) {
  Setting fp8(makeWafer(4), makeModel(4, 64, Format::fp8));
  EXPECT_EQ(fp8.repaired(PlanClass::weightFormat,
                         formats(Format::nvfp4, Format::nvfp4), PlanPoint()),
            "fp8/bf16");
  EXPECT_EQ(fp8.repaired(PlanClass::weightFormat,
                         formats(Format::fp8, Format::fp8), PlanPoint()),
            "fp8/bf16");
}

TEST_F(WaferSpace, InstanceBecomesTheNearestWholeWafers) {
  Setting many(makeWafer(64), makeModel(/*layers=*/61));
  EXPECT_EQ(many.repaired(PlanClass::instance, kInstanceAll, PlanPoint()),
            "32");
  EXPECT_EQ(many.repaired(PlanClass::instance, 12, PlanPoint()), "16");
}

TEST_F(WaferSpace, PipelineBecomesTheFewestStages) {
  EXPECT_EQ(wafers.repaired(PlanClass::pipeline, 1, first), "4");
}

TEST_F(WaferSpace, ForeignDegreesBecomeRectangles) {
  EXPECT_EQ(wafers.repaired(PlanClass::attentionTp, 8, first), "1");
  EXPECT_EQ(wafers.repaired(PlanClass::attentionCp, 2, first), "1");
  EXPECT_EQ(wafers.repaired(PlanClass::expertTp, 4, first), "1");
  EXPECT_EQ(wafers.repaired(PlanClass::placementForm,
                            PlanValue(PlacementForm::distributed), first),
            "spatial");
}

TEST_F(WaferSpace, ForeignWordsBecomeTheOnesOfAWafer) {
  EXPECT_EQ(
      wafers.repaired(PlanClass::residency, PlanValue(Residency::hbm), first),
      "sram");
  EXPECT_EQ(wafers.repaired(PlanClass::dispatchExchange,
                            PlanValue(Exchange::allToAll), first),
            "multicast");
  EXPECT_EQ(wafers.repaired(PlanClass::combineExchange,
                            PlanValue(Exchange::allToAll), first),
            "reduce_scatter");
  EXPECT_EQ(wafers.repaired(PlanClass::reduction, PlanValue(Reduction::oneShot),
                            first),
            "k_tree");
  EXPECT_EQ(
      wafers.repaired(PlanClass::overlap, PlanValue(Overlap::twoBatch), first),
      "dataflow");
}

TEST_F(WaferSpace, AttentionTileIsKeptAndMicroBatchesAreNone) {
  EXPECT_EQ(wafers.repaired(PlanClass::batchForm, 4, first), "4");
  EXPECT_EQ(wafers.repaired(PlanClass::batchForm, 144, first), "1");
  EXPECT_EQ(wafers.repaired(PlanClass::batchForm, kNone, first), "1");
}

} // namespace
