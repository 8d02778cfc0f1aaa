//===- Descriptors.h - how a matrix unit is told of operands ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bit fields and addresses of the PTX ISA that are computed on the host and
// end as constants in a kernel. Source: PTX ISA 9.0, "Matrix Descriptor Format"
// of wgmma, "Shared memory descriptor" and "Instruction descriptor" of tcgen05,
// "Swizzling Modes" of tensors.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_DESCRIPTORS_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_DESCRIPTORS_H

#include "dialects/Switched/IR/SwitchedKernel.h"

namespace portolan::kernels {

/// Rows after which the pattern of a 128-byte swizzle repeats, and their bytes.
inline constexpr int64_t kSwizzleRows = 8;
inline constexpr int64_t kSwizzleRepeat =
    kSwizzleRows * switched::kSwizzleBytes;

/// Rows of a unit of block scales: four scales a row, in one word.
inline constexpr int64_t kScaleRows = 128;
inline constexpr int64_t kScaleUnitBytes = 4 * kScaleRows;

/// Where byte `byte` of row `row` of a tile of 128-byte rows lies: its unit of
/// 16 bytes is exchanged by the row's number.
inline constexpr int64_t swizzled(int64_t row, int64_t byte) {
  return row * switched::kSwizzleBytes + (byte ^ ((row % kSwizzleRows) << 4));
}

/// A matrix in shared memory whose contraction is innermost, 128 bytes of it,
/// swizzled; rows follow each other. The descriptor without its address.
uint64_t warpgroupDescriptor();
uint64_t tensorDescriptor();

/// Block scales of 32 rows x 16 bytes, as tcgen05.cp reads them.
uint64_t scalesDescriptor();

/// The field of an address in shared memory, the same in all descriptors.
inline constexpr uint64_t addressField(uint64_t address) {
  return (address & 0x3FFFF) >> 4;
}

/// The instruction descriptor of tcgen05.mma: `rows` x `tokens`, both of the
/// pair if it is one, sums in f32, contraction innermost on both sides.
/// `format` has no block scales.
uint32_t instructionDescriptor(Format format, int64_t rows, int64_t tokens);

/// The same with block scales; `scaleColumn` (0 to 3) is the byte in a word of
/// scales at which those of this instruction start.
uint32_t scaledInstructionDescriptor(Format format, int64_t rows,
                                     int64_t tokens, int64_t scaleColumn);

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_DESCRIPTORS_H
