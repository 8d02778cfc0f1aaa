//===- SpaceTest.cpp - values, legality and repair agree ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Properties of all families over random prefixes, and the declared order of
// values on small shapes.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"
#include <set>

using namespace portolan;
using namespace portolan::test;
using Strings = std::vector<std::string>;

namespace {

/// Every value that some plan of some family may carry for a class.
std::vector<PlanValue> foreignValues(PlanClass planClass) {
  std::vector<PlanValue> list = {kNone};
  switch (valueKindOf(planClass)) {
  case PlanValueKind::format:
    for (Format storage : kAllFormats)
      for (Format compute : kAllFormats)
        list.push_back(formats(storage, compute));
    break;
  case PlanValueKind::number:
    for (PlanValue number :
         {1,  2,  3,  4,  5,  6,   8,   9,   12,  16,   24,  32,
          36, 48, 64, 72, 96, 100, 128, 256, 512, 1000, 9216})
      list.push_back(number);
    if (planClass == PlanClass::instance) {
      list.push_back(kInstanceAll);
      list.push_back(kInstanceDomain);
    }
    break;
  case PlanValueKind::word:
    for (PlanValue word = 0; word < 8; ++word) {
      if (planClass == PlanClass::fusion && word > 1)
        break;
      if ((planClass == PlanClass::placementForm && word > 1) ||
          (planClass == PlanClass::residency && word > 3) ||
          (planClass == PlanClass::overlap && word > 2) ||
          ((planClass == PlanClass::dispatchExchange ||
            planClass == PlanClass::combineExchange) &&
           word > 4))
        break;
      list.push_back(word);
    }
    break;
  }
  return list;
}

const std::set<std::string> kCatalogue = {
    "format_not_native",    "format_not_readable",
    "unavailable_decision", "not_divisible",
    "tile_padding",         "group_shape_not_expressible",
    "scale_out_cliff",      "no_in_network_reduction",
    "no_wraparound",        "capacity_exceeded",
    "data_dependent_counts"};

std::vector<Setting> someSettings() {
  std::vector<Setting> settings;
  for (Machine machine :
       {makeSwitched(8, 8), makeSwitched(72, 72), makeSwitched(32, 8, false),
        makeSwitched(1, 8), makeSwitched(24, 16), makeTorus({4, 4, 4}),
        makeTorus({2, 2, 1}), makeTorus({4, 4, 8}), makeTorus({4, 8}),
        makeTorus({2, 2, 4}, /*nearBytes=*/1000), makeNeuron({4, 4}),
        makeNeuron({4, 4, 4}), makeNeuronSwitch(24), makeWafer(1), makeWafer(4),
        makeWafer(64)})
    for (ModelShape model :
         {makeModel(), makeModel(/*layers=*/61, /*experts=*/256, Format::fp8),
          makeModel(/*layers=*/3, /*experts=*/8, Format::nvfp4),
          makeModel(/*layers=*/2, /*experts=*/0)})
      settings.emplace_back(machine, model);
  return settings;
}

TEST(Space, LegalIsWhatIsListedAndRepairLandsThere) {
  std::mt19937 random(1);
  for (Setting &setting : someSettings()) {
    for (unsigned round = 0; round < 30; ++round) {
      setting.workload.phase = round % 3 ? Phase::decode : Phase::prefill;
      setting.workload.formats =
          round % 2 ? FormatPolicy::any : FormatPolicy::asShipped;
      PlanPoint plan;
      for (PlanClass planClass : allPlanClasses()) {
        std::vector<PlanValue> legal = setting.values(planClass, plan);
        ASSERT_FALSE(legal.empty()) << spell(planClass).str();
        EXPECT_EQ(std::set<PlanValue>(legal.begin(), legal.end()).size(),
                  legal.size());
        std::vector<PlanValue> all = foreignValues(planClass);
        all.insert(all.end(), legal.begin(), legal.end());
        for (PlanValue value : all) {
          std::string what = setting.machine.name + ": " +
                             spell(planClass).str() + " " +
                             spell(planClass, value);
          bool listed = llvm::is_contained(legal, value);
          std::optional<Refusal> refusal =
              setting.legalize(planClass, value, plan);
          EXPECT_EQ(listed, !refusal) << what;
          if (refusal) {
            EXPECT_TRUE(kCatalogue.count(refusal->id)) << what;
            EXPECT_FALSE(refusal->reason.empty() || refusal->resource.empty() ||
                         refusal->op.empty())
                << what;
            // Figures have a unit; a decision that is not there has neither.
            EXPECT_EQ(refusal->unit.empty(),
                      refusal->needed == 0 && refusal->available == 0)
                << refusal->id;
          }
          PlanValue repaired =
              setting.family->repair(planClass, value, plan, setting.context());
          EXPECT_TRUE(llvm::is_contained(legal, repaired)) << what;
          if (listed) {
            EXPECT_EQ(repaired, value) << what;
          }
        }
        plan.set(planClass, legal[random() % legal.size()]);
      }
      // What is reached class by class divides.
      EXPECT_TRUE(bool(deploymentOf(plan, setting.machine.topology)));
    }
  }
}

TEST(Space, RepairKeepsTheOrderOfNumbers) {
  // A larger foreign degree never becomes a smaller legal one.
  for (Setting &setting : someSettings()) {
    PlanPoint plan = setting.firstPlan();
    for (PlanClass planClass :
         {PlanClass::pipeline, PlanClass::attentionTp, PlanClass::expertTp}) {
      PlanValue last = kNone;
      for (PlanValue wanted = 1; wanted <= 100; ++wanted) {
        PlanValue repaired =
            setting.family->repair(planClass, wanted, plan, setting.context());
        EXPECT_GE(repaired, last);
        last = repaired;
      }
    }
  }
}

TEST(Space, SwitchListsEveryDivisor) {
  Setting setting(makeSwitched(16, 8));
  EXPECT_EQ(setting.spelled(PlanClass::instance, PlanPoint()),
            (Strings{"all", "domain", "4", "2", "1"}));
  PlanPoint plan = setting.firstPlan();
  // 16 chips, but only 4 layers.
  EXPECT_EQ(setting.spelled(PlanClass::pipeline, plan),
            (Strings{"1", "2", "4"}));
  EXPECT_EQ(setting.spelled(PlanClass::attentionTp, plan),
            (Strings{"1", "2", "4", "8", "16"}));
}

TEST(Space, TorusListsWholeAxes) {
  Setting setting(makeTorus({4, 4, 4}));
  // 32 = 4x4x2, 16 = 4x2x2, 8 = 2x2x2: every divisor is a sub-slice.
  EXPECT_EQ(setting.spelled(PlanClass::instance, PlanPoint()),
            (Strings{"all", "32", "16", "8", "4", "2", "1"}));
  PlanPoint plan = setting.firstPlan();
  // Stages of 64, 16 and 4 chips; 16 stages would exceed the 4 layers.
  EXPECT_EQ(setting.spelled(PlanClass::pipeline, plan), (Strings{"1", "4"}));
  // Runs of whole axes; 64 ranks would exceed the 16 heads.
  EXPECT_EQ(setting.spelled(PlanClass::attentionTp, plan),
            (Strings{"1", "4", "16"}));
  plan.set(PlanClass::attentionTp, 4);
  EXPECT_EQ(setting.spelled(PlanClass::attentionCp, plan),
            (Strings{"1", "4", "16"}));
}

TEST(Space, EveryRankGroupHoldsAnExpert) {
  // 8 experts over 64 chips: at least 8 ranks share an expert.
  Setting setting(makeSwitched(64, 64), makeModel(4, /*experts=*/8));
  PlanPoint plan = setting.firstPlan();
  plan.set(PlanClass::pipeline, 1);
  EXPECT_EQ(setting.spelled(PlanClass::expertTp, plan),
            (Strings{"8", "16", "32", "64"}));
}

TEST(Space, ExchangeFollowsWhetherRowsAreEqual) {
  Setting setting(makeSwitched(8, 8));
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.spelled(PlanClass::dispatchExchange, plan),
            (Strings{"all_to_all", "all_gather"}));
  plan.set(PlanClass::attentionTp, 8); // dp = 1
  EXPECT_EQ(setting.spelled(PlanClass::dispatchExchange, plan),
            (Strings{"none", "all_to_all"}));
  plan.set(PlanClass::dispatchExchange, kNone);
  EXPECT_EQ(setting.spelled(PlanClass::combineExchange, plan),
            (Strings{"none"}));
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allGather));
  EXPECT_EQ(setting.spelled(PlanClass::combineExchange, plan),
            (Strings{"reduce_scatter"}));
}

