//===- RecurrenceWorkTest.cpp - work of states of fixed size by hand ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/LocalOp.h"
#include "portolan/Target/StepRules.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

/// 3 sequences of `tokens` new tokens, 4 heads in 2 groups, states of 8 x 16 in
/// f32.
LocalOp recurrence(RecurrenceKind kind, int64_t tokens) {
  LocalOp op;
  op.kind = OpKind::recurrence;
  op.recurrence = kind;
  op.sequences = 3;
  op.newTokens = tokens;
  op.rows = double(3 * tokens);
  op.heads = 4;
  op.kvHeads = 2;
  op.inner = 8;
  op.outer = 16;
  op.chunk = 32;
  op.cache = Format::f32;
  return op;
}

/// Operations of the matmuls that an engine is given.
double issued(const LocalOp &op) {
  Matmuls matmuls = matmulsOf(op);
  double sum = 0;
  for (unsigned i = 0; i < matmuls.size; ++i) {
    const Matmul &item = matmuls.items[i];
    sum += 2 * item.count * item.rows * double(item.contraction) *
           double(item.columns);
  }
  return sum;
}

} // namespace

// A state has 4 * 8 * 16 = 512 entries, 2048 bytes; it is read and written once
// per sequence and step, however many tokens there are.
TEST(RecurrenceWork, StatesMoveOncePerStep) {
  for (int64_t tokens : {1, 64}) {
    Work work = workOf(recurrence(RecurrenceKind::delta, tokens));
    EXPECT_DOUBLE_EQ(work.cacheReadBytes, 3 * 2048);
    EXPECT_DOUBLE_EQ(work.cacheWriteBytes, 3 * 2048);
  }
  EXPECT_DOUBLE_EQ(stateBytes(recurrence(RecurrenceKind::delta, 1)), 3 * 2048);
}

// One token: decay, write (2), read (2) of each entry; the delta rule reads
// once more before it writes.
TEST(RecurrenceWork, OneTokenIsVectorWork) {
  Work plain = workOf(recurrence(RecurrenceKind::stateSpace, 1));
  EXPECT_DOUBLE_EQ(plain.matmulOperations, 0);
  EXPECT_DOUBLE_EQ(plain.vectorOperations, 3 * 512 * 5);
  Work delta = workOf(recurrence(RecurrenceKind::delta, 1));
  EXPECT_DOUBLE_EQ(delta.vectorOperations, 3 * 512 * 7);
  EXPECT_EQ(matmulsOf(recurrence(RecurrenceKind::delta, 1)).size, 0u);
}

// softplus (2) and exponential per head: 3 rows * 4 heads * 3; with a decay per
// row of the state 3 * 32 * 3; a constant decay needs none. The delta rule's
// strength is one more per head.
TEST(RecurrenceWork, DecaysAreTranscendental) {
  auto count = [](RecurrenceKind kind) {
    return workOf(recurrence(kind, 1)).transcendentalOperations;
  };
  EXPECT_DOUBLE_EQ(count(RecurrenceKind::stateSpace), 36);
  EXPECT_DOUBLE_EQ(count(RecurrenceKind::delta), 36 + 12);
  EXPECT_DOUBLE_EQ(count(RecurrenceKind::channelDelta), 288 + 12);
  EXPECT_DOUBLE_EQ(count(RecurrenceKind::fixedDecay), 0);
  // A step per head, a decay per entry of its column: 3 * (2 * 4 + 32).
  EXPECT_DOUBLE_EQ(count(RecurrenceKind::selective), 120);
}

// 64 tokens in chunks of 32: a token sees (32 + 1) / 2 = 16.5 of its chunk.
// Scores and values 2 * 16.5 * (8 + 16) = 792; state read and written
// 4 * 8 * 16 = 512; 1304 for each of 192 rows and 4 heads.
TEST(RecurrenceWork, PromptsAreMatmulsInChunks) {
  Work work = workOf(recurrence(RecurrenceKind::stateSpace, 64));
  EXPECT_DOUBLE_EQ(work.matmulOperations, 192 * 4 * 1304.0);
  // The delta rule: keys against keys 2 * 16.5 * 8 = 264, the solution applied
  // to keys and values 792, keys against the state 256: 1312 more.
  Work delta = workOf(recurrence(RecurrenceKind::delta, 64));
  EXPECT_DOUBLE_EQ(delta.matmulOperations, 192 * 4 * (1304.0 + 1312.0));
}

// Whole chunks, without the mask: 2 * 32 * (8 + 16) + 512 = 2048 per row and
// head; the delta rule twice the keys' part and the rest.
TEST(RecurrenceWork, MatmulsCoverTheWork) {
  LocalOp op = recurrence(RecurrenceKind::stateSpace, 64);
  EXPECT_DOUBLE_EQ(issued(op), 192 * 4 * 2048.0);
  EXPECT_GE(issued(op), workOf(op).matmulOperations);
  LocalOp delta = recurrence(RecurrenceKind::delta, 64);
  EXPECT_DOUBLE_EQ(issued(delta), 192 * 4 * (2048.0 + 512 + 1536 + 256));
  EXPECT_GE(issued(delta), workOf(delta).matmulOperations);
}

