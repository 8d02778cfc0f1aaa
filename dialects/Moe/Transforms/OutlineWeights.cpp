//===- OutlineWeights.cpp - weights become arguments of main --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace portolan::moe {
#define GEN_PASS_DEF_MOEOUTLINEWEIGHTS
#include "dialects/Moe/Transforms/MoePasses.h.inc"
} // namespace portolan::moe

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

struct MoeOutlineWeights
    : public moe::impl::MoeOutlineWeightsBase<MoeOutlineWeights> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::MapVector<StringRef, WeightDataOp> data;
    for (auto op : module.getOps<WeightDataOp>())
      data[op.getSymName()] = op;
    SmallVector<WeightOp> uses;
    module.walk([&](WeightOp op) { uses.push_back(op); });

    llvm::StringMap<SmallVector<WeightOp>> usesOf;
    for (WeightOp use : uses) {
      WeightDataOp source = data.lookup(use.getSource());
      if (auto value = source.getValueAttr()) {
        OpBuilder builder(use);
        Value constant = arith::ConstantOp::create(
            builder, use.getLoc(), cast<TypedAttr>(Attribute(value)));
        use.replaceAllUsesWith(constant);
        use.erase();
        continue;
      }
      auto function = use->getParentOfType<func::FuncOp>();
      if (!function || function.getName() != "main") {
        use.emitOpError("expects to be in @main, got ")
            << (function ? "@" + function.getName().str() : "no function");
        return signalPassFailure();
      }
      usesOf[use.getSource()].push_back(use);
    }
    if (usesOf.empty())
      return;
    auto main = module.lookupSymbol<func::FuncOp>("main");
    for (auto &[name, op] : data) {
      auto it = usesOf.find(name);
      if (it == usesOf.end())
        continue;
      unsigned index = main.getNumArguments();
      auto attrs = DictionaryAttr::get(
          &getContext(),
          NamedAttribute(StringAttr::get(&getContext(), kWeightAttr),
                         FlatSymbolRefAttr::get(&getContext(), name)));
      if (failed(main.insertArgument(index, op.getType(), attrs, op.getLoc())))
        return signalPassFailure();
      for (WeightOp use : it->second) {
        use.replaceAllUsesWith(main.getArgument(index));
        use.erase();
      }
    }
  }
};

} // namespace
