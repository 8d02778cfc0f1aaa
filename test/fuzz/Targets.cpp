//===- Targets.cpp - what is fuzzed ---------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Targets.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Import/DataSet.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/Import/Model.h"
#include "portolan/Import/Onnx.h"
#include "portolan/Machine/Machine.h"
#include "portolan/Plan/PlanFile.h"
#include "portolan/Support/Message.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace portolan;
using namespace portolan::fuzz;

namespace {

/// A context that is replaced now and then: it keeps every attribute and type
/// that it has ever seen.
MLIRContext &freshContext() {
  constexpr unsigned kUses = 64;
  static std::unique_ptr<MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % kUses == 0)
    context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  return *context;
}

/// Swallows diagnostics and keeps the first one.
class Diagnostics {
public:
  explicit Diagnostics(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          if (first.empty())
            first = diagnostic.str();
          return success();
        }) {}
  std::string first;

private:
  ScopedDiagnosticHandler handler;
};

/// A file with the given contents for those who take paths; one per kind. It
/// is in memory: a disk would be what is slow.
class ScratchFile {
public:
  explicit ScratchFile(StringRef name) : file(::memfd_create("fuzz", 0)) {
    if (file < 0 ||
        llvm::sys::fs::createUniqueDirectory("portolan-fuzz", folder))
      llvm::report_fatal_error("cannot make a temporary file");
    path = folder;
    llvm::sys::path::append(path, name);
    if (llvm::sys::fs::create_link("/proc/self/fd/" + llvm::Twine(file), path))
      llvm::report_fatal_error("cannot make a link");
  }
  ~ScratchFile() { llvm::sys::fs::remove_directories(folder); }

  StringRef fill(StringRef bytes) {
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size()))
      llvm::report_fatal_error("cannot write a temporary file");
    return path;
  }

private:
  int file;
  llvm::SmallString<128> folder, path;
};

Outcome refused(llvm::Error error) {
  Outcome outcome;
  outcome.error = llvm::toString(std::move(error));
  if (outcome.error.empty())
    llvm::report_fatal_error("an error without a message");
  return outcome;
}

/// What the library returns without an error has to be valid.
void expectValid(ModuleOp module, const Diagnostics &diagnostics,
                 const char *what) {
  if (succeeded(verify(module)))
    return;
  module->print(llvm::errs(), OpPrintingFlags().printGenericOpForm());
  llvm::report_fatal_error(
      llvm::Twine(what) + " is not valid: " + diagnostics.first, false);
}

} // namespace

static Outcome take(StringRef bytes, bool strict) {
  MLIRContext &context = freshContext();
  Diagnostics diagnostics(context);
  auto module =
      importOnnx(llvm::MemoryBufferRef(bytes, "fuzzed.onnx"), context);
  if (!module)
    return refused(module.takeError());
  expectValid(**module, diagnostics, "the imported graph");
  Outcome outcome;
  RaisingReport report;
  if (llvm::Error error = raiseGraphToMoe(**module, &report, strict))
    outcome = refused(std::move(error));
  else if (failed(verify(**module))) // As loadOnnx() does.
    outcome = refused(llvm::createStringError(oneLine(diagnostics.first)));
  outcome.imported = true;
  return outcome;
}

Outcome fuzz::takeOnnx(StringRef bytes) {
  return take(bytes, /*strict=*/false);
}

Outcome fuzz::takeOnnxStrictly(StringRef bytes) {
  return take(bytes, /*strict=*/true);
}

Outcome fuzz::takeGraph(StringRef bytes) {
  MLIRContext &context = freshContext();
  context
      .loadDialect<func::FuncDialect, graph::GraphDialect, moe::MoeDialect>();
  Diagnostics diagnostics(context);
  std::string text = bytes.str();
  auto module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  if (!module)
    return refused(llvm::createStringError(diagnostics.first.empty()
                                               ? "cannot be parsed"
                                               : oneLine(diagnostics.first)));
  if (llvm::Error error = raiseGraphToMoe(*module))
    return refused(std::move(error));
  if (failed(verify(*module)))
    return refused(llvm::createStringError(oneLine(diagnostics.first)));
  return {};
}

Outcome fuzz::takeConfig(StringRef bytes) {
  MLIRContext &context = freshContext();
  Diagnostics diagnostics(context);
  auto module = importHfConfigText(bytes, "config.json", "fuzzed", context);
  if (!module)
    return refused(module.takeError());
  expectValid(**module, diagnostics, "the imported configuration");
  return {};
}

Outcome fuzz::takePlan(StringRef bytes) {
  MLIRContext &context = freshContext();
  // MLIR's lexer reads the NUL behind the text.
  std::string text = bytes.str();
  auto plan = parsePlan(text, "plan.mlir", context);
  if (!plan)
    return refused(plan.takeError());
  std::string printed = printPlan(*plan);
  auto again = parsePlan(printed, "again.mlir", context);
  if (!again)
    llvm::report_fatal_error("a printed plan cannot be parsed: " +
                             llvm::Twine(llvm::toString(again.takeError())));
  if (printPlan(*again) != printed)
    llvm::report_fatal_error("a printed plan parses to another one");
  return {};
}

Outcome fuzz::takeMachine(StringRef bytes) {
  static ScratchFile file("fuzzed.mlir");
  auto machine = describeMachine(file.fill(bytes));
  return machine ? Outcome() : refused(machine.takeError());
}

Outcome fuzz::takeModel(StringRef bytes) {
  static ScratchFile file("fuzzed.mlir");
  MLIRContext &context = freshContext();
  Diagnostics diagnostics(context);
  auto module = loadModel(file.fill(bytes), context);
  if (!module)
    return refused(module.takeError());
  auto count = countParameters(**module);
  return count ? Outcome() : refused(count.takeError());
}

Outcome fuzz::takeTensor(StringRef bytes) {
  static ScratchFile file("fuzzed.pb");
  auto tensor = readTensor(file.fill(bytes));
  return tensor ? Outcome() : refused(tensor.takeError());
}

llvm::ArrayRef<Target> fuzz::targets() {
  static const Target all[] = {{"onnx", takeOnnx},       {"graph", takeGraph},
                               {"config", takeConfig},   {"plan", takePlan},
                               {"machine", takeMachine}, {"model", takeModel},
                               {"tensor", takeTensor}};
  return all;
}
