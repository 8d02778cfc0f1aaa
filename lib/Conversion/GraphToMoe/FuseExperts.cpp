//===- FuseExperts.cpp - complete expert blocks become one node -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Drives the labelling, and writes the fused nodes. A fused node computes on
// the tokens as they were before the block flattened or copied them; the value
// in which the block has restored that shape is replaced by the node's result.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

std::nullopt_t ExpertFusion::note(graph::NodeOp node, const Twine &why) {
  std::string text = why.str();
  // A loop's expert has no number of its own.
  std::string symbol = "expert " + std::to_string(kIteration);
  if (size_t at = text.find(symbol); loop && at != std::string::npos)
    text.replace(at, symbol.size(), "the iteration's expert");
  notes.try_emplace(node, std::move(text));
  return std::nullopt;
}

ExpertFusion::Result ExpertFusion::with(const Label *label,
                                        std::optional<Dims> dims) {
  if (!label || !dims)
    return std::nullopt;
  Label result = *label;
  result.dims = std::move(*dims);
  return result;
}

std::optional<Dims> ExpertFusion::tokenDims(Value value) const {
  const Sizes *shape = facts.shape(value);
  if (!shape || shape->size() < 2 || !shape->back().constant())
    return std::nullopt;
  Dims dims;
  for (auto [i, size] : llvm::enumerate(*shape))
    dims.push_back(i + 1 == shape->size() ? over(AxisKind::Width, size)
                                          : over(AxisKind::Token, size, i));
  return dims;
}

const Label *ExpertFusion::label(Value value) {
  if (!value)
    return nullptr;
  if (const Label *known = map.lookup(value))
    return known;
  if (auto weight = value.getDefiningOp<moe::WeightOp>()) {
    Label label{Part::Weight};
    label.value = value;
    for (auto [i, size] : llvm::enumerate(typeOf(weight).getShape()))
      label.dims.push_back(over(AxisKind::Raw, size, i));
    set(value, std::move(label));
  } else if (std::optional<Dims> dims = tokenDims(value);
             dims && isa_and_nonnull<FloatType>(facts.elementType(value))) {
    set(value, Label{Part::Tokens, std::move(*dims), value});
  }
  return map.lookup(value);
}

