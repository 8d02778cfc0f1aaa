//===- Switched.h - the switched dialect ------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// System ops of switched, each carrying one step, and the ops and types of its
// kernel programs.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHED_H
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHED_H

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Switched/IR/SwitchedDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Switched/IR/SwitchedAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Switched/IR/SwitchedTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Switched/IR/SwitchedOps.h.inc"

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHED_H
