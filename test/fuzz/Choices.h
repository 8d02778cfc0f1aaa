//===- Choices.h - what a mutator chooses from ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The generator is spelled out so that a seed makes the same model everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_FUZZ_CHOICES_H
#define PORTOLAN_TEST_FUZZ_CHOICES_H

#include "onnx/onnx_pb.h"
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace portolan::fuzz {

/// Words of `text`, which are separated by spaces, and an empty one.
std::vector<std::string> wordsOf(const char *text);

/// Changes values: tensors, attributes, types. Graphs are OnnxMutator.cpp's.
class Choices {
public:
  explicit Choices(uint32_t seed) : random(seed) {}

  /// A number from 0 to `bound` - 1.
  int below(int bound) { return int(random() % uint32_t(bound)); }
  bool oneIn(int chance) { return below(chance) == 0; }
  int64_t number();
  float real();
  template <typename T> const T &pick(const std::vector<T> &choices) {
    return choices[size_t(below(int(choices.size())))];
  }
  template <typename Repeated> auto *pickOf(Repeated *elements) {
    return elements->Mutable(below(elements->size()));
  }

  void mutateTensor(onnx::TensorProto &tensor);
  void mutateAttribute(onnx::AttributeProto &attribute);
  void mutateInfo(onnx::ValueInfoProto &info);

private:
  template <typename Numbers> void mutateNumbers(Numbers *numbers);

  std::minstd_rand random;
};

} // namespace portolan::fuzz

#endif // PORTOLAN_TEST_FUZZ_CHOICES_H
