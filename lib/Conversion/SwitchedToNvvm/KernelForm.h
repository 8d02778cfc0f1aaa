//===- KernelForm.h - a kernel program as it is emitted ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads a `switched.kernel` and decides what the emission needs: where tiles
// and barriers lie in shared memory, and what parameters the kernel has. What
// has no emission is refused here, with a label of the dialect's README.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELFORM_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELFORM_H

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "llvm/ADT/DenseMap.h"

namespace portolan::kernels {

/// A parameter of the emitted function.
struct Parameter {
  unsigned argument = 0; ///< of the program's region
  bool isMap = false;    ///< else a pointer to global memory

  // Of a tensor map; innermost first, in elements of `format`.
  Format format = Format::bf16;
  llvm::SmallVector<int64_t> sizes; ///< -1: not known before the launch
  llvm::SmallVector<int64_t> box;
  int64_t swizzleBytes = 0;
};

/// What the warps of a block do.
struct Roles {
  int64_t consumerWarps = 4; ///< warps 0 to 3: sums, epilogue, store
  int64_t producerWarp = 4;
  int64_t threads() const { return 32 * (producerWarp + 1); }
};

struct KernelForm {
  switched::KernelOp kernel;
  switched::ForTilesOp tiles;
  switched::PipelineOp pipeline;
  switched::EpilogueOp epilogue;
  switched::TmaStoreOp store;
  llvm::SmallVector<switched::TmaLoadOp> loads;
  llvm::SmallVector<switched::WgmmaOp> products;
  Roles roles;

  llvm::DenseMap<mlir::Value, int64_t> offsets; ///< of tiles and barriers
  int64_t sharedBytes = 0;

  llvm::SmallVector<Parameter> parameters;
  llvm::DenseMap<mlir::Operation *, unsigned> maps; ///< of loads and the store
  unsigned countsPointer = 0, targetPointer = 0;    ///< among the parameters

  int64_t experts() const;
  int64_t threads() const { return roles.threads(); }
};

/// A refusal: what is expected and got, and its label.
mlir::InFlightDiagnostic refuse(mlir::Operation *op, llvm::StringRef label,
                                const llvm::Twine &text);

/// Bytes from a stage of a ring to the next.
int64_t stageStride(switched::SmemType type);

/// Emits an error and fails if the program has no emission.
mlir::FailureOr<KernelForm> formOf(switched::KernelOp kernel);

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELFORM_H
