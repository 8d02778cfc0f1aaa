//===- StagedSimulation.h - messages of staged collectives -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collectives in stages of equally fast links, simulated message by message on
// a torus whose third axis has links of half the rate, or on a switch.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDSIMULATION_H
#define PORTOLAN_TEST_UNIT_ANALYSIS_STAGEDSIMULATION_H

#include "StagedRings.h"

namespace portolan::test {

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
