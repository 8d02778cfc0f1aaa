//===- BindWorkload.cpp - make the workload's dimensions static -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Types flow forwards from the arguments of @main; each function is visited
// once per distinct tuple of argument types.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/BoundLoweringInterface.h"
#include "dialects/Moe/IR/FakeQuantize.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace portolan::moe {
#define GEN_PASS_DEF_MOEBINDWORKLOAD
#include "dialects/Moe/Transforms/MoePasses.h.inc"
} // namespace portolan::moe

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// The leading dimensions of `like`, then `last`, with the result's elements.
RankedTensorType shapedLike(Value result, Value like, int64_t last) {
  SmallVector<int64_t> shape(tensorOf(like).getShape());
  shape.back() = last;
  return RankedTensorType::get(shape, tensorOf(result).getElementType());
}

int64_t lastDim(Value value) { return tensorOf(value).getShape().back(); }

RankedTensorType withDim(RankedTensorType type, int64_t dim, int64_t size) {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = size;
  return RankedTensorType::get(shape, type.getElementType());
}

/// A cache after its new tokens: dimension `dim` of `past` grows by those of
/// `added`, which has them in dimension 1.
RankedTensorType grown(Value past, Value added, int64_t dim) {
  RankedTensorType type = tensorOf(past);
  int64_t before = type.getDimSize(dim), more = tensorOf(added).getDimSize(1);
  bool known = !ShapedType::isDynamic(before) && !ShapedType::isDynamic(more);
  return withDim(type, dim, known ? before + more : ShapedType::kDynamic);
}

class Binder {
public:
  Binder(ModuleOp module, llvm::StringMap<int64_t> sizes)
      : symbols(module), sizes(std::move(sizes)) {}

  LogicalResult bindMain(func::FuncOp main);

private:
  LogicalResult bindFunction(func::FuncOp function);
  LogicalResult bindCall(func::CallOp call);
  LogicalResult bindOp(Operation *op);
  /// The result types that follow from the operand types, if they do.
  std::optional<SmallVector<Type>> resultTypes(Operation *op);

  /// The size of a dimension by its name.
  std::optional<int64_t> sizeOf(StringRef name) const;

  SymbolTable symbols;
  llvm::StringMap<int64_t> sizes;
  llvm::DenseSet<StringAttr> active; ///< functions that are being bound
  /// Per original function, its variants.
  DenseMap<StringAttr, SmallVector<func::FuncOp>> variants;
};

/// Whether no index of a dispatch can be dropped: a route chose among no more
/// experts than the dispatch has.
bool keepsEveryRow(DispatchOp op) {
  auto route = op.getIndices().getDefiningOp<RouteOp>();
  return route && op.getFirstExpert() == 0 &&
         lastDim(route.getRouter()) <= lastDim(op.getCounts());
}

int64_t product(ArrayRef<int64_t> dims) {
  int64_t result = 1;
  for (int64_t dim : dims) {
    if (ShapedType::isDynamic(dim))
      return dim;
    result *= dim;
  }
  return result;
}

