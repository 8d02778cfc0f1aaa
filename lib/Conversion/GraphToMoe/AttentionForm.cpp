//===- AttentionForm.cpp - an attention that is to be emitted -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/AttentionForm.h"
#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

using Layout = View::Layout;

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

bool graph_to_moe::isAxis(graph::NodeOp node, StringRef name, int64_t axis,
                          const GraphFacts &facts) {
  int64_t rank = facts.rank(node.input(0));
  return rank > 0 && wrapIndex(integerAttr(node, name, 0), rank) == axis;
}

std::optional<HeadPart> graph_to_moe::matchPart(Value value,
                                                const GraphFacts &facts) {
  auto node = value.getDefiningOp<graph::NodeOp>();
  if (!node || !node.getDomain().empty() || facts.rank(value) != 4)
    return std::nullopt;
  HeadPart part{node.input(0), 0, facts.dim(value, -1)};
  if (node.getOpType() == "Slice") {
    auto form = sliceOf(node, facts);
    auto start = form && form->axis == 3 && form->step == 1
                     ? form->start.constant()
                     : std::nullopt;
    if (!start || part.width < 1)
      return std::nullopt;
    part.start = *start;
    return part;
  }
  if (node.getOpType() != "Split" || !isAxis(node, "axis", 3, facts))
    return std::nullopt;
  for (Value output : node.getOutputs()) {
    int64_t width = facts.dim(output, -1);
    if (width < 1)
      return std::nullopt;
    if (output == value)
      return part;
    part.start += width;
  }
  return std::nullopt;
}

std::optional<LatentForm> graph_to_moe::matchLatent(graph::NodeOp join,
                                                    Value values, Layout layout,
                                                    const GraphFacts &facts) {
  if (!join || join.getInputs().size() != 2 || !isAxis(join, "axis", 3, facts))
    return std::nullopt;
  auto own = matchPart(skipCasts(join.input(0), facts), facts);
  auto part = matchPart(values, facts);
  graph::NodeOp repeat = nodeBehindCasts(join.input(1), "Expand", facts);
  if (!own || !part || !repeat || own->source != part->source ||
      own->start != 0 || part->start != own->width)
    return std::nullopt;
  int64_t headDim = layout == Layout::HeadsFirst ? 1 : 2;
  LatentForm latent;
  latent.heads = facts.dim(own->source, headDim);
  latent.keyWidth = own->width;
  latent.valueWidth = part->width;
  latent.rotaryKey = skipCasts(repeat.input(0), facts);
  // The projection, its heads split from the width and perhaps moved in front.
  Value heads = own->source;
  if (layout == Layout::HeadsFirst) {
    graph::NodeOp transpose = nodeBehindCasts(heads, "Transpose", facts);
    auto perm = permutationOf(transpose);
    if (!perm || *perm != SmallVector<int64_t>{0, 2, 1, 3})
      return std::nullopt;
    heads = transpose.input(0);
  }
  graph::NodeOp split = nodeBehindCasts(heads, "Reshape", facts);
  auto expand =
      split ? matchProjection(skipCasts(split.input(0), facts)) : std::nullopt;
  int64_t width = own->width + part->width;
  if (!expand || expand->bias || latent.heads < 1 ||
      facts.dim(join.getOutputs()[0], headDim) != latent.heads ||
      facts.rank(expand->input) != 3 || facts.dim(own->source, 3) != width ||
      lastDim(expand->weight) != latent.heads * width ||
      facts.dim(latent.rotaryKey, headDim) != 1)
    return std::nullopt;
  latent.expand = *expand;
  return latent;
}

void graph_to_moe::needs(const AttentionForm &form, Values &values) {
  values.push_back(form.query);
  if (form.latent)
    values.append({form.latent->expand.input, form.latent->expand.weight,
                   form.latent->rotaryKey});
  else
    values.append({form.keys.added, form.values.added});
  for (Value other : {form.keys.past, form.values.past, form.sinks})
    if (other)
      values.push_back(other);
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

namespace {

/// Activations [B,S,heads*width] whose heads `value` arranges as `layout`.
Value readHeads(Value value, int64_t heads, Layout layout, Raiser &raiser) {
  if (const View *view = raiser.view(value))
    return view->layout == layout && view->isWhole() && view->heads == heads
               ? view->base
               : Value();
  Value flat = layout == Layout::Heads ? raiser.raised(value) : Value();
  bool fits = flat && typeOf(flat).getRank() == 3 &&
              !ShapedType::isDynamic(lastDim(flat)) &&
              lastDim(flat) % heads == 0;
  return fits ? flat : Value();
}

/// A cache [B,heads,0,width] for a graph that has none.
Value emitNoPast(Raiser &raiser, Value query, int64_t heads, int64_t width) {
  OpBuilder &b = raiser.ahead;
  RankedTensorType type = typeOf(query);
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0)) {
    Value zero = arith::ConstantIndexOp::create(b, query.getLoc(), 0);
    dynamic.push_back(
        tensor::DimOp::create(b, query.getLoc(), raiser.tokensOf(query), zero));
  }
  auto empty = RankedTensorType::get({type.getDimSize(0), heads, 0, width},
                                     type.getElementType());
  return tensor::EmptyOp::create(b, query.getLoc(), empty, dynamic);
}

