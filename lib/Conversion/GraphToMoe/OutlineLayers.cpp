//===- OutlineLayers.cpp - one function per distinct layer ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers are found by dataflow, not by names. Where only one activation is
// alive, the ops before it are a block; a block is residual if it ends by
// adding something to what it started from. A layer is a residual block with
// attention and the residual blocks without attention that follow it. Two
// layers are of one class if their ops, attributes, types and wiring are equal.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"
#include <map>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// The ops that compute on activations, in order; the rest of @main prepares
/// weights and positions. Other dialects take part where they slice
/// activations, nodes of the graph where they read them.
llvm::SetVector<Operation *> findBodyOps(func::FuncOp main) {
  llvm::SetVector<Operation *> ops;
  for (Operation &op : main.getBody().front()) {
    bool isBody =
        isa<moe::MoeDialect>(op.getDialect()) &&
        !isa<moe::DequantizeOp, moe::WeightOp, moe::RotaryTableOp>(op);
    if (isa<tensor::ExtractSliceOp, tensor::DimOp>(op))
      isBody = ops.contains(op.getOperand(0).getDefiningOp());
    else if (isa<graph::NodeOp>(op))
      op.walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          isBody |= ops.contains(operand.getDefiningOp());
      });
    if (isBody)
      ops.insert(&op);
  }
  return ops;
}

/// Whether `op` is attention: an op of that name, or a softmax whose result is
/// the left side of a product.
bool isAttention(Operation *op) {
  if (isa<moe::AttentionOp, moe::LatentAttentionOp>(op))
    return true;
  auto node = dyn_cast<graph::NodeOp>(op);
  if (!node)
    return false;
  if (node.getOpType().contains("Attention"))
    return true;
  if (node.getOpType() != "Softmax")
    return false;
  for (unsigned steps = 0; steps < 4; ++steps) {
    Value result = node.getOutputs()[0];
    if (!result.hasOneUse())
      return false;
    OpOperand &use = *result.use_begin();
    node = dyn_cast<graph::NodeOp>(use.getOwner());
    if (!node || use.getOperandNumber() != 0)
      return false;
    if (node.getOpType() == "MatMul" || node.getOpType() == "Einsum")
      return true;
    if (node.getOpType() != "Cast" && node.getOpType() != "Slice" &&
        node.getOpType() != "Dropout")
      return false;
  }
  return false;
}

/// Consecutive ops between two points at which one activation is alive.
struct ResidualBlock {
  SmallVector<Operation *> ops;
  Value out;
  bool isResidual = false, hasAttention = false;
};

SmallVector<ResidualBlock> findBlocks(ArrayRef<Operation *> ops) {
  llvm::DenseMap<Operation *, unsigned> index;
  for (auto [i, op] : llvm::enumerate(ops))
    index[op] = i;
  // The position of the last op that reads a value; results that only @main
  // returns do not cross.
  auto lastUse = [&](Value value) {
    unsigned last = 0;
    for (Operation *user : value.getUsers())
      if (auto found = index.find(user); found != index.end())
        last = std::max(last, found->second);
    return last;
  };
  SmallVector<SmallVector<Value, 2>> dying(ops.size());
  llvm::SmallSetVector<Value, 8> alive;
  SmallVector<ResidualBlock> blocks;
  ResidualBlock current;
  Value in;
  for (auto [i, op] : llvm::enumerate(ops)) {
    for (Value value : dying[i])
      alive.remove(value);
    for (Value result : op->getResults())
      if (unsigned last = lastUse(result); last > i) {
        alive.insert(result);
        dying[last].push_back(result);
      }
    current.ops.push_back(op);
    current.hasAttention |= isAttention(op);
    bool isLast = i + 1 == ops.size();
    if (alive.size() != 1 && !isLast)
      continue;
    current.out = alive.size() == 1 ? alive.front() : op->getResult(0);
    auto add = current.out.getDefiningOp<moe::AddOp>();
    current.isResidual =
        in && add && (add.getLhs() == in || add.getRhs() == in);
    in = current.out;
    blocks.push_back(std::move(current));
    current = {};
  }
  return blocks;
}

struct Layer {
  SmallVector<Operation *> ops;
};

