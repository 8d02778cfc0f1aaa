//===- EmulateFormats.cpp - the pass spmd-emulate-formats -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function per family of ops says which operands a format attribute speaks
// of, and along which dimension they are contracted.
//
// Assumptions: a rank quantizes its own piece of a weight, so that groups start
// where the piece does and nvfp4's second scale is that of the piece (of each
// expert). An activation has one such scale per token, so that it does not
// depend on how tokens are divided.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "dialects/Moe/IR/FakeQuantize.h"
#include "dialects/Spmd/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd;

namespace portolan::spmd {
#define GEN_PASS_DEF_SPMDEMULATEFORMATS
#include "dialects/Spmd/Transforms/SpmdPasses.h.inc"
} // namespace portolan::spmd

namespace {

using Formats = SmallVector<Format, 2>;

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Storage, then compute if that rounds further. Where codes are computed in a
/// wider format they are exact in it, and their scales are applied to the sums.
Formats formatsOf(FormatPair pair) {
  Formats formats = {pair.storage};
  if (pair.compute != pair.storage &&
      bitsPerElement(pair.compute) <= bitsPerElement(pair.storage))
    formats.push_back(pair.compute);
  return formats;
}

Formats formatsOf(std::optional<moe::FormatAttr> attr) {
  return attr ? formatsOf(moe::formatPairOf(*attr)) : Formats();
}

Formats storageOf(std::optional<moe::FormatAttr> attr) {
  return attr ? Formats{moe::formatPairOf(*attr).storage} : Formats();
}

Formats computeOf(std::optional<moe::FormatAttr> attr) {
  return attr ? Formats{moe::formatPairOf(*attr).compute} : Formats();
}

/// How the rows that enter a matmul are rounded.
template <typename Op> Formats enteringFormats(Op op) {
  if (std::optional<moe::FormatAttr> own = op.getActivationFormat())
    return formatsOf(own);
  return computeOf(op.getWeightFormat());
}

class Emulator {
public:
  Emulator(ModuleOp module, ElementFormat fp8)
      : module(module), builder(module.getContext()), fp8(fp8) {}

  LogicalResult run();

private:
  /// How an operand lies: groups run along `axis`, the last `tensorDims`
  /// dimensions share nvfp4's second scale.
  struct Place {
    int64_t axis = 0;
    int64_t tensorDims = 1;
    bool unscaled = false; ///< fp8 without a scale
  };

  void emulate(Operation *op);
  template <typename Op> void emulateProjections(Op op, int64_t axis);
  template <typename Op> void emulateKeysAndValues(Op op);
  template <typename Op> void emulateLatent(Op op, bool absorbed);
  void emulateProgram(Operation *op);

  void round(OpOperand &operand, const Formats &formats, Place place);
  /// The rows of an activation, along its last dimension.
  void roundRows(OpOperand &operand, const Formats &formats,
                 bool unscaled = false);
  /// The same per head: [.., heads * D] is rounded as [.., heads, D].
  void roundHeads(OpOperand &operand, const Formats &formats, int64_t heads);
  void roundWeight(OpOperand &operand, std::optional<moe::FormatAttr> format,
                   int64_t axis);
  Value rounded(Operation *user, Value value, const Formats &formats,
                Place place);
  DictionaryAttr attributesFor(Format format, Place place, int64_t rank);
  bool isRounded(Value value, const Formats &formats, Place place);

  std::optional<Format> shippedFormat(Value weight);
  template <typename Op> void setInnerFormats(Op op);

