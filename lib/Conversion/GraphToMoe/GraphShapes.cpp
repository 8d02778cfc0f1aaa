//===- GraphShapes.cpp - shape inference of graph nodes -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function per family of node types. A function states what it can of the
// results and leaves the rest open.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "lib/Import/OnnxTensor.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// The node at hand with its first result's fact.
struct Inference {
  graph::NodeOp node;
  GraphFacts &facts;

  const Sizes *shape(unsigned operand) {
    return facts.shape(node.input(operand));
  }
  const Sizes *data(unsigned operand) {
    return facts.elements(node.input(operand));
  }
  Type element(unsigned operand) {
    return facts.elementType(node.input(operand));
  }
  int64_t attr(StringRef name, int64_t absent) const {
    return integerAttr(node, name, absent);
  }
  GraphFacts::Fact &result(unsigned index = 0) {
    return facts.at(node.getOutputs()[index]);
  }
  /// `size`, or an unknown one.
  Size orFresh(std::optional<Size> size) {
    return size ? *size : facts.fresh();
  }
  Sizes freshShape(size_t rank) {
    Sizes sizes;
    for (size_t i = 0; i < rank; ++i)
      sizes.push_back(facts.fresh());
    return sizes;
  }
};

using Handler = void (*)(Inference &);

/// Shapes of more dimensions are not followed.
constexpr size_t kMaxRank = onnx_import::kMaxRank;

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// Aligned at the right; unequal sizes of which neither is 1 are unknown.
std::optional<Sizes> broadcast(const Sizes *lhs, const Sizes *rhs,
                               Inference &in) {
  if (!lhs || !rhs)
    return std::nullopt;
  Sizes result;
  size_t rank = std::max(lhs->size(), rhs->size());
  for (size_t i = 0; i < rank; ++i) {
    size_t left = i + lhs->size(), right = i + rhs->size();
    Size a = left >= rank ? (*lhs)[left - rank] : Size(1);
    Size b = right >= rank ? (*rhs)[right - rank] : Size(1);
    if (a == b || b == Size(1))
      result.push_back(a);
    else if (a == Size(1) || b.constant())
      result.push_back(b);
    else
      result.push_back(a.constant() ? a : in.facts.fresh());
  }
  return result;
}

void inferLike(Inference &in) {
  if (const Sizes *shape = in.shape(0))
    in.result().shape = *shape;
  in.result().element = in.element(in.node.getOpType() == "CastLike" ? 1 : 0);
}

/// Identity and casts between integers keep the elements.
void inferCopy(Inference &in) {
  inferLike(in);
  if (in.node.getOpType() == "Cast") {
    llvm::Expected<Type> type = onnx_import::elementType(
        int32_t(in.attr("to", 0)), in.node.getContext());
    in.result().element = type ? *type : Type();
    if (!type)
      llvm::consumeError(type.takeError());
    bool toInteger = type && (type->isInteger(32) || type->isInteger(64));
    if (!toInteger)
      return;
  }
  if (const Sizes *data = in.data(0))
    in.result().data = *data;
}

void inferAllLike(Inference &in) {
  inferLike(in);
  for (unsigned i = 1; i < in.node.getOutputs().size(); ++i)
    in.result(i).element = in.element(0);
}

std::optional<Size> compute(StringRef op, const Size &a, const Size &b) {
  if (op == "Add")
    return a.plus(b);
  if (op == "Sub")
    return a.minus(b);
  if (op == "Mul")
    return a.times(b);
  if (op == "Div") {
    if (std::optional<Size> exact = a.dividedBy(b))
      return exact;
    std::optional<int64_t> x = a.constant(), y = b.constant();
    if (x && y && *x >= 0 && *y > 0)
      return Size(*x / *y);
  }
  return std::nullopt;
}

/// The elements of an operand, as many as `count`.
std::optional<Sizes> spread(const Sizes *data, size_t count) {
  if (!data || (data->size() != count && data->size() != 1))
    return std::nullopt;
  return data->size() == count ? *data : Sizes(count, data->front());
}

