//===- MpiFabric.cpp - ranks as MPI processes -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sends are started and their memory kept until they have left. Whoever waits
// looks for what it waits for, for failures of others and at the clock, in
// turn. Kinds of messages are tags; failures and ends have tags of their own.
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Mpi/MpiFabric.h"
#include "portolan/Execution/MpiFabric.h"
#include <cstring>
#include <mpi.h>
#include <thread>

using namespace portolan;
using llvm::Twine;

namespace {

constexpr int kFailureTag = int(kNumOpKinds);
constexpr int kThroughTag = kFailureTag + 1;
constexpr int kFarewellTag = kThroughTag + 1;

/// How long a rank that knows of a failure stays, for others to hear of it.
constexpr std::chrono::milliseconds kFarewell(2000);
/// Between two looks of a rank that waits.
constexpr std::chrono::microseconds kPause(50);

std::chrono::steady_clock::time_point now() {
  return std::chrono::steady_clock::now();
}

} // namespace

struct MpiFabric::Outgoing {
  struct Message {
    std::vector<char> bytes;
    MPI_Request request;
  };
  std::deque<Message> messages;

  void start(int64_t to, int tag, llvm::ArrayRef<char> bytes) {
    Message &message = messages.emplace_back();
    message.bytes.assign(bytes.begin(), bytes.end());
    MPI_Isend(message.bytes.data(), int(message.bytes.size()), MPI_BYTE,
              int(to), tag, MPI_COMM_WORLD, &message.request);
  }
};

llvm::Expected<std::unique_ptr<MpiFabric>>
MpiFabric::create(std::chrono::milliseconds limit) {
  int isStarted = 0, rank = 0, ranks = 1;
  MPI_Initialized(&isStarted);
  if (!isStarted && MPI_Init(nullptr, nullptr) != MPI_SUCCESS)
    return llvm::createStringError("MPI does not start");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return std::unique_ptr<MpiFabric>(new MpiFabric(rank, ranks, limit));
}

MpiFabric::MpiFabric(int64_t rank, int64_t ranks,
                     std::chrono::milliseconds limit)
    : limit(limit), numbers{rank}, count(ranks),
      outgoing(std::make_unique<Outgoing>()) {}

MpiFabric::~MpiFabric() {
  // After a failure ranks may be missing, and MPI would wait for them. The
  // launcher ends all as soon as one leaves: nobody does before all have said
  // what they had to.
  if (hasFailed)
    meet(kFarewellTag, now() + kFarewell);
  else
    MPI_Finalize();
}

llvm::Error MpiFabric::run(llvm::function_ref<llvm::Error(int64_t)> body) {
  if (llvm::Error failure = body(rank()))
    fail("rank " + Twine(rank()) + ": " + llvm::toString(std::move(failure)));
  if (!hasFailed) {
    int64_t missing = meet(kThroughTag, now() + limit);
    if (missing >= 0)
      fail("rank " + Twine(rank()) + ": expects the end of all ranks within " +
           Twine(limit.count()) + " ms, got none of rank " + Twine(missing));
  }
  if (hasFailed)
    return llvm::createStringError(error);
  // What was sent must have been received.
  int isThere = 0;
  MPI_Status status;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &isThere, &status);
  if (isThere && status.MPI_TAG < kFailureTag)
    return llvm::createStringError("rank " + Twine(rank()) +
                                   " has not received " +
                                   spell(OpKind(status.MPI_TAG)) +
                                   " from rank " + Twine(status.MPI_SOURCE));
  return llvm::Error::success();
}

void MpiFabric::send(int64_t from, int64_t to, OpKind kind,
                     llvm::ArrayRef<char> bytes) {
  if (hasFailed)
    return;
  if (to < 0 || to >= count)
    return fail("rank " + Twine(from) + ": " + spell(kind) +
                " expects a rank below " + Twine(count) + ", got " + Twine(to));
  if (bytes.size() > size_t(INT_MAX))
    return fail("rank " + Twine(from) + ": " + spell(kind) +
                " expects a message below 2 GiB, got " + Twine(bytes.size()) +
                " bytes");
  outgoing->start(to, int(kind), bytes);
  collect();
}

