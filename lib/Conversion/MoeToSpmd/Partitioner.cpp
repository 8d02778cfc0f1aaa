//===- Partitioner.cpp - the programs of all ranks ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arguments are created when a body first asks for a value, so that a function
// has exactly those that its variant needs. The first rank is built while every
// division is recorded; the others are built once per set of answers.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/Partitioner.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool communicates(Operation *op) {
  return isa<spmd::AllReduceOp, spmd::AllGatherOp, spmd::ReduceScatterOp,
             spmd::AllToAllOp, spmd::AllToAllVOp>(op);
}

/// The ops of `halves[0]` and `halves[1]` take turns: a turn computes, then
/// communicates while the other half computes.
void takeTurns(ArrayRef<SmallVector<Operation *>> halves, Block *block) {
  size_t next[2] = {0, 0};
  unsigned turn = 0;
  while (next[0] < halves[0].size() || next[1] < halves[1].size()) {
    bool hasSent = false;
    for (; next[turn] < halves[turn].size(); ++next[turn]) {
      Operation *op = halves[turn][next[turn]];
      if (hasSent && isa<WorkOpInterface>(op) && !communicates(op))
        break;
      hasSent |= communicates(op);
      op->moveBefore(block, block->end());
    }
    turn = 1 - turn;
  }
}

/// `first` and `second` side by side along the batch.
Value joinHalves(OpBuilder &builder, Location loc, Value first, Value second) {
  RankedTensorType type = tensorOf(first);
  SmallVector<int64_t> shape(type.getShape());
  shape[0] += tensorOf(second).getDimSize(0);
  Value joined =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  int64_t offset = 0;
  for (Value half : {first, second}) {
    if (tensorOf(half).getNumElements() == 0)
      continue;
    SmallVector<OpFoldResult> offsets, sizes, strides;
    for (auto [dim, size] : llvm::enumerate(tensorOf(half).getShape())) {
      offsets.push_back(builder.getIndexAttr(dim == 0 ? offset : 0));
      sizes.push_back(builder.getIndexAttr(size));
      strides.push_back(builder.getIndexAttr(1));
    }
    joined = tensor::InsertSliceOp::create(builder, loc, half, joined, offsets,
                                           sizes, strides);
    offset += tensorOf(half).getDimSize(0);
  }
  return joined;
}

void setType(func::FuncOp function) {
  Block &body = function.getBody().front();
  function.setFunctionType(
      FunctionType::get(function.getContext(), body.getArgumentTypes(),
                        body.getTerminator()->getOperandTypes()));
}

} // namespace

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Local>> Partitioner::emitBody(Operation *function,
                                                    ArrayRef<Operation *> ops,
                                                    ValueRange wanted,
                                                    const Geometry &geometry,
                                                    Outer outer) {
  bool halved = problem.plan.is(PlanClass::overlap, Overlap::twoBatch);
  SmallVector<SmallVector<Local>> results;
  SmallVector<SmallVector<Operation *>> emitted;
  Block *block = builder.getInsertionBlock();
  SmallVector<int> parts =
      halved ? SmallVector<int>{0, 1} : SmallVector<int>{-1};
  for (int half : parts) {
    Operation *before = block->empty() ? nullptr : &block->back();
    BodyEmitter emitter(problem, geometry, function, ops, half, builder, outer);
    if (failed(emitter.emit()))
      return failure();
    SmallVector<Local> &locals = results.emplace_back();
    for (Value value : wanted) {
      FailureOr<Local> local = emitter.result(value);
      if (failed(local))
        return failure();
      locals.push_back(*local);
    }
    SmallVector<Operation *> &own = emitted.emplace_back();
    for (Operation *op = before ? before->getNextNode() : &block->front(); op;
         op = op->getNextNode()) {
      own.push_back(op);
      if (halved && isa<WorkOpInterface>(op))
        op->setAttr(kMicroBatchName, builder.getI64IntegerAttr(half));
      if (op == &block->back())
        break;
    }
  }
  if (!halved)
    return results.front();
  takeTurns(emitted, block);
  builder.setInsertionPointToEnd(block);
  SmallVector<Local> joined;
  for (auto [first, second] : llvm::zip_equal(results[0], results[1]))
    joined.push_back(
        {joinHalves(builder, first.value.getLoc(), first.value, second.value),
         first.layout});
  return joined;
}

