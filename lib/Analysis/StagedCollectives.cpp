//===- StagedCollectives.cpp - collectives in stages of links -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process, for one pass (a gather, or a scatter that reduces) of `payload`
// bytes over a stage of n chips with r ranks each:
//   mesh: every chip sends 1/n to every chip, routed in dimension order; one
//   hop. recursive doubling: log2 n exchanges with one neighbour each, of 1/2,
//   1/4,
//     ... of the data. Ranks at the same place of their chips form a group, and
//     the r groups take the directions in rotation, so that they use different
//     links at the same time.
//   ring: n r ranks on directed rings over disjoint links (a torus of even axes
//     is made of as many cycles as it has axes), n r - 1 hops.
//   kanga ring: the same with every other rank of a chip, n r / 2 - 1 hops.
// The ranks of a chip take part in the first stage; on later ones each rank has
// its own group of the same place in every server. An all-reduce is two passes.
// An exchange goes along all axes at once (dimension ordered) or stage by stage
// (hierarchical); a chip's ranks start its messages in parallel.
// Not counted: contention inside a chip, in the first exchanges of recursive
//   doubling; the variant of mesh in one step; fewer memory accesses of the
//   kanga ring; rows that a hierarchical exchange could send once per server.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/StagedCollectives.h"
#include <algorithm>

using namespace portolan;

namespace {

int64_t productOf(llvm::ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    product *= size;
  return product;
}

double exchangesOf(int64_t chips) {
  double count = 0;
  for (int64_t reach = 1; reach < chips; reach *= 2)
    ++count;
  return count;
}

/// Load of the busiest link direction of a closed axis when every chip sends
/// `payload` bytes to all: the distances to the others, over two directions. A
/// pair has one link.
double exchangeLoad(int64_t size, double payload) {
  double n = double(size);
  if (size <= 2)
    return payload * (n - 1) / n;
  double distances = size % 2 ? (n * n - 1) / 4 : n * n / 4;
  return payload / n * distances / 2;
}

/// The same for all axes of a stage.
double exchangeLoad(const LinkStage &stage, double payload) {
  double n = double(stage.chips());
  if (stage.isSwitch)
    return payload * (n - 1) / n;
  double busiest = 0;
  for (int64_t size : stage.sizes)
    busiest = std::max(busiest, exchangeLoad(size, payload));
  return busiest;
}

/// Directed rings over disjoint links that visit every chip of a stage.
double ringsOf(const LinkStage &stage) {
  if (stage.isSwitch || stage.chips() == 2)
    return 1;
  int64_t links = 0;
  for (int64_t size : stage.sizes)
    links += size > 2 ? 2 : size > 1 ? 1 : 0;
  return double(std::max<int64_t>(links / 2, 1) * 2);
}

/// Bytes and hops of one stage of a pass.
struct Passage {
  double bytes = 0, hops = 0;
};

Passage passStage(Algorithm algorithm, const LinkStage &stage, bool first,
                  int64_t ranksPerChip, double payload) {
  double n = double(stage.chips());
  bool hasPeers = first && ranksPerChip > 1;
  switch (algorithm) {
  case Algorithm::mesh:
    return {exchangeLoad(stage, payload), 1};
  case Algorithm::recursiveDoubling: {
    double exchanges = exchangesOf(stage.chips());
    double share = 1;
    if (!stage.isSwitch) {
      // Groups that meet on a link, of all groups.
      int64_t directions = int64_t(exchanges);
      int64_t meet = (ranksPerChip + directions - 1) / directions;
      share = double(meet) / double(ranksPerChip);
    }
    return {payload * (n - 1) / n * share, exchanges + (hasPeers ? 1 : 0)};
  }
  default: { // ring, kangaRing
    double ranks = first ? n * double(ranksPerChip) : n;
    if (first && algorithm == Algorithm::kangaRing)
      ranks = std::max(ranks / 2, n);
    return {payload * (ranks - 1) / ranks / ringsOf(stage), ranks - 1};
  }
  }
}

void addBytes(const LinkStage &stage, double bytes, LinkLoad &load) {
  if (stage.axis < 0)
    load.bottleneckBytes += bytes;
  else
    load.axisBytes[stage.axis] += bytes;
}

/// `passes` (one or two) passes over all stages, the data shrinking.
LinkLoad passesOf(double passes, Algorithm algorithm, const StagedGroup &group,
                  double payload) {
  LinkLoad load;
  load.starts = 1;
  bool first = true;
  for (const LinkStage &stage : group.stages) {
    Passage passage =
        passStage(algorithm, stage, first, group.ranksPerChip, payload);
    addBytes(stage, passes * passage.bytes, load);
    load.hops += passes * passage.hops;
    payload /= double(stage.chips());
    first = false;
  }
  return load;
}

double diameter(const LinkStage &stage) {
  if (stage.isSwitch)
    return 1;
  double hops = 0;
  for (int64_t size : stage.sizes)
    hops += double(size / 2);
  return hops;
}

/// Messages to the other chips that one rank of a chip starts after its first.
double extraMessages(int64_t chips, int64_t ranksPerChip) {
  return double((chips - 1 + ranksPerChip - 1) / ranksPerChip - 1);
}

/// All axes at once: the slowest link counts.
LinkLoad exchangeAtOnce(const StagedGroup &group, double payload) {
  LinkLoad load;
  load.starts = 1;
  const LinkStage *busiest = nullptr;
  double seconds = 0;
  for (const LinkStage &stage : group.stages) {
    double its = exchangeLoad(stage, payload) * stage.slowness;
    if (!busiest || its > seconds) {
      busiest = &stage;
      seconds = its;
    }
    load.hops += diameter(stage);
  }
  addBytes(*busiest, exchangeLoad(*busiest, payload), load);
  load.extraMessages = extraMessages(group.chips(), group.ranksPerChip);
  return load;
}

LinkLoad exchangeByStage(const StagedGroup &group, double payload) {
  LinkLoad load;
  for (const LinkStage &stage : group.stages) {
    addBytes(stage, exchangeLoad(stage, payload), load);
    load.hops += diameter(stage);
    load.starts += 1;
    load.extraMessages += extraMessages(stage.chips(), group.ranksPerChip);
  }
  return load;
}

} // namespace

