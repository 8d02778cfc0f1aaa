//===- Passes.h - passes on the wafer dialect ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_TRANSFORMS_PASSES_H
#define PORTOLAN_DIALECTS_WAFER_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan::wafer {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Wafer/Transforms/WaferPasses.h.inc"

} // namespace portolan::wafer

#endif // PORTOLAN_DIALECTS_WAFER_TRANSFORMS_PASSES_H
