//===- PooledWorkTest.cpp - work of streams and pooled keys by hand -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModels.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::test;

namespace {

// Two tokens of 4 streams of 8: 24 columns of 32 elements; per element a square
// and a multiply-add, per column a scale and a shift, per element of the matrix
// a softmax and 20 rounds of two sums and two divisions.
TEST(PooledWork, ReadStreamsByHand) {
  LocalOp op;
  op.kind = OpKind::readStreams;
  op.rows = 2;
  op.inner = 4;
  op.outer = 8;
  op.chunk = 20;
  op.weight = Format::f32;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.matmulOperations, 2 * 2 * 32 * 24);
  EXPECT_DOUBLE_EQ(work.vectorOperations,
                   2 * (4 * 32 + 2 * 24 + 16 * (4 + 4 * 20)));
  EXPECT_DOUBLE_EQ(work.transcendentalOperations, 2 * 24);
  // 33 rows of 24, and 3 scales.
  EXPECT_DOUBLE_EQ(work.weightBytes, (33 * 24 + 3) * 4);
  EXPECT_DOUBLE_EQ(residentWeightBytes(op), (33 * 24 + 3) * 4);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 2 * 32 * 2);
  // The stream in 16 bits, what is written and the matrix in 32.
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 2 * (8 * 2 + 20 * 4));
  // The last read has 4 columns, a scale and no matrix.
  op.chunk = 0;
  EXPECT_DOUBLE_EQ(workOf(op).matmulOperations, 2 * 2 * 32 * 4);
  EXPECT_DOUBLE_EQ(workOf(op).weightBytes, (33 * 4 + 1) * 4);
  EXPECT_DOUBLE_EQ(workOf(op).activationOutBytes, 2 * 8 * 2);
}

// Each of 32 elements is five multiply-adds.
TEST(PooledWork, WriteStreamsByHand) {
  LocalOp op;
  op.kind = OpKind::writeStreams;
  op.rows = 2;
  op.inner = 4;
  op.outer = 8;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.vectorOperations, 2 * 32 * 5 * 2);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 2 * (32 * 2 + 8 * 2 + 20 * 4));
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 2 * 32 * 2);
}

// Three sequences with a token each, entries of two windows of 4 tokens, 16
// wide: a fourth of an entry each, of 8 rows.
TEST(PooledWork, PoolKeysByHand) {
  LocalOp op;
  op.kind = OpKind::poolKeys;
  op.rows = 3;
  op.inner = 8;
  op.outer = 16;
  op.chunk = 4;
  op.ropeWidth = 4;
  op.sequences = 3;
  op.newTokens = 1;
  op.weight = Format::f32;
  op.cache = Format::bf16;
  Work work = workOf(op);
  double entries = 0.75;
  EXPECT_DOUBLE_EQ(work.vectorOperations,
                   entries * (7 * 8 * 16 + 4 * 16 + 3 * 4));
  EXPECT_DOUBLE_EQ(work.transcendentalOperations, entries * 8 * 16);
  // 4 places of 32 columns, and a gain.
  EXPECT_DOUBLE_EQ(work.weightBytes, (4 * 32 + 16) * 4);
  // Values and scores of 32 columns.
  EXPECT_DOUBLE_EQ(work.activationInBytes, 3 * 64 * 2);
  EXPECT_DOUBLE_EQ(work.cacheReadBytes, entries * 8 * 2 * 16 * 4);
  EXPECT_DOUBLE_EQ(work.cacheWriteBytes, 3 * 64 * 4 + entries * 16 * 2);
  EXPECT_DOUBLE_EQ(stateBytes(op), 3 * 8 * 64 * 4);
  // A prompt of 40 leaves the rows of its last 8 tokens.
  op.rows = 120;
  op.newTokens = 40;
  EXPECT_DOUBLE_EQ(workOf(op).cacheWriteBytes, 3 * 8 * 64 * 4 + 30 * 16 * 2);
  EXPECT_DOUBLE_EQ(workOf(op).cacheReadBytes, 3 * 8 * 2 * 16 * 4);
}

/// Keys that one sequence's new tokens attend to, one by one.
double attendedOneByOne(const LocalOp &op, bool scoredByIndex) {
  double sum = 0;
  for (int64_t seen = op.context + 1; seen <= op.context + op.newTokens;
       ++seen) {
    int64_t entries = op.chunk > 0 ? seen / op.chunk : 0;
    if (scoredByIndex) {
      sum += double(entries);
      continue;
    }
    if (op.topKeys > 0)
      entries = std::min(entries, op.topKeys);
    sum += double(std::min(seen, op.window) + entries);
  }
  return sum;
}

