//===- SwitchedKernel.h - arithmetic of kernel tiles ------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the verifiers of kernel programs, the machine rules and the lowering
// have to agree on: widths of formats in a tile and shapes of instructions.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNEL_H
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNEL_H

#include "dialects/Switched/IR/Switched.h"

namespace portolan::switched {

/// The formats of a TmemType beside those of portolan::Format.
inline constexpr llvm::StringLiteral kScaleFormat = "scale";

/// Bits of an element without its share of a block scale.
int64_t packedBits(Format format);

/// Elements that share a block scale that the matrix unit applies; 0 without.
int64_t scaleBlock(Format format);

/// Bytes of contraction that one instruction takes, and that the widest swizzle
/// of shared memory spans (PTX ISA: wgmma and tcgen05.mma, tensor maps).
inline constexpr int64_t kInstructionBytes = 32;
inline constexpr int64_t kSwizzleBytes = 128;

/// Threads of a warpgroup, which share a tile in registers.
inline constexpr int64_t kWarpgroupThreads = 128;

/// Destinations that a block has counters for.
inline constexpr int64_t kMostDestinations = int64_t(1) << 16;

/// Rows (columns of the weights) of a wgmma.
inline constexpr int64_t kWgmmaRows = 64;

/// Whether wgmma takes a format; whether it has the shape 64 x `tokens`.
bool wgmmaTakes(Format format);
bool wgmmaHasTokens(int64_t tokens);

/// Whether tcgen05.mma takes a format; whether it has the shape `rows` x
/// `tokens`, both of the pair if it is one.
bool tcgen05Takes(Format format);
bool tcgen05HasShape(Format format, int64_t rows, int64_t tokens, bool pair);

/// Columns that an allocation for `wordColumns` takes: a power of two, at least
/// 32.
int64_t tmemAllocation(int64_t wordColumns);

/// Where the rows of a step go that packs or permutes; null if no attribute
/// says so (more experts or ranks than can be counted).
DestinationsAttr coveredDestinations(mlir::Operation *step,
                                     const LocalOp &local);

/// A region of a program: one block of `indices` indices that ends in a
/// switched.yield of nothing. Emits an error of `op` otherwise.
mlir::LogicalResult verifyProgramRegion(mlir::Operation *op,
                                        mlir::Region &region, unsigned indices);

/// What crosses from the loads of a pipeline, or of a loop over a cache, to its
/// products: each side waits once for the other and passes on once, and the
/// full barrier expects the bytes that come. Emits an error of `op` otherwise.
mlir::LogicalResult verifyHandshake(mlir::Operation *op, mlir::Region &produce,
                                    mlir::Region &consume, mlir::Value full,
                                    mlir::Value free);

/// Whether an op of a program reads or writes the memory of another rank.
bool touchesPeer(mlir::Operation *op);

/// A region of the step's operands that yields its results.
mlir::LogicalResult verifyKernelFrame(mlir::Operation *op, mlir::Region &body);

/// What a step that is written out has to be: a region of its operands that
/// yields its results, with programs of the work of the covered op (rules
/// kernel_step_c1 and on, kernel_transfer_c1 and on).
mlir::LogicalResult verifyKernelStep(mlir::Operation *op, mlir::Region &body);
mlir::LogicalResult verifyKernelTransfer(mlir::Operation *op,
                                         mlir::Region &body);

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNEL_H
