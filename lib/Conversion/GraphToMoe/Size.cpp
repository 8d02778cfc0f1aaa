//===- Size.cpp - sizes with names in them --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Size.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>

using namespace llvm;
using namespace portolan::graph_to_moe;

namespace {

/// Shapes of real models stay far below; beyond them a size is unknown.
constexpr size_t kMaxTerms = 8, kMaxSymbols = 8;

} // namespace

Size::Size(int64_t value) {
  if (value != 0)
    terms.push_back({{}, value});
}

Size Size::symbol(unsigned id) {
  Size size;
  size.terms.push_back({{id}, 1});
  return size;
}

std::optional<int64_t> Size::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.front().symbols.empty())
    return terms.front().factor;
  return std::nullopt;
}

bool Size::isNonNegative() const {
  return all_of(terms, [](const Term &term) { return term.factor > 0; });
}

bool Size::add(ArrayRef<unsigned> symbols, int64_t factor) {
  if (symbols.size() > kMaxSymbols)
    return false;
  auto place =
      std::lower_bound(terms.begin(), terms.end(), symbols,
                       [](const Term &term, ArrayRef<unsigned> symbols) {
                         return std::lexicographical_compare(
                             term.symbols.begin(), term.symbols.end(),
                             symbols.begin(), symbols.end());
                       });
  if (place == terms.end() || ArrayRef<unsigned>(place->symbols) != symbols) {
    if (factor != 0)
      terms.insert(place, {Symbols(symbols), factor});
    return terms.size() <= kMaxTerms;
  }
  if (__builtin_add_overflow(place->factor, factor, &place->factor))
    return false;
  if (place->factor == 0)
    terms.erase(place);
  return true;
}

std::optional<Size> Size::plus(const Size &other) const {
  Size sum = *this;
  for (const Term &term : other.terms)
    if (!sum.add(term.symbols, term.factor))
      return std::nullopt;
  return sum;
}

std::optional<Size> Size::minus(const Size &other) const {
  std::optional<Size> negated = other.times(-1);
  return negated ? plus(*negated) : std::nullopt;
}

std::optional<Size> Size::times(const Size &other) const {
  Size product;
  for (const Term &left : terms)
    for (const Term &right : other.terms) {
      Symbols symbols(left.symbols);
      symbols.append(right.symbols.begin(), right.symbols.end());
      sort(symbols);
      int64_t factor;
      if (__builtin_mul_overflow(left.factor, right.factor, &factor) ||
          !product.add(symbols, factor))
        return std::nullopt;
    }
  return product;
}

std::optional<Size> Size::dividedBy(const Size &other) const {
  if (other.terms.empty())
    return std::nullopt;
  if (*this == other)
    return Size(1);
  if (other.terms.size() != 1)
    return std::nullopt;
  const Term &divisor = other.terms.front();
  Size quotient;
  for (const Term &term : terms) {
    Symbols rest;
    std::set_difference(term.symbols.begin(), term.symbols.end(),
                        divisor.symbols.begin(), divisor.symbols.end(),
                        std::back_inserter(rest));
    bool divides = rest.size() + divisor.symbols.size() == term.symbols.size();
    // The one quotient of 64-bit numbers that does not fit is refused too.
    if (!divides || divisor.factor == -1 || term.factor % divisor.factor != 0 ||
        !quotient.add(rest, term.factor / divisor.factor))
      return std::nullopt;
  }
  return quotient;
}

std::string Size::str() const {
  if (terms.empty())
    return "0";
  std::string text;
  for (const Term &term : terms) {
    if (!text.empty())
      text += " + ";
    if (term.factor != 1 || term.symbols.empty())
      text += std::to_string(term.factor) + (term.symbols.empty() ? "" : "*");
    for (auto [index, symbol] : enumerate(term.symbols))
      text += (index == 0 ? "s" : "*s") + std::to_string(symbol);
  }
  return text;
}

std::optional<Size> portolan::graph_to_moe::productOf(ArrayRef<Size> sizes) {
  std::optional<Size> product = Size(1);
  for (const Size &size : sizes)
    if (product)
      product = product->times(size);
  return product;
}

std::optional<Size>
portolan::graph_to_moe::quotientOf(ArrayRef<Size> sizes,
                                   ArrayRef<Size> divisors) {
  Sizes left(sizes), right;
  for (const Size &divisor : divisors)
    if (auto place = find(left, divisor);
        place != left.end() && divisor != Size(0))
      left.erase(place);
    else
      right.push_back(divisor);
  std::optional<Size> product = productOf(left), divisor = productOf(right);
  return product && divisor ? product->dividedBy(*divisor) : std::nullopt;
}
