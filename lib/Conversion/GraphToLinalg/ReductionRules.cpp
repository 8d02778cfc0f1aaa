//===- ReductionRules.cpp - sums, softmax, norms --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

/// The type in which elements of `type` are summed.
Type wide(Type type) {
  return isa<BFloat16Type, Float16Type>(type)
             ? Type(Float32Type::get(type.getContext()))
             : type;
}

/// The least (greatest) value of a type.
Value extreme(Emit &e, Type type, bool least) {
  if (auto real = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        e.builder, e.loc,
        e.builder.getFloatAttr(
            type, APFloat::getInf(real.getFloatSemantics(), least)));
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value =
      least ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(e.builder, e.loc,
                                   e.builder.getIntegerAttr(type, value));
}

Integers range(int64_t from, int64_t to) {
  Integers list;
  for (int64_t i = from; i < to; ++i)
    list.push_back(i);
  return list;
}

Value sumOf(NodeLowering &n, Value tensor, ArrayRef<int64_t> axes) {
  Type type = wide(NodeLowering::elementOf(tensor));
  return n.reduce(tensor, axes, type, n.e.constant(type, 0),
                  [](Emit &e, Value acc, Value x) { return e.add(acc, x); });
}

Value maxOf(NodeLowering &n, Value tensor, ArrayRef<int64_t> axes) {
  Type type = wide(NodeLowering::elementOf(tensor));
  return n.reduce(tensor, axes, type, extreme(n.e, type, /*least=*/true),
                  [](Emit &e, Value acc, Value x) { return e.max(acc, x); });
}

/// The number of elements along `axes`, as a scalar of `type`.
Value countOf(NodeLowering &n, Emit &e, Value tensor, ArrayRef<int64_t> axes,
              Type type) {
  Value count = e.index(1);
  for (int64_t axis : axes)
    count = e.mul(count, e.dimValue(tensor, axis));
  return NodeLowering::convert(e, count, type);
}

/// The mean along `axes`, in the wide type.
Value meanOf(NodeLowering &n, Value tensor, ArrayRef<int64_t> axes) {
  Value sum = sumOf(n, tensor, axes);
  Type type = NodeLowering::elementOf(sum);
  return n.map(sum, type, [&](Emit &e, ValueRange x) {
    return e.div(x[0], countOf(n, e, tensor, axes, type));
  });
}

Value squared(NodeLowering &n, Value tensor) {
  return n.map(tensor, wide(NodeLowering::elementOf(tensor)),
               [](Emit &e, ValueRange x) { return e.mul(x[0], x[0]); });
}

LogicalResult lowerReduce(NodeLowering &n) {
  Value tensor = n.input(0);
  int64_t rank = NodeLowering::rankOf(tensor);
  bool given = false;
  FailureOr<Integers> axes = n.axes(1, rank, given);
  if (failed(axes))
    return failure();
  if (axes->empty() && n.integer("noop_with_empty_axes", 0) == 0)
    *axes = range(0, rank);
  StringRef op = n.node.getOpType();
  Type element = NodeLowering::elementOf(tensor);
  // min and max of bool are and, or.
  if (element.isInteger(1))
    return n.fail("expects numbers");
  Value result;
  if (op == "ReduceSum") {
    result = sumOf(n, tensor, *axes);
  } else if (op == "ReduceMean") {
    result = meanOf(n, tensor, *axes);
  } else if (op == "ReduceMax") {
    result = maxOf(n, tensor, *axes);
  } else if (op == "ReduceMin") {
    Type type = wide(element);
    result =
        n.reduce(tensor, *axes, type, extreme(n.e, type, false),
                 [](Emit &e, Value acc, Value x) { return e.min(acc, x); });
  } else if (op == "ReduceProd") {
    Type type = wide(element);
    result =
        n.reduce(tensor, *axes, type, n.e.constant(type, 1),
                 [](Emit &e, Value acc, Value x) { return e.mul(acc, x); });
  } else if (op == "ReduceL1") {
    Value magnitude =
        n.map(tensor, wide(element), [](Emit &e, ValueRange x) -> Value {
          return e.max(x[0], e.sub(e.constant(x[0].getType(), 0), x[0]));
        });
    result = sumOf(n, magnitude, *axes);
  } else {
    result = sumOf(n, squared(n, tensor), *axes);
    if (op == "ReduceL2")
      result = n.map(result, NodeLowering::elementOf(result),
                     [](Emit &e, ValueRange x) -> Value {
                       return math::SqrtOp::create(e.builder, e.loc, x[0]);
                     });
  }
  bool keep = n.integer("keepdims", 1) != 0;
  if (keep && NodeLowering::elementOf(result) == element) {
    n.setResult(0, result);
    return success();
  }
  Dims all = n.sizesOf(tensor), sizes;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(*axes, dim))
      sizes.push_back(all[dim]);
    else if (keep)
      sizes.push_back(n.e.builder.getIndexAttr(1));
  n.setResult(0, n.generate(sizes, element, [&](Emit &e, ValueRange at) {
    SmallVector<Value> place;
    auto next = at.begin();
    for (int64_t dim = 0; dim < rank; ++dim) {
      bool reduced = llvm::is_contained(*axes, dim);
      place.push_back(reduced ? e.index(0) : *next);
      if (!reduced || keep)
        ++next;
    }
    return e.extract(result, place);
  }));
  return success();
}

