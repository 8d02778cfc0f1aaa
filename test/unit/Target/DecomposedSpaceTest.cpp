//===- DecomposedSpaceTest.cpp - plans of models with nodes ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nodes that were not raised, in the layer of the tests' model: on every rank
// that shares their sequences, and never between heads that are split.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"
#include "portolan/Analysis/Partition.h"

using namespace portolan;
using namespace portolan::test;

namespace {

DecomposedCounts counts() {
  DecomposedCounts counts;
  counts.width = 1024;
  counts.matmulOperations = 4096;
  counts.bytesRead = 2048;
  counts.bytesWritten = 2048;
  counts.widestBytes = 4096;
  counts.kernels = 3;
  counts.weightBytes = counts.residentBytes = 1 << 20;
  return counts;
}

ModelShape withNodes(bool betweenHeads) {
  ModelShape model = makeModel();
  ModelOp op;
  op.local.kind = OpKind::decomposed;
  counts().store(op.local);
  op.spansHeads = betweenHeads;
  op.units = betweenHeads ? 1 : 0;
  model.layers.front().ops.insert(model.layers.front().ops.begin() + 1, op);
  return model;
}

LocalOp localOp(const Setting &setting, const PlanPoint &plan,
                int64_t sequences) {
  Deployment deployment =
      llvm::cantFail(deploymentOf(plan, setting.machine.topology));
  LocalOps ops;
  partitionLayer(setting.model, setting.model.layers.front(), plan, deployment,
                 setting.workload, sequences, ops);
  for (const LocalOp &op : ops)
    if (op.kind == OpKind::decomposed)
      return op;
  return LocalOp();
}

// plan_degree_c5
TEST(DecomposedSpace, NodesBetweenHeadsNeedAllOfThem) {
  Setting setting(makeSwitched(8, 8), withNodes(/*betweenHeads=*/true));
  std::optional<Refusal> refusal =
      setting.legalize(PlanClass::attentionTp, 2, setting.firstPlan());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->id, "unavailable_decision");
  EXPECT_EQ(refusal->reason, "attention_tp 2: nodes that stay decomposed "
                             "between heads need all of them");
  EXPECT_EQ(refusal->op, "decomposed");
  Setting beside(makeSwitched(8, 8), withNodes(/*betweenHeads=*/false));
  EXPECT_EQ(beside.refusalId(PlanClass::attentionTp, 2, beside.firstPlan()),
            "legal");
}

// 16 sequences on 8 ranks: 2 tokens of a decode step each. Ranks in pairs have
// 4 each, with the same weights and counts.
TEST(DecomposedSpace, RanksThatShareSequencesRepeatTheWork) {
  Setting setting(makeSwitched(8, 8), withNodes(/*betweenHeads=*/false));
  PlanPoint alone = setting.firstPlan();
  PlanPoint paired = setting.with(alone, PlanClass::attentionTp, 2);
  LocalOp op = localOp(setting, alone, 16);
  EXPECT_DOUBLE_EQ(op.rows, 2);
  EXPECT_DOUBLE_EQ(workOf(op).matmulOperations, 2 * 4096);
  EXPECT_DOUBLE_EQ(residentWeightBytes(op), 1 << 20);
  op = localOp(setting, paired, 16);
  EXPECT_DOUBLE_EQ(op.rows, 4);
  EXPECT_DOUBLE_EQ(workOf(op).matmulOperations, 4 * 4096);
  EXPECT_DOUBLE_EQ(residentWeightBytes(op), 1 << 20);
}

// Three nodes are three kernels on every family. 8192 operations are a product
// of 2 rows, 1024 deep and 2 wide: no tile issues fewer.
TEST(DecomposedSpace, EveryFamilyLaunchesAKernelPerNode) {
  for (const Machine &machine : {makeSwitched(8, 8), makeTorus({2, 2, 2}),
                                 makeNeuron({4, 4}), makeWafer(1)}) {
    SCOPED_TRACE(machine.family);
    Setting setting(machine, withNodes(/*betweenHeads=*/false));
    PlanPoint plan = setting.firstPlan();
    LocalOp op;
    op.kind = OpKind::decomposed;
    op.rows = op.meanRows = 2;
    counts().store(op);
    Step step = setting.realizeOne(op, plan);
    EXPECT_DOUBLE_EQ(step.kernels, 3);
    EXPECT_EQ(step.engine, EngineKind::matmul);
    EXPECT_DOUBLE_EQ(step.work.matmulOperations, 8192);
    EXPECT_GE(step.issuedOperations, 8192);
    EXPECT_DOUBLE_EQ(step.dequantizeOperations, 0);
  }
}

} // namespace
