//===- Fabric.h - logical ranks as threads ---------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The embedded fabric: N logical ranks, each a thread of this process, that
// share nothing but mailboxes. Bytes are copied into a message and out of it,
// so a rank never sees another one's memory. What each rank hands to each kind
// of collective is counted, as LocalOp::payloadBytes defines it.
//
// A rank that fails stops all: every later call returns at once with zeros, the
// programs run to their end on them, and run() returns the first error. A wait
// that exceeds the limit, or for a rank that has ended, is such an error.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_FABRIC_H
#define PORTOLAN_EXECUTION_FABRIC_H

#include "portolan/Analysis/LocalOp.h"
#include "portolan/Execution/Jit.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

namespace portolan {

class Fabric;

/// What a rank's program gets as its first argument.
struct RankContext {
  Fabric *fabric = nullptr;
  int64_t rank = 0;      ///< of the model copy
  int64_t stageSize = 1; ///< ranks of a pipeline stage

  int64_t rankInStage() const { return rank % stageSize; }
  /// The rank that is member `index` of this rank's group.
  int64_t peer(Group group, int64_t index) const;
  /// Which member of its group this rank is.
  int64_t member(Group group) const;
};

/// Bytes that one rank handed to collectives, by kind of op.
using Traffic = std::array<int64_t, kNumOpKinds>;

class Fabric {
public:
  using Clock = std::chrono::steady_clock;

  Fabric(int64_t ranks, int64_t stageSize,
         std::chrono::milliseconds limit = std::chrono::seconds(60));

  /// Runs `body` once per rank, each on its own thread; the first error, if
  /// any.
  llvm::Error run(llvm::function_ref<llvm::Error(RankContext &)> body);

  /// Copies `bytes` into a message for rank `to`.
  void send(const RankContext &from, int64_t to, OpKind kind,
            llvm::ArrayRef<char> bytes);
  /// Waits for the next message from rank `from` and copies it to `into`, which
  /// it must fill exactly; zeros after a failure.
  void receive(const RankContext &to, int64_t from, OpKind kind,
               llvm::MutableArrayRef<char> into);

  void count(const RankContext &rank, OpKind kind, int64_t bytes);
  /// Records an error, unless there is one, and stops all ranks.
  void fail(const llvm::Twine &message);
  bool failed() const;

  int64_t ranks() const { return int64_t(mailboxes.size()); }
  /// After run(): what `rank` handed to collectives.
  const Traffic &traffic(int64_t rank) const { return counted[rank]; }

private:
  struct Message {
    OpKind kind;
    std::vector<char> bytes;
  };
  /// Messages to one rank, by sender.
  struct Mailbox {
    std::vector<std::deque<Message>> from;
    std::condition_variable arrived;
  };

  void endRank(int64_t rank);

  int64_t stageSize;
  std::chrono::milliseconds limit;
  mutable std::mutex mutex; ///< of everything below
  std::vector<Mailbox> mailboxes;
  std::vector<bool> ended;
  std::vector<Traffic> counted;
  std::string error;
  bool hasFailed = false;
};

/// The functions that a program lowered by convert-spmd-to-runtime calls.
std::vector<RuntimeSymbol> fabricSymbols();

} // namespace portolan

#endif // PORTOLAN_EXECUTION_FABRIC_H