void inferArithmetic(Inference &in) {
  in.result().shape = broadcast(in.shape(0), in.shape(1), in);
  in.result().element = in.element(0);
  const Sizes *lhs = in.data(0), *rhs = in.data(1);
  if (!lhs || !rhs)
    return;
  size_t count = std::max(lhs->size(), rhs->size());
  auto a = spread(lhs, count), b = spread(rhs, count);
  if (!a || !b)
    return;
  Sizes data;
  for (size_t i = 0; i < count; ++i)
    data.push_back(in.orFresh(compute(in.node.getOpType(), (*a)[i], (*b)[i])));
  in.result().data = std::move(data);
}

/// Any number of operands.
void inferSpread(Inference &in) {
  in.result().element = in.element(0);
  std::optional<Sizes> shape;
  for (unsigned i = 0; i < in.node.getInputs().size(); ++i) {
    const Sizes *other = in.shape(i);
    shape = i == 0 && other ? std::optional<Sizes>(*other)
                            : broadcast(shape ? &*shape : nullptr, other, in);
    if (!shape)
      return;
  }
  in.result().shape = std::move(shape);
}

/// Comparisons; Equal of sizes is decided where it can be.
void inferCompare(Inference &in) {
  in.result().shape = broadcast(in.shape(0), in.shape(1), in);
  in.result().element = IntegerType::get(in.node.getContext(), 1);
  const Sizes *lhs = in.data(0), *rhs = in.data(1);
  if (in.node.getOpType() != "Equal" || !lhs || !rhs)
    return;
  size_t count = std::max(lhs->size(), rhs->size());
  auto a = spread(lhs, count), b = spread(rhs, count);
  if (!a || !b)
    return;
  Sizes data;
  for (size_t i = 0; i < count; ++i) {
    std::optional<Size> difference = (*a)[i].minus((*b)[i]);
    std::optional<int64_t> known =
        difference ? difference->constant() : std::nullopt;
    auto isNegative = [](const Size &size) {
      return size.constant() && *size.constant() < 0;
    };
    if (known)
      data.push_back(*known == 0);
    else if (((*a)[i].isNonNegative() && isNegative((*b)[i])) ||
             (isNegative((*a)[i]) && (*b)[i].isNonNegative()))
      data.push_back(0);
    else
      return;
  }
  in.result().data = std::move(data);
}

void inferWhere(Inference &in) {
  std::optional<Sizes> branches = broadcast(in.shape(1), in.shape(2), in);
  in.result().shape =
      broadcast(in.shape(0), branches ? &*branches : nullptr, in);
  in.result().element = in.element(1);
  const Sizes *condition = in.data(0);
  if (!condition)
    return;
  auto a = spread(in.data(1), condition->size());
  auto b = spread(in.data(2), condition->size());
  if (!a || !b)
    return;
  Sizes data;
  for (auto [flag, yes, no] : llvm::zip_equal(*condition, *a, *b)) {
    if (!flag.constant())
      return;
    data.push_back(*flag.constant() ? yes : no);
  }
  in.result().data = std::move(data);
}

//===----------------------------------------------------------------------===//
// Shapes as data
//===----------------------------------------------------------------------===//

