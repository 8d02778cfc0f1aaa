//===- KernelPlansTest.cpp - kernels of random models and plans -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowered programs whose hot steps are written out equal the model, in whatever
// way it is divided, and move what they state. Steps that have no program run
// as what they cover.
//
//===----------------------------------------------------------------------===//

#include "PlannedModel.h"
#include "dialects/Interfaces/StepOpInterface.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kModels = 16;
constexpr unsigned kPlans = 2;

class KernelPlans : public ::testing::TestWithParam<const char *> {};

} // namespace

TEST_P(KernelPlans, EqualTheModel) {
  llvm::Expected<Machine> machine = loadMachine(GetParam());
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  const Family &family = *llvm::cantFail(familyOf(*machine));
  unsigned loaded = 0;
  int64_t written = 0;
  for (uint64_t seed = 40; loaded < kModels; ++seed) {
    PlannedModel model;
    bool runs = model.load(seed);
    if (HasFailure())
      return;
    if (!runs)
      continue;
    ++loaded;
    std::vector<NamedTensor> expected = model.reference();
    for (uint64_t number = 0; number < kPlans; ++number) {
      PlanPoint plan = model.randomPlan(*machine, family, 100 * seed + number);
      SCOPED_TRACE("model " + std::to_string(seed) + " plan " +
                   std::to_string(number) + " " + spellPlan(plan));
      TargetSetting setting{*machine, family, plan};
      setting.stratum = Stratum::kernel;
      setting.target = GetParam();
      ThreadFabric fabric(llvm::cantFail(ranksOf(setting)),
                          std::chrono::seconds(60));
      llvm::Expected<TargetRun> run = runOnTarget(
          *model.module, model.inputs, model.folder, setting, fabric);
      if (!run) {
        ADD_FAILURE() << llvm::toString(run.takeError());
        continue;
      }
      written += run->kernels.writtenOut;
      for (const std::string &refusal : run->kernels.refusals)
        EXPECT_NE(refusal.find("(switched."), std::string::npos) << refusal;
      expectClose(run->outputs, expected, /*rtol=*/1e-5);
      for (const TransferTraffic &row : run->traffic)
        EXPECT_TRUE(row.movesWhatItStates()) << row.op;
    }
  }
  EXPECT_GT(written, 5);
  RecordProperty("written", int(written));
}

INSTANTIATE_TEST_SUITE_P(Targets, KernelPlans,
                         ::testing::Values("gb300-nvl72:4", "hgx-h100:1"),
                         [](const auto &info) {
                           return info.index == 0 ? "TensorMemory"
                                                  : "Registers";
                         });
