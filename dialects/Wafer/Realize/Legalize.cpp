//===- Legalize.cpp - what wafers refuse, and why -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Legality is membership in the declared space; this file gives the reason. The
// rules are labelled in dialects/Wafer/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/WaferFamily.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace portolan;
using namespace portolan::wafer;
using llvm::Twine;

namespace {

/// Why an instance of so many wafers, or so many stages on it, is not one.
Refusal refuseStages(PlanClass planClass, PlanValue value,
                     const PlanPoint &prefix, const PlanContext &context) {
  const Topology &topology = context.machine.topology;
  llvm::StringRef op = feedForwardOp(context.model);
  int64_t layers = context.model.sequence.size();
  // Layers that read one cache stay together.
  const char *noun =
      context.model.depth() == layers ? "layers" : "groups of layers";
  bool isInstance = planClass == PlanClass::instance;
  int64_t count = isInstance ? chipsOf(value, topology) : value;
  if (count > layers)
    return refuse("not_divisible",
                  Twine(layers) + " " + noun + " cannot be spread over " +
                      Twine(count) + (isInstance ? " wafers" : " stages"),
                  spell(planClass), double(count), double(layers), noun, op);
  int64_t wafers = chipsOf(prefix.get(PlanClass::instance), topology);
  if (!isInstance && count < wafers)
    return refuse("group_shape_not_expressible",
                  Twine("a stage is one wafer or a region of one, so that ") +
                      Twine(wafers) + " wafers have as many stages or more",
                  "wafer", double(wafers), double(count), "stages", op);
  return refuse("group_shape_not_expressible",
                Twine("regions halve until each layer has one: ") +
                    Twine(count) + " stages are no power of two per wafer",
                "wafer", double(count), double(wafers), "stages", op);
}

/// Heads, context and expert columns over ranks.
Refusal refuseSpread(PlanClass planClass, PlanValue value,
                     const PlanContext &context) {
  bool attends = planClass != PlanClass::expertTp;
  return refuse(
      "group_shape_not_expressible",
      Twine("a stage is a rectangle of PEs on one wafer: ") +
          (attends ? "heads and context" : "expert columns") +
          " are spread over its PEs, not over " + Twine(value) + " wafers",
      "wafer", double(value), 1, "wafers",
      attends ? attentionOp(context.model) : feedForwardOp(context.model));
}

Refusal refuseExchange(PlanClass planClass, PlanValue value) {
  bool dispatches = planClass == PlanClass::dispatchExchange;
  llvm::StringRef op = spell(dispatches ? OpKind::dispatch : OpKind::combine);
  if (!dispatches)
    return refuseUnavailable(
        planClass, value,
        "results are added on the way back along the tree of the multicast",
        op);
  if (value == PlanValue(Exchange::allToAll) ||
      value == PlanValue(Exchange::hierarchical))
    return refuse("data_dependent_counts",
                  "routes are fixed at compile time: rows are multicast to all "
                  "experts and filtered there",
                  "routes", 1, 0, "run-time destinations", op);
  return refuseUnavailable(
      planClass, value, "rows reach the experts by multicast and filter", op);
}

Refusal refuseReduction(PlanValue value, const PlanContext &context) {
  llvm::StringRef op = feedForwardOp(context.model);
  const Machine &machine = context.machine;
  std::string link =
      machine.links.empty() ? "fabric" : machine.links.front().name;
  if (value == PlanValue(Reduction::inNetwork))
    return refuse("no_in_network_reduction",
                  "routers copy and forward, only PEs add", link, 1, 0,
                  "routers that add", op);
  if (value == PlanValue(Reduction::ring))
    return refuse("no_wraparound", "the mesh of a wafer does not wrap", link, 1,
                  0, "axes that wrap", op);
  return refuseUnavailable(
      PlanClass::reduction, value,
      "partial sums of a region's PEs are added along trees", op);
}

Refusal refuseResidency(PlanValue value, const PlanContext &context) {
  const Machine &machine = context.machine;
  bool known = machine.links.size() > 1 && !machine.memories.empty() &&
               machine.memories.front().bandwidthBytesPerSecond;
  return refuse(
      "unavailable_decision",
      Twine("residency ") + spell(PlanClass::residency, value) +
          ": behind the PEs' memory is only the system I/O, which is "
          "no place to read weights from",
      known ? llvm::StringRef(machine.links[1].name)
            : llvm::StringRef("system I/O"),
      known ? machine.memories.front().bandwidthBytesPerSecond->nominal() : 0,
      known ? machine.links[1].bandwidthBytesPerSecond.nominal() : 0, "bytes/s",
      feedForwardOp(context.model));
}

} // namespace

std::optional<Refusal> WaferFamily::legalize(PlanClass planClass,
                                             PlanValue value,
                                             const PlanPoint &prefix,
                                             const PlanContext &context) const {
  llvm::SmallVector<PlanValue, 32> legal;
  values(planClass, prefix, context, legal);
  if (llvm::is_contained(legal, value))
    return std::nullopt;
  llvm::StringRef op = feedForwardOp(context.model);
  if (legal.size() == 1 && legal.front() == kNone) {
    if (planClass == PlanClass::tile)
      return refuseUnavailable(planClass, value,
                               "a PE has no tile; matmuls are spread over PEs",
                               op);
    if (planClass == PlanClass::batchForm)
      return refuseUnavailable(
          planClass, value, "the model has no attention to cut into tiles", op);
    return refuseUnused(planClass, value, prefix, context);
  }
  switch (planClass) {
  case PlanClass::weightFormat:
  case PlanClass::activationFormat:
  case PlanClass::kvFormat:
    return refuseFormat(planClass, value, prefix, context);
  case PlanClass::instance:
    if (std::optional<Refusal> refusal =
            refuseDegree(planClass, value, prefix, context))
      return refusal;
    return refuseStages(planClass, value, prefix, context);
  case PlanClass::pipeline:
  case PlanClass::attentionTp:
  case PlanClass::attentionCp:
  case PlanClass::expertTp:
    if (value == kNone || value == 0)
      return refuseUnavailable(planClass, value,
                               "the plan has this degree, so it needs a number",
                               op);
    return planClass == PlanClass::pipeline
               ? refuseStages(planClass, value, prefix, context)
               : refuseSpread(planClass, value, context);
  case PlanClass::placementForm:
    return refuseUnavailable(
        planClass, value,
        "experts lie side by side on the PEs of their stage's region", op);
  case PlanClass::residency:
    return refuseResidency(value, context);
  case PlanClass::dispatchExchange:
  case PlanClass::combineExchange:
    return refuseExchange(planClass, value);
  case PlanClass::reduction:
    return refuseReduction(value, context);
  case PlanClass::overlap:
    return refuseUnavailable(planClass, value, "PEs start as their data arrive",
                             op);
  case PlanClass::batchForm:
    return refuseUnavailable(
        planClass, value,
        "it counts the tiles of a batch that attention takes in turn: 1, 2, 4 "
        "or 8",
        attentionOp(context.model));
  default:
    return refuseUnused(planClass, value, prefix, context);
  }
}
