//===- Passes.td - kernel programs on the host -------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTOLINALG_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertSwitchedToLinalg
    : Pass<"convert-switched-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Gives the kernel programs of switched a meaning on the host.";
  let description = [{
    Every `switched.kernel_step` becomes loops over buffers: tiles of shared
    memory, tensor memory and registers are buffers of f32 with one stage after
    another, tiles of all units are worked on one after another, blocks of a
    cluster in step. A pipeline loads ahead of its products as far as its stages
    reach. Memory holds NaN until it is written. Tiles of block-scaled formats
    keep elements and scales apart. With `formats`, what a program narrows
    is rounded as the tile's format says (decision 0023); without, a scale is a
    power of two, so that nothing is lost. System ops stay.
  }];
  let options = [
    Option<"formats", "formats", "bool", "false",
           "Round what a program narrows to the formats of its tiles">,
    Option<"fp8", "fp8", "std::string", "\"e4m3fn\"",
           "The 8-bit float that the machine computes with">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTOLINALG_PASSES_TD