int64_t LinkStage::chips() const { return productOf(sizes); }

int64_t StagedGroup::chips() const {
  int64_t product = 1;
  for (const LinkStage &stage : stages)
    product *= stage.chips();
  return product;
}

std::optional<unsigned> portolan::wholeAxes(llvm::ArrayRef<int64_t> axes,
                                            Group group) {
  unsigned axis = 0, mask = 0;
  int64_t inner = 1, covered = 1;
  for (; axis < axes.size() && inner < group.stride; ++axis)
    inner *= axes[axis];
  if (inner != group.stride)
    return std::nullopt;
  for (; axis < axes.size() && covered < group.size; ++axis) {
    covered *= axes[axis];
    if (axes[axis] > 1)
      mask |= 1u << axis;
  }
  if (covered != group.size)
    return std::nullopt;
  return mask;
}

bool portolan::isSymmetric(Group group, int64_t server) {
  if (group.size == 1 || server == 1 || group.stride % server == 0)
    return true;
  // Inside a server, or whole runs of servers.
  int64_t span = group.size * group.stride;
  return server % group.stride == 0 &&
         (server % span == 0 || span % server == 0);
}

std::optional<StagedGroup> portolan::stagedGroup(const Machine &machine,
                                                 Group group) {
  const Topology &topology = machine.topology;
  StagedGroup result;
  if (machine.collectives)
    result.ranksPerChip = machine.collectives->ranksPerChip;
  if (group.size <= 1)
    return result;
  if (topology.kind == TopologyKind::fullSwitch) {
    if (group.size * group.stride > topology.chips() ||
        !isSymmetric(group, topology.server))
      return std::nullopt;
    LinkStage stage;
    stage.sizes.push_back(group.size);
    stage.isSwitch = true;
    result.stages.push_back(stage);
    return result;
  }
  std::optional<unsigned> axes = wholeAxes(topology.axes, group);
  if (!axes || !closesToRings(topology, *axes) || machine.links.empty())
    return std::nullopt;
  const Link &link = machine.links.front();
  double reference = link.bandwidthBytesPerSecond.nominal();
  for (unsigned axis = 0; axis < topology.axes.size(); ++axis) {
    if (!(*axes & (1u << axis)))
      continue;
    LinkStage stage;
    if (axis < link.axisBandwidthBytesPerSecond.size()) {
      double own = link.axisBandwidthBytesPerSecond[axis].nominal();
      stage.axis = int(axis);
      stage.slowness = reference / own;
    }
    // Axes of one speed are one stage; the fastest goes first.
    auto same = std::find_if(result.stages.begin(), result.stages.end(),
                             [&](const LinkStage &other) {
                               return other.slowness == stage.slowness;
                             });
    if (same == result.stages.end()) {
      same = std::find_if(result.stages.begin(), result.stages.end(),
                          [&](const LinkStage &other) {
                            return other.slowness > stage.slowness;
                          });
      same = result.stages.insert(same, stage);
    }
    same->sizes.push_back(topology.axes[axis]);
  }
  return result;
}

bool portolan::doublesRecursively(const StagedGroup &group) {
  for (const LinkStage &stage : group.stages)
    for (int64_t size : stage.sizes)
      if (stage.isSwitch ? (size & (size - 1)) != 0 : size != 2 && size != 4)
        return false;
  return true;
}

bool portolan::closesToRings(const Topology &topology, unsigned axes) {
  for (unsigned axis = 0; axis < topology.axes.size(); ++axis)
    if ((axes & (1u << axis)) && topology.axes[axis] > 2 &&
        !topology.wraps[axis])
      return false;
  return true;
}

LinkLoad portolan::stagedLoad(OpKind pattern, Algorithm algorithm,
                              const StagedGroup &group, double payload) {
  if (group.stages.empty())
    return LinkLoad();
  switch (pattern) {
  case OpKind::allGather:
  case OpKind::reduceScatter:
    return passesOf(1, algorithm, group, payload);
  case OpKind::allReduce:
    return passesOf(2, algorithm, group, payload);
  case OpKind::allToAll:
  case OpKind::allToAllV:
    return algorithm == Algorithm::hierarchical
               ? exchangeByStage(group, payload)
               : exchangeAtOnce(group, payload);
  default: { // send, receive: to the neighbour over the slowest link at worst
    LinkLoad load;
    load.starts = 1;
    load.hops = 1;
    addBytes(group.stages.back(), payload, load);
    return load;
  }
  }
}
