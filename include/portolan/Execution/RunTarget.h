//===- RunTarget.h - run a model as lowered for a target -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowers a model for a target as a plan says, cuts the inputs into the plan's
// micro-batches and runs the ops of the hardware dialect on logical chips: one
// rank per chip of a model copy, on a wafer one per region of a stage.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_RUNTARGET_H
#define PORTOLAN_EXECUTION_RUNTARGET_H

#include "portolan/Conversion/Lower.h"
#include "portolan/Execution/TrafficReport.h"
#include "portolan/Target/Family.h"

namespace portolan {

struct TargetRun {
  /// The results of the un-lowered `@main`; only where rank 0 lives.
  std::vector<NamedTensor> outputs;
  std::vector<TransferTraffic> traffic;
  /// What was written out, of all programs, if that was asked for.
  KernelReport kernels;
};

/// What a run needs besides the model.
struct TargetSetting {
  const Machine &machine;
  const Family &family;
  const PlanPoint &plan; ///< legal for the machine
  RunFormats formats = RunFormats::ofTypes;
  /// The kernels of hot steps are written out, and run in their place.
  Stratum stratum = Stratum::system;
  /// `machine` as it was asked for, if its kernels are.
  std::string target = "";
};

/// Ranks of one model copy under the plan.
llvm::Expected<int64_t> ranksOf(const TargetSetting &setting);

/// Runs `module` (as runModule() does) on the ranks of `fabric`. `change`, if
/// given, may alter each lowered program before it runs.
llvm::Expected<TargetRun>
runOnTarget(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
            llvm::StringRef weightsFolder, const TargetSetting &setting,
            Fabric &fabric,
            llvm::function_ref<void(mlir::ModuleOp)> change = {});

} // namespace portolan

#endif // PORTOLAN_EXECUTION_RUNTARGET_H
