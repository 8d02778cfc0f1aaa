//===- NodeLowering.cpp - lowering of one graph node ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;
using graph_to_moe::wrapIndex;

/// Lists of elements are followed up to this length.
static constexpr int64_t kMaxElements = 256;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

int64_t NodeLowering::integer(StringRef name, int64_t absent) {
  return graph_to_moe::integerAttr(node, name, absent);
}

double NodeLowering::real(StringRef name, double absent) {
  auto attribute = dyn_cast_or_null<FloatAttr>(node.attribute(name));
  return attribute ? attribute.getValueAsDouble() : absent;
}

StringRef NodeLowering::string(StringRef name, StringRef absent) {
  auto attribute = dyn_cast_or_null<StringAttr>(node.attribute(name));
  return attribute ? attribute.getValue() : absent;
}

std::optional<Integers> NodeLowering::integersAttr(StringRef name) {
  auto list = dyn_cast_or_null<DenseI64ArrayAttr>(node.attribute(name));
  return list ? std::optional<Integers>(list.asArrayRef()) : std::nullopt;
}

FailureOr<Integers> NodeLowering::axes(unsigned operand, int64_t rank,
                                       bool &given) {
  std::optional<Integers> list = integersAttr("axes");
  given = list || input(operand);
  if (!list && input(operand))
    list = integers(input(operand));
  if (!given)
    return Integers();
  if (!list)
    return fail("expects axes that follow from the shapes of the inputs");
  for (int64_t &axis : *list) {
    int64_t place = wrapIndex(axis, rank);
    if (place < 0)
      return fail("expects axes of a tensor of rank " + Twine(rank) + ", got " +
                  Twine(axis));
    axis = place;
  }
  llvm::sort(*list);
  return *list;
}

FailureOr<int64_t> NodeLowering::axis(int64_t absent, int64_t rank) {
  int64_t stated = integer("axis", absent), place = wrapIndex(stated, rank);
  if (place < 0)
    return fail("expects an axis of a tensor of rank " + Twine(rank) +
                ", got " + Twine(stated));
  return place;
}

//===----------------------------------------------------------------------===//
// Known elements
//===----------------------------------------------------------------------===//

std::optional<Dims> NodeLowering::elements(Value tensor) {
  if (!tensor)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || type.getRank() > 1)
    return std::nullopt;
  Dims list;
  DenseElementsAttr constant;
  if (matchPattern(tensor, m_Constant(&constant))) {
    if (constant.getNumElements() > kMaxElements)
      return std::nullopt;
    bool isBool = type.getElementType().isInteger(1);
    if (isa<FloatType>(type.getElementType())) {
      for (const APFloat &value : constant.getValues<APFloat>()) {
        APFloat wide = value;
        bool loses = false;
        wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &loses);
        list.push_back(e.builder.getF64FloatAttr(wide.convertToDouble()));
      }
    } else {
      for (const APInt &value : constant.getValues<APInt>())
        list.push_back(e.builder.getI64IntegerAttr(
            isBool ? int64_t(value.getZExtValue()) : value.getSExtValue()));
    }
    return list;
  }
  auto built = tensor.getDefiningOp<tensor::FromElementsOp>();
  if (!built || !isa<IntegerType>(type.getElementType()))
    return std::nullopt;
  for (Value element : built.getElements()) {
    std::optional<int64_t> known = getConstantIntValue(element);
    list.push_back(known ? OpFoldResult(e.builder.getI64IntegerAttr(*known))
                         : OpFoldResult(element));
  }
  return list;
}

std::optional<Integers> NodeLowering::integers(Value tensor) {
  std::optional<Dims> list = elements(tensor);
  if (!list)
    return std::nullopt;
  Integers known;
  for (OpFoldResult element : *list) {
    auto attribute = dyn_cast<Attribute>(element);
    auto number = dyn_cast_or_null<IntegerAttr>(attribute);
    if (!number)
      return std::nullopt;
    known.push_back(number.getInt());
  }
  return known;
}

