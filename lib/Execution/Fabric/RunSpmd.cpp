//===- RunSpmd.cpp - run a partitioned model on logical ranks -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RunSpmd.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Execution/Diagnostics.h"
#include "lib/Execution/Fabric/Shards.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "portolan/Conversion/MoeToLinalg.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/Conversion/SpmdToRuntime.h"
#include "portolan/Execution/Run.h"
#include "portolan/Execution/Weights.h"

using namespace mlir;
using namespace portolan;

namespace {

/// Runs a model on ranks; its members live as long as the run.
class SpmdRunner {
public:
  SpmdRunner(ModuleOp bound, llvm::ArrayRef<const Tensor *> inputs,
             llvm::StringRef weightsFolder)
      : bound(bound), inputs(inputs), weights(weightsFolder) {}

  llvm::Error partition(PlanPoint plan, int64_t ranks);
  llvm::Error prepare();
  llvm::Error run();
  llvm::Expected<std::vector<Tensor>> gather();

  OwningOpRef<ModuleOp> program;
  std::vector<Traffic> traffic;

private:
  func::FuncOp programOf(int64_t rank);
  int64_t rankInStage(int64_t rank) const {
    return rank % deployment.stageSize;
  }
  llvm::Expected<TensorView> source(func::FuncOp function, unsigned argument);

  ModuleOp bound; ///< the whole module, all dimensions static
  llvm::ArrayRef<const Tensor *> inputs;
  WeightFiles weights;
  std::vector<std::unique_ptr<Tensor>> values; ///< of weights without a file
  std::vector<Tensor> prepared;
  Deployment deployment;
  std::vector<std::vector<Tensor>> results; ///< by rank
};

llvm::Error SpmdRunner::partition(PlanPoint plan, int64_t ranks) {
  for (PlanClass format : {PlanClass::weightFormat, PlanClass::activationFormat,
                           PlanClass::kvFormat})
    plan.set(format, kNone);
  plan.set(PlanClass::instance, PlanValue(ranks));
  llvm::Expected<Deployment> expected = deploymentOf(plan, ranks, ranks);
  if (!expected)
    return expected.takeError();
  deployment = *expected;
  MoeToSpmdOptions options;
  options.plan = plan;
  options.deployment = deployment;
  program = OwningOpRef<ModuleOp>(bound.clone());
  return errorOf(bound.getContext(),
                 [&] { return convertMoeToSpmd(*program, options); });
}

/// Computes what depends on no activation, on the whole inputs.
llvm::Error SpmdRunner::prepare() {
  if (!program->lookupSymbol<func::FuncOp>("prepare"))
    return llvm::Error::success();
  OwningOpRef<ModuleOp> module(program->clone());
  for (auto function :
       llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    if (function.getName() != "prepare")
      function.erase();
    else
      function.setName("main");
  }
  for (auto mesh : llvm::make_early_inc_range(module->getOps<spmd::MeshOp>()))
    mesh.erase();
  PassManager passes(module->getContext());
  passes.addPass(moe::createMoeOutlineWeights());
  passes.addPass(createConvertMoeToLinalg());
  if (llvm::Error error = runPasses(passes, *module))
    return error;
  std::vector<TensorView> arguments;
  for (const Tensor *input : inputs)
    arguments.emplace_back(*input);
  auto main = module->lookupSymbol<func::FuncOp>("main");
  for (unsigned i = arguments.size(), e = main.getNumArguments(); i < e; ++i) {
    auto symbol = main.getArgAttrOfType<FlatSymbolRefAttr>(i, moe::kWeightAttr);
    llvm::Expected<TensorView> view =
        weights.view(bound.lookupSymbol<moe::WeightDataOp>(symbol.getAttr()));
    if (!view)
      return view.takeError();
    arguments.push_back(*view);
  }
  for (auto data :
       llvm::make_early_inc_range(module->getOps<moe::WeightDataOp>()))
    data.erase();
  llvm::Expected<std::unique_ptr<Executable>> executable = compile(*module);
  if (!executable)
    return executable.takeError();
  llvm::Expected<std::vector<Tensor>> called =
      (*executable)->call("main", arguments);
  if (!called)
    return called.takeError();
  prepared = std::move(*called);
  return llvm::Error::success();
}

/// The whole tensor that an argument of a program is a piece of.
llvm::Expected<TensorView> SpmdRunner::source(func::FuncOp function,
                                              unsigned argument) {
  if (auto index =
          function.getArgAttrOfType<IntegerAttr>(argument, spmd::kArgumentName))
    return TensorView(*inputs[index.getInt()]);
  if (auto index =
          function.getArgAttrOfType<IntegerAttr>(argument, spmd::kPreparedName))
    return TensorView(prepared[index.getInt()]);
  auto symbol =
      function.getArgAttrOfType<FlatSymbolRefAttr>(argument, spmd::kWeightName);
  auto data = bound.lookupSymbol<moe::WeightDataOp>(symbol.getAttr());
  std::optional<ElementsAttr> value = data.getValue();
  if (!value)
    return weights.view(data);
  // A small weight that holds its bytes.
  auto type = cast<RankedTensorType>(data.getType());
  auto dense = dyn_cast<DenseFPElementsAttr>(*value);
  if (!dense)
    return llvm::createStringError("weight '" + data.getSymName() +
                                   "': expects a dense value of floats");
  std::vector<float> floats;
  for (const APFloat &element : dense.getValues<APFloat>()) {
    APFloat single = element;
    bool exact;
    single.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &exact);
    floats.push_back(single.convertToFloat());
  }
  llvm::Expected<Tensor> tensor =
      Tensor::ofFloats(type.getShape(), floats)
          .convert(*elementTypeOf(type.getElementType()));
  if (!tensor)
    return tensor.takeError();
  values.push_back(std::make_unique<Tensor>(std::move(*tensor)));
  return TensorView(*values.back());
}

