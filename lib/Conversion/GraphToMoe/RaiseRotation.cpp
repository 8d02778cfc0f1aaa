//===- RaiseRotation.cpp - rules for decomposed rotary embeddings ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A rotation is the Add of x * cos and half(x) * sin, or the Concat of two
// halves that were rotated on their own. The angles that the graph
// computes from its frequencies and positions become a table: moe.rotary_table
// where the frequencies are powers of one number, else one that is computed
// ahead of the layers from the frequencies as they are.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "lib/Conversion/GraphToMoe/RotaryForm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

bool isRotation(graph::NodeOp node, Raiser &raiser) {
  return bool(matchRotation(node, raiser.facts));
}

void needsRotation(graph::NodeOp node, Raiser &raiser, Values &values) {
  auto form = matchRotation(node, raiser.facts);
  values.append({form->input, form->cosine.positions});
}

/// The number of positions that a table needs: past and new tokens.
Value emitTableRows(Raiser &raiser, Value positions) {
  OpBuilder &b = raiser.ahead;
  Location loc = positions.getLoc();
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value rows = tensor::DimOp::create(b, loc, positions, one);
  for (BlockArgument argument : raiser.main.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || type.getRank() != 4 || !isa<FloatType>(type.getElementType()))
      continue;
    Value two = arith::ConstantIndexOp::create(b, loc, 2);
    Value past = tensor::DimOp::create(b, loc, argument, two);
    return arith::AddIOp::create(b, loc, past, rows);
  }
  return rows;
}

/// cos and sin of position * frequency, in f64 until the end.
std::pair<Value, Value> emitTable(Raiser &raiser, const AngleForm &form,
                                  ArrayRef<double> frequencies, Type element) {
  OpBuilder &b = raiser.ahead;
  Location loc = form.frequencies.getLoc();
  Type f64 = b.getF64Type();
  auto vector = RankedTensorType::get({int64_t(frequencies.size())}, f64);
  Value list = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vector, frequencies));
  auto type = RankedTensorType::get(
      {ShapedType::kDynamic, int64_t(frequencies.size())}, element);
  Value rows = emitTableRows(raiser, form.positions);
  AffineMap column = AffineMap::get(2, 0, b.getAffineDimExpr(1));
  SmallVector<utils::IteratorType> loops(2, utils::IteratorType::parallel);
  std::array<Value, 2> tables;
  for (bool isSine : {false, true}) {
    Value empty = tensor::EmptyOp::create(b, loc, type, ValueRange(rows));
    tables[isSine] =
        linalg::GenericOp::create(
            b, loc, TypeRange(type), ValueRange(list), ValueRange(empty),
            ArrayRef<AffineMap>{column, b.getMultiDimIdentityMap(2)}, loops,
            [&](OpBuilder &in, Location, ValueRange args) {
              Value row = linalg::IndexOp::create(in, loc, 0);
              Value whole =
                  arith::IndexCastOp::create(in, loc, in.getI64Type(), row);
              Value position = arith::SIToFPOp::create(in, loc, f64, whole);
              Value angle = arith::MulFOp::create(in, loc, position, args[0]);
              Value wave =
                  isSine ? math::SinOp::create(in, loc, angle).getResult()
                         : math::CosOp::create(in, loc, angle).getResult();
              Value factor = arith::ConstantOp::create(
                  in, loc, in.getF64FloatAttr(form.magnitude));
              wave = arith::MulFOp::create(in, loc, wave, factor);
              if (element != f64)
                wave = arith::TruncFOp::create(in, loc, element, wave);
              linalg::YieldOp::create(in, loc, wave);
            })
            .getResult(0);
  }
  return {tables[0], tables[1]};
}

LogicalResult raiseRotation(graph::NodeOp node, Raiser &raiser) {
  auto form = matchRotation(node, raiser.facts);
  const View *view = raiser.view(form->input);
  Value positions = raiser.raised(form->cosine.positions);
  if (!view || view->layout == View::Layout::Rows ||
      view->layout == View::Layout::Joined)
    return raiser.fail("expects to rotate the heads of an activation");
  if (view->width != 2 * anglesOf(form->cosine, raiser.facts))
    return raiser.fail("expects as many angles as half the rotated columns");
  // Positions of one row for all sequences would be another form.
  for (int64_t dim : {0, 1})
    if (typeOf(positions).getDimSize(dim) != typeOf(view->base).getDimSize(dim))
      return raiser.fail("expects a position for each token of each sequence");
  auto tables =
      rotaryTables(raiser, form->cosine, form->sine, form->cosineValue);
  if (failed(tables))
    return failure();
  View rotated = *view;
  rotated.base = moe::RopeOp::create(
      raiser.body, node.getLoc(), view->base.getType(), view->base, positions,
      tables->first, tables->second, uint64_t(view->headWidth),
      uint64_t(view->offset), /*interleaved=*/false);
  raiser.raise(rotated.base, rotated.base, view->base);
  raiser.raiseView(node.getOutputs()[0], rotated);
  raiser.nameTokens(positions);
  return success();
}

