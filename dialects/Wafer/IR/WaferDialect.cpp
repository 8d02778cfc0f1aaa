//===- WaferDialect.cpp - the wafer dialect -------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/IR/Wafer.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#include "dialects/Wafer/IR/WaferDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Wafer/IR/WaferOps.cpp.inc"

void portolan::wafer::WaferDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Wafer/IR/WaferOps.cpp.inc"
      >();
}
