//===- KernelWriter.cpp - the frame of an emitted kernel ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Barriers are made by one thread and seen by all; then each warp does what its
// role says until the tiles are used up.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

LLVM::LLVMFuncOp kernels::createFunction(Emitter &e, StringRef name,
                                         ArrayRef<Parameter> parameters,
                                         int64_t threads, int64_t cluster) {
  OpBuilder &b = e.builder();
  MLIRContext *context = e.context();
  SmallVector<Type> types;
  for (const Parameter &parameter : parameters)
    types.push_back(e.pointer(parameter.isMap ? kGeneric : kGlobal));
  auto function = e.create<LLVM::LLVMFuncOp>(
      name,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types));
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    b.getDenseI32ArrayAttr({int32_t(threads)}));
  if (cluster > 1)
    function->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(),
                      b.getDenseI32ArrayAttr({int32_t(cluster)}));
  // A tensor map is passed by value and read where it was passed.
  for (auto [i, parameter] : llvm::enumerate(parameters)) {
    if (!parameter.isMap)
      continue;
    function.setArgAttr(
        i, LLVM::LLVMDialect::getByValAttrName(),
        TypeAttr::get(LLVM::LLVMArrayType::get(b.getIntegerType(8), 128)));
    function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                        b.getI64IntegerAttr(64));
    function.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(),
                        b.getUnitAttr());
  }
  return function;
}

LLVM::LLVMFuncOp KernelWriter::write(StringRef name) {
  OpBuilder &b = e.builder();
  int64_t cluster = form.kernel.getCluster();
  LLVM::LLVMFuncOp function =
      createFunction(e, name, form.parameters, form.roles.threads(), cluster);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(function.addEntryBlock(b));
  parameters.assign(function.args_begin(), function.args_end());
  nameThreads();
  initBarriers();
  if (form.tensorMemory)
    allocateTensorTiles();
  syncBlocks();
  if (form.tensorMemory)
    readTensorAddresses();
  e.when(e.equal(warp, form.roles.producerWarp),
         [&] { e.when(e.elected(), [&] { writeProducer(); }); });
  if (form.tensorMemory) {
    // The first block of a pair issues for both.
    Value issues = e.equal(warp, form.roles.issuerWarp);
    if (form.pair)
      issues = e.both(issues, e.equal(rank, 0));
    e.when(issues, [&] { e.when(e.elected(), [&] { writeIssuer(); }); });
  }
  if (form.isScaled())
    e.when(e.equal(warp, form.roles.scaleWarp), [&] { orderScales(); });
  e.when(e.less(warp, e.constant(form.roles.drainWarps)), [&] {
    if (form.tensorMemory)
      drainTensorTiles();
    else
      writeWarpgroup();
  });
  // No block ends while another one may still signal its barriers, and no
  // tensor memory is freed that is still read.
  if (cluster > 1 || form.tensorMemory)
    syncBlocks();
  if (form.tensorMemory)
    freeTensorTiles();
  e.create<LLVM::ReturnOp>(ValueRange());
  return function;
}

void KernelWriter::nameThreads() {
  shared = e.create<LLVM::AddressOfOp>(e.pointer(kShared), kSharedMemory);
  thread = e.create<NVVM::ThreadIdXOp>(e.i32());
  lane = e.rem(thread, 32);
  // The compiler knows the warp to be the same in all lanes if one tells it.
  warp = e.create<NVVM::ShflOp>(e.i32(), e.constant(-1), e.div(thread, 32),
                                e.constant(0), e.constant(31),
                                NVVM::ShflKind::idx, UnitAttr());
  Value block = e.create<NVVM::BlockIdXOp>(e.i32());
  int64_t size = form.kernel.getCluster();
  cluster = e.div(block, size);
  rank = size == 1 ? e.constant(0) : e.rem(block, size);
}

void KernelWriter::initBarriers() {
  e.when(e.equal(thread, 0), [&] {
    for (auto init : form.kernel.getBody().getOps<MbarrierInitOp>()) {
      Value ring = init.getTile();
      // One arrival of a warpgroup is one of each of its warps: a warp knows
      // only of its own part that it has been read.
      int64_t arrivals = int64_t(init.getArrivals());
      if (ring == form.pipeline.getFree() && !form.tensorMemory)
        arrivals *= form.roles.drainWarps;
      for (int64_t i = 0; i < init.getTile().getType().getStages(); ++i)
        e.initBarrier(e.advance(shared, form.offsets[ring] + 8 * i), arrivals);
    }
    if (form.tensorMemory) {
      int64_t blocks = form.blocksOfProduct();
      e.initBarrier(e.advance(shared, form.sumsFull), 1);
      e.initBarrier(e.advance(shared, form.sumsFree), blocks * drainThreads());
      if (form.isScaled())
        for (int64_t i = 0; i < stages(); ++i)
          e.initBarrier(e.advance(shared, form.scalesReady + 8 * i), blocks);
    }
    e.create<NVVM::FenceMbarrierInitOp>();
  });
}

void KernelWriter::syncBlocks() {
  // The barrier below wants whole warps.
  e.syncWarp();
  if (form.kernel.getCluster() == 1) {
    e.create<NVVM::Barrier0Op>();
    return;
  }
  e.create<NVVM::ClusterArriveOp>(UnitAttr());
  e.create<NVVM::ClusterWaitOp>(UnitAttr());
}

TileWalk KernelWriter::walk() const {
  TileWalk walk;
  walk.counts = parameters[form.countsPointer];
  walk.experts = form.experts();
  walk.tokenTile = form.tiles.getTokenTile();
  walk.columnTile = form.tiles.getColumnTile();
  walk.columns = form.tiles.getColumns();
  walk.clusterSize = form.kernel.getCluster();
  walk.clusters = form.kernel.getUnits() / form.kernel.getCluster();
  walk.cluster = cluster;
  walk.rank = rank;
  return walk;
}

Values KernelWriter::forTiles(
    ValueRange carried,
    llvm::function_ref<Values(const Tile &, ValueRange)> body) {
  return emitTileWalk(e, walk(), carried, body);
}

Value KernelWriter::stageOf(Value ring, Value stage) {
  return e.advance(e.advance(shared, form.offsets[ring]),
                   e.mul(stage, form.strides[ring]));
}

Value KernelWriter::matrixAt(Value place, uint64_t fields) {
  Value field = e.create<arith::ShRUIOp>(
      e.create<arith::AndIOp>(e.addressOf(place), e.constant(0x3FFFF)),
      e.constant(4));
  Value wide = e.create<arith::ExtUIOp>(e.builder().getI64Type(), field);
  return e.create<arith::OrIOp>(wide, e.constant64(fields));
}

Value KernelWriter::descriptorOf(Value tile, Value stage, uint64_t fields) {
  return matrixAt(stageOf(tile, stage), fields);
}
