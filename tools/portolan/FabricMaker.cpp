//===- FabricMaker.cpp - the fabric that was asked for --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FabricMaker.h"
#include "llvm/ADT/STLExtras.h"
#ifdef PORTOLAN_HAS_MPI
#include "portolan/Execution/MpiFabric.h"
#endif

using namespace portolan;
using llvm::createStringError;

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
#ifdef PORTOLAN_HAS_MPI
  llvm::Expected<std::unique_ptr<MpiFabric>> joined = MpiFabric::create(limit);
  if (!joined)
    return joined.takeError();
  fabric = std::move(*joined);
  return llvm::Error::success();
#else
  return createStringError(
      "--fabric mpi: expects a build with MPI (MPICH), got "
      "one without");
#endif
}

llvm::Expected<Fabric *> FabricMaker::ofRanks(int64_t ranks) {
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
