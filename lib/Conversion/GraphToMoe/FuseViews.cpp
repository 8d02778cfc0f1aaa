//===- FuseViews.cpp - labels through ops that only move elements ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

bool ExpertFusion::visitView(graph::NodeOp node) {
  StringRef type = node.getOpType();
  Value output = node.getOutputs()[0];
  if (type == "Split") {
    split(node);
    return true;
  }
  const Sizes *shape = facts.shape(output);
  Result result;
  if (type == "Identity" || type == "Dropout") {
    if (const Label *label = operand(node, 0))
      result = *label;
  } else if (type == "Cast" || type == "CastLike") {
    result = cast(node);
  } else if (type == "Not") {
    if (const Label *label = operand(node, 0);
        label && (label->part == Part::GroupMask)) {
      result = *label;
      result->isNegated = !result->isNegated;
    }
  } else if (type == "Reshape" || type == "Flatten") {
    if (const Label *label = operand(node, 0); label && shape) {
      result = with(label, reshape(label->dims, *shape));
      // Only scores are split into groups.
      if (!result && label->part == Part::Forward)
        if (Result scores = scoresOf(*label))
          result = with(&*scores, reshape(scores->dims, *shape));
    }
  } else if (type == "Expand") {
    if (std::optional<double> number = facts.number(node.input(0))) {
      result = Label{Part::Fill};
      result->number = *number;
    } else if (const Label *label = operand(node, 0); label && shape) {
      result = with(label, expand(label->dims, *shape));
    }
  } else if (type == "ConstantOfShape") {
    auto value = dyn_cast_or_null<DenseElementsAttr>(node.attribute("value"));
    result = Label{Part::Fill};
    if (value && value.getNumElements() != 1)
      result.reset();
    else if (value && isa<FloatType>(value.getElementType()))
      result->number = (*value.value_begin<APFloat>()).convertToDouble();
    else if (value && isa<IntegerType>(value.getElementType()))
      result->number = (*value.value_begin<APInt>()).roundToDouble();
  } else if (type == "Range") {
    if (facts.integer(node.input(0)) == 0 &&
        facts.integer(node.input(2)) == 1 && shape)
      result =
          Label{Part::TokenIndex, {over(AxisKind::Position, shape->front())}};
  } else if (type == "Unsqueeze") {
    result = unsqueeze(node);
  } else if (type == "Squeeze") {
    result = squeeze(node);
  } else if (type == "Transpose") {
    result = transpose(node);
  } else if (type == "Tile") {
    result = tile(node);
  } else if (type == "Gather") {
    result = gather(node);
  } else if (type == "Slice") {
    result = slice(node);
  } else {
    return false;
  }
  if (result)
    set(output, std::move(*result));
  return true;
}

ExpertFusion::Result ExpertFusion::cast(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  Type to = facts.elementType(node.getOutputs()[0]);
  if (!label || !to)
    return std::nullopt;
  switch (label->part) {
  case Part::GroupChoice:
  case Part::Choice:
  case Part::TokenIndex:
  case Part::Places:
    return isa<IntegerType>(to) && !to.isInteger(1) ? Result(*label)
                                                    : std::nullopt;
  case Part::GroupMask:
  case Part::OneHot:
  case Part::ExpertMask:
  case Part::Fill:
    return *label;
  default:
    return isa<FloatType>(to) ? Result(*label) : std::nullopt;
  }
}

ExpertFusion::Result ExpertFusion::unsqueeze(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  auto axes = axesOf(node, 1, facts);
  if (!label || !axes)
    return std::nullopt;
  int64_t rank = label->dims.size() + axes->size();
  llvm::SmallDenseSet<int64_t> added;
  for (int64_t axis : *axes)
    added.insert(wrapIndex(axis, rank));
  if (added.size() != axes->size() || added.contains(-1))
    return std::nullopt;
  Dims dims;
  unsigned next = 0;
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(added.contains(i) ? Dim() : label->dims[next++]);
  return with(label, std::move(dims));
}

