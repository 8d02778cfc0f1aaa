//===- PlantedCauseTest.cpp - a removed capability is found ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Invariant 9 on a real machine: a copy of the rack without in-network
// reduction is the only difference between source and target, so it must be the
// only reason that a plan does not carry over.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "portolan/Search/Carryover.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

/// Carries the plan of eight chips of the rack over to `change`d ones, for one
/// prompt in 15 ms: short enough that tensor parallelism pays, whose large
/// all-reduces the switches add.
CarryoverResult carriedOver(llvm::function_ref<void(Machine &)> change) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = llvm::cantFail(loadModel("mixtral-8x7b", context));
  ModelShape model = llvm::cantFail(extractModelShape(*module));
  Machine rack = llvm::cantFail(loadMachine("gb300-nvl72:8"));
  Machine changed = rack;
  change(changed);
  const Family *family = llvm::cantFail(familyOf(rack));
  std::vector<Target> targets = {{"rack", rack, family},
                                 {"changed", changed, family}};
  std::vector<double> limits = {0.015};
  Workload workload;
  workload.phase = Phase::prefill;
  workload.maxTtftSeconds = limits.front();
  CarryoverRequest request{model, targets, workload, limits, std::nullopt};
  return llvm::cantFail(runCarryover(request));
}

} // namespace

TEST(PlantedCause, ARemovedReductionIsTheOnlyThingThatDoesNotCarryOver) {
  CarryoverResult result = carriedOver([](Machine &machine) {
    machine.links.front().inNetworkReduction = false;
    machine.links.front().reductionGain.reset();
  });
  const TransferResult &transfer = result.limits[0].transfers[1];
  ASSERT_EQ(transfer.target, 1u);
  for (const DecisionResult &decision : transfer.decisions) {
    if (decision.planClass != PlanClass::reduction) {
      EXPECT_EQ(*decision.worthAtSource, 0) << spell(decision.planClass).str();
      continue;
    }
    EXPECT_EQ(spell(decision.planClass, decision.value), "in_network");
    // The ladder gives the one-shot form, which reads every peer's whole
    // tensor: too slow for the limit, so that the plan as a whole is
    // infeasible.
    EXPECT_EQ(
        spell(decision.planClass, transfer.plan.get(PlanClass::reduction)),
        "one_shot");
    EXPECT_EQ(decision.verdict, Verdict::infeasible);
    EXPECT_GT(*decision.worthAtSource, 0);
  }
}

TEST(PlantedCause, NothingIsFoundWhereNothingWasPlanted) {
  CarryoverResult result = carriedOver([](Machine &) {});
  const TransferResult &transfer = result.limits[0].transfers[1];
  EXPECT_EQ(*transfer.efficiency, 1);
  for (const DecisionResult &decision : transfer.decisions)
    EXPECT_EQ(decision.verdict, Verdict::carries);
}

TEST(PlantedCause, APersistentKernelIsRepairedWhereNothingIsLaunched) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = llvm::cantFail(loadModel("mixtral-8x7b", context));
  ModelShape model = llvm::cantFail(extractModelShape(*module));
  std::vector<Target> targets;
  for (const char *name : {"gb300-nvl72:8", "tpu7x:2x2x2"}) {
    Machine machine = llvm::cantFail(loadMachine(name));
    const Family *family = llvm::cantFail(familyOf(machine));
    targets.push_back({name, std::move(machine), family});
  }
  std::vector<double> limits = {0.020};
  Workload workload;
  workload.maxTpotSeconds = limits.front();
  workload.acceptanceRate = 0.7;
  CarryoverRequest request{model, targets, workload, limits, std::nullopt};
  CarryoverResult result = llvm::cantFail(runCarryover(request));
  const TransferResult &transfer = result.limits[0].transfers[1];
  const DecisionResult &fusion =
      transfer.decisions[unsigned(PlanClass::fusion)];
  EXPECT_EQ(spell(PlanClass::fusion, fusion.value), "block");
  EXPECT_EQ(spell(PlanClass::fusion, fusion.targetValue), "elementwise");
  EXPECT_EQ(fusion.verdict, Verdict::repaired);
  // Kernels cost 1.8 us each there, and a step of at most 20 ms has hundreds.
  EXPECT_GT(*fusion.worthAtSource, 0);
  // Drafted tokens are kept wherever there is a rate.
  const DecisionResult &drafted =
      transfer.decisions[unsigned(PlanClass::speculation)];
  EXPECT_NE(drafted.value, kNone);
  EXPECT_EQ(drafted.value, drafted.targetValue);
}
