//===- ScatterRules.cpp - nodes that write by index -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each element of the result looks for the updates that are meant for it: in
// order, so that the last one counts, or all of them with a reduction.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

/// What becomes of an element `old` that an update of `value` meets.
Value combine(Emit &e, StringRef reduction, Value old, Value value) {
  if (reduction == "add")
    return e.add(old, value);
  if (reduction == "mul")
    return e.mul(old, value);
  if (reduction == "min")
    return e.min(old, value);
  if (reduction == "max")
    return e.max(old, value);
  return value;
}

LogicalResult checkReduction(NodeLowering &n, StringRef reduction) {
  if (llvm::is_contained({"none", "add", "mul", "min", "max"}, reduction))
    return success();
  return n.fail("expects reduction none, add, mul, min or max, got '" +
                reduction + "'");
}

/// Index `scalar` of a dimension of `size`, counted from its end if negative.
Value fromEnd(Emit &e, Value scalar, Value size) {
  Value place = NodeLowering::convert(e, scalar, e.builder.getIndexType());
  return e.select(e.less(place, e.index(0)), e.add(place, size), place);
}

LogicalResult lowerScatterElements(NodeLowering &n) {
  Value data = n.input(0), indices = n.input(1), updates = n.input(2);
  int64_t rank = NodeLowering::rankOf(data);
  FailureOr<int64_t> axis = n.axis(0, rank);
  StringRef reduction = n.string("reduction", "none");
  if (failed(axis) || failed(checkReduction(n, reduction)))
    return failure();
  if (NodeLowering::rankOf(indices) != rank ||
      NodeLowering::rankOf(updates) != rank)
    return n.fail("expects indices and updates of the rank of the data");
  n.setResult(
      0, n.generate(
             n.sizesOf(data), NodeLowering::elementOf(data),
             [&](Emit &e, ValueRange at) {
               // Only updates with the same other indices can be meant.
               Value isCovered = e.constant(e.builder.getI1Type(), 1);
               for (int64_t dim = 0; dim < rank; ++dim)
                 if (dim != *axis)
                   isCovered = e.both(
                       isCovered, e.less(at[dim], e.dimValue(indices, dim)));
               Value count =
                   e.select(isCovered, e.dimValue(indices, *axis), e.index(0));
               SmallVector<Value> place(at);
               return NodeLowering::loops(
                          e, count, n.read(e, data, at),
                          [&](Emit &e, ValueRange u, ValueRange acc) {
                            place[*axis] = u[0];
                            Value target = fromEnd(e, e.extract(indices, place),
                                                   e.dimValue(data, *axis));
                            Value isMine = e.equal(target, at[*axis]);
                            Value next = combine(e, reduction, acc[0],
                                                 n.read(e, updates, place));
                            return SmallVector<Value>{
                                e.select(isMine, next, acc[0])};
                          })
                   .front();
             }));
  return success();
}

LogicalResult lowerScatterND(NodeLowering &n) {
  Value data = n.input(0), indices = n.input(1), updates = n.input(2);
  Dims tuples = n.sizesOf(indices);
  int64_t rank = NodeLowering::rankOf(data);
  StringRef reduction = n.string("reduction", "none");
  if (failed(checkReduction(n, reduction)))
    return failure();
  std::optional<int64_t> count =
      tuples.empty() ? std::nullopt : getConstantIntValue(tuples.back());
  if (!count || *count < 1 || *count > rank)
    return n.fail("expects a known number of indices per update, within the "
                  "rank of the data");
  tuples.pop_back();
  if (NodeLowering::rankOf(updates) != int64_t(tuples.size()) + rank - *count)
    return n.fail("expects updates of rank " +
                  Twine(int64_t(tuples.size()) + rank - *count));
  n.setResult(
      0, n.generate(
             n.sizesOf(data), NodeLowering::elementOf(data),
             [&](Emit &e, ValueRange at) {
               SmallVector<Value> limits;
               for (OpFoldResult size : tuples)
                 limits.push_back(n.value(e, size));
               return NodeLowering::loops(
                          e, limits, n.read(e, data, at),
                          [&](Emit &e, ValueRange u, ValueRange acc) {
                            SmallVector<Value> tuple(u), place(u);
                            tuple.push_back(nullptr);
                            Value isMine = e.constant(e.builder.getI1Type(), 1);
                            for (int64_t i = 0; i < *count; ++i) {
                              tuple.back() = e.index(i);
                              Value target =
                                  fromEnd(e, e.extract(indices, tuple),
                                          e.dimValue(data, i));
                              isMine = e.both(isMine, e.equal(target, at[i]));
                            }
                            llvm::append_range(place, at.drop_front(*count));
                            Value next = combine(e, reduction, acc[0],
                                                 n.read(e, updates, place));
                            return SmallVector<Value>{
                                e.select(isMine, next, acc[0])};
                          })
                   .front();
             }));
  return success();
}

} // namespace

void graph_to_linalg::addScatterRules(Rules &rules) {
  rules["ScatterElements"] = lowerScatterElements;
  rules["Scatter"] = lowerScatterElements;
  rules["ScatterND"] = lowerScatterND;
}
