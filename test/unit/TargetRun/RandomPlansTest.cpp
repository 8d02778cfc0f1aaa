//===- RandomPlansTest.cpp - lowered programs against the model -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random small models under random legal plans on every family: the lowered
// program, run on logical chips, gives what the un-lowered model gives, and
// moves the bytes that its ops state.
//
//===----------------------------------------------------------------------===//

#include "PlannedModel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kModels = 25;
constexpr unsigned kStreamsModels = 2;
constexpr unsigned kPlans = 4;

class RandomPlans : public ::testing::TestWithParam<const char *> {};

} // namespace

/// Runs `count` models, of `load`, by random plans of the family of `target`.
static void
checkPlans(llvm::StringRef target, unsigned count,
           llvm::function_ref<bool(PlannedModel &, uint64_t)> load) {
  llvm::Expected<Machine> machine = loadMachine(target);
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  const Family &family = *llvm::cantFail(familyOf(*machine));
  unsigned models = 0, communicating = 0;
  for (uint64_t seed = 0; models < count; ++seed) {
    PlannedModel model;
    bool runs = load(model, seed);
    if (::testing::Test::HasFailure())
      return;
    if (!runs)
      continue;
    ++models;
    std::vector<NamedTensor> expected = model.reference();
    for (uint64_t number = 0; number < kPlans; ++number) {
      PlanPoint plan = model.randomPlan(*machine, family, 100 * seed + number);
      SCOPED_TRACE("model " + std::to_string(seed) + " plan " +
                   std::to_string(number) + " " + spellPlan(plan));
      llvm::Expected<TargetRun> run = model.onTarget(*machine, plan);
      if (!run) {
        ADD_FAILURE() << llvm::toString(run.takeError());
        continue;
      }
      // Hidden values of random weights grow to tens: f32 has 1e-7 of them.
      expectClose(run->outputs, expected, /*rtol=*/1e-5);
      communicating += !run->traffic.empty();
      for (const TransferTraffic &row : run->traffic)
        EXPECT_TRUE(row.movesWhatItStates())
            << row.op << ": " << row.payloadBytes << " of "
            << row.statedPayloadBytes;
    }
  }
  EXPECT_GT(communicating, count * kPlans / 4);
}

TEST_P(RandomPlans, EqualTheModel) {
  checkPlans(GetParam(), kModels, [](PlannedModel &model, uint64_t seed) {
    return model.load(seed);
  });
}

// Streams between layers, pooled keys, tables of experts.
TEST_P(RandomPlans, OfModelsWithStreamsEqualTheModel) {
  checkPlans(GetParam(), kStreamsModels,
             [](PlannedModel &model, uint64_t seed) {
               return model.loadStreams(seed);
             });
}

static std::string nameOf(const ::testing::TestParamInfo<const char *> &info) {
  constexpr const char *names[] = {"Switched", "SwitchedDomains", "Torus",
                                   "Trainium", "Wafer"};
  return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(Families, RandomPlans,
                         ::testing::Values("gb300-nvl72:8", "hgx-h100:2",
                                           "tpu7x:2x2x2", "trn2:4", "cs3:2"),
                         nameOf);
