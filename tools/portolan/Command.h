//===- Command.h - commands of the driver ----------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A command is a subcommand of llvm::cl with a function to run. Each lives in
// its own <Name>Command.cpp, which defines its options as function-local
// statics of cl::sub(subcommand), and is listed once in portolan.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TOOLS_PORTOLAN_COMMAND_H
#define PORTOLAN_TOOLS_PORTOLAN_COMMAND_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <functional>
#include <vector>

namespace mlir {
class MLIRContext;
}

namespace portolan {

/// Exit status of the driver (design section 8).
enum ExitStatus : int {
  kExitDone = 0,
  kExitBadRequest = 1, ///< the input or the request is bad
  kExitBug = 2,        ///< a bug in Portolan
  kExitDiffers = 3,    ///< outputs differ from --expect
};

struct Command {
  llvm::cl::SubCommand *subCommand;
  std::function<int()> run;
};
using Commands = std::vector<Command>;

/// `portolan carryover [MODEL]`: which decisions carry over, and at what cost.
Command carryoverCommand();

/// `portolan lower MODEL --target T`: the program in the target's dialect.
Command lowerCommand();

/// `portolan models [NAME]`: the models that ship, or one model as a sheet.
Command machinesCommand();
Command modelsCommand();

/// `portolan price MODEL --target T`: the price of the lowered program.
Command priceCommand();

/// `portolan run MODEL --inputs DIR`: runs a model, compares its outputs.
Command runCommand();

/// `portolan tune MODEL --target T`: the best plan on one target.
Command tuneCommand();

/// Prints "portolan: error: ..." for a bad request; returns kExitBadRequest.
int reportError(llvm::Error error);

/// Makes warnings that are emitted in `context` appear on standard error, as
/// "portolan: warning: FILE: ...".
void reportWarnings(mlir::MLIRContext &context);

/// Writes `text` to a file, or to standard output for "-".
llvm::Error writeText(llvm::StringRef path, llvm::StringRef text);

/// Writes `value` as JSON to a file, or to standard output for "-".
llvm::Error writeJson(llvm::StringRef path, const llvm::json::Value &value);

} // namespace portolan

#endif // PORTOLAN_TOOLS_PORTOLAN_COMMAND_H
