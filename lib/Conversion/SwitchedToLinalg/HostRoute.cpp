//===- HostRoute.cpp - the choice of experts on the host ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;
using namespace portolan::switched_to_linalg;

void Host::choose(ChooseOp op) {
  auto global = [&](Value value) {
    return value ? tensorOf(buffers.lookup(value)) : Value();
  };
  int64_t experts = op.getExperts();
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Emit e = emit();
    Value zero = e.index(0);
    Value row = scalar(block, op.getRow()), left = scalar(block, op.getLeft());
    // The tiles side by side, without the columns that are no experts.
    int64_t tokens = tile(block, op.getLogits().front()).rows(), first = 0;
    Value logits = memref::AllocOp::create(
        builder, loc, MemRefType::get({tokens, experts}, builder.getF32Type()));
    for (Value value : op.getLogits()) {
      Tile &source = tile(block, value);
      Value view = stageOf(source.data, zero);
      int64_t columns = std::min(source.columns(), experts - first);
      nest({zero, zero}, {e.index(tokens), e.index(columns)},
           [&](Emit &e, ValueRange at) {
             Value logit = memref::LoadOp::create(builder, loc, view, at);
             Value column = e.add(at[1], e.index(first));
             memref::StoreOp::create(builder, loc, logit, logits,
                                     ValueRange{at[0], column});
           });
      first += columns;
    }
    RouteForm form(op);
    for (Value *operand : {&form.bias, &form.correction, &form.table})
      *operand = global(*operand);
    if (form.ids) {
      // Of the rows of the tile; those that do not exist look up any.
      Value all = buffers.lookup(op.getIds());
      Value ids = memref::AllocOp::create(
          builder, loc, MemRefType::get({tokens}, builder.getIndexType()));
      nest(zero, e.index(tokens), [&](Emit &e, ValueRange at) {
        Value size = memref::DimOp::create(builder, loc, all, 0);
        Value place = e.clampIndex(e.add(row, at[0]), size);
        Value id = memref::LoadOp::create(builder, loc, all, place);
        memref::StoreOp::create(builder, loc,
                                e.cast(id, builder.getIndexType()), ids, at);
      });
      form.ids = tensorOf(ids);
    }
    Choice choice = emitChoice(e, tensorOf(logits), form);
    for (auto [chosen, target] :
         {std::pair<Value, Value>{choice.weights, op.getWeights()},
          {choice.indices, op.getIndices()}}) {
      Value memory = buffers.lookup(target);
      Type element = cast<MemRefType>(memory.getType()).getElementType();
      Value size = memref::DimOp::create(builder, loc, memory, 0);
      Value rows = e.min(e.min(left, e.index(tokens)), e.sub(size, row));
      Value values = chosen;
      nest({zero, zero}, {rows, e.index(op.getTopK())},
           [&](Emit &e, ValueRange at) {
             Value value = e.extract(values, at);
             memref::StoreOp::create(builder, loc, e.cast(value, element),
                                     memory,
                                     ValueRange{e.add(row, at[0]), at[1]});
           });
    }
  }
}
