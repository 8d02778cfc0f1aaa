//===- FabricTest.cpp - mailboxes, counts and failures --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RankContext.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

std::vector<char> letters(char letter, size_t count) {
  return std::vector<char>(count, letter);
}

std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

constexpr std::chrono::milliseconds kShort(50);

} // namespace

TEST(Fabric, MessagesArriveInOrder) {
  ThreadFabric fabric(2);
  std::vector<char> first(3), second(1);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    if (rank == 0) {
      fabric.send(rank, 1, OpKind::send, letters('a', 3));
      fabric.send(rank, 1, OpKind::send, letters('b', 1));
    } else {
      fabric.receive(rank, 0, OpKind::send, first);
      fabric.receive(rank, 0, OpKind::send, second);
    }
    return llvm::Error::success();
  });
  EXPECT_EQ(messageOf(std::move(error)), "");
  EXPECT_EQ(first, letters('a', 3));
  EXPECT_EQ(second, letters('b', 1));
}

TEST(Fabric, ASentTensorIsACopy) {
  ThreadFabric fabric(2);
  std::vector<char> got(1);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    if (rank == 0) {
      std::vector<char> own = letters('a', 1);
      fabric.send(rank, 1, OpKind::send, own);
      own[0] = 'z';
    } else {
      fabric.receive(rank, 0, OpKind::send, got);
    }
    return llvm::Error::success();
  });
  EXPECT_EQ(messageOf(std::move(error)), "");
  EXPECT_EQ(got, letters('a', 1));
}

TEST(RankContext, PeersOfAStridedGroup) {
  // The second stage of 6 ranks: its rank 7 is rank 1 of the stage; the group
  // of 3 with stride 2 is {7, 9, 11}.
  ThreadFabric fabric(12);
  Wiring wiring = Wiring::ofSwitch(6);
  RankContext rank(fabric, wiring, {}, 7);
  EXPECT_EQ(rank.member({3, 2}), 0);
  EXPECT_EQ(rank.peer({3, 2}, 2), 11);
}

TEST(RankContext, CountsBytesByKindAndReceiver) {
  ThreadFabric fabric(3);
  Wiring wiring = Wiring::ofSwitch(3);
  RankContext rank(fabric, wiring, {}, 0);
  rank.begin(-1, OpKind::allReduce, {3, 1});
  rank.count(5);
  rank.countSent(1, 0, 2);
  rank.countSent(2, 0, 2);
  rank.countSent(1, 0, 1);
  rank.begin(-1, OpKind::allReduce, {3, 1});
  rank.count(7);
  Traffic traffic = trafficOf(rank.log);
  EXPECT_EQ(traffic[unsigned(OpKind::allReduce)], 12);
  EXPECT_EQ(traffic[unsigned(OpKind::allGather)], 0);
  ASSERT_EQ(rank.log.front().sent.size(), 2u);
  EXPECT_EQ(rank.log.front().sent[0].bytes, 3);
  EXPECT_EQ(rank.log.front().sent[1].to, 2);
}

TEST(Fabric, WaitingTooLongIsAnError) {
  // Both ranks wait, so neither has ended.
  ThreadFabric fabric(2, kShort);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    std::vector<char> room(4, 'x');
    fabric.receive(rank, 1 - rank, OpKind::allReduce, room);
    EXPECT_EQ(room, std::vector<char>(4, 0));
    return llvm::Error::success();
  });
  std::string message = messageOf(std::move(error));
  EXPECT_NE(message.find("got none within 50 ms"), std::string::npos)
      << message;
}

TEST(Fabric, WaitingForARankThatEndedIsAnError) {
  ThreadFabric fabric(2);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    std::vector<char> room(4);
    if (rank == 1)
      fabric.receive(rank, 0, OpKind::allGather, room);
    return llvm::Error::success();
  });
  EXPECT_EQ(
      messageOf(std::move(error)),
      "rank 1: all_gather expects 4 bytes from rank 0, got the end of its "
      "program");
}

TEST(Fabric, AnErrorOnOneRankStopsAll) {
  ThreadFabric fabric(3);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    if (rank == 2)
      return llvm::createStringError("out of cheese");
    // Ranks 0 and 1 wait for each other: only the error ends this.
    std::vector<char> room(1);
    fabric.receive(rank, 1 - rank, OpKind::send, room);
    return llvm::Error::success();
  });
  EXPECT_EQ(messageOf(std::move(error)), "rank 2: out of cheese");
}

TEST(Fabric, DifferentCollectivesDoNotMatch) {
  ThreadFabric fabric(2);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    std::vector<char> room(4);
    if (rank == 0)
      fabric.send(rank, 1, OpKind::allReduce, letters('a', 4));
    else
      fabric.receive(rank, 0, OpKind::allGather, room);
    return llvm::Error::success();
  });
  EXPECT_EQ(messageOf(std::move(error)),
            "rank 1: all_gather expects 4 bytes from rank 0, got 4 bytes of "
            "all_reduce");
}

TEST(Fabric, AMessageThatNobodyReceivesIsAnError) {
  ThreadFabric fabric(2);
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    if (rank == 0)
      fabric.send(rank, 1, OpKind::send, letters('a', 4));
    return llvm::Error::success();
  });
  EXPECT_EQ(messageOf(std::move(error)),
            "rank 1 has not received send from rank 0");
}
