//===- LegalizeTest.cpp - why a value is refused --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One refusal of the catalogue per test, with its figures.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"

using namespace portolan;
using namespace portolan::test;

namespace {

// plan_format_c1
TEST(Legalize, FormatThatTheEngineDoesNotCompute) {
  Setting setting(makeTorus({4, 4, 4}));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::weightFormat,
                       formats(Format::nvfp4, Format::nvfp4), PlanPoint());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "format_not_native");
  EXPECT_EQ(refusal->reason,
            "the matmul engine computes f32, bf16, fp8, not nvfp4, and no "
            "kernel reads it as storage");
  EXPECT_EQ(refusal->resource, "tensor");
  EXPECT_EQ(refusal->op, "experts");
  // nvfp4 has 4 bits and a scale of 8 per 16 elements.
  EXPECT_EQ(refusal->needed, 4.5);
  EXPECT_EQ(refusal->available, 8);
}

// plan_format_c2
TEST(Legalize, FormatThatNoKernelReads) {
  Setting setting(makeTorus({4, 4, 4}));
  EXPECT_EQ(setting.refusalId(PlanClass::weightFormat,
                              formats(Format::nvfp4, Format::fp8), PlanPoint()),
            "format_not_readable");
}

// plan_format_c4
TEST(Legalize, ActivationComputedUnlikeTheWeights) {
  Setting setting(makeSwitched(8, 8));
  PlanPoint plan;
  plan.set(PlanClass::weightFormat, formats(Format::fp8, Format::fp8));
  EXPECT_EQ(setting.refusalId(PlanClass::activationFormat,
                              formats(Format::bf16, Format::bf16), plan),
            "unavailable_decision");
}

// plan_degree_c1
TEST(Legalize, DegreeThatDoesNotDivide) {
  Setting setting(makeSwitched(8, 8));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 3, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->needed, 3);
  EXPECT_EQ(refusal->available, 8);
  EXPECT_EQ(refusal->unit, "chips");
}

// plan_degree_c2
TEST(Legalize, MoreRanksThanHeads) {
  Setting setting(makeSwitched(64, 64));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 32, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->available, 16);
  EXPECT_EQ(refusal->unit, "heads");
  EXPECT_EQ(refusal->op, "attention");
}

// plan_degree_c4
TEST(Legalize, GroupedHeadsThatRanksCannotShareEqually) {
  // 16 heads in 6 groups: 4 ranks would have 1.5 groups each.
  ModelShape model = makeModel();
  model.kvHeads = 6;
  model.layers.front().ops.front().local.kvHeads = 6;
  Setting setting(makeSwitched(8, 8), model);
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 4, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->unit, "key-value heads");
  EXPECT_EQ(setting.refusalId(PlanClass::attentionTp, 2, setting.firstPlan()),
            "legal");
}

// plan_degree_c5
TEST(Legalize, WindowThatWouldLieOnOneRank) {
  ModelShape model = makeModel();
  model.layers.front().ops.front().window = 128;
  model.layers.front().ops.front().wholeContext = true;
  Setting setting(makeSwitched(8, 8), model);
  EXPECT_EQ(setting.refusalId(PlanClass::attentionCp, 2, setting.firstPlan()),
            "unavailable_decision");
  EXPECT_EQ(setting.refusalId(PlanClass::attentionCp, 1, setting.firstPlan()),
            "legal");
}

// plan_degree_c3
TEST(Legalize, MoreExpertGroupsThanExperts) {
  Setting setting(makeSwitched(64, 64), makeModel(4, /*experts=*/8));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::expertTp, 4, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->needed, 16); // 64 / 4 groups
  EXPECT_EQ(refusal->available, 8);
}

TEST(Legalize, NumberThatNormalFormSpellsAll) {
  Setting setting(makeSwitched(8, 8));
  EXPECT_EQ(setting.refusalId(PlanClass::instance, 8, PlanPoint()),
            "unavailable_decision");
}

