//===- LatentCaches.h - caches of latent attention as served ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_TRANSFORMS_LATENTCACHES_H
#define PORTOLAN_DIALECTS_MOE_TRANSFORMS_LATENTCACHES_H

#include "dialects/Moe/IR/Moe.h"

namespace portolan::moe {

/// Makes the latent attention of `layer` read and grow latent caches
/// [B,P,L] and [B,P,Dr] instead of the keys and values of each head, and
/// absorbs its projections: what a serving runtime keeps. `calls` are the calls
/// of `layer` in `main`, whose caches are arguments and results of `main`
/// alone.
mlir::LogicalResult
compressLatentCaches(mlir::func::FuncOp main, mlir::func::FuncOp layer,
                     llvm::ArrayRef<mlir::func::CallOp> calls);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_TRANSFORMS_LATENTCACHES_H
