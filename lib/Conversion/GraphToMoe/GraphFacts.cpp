//===- GraphFacts.cpp - shapes and small integers of a graph --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is known of inputs and initialisers, and the queries. The rules of the
// nodes are in GraphShapes.cpp.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Conversion/GraphToMoe/Bodies.h"
#include <charconv>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Elements of larger tensors are not followed: no shape has that many.
constexpr int64_t kMaxElements = 64;

double widen(const APFloat &value) {
  bool isSingle = &value.getSemantics() == &APFloat::IEEEsingle();
  if (!isSingle || !value.isFinite()) {
    APFloat wide = value;
    bool loses = false;
    wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    return wide.convertToDouble();
  }
  char text[64];
  auto written =
      std::to_chars(text, text + sizeof(text) - 1, value.convertToFloat());
  *written.ptr = '\0';
  return std::strtod(text, nullptr);
}

} // namespace

GraphFacts::GraphFacts(func::FuncOp main) {
  Block &block = main.getBody().front();
  for (BlockArgument argument : block.getArguments())
    addType(argument, main.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                       moe::kDimsAttr));
  if (auto module = main->getParentOfType<ModuleOp>())
    for (auto data : module.getOps<moe::WeightDataOp>())
      if (ElementsAttr value = data.getValueAttr())
        values[data.getSymNameAttr()] = value;
  for (Operation &op : block)
    infer(&op);
}

void GraphFacts::infer(Operation *op) {
  if (auto weight = dyn_cast<moe::WeightOp>(op)) {
    addType(weight, nullptr);
    if (ElementsAttr value = values.lookup(weight.getSourceAttr().getAttr()))
      addConstant(weight, value);
  } else if (auto node = dyn_cast<graph::NodeOp>(op)) {
    if (auto value = dyn_cast_or_null<ElementsAttr>(node.attribute("value"));
        value && node.getOpType() == "Constant" && node.getDomain().empty() &&
        !node.getOutputs().empty())
      addConstant(node.getOutputs()[0], value);
    inferNode(node, *this);
    if (!node.getBodies().empty())
      inferBodies(node, *this);
    // What the file states is worth as much as an inference.
    for (Value result : node.getOutputs())
      if (isa<RankedTensorType>(result.getType()) && !at(result).shape)
        addType(result, nullptr);
  } else {
    // What is made of weights ahead of the graph.
    for (Value result : op->getResults())
      addType(result, nullptr);
  }
}

void GraphFacts::addType(Value value, ArrayAttr names) {
  auto shaped = dyn_cast<ShapedType>(value.getType());
  if (!shaped)
    return;
  Fact &fact = at(value);
  fact.element = shaped.getElementType();
  if (!shaped.hasRank())
    return;
  Sizes sizes;
  for (auto [dim, size] : llvm::enumerate(shaped.getShape())) {
    StringRef name;
    if (names && dim < names.size())
      if (auto text = dyn_cast<StringAttr>(names[dim]))
        name = text;
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(size);
    } else if (name.empty()) {
      sizes.push_back(fresh());
    } else {
      auto [entry, isNew] = symbols.try_emplace(name);
      if (isNew)
        entry->second = fresh();
      sizes.push_back(entry->second);
    }
  }
  fact.shape = std::move(sizes);
}

void GraphFacts::addConstant(Value value, ElementsAttr elements) {
  constants[value] = elements;
  Fact &fact = at(value);
  fact.element = elements.getElementType();
  fact.shape = Sizes();
  for (int64_t size : elements.getShapedType().getShape())
    fact.shape->push_back(size);
  auto integers = dyn_cast<DenseIntElementsAttr>(elements);
  if (!integers || integers.getNumElements() > kMaxElements)
    return;
  Sizes data;
  bool isBool = integers.getElementType().isInteger(1);
  for (const APInt &element : integers) {
    if (element.getBitWidth() > 64)
      return;
    data.push_back(isBool ? int64_t(element.getZExtValue())
                          : element.getSExtValue());
  }
  fact.data = std::move(data);
}

