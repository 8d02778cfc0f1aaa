//===- Passes.h - passes on the moe dialect --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_TRANSFORMS_PASSES_H
#define PORTOLAN_DIALECTS_MOE_TRANSFORMS_PASSES_H

#include "dialects/Moe/IR/Moe.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringMap.h"

namespace portolan::moe {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Moe/Transforms/MoePasses.h.inc"

/// The argument attribute that names the dimensions of a tensor.
inline constexpr llvm::StringLiteral kDimsAttr = "moe.dims";
/// The argument and result attribute with the tensor's name in the model.
inline constexpr llvm::StringLiteral kNameAttr = "moe.name";
/// The argument attribute with the symbol of an outlined weight.
inline constexpr llvm::StringLiteral kWeightAttr = "moe.weight";
/// The attribute of weight data that is no parameter: a table, or what the
/// architecture fixes.
inline constexpr llvm::StringLiteral kBufferAttr = "moe.buffer";
/// The module attribute with the workload.
inline constexpr llvm::StringLiteral kWorkloadAttr = "moe.workload";

/// "past_tokens/4": the dimension that is named and what it is divided by
/// (rounded down), of one with an entry for so many of past_tokens or
/// total_tokens; nothing for other names.
std::optional<std::pair<llvm::StringRef, int64_t>>
partOfTokens(llvm::StringRef name);

/// What `moe-bind-workload` does, for sizes by name.
mlir::LogicalResult bindWorkload(mlir::ModuleOp module,
                                 llvm::StringMap<int64_t> sizes);

/// What `moe-apply-serving-form` does.
mlir::LogicalResult applyServingForm(mlir::ModuleOp module);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_TRANSFORMS_PASSES_H
