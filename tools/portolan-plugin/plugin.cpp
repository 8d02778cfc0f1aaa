//===- plugin.cpp - Portolan inside the stock mlir-opt --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The entry points of --load-dialect-plugin and --load-pass-plugin. All code
// is in libPortolan.so: a second copy of a TypeID would split the dialects.
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "portolan/RegisterAll.h"
#include "llvm/Config/llvm-config.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Portolan", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            portolan::registerAllDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Portolan", LLVM_VERSION_STRING,
          [] { portolan::registerAllPasses(); }};
}
