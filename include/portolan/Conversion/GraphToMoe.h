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
#include "portolan/Conversion/RaisingReport.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace portolan {

/// The pass convert-graph-to-moe.
std::unique_ptr<mlir::Pass> createConvertGraphToMoePass();

void registerGraphToMoePasses();

/// The pass moe-print-raising.
std::unique_ptr<mlir::Pass> createMoePrintRaisingPass();

/// Does what the pass does, and returns the error instead of emitting it. What
/// was raised and what was not is added to `report` if it is not null.
/// `strict`: a node that cannot be raised is an error.
llvm::Error raiseGraphToMoe(mlir::ModuleOp module,
                            RaisingReport *report = nullptr,
                            bool strict = false);

/// The pass graph-fold-nodes.
std::unique_ptr<mlir::Pass> createGraphFoldNodesPass();

/// Does what that pass does, and returns the error instead of emitting it:
/// nodes that stayed become moe.decomposed ops that state their work.
llvm::Error foldNodes(mlir::ModuleOp module);

/// Emits the warnings of `report`, and one for all nodes that stay.
void warnOf(const RaisingReport &report, mlir::Location loc);

/// Imports the ONNX model at `path` and raises it. The module is verified.
/// Warnings are emitted as diagnostics located at the path.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadOnnx(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_GRAPHTOMOE_H