std::optional<SmallVector<Type>> Binder::resultTypes(Operation *op) {
  using Types = std::optional<SmallVector<Type>>;
  return llvm::TypeSwitch<Operation *, Types>(op)
      .Case<RmsNormOp, RopeOp>(
          [](auto op) -> Types { return {{op.getInput().getType()}}; })
      .Case([](FakeQuantizeOp op) -> Types {
        return {{op.getInput().getType()}};
      })
      .Case([](AddOp op) -> Types { return {{op.getLhs().getType()}}; })
      .Case<GateOp, ScaleOp>(
          [](auto op) -> Types { return {{op.getInput().getType()}}; })
      .Case([](DepthAttentionOp op) -> Types {
        return {{op.getCurrent().getType()}};
      })
      .Case([](ReadStreamsOp op) -> Types {
        SmallVector<Type> types = {shapedLike(op.getResult(), op.getStreams(),
                                              lastDim(op.getResult()))};
        if (op.getMix())
          types.push_back(
              shapedLike(op.getMix(), op.getStreams(), lastDim(op.getMix())));
        return types;
      })
      .Case([](WriteStreamsOp op) -> Types {
        return {{op.getStreams().getType()}};
      })
      .Case([&](PoolKeysOp op) -> Types {
        RankedTensorType present = tensorOf(op.getPresent());
        int64_t ratio = tensorOf(op.getBias()).getDimSize(0);
        auto total = sizes.find("total_tokens");
        if (present.isDynamicDim(1) && total != sizes.end())
          present = withDim(present, 1, total->second / ratio);
        present = withDim(present, 0, tensorOf(op.getPast()).getDimSize(0));
        return {{present, op.getPastRows().getType()}};
      })
      .Case([](PooledAttentionOp op) -> Types {
        return {
            {op.getQuery().getType(), grown(op.getPastKey(), op.getKey(), 1)}};
      })
      .Case([](GroupedLinearOp op) -> Types {
        return {{shapedLike(op.getResult(), op.getInput(),
                            lastDim(op.getResult()))}};
      })
      .Case([](tensor::ConcatOp op) -> Types {
        return {{tensor::ConcatOp::inferResultType(int64_t(op.getDim()),
                                                   op->getOperandTypes())}};
      })
      .Case([](ShortConvolutionOp op) -> Types {
        return {{op.getInput().getType(), op.getPast().getType()}};
      })
      .Case([](RecurrenceOp op) -> Types {
        return {{op.getValue().getType(), op.getPast().getType()}};
      })
      .Case([](DecomposedOp op) -> Types {
        return {{shapedLike(op.getResult(), op.getInputs().front(),
                            lastDim(op.getResult()))}};
      })
      .Case([](EmbeddingOp op) -> Types {
        SmallVector<int64_t> shape(tensorOf(op.getIds()).getShape());
        shape.push_back(lastDim(op.getTable()));
        return {{RankedTensorType::get(
            shape, tensorOf(op.getResult()).getElementType())}};
      })
      .Case([](LinearOp op) -> Types {
        auto type =
            shapedLike(op.getResult(), op.getInput(), lastDim(op.getWeight()));
        if (op.getLastPosition())
          type = withDim(type, 1, tensorOf(op.getResult()).getDimSize(1));
        return {{type}};
      })
      .Case([](MlpOp op) -> Types {
        return {
            {shapedLike(op.getResult(), op.getInput(), lastDim(op.getDown()))}};
      })
      .Case([&](RotaryTableOp op) -> Types {
        RankedTensorType type = tensorOf(op.getCosine());
        auto total = sizes.find("total_tokens");
        if (type.isDynamicDim(0) && total != sizes.end())
          type = withDim(type, 0, total->second);
        return {{type, type}};
      })
      .Case([](AttentionOp op) -> Types {
        SmallVector<Type> types = {
            shapedLike(op.getResult(), op.getQuery(),
                       int64_t(op.getHeads()) * lastDim(op.getPastValue())),
            grown(op.getPastKey(), op.getQuery(), 2),
            grown(op.getPastValue(), op.getQuery(), 2)};
        if (op.getLogSumExp())
          types.push_back(
              shapedLike(op.getLogSumExp(), op.getQuery(), op.getHeads()));
        return types;
      })
      .Case([](SparseAttentionOp op) -> Types {
        return {
            {shapedLike(op.getResult(), op.getQuery(),
                        int64_t(op.getHeads()) * lastDim(op.getPastValue())),
             grown(op.getPastKey(), op.getQuery(), 2),
             grown(op.getPastValue(), op.getQuery(), 2),
             grown(op.getPastIndex(), op.getQuery(), 1)}};
      })
      .Case([](LatentAttentionOp op) -> Types {
        int64_t tokens = tensorOf(op.getPastLatent()).getRank() - 2;
        SmallVector<Type> types = {
            shapedLike(op.getResult(), op.getQuery(),
                       int64_t(op.getHeads()) * lastDim(op.getValueUp())),
            grown(op.getPastLatent(), op.getQuery(), tokens),
            grown(op.getPastRotaryKey(), op.getQuery(), tokens)};
        if (op.getLogSumExp())
          types.push_back(
              shapedLike(op.getLogSumExp(), op.getQuery(), op.getHeads()));
        return types;
      })
      .Case([](IndexedLatentAttentionOp op) -> Types {
        SmallVector<Type> types = {
            shapedLike(op.getResult(), op.getQuery(),
                       int64_t(op.getHeads()) * lastDim(op.getValueUp())),
            grown(op.getPastLatent(), op.getQuery(), 1),
            grown(op.getPastRotaryKey(), op.getQuery(), 1),
            grown(op.getPastIndex(), op.getQuery(), 1)};
        if (op.getChosen())
          types.push_back(
              shapedLike(op.getChosen(), op.getQuery(), op.getTopKeys()));
        return types;
      })
      .Case([](ChosenLatentAttentionOp op) -> Types {
        return {{shapedLike(op.getResult(), op.getQuery(),
                            int64_t(op.getHeads()) * lastDim(op.getValueUp())),
                 grown(op.getPastLatent(), op.getQuery(), 1),
                 grown(op.getPastRotaryKey(), op.getQuery(), 1)}};
      })
      .Case([](SharedAttentionOp op) -> Types {
        SmallVector<Type> types = {
            shapedLike(op.getResult(), op.getQuery(),
                       int64_t(op.getHeads()) * lastDim(op.getValues()))};
        if (op.getLogSumExp())
          types.push_back(
              shapedLike(op.getLogSumExp(), op.getQuery(), op.getHeads()));
        return types;
      })
      .Case([](RouteOp op) -> Types {
        return {{shapedLike(op.getWeights(), op.getInput(), op.getTopK()),
                 shapedLike(op.getIndices(), op.getInput(), op.getTopK())}};
      })
      .Case([](DispatchOp op) -> Types {
        int64_t rows = keepsEveryRow(op)
                           ? product(tensorOf(op.getIndices()).getShape())
                           : tensorOf(op.getRows()).getDimSize(0);
        return {{withDim(tensorOf(op.getRows()), 0, rows),
                 op.getCounts().getType()}};
      })
      .Case([](ExpertsOp op) -> Types {
        return {
            {shapedLike(op.getResult(), op.getRows(), lastDim(op.getDown()))}};
      })
      .Case([](CombineOp op) -> Types {
        return {{shapedLike(op.getResult(), op.getIndices(),
                            lastDim(op.getRows()))}};
      })
      .Case([](tensor::CollapseShapeOp op) -> Types {
        return {{tensor::CollapseShapeOp::inferCollapsedType(
            tensorOf(op.getSrc()), op.getReassociationMaps())}};
      })
      .Case([](tensor::CastOp op) -> Types {
        return {{op.getSource().getType()}};
      })
      .Case([](DestinationStyleOpInterface op) -> Types {
        SmallVector<Type> types;
        for (Value init : op.getDpsInits())
          if (isa<RankedTensorType>(init.getType()))
            types.push_back(init.getType());
        return types;
      })
      .Default([](Operation *op) -> Types {
        // Elementwise ops of any dialect keep their operands' shape.
        if (!op->hasTrait<OpTrait::Elementwise>() || op->getNumOperands() == 0)
          return std::nullopt;
        auto shape = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
        if (!shape)
          return std::nullopt;
        SmallVector<Type> types;
        for (Type type : op->getResultTypes())
          types.push_back(shape.clone(getElementTypeOrSelf(type)));
        return types;
      });
}

