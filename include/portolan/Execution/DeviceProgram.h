//===- DeviceProgram.h - what the ranks of a model copy run ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model whose dimensions are those of its inputs, divided over the ranks of
// one model copy: partitioned only, or lowered for a target as well. It can be
// printed, changed and run.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_DEVICEPROGRAM_H
#define PORTOLAN_EXECUTION_DEVICEPROGRAM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "portolan/Conversion/SystemToSpmd.h"
#include "portolan/Execution/RankContext.h"
#include "portolan/Execution/Tensor.h"
#include "portolan/Plan/PlanPoint.h"
#include "portolan/Support/NumberFormats.h"

namespace portolan {

struct DeviceProgram {
  /// The un-lowered model, all dimensions static.
  mlir::OwningOpRef<mlir::ModuleOp> model;
  /// The programs of the ranks: ops of moe and spmd, or of a hardware dialect.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Deployment deployment;
  /// What fp8 is on the machine that it is lowered for.
  ElementFormat fp8 = ElementFormat::e4m3fn;

  int64_t ranks() const { return deployment.stages * deployment.stageSize; }
};

/// Divides `module` as `plan` says over `ranks` ranks. The inputs, which give
/// the dimensions their sizes, are one micro-batch. Number formats of the plan
/// are left out.
llvm::Expected<DeviceProgram>
partitionProgram(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                 const PlanPoint &plan, int64_t ranks);

/// Divides and lowers `module` for `machine` as `plan`, which must be legal
/// there, says.
llvm::Expected<DeviceProgram> lowerProgram(mlir::ModuleOp module,
                                           llvm::ArrayRef<NamedTensor> inputs,
                                           const PlanPoint &plan,
                                           const Machine &machine);

/// One pass of a program over its inputs.
struct ProgramPass {
  const DeviceProgram *program = nullptr;
  llvm::ArrayRef<NamedTensor> inputs;
};

/// What values are kept, sent and multiplied in.
enum class RunFormats : uint8_t {
  ofTypes, ///< the types of the module: what differs is the lowering's fault
  ofPlan,  ///< rounded as the format attributes of the ops say
};

/// What came of a pass. Only the process of rank 0 knows.
struct PassResult {
  /// The results of the model, put together from the ranks'.
  std::vector<NamedTensor> outputs;
  /// What each rank sent.
  std::vector<CallLog> logs;
  /// The transfers of the program by site; none if it was partitioned only.
  std::vector<Transfer> transfers;
};

/// Runs passes one after another on every rank: a rank starts the next one as
/// soon as it has ended its part of the one before. All programs have as many
/// ranks as the fabric.
llvm::Expected<std::vector<PassResult>>
runProgram(llvm::ArrayRef<ProgramPass> passes, llvm::StringRef weightsFolder,
           Fabric &fabric, const Wiring &wiring,
           RunFormats formats = RunFormats::ofTypes);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_DEVICEPROGRAM_H
