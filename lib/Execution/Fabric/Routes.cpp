//===- Routes.cpp - the messages that a collective is made of -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: a group is cut into stages (inside a domain and across; the fast
// axes and the slow one; one axis after another), the outermost first. In a
// stage every member that has the piece spreads it over its line of the stage:
// to all at once, around a ring, along both arms of a line, or by doubling.
//
// Sources: facts methods C1; for cores of a chip as ranks of a ring, hardware
// 3.1 to 3.3.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Routes.h"
#include "lib/Execution/Fabric/DisjointRings.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using llvm::Twine;

namespace {

using Members = llvm::SmallVector<int32_t, 16>;

/// The axes of a group, innermost first, as members of it are counted.
using GroupAxes = llvm::SmallVector<RankAxis, 3>;

/// The whole axes that a group runs over; nothing if it is no run of them.
std::optional<GroupAxes> axesOf(const RankGrid &grid, Group group) {
  GroupAxes axes;
  int64_t inner = 1, covered = 1;
  for (const RankAxis &axis : grid.axes) {
    if (inner < group.stride) {
      inner *= axis.size;
      continue;
    }
    if (covered >= group.size)
      break;
    covered *= axis.size;
    if (axis.size > 1)
      axes.push_back(axis);
  }
  if (inner != group.stride || covered != group.size)
    return std::nullopt;
  return axes;
}

/// Builds the tree of one channel and owner.
class TreeBuilder {
public:
  explicit TreeBuilder(int32_t owner) : holders{owner} {}

  /// Every holder spreads over its line: `spread(holder, pass)` calls
  /// pass(from, to) in order, new holders included.
  template <typename Spread> void stage(Spread spread) {
    Members before = holders;
    for (int32_t holder : before)
      spread(holder, [&](int32_t from, int32_t to) {
        hops.push_back({from, to, phase});
        if (!llvm::is_contained(holders, to))
          holders.push_back(to);
      });
    ++phase;
  }

  std::vector<Hop> hops;
  int32_t phase = 0;

private:
  Members holders;
};

template <typename Pass>
void spreadToAll(llvm::ArrayRef<int32_t> line, int32_t holder, Pass pass) {
  for (int32_t member : line)
    if (member != holder)
      pass(holder, member);
}

/// Around a ring, to the last member or back to the first.
template <typename Pass>
void spreadRound(llvm::ArrayRef<int32_t> ring, int32_t holder, bool back,
                 Pass pass) {
  size_t size = ring.size();
  size_t at = llvm::find(ring, holder) - ring.begin();
  for (size_t step = 0; step + (back ? 0 : 1) < size; ++step)
    pass(ring[(at + step) % size], ring[(at + step + 1) % size]);
}

/// Both ways from the holder, as far as the line goes; on a ring half way
/// round, the opposite member from one side.
template <typename Pass>
void spreadBothWays(llvm::ArrayRef<int32_t> line, int32_t holder, bool closed,
                    bool oppositeForward, Pass pass) {
  int64_t size = int64_t(line.size());
  int64_t at = llvm::find(line, holder) - line.begin();
  int64_t forward = closed ? (size - 1) / 2 : size - 1 - at;
  int64_t backward = closed ? (size - 1) / 2 : at;
  if (closed && size % 2 == 0)
    (oppositeForward ? forward : backward) += 1;
  for (int64_t step = 0; step < forward; ++step)
    pass(line[(at + step) % size], line[(at + step + 1) % size]);
  for (int64_t step = 0; step < backward; ++step)
    pass(line[(at - step + size) % size], line[(at - step - 1 + size) % size]);
}

/// Members along some axes of a group through `member`, first axis innermost.
Members lineOf(const GroupAxes &axes, llvm::ArrayRef<unsigned> along,
               int32_t member) {
  Members line;
  int64_t total = 1;
  for (unsigned axis : along)
    total *= axes[axis].size;
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = i, place = 0, stride = 1;
    int64_t own = member;
    for (unsigned axis = 0; axis < axes.size(); ++axis) {
      int64_t at = own % axes[axis].size;
      own /= axes[axis].size;
      if (llvm::is_contained(along, axis)) {
        // `along` is ascending: the first axis counts fastest.
        at = rest % axes[axis].size;
        rest /= axes[axis].size;
      }
      place += at * stride;
      stride *= axes[axis].size;
    }
    line.push_back(int32_t(place));
  }
  return line;
}

