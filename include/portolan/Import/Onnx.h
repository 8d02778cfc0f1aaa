//===- Onnx.h - import of ONNX models --------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads an .onnx file into the graph dialect, faithfully and without its
// weights' bytes.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_IMPORT_ONNX_H
#define PORTOLAN_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace portolan {

/// Imports the model at `path`: a module with the graph as @main and one
/// `moe.weight_data` per initialiser. The error names the file, the node or
/// field, what is expected there and what was found. External data is neither
/// opened nor looked for.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(llvm::StringRef path, mlir::MLIRContext &context);

/// The same from memory; the buffer's identifier is the path of the model.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(llvm::MemoryBufferRef file, mlir::MLIRContext &context);

} // namespace portolan

#endif // PORTOLAN_IMPORT_ONNX_H
