//===- CollectivesTest.cpp - closed formulas against a simulation ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference is a message-level simulation written here: every message is
// routed link by link and its bytes are added to each link that it crosses.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Collectives.h"
#include "gtest/gtest.h"
#include <map>

using namespace portolan;

namespace {

/// Bytes per directed link of a torus or mesh, filled by routing messages in
/// dimension order, the shortest way round (ties split evenly).
class TorusSimulation {
public:
  TorusSimulation(std::vector<int64_t> sizes, bool wraps)
      : sizes(std::move(sizes)), wraps(wraps) {}

  int64_t chips() const {
    int64_t product = 1;
    for (int64_t size : sizes)
      product *= size;
    return product;
  }

  void send(int64_t from, int64_t to, double bytes) {
    std::vector<int64_t> at = coordinates(from), goal = coordinates(to);
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      int64_t size = sizes[axis];
      int64_t forward = ((goal[axis] - at[axis]) % size + size) % size;
      if (forward == 0)
        continue;
      if (!wraps) {
        walk(at, axis, goal[axis] > at[axis] ? 1 : -1,
             std::abs(goal[axis] - at[axis]), bytes);
      } else if (2 * forward == size) {
        walk(at, axis, 1, forward, bytes / 2);
        walk(at, axis, -1, forward, bytes / 2);
      } else if (2 * forward < size) {
        walk(at, axis, 1, forward, bytes);
      } else {
        walk(at, axis, -1, size - forward, bytes);
      }
      at[axis] = goal[axis];
    }
  }

  double busiest() const {
    double most = 0;
    for (const auto &entry : load)
      most = std::max(most, entry.second);
    return most;
  }

private:
  std::vector<int64_t> coordinates(int64_t chip) const {
    std::vector<int64_t> result(sizes.size());
    for (int axis = int(sizes.size()) - 1; axis >= 0; --axis) {
      result[axis] = chip % sizes[axis];
      chip /= sizes[axis];
    }
    return result;
  }

  void walk(std::vector<int64_t> at, size_t axis, int direction, int64_t steps,
            double bytes) {
    for (int64_t i = 0; i < steps; ++i) {
      load[{at, axis, direction}] += bytes;
      at[axis] = (at[axis] + direction + sizes[axis]) % sizes[axis];
    }
  }

  std::vector<int64_t> sizes;
  bool wraps;
  std::map<std::tuple<std::vector<int64_t>, size_t, int>, double> load;
};

TorusGroup groupOf(const std::vector<int64_t> &sizes, bool wraps) {
  TorusGroup group;
  for (int64_t size : sizes) {
    group.sizes.push_back(size);
    group.wraps.push_back(wraps);
  }
  return group;
}

} // namespace

// Every chip sends payload / N to every chip, itself included.
TEST(TorusCollectives, AllToAllEqualsSimulation) {
  for (bool wraps : {true, false})
    for (const std::vector<int64_t> &sizes : std::vector<std::vector<int64_t>>{
             {4}, {5}, {8}, {4, 4}, {4, 8}, {3, 5}, {4, 4, 4}, {2, 4, 8}}) {
      TorusSimulation simulation(sizes, wraps);
      int64_t chips = simulation.chips();
      double payload = 1e6;
      for (int64_t from = 0; from < chips; ++from)
        for (int64_t to = 0; to < chips; ++to)
          simulation.send(from, to, payload / double(chips));
      LinkLoad load = torusLoad(OpKind::allToAllV, Algorithm::dimensionOrdered,
                                groupOf(sizes, wraps), payload);
      EXPECT_NEAR(load.bottleneckBytes, simulation.busiest(),
                  0.02 * simulation.busiest())
          << sizes.size() << "-d, first axis " << sizes[0] << " wraps "
          << wraps;
    }
}

// A bidirectional ring gather: in each of n/2 rounds a chip passes the shards
// it got last to both neighbours; a line passes them on to the end.
TEST(TorusCollectives, AllGatherOfOneAxisEqualsSimulation) {
  for (bool wraps : {true, false})
    for (int64_t size : {4, 8, 16}) {
      TorusSimulation simulation({size}, wraps);
      double result = 1e6, shard = result / double(size);
      for (int64_t from = 0; from < size; ++from)
        for (int64_t to = 0; to < size; ++to)
          // Each shard crosses each link once on its way outwards: the message
          // to the next chip is the one that counts.
          if (wraps) {
            int64_t forward = (to - from + size) % size;
            if (forward >= 1 && forward <= size / 2) {
              double part = 2 * forward == size ? shard / 2 : shard;
              simulation.send((to - 1 + size) % size, to, part);
              simulation.send((2 * from - to + 1 + size) % size,
                              (2 * from - to + size) % size, part);
            }
          } else if (to > from) {
            simulation.send(to - 1, to, shard);
          } else if (to < from) {
            simulation.send(to + 1, to, shard);
          }
      LinkLoad load = torusLoad(OpKind::allGather, Algorithm::bidirectionalRing,
                                groupOf({size}, wraps), result);
      EXPECT_NEAR(load.bottleneckBytes, simulation.busiest(),
                  0.02 * simulation.busiest())
          << size << " wraps " << wraps;
      EXPECT_DOUBLE_EQ(load.hops, double(wraps ? size / 2 : size - 1));
    }
}