/// The ranks of one domain, or of one per domain, as members of a group.
struct DomainCut {
  llvm::SmallVector<int64_t, 16> domains; ///< of each member
  Members within(int32_t member) const {
    Members line;
    for (auto [other, domain] : llvm::enumerate(domains))
      if (domain == domains[member])
        line.push_back(int32_t(other));
    return line;
  }
  /// The member of another's domain at the same place as `member` in its own.
  int32_t peer(int32_t member, int32_t other) const {
    Members own = within(member), theirs = within(other);
    size_t place = llvm::find(own, member) - own.begin();
    return theirs[place % theirs.size()];
  }
  Members across(int32_t member) const {
    Members line;
    llvm::SmallVector<int64_t, 16> seen;
    for (auto [other, domain] : llvm::enumerate(domains)) {
      if (llvm::is_contained(seen, domain))
        continue;
      seen.push_back(domain);
      line.push_back(domain == domains[member] ? member
                                               : peer(member, int32_t(other)));
    }
    return line;
  }
};

template <typename Build>
GatherRoutes channelsOf(int64_t channels, int64_t members, Build build) {
  GatherRoutes routes;
  routes.phases = 0;
  for (int64_t channel = 0; channel < channels; ++channel) {
    Channel &trees = routes.channels.emplace_back();
    for (int32_t owner = 0; owner < members; ++owner) {
      TreeBuilder tree(owner);
      build(tree, channel, owner);
      routes.phases = std::max(routes.phases, tree.phase);
      trees.trees.push_back(std::move(tree.hops));
    }
  }
  return routes;
}

/// Stages of equally fast axes, the fastest first.
llvm::SmallVector<llvm::SmallVector<unsigned, 3>, 3>
stagesOf(const GroupAxes &axes) {
  llvm::SmallVector<unsigned, 3> order;
  for (unsigned axis = 0; axis < axes.size(); ++axis)
    order.push_back(axis);
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return axes[a].slowness != axes[b].slowness
               ? axes[a].slowness < axes[b].slowness
               : a < b;
  });
  llvm::SmallVector<llvm::SmallVector<unsigned, 3>, 3> stages;
  for (unsigned axis : order) {
    if (stages.empty() ||
        axes[stages.back().front()].slowness != axes[axis].slowness)
      stages.emplace_back();
    stages.back().push_back(axis);
  }
  return stages;
}

/// A direction of a hypercube: members exchange with a partner.
struct Direction {
  unsigned axis;
  unsigned bit;
};

int32_t partnerOf(const GroupAxes &axes, int32_t member, Direction direction,
                  bool isSwitch) {
  int64_t stride = 1;
  for (unsigned axis = 0; axis < direction.axis; ++axis)
    stride *= axes[axis].size;
  int64_t size = axes[direction.axis].size;
  int64_t at = member / stride % size, to = at ^ (int64_t(1) << direction.bit);
  // A ring of four is a square: its second direction pairs 0 with 3, 1 with 2.
  if (!isSwitch && direction.bit == 1)
    to = 3 - at;
  return int32_t(member + (to - at) * stride);
}

} // namespace

Wiring Wiring::ofSwitch(int64_t stageSize) {
  Wiring wiring;
  wiring.stageSize = stageSize;
  return wiring;
}

Wiring::Wiring(const Machine &machine, const RankGrid &grid, int64_t stageSize)
    : grid(grid), stageSize(stageSize) {
  if (machine.topology.kind == TopologyKind::fullSwitch)
    domain = machine.topology.domain;
  if (machine.collectives)
    ranksPerChip = machine.collectives->ranksPerChip;
}

unsigned Wiring::tierOf(int64_t from, int64_t to) const {
  return domain > 0 && from / domain != to / domain;
}

