//===- RaiseFused.cpp - rules for fused expert blocks ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The nodes that ExpertFusion makes name parts of the weights as the file keeps
// them; here these parts are sliced and transposed to the layout of the moe
// ops, ahead of the layers.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/ExpertsForm.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

int64_t integerOf(graph::NodeOp node, StringRef name) {
  return cast<IntegerAttr>(node.attribute(name)).getInt();
}

double realOf(graph::NodeOp node, StringRef name) {
  return cast<FloatAttr>(node.attribute(name)).getValueAsDouble();
}

/// `weight` with only the dimensions `kept`, in this order; the others have
/// size 1.
Value arrange(Value weight, ArrayRef<int64_t> kept, Raiser &raiser) {
  OpBuilder &b = raiser.ahead;
  RankedTensorType type = typeOf(weight);
  SmallVector<int64_t> sorted(kept);
  llvm::sort(sorted);
  SmallVector<int64_t> shape, permutation, permuted;
  for (int64_t dim : sorted)
    shape.push_back(type.getDimSize(dim));
  if (int64_t(sorted.size()) != type.getRank()) {
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
        strides(type.getRank(), b.getIndexAttr(1)), sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(b.getIndexAttr(size));
    weight = tensor::ExtractSliceOp::create(
        b, weight.getLoc(), RankedTensorType::get(shape, type.getElementType()),
        weight, offsets, sizes, strides);
  }
  if (llvm::is_sorted(kept))
    return weight;
  for (int64_t dim : kept) {
    permutation.push_back(llvm::find(sorted, dim) - sorted.begin());
    permuted.push_back(type.getDimSize(dim));
  }
  Value init = tensor::EmptyOp::create(b, weight.getLoc(), permuted,
                                       type.getElementType());
  return linalg::TransposeOp::create(b, weight.getLoc(), weight, init,
                                     permutation)
      ->getResult(0);
}

/// The weight that operand `name` of a fused node stands for, in the layout
/// [experts, inputs, outputs] without what it lacks; null if it is absent.
Value weightOf(graph::NodeOp node, ArrayRef<StringLiteral> names,
               StringRef name, Raiser &raiser) {
  Value weight = node.input(llvm::find(names, name) - names.begin());
  if (!weight)
    return nullptr;
  auto attr = cast<DenseI64ArrayAttr>(node.attribute(name));
  int64_t expert = attr[0], in = attr[1], out = attr[2];
  weight = raiser.sliceWeight(weight, out, attr[3], attr[4], attr[5]);
  SmallVector<int64_t> kept;
  for (int64_t dim : {expert, in, out})
    if (dim != -1)
      kept.push_back(dim);
  return arrange(weight, kept, raiser);
}

void needsTokens(graph::NodeOp node, Raiser &, Values &values) {
  values.push_back(node.input(0));
}

LogicalResult raiseExperts(graph::NodeOp node, Raiser &raiser) {
  Value input = raiser.raised(node.input(0));
  auto weight = [&](StringRef name) {
    return weightOf(node, kExpertsOperands, name, raiser);
  };
  ExpertsForm form;
  form.router = weight("router");
  form.routerBias = weight("router_bias");
  form.correction = weight("correction");
  form.gate = weight("gate");
  form.gateBias = weight("gate_bias");
  form.up = weight("up");
  form.upBias = weight("up_bias");
  form.down = weight("down");
  form.downBias = weight("down_bias");
  form.experts = integerOf(node, "experts");
  form.topK = integerOf(node, "top_k");
  form.groups = integerOf(node, "groups");
  form.topGroups = integerOf(node, "top_groups");
  form.scoring = moe::Scoring(integerOf(node, "scoring"));
  form.normalize = integerOf(node, "normalize") != 0;
  form.scale = realOf(node, "scale");
  form.activation = moe::Activation(integerOf(node, "activation"));
  form.limit = realOf(node, "limit");
  form.alpha = realOf(node, "alpha");
  form.offset = realOf(node, "linear_offset");
  if (typeOf(form.up).getDimSize(0) != form.experts)
    return raiser.fail("expects weights of the router's " +
                       Twine(form.experts) + " experts, got " +
                       Twine(typeOf(form.up).getDimSize(0)));
  if (form.topK > form.experts / form.groups * form.topGroups)
    return raiser.fail("expects the " + Twine(form.topK) +
                       " experts of a token within the chosen groups");
  if (typeOf(input).getRank() < 2 ||
      lastDim(input) != typeOf(form.router).getDimSize(0))
    return raiser.fail("expects tokens of the router's width");
  raiser.raise(node.getOutputs()[0],
               emitExperts(node, raiser, input, input, form), input);
  return success();
}

LogicalResult raiseMlp(graph::NodeOp node, Raiser &raiser) {
  Value input = raiser.raised(node.input(0));
  Value gate = weightOf(node, kMlpOperands, "gate", raiser);
  Value up = weightOf(node, kMlpOperands, "up", raiser);
  Value down = weightOf(node, kMlpOperands, "down", raiser);
  if (typeOf(input).getRank() < 2 ||
      lastDim(input) != typeOf(up).getDimSize(0) ||
      lastDim(down) != lastDim(input))
    return raiser.fail("expects tokens of the block's width");
  Value result = moe::MlpOp::create(
      raiser.body, node.getLoc(), input.getType(), input, gate, up, down,
      moe::Activation(integerOf(node, "activation")), moe::FormatAttr(),
      moe::FormatAttr());
  raiser.raise(node.getOutputs()[0], result, input);
  return success();
}

void needsBoth(graph::NodeOp node, Raiser &, Values &values) {
  values.append({node.input(0), node.input(1)});
}

LogicalResult raiseSum(graph::NodeOp node, Raiser &raiser) {
  Value lhs = raiser.raised(node.input(0)), rhs = raiser.raised(node.input(1));
  if (lhs.getType() != rhs.getType())
    return raiser.fail("expects a sum of two activations of one shape");
  Value sum = moe::AddOp::create(raiser.body, node.getLoc(), lhs, rhs);
  raiser.raise(node.getOutputs()[0], sum, lhs);
  return success();
}

} // namespace

void graph_to_moe::addFusedRules(Rules &rules) {
  rules.add(kFusedDomain, "Experts", {1, needsTokens, raiseExperts});
  rules.add(kFusedDomain, "Mlp", {1, needsTokens, raiseMlp});
  rules.add(kFusedDomain, "Add", {2, needsBoth, raiseSum});
}
