//===- RotaryForm.cpp - rotary angles that a graph computes ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/RotaryForm.h"
#include "lib/Conversion/GraphToMoe/Idioms.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// `value` without nodes that only add dimensions of size 1 or repeat along
/// such ones, and without casts.
Value stripShape(Value value, const GraphFacts &facts) {
  for (unsigned steps = 0; steps < 16; ++steps) {
    auto node = value ? value.getDefiningOp<graph::NodeOp>() : graph::NodeOp();
    if (!node || !node.getDomain().empty())
      return value;
    StringRef op = node.getOpType();
    if (op != "Unsqueeze" && op != "Squeeze" && op != "Expand" && op != "Cast")
      return value;
    value = node.input(0);
  }
  return value;
}

/// Whether `value` has one dimension that is not 1, apart from repetitions of
/// the batch.
Value matchFrequencies(Value value, const GraphFacts &facts) {
  Value source = stripShape(value, facts);
  const Sizes *shape = facts.shape(source);
  if (!shape || !facts.constant(source))
    return nullptr;
  unsigned wide =
      llvm::count_if(*shape, [](const Size &size) { return size != Size(1); });
  return wide == 1 ? source : Value();
}

Value matchPositions(Value value, const GraphFacts &facts) {
  Value source = stripShape(value, facts);
  auto argument = dyn_cast_or_null<BlockArgument>(source);
  Type element = facts.elementType(source);
  return argument && element && isa<IntegerType>(element) &&
                 facts.rank(source) == 2
             ? source
             : Value();
}

/// positions * frequencies as [B,S,columns].
bool matchProduct(Value value, AngleForm &form, const GraphFacts &facts) {
  value = skipCasts(value, facts);
  bool isTransposed = false;
  if (graph::NodeOp transpose = nodeOf(value, "Transpose")) {
    auto perm = permutationOf(transpose);
    if (!perm || *perm != SmallVector<int64_t>{0, 2, 1})
      return false;
    isTransposed = true;
    value = skipCasts(transpose.input(0), facts);
  }
  graph::NodeOp product = nodeOf(value, "MatMul");
  bool isMatMul = bool(product);
  if (!product && !isTransposed)
    product = nodeOf(value, "Mul");
  if (!product || !product.input(0) || !product.input(1) ||
      facts.rank(value) != 3)
    return false;
  for (auto [left, right] : {std::pair{product.input(0), product.input(1)},
                             std::pair{product.input(1), product.input(0)}}) {
    Value frequencies = matchFrequencies(left, facts);
    Value positions = matchPositions(right, facts);
    if (!frequencies || !positions)
      continue;
    // [B,S,1] by [1,1,columns], or the transpose of [1,columns,1] by [B,1,S].
    int64_t axis = isTransposed ? 1 : 2;
    if (isMatMul && (left == product.input(0)) != isTransposed)
      return false;
    if (facts.dim(value, axis) !=
        facts.constant(frequencies).getShapedType().getNumElements())
      return false;
    form.frequencies = frequencies;
    form.positions = positions;
    return true;
  }
  return false;
}

} // namespace

std::optional<AngleForm> graph_to_moe::matchAngles(Value value,
                                                   const GraphFacts &facts) {
  // The dimension of the heads is added after the cosine.
  AngleForm form;
  for (unsigned steps = 0; steps < 8; ++steps) {
    value = skipCasts(value, facts);
    if (graph::NodeOp node = nodeOf(value, "Unsqueeze")) {
      value = node.input(0);
      continue;
    }
    WithNumber scaled = peelScale(value, facts);
    if (scaled.value == value)
      break;
    value = scaled.value;
    form.magnitude *= scaled.number;
  }
  graph::NodeOp wave = nodeOf(value, "Cos");
  form.isCosine = bool(wave);
  if (!wave)
    wave = nodeOf(value, "Sin");
  if (!wave || facts.rank(value) != 3)
    return std::nullopt;
  Value angles = skipCasts(wave.input(0), facts);
  if (graph::NodeOp twice = nodeOf(angles, "Concat")) {
    int64_t axis = integerAttr(twice, "axis", 0);
    if (twice.getInputs().size() != 2 || twice.input(0) != twice.input(1) ||
        (axis != -1 && axis != 2))
      return std::nullopt;
    form.isRepeated = true;
    angles = twice.input(0);
  }
  if (!matchProduct(angles, form, facts))
    return std::nullopt;
  return form;
}

