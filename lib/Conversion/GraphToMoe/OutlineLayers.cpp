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

/// Whether `op` computes on activations; the rest of @main prepares weights
/// and positions. Other dialects take part where they slice activations.
bool isBodyOp(Operation *op) {
  if (isa<moe::MoeDialect>(op->getDialect()))
    return !isa<moe::DequantizeOp, moe::WeightOp, moe::RotaryTableOp>(op);
  return isa<tensor::ExtractSliceOp, tensor::DimOp>(op) &&
         op->getOperand(0).getDefiningOp() &&
         isBodyOp(op->getOperand(0).getDefiningOp());
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
    current.hasAttention |= isa<moe::AttentionOp, moe::LatentAttentionOp>(op);
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

Role roleOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (op && (isBodyOp(op) || isa<func::CallOp>(op)))
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
arith::ConstantOp constantOf(Value value) {
  return value.getDefiningOp<arith::ConstantOp>();
}

/// What crosses the border of a layer.
struct Border {
  SmallVector<Value> operands, results;
};

/// The roles of values that many layers read, which have many uses.
using Roles = llvm::DenseMap<Value, Role>;

Border findBorder(const Layer &layer, Roles &known) {
  llvm::DenseSet<Operation *> inside(layer.ops.begin(), layer.ops.end());
  llvm::SetVector<Value> outer;
  Border border;
  for (Operation *op : layer.ops) {
    for (Value operand : op->getOperands())
      if (!inside.contains(operand.getDefiningOp()) && !constantOf(operand))
        outer.insert(operand);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return !inside.contains(user); }))
        border.results.push_back(result);
  }
  border.operands = outer.takeVector();
  // By role, in the order of first use within one.
  SmallVector<std::pair<Role, size_t>> roles;
  for (auto [index, operand] : llvm::enumerate(border.operands)) {
    auto [entry, isNew] = known.try_emplace(operand, Role::Weight);
    if (isNew)
      entry->second = roleOf(operand);
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
    for (Value operand : op->getOperands())
      if (auto constant = constantOf(operand))
        key.push_back(constant.getValue().getAsOpaquePointer());
      else
        key.push_back(reinterpret_cast<const void *>(number.lookup(operand)));
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
  StringRef name = hasExperts ? "layer_moe" : "layer_dense";
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
    for (Value operand : op->getOperands())
      if (auto constant = constantOf(operand);
          constant && !mapping.contains(operand))
        builder.clone(*constant, mapping);
    builder.clone(*op, mapping);
  }
  func::ReturnOp::create(builder, loc,
                         llvm::map_to_vector(border.results, [&](Value value) {
                           return mapping.lookup(value);
                         }));
  return function;
}

} // namespace

void graph_to_moe::outlineLayers(func::FuncOp main) {
  SmallVector<Operation *> ops;
  for (Operation &op : main.getBody().front())
    if (isBodyOp(&op))
      ops.push_back(&op);
  if (ops.empty())
    return;
  SymbolTable symbols(main->getParentOfType<ModuleOp>());
  std::map<ClassKey, func::FuncOp> classes;
  Roles roles;
  for (auto [i, layer] : llvm::enumerate(findLayers(findBlocks(ops)))) {
    Border border = findBorder(layer, roles);
    func::FuncOp &function = classes[keyOf(layer, border)];
    if (!function)
      function = buildFunction(main, layer, border, symbols);
    OpBuilder builder(layer.ops.back());
    builder.setInsertionPointAfter(layer.ops.back());
    Location loc =
        NameLoc::get(builder.getStringAttr("layers." + std::to_string(i)));
    auto call = func::CallOp::create(builder, loc, function, border.operands);
    for (auto [result, replacement] :
         llvm::zip_equal(border.results, call.getResults()))
      result.replaceAllUsesWith(replacement);
    for (Operation *op : llvm::reverse(layer.ops))
      op->erase();
  }
  for (auto constant : llvm::make_early_inc_range(
           main.getBody().front().getOps<arith::ConstantOp>()))
    if (constant->use_empty())
      constant.erase();
}
