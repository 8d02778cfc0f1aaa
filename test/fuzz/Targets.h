//===- Targets.h - what is fuzzed ------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function per kind of file that a user hands to Portolan. Whatever the
// bytes are, it returns: the file was good, or there was one error. The fuzzers
// call them with what libFuzzer invents, the tests with inputs that are kept.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_FUZZ_TARGETS_H
#define PORTOLAN_TEST_FUZZ_TARGETS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace portolan::fuzz {

/// How a file was taken: the error, or how far it came without one.
struct Outcome {
  std::string error;
  bool imported = false; ///< an ONNX file that could not be raised is imported
  bool accepted() const { return error.empty(); }
};

/// model.onnx: imports, verifies, raises to moe and verifies again. Nodes that
/// are not recognised stay, or are errors.
Outcome takeOnnx(llvm::StringRef bytes);
Outcome takeOnnxStrictly(llvm::StringRef bytes);
/// A graph as .mlir text: parses and raises @main.
Outcome takeGraph(llvm::StringRef bytes);
/// config.json: imports and verifies.
Outcome takeConfig(llvm::StringRef bytes);
/// A plan: parses; printing and parsing again must give the same plan.
Outcome takePlan(llvm::StringRef bytes);
/// A machine file: parses, and lays out its default shape.
Outcome takeMachine(llvm::StringRef bytes);
/// model.mlir: parses and counts the parameters.
Outcome takeModel(llvm::StringRef bytes);
/// input_0.pb of a data set: parses.
Outcome takeTensor(llvm::StringRef bytes);

/// A target by the name of its folder of regressions.
struct Target {
  llvm::StringRef name;
  Outcome (*take)(llvm::StringRef bytes);
};
llvm::ArrayRef<Target> targets();

} // namespace portolan::fuzz

#endif // PORTOLAN_TEST_FUZZ_TARGETS_H
