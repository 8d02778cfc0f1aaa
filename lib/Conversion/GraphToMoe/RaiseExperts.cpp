//===- RaiseExperts.cpp - rules for MoE nodes -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The MoE contrib op takes router logits and holds the weights of all experts,
// the fused ones in one of several layouts; here they become the router, the
// exchange and gate, up and down of their own. QMoE is the same op with narrow
// weights.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ContribExperts.h"
#include "lib/Conversion/GraphToMoe/ExpertsForm.h"
#include "lib/Conversion/GraphToMoe/NarrowWeights.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

void needsExperts(graph::NodeOp node, Raiser &raiser, Values &values) {
  values.push_back(node.input(0));
  std::optional<ContribRouter> router = matchContribRouter(node);
  if (!router) {
    graph::NodeOp reshape = nodeOf(node.input(1), "Reshape");
    values.push_back(reshape && reshape.input(0) ? reshape.input(0)
                                                 : node.input(1));
    return;
  }
  needs(router->logits, values);
  if (router->correction)
    values.push_back(router->correction);
}

/// How gate and up are kept in fc1 (and fc3).
enum class Fusion { Separate = 0, Interleaved = 1, Concatenated = 2 };

struct ContribForm {
  bool isNarrow;
  NarrowForm narrow;
  int64_t topK;
  bool normalize, isSwiglu;
  Fusion fusion;
  moe::Activation activation;
  double limit = 0, alpha = 1, offset = 0;
};

FailureOr<ContribForm> readForm(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  ContribForm form;
  form.isNarrow = node.getOpType() == "QMoE";
  if (form.isNarrow)
    form.narrow = readNarrowForm(attributes);
  form.topK = attributes.integer("k", 1);
  form.normalize = attributes.integer("normalize_routing_weights", 0) != 0;
  attributes.expect("use_sparse_mixer", 0);
  StringRef activation = attributes.string("activation_type", "relu");
  int64_t fusion = attributes.integer("swiglu_fusion", 0);
  double alpha = attributes.number("activation_alpha", 1);
  double beta = attributes.number("activation_beta", 0);
  bool hasLimit = attributes.has("swiglu_limit");
  double limit = attributes.number("swiglu_limit", 0);
  if (failed(raiser.check(attributes)))
    return failure();
  if (fusion < 0 || fusion > 2)
    return raiser.fail("attribute 'swiglu_fusion' expects 0, 1 or 2, got " +
                       Twine(fusion));
  form.isSwiglu = activation == "swiglu";
  if (!form.isSwiglu && fusion != 0)
    return raiser.fail("expects swiglu_fusion 0 with another activation");
  if (hasLimit && !(limit > 0))
    return raiser.fail("attribute 'swiglu_limit' expects a positive number");
  form.fusion = Fusion(fusion);
  if (form.isSwiglu) {
    form.activation = moe::Activation::silu;
    form.alpha = alpha;
    form.offset = beta;
    form.limit = limit;
    return form;
  }
  // The kernels of the op compute gelu by its tanh form.
  auto known = llvm::StringSwitch<std::optional<moe::Activation>>(activation)
                   .Case("relu", moe::Activation::relu)
                   .Case("gelu", moe::Activation::gelu_tanh)
                   .Case("silu", moe::Activation::silu)
                   .Case("identity", moe::Activation::identity)
                   .Default(std::nullopt);
  if (!known)
    return raiser.fail("attribute 'activation_type' is unknown: '" +
                       activation + "'");
  form.activation = *known;
  return form;
}

/// Sizes, and whether weights are kept as [experts, in, out], as in the op's
/// first version, and not as [experts, out, in].
struct ExpertsShape {
  int64_t experts, hidden, inner;
  bool inFirst;
};

