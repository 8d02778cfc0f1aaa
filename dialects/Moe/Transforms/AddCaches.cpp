//===- AddCaches.cpp - caches of a model that was exported without --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph without caches attends to its new tokens only: its past is a tensor
// of no tokens that @main makes. It becomes an input, and what the attention
// grows it to a result.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/AddCaches.h"
#include "dialects/Moe/Transforms/Passes.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// A past operand of an attention and its grown result.
struct Cache {
  Value past, present;
  StringRef name;
  unsigned tokens; ///< the dimension that counts them
};

SmallVector<Cache> cachesOf(Operation &op) {
  auto tokensOf = [](Value past) {
    return unsigned(cast<RankedTensorType>(past.getType()).getRank() - 2);
  };
  if (auto attention = dyn_cast<AttentionOp>(op))
    return {
        {attention.getPastKey(), attention.getPresentKey(), "key", 2},
        {attention.getPastValue(), attention.getPresentValue(), "value", 2}};
  if (auto latent = dyn_cast<LatentAttentionOp>(op))
    return {{latent.getPastLatent(), latent.getPresentLatent(), "latent",
             tokensOf(latent.getPastLatent())},
            {latent.getPastRotaryKey(), latent.getPresentRotaryKey(),
             "rotary_key", tokensOf(latent.getPastRotaryKey())}};
  return {};
}

class Adder {
public:
  Adder(func::FuncOp main, func::FuncOp layer,
        MutableArrayRef<func::CallOp> calls)
      : main(main), layer(layer), calls(calls), builder(main.getContext()) {}

  LogicalResult add(Operation *op, const Cache &cache);

private:
  /// Appends a result of the layer, and of its calls.
  unsigned addLayerResult(Value present);
  /// `number` is that of the call among all of @main, for the cache's name.
  void addInput(func::CallOp call, unsigned number, unsigned operand,
                unsigned result, const Cache &cache, RankedTensorType type);

  func::FuncOp main, layer;
  MutableArrayRef<func::CallOp> calls;
  Builder builder;
};

} // namespace

unsigned Adder::addLayerResult(Value present) {
  Operation *end = layer.getBody().front().getTerminator();
  for (OpOperand &use : present.getUses())
    if (use.getOwner() == end)
      return use.getOperandNumber();
  unsigned index = end->getNumOperands();
  end->insertOperands(index, present);
  for (func::CallOp &call : calls) {
    OpBuilder b(call);
    auto wider =
        func::CallOp::create(b, call.getLoc(), layer.getName(),
                             end->getOperandTypes(), call.getOperands());
    call.replaceAllUsesWith(wider.getResults().take_front(index));
    call.erase();
    call = wider;
  }
  return index;
}

void Adder::addInput(func::CallOp call, unsigned number, unsigned operand,
                     unsigned result, const Cache &cache,
                     RankedTensorType type) {
  auto describe = [&](StringRef role, StringRef tokens) {
    SmallVector<StringRef> dims(type.getRank(), "");
    StringRef batch = "batch";
    if (auto ids = main.getArgAttrOfType<ArrayAttr>(0, kDimsAttr);
        ids && !ids.empty())
      batch = cast<StringAttr>(ids[0]).getValue();
    dims[0] = batch;
    dims[cache.tokens] = tokens;
    NamedAttrList attrs;
    attrs.set(kNameAttr, builder.getStringAttr(role + "." + Twine(number) +
                                               "." + cache.name));
    attrs.set(kDimsAttr, builder.getStrArrayAttr(dims));
    return attrs.getDictionary(main.getContext());
  };
  unsigned index = main.getNumArguments();
  (void)main.insertArgument(index, type,
                            describe("past_key_values", "past_tokens"),
                            cache.past.getLoc());
  call.setOperand(operand, main.getArgument(index));
  Operation *end = main.getBody().front().getTerminator();
  unsigned output = end->getNumOperands();
  (void)main.insertResult(output, call.getResult(result).getType(),
                          describe("present", "total_tokens"));
  end->insertOperands(output, call.getResult(result));
}

LogicalResult Adder::add(Operation *op, const Cache &cache) {
  auto argument = dyn_cast<BlockArgument>(cache.past);
  if (!argument)
    return success();
  unsigned index = argument.getArgNumber();
  auto type = cast<RankedTensorType>(argument.getType());
  bool isEmpty = type.getDimSize(cache.tokens) == 0 &&
                 llvm::none_of(calls, [&](func::CallOp call) {
                   return isa<BlockArgument>(call.getOperand(index));
                 });
  if (!isEmpty)
    return success();
  auto withTokens = [&](Value value) {
    auto stated = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(stated.getShape());
    shape[cache.tokens] = ShapedType::kDynamic;
    return RankedTensorType::get(shape, stated.getElementType());
  };
  if (!argument.hasOneUse())
    return op->emitOpError("expects an empty cache of its own");
  argument.setType(withTokens(argument));
  Value present = cache.present;
  present.setType(withTokens(present));
  unsigned result = addLayerResult(present);
  llvm::SmallDenseMap<Operation *, unsigned> numbers;
  for (auto call : main.getBody().front().getOps<func::CallOp>())
    numbers.try_emplace(call, numbers.size());
  for (func::CallOp call : calls) {
    call.getResult(result).setType(present.getType());
    addInput(call, numbers.lookup(call), index, result, cache,
             cast<RankedTensorType>(argument.getType()));
  }
  layer.setFunctionType(FunctionType::get(
      layer.getContext(), layer.getBody().getArgumentTypes(),
      layer.getBody().front().getTerminator()->getOperandTypes()));
  return success();
}

LogicalResult moe::addCaches(func::FuncOp main, func::FuncOp layer,
                             MutableArrayRef<func::CallOp> calls) {
  Adder adder(main, layer, calls);
  for (Operation &op : layer.getBody().front())
    for (const Cache &cache : cachesOf(op))
      if (failed(adder.add(&op, cache)))
        return failure();
  return success();
}
