//===- SpmdToRuntime.h - spmd to runtime calls -----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_SPMDTORUNTIME_H
#define PORTOLAN_CONVERSION_SPMDTORUNTIME_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan {

/// On a collective: the index of its transfer in the lowered program, which the
/// runtime looks the algorithm up by.
inline constexpr llvm::StringLiteral kSiteName = "portolan.site";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/SpmdToRuntime/SpmdToRuntimePasses.h.inc"

} // namespace portolan

#endif // PORTOLAN_CONVERSION_SPMDTORUNTIME_H