/// The value of an index or integer that follows from static shapes.
std::optional<int64_t> constantOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || op->getNumResults() != 1)
    return std::nullopt;
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return constant;
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    std::optional<int64_t> constant =
        operand.getType().isIntOrIndex() ? constantOf(operand) : std::nullopt;
    operands.push_back(
        constant ? Attribute(IntegerAttr::get(operand.getType(), *constant))
                 : Attribute());
  }
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(operands, results)) || results.size() != 1)
    return std::nullopt;
  auto folded = dyn_cast<IntegerAttr>(dyn_cast<Attribute>(results.front()));
  return folded ? std::optional<int64_t>(folded.getInt()) : std::nullopt;
}

/// The same sizes, constant where that is known.
SmallVector<OpFoldResult> foldSizes(ArrayRef<OpFoldResult> sizes, Builder b) {
  SmallVector<OpFoldResult> folded;
  for (OpFoldResult size : sizes) {
    auto value = dyn_cast<Value>(size);
    std::optional<int64_t> constant = value ? constantOf(value) : std::nullopt;
    folded.push_back(constant ? OpFoldResult(b.getIndexAttr(*constant)) : size);
  }
  return folded;
}

/// Builds a tensor op whose sizes are operands anew, with the sizes that are
/// known by now.
Operation *withKnownSizes(Operation *op) {
  OpBuilder builder(op);
  Value result;
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    result = tensor::EmptyOp::create(builder, op->getLoc(),
                                     foldSizes(empty.getMixedSizes(), builder),
                                     empty.getType().getElementType());
  else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
           slice && slice.getDroppedDims().none())
    result = tensor::ExtractSliceOp::create(
        builder, op->getLoc(), slice.getSource(), slice.getMixedOffsets(),
        foldSizes(slice.getMixedSizes(), builder), slice.getMixedStrides());
  else
    return op;
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return result.getDefiningOp();
}