FailureOr<const LayerVariant *>
Partitioner::layerVariant(StringRef name, int64_t variant,
                          const Geometry &geometry) {
  auto [it, isNew] = layers.try_emplace({name.str(), variant});
  LayerVariant &layer = it->second;
  if (!isNew)
    return &layer;
  auto whole = module.lookupSymbol<func::FuncOp>(name);
  Block &body = whole.getBody().front();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(main);
  layer.function = func::FuncOp::create(builder, whole.getLoc(),
                                        (name + ".v" + Twine(variant)).str(),
                                        builder.getFunctionType({}, {}));
  layer.function.setPrivate();
  Block *entry = layer.function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);

  DenseMap<Value, std::pair<Value, Layout>> known;
  auto outer = [&](Value value, const Layout &layout) -> FailureOr<Value> {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner() != &body)
      return emitError(value.getLoc(),
                       "expects a value that the layer computes or is given");
    auto [at, first] = known.try_emplace(value);
    if (first) {
      layer.arguments.push_back({argument.getArgNumber(), layout});
      at->second = {entry->addArgument(geometry.local(tensorOf(value), layout),
                                       value.getLoc()),
                    layout};
    }
    if (!(at->second.second == layout))
      return emitError(value.getLoc(),
                       "expects uses that divide an argument alike");
    return at->second.first;
  };
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  FailureOr<SmallVector<Local>> results = emitBody(
      whole, ops, body.getTerminator()->getOperands(), geometry, outer);
  if (failed(results))
    return failure();
  SmallVector<Value> returned;
  for (Local &local : *results) {
    returned.push_back(local.value);
    layer.results.push_back(local.layout);
  }
  func::ReturnOp::create(builder, whole.getLoc(), returned);
  setType(layer.function);
  return &layer;
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

bool Partitioner::isAhead(Value value) const {
  Operation *op = value.getDefiningOp();
  return !op || !activations.contains(op);
}

FailureOr<SmallVector<Value>> Partitioner::boundary(int64_t stage) {
  llvm::SetVector<Value> passed;
  bool hasActivations = false;
  for (auto [op, own] : stageOf) {
    if (own != stage)
      continue;
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers()) {
        auto at = stageOf.find(user);
        if (at == stageOf.end() || at->second == stage)
          continue;
        // Beside one tensor of activations, positions of chosen keys may pass.
        bool isNew = passed.insert(result);
        bool isActivation = isa<FloatType>(tensorOf(result).getElementType());
        if (at->second != stage + 1 ||
            (isNew && isActivation && hasActivations))
          return user->emitOpError("expects one activation from the stage "
                                   "before, none from elsewhere");
        hasActivations |= isActivation;
      }
  }
  if (!hasActivations)
    return main.emitOpError("expects an activation that stage ")
           << stage << " passes on, got none";
  // Those of one op in the order of its results.
  SmallVector<Value> ordered = passed.takeVector();
  llvm::sort(ordered, [](Value a, Value b) {
    return cast<OpResult>(a).getResultNumber() <
           cast<OpResult>(b).getResultNumber();
  });
  return ordered;
}

DictionaryAttr Partitioner::describeArgument(Value source,
                                             const Layout &layout) {
  NamedAttrList attributes;
  if (auto argument = dyn_cast<BlockArgument>(source))
    attributes.set(spmd::kArgumentName,
                   builder.getI64IntegerAttr(argument.getArgNumber()));
  else if (auto weight = source.getDefiningOp<moe::WeightOp>())
    attributes.set(spmd::kWeightName, weight.getSourceAttr());
  else
    attributes.set(
        spmd::kPreparedName,
        builder.getI64IntegerAttr(
            prepared.insert({source, prepared.size()}).first->second));
  attributes.set(spmd::kWholeName, TypeAttr::get(source.getType()));
  attributes.set(spmd::kShardName, shardOf(builder.getContext(), layout));
  return attributes.getDictionary(builder.getContext());
}

