//===- AddCaches.h - caches of a model without caches ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_TRANSFORMS_ADDCACHES_H
#define PORTOLAN_DIALECTS_MOE_TRANSFORMS_ADDCACHES_H

#include "dialects/Moe/IR/Moe.h"

namespace portolan::moe {

/// Makes caches that are empty on each call of `layer` inputs of `main` that
/// grow by the new tokens, as a server keeps them. Replaces the calls by ones
/// with more results.
mlir::LogicalResult addCaches(mlir::func::FuncOp main, mlir::func::FuncOp layer,
                              llvm::MutableArrayRef<mlir::func::CallOp> calls);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_TRANSFORMS_ADDCACHES_H