llvm::Expected<GatherRoutes> Wiring::gather(Algorithm algorithm, Group group,
                                            int64_t rank) const {
  auto refuse = [&](const Twine &why) {
    return llvm::createStringError(
        "the algorithm " + spell(algorithm) + " over " + Twine(group.size) +
        " ranks with stride " + Twine(group.stride) + ": " + why);
  };
  int64_t members = group.size;
  int64_t inStage = rank % stageSize;
  int64_t first = rank - inStage / group.stride % group.size * group.stride;
  Members all;
  for (int64_t member = 0; member < members; ++member)
    all.push_back(int32_t(member));
  GroupAxes axes;
  if (!grid.isSwitch()) {
    std::optional<GroupAxes> found = axesOf(grid, group);
    if (!found)
      return refuse("expects whole axes");
    axes = *found;
  }

  switch (algorithm) {
  case Algorithm::none:
  case Algorithm::direct:
  case Algorithm::oneShot:
  case Algorithm::inNetwork: {
    GatherRoutes routes =
        channelsOf(1, members, [&](TreeBuilder &tree, int64_t, int32_t) {
          tree.stage([&](int32_t holder, auto pass) {
            spreadToAll(all, holder, pass);
          });
        });
    routes.throughSwitch = algorithm == Algorithm::inNetwork;
    return routes;
  }
  case Algorithm::hierarchical: {
    DomainCut cut;
    for (int64_t member = 0; member < members; ++member)
      cut.domains.push_back((first + member * group.stride) /
                            std::max<int64_t>(domain, 1));
    return channelsOf(1, members, [&](TreeBuilder &tree, int64_t, int32_t) {
      tree.stage([&](int32_t holder, auto pass) {
        spreadRound(cut.across(holder), holder, /*back=*/false, pass);
      });
      tree.stage([&](int32_t holder, auto pass) {
        spreadRound(cut.within(holder), holder, /*back=*/false, pass);
      });
    });
  }
  case Algorithm::bidirectionalRing: {
    if (grid.isSwitch())
      return refuse("expects axes");
    // Shares start on different axes, each in two halves.
    int64_t count = std::max<int64_t>(int64_t(axes.size()), 1);
    return channelsOf(
        2 * count, members, [&](TreeBuilder &tree, int64_t channel, int32_t) {
          for (unsigned step = 0; step < axes.size(); ++step) {
            unsigned axis = unsigned(channel / 2 + step) % axes.size();
            tree.stage([&](int32_t holder, auto pass) {
              spreadBothWays(lineOf(axes, axis, holder), holder,
                             axes[axis].closed, channel % 2 == 0, pass);
            });
          }
        });
  }
  case Algorithm::mesh:
  case Algorithm::recursiveDoubling:
  case Algorithm::kangaRing:
  case Algorithm::ring:
    break;
  default:
    return refuse("expects one that gathers or reduces over chips");
  }

  if (grid.isSwitch() && ranksPerChip == 1)
    return channelsOf(1, members, [&](TreeBuilder &tree, int64_t, int32_t) {
      tree.stage([&](int32_t holder, auto pass) {
        spreadRound(all, holder, /*back=*/false, pass);
      });
    });
  if (!grid.isSwitch() && ranksPerChip == 1)
    return channelsOf(std::max<int64_t>(int64_t(axes.size()), 1), members,
                      [&](TreeBuilder &tree, int64_t channel, int32_t) {
                        for (unsigned step = 0; step < axes.size(); ++step) {
                          unsigned axis =
                              unsigned(channel + step) % axes.size();
                          tree.stage([&](int32_t holder, auto pass) {
                            Members line = lineOf(axes, axis, holder);
                            if (axes[axis].closed)
                              spreadRound(line, holder, /*back=*/false, pass);
                            else
                              spreadBothWays(line, holder, false, false, pass);
                          });
                        }
                      });

  // A runtime that sees several ranks on a chip, and stages of links.
  if (grid.isSwitch())
    axes.push_back({members, true, 1});
  auto stages = stagesOf(axes);
  if (algorithm == Algorithm::mesh)
    return channelsOf(1, members, [&](TreeBuilder &tree, int64_t, int32_t) {
      for (const auto &stage : llvm::reverse(stages))
        tree.stage([&](int32_t holder, auto pass) {
          spreadToAll(lineOf(axes, stage, holder), holder, pass);
        });
    });
  if (algorithm == Algorithm::recursiveDoubling) {
    for (const RankAxis &axis : axes)
      if (grid.isSwitch() ? (axis.size & (axis.size - 1)) != 0
                          : axis.size != 2 && axis.size != 4)
        return refuse("expects axes of two or four chips");
    return channelsOf(
        ranksPerChip, members,
        [&](TreeBuilder &tree, int64_t channel, int32_t) {
          for (const auto &stage : llvm::reverse(stages)) {
            llvm::SmallVector<Direction, 6> directions;
            for (unsigned axis : stage)
              for (unsigned bit = 0; (int64_t(1) << bit) < axes[axis].size;
                   ++bit)
                directions.push_back({axis, bit});
            // A reduction starts with the direction of the channel: a gather
            // ends with it.
            for (size_t step = directions.size(); step-- > 0;) {
              Direction direction =
                  directions[(size_t(channel) + step) % directions.size()];
              tree.stage([&](int32_t holder, auto pass) {
                pass(holder,
                     partnerOf(axes, holder, direction, grid.isSwitch()));
              });
            }
          }
        });
  }
  // Rings over disjoint links, both ways round, through all cores of a chip or
  // every other one: a piece of all cores but one comes back to its chip.
  llvm::SmallVector<std::vector<Members>, 3> rings;
  int64_t most = 1;
  for (const auto &stage : stages) {
    llvm::SmallVector<int64_t, 3> sizes;
    for (unsigned axis : stage)
      sizes.push_back(axes[axis].size);
    rings.push_back(disjointRings(sizes, grid.isSwitch()));
    if (rings.back().empty())
      return refuse("expects axes that rings can visit");
    most = std::max(most, int64_t(rings.back().size()));
  }
  int64_t cores = std::max<int64_t>(
      algorithm == Algorithm::kangaRing ? ranksPerChip / 2 : ranksPerChip, 1);
  return channelsOf(
      most * cores, members, [&](TreeBuilder &tree, int64_t channel, int32_t) {
        for (size_t index = stages.size(); index-- > 0;) {
          const auto &choice = rings[index];
          const Members &ring = choice[size_t(channel / cores) % choice.size()];
          bool back = index == 0 && channel % cores + 1 < cores;
          tree.stage([&](int32_t holder, auto pass) {
            Members line = lineOf(axes, stages[index], holder), ordered;
            for (int32_t place : ring)
              ordered.push_back(line[place]);
            spreadRound(ordered, holder, back, pass);
          });
        }
      });
}

