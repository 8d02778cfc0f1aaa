//===- portolan-translate.cpp - import and export driver ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Translates between model files and MLIR, one flag per format.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "portolan/Export/IrdlForm.h"
#include "portolan/Export/Ptx.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/Import/Onnx.h"
#include "portolan/RegisterAll.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;

namespace {

/// Prints the error of an import that failed.
OwningOpRef<Operation *>
report(llvm::Expected<OwningOpRef<ModuleOp>> imported) {
  if (imported)
    return OwningOpRef<Operation *>(imported->release().getOperation());
  llvm::WithColor::error(llvm::errs(), "portolan-translate")
      << llvm::toString(imported.takeError()) << "\n";
  return nullptr;
}

void registerImportOnnx() {
  TranslateToMLIRRegistration registration(
      "import-onnx", "import an ONNX model into the graph dialect",
      [](llvm::SourceMgr &sources, MLIRContext *context) {
        const llvm::MemoryBuffer *file =
            sources.getMemoryBuffer(sources.getMainFileID());
        return report(portolan::importOnnx(*file, *context));
      },
      [](DialectRegistry &registry) {
        portolan::registerAllDialects(registry);
      });
}

} // namespace

int main(int argc, char **argv) {
  registerImportOnnx();
  portolan::registerHfConfigTranslation();
  portolan::registerIrdlFormTranslations();
  portolan::registerPtxTranslation();
  return failed(mlirTranslateMain(argc, argv, "Portolan's translation driver"));
}
