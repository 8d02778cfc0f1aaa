//===- Raiser.cpp - shared state of the raising rules ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Raiser.h"
#include "dialects/Moe/IR/Dequantize.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Conversion/GraphToMoe/NarrowWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

const Rule *Rules::find(graph::NodeOp node, Raiser &raiser) const {
  auto found = rules.find((node.getDomain() + "::" + node.getOpType()).str());
  if (found == rules.end())
    return nullptr;
  for (const Rule &rule : found->second) {
    bool complete = true;
    for (unsigned i = 0; i < rule.required; ++i)
      complete &= bool(node.input(i));
    if (!rule.matches || (complete && rule.matches(node, raiser)))
      return &rule;
  }
  return nullptr;
}

graph::NodeOp graph_to_moe::nodeOf(Value value, StringRef opType) {
  auto node = value ? value.getDefiningOp<graph::NodeOp>() : nullptr;
  if (node && node.getDomain().empty() && node.getOpType() == opType)
    return node;
  return nullptr;
}

bool graph_to_moe::isWeight(Value value, int64_t rank) {
  if (!value || (rank != -1 && (!isa<RankedTensorType>(value.getType()) ||
                                typeOf(value).getRank() != rank)))
    return false;
  // What is computed ahead of the layers is as good. (HoistWeights.cpp)
  if (auto made = value.getDefiningOp<linalg::LinalgOp>();
      made && made.getNumDpsInputs() == 1)
    value = made.getDpsInputOperand(0)->get();
  return value.getDefiningOp<moe::WeightOp>() ||
         value.getDefiningOp<moe::DequantizeOp>();
}

std::optional<Projection> graph_to_moe::matchProjection(Value value) {
  if (graph::NodeOp product = nodeOf(value, "MatMul")) {
    if (product.input(0) && isWeight(product.input(1), 2))
      return Projection{product.input(0), product.input(1), nullptr};
    return std::nullopt;
  }
  graph::NodeOp sum = nodeOf(value, "Add");
  if (!sum || !sum.input(0) || !sum.input(1))
    return std::nullopt;
  for (auto [product, bias] : {std::pair{sum.input(0), sum.input(1)},
                               std::pair{sum.input(1), sum.input(0)}})
    if (isWeight(bias, 1) && nodeOf(product, "MatMul"))
      if (std::optional<Projection> found = matchProjection(product);
          found && lastDim(found->weight) == lastDim(bias)) {
        found->bias = bias;
        return found;
      }
  return std::nullopt;
}

Location graph_to_moe::partOf(graph::NodeOp node, StringRef part) {
  auto name = dyn_cast<NameLoc>(node.getLoc());
  if (!name)
    return node.getLoc();
  return NameLoc::get(StringAttr::get(node.getContext(),
                                      name.getName().getValue() + "/" + part));
}

void graph_to_moe::needsInputs(graph::NodeOp node, Raiser &, Values &values) {
  for (Value value : node.getInputs())
    if (!isa<NoneType>(value.getType()))
      values.push_back(value);
}

void graph_to_moe::needs(const Projection &projection, Values &values) {
  values.append({projection.input, projection.weight});
  if (projection.bias)
    values.push_back(projection.bias);
}

RankedTensorType graph_to_moe::typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t graph_to_moe::lastDim(Value value) {
  return typeOf(value).getShape().back();
}

RankedTensorType graph_to_moe::withLastDim(Value value, int64_t width) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  shape.back() = width;
  return RankedTensorType::get(shape, typeOf(value).getElementType());
}

//===----------------------------------------------------------------------===//
// Raiser
//===----------------------------------------------------------------------===//