void ExpertFusion::set(Value value, Label label) {
  // A fused block that has its first shape again is what its node computes.
  if (label.part == Part::Tokens && label.value != value &&
      fused.contains(label.value) && label.dims == tokenDims(label.value)) {
    value.replaceAllUsesWith(label.value);
    replacements.push_back({label.value, value});
    return;
  }
  // Nothing real has more, and chains of nodes must not make them longer.
  constexpr size_t kMaxAxes = 64;
  size_t axes = label.dims.size();
  for (const Dim &dim : label.dims)
    axes += dim.size();
  if (axes <= kMaxAxes)
    map[value] = &labels.emplace_back(std::move(label));
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

void ExpertFusion::run() {
  visitAll();
  // What a traced loop lacks is known only now that all of it was seen; blocks
  // without these experts are completed in a second run.
  if (llvm::none_of(seen, [](const auto &entry) {
        return !entry.second.isUnread &&
               int64_t(entry.second.found.size()) < entry.second.experts;
      }))
    return;
  isSecondRun = true;
  map.clear();
  labels.clear();
  members.clear();
  sums.clear();
  notes.clear();
  visitAll();
}

void ExpertFusion::visitAll() {
  for (auto node : llvm::make_early_inc_range(
           main.getBody().front().getOps<graph::NodeOp>())) {
    if (!node.getDomain().empty())
      continue;
    if (node.getBodies().empty())
      visit(node);
    else
      visitLoop(node);
  }
}

void ExpertFusion::visit(graph::NodeOp node) {
  if (node.getInputs().empty() || node.getOutputs().empty())
    return;
  if (!visitView(node))
    compute(node);
  StringRef type = node.getOpType();
  if (map.contains(node.getOutputs()[0]) || type == "Shape")
    return;
  for (Value input : node.getInputs())
    if (const Label *label = map.lookup(input);
        label && label->one == -1 &&
        (label->part == Part::Choice || label->part == Part::OneHot))
      seen[label->router->choice].isUnread = true;
}

void ExpertFusion::compute(graph::NodeOp node) {
  StringRef type = node.getOpType();
  if (type == "TopK")
    return topK(node);
  using Method = Result (ExpertFusion::*)(graph::NodeOp);
  auto method =
      llvm::StringSwitch<Method>(type)
          .Case("Softmax", &ExpertFusion::softmax)
          .Case("GatherElements", &ExpertFusion::gatherElements)
          .Case("ScatterElements", &ExpertFusion::scatterElements)
          .Case("ScatterND", &ExpertFusion::addUp)
          .Case("NonZero", &ExpertFusion::placesOf)
          .Case("GatherND", &ExpertFusion::gatherND)
          .Case("Concat", &ExpertFusion::concat)
          .Case("Sum", &ExpertFusion::sum)
          .Case("OneHot", &ExpertFusion::oneHot)
          .Case("Equal", &ExpertFusion::equal)
          .Case("Where", &ExpertFusion::where)
          .Case("ReduceSum", &ExpertFusion::reduceSum)
          .Cases({"MatMul", "Einsum"}, &ExpertFusion::product)
          .Case("Gemm", &ExpertFusion::gemm)
          .Cases({"Sigmoid", "Relu", "Gelu", "Swish"}, &ExpertFusion::activate)
          .Cases({"Clip", "Min", "Max"}, &ExpertFusion::clip)
          .Case("Mul", &ExpertFusion::multiply)
          .Case("Div", &ExpertFusion::divide)
          .Case("Add", &ExpertFusion::add)
          .Default(nullptr);
  if (!method)
    return;
  if (Result result = (this->*method)(node))
    set(node.getOutputs()[0], std::move(*result));
}

//===----------------------------------------------------------------------===//
// Complete blocks
//===----------------------------------------------------------------------===//

static DenseI64ArrayAttr attrOf(Builder &builder, const WeightPart &part) {
  return builder.getDenseI64ArrayAttr(
      {part.expert, part.in, part.out, part.offset, part.size, part.stride});
}

Label ExpertFusion::fuse(graph::NodeOp node, StringRef type, Value tokens,
                         ValueRange more, ArrayRef<NamedAttribute> attrs,
                         Dims dims) {
  OpBuilder builder(node);
  SmallVector<Value> operands = {tokens};
  for (Value value : more)
    operands.push_back(value ? value
                             : graph::NoneOp::create(builder, node.getLoc(),
                                                     builder.getNoneType()));
  // The file states the type of the node's result, which may be flattened.
  Type unknown = graph::UnknownType::get(builder.getContext());
  auto result = graph::NodeOp::create(
      builder, node.getLoc(), TypeRange(unknown), builder.getStringAttr(type),
      operands, builder.getStringAttr(kFusedDomain),
      builder.getI64IntegerAttr(1), builder.getDictionaryAttr(attrs),
      ArrayAttr(), /*bodies=*/0u);
  Value output = result.getOutputs()[0];
  if (const GraphFacts::Fact *fact = facts.find(tokens)) {
    GraphFacts::Fact copy = *fact;
    facts.at(output) = std::move(copy);
  }
  fused.insert(output);
  return {Part::Tokens, std::move(dims), output};
}

ExpertFusion::Result ExpertFusion::addTokens(graph::NodeOp node,
                                             const Label &lhs,
                                             const Label &rhs) {
  // A sum of whole values is left as it is; this one would be of views.
  bool isView = fused.contains(lhs.value) || fused.contains(rhs.value);
  if (!isView || lhs.dims != rhs.dims ||
      tokenDims(lhs.value) != tokenDims(rhs.value) ||
      (lhs.value == node.input(0) && rhs.value == node.input(1)) ||
      lhs.one != -1 || rhs.one != -1)
    return std::nullopt;
  return fuse(node, "Add", lhs.value, rhs.value, {}, lhs.dims);
}

ExpertFusion::Result ExpertFusion::scaleExperts(const Label &label,
                                                double factor) {
  auto block = label.value.getDefiningOp<graph::NodeOp>();
  if (!fused.contains(label.value) || block.getOpType() != "Experts")
    return std::nullopt;
  NamedAttrList attrs(block.getOpAttributes());
  double scale = ::mlir::cast<FloatAttr>(attrs.get("scale")).getValueAsDouble();
  Builder builder(main.getContext());
  attrs.set("scale", builder.getF64FloatAttr(scale * factor));
  return fuse(block, "Experts", block.input(0),
              ValueRange(block.getInputs()).drop_front(), attrs.getAttrs(),
              label.dims);
}

ExpertFusion::Result ExpertFusion::completeMlp(graph::NodeOp node,
                                               const Forward &forward,
                                               Dims dims) {
  const Branch &gate = forward.gate, &up = forward.main;
  // moe.mlp has neither biases nor limits.
  for (const Branch *branch : {&gate, &up})
    if (branch->bias || branch->isClamped() || branch->offset != 0 ||
        branch->matrix.sliced != -1)
      return std::nullopt;
  if (forward.alpha != 1 || forward.down.sliced != -1)
    return std::nullopt;
  Builder builder(main.getContext());
  SmallVector<Value> weights = {gate.matrix.weight, up.matrix.weight,
                                forward.down.weight};
  SmallVector<NamedAttribute> attrs = {builder.getNamedAttr(
      "activation", builder.getI64IntegerAttr(int64_t(forward.activation)))};
  for (auto [name, part] : {std::pair{kMlpOperands[1], gate.matrix},
                            {kMlpOperands[2], up.matrix},
                            {kMlpOperands[3], forward.down}})
    if (part)
      attrs.push_back(builder.getNamedAttr(name, attrOf(builder, part)));
  Label result =
      fuse(node, "Mlp", forward.source, weights, attrs, std::move(dims));
  blocks[result.value] = std::make_shared<Forward>(forward);
  return result;
}

/// The limit of a gated block, as moe.experts has it: of the gate from above,
/// of the linear part from both sides. None if there is another limit.
static std::optional<double> limitOf(const Forward &forward) {
  const Branch &gate = forward.gate, &up = forward.main;
  if (!gate.isClamped() && !up.isClamped())
    return 0;
  if (gate.matrix && gate.high > 0 && !std::isinf(gate.high) &&
      std::isinf(gate.low) && up.high == gate.high && up.low == -gate.high)
    return gate.high;
  return std::nullopt;
}

ExpertFusion::Result ExpertFusion::completeExperts(graph::NodeOp node,
                                                   const Forward &forward,
                                                   const Label &weights,
                                                   Dims dims) {
  const Router &router = *weights.router;
  if (!router.isScored)
    return note(node, "expects weights from scores, got logits");
  if (weights.isCorrected)
    return note(node, "expects weights from the scores without correction");
  if (router.source != forward.source)
    return note(node, "expects a router on the tokens of the experts");
  if (router.matrix.sliced != -1)
    return note(node, "expects a router with a weight of its own");
  if (forward.gatheredBy && forward.gatheredBy != router.choice)
    return note(node, "expects the weights of the experts that were chosen");
  std::optional<double> limit = limitOf(forward);
  if (!limit)
    return note(node, "expects one limit of the gate from above and of the "
                      "linear part from both sides");
  const Branch &gate = forward.gate, &up = forward.main;
  Builder builder(main.getContext());
  auto integer = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  auto real = [&](StringRef name, double value) {
    return builder.getNamedAttr(name, builder.getF64FloatAttr(value));
  };
  SmallVector<NamedAttribute> attrs = {
      integer("experts", router.experts),
      integer("top_k", router.topK),
      integer("scoring", int64_t(router.scoring)),
      integer("groups", router.groups),
      integer("top_groups", router.topGroups),
      integer("normalize", weights.isNormalized),
      real("scale", weights.scale),
      integer("activation", int64_t(forward.activation)),
      real("alpha", forward.alpha),
      real("limit", *limit),
      real("linear_offset", gate.matrix ? up.offset : 0)};
  const WeightPart *parts[] = {
      &router.matrix, &router.bias,  &router.correction,
      &gate.matrix,   &gate.bias,    &up.matrix,
      &up.bias,       &forward.down, &forward.downBias};
  SmallVector<Value> operands;
  for (auto [i, part] : llvm::enumerate(parts)) {
    operands.push_back(part->weight);
    if (*part)
      attrs.push_back(builder.getNamedAttr(kExpertsOperands[i + 1],
                                           attrOf(builder, *part)));
  }
  return fuse(node, "Experts", forward.source, operands, attrs,
              std::move(dims));
}

ExpertFusion::Result ExpertFusion::weigh(graph::NodeOp node,
                                         const Label &output,
                                         const Label &weights,
                                         std::optional<Dims> dims) {
  if (weights.one != -1)
    return weighOne(node, output, weights, std::move(dims));
  const Forward &forward = *output.forward;
  bool isDense = weights.part == Part::DenseWeights;
  if (!forward.gatheredBy && forward.main.matrix.expert == -1)
    return forward.listedBy ? note(node, "expects the weights of the tokens of "
                                         "expert " +
                                             Twine(forward.listed))
                            : Result();
  if (isDense == bool(forward.gatheredBy))
    return note(node, isDense ? "expects a weight per chosen expert, got one "
                                "per expert"
                              : "expects a weight per expert, got one per "
                                "chosen expert");
  if (!dims)
    return note(node, "expects weights of the results' tokens and experts");
  // A sum over one choice may be left out.
  if (!isDense && weights.router->topK == 1)
    return completeExperts(node, forward, weights, std::move(*dims));
  Label result = weights;
  result.part = Part::Weighted;
  result.dims = std::move(*dims);
  result.forward = output.forward;
  return result;
}
