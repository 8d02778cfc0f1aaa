//===- WorkTest.cpp - work of each op by hand -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/LocalOp.h"
#include "gtest/gtest.h"

using namespace portolan;

TEST(Work, LinearByHand) {
  LocalOp op;
  op.kind = OpKind::linear;
  op.rows = 4;
  op.inner = 8;
  op.outer = 16;
  op.weight = Format::fp8;
  op.activation = Format::fp8;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.matmulOperations, 2 * 4 * 8 * 16);
  EXPECT_DOUBLE_EQ(work.weightBytes, 8 * 16);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 4 * 8);
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 4 * 16 * 2); // kept at 16 bits
}

/// As DeepSeek-V3 has it.
static LocalOp oneTokenOfLatentAttention() {
  LocalOp op;
  op.kind = OpKind::latentAttention;
  op.sequences = 1;
  op.rows = op.newTokens = 1;
  op.heads = 128;
  op.inner = 512;
  op.ropeWidth = 64;
  op.keyWidth = op.outer = 128;
  return op;
}

// methods C4: absorbed MLA costs 2h(dc+dr) + 2h dc = 2*128*(576+512) = 278,528
// operations per context token and query.
TEST(Work, AbsorbedLatentAttentionPerContextToken) {
  LocalOp op = oneTokenOfLatentAttention();
  op.absorbed = true;
  op.context = 1000;
  Work one = workOf(op);
  op.context = 1001;
  Work two = workOf(op);
  EXPECT_DOUBLE_EQ(two.matmulOperations - one.matmulOperations, 278528);
  // 576 bf16 elements of cache.
  EXPECT_DOUBLE_EQ(two.cacheReadBytes - one.cacheReadBytes, 1152);
}

// With keys and values in the cache a context token costs what it does in plain
// attention: 2 * 128 * (128 + 64 + 128) operations, 128 * 320 bf16 elements.
// The new token alone is expanded: 2 * 128 * 512 * (128 + 128).
TEST(Work, ExpandedLatentAttentionPerContextToken) {
  LocalOp op = oneTokenOfLatentAttention();
  op.expanded = true;
  op.context = 0;
  Work one = workOf(op);
  EXPECT_DOUBLE_EQ(one.matmulOperations, 81920 + 33554432);
  EXPECT_DOUBLE_EQ(one.cacheWriteBytes, 81920);
  op.context = 1;
  Work two = workOf(op);
  EXPECT_DOUBLE_EQ(two.matmulOperations - one.matmulOperations, 81920);
  EXPECT_DOUBLE_EQ(two.cacheReadBytes - one.cacheReadBytes, 81920);
}

// Llama-3-70B reads 2 * 8 * 128 * 2 bytes per layer and token in bf16.
TEST(Work, GroupedQueryCacheByHand) {
  LocalOp op;
  op.kind = OpKind::attention;
  op.sequences = 3;
  op.rows = 3;
  op.newTokens = 1;
  op.heads = 64;
  op.kvHeads = 8;
  op.inner = op.outer = 128;
  op.context = 100;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.cacheReadBytes, 3.0 * 100 * 8 * 256 * 2);
  EXPECT_DOUBLE_EQ(work.cacheWriteBytes, 3.0 * 8 * 256 * 2);
  // Each query sees 100 past tokens and itself.
  EXPECT_DOUBLE_EQ(work.transcendentalOperations, 3.0 * 101 * 64);
}

// A causal prefill of S tokens attends S (S + 1) / 2 pairs.
TEST(Work, PrefillIsCausal) {
  LocalOp op;
  op.kind = OpKind::attention;
  op.sequences = 1;
  op.rows = op.newTokens = 10;
  op.heads = op.kvHeads = 1;
  op.inner = op.outer = 1;
  EXPECT_DOUBLE_EQ(workOf(op).transcendentalOperations, 55);
}

TEST(Work, OnlyHitExpertsAreRead) {
  LocalOp op;
  op.kind = OpKind::experts;
  op.gated = true;
  op.rows = 2;
  op.inner = 4;
  op.outer = 8;
  op.experts = 16;
  op.hitExperts = 1.5;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.weightBytes, 1.5 * 3 * 4 * 8 * 2);
  EXPECT_DOUBLE_EQ(work.matmulOperations, 2.0 * 2 * 3 * 4 * 8);
  EXPECT_DOUBLE_EQ(residentWeightBytes(op), 16 * 3.0 * 4 * 8 * 2);
}

TEST(Work, ACollectiveOnlySends) {
  LocalOp op;
  op.kind = OpKind::allReduce;
  op.group = {8, 1};
  op.payloadBytes = 100;
  Work work = workOf(op);
  EXPECT_EQ(work.bytes(), 0);
  EXPECT_EQ(work.message.pattern, OpKind::allReduce);
  EXPECT_EQ(work.message.bytes, 100);
}

TEST(Work, EveryKindHasAName) {
  for (unsigned kind = 0; kind < kNumOpKinds; ++kind)
    EXPECT_FALSE(spell(OpKind(kind)).empty());
}
