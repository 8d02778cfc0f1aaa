//===- Step.cpp - names and comparison of steps ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Step.h"
#include <cmath>

using namespace portolan;

namespace {
constexpr llvm::StringLiteral kAlgorithms[] = {"none",
                                               "direct",
                                               "one_shot",
                                               "ring",
                                               "bidirectional_ring",
                                               "in_network",
                                               "dimension_ordered",
                                               "hierarchical",
                                               "neighbour",
                                               "mesh",
                                               "recursive_doubling",
                                               "kanga_ring",
                                               "k_tree",
                                               "multicast"};
static_assert(std::size(kAlgorithms) == unsigned(Algorithm::multicast) + 1);

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

bool sameLoad(const LinkLoad &a, const LinkLoad &b) {
  return close(a.hops, b.hops) && close(a.bottleneckBytes, b.bottleneckBytes) &&
         close(a.extraMessages, b.extraMessages) && close(a.starts, b.starts) &&
         close(a.axisBytes[0], b.axisBytes[0]) &&
         close(a.axisBytes[1], b.axisBytes[1]) &&
         close(a.axisBytes[2], b.axisBytes[2]);
}
} // namespace

llvm::StringRef portolan::spell(Algorithm algorithm) {
  return kAlgorithms[unsigned(algorithm)];
}

std::optional<Algorithm> portolan::parseAlgorithm(llvm::StringRef name) {
  for (unsigned i = 0; i < std::size(kAlgorithms); ++i)
    if (kAlgorithms[i] == name)
      return Algorithm(i);
  return std::nullopt;
}

bool portolan::sameStep(const Step &a, const Step &b, std::string *difference) {
  const char *field = nullptr;
  if (a.covers != b.covers)
    field = "covers";
  else if (a.kind != b.kind)
    field = "kind";
  else if (a.microBatch != b.microBatch)
    field = "micro_batch";
  else if (a.engine != b.engine)
    field = "engine";
  else if (a.tokenTile != b.tokenTile)
    field = "token_tile";
  else if (!close(a.issuedOperations, b.issuedOperations))
    field = "issued_operations";
  else if (!close(a.dequantizeOperations, b.dequantizeOperations))
    field = "dequantize_operations";
  else if (a.memoryLevel != b.memoryLevel)
    field = "memory_level";
  else if (a.prefetched != b.prefetched)
    field = "prefetched";
  else if (!close(a.kernels, b.kernels))
    field = "kernels";
  else if (!close(a.transferBytes, b.transferBytes))
    field = "transfer_bytes";
  else if (!close(a.share, b.share))
    field = "share";
  else if (!close(a.residentBytes, b.residentBytes))
    field = "resident_bytes";
  else if (a.streamed != b.streamed)
    field = "streamed";
  else if (a.algorithm != b.algorithm)
    field = "algorithm";
  else if (a.linkTier != b.linkTier)
    field = "link_tier";
  else if (!sameLoad(a.load, b.load))
    field = "load";
  else if (!sameLoad(a.outerLoad, b.outerLoad))
    field = "outer_load";
  else if (a.work != b.work)
    field = "work";
  else if (!close(a.balance, b.balance))
    field = "balance";
  if (field && difference)
    *difference = field;
  return !field;
}