FailureOr<ExpertsShape> readShape(const ContribWeights &weights, int64_t hidden,
                                  int64_t fused, Raiser &raiser) {
  Value fc1 = weights.fc1(), fc2 = weights.fc2(), fc3 = weights.fc3();
  if (!isWeight(fc1, 3) || !isWeight(fc2, 3) || (fc3 && !isWeight(fc3, 3)))
    return raiser.fail("expects expert weights that are initialisers of rank "
                       "3");
  ArrayRef<int64_t> a = typeOf(fc1).getShape(), b = typeOf(fc2).getShape();
  bool outFirst = a[2] == hidden && b[1] == hidden && a[1] == fused * b[2];
  bool inFirst = a[1] == hidden && b[2] == hidden && a[2] == fused * b[1];
  if (a[0] != b[0] || a[0] < 1 || (!outFirst && !inFirst))
    return raiser.fail("expects fc1 and fc2 that fit the width " +
                       Twine(hidden) + " of the input");
  outFirst &= weights.isInFirst.value_or(false) == false;
  inFirst &= weights.isInFirst.value_or(true);
  if (outFirst && inFirst)
    return raiser.fail("expects fc1 and fc2 that tell rows from columns, got "
                       "square ones");
  ExpertsShape shape{a[0], hidden, outFirst ? b[2] : b[1], inFirst};
  if (fc3 && fc3.getType() != fc1.getType())
    return raiser.fail("expects fc3 of the shape of fc1");
  for (auto [bias, size] : {std::pair{weights.bias[0], fused * shape.inner},
                            {weights.bias[1], hidden},
                            {weights.bias[2], shape.inner}})
    if (bias)
      if (!isWeight(bias, 2) || typeOf(bias).getDimSize(0) != shape.experts ||
          lastDim(bias) != size)
        return raiser.fail("expects biases that are initialisers of [" +
                           Twine(shape.experts) + ", " + Twine(size) + "]");
  return shape;
}

/// Weights and biases as moe.experts takes them.
struct ExpertsWeights {
  Value gate, up, down, gateBias, upBias, downBias;
};

ExpertsWeights prepare(const ContribWeights &parts, Fusion fusion,
                       const ExpertsShape &shape, Raiser &raiser) {
  ExpertsWeights weights;
  Value fc1 = parts.fc1(), bias = parts.bias[0];
  int64_t outAxis = shape.inFirst ? 2 : 1;
  auto half = [&](Value value, int64_t axis, bool second) -> Value {
    if (!value)
      return nullptr;
    bool interleaved = fusion == Fusion::Interleaved;
    int64_t offset = !second ? 0 : interleaved ? 1 : shape.inner;
    return raiser.sliceWeight(value, axis, offset, shape.inner,
                              interleaved ? 2 : 1);
  };
  if (fusion != Fusion::Separate) {
    weights.gate = half(fc1, outAxis, false);
    weights.up = half(fc1, outAxis, true);
    weights.gateBias = half(bias, 1, false);
    weights.upBias = half(bias, 1, true);
  } else if (Value fc3 = parts.fc3()) {
    weights.gate = fc1;
    weights.gateBias = bias;
    weights.up = fc3;
    weights.upBias = parts.bias[2];
  } else {
    weights.up = fc1;
    weights.upBias = bias;
  }
  weights.down = parts.fc2();
  weights.downBias = parts.bias[1];
  if (!shape.inFirst)
    for (Value *weight : {&weights.gate, &weights.up, &weights.down})
      if (*weight)
        *weight = raiser.transposeWeight(*weight);
  return weights;
}

