//===- Session.h - what a command works on ---------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading of models and targets, shared by the commands that price.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TOOLS_PORTOLAN_SESSION_H
#define PORTOLAN_TOOLS_PORTOLAN_SESSION_H

#include "Command.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "portolan/Search/Carryover.h"

namespace portolan {

/// A context with every dialect, and the model in it.
class Session {
public:
  Session();

  /// Loads MODEL (the default one if empty) and reads its shape.
  llvm::Error loadModel(llvm::StringRef model);

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelShape model;
};

/// Loads TARGET with its family.
llvm::Expected<Target> loadTarget(llvm::StringRef name);

/// Largest resident memory of this process so far.
uint64_t peakResidentBytes();

/// Prints an error; kExitBug if it is an InternalError, else kExitBadRequest.
int exitStatusOf(llvm::Error error);

} // namespace portolan

#endif // PORTOLAN_TOOLS_PORTOLAN_SESSION_H
