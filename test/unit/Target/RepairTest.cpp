//===- RepairTest.cpp - the ladders ---------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each rung of the ladders of both families that this version has.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"

using namespace portolan;
using namespace portolan::test;

namespace {

TEST(Repair, FormatBecomesTheNextWider) {
  Setting torus(makeTorus({4, 4, 4}));
  EXPECT_EQ(torus.repaired(PlanClass::weightFormat,
                           formats(Format::nvfp4, Format::nvfp4), PlanPoint()),
            "fp8/fp8");
  // int4 -> int8 -> bf16, as neither integer format is read.
  EXPECT_EQ(torus.repaired(PlanClass::weightFormat,
                           formats(Format::int4, Format::int8), PlanPoint()),
            "bf16/bf16");
}

TEST(Repair, FormatKeepsItsStorageIfReadable) {
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(rack.repaired(PlanClass::weightFormat,
                          formats(Format::nvfp4, Format::fp8), PlanPoint()),
            "nvfp4/nvfp4");
}

TEST(Repair, FormatWiderThanShippedBecomesTheShippedOne) {
  Setting rack(makeSwitched(8, 8), makeModel(4, 64, Format::fp8));
  EXPECT_EQ(rack.repaired(PlanClass::weightFormat,
                          formats(Format::bf16, Format::bf16), PlanPoint()),
            "fp8/fp8");
}

TEST(Repair, ActivationIsComputedAsTheWeightsAre) {
  Setting torus(makeTorus({4, 4, 4}));
  PlanPoint plan;
  plan.set(PlanClass::weightFormat, formats(Format::fp8, Format::fp8));
  EXPECT_EQ(torus.repaired(PlanClass::activationFormat,
                           formats(Format::nvfp4, Format::nvfp4), plan),
            "fp8/fp8");
  EXPECT_EQ(torus.repaired(PlanClass::activationFormat,
                           formats(Format::bf16, Format::nvfp4), plan),
            "bf16/fp8");
}

TEST(Repair, InstanceOfAWholeShapeIsAll) {
  Setting torus(makeTorus({4, 4, 4}));
  // |ln(72/64)| is the least; 64 chips are the whole shape.
  EXPECT_EQ(torus.repaired(PlanClass::instance, 72, PlanPoint()), "all");
  // 36 / 32 = 1.125 is nearer than 64 / 36 = 1.78.
  EXPECT_EQ(torus.repaired(PlanClass::instance, 36, PlanPoint()), "32");
  // A slice is its own domain.
  EXPECT_EQ(torus.repaired(PlanClass::instance, kInstanceDomain, PlanPoint()),
            "all");
}

TEST(Repair, TieGoesToTheSmaller) {
  Setting torus(makeTorus({4, 4, 4}));
  // 2 is as far from 1 as from 4, and 8 as from 4 as from 16.
  PlanPoint plan = torus.firstPlan();
  EXPECT_EQ(torus.repaired(PlanClass::attentionTp, 2, plan), "1");
  EXPECT_EQ(torus.repaired(PlanClass::attentionTp, 8, plan), "4");
  EXPECT_EQ(torus.repaired(PlanClass::attentionTp, 9, plan), "16");
}

TEST(Repair, ReductionOfASwitchBecomesBothDirections) {
  Setting torus(makeTorus({4, 4, 4}));
  PlanPoint plan = torus.with(torus.firstPlan(), PlanClass::attentionTp, 4);
  for (Reduction word : {Reduction::inNetwork, Reduction::oneShot,
                         Reduction::kTree, Reduction::mesh})
    EXPECT_EQ(torus.repaired(PlanClass::reduction, PlanValue(word), plan),
              "bidirectional_ring");
  EXPECT_EQ(
      torus.repaired(PlanClass::reduction, PlanValue(Reduction::ring), plan),
      "ring");
}

TEST(Repair, ReductionOfATorusBecomesOneShotInsideADomain) {
  Setting rack(makeSwitched(16, 8));
  PlanPoint inside = rack.with(rack.firstPlan(), PlanClass::attentionTp, 8);
  EXPECT_EQ(rack.repaired(PlanClass::reduction,
                          PlanValue(Reduction::bidirectionalRing), inside),
            "one_shot");
  PlanPoint outside = rack.with(rack.firstPlan(), PlanClass::attentionTp, 16);
  EXPECT_EQ(
      rack.repaired(PlanClass::reduction, PlanValue(Reduction::kTree), outside),
      "ring");
}

TEST(Repair, ReductionThatNothingUsesIsNone) {
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(rack.repaired(PlanClass::reduction, PlanValue(Reduction::ring),
                          rack.firstPlan()),
            "none");
}

TEST(Repair, ExchangeAcrossDomainsBecomesFlat) {
  Setting torus(makeTorus({4, 4, 4}));
  PlanPoint plan = torus.firstPlan();
  EXPECT_EQ(torus.repaired(PlanClass::dispatchExchange,
                           PlanValue(Exchange::hierarchical), plan),
            "all_to_all");
  EXPECT_EQ(torus.repaired(PlanClass::dispatchExchange,
                           PlanValue(Exchange::multicast), plan),
            "all_gather");
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  EXPECT_EQ(torus.repaired(PlanClass::combineExchange,
                           PlanValue(Exchange::hierarchical), plan),
            "all_to_all");
}

TEST(Repair, RowsThatWereEqualAreGathered) {
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(rack.repaired(PlanClass::dispatchExchange, kNone, rack.firstPlan()),
            "all_gather");
}

TEST(Repair, ForeignOverlapBecomesTwoBatches) {
  for (Machine machine :
       {makeSwitched(8, 8), makeTorus({4, 4, 4}), makeNeuron({4, 4, 4})}) {
    Setting setting(machine);
    PlanPoint plan = setting.firstPlan();
    for (Overlap word : {Overlap::async, Overlap::dataflow})
      EXPECT_EQ(setting.repaired(PlanClass::overlap, PlanValue(word), plan),
                "two_batch");
  }
  Setting alone(makeSwitched(1, 8));
  EXPECT_EQ(alone.repaired(PlanClass::overlap, PlanValue(Overlap::twoBatch),
                           alone.firstPlan()),
            "none");
}

TEST(Repair, OnChipWeightsArePrefetched) {
  Setting torus(makeTorus({4, 4, 4}));
  EXPECT_EQ(torus.repaired(PlanClass::residency, PlanValue(Residency::sram),
                           torus.firstPlan()),
            "hbm_prefetch");
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(rack.repaired(PlanClass::residency,
                          PlanValue(Residency::hbmPrefetch), rack.firstPlan()),
            "hbm");
}

TEST(Repair, MicroBatchesFillThePipeline) {
  Setting rack(makeSwitched(8, 8));
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::pipeline, 4);
  EXPECT_EQ(rack.repaired(PlanClass::batchForm, kNone, plan), "4");
  EXPECT_EQ(rack.repaired(PlanClass::batchForm, 16, plan), "8");
  EXPECT_EQ(rack.repaired(PlanClass::batchForm, 4, rack.firstPlan()), "none");
}

