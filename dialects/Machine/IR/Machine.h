//===- Machine.h - the machine dialect -----------------------------*- C++ -*-
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Declares the dialect, its attributes and its operations.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MACHINE_IR_MACHINE_H
#define PORTOLAN_DIALECTS_MACHINE_IR_MACHINE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

#include "dialects/Machine/IR/MachineDialect.h.inc"
#include "dialects/Machine/IR/MachineEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Machine/IR/MachineAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/Machine/IR/MachineOps.h.inc"

namespace portolan::machine {

/// The shortest decimal that reads back as `number`: "0.84", "2.5e15".
std::string spellNumber(double number);

/// The spelling of "every format" in machine.rate and machine.stream.
inline constexpr llvm::StringLiteral kAnyFormat = "any";

} // namespace portolan::machine

#endif // PORTOLAN_DIALECTS_MACHINE_IR_MACHINE_H
