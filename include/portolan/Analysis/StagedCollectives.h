//===- StagedCollectives.h - collectives in stages of links ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Closed formulas of collectives whose algorithm the runtime picks by size:
// mesh, recursive doubling, rings that may hop over every other rank of a chip.
// A group is cut into stages of equally fast links (the axes inside a server,
// then the slower one between servers), which a collective passes one after
// another; the data shrinks by the chips of each stage. Tested against a
// message-level simulation.
//
// Sources: facts hardware 3.1 to 3.3 (collectives), methods C1; recursive
// halving and doubling: Thakur et al. 2005.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_STAGEDCOLLECTIVES_H
#define PORTOLAN_ANALYSIS_STAGEDCOLLECTIVES_H

#include "portolan/Analysis/Step.h"

namespace portolan {

/// Equally fast links that a stage runs over: whole axes of a torus, each
/// closed to a ring (two chips are one), or a switch.
struct LinkStage {
  llvm::SmallVector<int64_t, 3> sizes; ///< chips per axis; switch: of the group
  bool isSwitch = false;
  /// Axis whose own bandwidth the links have; -1: that of the tier.
  int axis = -1;
  /// Seconds per byte over those of the tier.
  double slowness = 1;

  int64_t chips() const;
};

/// The stages of a group, fastest first; none for a group of one.
struct StagedGroup {
  llvm::SmallVector<LinkStage, 3> stages;
  int64_t ranksPerChip = 1;

  int64_t chips() const;
};

/// The axes that a group covers whole, as a mask, where ranks are numbered
/// along the first axis first; nothing if it is no run of whole axes.
std::optional<unsigned> wholeAxes(llvm::ArrayRef<int64_t> axes, Group group);

/// Whether ranks `group.stride` apart are alike for servers of `server` chips:
/// as many on each, at the same places.
bool isSymmetric(Group group, int64_t server);

/// The stages of a group on the links of a machine; nothing if its topology
/// does not form the group.
std::optional<StagedGroup> stagedGroup(const Machine &machine, Group group);

/// Whether recursive doubling exchanges with neighbours only: axes of two or
/// four (a ring of four is a hypercube), or a power of two on a switch.
bool doublesRecursively(const StagedGroup &group);
/// Whether every axis of more than two chips closes to a ring.
bool closesToRings(const Topology &topology, unsigned axes);

/// Load of a collective; `algorithm` is mesh, recursiveDoubling, kangaRing or
/// ring for gathers and reductions, dimensionOrdered or hierarchical for
/// exchanges, neighbour for send and receive. `payload` as in LocalOp.
LinkLoad stagedLoad(OpKind pattern, Algorithm algorithm,
                    const StagedGroup &group, double payloadBytes);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_STAGEDCOLLECTIVES_H
