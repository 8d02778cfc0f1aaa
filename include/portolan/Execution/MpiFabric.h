//===- MpiFabric.h - ranks as MPI processes --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One rank per process that mpirun has started, on as many machines as it
// likes. It is in a module of its own, PortolanMpi.so beside libPortolan.so,
// that is loaded here: who does not run under MPI has nothing of it.
//
// A rank that fails tells all others, who fail with its message. One that does
// not answer is found out when a message does not come within the limit. One
// that has been killed ends the run through the launcher: MPICH's says so and
// ends all others within a second.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_MPIFABRIC_H
#define PORTOLAN_EXECUTION_MPIFABRIC_H

#include "portolan/Execution/Fabric.h"
#include <memory>

namespace portolan {

/// Joins the processes that mpirun has started; once per process. Without
/// mpirun there is one rank. localRanks() is the one of this process. An error
/// if Portolan was built without MPI. After a failure the fabric's end waits a
/// moment for the others to have said what they had to.
llvm::Expected<std::unique_ptr<Fabric>>
createMpiFabric(std::chrono::milliseconds limit = kMessageLimit);

/// What the module exports: a fabric, or null and an error text.
using MpiFabricMaker = Fabric *(int64_t limitMilliseconds, std::string *error);
inline constexpr const char *kMpiFabricMakerName = "portolanMakeMpiFabric";

} // namespace portolan

#endif // PORTOLAN_EXECUTION_MPIFABRIC_H
