//===- FoldElements.cpp - shape arithmetic is done ahead of time ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters compute the target of a Reshape by a dozen nodes on tensors of one
// or a few integers. With bound dimensions these are numbers. A size that is
// only known later (how many tokens an expert gets) is one element that is a
// value among others that are numbers, so lists are followed element by
// element.
//
// Nodes of tensors of rank 0 and 1 are folded, floats only where all elements
// are known: some exporters divide sizes as floats.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/FoldElements.h"
#include "lib/Import/OnnxTensor.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

std::optional<int64_t> integerOf(OpFoldResult element) {
  auto attribute = dyn_cast<Attribute>(element);
  auto number = dyn_cast_or_null<IntegerAttr>(attribute);
  return number ? std::optional<int64_t>(number.getInt()) : std::nullopt;
}

std::optional<double> realOf(OpFoldResult element) {
  auto attribute = dyn_cast<Attribute>(element);
  if (auto number = dyn_cast_or_null<FloatAttr>(attribute))
    return number.getValueAsDouble();
  return std::nullopt;
}

std::optional<double> compute(StringRef op, double a, double b) {
  if (op == "Add")
    return a + b;
  if (op == "Sub")
    return a - b;
  if (op == "Mul")
    return a * b;
  if (op == "Div")
    return a / b;
  if (op == "Min")
    return std::min(a, b);
  if (op == "Max")
    return std::max(a, b);
  return std::nullopt;
}

/// Nothing where the result is undefined.
std::optional<int64_t> compute(StringRef op, int64_t a, int64_t b) {
  int64_t result;
  if (op == "Add")
    return llvm::AddOverflow(a, b, result) ? std::nullopt
                                           : std::optional<int64_t>(result);
  if (op == "Sub")
    return llvm::SubOverflow(a, b, result) ? std::nullopt
                                           : std::optional<int64_t>(result);
  if (op == "Mul")
    return llvm::MulOverflow(a, b, result) ? std::nullopt
                                           : std::optional<int64_t>(result);
  bool divides = b != 0 && !(a == INT64_MIN && b == -1);
  if (op == "Div")
    return divides ? std::optional<int64_t>(a / b) : std::nullopt;
  if (op == "Mod")
    return divides ? std::optional<int64_t>((a % b + b) % b) : std::nullopt;
  if (op == "Min")
    return std::min(a, b);
  if (op == "Max")
    return std::max(a, b);
  return llvm::StringSwitch<std::optional<int64_t>>(op)
      .Case("Equal", a == b)
      .Case("Less", a < b)
      .Case("LessOrEqual", a <= b)
      .Case("Greater", a > b)
      .Case("GreaterOrEqual", a >= b)
      .Case("And", a && b)
      .Case("Or", a || b)
      .Case("Xor", bool(a) != bool(b))
      .Default(std::nullopt);
}

bool isComparison(StringRef op) {
  return op == "Equal" || op == "Less" || op == "LessOrEqual" ||
         op == "Greater" || op == "GreaterOrEqual";
}

} // namespace

/// Null if it cannot be stated. Sizes that are values are not negative.
OpFoldResult Folder::binary(StringRef op, OpFoldResult a, OpFoldResult b,
                            Type type) {
  std::optional<int64_t> x = integerOf(a), y = integerOf(b);
  if (x && y) {
    auto known = compute(op, *x, *y);
    return known ? number(*known) : OpFoldResult();
  }
  if (std::optional<double> u = realOf(a), v = realOf(b); u && v) {
    auto known = compute(op, *u, *v);
    return known ? real(*known) : OpFoldResult();
  }
  if (isa<FloatType>(type) || isComparison(op))
    return nullptr;
  auto scalar = [&](OpFoldResult element) -> Value {
    if (std::optional<int64_t> known = integerOf(element))
      return arith::ConstantOp::create(
          n.e.builder, n.e.loc, n.e.builder.getIntegerAttr(type, *known));
    return cast<Value>(element);
  };
  if (op == "Add")
    return n.e.add(scalar(a), scalar(b));
  if (op == "Sub")
    return n.e.sub(scalar(a), scalar(b));
  if (op == "Mul")
    return n.e.mul(scalar(a), scalar(b));
  if (op == "Div" && y && *y != 0)
    return n.e.div(scalar(a), scalar(b));
  return nullptr;
}

