//===- SpmdToSystem.h - device programs to system ops ----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lowering from spmd to any hardware dialect, and the way back to plain
// steps. What is a family's own is behind Family::realize and
// Family::systemOpName.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_SPMDTOSYSTEM_H
#define PORTOLAN_CONVERSION_SPMDTOSYSTEM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/Target/Family.h"

namespace portolan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/SpmdToSystem/SpmdToSystemPasses.h.inc"

/// Module attributes of a lowered program.
inline constexpr llvm::StringLiteral kTargetName = "portolan.target";
inline constexpr llvm::StringLiteral kWeightsName = "portolan.weights";

/// The plan in the module's `plan.point`; an error if it is missing or a class
/// or value is unknown.
llvm::Expected<PlanPoint> planOf(mlir::ModuleOp module);

/// Replaces every op of moe and spmd by ops of `family`'s dialect. Diagnoses
/// and fails if realize() does not cover each op once with its own work.
mlir::LogicalResult convertSpmdToSystem(mlir::ModuleOp module,
                                        const Family &family,
                                        const Machine &machine,
                                        const PlanPoint &plan);

/// The steps of the system ops of one body, in order, numbered. A body is a run
/// of system ops between calls and stage boundaries.
mlir::FailureOr<Steps> readSteps(llvm::ArrayRef<mlir::Operation *> body);

/// A body of a lowered function and how often the function runs it.
struct LoweredBody {
  std::string function;
  llvm::SmallVector<mlir::Operation *> ops;
  int64_t calls = 1;
};

/// What one entry (a stage's program for one variant) runs: its own bodies, and
/// those of the layers that it calls.
struct LoweredProgram {
  std::string entry;
  int64_t stage = 0;
  std::vector<LoweredBody> bodies;
};

/// The programs of a lowered module, in order of `spmd.programs`.
mlir::FailureOr<std::vector<LoweredProgram>>
loweredPrograms(mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_SPMDTOSYSTEM_H