/// Up to version 12 the dimensions from `axis` on are one; since then only
/// `axis` is.
FailureOr<Integers> softmaxAxes(NodeLowering &n) {
  int64_t rank = NodeLowering::rankOf(n.input(0));
  bool old = n.version() < 13;
  FailureOr<int64_t> axis = n.axis(old ? 1 : -1, rank);
  if (failed(axis))
    return failure();
  return old ? range(*axis, rank) : Integers{*axis};
}

LogicalResult lowerSoftmax(NodeLowering &n) {
  Value tensor = n.input(0);
  FailureOr<Integers> axes = softmaxAxes(n);
  if (failed(axes))
    return failure();
  bool isLog = n.node.getOpType() == "LogSoftmax";
  Type element = NodeLowering::elementOf(tensor), type = wide(element);
  Value most = maxOf(n, tensor, *axes);
  Value weights = n.map({tensor, most}, type, [](Emit &e, ValueRange x) {
    return e.exp(e.sub(x[0], x[1]));
  });
  Value sum = sumOf(n, weights, *axes);
  if (!isLog) {
    n.setResult(0, n.map({weights, sum}, element, [](Emit &e, ValueRange x) {
      return e.div(x[0], x[1]);
    }));
    return success();
  }
  n.setResult(0, n.map({tensor, most, sum}, element,
                       [](Emit &e, ValueRange x) -> Value {
                         Value log =
                             math::LogOp::create(e.builder, e.loc, x[2]);
                         return e.sub(e.sub(x[0], x[1]), log);
                       }));
  return success();
}

/// LayerNormalization (with the mean taken off) and RMSNormalization.
LogicalResult lowerNorm(NodeLowering &n) {
  Value tensor = n.input(0), gain = n.input(1), bias = n.input(2);
  int64_t rank = NodeLowering::rankOf(tensor);
  FailureOr<int64_t> axis = n.axis(-1, rank);
  if (failed(axis))
    return failure();
  bool centres = n.node.getOpType() == "LayerNormalization";
  if (!centres && bias)
    return n.fail("expects no bias");
  if (!centres && (n.hasUse(1) || n.hasUse(2)))
    return n.fail("expects one used result, got more");
  double epsilon = n.real("epsilon", 1e-5);
  Integers axes = range(*axis, rank);
  Type element = NodeLowering::elementOf(tensor), type = wide(element);
  Value centred = tensor, mean;
  if (centres) {
    mean = meanOf(n, tensor, axes);
    centred = n.map({tensor, mean}, type,
                    [](Emit &e, ValueRange x) { return e.sub(x[0], x[1]); });
  }
  Value inverse = n.map(meanOf(n, squared(n, centred), axes), type,
                        [&](Emit &e, ValueRange x) -> Value {
                          Value sum = e.add(x[0], e.constant(type, epsilon));
                          Value root =
                              math::SqrtOp::create(e.builder, e.loc, sum);
                          return e.div(e.constant(type, 1), root);
                        });
  SmallVector<Value> tensors = {centred, inverse, gain};
  if (bias)
    tensors.push_back(bias);
  n.setResult(0, n.map(tensors, element, [&](Emit &e, ValueRange x) {
    auto same = [&](Value scalar) {
      return NodeLowering::convert(e, scalar, x[1].getType());
    };
    Value result = e.mul(e.mul(same(x[0]), x[1]), same(x[2]));
    return bias ? e.add(result, same(x[3])) : result;
  }));
  if (n.hasUse(1))
    n.setResult(1, mean);
  if (n.hasUse(2))
    n.setResult(2, inverse);
  return success();
}

