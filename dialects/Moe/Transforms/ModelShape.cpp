//===- ModelShape.cpp - a model as shapes ---------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the shape of a moe module: the distinct layer functions that @main
// calls, each as a list of ops for one token. An op is described on a clone
// whose dynamic dimensions are 1 (its new tokens, its cache), so that the shape
// arithmetic of describe() is the only one.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/ModelShape.h"
#include "dialects/Moe/IR/Moe.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace portolan;

namespace {

/// `type` with every dynamic dimension 1.
Type oneToken(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  for (int64_t &dim : shape)
    if (ShapedType::isDynamic(dim))
      dim = 1;
  return tensor.clone(shape);
}

/// Describes `op` for one token. The clone is detached: only its types and
/// attributes are asked.
FailureOr<LocalOp> describeForOneToken(Operation *op) {
  OpBuilder builder(op->getContext());
  Block block;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(
        block.addArgument(oneToken(operand.getType()), op->getLoc()));
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  for (Value result : op->getResults())
    state.addTypes(oneToken(result.getType()));
  state.addAttributes(op->getAttrs());
  Operation *clone = builder.create(state);
  FailureOr<LocalOp> local = cast<WorkOpInterface>(clone).describe();
  clone->destroy();
  return local;
}

/// What a call takes from calls before it.
struct Input {
  int64_t width = 0; ///< elements of activations per token
  int64_t keys = 0;  ///< chosen keys per token
};

Input inputOf(func::CallOp call) {
  llvm::SmallDenseSet<Value, 2> passed;
  Input input;
  for (Value operand : call.getOperands()) {
    if (!operand.getDefiningOp<func::CallOp>() ||
        !passed.insert(operand).second)
      continue;
    auto type = cast<RankedTensorType>(operand.getType());
    (type.getElementType().isInteger() ? input.keys : input.width) +=
        type.getShape().back();
  }
  return input;
}

/// Layer calls of @main, in order.
SmallVector<func::CallOp> layerCalls(func::FuncOp main) {
  SmallVector<func::CallOp> calls;
  main.walk([&](func::CallOp call) { calls.push_back(call); });
  return calls;
}

llvm::Error unboundError(Operation *op) {
  return llvm::createStringError("model: op '" + op->getName().getStringRef() +
                                 "' cannot state its work for one token");
}

/// Appends the ops of a block that state work, with their roles.
llvm::Error addOps(Operation *function, ArrayRef<Operation *> operations,
                   LayerShape &layer) {
  llvm::DenseMap<Operation *, OpRole> roles = rolesOf(function);
  SmallVector<Operation *> working;
  SmallVector<LocalOp> locals;
  for (Operation *op : operations) {
    if (!isa<WorkOpInterface>(op))
      continue;
    FailureOr<LocalOp> local = describeForOneToken(op);
    if (failed(local))
      return unboundError(op);
    working.push_back(op);
    locals.push_back(*local);
    ModelOp entry;
    entry.local = *local;
    if (isa<moe::DecomposedOp>(op) && !layer.ops.empty()) {
      OpKind before = layer.ops.back().local.kind;
      if (before == OpKind::route || before == OpKind::dispatch ||
          before == OpKind::experts)
        return llvm::createStringError("model: op 'moe.decomposed' expects to "
                                       "be outside of an expert block");
    }
    OpRole role = roles.lookup(op);
    entry.sharding = role.sharding;
    entry.units = role.units;
    entry.expertRegion = role.expertRegion;
    entry.gatherColumns = role.gatherColumns;
    entry.spansHeads = role.spansHeads;
    if (auto attention = dyn_cast<moe::AttentionOp>(op)) {
      entry.window = attention.getWindow();
      entry.chunk = attention.getChunk();
      entry.wholeContext = entry.window > 0 || entry.chunk > 0 ||
                           attention.getTemperatureFloor() > 0 ||
                           attention.getSinks();
    }
    entry.wholeContext |=
        isa<moe::IndexedLatentAttentionOp, moe::ChosenLatentAttentionOp,
            moe::PooledAttentionOp>(op);
    if (auto route = dyn_cast<moe::RouteOp>(op)) {
      entry.groups = route.getGroups();
      entry.topGroups = route.getTopGroups();
    }
    if (auto linear = dyn_cast<moe::LinearOp>(op))
      entry.lastPosition = linear.getLastPosition();
    if (isa<moe::ScaleOp, moe::DecomposedOp>(op))
      if (auto head = op->getOperand(0).getDefiningOp<moe::LinearOp>())
        entry.lastPosition = head.getLastPosition();
    if (auto name = dyn_cast<NameLoc>(op->getLoc()))
      entry.name = name.getName().str();
    else
      entry.name = (layer.name + "." + spell(local->kind)).str();
    layer.ops.push_back(std::move(entry));
  }
  linkElementwise(working, locals);
  for (auto [entry, local] : llvm::zip_equal(layer.ops, locals)) {
    entry.local.input = local.input;
    entry.local.soleReader = local.soleReader;
  }
  return llvm::Error::success();
}

/// Model-wide figures that partitioning needs, from the ops of all layers.
llvm::Error summarize(ModelShape &model) {
  const LocalOp *unraised = nullptr;
  bool hasFeedForward = false;
  for (const LayerShape &layer : model.layers) {
    for (const ModelOp &op : layer.ops) {
      const LocalOp &local = op.local;
      if (local.kind == OpKind::attention ||
          local.kind == OpKind::latentAttention ||
          local.kind == OpKind::pooledAttention) {
        model.heads = local.heads;
        model.kvHeads = local.kvHeads;
        model.latentAttention |= local.kind == OpKind::latentAttention;
        model.pooledAttention |= local.kind == OpKind::pooledAttention;
        model.shippedCache = local.cache;
      }
      if (local.kind == OpKind::route) {
        if (model.experts &&
            (model.experts != local.outer || model.topK != local.topK ||
             model.groups != op.groups))
          return llvm::createStringError(
              "model: expects one router form in all layers, got " +
              llvm::Twine(local.outer) + " and " + llvm::Twine(model.experts) +
              " experts");
        model.experts = local.outer;
        model.topK = local.topK;
        model.groups = op.groups;
        model.topGroups = op.topGroups;
      }
      // Feed-forward weights are nearly all of a MoE model.
      if (local.kind == OpKind::experts ||
          (local.kind == OpKind::mlp && !layer.hasExperts() &&
           model.experts == 0)) {
        model.shippedWeight = local.weight;
        model.shippedActivation = local.activation;
        hasFeedForward = true;
      }
      if (local.kind == OpKind::decomposed && residentWeightBytes(local) > 0)
        unraised = &local;
    }
  }
  // Those of blocks that were not raised are in nodes.
  if (!hasFeedForward && unraised) {
    model.shippedWeight = unraised->weight;
    model.shippedActivation = unraised->activation;
  }
  if (model.heads == 0)
    return llvm::createStringError(
        "model: expects an attention op in some layer, got none");
  const ModelOp *embedding = model.prologue.find(OpKind::embedding);
  if (!embedding)
    return llvm::createStringError(
        "model: expects a moe.embedding in @main, got none");
  model.hidden = embedding->local.outer;
  return llvm::Error::success();
}

/// The weight that `value` is, perhaps in another layout; null if none.
moe::WeightOp weightOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && !isa<moe::WeightOp>(op))
    op = op->getNumOperands() > 0 ? op->getOperand(0).getDefiningOp() : nullptr;
  return cast_if_present<moe::WeightOp>(op);
}

