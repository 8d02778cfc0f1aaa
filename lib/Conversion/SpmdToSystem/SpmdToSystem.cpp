//===- SpmdToSystem.cpp - device programs to system ops -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One lowering for all families: describe the ops of a body, let the family
// realize them, and put one system op in the place of each.
//
//===----------------------------------------------------------------------===//

#include "portolan/Conversion/SpmdToSystem.h"
#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Interfaces/WorkOpInterface.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Spmd/IR/Spmd.h"

using namespace mlir;
using namespace portolan;

llvm::Expected<PlanPoint> portolan::planOf(ModuleOp module) {
  auto values = module->getAttrOfType<DictionaryAttr>(kPlanPointName);
  if (!values)
    return llvm::createStringError("module: expects the attribute " +
                                   kPlanPointName + ", got none");
  return planPointOf(values);
}

namespace {

class Lowering {
public:
  Lowering(ModuleOp module, const Family &family, const Machine &machine,
           const PlanPoint &plan, const Deployment &deployment)
      : module(module), family(family), machine(machine), plan(plan),
        deployment(deployment) {}

  LogicalResult run() {
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      SmallVector<SmallVector<Operation *>> bodies(1);
      function.walk([&](Operation *op) {
        // A step may depend on the other steps of its body: bodies are cut as
        // the partition cuts them.
        bool boundary = isa<spmd::SendOp, spmd::ReceiveOp>(op);
        if (boundary || isa<func::CallOp>(op))
          bodies.emplace_back();
        if (isSource(op))
          bodies.back().push_back(op);
        if (boundary)
          bodies.emplace_back();
      });
      for (ArrayRef<Operation *> body : bodies)
        if (failed(lowerBody(body)))
          return failure();
    }
    recordWeights();
    return success();
  }

private:
  static bool isSource(Operation *op) {
    return isa_and_nonnull<moe::MoeDialect, spmd::SpmdDialect>(
        op->getDialect());
  }

  /// Realizes the ops that state work and replaces all ops of the body.
  LogicalResult lowerBody(ArrayRef<Operation *> body) {
    LocalOps locals;
    SmallVector<Operation *> working, views;
    for (Operation *op : body) {
      if (!isa<WorkOpInterface>(op)) {
        views.push_back(op);
        continue;
      }
      FailureOr<LocalOp> local = describeOp(op);
      if (failed(local))
        return failure();
      locals.push_back(*local);
      working.push_back(op);
    }
    linkElementwise(working, locals);
    Steps steps;
    family.realize(locals, plan, deployment, machine, steps);
    if (steps.size() != locals.size())
      return module.emitError("expects one step per op, got ")
             << family.name() << " that realized " << locals.size()
             << " ops as " << steps.size() << " steps";
    for (auto [index, step] : llvm::enumerate(steps)) {
      Operation *op = working[index];
      if (step.covers != index || step.work != workOf(locals[index]))
        return op->emitOpError("expects a step of its own work, got one of "
                               "other work from ")
               << family.name();
    }
    for (auto [op, step] : llvm::zip_equal(working, steps))
      if (failed(replace(op, family.systemOpName(step), &step)))
        return failure();
    for (Operation *op : views)
      if (failed(replace(op, "view", nullptr)))
        return failure();
    return success();
  }

  LogicalResult replace(Operation *op, StringRef mnemonic, const Step *step) {
    std::string name = (family.name() + "." + mnemonic).str();
    MLIRContext *context = op->getContext();
    if (!RegisteredOperationName::lookup(name, context))
      return op->emitOpError("expects a system op, got none named '")
             << name << "'";
    OpBuilder builder(op);
    OperationState state(op->getLoc(), name);
    state.addOperands(op->getOperands());
    state.addTypes(op->getResultTypes());
    if (step) {
      writeStep(state, op, *step);
    } else {
      state.addAttribute("covers",
                         builder.getStringAttr(op->getName().getStringRef()));
      state.addAttribute("of", op->getAttrDictionary());
    }
    Operation *system = builder.create(state);
    op->replaceAllUsesWith(system);
    op->erase();
    return success();
  }

  /// Weights stay known by name: type and place in the model's files.
  void recordWeights() {
    Builder builder(module.getContext());
    NamedAttrList weights;
    for (auto data :
         llvm::make_early_inc_range(module.getOps<moe::WeightDataOp>())) {
      NamedAttrList place(data->getAttrDictionary());
      place.erase(SymbolTable::getSymbolAttrName());
      weights.set(data.getSymName(), place.getDictionary(module.getContext()));
      data.erase();
    }
    module->setAttr(kWeightsName, weights.getDictionary(module.getContext()));
    for (auto mesh : llvm::make_early_inc_range(module.getOps<spmd::MeshOp>()))
      mesh.erase();
  }

  ModuleOp module;
  const Family &family;
  const Machine &machine;
  const PlanPoint &plan;
  const Deployment &deployment;
};

} // namespace

LogicalResult portolan::convertSpmdToSystem(ModuleOp module,
                                            const Family &family,
                                            const Machine &machine,
                                            const PlanPoint &plan) {
  llvm::Expected<Deployment> deployment = deploymentOf(plan, machine.topology);
  if (!deployment)
    return module.emitError(llvm::toString(deployment.takeError()));
  Lowering lowering(module, family, machine, plan, *deployment);
  if (failed(lowering.run()))
    return failure();
  module->setAttr(kTargetName,
                  StringAttr::get(module.getContext(), machine.name));
  return success();
}