  ModuleOp module;
  OpBuilder builder;
  ElementFormat fp8;
  bool hasFailed = false;
  /// What stands for a value in a block, by how it is rounded.
  DenseMap<std::pair<std::pair<Value, Block *>, Attribute>, Value> known;
  llvm::StringMap<SmallVector<func::CallOp>> callers;
};

//===----------------------------------------------------------------------===//
// Rounding a value
//===----------------------------------------------------------------------===//

/// Those of `formats` that round a tensor of this type.
Formats roundingFormats(RankedTensorType type, const Formats &formats) {
  std::optional<Format> own = moe::formatOf(type.getElementType());
  Formats left;
  for (Format format : formats)
    if (format != Format::f32 && format != own)
      left.push_back(format);
  return left;
}

DictionaryAttr Emulator::attributesFor(Format format, Place place,
                                       int64_t rank) {
  NamedAttrList attributes;
  attributes.set("format", builder.getStringAttr(spell(format)));
  attributes.set("axis", builder.getI64IntegerAttr(place.axis));
  if (format == Format::fp8 && fp8 != ElementFormat::e4m3fn)
    attributes.set("encoding", builder.getStringAttr(spell(fp8)));
  if (format == Format::fp8 && place.unscaled)
    attributes.set("unscaled", builder.getUnitAttr());
  // Only nvfp4 looks at it.
  if (format == Format::nvfp4 && place.tensorDims != rank)
    attributes.set("tensor_dims", builder.getI64IntegerAttr(place.tensorDims));
  return attributes.getDictionary(builder.getContext());
}

/// Whether `value` is what this pass makes of something.
bool Emulator::isRounded(Value value, const Formats &formats, Place place) {
  int64_t rank = tensorOf(value).getRank();
  for (Format format : llvm::reverse(formats)) {
    auto op = value.getDefiningOp<moe::FakeQuantizeOp>();
    if (!op || op->getAttrDictionary() != attributesFor(format, place, rank))
      return false;
    value = op.getInput();
  }
  return true;
}

Value Emulator::rounded(Operation *user, Value value, const Formats &formats,
                        Place place) {
  RankedTensorType type = tensorOf(value);
  Formats left = roundingFormats(type, formats);
  if (left.empty() || isRounded(value, left, place))
    return value;
  if (!isa<Float32Type, BFloat16Type, Float16Type>(type.getElementType())) {
    user->emitOpError("expects f32, bf16 or f16 to round to ")
        << spell(left.front()) << ", got " << type;
    hasFailed = true;
    return value;
  }
  if (type.isDynamicDim(place.axis)) {
    user->emitOpError("expects a static dimension ")
        << place.axis << " to round along, got " << type;
    hasFailed = true;
    return value;
  }
  builder.setInsertionPoint(user);
  for (Format format : left) {
    DictionaryAttr attributes = attributesFor(format, place, type.getRank());
    Value &result = known[{{value, user->getBlock()}, attributes}];
    if (!result)
      result =
          moe::FakeQuantizeOp::create(builder, user->getLoc(), TypeRange(type),
                                      ValueRange(value), attributes.getValue());
    value = result;
  }
  return value;
}

void Emulator::round(OpOperand &operand, const Formats &formats, Place place) {
  operand.set(rounded(operand.getOwner(), operand.get(), formats, place));
}

void Emulator::roundRows(OpOperand &operand, const Formats &formats,
                         bool unscaled) {
  round(operand, formats,
        {tensorOf(operand.get()).getRank() - 1, /*tensorDims=*/1, unscaled});
}

void Emulator::roundHeads(OpOperand &operand, const Formats &formats,
                          int64_t heads) {
  Value value = operand.get();
  Operation *user = operand.getOwner();
  RankedTensorType type = tensorOf(value);
  Formats left = roundingFormats(type, formats);
  if (left.empty())
    return;
  if (heads == 1)
    return roundRows(operand, left, /*unscaled=*/true);
  Place place{type.getRank(), /*tensorDims=*/1, /*unscaled=*/true};
  // What an earlier run made.
  auto merged = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (merged && tensorOf(merged.getSrc()).getRank() == type.getRank() + 1 &&
      isRounded(merged.getSrc(), left, place))
    return;
  if (!type.hasStaticShape()) {
    user->emitOpError("expects static shapes to round heads, got ") << type;
    hasFailed = true;
    return;
  }
  SmallVector<int64_t> shape(type.getShape());
  shape.back() /= heads;
  shape.insert(shape.end() - 1, heads);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i + 1 < type.getRank(); ++i)
    groups.push_back({i});
  groups.push_back({type.getRank() - 1, type.getRank()});
  builder.setInsertionPoint(user);
  Value split = tensor::ExpandShapeOp::create(builder, user->getLoc(),
                                              type.clone(shape), value, groups);
  split = rounded(user, split, left, place);
  operand.set(tensor::CollapseShapeOp::create(builder, user->getLoc(), type,
                                              split, groups));
}

void Emulator::roundWeight(OpOperand &operand,
                           std::optional<moe::FormatAttr> format,
                           int64_t axis) {
  if (!format)
    return;
  Formats formats = formatsOf(format);
  if (shippedFormat(operand.get()) == formats.front())
    formats.erase(formats.begin());
  round(operand, formats, {axis, /*tensorDims=*/2});
}

/// The format of the codes that a weight is dequantized from, wherever it comes
/// from; nothing if the callers of a layer do not agree.
std::optional<Format> Emulator::shippedFormat(Value weight) {
  if (auto op = weight.getDefiningOp<moe::DequantizeOp>())
    return op.storage();
  auto argument = dyn_cast<BlockArgument>(weight);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
               : func::FuncOp();
  if (!function)
    return std::nullopt;
  unsigned number = argument.getArgNumber();
  if (auto index =
          function.getArgAttrOfType<IntegerAttr>(number, kPreparedName)) {
    auto prepare = module.lookupSymbol<func::FuncOp>("prepare");
    if (!prepare || prepare.isExternal())
      return std::nullopt;
    Operation *end = prepare.getBody().front().getTerminator();
    return shippedFormat(end->getOperand(index.getInt()));
  }
  std::optional<Format> format;
  for (auto [at, call] : llvm::enumerate(callers[function.getName()])) {
    std::optional<Format> passed = shippedFormat(call->getOperand(number));
    if (!passed || (at > 0 && passed != format))
      return std::nullopt;
    format = passed;
  }
  return format;
}

