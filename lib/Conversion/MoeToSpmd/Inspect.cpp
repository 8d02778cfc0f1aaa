//===- Inspect.cpp - what is to be partitioned ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads @main: its workload, its layer calls, the stage of every op; and
// refuses what the process of Partition.h does not cover.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/Partitioner.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

LogicalResult Partitioner::inspectRoutes(func::FuncOp layer) {
  WalkResult walk = layer.walk([&](moe::RouteOp route) {
    int64_t experts =
        cast<RankedTensorType>(route.getRouter().getType()).getDimSize(1);
    if (problem.experts && (problem.experts != experts ||
                            problem.topK != int64_t(route.getTopK()))) {
      route.emitOpError("expects one router form in all layers, got ")
          << experts << " and " << problem.experts << " experts";
      return WalkResult::interrupt();
    }
    problem.experts = experts;
    problem.topK = route.getTopK();
    problem.groups = route.getGroups();
    problem.topGroups = route.getTopGroups();
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult Partitioner::inspectPlan() {
  const Deployment &deployment = options.deployment;
  const PlanPoint &plan = options.plan;
  if (int64_t redundant = problem.redundant(); redundant && problem.experts) {
    int64_t own = llvm::divideCeil(problem.experts, deployment.ep);
    if (deployment.ep == 1 || own + redundant > problem.experts)
      return main.emitOpError("replicas: expects room for different experts "
                              "on each of ")
             << deployment.ep << " ranks of " << own << ", got " << redundant
             << " redundant ones";
    problem.slots = expertSlots(problem.popularity, problem.experts,
                                problem.topK, deployment.ep, redundant);
  }
  // Rows that are multicast on a chip have no other rank to go to.
  bool spatial = plan.is(PlanClass::placementForm, PlacementForm::spatial);
  bool multicasts = plan.is(PlanClass::dispatchExchange, Exchange::multicast);
  if ((spatial || multicasts) && deployment.stageSize > 1)
    return main.emitOpError("placement_form spatial, dispatch_exchange "
                            "multicast: expects stages of one rank, got ")
           << deployment.stageSize;
  bool gathers = (multicasts ||
                  plan.is(PlanClass::dispatchExchange, Exchange::allGather)) &&
                 plan.is(PlanClass::combineExchange, Exchange::reduceScatter);
  bool sends = problem.sendsRows() && plan.get(PlanClass::combineExchange) ==
                                          plan.get(PlanClass::dispatchExchange);
  bool none =
      !problem.exchanges() && plan.get(PlanClass::combineExchange) == kNone;
  if (!gathers && !sends && !none)
    return main.emitOpError(
               "dispatch_exchange, combine_exchange: expects "
               "none and none, all_gather or multicast and reduce_scatter, or "
               "twice all_to_all or hierarchical, got ")
           << spell(PlanClass::dispatchExchange,
                    plan.get(PlanClass::dispatchExchange))
           << " and "
           << spell(PlanClass::combineExchange,
                    plan.get(PlanClass::combineExchange));
  if (none && problem.experts && deployment.dp > 1)
    return main.emitOpError("dispatch_exchange: expects an exchange where ")
           << deployment.dp << " replicas hold different sequences, got none";
  if (problem.experts && problem.experts < deployment.ep)
    return main.emitOpError("expert parallelism: expects at most ")
           << problem.experts << " ranks with experts, got " << deployment.ep;
  return success();
}

void Partitioner::splitIntoSegments() {
  for (Operation &op : main.getBody().front().without_terminator()) {
    bool depends = llvm::any_of(op.getOperands(), [&](Value value) {
      return value.getDefiningOp() &&
             activations.contains(value.getDefiningOp());
    });
    if (!depends && !isa<WorkOpInterface, func::CallOp>(op))
      continue;
    activations.insert(&op);
    if (auto call = dyn_cast<func::CallOp>(op)) {
      segments.push_back({{&op}, call});
      continue;
    }
    if (segments.empty() || segments.back().call)
      segments.emplace_back();
    segments.back().ops.push_back(&op);
  }
}

LogicalResult Partitioner::inspect() {
  main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal() || !llvm::hasSingleElement(main.getBody()))
    return module.emitError("expects a function @main of one block, got none");
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  for (Type type :
       llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes()))
    if (!isStatic(type))
      return main.emitOpError("expects tensors of static shape, got ")
             << type << " (run moe-bind-workload)";

  splitIntoSegments();
  moe::EmbeddingOp embedding;
  SmallVector<size_t> calls;
  for (auto [index, segment] : llvm::enumerate(segments)) {
    if (segment.call) {
      calls.push_back(index);
      auto layer = module.lookupSymbol<func::FuncOp>(segment.call.getCallee());
      if (!layer || layer.isExternal() ||
          !llvm::hasSingleElement(layer.getBody()))
        return segment.call.emitOpError(
            "expects a layer function of one block");
      if (failed(inspectRoutes(layer)))
        return failure();
    }
    for (Operation *op : segment.ops)
      if (auto found = dyn_cast<moe::EmbeddingOp>(op))
        embedding = found;
  }
  if (!embedding ||
      cast<RankedTensorType>(embedding.getIds().getType()).getRank() != 2)
    return main.emitOpError("expects a moe.embedding of ids [B,S], got none");
  if (failed(inspectPlan()))
    return failure();
  auto ids = cast<RankedTensorType>(embedding.getIds().getType());
  sequences = ids.getDimSize(0);
  newTokens = ids.getDimSize(1);

  // Stages take contiguous layers, the first ones one more if uneven; what is
  // before the first call or after the last one goes with it.
  int64_t numStages = options.deployment.stages;
  if (int64_t(calls.size()) < numStages)
    return main.emitOpError("pipeline: expects at most one stage per layer, ")
           << calls.size() << ", got " << numStages;
  size_t first = 0;
  for (int64_t stage = 0; stage < numStages; ++stage) {
    int64_t next = spmd::blockOffset(calls.size(), numStages, stage + 1);
    size_t last = stage + 1 == numStages ? segments.size() : calls[next];
    stages.push_back({first, last});
    for (size_t index = first; index < last; ++index)
      for (Operation *op : segments[index].ops)
        stageOf[op] = stage;
    first = last;
  }
  return success();
}
