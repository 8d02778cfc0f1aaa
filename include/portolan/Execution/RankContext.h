//===- RankContext.h - what a running rank knows ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first argument of every function of a compiled program and of every call
// from it: the rank's place, its way to the others, and a log of what it sent.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_RANKCONTEXT_H
#define PORTOLAN_EXECUTION_RANKCONTEXT_H

#include "portolan/Execution/Fabric.h"
#include "portolan/Execution/Jit.h"
#include "portolan/Execution/Routes.h"
#include <array>
#include <map>

namespace portolan {

/// Bytes that one rank sent to one other in a phase of a collective.
struct SentBytes {
  int64_t to = 0; ///< rank of the model copy; kSwitch: the switch itself
  int32_t phase = 0;
  double bytes = 0;

  static constexpr int64_t kSwitch = -1;
};

/// One rank's part in one collective. Bytes are those of the wire format that
/// the op states, whatever type the values are emulated in.
struct CollectiveCall {
  int64_t site = -1; ///< which transfer of the program; -1 if not lowered
  OpKind kind = OpKind::add;
  Group group;
  /// What the rank handed to it, as LocalOp::payloadBytes defines it.
  double payloadBytes = 0;
  int64_t rows = 0; ///< of a ragged exchange, that the rank sent
  llvm::SmallVector<SentBytes, 4> sent;
  /// What the switch sent to the rank, where it adds or copies.
  double fromSwitchBytes = 0;
};

/// All calls of a rank, in order.
using CallLog = std::vector<CollectiveCall>;

/// Bytes that one rank handed to collectives, by kind of op.
using Traffic = std::array<double, kNumOpKinds>;
Traffic trafficOf(const CallLog &log);

struct RankContext {
  RankContext(Fabric &fabric, const Wiring &wiring,
              llvm::ArrayRef<Algorithm> algorithms, int64_t rank)
      : fabric(fabric), wiring(wiring), algorithms(algorithms), rank(rank) {}

  Fabric &fabric;
  const Wiring &wiring;
  llvm::ArrayRef<Algorithm> algorithms; ///< by site
  int64_t rank;                         ///< of the model copy
  CallLog log;

  int64_t rankInStage() const { return rank % wiring.ranksOfStage(); }
  /// The rank that is member `index` of this rank's group.
  int64_t peer(Group group, int64_t index) const;
  /// Which member of its group this rank is.
  int64_t member(Group group) const;

  /// Opens the log entry of a collective; what follows is counted there.
  void begin(int64_t site, OpKind kind, Group group);
  void count(double payloadBytes);
  /// Sends to member `to` of the group, and counts `wireBytes` for it.
  void send(int64_t to, int32_t phase, llvm::ArrayRef<char> bytes,
            double wireBytes);
  void receive(int64_t from, llvm::MutableArrayRef<char> into);
  void countSent(int64_t toRank, int32_t phase, double wireBytes);

  Algorithm algorithm() const;
  /// Routes of the open collective, found once per algorithm and group; null
  /// after a failure.
  const GatherRoutes *gatherRoutes();
  const ExchangeRoutes *exchangeRoutes();

private:
  using Key = std::pair<Algorithm, std::pair<int64_t, int64_t>>;
  Key key() const;
  template <typename Routes, typename Find>
  const Routes *known(std::map<Key, Routes> &routes, Find find);
  std::map<Key, GatherRoutes> gathers;
  std::map<Key, ExchangeRoutes> exchanges;
};

/// The functions that a program lowered by convert-spmd-to-runtime calls.
std::vector<RuntimeSymbol> fabricSymbols();

} // namespace portolan

#endif // PORTOLAN_EXECUTION_RANKCONTEXT_H
