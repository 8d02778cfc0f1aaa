//===- KernelCases.h - random steps of the kernel stratum ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions of one step each, as text, of random shapes, formats and tiles.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_CONVERSION_KERNELCASES_H
#define PORTOLAN_TEST_UNIT_CONVERSION_KERNELCASES_H

#include <initializer_list>
#include <random>
#include <string>

namespace portolan {

class Cases {
public:
  explicit Cases(unsigned seed) : engine(seed) {}
  template <typename T> T oneOf(std::initializer_list<T> values) {
    return *(values.begin() + engine() % values.size());
  }

private:
  std::mt19937 engine;
};

/// "tensor<2x8xbf16>"; a negative size is dynamic.
std::string tensorType(std::initializer_list<int64_t> shape,
                       const std::string &element);

std::string randomExperts(Cases &cases);
std::string randomRouter(Cases &cases);
std::string randomLatentAttention(Cases &cases);
std::string randomPack(Cases &cases);
std::string randomPermute(Cases &cases);
std::string randomRowPut(Cases &cases);
std::string randomAllReduce(Cases &cases);

} // namespace portolan

#endif // PORTOLAN_TEST_UNIT_CONVERSION_KERNELCASES_H