TEST(PooledWork, PooledAttentionSeesWhatEachTokenSees) {
  LocalOp op;
  op.kind = OpKind::pooledAttention;
  op.heads = 2;
  op.kvHeads = 1;
  op.inner = 8;
  op.window = 6;
  op.sequences = 1;
  for (int64_t ratio : {0, 1, 3, 4})
    for (int64_t top : {0, 1, 2, 50})
      for (int64_t context : {0, 1, 5, 6, 11, 40})
        for (int64_t fresh : {1, 2, 7, 25}) {
          op.chunk = ratio;
          op.topKeys = ratio > 0 ? top : 0;
          op.indexHeads = op.topKeys > 0 ? 3 : 0;
          op.indexWidth = op.topKeys > 0 ? 5 : 0;
          op.context = context;
          op.newTokens = fresh;
          op.rows = double(fresh);
          Work work = workOf(op);
          double scores = 2 * attendedOneByOne(op, false);
          EXPECT_DOUBLE_EQ(work.transcendentalOperations, scores);
          double index =
              op.topKeys > 0 ? 2 * attendedOneByOne(op, true) * 3 * 5 : 0;
          EXPECT_DOUBLE_EQ(work.matmulOperations, 2 * scores * 16 + index);
        }
}

// 10 past tokens and one more: 4 keys of the window and 1 of 2 entries that are
// read for their 3 queries of the index.
TEST(PooledWork, PooledAttentionReadsByHand) {
  LocalOp op;
  op.kind = OpKind::pooledAttention;
  op.rows = 2;
  op.heads = 2;
  op.kvHeads = 1;
  op.inner = 8;
  op.window = 4;
  op.chunk = 5;
  op.topKeys = 1;
  op.indexHeads = 3;
  op.indexWidth = 6;
  op.sequences = 2;
  op.context = 10;
  op.newTokens = 1;
  op.cache = Format::bf16;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.cacheReadBytes, 2 * ((4 + 1) * 8 + 2 * 6) * 2);
  EXPECT_DOUBLE_EQ(work.cacheWriteBytes, 2 * 8 * 2);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 2 * (3 * 8 + 3 * 7) * 2);
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 2 * 16 * 2);
}

// 3 sequences of 111 tokens in 4 layers: 16 keys of 8 elements; 111 / 4 = 27
// entries of 8 and of 3 for an index; the rows of 8 tokens, 2 * 2 * 8 numbers
// of 32 bits each.
TEST(PooledMemory, WindowEntriesAndRowsByHand) {
  ModelShape model = tinyMoe();
  model.pooledAttention = true;
  ModelOp pool = modelOp(OpKind::poolKeys, 8, 8);
  pool.local.chunk = 4;
  pool.local.weight = Format::f32;
  for (ModelOp &op : model.layers[0].ops)
    if (op.local.kind == OpKind::attention) {
      LocalOp attention;
      attention.kind = OpKind::pooledAttention;
      attention.inner = 8;
      attention.heads = 8;
      attention.kvHeads = 1;
      attention.window = 16;
      attention.chunk = 4;
      attention.topKeys = 5;
      attention.indexHeads = 2;
      attention.indexWidth = 3;
      op.local = attention;
    }
  model.layers[0].ops.insert(model.layers[0].ops.begin(), pool);
  Workload workload;
  workload.contextTokens = 100;
  workload.outputTokens = 20;
  PlanPoint plan = plainPlan();
  MemoryUse use = memoryUse(
      model, plan, llvm::cantFail(deploymentOf(plan, 1, 1)), workload, 3);
  EXPECT_DOUBLE_EQ(use.cacheBytes,
                   4 * 3 * ((16 * 8 + 27 * (8 + 3)) * 2.0 + 8 * 32 * 4));
}

// Parts of 3 rows of 8 elements by 4 matrices 2 x 5.
TEST(PooledWork, GroupedLinearByHand) {
  LocalOp op;
  op.kind = OpKind::linear;
  op.rows = 3;
  op.heads = 4;
  op.inner = 2;
  op.outer = 20;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.matmulOperations, 2 * 3 * 4 * 2 * 5);
  EXPECT_DOUBLE_EQ(work.weightBytes, 4 * 2 * 5 * 2);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 3 * 8 * 2);
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 3 * 20 * 2);
}

} // namespace
