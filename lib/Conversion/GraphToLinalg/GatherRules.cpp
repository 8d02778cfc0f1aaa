//===- GatherRules.cpp - nodes that read by index -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

LogicalResult lowerGather(NodeLowering &n) {
  Value data = n.input(0), indices = n.input(1);
  Dims from = n.sizesOf(data), chosen = n.sizesOf(indices);
  FailureOr<int64_t> axis = n.axis(0, from.size());
  if (failed(axis))
    return failure();
  Dims sizes(from.begin(), from.begin() + *axis);
  sizes.append(chosen);
  sizes.append(from.begin() + *axis + 1, from.end());
  size_t rank = chosen.size();
  n.setResult(
      0, n.generate(
             sizes, NodeLowering::elementOf(data), [&](Emit &e, ValueRange at) {
               Value index = e.extract(indices, at.slice(*axis, rank));
               SmallVector<Value> place(at.take_front(*axis));
               place.push_back(
                   NodeLowering::wrap(e, index, e.dimValue(data, *axis)));
               llvm::append_range(place, at.drop_front(*axis + rank));
               return e.extract(data, place);
             }));
  return success();
}

LogicalResult lowerGatherElements(NodeLowering &n) {
  Value data = n.input(0), indices = n.input(1);
  FailureOr<int64_t> axis = n.axis(0, NodeLowering::rankOf(data));
  if (failed(axis))
    return failure();
  if (NodeLowering::rankOf(indices) != NodeLowering::rankOf(data))
    return n.fail("expects indices of the rank of the data");
  n.setResult(0, n.generate(n.sizesOf(indices), NodeLowering::elementOf(data),
                            [&](Emit &e, ValueRange at) {
                              SmallVector<Value> place(at);
                              place[*axis] =
                                  NodeLowering::wrap(e, e.extract(indices, at),
                                                     e.dimValue(data, *axis));
                              return e.extract(data, place);
                            }));
  return success();
}

LogicalResult lowerGatherND(NodeLowering &n) {
  Value data = n.input(0), indices = n.input(1);
  Dims from = n.sizesOf(data), chosen = n.sizesOf(indices);
  int64_t batch = n.integer("batch_dims", 0), rank = chosen.size();
  std::optional<int64_t> count =
      rank > 0 ? getConstantIntValue(chosen.back()) : std::nullopt;
  if (!count || batch < 0 || batch >= rank ||
      batch + *count > int64_t(from.size()))
    return n.fail("expects a known number of indices per element, within the "
                  "rank of the data");
  Dims sizes(chosen.begin(), chosen.end() - 1);
  sizes.append(from.begin() + batch + *count, from.end());
  n.setResult(
      0, n.generate(sizes, NodeLowering::elementOf(data),
                    [&](Emit &e, ValueRange at) {
                      SmallVector<Value> tuple(at.take_front(rank - 1)),
                          place(at.take_front(batch));
                      tuple.push_back(nullptr);
                      for (int64_t i = 0; i < *count; ++i) {
                        tuple.back() = e.index(i);
                        place.push_back(
                            NodeLowering::wrap(e, e.extract(indices, tuple),
                                               e.dimValue(data, batch + i)));
                      }
                      llvm::append_range(place, at.drop_front(rank - 1));
                      return e.extract(data, place);
                    }));
  return success();
}

LogicalResult lowerOneHot(NodeLowering &n) {
  Value indices = n.input(0), values = n.input(2);
  auto depth = n.elements(n.input(1));
  Dims sizes = n.sizesOf(indices);
  FailureOr<int64_t> axis = n.axis(-1, sizes.size() + 1);
  if (failed(axis))
    return failure();
  if (!depth || depth->size() != 1 ||
      !isa<IntegerType>(NodeLowering::elementOf(indices)))
    return n.fail("expects integer indices and a known depth");
  OpFoldResult count = n.toIndex(depth->front());
  sizes.insert(sizes.begin() + *axis, count);
  n.setResult(
      0,
      n.generate(
          sizes, NodeLowering::elementOf(values), [&](Emit &e, ValueRange at) {
            SmallVector<Value> place(at);
            place.erase(place.begin() + *axis);
            Value index = NodeLowering::convert(e, e.extract(indices, place),
                                                e.builder.getIndexType());
            Value wrapped = e.select(e.less(index, e.index(0)),
                                     e.add(index, n.value(e, count)), index);
            Value isHot = e.equal(wrapped, at[*axis]);
            return e.extract(values, NodeLowering::convert(
                                         e, isHot, e.builder.getIndexType()));
          }));
  return success();
}

