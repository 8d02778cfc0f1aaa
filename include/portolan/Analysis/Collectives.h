//===- Collectives.h - closed formulas of collectives ----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each collective algorithm loads a topology with, as closed formulas:
// serial hops and bytes on the most loaded link direction. Tested against a
// message-level simulation of the topology.
//
// Sources: Hockney and LogGP models; Chan et al. 2007; torus all-to-all by the
// bisection of each axis (facts: methods C1).
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_COLLECTIVES_H
#define PORTOLAN_ANALYSIS_COLLECTIVES_H

#include "portolan/Analysis/Step.h"

namespace portolan {

/// The part of a torus that a group spans: the axes it covers whole, in order
/// of decreasing stride, and whether each wraps.
struct TorusGroup {
  llvm::SmallVector<int64_t, 3> sizes;
  llvm::SmallVector<bool, 3> wraps;
};

/// The sub-slice of a torus that holds `instance` chips: the most cubic product
/// of axis divisors; nothing if it cannot be expressed. An axis keeps its wrap
/// only if it is whole.
std::optional<Topology> subSlice(const Topology &topology, int64_t instance);

/// The axes that a group of ranks occupies on a (sub-)slice whose ranks are
/// numbered in row-major order, last axis innermost; nothing if the group is
/// not a run of whole axes.
std::optional<TorusGroup> torusGroup(const Topology &slice, Group group);

/// Load of a collective on a switch whose ports inject `payload` bytes.
LinkLoad switchLoad(OpKind pattern, Algorithm algorithm, Group group,
                    double payloadBytes);

/// Load of a collective on the axes of a torus.
LinkLoad torusLoad(OpKind pattern, Algorithm algorithm, const TorusGroup &group,
                   double payloadBytes);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_COLLECTIVES_H
