//===- OnnxFuzzer.cpp - how libFuzzer changes ONNX models -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One change in ten is libFuzzer's own, of bytes.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/OnnxMutator.h"
#include <cstring>

using namespace portolan::fuzz;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

static llvm::StringRef text(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  std::string changed;
  if (seed % 10 != 0)
    changed = mutateOnnx(text(data, size), seed);
  if (changed.empty() || changed.size() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size,
                                            const uint8_t *donor,
                                            size_t donorSize, uint8_t *out,
                                            size_t maxSize, unsigned seed) {
  std::string crossed =
      crossOnnx(text(data, size), text(donor, donorSize), seed);
  if (crossed.size() > maxSize)
    return 0;
  std::memcpy(out, crossed.data(), crossed.size());
  return crossed.size();
}