//===----------------------------------------------------------------------===//
// Pairs that lie side by side
//===----------------------------------------------------------------------===//

/// x if `node` moves the pairs (2i, 2i+1) of x to (i, i + w/2): a Reshape to
/// [.., w/2, 2], the exchange of the last two dimensions, and a Reshape back.
Value matchDeinterleave(graph::NodeOp node, const GraphFacts &facts) {
  graph::NodeOp transpose = nodeOf(node.input(0), "Transpose");
  graph::NodeOp split =
      transpose ? nodeOf(transpose.input(0), "Reshape") : graph::NodeOp();
  auto perm = permutationOf(transpose);
  if (!split || !perm || perm->size() < 2)
    return nullptr;
  int64_t rank = perm->size();
  for (int64_t i = 0; i < rank - 2; ++i)
    if ((*perm)[i] != i)
      return nullptr;
  Value input = split.input(0), pairs = split.getOutputs()[0];
  bool isSwap = (*perm)[rank - 2] == rank - 1 && (*perm)[rank - 1] == rank - 2;
  if (!isSwap || facts.rank(pairs) != rank || facts.rank(input) != rank - 1 ||
      facts.dim(pairs, -1) != 2 ||
      2 * facts.dim(pairs, -2) != facts.dim(input, -1) ||
      !facts.sameShape(input, node.getOutputs()[0]))
    return nullptr;
  return input;
}

bool isDeinterleave(graph::NodeOp node, Raiser &raiser) {
  return bool(matchDeinterleave(node, raiser.facts));
}

void needsDeinterleave(graph::NodeOp node, Raiser &raiser, Values &values) {
  values.push_back(matchDeinterleave(node, raiser.facts));
}

/// The projection that makes `value`, and the column of its result at which
/// the columns of `value` start.
std::pair<moe::LinearOp, int64_t> producerOf(Value value) {
  if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>()) {
    int64_t offset = slice.getStaticOffsets().back();
    auto linear = slice.getSource().getDefiningOp<moe::LinearOp>();
    return {ShapedType::isDynamic(offset) ? moe::LinearOp() : linear, offset};
  }
  return {value.getDefiningOp<moe::LinearOp>(), 0};
}

/// `weight` [.., columns] with the pairs of `part` columns from `start` on
/// moved apart.
Value deinterleave(Raiser &raiser, Value weight, int64_t start, int64_t part) {
  RankedTensorType type = typeOf(weight);
  int64_t last = type.getRank() - 1, half = part / 2;
  SmallVector<int64_t> offsets(last + 1, 0), sizes(type.getShape()),
      strides(last + 1, 1);
  sizes[last] = half;
  Value result = weight;
  for (int64_t side : {0, 1}) {
    Value columns =
        raiser.sliceWeight(weight, last, start + side, half, /*stride=*/2);
    offsets[last] = start + side * half;
    result = tensor::InsertSliceOp::create(
        raiser.ahead, weight.getLoc(), type, columns, result, ValueRange(),
        ValueRange(), ValueRange(), offsets, sizes, strides);
  }
  return result;
}

/// `weight` [K, columns] with the pairs of a part of each head moved apart; the
/// heads start at column `first`. Null if other columns lie between them.
Value deinterleaveHeads(Raiser &raiser, Value weight, int64_t first,
                        const View &view) {
  if (view.heads == 1)
    return deinterleave(raiser, weight, first + view.offset, view.width);
  RankedTensorType type = typeOf(weight);
  if (first != 0 || view.heads * view.headWidth != lastDim(weight))
    return nullptr;
  OpBuilder &b = raiser.ahead;
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  auto split = RankedTensorType::get(
      {type.getDimSize(0), view.heads, view.headWidth}, type.getElementType());
  Value heads =
      tensor::ExpandShapeOp::create(b, weight.getLoc(), split, weight, groups);
  heads = deinterleave(raiser, heads, view.offset, view.width);
  return tensor::CollapseShapeOp::create(b, weight.getLoc(), type, heads,
                                         groups);
}

