//===- BlocksTest.cpp - exact division over ranks -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <numeric>

using namespace portolan;
using namespace portolan::spmd;

using Sizes = llvm::SmallVector<int64_t>;

TEST(Blocks, EighteenRowsOverFourRanks) {
  // 18 = 4 * 4 + 2: the first two ranks take one more.
  EXPECT_EQ(blockSizes(18, 4), (Sizes{5, 5, 4, 4}));
  EXPECT_EQ(blockOffset(18, 4, 0), 0);
  EXPECT_EQ(blockOffset(18, 4, 1), 5);
  EXPECT_EQ(blockOffset(18, 4, 2), 10);
  EXPECT_EQ(blockOffset(18, 4, 3), 14);
}

TEST(Blocks, TwoHundredFiftySixExpertsOverSeventyTwoRanks) {
  // 256 = 72 * 3 + 40: 40 ranks with 4 experts, 32 with 3.
  Sizes sizes = blockSizes(256, 72);
  EXPECT_EQ(llvm::count(sizes, 4), 40);
  EXPECT_EQ(llvm::count(sizes, 3), 32);
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), int64_t(0)), 256);
  EXPECT_EQ(blockOffset(256, 72, 40), 160);
}

TEST(Blocks, FewerThanRanks) {
  EXPECT_EQ(blockSizes(2, 4), (Sizes{1, 1, 0, 0}));
  EXPECT_EQ(blockOffset(2, 4, 3), 2);
}

TEST(Blocks, GroupOfAdjacentRanks) {
  // Ranks 4..7 form the second group of four neighbours.
  Group group{4, 1};
  EXPECT_EQ(memberOf(group, 6), 2);
  EXPECT_EQ(rankOf(group, 6, 0), 4);
  EXPECT_EQ(rankOf(group, 6, 3), 7);
}

TEST(Blocks, GroupWithStride) {
  // Three ranks, four apart: rank 5 is in {1, 5, 9}.
  Group group{3, 4};
  EXPECT_EQ(memberOf(group, 5), 1);
  EXPECT_EQ(rankOf(group, 5, 0), 1);
  EXPECT_EQ(rankOf(group, 5, 2), 9);
}

TEST(Blocks, EveryRankIsInOneGroup) {
  // 24 ranks in groups of 3 with stride 4: each base appears three times.
  Group group{3, 4};
  std::vector<int> seen(24, 0);
  for (int64_t rank = 0; rank < 24; ++rank)
    ++seen[rankOf(group, rank, 0)];
  EXPECT_EQ(llvm::count(seen, 3), 8);
  EXPECT_EQ(llvm::count(seen, 0), 16);
}

TEST(Shard, SliceOfHeadsIsInWholeUnits) {
  mlir::MLIRContext context;
  context.loadDialect<SpmdDialect>();
  // 6 heads of 16 over 4 ranks: 2, 2, 1 and 1 heads.
  auto shard = ShardAttr::get(&context, {1, 4}, {1, 1}, {1, 16}, {});
  using Slice = std::pair<int64_t, int64_t>;
  EXPECT_EQ(shard.sliceOf(0, 64, 3), Slice(0, 64));
  EXPECT_EQ(shard.sliceOf(1, 96, 0), Slice(0, 32));
  EXPECT_EQ(shard.sliceOf(1, 96, 2), Slice(64, 16));
  EXPECT_EQ(shard.sliceOf(1, 96, 3), Slice(80, 16));
}

TEST(Shard, NeighboursHoldCopiesWhereHeadsAreFewer) {
  mlir::MLIRContext context;
  context.loadDialect<SpmdDialect>();
  // 2 key-value heads over 8 ranks: ranks 0..3 hold the first.
  auto shard = ShardAttr::get(&context, {2}, {4}, {1}, {});
  EXPECT_EQ(shard.sliceOf(0, 2, 3).first, 0);
  EXPECT_EQ(shard.sliceOf(0, 2, 4).first, 1);
  EXPECT_EQ(shard.sliceOf(0, 2, 7).second, 1);
}
