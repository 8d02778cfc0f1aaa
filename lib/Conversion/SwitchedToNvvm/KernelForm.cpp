//===- KernelForm.cpp - a kernel program as it is emitted -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/KernelForm.h"
#include "lib/Conversion/SwitchedToNvvm/Descriptors.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

/// Registers of a thread that sums may take: 255 can be named, and addresses,
/// barriers and the epilogue need the rest.
static constexpr int64_t kSumRegisters = 208;

/// Lanes of tensor memory.
static constexpr int64_t kLanes = 128;

InFlightDiagnostic kernels::refuse(Operation *op, StringRef label,
                                   const Twine &text) {
  return op->emitOpError(text) << " (switched." << label << ")";
}

static Format formatOf(SmemType type) { return *parseFormat(type.getFormat()); }

int64_t kernels::scaleWords(SmemType type) {
  int64_t block = scaleBlock(formatOf(type));
  return block ? int64_t(llvm::divideCeil(type.getContraction(), 4 * block))
               : 0;
}

int64_t kernels::elementBytes(SmemType type) {
  return type.getRows() * type.getContraction() * packedBits(formatOf(type)) /
         8;
}

int64_t KernelForm::experts() const {
  return cast<MemRefType>(ForTilesOp(tiles).getCounts().getType())
      .getDimSize(0);
}

namespace {

/// Reads one program.
class Reader {
public:
  Reader(KernelForm &form, const Core &core) : form(form), core(core) {}
  LogicalResult read();

private:
  LogicalResult readFrame();
  LogicalResult readPipeline();
  LogicalResult addProduct(Operation *op, Product product);
  LogicalResult checkSums();
  LogicalResult checkTiles();
  LogicalResult placeShared();
  int64_t stageStride(Value tile);
  LogicalResult addParameters();
  void addLoad(TmaLoadOp load);
  Parameter mapOf(Value global, SmemType tile, bool transposed, bool swizzled);
  unsigned add(Parameter parameter);