std::optional<List> Folder::foldBinary() {
  const List *lhs = list(0), *rhs = list(1);
  if (!lhs || !rhs || inputs.size() != 2)
    return std::nullopt;
  size_t count = lhs->elements.size(), other = rhs->elements.size();
  if (count != other && count != 1 && other != 1)
    return std::nullopt;
  StringRef op = n.node.getOpType();
  if (op == "Mod" && n.integer("fmod", 0) != 0)
    return std::nullopt;
  List result;
  result.isScalar = lhs->isScalar && rhs->isScalar;
  result.type = isComparison(op) ? n.e.builder.getI1Type() : lhs->type;
  if (count == 1)
    count = other;
  for (size_t i = 0; i < count; ++i) {
    OpFoldResult a = lhs->elements[lhs->elements.size() == 1 ? 0 : i],
                 b = rhs->elements[rhs->elements.size() == 1 ? 0 : i];
    OpFoldResult element;
    if (isComparison(op) && realOf(a) && realOf(b)) {
      double u = *realOf(a), v = *realOf(b);
      element = number(op == "Equal"         ? u == v
                       : op == "Less"        ? u < v
                       : op == "LessOrEqual" ? u <= v
                       : op == "Greater"     ? u > v
                                             : u >= v);
    } else {
      element = binary(op, a, b, lhs->type);
    }
    if (!element)
      return std::nullopt;
    result.elements.push_back(element);
  }
  return result;
}

std::optional<List> Folder::foldUnary() {
  const List *operand = list(0);
  if (!operand)
    return std::nullopt;
  StringRef op = n.node.getOpType();
  List result = *operand;
  for (OpFoldResult &element : result.elements) {
    if (op == "Identity")
      continue;
    if (std::optional<double> x = realOf(element)) {
      std::optional<double> y = llvm::StringSwitch<std::optional<double>>(op)
                                    .Case("Neg", -*x)
                                    .Case("Abs", std::fabs(*x))
                                    .Case("Floor", std::floor(*x))
                                    .Case("Ceil", std::ceil(*x))
                                    .Case("Round", std::nearbyint(*x))
                                    .Default(std::nullopt);
      if (!y)
        return std::nullopt;
      element = real(*y);
      continue;
    }
    std::optional<int64_t> x = integerOf(element);
    if (!x || *x == INT64_MIN)
      return std::nullopt;
    if (op == "Neg")
      element = number(-*x);
    else if (op == "Abs")
      element = number(std::abs(*x));
    else if (op == "Not")
      element = number(*x == 0);
    else
      return std::nullopt;
  }
  return result;
}

std::optional<List> Folder::foldCast() {
  const List *operand = list(0);
  if (!operand)
    return std::nullopt;
  llvm::Expected<Type> type = onnx_import::elementType(
      int32_t(n.integer("to", 0)), n.node.getContext());
  if (!type) {
    llvm::consumeError(type.takeError());
    return std::nullopt;
  }
  bool toFloat = type->isF32() || type->isF64();
  if (!toFloat && !type->isSignlessInteger())
    return std::nullopt;
  List result = *operand;
  result.type = *type;
  for (OpFoldResult &element : result.elements) {
    if (std::optional<int64_t> x = integerOf(element)) {
      if (toFloat)
        element = real(type->isF32() ? double(float(*x)) : double(*x));
      else if (type->isInteger(1))
        element = number(*x != 0);
      else if (!type->isInteger(64))
        element = number(
            llvm::SignExtend64(uint64_t(*x), type->getIntOrFloatBitWidth()));
    } else if (std::optional<double> x = realOf(element)) {
      bool fits = std::fabs(*x) < 9e18;
      if (toFloat)
        element = real(type->isF32() ? double(float(*x)) : *x);
      else if (fits)
        element = number(type->isInteger(1) ? *x != 0 : int64_t(*x));
      else
        return std::nullopt;
    } else if (toFloat || type->isInteger(1)) {
      return std::nullopt;
    } else {
      element = NodeLowering::convert(n.e, cast<Value>(element), *type);
    }
  }
  return result;
}

