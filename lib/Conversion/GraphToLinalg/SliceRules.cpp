//===- SliceRules.cpp - nodes that take parts of a tensor -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "lib/Conversion/GraphToMoe/GraphFacts.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

/// Elements [start + i * step] of each dimension.
Value sliced(NodeLowering &n, Value tensor, const Dims &sizes,
             ArrayRef<OpFoldResult> starts, ArrayRef<int64_t> steps) {
  return n.generate(
      sizes, NodeLowering::elementOf(tensor), [&](Emit &e, ValueRange at) {
        SmallVector<Value> place;
        for (auto [i, start, step] : llvm::zip_equal(at, starts, steps))
          place.push_back(e.add(n.value(e, start), e.mul(i, e.index(step))));
        return e.extract(tensor, place);
      });
}

LogicalResult lowerSlice(NodeLowering &n) {
  Value tensor = n.input(0);
  Dims sizes = n.sizesOf(tensor);
  int64_t rank = sizes.size();
  std::optional<Integers> axes;
  std::optional<Dims> first, last;
  Integers steps;
  if (n.version() < 10) {
    auto toDims = [&](std::optional<Integers> list) -> std::optional<Dims> {
      if (!list)
        return std::nullopt;
      Dims dims;
      for (int64_t number : *list)
        dims.push_back(n.e.builder.getI64IntegerAttr(number));
      return dims;
    };
    first = toDims(n.integersAttr("starts"));
    last = toDims(n.integersAttr("ends"));
    axes = n.integersAttr("axes");
  } else {
    first = n.elements(n.input(1));
    last = n.elements(n.input(2));
    if (n.input(3) && !(axes = n.integers(n.input(3))))
      return n.fail("expects known axes");
  }
  if (!first || !last || first->size() != last->size())
    return n.fail("expects bounds that follow from the shapes of the inputs");
  if (!axes) {
    axes.emplace();
    for (size_t i = 0; i < first->size(); ++i)
      axes->push_back(i);
  }
  steps.assign(first->size(), 1);
  if (n.version() >= 10 && n.input(4)) {
    auto stated = n.integers(n.input(4));
    if (!stated || stated->size() != first->size())
      return n.fail("expects known steps");
    steps = *stated;
  }
  if (axes->size() != first->size())
    return n.fail("expects an axis per bound");
  Dims starts(rank, n.e.builder.getIndexAttr(0));
  Integers strides(rank, 1);
  for (auto [axis, from, to, step] :
       llvm::zip_equal(*axes, *first, *last, steps)) {
    int64_t dim = graph_to_moe::wrapIndex(axis, rank);
    if (dim < 0 || step == 0)
      return n.fail("expects axes of a tensor of rank " + Twine(rank) +
                    " and steps other than 0");
    strides[dim] = step;
    OpFoldResult start = n.toIndex(from), end = n.toIndex(to);
    std::optional<int64_t> size = getConstantIntValue(sizes[dim]),
                           a = getConstantIntValue(start),
                           b = getConstantIntValue(end);
    if (size && a && b) {
      auto bound = [&](int64_t place, int64_t low, int64_t high) {
        return std::clamp(place < 0 ? place + *size : place, low, high);
      };
      int64_t begin = step > 0 ? bound(*a, 0, *size) : bound(*a, 0, *size - 1);
      int64_t stop = step > 0 ? bound(*b, 0, *size)
                              : std::clamp<int64_t>(*b < 0 ? *b + *size : *b,
                                                    -1, *size - 1);
      int64_t span = step > 0 ? stop - begin : begin - stop;
      int64_t stride = std::abs(step);
      starts[dim] = n.e.builder.getIndexAttr(std::max<int64_t>(begin, 0));
      sizes[dim] = n.e.builder.getIndexAttr(
          span <= 0 ? 0 : (span + stride - 1) / stride);
      continue;
    }
    if (step != 1)
      return n.fail("expects a step of 1 where a bound is not known");
    // The same with values.
    Value whole = n.value(n.e, sizes[dim]);
    auto bound = [&](OpFoldResult place) {
      Value at = n.value(n.e, place);
      Value isNegative = n.e.less(at, n.e.index(0));
      at = n.e.select(isNegative, n.e.add(at, whole), at);
      return n.e.max(n.e.min(at, whole), n.e.index(0));
    };
    if (a == 0 && b && *b >= INT32_MAX)
      continue;
    Value begin = bound(start), stop = bound(end);
    starts[dim] = begin;
    sizes[dim] = n.e.max(n.e.sub(stop, begin), n.e.index(0));
  }
  n.setResult(0, sliced(n, tensor, sizes, starts, strides));
  return success();
}

