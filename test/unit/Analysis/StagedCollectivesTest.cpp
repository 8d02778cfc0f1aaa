//===- StagedCollectivesTest.cpp - staged formulas against a simulation ---===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference is the message-level simulation of StagedSimulation.h. Closed
// formulas agree within 2 % and never beat the bytes that a chip must receive.
//
//===----------------------------------------------------------------------===//

#include "StagedSimulation.h"

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::mesh,
                                     Algorithm::recursiveDoubling,
                                     Algorithm::kangaRing, Algorithm::ring};

const std::vector<std::vector<int64_t>> kShapes = {
    {2}, {4}, {4, 2}, {4, 4}, {4, 4, 4}};

} // namespace

TEST(StagedCollectives, PassesEqualSimulation) {
  for (Algorithm algorithm : kAlgorithms)
    for (const std::vector<int64_t> &shape : kShapes) {
      Machine machine = torusOf(shape);
      double payload = 8e6;
      double simulated = simulate(algorithm, machine, payload);
      double pass = secondsOf(
          stagedLoad(OpKind::allGather, algorithm, wholeOf(machine), payload),
          machine);
      EXPECT_NEAR(pass, simulated, 0.02 * simulated)
          << spell(algorithm).str() << " on " << shape.size() << " axes of "
          << shape[0] << ", last " << shape.back();
      double both = secondsOf(
          stagedLoad(OpKind::allReduce, algorithm, wholeOf(machine), payload),
          machine);
      EXPECT_DOUBLE_EQ(both, 2 * pass);
    }
}

TEST(StagedCollectives, ExchangeEqualsSimulation) {
  for (const std::vector<int64_t> &shape : kShapes) {
    Machine machine = torusOf(shape);
    double payload = 8e6;
    Simulation simulation(machine);
    simulation.forEachChip([&](const Place &from) {
      simulation.forEachChip([&](const Place &to) {
        simulation.send(from, to, payload / double(machine.chips()));
      });
    });
    double simulated = simulation.seconds();
    LinkLoad load = stagedLoad(OpKind::allToAllV, Algorithm::dimensionOrdered,
                               wholeOf(machine), payload);
    EXPECT_NEAR(secondsOf(load, machine), simulated, 0.02 * simulated)
        << shape.size() << " axes of " << shape[0];
  }
}

// A chip must receive (n - 1) / n of the data through all its links in each
// pass: four of 128 GB/s and two of 64 on three axes.
TEST(StagedCollectives, NoAlgorithmBeatsTheBytesThatAChipReceives) {
  for (Algorithm algorithm : kAlgorithms)
    for (const std::vector<int64_t> &shape : kShapes) {
      Machine machine = torusOf(shape);
      double n = double(machine.chips()), payload = 8e6, rate = 0;
      for (size_t axis = 0; axis < shape.size(); ++axis)
        rate += (shape[axis] > 2 ? 2 : 1) * (axis == 2 ? kRate / 2 : kRate);
      EXPECT_GE(secondsOf(stagedLoad(OpKind::allReduce, algorithm,
                                     wholeOf(machine), payload),
                          machine),
                2 * payload * (n - 1) / n / rate * (1 - 1e-9));
    }
}

TEST(StagedCollectives, HopsByHand) {
  auto hops = [](Algorithm algorithm, const Machine &machine) {
    return stagedLoad(OpKind::allGather, algorithm, wholeOf(machine), 1).hops;
  };
  Machine server = torusOf({4, 4}), pod = torusOf({4, 4, 4});
  // All pairs at once: one hop per stage.
  EXPECT_EQ(hops(Algorithm::mesh, server), 1);
  EXPECT_EQ(hops(Algorithm::mesh, pod), 2);
  // log2 of 16 and 4, and one among the ranks of a chip.
  EXPECT_EQ(hops(Algorithm::recursiveDoubling, server), 4 + 1);
  EXPECT_EQ(hops(Algorithm::recursiveDoubling, pod), 4 + 1 + 2);
  // 64 ranks in a ring, or every other one of them; then four servers.
  EXPECT_EQ(hops(Algorithm::ring, server), 63);
  EXPECT_EQ(hops(Algorithm::kangaRing, server), 31);
  EXPECT_EQ(hops(Algorithm::kangaRing, pod), 31 + 3);
}

// facts hardware 5.1: 7.34 MB per rank. 4x4: 7.34e6 * 4 / 8 / 128e9 = 28.7 us;
// 4x4x4, where the slow axis binds: over 64e9, 57.3 us.
TEST(StagedCollectives, ExchangeMeetsThePublishedBounds) {
  double payload = 128 * 8 * 7168.0;
  for (auto [shape, us] : std::vector<std::pair<std::vector<int64_t>, double>>{
           {{4, 4}, 28.7}, {{4, 4, 4}, 57.3}}) {
    Machine machine = torusOf(shape);
    LinkLoad load = stagedLoad(OpKind::allToAllV, Algorithm::dimensionOrdered,
                               wholeOf(machine), payload);
    EXPECT_NEAR(secondsOf(load, machine) * 1e6, us, 0.05);
  }
}