/// An element is at the place that as many others beat: of equal ones the first
/// beats the others.
LogicalResult lowerTopK(NodeLowering &n) {
  Value data = n.input(0);
  Dims sizes = n.sizesOf(data);
  FailureOr<int64_t> axis = n.axis(-1, sizes.size());
  if (failed(axis))
    return failure();
  std::optional<Dims> count;
  if (n.version() < 10)
    count = Dims{n.e.builder.getI64IntegerAttr(n.integer("k", -1))};
  else
    count = n.elements(n.input(1));
  if (!count || count->size() != 1)
    return n.fail("expects a known number of elements");
  OpFoldResult k = n.toIndex(count->front());
  std::optional<int64_t> known = getConstantIntValue(k),
                         size = getConstantIntValue(sizes[*axis]);
  if (known && (*known < 0 || (size && *known > *size)))
    return n.fail("expects at most " + Twine(size.value_or(0)) +
                  " elements, got " + Twine(*known));
  bool largest = n.integer("largest", 1) != 0;
  Type i64 = n.e.builder.getI64Type();
  OpFoldResult all = sizes[*axis];
  Value places = n.generate(sizes, i64, [&](Emit &e, ValueRange at) {
    Value mine = n.read(e, data, at);
    SmallVector<Value> place(at);
    Value beaten =
        NodeLowering::loops(
            e, n.value(e, all), e.index(0),
            [&](Emit &e, ValueRange j, ValueRange acc) {
              place[*axis] = j[0];
              Value other = n.read(e, data, place);
              Value beats = largest ? e.less(mine, other) : e.less(other, mine);
              Value ahead =
                  e.both(e.equal(mine, other), e.less(j[0], at[*axis]));
              Value one = NodeLowering::convert(e, e.either(beats, ahead),
                                                e.builder.getIndexType());
              return SmallVector<Value>{e.add(acc[0], one)};
            })
            .front();
    return NodeLowering::convert(e, beaten, i64);
  });
  sizes[*axis] = k;
  Value indices = n.generate(sizes, i64, [&](Emit &e, ValueRange at) {
    SmallVector<Value> place(at);
    Value wanted = NodeLowering::convert(e, at[*axis], i64);
    Value found =
        NodeLowering::loops(
            e, n.value(e, all), e.index(0),
            [&](Emit &e, ValueRange j, ValueRange acc) {
              place[*axis] = j[0];
              Value isHere = e.equal(e.extract(places, place), wanted);
              return SmallVector<Value>{e.select(isHere, j[0], acc[0])};
            })
            .front();
    return NodeLowering::convert(e, found, i64);
  });
  n.setResult(1, indices);
  if (n.hasUse(0))
    n.setResult(0, n.generate(sizes, NodeLowering::elementOf(data),
                              [&](Emit &e, ValueRange at) {
                                SmallVector<Value> place(at);
                                place[*axis] = NodeLowering::convert(
                                    e, e.extract(indices, at),
                                    e.builder.getIndexType());
                                return e.extract(data, place);
                              }));
  return success();
}

/// The indices of the elements that are not 0, a column per element.
LogicalResult lowerNonZero(NodeLowering &n) {
  Value data = n.input(0);
  Dims sizes = n.sizesOf(data);
  int64_t rank = sizes.size();
  if (rank == 0)
    return n.fail("expects a tensor of rank 1 or more");
  Emit &e = n.e;
  auto isSet = [&](Emit &e, ValueRange at) {
    return NodeLowering::convert(
        e, NodeLowering::convert(e, n.read(e, data, at), e.builder.getI1Type()),
        e.builder.getIndexType());
  };
  SmallVector<Value> limits;
  for (OpFoldResult size : sizes)
    limits.push_back(n.value(e, size));
  Value count = NodeLowering::loops(
                    e, limits, e.index(0),
                    [&](Emit &e, ValueRange at, ValueRange acc) {
                      return SmallVector<Value>{e.add(acc[0], isSet(e, at))};
                    })
                    .front();
  Type i64 = e.builder.getI64Type();
  n.setResult(
      0,
      n.generate(
          {e.builder.getIndexAttr(rank), count}, i64,
          [&](Emit &e, ValueRange at) {
            // Counts on until it is at the element of this column.
            Value start[] = {e.index(0), e.index(0)};
            Value found = NodeLowering::loops(
                e, limits, start, [&](Emit &e, ValueRange i, ValueRange acc) {
                  Value one = isSet(e, i);
                  Value isHere =
                      e.both(e.equal(one, e.index(1)), e.equal(acc[0], at[1]));
                  // The index in the row's dimension.
                  Value mine = i[0];
                  for (int64_t dim = 1; dim < rank; ++dim)
                    mine = e.select(e.equal(at[0], e.index(dim)), i[dim], mine);
                  return SmallVector<Value>{e.add(acc[0], one),
                                            e.select(isHere, mine, acc[1])};
                })[1];
            return NodeLowering::convert(e, found, i64);
          }));
  return success();
}

} // namespace

void graph_to_linalg::addGatherRules(Rules &rules) {
  rules["Gather"] = lowerGather;
  rules["GatherElements"] = lowerGatherElements;
  rules["GatherND"] = lowerGatherND;
  rules["OneHot"] = lowerOneHot;
  rules["TopK"] = lowerTopK;
  rules["NonZero"] = lowerNonZero;
}
