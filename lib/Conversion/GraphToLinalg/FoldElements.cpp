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

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "lib/Import/OnnxTensor.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;
using graph_to_moe::wrapIndex;

namespace {

/// Longer lists are computed when the model runs.
constexpr size_t kMaxElements = 256;

/// The elements of a result, its rank (0 or 1) and its element type.
struct List {
  Dims elements;
  bool isScalar = false;
  Type type;
};

struct Folder {
  NodeLowering &n;
  SmallVector<std::optional<List>> inputs;

  explicit Folder(NodeLowering &n) : n(n) {
    for (unsigned i = 0; i < n.node.getInputs().size(); ++i) {
      std::optional<Dims> elements = n.elements(n.input(i));
      inputs.emplace_back();
      if (elements)
        inputs.back() =
            List{std::move(*elements), NodeLowering::rankOf(n.input(i)) == 0,
                 NodeLowering::elementOf(n.input(i))};
    }
  }

  const List *list(unsigned index) const {
    return index < inputs.size() && inputs[index] ? &*inputs[index] : nullptr;
  }
  OpFoldResult number(int64_t value) {
    return n.e.builder.getI64IntegerAttr(value);
  }
  OpFoldResult real(double value) { return n.e.builder.getF64FloatAttr(value); }

  std::optional<List> fold();

private:
  OpFoldResult binary(StringRef op, OpFoldResult a, OpFoldResult b, Type type);
  std::optional<List> foldBinary();
  std::optional<List> foldUnary();
  std::optional<List> foldCast();
  std::optional<List> foldShape();
  std::optional<List> foldWhere();
  std::optional<List> foldLayout();
  std::optional<List> foldReduction();
};

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

/// Nodes that choose and join elements.
std::optional<List> Folder::foldLayout() {
  StringRef op = n.node.getOpType();
  const List *operand = list(0);
  if (!operand)
    return std::nullopt;
  List result = *operand;
  if (op == "Unsqueeze" || op == "Squeeze" || op == "Reshape") {
    if (op == "Unsqueeze") {
      bool given = false;
      FailureOr<Integers> axes = n.axes(1, 1, given);
      if (!operand->isScalar || failed(axes) || axes->size() != 1)
        return std::nullopt;
      result.isScalar = false;
      return result;
    }
    if (op == "Squeeze") {
      if (operand->elements.size() != 1)
        return std::nullopt;
      result.isScalar = true;
      return result;
    }
    int64_t rank = NodeLowering::rankOf(n.input(1)) == 1
                       ? typeOf(n.input(1)).getDimSize(0)
                       : -1;
    if (rank != 1 && !(rank == 0 && operand->elements.size() == 1))
      return std::nullopt;
    result.isScalar = rank == 0;
    return result;
  }
  if (op == "Concat") {
    result.elements.clear();
    for (unsigned i = 0; i < inputs.size(); ++i) {
      const List *part = list(i);
      if (!part || part->isScalar)
        return std::nullopt;
      result.elements.append(part->elements);
    }
    return result;
  }
  if (op == "Gather") {
    auto places = n.integers(n.input(1));
    if (operand->isScalar || !places)
      return std::nullopt;
    result.elements.clear();
    result.isScalar = NodeLowering::rankOf(n.input(1)) == 0;
    for (int64_t place : *places) {
      int64_t index = wrapIndex(place, operand->elements.size());
      if (index < 0)
        return std::nullopt;
      result.elements.push_back(operand->elements[index]);
    }
    return result;
  }
  if (op == "Slice" && n.version() >= 10) {
    auto starts = n.integers(n.input(1)), ends = n.integers(n.input(2));
    std::optional<Integers> steps =
        n.input(4) ? n.integers(n.input(4)) : Integers{1};
    if (operand->isScalar || !starts || !ends || !steps ||
        starts->size() != 1 || ends->size() != 1 || steps->size() != 1 ||
        steps->front() < 1)
      return std::nullopt;
    int64_t size = operand->elements.size();
    auto bound = [&](int64_t place) {
      return std::clamp<int64_t>(place < 0 ? place + size : place, 0, size);
    };
    result.elements.clear();
    for (int64_t i = bound(starts->front()); i < bound(ends->front());
         i += steps->front())
      result.elements.push_back(operand->elements[i]);
    return result;
  }
  if (op == "Expand") {
    auto shape = n.integers(n.input(1));
    if (!shape || shape->size() != 1 || operand->elements.size() != 1 ||
        shape->front() < 1 || size_t(shape->front()) > kMaxElements)
      return std::nullopt;
    result.isScalar = false;
    result.elements.assign(shape->front(), operand->elements.front());
    return result;
  }
  if (op == "ConstantOfShape") {
    auto shape = n.integers(n.input(0));
    auto value =
        dyn_cast_or_null<DenseIntElementsAttr>(n.node.attribute("value"));
    if (!shape || shape->size() != 1 || !value || value.getNumElements() != 1 ||
        shape->front() < 0 || size_t(shape->front()) > kMaxElements)
      return std::nullopt;
    result.type = value.getElementType();
    result.isScalar = false;
    APInt element = *value.begin();
    result.elements.assign(shape->front(),
                           number(result.type.isInteger(1)
                                      ? int64_t(element.getZExtValue())
                                      : element.getSExtValue()));
    return result;
  }
  return std::nullopt;
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

} // namespace

bool graph_to_linalg::foldElements(NodeLowering &n) {
  if (n.node.getOutputs().size() != 1)
    return false;
  std::optional<List> list = Folder(n).fold();
  n.reason.clear();
  if (!list || list->elements.size() > kMaxElements)
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