OpFoldResult NodeLowering::toIndex(OpFoldResult element) {
  if (auto attribute = dyn_cast<Attribute>(element))
    return e.builder.getIndexAttr(cast<IntegerAttr>(attribute).getInt());
  return convert(e, cast<Value>(element), e.builder.getIndexType());
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value NodeLowering::convert(Emit &e, Value scalar, Type type) {
  Type from = scalar.getType();
  if (from == type)
    return scalar;
  bool isBool = from.isInteger(1);
  if (type.isInteger(1)) {
    Value zero = e.constant(from, 0);
    if (isa<FloatType>(from))
      return arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::UNE,
                                   scalar, zero);
    return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ne,
                                 scalar, zero);
  }
  if (isa<FloatType>(type)) {
    if (isa<FloatType>(from))
      return e.cast(scalar, type);
    if (isa<IndexType>(from))
      scalar = e.cast(scalar, e.builder.getI64Type());
    if (isBool)
      return arith::UIToFPOp::create(e.builder, e.loc, type, scalar);
    return arith::SIToFPOp::create(e.builder, e.loc, type, scalar);
  }
  if (isa<FloatType>(from)) {
    if (!isa<IndexType>(type))
      return arith::FPToSIOp::create(e.builder, e.loc, type, scalar);
    return e.cast(arith::FPToSIOp::create(e.builder, e.loc,
                                          e.builder.getI64Type(), scalar),
                  type);
  }
  if (isBool && isa<IndexType>(type))
    return arith::IndexCastUIOp::create(e.builder, e.loc, type, scalar);
  if (isBool)
    return arith::ExtUIOp::create(e.builder, e.loc, type, scalar);
  return e.cast(scalar, type);
}

Value NodeLowering::read(Emit &e, Value tensor, ValueRange at) {
  Value scalar = e.extract(tensor, at);
  if (isa<BFloat16Type, Float16Type>(scalar.getType()))
    return e.cast(scalar, e.builder.getF32Type());
  return scalar;
}

Value NodeLowering::readBroadcast(Emit &e, Value tensor, ValueRange at) {
  RankedTensorType type = typeOf(tensor);
  SmallVector<Value> places(at.take_back(type.getRank()));
  for (auto [dim, place] : llvm::enumerate(places)) {
    if (type.getDimSize(dim) == 1)
      place = e.index(0);
    else if (type.isDynamicDim(dim))
      place = e.clampIndex(place, e.dimValue(tensor, dim));
  }
  return read(e, tensor, places);
}

Value NodeLowering::wrap(Emit &e, Value scalar, Value size) {
  Value place = convert(e, scalar, e.builder.getIndexType());
  Value isNegative = e.less(place, e.index(0));
  return e.clampIndex(e.select(isNegative, e.add(place, size), place), size);
}

Value NodeLowering::choose(Emit &e, Value condition,
                           llvm::function_ref<Value(Emit &)> yes,
                           llvm::function_ref<Value(Emit &)> no) {
  auto branch = [](llvm::function_ref<Value(Emit &)> build) {
    return [=](OpBuilder &inner, Location loc) {
      Emit nested(inner, loc);
      scf::YieldOp::create(inner, loc, build(nested));
    };
  };
  return scf::IfOp::create(e.builder, e.loc, condition, branch(yes), branch(no))
      .getResult(0);
}

SmallVector<Value> NodeLowering::loops(Emit &e, ValueRange counts,
                                       ValueRange carried, Step step) {
  SmallVector<Value> at;
  std::function<SmallVector<Value>(Emit &, ValueRange)> nest =
      [&](Emit &e, ValueRange carried) -> SmallVector<Value> {
    if (at.size() == counts.size())
      return step(e, at, carried);
    return e.loop(counts[at.size()], carried,
                  [&](Emit &inner, Value i, ValueRange args) {
                    at.push_back(i);
                    SmallVector<Value> next = nest(inner, args);
                    at.pop_back();
                    return next;
                  });
  };
  return nest(e, carried);
}