// Two levels: 0.5 of the data on the fast links, then 0.5 on the slow ones; 15
// and 3 messages by four ranks instead of 63.
TEST(StagedCollectives, HierarchicalExchangeByHand) {
  StagedGroup group = wholeOf(torusOf({4, 4, 4}));
  LinkLoad load =
      stagedLoad(OpKind::allToAllV, Algorithm::hierarchical, group, 800);
  EXPECT_DOUBLE_EQ(load.axisBytes[0], 400);
  EXPECT_DOUBLE_EQ(load.axisBytes[2], 400);
  EXPECT_EQ(load.starts, 2);
  EXPECT_EQ(load.extraMessages, 3 + 0);
  LinkLoad direct =
      stagedLoad(OpKind::allToAllV, Algorithm::dimensionOrdered, group, 800);
  EXPECT_EQ(direct.axisBytes[0], 0);
  EXPECT_DOUBLE_EQ(direct.axisBytes[2], 400);
  EXPECT_EQ(direct.extraMessages, 15);
}

// The runtime changes from mesh to recursive doubling at 1 MB. With hops of 1.5
// us and 80 % of the link, two hops and 1.0 of the data against ten and 15 / 32
// meet at 8 * 1.5e-6 * 102.4e9 / (17 / 32) = 2.3 MB.
TEST(StagedCollectives, MeshAndDoublingMeetNearTheLimitOfTheRuntime) {
  Machine server = torusOf({4, 4});
  auto seconds = [&](Algorithm algorithm, double bytes) {
    LinkLoad load =
        stagedLoad(OpKind::allReduce, algorithm, wholeOf(server), bytes);
    return load.hops * 1.5e-6 + secondsOf(load, server) / 0.8;
  };
  EXPECT_NEAR(seconds(Algorithm::mesh, 2.313e6),
              seconds(Algorithm::recursiveDoubling, 2.313e6), 1e-8);
  EXPECT_LT(seconds(Algorithm::mesh, 1e6),
            seconds(Algorithm::recursiveDoubling, 1e6));
  EXPECT_LT(seconds(Algorithm::recursiveDoubling, 5e6),
            seconds(Algorithm::mesh, 5e6));
}

// A port sends 7/8 of 800 bytes twice in an all-reduce, whatever the algorithm;
// a ring of all 32 ranks 31/32.
TEST(StagedCollectives, SwitchByHand) {
  StagedGroup group = wholeOf(switchOf(8));
  auto bytes = [&](Algorithm algorithm) {
    return stagedLoad(OpKind::allReduce, algorithm, group, 800).bottleneckBytes;
  };
  EXPECT_DOUBLE_EQ(bytes(Algorithm::mesh), 1400);
  EXPECT_DOUBLE_EQ(bytes(Algorithm::recursiveDoubling), 1400);
  EXPECT_DOUBLE_EQ(bytes(Algorithm::ring), 1550);
  EXPECT_DOUBLE_EQ(bytes(Algorithm::kangaRing), 1500);
}

TEST(StagedCollectives, AGroupOfOneCostsNothing) {
  std::optional<StagedGroup> group = stagedGroup(torusOf({4, 4}), {1, 1});
  ASSERT_TRUE(group.has_value());
  LinkLoad load = stagedLoad(OpKind::allReduce, Algorithm::mesh, *group, 800);
  EXPECT_EQ(load.starts, 0);
  EXPECT_EQ(load.bottleneckBytes, 0);
}

TEST(StagedGroup, IsWholeAxesFirstAxisFirst) {
  Machine pod = torusOf({4, 4, 4});
  EXPECT_EQ(stagedGroup(pod, {16, 1})->stages.size(), 1u);
  EXPECT_EQ(stagedGroup(pod, {4, 16})->stages.front().axis, 2);
  EXPECT_EQ(stagedGroup(pod, {64, 1})->stages.size(), 2u);
  EXPECT_FALSE(stagedGroup(pod, {8, 1}).has_value());
  EXPECT_FALSE(stagedGroup(pod, {4, 2}).has_value());
  pod.topology.wraps[2] = false;
  EXPECT_FALSE(stagedGroup(pod, {64, 1}).has_value());
  EXPECT_TRUE(stagedGroup(pod, {16, 1}).has_value());
}

// Servers of four: two of a server, whole servers, or one place in each.
TEST(StagedGroup, IsAlikeForAllServers) {
  Machine machine = switchOf(144, 4);
  for (Group legal : {Group{2, 1}, Group{2, 2}, Group{4, 1}, Group{12, 1},
                      Group{9, 4}, Group{144, 1}, Group{6, 2}})
    EXPECT_TRUE(stagedGroup(machine, legal).has_value())
        << legal.size << " by " << legal.stride;
  // Three and one of a server; places 0 and 2 in turn.
  for (Group odd : {Group{3, 1}, Group{6, 1}, Group{18, 1}, Group{4, 6}})
    EXPECT_FALSE(stagedGroup(machine, odd).has_value())
        << odd.size << " by " << odd.stride;
}

TEST(StagedGroup, DoublesRecursivelyBetweenNeighbours) {
  EXPECT_TRUE(doublesRecursively(wholeOf(torusOf({4, 2}))));
  EXPECT_FALSE(doublesRecursively(wholeOf(torusOf({8}))));
  EXPECT_TRUE(doublesRecursively(wholeOf(switchOf(16))));
  EXPECT_FALSE(doublesRecursively(wholeOf(switchOf(12))));
}
