//===- ConvertSpmdToRuntime.cpp - the pass convert-spmd-to-runtime --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gives every program and layer its rank context, then lowers op by op.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SpmdToRuntime/Lowering.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "portolan/Conversion/SpmdToRuntime.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd_to_runtime;

namespace portolan {
#define GEN_PASS_DEF_CONVERTSPMDTORUNTIME
#include "lib/Conversion/SpmdToRuntime/SpmdToRuntimePasses.h.inc"
} // namespace portolan

namespace {

struct ConvertSpmdToRuntime
    : public portolan::impl::ConvertSpmdToRuntimeBase<ConvertSpmdToRuntime> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(module.getContext());
    Type handle = builder.getI64Type();
    llvm::SetVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && function.getName() != "prepare")
        functions.insert(function);
    for (func::FuncOp function : functions) {
      // What the arguments are pieces of has served its purpose.
      function.removeArgAttrsAttr();
      function.removeResAttrsAttr();
      if (failed(function.insertArgument(0, handle, {}, function.getLoc())))
        return signalPassFailure();
    }

    Lowering lowering(module, builder);
    for (func::FuncOp function : functions) {
      lowering.context = function.getArgument(0);
      SmallVector<Operation *> ops;
      function.walk([&](Operation *op) { ops.push_back(op); });
      for (Operation *op : ops) {
        if (auto call = dyn_cast<func::CallOp>(op)) {
          auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
          if (functions.contains(callee))
            call->insertOperands(0, lowering.context);
          continue;
        }
        if (!isa<spmd::SpmdDialect>(op->getDialect()))
          continue;
        if (failed(lowering.lower(op)))
          return signalPassFailure();
      }
    }
  }
};

} // namespace
