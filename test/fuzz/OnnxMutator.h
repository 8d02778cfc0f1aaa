//===- OnnxMutator.h - changes to ONNX models ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Changes a model where it means something: flipped bits seldom make another
// protobuf message, and never another graph.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_FUZZ_ONNXMUTATOR_H
#define PORTOLAN_TEST_FUZZ_ONNXMUTATOR_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace portolan::fuzz {

/// `model` with one to four changes that `seed` chooses: other operands, op
/// types, attributes, dimensions, elements and versions; nodes that are
/// exchanged, doubled, removed or put into bodies. Empty if it is no model.
std::string mutateOnnx(llvm::StringRef model, uint32_t seed);

/// `model` with nodes and initialisers of `donor`.
std::string crossOnnx(llvm::StringRef model, llvm::StringRef donor,
                      uint32_t seed);

} // namespace portolan::fuzz

#endif // PORTOLAN_TEST_FUZZ_ONNXMUTATOR_H