std::optional<RotationForm>
graph_to_moe::matchRotation(graph::NodeOp node, const GraphFacts &facts) {
  if (!node.input(0) || !node.input(1))
    return std::nullopt;
  // half(x) * sin: the node that has a Concat among its operands.
  auto turned = [&](Value value) -> std::optional<std::pair<Value, Value>> {
    graph::NodeOp product = nodeBehindCasts(value, "Mul", facts);
    if (!product)
      return std::nullopt;
    for (auto [half, sine] : {std::pair{product.input(0), product.input(1)},
                              std::pair{product.input(1), product.input(0)}}) {
      graph::NodeOp concat = nodeBehindCasts(half, "Concat", facts);
      int64_t rank = facts.rank(half);
      if (!concat || concat.getInputs().size() != 2 || rank < 1 ||
          wrapIndex(integerAttr(concat, "axis", 0), rank) != rank - 1)
        continue;
      graph::NodeOp negative = nodeBehindCasts(concat.input(0), "Neg", facts);
      graph::NodeOp high =
          negative ? nodeBehindCasts(negative.input(0), "Slice", facts)
                   : graph::NodeOp();
      graph::NodeOp low = nodeBehindCasts(concat.input(1), "Slice", facts);
      if (!high || !low || high.input(0) != low.input(0))
        continue;
      auto first = sliceOf(low, facts), second = sliceOf(high, facts);
      int64_t width = facts.dim(low.input(0), -1);
      if (!first || !second || width < 2 || width % 2 != 0)
        continue;
      bool halves = first->axis == rank - 1 && second->axis == rank - 1 &&
                    first->step == 1 && second->step == 1 &&
                    first->start == Size(0) && first->size == Size(width / 2) &&
                    second->start == Size(width / 2) &&
                    second->size == Size(width / 2);
      if (halves)
        return std::pair{low.input(0), sine};
    }
    return std::nullopt;
  };
  for (auto [plain, other] : {std::pair{node.input(0), node.input(1)},
                              std::pair{node.input(1), node.input(0)}}) {
    auto half = turned(other);
    graph::NodeOp product =
        half ? nodeBehindCasts(plain, "Mul", facts) : graph::NodeOp();
    if (!product)
      continue;
    Value cosine;
    if (skipCasts(product.input(0), facts) == skipCasts(half->first, facts))
      cosine = product.input(1);
    else if (skipCasts(product.input(1), facts) ==
             skipCasts(half->first, facts))
      cosine = product.input(0);
    if (!cosine)
      continue;
    auto cosines = matchAngles(cosine, facts);
    auto sines = matchAngles(half->second, facts);
    if (!cosines || !sines || !cosines->isCosine || sines->isCosine ||
        !cosines->isRepeated || !sines->isRepeated ||
        cosines->positions != sines->positions ||
        cosines->frequencies != sines->frequencies ||
        cosines->magnitude != sines->magnitude)
      continue;
    return RotationForm{skipCasts(half->first, facts), *cosines, *sines,
                        cosine};
  }
  return std::nullopt;
}

std::optional<double> graph_to_moe::thetaOf(ArrayRef<double> frequencies) {
  size_t count = frequencies.size();
  if (count < 2 || frequencies.back() <= 0)
    return std::nullopt;
  double exact =
      std::pow(frequencies.back(), -double(count) / double(count - 1));
  auto fits = [&](double theta) {
    for (auto [i, frequency] : llvm::enumerate(frequencies)) {
      double expected = std::pow(theta, -double(i) / double(count));
      if (!(std::abs(frequency - expected) <= 2e-6 * expected))
        return false;
    }
    return theta > 0;
  };
  // The frequencies are rounded to f32, so theta is the shortest decimal that
  // they are frequencies of.
  double scale = std::pow(10.0, std::floor(std::log10(exact)));
  for (unsigned digits = 0; digits < 8; ++digits, scale /= 10) {
    double theta = std::round(exact / scale) * scale;
    if (fits(theta))
      return theta;
  }
  return fits(exact) ? std::optional<double>(exact) : std::nullopt;
}
