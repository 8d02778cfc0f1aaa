//===- Partition.h - the device program, as plain data ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// partition() decides what each device computes and sends: the local ops of
// every distinct layer, for the slowest rank of a stage. The pass moe-to-spmd
// emits the same ops as IR; describe() of its ops equals this list (tested).
//
// Process, for one micro-batch of a stage of n = dp * cp * tp ranks:
//   attention block: sequences are split over dp, heads over tp, the context
//     over cp (decode); the output projection's partial sums are all-reduced
//     over tp; activations are then equal on the tp * cp ranks of a sequence.
//     A recurrence and what belongs to its heads is split in the same way over
//     tp; its states stay whole, so that a model that has one has cp = 1.
//   experts, exchange none (rows equal on all ranks, dp = 1): every rank runs
//     its experts on all rows; partial sums are all-reduced over the stage.
//   experts, exchange all_to_all: the rows are sliced over the tp * cp equal
//     ranks, routed, packed once per destination rank, exchanged (counts, then
//     rows), dispatched locally, computed, combined to partial rows, exchanged
//     back, summed, and all-gathered over tp * cp.
//   experts, exchange hierarchical: the same, but rows are packed and exchanged
//     twice: once per destination domain, to the rank of the sender's place in
//     it, then once per rank inside; results are summed in each domain before
//     they cross back.
//   experts, exchange all_gather / reduce_scatter: sliced rows are gathered
//     over the stage, dispatched locally, and the partial rows
//     reduce-scattered.
//   overlap two_batch: each rank's sequences are halved (the larger half first)
//     and the halves take turns: what A computes up to its next communication,
//     the communication, the same of B, which computes beside it, ...
//   a dense feed-forward block is split over tp and all-reduced; a shared
//     expert, and the projections to and from a latent width of the experts,
//     run on the sliced rows.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_PARTITION_H
#define PORTOLAN_ANALYSIS_PARTITION_H

#include "portolan/Analysis/ModelShape.h"
#include "portolan/Analysis/Workload.h"
#include "portolan/Plan/PlanPoint.h"
#include <algorithm>

namespace portolan {

using LocalOps = llvm::SmallVector<LocalOp, 48>;

/// What the format classes of a plan mean for the ops that use them.
struct PlannedFormats {
  FormatPair feedForward; ///< weights of feed-forward blocks and experts
  FormatPair projection;  ///< other weights: kept at 8 bits or wider
  FormatPair cache;
  Format rows = Format::bf16;      ///< what those blocks read and rows are sent
  Format projected = Format::bf16; ///< what projections read
};
PlannedFormats plannedFormats(const PlanPoint &plan);

/// Rows are packed and exchanged once, or twice where `exchange` is
/// hierarchical and a stage is several domains: across them, then inside.
struct ExchangeLevel {
  Group group;                              ///< ranks that exchange
  int64_t expertTp = 1;                     ///< ranks that share an expert
  int64_t holders = 1;                      ///< of experts behind a destination
  double packedMean = 0, packedMax = 0;     ///< rows that leave a rank
  double receivedMean = 0, receivedMax = 0; ///< rows that come to it

  /// Rows that the slowest rank sends or receives.
  double exchangedMax() const { return std::max(receivedMax, packedMax); }
};
bool isExchangedTwice(Exchange exchange, const Deployment &deployment);

/// What a plan that sends rows expects of its exchanges. `totalRows` of a stage
/// are sliced over its ranks, at most `slowestRows` on one; `load` is that of
/// its ranks with experts. The fullest domain is taken to be as far above the
/// mean as the fullest rank (an upper bound).
llvm::SmallVector<ExchangeLevel, 2>
exchangeLevels(Exchange exchange, const Deployment &deployment, int64_t experts,
               int64_t topK, int64_t groups, int64_t topGroups,
               int64_t totalRows, int64_t slowestRows, const ExpertLoad &load);

/// Local ops of a layer for the slowest rank. `sequences` are those of one
/// model copy in one micro-batch. `layer` may be the prologue or the epilogue.
void partitionLayer(const ModelShape &model, const LayerShape &layer,
                    const PlanPoint &plan, const Deployment &deployment,
                    const Workload &workload, int64_t sequences, LocalOps &ops);

/// A tensor that passes from one stage to the next.
struct Passed {
  int64_t width = 0; ///< elements per token
  bool keys = false; ///< positions of chosen keys (i32), not activations

  bool operator==(const Passed &other) const {
    return width == other.width && keys == other.keys;
  }
};
using PassedList = llvm::SmallVector<Passed, 2>;

/// The send or receive of a tensor at a stage boundary for the slowest rank.
LocalOp stageBoundary(const ModelShape &model, const PlanPoint &plan,
                      const Deployment &deployment, const Workload &workload,
                      int64_t sequences, OpKind sendOrReceive, Passed passed);

/// What stage `stage` (not the first) receives, in the order of sending.
PassedList receivedBy(const ModelShape &model, const Deployment &deployment,
                      int64_t stage);

/// Layers [first, last) of the stage; earlier stages take one more if uneven.
std::pair<int64_t, int64_t> stageLayers(const ModelShape &model,
                                        const Deployment &deployment,
                                        int64_t stage);

/// Bytes per chip on the fullest rank, by kind.
struct MemoryUse {
  double weightBytes = 0;
  double cacheBytes = 0;      ///< `sequences` of the model copy, mean context
  double activationBytes = 0; ///< widest live tensors of one micro-batch

  double total() const { return weightBytes + cacheBytes + activationBytes; }
};
MemoryUse memoryUse(const ModelShape &model, const PlanPoint &plan,
                    const Deployment &deployment, const Workload &workload,
                    int64_t sequences);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_PARTITION_H
