//===- ElementwiseRules.cpp - nodes that work on each element -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "lib/Import/OnnxTensor.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

bool isReal(Value scalar) { return isa<FloatType>(scalar.getType()); }

//===----------------------------------------------------------------------===//
// Unary
//===----------------------------------------------------------------------===//

template <typename Op> Value apply(Emit &e, Value x) {
  return Op::create(e.builder, e.loc, x);
}

Value negate(Emit &e, Value x) { return e.sub(e.constant(x.getType(), 0), x); }

/// x * y + z with numbers.
Value affine(Emit &e, Value x, double y, double z) {
  return e.add(e.mul(x, e.constant(x.getType(), y)),
               e.constant(x.getType(), z));
}

Value clamp(Emit &e, Value x, double low, double high) {
  return e.min(e.max(x, e.constant(x.getType(), low)),
               e.constant(x.getType(), high));
}

/// 0.5 x (1 + erf(x / sqrt 2)), or with tanh(sqrt(2 / pi)(x + 0.044715 x^3)).
Value gelu(Emit &e, Value x, bool isTanh) {
  Value inner;
  if (isTanh) {
    Value cube = e.mul(e.mul(x, x), x);
    Value sum = e.add(x, affine(e, cube, 0.044715, 0));
    inner = apply<math::TanhOp>(e, affine(e, sum, std::sqrt(2 / M_PI), 0));
  } else {
    inner = apply<math::ErfOp>(e, affine(e, x, std::sqrt(0.5), 0));
  }
  return e.mul(affine(e, x, 0.5, 0), affine(e, inner, 1, 1));
}

/// log(1 + exp(x)), for large x too.
Value softplus(Emit &e, Value x) {
  Value magnitude = e.max(x, negate(e, x)); // log1p(exp(-|x|)) + max(x, 0)
  Value tail = apply<math::Log1pOp>(e, e.exp(negate(e, magnitude)));
  return e.add(tail, e.max(x, e.constant(x.getType(), 0)));
}

/// The function of a float; null if `op` is not one.
Value unaryReal(Emit &e, NodeLowering &n, StringRef op, Value x) {
  auto zero = [&] { return e.constant(x.getType(), 0); };
  auto real = [&](StringRef name, double absent) {
    return n.real(name, absent);
  };
  if (op == "Sigmoid")
    return e.sigmoid(x);
  if (op == "Swish")
    return e.mul(x, e.sigmoid(affine(e, x, real("alpha", 1), 0)));
  if (op == "Mish")
    return e.mul(x, apply<math::TanhOp>(e, softplus(e, x)));
  if (op == "Gelu")
    return gelu(e, x, n.string("approximate", "none") == "tanh");
  if (op == "Softplus")
    return softplus(e, x);
  if (op == "Softsign")
    return e.div(x, affine(e, apply<math::AbsFOp>(e, x), 1, 1));
  if (op == "Reciprocal")
    return e.div(e.constant(x.getType(), 1), x);
  if (op == "LeakyRelu")
    return e.select(e.less(x, zero()), affine(e, x, real("alpha", 0.01), 0), x);
  if (op == "Elu")
    return e.select(e.less(x, zero()),
                    affine(e, apply<math::ExpM1Op>(e, x), real("alpha", 1), 0),
                    x);
  if (op == "HardSigmoid")
    return clamp(e, affine(e, x, real("alpha", 0.2), real("beta", 0.5)), 0, 1);
  if (op == "HardSwish")
    return e.mul(x, clamp(e, affine(e, x, 1.0 / 6, 0.5), 0, 1));
  using Build = Value (*)(Emit &, Value);
  auto build = llvm::StringSwitch<Build>(op)
                   .Case("Sqrt", apply<math::SqrtOp>)
                   .Case("Exp", apply<math::ExpOp>)
                   .Case("Log", apply<math::LogOp>)
                   .Case("Sin", apply<math::SinOp>)
                   .Case("Cos", apply<math::CosOp>)
                   .Case("Tan", apply<math::TanOp>)
                   .Case("Tanh", apply<math::TanhOp>)
                   .Case("Erf", apply<math::ErfOp>)
                   .Case("Floor", apply<math::FloorOp>)
                   .Case("Ceil", apply<math::CeilOp>)
                   .Case("Round", apply<math::RoundEvenOp>)
                   .Default(nullptr);
  return build ? build(e, x) : Value();
}

/// Functions of floats and integers alike.
Value unaryAny(Emit &e, StringRef op, Value x) {
  Type type = x.getType();
  if (op == "Neg")
    return negate(e, x);
  if (op == "Abs")
    return isReal(x) ? apply<math::AbsFOp>(e, x) : e.max(x, negate(e, x));
  if (op == "Relu")
    return e.max(x, e.constant(type, 0));
  if (op == "Sign") {
    Value zero = e.constant(type, 0);
    return e.sub(NodeLowering::convert(e, e.less(zero, x), type),
                 NodeLowering::convert(e, e.less(x, zero), type));
  }
  return nullptr;
}