/// The type of a cache that has grown by the new tokens.
RankedTensorType grownType(Value past, Value query) {
  SmallVector<int64_t> shape(typeOf(past).getShape());
  int64_t more = typeOf(query).getDimSize(1);
  bool isStatic =
      !ShapedType::isDynamic(shape[2]) && !ShapedType::isDynamic(more);
  shape[2] = isStatic ? shape[2] + more : ShapedType::kDynamic;
  return RankedTensorType::get(shape, typeOf(past).getElementType());
}

/// What both kinds of attention read.
struct Operands {
  Value query, pastKey, pastValue, keys;
  int64_t heads = 0, keyWidth = 0, window = 0;
};

/// The caches, which hold `form.keys.heads` heads.
LogicalResult readCaches(const AttentionForm &form, int64_t valueWidth,
                         Operands &operands, Raiser &raiser) {
  int64_t heads = form.keys.heads;
  if (bool(form.keys.past) != bool(form.values.past))
    return raiser.fail("expects a cache of keys and values, or none");
  operands.pastKey = form.keys.past;
  operands.pastValue = form.values.past;
  if (!form.keys.past) {
    operands.pastKey =
        emitNoPast(raiser, operands.query, heads, operands.keyWidth);
    operands.pastValue = emitNoPast(raiser, operands.query, heads, valueWidth);
  }
  for (auto [cache, width] : {std::pair{operands.pastKey, operands.keyWidth},
                              std::pair{operands.pastValue, valueWidth}})
    if (typeOf(cache).getRank() != 4 || typeOf(cache).getDimSize(1) != heads ||
        typeOf(cache).getDimSize(3) != width)
      return raiser.fail("expects caches of [batch, " + Twine(heads) +
                         ", past, " + Twine(width) + "]");
  return success();
}

/// The query and the mask.
LogicalResult readQuery(const AttentionForm &form, const MaskForm &mask,
                        Operands &operands, Raiser &raiser) {
  operands.keys = mask.keys;
  operands.window = mask.window;
  operands.heads = form.heads;
  if (operands.heads < 1 || operands.heads % form.keys.heads != 0 ||
      form.values.heads != form.keys.heads)
    return raiser.fail("expects key-value heads that divide the heads");
  operands.query = readHeads(form.query, operands.heads, form.layout, raiser);
  if (!operands.query)
    return raiser.fail("expects a query that is the heads of an activation");
  operands.keyWidth = lastDim(operands.query) / operands.heads;
  if (!raiser.tokensOf(operands.query))
    return raiser.fail("expects a query that comes from the inputs");
  return success();
}

/// States what the node, the grown caches and the dimensions became.
void raiseResults(graph::NodeOp node, const AttentionForm &form,
                  const Operands &operands, ValueRange results,
                  Raiser &raiser) {
  Value query = operands.query, result = results[0];
  raiser.raise(result, result, query);
  if (form.layout == Layout::Heads) {
    raiser.raise(node.getOutputs()[0], result, query);
  } else {
    View view;
    view.base = result;
    view.layout = Layout::HeadsFirst;
    view.heads = operands.heads;
    view.headWidth = view.width = lastDim(result) / operands.heads;
    raiser.raiseView(node.getOutputs()[0], view);
  }
  if (form.keys.present)
    raiser.raise(form.keys.present, results[1], query);
  if (form.values.present)
    raiser.raise(form.values.present, results[2], query);
  if (form.keys.past)
    raiser.nameDim(form.keys.past, 2, "past_tokens");
  raiser.nameTokens(raiser.tokensOf(query));
  if (operands.keys)
    raiser.nameDim(operands.keys, 1, "total_tokens");
}

/// Sinks [heads] of a weight that may have dimensions of size 1.
Value readSinks(Raiser &raiser, Value sinks) {
  if (!sinks || typeOf(sinks).getRank() == 1)
    return sinks;
  ReassociationIndices all;
  for (int64_t i = 0; i < typeOf(sinks).getRank(); ++i)
    all.push_back(i);
  return tensor::CollapseShapeOp::create(raiser.ahead, sinks.getLoc(), sinks,
                                         ArrayRef<ReassociationIndices>{all});
}