SmallVector<Layer> findLayers(ArrayRef<ResidualBlock> blocks) {
  SmallVector<Layer> layers;
  bool open = false;
  for (const ResidualBlock &block : blocks) {
    open = block.isResidual && (block.hasAttention || open);
    if (open && block.hasAttention)
      layers.emplace_back();
    if (open)
      llvm::append_range(layers.back().ops, block.ops);
  }
  return layers;
}

/// Operands in the order in which a layer function takes them: the hidden
/// state, positions and lengths, rotary tables, weights, caches.
enum class Role { Hidden, Positions, Table, Weight, Cache };

Role roleOf(Value value, const llvm::DenseSet<Operation *> &body) {
  Operation *op = value.getDefiningOp();
  if (op && (body.contains(op) || isa<func::CallOp>(op)))
    return Role::Hidden;
  for (OpOperand &use : value.getUses())
    if (auto rope = dyn_cast<moe::RopeOp>(use.getOwner())) {
      if (use.get() == rope.getCosine() || use.get() == rope.getSine())
        return Role::Table;
      if (use.get() == rope.getPositions())
        return Role::Positions;
    }
  for (OpOperand &use : value.getUses()) {
    if (auto attention = dyn_cast<moe::AttentionOp>(use.getOwner());
        attention && use.get() == attention.getTotalLengths())
      return Role::Positions;
    if (auto attention = dyn_cast<moe::LatentAttentionOp>(use.getOwner());
        attention && use.get() == attention.getTotalLengths())
      return Role::Positions;
  }
  if (!op)
    return Role::Cache;
  return Role::Weight;
}

/// The constant that `value` is, or null. A layer has its own constants.
Operation *constantOf(Value value) {
  Operation *op = value.getDefiningOp();
  auto node = dyn_cast_or_null<graph::NodeOp>(op);
  bool isConstant =
      isa_and_nonnull<arith::ConstantOp, graph::NoneOp>(op) ||
      (node && node.getOpType() == "Constant" && node.getDomain().empty());
  return isConstant ? op : nullptr;
}

/// Calls `visit` for each operand of `op` and of the ops in its bodies that
/// bodies do not define.
void forEachOperand(Operation *op, llvm::function_ref<void(Value)> visit) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (inner == op || operand.getParentBlock() == op->getBlock())
        visit(operand);
  });
}

/// What crosses the border of a layer.
struct Border {
  SmallVector<Value> operands, results;
};

/// The roles of values that many layers read, which have many uses.
using Roles = llvm::DenseMap<Value, Role>;

Border findBorder(const Layer &layer, Roles &known,
                  const llvm::DenseSet<Operation *> &body) {
  llvm::DenseSet<Operation *> inside(layer.ops.begin(), layer.ops.end());
  llvm::SetVector<Value> outer;
  Border border;
  for (Operation *op : layer.ops) {
    forEachOperand(op, [&](Value operand) {
      if (!inside.contains(operand.getDefiningOp()) && !constantOf(operand))
        outer.insert(operand);
    });
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !inside.contains(
                op->getBlock()->findAncestorOpInBlock(*user));
          }))
        border.results.push_back(result);
  }
  border.operands = outer.takeVector();
  // By role, in the order of first use within one.
  SmallVector<std::pair<Role, size_t>> roles;
  for (auto [index, operand] : llvm::enumerate(border.operands)) {
    auto [entry, isNew] = known.try_emplace(operand, Role::Weight);
    if (isNew)
      entry->second = roleOf(operand, body);
    roles.push_back({entry->second, index});
    // Hidden states come and go as layers become calls.
    if (entry->second == Role::Hidden)
      known.erase(entry);
  }
  llvm::sort(roles);
  border.operands = llvm::map_to_vector(
      roles, [operands = border.operands](std::pair<Role, size_t> role) {
        return operands[role.second];
      });
  // The hidden state that the layer hands on comes first.
  Value hidden = layer.ops.back()->getResult(0);
  auto place = llvm::find(border.results, hidden);
  if (place != border.results.end())
    std::rotate(border.results.begin(), place, std::next(place));
  return border;
}

using ClassKey = std::vector<const void *>;