  KernelForm &form;
  const Core &core;
};

LogicalResult noEmission(Operation *op) {
  return refuse(op, "ptx_program_c1",
                "expects a program of one for_tiles with a pipeline, an "
                "epilogue and a store");
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult Reader::readFrame() {
  for (Operation &op : form.kernel.getBody().front()) {
    if (auto alloc = dyn_cast<TmemAllocOp>(op))
      form.tensorTiles.push_back(alloc);
    if (isa<SmemAllocOp, TmemAllocOp, RegisterAllocOp, MbarrierInitOp, YieldOp>(
            op))
      continue;
    auto tiles = dyn_cast<ForTilesOp>(op);
    if (!tiles || form.tiles)
      return noEmission(&op);
    form.tiles = tiles;
  }
  if (!form.tiles)
    return noEmission(form.kernel);
  for (Operation &op : form.tiles.getBody().front()) {
    bool isNext =
        TypeSwitch<Operation *, bool>(&op)
            .Case([&](PipelineOp found) {
              return !std::exchange(form.pipeline, found);
            })
            .Case([&](EpilogueOp found) {
              return form.pipeline && !std::exchange(form.epilogue, found);
            })
            .Case([&](TmaStoreOp found) {
              return form.epilogue && !std::exchange(form.store, found);
            })
            .Case([&](YieldOp) { return bool(form.store); })
            .Default(false);
    if (!isNext)
      return noEmission(&op);
  }
  if (form.store.getTile() != form.epilogue.getResult())
    return noEmission(form.store);
  return success();
}

LogicalResult Reader::addProduct(Operation *op, Product product) {
  product.format = formatOf(product.tokenType());
  if (product.format == Format::int8)
    return refuse(op, "ptx_format_c1",
                  "expects operands whose sums are f32, got " +
                      spell(product.format));
  if (!isa<SmemType>(product.weights.getType()))
    return refuse(op, "ptx_convert_c1", "expects weights in shared memory");
  form.products.push_back(product);
  return success();
}

LogicalResult Reader::readPipeline() {
  for (Operation &op : form.pipeline.getProduce().front()) {
    if (auto load = dyn_cast<TmaLoadOp>(op)) {
      if (int64_t(load.getMulticast()) != 1)
        return refuse(load, "ptx_multicast_c1",
                      "expects loads into one block, got a multicast");
      form.loads.push_back(load);
    } else if (!isa<MbarrierWaitOp, MbarrierExpectOp, YieldOp>(op)) {
      return noEmission(&op);
    }
  }
  for (Operation &op : form.pipeline.getConsume().front()) {
    if (isa<ConvertOp>(op))
      return refuse(&op, "ptx_convert_c1",
                    "expects operands stored in the format that they are "
                    "computed in");
    if (auto product = dyn_cast<WgmmaOp>(op)) {
      if (failed(addProduct(&op, {product.getWeights(), product.getTokens(),
                                  product.getSums(), Value(), Value()})))
        return failure();
    } else if (auto product = dyn_cast<Tcgen05MmaOp>(op)) {
      form.tensorMemory = true;
      form.pair |= product.getCtaPair();
      if (failed(addProduct(&op, {product.getWeights(), product.getTokens(),
                                  product.getSums(), product.getWeightScales(),
                                  product.getTokenScales()})))
        return failure();
    } else if (!isa<MbarrierWaitOp, MbarrierArriveOp, Tcgen05CopyScalesOp,
                    YieldOp>(op)) {
      // A copy of scales is that of the product that names them.
      return noEmission(&op);
    }
  }
  if (form.products.empty())
    return noEmission(form.pipeline);
  if (form.tensorMemory)
    form.roles.issuerWarp = form.roles.producerWarp + 1;
  if (form.products.front().tokenScales)
    form.roles.scaleWarp = form.roles.issuerWarp + 1;
  return success();
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

LogicalResult Reader::checkSums() {
  // Each product has sums of its own, and the epilogue takes them.
  SmallVector<Value> sums, taken = {form.epilogue.getSums()};
  if (form.epilogue.getGate())
    taken.push_back(form.epilogue.getGate());
  int64_t registers = 0, tokens = form.products.front().tokenType().getRows();
  for (const Product &product : form.products) {
    sums.push_back(product.sums);
    registers += tokens / 2;
    auto tensor = dyn_cast<TmemType>(product.sums.getType());
    if (bool(tensor) != form.tensorMemory ||
        (tensor && tensor.getRows() != kLanes))
      return refuse(form.pipeline, "ptx_sums_c1",
                    "expects all sums in registers, or all on the 128 lanes of "
                    "tensor memory");
    if (product.tokens != form.products.front().tokens ||
        product.format != form.products.front().format)
      return refuse(form.pipeline, "ptx_program_c4",
                    "expects products of the same tokens");
  }
  if (sums != taken)
    return refuse(form.epilogue, "ptx_program_c2",
                  "expects the sums of the products, in their order");
  if (!form.tensorMemory && registers > kSumRegisters)
    return refuse(form.epilogue, "ptx_registers_c1",
                  "expects at most " + Twine(kSumRegisters) +
                      " registers of sums, got " + Twine(registers));
  if (form.epilogue.getActivation() == moe::Activation::gelu)
    return refuse(form.epilogue, "ptx_activation_c1",
                  "expects an activation without an error function");
  int64_t cluster = form.kernel.getCluster();
  if (form.pair && cluster != 2)
    return refuse(form.kernel, "ptx_pair_c1",
                  "expects a pair to be its cluster of 2 blocks, got " +
                      Twine(cluster));
  return success();
}

LogicalResult Reader::checkTiles() {
  for (TmaLoadOp load : form.loads) {
    SmemType tile = load.getTile().getType();
    int64_t bytes = elementBytes(tile) / tile.getRows();
    if (bytes != kSwizzleBytes || tile.getRows() % kSwizzleRows != 0)
      return refuse(load, "ptx_layout_c1",
                    "expects tiles of whole swizzles, 8 rows of 128 bytes, "
                    "got " +
                        Twine(tile.getRows()) + " of " + Twine(bytes));
  }
  SmemType result = form.epilogue.getResult().getType();
  Format format = formatOf(result);
  bool isScaled = scaleBlock(format) != 0;
  if (format == Format::f32 || format == Format::int8 ||
      format == Format::int4 || (isScaled && !form.tensorMemory))
    return refuse(form.epilogue, "ptx_format_c2",
                  "expects results in a float format that the matrix unit "
                  "takes, got " +
                      spell(format));
  auto target = cast<MemRefType>(form.store.getTarget().getType());
  auto counts = cast<MemRefType>(form.tiles.getCounts().getType());
  if (target.getRank() != 2 || target.isDynamicDim(1) ||
      (isScaled && target.isDynamicDim(0)) ||
      target.getDimSize(1) != int64_t(form.tiles.getColumns()) ||
      counts.isDynamicDim(0))
    return form.store.emitOpError("expects results [rows, columns] and counts "
                                  "of known sizes, got ")
           << Type(target) << " and " << Type(counts)
           << " (switched.ptx_program_c3)";
  return success();
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

int64_t Reader::stageStride(Value tile) {
  auto type = cast<SmemType>(tile.getType());
  int64_t bytes = type.getStageBytes();
  // Scales of tokens stand in units of 128 rows, in both blocks of a pair those
  // of all tokens.
  for (const Product &product : form.products)
    if (tile == product.tokens && product.tokenScales)
      bytes = elementBytes(type) +
              kScaleUnitBytes * scaleWords(type) *
                  int64_t(llvm::divideCeil(uint64_t(form.tiles.getTokenTile()),
                                           uint64_t(kScaleRows)));
  return int64_t(llvm::alignTo(uint64_t(bytes), kSwizzleRepeat));
}

LogicalResult Reader::placeShared() {
  int64_t end = 0;
  for (auto alloc : form.kernel.getBody().getOps<SmemAllocOp>()) {
    Value tile = alloc.getTile();
    form.offsets[tile] = end;
    form.strides[tile] = stageStride(tile);
    end += alloc.getTile().getType().getStages() * form.strides[tile];
  }
  for (auto init : form.kernel.getBody().getOps<MbarrierInitOp>()) {
    form.offsets[init.getTile()] = end;
    form.strides[init.getTile()] = 8;
    end += 8 * init.getTile().getType().getStages();
  }
  auto take = [&](int64_t bytes) { return std::exchange(end, end + bytes); };
  if (form.tensorMemory) {
    form.sumsFull = take(8);
    form.sumsFree = take(8);
    if (form.isScaled())
      form.scalesReady = take(8 * int64_t(form.pipeline.getStages()));
    form.tensorAddresses = take(4 * int64_t(form.tensorTiles.size()));
  }
  form.sharedBytes = end;
  if (double(end) > core.sharedMemoryBytes.nominal())
    return refuse(form.kernel, "ptx_smem_c1",
                  "expects at most " +
                      Twine(int64_t(core.sharedMemoryBytes.nominal())) +
                      " bytes of shared memory, got " + Twine(end));
  return success();
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

Parameter Reader::mapOf(Value global, SmemType tile, bool transposed,
                        bool swizzled) {
  Parameter map;
  map.argument = cast<BlockArgument>(global).getArgNumber();
  map.isMap = true;
  map.format = formatOf(tile);
  map.box = {tile.getContraction(), tile.getRows()};
  auto type = cast<MemRefType>(global.getType());
  for (int64_t size : llvm::reverse(type.getShape()))
    map.sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
  if (transposed)
    std::swap(map.sizes[0], map.sizes[1]);
  map.box.resize(map.sizes.size(), 1);
  map.swizzleBytes = swizzled ? kSwizzleBytes : 0;
  return map;
}

unsigned Reader::add(Parameter parameter) {
  form.parameters.push_back(std::move(parameter));
  return form.parameters.size() - 1;
}

void Reader::addLoad(TmaLoadOp load) {
  SmemType tile = load.getTile().getType();
  form.maps[load] = add(mapOf(load.getSource(), tile, load.getTransposed(),
                              /*swizzled=*/true));
  if (!form.isScaled())
    return;
  // Scales of tokens: a word of four per row, rows innermost. Of weights, which
  // are prepared: units of 128 rows as the matrix unit has them.
  Parameter scales = form.parameters[form.maps[load]];
  scales.ofScales = true;
  scales.swizzleBytes = 0;
  int64_t block = scaleBlock(scales.format);
  int64_t words = int64_t(llvm::divideCeil(
      uint64_t(form.pipeline.getContraction()), uint64_t(4 * block)));
  int64_t rows = scales.sizes[1];
  if (load.getTile() == form.products.front().tokens) {
    scales.sizes = {rows, words};
    scales.box = {int64_t(form.tiles.getTokenTile()), 1};
  } else {
    SmallVector<int64_t> outer(llvm::drop_begin(scales.sizes, 2));
    scales.sizes = {kScaleRows, words,
                    rows < 0 ? -1
                             : int64_t(llvm::divideCeil(uint64_t(rows),
                                                        uint64_t(kScaleRows)))};
    llvm::append_range(scales.sizes, outer);
    scales.box = {kScaleRows, scaleWords(tile)};
    scales.box.resize(scales.sizes.size(), 1);
  }
  form.scaleMaps[load] = add(scales);
}

LogicalResult Reader::addParameters() {
  auto isArgument = [&](Value value) {
    return isa<BlockArgument>(value) &&
           value.getParentBlock() == &form.kernel.getBody().front();
  };
  for (TmaLoadOp load : form.loads) {
    if (!isArgument(load.getSource()))
      return noEmission(load);
    addLoad(load);
  }
  if (!isArgument(form.store.getTarget()) ||
      !isArgument(form.tiles.getCounts()))
    return noEmission(form.store);
  // Not swizzled, so that the rows of a partial tile are copied one by one.
  SmemType result = form.store.getTile().getType();
  form.maps[form.store] = add(mapOf(form.store.getTarget(), result,
                                    /*transposed=*/false, /*swizzled=*/false));
  auto addPointer = [&](Value value, bool ofScales) {
    Parameter parameter;
    parameter.argument = cast<BlockArgument>(value).getArgNumber();
    parameter.ofScales = ofScales;
    parameter.format = formatOf(result);
    return add(parameter);
  };
  form.targetPointer = addPointer(form.store.getTarget(), false);
  if (scaleBlock(formatOf(result)))
    form.targetScalesPointer = addPointer(form.store.getTarget(), true);
  form.countsPointer = addPointer(form.tiles.getCounts(), false);
  return success();
}

LogicalResult Reader::read() {
  return success(succeeded(readFrame()) && succeeded(readPipeline()) &&
                 succeeded(checkSums()) && succeeded(checkTiles()) &&
                 succeeded(placeShared()) && succeeded(addParameters()));
}

} // namespace

FailureOr<KernelForm> kernels::formOf(KernelOp kernel, const Core &core) {
  KernelForm form;
  form.kernel = kernel;
  if (failed(Reader(form, core).read()))
    return failure();
  return form;
}
