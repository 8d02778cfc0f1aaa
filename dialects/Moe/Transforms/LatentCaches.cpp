//===- LatentCaches.cpp - caches of latent attention as served ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/LatentCaches.h"
#include "dialects/Moe/Transforms/Passes.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// [B,heads,T,*] as [B,T,width].
RankedTensorType compressed(Value cache, int64_t width) {
  auto type = cast<RankedTensorType>(cache.getType());
  return RankedTensorType::get({type.getDimSize(0), type.getDimSize(2), width},
                               type.getElementType());
}

/// Names of dimensions without that of the heads; the tensor's last name
/// component becomes `part`.
void renameCache(Builder &builder, StringRef part,
                 llvm::function_ref<Attribute(StringRef)> get,
                 llvm::function_ref<void(StringRef, Attribute)> set) {
  if (auto dims = dyn_cast_or_null<ArrayAttr>(get(kDimsAttr));
      dims && dims.size() == 4)
    set(kDimsAttr, builder.getArrayAttr({dims[0], dims[2], dims[3]}));
  if (auto name = dyn_cast_or_null<StringAttr>(get(kNameAttr))) {
    StringRef head = name.getValue().rsplit('.').first;
    set(kNameAttr, builder.getStringAttr(head + "." + part));
  }
}

class Compressor {
public:
  Compressor(func::FuncOp main, func::FuncOp layer,
             ArrayRef<func::CallOp> calls)
      : main(main), layer(layer), calls(calls), builder(main.getContext()) {}

  /// Gives `past`, an argument of the layer, and `present`, which it returns,
  /// the width of what is kept.
  LogicalResult compress(Operation *op, Value past, Value present,
                         int64_t width, StringRef part);

private:
  func::FuncOp main, layer;
  ArrayRef<func::CallOp> calls;
  Builder builder;
};

} // namespace

LogicalResult Compressor::compress(Operation *op, Value past, Value present,
                                   int64_t width, StringRef part) {
  auto argument = dyn_cast<BlockArgument>(past);
  if (!argument || !past.hasOneUse())
    return op->emitOpError("expects a cache of its own to be compressed");
  unsigned index = argument.getArgNumber();
  Operation *end = layer.getBody().front().getTerminator();
  for (OpOperand &use : present.getUses()) {
    if (use.getOwner() != end)
      return op->emitOpError("expects a grown cache that the layer returns");
    for (func::CallOp call : calls) {
      Value result = call.getResult(use.getOperandNumber());
      for (OpOperand &outer : result.getUses()) {
        if (!isa<func::ReturnOp>(outer.getOwner()))
          return op->emitOpError("expects a grown cache that @main returns");
        unsigned number = outer.getOperandNumber();
        renameCache(
            builder, part,
            [&](StringRef name) { return main.getResultAttr(number, name); },
            [&](StringRef name, Attribute attr) {
              main.setResultAttr(number, name, attr);
            });
      }
      result.setType(compressed(result, width));
    }
  }
  for (func::CallOp call : calls) {
    auto input = dyn_cast<BlockArgument>(call.getOperand(index));
    if (!input || !input.hasOneUse())
      return op->emitOpError("expects a cache that is an input of @main");
    unsigned number = input.getArgNumber();
    renameCache(
        builder, part,
        [&](StringRef name) { return main.getArgAttr(number, name); },
        [&](StringRef name, Attribute attr) {
          main.setArgAttr(number, name, attr);
        });
    input.setType(compressed(input, width));
  }
  argument.setType(compressed(argument, width));
  present.setType(compressed(present, width));
  return success();
}

LogicalResult moe::compressLatentCaches(func::FuncOp main, func::FuncOp layer,
                                        ArrayRef<func::CallOp> calls) {
  Compressor compressor(main, layer, calls);
  for (auto op : layer.getBody().front().getOps<LatentAttentionOp>()) {
    if (cast<RankedTensorType>(op.getPastLatent().getType()).getRank() == 3)
      continue;
    auto widthOf = [](Value value) {
      return cast<RankedTensorType>(value.getType()).getShape().back();
    };
    if (failed(compressor.compress(op, op.getPastLatent(),
                                   op.getPresentLatent(),
                                   widthOf(op.getLatent()), "latent")) ||
        failed(compressor.compress(op, op.getPastRotaryKey(),
                                   op.getPresentRotaryKey(),
                                   widthOf(op.getRotaryKey()), "rotary_key")))
      return failure();
    op.setAbsorbed(true);
  }
  layer.setFunctionType(FunctionType::get(
      layer.getContext(), layer.getBody().getArgumentTypes(),
      layer.getBody().front().getTerminator()->getOperandTypes()));
  return success();
}
