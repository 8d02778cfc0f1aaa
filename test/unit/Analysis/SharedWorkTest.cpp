//===- SharedWorkTest.cpp - work of layers that share ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/LocalOp.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

/// 2 sequences of 3 new tokens after 10, 4 heads in 2 groups, widths 8 and 6.
LocalOp attention() {
  LocalOp op;
  op.kind = OpKind::attention;
  op.sequences = 2;
  op.newTokens = 3;
  op.rows = 6;
  op.heads = 4;
  op.kvHeads = 2;
  op.inner = 8;
  op.outer = 6;
  op.context = 10;
  return op;
}

/// 1 sequence of 1 token after 100, 2 heads, latent 8 with 4 rotated, keys 6
/// and values 5, an index of 3 heads of 7 that chooses 16 keys.
LocalOp latentAttention() {
  LocalOp op;
  op.kind = OpKind::latentAttention;
  op.absorbed = true;
  op.sequences = op.newTokens = 1;
  op.rows = 1;
  op.heads = 2;
  op.kvHeads = 1;
  op.inner = 8;
  op.ropeWidth = 4;
  op.keyWidth = 6;
  op.outer = 5;
  op.context = 100;
  op.topKeys = 16;
  op.indexHeads = 3;
  op.indexWidth = 7;
  return op;
}

} // namespace

// A cache that another attention keeps is read, new tokens included, and not
// written; keys and values are no operands. 28 elements per token and cache:
// 2 * 13 * 28 against 2 * 10 * 28 elements of 2 bytes.
TEST(SharedWork, ABorrowedCacheIsOnlyRead) {
  LocalOp op = attention();
  Work own = workOf(op);
  op.borrows = true;
  Work borrowed = workOf(op);
  EXPECT_DOUBLE_EQ(own.cacheReadBytes, 2 * 10 * 28 * 2);
  EXPECT_DOUBLE_EQ(borrowed.cacheReadBytes, 2 * 13 * 28 * 2);
  EXPECT_DOUBLE_EQ(own.cacheWriteBytes, 6 * 28 * 2);
  EXPECT_DOUBLE_EQ(borrowed.cacheWriteBytes, 0);
  EXPECT_DOUBLE_EQ(own.activationInBytes, 6 * (32 + 28) * 2);
  EXPECT_DOUBLE_EQ(borrowed.activationInBytes, 6 * 32 * 2);
  EXPECT_DOUBLE_EQ(borrowed.matmulOperations, own.matmulOperations);
  EXPECT_DOUBLE_EQ(borrowed.activationOutBytes, own.activationOutBytes);
}

// A choice that is handed on is 16 positions of 4 bytes; who takes it neither
// scores nor caches keys of an index (101 keys, 3 heads of 7).
TEST(SharedWork, AChoiceIsMadeOnce) {
  LocalOp op = latentAttention();
  Work alone = workOf(op);
  op.yieldsChoice = true;
  Work yields = workOf(op);
  EXPECT_DOUBLE_EQ(yields.activationOutBytes,
                   alone.activationOutBytes + 16 * 4);
  EXPECT_DOUBLE_EQ(yields.matmulOperations, alone.matmulOperations);
  op.yieldsChoice = false;
  op.indexHeads = op.indexWidth = 0;
  Work takes = workOf(op);
  EXPECT_DOUBLE_EQ(takes.matmulOperations,
                   alone.matmulOperations - 2.0 * 101 * 3 * 7);
  EXPECT_DOUBLE_EQ(takes.vectorOperations,
                   alone.vectorOperations - 101 * (3 * 3 + 1));
  EXPECT_DOUBLE_EQ(takes.cacheReadBytes, 16 * 12 * 2);
  EXPECT_DOUBLE_EQ(alone.cacheReadBytes, (16 * 12 + 100 * 7) * 2);
  EXPECT_DOUBLE_EQ(takes.cacheWriteBytes, 12 * 2);
  EXPECT_DOUBLE_EQ(takes.activationInBytes,
                   alone.activationInBytes - (3 * 7 + 3 + 7) * 2 + 16 * 4);
}

TEST(SharedWork, FlagsTellOpsApart) {
  LocalOp op = attention(), other = attention();
  other.borrows = true;
  EXPECT_NE(op, other);
  op = latentAttention(), other = latentAttention();
  other.yieldsChoice = true;
  EXPECT_NE(op, other);
}
