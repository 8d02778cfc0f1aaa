//===- Residue.cpp - nodes that no rule raises ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Residue.h"
#include "lib/Conversion/GraphToMoe/NodeWork.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

//===----------------------------------------------------------------------===//
// During the raising
//===----------------------------------------------------------------------===//

void Residue::adopt(graph::NodeOp node) {
  for (Value result : node.getOutputs()) {
    RankedTensorType type = raiser.facts.type(result);
    const Sizes *shape = raiser.facts.shape(result);
    if (raiser.isRaised(result) || !type || type.getRank() != 3 ||
        !isa<FloatType>(type.getElementType()) || type.isDynamicDim(2))
      continue;
    for (Value argument : raiser.main.getArguments()) {
      const Sizes *tokens = raiser.facts.shape(argument);
      if (!tokens || tokens->size() < 2 || (*tokens)[0] != (*shape)[0] ||
          (*tokens)[1] != (*shape)[1])
        continue;
      result.setType(type);
      raiser.raise(result, result, argument);
      break;
    }
  }
}

void Residue::count(graph::NodeOp node, Operation *first) {
  // The last op that computes has the result; a view has none.
  Operation *last = nullptr;
  for (Operation *op = first; op && !op->hasTrait<OpTrait::IsTerminator>();
       op = op->getNextNode())
    if (isa<moe::MoeDialect>(op->getDialect()))
      last = op;
  anchors.push_back({node, last});
}

//===----------------------------------------------------------------------===//
// Which nodes stay
//===----------------------------------------------------------------------===//

static bool dominates(Value value, Operation *reader) {
  Operation *op = value.getDefiningOp();
  return !op || op->isBeforeInBlock(reader);
}

Value Residue::standIn(Value value, Operation *reader) const {
  Value raised = raiser.raised(value);
  if (!raised || raised == value || !dominates(raised, reader))
    return nullptr;
  // What the graph says of the value must hold for what replaces it.
  RankedTensorType type = raiser.facts.type(value);
  if (type && (type.getElementType() != typeOf(raised).getElementType() ||
               failed(verifyCompatibleShape(type, raised.getType()))))
    return nullptr;
  return raised;
}

const View *Residue::viewFor(Value value, Operation *reader) const {
  const View *view = raiser.raised(value) ? nullptr : raiser.view(value);
  bool fits =
      view && dominates(view->base, reader) &&
      typeOf(view->base).getRank() == 3 &&
      raiser.facts.elementType(value) == typeOf(view->base).getElementType() &&
      view->heads * view->headWidth == lastDim(view->base);
  return fits ? view : nullptr;
}

/// Calls `visit` for each operand of `op` and of the ops in its bodies that
/// is defined in the block of `op`.
static void forEachOperand(Operation *op,
                           llvm::function_ref<void(OpOperand &)> visit) {
  op->walk([&](Operation *inner) {
    for (OpOperand &operand : inner->getOpOperands())
      if (operand.get().getParentBlock() == op->getBlock())
        visit(operand);
  });
}

void Residue::needOperands(Operation *op) {
  forEachOperand(op, [&](OpOperand &operand) {
    Value value = operand.get();
    if (Value raised = standIn(value, op))
      value = raised;
    else if (const View *view = viewFor(value, op))
      value = view->base;
    Operation *source = value.getDefiningOp();
    if (!source || !needed.insert(source).second)
      return;
    pending.push_back(source);
    if (isa<graph::NodeOp>(source))
      kept.insert(source);
  });
}

/// A fused block that was not raised is the nodes that it was made of.
void Residue::restoreFused() {
  for (auto [fused, original] : fusion.substitutes())
    if (!raiser.isRaised(fused) || raiser.raised(fused) == fused) {
      if (raiser.isRaised(fused))
        original.setType(fused.getType());
      fused.replaceAllUsesWith(original);
    }
}

void Residue::settle() {
  restoreFused();
  Block &block = raiser.main.getBody().front();
  Operation *terminator = block.getTerminator();
  needOperands(terminator);
  while (!pending.empty())
    needOperands(pending.pop_back_val());

  countServants();
  SmallVector<Operation *> readers;
  for (Operation &op : block)
    if (kept.contains(&op) || &op == terminator)
      readers.push_back(&op);
  for (Operation *reader : readers)
    rewire(reader);
  stateWork(raiser.main, raiser.facts, kept.getArrayRef());
  for (Operation *op : kept) {
    for (Value result : op->getResults())
      if (isa<graph::UnknownType>(result.getType()))
        if (RankedTensorType type = raiser.facts.type(result))
          result.setType(type);
    if (auto found = reasons.find(op); found != reasons.end())
      op->setDiscardableAttr("graph.reason",
                             StringAttr::get(op->getContext(), found->second));
  }
}

//===----------------------------------------------------------------------===//
// What they read
//===----------------------------------------------------------------------===//

void Residue::rewire(Operation *reader) {
  forEachOperand(reader, [&](OpOperand &operand) {
    Value value = operand.get();
    if (Value raised = standIn(value, reader))
      operand.set(raised);
    else if (const View *view = viewFor(value, reader))
      operand.set(arrange(value, *view, reader));
  });
}

namespace {

/// Builds nodes of the standard domain.
struct NodeBuilder {
  OpBuilder builder;
  Location loc;

