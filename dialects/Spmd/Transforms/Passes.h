//===- Passes.h - passes on the spmd dialect -------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_TRANSFORMS_PASSES_H
#define PORTOLAN_DIALECTS_SPMD_TRANSFORMS_PASSES_H

#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "portolan/Support/NumberFormats.h"

namespace portolan::spmd {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Spmd/Transforms/SpmdPasses.h.inc"

/// What `spmd-emulate-formats` does; `fp8` is an encoding of Format::fp8. Fails
/// with a diagnostic where a format cannot be emulated.
mlir::LogicalResult emulateFormats(mlir::ModuleOp module,
                                   ElementFormat fp8 = ElementFormat::e4m3fn);

} // namespace portolan::spmd

#endif // PORTOLAN_DIALECTS_SPMD_TRANSFORMS_PASSES_H