//===----------------------------------------------------------------------===//
// Which operands
//===----------------------------------------------------------------------===//

template <typename Op> void Emulator::setInnerFormats(Op op) {
  SmallVector<Attribute> names;
  for (Format format : enteringFormats(op)) {
    if (format == Format::f32)
      continue;
    std::string name = spell(format).str();
    if (format == Format::fp8 && fp8 != ElementFormat::e4m3fn)
      name += ":" + spell(fp8).str();
    names.push_back(builder.getStringAttr(name));
  }
  if (!names.empty())
    op->setAttr(moe::kInnerFormatsAttr, builder.getArrayAttr(names));
}

/// mlp and experts, whose weights are contracted along `axis`.
template <typename Op> void Emulator::emulateProjections(Op op, int64_t axis) {
  if (op.getGate())
    roundWeight(op.getGateMutable()[0], op.getWeightFormat(), axis);
  roundWeight(op.getUpMutable(), op.getWeightFormat(), axis);
  roundWeight(op.getDownMutable(), op.getWeightFormat(), axis);
  setInnerFormats(op);
}

/// attention and sparse_attention.
template <typename Op> void Emulator::emulateKeysAndValues(Op op) {
  Formats kept = storageOf(op.getCacheFormat());
  roundHeads(op.getQueryMutable(), computeOf(op.getCacheFormat()),
             op.getHeads());
  roundHeads(op.getKeyMutable(), kept, op.getKvHeads());
  roundHeads(op.getValueMutable(), kept, op.getKvHeads());
  roundRows(op.getPastKeyMutable(), kept, /*unscaled=*/true);
  roundRows(op.getPastValueMutable(), kept, /*unscaled=*/true);
}

/// latent_attention, indexed_latent_attention and chosen_latent_attention.
template <typename Op> void Emulator::emulateLatent(Op op, bool absorbed) {
  bool expanded = tensorOf(op.getPastLatent()).getRank() == 4;
  Formats kept = storageOf(op.getCacheFormat());
  roundHeads(op.getQueryMutable(),
             computeOf(op.getCacheFormat() ? op.getCacheFormat()
                                           : op.getWeightFormat()),
             op.getHeads());
  // Expanded keys and values come to be inside the op: they are rounded when
  // they are read from the cache.
  for (OpOperand *operand : {&op.getLatentMutable(), &op.getRotaryKeyMutable()})
    if (!expanded)
      roundRows(*operand, kept, /*unscaled=*/true);
  for (OpOperand *operand :
       {&op.getPastLatentMutable(), &op.getPastRotaryKeyMutable()})
    roundRows(*operand, kept, /*unscaled=*/true);
  // [heads,L,Dn]: absorbed, it is the query that meets it, along Dn.
  roundWeight(op.getKeyUpMutable(), op.getWeightFormat(), absorbed ? 2 : 1);
  roundWeight(op.getValueUpMutable(), op.getWeightFormat(), 1);
}

/// A step whose kernels are written out reads from memory what the op that it
/// covers reads. What its programs convert and write, they round themselves.
void Emulator::emulateProgram(Operation *op) {
  auto covers = op->getAttrOfType<StringAttr>("covers");
  auto of = op->getAttrOfType<DictionaryAttr>("of");
  if (!covers || !of || op->getNumRegions() == 0)
    return;
  OperationName name(covers.getValue(), op->getContext());
  OperationState state(op->getLoc(), name);
  state.addOperands(op->getOperands());
  state.addTypes(op->getResultTypes());
  NamedAttrList attributes(of);
  auto stored = [&](StringRef format) {
    return moe::FormatAttr::get(op->getContext(), format, format);
  };
  for (NamedAttribute attribute : of)
    if (auto format = dyn_cast<moe::FormatAttr>(attribute.getValue()))
      attributes.set(attribute.getName(), stored(format.getStorage()));
  // Rows without a format of their own are converted in the kernel.
  if (llvm::is_contained(name.getAttributeNames(), "activation_format") &&
      !of.contains("activation_format"))
    attributes.set("activation_format", stored(spell(Format::f32)));
  state.addAttributes(attributes);
  builder.setInsertionPoint(op);
  Operation *covered = builder.create(state);
  emulate(covered);
  op->setOperands(covered->getOperands());
  covered->erase();
}

