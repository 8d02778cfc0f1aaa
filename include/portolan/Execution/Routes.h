//===- Routes.h - the messages that a collective is made of ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An algorithm as data: which member of a group passes which piece on to which,
// in what order. The runtime carries data along these routes; counting what it
// carries on each link shows whether a step was priced as what it does.
//
// A gather brings the piece of each member to all others along a tree. A
// reduction runs the same trees backwards and adds where branches meet, so that
// the trees are all that there is to an algorithm. A rank that a piece comes
// back to (rings over the cores of a chip) gets it once more than it needs.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_ROUTES_H
#define PORTOLAN_EXECUTION_ROUTES_H

#include "portolan/Analysis/Step.h"
#include "portolan/Machine/Grid.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace portolan {

/// A message between two members of a group, by their places in it. Messages of
/// one phase are under way at the same time; phases follow each other.
struct Hop {
  int32_t from = 0;
  int32_t to = 0;
  int32_t phase = 0;
};

/// The trees along which an equal share of every piece travels.
struct Channel {
  /// By owner of the piece; a hop follows those that its sender depends on.
  std::vector<std::vector<Hop>> trees;
};

struct GatherRoutes {
  std::vector<Channel> channels;
  int32_t phases = 1;
  /// The switch itself adds and copies: data passes each port once.
  bool throughSwitch = false;
};

struct ExchangeRoutes {
  /// The way of what member s sends to member d, at s * members + d; none to
  /// itself.
  std::vector<std::vector<Hop>> ways;
  int32_t phases = 1;
};

/// Where ranks sit and what lies between them.
class Wiring {
public:
  /// All ranks at one switch.
  static Wiring ofSwitch(int64_t stageSize);
  /// Ranks of a model copy on `machine`, `grid` from the family.
  Wiring(const Machine &machine, const RankGrid &grid, int64_t stageSize);

  int64_t ranksOfStage() const { return stageSize; }
  /// 0 within a scale-up domain, 1 across; ranks of a copy.
  unsigned tierOf(int64_t from, int64_t to) const;
  const RankGrid &rankGrid() const { return grid; }

  /// The routes of a gather or of either half of a reduction over a group that
  /// `rank` is a member of. An error if the algorithm is none of this kind or
  /// the group does not fit the links.
  llvm::Expected<GatherRoutes> gather(Algorithm algorithm, Group group,
                                      int64_t rank) const;
  llvm::Expected<ExchangeRoutes> exchange(Algorithm algorithm, Group group,
                                          int64_t rank) const;

private:
  Wiring() = default;

  RankGrid grid;
  int64_t stageSize = 1;
  int64_t domain = 0; ///< ranks of a scale-up domain; 0: all
  int64_t ranksPerChip = 1;
};

} // namespace portolan

#endif // PORTOLAN_EXECUTION_ROUTES_H
