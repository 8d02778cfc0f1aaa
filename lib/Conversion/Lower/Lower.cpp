//===- Lower.cpp - from a moe module to a target's dialect ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Conversion/Lower.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "portolan/Conversion/MoeToSpmd.h"

using namespace mlir;
using namespace portolan;

namespace {

/// The sizes of the names in `moe.dims` by what they name: ids are [batch,
/// new], caches [batch, .., past, width], a mask [batch, past + new]. Names are
/// the model file's own.
llvm::StringMap<int64_t> sizesOf(func::FuncOp main, int64_t sequences,
                                 int64_t newTokens, int64_t pastTokens) {
  llvm::StringMap<int64_t> sizes;
  auto name = [&](Attribute dim, int64_t size) {
    StringRef text = cast<StringAttr>(dim).getValue();
    if (!text.empty())
      sizes.try_emplace(text, size);
  };
  for (BlockArgument argument : main.getArguments()) {
    auto dims = main.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                 moe::kDimsAttr);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!dims || !type || dims.empty())
      continue;
    name(dims[0], sequences);
    if (type.getRank() >= 3)
      name(dims[type.getRank() - 2], pastTokens);
    else if (type.getRank() == 2)
      name(dims[1],
           argument.getArgNumber() == 0 ? newTokens : pastTokens + newTokens);
  }
  return sizes;
}

} // namespace

LogicalResult portolan::bindToWorkload(ModuleOp module,
                                       const Workload &workload,
                                       int64_t sequences) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("expects a function @main, got none");
  return moe::bindWorkload(module,
                           sizesOf(main, sequences, workload.newTokens(),
                                   workload.meanContextTokens()));
}

LogicalResult portolan::lowerModel(ModuleOp module, const Machine &machine,
                                   const PlanPoint &plan,
                                   const Workload &workload,
                                   int64_t concurrency) {
  llvm::Expected<const Family *> family = familyOf(machine);
  if (!family)
    return module.emitError(llvm::toString(family.takeError()));
  llvm::Expected<Deployment> deployment =
      deploymentOf(plan, machine.chips(), machine.topology.domain);
  if (!deployment)
    return module.emitError(llvm::toString(deployment.takeError()));
  int64_t inMicroBatch =
      (concurrency + deployment->microBatches - 1) / deployment->microBatches;
  if (failed(bindToWorkload(module, workload, inMicroBatch)))
    return failure();

  Builder builder(module.getContext());
  NamedAttrList values;
  for (PlanClass planClass : allPlanClasses())
    values.set(spell(planClass),
               builder.getStringAttr(spell(planClass, plan.get(planClass))));
  module->setAttr(kPlanPointName, values.getDictionary(module.getContext()));

  MoeToSpmdOptions options;
  options.plan = plan;
  options.deployment = *deployment;
  options.popularity = workload.popularity;
  if (failed(convertMoeToSpmd(module, options)))
    return failure();
  return convertSpmdToSystem(module, **family, machine, plan);
}