/// Whether nothing but the arrangements on the way to `value` reads its
/// columns: from its projection on, each value has one reader, or several that
/// take columns of their own.
bool isReadOnce(Value value) {
  bool takesColumns = false;
  for (unsigned steps = 0; steps < 8; ++steps) {
    unsigned readers = 0;
    for (Operation *user : value.getUsers()) {
      auto node = dyn_cast<graph::NodeOp>(user);
      StringRef op = node ? node.getOpType() : StringRef();
      bool isPart = takesColumns && (op == "Slice" || op == "Split");
      readers += op != "Shape" && !isPart;
    }
    if (readers > (takesColumns ? 0 : 1))
      return false;
    auto node = value.getDefiningOp<graph::NodeOp>();
    StringRef op = node ? node.getOpType() : StringRef();
    takesColumns = op == "Slice" || op == "Split";
    bool arranges = takesColumns || op == "Reshape" || op == "Transpose" ||
                    op == "Unsqueeze";
    if (!arranges)
      return true;
    value = node.input(0);
  }
  return false;
}

/// The columns of the weight are moved instead of those of the activation.
LogicalResult raiseDeinterleave(graph::NodeOp node, Raiser &raiser) {
  Value input = matchDeinterleave(node, raiser.facts);
  const View *view = raiser.view(input);
  if (!view || view->layout == View::Layout::Rows ||
      view->layout == View::Layout::Joined)
    return raiser.fail("expects pairs of columns of each head");
  auto [linear, first] = producerOf(view->base);
  if (!linear || linear.getBias() || !isReadOnce(input))
    return raiser.fail("expects pairs of columns of a projection that nothing "
                       "else reads");
  Value moved = deinterleaveHeads(raiser, linear.getWeight(), first, *view);
  if (!moved)
    return raiser.fail("expects heads that lie side by side");
  linear.getWeightMutable().assign(moved);
  raiser.raiseView(node.getOutputs()[0], *view);
  return success();
}

} // namespace

FailureOr<std::pair<Value, Value>>
graph_to_moe::rotaryTables(Raiser &raiser, const AngleForm &cosine,
                           const AngleForm &sine, Value cosineValue) {
  if (cosine.table) {
    int64_t angles = anglesOf(cosine, raiser.facts);
    auto columns = [&](Value table) {
      Value &part = raiser.rotaryTables[table].first;
      if (!part || lastDim(part) != angles)
        part = raiser.sliceWeight(table, 1, 0, angles);
      return part;
    };
    Value first = columns(cosine.table), second = columns(sine.table);
    return std::pair{first, second};
  }
  auto entry =
      raiser.rotaryTables.try_emplace(skipCasts(cosineValue, raiser.facts))
          .first;
  // An entry without tables is of a cosine that has failed before.
  if (entry->second.first)
    return entry->second;
  auto frequencies = raiser.facts.numbers(cosine.frequencies);
  if (!frequencies)
    return raiser.fail("expects rotary frequencies that the model holds");
  Type element = raiser.facts.elementType(cosineValue);
  if (!element || !isa<FloatType>(element))
    return raiser.fail("expects cosines of a known float type");
  std::optional<double> theta = thetaOf(*frequencies);
  if (!theta)
    return entry->second = emitTable(raiser, cosine, *frequencies, element);
  auto type = RankedTensorType::get(
      {ShapedType::kDynamic, int64_t(frequencies->size())}, element);
  OpBuilder &b = raiser.ahead;
  auto table = moe::RotaryTableOp::create(
      b, cosine.frequencies.getLoc(), type, type, b.getF64FloatAttr(*theta),
      FloatAttr(), IntegerAttr(), FloatAttr(), FloatAttr(),
      b.getF64FloatAttr(cosine.magnitude), /*yarn_exact_bounds=*/UnitAttr(),
      /*factors=*/DenseF64ArrayAttr());
  return entry->second = {table.getCosine(), table.getSine()};
}

void graph_to_moe::addRotationRules(Rules &rules) {
  for (StringRef last : {"Add", "Concat"})
    rules.add("", last,
              {2, needsRotation, raiseRotation, isRotation,
               /*readsViews=*/true});
  rules.add("", "Reshape",
            {2, needsDeinterleave, raiseDeinterleave, isDeinterleave,
             /*readsViews=*/true});
}