  Value node(StringRef opType, ValueRange operands, int64_t version,
             RankedTensorType type, ArrayRef<NamedAttribute> attributes = {}) {
    return graph::NodeOp::create(builder, loc, TypeRange(type),
                                 builder.getStringAttr(opType), operands,
                                 builder.getStringAttr(""),
                                 builder.getI64IntegerAttr(version),
                                 builder.getDictionaryAttr(attributes),
                                 ArrayAttr(), /*bodies=*/0u)
        .getOutputs()[0];
  }
  Value integers(ArrayRef<int64_t> values) {
    auto type =
        RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
    return node(
        "Constant", {}, 13, type,
        builder.getNamedAttr("value", DenseIntElementsAttr::get(type, values)));
  }
};

} // namespace

Value Residue::arrange(Value value, const View &view, Operation *reader) {
  Value &known = arranged[value];
  if (known)
    return known;
  NodeBuilder nodes{OpBuilder(reader), value.getLoc()};
  RankedTensorType base = typeOf(view.base);
  Type element = base.getElementType();
  int64_t batch = base.getDimSize(0), tokens = base.getDimSize(1);
  Value result = view.base;
  SmallVector<int64_t> shape(base.getShape());
  if (view.layout != View::Layout::Rows) {
    shape = {batch, tokens, view.heads, view.headWidth};
    result = nodes.node(
        "Reshape", {result, nodes.integers({0, 0, view.heads, view.headWidth})},
        14, RankedTensorType::get(shape, element));
  }
  if (!view.isWhole()) {
    shape.back() = view.width;
    result = nodes.node("Slice",
                        {result, nodes.integers({view.offset}),
                         nodes.integers({view.offset + view.width}),
                         nodes.integers({int64_t(shape.size()) - 1})},
                        13, RankedTensorType::get(shape, element));
  }
  if (view.layout == View::Layout::HeadsFirst) {
    std::swap(shape[1], shape[2]);
    result = nodes.node(
        "Transpose", result, 13, RankedTensorType::get(shape, element),
        nodes.builder.getNamedAttr(
            "perm", nodes.builder.getDenseI64ArrayAttr({0, 2, 1, 3})));
  } else if (view.layout == View::Layout::Rows) {
    bool known =
        !ShapedType::isDynamic(batch) && !ShapedType::isDynamic(tokens);
    result = nodes.node(
        "Reshape", {result, nodes.integers({-1, view.width})}, 14,
        RankedTensorType::get(
            {known ? batch * tokens : ShapedType::kDynamic, view.width},
            element));
  }
  for (Operation *op = result.getDefiningOp(); op;) {
    // The nodes just built stay as well.
    kept.insert(op);
    for (Value operand : op->getOperands())
      if (operand.getDefiningOp<graph::NodeOp>() && operand != view.base)
        kept.insert(operand.getDefiningOp());
    Value from = op->getOperand(0);
    op = from == view.base ? nullptr : from.getDefiningOp();
  }
  return known = result;
}

//===----------------------------------------------------------------------===//
// Erasing
//===----------------------------------------------------------------------===//

void Residue::eraseRest() {
  Block &block = raiser.main.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (auto node = dyn_cast<graph::NodeOp>(op)) {
      if (!kept.contains(node)) {
        node->dropAllDefinedValueUses();
        node.erase();
      }
    } else if (isa<graph::NoneOp>(op) ? op.use_empty()
                                      : isOpTriviallyDead(&op)) {
      nodesOf.erase(&op);
      op.erase();
    }
  }
  auto module = raiser.main->getParentOfType<ModuleOp>();
  llvm::DenseSet<StringAttr> used;
  module.walk([&](Operation *op) {
    if (auto weight = dyn_cast<moe::WeightOp>(op))
      used.insert(weight.getSourceAttr().getAttr());
    else if (auto node = dyn_cast<graph::NodeOp>(op))
      node.getOpAttributes().walk(
          [&](FlatSymbolRefAttr symbol) { used.insert(symbol.getAttr()); });
  });
  for (auto data : llvm::make_early_inc_range(
           module.getBody()->getOps<moe::WeightDataOp>()))
    if (!used.contains(data.getSymNameAttr()))
      data.erase();
}

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

/// Each node that is neither raised by itself nor stays serves the first raised
/// node that depends on it.
void Residue::countServants() {
  llvm::DenseSet<Operation *> seen;
  for (auto [node, op] : anchors)
    seen.insert(node);
  llvm::DenseMap<Value, Value> original;
  for (auto [fused, value] : fusion.substitutes())
    original.try_emplace(fused, value);
  for (auto [anchor, op] : anchors) {
    unsigned count = anchor.getDomain() == kFusedDomain ? 0 : 1;
    SmallVector<Operation *> stack = {anchor};
    auto push = [&](Value value) {
      auto node = value ? value.getDefiningOp<graph::NodeOp>() : nullptr;
      if (node && !kept.contains(node) && seen.insert(node).second) {
        ++count;
        stack.push_back(node);
      }
    };
    for (Value result : anchor.getOutputs())
      push(original.lookup(result));
    while (!stack.empty())
      for (Value operand : stack.pop_back_val()->getOperands())
        push(operand);
    if (op)
      nodesOf[op] += count;
  }
}

void Residue::report(ArrayRef<Operation *> ops, RaisedPart &part) const {
  for (Operation *op : ops) {
    if (auto node = dyn_cast<graph::NodeOp>(op)) {
      auto name = dyn_cast<NameLoc>(node.getLoc());
      auto reason = node->getAttrOfType<StringAttr>("graph.reason");
      part.kept.push_back({name ? name.getName().str() : "?",
                           node.getOpType().str(), node.getDomain().str(),
                           reason ? reason.str() : ""});
      continue;
    }
    if (!isa<moe::MoeDialect>(op->getDialect()) || isa<moe::WeightOp>(op))
      continue;
    RaisedKind &kind = part.raised[op->getName().getStringRef()];
    ++kind.ops;
    kind.nodes += nodesOf.lookup(op);
  }
}
