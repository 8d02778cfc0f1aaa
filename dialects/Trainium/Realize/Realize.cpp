//===- Realize.cpp - local ops as steps of a NeuronLink system ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exactly one step per op, in order. Compute is StepRules.h, collectives are
// StagedCollectives.h; here is which of them, and how rows are moved.
//
// Process: an all-reduce goes by the plan's algorithm, an exchange by the
// plan's
//   dispatch. No class names the algorithm of gathers and scattered reductions:
//   mesh, recursive doubling or the kanga ring, whichever takes least. Rows are
//   moved whole, a row per partition. Only rows that go to experts must lie
//   with their elements on the partitions: they are spread by small transfers,
//   or moved whole and transposed on the matmul engine, whichever takes less.
// Assumptions: a program has buffers of static capacity; what is sent are the
//   rows of the slowest rank, as the exchange takes counts at run time.
// Not counted: generating descriptors (one DMA instruction per 128 rows);
//   contention between collectives that share links.
//
//===----------------------------------------------------------------------===//

#include "dialects/Trainium/Realize/TrainiumFamily.h"
#include "portolan/Analysis/StagedCollectives.h"
#include "portolan/Target/StepRules.h"
#include <algorithm>

using namespace portolan;
using namespace portolan::trainium;

namespace {

/// Nominal seconds of a load on the first tier, to compare algorithms by.
double nominalSeconds(const LinkLoad &load, const Link &link) {
  double efficiency = link.efficiency.nominal();
  double seconds = load.starts * link.startSeconds.nominal() +
                   load.hops * link.latencySeconds.nominal() +
                   load.extraMessages * link.messageGapSeconds.nominal() +
                   load.bottleneckBytes /
                       (link.bandwidthBytesPerSecond.nominal() * efficiency);
  for (auto [bytes, axis] :
       llvm::zip(load.axisBytes, link.axisBandwidthBytesPerSecond))
    seconds += bytes / (axis.nominal() * efficiency);
  return seconds;
}

Algorithm plannedReduction(const PlanPoint &plan) {
  switch (Reduction(plan.get(PlanClass::reduction))) {
  case Reduction::mesh:
    return Algorithm::mesh;
  case Reduction::recursiveDoubling:
    return Algorithm::recursiveDoubling;
  case Reduction::kangaRing:
    return Algorithm::kangaRing;
  default:
    return Algorithm::ring;
  }
}

/// The fastest algorithm of a gather or a scattered reduction.
void chooseGather(const LocalOp &op, const StagedGroup &group, const Link &link,
                  Step &step) {
  static constexpr Algorithm algorithms[] = {
      Algorithm::mesh, Algorithm::recursiveDoubling, Algorithm::kangaRing};
  double least = 0;
  for (Algorithm algorithm : algorithms) {
    if (algorithm == Algorithm::recursiveDoubling && !doublesRecursively(group))
      continue;
    LinkLoad load = stagedLoad(op.kind, algorithm, group, op.payloadBytes);
    double seconds = nominalSeconds(load, link);
    if (step.algorithm != Algorithm::none && seconds >= least)
      continue;
    step.algorithm = algorithm;
    step.load = load;
    least = seconds;
  }
}

/// The links of an op's group. A stage boundary runs along those of the stages;
/// a peer in another copy of the model is reached over the whole machine.
/// A group that no plan of this family yields is loaded as if it were the whole
/// machine, which holds it.
StagedGroup linksOf(const LocalOp &op, const Deployment &deployment,
                    const Machine &machine) {
  Group group = op.group;
  if (op.kind == OpKind::send || op.kind == OpKind::receive)
    group = op.group.stride < deployment.instance
                ? Group{deployment.stages, deployment.stageSize}
                : Group{machine.chips(), 1};
  if (std::optional<StagedGroup> links = stagedGroup(machine, group))
    return *links;
  if (std::optional<StagedGroup> links =
          stagedGroup(machine, {machine.chips(), 1}))
    return *links;
  return StagedGroup();
}

void fillCommunication(const LocalOp &op, const PlanPoint &plan,
                       const Deployment &deployment, const Machine &machine,
                       Step &step) {
  StagedGroup group = linksOf(op, deployment, machine);
  switch (op.kind) {
  case OpKind::allGather:
  case OpKind::reduceScatter:
    if (!machine.links.empty())
      chooseGather(op, group, machine.links.front(), step);
    return;
  case OpKind::allReduce:
    step.algorithm = plannedReduction(plan);
    break;
  case OpKind::allToAll:
  case OpKind::allToAllV:
    step.algorithm =
        plan.is(PlanClass::dispatchExchange, Exchange::hierarchical)
            ? Algorithm::hierarchical
            : Algorithm::dimensionOrdered;
    break;
  default:
    step.algorithm = Algorithm::neighbour;
    break;
  }
  step.load = stagedLoad(op.kind, step.algorithm, group, op.payloadBytes);
}

/// How rows are moved by a gather engine whose speed depends on the size of its
/// transfers; nothing if it does not.
class RowMoves {
public:
  explicit RowMoves(const Machine &machine) {
    const Engine *gather = machine.findEngine(EngineKind::gather);
    if (!gather || !gather->saturatingBytes)
      return;
    saturating = gather->saturatingBytes->nominal();
    partitions = double(gather->partitions);
    rate = rateOf(*gather, Format::f32);
    matmul = machine.findEngine(EngineKind::matmul);
  }