void inferShape(Inference &in) {
  in.result().element = IntegerType::get(in.node.getContext(), 64);
  const Sizes *shape = in.shape(0);
  if (!shape) {
    in.result().shape = in.freshShape(1);
    return;
  }
  int64_t rank = shape->size();
  int64_t start = in.attr("start", 0), end = in.attr("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  in.result().data = Sizes(shape->begin() + start, shape->begin() + end);
  in.result().shape = Sizes{Size(end - start)};
}

void inferSize(Inference &in) {
  in.result().element = IntegerType::get(in.node.getContext(), 64);
  in.result().shape = Sizes();
  const Sizes *shape = in.shape(0);
  if (std::optional<Size> count = shape ? productOf(*shape) : std::nullopt)
    in.result().data = Sizes{*count};
}

/// The places of what is not zero: a column each.
void inferNonZero(Inference &in) {
  in.result().element = IntegerType::get(in.node.getContext(), 64);
  const Sizes *shape = in.shape(0);
  Size rank = shape ? Size(int64_t(std::max<size_t>(shape->size(), 1)))
                    : in.facts.fresh();
  in.result().shape = Sizes{rank, in.facts.fresh()};
}

void inferConstantOfShape(Inference &in) {
  auto value = dyn_cast_or_null<ElementsAttr>(in.node.attribute("value"));
  in.result().element =
      value ? value.getElementType() : Float32Type::get(in.node.getContext());
  const Sizes *dims = in.data(0);
  if (!dims)
    return;
  in.result().shape = *dims;
  auto integers = dyn_cast_or_null<DenseIntElementsAttr>(value);
  std::optional<Size> count = productOf(*dims);
  std::optional<int64_t> known = count ? count->constant() : std::nullopt;
  if (integers && integers.getNumElements() == 1 && known && *known >= 0 &&
      *known <= 64)
    in.result().data = Sizes(*known, Size((*integers.begin()).getSExtValue()));
}

void inferRange(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *start = in.data(0), *limit = in.data(1), *step = in.data(2);
  std::optional<Size> length;
  if (start && limit && step && start->size() == 1 && limit->size() == 1 &&
      step->size() == 1 && step->front() == Size(1))
    length = limit->front().minus(start->front());
  in.result().shape = Sizes{in.orFresh(length)};
}

void inferGather(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *data = in.shape(0), *indices = in.shape(1);
  if (!data || !indices || data->empty())
    return;
  int64_t axis = wrapIndex(in.attr("axis", 0), data->size());
  if (axis < 0)
    return;
  Sizes shape(data->begin(), data->begin() + axis);
  shape.append(indices->begin(), indices->end());
  shape.append(data->begin() + axis + 1, data->end());
  in.result().shape = std::move(shape);
  const Sizes *elements = in.data(0);
  auto places = in.facts.integers(in.node.input(1));
  if (!elements || !places || data->size() != 1)
    return;
  Sizes chosen;
  for (int64_t place : *places) {
    int64_t index = wrapIndex(place, elements->size());
    if (index < 0)
      return;
    chosen.push_back((*elements)[index]);
  }
  in.result().data = std::move(chosen);
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

/// Elements are kept in their order.
void keepData(Inference &in) {
  in.result().element = in.element(0);
  if (const Sizes *data = in.data(0))
    in.result().data = *data;
}

void inferUnsqueeze(Inference &in) {
  keepData(in);
  const Sizes *shape = in.shape(0);
  auto axes = axesOf(in.node, 1, in.facts);
  if (!shape || !axes)
    return;
  int64_t rank = shape->size() + axes->size();
  SmallVector<bool> isNew(rank, false);
  for (int64_t axis : *axes) {
    int64_t place = wrapIndex(axis, rank);
    if (place < 0)
      return;
    isNew[place] = true;
  }
  Sizes result;
  auto next = shape->begin();
  for (bool flag : isNew) {
    if (!flag && next == shape->end())
      return;
    result.push_back(flag ? Size(1) : *next++);
  }
  in.result().shape = std::move(result);
}

void inferSqueeze(Inference &in) {
  keepData(in);
  const Sizes *shape = in.shape(0);
  auto axes = axesOf(in.node, 1, in.facts);
  if (!shape || (!axes && in.node.input(1)))
    return;
  Sizes result;
  for (auto [dim, size] : llvm::enumerate(*shape)) {
    bool dropped = axes
                       ? llvm::any_of(*axes,
                                      [&, dim = dim](int64_t axis) {
                                        return wrapIndex(axis, shape->size()) ==
                                               int64_t(dim);
                                      })
                       : size == Size(1);
    if (!dropped)
      result.push_back(size);
  }
  in.result().shape = std::move(result);
}

void inferReshape(Inference &in) {
  keepData(in);
  const Sizes *shape = in.shape(0), *target = in.data(1);
  if (!target) {
    // The length of the target is the rank.
    int64_t rank = in.facts.dim(in.node.input(1), 0);
    if (rank >= 0 && rank <= int64_t(kMaxRank))
      in.result().shape = in.freshShape(rank);
    return;
  }
  bool allowZero = in.attr("allowzero", 0) != 0;
  Sizes result, known;
  std::optional<size_t> open;
  for (auto [dim, size] : llvm::enumerate(*target)) {
    if (size == Size(-1)) {
      open = dim;
      result.push_back(Size(0));
      continue;
    }
    bool copies = size == Size(0) && !allowZero;
    Size actual = size;
    if (copies)
      actual = shape && dim < shape->size() ? (*shape)[dim] : in.facts.fresh();
    result.push_back(actual);
    known.push_back(actual);
  }
  if (open)
    result[*open] =
        in.orFresh(shape ? quotientOf(*shape, known) : std::nullopt);
  in.result().shape = std::move(result);
}

void inferTranspose(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *shape = in.shape(0);
  if (!shape)
    return;
  Sizes result;
  auto perm = dyn_cast_or_null<DenseI64ArrayAttr>(in.node.attribute("perm"));
  if (perm && perm.size() != int64_t(shape->size()))
    return;
  for (size_t i = 0; i < shape->size(); ++i) {
    int64_t from = perm ? wrapIndex(perm[i], shape->size())
                        : int64_t(shape->size() - 1 - i);
    if (from < 0)
      return;
    result.push_back((*shape)[from]);
  }
  in.result().shape = std::move(result);
}

void inferFlatten(Inference &in) {
  keepData(in);
  const Sizes *shape = in.shape(0);
  int64_t axis = in.attr("axis", 1);
  if (!shape)
    return;
  axis = axis < 0 ? axis + int64_t(shape->size()) : axis;
  if (axis < 0 || axis > int64_t(shape->size()))
    return;
  in.result().shape =
      Sizes{in.orFresh(productOf(ArrayRef(*shape).take_front(axis))),
            in.orFresh(productOf(ArrayRef(*shape).drop_front(axis)))};
}

void inferConcat(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *first = in.shape(0);
  if (!first || first->empty())
    return;
  int64_t axis = wrapIndex(in.attr("axis", 0), first->size());
  if (axis < 0)
    return;
  Sizes result = *first;
  std::optional<Size> sum = Size(0);
  std::optional<Sizes> data = Sizes();
  for (unsigned i = 0; i < in.node.getInputs().size(); ++i) {
    const Sizes *shape = in.shape(i);
    if (!shape || shape->size() != first->size()) {
      sum.reset();
      data.reset();
      break;
    }
    sum = sum ? sum->plus((*shape)[axis]) : sum;
    const Sizes *elements = in.data(i);
    if (data && elements && first->size() == 1 && data->size() <= 64)
      data->append(elements->begin(), elements->end());
    else
      data.reset();
  }
  result[axis] = in.orFresh(sum);
  in.result().shape = std::move(result);
  if (data && data->size() <= 64)
    in.result().data = std::move(data);
}

void inferSlice(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *shape = in.shape(0);
  if (!shape)
    return;
  auto forms = slicesOf(in.node, in.facts);
  if (!forms) {
    in.result().shape = in.freshShape(shape->size());
    return;
  }
  Sizes result = *shape;
  for (const SliceForm &form : *forms)
    result[form.axis] = form.size;
  in.result().shape = std::move(result);
  if (forms->size() != 1)
    return;
  const SliceForm *form = &forms->front();
  const Sizes *data = in.data(0);
  std::optional<int64_t> start = form->start.constant(),
                         size = form->size.constant();
  if (!data || shape->size() != 1 || !start || !size)
    return;
  Sizes chosen;
  for (int64_t i = 0; i < *size; ++i) {
    int64_t place = *start + i * form->step;
    if (place < 0 || place >= int64_t(data->size()))
      return;
    chosen.push_back((*data)[place]);
  }
  in.result().data = std::move(chosen);
}

void inferSplit(Inference &in) {
  const Sizes *shape = in.shape(0);
  size_t count = in.node.getOutputs().size();
  std::optional<SmallVector<int64_t>> sizes =
      in.facts.integers(in.node.input(1));
  if (auto attribute =
          dyn_cast_or_null<DenseI64ArrayAttr>(in.node.attribute("split")))
    sizes = SmallVector<int64_t>(attribute.asArrayRef());
  for (size_t i = 0; i < count; ++i) {
    in.result(i).element = in.element(0);
    int64_t axis = shape ? wrapIndex(in.attr("axis", 0), shape->size()) : -1;
    if (axis < 0)
      continue;
    Sizes result = *shape;
    if (sizes && sizes->size() == count)
      result[axis] = (*sizes)[i];
    else if (!sizes && !in.node.input(1))
      result[axis] = in.orFresh((*shape)[axis].dividedBy(int64_t(count)));
    else
      result[axis] = in.facts.fresh();
    in.result(i).shape = std::move(result);
  }
}

void inferExpand(Inference &in) {
  in.result().element = in.element(0);
  in.result().shape = broadcast(in.shape(0), in.data(1), in);
}

void inferTile(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *shape = in.shape(0), *repeats = in.data(1);
  if (!shape || !repeats || repeats->size() != shape->size())
    return;
  Sizes result;
  for (auto [size, times] : llvm::zip_equal(*shape, *repeats))
    result.push_back(in.orFresh(size.times(times)));
  in.result().shape = std::move(result);
}

//===----------------------------------------------------------------------===//
// Products, reductions, choice
//===----------------------------------------------------------------------===//

void inferMatMul(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *lhs = in.shape(0), *rhs = in.shape(1);
  if (!lhs || !rhs || lhs->size() < 2 || rhs->size() < 2)
    return;
  Sizes left(lhs->begin(), lhs->end() - 2), right(rhs->begin(), rhs->end() - 2);
  std::optional<Sizes> result = broadcast(&left, &right, in);
  result->push_back((*lhs)[lhs->size() - 2]);
  result->push_back(rhs->back());
  in.result().shape = std::move(result);
}

void inferGemm(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *lhs = in.shape(0), *rhs = in.shape(1);
  if (!lhs || !rhs || lhs->size() != 2 || rhs->size() != 2)
    return;
  bool transA = in.attr("transA", 0) != 0, transB = in.attr("transB", 0) != 0;
  in.result().shape = Sizes{(*lhs)[transA ? 1 : 0], (*rhs)[transB ? 0 : 1]};
}

void inferReduce(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *shape = in.shape(0);
  auto axes = axesOf(in.node, 1, in.facts);
  if (!shape || (!axes && in.node.input(1)))
    return;
  bool keep = in.attr("keepdims", 1) != 0;
  const Sizes *data = in.data(0);
  bool isAll = shape->size() == 1 && (!axes || axes->size() == 1);
  if (in.node.getOpType() == "ReduceProd" && data && isAll)
    if (std::optional<Size> product = productOf(*data))
      in.result().data = Sizes{*product};
  Sizes result;
  for (auto [dim, size] : llvm::enumerate(*shape)) {
    bool reduced = !axes || llvm::any_of(*axes, [&, dim = dim](int64_t axis) {
      return wrapIndex(axis, shape->size()) == int64_t(dim);
    });
    if (!reduced)
      result.push_back(size);
    else if (keep)
      result.push_back(Size(1));
  }
  in.result().shape = std::move(result);
}

void inferArg(Inference &in) {
  in.result().element = IntegerType::get(in.node.getContext(), 64);
  const Sizes *shape = in.shape(0);
  int64_t axis = shape ? wrapIndex(in.attr("axis", 0), shape->size()) : -1;
  if (axis < 0)
    return;
  Sizes result = *shape;
  if (in.attr("keepdims", 1) != 0)
    result[axis] = Size(1);
  else
    result.erase(result.begin() + axis);
  in.result().shape = std::move(result);
}

/// Attention of [B,S,heads*width] or [B,heads,S,width]; the grown caches are
/// [B,kv,P+S,width].
void inferAttention(Inference &in) {
  for (unsigned i = 0; i < in.node.getOutputs().size(); ++i)
    in.result(i).element = in.element(0);
  const Sizes *query = in.shape(0), *value = in.shape(2);
  if (!query || !value || query->size() != value->size() ||
      (query->size() != 3 && query->size() != 4))
    return;
  bool isFlat = query->size() == 3;
  int64_t heads = in.attr("q_num_heads", 0), kv = in.attr("kv_num_heads", 0);
  std::optional<Size> width = value->back();
  if (isFlat) {
    if (heads < 1 || kv < 1)
      return;
    width = width->dividedBy(kv);
  }
  Sizes result = *query;
  std::optional<Size> all = width && isFlat ? width->times(heads) : width;
  result.back() = in.orFresh(all);
  in.result().shape = std::move(result);
  for (unsigned i : {1u, 2u}) {
    const Sizes *added = in.shape(i), *past = in.shape(i + 3);
    if (!in.node.hasOutput(i) || !added || added->size() != query->size())
      continue;
    Size tokens = (*added)[isFlat ? 1 : 2];
    if (past && past->size() == 4)
      tokens = in.orFresh(tokens.plus((*past)[2]));
    Size last =
        isFlat ? in.orFresh(added->back().dividedBy(kv)) : added->back();
    in.result(i).shape =
        Sizes{(*query)[0], isFlat ? Size(kv) : (*added)[1], tokens, last};
  }
}

void inferTopK(Inference &in) {
  in.result().element = in.element(0);
  if (in.node.getOutputs().size() != 2)
    return;
  in.result(1).element = IntegerType::get(in.node.getContext(), 64);
  const Sizes *shape = in.shape(0), *count = in.data(1);
  int64_t axis = shape ? wrapIndex(in.attr("axis", -1), shape->size()) : -1;
  if (axis < 0)
    return;
  Sizes result = *shape;
  result[axis] =
      count && count->size() == 1 ? count->front() : in.facts.fresh();
  in.result(0).shape = result;
  in.result(1).shape = std::move(result);
}

void inferGatherElements(Inference &in) {
  in.result().element = in.element(0);
  if (const Sizes *shape = in.shape(1))
    in.result().shape = *shape;
}

void inferGatherND(Inference &in) {
  in.result().element = in.element(0);
  const Sizes *data = in.shape(0), *indices = in.shape(1);
  int64_t batch = in.attr("batch_dims", 0);
  if (!data || !indices || indices->empty() || batch < 0)
    return;
  std::optional<int64_t> count = indices->back().constant();
  if (!count || *count < 0 || *count > int64_t(data->size()) - batch)
    return;
  Sizes result(indices->begin(), std::prev(indices->end()));
  result.append(data->begin() + batch + *count, data->end());
  in.result().shape = std::move(result);
}

void inferOneHot(Inference &in) {
  in.result().element = in.element(2);
  const Sizes *shape = in.shape(0), *depth = in.data(1);
  if (!shape || !depth || depth->size() != 1)
    return;
  int64_t axis = wrapIndex(in.attr("axis", -1), shape->size() + 1);
  if (axis < 0)
    return;
  Sizes result = *shape;
  result.insert(result.begin() + axis, depth->front());
  in.result().shape = std::move(result);
}

/// Letters of an equation "ab,bc->ac".
void inferEinsum(Inference &in) {
  in.result().element = in.element(0);
  auto equation = dyn_cast_or_null<StringAttr>(in.node.attribute("equation"));
  if (!equation)
    return;
  auto [left, right] = equation.getValue().split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  llvm::DenseMap<char, Size> letters;
  for (auto [index, term] : llvm::enumerate(terms)) {
    const Sizes *shape = in.shape(index);
    SmallVector<char> used;
    for (char letter : term)
      if (letter != ' ')
        used.push_back(letter);
    if (!shape || shape->size() != used.size())
      return;
    for (auto [letter, size] : llvm::zip_equal(used, *shape))
      letters.try_emplace(letter, size);
  }
  Sizes result;
  for (char letter : right) {
    auto found = letters.find(letter);
    if (letter == ' ')
      continue;
    if (found == letters.end())
      return;
    result.push_back(found->second);
  }
  in.result().shape = std::move(result);
}

Handler standardHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Cases({"Identity", "Cast"}, inferCopy)
      .Cases({"Add", "Sub", "Mul", "Div", "Pow", "Mod", "PRelu"},
             inferArithmetic)
      .Cases({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
              "And", "Or", "Xor"},
             inferCompare)
      .Cases({"Min", "Max", "Sum", "Mean"}, inferSpread)
      .Case("Where", inferWhere)
      .Cases({"Sqrt", "Reciprocal", "Exp", "Log", "Neg", "Abs", "Not", "Cos",
              "Sin"},
             inferLike)
      .Cases({"Sigmoid", "Tanh", "Erf", "Relu", "Softmax", "Softplus", "Gelu",
              "Clip", "Swish"},
             inferLike)
      .Cases({"Ceil", "Elu", "Floor", "HardSigmoid", "HardSwish", "LeakyRelu",
              "LogSoftmax", "Mish"},
             inferLike)
      .Cases({"Round", "Sign", "Softsign", "Tan"}, inferLike)
      .Cases({"CumSum", "Trilu", "ScatterElements", "ScatterND", "CastLike",
              "TensorScatter"},
             inferLike)
      .Cases({"SimplifiedLayerNormalization", "RMSNormalization",
              "LayerNormalization", "RotaryEmbedding"},
             inferAllLike)
      .Case("Shape", inferShape)
      .Case("Size", inferSize)
      .Case("NonZero", inferNonZero)
      .Case("ConstantOfShape", inferConstantOfShape)
      .Case("Range", inferRange)
      .Case("Gather", inferGather)
      .Case("Unsqueeze", inferUnsqueeze)
      .Case("Squeeze", inferSqueeze)
      .Case("Reshape", inferReshape)
      .Case("Flatten", inferFlatten)
      .Case("Transpose", inferTranspose)
      .Case("Concat", inferConcat)
      .Case("Slice", inferSlice)
      .Case("Split", inferSplit)
      .Case("Expand", inferExpand)
      .Case("Tile", inferTile)
      .Case("MatMul", inferMatMul)
      .Case("Gemm", inferGemm)
      .Cases(
          {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"},
          inferReduce)
      .Cases({"ReduceL1", "ReduceL2", "ReduceSumSquare"}, inferReduce)
      .Cases({"ArgMax", "ArgMin"}, inferArg)
      .Case("Attention", inferAttention)
      .Case("TopK", inferTopK)
      .Case("GatherElements", inferGatherElements)
      .Case("GatherND", inferGatherND)
      .Case("OneHot", inferOneHot)
      .Case("Einsum", inferEinsum)
      .Default(nullptr);
}

Handler contribHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Cases({"SkipSimplifiedLayerNormalization", "MoE", "QMoE"}, inferAllLike)
      .Default(nullptr);
}

} // namespace

void graph_to_moe::inferNode(graph::NodeOp node, GraphFacts &facts) {
  if (node.getOutputs().empty() || node.getOpType() == "Constant")
    return;
  Handler handler = nullptr;
  if (node.getDomain().empty())
    handler = standardHandler(node.getOpType());
  else if (node.getDomain() == "com.microsoft")
    handler = contribHandler(node.getOpType());
  if (!handler || !node.input(0))
    return;
  Inference in{node, facts};
  handler(in);
  // A chain of nodes could add a dimension each.
  for (Value output : node.getOutputs())
    if (const Sizes *shape = facts.shape(output);
        shape && shape->size() > kMaxRank)
      facts.at(output) = GraphFacts::Fact();
}
