//===- SwitchedKernelProgram.cpp - the frame of a kernel program ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// The region ends in a switched.yield of nothing.
static LogicalResult verifyProgramEnd(Operation *op, Region &region) {
  auto yield = region.front().empty()
                   ? YieldOp()
                   : dyn_cast<YieldOp>(&region.front().back());
  if (yield && yield.getValues().empty())
    return success();
  return op->emitOpError("expects a region that ends in a switched.yield of "
                         "nothing");
}

LogicalResult switched::verifyProgramRegion(Operation *op, Region &region,
                                            unsigned indices) {
  if (region.getNumArguments() != indices ||
      !llvm::all_of(region.getArgumentTypes(),
                    [](Type type) { return type.isIndex(); }))
    return op->emitOpError("expects a region of ")
           << indices << " indices, got " << region.getArgumentTypes();
  return verifyProgramEnd(op, region);
}

//===----------------------------------------------------------------------===//
// Step and kernel
//===----------------------------------------------------------------------===//

LogicalResult KernelStepOp::verifyRegions() {
  return verifyKernelStep(*this, getBody());
}

LogicalResult KernelTransferOp::verifyRegions() {
  return verifyKernelTransfer(*this, getBody());
}

LogicalResult KernelOp::verifyRegions() {
  // kernel_c1
  SmallVector<Type> expected;
  for (Type type :
       llvm::concat<const Type>(llvm::to_vector_of<Type>(getOperandTypes()),
                                llvm::to_vector_of<Type>(getResultTypes()))) {
    auto tensor = cast<RankedTensorType>(type);
    if (!BaseMemRefType::isValidElementType(tensor.getElementType()))
      return emitOpError("expects numbers in global memory, got ") << tensor;
    expected.push_back(
        MemRefType::get(tensor.getShape(), tensor.getElementType()));
  }
  if (getBody().getArgumentTypes() != TypeRange(expected))
    return emitOpError("expects a region of its operands and results in global "
                       "memory, got ")
           << getBody().getArgumentTypes();
  if (failed(verifyProgramEnd(*this, getBody())))
    return failure();
  // kernel_c2
  int64_t cluster = getCluster(), units = getUnits();
  if (cluster < 1 || cluster > 16 || (cluster & (cluster - 1)) != 0)
    return emitOpError("expects a cluster of 1, 2, 4, 8 or 16 blocks, got ")
           << cluster;
  // kernel_c3
  if (units < 1 || units % cluster != 0)
    return emitOpError("expects units in whole clusters of ")
           << cluster << ", got " << units;
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult ForTilesOp::verifyRegions() {
  // for_tiles_c1
  for (int64_t size : {int64_t(getTokenTile()), int64_t(getColumnTile()),
                       int64_t(getColumns())})
    if (size < 1)
      return emitOpError("expects tiles and columns of at least 1, got ")
             << size;
  auto counts = cast<MemRefType>(getCounts().getType());
  if (counts.getRank() != 1 || !counts.getElementType().isInteger(32))
    return emitOpError("expects one i32 count per expert, got ") << counts;
  return verifyProgramRegion(*this, getBody(), /*indices=*/4);
}

/// Barriers that the ops `Op` of a block name.
template <typename Op> static bool hasOneOf(Region &region, Value barrier) {
  auto ops = region.front().getOps<Op>();
  return std::distance(ops.begin(), ops.end()) == 1 &&
         (*ops.begin()).getBarrier() == barrier;
}

/// What crosses from one side to the other: rules pipeline_c3 and c4.
LogicalResult switched::verifyHandshake(Operation *op, Region &produce,
                                        Region &consume, Value full,
                                        Value free) {
  // pipeline_c3
  if (!hasOneOf<MbarrierWaitOp>(produce, free) ||
      !hasOneOf<MbarrierExpectOp>(produce, full))
    return op->emitOpError("expects a producer that waits once for free and "
                           "expects bytes once at full");
  if (!hasOneOf<MbarrierWaitOp>(consume, full) ||
      !hasOneOf<MbarrierArriveOp>(consume, free))
    return op->emitOpError("expects a consumer that waits once for full and "
                           "arrives once at free");
  // pipeline_c4: both blocks of a pair signal the barrier of the first.
  bool pair = llvm::any_of(consume.front().getOps<Tcgen05MmaOp>(),
                           [](Tcgen05MmaOp mma) { return mma.getCtaPair(); });
  int64_t bytes = 0;
  for (auto load : produce.front().getOps<TmaLoadOp>()) {
    if (load.getBarrier() != full)
      return load.emitOpError("expects to signal the full barrier of its "
                              "pipeline");
    bytes += load.getTile().getType().getStageBytes() * (pair ? 2 : 1);
  }
  auto expect = *produce.front().getOps<MbarrierExpectOp>().begin();
  if (int64_t(expect.getBytes()) != bytes)
    return expect.emitOpError("expects the ")
           << bytes << " bytes of the loads, got " << expect.getBytes();
  return success();
}

LogicalResult PipelineOp::verifyRegions() {
  // pipeline_c1
  for (int64_t size : {int64_t(getContraction()), int64_t(getBlock())})
    if (size < 1)
      return emitOpError("expects contraction and block of at least 1, got ")
             << size;
  for (Region *region : {&getProduce(), &getConsume()}) {
    if (failed(verifyProgramRegion(*this, *region, /*indices=*/2)))
      return failure();
    // pipeline_c2
    for (Operation &op : region->front())
      for (Value operand : op.getOperands()) {
        auto tile = dyn_cast<SmemType>(operand.getType());
        bool isRing = isa<TmaLoadOp, Tcgen05CopyScalesOp>(op) ||
                      (isa<ConvertOp>(op) && operand == op.getOperand(0));
        bool isProduct = isa<WgmmaOp, Tcgen05MmaOp>(op);
        if (tile && ((isRing && tile.getStages() != int64_t(getStages())) ||
                     (isProduct && tile.getStages() != int64_t(getStages()) &&
                      tile.getStages() != 1)))
          return op.emitOpError("expects tiles of the pipeline's ")
                 << getStages() << " stages, got " << tile.getStages();
        if (tile && (isRing || isProduct) &&
            tile.getContraction() != int64_t(getBlock()))
          return op.emitOpError("expects tiles of the pipeline's block of ")
                 << getBlock() << ", got " << tile.getContraction();
      }
  }
  if (getFull().getType().getStages() != int64_t(getStages()) ||
      getFree().getType().getStages() != int64_t(getStages()))
    return emitOpError("expects barriers of its ") << getStages() << " stages";
  return verifyHandshake(*this, getProduce(), getConsume(), getFull(),
                         getFree());
}
