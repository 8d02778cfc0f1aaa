//===- RandomSource.h - random numbers of tests ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_RANDOMSOURCE_H
#define PORTOLAN_TEST_UNIT_SUPPORT_RANDOMSOURCE_H

#include <cstdint>
#include <initializer_list>

namespace portolan::test {

/// A generator whose sequence does not depend on the standard library.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 2654435769u + 1) {}
  uint64_t next() {
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// In [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + int64_t(next() % uint64_t(high - low + 1));
  }
  int64_t oneOf(std::initializer_list<int64_t> values) {
    return values.begin()[next() % values.size()];
  }
  bool chance(unsigned percent) { return next() % 100 < percent; }

private:
  uint64_t state;
};

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_RANDOMSOURCE_H
