//===- GraphToMoe.h - raising of imported graphs ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the graph dialect, which holds a model as its file states it, to the
// moe dialect, which says what it computes.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_GRAPHTOMOE_H
#define PORTOLAN_CONVERSION_GRAPHTOMOE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace portolan {

/// The pass convert-graph-to-moe.
std::unique_ptr<mlir::Pass> createConvertGraphToMoePass();

void registerGraphToMoePasses();

/// Does what the pass does, and returns the error instead of emitting it.
llvm::Error raiseGraphToMoe(mlir::ModuleOp module);

/// Imports the ONNX model at `path` and raises it. The module is verified.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadOnnx(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_GRAPHTOMOE_H