void Emulator::emulate(Operation *op) {
  auto send = [&](OpOperand &operand, auto op) {
    roundRows(operand, storageOf(op.getFormat()));
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](moe::LinearOp op) {
        roundRows(op.getInputMutable(), enteringFormats(op));
        roundWeight(op.getWeightMutable(), op.getWeightFormat(), 0);
      })
      .Case([&](moe::MlpOp op) {
        roundRows(op.getInputMutable(), enteringFormats(op));
        emulateProjections(op, 0);
      })
      .Case([&](moe::ExpertsOp op) {
        roundRows(op.getRowsMutable(), enteringFormats(op));
        emulateProjections(op, 1);
      })
      .Case([&](moe::DispatchOp op) {
        roundRows(op.getInputMutable(), storageOf(op.getActivationFormat()));
      })
      .Case([&](moe::AttentionOp op) { emulateKeysAndValues(op); })
      .Case([&](moe::SparseAttentionOp op) {
        emulateKeysAndValues(op);
        Formats kept = storageOf(op.getCacheFormat());
        roundRows(op.getIndexKeyMutable(), kept, /*unscaled=*/true);
        roundRows(op.getPastIndexMutable(), kept, /*unscaled=*/true);
      })
      .Case([&](moe::LatentAttentionOp op) {
        emulateLatent(op, op.getAbsorbed());
      })
      .Case([&](moe::IndexedLatentAttentionOp op) {
        emulateLatent(op, /*absorbed=*/true);
        Formats kept = storageOf(op.getCacheFormat());
        roundRows(op.getIndexKeyMutable(), kept, /*unscaled=*/true);
        roundRows(op.getPastIndexMutable(), kept, /*unscaled=*/true);
      })
      .Case([&](moe::GroupedLinearOp op) {
        roundRows(op.getInputMutable(), enteringFormats(op));
        roundWeight(op.getWeightMutable(), op.getWeightFormat(), 1);
      })
      .Case([&](moe::PooledAttentionOp op) {
        Formats kept = storageOf(op.getCacheFormat());
        roundHeads(op.getQueryMutable(), computeOf(op.getCacheFormat()),
                   op.getHeads());
        roundRows(op.getKeyMutable(), kept, /*unscaled=*/true);
        roundRows(op.getPastKeyMutable(), kept, /*unscaled=*/true);
        // Entries are kept as they come out of the pool.
        for (MutableOperandRange entries :
             {op.getEntriesMutable(), op.getIndexEntriesMutable()})
          for (OpOperand &operand : entries)
            roundRows(operand, kept, /*unscaled=*/true);
      })
      .Case([&](moe::ChosenLatentAttentionOp op) {
        emulateLatent(op, /*absorbed=*/true);
      })
      // Keys and values were rounded where they were appended.
      .Case([&](moe::SharedAttentionOp op) {
        roundHeads(op.getQueryMutable(), computeOf(op.getCacheFormat()),
                   op.getHeads());
      })
      .Case<AllReduceOp, ReduceScatterOp, SendOp, PackOp>(
          [&](auto op) { send(op.getInputMutable(), op); })
      .Case<AllGatherOp, AllToAllVOp>([&](auto op) {
        // The others are metadata.
        if (!op.getInputs().empty())
          send(op.getInputsMutable()[0], op);
      })
      .Default([&](Operation *op) { emulateProgram(op); });
}

LogicalResult Emulator::run() {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    ops.push_back(op);
    if (auto call = dyn_cast<func::CallOp>(op))
      callers[call.getCallee()].push_back(call);
  });
  for (Operation *op : ops)
    emulate(op);
  return failure(hasFailed);
}

struct SpmdEmulateFormats
    : public portolan::spmd::impl::SpmdEmulateFormatsBase<SpmdEmulateFormats> {
  using SpmdEmulateFormatsBase::SpmdEmulateFormatsBase;

  void runOnOperation() override {
    std::optional<ElementFormat> encoding = parseElementFormat(fp8);
    if (!encoding || !quantizationOf(Format::fp8, encoding)) {
      getOperation().emitError("fp8: expects e4m3fn, e5m2, e4m3, e4m3fnuz or "
                               "e4m3b11fnuz, got '")
          << fp8 << "'";
      return signalPassFailure();
    }
    if (failed(emulateFormats(getOperation(), *encoding)))
      signalPassFailure();
  }
};

} // namespace

LogicalResult spmd::emulateFormats(ModuleOp module, ElementFormat fp8) {
  // A caller outside of a pass may not have loaded what is created.
  module.getContext()->loadDialect<moe::MoeDialect, tensor::TensorDialect>();
  return Emulator(module, fp8).run();
}
