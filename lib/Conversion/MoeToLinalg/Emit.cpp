//===- Emit.cpp - tensor programs in few words ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace portolan;

RankedTensorType portolan::typeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

Type portolan::elementOf(Value tensor) {
  return typeOf(tensor).getElementType();
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

namespace {

bool isFloatValue(Value value) { return isa<FloatType>(value.getType()); }

/// Builds the float or the integer form of a binary op.
template <typename FloatOp, typename IntOp>
Value binary(Emit &e, Value a, Value b) {
  if (isFloatValue(a))
    return FloatOp::create(e.builder, e.loc, a, b);
  return IntOp::create(e.builder, e.loc, a, b);
}

} // namespace

Value Emit::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value Emit::f32(double value) { return constant(builder.getF32Type(), value); }

Value Emit::constant(Type type, double value) {
  TypedAttr attr =
      isa<FloatType>(type)
          ? TypedAttr(builder.getFloatAttr(type, value))
          : TypedAttr(builder.getIntegerAttr(type, int64_t(value)));
  return arith::ConstantOp::create(builder, loc, attr);
}

Value Emit::add(Value a, Value b) {
  return binary<arith::AddFOp, arith::AddIOp>(*this, a, b);
}
Value Emit::sub(Value a, Value b) {
  return binary<arith::SubFOp, arith::SubIOp>(*this, a, b);
}
Value Emit::mul(Value a, Value b) {
  return binary<arith::MulFOp, arith::MulIOp>(*this, a, b);
}
Value Emit::div(Value a, Value b) {
  return binary<arith::DivFOp, arith::DivSIOp>(*this, a, b);
}
Value Emit::rem(Value a, Value b) {
  return arith::RemSIOp::create(builder, loc, a, b);
}
Value Emit::max(Value a, Value b) {
  return binary<arith::MaximumFOp, arith::MaxSIOp>(*this, a, b);
}
Value Emit::min(Value a, Value b) {
  return binary<arith::MinimumFOp, arith::MinSIOp>(*this, a, b);
}

Value Emit::less(Value a, Value b) {
  if (isFloatValue(a))
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, a, b);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, b);
}

Value Emit::equal(Value a, Value b) {
  if (isFloatValue(a))
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, a, b);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b);
}

Value Emit::both(Value a, Value b) {
  return arith::AndIOp::create(builder, loc, a, b);
}
Value Emit::either(Value a, Value b) {
  return arith::OrIOp::create(builder, loc, a, b);
}

Value Emit::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}

Value Emit::exp(Value a) { return math::ExpOp::create(builder, loc, a); }

Value Emit::sigmoid(Value a) {
  Value one = constant(a.getType(), 1);
  Value negated = arith::NegFOp::create(builder, loc, a);
  return div(one, add(one, exp(negated)));
}

Value Emit::cast(Value a, Type type) {
  Type from = a.getType();
  if (from == type)
    return a;
  if (isa<FloatType>(from)) {
    if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(builder, loc, type, a);
    if (from.getIntOrFloatBitWidth() > type.getIntOrFloatBitWidth())
      return arith::TruncFOp::create(builder, loc, type, a);
    // bf16 and f16: neither extends the other.
    return cast(cast(a, builder.getF32Type()), type);
  }
  if (isa<IndexType>(from) || isa<IndexType>(type))
    return arith::IndexCastOp::create(builder, loc, type, a);
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(builder, loc, type, a);
  return arith::TruncIOp::create(builder, loc, type, a);
}