LogicalResult lowerSplit(NodeLowering &n) {
  Value tensor = n.input(0);
  Dims sizes = n.sizesOf(tensor);
  int64_t rank = sizes.size();
  FailureOr<int64_t> axis = n.axis(0, rank);
  if (failed(axis))
    return failure();
  int64_t count = n.node.getOutputs().size();
  auto parts = n.integersAttr("split");
  if (!parts && n.input(1))
    parts = n.integers(n.input(1));
  std::optional<int64_t> size = getConstantIntValue(sizes[*axis]);
  if (!parts && !n.input(1) && size) {
    // The last part is the smaller one.
    int64_t part = (*size + count - 1) / count;
    parts.emplace();
    for (int64_t i = 0; i < count; ++i)
      parts->push_back(std::max<int64_t>(0, std::min(part, *size - i * part)));
  }
  if (!parts || int64_t(parts->size()) != count)
    return n.fail("expects a known size of each part");
  int64_t sum = 0;
  for (int64_t part : *parts)
    sum += part;
  if (size && sum != *size)
    return n.fail("expects parts that sum to " + Twine(*size) + ", got " +
                  Twine(sum));
  int64_t offset = 0;
  for (auto [i, part] : llvm::enumerate(*parts)) {
    Dims starts(rank, n.e.builder.getIndexAttr(0));
    starts[*axis] = n.e.builder.getIndexAttr(offset);
    sizes[*axis] = n.e.builder.getIndexAttr(part);
    offset += part;
    if (n.hasUse(i))
      n.setResult(i, sliced(n, tensor, sizes, starts, Integers(rank, 1)));
  }
  return success();
}

LogicalResult lowerPad(NodeLowering &n) {
  Value tensor = n.input(0);
  Dims from = n.sizesOf(tensor), sizes = from;
  int64_t rank = from.size();
  if (n.string("mode", "constant") != "constant")
    return n.fail("expects mode constant, got " + n.string("mode", ""));
  auto pads = n.integersAttr("pads");
  if (!pads)
    pads = n.integers(n.input(1));
  Integers axes;
  for (int64_t i = 0; i < rank; ++i)
    axes.push_back(i);
  if (n.version() >= 18 && n.input(3)) {
    auto stated = n.integers(n.input(3));
    if (!stated)
      return n.fail("expects known axes");
    axes = *stated;
    for (int64_t &axis : axes)
      if ((axis = graph_to_moe::wrapIndex(axis, rank)) < 0)
        return n.fail("expects axes of a tensor of rank " + Twine(rank));
  }
  if (!pads || pads->size() != 2 * axes.size())
    return n.fail("expects two known pads per dimension");
  Integers before(rank, 0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    before[axis] = (*pads)[i];
    int64_t both = (*pads)[i] + (*pads)[i + axes.size()];
    std::optional<int64_t> size = getConstantIntValue(from[axis]);
    sizes[axis] =
        size ? OpFoldResult(
                   n.e.builder.getIndexAttr(std::max<int64_t>(0, *size + both)))
             : OpFoldResult(n.e.add(n.value(n.e, from[axis]), n.e.index(both)));
  }
  Type element = NodeLowering::elementOf(tensor);
  Value fill = n.version() >= 11 ? n.input(2) : Value();
  double constant = n.real("value", 0);
  n.setResult(0, n.generate(sizes, element, [&](Emit &e, ValueRange at) {
    SmallVector<Value> place;
    Value isInside = e.constant(e.builder.getI1Type(), 1);
    for (auto [i, size, pad] : llvm::zip_equal(at, from, before)) {
      Value index = e.sub(i, e.index(pad));
      place.push_back(index);
      isInside = e.both(isInside, e.both(e.less(e.index(-1), index),
                                         e.less(index, n.value(e, size))));
    }
    return NodeLowering::choose(
        e, isInside, [&](Emit &e) { return e.extract(tensor, place); },
        [&](Emit &e) {
          if (!fill)
            return e.constant(element, constant);
          SmallVector<Value> zero(NodeLowering::rankOf(fill), e.index(0));
          return e.extract(fill, zero);
        });
  }));
  return success();
}

LogicalResult lowerTrilu(NodeLowering &n) {
  Value tensor = n.input(0);
  int64_t rank = NodeLowering::rankOf(tensor);
  std::optional<Integers> k = n.input(1) ? n.integers(n.input(1)) : Integers{0};
  if (rank < 2 || !k || k->size() != 1)
    return n.fail("expects matrices and a known diagonal");
  bool upper = n.integer("upper", 1) != 0;
  Type element = NodeLowering::elementOf(tensor);
  n.setResult(
      0, n.generate(n.sizesOf(tensor), element, [&](Emit &e, ValueRange at) {
        // Upper: column >= row + k.
        Value edge = e.add(at[rank - 2], e.index(k->front()));
        Value column = at[rank - 1];
        Value drops = upper ? e.less(column, edge) : e.less(edge, column);
        return e.select(drops, e.constant(element, 0), e.extract(tensor, at));
      }));
  return success();
}

} // namespace

void graph_to_linalg::addSliceRules(Rules &rules) {
  rules["Slice"] = lowerSlice;
  rules["Split"] = lowerSplit;
  rules["Pad"] = lowerPad;
  rules["Trilu"] = lowerTrilu;
}
