//===- Space.cpp - the plans of a NeuronLink system -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What this family decides of the space: groups are whole axes of a torus or
// alike for all servers behind a switch, reductions go by the algorithms of the
// runtime. The rules are labelled in dialects/Trainium/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Trainium/Realize/TrainiumFamily.h"
#include "portolan/Analysis/StagedCollectives.h"
#include "llvm/ADT/Twine.h"

using namespace portolan;
using namespace portolan::trainium;
using llvm::Twine;

namespace {

/// Whether the links of a topology form a group.
bool forms(const Topology &topology, Group group) {
  if (group.size == 1)
    return true;
  if (topology.kind == TopologyKind::fullSwitch)
    return isSymmetric(group, topology.server);
  std::optional<unsigned> axes = wholeAxes(topology.axes, group);
  return axes && closesToRings(topology, *axes);
}

std::string spellLinks(const Topology &topology) {
  if (topology.kind == TopologyKind::fullSwitch)
    return "servers of " + std::to_string(topology.server);
  std::string text = "axes ";
  for (int64_t axis : topology.axes)
    text += (text.size() > 5 ? "x" : "") + std::to_string(axis);
  return text;
}

/// The ranks of a stage, which exchange rows.
std::optional<StagedGroup> stageGroup(const PlanPoint &prefix,
                                      const PlanContext &context) {
  Deployment degrees = degreesOf(prefix, context.machine);
  return stagedGroup(context.machine, {degrees.stageSize, 1});
}

bool hasLevels(const PlanPoint &prefix, const PlanContext &context) {
  std::optional<StagedGroup> group = stageGroup(prefix, context);
  return group && group->stages.size() > 1;
}

/// Bytes of an all-reduce of one request: the new tokens of a sequence.
double requestBytes(const PlanContext &context) {
  double element = context.model.shippedActivation == Format::f32 ? 4.0 : 2.0;
  return double(context.workload.newTokens()) * double(context.model.hidden) *
         element;
}

bool isBelow(double bytes, const Machine &machine,
             Quantity CollectiveRules::*limit) {
  return machine.collectives &&
         bytes < ((*machine.collectives).*limit).nominal();
}

std::string linkName(const Machine &machine) {
  return machine.links.empty() ? "link" : machine.links.front().name;
}

} // namespace

ChipFamily::Groups TrainiumFamily::groupsOf(int64_t instance,
                                            const Machine &machine) const {
  const Topology &topology = machine.topology;
  bool exists = forms(topology, {instance, 1});
  return [exists, instance, &topology](Group group) {
    return exists && group.size * group.stride <= instance &&
           forms(topology, group);
  };
}

Refusal TrainiumFamily::refuseGroup(PlanClass planClass, PlanValue value,
                                    const PlanPoint &prefix,
                                    const PlanContext &context) const {
  const Topology &topology = context.machine.topology;
  llvm::StringRef op =
      planClass == PlanClass::attentionTp || planClass == PlanClass::attentionCp
          ? attentionOp(context.model)
          : feedForwardOp(context.model);
  Deployment degrees = degreesOf(prefix, context.machine);
  Group group = planClass == PlanClass::instance
                    ? Group{chipsOf(value, topology), 1}
                    : groupOf(planClass, value, degrees);
  if (forms(topology, group))
    return refusePlacement(planClass, value, prefix, context);
  // The largest group that is not larger than wanted.
  int64_t largest = 1;
  for (int64_t size = 1; size <= group.size; ++size)
    if (forms(topology, {size, group.stride}))
      largest = size;
  std::string reason =
      topology.kind == TopologyKind::fullSwitch
          ? " ranks has not as many on each server, at the same places"
          : " ranks is no run of whole axes that close to rings";
  return refuse("group_shape_not_expressible",
                Twine("a group of ") + Twine(group.size) + reason,
                spellLinks(topology), double(group.size), double(largest),
                "ranks", op);
}

void TrainiumFamily::addExchanges(const PlanPoint &prefix,
                                  const PlanContext &context,
                                  PlanValues &values) const {
  if (context.model.experts > 0 && hasLevels(prefix, context))
    values.push_back(PlanValue(Exchange::hierarchical));
}