Value Emit::clampIndex(Value a, Value bound) {
  return max(min(a, sub(bound, index(1))), index(0));
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

OpFoldResult Emit::dim(Value tensor, int64_t dimension) {
  return tensor::getMixedSize(builder, loc, tensor, dimension);
}

Value Emit::dimValue(Value tensor, int64_t dimension) {
  return getValueOrCreateConstantIndexOp(builder, loc, dim(tensor, dimension));
}

SmallVector<OpFoldResult> Emit::sizesOf(Value tensor) {
  return tensor::getMixedSizes(builder, loc, tensor);
}

Value Emit::empty(ArrayRef<OpFoldResult> sizes, Type type) {
  return tensor::EmptyOp::create(builder, loc, sizes, type);
}

Value Emit::filled(ArrayRef<OpFoldResult> sizes, Value scalar) {
  Value target = empty(sizes, scalar.getType());
  return linalg::FillOp::create(builder, loc, scalar, target).getResult(0);
}

Value Emit::extract(Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(builder, loc, tensor, indices);
}

Value Emit::insert(Value scalar, Value tensor, ValueRange indices) {
  return tensor::InsertOp::create(builder, loc, scalar, tensor, indices);
}

Value Emit::slice(Value tensor, int64_t dimension, OpFoldResult offset,
                  OpFoldResult size) {
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  offsets[dimension] = offset;
  sizes[dimension] = size;
  // The verifier has no offset within an empty tensor (a rank without
  // sequences).
  if (typeOf(tensor).getNumDynamicDims() == 0 &&
      typeOf(tensor).getNumElements() == 0)
    return empty(sizes, typeOf(tensor).getElementType());
  return tensor::ExtractSliceOp::create(builder, loc, tensor, offsets, sizes,
                                        strides);
}

Value Emit::insertSlice(Value part, Value tensor, int64_t dimension,
                        OpFoldResult offset) {
  if (typeOf(tensor).getNumDynamicDims() == 0 &&
      typeOf(tensor).getNumElements() == 0)
    return tensor;
  SmallVector<OpFoldResult> sizes = sizesOf(part);
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  offsets[dimension] = offset;
  return tensor::InsertSliceOp::create(builder, loc, part, tensor, offsets,
                                       sizes, strides);
}

Value Emit::take(Value tensor, OpFoldResult index) {
  auto type = typeOf(tensor);
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  offsets[0] = index;
  sizes[0] = builder.getIndexAttr(1);
  auto reduced = RankedTensorType::get(type.getShape().drop_front(),
                                       type.getElementType());
  return tensor::ExtractSliceOp::create(builder, loc, reduced, tensor, offsets,
                                        sizes, strides);
}

Value Emit::split(Value tensor, int64_t dimension, ArrayRef<int64_t> sizes) {
  auto type = typeOf(tensor);
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> mixed;
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    ReassociationIndices group;
    if (i == dimension) {
      for (int64_t size : sizes) {
        group.push_back(shape.size());
        shape.push_back(size);
        mixed.push_back(builder.getIndexAttr(size));
      }
    } else {
      group.push_back(shape.size());
      shape.push_back(type.getDimSize(i));
      mixed.push_back(dim(tensor, i));
    }
    groups.push_back(group);
  }
  return tensor::ExpandShapeOp::create(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), tensor,
      groups, mixed);
}

