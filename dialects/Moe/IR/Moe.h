//===- Moe.h - the moe dialect ---------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dialect, attributes and ops of moe, the hardware-neutral inference graph.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOE_H
#define PORTOLAN_DIALECTS_MOE_IR_MOE_H

#include "dialects/Interfaces/WorkOpInterface.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Moe/IR/MoeDialect.h.inc"
#include "dialects/Moe/IR/MoeEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Moe/IR/MoeAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/Moe/IR/MoeOps.h.inc"

namespace portolan::moe {

/// Of a layer function: how many layers of the model it stands for, if not 1.
inline constexpr llvm::StringLiteral kDepthAttr = "moe.depth";

/// The storage format of a tensor of this element type (f8E4M3FN: fp8,
/// f4E2M1FN: nvfp4, i8: int8, i4: int4), or nothing for other types.
std::optional<Format> formatOf(mlir::Type elementType);

/// Storage and compute format named by a `#moe.format`.
FormatPair formatPairOf(FormatAttr attr);

/// The attribute for a pair.
FormatAttr formatAttrOf(mlir::MLIRContext *context, FormatPair pair);

} // namespace portolan::moe

#endif // PORTOLAN_DIALECTS_MOE_IR_MOE_H
