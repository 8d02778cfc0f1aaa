//===- PreparedPass.cpp - a program with the memory of its ranks ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: what depends on no activation is computed on the whole inputs; each
// rank gets its own pieces of inputs and weights.
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Fabric/PreparedPass.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "dialects/Spmd/Transforms/Passes.h"
#include "lib/Execution/Diagnostics.h"
#include "lib/Execution/Fabric/Shards.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "portolan/Conversion/MoeToLinalg.h"
#include "portolan/Conversion/SpmdToRuntime.h"
#include "portolan/Conversion/SwitchedToLinalg.h"

using namespace mlir;
using namespace portolan;

func::FuncOp CompiledProgram::programOf(int64_t rank) const {
  ModuleOp programs = module.get();
  auto ranks = programs->getAttrOfType<DenseI64ArrayAttr>(spmd::kRanksName);
  auto names = programs->getAttrOfType<ArrayAttr>(spmd::kProgramsName);
  auto name = cast<FlatSymbolRefAttr>(names[ranks[rank]]);
  return programs.lookupSymbol<func::FuncOp>(name.getAttr());
}

static void eraseWeights(ModuleOp module) {
  for (auto data :
       llvm::make_early_inc_range(module.getOps<moe::WeightDataOp>()))
    data.erase();
}

llvm::Expected<CompiledProgram>
portolan::compileProgram(const DeviceProgram &program, RunFormats formats) {
  CompiledProgram compiled;
  ModuleOp source = *program.module;
  MLIRContext *context = source.getContext();
  compiled.module = OwningOpRef<ModuleOp>(source.clone());
  context->loadDialect<moe::MoeDialect, spmd::SpmdDialect,
                       tensor::TensorDialect>();
  if (llvm::Error error = errorOf(context, [&]() -> LogicalResult {
        FailureOr<std::vector<Transfer>> transfers =
            convertSystemToSpmd(*compiled.module);
        if (failed(transfers))
          return failure();
        compiled.transfers = std::move(*transfers);
        return formats == RunFormats::ofPlan
                   ? spmd::emulateFormats(*compiled.module, program.fp8)
                   : success();
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
  ConvertSwitchedToLinalgOptions kernels;
  kernels.formats = formats == RunFormats::ofPlan;
  kernels.fp8 = spell(program.fp8).str();
  passes.addPass(createConvertSwitchedToLinalg(kernels));
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

/// Which argument of a program is its piece of argument `index` of the model.
static std::optional<unsigned> pieceOfArgument(func::FuncOp function,
                                               int64_t index) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto number =
        function.getArgAttrOfType<IntegerAttr>(i, spmd::kArgumentName);
    if (number && number.getInt() == index)
      return i;
  }
  return std::nullopt;
}

bool PreparedPass::holds(int64_t rank, int64_t index) const {
  return pieceOfArgument(compiled.programOf(rank), index).has_value();
}

Tensor *PreparedPass::argumentPiece(int64_t rank, int64_t index) {
  std::optional<unsigned> piece =
      pieceOfArgument(compiled.programOf(rank), index);
  return piece ? &memory[rank][*piece] : nullptr;
}

std::optional<unsigned> PreparedPass::resultPiece(int64_t rank,
                                                  int64_t index) const {
  func::FuncOp function = compiled.programOf(rank);
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (function.getResultAttrOfType<IntegerAttr>(i, spmd::kResultName)
            .getInt() == index)
      return i;
  return std::nullopt;
}
