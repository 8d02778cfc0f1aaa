//===- HoistWeights.cpp - weights that a graph computes from weights ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builders write a linear layer as the product with a transposed weight, and
// the gain of some norms as a weight plus one. Both are computed ahead of the
// layers, and then rules see a weight.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

Value hoistTranspose(graph::NodeOp node, Raiser &raiser) {
  auto perm = permutationOf(node);
  if (!isWeight(node.input(0), 2) || (perm ? *perm != SmallVector<int64_t>{1, 0}
                                           : bool(node.attribute("perm"))))
    return nullptr;
  return raiser.transposeWeight(node.input(0));
}

/// A gain plus a number.
Value hoistSum(graph::NodeOp node, Raiser &raiser) {
  for (auto [gain, other] : {std::pair{node.input(0), node.input(1)},
                             std::pair{node.input(1), node.input(0)}}) {
    std::optional<double> number = raiser.facts.number(other);
    if (!number || !isWeight(gain, 1) ||
        !isa<FloatType>(typeOf(gain).getElementType()))
      continue;
    OpBuilder &b = raiser.ahead;
    Location loc = node.getLoc();
    RankedTensorType type = typeOf(gain);
    Value empty =
        tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
    AffineMap each = b.getMultiDimIdentityMap(1);
    return linalg::GenericOp::create(
               b, loc, TypeRange(type), ValueRange(gain), ValueRange(empty),
               ArrayRef<AffineMap>{each, each},
               ArrayRef<utils::IteratorType>{utils::IteratorType::parallel},
               [&](OpBuilder &in, Location, ValueRange args) {
                 Value offset = arith::ConstantOp::create(
                     in, loc, in.getFloatAttr(type.getElementType(), *number));
                 Value sum = arith::AddFOp::create(in, loc, args[0], offset);
                 linalg::YieldOp::create(in, loc, sum);
               })
        .getResult(0);
  }
  return nullptr;
}

} // namespace

void graph_to_moe::hoistWeights(Raiser &raiser) {
  Block &block = raiser.main.getBody().front();
  for (auto node : block.getOps<graph::NodeOp>()) {
    if (!node.getDomain().empty() || node.getOutputs().size() != 1 ||
        node->use_empty() || !node.input(0))
      continue;
    Value weight;
    if (node.getOpType() == "Transpose")
      weight = hoistTranspose(node, raiser);
    else if (node.getOpType() == "Add" && node.input(1))
      weight = hoistSum(node, raiser);
    if (!weight)
      continue;
    Value output = node.getOutputs()[0];
    if (const GraphFacts::Fact *fact = raiser.facts.find(output)) {
      GraphFacts::Fact copy = *fact;
      raiser.facts.at(weight) = std::move(copy);
    }
    output.replaceAllUsesWith(weight);
    raiser.raise(weight, weight, weight);
  }
}
