//===- StagedRings.h - rings that visit every chip         -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ring collectives, simulated: pieces go round on cycles over disjoint links.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDRINGS_H
#define PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDRINGS_H

#include "StagedMachine.h"

namespace portolan::test {

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

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDRINGS_H
