//===- MachineDialect.cpp - registration of the machine dialect -------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Machine/IR/Machine.h"
#include "mlir/IR/DialectImplementation.h"

using namespace portolan::machine;

#include "dialects/Machine/IR/MachineDialect.cpp.inc"
#include "dialects/Machine/IR/MachineEnums.cpp.inc"

void MachineDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/Machine/IR/MachineOps.cpp.inc"
      >();
}
