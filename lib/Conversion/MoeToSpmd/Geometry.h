//===- Geometry.h - what one rank of a stage holds -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arithmetic of a partition for one rank, and a record of what was asked:
// two ranks of which every question has the same answer share a variant.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOSPMD_GEOMETRY_H
#define PORTOLAN_LIB_CONVERSION_MOETOSPMD_GEOMETRY_H

#include "dialects/Spmd/IR/Spmd.h"
#include "portolan/Plan/PlanPoint.h"
#include <set>
#include <tuple>

namespace portolan::moe_to_spmd {

/// How a dimension is cut: `parts` blocks of whole `unit`s, of which a rank
/// holds block rank / stride mod parts.
struct DimSplit {
  int64_t parts = 1;
  int64_t stride = 1;
  int64_t unit = 1;
  bool isBatch = false; ///< sequences: halved by overlap two_batch
  /// What is cut in place of the dimension, if not empty: elements of it.
  llvm::ArrayRef<int64_t> slots = {};

  bool operator==(const DimSplit &other) const {
    return parts == other.parts && stride == other.stride &&
           unit == other.unit && isBatch == other.isBatch &&
           slots == other.slots;
  }
};

/// One per dimension of a tensor.
using Layout = llvm::SmallVector<DimSplit, 4>;

/// The record: (units, parts, stride) of every division.
using Divisions = std::set<std::tuple<int64_t, int64_t, int64_t>>;

/// A stage's ranks as `rank` sees them.
class Geometry {
public:
  Geometry(const Deployment &deployment, int64_t sequences, int64_t newTokens,
           int64_t rank, Divisions &asked)
      : deployment(deployment), sequences(sequences), newTokens(newTokens),
        rank(rank), asked(asked) {}

  const Deployment &deployment;
  const int64_t sequences; ///< of the model copy
  const int64_t newTokens; ///< per sequence
  const int64_t rank;

  /// Units that this rank holds.
  int64_t block(int64_t units, int64_t parts, int64_t stride) const;
  /// Elements of a dimension that this rank holds.
  int64_t extent(int64_t whole, const DimSplit &split) const;
  mlir::RankedTensorType local(mlir::RankedTensorType whole,
                               const Layout &layout) const;

  bool isLastOfContext() const;

  /// Of `experts` over a stage, those of the rank's domain of `holders` blocks:
  /// all of them if those are all.
  int64_t expertsOf(int64_t experts, int64_t holders) const;

  /// Sequences of `rank` in half `half` (0, 1; -1: both).
  int64_t sequencesOf(int64_t otherRank, int half) const;
  int64_t localSequences(int half) const { return sequencesOf(rank, half); }
  /// Rows of each rank of a stage after slicing over tp * cp.
  llvm::SmallVector<int64_t> slicedRows(int half) const;
  /// The same for the ranks that share this rank's sequences.
  llvm::SmallVector<int64_t> equalRows(int half) const;
  int64_t equalRanks() const { return deployment.tp * deployment.cp; }
  int64_t totalRows(int half) const;

  /// What tells variants apart: the answers to everything that was asked.
  llvm::SmallVector<int64_t> signature() const;

  // Splits of dimensions.
  DimSplit whole() const { return {}; }
  DimSplit batch() const { return {deployment.dp, equalRanks(), 1, true}; }
  DimSplit tensor(int64_t parts, int64_t unit) const {
    // Fewer parts than ranks (key-value heads): neighbours hold copies.
    return {parts, deployment.tp / parts, unit};
  }
  DimSplit context() const { return {deployment.cp, deployment.tp, 1}; }
  DimSplit expert(llvm::ArrayRef<int64_t> slots) const {
    return {deployment.ep, deployment.expertTp, 1, false, slots};
  }
  DimSplit expertTensor() const { return {deployment.expertTp, 1, 1}; }

  // Groups.
  Group tensorGroup() const { return {deployment.tp, 1}; }
  Group contextGroup() const { return {deployment.cp, deployment.tp}; }
  Group equalGroup() const { return {equalRanks(), 1}; }
  Group stageGroup() const { return {deployment.stageSize, 1}; }
  Group expertGroup() const { return {deployment.ep, deployment.expertTp}; }

private:
  Divisions &asked;
};

/// The attribute of a layout.
spmd::ShardAttr shardOf(mlir::MLIRContext *context, const Layout &layout);

} // namespace portolan::moe_to_spmd

#endif // PORTOLAN_LIB_CONVERSION_MOETOSPMD_GEOMETRY_H
