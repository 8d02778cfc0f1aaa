//===- Fabric.h - what moves bytes between ranks ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Logical ranks that share nothing but messages. Bytes are copied into a
// message and out of it, so a rank never sees another one's memory; sending
// never waits, so no order of sends and receives within a collective can
// deadlock. The embedded fabric is threads of this process; others are behind
// the same interface.
//
// A rank that fails stops all: every later call returns at once with zeros, the
// programs run to their end on them, and run() returns the first error. A wait
// that exceeds the limit, or for a rank that has ended, is such an error.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_FABRIC_H
#define PORTOLAN_EXECUTION_FABRIC_H

#include "portolan/Analysis/LocalOp.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

namespace portolan {

/// Longest wait for one message unless a caller says otherwise.
inline constexpr std::chrono::milliseconds kMessageLimit =
    std::chrono::seconds(60);

class Fabric {
public:
  virtual ~Fabric();

  virtual int64_t ranks() const = 0;
  /// The ranks that live in this process.
  virtual llvm::ArrayRef<int64_t> localRanks() const = 0;

  /// Runs `body` once per local rank; the first error of any rank, here or
  /// elsewhere. Messages that nobody has received are an error.
  virtual llvm::Error run(llvm::function_ref<llvm::Error(int64_t)> body) = 0;

  /// Copies `bytes` into a message from local rank `from` to rank `to`.
  virtual void send(int64_t from, int64_t to, OpKind kind,
                    llvm::ArrayRef<char> bytes) = 0;
  /// Waits for the next message from rank `from` to local rank `to` and copies
  /// it to `into`, which it must fill exactly; zeros after a failure.
  virtual void receive(int64_t to, int64_t from, OpKind kind,
                       llvm::MutableArrayRef<char> into) = 0;

  /// Records an error, unless there is one, and stops all ranks.
  virtual void fail(const llvm::Twine &message) = 0;
  virtual bool failed() const = 0;
};

/// Every rank a thread of this process.
class ThreadFabric : public Fabric {
public:
  explicit ThreadFabric(int64_t ranks,
                        std::chrono::milliseconds limit = kMessageLimit);

  int64_t ranks() const override { return int64_t(mailboxes.size()); }
  llvm::ArrayRef<int64_t> localRanks() const override { return numbers; }
  llvm::Error run(llvm::function_ref<llvm::Error(int64_t)> body) override;
  void send(int64_t from, int64_t to, OpKind kind,
            llvm::ArrayRef<char> bytes) override;
  void receive(int64_t to, int64_t from, OpKind kind,
               llvm::MutableArrayRef<char> into) override;
  void fail(const llvm::Twine &message) override;
  bool failed() const override;

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

  std::chrono::milliseconds limit;
  std::vector<int64_t> numbers;
  mutable std::mutex mutex; ///< of everything below
  std::vector<Mailbox> mailboxes;
  std::vector<bool> ended;
  std::string error;
  bool hasFailed = false;
};

} // namespace portolan

#endif // PORTOLAN_EXECUTION_FABRIC_H
