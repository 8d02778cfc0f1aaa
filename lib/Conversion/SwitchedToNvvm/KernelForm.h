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
#include "portolan/Machine/Core.h"
#include "llvm/ADT/DenseMap.h"

namespace portolan::kernels {

/// A parameter of the emitted function.
struct Parameter {
  unsigned argument = 0; ///< of the program's region
  bool isMap = false;    ///< else a pointer to global memory
  bool ofScales = false; ///< of the argument's block scales, not its elements

  // Of a tensor map; innermost first, in elements of `format`, or in words of
  // four block scales.
  Format format = Format::bf16;
  llvm::SmallVector<int64_t> sizes; ///< -1: not known before the launch
  llvm::SmallVector<int64_t> box;
  int64_t swizzleBytes = 0;
};

/// What the warps of a block do; -1: no warp.
struct Roles {
  int64_t drainWarps = 4; ///< warps 0 to 3: sums, epilogue, store
  int64_t producerWarp = 4;
  int64_t issuerWarp = -1; ///< of products with sums in tensor memory
  int64_t scaleWarp = -1;  ///< that orders the block scales of tokens
  int64_t threads() const {
    return 32 * (std::max({producerWarp, issuerWarp, scaleWarp}) + 1);
  }
};

/// One product of the consumer.
struct Product {
  mlir::Value weights, tokens;           ///< rings in shared memory
  mlir::Value sums;                      ///< registers or tensor memory
  mlir::Value weightScales, tokenScales; ///< tensor memory, or null
  Format format = Format::bf16;

  switched::SmemType tokenType() const {
    return llvm::cast<switched::SmemType>(tokens.getType());
  }
};

struct KernelForm {
  switched::KernelOp kernel;
  switched::ForTilesOp tiles;
  switched::PipelineOp pipeline;
  switched::EpilogueOp epilogue;
  switched::TmaStoreOp store;
  llvm::SmallVector<switched::TmaLoadOp, 3> loads;
  llvm::SmallVector<Product, 2> products;
  bool tensorMemory = false;
  bool pair = false; ///< two blocks issue one product
  Roles roles;

  // Shared memory, in bytes from its start.
  llvm::DenseMap<mlir::Value, int64_t> offsets; ///< of tiles and barriers
  llvm::DenseMap<mlir::Value, int64_t> strides; ///< from stage to stage
  int64_t sumsFull = 0, sumsFree = 0; ///< barriers of sums in tensor memory
  int64_t scalesReady = 0;            ///< ring of barriers of ordered scales
  int64_t tensorAddresses = 0;        ///< a word per tensor tile
  int64_t sharedBytes = 0;
  llvm::SmallVector<switched::TmemAllocOp, 4> tensorTiles;

  llvm::SmallVector<Parameter, 8> parameters;
  llvm::DenseMap<mlir::Operation *, unsigned> maps; ///< of loads and the store
  llvm::DenseMap<mlir::Operation *, unsigned> scaleMaps; ///< of loads
  unsigned countsPointer = 0, targetPointer = 0, targetScalesPointer = 0;

  int64_t experts() const;
  int64_t blocksOfProduct() const { return pair ? 2 : 1; }
  bool isScaled() const { return roles.scaleWarp >= 0; }
};

/// Words of four scales in a stage's or tile's contraction.
int64_t scaleWords(switched::SmemType type);

/// Bytes of a stage's elements, without block scales.
int64_t elementBytes(switched::SmemType type);

/// A refusal: what is expected and got, and its label.
mlir::InFlightDiagnostic refuse(mlir::Operation *op, llvm::StringRef label,
                                const llvm::Twine &text);

/// Emits an error and fails if the program has no emission.
mlir::FailureOr<KernelForm> formOf(switched::KernelOp kernel, const Core &core);

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELFORM_H
