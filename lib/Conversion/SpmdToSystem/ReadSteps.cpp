//===- ReadSteps.cpp - plain steps of a lowered module --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The way back from system ops to what estimate() prices. A function's ops are
// cut into bodies where the partition cuts them: at calls and stage boundaries.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "portolan/Conversion/SpmdToSystem.h"

using namespace mlir;
using namespace portolan;

FailureOr<Steps> portolan::readSteps(ArrayRef<Operation *> body) {
  Steps steps;
  for (Operation *op : body) {
    FailureOr<Step> step = cast<StepOpInterface>(op).step();
    if (failed(step))
      return failure();
    step->covers = steps.size();
    steps.push_back(*step);
  }
  return steps;
}

namespace {

bool isBoundary(Operation *op) {
  auto stepOp = dyn_cast<StepOpInterface>(op);
  return stepOp && llvm::any_of(stepOp.coveredKinds(), [](OpKind kind) {
           return kind == OpKind::send || kind == OpKind::receive;
         });
}

/// Adds the bodies of `function` to `bodies`, those of called layers merged
/// with equal ones that are there already.
LogicalResult addBodies(ModuleOp module, func::FuncOp function,
                        std::vector<LoweredBody> &bodies) {
  LoweredBody current;
  current.function = function.getSymName().str();
  auto finish = [&] {
    if (!current.ops.empty())
      bodies.push_back(current);
    current.ops.clear();
  };
  for (Operation &op : function.getBody().front()) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      finish();
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal())
        return call.emitOpError("expects a defined callee");
      auto known = llvm::find_if(bodies, [&](const LoweredBody &body) {
        return body.function == call.getCallee();
      });
      if (known != bodies.end()) {
        for (auto it = known; it != bodies.end(); ++it)
          if (it->function == call.getCallee())
            it->calls += 1;
        continue;
      }
      if (failed(addBodies(module, callee, bodies)))
        return failure();
      continue;
    }
    if (!isa<StepOpInterface>(op))
      continue;
    if (isBoundary(&op))
      finish();
    current.ops.push_back(&op);
    if (isBoundary(&op))
      finish();
  }
  finish();
  return success();
}

} // namespace

FailureOr<std::vector<LoweredProgram>>
portolan::loweredPrograms(ModuleOp module) {
  std::vector<LoweredProgram> programs;
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate() || function.isExternal() ||
        !function.getSymName().starts_with("step."))
      continue;
    // "step.s2.v1": stage 2, variant 1.
    LoweredProgram program;
    program.entry = function.getSymName().str();
    StringRef stage =
        function.getSymName().drop_front(strlen("step.s")).split('.').first;
    if (stage.getAsInteger(10, program.stage))
      return function.emitOpError("expects a name of the form step.sS.vV, got ")
             << function.getSymName();
    if (failed(addBodies(module, function, program.bodies)))
      return failure();
    programs.push_back(std::move(program));
  }
  if (programs.empty())
    return module.emitError(
        "expects a lowered program with entries step.sS.vV, "
        "got none");
  return programs;
}