// facts methods, sharding Q2: a 4x4x4 slice of v4p gathers along one axis at
// 45 GB/s per link direction. bf16 [1024, 4096] over X: 8.39 MB, bidirectional
// ring of 4 with wrap: 8.39e6 * 3/4 / 2 / 45e9 = 69.9 us by exact shares; the
// usual shorthand V / (2 W) gives 93 us for the unsplit array.
TEST(TorusCollectives, AllGatherByHand) {
  LinkLoad load = torusLoad(OpKind::allGather, Algorithm::bidirectionalRing,
                            groupOf({4}, true), 8388608.0);
  EXPECT_NEAR(load.bottleneckBytes / 45e9, 69.9e-6, 0.1e-6);
}

// methods C1: T >= m A / (8 w) with wrap-around, m A / (4 w) without.
TEST(TorusCollectives, AllToAllMeetsTheBisectionBound) {
  LinkLoad torus = torusLoad(OpKind::allToAll, Algorithm::dimensionOrdered,
                             groupOf({4, 4, 4}, true), 800.0);
  EXPECT_DOUBLE_EQ(torus.bottleneckBytes, 800.0 * 4 / 8);
  EXPECT_DOUBLE_EQ(torus.hops, 6); // 2 + 2 + 2
  LinkLoad mesh = torusLoad(OpKind::allToAll, Algorithm::dimensionOrdered,
                            groupOf({4, 4, 4}, false), 800.0);
  EXPECT_DOUBLE_EQ(mesh.bottleneckBytes, 800.0 * 4 / 4);
}

// An all-reduce is a reduce-scatter and an all-gather.
TEST(TorusCollectives, AllReduceIsTwoPasses) {
  TorusGroup group = groupOf({4, 4}, true);
  LinkLoad gather =
      torusLoad(OpKind::allGather, Algorithm::bidirectionalRing, group, 1600.0);
  LinkLoad reduce =
      torusLoad(OpKind::allReduce, Algorithm::bidirectionalRing, group, 1600.0);
  // Two axes at once, both directions: 1600 * 15/16 / 4 = 375.
  EXPECT_DOUBLE_EQ(gather.bottleneckBytes, 375.0);
  EXPECT_DOUBLE_EQ(reduce.bottleneckBytes, 750.0);
  EXPECT_DOUBLE_EQ(reduce.hops, 2 * (2 + 2));
}

// The switch: what a port sends, by hand for 8 ranks and 800 bytes.
TEST(SwitchCollectives, ByHand) {
  Group group{8, 1};
  EXPECT_DOUBLE_EQ(switchLoad(OpKind::allToAllV, Algorithm::direct, group, 800)
                       .bottleneckBytes,
                   700); // 7/8 leave the rank
  EXPECT_DOUBLE_EQ(switchLoad(OpKind::allReduce, Algorithm::ring, group, 800)
                       .bottleneckBytes,
                   1400); // 2 * 7/8
  EXPECT_DOUBLE_EQ(
      switchLoad(OpKind::allReduce, Algorithm::ring, group, 800).hops, 14);
  EXPECT_DOUBLE_EQ(switchLoad(OpKind::allReduce, Algorithm::oneShot, group, 800)
                       .bottleneckBytes,
                   5600); // seven copies
  EXPECT_DOUBLE_EQ(
      switchLoad(OpKind::allReduce, Algorithm::inNetwork, group, 800)
          .bottleneckBytes,
      900); // m (1 + 1/n)
}

TEST(SwitchCollectives, AGroupOfOneCostsNothing) {
  LinkLoad load = switchLoad(OpKind::allReduce, Algorithm::ring, {1, 1}, 800);
  EXPECT_EQ(load.bottleneckBytes, 0);
  EXPECT_EQ(load.hops, 0);
  EXPECT_EQ(load.starts, 0);
}

TEST(SubSlice, IsTheMostCubicOne) {
  Topology cube;
  cube.kind = TopologyKind::torus;
  cube.axes = {4, 4, 4};
  cube.wraps = {true, true, true};
  EXPECT_EQ(subSlice(cube, 8)->axes, (llvm::SmallVector<int64_t, 3>{2, 2, 2}));
  EXPECT_FALSE(subSlice(cube, 8)->wraps[0]); // half an axis does not wrap
  EXPECT_TRUE(subSlice(cube, 64)->wraps[0]);
  std::optional<Topology> half = subSlice(cube, 32);
  int64_t product = 1;
  for (int64_t axis : half->axes)
    product *= axis;
  EXPECT_EQ(product, 32);
}

TEST(SubSlice, AShapeThatAxesCannotFormIsRefused) {
  Topology cube;
  cube.axes = {4, 4, 4};
  cube.wraps = {true, true, true};
  EXPECT_FALSE(subSlice(cube, 3).has_value());
  EXPECT_FALSE(subSlice(cube, 128).has_value());
}

TEST(TorusGroup, IsARunOfWholeAxes) {
  Topology slice;
  slice.axes = {2, 4, 8};
  slice.wraps = {false, true, true};
  EXPECT_EQ(torusGroup(slice, {8, 1})->sizes,
            (llvm::SmallVector<int64_t, 3>{8}));
  EXPECT_EQ(torusGroup(slice, {32, 1})->sizes,
            (llvm::SmallVector<int64_t, 3>{4, 8}));
  EXPECT_EQ(torusGroup(slice, {4, 8})->sizes,
            (llvm::SmallVector<int64_t, 3>{4}));
  // Half an axis, and a stride inside one.
  EXPECT_FALSE(torusGroup(slice, {4, 1}).has_value());
  EXPECT_FALSE(torusGroup(slice, {4, 4}).has_value());
}