std::optional<List> Folder::foldShape() {
  Value tensor = n.input(0);
  if (!tensor)
    return std::nullopt;
  Dims sizes = n.sizesOf(tensor);
  List result;
  result.type = n.e.builder.getI64Type();
  result.isScalar = n.node.getOpType() == "Size";
  for (OpFoldResult &size : sizes)
    if (auto value = dyn_cast<Value>(size))
      size = NodeLowering::convert(n.e, value, result.type);
    else
      size = number(*getConstantIntValue(size));
  if (result.isScalar) {
    OpFoldResult product = number(1);
    for (OpFoldResult size : sizes)
      if (product)
        product = binary("Mul", product, size, result.type);
    if (!product)
      return std::nullopt;
    result.elements = {product};
    return result;
  }
  int64_t rank = sizes.size();
  int64_t start = n.integer("start", 0), end = n.integer("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  result.elements.append(sizes.begin() + start, sizes.begin() + end);
  return result;
}

std::optional<List> Folder::foldWhere() {
  const List *condition = list(0), *yes = list(1), *no = list(2);
  if (!condition || !yes || !no)
    return std::nullopt;
  size_t count = std::max(
      {condition->elements.size(), yes->elements.size(), no->elements.size()});
  List result;
  result.type = yes->type;
  result.isScalar = condition->isScalar && yes->isScalar && no->isScalar;
  auto at = [&](const List *from, size_t i) {
    return from->elements[from->elements.size() == 1 ? 0 : i];
  };
  for (const List *from : {condition, yes, no})
    if (from->elements.size() != 1 && from->elements.size() != count)
      return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    std::optional<int64_t> flag = integerOf(at(condition, i));
    if (!flag)
      return std::nullopt;
    result.elements.push_back(at(*flag ? yes : no, i));
  }
  return result;
}

/// A reduction of all elements to one.
std::optional<List> Folder::foldReduction() {
  const List *operand = list(0);
  if (!operand || operand->isScalar || operand->elements.empty())
    return std::nullopt;
  bool given = false;
  FailureOr<Integers> axes = n.axes(1, 1, given);
  if (failed(axes) || (given && axes->empty()))
    return std::nullopt;
  StringRef op = llvm::StringSwitch<StringRef>(n.node.getOpType())
                     .Case("ReduceProd", "Mul")
                     .Case("ReduceSum", "Add")
                     .Case("ReduceMax", "Max")
                     .Case("ReduceMin", "Min")
                     .Default("");
  OpFoldResult total = operand->elements.front();
  for (OpFoldResult element : llvm::drop_begin(operand->elements))
    if (total)
      total = binary(op, total, element, operand->type);
  if (!total)
    return std::nullopt;
  return List{{total}, n.integer("keepdims", 1) == 0, operand->type};
}

std::optional<List> Folder::fold() {
  using Method = std::optional<List> (Folder::*)();
  auto method =
      llvm::StringSwitch<Method>(n.node.getOpType())
          .Cases({"Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"},
                 &Folder::foldBinary)
          .Cases({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
                  "And", "Or", "Xor"},
                 &Folder::foldBinary)
          .Cases({"Identity", "Neg", "Abs", "Not", "Floor", "Ceil", "Round"},
                 &Folder::foldUnary)
          .Case("Cast", &Folder::foldCast)
          .Cases({"Shape", "Size"}, &Folder::foldShape)
          .Case("Where", &Folder::foldWhere)
          .Cases({"Unsqueeze", "Squeeze", "Reshape", "Concat", "Gather",
                  "Slice", "Expand", "ConstantOfShape"},
                 &Folder::foldLayout)
          .Cases({"ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin"},
                 &Folder::foldReduction)
          .Default(nullptr);
  return method ? (this->*method)() : std::nullopt;
}

bool graph_to_linalg::foldElements(NodeLowering &n) {
  if (n.node.getOutputs().size() != 1)
    return false;
  std::optional<List> list = Folder(n).fold();
  n.reason.clear();
  if (!list || list->elements.size() > kMaxFolded)
    return false;
  OpBuilder &b = n.e.builder;
  SmallVector<int64_t> shape;
  if (!list->isScalar)
    shape.push_back(list->elements.size());
  auto type = RankedTensorType::get(shape, list->type);
  SmallVector<Attribute> known;
  SmallVector<Value> scalars;
  for (OpFoldResult element : list->elements) {
    TypedAttr attribute;
    if (std::optional<int64_t> number = integerOf(element))
      attribute = b.getIntegerAttr(list->type, *number);
    else if (std::optional<double> number = realOf(element))
      attribute = b.getFloatAttr(list->type, *number);
    if (attribute)
      known.push_back(attribute);
  }
  if (known.size() == list->elements.size()) {
    n.setResult(0, arith::ConstantOp::create(
                       b, n.e.loc, DenseElementsAttr::get(type, known)));
    return true;
  }
  for (OpFoldResult element : list->elements)
    if (std::optional<int64_t> number = integerOf(element))
      scalars.push_back(arith::ConstantOp::create(
          b, n.e.loc, b.getIntegerAttr(list->type, *number)));
    else
      scalars.push_back(cast<Value>(element));
  n.setResult(0, tensor::FromElementsOp::create(b, n.e.loc, type, scalars));
  return true;
}