// A state that decays by entry has no form of matmuls.
TEST(RecurrenceWork, SelectiveStatesAreScanned) {
  Work work = workOf(recurrence(RecurrenceKind::selective, 64));
  EXPECT_DOUBLE_EQ(work.matmulOperations, 0);
  EXPECT_DOUBLE_EQ(work.vectorOperations, 192 * 512 * 5.0);
}

// 3 sequences keep 3 inputs of 10 channels in bf16; 4 taps are 8 operations and
// the activation 4.
TEST(RecurrenceWork, ShortConvolutionByHand) {
  LocalOp op;
  op.kind = OpKind::shortConvolution;
  op.sequences = op.newTokens = 3;
  op.rows = 9;
  op.inner = 4;
  op.outer = 10;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.vectorOperations, 90 * (8 + 4));
  EXPECT_DOUBLE_EQ(work.weightBytes, 40 * 2);
  EXPECT_DOUBLE_EQ(work.cacheReadBytes, 3 * 3 * 10 * 2);
  EXPECT_DOUBLE_EQ(stateBytes(op), 180);
  EXPECT_DOUBLE_EQ(residentWeightBytes(op), 80);
}

// A gate of 2 for 6 elements is activated twice and multiplied six times; a
// constant factor (or cap) is no operand.
TEST(RecurrenceWork, GatesByHand) {
  LocalOp op;
  op.kind = OpKind::gate;
  op.rows = 1;
  op.outer = 6;
  op.inner = 2;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.vectorOperations, 6 + 4 * 2);
  EXPECT_DOUBLE_EQ(work.transcendentalOperations, 2);
  EXPECT_DOUBLE_EQ(work.activationInBytes, (6 + 2) * 2);
  op.inner = 0;
  EXPECT_DOUBLE_EQ(workOf(op).activationInBytes, 6 * 2);
  EXPECT_DOUBLE_EQ(workOf(op).transcendentalOperations, 6);
}

// Two tokens mix 3 streams of 8 elements: three multiply-adds per element and
// one softmax element per stream; a gain and a query of 8.
TEST(RecurrenceWork, DepthAttentionByHand) {
  LocalOp op;
  op.kind = OpKind::depthAttention;
  op.rows = 2;
  op.inner = 3;
  op.outer = 8;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.vectorOperations, 2 * (6 * 24 + 4 * 3));
  EXPECT_DOUBLE_EQ(work.transcendentalOperations, 2 * 3);
  EXPECT_DOUBLE_EQ(work.weightBytes, 2 * 8 * 2);
  EXPECT_DOUBLE_EQ(work.activationInBytes, 2 * 24 * 2);
  EXPECT_DOUBLE_EQ(work.activationOutBytes, 2 * 8 * 2);
  EXPECT_DOUBLE_EQ(residentWeightBytes(op), 32);
}

// A block of 5 inner elements, 3 rows: 15 gated elements, and each capped part
// is a tanh, a division and a product more.
TEST(RecurrenceWork, CapsByHand) {
  LocalOp op;
  op.kind = OpKind::mlp;
  op.gated = true;
  op.rows = 3;
  op.inner = 4;
  op.outer = 5;
  Work plain = workOf(op);
  op.cappedParts = 2;
  Work capped = workOf(op);
  EXPECT_DOUBLE_EQ(plain.transcendentalOperations, 15);
  EXPECT_DOUBLE_EQ(capped.transcendentalOperations, 15 + 2 * 15);
  EXPECT_DOUBLE_EQ(capped.vectorOperations, plain.vectorOperations + 2 * 30);
  EXPECT_DOUBLE_EQ(capped.bytes(), plain.bytes());
}

// An index of width 4 with one query per group of heads sees all 100 keys and
// itself; the 64 best keys are attended to and read.
TEST(RecurrenceWork, AnIndexChoosesWhatIsRead) {
  LocalOp op;
  op.kind = OpKind::attention;
  op.sequences = op.newTokens = 1;
  op.rows = 1;
  op.heads = 4;
  op.kvHeads = 2;
  op.inner = op.outer = 8;
  op.context = 100;
  op.topK = 64;
  op.keyWidth = 8; // 2 groups * 4
  op.ropeWidth = 4;
  Work work = workOf(op);
  EXPECT_DOUBLE_EQ(work.matmulOperations, 2 * 64 * 4 * 16 + 2 * 101 * 8);
  EXPECT_DOUBLE_EQ(work.cacheReadBytes, (64 * 2 * 16 + 100 * 4) * 2);
  EXPECT_DOUBLE_EQ(work.cacheWriteBytes, (2 * 16 + 4) * 2);
}

// A prompt of 10 with 4 keys each: 1 + 2 + 3 + 4 and then 6 * 4 pairs.
TEST(RecurrenceWork, ShortPrefixesSeeAllTheirKeys) {
  LocalOp op;
  op.kind = OpKind::attention;
  op.sequences = 1;
  op.rows = op.newTokens = 10;
  op.heads = op.kvHeads = 1;
  op.inner = op.outer = 1;
  op.topK = 4;
  EXPECT_DOUBLE_EQ(workOf(op).transcendentalOperations, 34);
}
