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
}