llvm::Expected<ExchangeRoutes>
Wiring::exchange(Algorithm algorithm, Group group, int64_t rank) const {
  int64_t members = group.size;
  int64_t inStage = rank % stageSize;
  int64_t first = rank - inStage / group.stride % group.size * group.stride;
  ExchangeRoutes routes;
  routes.ways.resize(members * members);
  auto forEachPair = [&](auto visit) {
    for (int32_t from = 0; from < members; ++from)
      for (int32_t to = 0; to < members; ++to)
        if (from != to)
          visit(from, to, routes.ways[from * members + to]);
  };
  switch (algorithm) {
  case Algorithm::none:
  case Algorithm::direct:
  case Algorithm::mesh:
  case Algorithm::dimensionOrdered:
    forEachPair([](int32_t from, int32_t to, std::vector<Hop> &way) {
      way.push_back({from, to, 0});
    });
    return routes;
  case Algorithm::hierarchical:
    break;
  default:
    return llvm::createStringError("the algorithm " + spell(algorithm) +
                                   ": expects one that exchanges rows");
  }
  if (grid.isSwitch()) {
    // Across to the peer in the other domain, then inside it.
    DomainCut cut;
    for (int64_t member = 0; member < members; ++member)
      cut.domains.push_back((first + member * group.stride) /
                            std::max<int64_t>(domain, 1));
    routes.phases = 2;
    forEachPair([&](int32_t from, int32_t to, std::vector<Hop> &way) {
      int32_t peer =
          cut.domains[from] == cut.domains[to] ? from : cut.peer(from, to);
      if (peer != from)
        way.push_back({from, peer, 0});
      if (peer != to)
        way.push_back({peer, to, 1});
    });
    return routes;
  }
  std::optional<GroupAxes> axes = axesOf(grid, group);
  if (!axes)
    return llvm::createStringError("an exchange by stages expects whole axes, "
                                   "got " +
                                   Twine(group.size) + " ranks with stride " +
                                   Twine(group.stride));
  auto stages = stagesOf(*axes);
  routes.phases = int32_t(stages.size());
  forEachPair([&](int32_t from, int32_t to, std::vector<Hop> &way) {
    int32_t at = from;
    for (auto [phase, stage] : llvm::enumerate(stages)) {
      int64_t stride = 1, next = at;
      for (unsigned axis = 0; axis < axes->size(); ++axis) {
        int64_t size = (*axes)[axis].size;
        if (llvm::is_contained(stage, axis))
          next += (to / stride % size - at / stride % size) * stride;
        stride *= size;
      }
      if (next != at)
        way.push_back({at, int32_t(next), int32_t(phase)});
      at = int32_t(next);
    }
  });
  return routes;
}
