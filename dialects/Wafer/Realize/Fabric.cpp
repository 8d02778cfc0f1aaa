//===- Fabric.cpp - closed formulas of on-wafer transfers -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process of the K-tree: each half of the line is cut into about sqrt(half)
//   groups whose sizes differ by one at most. Inside a group sums pass from PE
//   to PE towards the middle; then the sums of the groups do, past the PEs
//   between; then the two halves swap their sums; then each multicasts the
//   whole outwards. A PE's core runs one vector operation at a time, so that a
//   phase starts when the one before it is done, and each takes as long as its
//   message.
// Not counted: contention with transfers of other regions, which have links of
//   their own.
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/Fabric.h"
#include <cmath>

using namespace portolan;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

LinkLoad wafer::kTreeLoad(int64_t line, double bytes) {
  LinkLoad load;
  if (line <= 1)
    return load;
  int64_t half = ceilDiv(line, 2);
  int64_t groups = int64_t(std::sqrt(double(half)));
  int64_t group = ceilDiv(half, groups);
  // Messages one after another: inside groups, between them, across the middle,
  // outwards. The chains of the first two are as long as there are PEs in them.
  double phases = (group > 1) + (groups > 1) + 1 + (half > 1);
  load.bottleneckBytes = phases * bytes;
  load.hops = double(line - 1);
  load.starts = double(group - 1 + groups - 1 + 1 + (half > 1));
  return load;
}

LinkLoad wafer::multicastLoad(double hops, double bytes) {
  LinkLoad load;
  load.starts = 1;
  load.hops = hops;
  load.bottleneckBytes = bytes;
  return load;
}

LinkLoad wafer::shiftLoad(int64_t steps, double bytes) {
  LinkLoad load;
  load.starts = double(steps);
  load.hops = 2 * double(steps);
  load.bottleneckBytes = bytes;
  return load;
}

LinkLoad wafer::exchangeLoad(const Region &region, double bytes) {
  return multicastLoad(double(region.longSide + region.shortSide),
                       bytes / 4 / double(region.shortSide));
}

void wafer::addLoad(LinkLoad &sum, const LinkLoad &load, double times) {
  sum.hops += times * load.hops;
  sum.bottleneckBytes += times * load.bottleneckBytes;
  sum.extraMessages += times * load.extraMessages;
  sum.starts += times * load.starts;
}
