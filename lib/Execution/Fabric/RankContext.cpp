//===- RankContext.cpp - what a running rank knows ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RankContext.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;

Traffic portolan::trafficOf(const CallLog &log) {
  Traffic traffic;
  traffic.fill(0);
  for (const CollectiveCall &call : log)
    traffic[unsigned(call.kind)] += call.payloadBytes;
  return traffic;
}

int64_t RankContext::member(Group group) const {
  return rankInStage() / group.stride % group.size;
}

int64_t RankContext::peer(Group group, int64_t index) const {
  return rank + (index - member(group)) * group.stride;
}

void RankContext::begin(int64_t site, OpKind kind, Group group) {
  CollectiveCall &call = log.emplace_back();
  call.site = site;
  call.kind = kind;
  call.group = group;
}

void RankContext::count(double payloadBytes) {
  log.back().payloadBytes += payloadBytes;
}

void RankContext::countSent(int64_t toRank, int32_t phase, double wireBytes) {
  auto &sent = log.back().sent;
  auto known = llvm::find_if(sent, [&](const SentBytes &entry) {
    return entry.to == toRank && entry.phase == phase;
  });
  if (known == sent.end())
    sent.push_back({toRank, phase, wireBytes});
  else
    known->bytes += wireBytes;
}

void RankContext::send(int64_t to, int32_t phase, llvm::ArrayRef<char> bytes,
                       double wireBytes) {
  int64_t other = peer(log.back().group, to);
  fabric.send(rank, other, log.back().kind, bytes);
  countSent(other, phase, wireBytes);
}

void RankContext::receive(int64_t from, llvm::MutableArrayRef<char> into) {
  fabric.receive(rank, peer(log.back().group, from), log.back().kind, into);
}

Algorithm RankContext::algorithm() const {
  int64_t site = log.back().site;
  return site >= 0 && site < int64_t(algorithms.size()) ? algorithms[site]
                                                        : Algorithm::direct;
}

RankContext::Key RankContext::key() const {
  return {algorithm(), {log.back().group.size, log.back().group.stride}};
}

template <typename Routes, typename Find>
const Routes *RankContext::known(std::map<Key, Routes> &routes, Find find) {
  auto [entry, isNew] = routes.try_emplace(key());
  if (!isNew)
    return &entry->second;
  llvm::Expected<Routes> found = find(algorithm(), log.back().group);
  if (found) {
    entry->second = std::move(*found);
    return &entry->second;
  }
  fabric.fail("rank " + llvm::Twine(rank) + ": " +
              llvm::toString(found.takeError()));
  routes.erase(entry);
  return nullptr;
}

const GatherRoutes *RankContext::gatherRoutes() {
  return known(gathers, [&](Algorithm algorithm, Group group) {
    return wiring.gather(algorithm, group, rank);
  });
}

const ExchangeRoutes *RankContext::exchangeRoutes() {
  return known(exchanges, [&](Algorithm algorithm, Group group) {
    return wiring.exchange(algorithm, group, rank);
  });
}
