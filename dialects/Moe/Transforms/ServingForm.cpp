//===- ServingForm.cpp - a model as it is served --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph keeps the contract of its exporter: logits of all positions, padded
// sequences behind a mask. A server samples from the last position and packs
// its sequences, so that is what is priced. The ops of a layer are put into the
// order in which its result needs them: two sources of one model then give one
// program.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/AddCaches.h"
#include "dialects/Moe/Transforms/LatentCaches.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace portolan::moe {
#define GEN_PASS_DEF_MOEAPPLYSERVINGFORM
#include "dialects/Moe/Transforms/MoePasses.h.inc"
} // namespace portolan::moe

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// A layer function and its calls in @main, in order.
struct Layer {
  func::FuncOp function;
  SmallVector<func::CallOp> calls;
};

class Server {
public:
  Server(ModuleOp module, func::FuncOp main) : main(main), symbols(module) {}

  LogicalResult apply();

private:
  LogicalResult findLayers();
  void setLastPosition();
  void dropLengths(Layer &layer);
  void setPositions(Layer &layer);
  void dropUnusedArguments(Layer &layer);
  void dropUnusedInputs();

  /// The argument of @main with the positions of the new tokens.
  Value positionsLike(Value positions);

  func::FuncOp main;
  SymbolTable symbols;
  llvm::SmallVector<Layer> layers;
  Value positionIds;
};

LogicalResult Server::findLayers() {
  llvm::MapVector<StringAttr, Layer> found;
  for (auto call : main.getBody().front().getOps<func::CallOp>()) {
    Layer &layer = found[call.getCalleeAttr().getAttr()];
    if (!layer.function)
      layer.function =
          symbols.lookup<func::FuncOp>(call.getCalleeAttr().getAttr());
    if (!layer.function || layer.function.isExternal() ||
        !layer.function.getBody().hasOneBlock())
      return call.emitOpError("expects a function of one block, got @")
             << call.getCallee();
    layer.calls.push_back(call);
  }
  for (auto &[name, layer] : found)
    layers.push_back(std::move(layer));
  return success();
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// Puts the operands of sums into one order: what a block starts from before
/// what it adds, routed results before shared ones.
void orderSums(Block &block) {
  llvm::DenseMap<Operation *, unsigned> index;
  unsigned count = 0;
  for (Operation &op : block) {
    index[&op] = ++count;
    auto add = dyn_cast<AddOp>(op);
    // Each side of a scaled sum has its own factor.
    if (!add || !add.getLhsScale().bitwiseIsEqual(add.getRhsScale()))
      continue;
    Operation *lhs = add.getLhs().getDefiningOp();
    Operation *rhs = add.getRhs().getDefiningOp();
    bool areRouted =
        (isa_and_nonnull<CombineOp>(lhs) && isa_and_nonnull<MlpOp>(rhs)) ||
        (isa_and_nonnull<MlpOp>(lhs) && isa_and_nonnull<CombineOp>(rhs));
    bool swap =
        areRouted ? isa<MlpOp>(lhs) : index.lookup(rhs) < index.lookup(lhs);
    if (swap) {
      Value first = add.getLhs();
      add.getLhsMutable().assign(add.getRhs());
      add.getRhsMutable().assign(first);
    }
  }
}

/// Moves the ops of a block into the order in which its results need them,
/// each after its operands from the first to the last.
void orderByNeed(Block &block) {
  llvm::DenseSet<Operation *> done;
  Operation *terminator = block.getTerminator();
  SmallVector<std::pair<Operation *, unsigned>> stack = {{terminator, 0}};
  while (!stack.empty()) {
    auto &[op, next] = stack.back();
    if (next < op->getNumOperands()) {
      Operation *operand = op->getOperand(next++).getDefiningOp();
      if (operand && operand->getBlock() == &block && !done.contains(operand))
        stack.push_back({operand, 0});
      continue;
    }
    if (op != terminator && done.insert(op).second)
      op->moveBefore(terminator);
    stack.pop_back();
  }
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (&op == terminator || done.contains(&op))
      break;
    // Nothing needs it.
    if (isOpTriviallyDead(&op))
      op.erase();
  }
}

//===----------------------------------------------------------------------===//
// Contract
//===----------------------------------------------------------------------===//

