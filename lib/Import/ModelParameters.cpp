//===- ModelParameters.cpp - parameters of a moe module -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight reaches its ops directly or as an argument of the layer function
// that it is passed to. Active are all parameters but those of the routed
// experts that a token is not sent to, the embedding table included.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "portolan/Import/Model.h"

using namespace mlir;
using namespace portolan;

namespace {

/// Experts that a token uses of those that a weight holds.
struct Selection {
  int64_t used = 0;
  int64_t experts = 0;
};

/// The selection of an experts op, by the dispatch that feeds it.
llvm::Expected<Selection> selectionOf(moe::ExpertsOp experts) {
  auto dispatch = experts.getRows().getDefiningOp<moe::DispatchOp>();
  if (!dispatch)
    return llvm::createStringError(
        "moe.experts: expects rows from a moe.dispatch to count the "
        "parameters that a token uses");
  auto indices = cast<RankedTensorType>(dispatch.getIndices().getType());
  auto counts = cast<RankedTensorType>(experts.getCounts().getType());
  Selection selection{indices.getShape().back(), counts.getDimSize(0)};
  if (ShapedType::isDynamic(selection.used))
    return llvm::createStringError(
        "moe.dispatch: expects a static number of experts per token");
  return selection;
}

/// Walks the uses of weights, once per distinct function argument.
class Counter {
public:
  explicit Counter(ModuleOp module) : module(module) {}

  llvm::Expected<ParameterCount> count();

private:
  /// Collects into `selection` what the experts among the users of `weight`
  /// use; `elsewhere` is set if another op uses it too. Tables of angles are
  /// not parameters, so their use does not count. Of a weight that is kept as
  /// codes `elements` becomes the number of those.
  llvm::Error visit(Value weight, std::optional<Selection> &selection,
                    bool &elsewhere, int64_t &elements);

  ModuleOp module;
  SymbolTableCollection symbols;
};

llvm::Error Counter::visit(Value weight, std::optional<Selection> &selection,
                           bool &elsewhere, int64_t &elements) {
  SmallVector<Value> pending = {weight};
  llvm::DenseSet<Value> seen = {weight};
  auto follow = [&](Value value) {
    if (seen.insert(value).second)
      pending.push_back(value);
  };
  while (!pending.empty()) {
    for (OpOperand &use : pending.pop_back_val().getUses()) {
      if (auto call = dyn_cast<func::CallOp>(use.getOwner())) {
        auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
            call, call.getCalleeAttr());
        if (!callee || callee.isExternal())
          return llvm::createStringError("call of @" + call.getCallee() +
                                         ": expects a function with a body");
        follow(callee.getArgument(use.getOperandNumber()));
      } else if (auto experts = dyn_cast<moe::ExpertsOp>(use.getOwner())) {
        llvm::Expected<Selection> found = selectionOf(experts);
        if (!found)
          return found.takeError();
        if (!selection || found->used > selection->used)
          selection = *found;
      } else if (auto narrow = dyn_cast<moe::DequantizeOp>(use.getOwner())) {
        // Scales and zero points say how a weight is kept.
        if (use.get() != narrow.getPacked())
          continue;
        elements = cast<RankedTensorType>(narrow.getResult().getType())
                       .getNumElements();
        follow(narrow.getResult());
      } else if (isa<linalg::BroadcastOp, linalg::TransposeOp,
                     tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                     tensor::ExtractSliceOp>(use.getOwner())) {
        // A weight that is prepared in another layout.
        follow(use.getOwner()->getResult(0));
      } else if (auto rope = dyn_cast<moe::RopeOp>(use.getOwner());
                 rope && (use.get() == rope.getCosine() ||
                          use.get() == rope.getSine())) {
        continue;
      } else {
        elsewhere = true;
      }
    }
  }
  return llvm::Error::success();
}

llvm::Expected<ParameterCount> Counter::count() {
  // All reads of one symbol count together.
  llvm::DenseMap<StringAttr, SmallVector<moe::WeightOp, 1>> reads;
  module.walk([&](moe::WeightOp weight) {
    reads[weight.getSourceAttr().getAttr()].push_back(weight);
  });
  ParameterCount count;
  for (auto data : module.getOps<moe::WeightDataOp>()) {
    if (data->hasAttr(moe::kBufferAttr))
      continue;
    auto type = cast<RankedTensorType>(data.getType());
    std::optional<Selection> selection;
    bool elsewhere = false;
    int64_t elements = type.getNumElements();
    for (moe::WeightOp read : reads.lookup(data.getSymNameAttr()))
      if (llvm::Error error =
              visit(read.getResult(), selection, elsewhere, elements))
        return std::move(error);
    if (!selection && !elsewhere &&
        !reads.lookup(data.getSymNameAttr()).empty())
      continue;
    bool perExpert =
        selection && !elsewhere && type.getDimSize(0) == selection->experts;
    if (llvm::AddOverflow(count.total, elements, count.total))
      return llvm::createStringError("expects fewer than 2^63 parameters");
    count.active +=
        perExpert ? elements / selection->experts * selection->used : elements;
  }
  return count;
}

} // namespace

llvm::Expected<ParameterCount> portolan::countParameters(ModuleOp module) {
  return Counter(module).count();
}
