//===- Wafer.h - the wafer dialect ------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// System ops of wafer: each carries one step.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_IR_WAFER_H
#define PORTOLAN_DIALECTS_WAFER_IR_WAFER_H

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Wafer/IR/WaferDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Wafer/IR/WaferOps.h.inc"

#endif // PORTOLAN_DIALECTS_WAFER_IR_WAFER_H
