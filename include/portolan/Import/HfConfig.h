//===- HfConfig.h - import of Hugging Face configurations ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A config.json fixes the graph of a model, though not its weights. The
// importer builds that graph as a moe module: `@main` with one private function
// per distinct layer, and weights that are shapes only.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_IMPORT_HFCONFIG_H
#define PORTOLAN_IMPORT_HFCONFIG_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace portolan {

/// Imports the configuration in the file `path`. The module is named after the
/// file, or after its folder if the file is called config.json. Errors name the
/// file and the field, what it expects and what was found.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importHfConfig(llvm::StringRef path, mlir::MLIRContext &context);

/// The same for a configuration in memory; `file` is what errors call it and
/// `name` becomes the name of the module.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importHfConfigText(llvm::StringRef text, llvm::StringRef file,
                   llvm::StringRef name, mlir::MLIRContext &context);

/// Registers `--import-hf-config` for portolan-translate.
void registerHfConfigTranslation();

} // namespace portolan

#endif // PORTOLAN_IMPORT_HFCONFIG_H