Value Emit::merge(Value tensor, int64_t dimension, int64_t count) {
  if (count == 1)
    return tensor;
  SmallVector<ReassociationIndices> groups;
  int64_t rank = typeOf(tensor).getRank();
  for (int64_t i = 0; i < rank; ++i) {
    if (i <= dimension || i >= dimension + count)
      groups.emplace_back();
    groups.back().push_back(i);
  }
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

Value Emit::column(Value vector) {
  auto type = typeOf(vector);
  auto result =
      RankedTensorType::get({type.getDimSize(0), 1}, type.getElementType());
  return tensor::ExpandShapeOp::create(
      builder, loc, result, vector, ArrayRef<ReassociationIndices>{{0, 1}},
      ArrayRef<OpFoldResult>{dim(vector, 0), builder.getIndexAttr(1)});
}

Value Emit::rows(Value tensor) {
  auto type = typeOf(tensor);
  if (type.getRank() == 1)
    return split(tensor, 0, {1, type.getDimSize(0)});
  return merge(tensor, 0, type.getRank() - 1);
}

Value Emit::unrows(Value tensor, Value like) {
  auto type = typeOf(tensor);
  auto other = typeOf(like);
  if (other.getRank() == 1)
    return merge(tensor, 0, 2);
  if (other.getRank() == 2)
    return tensor;
  SmallVector<int64_t> shape(other.getShape().drop_back());
  shape.push_back(type.getDimSize(1));
  SmallVector<OpFoldResult> mixed = sizesOf(like);
  mixed.back() = dim(tensor, 1);
  ReassociationIndices leading;
  for (int64_t i = 0; i + 1 < other.getRank(); ++i)
    leading.push_back(i);
  return tensor::ExpandShapeOp::create(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), tensor,
      ArrayRef<ReassociationIndices>{leading, {other.getRank() - 1}}, mixed);
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

namespace {

struct Spec {
  SmallVector<StringRef> inputs;
  SmallVector<StringRef> results;
  std::string loops; ///< every letter once, in order of appearance

  explicit Spec(StringRef text) {
    auto [left, right] = text.split("->");
    // "->i" has no input; "->" an empty (scalar) result.
    if (!left.empty())
      left.split(inputs, ',');
    right.split(results, ',');
    for (char letter : text)
      if (isalpha(letter) && !StringRef(loops).contains(letter))
        loops += letter;
  }

  AffineMap map(StringRef letters, MLIRContext *context) const {
    SmallVector<AffineExpr> exprs;
    for (char letter : letters)
      exprs.push_back(getAffineDimExpr(StringRef(loops).find(letter), context));
    return AffineMap::get(loops.size(), 0, exprs, context);
  }
};

} // namespace

SmallVector<OpFoldResult> Emit::resultSizes(StringRef text, ValueRange inputs,
                                            const Sizes &sizes) {
  Spec spec(text);
  assert(spec.inputs.size() == inputs.size() && "one letter group per input");
  SmallVector<OpFoldResult> result;
  for (char letter : spec.results.front()) {
    OpFoldResult size;
    for (auto [name, given] : sizes)
      if (name == letter)
        size = given;
    for (auto [letters, input] : llvm::zip_equal(spec.inputs, inputs))
      if (size_t position = letters.find(letter);
          !size && position != StringRef::npos)
        size = dim(input, position);
    assert(size && "a letter of the result without a size");
    result.push_back(size);
  }
  return result;
}

SmallVector<Value> Emit::generic(StringRef text, ValueRange inputs,
                                 ValueRange initials, Bodies body) {
  Spec spec(text);
  MLIRContext *context = builder.getContext();
  SmallVector<AffineMap> maps;
  for (StringRef letters : spec.inputs)
    maps.push_back(spec.map(letters, context));
  for (StringRef letters : spec.results)
    maps.push_back(spec.map(letters, context));
  SmallVector<utils::IteratorType> iterators;
  for (char letter : spec.loops)
    iterators.push_back(spec.results.front().contains(letter)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  auto build = [&](OpBuilder &inner, Location innerLoc, ValueRange args) {
    Emit e(inner, innerLoc);
    e.loops = spec.loops;
    SmallVector<Value> values;
    for (Value arg : args)
      values.push_back(isa<BFloat16Type, Float16Type>(arg.getType())
                           ? e.cast(arg, inner.getF32Type())
                           : arg);
    SmallVector<Value> results = body(e, values);
    for (auto [result, initial] : llvm::zip_equal(results, initials))
      result = e.cast(result, elementOf(initial));
    linalg::YieldOp::create(inner, innerLoc, results);
  };
  auto op = linalg::GenericOp::create(builder, loc, TypeRange(initials), inputs,
                                      initials, maps, iterators, build);
  return SmallVector<Value>(op.getResults());
}

Value Emit::map(StringRef spec, ValueRange inputs, Type element, Body body,
                const Sizes &sizes) {
  Value target = empty(resultSizes(spec, inputs, sizes), element);
  return generic(spec, inputs, target, [&](Emit &e, ValueRange args) {
    return SmallVector<Value>{body(e, args.drop_back())};
  })[0];
}

Value Emit::reduce(StringRef spec, ValueRange inputs, double initial, Body body,
                   const Sizes &sizes) {
  Value target = filled(resultSizes(spec, inputs, sizes), f32(initial));
  return generic(spec, inputs, target, [&](Emit &e, ValueRange args) {
    return SmallVector<Value>{body(e, args)};
  })[0];
}

Value Emit::contract(StringRef spec, ValueRange inputs) {
  return reduce(spec, inputs, 0, [](Emit &e, ValueRange args) {
    Value product = args[0];
    for (Value factor : args.drop_front().drop_back())
      product = e.mul(product, factor);
    return e.add(args.back(), product);
  });
}

Value Emit::castTensor(Value tensor, Type element) {
  if (elementOf(tensor) == element)
    return tensor;
  std::string letters;
  for (int64_t i = 0, e = typeOf(tensor).getRank(); i < e; ++i)
    letters += char('a' + i);
  return map(letters + "->" + letters, tensor, element,
             [](Emit &, ValueRange args) { return args[0]; });
}

Value Emit::at(char letter) {
  size_t position = loops.find(letter);
  assert(position != std::string::npos && "not a loop of this op");
  return linalg::IndexOp::create(builder, loc, position);
}

SmallVector<Value> Emit::loop(
    Value count, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(Emit &, Value, ValueRange)> body) {
  auto op = scf::ForOp::create(
      builder, loc, index(0), count, index(1), carried,
      [&](OpBuilder &inner, Location innerLoc, Value i, ValueRange args) {
        Emit e(inner, innerLoc);
        scf::YieldOp::create(inner, innerLoc, body(e, i, args));
      });
  return SmallVector<Value>(op.getResults());
}
