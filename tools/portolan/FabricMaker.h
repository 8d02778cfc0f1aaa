//===- FabricMaker.h - the fabric that was asked for -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `--fabric threads|mpi`: threads are made for as many ranks as a run needs;
// MPI has as many as mpirun has started.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TOOLS_PORTOLAN_FABRICMAKER_H
#define PORTOLAN_TOOLS_PORTOLAN_FABRICMAKER_H

#include "portolan/Execution/Fabric.h"
#include <memory>

namespace portolan {

/// Outlives what is printed: ranks that fail leave together.
class FabricMaker {
public:
  /// `kind` is threads or mpi, `limitSeconds` the longest wait for a message.
  llvm::Error open(llvm::StringRef kind, int64_t limitSeconds);

  /// A fabric of `ranks` ranks, valid until the next call; an error if MPI has
  /// another number of them.
  llvm::Expected<Fabric *> ofRanks(int64_t ranks);

  /// Whether this process is the one that prints.
  bool isRoot() const;

private:
  std::unique_ptr<Fabric> fabric;
  bool isMpi = false;
  std::chrono::milliseconds limit = kMessageLimit;
};

} // namespace portolan

#endif // PORTOLAN_TOOLS_PORTOLAN_FABRICMAKER_H
