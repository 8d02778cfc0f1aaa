//===- Run.cpp - run a moe module on the host -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Run.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Execution/Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "portolan/Conversion/GraphToLinalg.h"
#include "portolan/Conversion/MoeToLinalg.h"
#include "portolan/Execution/Jit.h"
#include "portolan/Execution/Weights.h"
#include "portolan/RegisterAll.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;

/// Rotary tables have a row per position. An attention that is raised says how
/// many there are; where none is, no more than all sizes of the inputs
/// together, since positions count tokens of the past and new ones.
static void boundPositions(llvm::StringMap<int64_t> &sizes) {
  if (sizes.contains("past_tokens") && sizes.contains("new_tokens"))
    return;
  int64_t all = 0;
  for (const auto &size : sizes)
    if (llvm::AddOverflow(all, size.getValue(), all))
      return;
  sizes.try_emplace("total_tokens", all);
}

llvm::Expected<std::vector<NamedTensor>>
portolan::runModule(ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                    llvm::StringRef weightsFolder) {
  llvm::Expected<std::vector<const Tensor *>> matched =
      matchInputs(module, inputs);
  if (!matched)
    return matched.takeError();
  llvm::Expected<llvm::StringMap<int64_t>> sizes =
      sizesOfInputs(module, *matched);
  if (!sizes)
    return sizes.takeError();
  boundPositions(*sizes);

  OwningOpRef<ModuleOp> lowered(module.clone());
  MLIRContext *context = module.getContext();
  if (llvm::Error error =
          errorOf(context, [&] { return inlineDecomposedLayers(*lowered); }))
    return std::move(error);
  if (llvm::Error error =
          errorOf(context, [&] { return moe::bindWorkload(*lowered, *sizes); }))
    return std::move(error);
  if (llvm::Error error = checkIndexInputs(*lowered, *matched))
    return std::move(error);
  PassManager passes(context);
  passes.addPass(moe::createMoeOutlineWeights());
  passes.addPass(createConvertMoeToLinalg());
  if (llvm::Error error = runPasses(passes, *lowered))
    return std::move(error);

  // Inputs first, then the weights that the pass has added behind them.
  std::vector<TensorView> arguments;
  for (const Tensor *input : *matched)
    arguments.emplace_back(*input);
  WeightFiles weights(weightsFolder);
  auto main = lowered->lookupSymbol<func::FuncOp>("main");
  for (unsigned i = arguments.size(), e = main.getNumArguments(); i < e; ++i) {
    auto symbol = main.getArgAttrOfType<FlatSymbolRefAttr>(i, moe::kWeightAttr);
    auto data = module.lookupSymbol<moe::WeightDataOp>(symbol);
    llvm::Expected<TensorView> view = weights.view(data);
    if (!view)
      return view.takeError();
    arguments.push_back(*view);
  }
  for (auto data :
       llvm::make_early_inc_range(lowered->getOps<moe::WeightDataOp>()))
    data.erase();

  llvm::Expected<std::unique_ptr<Executable>> executable = compile(*lowered);
  if (!executable)
    return executable.takeError();
  llvm::Expected<std::vector<Tensor>> results =
      (*executable)->call("main", arguments);
  if (!results)
    return results.takeError();
  std::vector<NamedTensor> outputs;
  for (auto [name, tensor] : llvm::zip_equal(outputNames(module), *results))
    outputs.push_back({name, std::move(tensor)});
  return outputs;
}
