//===- FoldNodes.cpp - nodes that stay, as the work that they do ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each activation that nodes make for another op becomes the result of one
// moe.decomposed that states the work of the nodes behind it. A node that
// several activations depend on is counted with the first of them.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/NodeWork.h"
#include "portolan/Conversion/GraphToMoe.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace portolan {
#define GEN_PASS_DEF_GRAPHFOLDNODES
#include "lib/Conversion/GraphToMoe/GraphToMoePasses.h.inc"
} // namespace portolan

namespace {

/// The error of a node that has no price.
llvm::Error unpriced(graph::NodeOp node, const Twine &why) {
  auto name = dyn_cast<NameLoc>(node.getLoc());
  return llvm::createStringError(
      "node '" + (name ? name.getName().str() : "?") + "' (op '" +
      node.getOpType().str() + "', domain '" + node.getDomain().str() +
      "') has no price: " + why);
}

/// Depends on an input of the graph.
bool isActive(graph::NodeOp node) {
  return node->hasAttr(kWorkName) || node->hasAttr(kUnpricedName);
}

/// A float tensor [batch, tokens, width].
bool isActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 3 && !type.hasStaticShape() &&
         !type.isDynamicDim(2) && isa<FloatType>(type.getElementType());
}

/// Numbers of a fixed shape; integers of 64 bits are shapes and indices.
bool isWeight(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getRank() > 0 &&
         type.getElementType().isIntOrFloat() &&
         !type.getElementType().isInteger(64);
}

bool isConstant(Operation *op) {
  auto node = dyn_cast_or_null<graph::NodeOp>(op);
  return node && node.getDomain().empty() && node.getOpType() == "Constant";
}

/// What the nodes behind one activation do.
struct Block {
  llvm::SetVector<Value> inputs, weights, tables;
  int64_t widestBytes = 0, kernels = 0;
  llvm::StringMap<int64_t> sums;
  bool isOutOfRange = false;

  void add(DictionaryAttr work) {
    int64_t moved = 0;
    for (NamedAttribute entry : work) {
      auto count = dyn_cast<IntegerAttr>(entry.getValue());
      if (!count)
        continue;
      StringRef name = entry.getName().getValue();
      int64_t &sum = sums[name];
      isOutOfRange |= count.getInt() < 0;
      isOutOfRange |= llvm::AddOverflow(sum, count.getInt(), sum);
      if (name == kReadName || name == kWrittenName)
        isOutOfRange |= llvm::AddOverflow(moved, count.getInt(), moved);
    }
    widestBytes = std::max(widestBytes, moved);
    kernels += moved != 0;
  }
};

class Folder {
public:
  explicit Folder(mlir::Block &block) : block(block) {}

  llvm::Error fold() {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isa<graph::NodeOp>(op))
        continue;
      for (OpOperand &operand : op.getOpOperands())
        if (auto node = operand.get().getDefiningOp<graph::NodeOp>();
            node && isActive(node))
          if (llvm::Error error = replace(operand))
            return error;
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isa<graph::NodeOp, graph::NoneOp>(op) && op.use_empty())
        op.erase();
    return llvm::Error::success();
  }

private:
  llvm::Error replace(OpOperand &use);
  llvm::Error collect(graph::NodeOp last, Block &behind);

  mlir::Block &block;
  llvm::DenseSet<Operation *> counted;
  llvm::DenseMap<Value, Value> folded;
};

} // namespace

/// Adds the nodes behind `last`, up to what other ops make.
llvm::Error Folder::collect(graph::NodeOp last, Block &behind) {
  llvm::DenseSet<Operation *> seen = {last};
  SmallVector<graph::NodeOp> stack = {last};
  while (!stack.empty()) {
    graph::NodeOp node = stack.pop_back_val();
    bool isNew = counted.insert(node).second;
    if (isNew)
      behind.add(node->getAttrOfType<DictionaryAttr>(kWorkName));
    for (auto [index, operand] : llvm::enumerate(node.getInputs())) {
      Operation *op = operand.getDefiningOp();
      auto source = dyn_cast_or_null<graph::NodeOp>(op);
      if (source && isActive(source)) {
        if (Value known = folded.lookup(operand))
          behind.inputs.insert(known);
        else if (seen.insert(source).second)
          stack.push_back(source);
      } else if (isa_and_nonnull<moe::RouteOp, moe::DispatchOp, moe::ExpertsOp>(
                     op)) {
        return unpriced(node, "it works inside of an expert block");
      } else if (isActivation(operand)) {
        behind.inputs.insert(operand);
      } else if (isNew && isWeight(operand) && !isConstant(op)) {
        if (index == 0 && picksElements(node))
          behind.tables.insert(operand);
        else
          behind.weights.insert(operand);
      }
    }
  }
  behind.tables.set_subtract(behind.weights);
  return llvm::Error::success();
}

