//===- ExchangeLevels.cpp - how many rows pass where ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: a token's row goes once to each distinct destination that holds one
//   of its experts (distinctRanksPerToken): a rank, or first a domain and then
//   the ranks in it that hold one. Between domains a row stays on its rail: the
//   ranks of the same place in all domains.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Partition.h"

using namespace portolan;

bool portolan::isExchangedTwice(Exchange exchange,
                                const Deployment &deployment) {
  return exchange == Exchange::hierarchical && deployment.stageDomain > 0;
}

llvm::SmallVector<ExchangeLevel, 2>
portolan::exchangeLevels(Exchange exchange, const Deployment &deployment,
                         int64_t experts, int64_t topK, int64_t groups,
                         int64_t topGroups, int64_t totalRows,
                         int64_t slowestRows, const ExpertLoad &load) {
  auto distinct = [&](int64_t places) {
    return distinctRanksPerToken(experts, topK, places, groups, topGroups);
  };
  double total = double(totalRows), ranks = double(deployment.stageSize);
  double skew = load.meanRows > 0 ? load.maxRows / load.meanRows : 1;
  ExchangeLevel last;
  last.expertTp = deployment.expertTp;
  last.receivedMean = total * distinct(deployment.ep) / double(deployment.ep);
  last.receivedMax = std::min(last.receivedMean * skew, total);
  // Every copy that is received was packed.
  double copies = last.receivedMean * ranks / std::max(total, 1.0);
  if (!isExchangedTwice(exchange, deployment)) {
    last.group = {deployment.stageSize, 1};
    last.packedMean = last.receivedMean;
    last.packedMax = copies * double(slowestRows);
    return {last};
  }
  ExchangeLevel first;
  int64_t domain = deployment.stageDomain;
  int64_t domains = deployment.stageSize / domain;
  first.group = {domains, domain};
  first.holders = domain / deployment.expertTp;
  double crossing = distinct(domains);
  first.packedMean = first.receivedMean = crossing * total / ranks;
  first.packedMax = crossing * double(slowestRows);
  // At most the rows of the rail.
  first.receivedMax =
      std::min(first.receivedMean * skew, double(domains * slowestRows));
  last.group = {domain, 1};
  last.packedMean = last.receivedMean;
  last.packedMax = first.receivedMax * copies / crossing;
  return {first, last};
}
