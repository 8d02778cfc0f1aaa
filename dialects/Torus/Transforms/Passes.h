//===- Passes.h - passes on the torus dialect ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TORUS_TRANSFORMS_PASSES_H
#define PORTOLAN_DIALECTS_TORUS_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan::torus {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Torus/Transforms/TorusPasses.h.inc"

} // namespace portolan::torus

#endif // PORTOLAN_DIALECTS_TORUS_TRANSFORMS_PASSES_H