Value NodeLowering::value(Emit &e, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(e.builder, e.loc, size);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value NodeLowering::generate(ArrayRef<OpFoldResult> sizes, Type element,
                             Body body) {
  // Not tensor.generate, into whose readers its body is folded, and into
  // theirs.
  Value target = e.empty(sizes, element);
  unsigned rank = sizes.size();
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             e.builder, e.loc, TypeRange(target), ValueRange(),
             ValueRange(target),
             ArrayRef<AffineMap>{e.builder.getMultiDimIdentityMap(rank)}, loops,
             [&](OpBuilder &inner, Location loc, ValueRange) {
               Emit nested(inner, loc);
               SmallVector<Value> at;
               for (unsigned dim = 0; dim < rank; ++dim)
                 at.push_back(linalg::IndexOp::create(inner, loc, dim));
               Value scalar = convert(nested, body(nested, at), element);
               linalg::YieldOp::create(inner, loc, scalar);
             })
      .getResult(0);
}

Dims NodeLowering::broadcast(ArrayRef<Dims> shapes) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max(rank, shape.size());
  Dims result(rank, e.builder.getIndexAttr(1));
  for (const Dims &shape : shapes)
    for (auto [i, size] : llvm::enumerate(shape)) {
      OpFoldResult &known = result[rank - shape.size() + i];
      std::optional<int64_t> mine = getConstantIntValue(size),
                             other = getConstantIntValue(known);
      if (mine == 1 || (other && other != 1) || known == size)
        continue;
      if (mine || other == 1) {
        known = size;
        continue;
      }
      // Two sizes that are only known later: one of them may be 1.
      Value a = value(e, known), b = value(e, size);
      known = e.select(e.equal(a, e.index(1)), b, a);
    }
  return result;
}

Value NodeLowering::map(ValueRange tensors, Type element,
                        llvm::function_ref<Value(Emit &, ValueRange)> body) {
  SmallVector<Dims> shapes;
  for (Value tensor : tensors)
    shapes.push_back(sizesOf(tensor));
  return generate(broadcast(shapes), element, [&](Emit &e, ValueRange at) {
    SmallVector<Value> scalars;
    for (Value tensor : tensors)
      scalars.push_back(readBroadcast(e, tensor, at));
    return body(e, scalars);
  });
}

Value NodeLowering::reduce(
    Value tensor, ArrayRef<int64_t> axes, Type element, Value initial,
    llvm::function_ref<Value(Emit &, Value, Value)> combine) {
  Dims sizes = sizesOf(tensor), counts;
  for (int64_t axis : axes) {
    counts.push_back(sizes[axis]);
    sizes[axis] = e.builder.getIndexAttr(1);
  }
  return generate(sizes, element, [&](Emit &e, ValueRange at) {
    SmallVector<Value> limits;
    for (OpFoldResult count : counts)
      limits.push_back(value(e, count));
    return loops(e, limits, initial,
                 [&](Emit &e, ValueRange along, ValueRange acc) {
                   SmallVector<Value> place(at);
                   for (auto [axis, i] : llvm::zip_equal(axes, along))
                     place[axis] = i;
                   return SmallVector<Value>{
                       combine(e, acc[0], read(e, tensor, place))};
                 })
        .front();
  });
}

Value NodeLowering::reshape(Value tensor, ArrayRef<OpFoldResult> sizes) {
  // The place in the order of elements, and from there the old indices.
  Dims from = sizesOf(tensor);
  return generate(sizes, elementOf(tensor), [&](Emit &e, ValueRange at) {
    Value linear = e.index(0);
    for (auto [i, size] : llvm::zip_equal(at, sizes))
      linear = e.add(e.mul(linear, value(e, size)), i);
    SmallVector<Value> place(from.size());
    for (size_t dim = from.size(); dim-- > 0;) {
      Value size = value(e, from[dim]);
      place[dim] = dim == 0 ? linear : e.rem(linear, size);
      linear = e.div(linear, size);
    }
    return e.extract(tensor, place);
  });
}
