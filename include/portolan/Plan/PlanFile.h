//===- PlanFile.h - plans as files and through the interpreter -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan file is a transform-dialect script in normal form; reading and writing
// are inverse. Applying and replaying run the script through the transform
// interpreter.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_PLAN_PLANFILE_H
#define PORTOLAN_PLAN_PLANFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "portolan/Plan/Repair.h"

namespace portolan {

/// The plan as the text of a plan file.
std::string printPlan(const PlanPoint &plan);

/// The inverse; an error "NAME:LINE:COLUMN: ..." for anything else.
llvm::Expected<PlanPoint> parsePlan(llvm::StringRef text, llvm::StringRef name,
                                    mlir::MLIRContext &context);
llvm::Expected<PlanPoint> readPlan(llvm::StringRef path,
                                   mlir::MLIRContext &context);

/// Records `plan` on a moe module; an error names the first decision that is
/// not legal on the target.
llvm::Error applyPlan(const PlanPoint &plan, const Family &family,
                      PlanContext context, mlir::ModuleOp module);

/// repairPlan() by way of the transform interpreter with a ledger; records R on
/// the module.
llvm::Expected<Repair> replayPlan(const PlanPoint &plan, const Family &family,
                                  PlanContext context, mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_PLAN_PLANFILE_H
