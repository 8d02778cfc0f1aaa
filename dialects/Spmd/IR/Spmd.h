//===- Spmd.h - the spmd dialect -------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dialect, attributes and ops of spmd, the device program.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_IR_SPMD_H
#define PORTOLAN_DIALECTS_SPMD_IR_SPMD_H

#include "dialects/Interfaces/WorkOpInterface.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Spmd/IR/Blocks.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace portolan::spmd {

/// What collectives act on.
struct FabricResource
    : public mlir::SideEffects::Resource::Base<FabricResource> {
  llvm::StringRef getName() final { return "Fabric"; }
};

// Names of the attributes of a partitioned module and its functions.

/// On a function argument or result: the slice of the whole tensor that each
/// rank of the stage holds.
inline constexpr llvm::StringLiteral kShardName = "spmd.shard";
/// On a function argument: the weight symbol that `@prepare` slices.
inline constexpr llvm::StringLiteral kWeightName = "spmd.weight";
/// On a function argument: the index of the argument of the whole `@main`.
inline constexpr llvm::StringLiteral kArgumentName = "spmd.argument";
/// On a function argument: the index of the result of @prepare.
inline constexpr llvm::StringLiteral kPreparedName = "spmd.prepared";
/// On a function result: the index of the result of the whole `@main`.
inline constexpr llvm::StringLiteral kResultName = "spmd.result";
/// On a function argument or result that is sharded: the whole tensor's type.
inline constexpr llvm::StringLiteral kWholeName = "spmd.whole";
/// On the module: one entry function per (stage, variant), and which of them
/// each rank of the model copy runs.
inline constexpr llvm::StringLiteral kProgramsName = "spmd.programs";
inline constexpr llvm::StringLiteral kRanksName = "spmd.ranks";

} // namespace portolan::spmd

#include "dialects/Spmd/IR/SpmdDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Spmd/IR/SpmdAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/Spmd/IR/SpmdOps.h.inc"

#endif // PORTOLAN_DIALECTS_SPMD_IR_SPMD_H
