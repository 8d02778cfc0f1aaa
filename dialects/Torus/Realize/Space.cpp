//===- Space.cpp - the plans of a torus slice -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a torus decides of the space: groups are runs of whole axes of the slice
// that an instance occupies, and reductions go around them. The rules are
// labelled in dialects/Torus/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Torus/Realize/TorusFamily.h"
#include "portolan/Analysis/Collectives.h"
#include "llvm/ADT/Twine.h"

using namespace portolan;
using namespace portolan::torus;
using llvm::Twine;

namespace {

std::string spellAxes(llvm::ArrayRef<int64_t> axes) {
  std::string text;
  for (int64_t axis : axes)
    text += (text.empty() ? "" : "x") + std::to_string(axis);
  return text;
}

/// The slice of the plan's instance.
std::optional<Topology> sliceOf(const PlanPoint &prefix,
                                const PlanContext &context) {
  const Topology &topology = context.machine.topology;
  return subSlice(topology, chipsOf(prefix.get(PlanClass::instance), topology));
}

/// The first axis of `group` that does not close into a ring, as an index into
/// the group's axes; nothing if every axis does. Two chips are a ring.
std::optional<unsigned> openAxis(const TorusGroup &group) {
  for (unsigned axis = 0; axis < group.sizes.size(); ++axis)
    if (group.sizes[axis] > 2 && !group.wraps[axis])
      return axis;
  return std::nullopt;
}

} // namespace

ChipFamily::Groups TorusFamily::groupsOf(int64_t instance,
                                         const Machine &machine) const {
  return [slice = subSlice(machine.topology, instance)](Group group) {
    return slice && torusGroup(*slice, group).has_value();
  };
}

Refusal TorusFamily::refuseGroup(PlanClass planClass, PlanValue value,
                                 const PlanPoint &prefix,
                                 const PlanContext &context) const {
  const Topology &topology = context.machine.topology;
  llvm::StringRef op =
      planClass == PlanClass::attentionTp || planClass == PlanClass::attentionCp
          ? attentionOp(context.model)
          : feedForwardOp(context.model);
  Deployment degrees = degreesOf(prefix, context.machine);
  bool isInstance = planClass == PlanClass::instance;
  int64_t chips = isInstance ? chipsOf(value, topology) : degrees.instance;
  std::optional<Topology> slice = subSlice(topology, chips);
  if (!slice)
    return refuse("group_shape_not_expressible",
                  Twine("no sub-slice of ") + spellAxes(topology.axes) +
                      " has " + Twine(chips) + " chips",
                  "axes " + spellAxes(topology.axes), double(chips),
                  double(topology.chips()), "chips", op);
  Group group =
      isInstance ? Group{chips, 1} : groupOf(planClass, value, degrees);
  if (torusGroup(*slice, group))
    return refusePlacement(planClass, value, prefix, context);
  // The largest run of whole axes that is not larger than wanted.
  int64_t largest = 1;
  for (int64_t size = 1; size <= group.size; ++size)
    if (torusGroup(*slice, {size, group.stride}))
      largest = size;
  return refuse("group_shape_not_expressible",
                Twine("a group of ") + Twine(group.size) +
                    " ranks is no run of whole axes of the slice " +
                    spellAxes(slice->axes),
                "axes " + spellAxes(slice->axes), double(group.size),
                double(largest), "ranks", op);
}

std::string TorusFamily::whyNoExchange(Exchange exchange, const PlanPoint &,
                                       const PlanContext &) const {
  return exchange == Exchange::hierarchical
             ? "a slice is one tier; rows go along one axis after another"
             : "chips have no multicast to other chips";
}

/// Both directions of each axis; where every axis closes, one direction too.
void TorusFamily::addReductions(Group group, const PlanPoint &prefix,
                                const PlanContext &context,
                                PlanValues &values) const {
  values.push_back(PlanValue(Reduction::bidirectionalRing));
  std::optional<Topology> slice = sliceOf(prefix, context);
  std::optional<TorusGroup> axes =
      slice ? torusGroup(*slice, group) : std::nullopt;
  if (axes && !openAxis(*axes))
    values.push_back(PlanValue(Reduction::ring));
}

Refusal TorusFamily::refuseReduction(Reduction reduction, Group group,
                                     const PlanPoint &prefix,
                                     const PlanContext &context) const {
  llvm::StringRef op = spell(OpKind::allReduce);
  const Machine &machine = context.machine;
  std::string link =
      machine.links.empty() ? "link" : machine.links.front().name;
  if (reduction == Reduction::inNetwork)
    return refuse("no_in_network_reduction",
                  "a torus has no switch that could add", link, 1, 0,
                  "switches that add", op);
  std::optional<Topology> slice = sliceOf(prefix, context);
  std::optional<TorusGroup> axes =
      slice ? torusGroup(*slice, group) : std::nullopt;
  std::optional<unsigned> open = axes ? openAxis(*axes) : std::nullopt;
  if (reduction == Reduction::ring && open)
    return refuse("no_wraparound",
                  Twine("an axis of ") + Twine(axes->sizes[*open]) +
                      " chips of the slice " + spellAxes(slice->axes) +
                      " does not wrap, so that one direction is no ring",
                  link, double(axes->sizes[*open]),
                  double(axes->sizes[*open] - 1), "links", op);
  return refuseUnavailable(PlanClass::reduction, PlanValue(reduction),
                           "chips reduce with their neighbours along the axes",
                           op);
}

/// Switches that add, trees and one-directional rings: both directions of each
/// axis. Asynchronous and dataflow overlap: the two halves of a batch.
ChipFamily::Ladders TorusFamily::ladders(const PlanPoint &,
                                         const PlanContext &) const {
  static constexpr Reduction reductions[] = {Reduction::bidirectionalRing};
  static constexpr Exchange sent[] = {Exchange::allToAll};
  static constexpr Exchange gathered[] = {Exchange::allGather};
  static constexpr Overlap overlaps[] = {Overlap::twoBatch};
  return {reductions, sent, gathered, overlaps};
}
