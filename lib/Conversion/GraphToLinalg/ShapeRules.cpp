//===- ShapeRules.cpp - constants and shapes ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

LogicalResult lowerConstant(NodeLowering &n) {
  OpBuilder &b = n.e.builder;
  Attribute value = n.node.attribute("value");
  if (auto symbol = dyn_cast_or_null<FlatSymbolRefAttr>(value)) {
    auto data =
        SymbolTable::lookupNearestSymbolFrom<moe::WeightDataOp>(n.node, symbol);
    if (!data)
      return n.fail("expects a tensor of the module, got @" +
                    symbol.getValue());
    n.setResult(
        0, moe::WeightOp::create(b, n.node.getLoc(), data.getType(), symbol));
    return success();
  }
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value);
  auto scalar = [&](Type type) { return RankedTensorType::get({}, type); };
  if (auto number =
          dyn_cast_or_null<FloatAttr>(n.node.attribute("value_float")))
    dense = DenseElementsAttr::get(scalar(b.getF32Type()),
                                   float(number.getValueAsDouble()));
  if (auto number =
          dyn_cast_or_null<IntegerAttr>(n.node.attribute("value_int")))
    dense = DenseElementsAttr::get(scalar(b.getI64Type()), number.getInt());
  if (auto list = n.integersAttr("value_ints"))
    dense = DenseElementsAttr::get(
        RankedTensorType::get({int64_t(list->size())}, b.getI64Type()),
        ArrayRef<int64_t>(*list));
  if (auto list =
          dyn_cast_or_null<DenseF32ArrayAttr>(n.node.attribute("value_floats")))
    dense = DenseElementsAttr::get(
        RankedTensorType::get({int64_t(list.size())}, b.getF32Type()),
        list.asArrayRef());
  if (!dense)
    return n.fail("expects a tensor of numbers");
  n.setResult(0, arith::ConstantOp::create(b, n.node.getLoc(), dense));
  return success();
}

LogicalResult lowerConstantOfShape(NodeLowering &n) {
  auto sizes = n.elements(n.input(0));
  if (!sizes)
    return n.fail("expects a shape that follows from the shapes of the inputs");
  for (OpFoldResult &size : *sizes)
    size = n.toIndex(size);
  auto value = dyn_cast_or_null<DenseElementsAttr>(n.node.attribute("value"));
  if (value && value.getNumElements() != 1)
    return n.fail("expects a value of one element");
  Type type = value ? value.getElementType() : n.e.builder.getF32Type();
  auto element =
      value ? value.getValues<TypedAttr>()[0] : n.e.builder.getF32FloatAttr(0);
  n.setResult(0, n.generate(*sizes, type, [&](Emit &e, ValueRange) -> Value {
    return arith::ConstantOp::create(e.builder, e.loc, element);
  }));
  return success();
}

/// ceil((limit - start) / delta) elements start + i * delta.
LogicalResult lowerRange(NodeLowering &n) {
  Value start = n.input(0), limit = n.input(1), delta = n.input(2);
  for (Value bound : {start, limit, delta})
    if (!bound || NodeLowering::rankOf(bound) > 1)
      return n.fail("expects three scalars");
  auto scalar = [&](Emit &e, Value tensor) {
    SmallVector<Value> at(NodeLowering::rankOf(tensor), e.index(0));
    return n.read(e, tensor, at);
  };
  auto first = n.integers(start), last = n.integers(limit),
       step = n.integers(delta);
  Emit &e = n.e;
  OpFoldResult count;
  if (first && last && step) {
    int64_t d = step->front();
    if (d == 0)
      return n.fail("expects a step other than 0");
    int64_t distance = last->front() - first->front();
    int64_t whole = distance / d + (distance % d != 0 ? 1 : 0);
    count = e.builder.getIndexAttr(
        distance == 0 || (distance < 0) != (d < 0) ? 0 : whole);
  } else {
    Value from = scalar(e, start), to = scalar(e, limit), by = scalar(e, delta);
    Value distance = e.sub(to, from);
    Value whole;
    if (isa<FloatType>(from.getType())) {
      Value quotient = e.div(distance, by);
      Value truncated =
          NodeLowering::convert(e, quotient, e.builder.getI64Type());
      Value back = NodeLowering::convert(e, truncated, quotient.getType());
      whole = e.add(truncated, NodeLowering::convert(e, e.less(back, quotient),
                                                     e.builder.getI64Type()));
    } else {
      whole = arith::CeilDivSIOp::create(e.builder, e.loc, distance, by);
    }
    whole = NodeLowering::convert(e, whole, e.builder.getIndexType());
    count = e.max(whole, e.index(0));
  }
  n.setResult(0, n.generate(count, NodeLowering::elementOf(start),
                            [&](Emit &e, ValueRange at) {
                              Value from = scalar(e, start);
                              Value i = NodeLowering::convert(e, at[0],
                                                              from.getType());
                              return e.add(from, e.mul(i, scalar(e, delta)));
                            }));
  return success();
}

LogicalResult lowerEyeLike(NodeLowering &n) {
  if (NodeLowering::rankOf(n.input(0)) != 2 || n.node.attribute("dtype"))
    return n.fail("expects a matrix and its type");
  int64_t k = n.integer("k", 0);
  Type type = NodeLowering::elementOf(n.input(0));
  n.setResult(
      0, n.generate(n.sizesOf(n.input(0)), type, [&](Emit &e, ValueRange at) {
        Value isOne = e.equal(e.add(at[0], e.index(k)), at[1]);
        return NodeLowering::convert(e, isOne, type);
      }));
  return success();
}

} // namespace

void graph_to_linalg::addShapeRules(Rules &rules) {
  rules["Constant"] = lowerConstant;
  rules["ConstantOfShape"] = lowerConstantOfShape;
  rules["Range"] = lowerRange;
  rules["EyeLike"] = lowerEyeLike;
}
