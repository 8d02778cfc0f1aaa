//===- Memory.cpp - bytes per chip ----------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the local ops of every layer class state their resident weights and
//   their cache; a stage holds the sum over its layers; the fullest stage
//   counts. A sequence holds the mean context of its life (Little's law); the
//   state of a recurrence is the same at any age.
//   Activations are two copies of the widest op's operands and results.
// Not counted: gains of norms (under 0.01 % of any MoE model), biases (under
//   0.04 %), rotary tables, tables of routes.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Partition.h"
#include <algorithm>

using namespace portolan;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct LayerMemory {
  double weightBytes = 0, cacheBytes = 0, widestBytes = 0;
};

/// `attentionTiles`: parts of the batch that attention takes in turn.
LayerMemory memoryOf(const LocalOps &ops, int64_t attentionTiles) {
  LayerMemory result;
  for (const LocalOp &op : ops) {
    // The second half of a micro-batch uses the same weights.
    if (op.microBatch == 0)
      result.weightBytes += residentWeightBytes(op);
    Work work = workOf(op);
    bool attends = mixesTokens(op.kind);
    double activations = (work.activationInBytes + work.activationOutBytes) /
                         (attends ? double(attentionTiles) : 1);
    // One node of several is at work at a time.
    if (op.kind == OpKind::decomposed)
      activations = op.rows * double(DecomposedCounts::of(op).widestBytes);
    result.widestBytes =
        std::max({result.widestBytes, activations, op.payloadBytes});
    result.cacheBytes += stateBytes(op);
    double tokens = double(op.sequences) * double(op.context + op.newTokens);
    // Counted where it is kept.
    if (op.borrows)
      continue;
    if (op.kind == OpKind::attention)
      result.cacheBytes +=
          tokens * double(op.kvHeads) * double(op.inner + op.outer) *
              bytesPerElement(op.cache) +
          tokens * double(op.ropeWidth) * bytesPerElement(op.cache);
    if (op.kind == OpKind::pooledAttention) {
      int64_t total = op.context + op.newTokens;
      result.cacheBytes +=
          double(op.sequences) * bytesPerElement(op.cache) *
          (double(std::min(total, op.window)) * double(op.inner) +
           double(pooledEntries(op, total)) * double(op.inner + op.indexWidth));
    }
    if (op.kind == OpKind::latentAttention)
      result.cacheBytes += tokens *
                           double(op.inner + op.ropeWidth + op.indexWidth) *
                           bytesPerElement(op.cache);
  }
  return result;
}

} // namespace

MemoryUse portolan::memoryUse(const ModelShape &model, const PlanPoint &plan,
                              const Deployment &deployment,
                              const Workload &workload, int64_t sequences) {
  int64_t inMicroBatch = ceilDiv(sequences, deployment.microBatches);
  LocalOps ops;
  auto measure = [&](const LayerShape &layer) {
    partitionLayer(model, layer, plan, deployment, workload, inMicroBatch, ops);
    return memoryOf(ops, deployment.attentionTiles);
  };
  llvm::SmallVector<LayerMemory, 8> layers;
  for (const LayerShape &layer : model.layers)
    layers.push_back(measure(layer));
  LayerMemory prologue = measure(model.prologue);
  LayerMemory epilogue = measure(model.epilogue);

  MemoryUse fullest, use;
  double fullestBytes = -1;
  for (int64_t stage = 0; stage < deployment.stages; ++stage) {
    // Stages that share a chip are all resident and busy at once.
    if (stage % deployment.stagesPerChip == 0)
      use = MemoryUse();
    double widest = 0;
    auto add = [&](const LayerMemory &layer) {
      use.weightBytes += layer.weightBytes;
      use.cacheBytes += layer.cacheBytes * double(deployment.microBatches);
      widest = std::max(widest, layer.widestBytes);
    };
    auto [first, last] = stageLayers(model, deployment, stage);
    for (int64_t layer = first; layer < last; ++layer)
      add(layers[model.sequence[layer]]);
    if (stage == 0)
      add(prologue);
    if (stage == deployment.stages - 1)
      add(epilogue);
    use.activationBytes += 2 * widest;
    if (use.total() > fullestBytes) {
      fullestBytes = use.total();
      fullest = use;
    }
  }
  return fullest;
}
