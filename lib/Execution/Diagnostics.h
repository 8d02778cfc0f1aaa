//===- Diagnostics.h - diagnostics as errors -------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_DIAGNOSTICS_H
#define PORTOLAN_LIB_EXECUTION_DIAGNOSTICS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace portolan {

/// Runs `action` and makes the first diagnostic of a failure its error.
llvm::Error errorOf(mlir::MLIRContext *context,
                    llvm::function_ref<mlir::LogicalResult()> action);

/// Runs the passes on `module`.
llvm::Error runPasses(mlir::PassManager &passes, mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_DIAGNOSTICS_H
