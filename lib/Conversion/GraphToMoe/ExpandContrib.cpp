//===- ExpandContrib.cpp - contrib nodes as nodes of the standard ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fused elementwise nodes and norms of com.microsoft become the nodes that they
// were fused from: what reads them is then recognised in one form, and what is
// not recognised can be executed. A node with an attribute that is not known
// here stays as it is.
//
//   GatedAdd(x, y, gate)      x + y * gate
//   BiasGelu(x, bias)         Gelu(x + bias)
//   Gelu(x), FastGelu(x)      Gelu(x), the second by its tanh form
//   QuickGelu(x) {alpha}      x * Sigmoid(alpha * x)
//   SkipLayerNormalization    LayerNormalization(input + skip + bias)
//   SkipSimplifiedLayerNormalization with a bias that belongs to no product
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/NodeAttributes.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"
#include "lib/Conversion/GraphToMoe/SimplifyGraph.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// The float type of what `value` is computed from: of the first tensor with
/// such elements among few producers; null if there is none.
FloatType floatTypeOf(Value value) {
  SmallVector<Value> pending = {value};
  for (unsigned seen = 0; seen < pending.size() && seen < 32; ++seen) {
    Value next = pending[seen];
    if (auto tensor = dyn_cast<ShapedType>(next.getType()))
      if (auto element = dyn_cast<FloatType>(tensor.getElementType()))
        return element;
    if (auto node = next.getDefiningOp<graph::NodeOp>())
      llvm::append_range(pending, node.getInputs());
  }
  return nullptr;
}

/// Emits nodes of the standard at the place of `node`.
class Expander {
public:
  explicit Expander(graph::NodeOp node)
      : node(node), attributes(node), builder(node) {}

  /// Whether the node was replaced.
  bool expand();

private:
  Value emit(StringRef opType, ValueRange inputs,
             ArrayRef<NamedAttribute> attrs = {}, int64_t version = 20) {
    Type unknown = graph::UnknownType::get(node.getContext());
    return graph::NodeOp::create(builder, node.getLoc(), TypeRange(unknown),
                                 builder.getStringAttr(opType), inputs,
                                 builder.getStringAttr(""),
                                 builder.getI64IntegerAttr(version),
                                 builder.getDictionaryAttr(attrs), ArrayAttr(),
                                 /*bodiesCount=*/0)
        .getOutputs()[0];
  }
  NamedAttribute attr(StringRef name, Attribute value) {
    return builder.getNamedAttr(name, value);
  }

  Value gelu(Value x, bool byTanh) {
    return emit(
        "Gelu", x,
        attr("approximate", builder.getStringAttr(byTanh ? "tanh" : "none")));
  }
  Value quickGelu();
  /// Sum and norm; null if they stay as they are.
  std::pair<Value, Value> skipNorm(bool isSimplified);

  /// Puts `value` in the place of result `index`.
  void replace(unsigned index, Value value) {
    Value result = node.getOutputs()[index];
    // A type that the file states must not get lost.
    if (!isa<graph::UnknownType>(result.getType()))
      value.setType(result.getType());
    result.replaceAllUsesWith(value);
  }

  graph::NodeOp node;
  NodeAttributes attributes;
  OpBuilder builder;
};

Value Expander::quickGelu() {
  Value x = node.input(0), scaled = x;
  FloatType element = floatTypeOf(x);
  double alpha = attributes.number("alpha", 1.702);
  if (!element || !attributes.problem().empty())
    return nullptr;
  if (alpha != 1) {
    auto type = RankedTensorType::get({}, element);
    auto value =
        DenseElementsAttr::get(type, builder.getFloatAttr(element, alpha));
    scaled = emit("Mul", {x, emit("Constant", {}, attr("value", value), 13)});
  }
  return emit("Mul", {x, emit("Sigmoid", scaled)});
}

std::pair<Value, Value> Expander::skipNorm(bool isSimplified) {
  unsigned gainAt = 2, biasAt = isSimplified ? 3 : 4;
  Value shift = isSimplified ? Value() : node.input(3);
  Value bias = node.input(biasAt);
  double epsilon = attributes.number("epsilon", 1e-5);
  if (!attributes.problem().empty())
    return {};
  for (unsigned index : {1, 2})
    if (node.hasOutput(index) && !node.getOutputs()[index].use_empty())
      return {};
  Value first = node.input(0), second = node.input(1);
  auto isProduct = [](Value value) {
    auto from = value.getDefiningOp<graph::NodeOp>();
    return from && from.getOpType().contains("MatMul");
  };
  if (bias && (isProduct(first) || isProduct(second))) {
    if (isSimplified)
      return {};
    Value &product = isProduct(second) ? second : first;
    product = emit("Add", {product, bias});
    bias = nullptr;
  }
  if (isSimplified && !bias)
    return {};
  Value sum = emit("Add", {first, second});
  if (bias)
    sum = emit("Add", {sum, bias});
  SmallVector<Value> inputs = {sum, node.input(gainAt)};
  if (shift)
    inputs.push_back(shift);
  return {sum, emit(isSimplified ? "SimplifiedLayerNormalization"
                                 : "LayerNormalization",
                    inputs,
                    {attr("axis", builder.getI64IntegerAttr(-1)),
                     attr("epsilon", builder.getF32FloatAttr(float(epsilon)))},
                    17)};
}

bool Expander::expand() {
  StringRef op = node.getOpType();
  auto has = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      if (!node.input(i))
        return false;
    return !node.getOutputs().empty() && node.getBodies().empty();
  };
  Value result, sum;
  if (op == "GatedAdd" && has(3) && attributes.problem().empty())
    result = emit("Add",
                  {node.input(0), emit("Mul", {node.input(1), node.input(2)})});
  else if (op == "BiasGelu" && has(2) && attributes.problem().empty())
    result = gelu(emit("Add", {node.input(0), node.input(1)}), false);
  else if (op == "Gelu" && has(1) && attributes.problem().empty())
    result = gelu(node.input(0), false);
  else if (op == "FastGelu" && has(1) && attributes.problem().empty())
    result = gelu(node.input(1) ? emit("Add", {node.input(0), node.input(1)})
                                : node.input(0),
                  true);
  else if (op == "QuickGelu" && has(1))
    result = quickGelu();
  else if (op == "SkipLayerNormalization" && has(3))
    std::tie(sum, result) = skipNorm(/*isSimplified=*/false);
  else if (op == "SkipSimplifiedLayerNormalization" && has(3))
    std::tie(sum, result) = skipNorm(/*isSimplified=*/true);
  if (!result)
    return false;
  if (sum && node.hasOutput(3))
    replace(3, sum);
  replace(0, result);
  return true;
}

} // namespace

void graph_to_moe::expandContribNodes(func::FuncOp main) {
  for (auto node : llvm::make_early_inc_range(
           main.getBody().front().getOps<graph::NodeOp>()))
    if (node.getDomain() == "com.microsoft" && Expander(node).expand())
      node.erase();
}
