//===- portolan-lsp-server.cpp - language server for editors --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's language server, with every dialect: diagnostics, hover, definitions
// and references in files of Portolan's IR.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "portolan/RegisterAll.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  portolan::registerUpstream(registry);
  portolan::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