ExpertFusion::Result ExpertFusion::squeeze(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  auto axes = axesOf(node, 1, facts);
  if (!label || !axes)
    return std::nullopt;
  llvm::SmallDenseSet<int64_t> dropped;
  for (int64_t axis : *axes)
    dropped.insert(wrapIndex(axis, label->dims.size()));
  Dims dims;
  for (auto [i, dim] : llvm::enumerate(label->dims)) {
    if (!dropped.contains(i))
      dims.push_back(dim);
    else if (!dim.empty())
      return std::nullopt;
  }
  return with(label, std::move(dims));
}

ExpertFusion::Result ExpertFusion::transpose(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label)
    return std::nullopt;
  unsigned rank = label->dims.size();
  Dims dims;
  if (auto order =
          dyn_cast_or_null<DenseI64ArrayAttr>(node.attribute("perm"))) {
    if (order.size() != rank)
      return std::nullopt;
    for (int64_t from : order.asArrayRef())
      if (from >= 0 && from < rank)
        dims.push_back(label->dims[from]);
  } else {
    llvm::append_range(dims, llvm::reverse(label->dims));
  }
  if (dims.size() != rank)
    return std::nullopt;
  return with(label, std::move(dims));
}

ExpertFusion::Result ExpertFusion::tile(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  const Sizes *repeats = facts.elements(node.input(1));
  if (!label || !repeats || repeats->size() != label->dims.size())
    return std::nullopt;
  Dims dims;
  for (auto [dim, count] : llvm::zip_equal(label->dims, *repeats)) {
    Dim &copies = dims.emplace_back(over(AxisKind::Repeat, count));
    llvm::append_range(copies, dim);
  }
  return with(label, std::move(dims));
}

/// `dims` with `position` replaced by `inner`.
static Dims replaced(const Dims &dims, unsigned position, const Dims &inner) {
  Dims result(dims.begin(), dims.begin() + position);
  llvm::append_range(result, inner);
  result.append(dims.begin() + position + 1, dims.end());
  return result;
}

ExpertFusion::Result ExpertFusion::gather(graph::NodeOp node) {
  const Label *index = map.lookup(node.input(1));
  // One element: of the runs of columns, of the experts, of coordinates.
  if (std::optional<int64_t> one = facts.integer(node.input(1));
      one && facts.rank(node.input(1)) <= 1) {
    Value data = node.input(0);
    const Label *label = isWeight(data) ? this->label(data) : map.lookup(data);
    int64_t axis =
        label ? wrapIndex(integerAttr(node, "axis", 0), label->dims.size())
              : -1;
    std::optional<Size> size =
        axis == -1 ? std::nullopt : sizeOf(label->dims[axis]);
    const Axis *over =
        axis == -1 ? nullptr : only(label->dims[axis], AxisKind::Column);
    if (!size || !size->constant() || (over && over->index == 0))
      return std::nullopt;
    int64_t offset = wrapIndex(*one, *size->constant());
    Result result =
        offset == -1 ? std::nullopt : take(*label, axis, offset, 1, 1);
    if (result && facts.rank(node.input(1)) == 0)
      result->dims.erase(result->dims.begin() + axis);
    return result;
  }
  if (!index ||
      (index->part != Part::Choice && index->part != Part::TokenIndex &&
       index->part != Part::Places))
    return std::nullopt;
  const Label *label = operand(node, 0);
  if (!label)
    return std::nullopt;
  if (label->part == Part::Fill)
    return index->part == Part::Places ? Result(*label) : std::nullopt;
  int64_t axis = wrapIndex(integerAttr(node, "axis", 0), label->dims.size());
  if (axis == -1)
    return std::nullopt;
  if (index->part == Part::Places)
    return gatherPlaces(node, *label, axis, *index);
  const Dim &dim = label->dims[axis];
  if (index->part == Part::Choice) {
    if (label->part != Part::Weight || label->router)
      return note(node, "expects to gather a weight of the experts");
    int64_t experts = index->router->experts;
    const Axis *raw = only(dim, AxisKind::Raw);
    std::optional<int64_t> size =
        raw ? raw->size.constant() : std::optional<int64_t>(1);
    if (size != experts)
      return note(node, "expects weights of the router's " + Twine(experts) +
                            " experts, got " +
                            (size ? Twine(*size) : Twine("another number")));
    Result result = with(label, replaced(label->dims, axis, index->dims));
    result->router = index->router;
    result->expert = raw ? raw->index : 0;
    return result;
  }
  // Each position stands for the token there.
  if (label->part != Part::Tokens)
    return std::nullopt;
  Dims inner = index->dims;
  for (Dim &part : inner)
    for (unsigned i = 0; i < part.size(); ++i)
      if (part[i].kind == AxisKind::Position) {
        if (sizeOf(dim) != part[i].size)
          return std::nullopt;
        part.erase(part.begin() + i);
        part.insert(part.begin() + i, dim.begin(), dim.end());
        return with(label, replaced(label->dims, axis, inner));
      }
  return std::nullopt;
}