/// Parameters of a head that is the embedding; they count once.
double tiedParameters(func::FuncOp main) {
  moe::WeightOp table;
  main.walk([&](moe::EmbeddingOp op) { table = weightOf(op.getTable()); });
  double tied = 0;
  main.walk([&](moe::LinearOp op) {
    moe::WeightOp weight = weightOf(op.getWeight());
    if (table && weight && weight.getSource() == table.getSource())
      tied += double(cast<RankedTensorType>(table.getType()).getNumElements());
  });
  return tied;
}

void countParameters(ModelShape &model) {
  auto count = [](const LayerShape &layer, double &total, double &active,
                  double topShare) {
    for (const ModelOp &op : layer.ops) {
      LocalOp local = op.local;
      double parameters =
          residentWeightBytes(local) / bytesPerElement(local.weight);
      if (local.kind == OpKind::rmsNorm && op.units == 0)
        parameters = double(local.outer);
      if (local.kind == OpKind::decomposed)
        parameters = double(DecomposedCounts::of(local).parameters);
      total += parameters;
      active +=
          local.kind == OpKind::experts ? parameters * topShare : parameters;
    }
  };
  double topShare =
      model.experts ? double(model.topK) / double(model.experts) : 0;
  count(model.prologue, model.parametersTotal, model.parametersActive,
        topShare);
  count(model.epilogue, model.parametersTotal, model.parametersActive,
        topShare);
  for (unsigned layer : model.sequence)
    count(model.layers[layer], model.parametersTotal, model.parametersActive,
          topShare);
}

} // namespace

