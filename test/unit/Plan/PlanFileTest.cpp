//===- PlanFileTest.cpp - plans as files and through the interpreter ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Plan/PlanFile.h"
#include "dialects/Plan/IR/Plan.h"
#include "mlir/IR/MLIRContext.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"
#include <random>

using namespace portolan;

namespace {

/// A model in IR with two targets.
class PlanFileTest : public testing::Test {
protected:
  PlanFileTest()
      : context(dialects()),
        module(llvm::cantFail(loadModel("mixtral-8x7b", context))),
        model(llvm::cantFail(extractModelShape(*module))),
        rack(llvm::cantFail(loadMachine("gb300-nvl72"))),
        slice(llvm::cantFail(loadMachine("tpu7x:4x4x4"))) {}

  static mlir::DialectRegistry dialects() {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    return registry;
  }

  PlanContext on(const Machine &machine) { return {model, machine, workload}; }
  static const Family &family(const Machine &machine) {
    return *llvm::cantFail(familyOf(machine));
  }

  PlanPoint randomPlan(std::mt19937 &random, const Machine &machine) {
    PlanPoint plan;
    llvm::SmallVector<PlanValue, 16> values;
    for (PlanClass planClass : allPlanClasses()) {
      values.clear();
      family(machine).values(planClass, plan, on(machine), values);
      plan.set(planClass, values[random() % values.size()]);
    }
    return plan;
  }

  std::string errorOf(llvm::StringRef text) {
    llvm::Expected<PlanPoint> plan = parsePlan(text, "plan.mlir", context);
    return plan ? "" : llvm::toString(plan.takeError());
  }

