//===- Core.h - what a kernel may use of one unit --------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The `machine.core` of a machine file: the memories and the matrix unit of one
// of the units that a matmul engine counts. It bounds programs of the kernel
// stratum and decides no price, so it is not part of Machine.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_CORE_H
#define PORTOLAN_MACHINE_CORE_H

#include "portolan/Machine/Machine.h"

namespace portolan {

/// How a matrix product is issued, and where its sums are kept.
enum class MatrixUnit : uint8_t {
  warpgroup,    ///< by four warps, in their registers
  tensorMemory, ///< by one thread, in a memory of its own; pairs of units
};

struct Core {
  MatrixUnit matrixUnit = MatrixUnit::warpgroup;
  int64_t largestCluster = 1; ///< units that read each other's shared memory
  Quantity sharedMemoryBytes; ///< of one block of threads
  std::optional<Quantity> accumulatorMemoryBytes; ///< of a tensorMemory unit
  std::string target; ///< instruction set of the units; empty: unknown
};

/// The core of TARGET (see loadMachine). An error if there is no such machine,
/// or "machine 'NAME': machine.core is unknown" if its file states none.
llvm::Expected<Core> loadCore(llvm::StringRef target);

} // namespace portolan

#endif // PORTOLAN_MACHINE_CORE_H