LogicalResult lowerUnary(NodeLowering &n) {
  Value tensor = n.input(0);
  StringRef op = n.node.getOpType();
  Type element = NodeLowering::elementOf(tensor);
  bool isFloat = isa<FloatType>(element);
  if (op == "Not" ? !element.isInteger(1) : element.isInteger(1))
    return n.fail("expects elements that '" + op + "' is defined for");
  bool anyType = op == "Neg" || op == "Abs" || op == "Relu" || op == "Sign";
  if (!isFloat && !anyType && op != "Not")
    return n.fail("expects floats");
  n.setResult(0, n.map(tensor, element, [&](Emit &e, ValueRange x) -> Value {
    if (op == "Not")
      return arith::XOrIOp::create(e.builder, e.loc, x[0],
                                   e.constant(element, 1));
    if (Value result = unaryAny(e, op, x[0]))
      return result;
    return unaryReal(e, n, op, x[0]);
  }));
  return success();
}

LogicalResult lowerIsNaN(NodeLowering &n) {
  n.setResult(0, n.map(n.input(0), n.e.builder.getI1Type(),
                       [](Emit &e, ValueRange x) -> Value {
                         return arith::CmpFOp::create(e.builder, e.loc,
                                                      arith::CmpFPredicate::UNO,
                                                      x[0], x[0]);
                       }));
  return success();
}

LogicalResult lowerIdentity(NodeLowering &n) {
  n.setResult(0, n.input(0));
  return success();
}

/// Nothing is dropped in inference; the mask is true everywhere.
LogicalResult lowerDropout(NodeLowering &n) {
  if (Value training = n.input(2)) {
    auto flag = n.integers(training);
    if (!flag || flag->size() != 1 || flag->front() != 0)
      return n.fail("expects inference, got training_mode");
  }
  n.setResult(0, n.input(0));
  if (n.hasUse(1))
    n.setResult(
        1, n.map(n.input(0), n.e.builder.getI1Type(), [](Emit &e, ValueRange) {
          return e.constant(e.builder.getI1Type(), 1);
        }));
  return success();
}

LogicalResult lowerCast(NodeLowering &n) {
  Type type;
  if (n.node.getOpType() == "CastLike") {
    type = NodeLowering::elementOf(n.input(1));
  } else {
    llvm::Expected<Type> stated = onnx_import::elementType(
        int32_t(n.integer("to", 0)), n.node.getContext());
    if (!stated)
      return n.fail(llvm::toString(stated.takeError()));
    type = *stated;
  }
  for (Type side : {type, NodeLowering::elementOf(n.input(0))})
    if (!side.isSignlessInteger() &&
        !isa<Float32Type, Float64Type, Float16Type, BFloat16Type>(side)) {
      std::string text;
      llvm::raw_string_ostream(text) << side;
      return n.fail("expects signed integers, bool or floats of at least 16 "
                    "bits, got " +
                    text);
    }
  if (type == NodeLowering::elementOf(n.input(0))) {
    n.setResult(0, n.input(0));
    return success();
  }
  n.setResult(0, n.map(n.input(0), type, [&](Emit &e, ValueRange x) {
    return NodeLowering::convert(e, x[0], type);
  }));
  return success();
}

//===----------------------------------------------------------------------===//
// Binary and more
//===----------------------------------------------------------------------===//

/// a - floor(a / b) * b, or the rest with the sign of a.
Value modulo(Emit &e, Value a, Value b, bool fmod) {
  Value rest = isReal(a) ? Value(arith::RemFOp::create(e.builder, e.loc, a, b))
                         : e.rem(a, b);
  if (fmod)
    return rest;
  Value zero = e.constant(a.getType(), 0);
  Value differs = arith::XOrIOp::create(e.builder, e.loc, e.less(rest, zero),
                                        e.less(b, zero));
  Value isZero = e.equal(rest, zero);
  return e.select(isZero, rest, e.select(differs, e.add(rest, b), rest));
}

Value power(Emit &e, Value a, Value b) {
  if (!isReal(a)) {
    if (isReal(b)) {
      Value wide = NodeLowering::convert(e, a, b.getType());
      return NodeLowering::convert(
          e, math::PowFOp::create(e.builder, e.loc, wide, b), a.getType());
    }
    b = NodeLowering::convert(e, b, a.getType());
    return math::IPowIOp::create(e.builder, e.loc, a, b);
  }
  b = NodeLowering::convert(e, b, a.getType());
  return math::PowFOp::create(e.builder, e.loc, a, b);
}

Value compare(Emit &e, StringRef op, Value a, Value b) {
  if (op == "Greater")
    return e.less(b, a);
  if (op == "Less")
    return e.less(a, b);
  if (op == "LessOrEqual" || op == "GreaterOrEqual") {
    if (op == "GreaterOrEqual")
      std::swap(a, b);
    if (isReal(a))
      return arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OLE,
                                   a, b);
    return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::sle, a,
                                 b);
  }
  return e.equal(a, b);
}

