//===- Legalize.cpp - what a torus refuses, and why -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Legality is membership in the declared space; this file gives the reason. The
// rules are labelled in dialects/Torus/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Torus/Realize/TorusFamily.h"
#include "portolan/Target/SpaceRules.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using namespace portolan::torus;
using llvm::Twine;

namespace {

/// "4x4x2".
std::string spellAxes(llvm::ArrayRef<int64_t> axes) {
  std::string text;
  for (int64_t axis : axes)
    text += (text.empty() ? "" : "x") + std::to_string(axis);
  return text;
}

/// The axes that a class's group must cover, given the classes before it.
Group groupOf(PlanClass planClass, PlanValue value, const Deployment &degrees) {
  switch (planClass) {
  case PlanClass::pipeline:
    return {degrees.instance / value, 1};
  case PlanClass::attentionCp:
    return {value, degrees.tp};
  default:
    return {value, 1};
  }
}

/// A degree that divides, but whose group is no run of whole axes.
Refusal refuseShape(PlanClass planClass, PlanValue value,
                    const PlanPoint &prefix, const PlanContext &context) {
  const Topology &topology = context.machine.topology;
  llvm::StringRef op =
      planClass == PlanClass::attentionTp || planClass == PlanClass::attentionCp
          ? attentionOp(context.model)
          : feedForwardOp(context.model);
  Deployment degrees = degreesOf(prefix, context.machine);
  bool isInstance = planClass == PlanClass::instance;
  std::optional<Topology> slice = sliceOf(
      topology, isInstance ? chipsOf(value, topology) : degrees.instance);
  if (!slice)
    return refuse("group_shape_not_expressible",
                  Twine("no sub-slice of ") + spellAxes(topology.axes) +
                      " has " + Twine(chipsOf(value, topology)) + " chips",
                  "axes " + spellAxes(topology.axes),
                  double(chipsOf(value, topology)), double(topology.chips()),
                  "chips", op);
  Group group = isInstance ? Group{chipsOf(value, topology), 1}
                           : groupOf(planClass, value, degrees);
  if (torusGroup(*slice, group))
    return refusePlacement(planClass, value, prefix, context);
  // The largest run of whole axes that is not larger than wanted.
  int64_t largest = 1;
  for (int64_t size = 1; size <= group.size; ++size)
    if (group.size >= size && torusGroup(*slice, {size, group.stride}))
      largest = size;
  return refuse("group_shape_not_expressible",
                Twine("a group of ") + Twine(group.size) +
                    " ranks is no run of whole axes of the slice " +
                    spellAxes(slice->axes),
                "axes " + spellAxes(slice->axes), double(group.size),
                double(largest), "ranks", op);
}

Refusal refuseExchange(PlanClass planClass, PlanValue value,
                       const PlanPoint &prefix, const PlanContext &context) {
  Deployment degrees = degreesOf(prefix, context.machine);
  llvm::StringRef op =
      spell(planClass == PlanClass::dispatchExchange ? OpKind::dispatch
                                                     : OpKind::combine);
  if (context.model.experts == 0 || degrees.stageSize == 1)
    return refuseUnused(planClass, value, prefix, context);
  if (planClass == PlanClass::combineExchange)
    return refuseUnavailable(
        planClass, value,
        "rows return the way they came: the combine is the inverse of the "
        "dispatch",
        op);
  if (value == kNone)
    return refuseUnavailable(planClass, value,
                             Twine("rows differ between the ") +
                                 Twine(degrees.dp) +
                                 " data-parallel ranks and must be exchanged",
                             op);
  if (value == PlanValue(Exchange::hierarchical))
    return refuseUnavailable(
        planClass, value,
        "a slice is one tier; rows go along one axis after another", op);
  if (value == PlanValue(Exchange::allGather))
    return refuseUnavailable(planClass, value,
                             "every rank already has all rows", op);
  return refuseUnavailable(planClass, value,
                           "chips have no multicast to other chips", op);
}

Refusal refuseReduction(PlanValue value, const PlanPoint &prefix,
                        const PlanContext &context) {
  Group group = widestReduction(prefix, context);
  llvm::StringRef op = spell(OpKind::allReduce);
  if (group.size == 1)
    return refuseUnused(PlanClass::reduction, value, prefix, context);
  if (value == kNone)
    return refuseUnavailable(PlanClass::reduction, value,
                             Twine("partial sums of ") + Twine(group.size) +
                                 " ranks must be added",
                             op);
  const Machine &machine = context.machine;
  std::string link =
      machine.links.empty() ? "link" : machine.links.front().name;
  if (value == PlanValue(Reduction::inNetwork))
    return refuse("no_in_network_reduction",
                  "a torus has no switch that could add", link, 1, 0,
                  "switches that add", op);
  std::optional<Topology> slice =
      sliceOf(machine.topology,
              chipsOf(prefix.get(PlanClass::instance), machine.topology));
  std::optional<TorusGroup> axes =
      slice ? torusGroup(*slice, group) : std::nullopt;
  std::optional<unsigned> open = axes ? openAxis(*axes) : std::nullopt;
  if (value == PlanValue(Reduction::ring) && open)
    return refuse("no_wraparound",
                  Twine("an axis of ") + Twine(axes->sizes[*open]) +
                      " chips of the slice " + spellAxes(slice->axes) +
                      " does not wrap, so that one direction is no ring",
                  link, double(axes->sizes[*open]),
                  double(axes->sizes[*open] - 1), "links", op);
  return refuseUnavailable(PlanClass::reduction, value,
                           "chips reduce with their neighbours along the axes",
                           op);
}

Refusal refuseResidency(PlanValue value, const PlanPoint &prefix,
                        const PlanContext &context) {
  const Machine &machine = context.machine;
  llvm::StringRef op = feedForwardOp(context.model);
  if (value != PlanValue(Residency::hbmPrefetch) ||
      context.model.experts == 0 ||
      prefix.get(PlanClass::weightFormat) == kNone)
    return refuseUnavailable(PlanClass::residency, value,
                             "weights stay in the first memory level", op);
  double bytes = expertBytes(context.model,
                             prefix.formats(PlanClass::weightFormat).storage) /
                 double(prefix.number(PlanClass::expertTp));
  return refuse("capacity_exceeded",
                "the memory level next to the engines holds no whole expert",
                machine.memories.size() > 1
                    ? llvm::StringRef(machine.memories[1].name)
                    : llvm::StringRef("nearer memory"),
                bytes, nearCapacityBytes(machine), "bytes", op);
}

} // namespace

