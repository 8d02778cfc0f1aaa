//===- Size.h - sizes with names in them -----------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A size of a graph is a polynomial over unknown sizes: 64, batch * seq,
// past + seq. Two sizes are equal if their polynomials are; an unknown size is
// a symbol of its own, equal to nothing but itself.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_SIZE_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_SIZE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <string>

namespace portolan::graph_to_moe {

class Size {
public:
  Size() = default; ///< 0
  Size(int64_t value);
  static Size symbol(unsigned id);

  std::optional<int64_t> constant() const;
  /// Whether it can be stated that the size is not negative: symbols are not.
  bool isNonNegative() const;

  /// Arithmetic; nothing if a coefficient or the polynomial grows too large,
  /// or if a division leaves a rest.
  std::optional<Size> plus(const Size &other) const;
  std::optional<Size> minus(const Size &other) const;
  std::optional<Size> times(const Size &other) const;
  std::optional<Size> dividedBy(const Size &other) const;

  bool operator==(const Size &other) const { return terms == other.terms; }
  bool operator!=(const Size &other) const { return !(*this == other); }

  /// "2*s0*s1 + 3", for tests and messages.
  std::string str() const;

private:
  using Symbols = llvm::SmallVector<unsigned, 2>; ///< sorted, with repetition
  struct Term {
    Symbols symbols;
    int64_t factor;
    bool operator==(const Term &other) const {
      return symbols == other.symbols && factor == other.factor;
    }
  };
  /// Adds `factor` times `symbols`; false on overflow.
  bool add(llvm::ArrayRef<unsigned> symbols, int64_t factor);

  llvm::SmallVector<Term, 1> terms; ///< sorted by symbols, factors not 0
};

using Sizes = llvm::SmallVector<Size, 4>;

/// The product of `sizes`, if it can be stated.
std::optional<Size> productOf(llvm::ArrayRef<Size> sizes);

/// The product of `sizes` divided by that of `divisors`, if it can be stated;
/// factors that are on both sides cancel first.
std::optional<Size> quotientOf(llvm::ArrayRef<Size> sizes,
                               llvm::ArrayRef<Size> divisors);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_SIZE_H
