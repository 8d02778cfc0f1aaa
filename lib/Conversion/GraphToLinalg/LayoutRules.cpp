//===- LayoutRules.cpp - nodes that put elements elsewhere ----------------===//
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

/// The product of sizes; a number if all are.
OpFoldResult product(NodeLowering &n, ArrayRef<OpFoldResult> sizes) {
  int64_t known = 1;
  Value dynamic;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> number = getConstantIntValue(size))
      known *= *number;
    else if (dynamic)
      dynamic = n.e.mul(dynamic, cast<Value>(size));
    else
      dynamic = cast<Value>(size);
  }
  if (!dynamic)
    return n.e.builder.getIndexAttr(known);
  return known == 1 ? dynamic : n.e.mul(dynamic, n.e.index(known));
}

LogicalResult lowerReshape(NodeLowering &n) {
  Value tensor = n.input(0);
  auto target = n.elements(n.input(1));
  if (!target)
    return n.fail(
        "expects a target that follows from the shapes of the inputs");
  Dims from = n.sizesOf(tensor), sizes;
  std::optional<size_t> open;
  for (auto [i, element] : llvm::enumerate(*target)) {
    OpFoldResult size = n.toIndex(element);
    std::optional<int64_t> known = getConstantIntValue(size);
    if (known == 0 && n.integer("allowzero", 0) == 0) {
      if (i >= from.size())
        return n.fail("expects a dimension " + Twine(i) + " to keep");
      size = from[i];
    } else if (known == -1) {
      if (open)
        return n.fail("expects one size of -1 at most");
      open = i;
      size = n.e.builder.getIndexAttr(1);
    } else if (known && *known < 0) {
      return n.fail("expects sizes of at least -1, got " + Twine(*known));
    }
    sizes.push_back(size);
  }
  OpFoldResult all = product(n, from), rest = product(n, sizes);
  std::optional<int64_t> count = getConstantIntValue(all),
                         other = getConstantIntValue(rest);
  if (open) {
    if (count && other)
      sizes[*open] =
          n.e.builder.getIndexAttr(*other == 0 ? 0 : *count / *other);
    else if (other == 1)
      sizes[*open] = all;
    else
      sizes[*open] =
          n.e.div(n.value(n.e, all), n.e.max(n.value(n.e, rest), n.e.index(1)));
    rest = product(n, sizes);
    other = getConstantIntValue(rest);
  }
  if (count && other && *count != *other)
    return n.fail("expects " + Twine(*count) + " elements, got a target of " +
                  Twine(*other));
  n.setResult(0, n.reshape(tensor, sizes));
  return success();
}

LogicalResult lowerFlatten(NodeLowering &n) {
  Dims from = n.sizesOf(n.input(0));
  int64_t rank = from.size(), axis = n.integer("axis", 1);
  axis = axis < 0 ? axis + rank : axis;
  if (axis < 0 || axis > rank)
    return n.fail("expects an axis of a tensor of rank " + Twine(rank));
  ArrayRef<OpFoldResult> sizes(from);
  n.setResult(0, n.reshape(n.input(0), {product(n, sizes.take_front(axis)),
                                        product(n, sizes.drop_front(axis))}));
  return success();
}

LogicalResult lowerSqueeze(NodeLowering &n) {
  Dims from = n.sizesOf(n.input(0)), sizes;
  bool given = false;
  FailureOr<Integers> axes = n.axes(1, from.size(), given);
  if (failed(axes))
    return failure();
  for (auto [dim, size] : llvm::enumerate(from))
    if (given ? !llvm::is_contained(*axes, int64_t(dim))
              : getConstantIntValue(size) != 1)
      sizes.push_back(size);
  n.setResult(0, n.reshape(n.input(0), sizes));
  return success();
}

LogicalResult lowerUnsqueeze(NodeLowering &n) {
  Dims from = n.sizesOf(n.input(0)), sizes;
  bool given = false;
  auto list = n.integersAttr("axes");
  if (!list)
    list = n.integers(n.input(1));
  int64_t rank = from.size() + (list ? list->size() : 0);
  FailureOr<Integers> axes = n.axes(1, rank, given);
  if (failed(axes))
    return failure();
  auto next = from.begin();
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isNew = llvm::is_contained(*axes, dim);
    if (!isNew && next == from.end())
      return n.fail("expects axes that differ");
    sizes.push_back(isNew ? OpFoldResult(n.e.builder.getIndexAttr(1))
                          : *next++);
  }
  n.setResult(0, n.reshape(n.input(0), sizes));
  return success();
}