func::FuncOp SpmdRunner::programOf(int64_t rank) {
  auto ranks = (*program)->getAttrOfType<DenseI64ArrayAttr>(spmd::kRanksName);
  auto programs = (*program)->getAttrOfType<ArrayAttr>(spmd::kProgramsName);
  auto name = cast<FlatSymbolRefAttr>(programs[ranks[rank]]);
  return program->lookupSymbol<func::FuncOp>(name.getAttr());
}

llvm::Error SpmdRunner::run() {
  // Each rank's own memory: its pieces, cut before the step.
  int64_t ranks = deployment.instance;
  std::vector<std::vector<Tensor>> memory(ranks);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    func::FuncOp function = programOf(rank);
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      llvm::Expected<TensorView> whole = source(function, i);
      if (!whole)
        return whole.takeError();
      memory[rank].push_back(cutShard(
          *whole,
          function.getArgAttrOfType<spmd::ShardAttr>(i, spmd::kShardName),
          rankInStage(rank)));
    }
  }
  OwningOpRef<ModuleOp> lowered(program->clone());
  for (StringRef name : {"prepare", "mesh"})
    if (Operation *op = lowered->lookupSymbol(name))
      op->erase();
  for (auto data :
       llvm::make_early_inc_range(lowered->getOps<moe::WeightDataOp>()))
    data.erase();
  PassManager passes(lowered->getContext());
  passes.addPass(createConvertSpmdToRuntime());
  passes.addPass(createConvertMoeToLinalg());
  if (llvm::Error error = runPasses(passes, *lowered))
    return error;
  llvm::Expected<std::unique_ptr<Executable>> executable =
      compile(*lowered, fabricSymbols());
  if (!executable)
    return executable.takeError();

  std::vector<std::string> names;
  for (int64_t rank = 0; rank < ranks; ++rank)
    names.push_back(programOf(rank).getName().str());
  results.resize(ranks);
  Fabric fabric(ranks, deployment.stageSize);
  llvm::Error error = fabric.run([&](RankContext &context) -> llvm::Error {
    std::vector<TensorView> arguments(memory[context.rank].begin(),
                                      memory[context.rank].end());
    int64_t handle = int64_t(reinterpret_cast<intptr_t>(&context));
    llvm::Expected<std::vector<Tensor>> called =
        (*executable)->call(names[context.rank], arguments, {handle});
    if (!called)
      return called.takeError();
    results[context.rank] = std::move(*called);
    return llvm::Error::success();
  });
  if (error)
    return error;
  for (int64_t rank = 0; rank < ranks; ++rank)
    traffic.push_back(fabric.traffic(rank));
  return llvm::Error::success();
}

llvm::Expected<std::vector<Tensor>> SpmdRunner::gather() {
  auto main = bound.lookupSymbol<func::FuncOp>("main");
  std::vector<std::unique_ptr<ShardGatherer>> gatherers(main.getNumResults());
  for (int64_t rank = 0; rank < deployment.instance; ++rank) {
    func::FuncOp function = programOf(rank);
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      int64_t index =
          function.getResultAttrOfType<IntegerAttr>(i, spmd::kResultName)
              .getInt();
      auto shard =
          function.getResultAttrOfType<spmd::ShardAttr>(i, spmd::kShardName);
      std::unique_ptr<ShardGatherer> &gatherer = gatherers[index];
      if (!gatherer)
        gatherer = std::make_unique<ShardGatherer>(
            results[rank][i].type,
            cast<RankedTensorType>(main.getResultTypes()[index]).getShape(),
            shard);
      gatherer->add(rankInStage(rank), results[rank][i]);
    }
  }
  std::vector<Tensor> outputs;
  for (auto [index, gatherer] : llvm::enumerate(gatherers)) {
    llvm::Expected<Tensor> output = gatherer->gather();
    if (!output)
      return llvm::createStringError("output " + llvm::Twine(index) + ": " +
                                     llvm::toString(output.takeError()));
    outputs.push_back(std::move(*output));
  }
  return outputs;
}

} // namespace

llvm::Expected<SpmdRun> portolan::runSpmd(ModuleOp module,
                                          llvm::ArrayRef<NamedTensor> inputs,
                                          llvm::StringRef weightsFolder,
                                          const PlanPoint &plan,
                                          int64_t ranks) {
  if (ranks < 1)
    return llvm::createStringError("ranks: expects at least 1, got " +
                                   llvm::Twine(ranks));
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

  SpmdRunner runner(*bound, *matched, weightsFolder);
  if (llvm::Error error = runner.partition(plan, ranks))
    return std::move(error);
  if (llvm::Error error = runner.prepare())
    return std::move(error);
  if (llvm::Error error = runner.run())
    return std::move(error);
  llvm::Expected<std::vector<Tensor>> outputs = runner.gather();
  if (!outputs)
    return outputs.takeError();
  SpmdRun run;
  for (auto [name, tensor] : llvm::zip_equal(outputNames(module), *outputs))
    run.outputs.push_back({name, std::move(tensor)});
  run.traffic = std::move(runner.traffic);
  run.program = std::move(runner.program);
  return run;
}