/// Equal for layers that one function can stand for.
ClassKey keyOf(const Layer &layer, const Border &border) {
  llvm::DenseMap<Value, uintptr_t> number;
  ClassKey key;
  for (Value operand : border.operands) {
    number.try_emplace(operand, number.size() + 1);
    key.push_back(operand.getType().getAsOpaquePointer());
  }
  for (Operation *op : layer.ops) {
    key.push_back(op->getName().getAsOpaquePointer());
    key.push_back(op->getAttrDictionary().getAsOpaquePointer());
    forEachOperand(op, [&](Value operand) {
      if (Operation *constant = constantOf(operand))
        key.push_back(constant->getAttrDictionary().getAsOpaquePointer());
      else
        key.push_back(reinterpret_cast<const void *>(number.lookup(operand)));
    });
    // Bodies are not compared: a layer with one is of its own class.
    if (op->getNumRegions() != 0 && isa<graph::NodeOp>(op))
      for (Region &region : op->getRegions())
        key.push_back(&region);
    for (Value result : op->getResults()) {
      number.try_emplace(result, number.size() + 1);
      key.push_back(result.getType().getAsOpaquePointer());
    }
  }
  for (Value result : border.results)
    key.push_back(reinterpret_cast<const void *>(number.lookup(result)));
  return key;
}

func::FuncOp buildFunction(func::FuncOp main, const Layer &layer,
                           const Border &border, SymbolTable &symbols) {
  bool hasExperts = llvm::any_of(
      layer.ops, [](Operation *op) { return isa<moe::ExpertsOp>(op); });
  bool hasNodes = llvm::any_of(
      layer.ops, [](Operation *op) { return isa<graph::NodeOp>(op); });
  StringRef name = hasExperts ? "layer_moe"
                   : hasNodes ? "layer_decomposed"
                              : "layer_dense";
  OpBuilder builder(main);
  Location loc = NameLoc::get(builder.getStringAttr(name));
  auto function = func::FuncOp::create(
      builder, loc, name,
      builder.getFunctionType(ValueRange(border.operands).getTypes(),
                              ValueRange(border.results).getTypes()));
  function.setPrivate();
  symbols.insert(function, Block::iterator(main));
  Block *block = function.addEntryBlock();
  IRMapping mapping;
  for (auto [operand, argument] :
       llvm::zip_equal(border.operands, block->getArguments())) {
    argument.setLoc(operand.getLoc());
    mapping.map(operand, argument);
  }
  builder.setInsertionPointToEnd(block);
  for (Operation *op : layer.ops) {
    forEachOperand(op, [&](Value operand) {
      if (Operation *constant = constantOf(operand);
          constant && !mapping.contains(operand))
        builder.clone(*constant, mapping);
    });
    builder.clone(*op, mapping);
  }
  func::ReturnOp::create(builder, loc,
                         llvm::map_to_vector(border.results, [&](Value value) {
                           return mapping.lookup(value);
                         }));
  return function;
}

} // namespace

void graph_to_moe::outlineLayers(func::FuncOp main, LayerObserver observe) {
  llvm::SetVector<Operation *> ops = findBodyOps(main);
  llvm::DenseSet<Operation *> body(ops.begin(), ops.end());
  SymbolTable symbols(main->getParentOfType<ModuleOp>());
  std::map<ClassKey, func::FuncOp> classes;
  Roles roles;
  for (auto [i, layer] :
       llvm::enumerate(findLayers(findBlocks(ops.getArrayRef())))) {
    Border border = findBorder(layer, roles, body);
    func::FuncOp &function = classes[keyOf(layer, border)];
    if (!function)
      function = buildFunction(main, layer, border, symbols);
    observe(function.getName(), layer.ops);
    OpBuilder builder(layer.ops.back());
    builder.setInsertionPointAfter(layer.ops.back());
    Location loc =
        NameLoc::get(builder.getStringAttr("layers." + std::to_string(i)));
    auto call = func::CallOp::create(builder, loc, function, border.operands);
    for (auto [result, replacement] :
         llvm::zip_equal(border.results, call.getResults()))
      result.replaceAllUsesWith(replacement);
    for (Operation *op : llvm::reverse(layer.ops)) {
      body.erase(op);
      op->erase();
    }
  }
  SmallVector<Operation *> outside;
  for (Operation &op : llvm::make_early_inc_range(main.getBody().front())) {
    bool isDead = op.getNumResults() == 1 && op.use_empty() &&
                  constantOf(op.getResult(0));
    if (isDead)
      op.erase();
    else
      outside.push_back(&op);
  }
  observe("", outside);
}
