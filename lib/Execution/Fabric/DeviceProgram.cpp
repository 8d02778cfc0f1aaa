//===- DeviceProgram.cpp - from a model to the programs of its ranks ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/DeviceProgram.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Execution/Diagnostics.h"
#include "portolan/Conversion/GraphToLinalg.h"
#include "portolan/Conversion/Lower.h"
#include "portolan/Execution/Run.h"

using namespace mlir;
using namespace portolan;

namespace {

/// The model with the dimensions that its inputs have.
llvm::Expected<OwningOpRef<ModuleOp>> bind(ModuleOp module,
                                           llvm::ArrayRef<NamedTensor> inputs) {
  llvm::Expected<std::vector<const Tensor *>> matched =
      matchInputs(module, inputs);
  if (!matched)
    return matched.takeError();
  llvm::Expected<llvm::StringMap<int64_t>> sizes =
      sizesOfInputs(module, *matched);
  if (!sizes)
    return sizes.takeError();
  OwningOpRef<ModuleOp> bound(module.clone());
  if (llvm::Error error = errorOf(module.getContext(), [&] {
        return moe::bindWorkload(*bound, *sizes);
      }))
    return std::move(error);
  if (llvm::Error error = checkIndexInputs(*bound, *matched))
    return std::move(error);
  return bound;
}

} // namespace

llvm::Expected<DeviceProgram>
portolan::partitionProgram(ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                           const PlanPoint &plan, int64_t ranks) {
  if (ranks < 1)
    return llvm::createStringError("ranks: expects at least 1, got " +
                                   llvm::Twine(ranks));
  llvm::Expected<OwningOpRef<ModuleOp>> bound = bind(module, inputs);
  if (!bound)
    return bound.takeError();
  DeviceProgram program;
  program.model = std::move(*bound);
  MoeToSpmdOptions options;
  options.plan = plan;
  for (PlanClass format : {PlanClass::weightFormat, PlanClass::activationFormat,
                           PlanClass::kvFormat})
    options.plan.set(format, kNone);
  options.plan.set(PlanClass::instance, PlanValue(ranks));
  llvm::Expected<Deployment> deployment =
      deploymentOf(options.plan, ranks, ranks);
  if (!deployment)
    return deployment.takeError();
  options.deployment = program.deployment = *deployment;
  program.module = OwningOpRef<ModuleOp>(program.model->clone());
  if (llvm::Error error = errorOf(module.getContext(), [&] {
        return convertMoeToSpmd(*program.module, options);
      }))
    return std::move(error);
  return program;
}

llvm::Expected<DeviceProgram>
portolan::lowerProgram(ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                       const PlanPoint &plan, const Machine &machine) {
  llvm::Expected<OwningOpRef<ModuleOp>> bound = bind(module, inputs);
  if (!bound)
    return bound.takeError();
  DeviceProgram program;
  program.model = std::move(*bound);
  llvm::Expected<Deployment> deployment = deploymentOf(plan, machine.topology);
  if (!deployment)
    return deployment.takeError();
  program.deployment = *deployment;
  program.fp8 = machine.fp8Encoding();
  program.module = OwningOpRef<ModuleOp>(program.model->clone());
  if (llvm::Error error =
          lowerBound(*program.module, machine, plan, Popularity()))
    return std::move(error);
  return program;
}
