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
constexpr unsigned kPlans = 4;

class RandomPlans : public ::testing::TestWithParam<const char *> {};

} // namespace

/// `models` models under `plans` random plans each.
static void expectEqual(const char *target,
                        bool (PlannedModel::*load)(uint64_t), unsigned models,
                        unsigned plans) {
  llvm::Expected<Machine> machine = loadMachine(target);
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  const Family &family = *llvm::cantFail(familyOf(*machine));
  unsigned loaded = 0, communicating = 0;
  for (uint64_t seed = 0; loaded < models; ++seed) {
    PlannedModel model;
    bool runs = (model.*load)(seed);
    if (::testing::Test::HasFailure())
      return;
    if (!runs)
      continue;
    ++loaded;
    std::vector<NamedTensor> expected = model.reference();
    for (uint64_t number = 0; number < plans; ++number) {
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
  EXPECT_GT(communicating, models * plans / 4);
}

TEST_P(RandomPlans, EqualTheModel) {
  expectEqual(GetParam(), &PlannedModel::load, kModels, kPlans);
}

// One cache for several layers, chosen keys between layers, gates per head.
TEST_P(RandomPlans, EqualTheModelWhereLayersShare) {
  expectEqual(GetParam(), &PlannedModel::loadShared, kNumSharedFamilies,
              /*plans=*/2);
}

// Streams between layers; pooled keys and tables of experts.
TEST_P(RandomPlans, EqualTheModelOfStreams) {
  expectEqual(GetParam(), &PlannedModel::loadStreams, /*models=*/2,
              /*plans=*/3);
}

// Positions of chosen keys pass from stage to stage beside the hidden state.
TEST_P(RandomPlans, ChosenKeysCrossStages) {
  llvm::Expected<Machine> machine = loadMachine(GetParam());
  ASSERT_TRUE(bool(machine)) << llvm::toString(machine.takeError());
  const Family &family = *llvm::cantFail(familyOf(*machine));
  bool crossed = false;
  // Every third configuration has an index that layers share.
  for (uint64_t seed = 1; seed < 60 && !crossed; seed += kNumSharedFamilies) {
    PlannedModel model;
    ASSERT_TRUE(model.loadShared(seed));
    PlanPoint plan = model.randomPlan(*machine, family, seed);
    Deployment deployment =
        llvm::cantFail(deploymentOf(plan, machine->topology));
    bool hands = false;
    for (int64_t stage = 1; stage < deployment.stages; ++stage)
      hands |= receivedBy(model.shape, deployment, stage).size() > 1;
    if (!hands)
      continue;
    crossed = true;
    SCOPED_TRACE("model " + std::to_string(seed) + " " + spellPlan(plan));
    std::vector<NamedTensor> expected = model.reference();
    llvm::Expected<TargetRun> run = model.onTarget(*machine, plan);
    ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
    expectClose(run->outputs, expected, /*rtol=*/1e-5);
    for (const TransferTraffic &row : run->traffic)
      EXPECT_TRUE(row.movesWhatItStates()) << row.op;
  }
  EXPECT_TRUE(crossed);
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
