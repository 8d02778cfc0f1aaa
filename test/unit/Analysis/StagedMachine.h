//===- StagedMachine.h - links, a message at a time        -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small machines of staged collectives and a message-level simulation of their
// links: in each step every message is routed link by link, and the step takes
// as long as its busiest link.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDMACHINE_H
#define PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDMACHINE_H

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

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDMACHINE_H
