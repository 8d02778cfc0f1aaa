//===- StepRules.h - how an op is computed on a chip -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compute half of realize(), shared by families whose chips have matmul
// engines with native tiles: operations issued with padding, wave quantization,
// widening of narrow storage, kernels. All of it is asked from the machine.
//
// Process: a matmul of R rows, K contraction and N columns issues
//   2 * ceil(R, token tile) * ceil(K, contraction tile) * ceil(N, column tile)
// operations. Its tile iterations are dealt out evenly to the engine's units
// and the last round is paid in full (Stream-K: Osama et al., PPoPP 2023).
// Rows are padded per expert that has any; per sequence and key head in
// attention, whose query heads that share a key are rows of one matmul.
// Assumptions: an expert's rows are those of the mean hit expert of the slowest
//   rank; kernels skip what a causal mask hides tile by tile.
// Not counted: a lower rate of small tiles; narrowing of activations, which the
//   measured matmul efficiencies include.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TARGET_STEPRULES_H
#define PORTOLAN_TARGET_STEPRULES_H

#include "portolan/Analysis/Step.h"
#include "portolan/Plan/PlanPoint.h"
#include "llvm/ADT/ArrayRef.h"
#include <array>

namespace portolan {

/// `count` equal matmuls of one op.
struct Matmul {
  double count = 1;
  double rows = 0;
  int64_t contraction = 0;
  int64_t columns = 0;
};

/// The matmuls of an op.
struct Matmuls {
  static constexpr unsigned kMost = 5;
  std::array<Matmul, kMost> items;
  unsigned size = 0;

  void add(double count, double rows, int64_t contraction, int64_t columns) {
    if (count > 0 && rows > 0 && contraction > 0 && columns > 0)
      items[size++] = {count, rows, contraction, columns};
  }
};
Matmuls matmulsOf(const LocalOp &op);

/// A token tile and the operations that matmuls issue with it.
struct TileChoice {
  int64_t tokenTile = 0;
  double issuedOperations = 0;
};

/// The best of `tokenTiles` (ascending) for matmuls in `compute`: least issued
/// operations, padding and the last round included; of equal ones the largest
/// tile, which reads operands least often.
TileChoice chooseTile(const Matmuls &matmuls, const Engine &engine,
                      Format compute, llvm::ArrayRef<int64_t> tokenTiles);

/// Fills the fields of compute steps under one plan. Looks the machine up once;
/// fill() allocates nothing.
class ComputeRules {
public:
  ComputeRules(const Machine &machine, const PlanPoint &plan);

  /// The step of compute op `index`: engine, tile, operations, kernels.
  void fill(const LocalOp &op, Step &step) const;

private:
  double dequantizeOperations(Format storage, double bytes) const;

  const Engine *matmul;
  EngineKind rowMover; ///< engine that moves rows: gather if there is one
  int64_t expertTile;  ///< the plan's; 0 derives it
  bool prefetchesExperts;
  /// Vector operations per element to widen a storage format.
  std::array<double, kNumFormats> widening;
};

/// Joins kernels as the plan's fusion says; realize() calls it last.
///
/// Process: `elementwise`: a row- or element-wise op that follows a computation
///   of its micro-batch, no transfer between, is part of that kernel: it is not
///   launched, and what it reads of an op of the same kernel stays next to the
///   engines (Step::residentBytes of both, of the maker only if nothing else
///   reads it). `block`: in addition all computations between two transfers are
///   one launch; what passes between its kernels still goes through memory.
/// Assumptions: the rows of a tile are whole, so that a norm is computed where
///   its input is made.
/// Not counted: barriers inside a persistent kernel, for which no machine
///   publishes a figure; registers and local memory that joined kernels share.
void joinKernels(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                 Steps &steps);

/// What every step of `op` has: what it covers, its work and balance.
Step startStep(const LocalOp &op, uint32_t index);
/// The same at the end of `steps`, without a copy.
Step &addStep(const LocalOp &op, uint32_t index, Steps &steps);

} // namespace portolan

#endif // PORTOLAN_TARGET_STEPRULES_H
