//===- Model.h - models by file or by name ---------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the MODEL argument of the command line means, the models that ship with
// Portolan, and the parameters that a moe module has.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_IMPORT_MODEL_H
#define PORTOLAN_IMPORT_MODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace portolan {

/// Loads a model as a moe module: a .onnx or .mlir file, a Hugging Face
/// configuration (.json), or the name of a shipped model. An existing path wins
/// over a name. The module is verified and has a `@main` with moe ops.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadModel(llvm::StringRef model, mlir::MLIRContext &context);

/// The same in the form in which it is served and priced
/// (moe-apply-serving-form).
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadServedModel(llvm::StringRef model, mlir::MLIRContext &context);

/// Names of the models that ship, in the order of lib/Import/Models/index.json.
std::vector<std::string> shippedModelNames();

/// Where the configuration of a shipped model comes from, in one line; empty
/// for another name.
std::string shippedModelSource(llvm::StringRef name);

/// The model that is meant when a command names none: the entry of the index
/// with `"default": true`.
std::string defaultModelName();

/// Parameters of a model. Block scales of narrow formats and layers that only
/// predict further tokens (MTP) are not counted.
struct ParameterCount {
  int64_t total = 0;
  /// Without the routed experts that a token does not use; embeddings count.
  int64_t active = 0;
};

/// Counts the parameters of `module` from the types of its weights. A weight
/// that only feeds `moe.experts` counts as active in the share of the experts
/// that its `moe.dispatch` uses per token.
llvm::Expected<ParameterCount> countParameters(mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_IMPORT_MODEL_H
