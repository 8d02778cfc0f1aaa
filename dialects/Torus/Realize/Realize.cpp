//===- Realize.cpp - local ops as steps of a torus ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exactly one step per op, in order. Compute is StepRules.h; here is how a
// collective runs along the axes of a slice.
//
// Process: gathers and reductions go around the axes of their group, both
//   directions at once unless the plan says one; exchanges go along one axis
//   after another; a stage sends to the next stage along the outermost axes.
// Not counted: contention between collectives that share an axis.
//
//===----------------------------------------------------------------------===//

#include "dialects/Torus/Realize/TorusFamily.h"
#include "portolan/Target/StepRules.h"

using namespace portolan;
using namespace portolan::torus;

namespace {

Algorithm algorithmOf(OpKind kind, const PlanPoint &plan) {
  switch (kind) {
  case OpKind::allToAll:
  case OpKind::allToAllV:
    return Algorithm::dimensionOrdered;
  case OpKind::send:
  case OpKind::receive:
    return Algorithm::neighbour;
  case OpKind::allReduce:
    return plan.is(PlanClass::reduction, Reduction::ring)
               ? Algorithm::ring
               : Algorithm::bidirectionalRing;
  default:
    return Algorithm::bidirectionalRing;
  }
}

/// The axes of an op's group. A stage boundary runs along those of the stages;
/// a peer in another copy of the model is reached over the whole machine.
/// A group that no plan of this family yields is loaded as if it were the whole
/// slice, which holds it.
TorusGroup axesOf(const LocalOp &op, const Topology &slice,
                  const Deployment &deployment, const Machine &machine) {
  Group group = op.group;
  if (op.kind == OpKind::send || op.kind == OpKind::receive) {
    if (op.group.stride >= deployment.instance)
      return torusGroup(machine.topology, {machine.chips(), 1})
          .value_or(TorusGroup());
    group = {deployment.stages, deployment.stageSize};
  }
  if (std::optional<TorusGroup> axes = torusGroup(slice, group))
    return *axes;
  if (std::optional<TorusGroup> axes = torusGroup(slice, {slice.chips(), 1}))
    return *axes;
  return TorusGroup();
}

} // namespace

void TorusFamily::realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                          const Deployment &deployment, const Machine &machine,
                          Steps &steps) const {
  steps.clear();
  ComputeRules compute(machine, plan);
  std::optional<Topology> part;
  if (deployment.instance != machine.chips())
    part = subSlice(machine.topology, deployment.instance);
  const Topology &slice = part ? *part : machine.topology;
  for (auto [index, op] : llvm::enumerate(ops)) {
    Step &step = addStep(op, uint32_t(index), steps);
    if (isCommunication(op.kind)) {
      step.algorithm = algorithmOf(op.kind, plan);
      step.load =
          torusLoad(op.kind, step.algorithm,
                    axesOf(op, slice, deployment, machine), op.payloadBytes);
    } else {
      compute.fill(op, step);
    }
  }
  joinKernels(ops, plan, steps);
}

RankGrid TorusFamily::gridOf(const Deployment &deployment,
                             const Machine &machine) const {
  RankGrid grid;
  std::optional<Topology> slice =
      subSlice(machine.topology, deployment.instance);
  if (!slice)
    return grid;
  // Ranks are numbered in row-major order: the last axis is innermost.
  for (unsigned axis = unsigned(slice->axes.size()); axis-- > 0;)
    grid.axes.push_back({slice->axes[axis],
                         axis < slice->wraps.size() && slice->wraps[axis], 1});
  return grid;
}

llvm::StringRef TorusFamily::systemOpName(const Step &step) const {
  switch (step.kind) {
  case OpKind::embedding:
    return "embedding_gather";
  case OpKind::linear:
    return "matmul";
  case OpKind::route:
    return "router_topk";
  case OpKind::dispatch:
    return "row_gather";
  case OpKind::experts:
    return "expert_matmul";
  case OpKind::combine:
    return "row_scatter";
  case OpKind::allToAll:
    return "count_exchange";
  case OpKind::allToAllV:
    return "all_to_all";
  case OpKind::send:
    return "remote_dma";
  case OpKind::receive:
    return "dma_wait";
  default:
    return spell(step.kind);
  }
}
