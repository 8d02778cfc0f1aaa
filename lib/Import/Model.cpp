//===- Model.cpp - models by file or by name ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/Model.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Import/ShippedModels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Import/HfConfig.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

/// One entry of the index of shipped models.
struct IndexEntry {
  std::string name;
  std::string source;
  bool isDefault;
};

StringRef embeddedText(StringRef name) {
  for (const EmbeddedText &text : shippedModelTexts())
    if (name == text.name)
      return text.text;
  return {};
}

/// The index is part of the library; a test reads all of it.
std::vector<IndexEntry> readIndex() {
  llvm::json::Value index =
      llvm::cantFail(llvm::json::parse(embeddedText("index")));
  std::vector<IndexEntry> entries;
  for (const llvm::json::Value &value : *index.getAsArray()) {
    const llvm::json::Object &object = *value.getAsObject();
    entries.push_back({object.getString("name")->str(),
                       object.getString("source").value_or("").str(),
                       object.getBoolean("default").value_or(false)});
  }
  return entries;
}

/// Turns the diagnostics of a parse or verification into one error.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error ||
              !message.empty())
            return success();
          llvm::raw_string_ostream stream(message);
          if (auto loc = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
            stream << loc.getFilename().getValue() << ":" << loc.getLine()
                   << ":" << loc.getColumn() << ": ";
          stream << diagnostic;
          return success();
        }) {}
  std::string message;

private:
  ScopedDiagnosticHandler handler;
};

/// A function that calls itself, directly or through others, or null: a model
/// is a sequence of layers.
func::FuncOp findRecursion(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::DenseMap<Operation *, SmallVector<func::FuncOp>> callees;
  llvm::DenseMap<Operation *, unsigned> callers;
  SmallVector<func::FuncOp> ready;
  for (auto function : module.getOps<func::FuncOp>())
    function.walk([&](func::CallOp call) {
      if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee())) {
        callees[function].push_back(callee);
        ++callers[callee];
      }
    });
  for (auto function : module.getOps<func::FuncOp>())
    if (callers.lookup(function) == 0)
      ready.push_back(function);
  while (!ready.empty())
    for (func::FuncOp callee : callees.lookup(ready.pop_back_val()))
      if (--callers[callee] == 0)
        ready.push_back(callee);
  for (auto function : module.getOps<func::FuncOp>())
    if (callers.lookup(function) != 0)
      return function;
  return nullptr;
}

llvm::Expected<OwningOpRef<ModuleOp>> loadMlir(StringRef path,
                                               MLIRContext &context) {
  context.loadDialect<moe::MoeDialect, func::FuncDialect, tensor::TensorDialect,
                      arith::ArithDialect>();
  DiagnosticCollector diagnostics(context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, &context);
  if (!module)
    return llvm::createStringError(diagnostics.message.empty()
                                       ? (path + ": cannot be read").str()
                                       : diagnostics.message);
  if (!module->lookupSymbol<func::FuncOp>("main"))
    return llvm::createStringError(Twine(path) +
                                   ": expects a function @main, got none");
  if (func::FuncOp function = findRecursion(*module))
    return llvm::createStringError(
        Twine(path) + ": expects functions that do not call themselves, got @" +
        function.getName());
  bool found = false;
  module->walk([&](Operation *op) {
    found |= isa_and_nonnull<moe::MoeDialect>(op->getDialect());
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (!found)
    return llvm::createStringError(
        Twine(path) + ": expects ops of the moe dialect, got none");
  return std::move(module);
}

llvm::Expected<OwningOpRef<ModuleOp>> loadFile(StringRef path,
                                               MLIRContext &context) {
  if (llvm::sys::fs::is_directory(path))
    return llvm::createStringError(Twine(path) +
                                   ": expects a file, got a directory");
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".mlir")
    return loadMlir(path, context);
  if (extension == ".json")
    return importHfConfig(path, context);
  if (extension == ".onnx")
    return loadOnnx(path, context);
  return llvm::createStringError(
      Twine(path) + ": expects a .json, .mlir or .onnx file, got \"" +
      extension + "\"");
}

bool looksLikePath(StringRef model) {
  return model.contains('/') || model.ends_with(".json") ||
         model.ends_with(".mlir") || model.ends_with(".onnx");
}

} // namespace

std::vector<std::string> portolan::shippedModelNames() {
  std::vector<std::string> names;
  for (const IndexEntry &entry : readIndex())
    names.push_back(entry.name);
  return names;
}

std::string portolan::shippedModelSource(StringRef name) {
  for (const IndexEntry &entry : readIndex())
    if (entry.name == name)
      return entry.source;
  return {};
}

std::string portolan::defaultModelName() {
  for (const IndexEntry &entry : readIndex())
    if (entry.isDefault)
      return entry.name;
  llvm_unreachable("a test checks that the index has a default");
}

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::loadModel(StringRef model, MLIRContext &context) {
  if (llvm::sys::fs::exists(model))
    return loadFile(model, context);
  std::vector<std::string> names = shippedModelNames();
  if (llvm::is_contained(names, model))
    return importHfConfigText(embeddedText(model), (model + ".json").str(),
                              model, context);
  if (looksLikePath(model))
    return llvm::createStringError(Twine(model) + ": no such file");
  return llvm::createStringError("unknown model '" + Twine(model) +
                                 "': expects a file or one of " +
                                 llvm::join(names, ", "));
}

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::loadServedModel(StringRef model, MLIRContext &context) {
  llvm::Expected<OwningOpRef<ModuleOp>> module = loadModel(model, context);
  if (!module)
    return module;
  if (llvm::Error error = foldNodes(module->get()))
    return llvm::createStringError(model + ": " +
                                   llvm::toString(std::move(error)));
  DiagnosticCollector diagnostics(context);
  if (failed(moe::applyServingForm(module->get())))
    return llvm::createStringError(model + ": " + diagnostics.message);
  return module;
}