LogicalResult Binder::bindOp(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return bindCall(call);
  if (auto lowering = dyn_cast<BoundLoweringInterface>(op))
    return lowering.lowerBound();
  op = withKnownSizes(op);
  if (std::optional<SmallVector<Type>> types = resultTypes(op))
    for (auto [result, type] : llvm::zip_equal(op->getResults(), *types))
      result.setType(type);
  for (Value result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type || type.hasStaticShape())
      continue;
    // The ragged number of rows is the only dimension that stays dynamic: it
    // starts at a dispatch and flows through what keeps its operand's rows.
    bool ragged = !ShapedType::isDynamic(product(type.getShape().drop_front()));
    auto first = op->getNumOperands() == 0
                     ? RankedTensorType()
                     : dyn_cast<RankedTensorType>(op->getOperand(0).getType());
    bool inherits = first && first.getRank() > 0 && first.isDynamicDim(0) &&
                    resultTypes(op);
    if (ragged && (isa<DispatchOp>(op) || inherits))
      continue;
    return op->emitOpError("expects result types that follow from the bound "
                           "dimensions, got ")
           << type;
  }
  return success();
}

LogicalResult Binder::bindFunction(func::FuncOp function) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return function.emitOpError("expects a body of one block to be bound");
  for (Operation &op : llvm::make_early_inc_range(function.getBody().front()))
    if (failed(bindOp(&op)))
      return failure();
  // Sizes that have become static leave their arithmetic behind.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  Operation *terminator = function.getBody().front().getTerminator();
  function.setFunctionType(FunctionType::get(
      function.getContext(), function.getBody().getArgumentTypes(),
      terminator->getOperandTypes()));
  return success();
}

LogicalResult Binder::bindCall(func::CallOp call) {
  StringAttr name = call.getCalleeAttr().getAttr();
  auto callee = symbols.lookup<func::FuncOp>(name);
  if (!callee)
    return call.emitOpError("expects a function of this module, got @")
           << name.getValue();
  SmallVector<func::FuncOp> &known = variants[name];
  func::FuncOp chosen;
  for (func::FuncOp variant : known)
    if (llvm::equal(variant.getArgumentTypes(), call.getOperandTypes()))
      chosen = variant;
  if (!chosen) {
    chosen = callee;
    if (!known.empty()) {
      chosen = callee.clone();
      symbols.insert(chosen); // Renames it if need be.
    }
    // A recursive call would find a variant whose results are not known yet.
    if (!active.insert(name).second)
      return call.emitOpError("expects no recursion, got a call of @")
             << name.getValue();
    for (auto [argument, type] :
         llvm::zip_equal(chosen.getArguments(), call.getOperandTypes()))
      argument.setType(type);
    if (failed(bindFunction(chosen)))
      return failure();
    active.erase(name);
    variants[name].push_back(chosen);
  }
  call.setCallee(chosen.getName());
  for (auto [result, type] :
       llvm::zip_equal(call.getResults(), chosen.getResultTypes()))
    result.setType(type);
  return success();
}

std::optional<int64_t> Binder::sizeOf(StringRef name) const {
  if (auto part = partOfTokens(name))
    if (auto whole = sizes.find(part->first); whole != sizes.end())
      return whole->second / part->second;
  auto bound = sizes.find(name);
  return bound == sizes.end() ? std::nullopt
                              : std::optional<int64_t>(bound->second);
}