llvm::Expected<ModelShape> portolan::extractModelShape(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal() || !llvm::hasSingleElement(main.getBody()))
    return llvm::createStringError(
        "model: expects a function @main of one block, got none");
  SmallVector<func::CallOp> calls = layerCalls(main);
  if (calls.empty())
    return llvm::createStringError(
        "model: expects @main to call one function per layer, got no call");

  ModelShape model;
  model.name = module.getSymName().value_or("model").str();
  llvm::SetVector<StringRef> names;
  for (func::CallOp call : calls) {
    names.insert(call.getCallee());
    model.sequence.push_back(
        std::distance(names.begin(), llvm::find(names, call.getCallee())));
  }
  llvm::StringMap<Input> inputs;
  for (func::CallOp call : calls)
    if (Input input = inputOf(call); input.width > 0)
      inputs[call.getCallee()] = input;
  for (StringRef name : names) {
    auto function = module.lookupSymbol<func::FuncOp>(name);
    if (!function || function.isExternal() ||
        !llvm::hasSingleElement(function.getBody()))
      return llvm::createStringError("model: expects a layer function @" +
                                     name + " of one block, got none");
    LayerShape &layer = model.layers.emplace_back();
    layer.name = name.str();
    layer.inputWidth = inputs.lookup(name).width;
    layer.inputKeys = inputs.lookup(name).keys;
    if (auto depth = function->getAttrOfType<IntegerAttr>(moe::kDepthAttr))
      layer.depth = depth.getInt();
    SmallVector<Operation *> operations;
    for (Operation &op : function.getBody().front())
      operations.push_back(&op);
    if (llvm::Error error = addOps(function, operations, layer))
      return std::move(error);
  }

  model.prologue.name = "prologue";
  model.epilogue.name = "epilogue";
  SmallVector<Operation *> before, after;
  bool seenLast = false;
  bool seenFirst = false;
  for (Operation &op : main.getBody().front()) {
    seenFirst |= &op == calls.front();
    seenLast |= &op == calls.back();
    (seenLast ? after : before).push_back(&op);
    if (seenFirst && !seenLast && isa<WorkOpInterface>(op))
      return llvm::createStringError(
          "model: expects no op between layer calls in @main, got '" +
          op.getName().getStringRef() + "'");
  }
  if (llvm::Error error = addOps(main, before, model.prologue))
    return std::move(error);
  if (llvm::Error error = addOps(main, after, model.epilogue))
    return std::move(error);
  if (llvm::Error error = summarize(model))
    return std::move(error);
  countParameters(model);
  double tied = tiedParameters(main);
  model.parametersTotal -= tied;
  model.parametersActive -= tied;
  return model;
}
