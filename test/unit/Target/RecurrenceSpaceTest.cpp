//===- RecurrenceSpaceTest.cpp - plans of models with states --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a state of fixed size allows: heads are spread over ranks, sequences are
// not; and how it counts in memory and time.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"
#include "portolan/Analysis/Partition.h"
#include "portolan/Target/StepRules.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// The model of the tests with a recurrence of `heads` in `groups` in its
/// layer.
ModelShape withRecurrence(int64_t heads, int64_t groups) {
  ModelShape model = makeModel();
  ModelOp op;
  op.local.kind = OpKind::recurrence;
  op.local.recurrence = RecurrenceKind::delta;
  op.local.heads = heads;
  op.local.kvHeads = groups;
  op.local.inner = op.local.outer = 128;
  op.local.chunk = 64;
  op.local.cache = Format::f32;
  op.sharding = Sharding::columns;
  op.units = heads;
  model.layers.front().ops.insert(model.layers.front().ops.begin() + 1, op);
  return model;
}

// plan_degree_c5
TEST(RecurrenceSpace, ASequenceIsNeverSpread) {
  Setting setting(makeSwitched(8, 8), withRecurrence(16, 16));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionCp, 2, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "unavailable_decision");
  EXPECT_EQ(refusal->reason,
            "attention_cp 2: the state of a recurrence follows from the one "
            "before, so that its sequence stays on one rank");
  EXPECT_EQ(refusal->op, "recurrence");
  EXPECT_EQ(setting.refusalId(PlanClass::attentionCp, 1, setting.firstPlan()),
            "legal");
}

TEST(RecurrenceSpace, HeadsAreSharedEqually) {
  // 12 heads in 3 groups: 2 ranks would have one and a half groups, 3 have one
  // each; attention's 16 heads allow 2 only.
  Setting setting(makeSwitched(8, 8), withRecurrence(12, 3));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 2, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "not_divisible");
  EXPECT_EQ(refusal->reason,
            "12 heads in 3 groups cannot be shared equally by 2 ranks");
  EXPECT_EQ(refusal->op, "recurrence");
  // One key for all heads is on every rank.
  Setting shared(makeSwitched(8, 8), withRecurrence(16, 1));
  EXPECT_EQ(shared.refusalId(PlanClass::attentionTp, 8, shared.firstPlan()),
            "legal");
}

TEST(RecurrenceSpace, ANormOverSeveralHeadsStaysWhole) {
  ModelShape model = withRecurrence(16, 16);
  ModelOp norm;
  norm.local.kind = OpKind::rmsNorm;
  norm.local.outer = 2048;
  norm.sharding = Sharding::columns;
  norm.spansHeads = true;
  norm.units = 2; // runs of 8 heads
  model.layers.front().ops.insert(model.layers.front().ops.begin() + 2, norm);
  Setting setting(makeSwitched(8, 8), model);
  EXPECT_EQ(setting.refusalId(PlanClass::attentionTp, 2, setting.firstPlan()),
            "legal");
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 4, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, "a norm over 2 groups of heads cannot be shared "
                             "equally by 4 ranks");
  EXPECT_EQ(refusal->op, "rms_norm");
}

} // namespace
