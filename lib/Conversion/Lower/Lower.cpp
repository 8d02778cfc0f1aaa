//===- Lower.cpp - from a moe module to a target's dialect ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Conversion/Lower.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "lib/Execution/Diagnostics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/Support/InternalError.h"
#include "llvm/Support/MathExtras.h"

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
    // A part follows from its whole.
    if (!text.empty() && !moe::partOfTokens(text))
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
  // The length of a rotary table that has none of its own.
  sizes.try_emplace("total_tokens", pastTokens + newTokens);
  return sizes;
}

} // namespace

LogicalResult portolan::bindToWorkload(ModuleOp module,
                                       const Workload &workload,
                                       int64_t sequences, int64_t drafted) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("expects a function @main, got none");
  int64_t newTokens = stepTokens(workload, drafted);
  if (drafted > 0)
    main.walk([&](moe::LinearOp op) {
      if (!op.getLastPosition())
        return;
      auto type = cast<RankedTensorType>(op.getResult().getType());
      SmallVector<int64_t> shape(type.getShape());
      shape[1] = newTokens;
      op.getResult().setType(type.clone(shape));
    });
  return moe::bindWorkload(module, sizesOf(main, sequences, newTokens,
                                           workload.meanContextTokens()));
}

llvm::Error portolan::lowerBound(ModuleOp module, const Machine &machine,
                                 const PlanPoint &plan,
                                 const Popularity &popularity) {
  llvm::Expected<const Family *> family = familyOf(machine);
  if (!family)
    return family.takeError();
  llvm::Expected<Deployment> deployment = deploymentOf(plan, machine.topology);
  if (!deployment)
    return deployment.takeError();

  // What a pass would declare as dependent dialects.
  MLIRContext *context = module.getContext();
  context->loadDialect<arith::ArithDialect, tensor::TensorDialect,
                       spmd::SpmdDialect>();
  if (!context->getOrLoadDialect((*family)->name()))
    return llvm::make_error<InternalError>(
        "the dialect '" + (*family)->name().str() + "' is not registered");

  Builder builder(context);
  NamedAttrList values;
  for (PlanClass planClass : allPlanClasses())
    values.set(spell(planClass),
               builder.getStringAttr(spell(planClass, plan.get(planClass))));
  module->setAttr(kPlanPointName, values.getDictionary(context));

  MoeToSpmdOptions options;
  options.plan = plan;
  options.deployment = *deployment;
  options.popularity = popularity;
  if (llvm::Error error =
          errorOf(context, [&] { return convertMoeToSpmd(module, options); }))
    return error;
  llvm::Error error = errorOf(context, [&] {
    return convertSpmdToSystem(module, **family, machine, plan);
  });
  // The program was divided as planned; what cannot be lowered now is our
  // fault.
  if (error)
    return llvm::make_error<InternalError>(llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Error portolan::lowerModel(ModuleOp module, const Machine &machine,
                                 const PlanPoint &plan,
                                 const Workload &workload,
                                 int64_t concurrency) {
  llvm::Expected<Deployment> deployment = deploymentOf(plan, machine.topology);
  if (!deployment)
    return deployment.takeError();
  int64_t inMicroBatch =
      llvm::divideCeil(concurrency, deployment->microBatches);
  if (llvm::Error error = errorOf(module.getContext(), [&] {
        return bindToWorkload(module, workload, inMicroBatch,
                              plan.count(PlanClass::speculation));
      }))
    return error;
  return lowerBound(module, machine, plan, workload.popularity);
}
