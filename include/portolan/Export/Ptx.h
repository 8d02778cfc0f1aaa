//===- Ptx.h - kernels as PTX text ------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The last step of the kernel stratum: the `gpu.module` that
// convert-switched-kernels-to-nvvm appends, compiled for the target that it
// names by LLVM's NVPTX back end. Needs no CUDA: what an assembler makes of the
// text is its own business.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXPORT_PTX_H
#define PORTOLAN_EXPORT_PTX_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace portolan {

/// Prints the PTX of the one gpu.module in `module`; fails, with a diagnostic,
/// if there is none or more than one, or if it names no NVVM target that LLVM
/// knows. `module` stays as it is.
mlir::LogicalResult exportPtx(mlir::ModuleOp module, llvm::raw_ostream &stream);

/// Registers --export-ptx of portolan-translate.
void registerPtxTranslation();

} // namespace portolan

#endif // PORTOLAN_EXPORT_PTX_H
