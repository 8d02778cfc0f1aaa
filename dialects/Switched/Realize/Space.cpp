//===- Space.cpp - the plans of a switched rack ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a switch decides of the space: it forms every group, reduces in the
// network where switches add, and sends a row once per domain where an exchange
// leaves one. The rules are labelled in dialects/Switched/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Realize/SwitchedFamily.h"
#include "llvm/ADT/Twine.h"

using namespace portolan;
using namespace portolan::switched;
using llvm::Twine;

bool switched::liesInDomain(int64_t span, const Deployment &deployment,
                            const Machine &machine) {
  int64_t domain = machine.topology.domain;
  if (deployment.chips <= domain)
    return true;
  return domain % deployment.instance == 0 || domain % span == 0;
}

static bool addsInNetwork(const Machine &machine) {
  return !machine.links.empty() && machine.links.front().inNetworkReduction;
}

/// A switch connects any ranks.
ChipFamily::Groups SwitchedFamily::groupsOf(int64_t, const Machine &) const {
  return [](Group) { return true; };
}

void SwitchedFamily::addExchanges(const PlanPoint &prefix,
                                  const PlanContext &context,
                                  PlanValues &values) const {
  Deployment degrees = degreesOf(prefix, context.machine);
  // Across domains a row may cross once per domain instead of once per rank.
  if (context.model.experts > 0 && degrees.stageDomain > 0)
    values.push_back(PlanValue(Exchange::hierarchical));
}

std::string SwitchedFamily::whyNoExchange(Exchange exchange,
                                          const PlanPoint &prefix,
                                          const PlanContext &context) const {
  if (exchange != Exchange::hierarchical)
    return "rows are put to the ranks of their experts or gathered on all";
  Deployment degrees = degreesOf(prefix, context.machine);
  int64_t domain = context.machine.topology.domain;
  std::string group =
      ("the expert group of " + Twine(degrees.stageSize) + " ranks ").str();
  if (liesInDomain(degrees.stageSize, degrees, context.machine))
    return group + ("lies in one domain of " + Twine(domain)).str();
  return group +
         ("with expert_tp " + Twine(degrees.expertTp) +
          " is not several domains of " + Twine(domain) + " with whole experts")
             .str();
}

/// Inside a domain one_shot, ring and, where switches add, in_network; outside
/// the ring alone, as reads of every peer would all cross the scale-out
/// network.
void SwitchedFamily::addReductions(Group group, const PlanPoint &prefix,
                                   const PlanContext &context,
                                   PlanValues &values) const {
  bool inside =
      liesInDomain(group.size * group.stride,
                   degreesOf(prefix, context.machine), context.machine);
  if (inside)
    values.push_back(PlanValue(Reduction::oneShot));
  values.push_back(PlanValue(Reduction::ring));
  if (inside && addsInNetwork(context.machine))
    values.push_back(PlanValue(Reduction::inNetwork));
}

Refusal SwitchedFamily::refuseReduction(Reduction reduction, Group group,
                                        const PlanPoint &prefix,
                                        const PlanContext &context) const {
  const Machine &machine = context.machine;
  llvm::StringRef op = spell(OpKind::allReduce);
  if (reduction == Reduction::inNetwork && !addsInNetwork(machine))
    return refuse("no_in_network_reduction",
                  "the switches of this machine do not add",
                  machine.links.empty() ? "link" : machine.links.front().name,
                  1, 0, "switches that add", op);
  if (reduction == Reduction::inNetwork || reduction == Reduction::oneShot)
    return refuse("scale_out_cliff",
                  Twine("a group of ") + Twine(group.size) +
                      " ranks leaves the domain of " +
                      Twine(machine.topology.domain) +
                      ", beyond which only a ring reduces",
                  "domain", double(group.size * group.stride),
                  double(machine.topology.domain), "chips", op);
  return refuseUnavailable(PlanClass::reduction, PlanValue(reduction),
                           "a switch has no axes, trees or cores to reduce "
                           "along",
                           op);
}

/// Trees, rings of axes and switches that add elsewhere: everyone reads
/// everyone inside the domain, a ring outside. Asynchronous and dataflow
/// overlap: the two halves of a batch.
ChipFamily::Ladders SwitchedFamily::ladders(const PlanPoint &,
                                            const PlanContext &) const {
  static constexpr Reduction reductions[] = {Reduction::oneShot,
                                             Reduction::ring};
  static constexpr Exchange sent[] = {Exchange::allToAll};
  static constexpr Exchange gathered[] = {Exchange::allGather};
  static constexpr Overlap overlaps[] = {Overlap::twoBatch};
  return {reductions, sent, gathered, overlaps};
}