LogicalResult raiseExperts(graph::NodeOp node, Raiser &raiser) {
  FailureOr<ContribForm> form = readForm(node, raiser);
  if (failed(form))
    return failure();
  unsigned most = form->isNarrow ? 21 : 8;
  if (node.getInputs().size() > most)
    return raiser.fail("expects at most " + Twine(most) + " inputs, got " +
                       Twine(node.getInputs().size()));
  std::optional<ContribRouter> found = matchContribRouter(node);
  if (!found)
    return raiser.fail("expects router logits that are a product with an "
                       "initialiser, or beside them router weights that are "
                       "their softmax or sigmoid");
  const Projection *router = &found->logits;
  Value input = raiser.raised(node.input(0));
  Value routed = raiser.raised(router->input);
  int64_t rank = typeOf(input).getRank();
  if (rank < 2 || typeOf(routed).getRank() != rank ||
      ShapedType::isDynamic(lastDim(input)) ||
      typeOf(routed).getShape().drop_back() !=
          typeOf(input).getShape().drop_back() ||
      lastDim(routed) != typeOf(router->weight).getDimSize(0))
    return raiser.fail("expects a router on the tokens of the input");
  int64_t hidden = lastDim(input);
  bool isFused = form->fusion != Fusion::Separate;
  FailureOr<ContribWeights> parts =
      form->isNarrow ? readNarrowWeights(node, form->narrow, input, raiser)
                     : FailureOr<ContribWeights>(readWeights(node));
  if (failed(parts))
    return failure();
  if (isFused && (parts->fc3() || parts->bias[2]))
    return raiser.fail("expects no fc3 beside a fused fc1");
  if (parts->bias[2] && !parts->fc3())
    return raiser.fail("expects fc3 with its bias");
  if (form->isSwiglu && !isFused && !parts->fc3())
    return raiser.fail("expects a gate for swiglu");
  FailureOr<ExpertsShape> shape =
      readShape(*parts, hidden, isFused ? 2 : 1, raiser);
  if (failed(shape))
    return failure();
  if (lastDim(router->weight) != shape->experts)
    return raiser.fail("expects logits for " + Twine(shape->experts) +
                       " experts, got " + Twine(lastDim(router->weight)));
  if (found->correction && lastDim(found->correction) != shape->experts)
    return raiser.fail("expects a correction for " + Twine(shape->experts) +
                       " experts, got " + Twine(lastDim(found->correction)));
  if (form->topK < 1 || form->topK > shape->experts)
    return raiser.fail("expects 1 <= k <= " + Twine(shape->experts) +
                       " experts, got " + Twine(form->topK));

  ExpertsWeights weights = prepare(*parts, form->fusion, *shape, raiser);
  ExpertsForm block;
  block.router = router->weight;
  block.routerBias = router->bias;
  block.correction = found->correction;
  block.scoring = found->scoring;
  block.gate = weights.gate;
  block.up = weights.up;
  block.down = weights.down;
  block.gateBias = weights.gateBias;
  block.upBias = weights.upBias;
  block.downBias = weights.downBias;
  block.experts = shape->experts;
  block.topK = form->topK;
  block.normalize = form->normalize;
  block.activation = form->activation;
  block.limit = form->limit;
  block.alpha = form->alpha;
  block.offset = form->offset;
  raiser.raise(node.getOutputs()[0],
               emitExperts(node, raiser, input, routed, block), input);
  return success();
}

} // namespace

Value graph_to_moe::emitExperts(graph::NodeOp node, Raiser &raiser, Value input,
                                Value routed, const ExpertsForm &form) {
  OpBuilder &body = raiser.body;
  Type element = typeOf(input).getElementType();
  SmallVector<int64_t> chosen(typeOf(input).getShape());
  chosen.back() = form.topK;
  auto route = moe::RouteOp::create(
      body, partOf(node, "route"),
      RankedTensorType::get(chosen, body.getF32Type()),
      RankedTensorType::get(chosen, body.getI32Type()), routed, form.router,
      form.routerBias, form.correction, Value(), Value(), uint64_t(form.topK),
      form.scoring, uint64_t(form.groups), uint64_t(form.topGroups),
      form.normalize, APFloat(form.scale));
  int64_t rows = form.topK;
  for (int64_t dim : typeOf(input).getShape().drop_back())
    rows = ShapedType::isDynamic(dim) || ShapedType::isDynamic(rows)
               ? ShapedType::kDynamic
               : rows * dim;
  auto rowsType = RankedTensorType::get({rows, lastDim(input)}, element);
  auto dispatch = moe::DispatchOp::create(
      body, partOf(node, "dispatch"), rowsType,
      RankedTensorType::get({form.experts}, body.getI32Type()), input,
      route.getIndices(), /*first_expert=*/uint64_t(0), moe::LoadAttr());
  auto experts = moe::ExpertsOp::create(
      body, partOf(node, "experts"), rowsType, dispatch.getRows(),
      dispatch.getCounts(), form.gate, form.up, form.down, form.gateBias,
      form.upBias, form.downBias, form.activation, APFloat(form.limit),
      APFloat(form.alpha), APFloat(form.offset), moe::LoadAttr(),
      shippedFormat(form.up, input), moe::FormatAttr());
  return moe::CombineOp::create(body, partOf(node, "combine"), input.getType(),
                                experts.getResult(), route.getWeights(),
                                route.getIndices(), uint64_t(form.experts),
                                /*first_expert=*/uint64_t(0), moe::LoadAttr(),
                                /*result_load=*/moe::LoadAttr());
}

void graph_to_moe::addExpertRules(Rules &rules) {
  for (StringRef type : {"MoE", "QMoE"})
    rules.add("com.microsoft", type, {2, needsExperts, raiseExperts});
  addFusedRules(rules);
}
