//===- FusionTest.cpp - joined kernels by hand ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four rows of 256 bf16 values are 2048 bytes.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"
#include "portolan/Analysis/Estimate.h"

using namespace portolan;
using namespace portolan::test;
using Strings = std::vector<std::string>;

namespace {

constexpr double kRowBytes = 4 * 256 * 2;

LocalOp makeOp(OpKind kind, int32_t input = -1, bool soleReader = false) {
  LocalOp op;
  op.kind = kind;
  op.rows = op.meanRows = 4;
  op.inner = 512;
  op.outer = 256;
  op.input = input;
  op.soleReader = soleReader;
  if (isCommunication(kind)) {
    op.group = {2, 1};
    op.payloadBytes = op.meanPayloadBytes = kRowBytes;
  }
  return op;
}

/// A projection, its norm, a sum that reads the norm as others do, and a sum
/// after a transfer.
std::vector<LocalOp> makeBody() {
  return {makeOp(OpKind::linear),    makeOp(OpKind::rmsNorm, 0, true),
          makeOp(OpKind::add, 1),    makeOp(OpKind::mlp),
          makeOp(OpKind::allReduce), makeOp(OpKind::add, 4)};
}

struct Fused {
  std::vector<double> kernels, resident;
  double launchSeconds;
};

Fused fuse(const Setting &setting, PlanValue fusion,
           llvm::ArrayRef<LocalOp> ops) {
  PlanPoint plan = setting.with(setting.firstPlan(), PlanClass::fusion, fusion);
  Steps steps;
  setting.family->realize(
      ops, plan, llvm::cantFail(deploymentOf(plan, setting.machine.topology)),
      setting.machine, steps);
  Fused result;
  for (const Step &step : steps) {
    result.kernels.push_back(step.kernels);
    result.resident.push_back(step.residentBytes);
  }
  PricedMachine priced(setting.machine, Corner::nominal);
  result.launchSeconds = estimate(steps, priced).parts.launchSeconds;
  return result;
}

TEST(Fusion, NoneLaunchesEveryKernel) {
  Fused fused = fuse(Setting(makeSwitched(8, 8)), kNone, makeBody());
  EXPECT_EQ(fused.kernels, (std::vector<double>{1, 1, 1, 2, 0, 1}));
  EXPECT_EQ(fused.resident, (std::vector<double>{0, 0, 0, 0, 0, 0}));
  // Six kernels of a microsecond.
  EXPECT_NEAR(fused.launchSeconds, 6e-6, 1e-12);
}

TEST(Fusion, ElementwiseOpsJoinTheKernelBeforeThem) {
  Fused fused = fuse(Setting(makeSwitched(8, 8)),
                     PlanValue(Fusion::elementwise), makeBody());
  // Norm and sum join the projection; the second sum follows a transfer.
  EXPECT_EQ(fused.kernels, (std::vector<double>{1, 0, 0, 2, 0, 1}));
  // The projection's result is read by the norm alone and never stored. The
  // norm's is read again later: stored, but the sum takes it from the kernel.
  EXPECT_EQ(fused.resident,
            (std::vector<double>{kRowBytes, kRowBytes, kRowBytes, 0, 0, 0}));
  EXPECT_NEAR(fused.launchSeconds, 4e-6, 1e-12);
}

TEST(Fusion, ABlockIsOneLaunchBetweenTransfers) {
  Fused fused =
      fuse(Setting(makeSwitched(8, 8)), PlanValue(Fusion::block), makeBody());
  EXPECT_EQ(fused.kernels, (std::vector<double>{1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(fused.resident,
            (std::vector<double>{kRowBytes, kRowBytes, kRowBytes, 0, 0, 0}));
  EXPECT_NEAR(fused.launchSeconds, 2e-6, 1e-12);
}

TEST(Fusion, EachHalfOfABatchHasKernelsOfItsOwn) {
  std::vector<LocalOp> ops = {makeOp(OpKind::linear), makeOp(OpKind::allReduce),
                              makeOp(OpKind::rmsNorm, 0, true),
                              makeOp(OpKind::rmsNorm, 1, true)};
  ops[1].microBatch = ops[3].microBatch = 1;
  Fused fused =
      fuse(Setting(makeSwitched(8, 8)), PlanValue(Fusion::elementwise), ops);
  // The transfer is of the other half.
  EXPECT_EQ(fused.kernels, (std::vector<double>{1, 0, 0, 1}));
  EXPECT_EQ(fused.resident, (std::vector<double>{kRowBytes, 0, kRowBytes, 0}));
}

TEST(Fusion, NoValueTakesMoreTimeThanTheOneBefore) {
  Machine machine = makeSwitched(8, 8);
  machine.engines.front().efficiency[unsigned(Format::bf16)] = exactly(1);
  Setting setting(machine);
  PricedMachine priced(setting.machine, Corner::nominal);
  std::vector<LocalOp> ops = makeBody();
  double last = std::numeric_limits<double>::infinity();
  for (PlanValue fusion :
       setting.values(PlanClass::fusion, setting.firstPlan())) {
    PlanPoint plan =
        setting.with(setting.firstPlan(), PlanClass::fusion, fusion);
    Steps steps;
    setting.family->realize(
        ops, plan, llvm::cantFail(deploymentOf(plan, setting.machine.topology)),
        setting.machine, steps);
    double seconds = estimate(steps, priced).seconds;
    EXPECT_LE(seconds, last);
    last = seconds;
  }
}

TEST(Fusion, ValuesFollowWhetherKernelsAreLaunched) {
  Setting rack(makeSwitched(8, 8)), torus(makeTorus({4, 4, 4}));
  EXPECT_EQ(rack.spelled(PlanClass::fusion, rack.firstPlan()),
            (Strings{"none", "elementwise", "block"}));
  EXPECT_EQ(torus.spelled(PlanClass::fusion, torus.firstPlan()),
            (Strings{"none", "elementwise"}));
}

// torus.plan_fusion_c1
TEST(Fusion, ACompiledStepHasNoBlocksToLaunch) {
  Setting torus(makeTorus({4, 4, 4}));
  std::optional<Refusal> refusal = torus.legalize(
      PlanClass::fusion, PlanValue(Fusion::block), torus.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "unavailable_decision");
  EXPECT_EQ(refusal->reason,
            "fusion block: a step is one compiled program, so that no kernel "
            "between two transfers is launched");
  EXPECT_EQ(torus.repaired(PlanClass::fusion, PlanValue(Fusion::block),
                           torus.firstPlan()),
            "elementwise");
}

} // namespace
