//===- DecomposedWorkTest.cpp - nodes that were not raised, by hand -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModels.h"
#include "portolan/Analysis/LocalOp.h"
#include "portolan/Analysis/Partition.h"
#include "portolan/Target/StepRules.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

DecomposedCounts counts() {
  DecomposedCounts counts;
  counts.width = 8;
  counts.matmulOperations = 320;
  counts.vectorOperations = 12;
  counts.transcendentalOperations = 5;
  counts.bytesRead = 48;
  counts.bytesWritten = 40;
  counts.widestBytes = 64;
  counts.weightBytes = 640;
  counts.kernels = 4;
  counts.residentBytes = 900;
  counts.parameters = 450;
  return counts;
}

/// On `rows` tokens.
LocalOp decomposed(double rows) {
  LocalOp op;
  op.kind = OpKind::decomposed;
  op.rows = op.meanRows = rows;
  counts().store(op);
  return op;
}

} // namespace

TEST(DecomposedWork, CountsAreKeptByName) {
  DecomposedCounts read = DecomposedCounts::of(decomposed(1));
  EXPECT_EQ(read.width, 8);
  EXPECT_EQ(read.matmulOperations, 320);
  EXPECT_EQ(read.vectorOperations, 12);
  EXPECT_EQ(read.transcendentalOperations, 5);
  EXPECT_EQ(read.bytesRead, 48);
  EXPECT_EQ(read.bytesWritten, 40);
  EXPECT_EQ(read.widestBytes, 64);
  EXPECT_EQ(read.weightBytes, 640);
  EXPECT_EQ(read.kernels, 4);
  EXPECT_EQ(read.residentBytes, 900);
  EXPECT_EQ(read.parameters, 450);
}

// Operations and bytes of activations are those of 3 tokens, weights are read
// once per step and tables stay: 900 - 640 bytes of them.
TEST(DecomposedWork, WorkGrowsWithTokensAndWeightsDoNot) {
  Work work = workOf(decomposed(3));
  EXPECT_DOUBLE_EQ(work.matmulOperations, 960);
  EXPECT_DOUBLE_EQ(work.vectorOperations, 36);
  EXPECT_DOUBLE_EQ(work.transcendentalOperations, 15);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 144);
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 120);
  EXPECT_DOUBLE_EQ(work.weightBytes, 640);
  EXPECT_DOUBLE_EQ(workOf(decomposed(30)).weightBytes, 640);
  EXPECT_DOUBLE_EQ(residentWeightBytes(decomposed(3)), 900);
}

// 320 operations per token are 160 multiply-adds: a product 8 deep with 20
// columns. 330 round up to 21 columns.
TEST(DecomposedWork, ItsMatmulsAreOneProductAsDeepAsTheResultIsWide) {
  Matmuls matmuls = matmulsOf(decomposed(3));
  ASSERT_EQ(matmuls.size, 1u);
  EXPECT_DOUBLE_EQ(matmuls.items[0].rows, 3);
  EXPECT_EQ(matmuls.items[0].contraction, 8);
  EXPECT_EQ(matmuls.items[0].columns, 20);
  DecomposedCounts more = counts();
  more.matmulOperations = 330;
  LocalOp op = decomposed(3);
  more.store(op);
  EXPECT_EQ(matmulsOf(op).items[0].columns, 21);
  more.matmulOperations = 0;
  more.store(op);
  EXPECT_EQ(matmulsOf(op).size, 0u);
}

// A sum, four kernels of nodes, a norm: the block ends the kernel before it and
// the norm begins one of its own, though each could be joined with the other.
TEST(DecomposedWork, ItsKernelsAreNotJoined) {
  LocalOps ops(3);
  ops[0].kind = OpKind::add;
  ops[1] = decomposed(3);
  ops[2].kind = OpKind::rmsNorm;
  ops[2].input = 1;
  ops[2].soleReader = true;
  for (Fusion fusion : {Fusion::elementwise, Fusion::block}) {
    Steps steps;
    for (auto [index, op] : llvm::enumerate(ops))
      addStep(op, uint32_t(index), steps);
    steps[0].kernels = 1;
    steps[1].kernels = 4;
    steps[2].kernels = 1;
    PlanPoint plan;
    plan.set(PlanClass::fusion, PlanValue(fusion));
    joinKernels(ops, plan, steps);
    EXPECT_DOUBLE_EQ(steps[0].kernels, 1);
    EXPECT_DOUBLE_EQ(steps[1].kernels, 4);
    EXPECT_DOUBLE_EQ(steps[1].residentBytes, 0);
    EXPECT_DOUBLE_EQ(steps[2].kernels, 1);
  }
}
