//===- RemarksTest.cpp - the catalogue of reasons -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Remarks.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::plan;

namespace {

/// Every value that a plan file can give a class, numbers up to 300.
std::vector<PlanValue> valuesOf(PlanClass planClass) {
  std::vector<std::string> texts = {
      "none",         "all",        "domain",
      "distributed",  "spatial",    "hbm",
      "hbm_prefetch", "sram",       "host",
      "all_to_all",   "all_gather", "reduce_scatter",
      "hierarchical", "multicast",  "one_shot",
      "ring",         "in_network", "bidirectional_ring",
      "k_tree",       "mesh",       "recursive_doubling",
      "kanga_ring",   "two_batch",  "async",
      "dataflow"};
  for (int number = 1; number <= 300; ++number)
    texts.push_back(std::to_string(number));
  for (Format storage : kAllFormats)
    for (Format compute : kAllFormats)
      texts.push_back((spell(storage) + "/" + spell(compute)).str());
  std::vector<PlanValue> values;
  for (const std::string &text : texts) {
    llvm::Expected<PlanValue> value = parsePlanValue(planClass, text);
    if (value)
      values.push_back(*value);
    else
      llvm::consumeError(value.takeError());
  }
  return values;
}

TEST(RemarksTest, EveryEntryIsComplete) {
  EXPECT_GE(remarkCatalogue().size(), 20u);
  for (const RemarkEntry &entry : remarkCatalogue()) {
    EXPECT_FALSE(entry.category.empty());
    EXPECT_FALSE(entry.sentence.empty());
    EXPECT_FALSE(entry.suggestion.empty());
    EXPECT_EQ(findRemark(entry.id), &entry);
  }
  EXPECT_EQ(findRemark("because"), nullptr);
}

TEST(RemarksTest, EveryEntryIsEmittedWithItsFigures) {
  mlir::MLIRContext context;
  mlir::remark::RemarkCategories categories;
  categories.missed = kRemarkCategory.str();
  ASSERT_TRUE(succeeded(mlir::remark::enableOptimizationRemarks(
      context, nullptr,
      std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), categories,
      /*printAsEmitRemarks=*/true)));
  std::vector<std::string> texts;
  mlir::ScopedDiagnosticHandler handler(&context,
                                        [&](mlir::Diagnostic &diagnostic) {
                                          texts.push_back(diagnostic.str());
                                          return mlir::success();
                                        });
  for (const RemarkEntry &entry : remarkCatalogue()) {
    texts.clear();
    Refusal refusal;
    refusal.id = entry.id.str();
    refusal.reason = "for a reason";
    refusal.resource = "hbm";
    refusal.needed = 72;
    refusal.available = 64;
    refusal.unit = "chips";
    refusal.op = "experts";
    emitMissed(mlir::UnknownLoc::get(&context), PlanClass::instance, 72, 64,
               "repaired", refusal);
    ASSERT_EQ(texts.size(), 1u) << entry.id.str();
    for (llvm::StringRef part :
         {llvm::StringRef("[Missed]"), llvm::StringRef(entry.id),
          llvm::StringRef(entry.suggestion),
          llvm::StringRef("instance = 72 repaired to 64"),
          llvm::StringRef("for a reason"), llvm::StringRef("hbm"),
          llvm::StringRef("chips"), llvm::StringRef("experts")})
      EXPECT_NE(texts.front().find(part.str()), std::string::npos)
          << part.str() << " in " << texts.front();
  }
}

TEST(RemarksTest, TheCatalogueHasEveryReasonOfTheFamilies) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  for (llvm::StringRef name : {"mixtral-8x7b", "deepseek-v3"}) {
    auto module = llvm::cantFail(loadModel(name, context));
    ModelShape model = llvm::cantFail(extractModelShape(*module));
    for (llvm::StringRef target :
         {"gb300-nvl72", "hgx-h100:4", "tpu7x:4x4x4", "tpu7x:2x2x1",
          "trn2-ultraserver", "trn3-ultraserver:24", "cs3:64"}) {
      Machine machine = llvm::cantFail(loadMachine(target));
      const Family &family = *llvm::cantFail(familyOf(machine));
      Workload workload;
      PlanContext planContext{model, machine, workload};
      PlanPoint plan;
      for (PlanClass planClass : allPlanClasses()) {
        for (PlanValue value : valuesOf(planClass))
          if (auto refusal =
                  family.legalize(planClass, value, plan, planContext))
            EXPECT_NE(findRemark(refusal->id), nullptr) << refusal->id;
        llvm::SmallVector<PlanValue, 16> values;
        family.values(planClass, plan, planContext, values);
        plan.set(planClass, values.back());
      }
    }
  }
}

} // namespace
