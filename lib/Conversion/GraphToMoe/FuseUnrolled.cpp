//===- FuseUnrolled.cpp - experts that have a subgraph each ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An unrolled graph asks for each expert where it was chosen. Its subgraph then
// works on all tokens and has weights that are 0 for most of them, or it lists
// its tokens (the non-zero places of a mask), works on these, and adds its
// results to their rows. Either way the results of all experts are added up,
// in any order; with the last one the block is complete.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

/// The most experts of a router that some may lack: they take space, although
/// the graph does not have them.
constexpr int64_t kMostTraced = 1 << 14;

void ExpertFusion::see(const Router &router, int64_t expert) {
  Seen &entry = seen[router.choice];
  entry.experts = router.experts;
  entry.found.insert(expert);
}

Label ExpertFusion::unfused(const Label &label) const {
  auto block =
      label.part == Part::Tokens ? blocks.find(label.value) : blocks.end();
  if (block == blocks.end())
    return label;
  Label result{Part::Forward, label.dims};
  result.forward = block->second;
  return result;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

ExpertFusion::Result ExpertFusion::take(const Label &label, int64_t position,
                                        int64_t offset, int64_t size,
                                        int64_t stride) {
  const Dim &dim = label.dims[position];
  if (dim.empty() && offset == 0 && size == 1)
    return label;
  if (label.part == Part::Forward)
    return columns(label, position, offset, size, stride);
  Label result = label;
  if (label.part == Part::Places) {
    const Axis *axis = only(dim, AxisKind::Coordinate);
    if (!axis || stride != 1 ||
        offset + size > int64_t(label.places->rows.size()))
      return std::nullopt;
    auto places = std::make_shared<Places>(*label.places);
    places->rows.assign(label.places->rows.begin() + offset,
                        label.places->rows.begin() + offset + size);
    result.places = places;
    result.dims[position] = over(AxisKind::Coordinate, size);
    return result;
  }
  if (size != 1 || label.one != -1)
    return std::nullopt;
  if (label.part == Part::Weight) {
    const Axis *raw = only(dim, AxisKind::Raw);
    if (!raw || label.router)
      return std::nullopt;
    result.expert = raw->index;
  } else {
    const Axis *axis = only(dim, AxisKind::Expert);
    bool isOfExperts = label.part == Part::OneHot ||
                       label.part == Part::ExpertMask ||
                       label.part == Part::DenseWeights;
    if (!axis || axis->index != 0 || !isOfExperts)
      return std::nullopt;
    see(*label.router, offset);
  }
  result.one = offset;
  result.dims[position].clear();
  return result;
}

ExpertFusion::Result ExpertFusion::placesOf(graph::NodeOp node) {
  const Label *mask = map.lookup(node.input(0));
  const Sizes *shape = facts.shape(node.getOutputs()[0]);
  if (!mask || mask->one == -1 || !shape || shape->size() != 2 ||
      (mask->part != Part::OneHot && mask->part != Part::ExpertMask))
    return std::nullopt;
  auto places = std::make_shared<Places>();
  places->rows = mask->dims;
  Label result{Part::Places,
               {over(AxisKind::Coordinate, int64_t(mask->dims.size())),
                over(AxisKind::List, (*shape)[1])}};
  result.places = places;
  result.router = mask->router;
  result.one = mask->one;
  return result;
}

ExpertFusion::Result ExpertFusion::scalePlaces(const Label &label,
                                               Value factor) {
  const Sizes *elements = facts.elements(factor);
  std::optional<Size> product =
      elements && elements->size() == 1
          ? label.places->factor.times(elements->front())
          : std::nullopt;
  if (!product || label.places->rows.size() != 1)
    return std::nullopt;
  auto places = std::make_shared<Places>(*label.places);
  places->factor = *product;
  Label result = label;
  result.places = places;
  return result;
}

/// Coordinates of a dimension times the size of another one, plus those of the
/// other one, are coordinates of both as one dimension.
ExpertFusion::Result ExpertFusion::addPlaces(const Label &lhs,
                                             const Label &rhs) {
  std::optional<Dims> dims = broadcast(lhs.dims, rhs.dims);
  if (!dims || lhs.one != rhs.one || lhs.router->choice != rhs.router->choice ||
      lhs.places->rows.size() != 1 || rhs.places->rows.size() != 1)
    return std::nullopt;
  for (auto [outer, inner] : {std::pair{&lhs, &rhs}, {&rhs, &lhs}}) {
    std::optional<Size> size = sizeOf(inner->places->rows[0]);
    std::optional<Size> step =
        size ? size->times(inner->places->factor) : std::nullopt;
    if (!step || outer->places->factor != *step)
      continue;
    auto places = std::make_shared<Places>(*inner->places);
    places->rows[0] = outer->places->rows[0];
    llvm::append_range(places->rows[0], inner->places->rows[0]);
    Label result = *inner;
    result.dims = *dims;
    result.places = places;
    return result;
  }
  return std::nullopt;
}

/// Coordinates of several dimensions side by side.
ExpertFusion::Result ExpertFusion::concat(graph::NodeOp node) {
  const Label *first = map.lookup(node.input(0));
  if (!first || first->part != Part::Places)
    return std::nullopt;
  int64_t axis = wrapIndex(integerAttr(node, "axis", 0), first->dims.size());
  if (axis == -1)
    return std::nullopt;
  auto places = std::make_shared<Places>();
  for (Value input : node.getInputs()) {
    const Label *label = map.lookup(input);
    if (!label || label->part != Part::Places || label->one != first->one ||
        label->router->choice != first->router->choice ||
        label->dims.size() != first->dims.size() ||
        label->places->factor != Size(1) || label->places->rows.size() != 1 ||
        label->dims != first->dims || !label->dims[axis].empty())
      return std::nullopt;
    places->rows.push_back(label->places->rows[0]);
  }
  Label result = *first;
  result.dims[axis] = over(AxisKind::Coordinate, int64_t(places->rows.size()));
  result.places = places;
  return result;
}

//===----------------------------------------------------------------------===//
// What stands at the places
//===----------------------------------------------------------------------===//

ExpertFusion::Result ExpertFusion::listed(graph::NodeOp node,
                                          const Label &label,
                                          const Label &index, Dims dims) {
  bool isOfChoice =
      label.router && label.router->choice == index.router->choice;
  Label result = label;
  result.dims = std::move(dims);
  switch (label.part) {
  case Part::Tokens:
    if (label.one != -1)
      return std::nullopt;
    result.router = index.router;
    break;
  case Part::RouteWeights: {
    // One of each token: that of the expert.
    bool hasSlots = llvm::any_of(result.dims, [](const Dim &dim) {
      return llvm::any_of(
          dim, [](const Axis &axis) { return axis.kind == AxisKind::Slot; });
    });
    if (!isOfChoice || label.one != -1 || hasSlots)
      return note(node, "expects the weights of the tokens' choice of expert " +
                            Twine(index.one));
    break;
  }
  case Part::DenseWeights:
    if (!isOfChoice || label.one != index.one)
      return note(node, "expects the weights of the tokens' choice of expert " +
                            Twine(index.one));
    result.part = Part::RouteWeights;
    break;
  case Part::ExpertSum:
    if (!isOfChoice)
      return std::nullopt;
    result.part = Part::SumRows;
    break;
  default:
    return std::nullopt;
  }
  result.one = index.one;
  return result;
}

ExpertFusion::Result ExpertFusion::gatherPlaces(graph::NodeOp node,
                                                const Label &label,
                                                int64_t axis,
                                                const Label &index) {
  const Places &places = *index.places;
  if (places.rows.size() != 1 || places.factor != Size(1) ||
      label.dims[axis] != places.rows[0])
    return note(node, "expects the places of expert " + Twine(index.one) +
                          " in a dimension that the choice runs over");
  Dims dims(label.dims.begin(), label.dims.begin() + axis);
  llvm::append_range(dims, index.dims);
  dims.append(label.dims.begin() + axis + 1, label.dims.end());
  return listed(node, label, index, std::move(dims));
}

/// Whether the last dimension of `index` holds the coordinates of an element.
static bool hasCoordinatesLast(const Label &index) {
  const Dims &dims = index.dims;
  return index.part == Part::Places && !dims.empty() &&
         index.places->factor == Size(1) &&
         (index.places->rows.size() == 1
              ? dims.back().empty()
              : only(dims.back(), AxisKind::Coordinate) != nullptr);
}

ExpertFusion::Result ExpertFusion::gatherND(graph::NodeOp node) {
  const Label *label = operand(node, 0), *index = map.lookup(node.input(1));
  if (!label || !index || index->part != Part::Places)
    return std::nullopt;
  const Dims &rows = index->places->rows;
  if (label->part == Part::Fill)
    return *label;
  if (integerAttr(node, "batch_dims", 0) != 0 || !hasCoordinatesLast(*index) ||
      label->dims.size() < rows.size() ||
      !llvm::equal(rows, ArrayRef(label->dims).take_front(rows.size())))
    return note(node, "expects the places of expert " + Twine(index->one) +
                          " in dimensions that the choice runs over");
  Dims dims(index->dims.begin(), std::prev(index->dims.end()));
  dims.append(label->dims.begin() + rows.size(), label->dims.end());
  return listed(node, *label, *index, std::move(dims));
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

ExpertFusion::Result ExpertFusion::weighOne(graph::NodeOp node,
                                            const Label &output,
                                            const Label &weights,
                                            std::optional<Dims> dims) {
  const Forward &forward = *output.forward;
  bool isListed = weights.part == Part::RouteWeights;
  bool areAll = forward.gatheredBy || forward.main.matrix.expert != -1;
  bool isOwn = isListed ? forward.listedBy == weights.router->choice &&
                              forward.listed == weights.one
                        : !forward.listedBy;
  if (areAll || !isOwn || !dims)
    return note(node, "expects the weights of the tokens of expert " +
                          Twine(weights.one));
  const Member &member =
      members.emplace_back(Member{weights.one, output.forward, node});
  Label result = weights;
  result.part = isListed ? Part::Weighted : Part::ExpertSum;
  result.dims = std::move(*dims);
  result.forward = output.forward;
  result.sum = &sums.emplace_back(ExpertSum{nullptr, nullptr, &member, 1});
  return isListed ? Result(result) : complete(node, std::move(result));
}

namespace {

/// The parts of an expert's weights.
SmallVector<const WeightPart *, 6> partsOf(const Forward &forward) {
  return {&forward.gate.matrix, &forward.gate.bias, &forward.main.matrix,
          &forward.main.bias,   &forward.down,      &forward.downBias};
}

bool isLike(const Branch &lhs, const Branch &rhs) {
  return lhs.low == rhs.low && lhs.high == rhs.high && lhs.scale == rhs.scale &&
         lhs.offset == rhs.offset;
}

/// What keeps two experts from being of one block; empty if nothing does.
std::string difference(const Member &lhs, const Member &rhs) {
  const Forward &a = *lhs.forward, &b = *rhs.forward;
  std::string of = " of expert " + std::to_string(lhs.expert),
              got = " of expert " + std::to_string(rhs.expert);
  auto activation = [](const Forward &forward) {
    return ("'" + moe::stringifyActivation(forward.activation) + "'").str();
  };
  if (a.source != b.source)
    return "expects the tokens" + of + ", got others" + got;
  if (a.activation != b.activation || a.alpha != b.alpha)
    return "expects the activation " + activation(a) + of + ", got " +
           activation(b) + got;
  if (!isLike(a.gate, b.gate) || !isLike(a.main, b.main))
    return "expects the limits and offsets" + of + ", got others" + got;
  static const char *const names[] = {"gate weight", "gate bias",
                                      "up weight",   "up bias",
                                      "down weight", "down bias"};
  for (auto [name, one, other] :
       llvm::zip_equal(names, partsOf(a), partsOf(b))) {
    if (bool(*one) != bool(*other))
      return std::string("expects ") + (*one ? "the " : "no ") + name + of +
             ", got " + (*one ? "none" : "one") + got;
    if (!*one)
      continue;
    if (one->weight.getType() != other->weight.getType()) {
      std::string text;
      llvm::raw_string_ostream(text)
          << "expects the " << name << of << ", " << one->weight.getType()
          << ", got " << other->weight.getType() << got;
      return text;
    }
    if (!one->isLike(*other))
      return "expects the " + std::string(name) + of +
             " in one layout, got another" + got;
  }
  return "";
}

} // namespace

ExpertFusion::Result ExpertFusion::join(const Label &lhs, const Label &rhs) {
  const Member &one = *lhs.sum->first, &other = *rhs.sum->first;
  if (lhs.router->choice != rhs.router->choice)
    return std::nullopt;
  if (std::string why = difference(one, other); !why.empty())
    return note(other.node, why);
  if (lhs.isNormalized != rhs.isNormalized || lhs.scale != rhs.scale ||
      lhs.isCorrected != rhs.isCorrected ||
      lhs.router->isScored != rhs.router->isScored ||
      lhs.router->scoring != rhs.router->scoring)
    return note(other.node, "expects the weights of the choice as expert " +
                                Twine(one.expert) + " has them, got others " +
                                "of expert " + Twine(other.expert));
  // Sums of sums of the same experts grow without end.
  if (lhs.sum->count + rhs.sum->count > int64_t(members.size()))
    return note(other.node, "expects each expert once, got expert " +
                                Twine(other.expert) + " again");
  Label result = lhs;
  result.value = lhs.value ? lhs.value : rhs.value;
  result.sum = &sums.emplace_back(
      ExpertSum{lhs.sum, rhs.sum, &one, lhs.sum->count + rhs.sum->count});
  return result;
}

ExpertFusion::Result ExpertFusion::addExperts(graph::NodeOp node,
                                              const Label &lhs,
                                              const Label &rhs) {
  if (rhs.part != Part::ExpertSum && rhs.part != Part::Weighted)
    return std::nullopt;
  if (lhs.part == Part::Fill) {
    const Sizes *shape = facts.shape(node.getOutputs()[0]);
    bool keeps = lhs.number == 0 && shape && shape->size() == rhs.dims.size();
    for (unsigned i = 0; keeps && i < shape->size(); ++i)
      keeps = sizeOf(rhs.dims[i]) == (*shape)[i];
    return keeps ? Result(rhs) : std::nullopt;
  }
  if (lhs.dims != rhs.dims)
    return std::nullopt;
  if (lhs.part == Part::SumRows && rhs.part == Part::Weighted)
    return lhs.one == rhs.one ? join(lhs, rhs) : std::nullopt;
  if (lhs.part == Part::Tokens && lhs.one != -1 && rhs.part == Part::Weighted) {
    if (lhs.one != rhs.one || lhs.router->choice != rhs.router->choice)
      return std::nullopt;
    Label result = rhs;
    result.part = Part::SumRows;
    result.value = lhs.value;
    return result;
  }
  if (rhs.part != Part::ExpertSum)
    return std::nullopt;
  if (lhs.part == Part::Tokens && !rhs.value && lhs.one == -1) {
    Label result = rhs;
    result.value = lhs.value;
    return result;
  }
  if (lhs.part != Part::ExpertSum || (lhs.value && rhs.value))
    return std::nullopt;
  Result result = join(lhs, rhs);
  return result ? complete(node, std::move(*result)) : std::nullopt;
}

/// A sum of any number of operands, among them results of experts.
ExpertFusion::Result ExpertFusion::sum(graph::NodeOp node) {
  auto isExperts = [&](Value input) {
    const Label *label = map.lookup(input);
    return label && label->part == Part::ExpertSum;
  };
  if (llvm::none_of(node.getInputs(), isExperts))
    return std::nullopt;
  Result result;
  for (Value input : node.getInputs()) {
    const Label *label = this->label(input);
    if (!label)
      return std::nullopt;
    if (!result) {
      result = *label;
      continue;
    }
    Label before = std::move(*result);
    if (before.part == Part::Tokens && label->part == Part::Tokens)
      result = addTokens(node, before, *label);
    else if (label->sum)
      result = addExperts(node, before, *label);
    else
      result = addExperts(node, *label, before);
    if (!result)
      return std::nullopt;
  }
  return result;
}

/// Adds the results of one expert to the rows of its tokens.
ExpertFusion::Result ExpertFusion::scatterOne(graph::NodeOp node) {
  const Label *updates = map.lookup(node.input(2));
  const Label *index = map.lookup(node.input(1));
  bool isRow = updates && updates->part == Part::SumRows;
  if (!updates || updates->one == -1 ||
      (updates->part != Part::Weighted && !isRow))
    return std::nullopt;
  auto refuse = [&](const Twine &why) -> Result {
    return note(node, why + " (expert " + Twine(updates->one) + ")");
  };
  bool isND = node.getOpType() == "ScatterND";
  bool isOwn =
      index && index->part == Part::Places && index->one == updates->one &&
      index->router->choice == updates->router->choice &&
      index->places->factor == Size(1) && index->dims.size() == 2 &&
      updates->dims.size() == 2 && index->dims[0] == updates->dims[0] &&
      only(updates->dims[0], AxisKind::List);
  if (isOwn && isND)
    isOwn = hasCoordinatesLast(*index);
  else if (isOwn)
    isOwn = integerAttr(node, "axis", 0) == 0 &&
            index->places->rows.size() == 1 &&
            sizeOf(index->dims[1]) == sizeOf(updates->dims[1]);
  if (!isOwn)
    return refuse("expects to add each result to the row of its token");
  Dims target = index->places->rows;
  target.push_back(updates->dims[1]);
  const Sizes *shape = facts.shape(node.input(0));
  bool fits = shape && shape->size() == target.size();
  for (unsigned i = 0; fits && i < target.size(); ++i)
    fits = sizeOf(target[i]) == (*shape)[i];
  const Label *data = operand(node, 0);
  if (!fits || !data)
    return refuse("expects a row for each token");
  auto attribute = dyn_cast_or_null<StringAttr>(node.attribute("reduction"));
  StringRef reduction = attribute ? attribute.getValue() : "none";
  if (reduction != "none" && reduction != "add")
    return refuse("attribute 'reduction' expects 'add', got '" + reduction +
                  "'");
  bool isAdd = reduction == "add";

  Label alone = *updates;
  alone.part = Part::ExpertSum;
  alone.dims = target;
  alone.one = -1;
  if (isRow) {
    // Rows of the sum that were added to and go back where they come from.
    bool isSource = data->part == Part::ExpertSum
                        ? updates->sum->left == data->sum
                        : data->part == Part::Tokens && data->one == -1 &&
                              data->value == updates->value &&
                              !updates->sum->left;
    if (isAdd || data->dims != target || !isSource)
      return refuse("expects to put rows back where they come from");
    return complete(node, std::move(alone));
  }
  // A token is on the list of an expert once, so that in zeros there is
  // nothing to add to.
  if (data->part == Part::Fill && data->number == 0)
    return complete(node, std::move(alone));
  if (!isAdd)
    return refuse("attribute 'reduction' expects 'add', got 'none', which "
                  "overwrites rows that other experts have added to");
  Result result = addExperts(node, *data, alone);
  return result ? result
                : refuse("expects to add to zeros, tokens, or the sum "
                         "of other experts");
}

//===----------------------------------------------------------------------===//
// Complete blocks
//===----------------------------------------------------------------------===//

llvm::Expected<WeightPart>
ExpertFusion::stack(ArrayRef<const WeightPart *> parts) {
  const WeightPart &first = **llvm::find_if(
      parts, [](const WeightPart *part) { return part != nullptr; });
  WeightPart result = first;
  result.index = result.sliced = -1;
  // All elements of a weight that has a dimension of experts anyway.
  bool isWhole =
      first.sliced != -1 &&
      typeOf(first.weight).getDimSize(first.sliced) == int64_t(parts.size());
  for (auto [i, part] : llvm::enumerate(parts))
    isWhole &=
        part && part->weight == first.weight && part->index == int64_t(i);
  if (isWhole) {
    result.expert = first.sliced;
    return result;
  }
  if (first.sliced > 0)
    return llvm::createStringError("expects the experts in the first dimension "
                                   "of a weight, got dimension " +
                                   Twine(first.sliced));
  SmallVector<WeightSlice> slices;
  for (const WeightPart *part : parts)
    slices.push_back(
        part ? WeightSlice{part->weight.getDefiningOp<moe::WeightOp>(),
                           part->index}
             : WeightSlice());
  llvm::Expected<moe::WeightOp> weight = stacks.stack(slices);
  if (!weight)
    return weight.takeError();
  facts.infer(*weight);
  result.weight = *weight;
  result.expert = 0;
  if (first.sliced == -1) {
    result.in += result.in != -1;
    result.out += result.out != -1;
  }
  return result;
}

ExpertFusion::Result ExpertFusion::complete(graph::NodeOp node, Label label) {
  const Router &router = *label.router;
  int64_t expected = router.experts;
  if (isSecondRun) {
    const Seen &entry = seen[router.choice];
    expected = entry.isUnread ? -1 : entry.found.size();
  }
  // A loop has all experts when it ends.
  if (label.sum->count != expected || loop)
    return label;
  if (label.sum->count != router.experts && router.experts > kMostTraced)
    return note(node, "expects a subgraph for each of " +
                          Twine(router.experts) + " experts, got " +
                          Twine(label.sum->count));
  SmallVector<const Member *> all(router.experts, nullptr);
  SmallVector<const ExpertSum *> open = {label.sum};
  while (!open.empty()) {
    const ExpertSum *sum = open.pop_back_val();
    if (sum->left) {
      open.append({sum->right, sum->left});
      continue;
    }
    const Member *&place = all[sum->first->expert];
    if (place)
      return note(sum->first->node, "expects each expert once, got expert " +
                                        Twine(place->expert) +
                                        " a second time");
    place = sum->first;
  }
  MissingExperts lacking{router.choice, nullptr, router.experts, {}};
  for (auto [expert, member] : llvm::enumerate(all))
    if (!member)
      lacking.missing.push_back(expert);

  const Member &first = *label.sum->first;
  Forward forward = *first.forward;
  forward.listedBy = nullptr;
  forward.listed = -1;
  WeightPart *const stacked[] = {&forward.gate.matrix, &forward.gate.bias,
                                 &forward.main.matrix, &forward.main.bias,
                                 &forward.down,        &forward.downBias};
  for (auto [i, part] : llvm::enumerate(stacked)) {
    if (!*part)
      continue;
    SmallVector<const WeightPart *> parts;
    for (const Member *member : all)
      parts.push_back(member ? partsOf(*member->forward)[i] : nullptr);
    llvm::Expected<WeightPart> one = stack(parts);
    if (!one)
      return note(first.node, llvm::toString(one.takeError()));
    *part = *one;
  }
  Value base = label.value;
  label.value = nullptr;
  Result result = completeExperts(node, forward, label, label.dims);
  if (!result)
    return std::nullopt;
  lacking.block = result->value.getDefiningOp<graph::NodeOp>();
  if (!lacking.missing.empty())
    missing.push_back(std::move(lacking));
  if (!base)
    return result;
  if (tokenDims(base) != tokenDims(result->value))
    return note(node, "expects to add to tokens of the block's shape");
  return fuse(node, "Add", base, result->value, {}, label.dims);
}