Raiser::Raiser(func::FuncOp main, GraphFacts &facts)
    : main(main), facts(facts), ahead(main.getContext()),
      body(main.getContext()) {
  Block &block = main.getBody().front();
  body.setInsertionPoint(block.getTerminator());
  Operation *first = block.getTerminator();
  for (Operation &op : block)
    if (isa<graph::NodeOp>(op)) {
      first = &op;
      break;
    }
  ahead.setInsertionPoint(first);
  for (Value argument : block.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      map[argument] = argument;
  for (Operation &op : block)
    if (isa<moe::WeightOp, moe::DequantizeOp, linalg::TransposeOp>(op))
      map[op.getResult(0)] = op.getResult(0);
}

void Raiser::raise(Value value, Value to, Value like) {
  map[value] = to;
  if (Value source = tokensOf(like))
    tokens[to] = source;
}

Value Raiser::tokensOf(Value activation) const {
  return isa<BlockArgument>(activation) ? activation
                                        : tokens.lookup(activation);
}

Value Raiser::rows(Value value) const {
  if (const View *found = view(value))
    return found->layout == View::Layout::Rows ? found->base : Value();
  return raised(value);
}

void Raiser::raiseLike(Value value, Value to, Value like) {
  const View *found = view(like);
  if (!found)
    return raise(value, to, raised(like));
  View changed = *found;
  raise(to, to, found->base);
  changed.base = to;
  changed.headWidth = changed.width = lastDim(to);
  raiseView(value, changed);
}

std::optional<SmallVector<int64_t>> Raiser::constant(Value value) {
  return facts.integers(value);
}

Value Raiser::sliceWeight(Value weight, int64_t axis, int64_t offset,
                          int64_t size, int64_t stride) {
  RankedTensorType type = typeOf(weight);
  int64_t rank = type.getRank();
  SmallVector<int64_t> offsets(rank, 0), sizes(type.getShape()),
      strides(rank, 1);
  if (sizes[axis] == size)
    return weight;
  offsets[axis] = offset;
  sizes[axis] = size;
  strides[axis] = stride;
  return tensor::ExtractSliceOp::create(
      ahead, weight.getLoc(),
      RankedTensorType::get(sizes, type.getElementType()), weight, ValueRange(),
      ValueRange(), ValueRange(), offsets, sizes, strides);
}

Value graph_to_moe::transposeWeight(OpBuilder &builder, Value weight) {
  RankedTensorType type = typeOf(weight);
  int64_t rank = type.getRank();
  SmallVector<int64_t> shape(type.getShape()), permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(shape[rank - 1], shape[rank - 2]);
  std::swap(permutation[rank - 1], permutation[rank - 2]);
  Value init = tensor::EmptyOp::create(builder, weight.getLoc(), shape,
                                       type.getElementType());
  return linalg::TransposeOp::create(builder, weight.getLoc(), weight, init,
                                     permutation)
      ->getResult(0);
}

Value Raiser::zeros(RankedTensorType type) {
  Value &known = zerosOf[type];
  if (known)
    return known;
  auto module = main->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  OpBuilder builder(main);
  auto data = moe::WeightDataOp::create(
      builder, main.getLoc(), builder.getStringAttr("zeros"),
      TypeAttr::get(type), StringAttr(), IntegerAttr(), IntegerAttr(),
      DenseElementsAttr::get(type, builder.getZeroAttr(type.getElementType())));
  return known = moe::WeightOp::create(
             ahead, main.getLoc(), type,
             FlatSymbolRefAttr::get(symbols.insert(data)));
}

std::pair<Value, Value> Raiser::lengthsAndPositions(Value lengths,
                                                    Value tokens) {
  auto [entry, isNew] = lengthsOf.try_emplace({lengths, tokens});
  if (!isNew)
    return entry->second;
  Location loc = lengths.getLoc();
  OpBuilder &b = ahead;
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  bool isMask = typeOf(lengths).getRank() == 2;
  bool isI32 = typeOf(lengths).getElementType().isInteger(32);
  int64_t batch = typeOf(tokens).getDimSize(0);
  int64_t count = typeOf(tokens).getDimSize(1);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value newTokens = arith::IndexCastOp::create(
      b, loc, i32, tensor::DimOp::create(b, loc, tokens, one));
  SmallVector<Value> dynamic;
  if (ShapedType::isDynamic(batch))
    dynamic.push_back(tensor::DimOp::create(b, loc, tokens, zero));

  // Sequence lengths: at least the new tokens, for a first step whose
  // sequences are padded at their right end.
  auto lengthType = RankedTensorType::get({batch}, i32);
  AffineMap row = AffineMap::get(2, 0, b.getAffineDimExpr(0));
  AffineMap all = b.getMultiDimIdentityMap(2);
  AffineMap each = b.getMultiDimIdentityMap(1);
  auto toI32 = [&](OpBuilder &nested, Value value) -> Value {
    return isI32 ? value : arith::TruncIOp::create(nested, loc, i32, value);
  };
  Value total = lengths;
  if (isMask) {
    Value empty = tensor::EmptyOp::create(b, loc, lengthType, dynamic);
    Value none = arith::ConstantIntOp::create(b, loc, i32, 0);
    Value init = linalg::FillOp::create(b, loc, none, empty)->getResult(0);
    SmallVector<utils::IteratorType> loops = {utils::IteratorType::parallel,
                                              utils::IteratorType::reduction};
    total = linalg::GenericOp::create(
                b, loc, TypeRange(lengthType), ValueRange(lengths),
                ValueRange(init), ArrayRef<AffineMap>{all, row}, loops,
                [&](OpBuilder &nested, Location, ValueRange args) {
                  Value sum = arith::AddIOp::create(nested, loc, args[1],
                                                    toI32(nested, args[0]));
                  linalg::YieldOp::create(nested, loc, sum);
                })
                .getResult(0);
  }
  Value lengthInit = tensor::EmptyOp::create(b, loc, lengthType, dynamic);
  SmallVector<utils::IteratorType> parallel(1, utils::IteratorType::parallel);
  Value clamped =
      linalg::GenericOp::create(
          b, loc, TypeRange(lengthType), ValueRange(total),
          ValueRange(lengthInit), ArrayRef<AffineMap>{each, each}, parallel,
          [&](OpBuilder &nested, Location, ValueRange args) {
            Value length = args[0];
            if (!isMask) {
              Value last = toI32(nested, length);
              Value unit = arith::ConstantIntOp::create(nested, loc, i32, 1);
              length = arith::AddIOp::create(nested, loc, last, unit);
            }
            Value most = arith::MaxSIOp::create(nested, loc, length, newTokens);
            linalg::YieldOp::create(nested, loc, most);
          })
          .getResult(0);

  // Token i of a sequence is at its length minus the new tokens plus i.
  auto positionType = RankedTensorType::get({batch, count}, i64);
  if (ShapedType::isDynamic(count))
    dynamic.push_back(tensor::DimOp::create(b, loc, tokens, one));
  Value positionInit = tensor::EmptyOp::create(b, loc, positionType, dynamic);
  parallel.assign(2, utils::IteratorType::parallel);
  Value positions =
      linalg::GenericOp::create(
          b, loc, TypeRange(positionType), ValueRange(clamped),
          ValueRange(positionInit), ArrayRef<AffineMap>{row, all}, parallel,
          [&](OpBuilder &nested, Location, ValueRange args) {
            Value past = arith::SubIOp::create(nested, loc, args[0], newTokens);
            Value wide = arith::ExtSIOp::create(nested, loc, i64, past);
            Value index = linalg::IndexOp::create(nested, loc, 1);
            Value offset = arith::IndexCastOp::create(nested, loc, i64, index);
            Value sum = arith::AddIOp::create(nested, loc, wide, offset);
            linalg::YieldOp::create(nested, loc, sum);
          })
          .getResult(0);
  return lengthsOf[{lengths, tokens}] = {clamped, positions};
}

llvm::Expected<MaskForm> Raiser::mask(Value value) {
  if (auto known = masks.find(value); known != masks.end())
    return known->second;
  llvm::Expected<MaskForm> form = matchMask(value, facts);
  if (form)
    masks[value] = *form;
  return form;
}

void Raiser::nameDim(Value input, unsigned dim, StringRef name) {
  auto argument = dyn_cast<BlockArgument>(input);
  auto names = argument ? main.getArgAttrOfType<ArrayAttr>(
                              argument.getArgNumber(), moe::kDimsAttr)
                        : ArrayAttr();
  auto old = names && dim < names.size() ? dyn_cast<StringAttr>(names[dim])
                                         : StringAttr();
  if (old && !old.empty())
    dimNames.try_emplace(old.getValue(), name.str());
}

void Raiser::renameDims() {
  llvm::StringSet<> taken;
  // A name of two meanings, or two names of one, stay as they are.
  for (const auto &[old, name] : dimNames)
    if (!taken.insert(name).second)
      return;
  Builder builder(main.getContext());
  auto renamed = [&](ArrayAttr names) {
    SmallVector<Attribute> result;
    for (Attribute name : names) {
      auto text = dyn_cast<StringAttr>(name);
      auto found = text ? dimNames.find(text.getValue()) : dimNames.end();
      result.push_back(found == dimNames.end()
                           ? name
                           : builder.getStringAttr(found->second));
    }
    return builder.getArrayAttr(result);
  };
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto names = main.getArgAttrOfType<ArrayAttr>(i, moe::kDimsAttr))
      main.setArgAttr(i, moe::kDimsAttr, renamed(names));
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    if (auto names = main.getResultAttrOfType<ArrayAttr>(i, moe::kDimsAttr))
      main.setResultAttr(i, moe::kDimsAttr, renamed(names));
}

Value Raiser::project(Location loc, Value input, const Projection &projection,
                      int64_t offset, int64_t size) {
  Value weight = projection.weight, bias = projection.bias;
  if (size != 0) {
    weight = sliceWeight(weight, 1, offset, size);
    if (bias)
      bias = sliceWeight(bias, 0, offset, size);
  }
  return moe::LinearOp::create(body, loc, withLastDim(input, lastDim(weight)),
                               input, weight, bias, UnitAttr(),
                               shippedFormat(weight, input), moe::FormatAttr());
}
