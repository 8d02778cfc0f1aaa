//===- SwitchedDialect.cpp - the switched dialect -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/Switched.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#include "dialects/Switched/IR/SwitchedDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Switched/IR/SwitchedOps.cpp.inc"

void portolan::switched::SwitchedDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Switched/IR/SwitchedOps.cpp.inc"
      >();
  registerKernelTypes();
}
