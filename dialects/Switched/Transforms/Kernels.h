//===- Kernels.h - kernel programs and their machine -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the passes that make kernel programs and that check them.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_KERNELS_H
#define PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_KERNELS_H

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "portolan/Machine/Core.h"

namespace portolan::switched {

/// The machine named by `target` or, if that is empty, by the module's
/// `portolan.target`. Emits an error if there is none or if it is not switched.
mlir::FailureOr<std::string> targetOf(mlir::ModuleOp module,
                                      llvm::StringRef target);

/// Bytes that a ring of tiles takes in shared memory: every stage starts at a
/// multiple of 1024, the repeat of a swizzle of 128 bytes.
int64_t smemFootprint(SmemType type);

/// Bytes that the barriers of a ring take.
int64_t smemFootprint(MbarrierType type);

/// Checks every kernel program of a module against the machine (labels in the
/// dialect's README). A module without programs needs no machine.core.
mlir::LogicalResult verifyKernels(mlir::ModuleOp module,
                                  llvm::StringRef target);

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_KERNELS_H