LogicalResult raiseGrouped(graph::NodeOp node, const AttentionForm &form,
                           Operands &operands, Raiser &raiser) {
  int64_t kvHeads = form.keys.heads;
  Value key = readHeads(form.keys.added, kvHeads, form.layout, raiser),
        value = readHeads(form.values.added, kvHeads, form.layout, raiser);
  if (!key || !value || lastDim(key) != kvHeads * operands.keyWidth)
    return raiser.fail("expects keys and values that are heads of activations, "
                       "keys as wide as the query's");
  int64_t valueWidth = lastDim(value) / kvHeads;
  if (failed(readCaches(form, valueWidth, operands, raiser)))
    return failure();
  Value query = operands.query;
  auto attention = moe::AttentionOp::create(
      raiser.body, node.getLoc(),
      withLastDim(query, operands.heads * valueWidth),
      grownType(operands.pastKey, query), grownType(operands.pastValue, query),
      /*log_sum_exp=*/Type(), query, key, value, operands.pastKey,
      operands.pastValue, operands.keys, readSinks(raiser, form.sinks),
      uint64_t(operands.heads), uint64_t(kvHeads), APFloat(form.scale),
      uint64_t(operands.window), APFloat(form.softCap), moe::FormatAttr());
  raiseResults(node, form, operands, attention->getResults(), raiser);
  return success();
}

/// Columns [first, first + width) of each head of `weight`
/// [L, heads*headWidth], as [heads, L, width].
Value headWeights(Raiser &raiser, Value weight, int64_t heads, int64_t first,
                  int64_t width) {
  OpBuilder &b = raiser.ahead;
  Location loc = weight.getLoc();
  RankedTensorType type = typeOf(weight);
  Type element = type.getElementType();
  int64_t rows = type.getDimSize(0);
  auto split =
      RankedTensorType::get({rows, heads, lastDim(weight) / heads}, element);
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  Value part = raiser.sliceWeight(
      tensor::ExpandShapeOp::create(b, loc, split, weight, groups), 2, first,
      width);
  Value init = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{heads, rows, width}, element);
  return linalg::TransposeOp::create(b, loc, part, init,
                                     ArrayRef<int64_t>{1, 0, 2})
      ->getResult(0);
}

LogicalResult raiseLatent(graph::NodeOp node, const AttentionForm &form,
                          Operands &operands, Raiser &raiser) {
  const LatentForm &latent = *form.latent;
  Value input = raiser.raised(latent.expand.input),
        rotaryKey = readHeads(latent.rotaryKey, 1, form.layout, raiser);
  if (!input || typeOf(input).getRank() != 3 || !rotaryKey ||
      operands.heads != latent.heads ||
      operands.keyWidth != latent.keyWidth + lastDim(rotaryKey))
    return raiser.fail("expects a compressed activation, and a rotated key of "
                       "one head that completes the query's width");
  if (form.softCap != 0 || operands.window != 0 || form.sinks)
    return raiser.fail("expects neither window, cap nor sinks of latent "
                       "attention");
  if (failed(readCaches(form, latent.valueWidth, operands, raiser)))
    return failure();
  Value query = operands.query, weight = latent.expand.weight;
  // One after the other: compilers differ in the order of arguments.
  Value keyUp = headWeights(raiser, weight, latent.heads, 0, latent.keyWidth);
  Value valueUp = headWeights(raiser, weight, latent.heads, latent.keyWidth,
                              latent.valueWidth);
  auto attention = moe::LatentAttentionOp::create(
      raiser.body, node.getLoc(),
      withLastDim(query, latent.heads * latent.valueWidth),
      grownType(operands.pastKey, query), grownType(operands.pastValue, query),
      /*log_sum_exp=*/Type(), query, input, rotaryKey, operands.pastKey,
      operands.pastValue, keyUp, valueUp, operands.keys, uint64_t(latent.heads),
      APFloat(form.scale),
      /*absorbed=*/false, moe::FormatAttr(), moe::FormatAttr());
  raiseResults(node, form, operands, attention->getResults(), raiser);
  return success();
}

} // namespace

LogicalResult graph_to_moe::emitAttention(graph::NodeOp node,
                                          AttentionForm form,
                                          const MaskForm &mask,
                                          Raiser &raiser) {
  Operands operands;
  if (failed(readQuery(form, mask, operands, raiser)))
    return failure();
  return form.latent ? raiseLatent(node, form, operands, raiser)
                     : raiseGrouped(node, form, operands, raiser);
}
