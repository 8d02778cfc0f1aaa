//===- portolan-opt.cpp - opt-style driver --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs any pass or pipeline, Portolan's and upstream's, on any dialect.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "portolan/RegisterAll.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  portolan::registerUpstream(registry);
  portolan::registerAllDialects(registry);
  portolan::registerUpstreamPasses();
  portolan::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Portolan's pass driver\n", registry));
}