Value binary(Emit &e, NodeLowering &n, StringRef op, Value a, Value b) {
  if (op == "Add" || op == "Sum" || op == "Mean")
    return e.add(a, b);
  if (op == "Sub")
    return e.sub(a, b);
  if (op == "Mul")
    return e.mul(a, b);
  if (op == "Div")
    return e.div(a, b);
  if (op == "Min")
    return e.min(a, b);
  if (op == "Max")
    return e.max(a, b);
  if (op == "Mod")
    return modulo(e, a, b, n.integer("fmod", 0) != 0);
  if (op == "And")
    return e.both(a, b);
  if (op == "Or")
    return e.either(a, b);
  if (op == "Xor")
    return arith::XOrIOp::create(e.builder, e.loc, a, b);
  if (op == "PRelu")
    return e.select(e.less(a, e.constant(a.getType(), 0)), e.mul(a, b), a);
  return power(e, a, b);
}

LogicalResult lowerBinary(NodeLowering &n) {
  StringRef op = n.node.getOpType();
  Type element = NodeLowering::elementOf(n.input(0));
  if (op != "Pow" && NodeLowering::elementOf(n.input(1)) != element)
    return n.fail("expects operands of one element type");
  n.setResult(
      0, n.map({n.input(0), n.input(1)}, element, [&](Emit &e, ValueRange x) {
        return binary(e, n, op, x[0], x[1]);
      }));
  return success();
}

LogicalResult lowerCompare(NodeLowering &n) {
  StringRef op = n.node.getOpType();
  if (NodeLowering::elementOf(n.input(1)) !=
      NodeLowering::elementOf(n.input(0)))
    return n.fail("expects operands of one element type");
  n.setResult(0, n.map({n.input(0), n.input(1)}, n.e.builder.getI1Type(),
                       [&](Emit &e, ValueRange x) {
                         return compare(e, op, x[0], x[1]);
                       }));
  return success();
}

/// Sum, Mean, Min, Max of any number of operands.
LogicalResult lowerVariadic(NodeLowering &n) {
  StringRef op = n.node.getOpType();
  SmallVector<Value> tensors;
  for (unsigned i = 0; i < n.node.getInputs().size(); ++i)
    tensors.push_back(n.input(i));
  Type element = NodeLowering::elementOf(tensors.front());
  n.setResult(0, n.map(tensors, element, [&](Emit &e, ValueRange x) {
    Value result = x[0];
    for (Value next : x.drop_front())
      result = binary(e, n, op, result, next);
    if (op == "Mean")
      result = e.div(result, e.constant(result.getType(), double(x.size())));
    return result;
  }));
  return success();
}

LogicalResult lowerWhere(NodeLowering &n) {
  n.setResult(0, n.map({n.input(0), n.input(1), n.input(2)},
                       NodeLowering::elementOf(n.input(1)),
                       [](Emit &e, ValueRange x) {
                         return e.select(x[0], x[1], x[2]);
                       }));
  return success();
}

/// Bounds are attributes up to version 10.
LogicalResult lowerClip(NodeLowering &n) {
  Value tensor = n.input(0);
  Type element = NodeLowering::elementOf(tensor);
  SmallVector<Value> tensors = {tensor};
  Value low = n.version() > 10 ? n.input(1) : Value(),
        high = n.version() > 10 ? n.input(2) : Value();
  if (low)
    tensors.push_back(low);
  if (high)
    tensors.push_back(high);
  n.setResult(0, n.map(tensors, element, [&](Emit &e, ValueRange x) {
    Value result = x[0];
    if (low)
      result = e.max(result, x[1]);
    else if (n.version() <= 10 && n.node.attribute("min"))
      result = e.max(result, e.constant(result.getType(), n.real("min", 0)));
    if (high)
      result = e.min(result, x.back());
    else if (n.version() <= 10 && n.node.attribute("max"))
      result = e.min(result, e.constant(result.getType(), n.real("max", 0)));
    return result;
  }));
  return success();
}

} // namespace

void graph_to_linalg::addElementwiseRules(Rules &rules) {
  for (StringRef op :
       {"Sqrt",        "Exp",       "Log",        "Sin",       "Cos",
        "Tan",         "Tanh",      "Erf",        "Floor",     "Ceil",
        "Round",       "Sigmoid",   "Swish",      "Mish",      "Gelu",
        "Softplus",    "Softsign",  "Reciprocal", "LeakyRelu", "Elu",
        "HardSigmoid", "HardSwish", "Neg",        "Abs",       "Relu",
        "Sign",        "Not"})
    rules[op] = lowerUnary;
  for (StringRef op :
       {"Add", "Sub", "Mul", "Div", "Mod", "Pow", "And", "Or", "Xor", "PRelu"})
    rules[op] = lowerBinary;
  for (StringRef op :
       {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
    rules[op] = lowerCompare;
  for (StringRef op : {"Sum", "Mean", "Min", "Max"})
    rules[op] = lowerVariadic;
  rules["IsNaN"] = lowerIsNaN;
  rules["Identity"] = lowerIdentity;
  rules["Dropout"] = lowerDropout;
  rules["Cast"] = lowerCast;
  rules["CastLike"] = lowerCast;
  rules["Where"] = lowerWhere;
  rules["Clip"] = lowerClip;
}