LogicalResult Partitioner::buildStage(int64_t stage, int64_t variant,
                                      const Geometry &geometry) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(main);
  auto function = func::FuncOp::create(
      builder, main.getLoc(),
      ("step.s" + Twine(stage) + ".v" + Twine(variant)).str(),
      builder.getFunctionType({}, {}));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  programs.push_back(FlatSymbolRefAttr::get(function.getSymNameAttr()));

  DenseMap<Value, Local> computed;
  SmallVector<std::pair<std::pair<Value, Layout>, Value>> arguments;
  SmallVector<DictionaryAttr> argumentAttrs;
  auto outer = [&](Value value, const Layout &layout) -> FailureOr<Value> {
    auto local = computed.find(value);
    if (local != computed.end()) {
      if (local->second.layout == layout)
        return local->second.value;
      return emitError(value.getLoc(),
                       "expects uses that divide an activation alike");
    }
    if (isAhead(value)) {
      for (auto &[key, argument] : arguments)
        if (key.first == value && key.second == layout)
          return argument;
      Value argument = entry->addArgument(
          geometry.local(tensorOf(value), layout), value.getLoc());
      arguments.push_back({{value, layout}, argument});
      argumentAttrs.push_back(describeArgument(value, layout));
      return argument;
    }
    return emitError(value.getLoc(),
                     "expects an activation that the stage before passes on");
  };
  if (stage > 0) {
    FailureOr<SmallVector<Value>> passed = boundary(stage - 1);
    if (failed(passed))
      return failure();
    for (Value value : *passed) {
      Layout layout(tensorOf(value).getRank(), geometry.whole());
      layout[0] = geometry.batch();
      Value received = spmd::ReceiveOp::create(
          builder, value.getLoc(), geometry.local(tensorOf(value), layout),
          builder.getI64IntegerAttr(options.deployment.stageSize),
          moe::FormatAttr());
      computed[value] = {received, layout};
    }
  }

  for (size_t index = stages[stage].first; index < stages[stage].second;
       ++index) {
    Segment &segment = segments[index];
    if (!segment.call) {
      llvm::SetVector<Value> wanted;
      for (Operation *op : segment.ops)
        for (Value result : op->getResults())
          for (Operation *user : result.getUsers())
            if (!llvm::is_contained(segment.ops, user))
              wanted.insert(result);
      FailureOr<SmallVector<Local>> results =
          emitBody(main, segment.ops, wanted.getArrayRef(), geometry, outer);
      if (failed(results))
        return failure();
      for (auto [value, local] : llvm::zip_equal(wanted, *results))
        computed[value] = local;
      continue;
    }
    FailureOr<const LayerVariant *> layer =
        layerVariant(segment.call.getCallee(), variant, geometry);
    if (failed(layer))
      return failure();
    SmallVector<Value> operands;
    for (const auto &[number, layout] : (*layer)->arguments) {
      FailureOr<Value> operand = outer(segment.call.getOperand(number), layout);
      if (failed(operand))
        return failure();
      operands.push_back(*operand);
    }
    auto call = func::CallOp::create(builder, segment.call.getLoc(),
                                     (*layer)->function, operands);
    for (auto [whole, local, layout] : llvm::zip_equal(
             segment.call.getResults(), call.getResults(), (*layer)->results))
      computed[whole] = {local, layout};
  }

  if (stage + 1 < int64_t(stages.size())) {
    FailureOr<SmallVector<Value>> passed = boundary(stage);
    if (failed(passed))
      return failure();
    for (Value value : *passed)
      spmd::SendOp::create(
          builder, value.getLoc(), computed.lookup(value).value,
          builder.getI64IntegerAttr(options.deployment.stageSize),
          moe::FormatAttr());
  }
  SmallVector<Value> returned;
  SmallVector<DictionaryAttr> resultAttrs;
  for (auto [index, value] :
       llvm::enumerate(main.getBody().front().getTerminator()->getOperands())) {
    Operation *op = value.getDefiningOp();
    if (!op || !activations.contains(op))
      return main.emitOpError("expects results that depend on the layers, got "
                              "result ")
             << index;
    if (stageOf.lookup(op) != stage)
      continue;
    Local local = computed.lookup(value);
    returned.push_back(local.value);
    NamedAttrList attributes;
    attributes.set(spmd::kResultName, builder.getI64IntegerAttr(index));
    attributes.set(spmd::kWholeName, TypeAttr::get(value.getType()));
    attributes.set(spmd::kShardName,
                   shardOf(builder.getContext(), local.layout));
    resultAttrs.push_back(attributes.getDictionary(builder.getContext()));
  }
  func::ReturnOp::create(builder, main.getLoc(), returned);
  setType(function);
  function.setAllArgAttrs(argumentAttrs);
  function.setAllResultAttrs(resultAttrs);
  return success();
}

