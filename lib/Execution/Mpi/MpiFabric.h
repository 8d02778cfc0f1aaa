//===- MpiFabric.h - ranks as MPI processes --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The class behind createMpiFabric(), in a module of its own.
//
// A rank that fails tells all others, who fail with its message. One that does
// not answer is found out when a message does not come within the limit. One
// that has been killed ends the run through the launcher: MPICH's says so and
// ends all others within a second.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_MPI_MPIFABRIC_H
#define PORTOLAN_LIB_EXECUTION_MPI_MPIFABRIC_H

#include "portolan/Execution/Fabric.h"
#include <memory>

namespace portolan {

class MpiFabric : public Fabric {
public:
  /// Joins the processes that mpirun has started; once per process. Without
  /// mpirun there is one rank.
  static llvm::Expected<std::unique_ptr<MpiFabric>>
  create(std::chrono::milliseconds limit = kMessageLimit);
  /// Leaves. After a failure it waits a moment for the others to have heard.
  ~MpiFabric() override;

  int64_t rank() const { return numbers.front(); }
  int64_t ranks() const override { return count; }
  llvm::ArrayRef<int64_t> localRanks() const override { return numbers; }
  llvm::Error run(llvm::function_ref<llvm::Error(int64_t)> body) override;
  void send(int64_t from, int64_t to, OpKind kind,
            llvm::ArrayRef<char> bytes) override;
  void receive(int64_t to, int64_t from, OpKind kind,
               llvm::MutableArrayRef<char> into) override;
  void fail(const llvm::Twine &message) override;
  bool failed() const override { return hasFailed; }

private:
  struct Outgoing; ///< messages under way, with their bytes
  MpiFabric(int64_t rank, int64_t ranks, std::chrono::milliseconds limit);

  using Time = std::chrono::steady_clock::time_point;
  /// Fails if another rank has.
  void hearOfFailures();
  /// Gives back the memory of messages that have left.
  void collect();
  /// Waits until all ranks have sent a message of `tag`; a rank that has not
  /// until then, or below 0. Returns at once on news of a failure.
  int64_t meet(int tag, Time until);
  void setFailed(const llvm::Twine &message);

  std::chrono::milliseconds limit;
  std::vector<int64_t> numbers;
  int64_t count;
  std::unique_ptr<Outgoing> outgoing;
  std::string error;
  bool hasFailed = false;
};

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_MPI_MPIFABRIC_H