LogicalResult lowerTranspose(NodeLowering &n) {
  Value tensor = n.input(0);
  Dims from = n.sizesOf(tensor), sizes;
  int64_t rank = from.size();
  Integers perm;
  if (auto stated = n.integersAttr("perm"))
    perm = *stated;
  else
    for (int64_t i = rank; i-- > 0;)
      perm.push_back(i);
  Integers sorted = perm;
  llvm::sort(sorted);
  for (int64_t i = 0; i < int64_t(sorted.size()); ++i)
    if (sorted[i] != i)
      return n.fail("expects a permutation");
  if (int64_t(perm.size()) != rank)
    return n.fail("expects a permutation of " + Twine(rank) + " dimensions");
  for (int64_t dim : perm)
    sizes.push_back(from[dim]);
  n.setResult(0, n.generate(sizes, NodeLowering::elementOf(tensor),
                            [&](Emit &e, ValueRange at) {
                              SmallVector<Value> place(rank);
                              for (auto [i, dim] : llvm::enumerate(perm))
                                place[dim] = at[i];
                              return e.extract(tensor, place);
                            }));
  return success();
}

LogicalResult lowerExpand(NodeLowering &n) {
  auto shape = n.elements(n.input(1));
  if (!shape)
    return n.fail("expects a shape that follows from the shapes of the inputs");
  for (OpFoldResult &size : *shape)
    size = n.toIndex(size);
  Value tensor = n.input(0);
  Dims sizes = n.broadcast({n.sizesOf(tensor), *shape});
  n.setResult(0, n.generate(sizes, NodeLowering::elementOf(tensor),
                            [&](Emit &e, ValueRange at) {
                              return n.readBroadcast(e, tensor, at);
                            }));
  return success();
}

LogicalResult lowerTile(NodeLowering &n) {
  Value tensor = n.input(0);
  auto repeats = n.elements(n.input(1));
  Dims from = n.sizesOf(tensor), sizes;
  if (!repeats || repeats->size() != from.size())
    return n.fail("expects a known number of copies per dimension");
  for (auto [size, count] : llvm::zip_equal(from, *repeats))
    sizes.push_back(product(n, {size, n.toIndex(count)}));
  n.setResult(0, n.generate(sizes, NodeLowering::elementOf(tensor),
                            [&](Emit &e, ValueRange at) {
                              SmallVector<Value> place;
                              for (auto [i, size] : llvm::zip_equal(at, from))
                                place.push_back(e.rem(i, n.value(e, size)));
                              return e.extract(tensor, place);
                            }));
  return success();
}

LogicalResult lowerConcat(NodeLowering &n) {
  SmallVector<Value> parts;
  for (unsigned i = 0; i < n.node.getInputs().size(); ++i)
    parts.push_back(n.input(i));
  Dims sizes = n.sizesOf(parts.front());
  FailureOr<int64_t> axis = n.axis(0, sizes.size());
  if (failed(axis))
    return failure();
  // The first index behind each part.
  Dims ends;
  OpFoldResult end = n.e.builder.getIndexAttr(0);
  SmallVector<Value> filled;
  for (Value part : parts) {
    if (NodeLowering::rankOf(part) != int64_t(sizes.size()))
      return n.fail("expects parts of one rank");
    OpFoldResult size = n.e.dim(part, *axis);
    std::optional<int64_t> known = getConstantIntValue(size),
                           before = getConstantIntValue(end);
    if (known == 0)
      continue;
    end = known && before
              ? OpFoldResult(n.e.builder.getIndexAttr(*known + *before))
              : OpFoldResult(n.e.add(n.value(n.e, end), n.value(n.e, size)));
    ends.push_back(end);
    filled.push_back(part);
  }
  sizes[*axis] = end;
  Type element = NodeLowering::elementOf(parts.front());
  if (filled.empty())
    filled.push_back(parts.front());
  n.setResult(0, n.generate(sizes, element, [&](Emit &e, ValueRange at) {
    std::function<Value(Emit &, size_t)> from = [&](Emit &e, size_t i) {
      SmallVector<Value> place(at);
      if (i > 0)
        place[*axis] = e.sub(at[*axis], n.value(e, ends[i - 1]));
      if (i + 1 == filled.size())
        return e.extract(filled[i], place);
      Value isHere = e.less(at[*axis], n.value(e, ends[i]));
      return NodeLowering::choose(
          e, isHere, [&](Emit &e) { return e.extract(filled[i], place); },
          [&](Emit &e) { return from(e, i + 1); });
    };
    return from(e, 0);
  }));
  return success();
}

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

void graph_to_linalg::addLayoutRules(Rules &rules) {
  rules["Reshape"] = lowerReshape;
  rules["Flatten"] = lowerFlatten;
  rules["Squeeze"] = lowerSqueeze;
  rules["Unsqueeze"] = lowerUnsqueeze;
  rules["Transpose"] = lowerTranspose;
  rules["Expand"] = lowerExpand;
  rules["Tile"] = lowerTile;
  rules["Concat"] = lowerConcat;
  rules["Slice"] = lowerSlice;
  rules["Split"] = lowerSplit;
  rules["Pad"] = lowerPad;
  rules["Trilu"] = lowerTrilu;
}
