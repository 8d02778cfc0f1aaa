//===- StagedSimulation.h - messages of staged collectives -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A message-level simulation of a torus whose third axis has links of half the
// rate: in each step every message is routed link by link, and the step takes
// as long as its busiest link.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDSIMULATION_H
#define PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDSIMULATION_H

#include "portolan/Analysis/StagedCollectives.h"
#include "gtest/gtest.h"
#include <functional>
#include <map>

namespace portolan::test {

constexpr double kRate = 128e9; ///< bytes/s of a link
constexpr int64_t kRanks = 4;   ///< of a chip

inline Quantity exactly(double value) {
  Quantity quantity;
  quantity.value = {value, value, value};
  return quantity;
}

/// A torus whose axes close; the third one, if any, has links of half the rate.
inline Machine torusOf(llvm::ArrayRef<int64_t> axes) {
  Machine machine;
  machine.topology.kind = TopologyKind::torus;
  machine.topology.axes.assign(axes.begin(), axes.end());
  machine.topology.wraps.assign(axes.size(), true);
  Link link;
  link.bandwidthBytesPerSecond = exactly(kRate);
  if (axes.size() == 3)
    for (double share : {1.0, 1.0, 0.5})
      link.axisBandwidthBytesPerSecond.push_back(exactly(share * kRate));
  machine.links.push_back(link);
  machine.collectives = CollectiveRules();
  machine.collectives->ranksPerChip = kRanks;
  return machine;
}

inline Machine switchOf(int64_t chips, int64_t server = 1) {
  Machine machine = torusOf({chips});
  machine.topology.kind = TopologyKind::fullSwitch;
  machine.topology.server = server;
  return machine;
}

inline StagedGroup wholeOf(const Machine &machine) {
  std::optional<StagedGroup> group = stagedGroup(machine, {machine.chips(), 1});
  EXPECT_TRUE(group.has_value());
  return group.value_or(StagedGroup());
}

inline double secondsOf(const LinkLoad &load, const Machine &machine) {
  const Link &link = machine.links.front();
  double seconds = load.bottleneckBytes / kRate;
  for (auto [bytes, axis] :
       llvm::zip(load.axisBytes, link.axisBandwidthBytesPerSecond))
    seconds += bytes / axis.nominal();
  return seconds;
}

/// Messages between chips of a torus, a step at a time.
class Simulation {
public:
  explicit Simulation(const Machine &machine) : machine(machine) {}

  using Place = std::vector<int64_t>;
  const llvm::SmallVectorImpl<int64_t> &axes() const {
    return machine.topology.axes;
  }
  void forEachChip(std::function<void(const Place &)> visit) const {
    for (int64_t chip = 0; chip < machine.chips(); ++chip) {
      Place place;
      int64_t rest = chip;
      for (int64_t size : axes()) {
        place.push_back(rest % size);
        rest /= size;
      }
      visit(place);
    }
  }
  /// In dimension order, the shorter way round; ties are split.
  void send(Place at, const Place &goal, double bytes) {
    for (size_t axis = 0; axis < at.size(); ++axis) {
      int64_t size = axes()[axis];
      int64_t forward = ((goal[axis] - at[axis]) % size + size) % size;
      if (forward == 0)
        continue;
      if (2 * forward == size && size > 2) {
        walk(at, axis, 1, forward, bytes / 2);
        walk(at, axis, -1, forward, bytes / 2);
      } else if (2 * forward <= size) {
        walk(at, axis, 1, forward, bytes);
      } else {
        walk(at, axis, -1, size - forward, bytes);
      }
      at[axis] = goal[axis];
    }
  }
  void endStep() {
    double slowest = 0;
    for (const auto &[link, bytes] : load)
      slowest = std::max(slowest, bytes / rateOf(std::get<1>(link)));
    total += slowest;
    load.clear();
  }
  double seconds() {
    endStep();
    return total;
  }

private:
  double rateOf(size_t axis) const { return axis == 2 ? kRate / 2 : kRate; }
  void walk(Place at, size_t axis, int direction, int64_t steps, double bytes) {
    int64_t size = axes()[axis];
    for (int64_t i = 0; i < steps; ++i) {
      // Two chips have one link, whatever way it is called.
      load[{at, axis, size == 2 ? 1 : direction}] += bytes;
      at[axis] = (at[axis] + direction + size) % size;
    }
  }