TEST(Space, HierarchicalExchangeNeedsTwoDomains) {
  Setting setting(makeSwitched(16, 8));
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.spelled(PlanClass::dispatchExchange, plan),
            (Strings{"all_to_all", "all_gather", "hierarchical"}));
  plan.set(PlanClass::instance, kInstanceDomain);
  EXPECT_EQ(setting.spelled(PlanClass::dispatchExchange, plan),
            (Strings{"all_to_all", "all_gather"}));
}

// 12 of 24 chips are a domain and a half.
TEST(Space, HierarchicalExchangeNeedsWholeDomains) {
  Setting setting(makeSwitched(24, 8));
  PlanPoint plan = setting.firstPlan();
  plan.set(PlanClass::instance, 12);
  EXPECT_EQ(setting.spelled(PlanClass::dispatchExchange, plan),
            (Strings{"all_to_all", "all_gather"}));
}

TEST(Space, ReductionExistsOnlyWhereSomethingIsReduced) {
  Setting setting(makeSwitched(8, 8));
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.spelled(PlanClass::reduction, plan), (Strings{"none"}));
  plan.set(PlanClass::attentionTp, 2);
  EXPECT_EQ(setting.spelled(PlanClass::reduction, plan),
            (Strings{"one_shot", "ring", "in_network"}));
}

