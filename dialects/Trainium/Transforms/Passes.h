//===- Passes.h - passes on the trainium dialect ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TRAINIUM_TRANSFORMS_PASSES_H
#define PORTOLAN_DIALECTS_TRAINIUM_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan::trainium {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Trainium/Transforms/TrainiumPasses.h.inc"

} // namespace portolan::trainium

#endif // PORTOLAN_DIALECTS_TRAINIUM_TRANSFORMS_PASSES_H
