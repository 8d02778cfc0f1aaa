//===- RunSpmd.h - run a partitioned model on logical ranks ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Partitions a moe module as a plan says, on no machine in particular, and runs
// it on the embedded fabric.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_RUNSPMD_H
#define PORTOLAN_EXECUTION_RUNSPMD_H

#include "portolan/Execution/DeviceProgram.h"

namespace portolan {

struct SpmdRun {
  /// The results of the un-lowered `@main`, put together from the ranks'.
  std::vector<NamedTensor> outputs;
  /// What each rank handed to collectives, in bytes by kind.
  std::vector<Traffic> traffic;
  /// The partitioned module that was run (before its lowering).
  mlir::OwningOpRef<mlir::ModuleOp> program;
};

/// Runs `module` (as runModule() does) on the ranks of `fabric`, which form one
/// model copy. The inputs are one micro-batch; number formats of the plan are
/// ignored: values are computed in the types of the module.
llvm::Expected<SpmdRun> runSpmd(mlir::ModuleOp module,
                                llvm::ArrayRef<NamedTensor> inputs,
                                llvm::StringRef weightsFolder,
                                const PlanPoint &plan, Fabric &fabric);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_RUNSPMD_H