void Server::setLastPosition() {
  for (Value value : main.getBody().front().getTerminator()->getOperands()) {
    auto head = value.getDefiningOp<LinearOp>();
    if (!head || head.getLastPosition())
      continue;
    auto type = cast<RankedTensorType>(head.getResult().getType());
    if (type.getRank() != 3 || !value.hasOneUse())
      continue;
    SmallVector<int64_t> shape(type.getShape());
    shape[1] = 1;
    head.setLastPosition(true);
    head.getResult().setType(
        RankedTensorType::get(shape, type.getElementType()));
  }
}

void Server::dropLengths(Layer &layer) {
  for (Operation &op : layer.function.getBody().front()) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      attention.getTotalLengthsMutable().clear();
    else if (auto latent = dyn_cast<LatentAttentionOp>(op))
      latent.getTotalLengthsMutable().clear();
  }
}

Value Server::positionsLike(Value positions) {
  if (positionIds)
    return positionIds;
  for (BlockArgument argument : main.getArguments()) {
    auto name =
        main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    if (name && name.getValue() == "position_ids" &&
        argument.getType() == positions.getType())
      return positionIds = argument;
  }
  // As many as ids, the first argument.
  Builder builder(main.getContext());
  NamedAttrList attrs;
  attrs.set(kNameAttr, builder.getStringAttr("position_ids"));
  auto dims = main.getArgAttrOfType<ArrayAttr>(0, kDimsAttr);
  unsigned rank = cast<RankedTensorType>(positions.getType()).getRank();
  if (dims && dims.size() >= rank)
    attrs.set(kDimsAttr,
              builder.getArrayAttr(dims.getValue().take_front(rank)));
  if (failed(main.insertArgument(1, positions.getType(),
                                 attrs.getDictionary(main.getContext()),
                                 positions.getLoc())))
    return positions;
  return positionIds = main.getArgument(1);
}

void Server::setPositions(Layer &layer) {
  llvm::SmallSetVector<unsigned, 2> indices;
  for (auto rope : layer.function.getBody().front().getOps<RopeOp>())
    if (auto argument = dyn_cast<BlockArgument>(rope.getPositions()))
      indices.insert(argument.getArgNumber());
  for (unsigned index : indices)
    for (func::CallOp call : layer.calls) {
      Value positions = call.getOperand(index);
      if (!isa<BlockArgument>(positions))
        call.setOperand(index, positionsLike(positions));
    }
}

void Server::dropUnusedArguments(Layer &layer) {
  llvm::BitVector unused(layer.function.getNumArguments());
  for (BlockArgument argument : layer.function.getArguments())
    if (argument.use_empty())
      unused.set(argument.getArgNumber());
  if (unused.none() || failed(layer.function.eraseArguments(unused)))
    return;
  for (func::CallOp call : layer.calls)
    call->eraseOperands(unused);
}

void Server::dropUnusedInputs() {
  Block &block = main.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  llvm::BitVector unused(main.getNumArguments());
  for (BlockArgument argument : main.getArguments())
    if (argument.use_empty())
      unused.set(argument.getArgNumber());
  if (unused.any())
    (void)main.eraseArguments(unused);
}

LogicalResult Server::apply() {
  if (failed(findLayers()))
    return failure();
  setLastPosition();
  for (Layer &layer : layers) {
    dropLengths(layer);
    if (failed(addCaches(main, layer.function, layer.calls)) ||
        failed(compressLatentCaches(main, layer.function, layer.calls)))
      return failure();
    setPositions(layer);
    Block &block = layer.function.getBody().front();
    orderSums(block);
    orderByNeed(block);
    dropUnusedArguments(layer);
  }
  dropUnusedInputs();
  main.setFunctionType(FunctionType::get(
      main.getContext(), main.getBody().getArgumentTypes(),
      main.getBody().front().getTerminator()->getOperandTypes()));
  return success();
}

struct MoeApplyServingForm
    : public moe::impl::MoeApplyServingFormBase<MoeApplyServingForm> {
  void runOnOperation() override {
    if (failed(applyServingForm(getOperation())))
      signalPassFailure();
  }
};

} // namespace

LogicalResult moe::applyServingForm(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal() || !main.getBody().hasOneBlock())
    return module.emitError("expects a function @main of one block, got none");
  return Server(module, main).apply();
}
