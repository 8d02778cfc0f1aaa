//===- HfConfigTranslation.cpp - --import-hf-config -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-translate/Translation.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/RegisterAll.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;

void portolan::registerHfConfigTranslation() {
  TranslateToMLIRRegistration registration(
      "import-hf-config", "import a Hugging Face config.json as a moe module",
      [](llvm::SourceMgr &sources,
         MLIRContext *context) -> OwningOpRef<Operation *> {
        const llvm::MemoryBuffer *file =
            sources.getMemoryBuffer(sources.getMainFileID());
        llvm::StringRef path = file->getBufferIdentifier();
        llvm::Expected<OwningOpRef<ModuleOp>> module = importHfConfigText(
            file->getBuffer(), path, llvm::sys::path::stem(path), *context);
        if (module)
          return OwningOpRef<Operation *>(module->release().getOperation());
        llvm::WithColor::error(llvm::errs(), "portolan-translate")
            << llvm::toString(module.takeError()) << "\n";
        return nullptr;
      },
      [](DialectRegistry &registry) { registerAllDialects(registry); });
}
