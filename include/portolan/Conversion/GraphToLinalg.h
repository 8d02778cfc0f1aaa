//===- GraphToLinalg.h - graph nodes to linalg -----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fallback: nodes of an imported graph as programs on tensors.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_GRAPHTOLINALG_H
#define PORTOLAN_CONVERSION_GRAPHTOLINALG_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/Pass.h"

namespace portolan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/GraphToLinalg/GraphToLinalgPasses.h.inc"

/// Makes graph.node an op that moe-bind-workload lowers once its operands are
/// bound.
void registerGraphLowering(mlir::DialectRegistry &registry);

/// Puts the bodies of all functions that @main calls into @main and erases the
/// functions, if the module has nodes of a graph: sizes that nodes compute are
/// followed within one function. Lists of integers that are weights of the file
/// become constants, since nodes read sizes and axes from them. Does nothing
/// otherwise.
llvm::LogicalResult inlineDecomposedLayers(mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_GRAPHTOLINALG_H