LogicalResult Binder::bindMain(func::FuncOp main) {
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto type = dyn_cast<RankedTensorType>(main.getArgument(i).getType());
    if (!type || type.hasStaticShape())
      continue;
    auto names = main.getArgAttrOfType<ArrayAttr>(i, kDimsAttr);
    SmallVector<int64_t> shape(type.getShape());
    for (auto [dim, size] : llvm::enumerate(shape)) {
      if (!ShapedType::isDynamic(size))
        continue;
      auto name = names && dim < names.size() ? dyn_cast<StringAttr>(names[dim])
                                              : StringAttr();
      if (!name || name.empty())
        return main.emitOpError("expects a name in moe.dims for dimension ")
               << dim << " of argument " << i << ", got none";
      std::optional<int64_t> bound = sizeOf(name.getValue());
      if (!bound)
        return main.emitOpError("expects a size for '")
               << name.getValue() << "', dimension " << dim << " of argument "
               << i << ", got none";
      size = *bound;
    }
    main.getArgument(i).setType(
        RankedTensorType::get(shape, type.getElementType()));
  }
  return bindFunction(main);
}

} // namespace

std::optional<std::pair<StringRef, int64_t>> moe::partOfTokens(StringRef name) {
  auto [whole, text] = name.split('/');
  int64_t divisor;
  if ((whole != "past_tokens" && whole != "total_tokens") ||
      text.getAsInteger(10, divisor) || divisor < 1)
    return std::nullopt;
  return std::pair(whole, divisor);
}

LogicalResult moe::bindWorkload(ModuleOp module,
                                llvm::StringMap<int64_t> sizes) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("expects a function @main, got none");
  for (const auto &[name, size] : sizes)
    if (size < 0)
      return module.emitError("expects a size >= 0 for '")
             << name << "', got " << size;
  for (const auto &[name, size] : sizes)
    if (auto part = partOfTokens(name))
      if (auto whole = sizes.find(part->first);
          whole != sizes.end() && whole->second / part->second != size)
        return module.emitError("expects '")
               << name << "' to be " << whole->second / part->second << ", got "
               << size;
  auto past = sizes.find("past_tokens"), added = sizes.find("new_tokens");
  if (past != sizes.end() && added != sizes.end()) {
    int64_t total = past->second + added->second;
    auto [it, isNew] = sizes.try_emplace("total_tokens", total);
    if (!isNew && it->second != total)
      return module.emitError("expects total_tokens = past_tokens + "
                              "new_tokens = ")
             << total << ", got " << it->second;
  }
  return Binder(module, std::move(sizes)).bindMain(main);
}

namespace {

struct MoeBindWorkload
    : public moe::impl::MoeBindWorkloadBase<MoeBindWorkload> {
  using MoeBindWorkloadBase::MoeBindWorkloadBase;

  LogicalResult collectSizes(llvm::StringMap<int64_t> &sizes) {
    ModuleOp module = getOperation();
    auto add = [&](StringRef name, int64_t size) -> LogicalResult {
      if (!sizes.try_emplace(name, size).second)
        return module.emitError("expects one size for '")
               << name << "', got two";
      return success();
    };
    for (auto [name, size] : {std::pair<StringRef, int64_t>{"batch", batch},
                              {"new_tokens", newTokens},
                              {"past_tokens", pastTokens}})
      if (size >= 0 && failed(add(name, size)))
        return failure();
    for (const std::string &text : bind) {
      auto [name, number] = StringRef(text).split('=');
      int64_t size;
      if (name.empty() || number.getAsInteger(10, size))
        return module.emitError("expects NAME=N to bind, got '") << text << "'";
      if (failed(add(name, size)))
        return failure();
    }
    return success();
  }

  LogicalResult setWorkload(const llvm::StringMap<int64_t> &sizes) {
    ModuleOp module = getOperation();
    std::optional<Phase> parsed = symbolizePhase(phase);
    if (!parsed)
      return module.emitError("expects phase decode or prefill, got '")
             << phase << "'";
    SmallVector<int64_t> values;
    for (StringRef name : {"batch", "past_tokens", "new_tokens"}) {
      auto it = sizes.find(name);
      if (it == sizes.end())
        return module.emitError("expects a size for '")
               << name << "' to state the workload, got none";
      values.push_back(it->second);
    }
    auto workload = WorkloadAttr::getChecked([&] { return module.emitError(); },
                                             &getContext(), *parsed, values[0],
                                             values[1], values[2]);
    if (!workload)
      return failure();
    module->setAttr(kWorkloadAttr, workload);
    return success();
  }

  void runOnOperation() override {
    llvm::StringMap<int64_t> sizes;
    if (failed(collectSizes(sizes)) ||
        failed(bindWorkload(getOperation(), sizes)) ||
        (!phase.empty() && failed(setWorkload(sizes))))
      signalPassFailure();
  }
};

} // namespace
