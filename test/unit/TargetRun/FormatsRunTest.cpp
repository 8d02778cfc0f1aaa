//===- FormatsRunTest.cpp - lowered programs in the formats of a plan -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the formats of a plan do to a model's results: something, not much, and
// the same however the model is divided.
//
//===----------------------------------------------------------------------===//

#include "PlannedModel.h"
#include "mlir/Parser/Parser.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

void load(TestModel &model) {
  model.module = parseSourceFile<ModuleOp>(
      std::string(PORTOLAN_TEST_INPUTS) + "/mixtral.mlir", &model.context);
  ASSERT_TRUE(model.module);
  model.addWeights();
  model.addInputs(/*batch=*/5, /*newTokens=*/1, /*past=*/3, /*vocabulary=*/20);
}

/// The outputs of the program that is lowered for `target` as `plan` says.
std::vector<NamedTensor> outputsOn(PlannedModel &model, llvm::StringRef target,
                                   const std::string &plan,
                                   RunFormats formats) {
  Machine machine = llvm::cantFail(loadMachine(target));
  const Family &family = *llvm::cantFail(familyOf(machine));
  PlanPoint point = llvm::cantFail(parsePlanPoint(plan));
  TargetSetting setting{machine, family, point, formats};
  int64_t ranks = llvm::cantFail(ranksOf(setting));
  ThreadFabric fabric(ranks, std::chrono::seconds(20));
  llvm::Expected<TargetRun> run =
      runOnTarget(*model.module, model.inputs, model.folder, setting, fabric);
  if (!run) {
    ADD_FAILURE() << llvm::toString(run.takeError());
    return {};
  }
  return std::move(run->outputs);
}

/// The distance of all outputs over the length of the second ones.
double relativeError(llvm::ArrayRef<NamedTensor> actual,
                     llvm::ArrayRef<NamedTensor> expected) {
  EXPECT_EQ(actual.size(), expected.size());
  double error = 0, length = 0;
  for (auto [got, want] : llvm::zip(actual, expected))
    for (int64_t i = 0; i < want.tensor.size(); ++i) {
      error += std::pow(got.tensor.at(i) - want.tensor.at(i), 2);
      length += std::pow(want.tensor.at(i), 2);
    }
  return length > 0 ? std::sqrt(error / length) : NAN;
}

struct Case {
  const char *name, *target, *formats;
  double least, most; ///< of the relative error of the formats
};

class FormatsOnTargets : public ::testing::TestWithParam<Case> {};

constexpr const char *kRest =
    "residency=hbm,fusion=elementwise,tile=64,attention_tp=1,";
constexpr const char *kOneRank = "instance=1";
constexpr const char *kFourRanks =
    "instance=4,dispatch_exchange=all_to_all,combine_exchange=all_to_all";

} // namespace

// Half a step is 1/16 of the significand of an 8-bit float, 1/4 of a 4-bit one,
// 1/512 of bf16; errors of elements cancel in part. Experts over four ranks cut
// no contraction, so that each rounds the same numbers: sums in another order
// are all that may differ, and turn over a rounding now and then.
TEST_P(FormatsOnTargets, DoTheSameHoweverAModelIsDivided) {
  PlannedModel model;
  load(model);
  std::string plan = std::string(GetParam().formats) + kRest;
  std::vector<NamedTensor> exact = model.reference();
  std::vector<NamedTensor> one =
      outputsOn(model, GetParam().target, plan + kOneRank, RunFormats::ofPlan);
  std::vector<NamedTensor> four = outputsOn(
      model, GetParam().target, plan + kFourRanks, RunFormats::ofPlan);
  double error = relativeError(one, exact);
  EXPECT_GT(error, GetParam().least);
  EXPECT_LT(error, GetParam().most);
  EXPECT_LT(relativeError(four, one), 0.1 * error);
  RecordProperty("error", std::to_string(error));
}

// The same program in the types of the model shows none of it.
TEST_P(FormatsOnTargets, LeaveTheLoweringAlone) {
  PlannedModel model;
  load(model);
  std::string plan = std::string(GetParam().formats) + kRest + kFourRanks;
  std::vector<NamedTensor> exact = model.reference();
  EXPECT_LT(relativeError(
                outputsOn(model, GetParam().target, plan, RunFormats::ofTypes),
                exact),
            1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, FormatsOnTargets,
    ::testing::Values(
        Case{"nvfp4", "gb300-nvl72:4",
             "weight_format=nvfp4/nvfp4,activation_format=nvfp4/nvfp4,"
             "kv_format=fp8/fp8,",
             0.02, 0.5},
        Case{"fp8", "gb300-nvl72:4",
             "weight_format=fp8/fp8,activation_format=fp8/fp8,"
             "kv_format=fp8/fp8,",
             0.005, 0.2},
        // e4m3b11fnuz: as many significant bits, other exponents.
        Case{"fp8OfAnotherBias", "tpu-v6e:2x2",
             "weight_format=fp8/fp8,activation_format=fp8/fp8,"
             "kv_format=fp8/fp8,",
             0.005, 0.2},
        Case{"fp8WithoutNegativeZero", "mi300x",
             "weight_format=fp8/fp8,activation_format=fp8/fp8,"
             "kv_format=fp8/fp8,",
             0.005, 0.2},
        Case{"bf16", "gb300-nvl72:4",
             "weight_format=bf16/bf16,activation_format=bf16/bf16,"
             "kv_format=bf16/bf16,",
             2e-4, 0.02}),
    [](const auto &info) { return std::string(info.param.name); });
