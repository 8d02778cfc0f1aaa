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

InFlightDiagnostic kernels::refuse(Operation *op, StringRef label,
                                   const Twine &text) {
  return op->emitOpError(text) << " (switched." << label << ")";
}

int64_t kernels::stageStride(SmemType type) {
  return int64_t(llvm::alignTo(uint64_t(type.getStageBytes()), kSwizzleRepeat));
}

int64_t KernelForm::experts() const {
  return cast<MemRefType>(ForTilesOp(tiles).getCounts().getType())
      .getDimSize(0);
}

namespace {

/// Reads one program.
class Reader {
public:
  explicit Reader(KernelForm &form) : form(form) {}
  LogicalResult read();

private:
  LogicalResult readFrame();
  LogicalResult readPipeline();
  LogicalResult checkProducts();
  LogicalResult checkTiles();
  LogicalResult placeShared();
  LogicalResult addParameters();
  Parameter mapOf(Value global, SmemType tile, bool transposed, bool swizzled);
  unsigned add(Parameter parameter);

  KernelForm &form;
};

LogicalResult noEmission(Operation *op) {
  return refuse(op, "ptx_program_c1",
                "expects a program of one for_tiles with a pipeline, an "
                "epilogue and a store");
}

LogicalResult Reader::readFrame() {
  for (Operation &op : form.kernel.getBody().front()) {
    if (isa<SmemAllocOp, RegisterAllocOp, MbarrierInitOp, YieldOp>(op))
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
    if (auto product = dyn_cast<WgmmaOp>(op))
      form.products.push_back(product);
    else if (!isa<MbarrierWaitOp, MbarrierArriveOp, YieldOp>(op))
      return noEmission(&op);
  }
  return success();
}

LogicalResult Reader::checkProducts() {
  SmallVector<Value> sums;
  for (WgmmaOp product : form.products) {
    Format format = *parseFormat(product.getTokens().getType().getFormat());
    if (format != Format::bf16 && format != Format::fp16 &&
        format != Format::fp8)
      return refuse(product, "ptx_format_c1",
                    "expects operands whose sums are f32, got " +
                        spell(format));
    if (!isa<SmemType>(product.getWeights().getType()))
      return refuse(product, "ptx_convert_c1",
                    "expects weights in shared memory");
    sums.push_back(product.getSums());
  }
  // Each product has sums of its own, and the epilogue takes them.
  SmallVector<Value> taken = {form.epilogue.getSums()};
  if (form.epilogue.getGate())
    taken.push_back(form.epilogue.getGate());
  if (sums != taken)
    return refuse(form.epilogue, "ptx_program_c2",
                  "expects the sums of the products, in their order");
  int64_t registers = 0;
  for (Value value : sums) {
    auto type = cast<RegistersType>(value.getType());
    registers += type.getRows() * type.getColumns() / 128;
  }
  if (registers > kSumRegisters)
    return refuse(form.epilogue, "ptx_registers_c1",
                  "expects at most " + Twine(kSumRegisters) +
                      " registers of sums, got " + Twine(registers));
  if (form.epilogue.getActivation() == moe::Activation::gelu)
    return refuse(form.epilogue, "ptx_activation_c1",
                  "expects an activation without an error function");
  return success();
}

LogicalResult Reader::checkTiles() {
  for (TmaLoadOp load : form.loads) {
    SmemType tile = load.getTile().getType();
    int64_t bytes =
        tile.getContraction() * packedBits(*parseFormat(tile.getFormat())) / 8;
    if (bytes != kSwizzleBytes || tile.getRows() % kSwizzleRows != 0)
      return refuse(load, "ptx_layout_c1",
                    "expects tiles of whole swizzles, 8 rows of 128 bytes, "
                    "got " +
                        Twine(tile.getRows()) + " of " + Twine(bytes));
  }
  SmemType result = form.epilogue.getResult().getType();
  Format format = *parseFormat(result.getFormat());
  if (format != Format::bf16 && format != Format::fp16 && format != Format::fp8)
    return refuse(form.epilogue, "ptx_format_c2",
                  "expects results in bf16, fp16 or fp8, got " + spell(format));
  auto target = cast<MemRefType>(form.store.getTarget().getType());
  auto counts = cast<MemRefType>(form.tiles.getCounts().getType());
  if (target.getRank() != 2 || target.isDynamicDim(1) ||
      target.getDimSize(1) != int64_t(form.tiles.getColumns()) ||
      counts.isDynamicDim(0))
    return form.store.emitOpError("expects results [rows, columns] and counts "
                                  "of known sizes, got ")
           << Type(target) << " and " << Type(counts)
           << " (switched.ptx_program_c3)";
  return success();
}

LogicalResult Reader::placeShared() {
  int64_t end = 0;
  for (auto alloc : form.kernel.getBody().getOps<SmemAllocOp>()) {
    SmemType type = alloc.getTile().getType();
    form.offsets[alloc.getTile()] = end;
    end += type.getStages() * stageStride(type);
  }
  for (auto init : form.kernel.getBody().getOps<MbarrierInitOp>()) {
    form.offsets[init.getTile()] = end;
    end += 8 * init.getTile().getType().getStages();
  }
  form.sharedBytes = end;
  return success();
}

Parameter Reader::mapOf(Value global, SmemType tile, bool transposed,
                        bool swizzled) {
  Parameter map;
  map.argument = cast<BlockArgument>(global).getArgNumber();
  map.isMap = true;
  map.format = *parseFormat(tile.getFormat());
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

LogicalResult Reader::addParameters() {
  auto isArgument = [&](Value value) {
    return isa<BlockArgument>(value) &&
           value.getParentBlock() == &form.kernel.getBody().front();
  };
  for (TmaLoadOp load : form.loads) {
    if (!isArgument(load.getSource()))
      return noEmission(load);
    form.maps[load] = add(mapOf(load.getSource(), load.getTile().getType(),
                                load.getTransposed(), /*swizzled=*/true));
  }
  if (!isArgument(form.store.getTarget()) ||
      !isArgument(form.tiles.getCounts()))
    return noEmission(form.store);
  // Not swizzled, so that the rows of a partial tile are copied one by one.
  form.maps[form.store] =
      add(mapOf(form.store.getTarget(), form.store.getTile().getType(),
                /*transposed=*/false, /*swizzled=*/false));
  auto addPointer = [&](Value value) {
    Parameter parameter;
    parameter.argument = cast<BlockArgument>(value).getArgNumber();
    return add(parameter);
  };
  form.targetPointer = addPointer(form.store.getTarget());
  form.countsPointer = addPointer(form.tiles.getCounts());
  return success();
}

LogicalResult Reader::read() {
  return success(succeeded(readFrame()) && succeeded(readPipeline()) &&
                 succeeded(checkProducts()) && succeeded(checkTiles()) &&
                 succeeded(placeShared()) && succeeded(addParameters()));
}

} // namespace

FailureOr<KernelForm> kernels::formOf(KernelOp kernel) {
  KernelForm form;
  form.kernel = kernel;
  if (failed(Reader(form).read()))
    return failure();
  return form;
}
