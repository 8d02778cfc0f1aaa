//===- MoeToLinalg.h - moe to linalg ---------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_MOETOLINALG_H
#define PORTOLAN_CONVERSION_MOETOLINALG_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace portolan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/MoeToLinalg/MoeToLinalgPasses.h.inc"

/// The decomposition of every moe op but the weights.
void populateMoeToLinalgPatterns(mlir::RewritePatternSet &patterns);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_MOETOLINALG_H