ExpertFusion::Result ExpertFusion::columns(const Label &label, int64_t position,
                                           int64_t offset, int64_t size,
                                           int64_t stride) {
  const Axis *axis = only(label.dims[position], AxisKind::Column);
  if (!label.isForward(Forward::Stage::Linear) || !axis)
    return std::nullopt;
  // A stated size may be any number; steps multiply from slice to slice.
  std::optional<int64_t> width = axis->size.constant();
  int64_t last = 0, steps = 0;
  const Branch &main = label.forward->main;
  for (const WeightPart *part : {&main.matrix, &main.bias})
    if (llvm::MulOverflow(stride, part->stride, steps))
      return std::nullopt;
  if (!width || offset < 0 || llvm::MulOverflow(size - 1, stride, last) ||
      llvm::AddOverflow(last, offset, last) || last >= *width)
    return std::nullopt;
  Label result = label;
  result.dims[position] = over(AxisKind::Column, size);
  if (axis->index != 0) {
    // Of columns that are split into runs: one whole run, or the same column
    // of each run.
    auto isRest = [&](const Dim &dim) {
      const Axis *other = only(dim, AxisKind::Column);
      return other && other->index == 3 - axis->index;
    };
    auto rest = llvm::find_if(result.dims, isRest);
    auto run = rest == result.dims.end()
                   ? std::nullopt
                   : (axis->index == 1 ? rest->front() : *axis).size.constant();
    if (size != 1 || !run || !rest->front().size.constant())
      return std::nullopt;
    offset = axis->index == 1 ? offset * *run : offset;
    stride = axis->index == 1 ? 1 : *run;
    size = *rest->front().size.constant();
    rest->front().index = 0;
  }
  auto forward = std::make_shared<Forward>(*label.forward);
  for (WeightPart *part : {&forward->main.matrix, &forward->main.bias}) {
    part->offset += offset * part->stride;
    part->size = size;
    part->stride *= stride;
  }
  result.forward = forward;
  return result;
}

ExpertFusion::Result ExpertFusion::slice(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label)
    return std::nullopt;
  std::optional<SliceForm> form = sliceOf(node, facts);
  if (!form)
    return std::nullopt;
  auto start = form->start.constant(), size = form->size.constant();
  int64_t axis = wrapIndex(form->axis, label->dims.size());
  if (!start || !size || *size < 1 || form->step < 1 || axis == -1)
    return std::nullopt;
  return take(*label, axis, *start, *size, form->step);
}

void ExpertFusion::split(graph::NodeOp node) {
  const Label *label = operand(node, 0);
  if (!label)
    return;
  int64_t axis = wrapIndex(integerAttr(node, "axis", 0), label->dims.size());
  int64_t offset = 0, end = 0;
  if (axis == -1)
    return;
  for (Value output : node.getOutputs()) {
    int64_t size = facts.dim(output, axis);
    if (size < 1 || llvm::AddOverflow(offset, size, end))
      return;
    if (Result part = take(*label, axis, offset, size, 1))
      set(output, std::move(*part));
    offset = end;
  }
}
