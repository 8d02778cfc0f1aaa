//===- MoeToSpmd.h - moe to spmd -------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The partition of a moe module as IR: the same process as partitionLayer()
// (Partition.h), which computes it from shapes.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_MOETOSPMD_H
#define PORTOLAN_CONVERSION_MOETOSPMD_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "portolan/Analysis/Workload.h"
#include "portolan/Plan/PlanPoint.h"

namespace portolan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/MoeToSpmd/MoeToSpmdPasses.h.inc"

struct MoeToSpmdOptions {
  PlanPoint plan;
  Deployment deployment;
  Popularity popularity;
};

/// Partitions `module` in place; emits a diagnostic and fails if the model
/// cannot be divided as planned.
llvm::LogicalResult convertMoeToSpmd(mlir::ModuleOp module,
                                     const MoeToSpmdOptions &options);

/// The module attribute with its plan: a dictionary of values by class.
inline constexpr llvm::StringLiteral kPlanPointName = "plan.point";

/// The point of a module's `plan.point`, or of "class=value,..." text.
llvm::Expected<PlanPoint> planPointOf(mlir::DictionaryAttr attribute);
llvm::Expected<PlanPoint> parsePlanPoint(llvm::StringRef text);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_MOETOSPMD_H