  const Machine &machine;
  std::map<std::tuple<Place, size_t, int>, double> load;
  double total = 0;
};

using Place = Simulation::Place;

/// Axes by stage: those inside a server, then the slow one.
inline std::vector<std::vector<size_t>> stagesOf(const Machine &machine) {
  std::vector<std::vector<size_t>> stages(1);
  for (size_t axis = 0; axis < machine.topology.axes.size(); ++axis) {
    if (axis == 2)
      stages.emplace_back();
    stages.back().push_back(axis);
  }
  return stages;
}

inline int64_t chipsOf(const Machine &machine,
                       const std::vector<size_t> &stage) {
  int64_t chips = 1;
  for (size_t axis : stage)
    chips *= machine.topology.axes[axis];
  return chips;
}

/// Every chip sends 1/n of the data to each chip of its stage.
inline double simulateMesh(const Machine &machine, double payload) {
  Simulation simulation(machine);
  for (const std::vector<size_t> &stage : stagesOf(machine)) {
    double n = double(chipsOf(machine, stage));
    simulation.forEachChip([&](const Place &from) {
      simulation.forEachChip([&](const Place &to) {
        Place goal = from;
        for (size_t axis : stage)
          goal[axis] = to[axis];
        // Each goal is met once per place outside the stage.
        simulation.send(from, goal, payload / n / (machine.chips() / n));
      });
    });
    simulation.endStep();
    payload /= n;
  }
  return simulation.seconds();
}

/// Partner on a ring of two or four in one of its hypercube directions.
inline int64_t partnerOf(int64_t place, int64_t size, int direction) {
  if (size == 2)
    return 1 - place;
  return direction == 0 ? place ^ 1 : 3 - place;
}

/// Recursive halving: the rank groups of a chip take the directions in
/// rotation.
inline double simulateDoubling(const Machine &machine, double payload) {
  Simulation simulation(machine);
  for (const std::vector<size_t> &stage : stagesOf(machine)) {
    std::vector<std::pair<size_t, int>> directions;
    for (size_t axis : stage)
      for (int64_t half = machine.topology.axes[axis], bit = 0; half > 1;
           half /= 2)
        directions.push_back({axis, int(bit++)});
    double part = payload / kRanks;
    for (size_t step = 0; step < directions.size(); ++step) {
      part /= 2;
      for (int64_t group = 0; group < kRanks; ++group) {
        auto [axis, bit] = directions[(group + step) % directions.size()];
        simulation.forEachChip([&, axis = axis, bit = bit](const Place &from) {
          Place to = from;
          to[axis] = partnerOf(from[axis], machine.topology.axes[axis], bit);
          simulation.send(from, to, part);
        });
      }
      simulation.endStep();
    }
    payload /= double(chipsOf(machine, stage));
  }
  return simulation.seconds();
}

/// Cycles over disjoint links that visit every chip of a torus of two axes, in
/// both directions, found by search.
class Cycles {
public:
  Cycles(int64_t width, int64_t height) : width(width), height(height) {
    int64_t links = (width > 2 ? 2 : width - 1) + (height > 2 ? 2 : height - 1);
    wanted = std::max<int64_t>(links / 2, 1);
    path = {0};
    // One direction around two chips uses both directions of their link.
    bool isPair = width * height == 2;
    if (isPair)
      cycles = {{0, 1}};
    directions = isPair ? 1 : 2;
    found = isPair || extend();
  }
  bool found = false;
  int directions = 2;
  std::vector<std::vector<int64_t>> cycles;

private:
  std::vector<int64_t> neighbours(int64_t chip) const {
    int64_t x = chip % width, y = chip / width;
    std::vector<int64_t> result = {
        (x + 1) % width + y * width, (x + width - 1) % width + y * width,
        x + (y + 1) % height * width, x + (y + height - 1) % height * width};
    return result;
  }
  bool extend() {
    int64_t chips = width * height, at = path.back();
    bool closes = int64_t(path.size()) == chips;
    for (int64_t next : neighbours(at)) {
      auto link = std::minmax(at, next);
      if (next == at || used.count(link))
        continue;
      if (closes ? next != 0 || (chips > 2 && path[1] == at)
                 : llvm::is_contained(path, next))
        continue;
      used[link] = true;
      if (!closes) {
        path.push_back(next);
        if (extend())
          return true;
        path.pop_back();
      } else {
        cycles.push_back(path);
        std::vector<int64_t> outer = {0};
        std::swap(path, outer);
        if (int64_t(cycles.size()) == wanted || extend())
          return true;
        std::swap(path, outer);
        cycles.pop_back();
      }
      used.erase(link);
    }
    return false;
  }
  int64_t width, height, wanted;
  std::vector<int64_t> path;
  std::map<std::pair<int64_t, int64_t>, bool> used;
};

/// Ranks pass pieces to the next chip round by round, on all rings at once.
inline double simulateRings(const Machine &machine, double payload,
                            int64_t ranksPerChip) {
  Simulation simulation(machine);
  bool first = true;
  for (const std::vector<size_t> &stage : stagesOf(machine)) {
    int64_t width = machine.topology.axes[stage[0]];
    int64_t height = stage.size() > 1 ? machine.topology.axes[stage[1]] : 1;
    Cycles rings(width, height);
    EXPECT_TRUE(rings.found);
    int64_t ranks = width * height * (first ? ranksPerChip : 1);
    double piece = payload / double(rings.directions * rings.cycles.size()) /
                   double(ranks);
    for (int64_t round = 1; round < ranks; ++round) {
      for (const std::vector<int64_t> &cycle : rings.cycles)
        for (size_t i = 0; i < cycle.size(); ++i) {
          int64_t a = cycle[i], b = cycle[(i + 1) % cycle.size()];
          simulation.forEachChip([&](const Place &from) {
            auto placed = [&](int64_t chip) {
              Place place = from;
              place[stage[0]] = chip % width;
              if (stage.size() > 1)
                place[stage[1]] = chip / width;
              return place;
            };
            // Once for each place outside the stage.
            if (from == placed(0)) {
              simulation.send(placed(a), placed(b), piece);
              if (rings.directions == 2)
                simulation.send(placed(b), placed(a), piece);
            }
          });
        }
      simulation.endStep();
    }
    payload /= double(width * height);
    first = false;
  }
  return simulation.seconds();
}

inline double simulate(Algorithm algorithm, const Machine &machine,
                       double payload) {
  switch (algorithm) {
  case Algorithm::mesh:
    return simulateMesh(machine, payload);
  case Algorithm::recursiveDoubling:
    return simulateDoubling(machine, payload);
  case Algorithm::kangaRing:
    return simulateRings(machine, payload, kRanks / 2);
  default:
    return simulateRings(machine, payload, kRanks);
  }
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDSIMULATION_H
