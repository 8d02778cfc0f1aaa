//===- Legalize.cpp - what a switched rack refuses, and why ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Legality is membership in the declared space; this file gives the reason. The
// rules are labelled in dialects/Switched/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Realize/SwitchedFamily.h"
#include "portolan/Target/SpaceRules.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using namespace portolan::switched;
using llvm::Twine;

static Refusal refuseExchange(PlanClass planClass, PlanValue value,
                              const PlanPoint &prefix,
                              const PlanContext &context) {
  const Machine &machine = context.machine;
  Deployment degrees = degreesOf(prefix, machine);
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
        Twine("the expert group of ") + Twine(degrees.stageSize) +
            " ranks lies in one domain of " + Twine(machine.topology.domain),
        op);
  if (value == PlanValue(Exchange::allGather))
    return refuseUnavailable(planClass, value,
                             "every rank already has all rows", op);
  return refuseUnavailable(planClass, value,
                           "rows are put to the ranks of their experts or "
                           "gathered on all",
                           op);
}

static Refusal refuseReduction(PlanValue value, const PlanPoint &prefix,
                               const PlanContext &context) {
  const Machine &machine = context.machine;
  Group group = widestReduction(prefix, context);
  llvm::StringRef op = spell(OpKind::allReduce);
  if (group.size == 1)
    return refuseUnused(PlanClass::reduction, value, prefix, context);
  if (value == kNone)
    return refuseUnavailable(PlanClass::reduction, value,
                             Twine("partial sums of ") + Twine(group.size) +
                                 " ranks must be added",
                             op);
  bool adds =
      !machine.links.empty() && machine.links.front().inNetworkReduction;
  if (value == PlanValue(Reduction::inNetwork) && !adds)
    return refuse("no_in_network_reduction",
                  "the switches of this machine do not add",
                  machine.links.empty() ? "link" : machine.links.front().name,
                  1, 0, "switches that add", op);
  if (value == PlanValue(Reduction::inNetwork) ||
      value == PlanValue(Reduction::oneShot))
    return refuse("scale_out_cliff",
                  Twine("a group of ") + Twine(group.size) +
                      " ranks leaves the domain of " +
                      Twine(machine.topology.domain) +
                      ", beyond which only a ring reduces",
                  "domain", double(group.size * group.stride),
                  double(machine.topology.domain), "chips", op);
  return refuseUnavailable(PlanClass::reduction, value,
                           "a switch has no axes, trees or cores to reduce "
                           "along",
                           op);
}

std::optional<Refusal>
SwitchedFamily::legalize(PlanClass planClass, PlanValue value,
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
  case PlanClass::batchForm:
    if (unused)
      break;
    if (std::optional<Refusal> refusal =
            refuseDegree(planClass, value, prefix, context))
      return refusal;
    return refusePlacement(planClass, value, prefix, context);
  case PlanClass::dispatchExchange:
  case PlanClass::combineExchange:
    return refuseExchange(planClass, value, prefix, context);
  case PlanClass::reduction:
    return refuseReduction(value, prefix, context);
  case PlanClass::residency:
    return refuseUnavailable(
        planClass, value,
        "weights stay in the first memory level; what is nearer is a hardware "
        "cache",
        feedForwardOp(context.model));
  case PlanClass::tile:
    if (unused)
      break;
    return refuseTile(value, prefix, context);
  default:
    break;
  }
  return refuseUnused(planClass, value, prefix, context);
}