llvm::Error Folder::replace(OpOperand &use) {
  Value value = use.get();
  Operation *reader = use.getOwner();
  auto last = value.getDefiningOp<graph::NodeOp>();
  if (!isActivation(value))
    return unpriced(last, "what it makes is read outside of the nodes that "
                          "stay and is no activation [batch, tokens, width]");
  if (isa<moe::ExpertsOp, moe::CombineOp>(reader))
    return unpriced(last, "it works inside of an expert block");
  Block behind;
  if (llvm::Error error = collect(last, behind))
    return error;
  if (behind.inputs.empty())
    return unpriced(last, "it depends on no activation");
  if (behind.isOutOfRange)
    return unpriced(last, "its work is negative or exceeds 64 bits");
  OpBuilder b(reader);
  auto sum = [&](StringRef name) {
    return b.getI64IntegerAttr(behind.sums.lookup(name));
  };
  auto op = moe::DecomposedOp::create(
      b, last.getLoc(), value.getType(), behind.inputs.getArrayRef(),
      behind.weights.getArrayRef(), behind.tables.getArrayRef(),
      sum(kMatmulName), sum(kVectorName), sum(kTranscendentalName),
      sum(kReadName), sum(kWrittenName),
      b.getI64IntegerAttr(behind.widestBytes),
      b.getI64IntegerAttr(behind.kernels));
  folded[value] = op.getResult();
  value.replaceUsesWithIf(op.getResult(), [](OpOperand &other) {
    return !isa<graph::NodeOp>(other.getOwner());
  });
  return llvm::Error::success();
}

/// The error of the first node whose work is not stated. In layers only nodes
/// that depend on an input stand beside constants.
static llvm::Error checkStated(ModuleOp module, func::FuncOp main) {
  llvm::SetVector<Operation *> active = findActive(main);
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || !function.getBody().hasOneBlock())
      continue;
    for (auto node : function.getBody().front().getOps<graph::NodeOp>()) {
      if (auto why = node->getAttrOfType<StringAttr>(kUnpricedName))
        return unpriced(node, why.getValue());
      bool isNeeded =
          function == main ? active.contains(node) : !isConstant(node);
      if (isNeeded && !node->getAttrOfType<DictionaryAttr>(kWorkName))
        return unpriced(node, "its work is not stated");
    }
  }
  return llvm::Error::success();
}

llvm::Error portolan::foldNodes(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal() || !main.getBody().hasOneBlock())
    return llvm::Error::success();
  bool hasNodes =
      module.walk([](graph::NodeOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (!hasNodes)
    return llvm::Error::success();
  if (llvm::Error error = checkStated(module, main))
    return error;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal() && function.getBody().hasOneBlock())
      if (llvm::Error error = Folder(function.getBody().front()).fold())
        return error;
  // Nodes of @main that are left prepare weights.
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      for (auto node : function.getBody().front().getOps<graph::NodeOp>())
        if (function != main || isActive(node))
          return unpriced(node, "no activation [batch, tokens, width] follows "
                                "from it");
  return llvm::Error::success();
}

namespace {

struct GraphFoldNodes : portolan::impl::GraphFoldNodesBase<GraphFoldNodes> {
  void runOnOperation() override {
    if (llvm::Error error = foldNodes(getOperation())) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }
};

} // namespace

std::unique_ptr<Pass> portolan::createGraphFoldNodesPass() {
  return std::make_unique<GraphFoldNodes>();
}
