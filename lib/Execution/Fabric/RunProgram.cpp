//===- RunProgram.cpp - run the programs of ranks -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: what depends on no activation is computed on the whole inputs; each
// rank gets its own pieces of inputs and weights; the programs are compiled
// once per pass with different shapes; ranks run; rank 0 puts the results
// together from the pieces that it is sent.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/Passes.h"
#include "lib/Execution/Diagnostics.h"
#include "lib/Execution/Fabric/RankResult.h"
#include "lib/Execution/Fabric/Shards.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "portolan/Conversion/MoeToLinalg.h"
#include "portolan/Conversion/SpmdToRuntime.h"
#include "portolan/Execution/DeviceProgram.h"
#include "portolan/Execution/Run.h"
#include "portolan/Execution/Weights.h"

using namespace mlir;
using namespace portolan;

namespace {

/// A compiled program: the same for all passes of it.
struct CompiledProgram {
  /// What the ranks compute, in ops of moe and spmd.
  OwningOpRef<ModuleOp> module;
  std::vector<Transfer> transfers;
  std::vector<Algorithm> algorithms;
  std::unique_ptr<Executable> executable;

  func::FuncOp programOf(int64_t rank) const {
    ModuleOp programs = module.get();
    auto ranks = programs->getAttrOfType<DenseI64ArrayAttr>(spmd::kRanksName);
    auto names = programs->getAttrOfType<ArrayAttr>(spmd::kProgramsName);
    auto name = cast<FlatSymbolRefAttr>(names[ranks[rank]]);
    return programs.lookupSymbol<func::FuncOp>(name.getAttr());
  }
};

void eraseWeights(ModuleOp module) {
  for (auto data :
       llvm::make_early_inc_range(module.getOps<moe::WeightDataOp>()))
    data.erase();
}

llvm::Expected<CompiledProgram> compileProgram(const DeviceProgram &program) {
  CompiledProgram compiled;
  ModuleOp source = *program.module;
  MLIRContext *context = source.getContext();
  compiled.module = OwningOpRef<ModuleOp>(source.clone());
  context->loadDialect<moe::MoeDialect, spmd::SpmdDialect>();
  if (llvm::Error error = errorOf(context, [&]() -> LogicalResult {
        FailureOr<std::vector<Transfer>> transfers =
            convertSystemToSpmd(*compiled.module);
        if (failed(transfers))
          return failure();
        compiled.transfers = std::move(*transfers);
        return success();
      }))
    return std::move(error);
  for (const Transfer &transfer : compiled.transfers)
    compiled.algorithms.push_back(transfer.step.algorithm);
  OwningOpRef<ModuleOp> lowered(compiled.module->clone());
  for (StringRef name : {"prepare", "mesh"})
    if (Operation *op = lowered->lookupSymbol(name))
      op->erase();
  eraseWeights(*lowered);
  PassManager passes(context);
  passes.addPass(createConvertSpmdToRuntime());
  passes.addPass(createConvertMoeToLinalg());
  if (llvm::Error error = runPasses(passes, *lowered))
    return std::move(error);
  llvm::Expected<std::unique_ptr<Executable>> executable =
      compile(*lowered, fabricSymbols());
  if (!executable)
    return executable.takeError();
  compiled.executable = std::move(*executable);
  return compiled;
}

/// A pass with the memory of the ranks that live here.
class PreparedPass {
public:
  PreparedPass(const DeviceProgram &program, const CompiledProgram &compiled,
               std::vector<const Tensor *> inputs, WeightFiles &weights)
      : program(program), compiled(compiled), inputs(std::move(inputs)),
        weights(weights) {}

  llvm::Error prepare();
  llvm::Error fill(llvm::ArrayRef<int64_t> ranks);
  /// Runs the part of a rank.
  llvm::Expected<RankResult> run(int64_t rank, Fabric &fabric,
                                 const Wiring &wiring) const;
  llvm::Expected<std::vector<Tensor>>
  gather(llvm::ArrayRef<RankResult> results) const;

private:
  int64_t rankInStage(int64_t rank) const {
    return rank % program.deployment.stageSize;
  }
  llvm::Expected<TensorView> source(func::FuncOp function, unsigned argument);
  moe::WeightDataOp weightNamed(FlatSymbolRefAttr symbol) const {
    ModuleOp model = program.model.get();
    return model.lookupSymbol<moe::WeightDataOp>(symbol.getAttr());
  }

