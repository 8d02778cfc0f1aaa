//===- Diagnostics.cpp - diagnostics as errors ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Diagnostics.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace portolan;

llvm::Error portolan::errorOf(MLIRContext *context,
                              llvm::function_ref<LogicalResult()> action) {
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    // One clear error: later ones are mostly consequences of the first.
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return failure();
    if (!message.empty())
      return success();
    llvm::raw_string_ostream stream(message);
    if (auto location =
            diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
      stream << location.getFilename().getValue() << ":" << location.getLine()
             << ":" << location.getColumn() << ": ";
    stream << diagnostic;
    return success();
  });
  if (succeeded(action()))
    return llvm::Error::success();
  return llvm::createStringError(message.empty() ? "the lowering failed"
                                                 : message);
}

llvm::Error portolan::runPasses(PassManager &passes, ModuleOp module) {
  return errorOf(module.getContext(), [&] { return passes.run(module); });
}
