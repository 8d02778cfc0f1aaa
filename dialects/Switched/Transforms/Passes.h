//===- Passes.h - passes on the switched dialect ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_PASSES_H
#define PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan::switched {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Switched/Transforms/SwitchedPasses.h.inc"

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_PASSES_H