std::string TrainiumFamily::whyNoExchange(Exchange exchange, const PlanPoint &,
                                          const PlanContext &) const {
  return exchange == Exchange::hierarchical
             ? "the links of a stage are equally fast, which is one level"
             : "chips have no multicast to other chips";
}

/// The algorithms of the runtime, from small messages to large ones.
void TrainiumFamily::addReductions(Group group, const PlanPoint &,
                                   const PlanContext &context,
                                   PlanValues &values) const {
  const Machine &machine = context.machine;
  if (isBelow(requestBytes(context), machine, &CollectiveRules::meshLimitBytes))
    values.push_back(PlanValue(Reduction::mesh));
  std::optional<StagedGroup> stages = stagedGroup(machine, group);
  if (stages && doublesRecursively(*stages))
    values.push_back(PlanValue(Reduction::recursiveDoubling));
  if (stages && stages->ranksPerChip % 2 == 0)
    values.push_back(PlanValue(Reduction::kangaRing));
  values.push_back(PlanValue(Reduction::ring));
}

Refusal TrainiumFamily::refuseReduction(Reduction reduction, Group group,
                                        const PlanPoint &,
                                        const PlanContext &context) const {
  llvm::StringRef op = spell(OpKind::allReduce);
  const Machine &machine = context.machine;
  switch (reduction) {
  case Reduction::inNetwork:
    return refuse("no_in_network_reduction",
                  "links and switches do not add: chips do, at each hop",
                  linkName(machine), 1, 0, "switches that add", op);
  case Reduction::mesh:
    if (!machine.collectives)
      break;
    return refuseUnavailable(
        PlanClass::reduction, PlanValue(reduction),
        Twine("all pairs at once are for messages below ") +
            Twine(int64_t(machine.collectives->meshLimitBytes.nominal())) +
            " bytes, and one request has " +
            Twine(int64_t(requestBytes(context))),
        op);
  case Reduction::recursiveDoubling:
    return refuse("group_shape_not_expressible",
                  Twine("recursive doubling needs 2^p chips that exchange with "
                        "neighbours, not ") +
                      Twine(group.size),
                  spellLinks(machine.topology), double(group.size),
                  double(int64_t(1) << llvm::Log2_64(group.size)), "ranks", op);
  case Reduction::kangaRing:
    return refuse("group_shape_not_expressible",
                  "a ring that hops over every other rank needs chips with an "
                  "even number of them",
                  "ranks of a chip", 2,
                  machine.collectives ? machine.collectives->ranksPerChip : 1,
                  "ranks", op);
  default:
    break;
  }
  return refuseUnavailable(PlanClass::reduction, PlanValue(reduction),
                           "the runtime has no such algorithm", op);
}

/// By the size of one request's message. Foreign exchanges go to all-to-all;
/// hierarchical ones are kept where there are two levels. Asynchronous and
/// dataflow overlap become the two halves of a batch.
ChipFamily::Ladders TrainiumFamily::ladders(const PlanPoint &,
                                            const PlanContext &context) const {
  static constexpr Reduction small[] = {
      Reduction::mesh, Reduction::recursiveDoubling, Reduction::kangaRing};
  static constexpr Reduction medium[] = {Reduction::recursiveDoubling,
                                         Reduction::kangaRing};
  static constexpr Reduction large[] = {Reduction::kangaRing,
                                        Reduction::recursiveDoubling};
  static constexpr Exchange sent[] = {Exchange::allToAll};
  static constexpr Exchange gathered[] = {Exchange::allGather};
  static constexpr Overlap overlaps[] = {Overlap::twoBatch};
  double bytes = requestBytes(context);
  llvm::ArrayRef<Reduction> reductions = large;
  if (isBelow(bytes, context.machine, &CollectiveRules::meshLimitBytes))
    reductions = small;
  else if (isBelow(bytes, context.machine,
                   &CollectiveRules::doublingLimitBytes))
    reductions = medium;
  return {reductions, sent, gathered, overlaps};
}