std::optional<Refusal> TorusFamily::legalize(PlanClass planClass,
                                             PlanValue value,
                                             const PlanPoint &prefix,
                                             const PlanContext &context) const {
  llvm::SmallVector<PlanValue, 32> legal;
  values(planClass, prefix, context, legal);
  if (llvm::is_contained(legal, value))
    return std::nullopt;
  bool unused = legal.size() == 1 && legal.front() == kNone;
  switch (planClass) {
  case PlanClass::weightFormat:
  case PlanClass::activationFormat:
  case PlanClass::kvFormat:
    if (unused)
      break;
    return refuseFormat(planClass, value, prefix, context);
  case PlanClass::instance:
  case PlanClass::pipeline:
  case PlanClass::attentionTp:
  case PlanClass::attentionCp:
  case PlanClass::expertTp:
    if (unused)
      break;
    if (std::optional<Refusal> refusal =
            refuseDegree(planClass, value, prefix, context))
      return refusal;
    return refuseShape(planClass, value, prefix, context);
  case PlanClass::batchForm:
    if (unused)
      break;
    if (std::optional<Refusal> refusal =
            refuseDegree(planClass, value, prefix, context))
      return refusal;
    break;
  case PlanClass::dispatchExchange:
  case PlanClass::combineExchange:
    return refuseExchange(planClass, value, prefix, context);
  case PlanClass::reduction:
    return refuseReduction(value, prefix, context);
  case PlanClass::residency:
    return refuseResidency(value, prefix, context);
  case PlanClass::tile:
    if (unused)
      break;
    return refuseTile(value, prefix, context);
  default:
    break;
  }
  return refuseUnused(planClass, value, prefix, context);
}
