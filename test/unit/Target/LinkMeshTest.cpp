//===- LinkMeshTest.cpp - collectives where each pair has a link ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Eight chips, each with seven links of L bytes/s and so a port of 7 L. A load
// of B bytes through the port and of A beyond an even share on the fullest link
// takes B / 7L + A / L. The reference counts what each link carries.
//
//===----------------------------------------------------------------------===//

#include "TestTargets.h"
#include "portolan/Analysis/Estimate.h"
#include <map>
#include <numeric>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kLinks = 7;
constexpr double kPort = 1e11, kLink = kPort / kLinks;

Machine makeMesh(int64_t chips = 8) {
  Machine machine = makeSwitched(chips, 8, /*addsInNetwork=*/false);
  machine.links.front().axisBandwidthBytesPerSecond.push_back(exactly(kLink));
  return machine;
}

LocalOp makeCollective(OpKind kind, Group group, double payload) {
  LocalOp op;
  op.kind = kind;
  op.group = group;
  op.payloadBytes = op.meanPayloadBytes = payload;
  return op;
}

double secondsOf(const LinkLoad &load) {
  return load.bottleneckBytes / kPort + load.axisBytes[0] / kLink;
}

Step realize(const Setting &setting, OpKind kind, Group group, double payload,
             Reduction reduction = Reduction::oneShot) {
  PlanPoint plan = setting.firstPlan();
  plan.set(PlanClass::reduction, PlanValue(reduction));
  return setting.realizeOne(makeCollective(kind, group, payload), plan);
}

TEST(LinkMesh, AllPairsTakeWhatOneLinkCarries) {
  Setting mesh(makeMesh());
  for (int64_t size = 2; size <= 8; ++size) {
    // A rank sends a share of its payload over each link.
    double share = 840.0 / double(size);
    for (OpKind kind : {OpKind::allToAll, OpKind::allToAllV, OpKind::allGather,
                        OpKind::reduceScatter})
      EXPECT_NEAR(secondsOf(realize(mesh, kind, {size, 1}, 840).load),
                  share / kLink, 1e-9 * share / kLink)
          << size;
    // Of a one-shot all-reduce each link carries all of it.
    EXPECT_NEAR(
        secondsOf(realize(mesh, OpKind::allReduce, {size, 1}, 840).load),
        840 / kLink, 1e-9 * 840 / kLink)
        << size;
  }
}

TEST(LinkMesh, AllEightLoadThePortEvenly) {
  Setting mesh(makeMesh());
  Step step = realize(mesh, OpKind::allToAllV, {8, 1}, 800);
  EXPECT_EQ(step.load.bottleneckBytes, 700);
  EXPECT_NEAR(step.load.axisBytes[0], 0, 1e-9);
}

TEST(LinkMesh, RingsShareNoLink) {
  Setting mesh(makeMesh());
  // Rings from i to i + s, s prime to n. Where those are n - 1 (n prime), or
  // there are no more (n = 4), they are as many as the formula takes.
  for (int64_t size : {2, 3, 4, 5, 7}) {
    std::vector<int64_t> strides;
    for (int64_t stride = 1; stride < size; ++stride)
      if (std::gcd(stride, size) == 1)
        strides.push_back(stride);
    // 2 (n - 1) steps, each passing 1/n of a ring's part of the payload on.
    std::map<std::pair<int64_t, int64_t>, double> carried;
    double part = 840.0 / double(strides.size());
    for (int64_t stride : strides)
      for (int64_t step = 0; step < 2 * (size - 1); ++step)
        for (int64_t chip = 0; chip < size; ++chip)
          carried[{chip, (chip + stride) % size}] += part / double(size);
    double busiest = 0;
    for (const auto &[link, bytes] : carried)
      busiest = std::max(busiest, bytes);
    EXPECT_NEAR(secondsOf(realize(mesh, OpKind::allReduce, {size, 1}, 840,
                                  Reduction::ring)
                              .load),
                busiest / kLink, 1e-9 * busiest / kLink)
        << size;
  }
}

TEST(LinkMesh, NeighboursHaveOneLink) {
  Setting mesh(makeMesh());
  EXPECT_NEAR(secondsOf(realize(mesh, OpKind::send, {2, 1}, 840).load),
              840 / kLink, 1e-9 * 840 / kLink);
}

TEST(LinkMesh, EstimateTakesTheLink) {
  Setting mesh(makeMesh());
  Step step = realize(mesh, OpKind::allReduce, {2, 1}, 1e9);
  Step plain = step;
  plain.load.axisBytes = {0, 0, 0};
  PricedMachine priced(mesh.machine, Corner::nominal);
  double efficiency = mesh.machine.links.front().efficiency.at(Corner::nominal);
  // 1e9 bytes over the port, 6/7 of them once more over a seventh of it.
  EXPECT_NEAR(estimate({step}, priced).seconds -
                  estimate({plain}, priced).seconds,
              (1e9 * 6 / 7) / (kLink * efficiency), 1e-9);
}

TEST(LinkMesh, InsideOfAHierarchyIsAMesh) {
  Setting boards(makeMesh(16));
  Step step = realize(boards, OpKind::allReduce, {16, 1}, 800, Reduction::ring);
  EXPECT_EQ(step.algorithm, Algorithm::hierarchical);
  EXPECT_NEAR(step.load.axisBytes[0], 0, 1e-9); // all eight
  // Two ranks of a board and both boards: stride 4.
  step = realize(boards, OpKind::allReduce, {4, 4}, 800, Reduction::ring);
  EXPECT_EQ(step.algorithm, Algorithm::hierarchical);
  // The pair passes 2 x 800 / 2 over its link, of which 1/7 is the even share.
  EXPECT_NEAR(step.load.axisBytes[0], 800 * 6.0 / 7, 1e-9);
  // Beyond the board there are NICs, not links.
  EXPECT_EQ(step.outerLoad.axisBytes[0], 0);
}

TEST(LinkMesh, ASwitchHasNoLinkOfItsOwn) {
  Setting rack(makeSwitched(8, 8));
  EXPECT_EQ(realize(rack, OpKind::allReduce, {2, 1}, 840).load.axisBytes[0], 0);
}

} // namespace
