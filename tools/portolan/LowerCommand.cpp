//===- LowerCommand.cpp - portolan lower ----------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowers a model to the dialect of a target and prints the module.
//
//===----------------------------------------------------------------------===//

#include "PlannedProgram.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;

static llvm::Error runLower(const ProgramOptions &options,
                            llvm::StringRef stratum, llvm::StringRef output) {
  llvm::Expected<Stratum> depth = stratumOf(stratum);
  if (!depth)
    return depth.takeError();
  llvm::Expected<std::unique_ptr<PlannedProgram>> program =
      planProgram(options);
  if (!program)
    return program.takeError();
  if (llvm::Error error = (*program)->lower(*depth))
    return error;
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*program)->session.module->print(stream);
  return writeText(output.empty() ? "-" : output, text);
}

Command portolan::lowerCommand() {
  static cl::SubCommand sub("lower", "Lower a model to a target's dialect");
  static ProgramOptions options(sub);
  static cl::opt<std::string> stratum(
      "stratum", cl::sub(sub), cl::init("system"),
      cl::value_desc("system|kernel"),
      cl::desc("One op per kernel (default), or hot kernels written out"));
  static cl::opt<std::string> output("o", cl::sub(sub),
                                     cl::desc("Write the module to a file"),
                                     cl::value_desc("FILE"));
  return {&sub, []() -> int {
            if (llvm::Error error = runLower(options, stratum, output))
              return exitStatusOf(std::move(error));
            return kExitDone;
          }};
}