// plan_group_c1
TEST(Legalize, GroupThatFoldsAnAxis) {
  Setting setting(makeTorus({4, 4, 4}));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 8, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "group_shape_not_expressible");
  EXPECT_EQ(refusal->resource, "axes 4x4x4");
  EXPECT_EQ(refusal->needed, 8);
  EXPECT_EQ(refusal->available, 4); // the innermost axis
}

// plan_reduction_c2
TEST(Legalize, TorusDoesNotAdd) {
  Setting setting(makeTorus({4, 4, 4}));
  PlanPoint plan = setting.with(setting.firstPlan(), PlanClass::attentionTp, 4);
  EXPECT_EQ(setting.refusalId(PlanClass::reduction,
                              PlanValue(Reduction::inNetwork), plan),
            "no_in_network_reduction");
}

// plan_reduction_c2
TEST(Legalize, SwitchThatDoesNotAdd) {
  Setting setting(makeSwitched(8, 8, /*addsInNetwork=*/false));
  PlanPoint plan = setting.with(setting.firstPlan(), PlanClass::attentionTp, 4);
  EXPECT_EQ(setting.refusalId(PlanClass::reduction,
                              PlanValue(Reduction::inNetwork), plan),
            "no_in_network_reduction");
}

// plan_reduction_c3
TEST(Legalize, ReductionBeyondTheDomain) {
  Setting setting(makeSwitched(32, 8));
  PlanPoint plan =
      setting.with(setting.firstPlan(), PlanClass::attentionTp, 16);
  std::optional<Refusal> refusal = setting.legalize(
      PlanClass::reduction, PlanValue(Reduction::oneShot), plan);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "scale_out_cliff");
  EXPECT_EQ(refusal->needed, 16);
  EXPECT_EQ(refusal->available, 8);
}

// plan_reduction_c4
TEST(Legalize, RingOnAnOpenAxis) {
  Setting setting(makeTorus({2, 2, 3}));
  PlanPoint plan = setting.with(setting.firstPlan(), PlanClass::attentionTp, 3);
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::reduction, PlanValue(Reduction::ring), plan);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "no_wraparound");
  EXPECT_EQ(refusal->needed, 3);    // links of a ring of three
  EXPECT_EQ(refusal->available, 2); // links of a line of three
}

// plan_residency_c1
TEST(Legalize, ExpertThatDoesNotFitTheNearLevel) {
  // One gated bf16 expert: 3 * 512 * 256 * 2 = 786,432 bytes.
  Setting setting(makeTorus({4, 4, 4}, /*nearBytes=*/786431));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::residency, PlanValue(Residency::hbmPrefetch),
                       setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "capacity_exceeded");
  EXPECT_EQ(refusal->needed, 786432);
  EXPECT_EQ(refusal->available, 786431);
  Setting larger(makeTorus({4, 4, 4}, /*nearBytes=*/786432));
  EXPECT_EQ(larger.refusalId(PlanClass::residency,
                             PlanValue(Residency::hbmPrefetch),
                             larger.firstPlan()),
            "legal");
}

// plan_exchange_c1
TEST(Legalize, RowsThatDifferMustBeExchanged) {
  Setting setting(makeSwitched(8, 8));
  EXPECT_EQ(setting.refusalId(PlanClass::dispatchExchange, kNone,
                              setting.firstPlan()),
            "unavailable_decision");
}

// plan_tile_c1
TEST(Legalize, TileSmallerThanARowGranule) {
  Setting setting(makeTorus({4, 4, 4}));
  PlanPoint plan = setting.with(PlanPoint(), PlanClass::weightFormat,
                                formats(Format::fp8, Format::fp8));
  std::optional<Refusal> refusal = setting.legalize(PlanClass::tile, 16, plan);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "tile_padding");
  EXPECT_EQ(refusal->available, 32);
}

