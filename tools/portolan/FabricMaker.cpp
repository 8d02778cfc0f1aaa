//===- FabricMaker.cpp - the fabric that was asked for --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FabricMaker.h"
#include "portolan/Execution/MpiFabric.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using llvm::createStringError;

/// Each has a stack, and a box for each other.
static constexpr int64_t kMostThreads = 1024;

llvm::Error FabricMaker::open(llvm::StringRef kind, int64_t limitSeconds) {
  if (limitSeconds < 1 || limitSeconds > 86400)
    return createStringError("--message-limit: expects 1 to 86400 seconds, "
                             "got " +
                             llvm::Twine(limitSeconds));
  limit = std::chrono::seconds(limitSeconds);
  isMpi = kind == "mpi";
  if (!isMpi) {
    if (kind != "threads")
      return createStringError("--fabric: expects threads or mpi, got '" +
                               kind + "'");
    return llvm::Error::success();
  }
  llvm::Expected<std::unique_ptr<Fabric>> joined = createMpiFabric(limit);
  if (!joined)
    return joined.takeError();
  fabric = std::move(*joined);
  return llvm::Error::success();
}

llvm::Expected<Fabric *> FabricMaker::ofRanks(int64_t ranks) {
  if (!isMpi && (ranks < 1 || ranks > kMostThreads))
    return createStringError("expects 1 to " + llvm::Twine(kMostThreads) +
                             " ranks as threads, got " + llvm::Twine(ranks));
  if (!isMpi)
    fabric = std::make_unique<ThreadFabric>(ranks, limit);
  else if (fabric->ranks() != ranks)
    return createStringError("--fabric mpi: expects mpirun -n " +
                             llvm::Twine(ranks) +
                             ", a process per rank of the plan, got " +
                             llvm::Twine(fabric->ranks()));
  return fabric.get();
}

bool FabricMaker::isRoot() const {
  return !isMpi || llvm::is_contained(fabric->localRanks(), 0);
}