TEST(Repair, ExpertsOnRegionsAreDistributed) {
  Setting rack(makeSwitched(8, 8));
  PlanPoint plan = rack.firstPlan();
  EXPECT_EQ(rack.repaired(PlanClass::placementForm,
                          PlanValue(PlacementForm::spatial), plan),
            "distributed");
}

} // namespace

// Six copies: 17, 33, 50, 67 and 83 percent. 40 / 33 = 1.21 < 50 / 40 = 1.25.
TEST(Repair, PhaseSplitIsTheNearestShareOfCopies) {
  Setting rack(makeSwitched(6, 6));
  rack.workload.phase = Phase::both;
  PlanPoint plan;
  plan.set(PlanClass::instance, 1);
  EXPECT_EQ(rack.repaired(PlanClass::phaseSplit, 40, plan), "33");
  EXPECT_EQ(rack.repaired(PlanClass::phaseSplit, 99, plan), "83");
  EXPECT_EQ(rack.repaired(PlanClass::phaseSplit, 1, plan), "17");
  EXPECT_EQ(rack.repaired(PlanClass::phaseSplit, kNone, plan), "none");
  plan.set(PlanClass::instance, kInstanceAll);
  EXPECT_EQ(rack.repaired(PlanClass::phaseSplit, 40, plan), "none");
}