GraphFacts::Fact &GraphFacts::at(Value value) {
  auto [entry, isNew] = index.try_emplace(value, facts.size());
  if (isNew)
    facts.emplace_back();
  return facts[entry->second];
}

const GraphFacts::Fact *GraphFacts::find(Value value) const {
  auto entry = value ? index.find(value) : index.end();
  return entry == index.end() ? nullptr : &facts[entry->second];
}

void GraphFacts::forget(graph::NodeOp node) {
  for (Value result : node.getOutputs()) {
    index.erase(result);
    constants.erase(result);
  }
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

const Sizes *GraphFacts::shape(Value value) const {
  const Fact *fact = find(value);
  return fact && fact->shape ? &*fact->shape : nullptr;
}

int64_t GraphFacts::rank(Value value) const {
  const Sizes *sizes = shape(value);
  return sizes ? int64_t(sizes->size()) : -1;
}

int64_t GraphFacts::dim(Value value, int64_t dimension) const {
  const Sizes *sizes = shape(value);
  int64_t place = sizes ? wrapIndex(dimension, sizes->size()) : -1;
  std::optional<int64_t> size =
      place < 0 ? std::nullopt : (*sizes)[place].constant();
  return size.value_or(-1);
}

Type GraphFacts::elementType(Value value) const {
  const Fact *fact = find(value);
  return fact ? fact->element : Type();
}

RankedTensorType GraphFacts::type(Value value) const {
  const Fact *fact = find(value);
  if (!fact || !fact->shape || !fact->element)
    return nullptr;
  SmallVector<int64_t> dims;
  for (const Size &size : *fact->shape) {
    std::optional<int64_t> known = size.constant();
    dims.push_back(known && *known >= 0 ? *known : ShapedType::kDynamic);
  }
  return RankedTensorType::get(dims, fact->element);
}

bool GraphFacts::sameShape(Value lhs, Value rhs) const {
  const Sizes *left = shape(lhs), *right = shape(rhs);
  return left && right && *left == *right;
}

const Sizes *GraphFacts::elements(Value value) const {
  const Fact *fact = find(value);
  return fact && fact->data ? &*fact->data : nullptr;
}

std::optional<SmallVector<int64_t>> GraphFacts::integers(Value value) const {
  const Sizes *data = elements(value);
  if (!data)
    return std::nullopt;
  SmallVector<int64_t> known;
  for (const Size &element : *data) {
    std::optional<int64_t> number = element.constant();
    if (!number)
      return std::nullopt;
    known.push_back(*number);
  }
  return known;
}

std::optional<int64_t> GraphFacts::integer(Value value) const {
  const Sizes *data = elements(value);
  return data && data->size() == 1 ? data->front().constant() : std::nullopt;
}

std::optional<SmallVector<double>> GraphFacts::numbers(Value value) const {
  for (unsigned steps = 0; steps < 4 && value && !constant(value); ++steps) {
    auto cast = value.getDefiningOp<graph::NodeOp>();
    if (!cast || cast.getOpType() != "Cast")
      break;
    value = cast.input(0);
  }
  if (auto floats = dyn_cast_or_null<DenseFPElementsAttr>(
          value ? constant(value) : nullptr)) {
    SmallVector<double> values;
    for (const APFloat &element : floats)
      values.push_back(widen(element));
    return values;
  }
  if (std::optional<SmallVector<int64_t>> known = integers(value))
    return SmallVector<double>(known->begin(), known->end());
  return std::nullopt;
}

std::optional<double> GraphFacts::number(Value value) const {
  const Sizes *sizes = shape(value);
  if (sizes &&
      !llvm::all_of(*sizes, [](const Size &size) { return size == Size(1); }))
    return std::nullopt;
  std::optional<SmallVector<double>> all = numbers(value);
  if (!all || all->size() != 1)
    return std::nullopt;
  return all->front();
}

int64_t graph_to_moe::wrapIndex(int64_t index, int64_t size) {
  if (index < 0)
    index += size;
  return index >= 0 && index < size ? index : -1;
}

int64_t graph_to_moe::integerAttr(graph::NodeOp node, StringRef name,
                                  int64_t absent) {
  auto attribute = dyn_cast_or_null<IntegerAttr>(node.attribute(name));
  return attribute ? attribute.getInt() : absent;
}

std::optional<SmallVector<int64_t>>
graph_to_moe::axesOf(graph::NodeOp node, unsigned operand,
                     const GraphFacts &facts) {
  if (auto axes = dyn_cast_or_null<DenseI64ArrayAttr>(node.attribute("axes")))
    return SmallVector<int64_t>(axes.asArrayRef());
  return facts.integers(node.input(operand));
}

/// What a Slice takes of dimension `axis` from `from` to `to`.
static std::optional<SliceForm> sliceOfDim(const Sizes &shape, int64_t axis,
                                           const Size &from, const Size &to,
                                           int64_t step) {
  SliceForm form;
  form.axis = wrapIndex(axis, shape.size());
  form.step = step;
  if (form.axis < 0 || step < 1)
    return std::nullopt;
  const Size &size = shape[form.axis];
  std::optional<int64_t> known = size.constant();

  // A bound is clamped to the dimension; of an unknown dimension it is taken
  // to lie inside, unless it is the largest number, which means the end.
  auto bound = [&](const Size &value) -> std::optional<Size> {
    std::optional<int64_t> number = value.constant();
    if (!number)
      return value;
    if (known) {
      int64_t place = *number < 0 ? *number + *known : *number;
      return Size(std::clamp<int64_t>(place, 0, *known));
    }
    if (*number < 0)
      return size.plus(*number);
    return *number >= INT32_MAX ? size : value;
  };
  std::optional<Size> start = bound(from), end = bound(to);
  if (!start || !end)
    return std::nullopt;
  std::optional<Size> extent = end->minus(*start);
  if (!extent)
    return std::nullopt;
  if (std::optional<int64_t> number = extent->constant())
    extent = Size(*number <= 0 ? 0 : (*number - 1) / step + 1);
  else if (step != 1)
    return std::nullopt;
  form.start = *start;
  form.size = *extent;
  return form;
}

std::optional<SmallVector<SliceForm>>
graph_to_moe::slicesOf(graph::NodeOp node, const GraphFacts &facts) {
  // Bounds are operands since version 10.
  const Sizes *starts = facts.elements(node.input(1));
  const Sizes *ends = facts.elements(node.input(2));
  const Sizes *shape = facts.shape(node.input(0));
  if (!starts || !ends || !shape || starts->size() != ends->size())
    return std::nullopt;
  SmallVector<int64_t> axes, steps(starts->size(), 1);
  for (size_t i = 0; i < starts->size(); ++i)
    axes.push_back(i);
  for (auto [operand, list] : {std::pair{3u, &axes}, {4u, &steps}})
    if (node.input(operand)) {
      auto given = facts.integers(node.input(operand));
      if (!given || given->size() != starts->size())
        return std::nullopt;
      *list = std::move(*given);
    }
  SmallVector<SliceForm> forms;
  for (size_t i = 0; i < starts->size(); ++i) {
    std::optional<SliceForm> form =
        sliceOfDim(*shape, axes[i], (*starts)[i], (*ends)[i], steps[i]);
    if (!form)
      return std::nullopt;
    forms.push_back(std::move(*form));
  }
  return forms;
}

std::optional<SliceForm> graph_to_moe::sliceOf(graph::NodeOp node,
                                               const GraphFacts &facts) {
  auto forms = slicesOf(node, facts);
  if (!forms || forms->size() != 1)
    return std::nullopt;
  return std::move(forms->front());
}