TEST(Space, FormatsAreShippedThenNarrower) {
  Setting setting(makeSwitched(8, 8));
  EXPECT_EQ(setting.spelled(PlanClass::weightFormat, PlanPoint()),
            (Strings{"bf16/bf16", "fp8/fp8", "nvfp4/nvfp4", "int4/fp8"}));
  PlanPoint plan;
  plan.set(PlanClass::weightFormat, formats(Format::nvfp4, Format::nvfp4));
  EXPECT_EQ(setting.spelled(PlanClass::activationFormat, plan),
            (Strings{"bf16/nvfp4", "fp8/nvfp4", "nvfp4/nvfp4"}));
  EXPECT_EQ(setting.spelled(PlanClass::kvFormat, plan),
            (Strings{"bf16/bf16", "fp8/fp8"}));
  setting.workload.formats = FormatPolicy::asShipped;
  EXPECT_EQ(setting.spelled(PlanClass::weightFormat, PlanPoint()),
            (Strings{"bf16/bf16"}));
  EXPECT_EQ(setting.spelled(PlanClass::activationFormat, plan),
            (Strings{"bf16/nvfp4"}));
}

// A model that ships bf16 may keep what one that ships fp8 has to keep.
TEST(Space, ActivationsOfNarrowWeightsMayBeNarrow) {
  Setting wide(makeSwitched(8, 8));
  Setting narrow(makeSwitched(8, 8), makeModel(4, 64, Format::fp8));
  PlanPoint plan;
  plan.set(PlanClass::weightFormat, formats(Format::fp8, Format::bf16));
  EXPECT_EQ(wide.spelled(PlanClass::activationFormat, plan),
            (Strings{"bf16/bf16", "fp8/bf16"}));
  narrow.model.shippedActivation = Format::fp8;
  EXPECT_EQ(narrow.spelled(PlanClass::activationFormat, plan),
            (Strings{"fp8/bf16"}));
  plan.set(PlanClass::weightFormat, formats(Format::bf16, Format::bf16));
  EXPECT_EQ(wide.spelled(PlanClass::activationFormat, plan),
            (Strings{"bf16/bf16"}));
}

TEST(Space, ShippedFormatThatCannotBeReadIsWidened) {
  Setting setting(makeTorus({4, 4, 4}), makeModel(4, 64, Format::nvfp4));
  EXPECT_EQ(setting.spelled(PlanClass::weightFormat, PlanPoint()),
            (Strings{"fp8/fp8"}));
}

TEST(Space, TilesHoldWholeRowGranules) {
  Setting setting(makeTorus({4, 4, 4}));
  PlanPoint plan = setting.firstPlan();
  EXPECT_EQ(setting.spelled(PlanClass::tile, plan),
            (Strings{"16", "32", "64", "128"}));
  plan.set(PlanClass::weightFormat, formats(Format::fp8, Format::fp8));
  EXPECT_EQ(setting.spelled(PlanClass::tile, plan),
            (Strings{"32", "64", "128"}));
}

TEST(Space, PrefillDoesNotSpreadTheContext) {
  Setting setting(makeSwitched(8, 8));
  setting.workload.phase = Phase::prefill;
  EXPECT_EQ(setting.spelled(PlanClass::attentionCp, setting.firstPlan()),
            (Strings{"none"}));
}

TEST(Families, UnknownFamilyListsTheOnesThatExist) {
  Machine machine = makeSwitched(8, 8);
  machine.family = "hypercube";
  llvm::Expected<const Family *> family = familyOf(machine);
  ASSERT_FALSE(bool(family));
  EXPECT_EQ(llvm::toString(family.takeError()),
            "machine 'rack': expects a family among switched, torus, trainium, "
            "wafer, got 'hypercube'");
}

} // namespace