/// The index of the first (or last) best element along one axis.
LogicalResult lowerArg(NodeLowering &n) {
  Value tensor = n.input(0);
  Dims sizes = n.sizesOf(tensor);
  FailureOr<int64_t> axis = n.axis(0, sizes.size());
  if (failed(axis))
    return failure();
  bool isMax = n.node.getOpType() == "ArgMax";
  bool takesLast = n.integer("select_last_index", 0) != 0;
  bool keep = n.integer("keepdims", 1) != 0;
  Type type = wide(NodeLowering::elementOf(tensor));
  sizes[*axis] = n.e.builder.getIndexAttr(1);
  if (!keep)
    sizes.erase(sizes.begin() + *axis);
  n.setResult(
      0,
      n.generate(sizes, n.e.builder.getI64Type(), [&](Emit &e, ValueRange at) {
        SmallVector<Value> place(at);
        if (!keep)
          place.insert(place.begin() + *axis, e.index(0));
        Value start[] = {extreme(e, type, isMax), e.index(0)};
        Value found = NodeLowering::loops(
            e, e.dimValue(tensor, *axis), start,
            [&](Emit &e, ValueRange along, ValueRange best) {
              place[*axis] = along[0];
              Value x = n.read(e, tensor, place);
              Value isBetter = isMax ? e.less(best[0], x) : e.less(x, best[0]);
              if (takesLast)
                isBetter = e.either(isBetter, e.equal(best[0], x));
              return SmallVector<Value>{e.select(isBetter, x, best[0]),
                                        e.select(isBetter, along[0], best[1])};
            })[1];
        return NodeLowering::convert(e, found, e.builder.getI64Type());
      }));
  return success();
}

/// The sum of the elements up to each one.
LogicalResult lowerCumSum(NodeLowering &n) {
  Value tensor = n.input(0);
  Dims sizes = n.sizesOf(tensor);
  auto stated = n.integers(n.input(1));
  int64_t rank = sizes.size();
  int64_t axis = stated && stated->size() == 1 ? stated->front() : rank;
  axis = axis < 0 ? axis + rank : axis;
  if (axis < 0 || axis >= rank)
    return n.fail("expects a known axis of a tensor of rank " + Twine(rank));
  bool exclusive = n.integer("exclusive", 0) != 0;
  bool reverse = n.integer("reverse", 0) != 0;
  Type element = NodeLowering::elementOf(tensor), type = wide(element);
  n.setResult(0, n.generate(sizes, element, [&](Emit &e, ValueRange at) {
    // [0, i] or, in reverse, [i, end); without i itself if exclusive.
    Value size = e.dimValue(tensor, axis), first = e.index(0);
    Value count = exclusive ? at[axis] : e.add(at[axis], e.index(1));
    if (reverse) {
      first = exclusive ? e.add(at[axis], e.index(1)) : at[axis];
      count = e.sub(size, first);
    }
    SmallVector<Value> place(at);
    return NodeLowering::loops(e, count, e.constant(type, 0),
                               [&](Emit &e, ValueRange along, ValueRange acc) {
                                 place[axis] = e.add(first, along[0]);
                                 return SmallVector<Value>{
                                     e.add(acc[0], n.read(e, tensor, place))};
                               })
        .front();
  }));
  return success();
}

} // namespace

void graph_to_linalg::addReductionRules(Rules &rules) {
  for (StringRef op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin",
                       "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"})
    rules[op] = lowerReduce;
  rules["Softmax"] = lowerSoftmax;
  rules["LogSoftmax"] = lowerSoftmax;
  rules["LayerNormalization"] = lowerNorm;
  rules["RMSNormalization"] = lowerNorm;
  rules["SimplifiedLayerNormalization"] = lowerNorm;
  rules["ArgMax"] = lowerArg;
  rules["ArgMin"] = lowerArg;
  rules["CumSum"] = lowerCumSum;
}
