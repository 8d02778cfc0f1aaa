//===- Step.h - one kernel launch or communication step --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What realize() yields and estimate() prices: plain data with everything that
// decides a step's cost, but no time. A system op of a hardware dialect carries
// exactly one step as attributes; its work is read from the op's types.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_STEP_H
#define PORTOLAN_ANALYSIS_STEP_H

#include "portolan/Analysis/LocalOp.h"
#include "portolan/Machine/Machine.h"
#include "llvm/ADT/SmallVector.h"
#include <array>

namespace portolan {

/// How a collective is carried out on a topology.
enum class Algorithm : uint8_t {
  none,
  direct,            ///< every pair at once over a switch (all-to-all, gather)
  oneShot,           ///< all-reduce: everyone reads everyone
  ring,              ///< one direction
  bidirectionalRing, ///< both directions of each axis, axes one after another
  inNetwork,         ///< reduced and multicast in the switch
  dimensionOrdered,  ///< all-to-all along one axis after another
  hierarchical,      ///< across domains once, then inside
  neighbour,         ///< send / receive to the next stage
  mesh,              ///< every pair at once, routed through chips between
  recursiveDoubling, ///< halves, quarters, ... exchanged with neighbours
  kangaRing,         ///< ring that hops over every other rank of a chip
  kTree,             ///< on a wafer: partial sums added along a tree of PEs
  multicast,         ///< on a wafer: rows copied by routers to all PEs
};
llvm::StringRef spell(Algorithm algorithm);
std::optional<Algorithm> parseAlgorithm(llvm::StringRef name);

/// What a collective loads a topology with; times come from estimate().
struct LinkLoad {
  /// Serial message latencies on the longest dependency path (hops included).
  double hops = 0;
  /// Bytes through the most loaded link direction of the tier.
  double bottleneckBytes = 0;
  /// Messages that a rank starts one after another, beyond the first.
  double extraMessages = 0;
  /// Kernel or DMA-program starts on the critical path.
  double starts = 0;
  /// Bytes that pass after the others. Torus: over the fullest link of an axis
  /// with a rate of its own. Mesh of links, [0]: of one link, beyond its share.
  std::array<double, 3> axisBytes = {0, 0, 0};
};

/// One step. Plain data: copied and compared field by field.
struct Step {
  /// Index of the covered op in the body that was realized. (A step covers one
  /// op until fusion lands; every op is covered once.)
  uint32_t covers = 0;
  OpKind kind = OpKind::add;
  /// Micro-batch that the step belongs to (overlap two_batch: 0 or 1).
  uint8_t microBatch = 0;

  // Computation.
  EngineKind engine = EngineKind::vector; ///< engine of the dominant operations
  int64_t tokenTile = 0;                  ///< row tile of a matmul; 0 if none
  double issuedOperations = 0;            ///< matmul operations with padding
  double dequantizeOperations = 0; ///< vector operations to widen weights
  uint8_t memoryLevel = 0;         ///< level that weights and cache stream from
  bool prefetched = false; ///< weights stream while the previous step runs
  double kernels = 0;      ///< kernels launched
  /// Bytes of one transfer of a gather engine that depends on them; 0 where
  /// their size does not matter.
  double transferBytes = 0;
  /// Part of the chip's units that carries the step out: rates of its engines
  /// and the bandwidth of its memory scale with it.
  double share = 1;
  /// Activation bytes that stay next to the engines, as the op that makes or
  /// takes them is part of the same kernel.
  double residentBytes = 0;

  // Communication; of a computation, transfers between the units of the chip.
  /// Units start as data arrives: transfers take place beside the computation.
  bool streamed = false;
  Algorithm algorithm = Algorithm::none;
  uint8_t linkTier = 0;
  LinkLoad load;
  /// Second tier of a hierarchical exchange.
  LinkLoad outerLoad;

  /// Work of the covered op: set from the LocalOp by realize(), recomputed from
  /// types when read from IR.
  Work work;
  /// Work of the mean rank over that of the slowest rank (1: balanced).
  double balance = 1;
};

using Steps = llvm::SmallVector<Step, 64>;

/// Equal in every field, doubles within 1e-9 relative. On a difference names
/// the field in `difference` if given.
bool sameStep(const Step &a, const Step &b, std::string *difference = nullptr);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_STEP_H
