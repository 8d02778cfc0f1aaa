//===- TorusDialect.cpp - the torus dialect -------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Torus/IR/Torus.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#include "dialects/Torus/IR/TorusDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Torus/IR/TorusOps.cpp.inc"

void portolan::torus::TorusDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Torus/IR/TorusOps.cpp.inc"
      >();
}