  void fill(const LocalOp &op, Step &step) const {
    if (saturating == 0 || op.rows <= 0 || step.engine != EngineKind::gather)
      return;
    const Work &work = step.work;
    double moved = op.kind == OpKind::embedding ? work.weightBytes
                                                : work.activationInBytes;
    step.transferBytes = moved / op.rows;
    if (op.kind != OpKind::dispatch || partitions == 1 || !matmul ||
        !matmul->computes(work.compute))
      return;
    // Blocks of as many rows as there are partitions, a product with the
    // identity for each.
    double blocks = double(int64_t((op.rows + partitions - 1) / partitions));
    double transposed = 2 * blocks * partitions * double(op.outer) * partitions;
    double spread = step.transferBytes / partitions;
    double whole = std::max(moved / reached(step.transferBytes),
                            transposed / rateOf(*matmul, work.compute));
    if (moved / reached(spread) < whole)
      step.transferBytes = spread;
    else
      step.issuedOperations = transposed;
  }

private:
  static double rateOf(const Engine &engine, Format format) {
    const auto &peak = engine.peakOperationsPerSecond[unsigned(format)];
    const auto &efficiency = engine.efficiency[unsigned(format)];
    return (peak ? peak->nominal() : 0) *
           (efficiency ? efficiency->nominal() : 1);
  }
  double reached(double transfer) const {
    return rate * std::min(1.0, transfer / saturating);
  }

  double saturating = 0, partitions = 1, rate = 0;
  const Engine *matmul = nullptr;
};

} // namespace

void TrainiumFamily::realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                             const Deployment &deployment,
                             const Machine &machine, Steps &steps) const {
  steps.clear();
  ComputeRules compute(machine, plan);
  RowMoves rows(machine);
  for (auto [index, op] : llvm::enumerate(ops)) {
    Step &step = addStep(op, uint32_t(index), steps);
    if (isCommunication(op.kind)) {
      fillCommunication(op, plan, deployment, machine, step);
    } else {
      compute.fill(op, step);
      rows.fill(op, step);
    }
  }
  joinKernels(ops, plan, steps);
}

RankGrid TrainiumFamily::gridOf(const Deployment &,
                                const Machine &machine) const {
  RankGrid grid;
  const Topology &topology = machine.topology;
  if (topology.kind == TopologyKind::fullSwitch || machine.links.empty())
    return grid;
  // Ranks are numbered along the first axis first, so that those of a copy are
  // the first ones of the machine.
  const Link &link = machine.links.front();
  for (auto [axis, size] : llvm::enumerate(topology.axes)) {
    double slowness = 1;
    if (axis < link.axisBandwidthBytesPerSecond.size())
      slowness = link.bandwidthBytesPerSecond.nominal() /
                 link.axisBandwidthBytesPerSecond[axis].nominal();
    grid.axes.push_back(
        {size, axis < topology.wraps.size() && topology.wraps[axis], slowness});
  }
  return grid;
}

llvm::StringRef TrainiumFamily::systemOpName(const Step &step) const {
  switch (step.kind) {
  case OpKind::embedding:
    return "embedding_load";
  case OpKind::linear:
    return "nc_matmul";
  case OpKind::add:
    return "tensor_add";
  case OpKind::route:
    return "router_topk";
  case OpKind::dispatch:
    return "dma_gather";
  case OpKind::experts:
    return "blockwise_matmul";
  case OpKind::combine:
    return "dma_scatter_add";
  case OpKind::pack:
    return "dma_pack";
  case OpKind::unpack:
    return "dma_unpack";
  case OpKind::allReduce:
    return "cc_all_reduce";
  case OpKind::allGather:
    return "cc_all_gather";
  case OpKind::reduceScatter:
    return "cc_reduce_scatter";
  case OpKind::allToAll:
    return "cc_all_to_all";
  case OpKind::allToAllV:
    return "cc_all_to_all_v";
  case OpKind::send:
    return "cc_send";
  case OpKind::receive:
    return "cc_receive";
  default:
    return spell(step.kind);
  }
}
