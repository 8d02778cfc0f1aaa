//===- Idioms.cpp - matchers of decomposed forms --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// The two operands of a binary node in both orders.
std::array<std::pair<Value, Value>, 2> bothOrders(graph::NodeOp node) {
  return {std::pair{node.input(0), node.input(1)},
          std::pair{node.input(1), node.input(0)}};
}

/// Whether `node` reduces the last dimension alone and keeps it as 1.
bool reducesLast(graph::NodeOp node, const GraphFacts &facts) {
  auto axes = axesOf(node, 1, facts);
  int64_t rank = facts.rank(node.input(0));
  return axes && axes->size() == 1 &&
         (axes->front() == -1 || (rank > 0 && axes->front() == rank - 1)) &&
         integerAttr(node, "keepdims", 1) == 1;
}

/// x if `value` is x^2: Pow(x, 2) or Mul(x, x).
Value matchSquare(Value value, const GraphFacts &facts) {
  if (graph::NodeOp power = nodeBehindCasts(value, "Pow", facts)) {
    std::optional<double> exponent = facts.number(power.input(1));
    return exponent == 2.0 ? power.input(0) : Value();
  }
  graph::NodeOp product = nodeBehindCasts(value, "Mul", facts);
  return product && product.input(0) == product.input(1) ? product.input(0)
                                                         : Value();
}

/// x and epsilon if `value` is sqrt(mean(x^2) + epsilon).
std::optional<WithNumber> matchRoot(Value value, const GraphFacts &facts) {
  graph::NodeOp root = nodeBehindCasts(value, "Sqrt", facts);
  if (!root)
    return std::nullopt;
  std::optional<WithNumber> sum = matchNumber(root.input(0), "Add", facts);
  graph::NodeOp mean =
      sum ? nodeBehindCasts(sum->value, "ReduceMean", facts) : graph::NodeOp();
  if (!mean || !mean.input(0) || !reducesLast(mean, facts))
    return std::nullopt;
  Value input = matchSquare(mean.input(0), facts);
  if (!input)
    return std::nullopt;
  return WithNumber{input, sum->number};
}

/// The same if `value` is the reciprocal of such a root.
std::optional<WithNumber> matchInverseRoot(Value value,
                                           const GraphFacts &facts) {
  if (graph::NodeOp node = nodeBehindCasts(value, "Reciprocal", facts))
    return matchRoot(node.input(0), facts);
  graph::NodeOp node = nodeBehindCasts(value, "Div", facts);
  if (!node || facts.number(node.input(0)) != 1.0)
    return std::nullopt;
  return matchRoot(node.input(1), facts);
}

/// x / sqrt(mean(x^2) + epsilon).
std::optional<NormForm> matchPlainNorm(Value value, const GraphFacts &facts) {
  auto form = [&](Value input,
                  std::optional<WithNumber> root) -> std::optional<NormForm> {
    if (!root || skipCasts(input, facts) != skipCasts(root->value, facts))
      return std::nullopt;
    return NormForm{skipCasts(input, facts), Value(), root->number};
  };
  if (graph::NodeOp node = nodeBehindCasts(value, "Div", facts))
    return form(node.input(0), matchRoot(node.input(1), facts));
  graph::NodeOp node = nodeBehindCasts(value, "Mul", facts);
  if (!node)
    return std::nullopt;
  for (auto [input, scale] : bothOrders(node))
    if (auto found = form(input, matchInverseRoot(scale, facts)))
      return found;
  return std::nullopt;
}

} // namespace

Value graph_to_moe::skipCasts(Value value, const GraphFacts &facts) {
  // Exporters cast there and back; a chain of casts is not followed.
  constexpr unsigned kMaxCasts = 8;
  for (unsigned i = 0; i < kMaxCasts; ++i) {
    graph::NodeOp cast = nodeOf(value, "Cast");
    if (!cast)
      break;
    Type from = facts.elementType(cast.input(0)), to = facts.elementType(value);
    if (!from || !to || !isa<FloatType>(from) || !isa<FloatType>(to))
      break;
    value = cast.input(0);
  }
  return value;
}

graph::NodeOp graph_to_moe::nodeBehindCasts(Value value, StringRef opType,
                                            const GraphFacts &facts) {
  return value ? nodeOf(skipCasts(value, facts), opType) : graph::NodeOp();
}

std::optional<WithNumber> graph_to_moe::matchNumber(Value value,
                                                    StringRef opType,
                                                    const GraphFacts &facts) {
  graph::NodeOp node = nodeBehindCasts(value, opType, facts);
  if (!node || !node.input(0) || !node.input(1))
    return std::nullopt;
  for (auto [other, number] : bothOrders(node))
    if (std::optional<double> known = facts.number(number))
      return WithNumber{other, *known};
  return std::nullopt;
}

WithNumber graph_to_moe::peelScale(Value value, const GraphFacts &facts) {
  WithNumber result{value, 1};
  // Exporters scale at most once on each side of a product, some twice.
  for (unsigned i = 0; i < 4; ++i) {
    if (auto product = matchNumber(result.value, "Mul", facts)) {
      result = {product->value, result.number * product->number};
      continue;
    }
    graph::NodeOp quotient = nodeBehindCasts(result.value, "Div", facts);
    std::optional<double> divisor =
        quotient ? facts.number(quotient.input(1)) : std::nullopt;
    if (!divisor || *divisor == 0)
      break;
    result = {quotient.input(0), result.number / *divisor};
  }
  return result;
}

std::optional<SmallVector<int64_t>>
graph_to_moe::permutationOf(graph::NodeOp node) {
  auto perm = dyn_cast_or_null<DenseI64ArrayAttr>(node ? node.attribute("perm")
                                                       : Attribute());
  if (!perm)
    return std::nullopt;
  return SmallVector<int64_t>(perm.asArrayRef());
}

std::optional<NormForm> graph_to_moe::matchNorm(graph::NodeOp node,
                                                const GraphFacts &facts) {
  if (node.getOpType() != "Mul" || !node.input(0) || !node.input(1))
    return std::nullopt;
  for (auto [gain, normed] : bothOrders(node)) {
    Value weight = skipCasts(gain, facts);
    if (!isWeight(weight, 1))
      continue;
    if (auto found = matchPlainNorm(normed, facts)) {
      found->gain = weight;
      return found;
    }
  }
  return std::nullopt;
}

Value graph_to_moe::matchSilu(Value value, const GraphFacts &facts) {
  if (graph::NodeOp swish = nodeBehindCasts(value, "Swish", facts)) {
    auto alpha = dyn_cast_or_null<FloatAttr>(swish.attribute("alpha"));
    return !alpha || alpha.getValueAsDouble() == 1 ? swish.input(0) : Value();
  }
  graph::NodeOp product = nodeBehindCasts(value, "Mul", facts);
  if (!product || !product.input(0) || !product.input(1))
    return nullptr;
  for (auto [input, gate] : bothOrders(product))
    if (graph::NodeOp sigmoid = nodeBehindCasts(gate, "Sigmoid", facts))
      if (skipCasts(sigmoid.input(0), facts) == skipCasts(input, facts))
        return skipCasts(input, facts);
  return nullptr;
}

std::optional<GatedForm> graph_to_moe::matchGated(Value value,
                                                  const GraphFacts &facts) {
  graph::NodeOp product = nodeBehindCasts(value, "Mul", facts);
  if (!product || !product.input(0) || !product.input(1))
    return std::nullopt;
  for (auto [gate, up] : bothOrders(product))
    if (Value input = matchSilu(gate, facts))
      return GatedForm{input, skipCasts(up, facts)};
  return std::nullopt;
}