  static std::string replaced(std::string text, llvm::StringRef from,
                              llvm::StringRef to) {
    size_t place = text.find(from.str());
    return text.replace(place, from.size(), to.str());
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelShape model;
  Machine rack, slice;
  Workload workload;
};

TEST_F(PlanFileTest, PrintingAndParsingAreInverse) {
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    PlanPoint plan = randomPlan(random, i % 2 ? rack : slice);
    std::string text = printPlan(plan);
    PlanPoint parsed = llvm::cantFail(parsePlan(text, "plan.mlir", context));
    EXPECT_EQ(parsed, plan);
    EXPECT_EQ(printPlan(parsed), text);
  }
}

TEST_F(PlanFileTest, InterpreterAndFastPathRepairAlike) {
  std::mt19937 random(2);
  unsigned changed = 0;
  for (int i = 0; i < 200; ++i) {
    const Machine &source = i % 2 ? rack : slice;
    const Machine &target = i % 2 ? slice : rack;
    PlanPoint plan = randomPlan(random, source);
    Repair fast = repairPlan(plan, family(target), on(target));
    Repair replayed =
        llvm::cantFail(replayPlan(plan, family(target), on(target), *module));
    EXPECT_EQ(fast.plan, replayed.plan);
    EXPECT_EQ(fast.infeasible.has_value(), replayed.infeasible.has_value());
    for (PlanClass planClass : allPlanClasses()) {
      const RepairedDecision &a = fast.decisions[unsigned(planClass)];
      const RepairedDecision &b = replayed.decisions[unsigned(planClass)];
      EXPECT_EQ(a.value, b.value);
      EXPECT_EQ(a.refusal ? a.refusal->id : "", b.refusal ? b.refusal->id : "");
    }
    changed += fast.plan != plan;
    // R is recorded on the module and lies in the space of the target.
    EXPECT_EQ(llvm::cantFail(plan::pointOf(*module)), fast.plan);
    EXPECT_FALSE(firstIllegal(fast.plan, family(target), on(target)));
  }
  EXPECT_GT(changed, 100u);
}

TEST_F(PlanFileTest, ALegalPlanIsRecorded) {
  std::mt19937 random(3);
  unsigned applied = 0;
  for (int i = 0; i < 50; ++i) {
    PlanPoint plan = randomPlan(random, rack);
    if (refuseCapacity(plan, on(rack)))
      continue;
    ++applied;
    EXPECT_FALSE(bool(applyPlan(plan, family(rack), on(rack), *module)));
    EXPECT_EQ(llvm::cantFail(plan::pointOf(*module)), plan);
  }
  EXPECT_GT(applied, 10u);
}

TEST_F(PlanFileTest, TheFirstIllegalDecisionIsTheError) {
  std::mt19937 random(4);
  PlanPoint plan = randomPlan(random, rack);
  plan.set(PlanClass::weightFormat,
           encodeFormats({Format::nvfp4, Format::nvfp4}));
  llvm::Error error = applyPlan(plan, family(slice), on(slice), *module);
  ASSERT_TRUE(bool(error));
  std::string text = llvm::toString(std::move(error));
  EXPECT_NE(text.find("weight_format = nvfp4/nvfp4 is not legal on "
                      "'tpu7x:4x4x4'"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("(format_not_native)"), std::string::npos) << text;
}

TEST_F(PlanFileTest, WhatDoesNotFitIsRefusedByTheCommit) {
  // 47 billion parameters take at least 26 GB on one chip (4.5 bits each), more
  // than the 20 GB that it is given; on more chips they fit.
  for (double &value : rack.memories.front().capacityBytes.value)
    value = 20e9;
  std::mt19937 random(5);
  PlanPoint plan = randomPlan(random, rack);
  RepairSequence sequence(family(rack), on(rack));
  for (PlanClass planClass : allPlanClasses())
    plan.set(planClass, sequence
                            .next(planClass, planClass == PlanClass::instance
                                                 ? 1
                                                 : plan.get(planClass))
                            .value);
  ASSERT_TRUE(refuseCapacity(plan, on(rack)).has_value());
  std::string text =
      llvm::toString(applyPlan(plan, family(rack), on(rack), *module));
  EXPECT_NE(text.find("capacity_exceeded"), std::string::npos) << text;
  // With a ledger the instance grows until one request fits.
  Repair repair =
      llvm::cantFail(replayPlan(plan, family(rack), on(rack), *module));
  EXPECT_FALSE(repair.infeasible.has_value());
  EXPECT_FALSE(refuseCapacity(repair.plan, on(rack)).has_value());
  EXPECT_EQ(repair.decisions[unsigned(PlanClass::instance)].refusal->id,
            "capacity_exceeded");
}

TEST_F(PlanFileTest, AnUnknownOpIsRefused) {
  std::string text = printPlan(PlanPoint());
  EXPECT_EQ(errorOf(replaced(text, "plan.tile", "plan.tyle")),
            "plan.mlir:16:5: custom op 'plan.tyle' is unknown");
}

TEST_F(PlanFileTest, OpsOutOfOrderAreRefused) {
  std::string text = printPlan(PlanPoint());
  EXPECT_EQ(errorOf(replaced(text, "plan.fuse %model form = none",
                             "plan.tile %model tokens = none")),
            "plan.mlir:15:5: 'plan.tile' op expects 'plan.fuse' in its place: "
            "a plan has every op once, in order");
}

TEST_F(PlanFileTest, AMissingCommitIsRefused) {
  std::string text = printPlan(PlanPoint());
  EXPECT_EQ(errorOf(replaced(text, "    plan.commit %model\n", "")),
            "plan.mlir:2:3: expects 'plan.commit' at the end of the plan");
}

TEST_F(PlanFileTest, ADuplicateOpIsRefused) {
  std::string text = printPlan(PlanPoint());
  EXPECT_EQ(errorOf(replaced(text, "    plan.commit %model\n",
                             "    plan.commit %model\n"
                             "    plan.commit %model\n")),
            "plan.mlir:19:5: 'plan.commit' op expects nothing after "
            "'plan.commit'");
}

TEST_F(PlanFileTest, ABadValueIsRefused) {
  std::string text = printPlan(PlanPoint());
  EXPECT_EQ(errorOf(replaced(text, "weights = none", "weights = fp9/fp8")),
            "plan.mlir:3:5: 'plan.set_format' op weight_format: expects "
            "STORAGE/COMPUTE or none, got 'fp9/fp8'");
}

TEST_F(PlanFileTest, WhatIsNoPlanIsRefused) {
  EXPECT_EQ(errorOf("module {}"),
            "plan.mlir: expects a plan: a transform.named_sequence "
            "@__transform_main of plan ops");
  EXPECT_NE(errorOf("{\"plan\": 1}"), "");
  EXPECT_NE(errorOf(""), "");
}

} // namespace
