//===- MpiProbe.cpp - what an MPI fabric does when ranks misbehave --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ranks pass a number round a ring; rank 1 then does what the argument says.
// Prints what run() returns on each rank.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/MpiFabric.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>

using namespace portolan;

namespace {

llvm::MutableArrayRef<char> bytesOf(int64_t &number) {
  return {reinterpret_cast<char *>(&number), sizeof(number)};
}

llvm::Error play(Fabric &fabric, int64_t rank, llvm::StringRef what) {
  int64_t ranks = fabric.ranks(), number = rank;
  for (int64_t step = 0; step < ranks; ++step) {
    fabric.send(rank, (rank + 1) % ranks, OpKind::send, bytesOf(number));
    fabric.receive(rank, (rank + ranks - 1) % ranks, OpKind::send,
                   bytesOf(number));
  }
  if (number != rank)
    return llvm::createStringError("expects its own number back, got " +
                                   llvm::Twine(number));
  if (rank == 1) {
    if (what == "fail")
      return llvm::createStringError("out of cheese");
    if (what == "stop")
      std::raise(SIGSTOP);
    if (what == "kill")
      std::raise(SIGKILL);
    if (what == "end")
      return llvm::Error::success();
    if (what == "other")
      number = 0, fabric.send(rank, 0, OpKind::allReduce, bytesOf(number));
    if (what == "more")
      fabric.send(rank, 0, OpKind::send, bytesOf(number));
  }
  if (what == "all" || what == "more")
    return llvm::Error::success();
  if (rank != 1)
    fabric.receive(rank, 1, OpKind::send, bytesOf(number));
  return llvm::Error::success();
}

} // namespace

int main(int argc, char **argv) {
  llvm::StringRef what = argc > 1 ? argv[1] : "all";
  llvm::Expected<std::unique_ptr<Fabric>> fabric =
      createMpiFabric(std::chrono::milliseconds(1500));
  if (!fabric) {
    llvm::errs() << llvm::toString(fabric.takeError()) << "\n";
    return 2;
  }
  int64_t self = (*fabric)->localRanks().front();
  llvm::Error error =
      (*fabric)->run([&](int64_t rank) { return play(**fabric, rank, what); });
  bool failed = bool(error);
  std::string text = error ? llvm::toString(std::move(error)) : "success";
  llvm::errs() << ("on rank " + llvm::Twine(self) + ": " + text + "\n").str();
  return failed;
}