// plan_unused_c1
TEST(Legalize, UnusedDecisionTakesNoneOnly) {
  Setting setting(makeSwitched(8, 8));
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.refusalId(PlanClass::batchForm, 4, plan),
            "unavailable_decision");
  EXPECT_EQ(setting.refusalId(PlanClass::phaseSplit, 1, plan),
            "unavailable_decision");
}

// plan_phase_c1
TEST(Legalize, PhaseSplitThatIsNoWholeNumberOfCopies) {
  Setting setting(makeSwitched(8, 8));
  setting.workload.phase = Phase::both;
  PlanPoint plan;
  plan.set(PlanClass::instance, 2);
  // Four copies: 25, 50 and 75 percent.
  EXPECT_EQ(setting.refusalId(PlanClass::phaseSplit, 25, plan), "legal");
  EXPECT_EQ(setting.refusalId(PlanClass::phaseSplit, 30, plan),
            "not_divisible");
  plan.set(PlanClass::instance, kInstanceAll);
  EXPECT_EQ(setting.refusalId(PlanClass::phaseSplit, 50, plan),
            "unavailable_decision");
}

// plan_format_c3
TEST(Legalize, FormatWiderOrNarrowerThanThePolicyAllows) {
  Setting rack(makeSwitched(8, 8), makeModel(4, 64, Format::fp8));
  PlanValue wider = formats(Format::bf16, Format::bf16);
  PlanValue narrower = formats(Format::nvfp4, Format::nvfp4);
  EXPECT_EQ(rack.refusalId(PlanClass::weightFormat, wider, PlanPoint()),
            "unavailable_decision");
  EXPECT_EQ(rack.refusalId(PlanClass::weightFormat, narrower, PlanPoint()),
            "legal");
  rack.workload.formats = FormatPolicy::asShipped;
  std::optional<Refusal> refusal =
      rack.legalize(PlanClass::weightFormat, narrower, PlanPoint());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason,
            "weight_format nvfp4/nvfp4: formats are as shipped: fp8");
}

// plan_exchange_c2
TEST(Legalize, CombineThatIsNotTheInverseOfTheDispatch) {
  Setting rack(makeSwitched(8, 8));
  PlanPoint plan = rack.firstPlan(); // all_to_all
  EXPECT_EQ(rack.refusalId(PlanClass::combineExchange,
                           PlanValue(Exchange::reduceScatter), plan),
            "unavailable_decision");
}

// plan_exchange_c3
TEST(Legalize, HierarchicalExchangeWithoutASecondTier) {
  for (Machine machine : {makeSwitched(8, 8), makeTorus({4, 4, 4})}) {
    Setting setting(machine);
    EXPECT_EQ(setting.refusalId(PlanClass::dispatchExchange,
                                PlanValue(Exchange::hierarchical),
                                setting.firstPlan()),
              "unavailable_decision");
  }
}

// plan_exchange_c3
TEST(Legalize, HierarchicalExchangeOfPartsOfDomains) {
  Setting rack(makeSwitched(24, 8));
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::instance, 12);
  EXPECT_EQ(rack.refusalId(PlanClass::dispatchExchange,
                           PlanValue(Exchange::hierarchical), plan),
            "unavailable_decision");
}

// plan_reduction_c1
TEST(Legalize, ReductionIsNoneExactlyIfNothingIsReduced) {
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(rack.refusalId(PlanClass::reduction, PlanValue(Reduction::ring),
                           rack.firstPlan()),
            "unavailable_decision");
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::attentionTp, 2);
  EXPECT_EQ(rack.refusalId(PlanClass::reduction, kNone, plan),
            "unavailable_decision");
}

// plan_batch_c1
TEST(Legalize, MicroBatchesThatDoNotFillThePipeline) {
  Setting rack(makeSwitched(8, 8));
  PlanPoint plan = rack.with(rack.firstPlan(), PlanClass::pipeline, 4);
  EXPECT_EQ(rack.refusalId(PlanClass::batchForm, 6, plan), "not_divisible");
  EXPECT_EQ(rack.refusalId(PlanClass::batchForm, 16, plan),
            "unavailable_decision");
}

} // namespace
