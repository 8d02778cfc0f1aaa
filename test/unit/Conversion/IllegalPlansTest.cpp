//===- IllegalPlansTest.cpp - plans that a target refuses -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random plans of one family on another: what is not legal there is refused
// with a reason of the catalogue and leaves the module as it was; what is legal
// after repair is accepted.
//
//===----------------------------------------------------------------------===//

#include "../Support/FamilyTargets.h"
#include "../Support/RandomConfigs.h"
#include "dialects/Plan/IR/Remarks.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/Plan/PlanFile.h"
#include "portolan/Plan/Repair.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kPlans = 500;

PlanPoint randomPlan(const Family &family, const PlanContext &context,
                     Random &random) {
  PlanPoint plan;
  for (PlanClass planClass : allPlanClasses()) {
    llvm::SmallVector<PlanValue> values;
    family.values(planClass, plan, context, values);
    plan.set(planClass, values[random.between(0, values.size() - 1)]);
  }
  return plan;
}

} // namespace

TEST(IllegalPlans, EveryFamilyHasATarget) {
  ASSERT_EQ(std::size(kFamilyTargets), allFamilies().size());
  for (auto [target, family] : llvm::zip(kFamilyTargets, allFamilies()))
    EXPECT_EQ(llvm::cantFail(loadMachine(target)).family, family->name());
}

TEST(IllegalPlans, ForeignPlansAreRefusedWithAReason) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::vector<Machine> machines;
  for (const char *target : kFamilyTargets)
    machines.push_back(llvm::cantFail(loadMachine(target)));

  unsigned refused = 0;
  for (uint64_t seed = 0; seed < kPlans; ++seed) {
    Random random(seed);
    mlir::OwningOpRef<mlir::ModuleOp> module =
        llvm::cantFail(importHfConfigText(randomConfig(seed), "random.json",
                                          "random", context));
    ModelShape model = llvm::cantFail(extractModelShape(*module));
    Workload workload;
    workload.phase = random.chance(75) ? Phase::decode : Phase::prefill;
    workload.contextTokens = 24;
    workload.outputTokens = 8;
    size_t from = random.between(0, machines.size() - 1);
    size_t to =
        (from + random.between(1, machines.size() - 1)) % machines.size();
    PlanContext there{model, machines[to], workload};
    const Family &family = *llvm::cantFail(familyOf(machines[to]));
    PlanPoint plan = randomPlan(*llvm::cantFail(familyOf(machines[from])),
                                {model, machines[from], workload}, random);

    auto illegal = firstIllegal(plan, family, there);
    if (illegal) {
      ++refused;
      const auto &[planClass, refusal] = *illegal;
      EXPECT_NE(plan::findRemark(refusal.id), nullptr)
          << seed << ": " << refusal.id;
      EXPECT_FALSE(refusal.reason.empty()) << seed;
      llvm::Error error = applyPlan(plan, family, there, *module);
      ASSERT_TRUE(bool(error)) << seed;
      std::string text = llvm::toString(std::move(error));
      EXPECT_NE(text.find(refusal.reason), std::string::npos)
          << seed << ": " << text;
      EXPECT_FALSE((*module)->hasAttr("plan.point")) << seed;
    }
    Repair repair = repairPlan(plan, family, there);
    if (repair.infeasible)
      continue;
    EXPECT_FALSE(firstIllegal(repair.plan, family, there)) << seed;
    llvm::Error error = applyPlan(repair.plan, family, there, *module);
    EXPECT_FALSE(bool(error))
        << seed << ": " << llvm::toString(std::move(error));
  }
  // Families differ: few plans of one are plans of another.
  EXPECT_GT(refused, kPlans / 2);
}
