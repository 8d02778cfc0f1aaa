//===- Geometry.cpp - what one rank of a stage holds ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/Geometry.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;
using spmd::blockSize;

/// Divisions that stand for other questions: "is this the last rank of its
/// context group", "how many rows are this rank's slice" (per half) and "how
/// many experts are in its domain".
static constexpr int64_t kLastOfContext = -1;
static constexpr int64_t kSlicedRows = -2;
static constexpr int64_t kExpertsOfDomain = -3;

int64_t Geometry::block(int64_t units, int64_t parts, int64_t stride) const {
  if (parts > 1)
    asked.insert({units, parts, stride});
  return blockSize(units, parts, rank / stride % parts);
}

int64_t Geometry::extent(int64_t whole, const DimSplit &split) const {
  if (!split.slots.empty())
    whole = split.slots.size();
  return block(whole / split.unit, split.parts, split.stride) * split.unit;
}

RankedTensorType Geometry::local(RankedTensorType whole,
                                 const Layout &layout) const {
  SmallVector<int64_t> shape(whole.getShape());
  for (auto [extentOf, split] : llvm::zip_equal(shape, layout))
    extentOf = extent(extentOf, split);
  return whole.clone(shape);
}

bool Geometry::isLastOfContext() const {
  asked.insert({kLastOfContext, deployment.cp, deployment.tp});
  return rank / deployment.tp % deployment.cp == deployment.cp - 1;
}

/// Experts of the `holders` blocks of a domain, `rank` being in it.
static int64_t expertsOfDomain(const Deployment &deployment, int64_t experts,
                               int64_t holders, int64_t rank) {
  int64_t first = rank / deployment.expertTp / holders * holders;
  return spmd::blockOffset(experts, deployment.ep, first + holders) -
         spmd::blockOffset(experts, deployment.ep, first);
}

int64_t Geometry::expertsOf(int64_t experts, int64_t holders) const {
  if (holders < deployment.ep)
    asked.insert({kExpertsOfDomain, holders, experts});
  return expertsOfDomain(deployment, experts, holders, rank);
}

int64_t Geometry::sequencesOf(int64_t otherRank, int half) const {
  int64_t all = blockSize(sequences, deployment.dp, otherRank / equalRanks());
  if (half < 0)
    return all;
  return half == 0 ? all - all / 2 : all / 2;
}

SmallVector<int64_t> Geometry::slicedRows(int half) const {
  SmallVector<int64_t> rows;
  for (int64_t other = 0; other < deployment.stageSize; ++other)
    rows.push_back(blockSize(sequencesOf(other, half) * newTokens, equalRanks(),
                             other % equalRanks()));
  asked.insert({kSlicedRows, half, 1});
  return rows;
}

SmallVector<int64_t> Geometry::equalRows(int half) const {
  asked.insert({kSlicedRows, half, 1});
  return spmd::blockSizes(localSequences(half) * newTokens, equalRanks());
}

int64_t Geometry::totalRows(int half) const {
  int64_t total = 0;
  for (int64_t data = 0; data < deployment.dp; ++data)
    total += sequencesOf(data * equalRanks(), half) * newTokens;
  return total;
}

SmallVector<int64_t> Geometry::signature() const {
  SmallVector<int64_t> signature = {localSequences(-1)};
  for (auto [units, parts, stride] : asked) {
    if (units == kSlicedRows) {
      signature.push_back(blockSize(localSequences(int(parts)) * newTokens,
                                    equalRanks(), rank % equalRanks()));
      continue;
    }
    if (units == kExpertsOfDomain) {
      signature.push_back(expertsOfDomain(deployment, stride, parts, rank));
      continue;
    }
    int64_t index = rank / stride % parts;
    signature.push_back(units == kLastOfContext
                            ? index == parts - 1
                            : blockSize(units, parts, index));
  }
  return signature;
}

spmd::ShardAttr moe_to_spmd::shardOf(MLIRContext *context,
                                     const Layout &layout) {
  SmallVector<int64_t> parts, strides, units;
  for (const DimSplit &split : layout) {
    parts.push_back(split.parts);
    strides.push_back(split.stride);
    units.push_back(split.unit);
  }
  return spmd::ShardAttr::get(context, parts, strides, units,
                              layout.empty() ? llvm::ArrayRef<int64_t>()
                                             : layout.front().slots);
}
