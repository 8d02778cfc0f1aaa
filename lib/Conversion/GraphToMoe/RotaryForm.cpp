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

using Factors = std::pair<Value, Value>;

/// The operands of a product, in both orders.
SmallVector<Factors, 2> factorsOf(Value value, const GraphFacts &facts) {
  graph::NodeOp product = nodeBehindCasts(value, "Mul", facts);
  if (!product || !product.input(0) || !product.input(1))
    return {};
  return {{product.input(0), product.input(1)},
          {product.input(1), product.input(0)}};
}

/// x and 0 or 1 if `value` is the lower or the upper half of the last
/// dimension of x.
std::optional<std::pair<Value, int>> matchHalf(Value value,
                                               const GraphFacts &facts) {
  graph::NodeOp slice = nodeBehindCasts(value, "Slice", facts);
  auto form = slice ? sliceOf(slice, facts) : std::nullopt;
  int64_t width = slice ? facts.dim(slice.input(0), -1) : -1;
  if (!form || width < 2 || width % 2 != 0 || form->step != 1 ||
      form->axis != facts.rank(slice.input(0)) - 1 ||
      form->size != Size(width / 2))
    return std::nullopt;
  if (form->start == Size(0))
    return std::pair{slice.input(0), 0};
  if (form->start == Size(width / 2))
    return std::pair{slice.input(0), 1};
  return std::nullopt;
}

bool joinsLastDim(graph::NodeOp concat, const GraphFacts &facts) {
  int64_t rank = facts.rank(concat.getOutputs()[0]);
  return concat.getInputs().size() == 2 && rank > 0 &&
         wrapIndex(integerAttr(concat, "axis", 0), rank) == rank - 1;
}

/// x if `value` is (-x[w/2:], x[:w/2]).
Value matchTurned(Value value, const GraphFacts &facts) {
  graph::NodeOp concat = nodeBehindCasts(value, "Concat", facts);
  if (!concat || !joinsLastDim(concat, facts))
    return nullptr;
  graph::NodeOp negative = nodeBehindCasts(concat.input(0), "Neg", facts);
  auto high = negative ? matchHalf(negative.input(0), facts) : std::nullopt;
  auto low = matchHalf(concat.input(1), facts);
  if (!high || !low || high->second != 1 || low->second != 0 ||
      skipCasts(high->first, facts) != skipCasts(low->first, facts))
    return nullptr;
  return skipCasts(low->first, facts);
}

/// The rotation of `input` by the angles of `cosine` and `sine`, if these are
/// of one table.
std::optional<RotationForm> matchTable(Value input, Value cosine, Value sine,
                                       bool isRepeated,
                                       const GraphFacts &facts) {
  auto cosines = matchAngles(cosine, facts), sines = matchAngles(sine, facts);
  if (!cosines || !sines)
    return std::nullopt;
  // A table that is as wide as what it rotates has its columns twice.
  for (AngleForm *form : {&*cosines, &*sines})
    if (form->table)
      form->isRepeated = lastDim(form->table) == facts.dim(input, -1);
  if (!areOfOneTable(*cosines, *sines) || cosines->isRepeated != isRepeated)
    return std::nullopt;
  return RotationForm{input, *cosines, *sines, cosine};
}

/// Add of x * cos and half(x) * sin.
std::optional<RotationForm> matchWhole(graph::NodeOp node,
                                       const GraphFacts &facts) {
  for (auto [plain, turned] : {Factors{node.input(0), node.input(1)},
                               Factors{node.input(1), node.input(0)}})
    for (auto [half, sine] : factorsOf(turned, facts)) {
      Value input = matchTurned(half, facts);
      if (!input)
        continue;
      for (auto [whole, cosine] : factorsOf(plain, facts))
        if (skipCasts(whole, facts) == input)
          return matchTable(input, cosine, sine, /*isRepeated=*/true, facts);
    }
  return std::nullopt;
}

/// What multiplies half `side` of `input`, if `value` is such a product.
Value matchScaledHalf(Value value, Value input, int side,
                      const GraphFacts &facts) {
  for (auto [half, factor] : factorsOf(value, facts))
    if (auto found = matchHalf(half, facts);
        found && found->second == side &&
        skipCasts(found->first, facts) == input)
      return factor;
  return nullptr;
}

/// Concat of x1 * cos - x2 * sin and x2 * cos + x1 * sin.
std::optional<RotationForm> matchHalves(graph::NodeOp node,
                                        const GraphFacts &facts) {
  if (!joinsLastDim(node, facts))
    return std::nullopt;
  graph::NodeOp low = nodeBehindCasts(node.input(0), "Sub", facts),
                high = nodeBehindCasts(node.input(1), "Add", facts);
  if (!low || !high || !low.input(1) || !high.input(1))
    return std::nullopt;
  for (auto [half, cosine] : factorsOf(low.input(0), facts)) {
    auto first = matchHalf(half, facts);
    if (!first || first->second != 0)
      continue;
    Value input = skipCasts(first->first, facts);
    Value sine = matchScaledHalf(low.input(1), input, 1, facts);
    for (auto [a, b] : {Factors{high.input(0), high.input(1)},
                        Factors{high.input(1), high.input(0)}})
      if (sine && matchScaledHalf(a, input, 1, facts) == cosine &&
          matchScaledHalf(b, input, 0, facts) == sine)
        return matchTable(input, cosine, sine, /*isRepeated=*/false, facts);
  }
  return std::nullopt;
}

/// Rows of a weight of rank 2 that positions choose.
bool matchGathered(Value value, AngleForm &form, const GraphFacts &facts) {
  graph::NodeOp gather = nodeOf(value, "Gather");
  if (!gather || facts.rank(value) != 3 || integerAttr(gather, "axis", 0) != 0)
    return false;
  Value table = skipCasts(gather.input(0), facts);
  // The first rows of the table are enough for the positions.
  if (graph::NodeOp slice = nodeOf(table, "Slice")) {
    auto rows = sliceOf(slice, facts);
    if (!rows || rows->axis != 0 || rows->start != Size(0) || rows->step != 1)
      return false;
    table = skipCasts(slice.input(0), facts);
  }
  Value positions = gather.input(1);
  if (graph::NodeOp cast = nodeOf(positions, "Cast"))
    positions = cast.input(0);
  if (!isWeight(table, 2) || !isa_and_nonnull<BlockArgument>(positions) ||
      facts.rank(positions) != 2)
    return false;
  form.table = table;
  form.positions = positions;
  return true;
}

} // namespace

bool graph_to_moe::areOfOneTable(const AngleForm &cosine,
                                 const AngleForm &sine) {
  if (cosine.positions != sine.positions ||
      cosine.isRepeated != sine.isRepeated ||
      cosine.magnitude != sine.magnitude)
    return false;
  if (cosine.table && sine.table)
    return cosine.table != sine.table &&
           cosine.table.getType() == sine.table.getType();
  return !cosine.table && !sine.table && cosine.isCosine && !sine.isCosine &&
         cosine.frequencies == sine.frequencies;
}

int64_t graph_to_moe::anglesOf(const AngleForm &form, const GraphFacts &facts) {
  if (form.table)
    return lastDim(form.table) / (form.isRepeated ? 2 : 1);
  return facts.constant(form.frequencies).getShapedType().getNumElements();
}

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
  if (form.magnitude == 1 && matchGathered(value, form, facts))
    return form;
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
  return node.getOpType() == "Concat" ? matchHalves(node, facts)
                                      : matchWhole(node, facts);
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
