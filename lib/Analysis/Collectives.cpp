//===- Collectives.cpp - closed formulas of collectives -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources: facts methods C1 (Hockney, LogGP, Chan et al. 2007; all-to-all on a
// torus by the load of each axis: m A / 8 per link direction with wrap-around,
// m A / 4 on a line).
// Assumptions: on a torus a gather splits its data over the axes, which work at
//   once and in equal rounds, both directions of a wrapped axis busy;
//   all-to-all messages are routed dimension by dimension by the network, so
//   that the most loaded axis counts.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Collectives.h"
#include <algorithm>
#include <cmath>
#include <functional>

using namespace portolan;

namespace {

/// Links of an axis that a message crosses at most.
double diameter(int64_t size, bool wraps) {
  return wraps ? double(size / 2) : double(size - 1);
}

/// Load of the busiest link direction of an axis of `size` chips in an
/// all-to-all in which every chip sends `payload` bytes in all: the shortest
/// way on a ring, the one way on a line.
double allToAllAxisLoad(int64_t size, bool wraps, double payload) {
  double n = double(size);
  if (wraps) {
    // Sum of distances to all others over both directions: n^2/4 (even) or
    // (n^2 - 1)/4 (odd), shared by 2 directions of n links for n senders.
    double distances = size % 2 ? (n * n - 1) / 4 : n * n / 4;
    return payload / n * distances / 2;
  }
  // The middle link carries all pairs across it.
  return payload / n * double(size / 2) * double(size - size / 2);
}

/// One pass (gather or scatter-reduce) over the axes of a group. Each axis
/// starts with a share of the data and hands it on to the next axis, so that in
/// every round all axes work, each on another share; the slowest one counts.
LinkLoad torusPass(Algorithm algorithm, const TorusGroup &group,
                   double payload) {
  LinkLoad load;
  unsigned axes = group.sizes.size();
  double ranks = 1;
  for (int64_t size : group.sizes)
    ranks *= double(size);
  double piece = payload / ranks / double(axes);
  for (unsigned axis = 0; axis < axes; ++axis) {
    bool both = group.wraps[axis] && algorithm == Algorithm::bidirectionalRing;
    load.hops += both ? diameter(group.sizes[axis], true)
                      : double(group.sizes[axis] - 1);
    load.starts += 1;
  }
  // Pieces that a chip holds of each share when a round begins.
  llvm::SmallVector<double, 3> held(axes, 1);
  for (unsigned round = 0; round < axes; ++round) {
    double slowest = 0;
    for (unsigned share = 0; share < axes; ++share) {
      // Innermost first.
      unsigned axis = axes - 1 - (share + round) % axes;
      bool both =
          group.wraps[axis] && algorithm == Algorithm::bidirectionalRing;
      double moved = held[share] * double(group.sizes[axis] - 1);
      slowest = std::max(slowest, both ? moved / 2 : moved);
      held[share] *= double(group.sizes[axis]);
    }
    load.bottleneckBytes += slowest * piece;
  }
  return load;
}

LinkLoad twice(LinkLoad load) {
  load.hops *= 2;
  load.bottleneckBytes *= 2;
  load.starts *= 2;
  return load;
}

} // namespace

std::optional<Topology> portolan::subSlice(const Topology &topology,
                                           int64_t instance) {
  unsigned rank = topology.axes.size();
  llvm::SmallVector<int64_t, 3> best, current(rank, 1);
  // Fewest chips along the longest axis, then along the others; the first of
  // equals in the order of enumeration.
  auto isBetter = [&](llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b) {
    llvm::SmallVector<int64_t, 3> left(a), right(b);
    std::sort(left.rbegin(), left.rend());
    std::sort(right.rbegin(), right.rend());
    return left < right;
  };
  std::function<void(unsigned, int64_t)> search = [&](unsigned axis,
                                                      int64_t remaining) {
    if (axis == rank) {
      if (remaining == 1 && (best.empty() || isBetter(current, best)))
        best = current;
      return;
    }
    for (int64_t size = topology.axes[axis]; size >= 1; --size) {
      if (topology.axes[axis] % size || remaining % size)
        continue;
      current[axis] = size;
      search(axis + 1, remaining / size);
    }
  };
  search(0, instance);
  if (best.empty())
    return std::nullopt;
  Topology slice = topology;
  slice.axes = best;
  for (unsigned axis = 0; axis < rank && axis < topology.wraps.size(); ++axis)
    slice.wraps[axis] =
        topology.wraps[axis] && best[axis] == topology.axes[axis];
  return slice;
}

std::optional<TorusGroup> portolan::torusGroup(const Topology &slice,
                                               Group group) {
  TorusGroup result;
  int axis = int(slice.axes.size()) - 1;
  int64_t inner = 1;
  for (; axis >= 0 && inner < group.stride; --axis)
    inner *= slice.axes[axis];
  if (inner != group.stride)
    return std::nullopt;
  int64_t covered = 1;
  for (; axis >= 0 && covered < group.size; --axis) {
    covered *= slice.axes[axis];
    if (slice.axes[axis] == 1)
      continue;
    result.sizes.push_back(slice.axes[axis]);
    result.wraps.push_back(axis < int(slice.wraps.size()) && slice.wraps[axis]);
  }
  if (covered != group.size)
    return std::nullopt;
  std::reverse(result.sizes.begin(), result.sizes.end());
  std::reverse(result.wraps.begin(), result.wraps.end());
  return result;
}

LinkLoad portolan::switchLoad(OpKind pattern, Algorithm algorithm, Group group,
                              double payload) {
  double n = double(group.size);
  LinkLoad load;
  if (group.size <= 1)
    return load;
  load.starts = 1;
  load.hops = 1;
  switch (pattern) {
  case OpKind::allToAll:
  case OpKind::allToAllV:
  case OpKind::allGather:
  case OpKind::reduceScatter:
    load.bottleneckBytes = payload * (n - 1) / n;
    load.extraMessages = n - 2;
    return load;
  case OpKind::allReduce:
    if (algorithm == Algorithm::oneShot) {
      load.bottleneckBytes = payload * (n - 1);
      load.extraMessages = n - 2;
    } else if (algorithm == Algorithm::inNetwork) {
      // Up once, down once and the rank's own share (facts methods C1).
      load.bottleneckBytes = payload * (1 + 1 / n);
      load.hops = 2;
    } else {
      load.bottleneckBytes = 2 * payload * (n - 1) / n;
      load.hops = 2 * (n - 1);
    }
    return load;
  default: // send, receive
    load.bottleneckBytes = payload;
    return load;
  }
}

LinkLoad portolan::torusLoad(OpKind pattern, Algorithm algorithm,
                             const TorusGroup &group, double payload) {
  LinkLoad load;
  if (group.sizes.empty())
    return load;
  switch (pattern) {
  case OpKind::allGather:
  case OpKind::reduceScatter:
    return torusPass(algorithm, group, payload);
  case OpKind::allReduce:
    return twice(torusPass(algorithm, group, payload));
  case OpKind::allToAll:
  case OpKind::allToAllV: {
    double ranks = 1;
    load.starts = 1;
    for (auto [size, wraps] : llvm::zip_equal(group.sizes, group.wraps)) {
      load.bottleneckBytes = std::max(load.bottleneckBytes,
                                      allToAllAxisLoad(size, wraps, payload));
      load.hops += diameter(size, wraps);
      ranks *= double(size);
    }
    load.extraMessages = ranks - 2;
    return load;
  }
  default: // send, receive: one step along each axis at most
    load.starts = 1;
    load.hops = double(group.sizes.size());
    load.bottleneckBytes = payload;
    return load;
  }
}