LogicalResult Partitioner::buildVariant(int64_t variant,
                                        const Geometry &geometry) {
  for (int64_t stage = 0; stage < int64_t(stages.size()); ++stage)
    if (failed(buildStage(stage, variant, geometry)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// @prepare: what depends on no activation and is neither a weight nor an
/// argument.
void Partitioner::buildPrepare() {
  if (prepared.empty())
    return;
  llvm::SetVector<Operation *> needed;
  SmallVector<Value> pending;
  for (auto &[value, index] : prepared)
    pending.push_back(value);
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || !needed.insert(op))
      continue;
    // Regions (linalg bodies) may use values from around them too.
    op->walk([&](Operation *inner) {
      llvm::append_range(pending, inner->getOperands());
    });
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(main);
  SmallVector<Type> results;
  for (auto &[value, index] : prepared)
    results.push_back(value.getType());
  auto function = func::FuncOp::create(
      builder, main.getLoc(), "prepare",
      builder.getFunctionType(main.getArgumentTypes(), results));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  IRMapping mapping;
  mapping.map(main.getArguments(), entry->getArguments());
  for (Operation &op : main.getBody().front())
    if (needed.contains(&op))
      builder.clone(op, mapping);
  SmallVector<Value> returned;
  for (auto &[value, index] : prepared)
    returned.push_back(mapping.lookup(value));
  func::ReturnOp::create(builder, main.getLoc(), returned);
}

/// Says which rank runs what, and drops the functions that were replaced.
void Partitioner::finish(ArrayRef<int64_t> variants, int64_t numVariants) {
  const Deployment &deployment = options.deployment;
  buildPrepare();
  builder.setInsertionPointToStart(module.getBody());
  spmd::MeshOp::create(builder, module.getLoc(), "mesh", deployment.stages,
                       deployment.dp, deployment.cp, deployment.tp,
                       deployment.ep, deployment.expertTp);
  // Programs were built variant by variant, each with all its stages.
  SmallVector<int64_t> ranks;
  for (int64_t stage = 0; stage < deployment.stages; ++stage)
    for (int64_t variant : variants)
      ranks.push_back(variant * deployment.stages + stage);
  module->setAttr(spmd::kProgramsName, builder.getArrayAttr(programs));
  module->setAttr(spmd::kRanksName, builder.getDenseI64ArrayAttr(ranks));
  llvm::SetVector<Operation *> replaced;
  replaced.insert(main);
  for (Segment &segment : segments)
    if (segment.call)
      replaced.insert(module.lookupSymbol(segment.call.getCallee()));
  for (Operation *function : replaced)
    function->erase();
}

LogicalResult Partitioner::run() {
  if (failed(inspect()))
    return failure();
  Divisions asked;
  std::map<SmallVector<int64_t>, int64_t> known;
  SmallVector<int64_t> variants;
  for (int64_t rank = 0; rank < options.deployment.stageSize; ++rank) {
    Geometry geometry(options.deployment, sequences, newTokens, rank, asked);
    if (rank == 0) {
      if (failed(buildVariant(0, geometry)))
        return failure();
      known[geometry.signature()] = 0;
      variants.push_back(0);
      continue;
    }
    auto [it, isNew] = known.try_emplace(geometry.signature(), known.size());
    variants.push_back(it->second);
    if (isNew && failed(buildVariant(it->second, geometry)))
      return failure();
  }
  finish(variants, known.size());
  return success();
}

LogicalResult portolan::convertMoeToSpmd(ModuleOp module,
                                         const MoeToSpmdOptions &options) {
  // A caller outside of a pass may not have loaded what is created.
  module.getContext()->loadDialect<spmd::SpmdDialect, tensor::TensorDialect>();
  return Partitioner(module, options).run();
}