void MpiFabric::receive(int64_t to, int64_t from, OpKind kind,
                        llvm::MutableArrayRef<char> into) {
  auto giveUp = [&](const Twine &why) {
    fail("rank " + Twine(to) + ": " + spell(kind) + " expects " +
         Twine(into.size()) + " bytes from rank " + Twine(from) + ", got " +
         why);
    if (!into.empty())
      std::memset(into.data(), 0, into.size());
  };
  if (from < 0 || from >= count)
    return giveUp("no such rank");
  Time until = now() + limit;
  for (;;) {
    hearOfFailures();
    if (hasFailed)
      return giveUp("an earlier error");
    // Messages of a rank arrive in order, whatever their kind.
    int isThere = 0;
    MPI_Status status;
    MPI_Iprobe(int(from), MPI_ANY_TAG, MPI_COMM_WORLD, &isThere, &status);
    if (isThere && status.MPI_TAG >= kThroughTag)
      return giveUp("the end of its program");
    if (isThere && status.MPI_TAG < kFailureTag) {
      int size = 0;
      MPI_Get_count(&status, MPI_BYTE, &size);
      if (status.MPI_TAG != int(kind) || size_t(size) != into.size())
        return giveUp(Twine(size) + " bytes of " +
                      spell(OpKind(status.MPI_TAG)));
      MPI_Recv(into.data(), size, MPI_BYTE, int(from), status.MPI_TAG,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      return;
    }
    if (now() > until)
      return giveUp("none within " + Twine(limit.count()) + " ms");
    collect();
    std::this_thread::sleep_for(kPause);
  }
}

void MpiFabric::setFailed(const Twine &message) {
  if (hasFailed)
    return;
  error = message.str();
  hasFailed = true;
}

void MpiFabric::fail(const Twine &message) {
  if (hasFailed)
    return;
  setFailed(message);
  for (int64_t other = 0; other < count; ++other)
    if (other != rank())
      outgoing->start(other, kFailureTag, error);
}

void MpiFabric::hearOfFailures() {
  int isThere = 0;
  MPI_Status status;
  MPI_Iprobe(MPI_ANY_SOURCE, kFailureTag, MPI_COMM_WORLD, &isThere, &status);
  if (isThere) {
    int size = 0;
    MPI_Get_count(&status, MPI_BYTE, &size);
    std::string message(size_t(size), '\0');
    MPI_Recv(message.data(), size, MPI_BYTE, status.MPI_SOURCE, kFailureTag,
             MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    setFailed(message);
  }
}

void MpiFabric::collect() {
  while (!outgoing->messages.empty()) {
    int hasLeft = 0;
    MPI_Test(&outgoing->messages.front().request, &hasLeft, MPI_STATUS_IGNORE);
    if (!hasLeft)
      return;
    outgoing->messages.pop_front();
  }
}

int64_t MpiFabric::meet(int tag, Time until) {
  bool knows = hasFailed;
  std::vector<bool> said(count, false);
  said[rank()] = true;
  for (int64_t other = 0; other < count; ++other)
    if (other != rank())
      outgoing->start(other, tag, {});
  while (llvm::is_contained(said, false) || !outgoing->messages.empty()) {
    hearOfFailures();
    if (hasFailed && !knows)
      return -1;
    for (int64_t other = 0; other < count; ++other) {
      int isThere = 0;
      if (!said[other])
        MPI_Iprobe(int(other), tag, MPI_COMM_WORLD, &isThere,
                   MPI_STATUS_IGNORE);
      if (!isThere)
        continue;
      MPI_Recv(nullptr, 0, MPI_BYTE, int(other), tag, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
      said[other] = true;
    }
    if (now() > until)
      return llvm::find(said, false) - said.begin();
    collect();
    std::this_thread::sleep_for(kPause);
  }
  return -1;
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT Fabric *
portolanMakeMpiFabric(int64_t limitMilliseconds, std::string *error) {
  llvm::Expected<std::unique_ptr<MpiFabric>> fabric =
      MpiFabric::create(std::chrono::milliseconds(limitMilliseconds));
  if (fabric)
    return fabric->release();
  *error = llvm::toString(fabric.takeError());
  return nullptr;
}
static_assert(std::is_same_v<decltype(portolanMakeMpiFabric), MpiFabricMaker>);
