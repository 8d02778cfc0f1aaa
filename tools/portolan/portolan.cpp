//===- portolan.cpp - the driver ------------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Picks the command and runs it. Everything else is in the library.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;

int portolan::reportError(llvm::Error error) {
  llvm::handleAllErrors(std::move(error), [](const llvm::ErrorInfoBase &info) {
    llvm::errs() << "portolan: error: " << info.message() << "\n";
  });
  return kExitBadRequest;
}

void portolan::reportWarnings(mlir::MLIRContext &context) {
  context.getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Warning)
      return mlir::failure();
    llvm::errs() << "portolan: warning: ";
    if (auto file = llvm::dyn_cast<mlir::NameLoc>(diagnostic.getLocation()))
      llvm::errs() << file.getName().getValue() << ": ";
    llvm::errs() << diagnostic << "\n";
    return mlir::success();
  });
}

llvm::Error portolan::writeText(llvm::StringRef path, llvm::StringRef text) {
  if (path == "-") {
    llvm::outs() << text;
    return llvm::Error::success();
  }
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (!code) {
    stream << text;
    stream.close();
    code = stream.error();
    stream.clear_error();
  }
  if (code)
    return llvm::createStringError("cannot write '" + path +
                                   "': " + code.message());
  return llvm::Error::success();
}

llvm::Error portolan::writeJson(llvm::StringRef path,
                                const llvm::json::Value &value) {
  return writeText(path, llvm::formatv("{0:2}\n", value).str());
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Commands commands = {carryoverCommand(), lowerCommand(), machinesCommand(),
                       modelsCommand(),    priceCommand(), runCommand(),
                       tuneCommand()};

  // libLLVM registers its code generators' options too; a user of this driver
  // needs none of them.
  for (auto &entry : cl::getRegisteredOptions())
    if (entry.first != "help" && entry.first != "version")
      entry.second->setHiddenFlag(cl::ReallyHidden);
  cl::SetVersionPrinter([](llvm::raw_ostream &stream) {
    stream << "portolan " << PORTOLAN_VERSION << "\n";
  });
  cl::ParseCommandLineOptions(
      argc, argv,
      "Portolan: what it takes to move a Mixture-of-Experts model from one "
      "accelerator to another\n");
  for (const Command &command : commands)
    if (*command.subCommand)
      return command.run();
  llvm::errs() << "portolan: error: expects a command, see portolan --help\n";
  return kExitBadRequest;
}