  const DeviceProgram &program;
  const CompiledProgram &compiled;
  std::vector<const Tensor *> inputs;
  WeightFiles &weights;
  std::vector<std::unique_ptr<Tensor>> values; ///< of weights without a file
  std::vector<Tensor> prepared;
  /// By rank; empty where it lives elsewhere.
  std::vector<std::vector<Tensor>> memory;
};

/// Computes what depends on no activation, on the whole inputs.
llvm::Error PreparedPass::prepare() {
  ModuleOp source = compiled.module.get();
  if (!source.lookupSymbol<func::FuncOp>("prepare"))
    return llvm::Error::success();
  OwningOpRef<ModuleOp> module(source.clone());
  for (auto function :
       llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    if (function.getName() != "prepare")
      function.erase();
    else
      function.setName("main");
  }
  for (auto mesh : llvm::make_early_inc_range(module->getOps<spmd::MeshOp>()))
    mesh.erase();
  // A lowered module knows weights by name only.
  eraseWeights(*module);
  OpBuilder builder(module->getBodyRegion());
  ModuleOp model = program.model.get();
  for (auto data : model.getOps<moe::WeightDataOp>())
    builder.clone(*data.getOperation());
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
    llvm::Expected<TensorView> view = weights.view(weightNamed(
        main.getArgAttrOfType<FlatSymbolRefAttr>(i, moe::kWeightAttr)));
    if (!view)
      return view.takeError();
    arguments.push_back(*view);
  }
  eraseWeights(*module);
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
llvm::Expected<TensorView> PreparedPass::source(func::FuncOp function,
                                                unsigned argument) {
  if (auto index =
          function.getArgAttrOfType<IntegerAttr>(argument, spmd::kArgumentName))
    return TensorView(*inputs[index.getInt()]);
  if (auto index =
          function.getArgAttrOfType<IntegerAttr>(argument, spmd::kPreparedName))
    return TensorView(prepared[index.getInt()]);
  moe::WeightDataOp data =
      weightNamed(function.getArgAttrOfType<FlatSymbolRefAttr>(
          argument, spmd::kWeightName));
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

/// Cuts each rank's pieces, before the step.
llvm::Error PreparedPass::fill(llvm::ArrayRef<int64_t> ranks) {
  memory.resize(program.ranks());
  for (int64_t rank : ranks) {
    func::FuncOp function = compiled.programOf(rank);
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
  return llvm::Error::success();
}

llvm::Expected<RankResult> PreparedPass::run(int64_t rank, Fabric &fabric,
                                             const Wiring &wiring) const {
  RankContext context(fabric, wiring, compiled.algorithms, rank);
  std::vector<TensorView> arguments(memory[rank].begin(), memory[rank].end());
  int64_t handle = int64_t(reinterpret_cast<intptr_t>(&context));
  llvm::Expected<std::vector<Tensor>> called = compiled.executable->call(
      compiled.programOf(rank).getName(), arguments, {handle});
  if (!called)
    return called.takeError();
  return RankResult{std::move(*called), std::move(context.log)};
}

llvm::Expected<std::vector<Tensor>>
PreparedPass::gather(llvm::ArrayRef<RankResult> results) const {
  ModuleOp model = program.model.get();
  auto main = model.lookupSymbol<func::FuncOp>("main");
  std::vector<std::unique_ptr<ShardGatherer>> gatherers(main.getNumResults());
  for (int64_t rank = 0; rank < program.ranks(); ++rank) {
    func::FuncOp function = compiled.programOf(rank);
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      int64_t index =
          function.getResultAttrOfType<IntegerAttr>(i, spmd::kResultName)
              .getInt();
      auto shard =
          function.getResultAttrOfType<spmd::ShardAttr>(i, spmd::kShardName);
      std::unique_ptr<ShardGatherer> &gatherer = gatherers[index];
      const Tensor &piece = results[rank].tensors[i];
      if (!gatherer)
        gatherer = std::make_unique<ShardGatherer>(
            piece.type,
            cast<RankedTensorType>(main.getResultTypes()[index]).getShape(),
            shard);
      gatherer->add(rankInStage(rank), piece);
    }
  }
  std::vector<Tensor> outputs;
  for (auto [index, gatherer] : llvm::enumerate(gatherers)) {
    if (!gatherer)
      return llvm::createStringError("output " + llvm::Twine(index) +
                                     ": expects a rank that yields it");
    llvm::Expected<Tensor> output = gatherer->gather();
    if (!output)
      return llvm::createStringError("output " + llvm::Twine(index) + ": " +
                                     llvm::toString(output.takeError()));
    outputs.push_back(std::move(*output));
  }
  return outputs;
}

} // namespace

llvm::Expected<std::vector<PassResult>>
portolan::runProgram(llvm::ArrayRef<ProgramPass> passes,
                     llvm::StringRef weightsFolder, Fabric &fabric,
                     const Wiring &wiring) {
  WeightFiles weights(weightsFolder);
  std::map<const DeviceProgram *, CompiledProgram> compiled;
  std::vector<std::unique_ptr<PreparedPass>> prepared;
  for (const ProgramPass &pass : passes) {
    if (pass.program->ranks() != fabric.ranks())
      return llvm::createStringError(
          "expects a program of " + llvm::Twine(fabric.ranks()) +
          " ranks, as many as the fabric has, got one of " +
          llvm::Twine(pass.program->ranks()));
    auto known = compiled.find(pass.program);
    if (known == compiled.end()) {
      llvm::Expected<CompiledProgram> program = compileProgram(*pass.program);
      if (!program)
        return program.takeError();
      known = compiled.emplace(pass.program, std::move(*program)).first;
    }
    llvm::Expected<std::vector<const Tensor *>> matched =
        matchInputs(*pass.program->model, pass.inputs);
    if (!matched)
      return matched.takeError();
    prepared.push_back(std::make_unique<PreparedPass>(
        *pass.program, known->second, std::move(*matched), weights));
    if (llvm::Error error = prepared.back()->prepare())
      return std::move(error);
    if (llvm::Error error = prepared.back()->fill(fabric.localRanks()))
      return std::move(error);
  }

  // By pass, then rank; only rank 0 fills them.
  std::vector<std::vector<RankResult>> results(passes.size());
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    std::vector<RankResult> own;
    for (const std::unique_ptr<PreparedPass> &pass : prepared) {
      llvm::Expected<RankResult> result = pass->run(rank, fabric, wiring);
      if (!result)
        return result.takeError();
      own.push_back(std::move(*result));
    }
    if (rank != 0) {
      for (const RankResult &result : own)
        sendResult(fabric, rank, 0, result);
      return llvm::Error::success();
    }
    for (size_t pass = 0; pass < passes.size(); ++pass) {
      results[pass].resize(fabric.ranks());
      results[pass][0] = std::move(own[pass]);
      for (int64_t other = 1; other < fabric.ranks(); ++other)
        if (llvm::Error failure =
                receiveResult(fabric, 0, other, results[pass][other]))
          return failure;
    }
    return llvm::Error::success();
  });
  if (error)
    return std::move(error);
  std::vector<PassResult> gathered(passes.size());
  if (!llvm::is_contained(fabric.localRanks(), 0))
    return gathered;
  for (auto [pass, result] : llvm::enumerate(gathered)) {
    llvm::Expected<std::vector<Tensor>> outputs =
        prepared[pass]->gather(results[pass]);
    if (!outputs)
      return outputs.takeError();
    for (auto [name, tensor] :
         llvm::zip_equal(outputNames(*passes[pass].program->model), *outputs))
      result.outputs.push_back({name, std::move(tensor)});
    for (RankResult &ofRank : results[pass])
      result.logs.push_back(std::move(ofRank.log));
    result.transfers = compiled.find(passes[pass].program)->second.transfers;
  }
  return gathered;
}
