//===- Descriptors.cpp - how a matrix unit is told of operands ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/Descriptors.h"

using namespace portolan;
using namespace portolan::kernels;

/// Byte offsets are given in units of 16.
static uint64_t strideField(int64_t leadingBytes, int64_t strideBytes) {
  return uint64_t(leadingBytes >> 4) << 16 | uint64_t(strideBytes >> 4) << 32;
}

uint64_t kernels::warpgroupDescriptor() {
  // Swizzled, the leading offset is not used, and the stride leads from 8 rows
  // to the next 8. Bits 62-63: 1 is 128 bytes.
  return strideField(16, kSwizzleRepeat) | uint64_t(1) << 62;
}

uint64_t kernels::tensorDescriptor() {
  // Bits 46-48 are 1; bits 61-63: 2 is 128 bytes.
  return strideField(16, kSwizzleRepeat) | uint64_t(1) << 46 |
         uint64_t(2) << 61;
}

uint64_t kernels::scalesDescriptor() {
  // Not swizzled: 8 rows of 16 bytes follow each other, then the next 8.
  return strideField(16, 8 * 16) | uint64_t(1) << 46;
}

uint32_t kernels::instructionDescriptor(Format format, int64_t rows,
                                        int64_t tokens) {
  // kind::f16 numbers f16 0 and bf16 1, kind::f8f6f4 e4m3 0.
  uint32_t type = format == Format::bf16 ? 1 : 0;
  return uint32_t(1) << 4 | type << 7 | type << 10 |
         uint32_t(tokens >> 3) << 17 | uint32_t(rows >> 4) << 24;
}

uint32_t kernels::scaledInstructionDescriptor(Format format, int64_t rows,
                                              int64_t tokens,
                                              int64_t scaleColumn) {
  // kind::mxf8f6f4 numbers e4m3 0, kind::mxf4 and mxf4nvf4 e2m1 1. Scales are
  // ue8m0 (1), those of nvfp4 ue4m3 (0).
  uint32_t type = format == Format::mxfp8 ? 0 : 1;
  uint32_t scales = format == Format::nvfp4 ? 0 : 1;
  return uint32_t(scaleColumn) << 4 | type << 7 | type << 10 |
         uint32_t(tokens >> 3) << 17 | scales << 23 |
         uint32_t(rows >> 7) << 27 | uint32_t(scaleColumn) << 29;
}
