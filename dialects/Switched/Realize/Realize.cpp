//===- Realize.cpp - local ops as steps of a switched rack ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exactly one step per op, in order. Compute is StepRules.h; here is how a
// collective runs over a switch.
//
// Process: a group inside one domain uses the domain's switch: gathers and
//   exchanges go directly between all pairs, an all-reduce as the plan says. A
//   reduction or gather over a group that spans domains is carried out
//   hierarchically: inside each domain, and between ranks of the same place in
//   all domains, on the next tier. (A hierarchical exchange of rows is two of
//   them already, one for each tier: Partition.h.)
//   A domain may be a mesh of links instead of a switch, which the machine says
//   by the bandwidth of one of them: a group then has only the links between
//   its members.
// Assumptions: a flat all-to-all across domains is bound by the bytes that
//   leave the domain, as the part inside goes at the same time over links that
//   are no slower. On a mesh a ring is as many rings as share no link.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Realize/SwitchedFamily.h"
#include "portolan/Analysis/Collectives.h"
#include "portolan/Target/StepRules.h"
#include <algorithm>

using namespace portolan;
using namespace portolan::switched;

namespace {

/// A group cut at the borders of domains.
struct Cut {
  int64_t inside = 1;  ///< ranks of the group in one domain
  int64_t domains = 1; ///< domains that it reaches
};

Cut cutOf(Group group, const Machine &machine) {
  Cut cut;
  cut.inside = std::clamp<int64_t>(machine.topology.domain / group.stride, 1,
                                   group.size);
  cut.domains = (group.size + cut.inside - 1) / cut.inside;
  return cut;
}

/// Algorithm of a collective inside one domain.
Algorithm algorithmInside(OpKind kind, const PlanPoint &plan) {
  switch (kind) {
  case OpKind::allReduce:
    if (plan.is(PlanClass::reduction, Reduction::inNetwork))
      return Algorithm::inNetwork;
    if (plan.is(PlanClass::reduction, Reduction::ring))
      return Algorithm::ring;
    return Algorithm::oneShot;
  case OpKind::send:
  case OpKind::receive:
    return Algorithm::neighbour;
  default:
    return Algorithm::direct;
  }
}

bool exchangesRows(OpKind kind) {
  return kind == OpKind::allToAll || kind == OpKind::allToAllV;
}

/// Links of a mesh that a member of a group sends over at once.
int64_t linksInUse(Algorithm algorithm, int64_t size) {
  switch (algorithm) {
  case Algorithm::neighbour:
    return 1;
  case Algorithm::ring:
    // Tillson 1980: the directed links between n chips are n - 1 Hamiltonian
    // rings, except for 4 and 6; two fewer are the undirected ones both ways.
    return size == 4 || size == 6 ? size - 2 : size - 1;
  default:
    return size - 1;
  }
}

/// What passes over a mesh takes its fullest link for longer than the port of
/// all links if the group has not all of them: the bytes that this link carries
/// beyond an even share.
LinkLoad meshed(LinkLoad load, Algorithm algorithm, int64_t size,
                const Machine &machine) {
  bool isMesh = !machine.links.empty() &&
                !machine.links.front().axisBandwidthBytesPerSecond.empty();
  int64_t all = machine.topology.domain - 1;
  if (!isMesh || size < 2 || all < 1)
    return load;
  load.axisBytes[0] =
      load.bottleneckBytes *
      (1.0 / double(linksInUse(algorithm, size)) - 1.0 / double(all));
  return load;
}

/// Ranks of the same place in each domain, and what each of them handles.
void fillHierarchical(const LocalOp &op, Cut cut, const Machine &machine,
                      Step &step) {
  step.algorithm = Algorithm::hierarchical;
  step.linkTier = 0;
  Group inner{cut.inside, 1}, outer{cut.domains, 1};
  Algorithm within =
      op.kind == OpKind::allReduce ? Algorithm::ring : Algorithm::direct;
  step.load = meshed(switchLoad(op.kind, within, inner, op.payloadBytes),
                     within, cut.inside, machine);
  // A rank carries its share of the domain's data across.
  step.outerLoad =
      switchLoad(op.kind, within, outer, op.payloadBytes / double(cut.inside));
  // A group with one rank per domain has no inner part.
  if (cut.inside == 1)
    step.load = LinkLoad();
}

void fillCommunication(const LocalOp &op, const PlanPoint &plan,
                       const Deployment &deployment, const Machine &machine,
                       Step &step) {
  Algorithm algorithm = algorithmInside(op.kind, plan);
  bool peers = algorithm == Algorithm::neighbour;
  // The peer of a stage boundary is in the same domain if the instance is.
  int64_t span = peers ? deployment.instance : op.group.size * op.group.stride;
  step.algorithm = algorithm;
  if (liesInDomain(span, deployment, machine)) {
    step.load =
        meshed(switchLoad(op.kind, algorithm, op.group, op.payloadBytes),
               algorithm, peers ? 2 : op.group.size, machine);
    return;
  }
  if (peers) {
    step.linkTier = 1;
    step.load = switchLoad(op.kind, algorithm, op.group, op.payloadBytes);
    return;
  }
  Cut cut = cutOf(op.group, machine);
  if (exchangesRows(op.kind)) {
    step.linkTier = 1;
    step.load = switchLoad(op.kind, algorithm, op.group, op.payloadBytes);
    double elsewhere = double(op.group.size - cut.inside);
    step.load.bottleneckBytes =
        op.payloadBytes * elsewhere / double(op.group.size);
    step.load.extraMessages = elsewhere - 1;
    return;
  }
  fillHierarchical(op, cut, machine, step);
}

} // namespace

void SwitchedFamily::realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                             const Deployment &deployment,
                             const Machine &machine, Steps &steps) const {
  steps.clear();
  ComputeRules compute(machine, plan);
  for (auto [index, op] : llvm::enumerate(ops)) {
    Step &step = addStep(op, uint32_t(index), steps);
    if (isCommunication(op.kind))
      fillCommunication(op, plan, deployment, machine, step);
    else
      compute.fill(op, step);
  }
  joinKernels(ops, plan, steps);
}

llvm::StringRef SwitchedFamily::systemOpName(const Step &step) const {
  switch (step.kind) {
  case OpKind::embedding:
    return "embedding_gather";
  case OpKind::linear:
    return "gemm";
  case OpKind::route:
    return "router_topk";
  case OpKind::dispatch:
    return "permute";
  case OpKind::experts:
    return "grouped_gemm";
  case OpKind::combine:
    return "unpermute";
  case OpKind::allToAll:
    return "count_exchange";
  case OpKind::allToAllV:
    return "row_put";
  case OpKind::send:
    return "put";
  case OpKind::receive:
    return "wait";
  default:
    return spell(step.kind);
  }
}
