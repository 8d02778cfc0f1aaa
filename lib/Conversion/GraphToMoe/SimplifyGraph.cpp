//===- SimplifyGraph.cpp - clean-up ahead of raising ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/SimplifyGraph.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

bool isStandard(graph::NodeOp node, StringRef opType) {
  return node.getDomain().empty() && node.getOpType() == opType;
}

/// Whether the first result of `node` is its first operand.
bool isNoOp(graph::NodeOp node, const GraphFacts &facts) {
  Value from = node.input(0);
  if (!from || !node.getDomain().empty() || node.getOutputs().size() != 1)
    return false;
  Value to = node.getOutputs()[0];
  StringRef op = node.getOpType();
  if (op == "Identity")
    return true;
  if (op == "Cast")
    return facts.elementType(from) &&
           facts.elementType(from) == facts.elementType(to);
  if (op == "Reshape" || op == "Expand")
    return facts.sameShape(from, to);
  auto perm = dyn_cast_or_null<DenseI64ArrayAttr>(node.attribute("perm"));
  if (op != "Transpose" || !perm)
    return false;
  int64_t rank = facts.rank(from);
  if (rank != -1 && rank != perm.size())
    return false;
  for (auto [index, from] : llvm::enumerate(perm.asArrayRef()))
    if (from != int64_t(index))
      return false;
  return true;
}

} // namespace

void graph_to_moe::forwardConstants(func::FuncOp main) {
  auto module = main->getParentOfType<ModuleOp>();
  Block &block = main.getBody().front();
  std::optional<SymbolTable> symbols;
  OpBuilder builder = OpBuilder::atBlockBegin(&block);
  for (auto node : llvm::make_early_inc_range(block.getOps<graph::NodeOp>())) {
    if (!isStandard(node, "Constant") || node.getOutputs().size() != 1)
      continue;
    Attribute value = node.attribute("value");
    auto symbol = dyn_cast_or_null<FlatSymbolRefAttr>(value);
    auto numbers = dyn_cast_or_null<DenseFPElementsAttr>(value);
    if (numbers && !isa<RankedTensorType>(numbers.getType()))
      continue;
    if (!module || (!symbol && !(numbers && numbers.getType().getRank() > 0)))
      continue;
    if (!symbols)
      symbols.emplace(module);
    RankedTensorType type;
    if (numbers) {
      OpBuilder outer(main);
      type = cast<RankedTensorType>(numbers.getType());
      auto data = moe::WeightDataOp::create(
          outer, node.getLoc(), outer.getStringAttr("constant"),
          TypeAttr::get(type), StringAttr(), IntegerAttr(), IntegerAttr(),
          numbers);
      symbol = FlatSymbolRefAttr::get(symbols->insert(data));
    } else if (auto data =
                   symbols->lookup<moe::WeightDataOp>(symbol.getValue())) {
      type = dyn_cast<RankedTensorType>(data.getType());
    }
    if (!type)
      continue;
    Value weight = moe::WeightOp::create(builder, node.getLoc(), type, symbol);
    node.getOutputs()[0].replaceAllUsesWith(weight);
    node.erase();
  }
}

void graph_to_moe::forwardNoOps(func::FuncOp main, GraphFacts &facts) {
  Block &block = main.getBody().front();
  for (auto node : block.getOps<graph::NodeOp>()) {
    if (!isNoOp(node, facts))
      continue;
    Value from = node.input(0), to = node.getOutputs()[0];
    // A type that the file states of the result alone must not get lost.
    if (isa<ShapedType>(from.getType()) && isa<ShapedType>(to.getType()) &&
        failed(verifyCompatibleShape(from.getType(), to.getType())))
      continue;
    if (isa<graph::UnknownType>(from.getType()) &&
        from.getDefiningOp<graph::NodeOp>())
      from.setType(to.getType());
    to.replaceAllUsesWith(from);
  }
  auto nodes = llvm::to_vector(block.getOps<graph::NodeOp>());
  for (graph::NodeOp node : llvm::reverse(nodes))
    if (node->use_empty()) {
      facts.forget(node);
      node.erase();
    }
}
