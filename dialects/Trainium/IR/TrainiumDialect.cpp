//===- TrainiumDialect.cpp - the trainium dialect -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Trainium/IR/Trainium.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#include "dialects/Trainium/IR/TrainiumDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Trainium/IR/TrainiumOps.cpp.inc"

void portolan::trainium::TrainiumDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Trainium/IR/TrainiumOps.cpp.inc"
      >();
}
