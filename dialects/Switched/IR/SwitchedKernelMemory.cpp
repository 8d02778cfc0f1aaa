//===- SwitchedKernelMemory.cpp - memories and transfers of a kernel ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

/// Arrivals and bytes of a phase are counted in 20 bits.
static constexpr int64_t kBarrierLimit = (int64_t(1) << 20) - 1;

LogicalResult TmemAllocOp::verify() {
  // tmem_alloc_c1
  int64_t columns = getColumns();
  if (columns < 32 || columns > 512 || !llvm::isPowerOf2_64(columns))
    return emitOpError("expects a power of two from 32 to 512 columns, got ")
           << columns;
  // tmem_alloc_c2
  int64_t needed = getTile().getType().getWordColumns();
  if (needed > columns)
    return emitOpError("expects at least the ")
           << needed << " columns of its tile, got " << columns;
  return success();
}

LogicalResult MbarrierInitOp::verify() {
  // mbarrier_init_c1
  int64_t arrivals = getArrivals();
  if (arrivals < 1 || arrivals > kBarrierLimit)
    return emitOpError("expects 1 to ")
           << kBarrierLimit << " arrivals, got " << arrivals;
  return success();
}

LogicalResult MbarrierExpectOp::verify() {
  // mbarrier_expect_c1
  int64_t bytes = getBytes();
  if (bytes < 1 || bytes > kBarrierLimit)
    return emitOpError("expects 1 to ")
           << kBarrierLimit << " bytes, got " << bytes;
  return success();
}

/// What a tensor map can describe: rules tma_load_c1, c2 and tma_store_c1, c2.
static LogicalResult verifyBox(Operation *op, MemRefType global, SmemType tile,
                               size_t offsets) {
  int64_t rank = global.getRank();
  if (rank < 2 || rank > 5)
    return op->emitOpError("expects global memory of 2 to 5 dimensions, got ")
           << global;
  if (offsets != size_t(rank))
    return op->emitOpError("expects one offset per dimension of ")
           << global << ", got " << offsets;
  int64_t width = tile.getContraction();
  if (tile.getRows() > 256 || width > 256)
    return op->emitOpError("expects a box of at most 256 x 256, got ")
           << tile.getRows() << " x " << width;
  int64_t bits = width * packedBits(*parseFormat(tile.getFormat()));
  if (bits % 128 != 0)
    return op->emitOpError("expects rows of a multiple of 16 bytes, got ")
           << bits << " bits";
  return success();
}

LogicalResult TmaLoadOp::verify() {
  if (failed(verifyBox(*this, cast<MemRefType>(getSource().getType()),
                       getTile().getType(), getOffsets().size())))
    return failure();
  // tma_load_c3
  auto kernel = (*this)->getParentOfType<KernelOp>();
  int64_t cluster = kernel ? int64_t(kernel.getCluster()) : 1;
  if (int64_t(getMulticast()) != 1 && int64_t(getMulticast()) != cluster)
    return emitOpError("expects a multicast to 1 or all ")
           << cluster << " blocks of the cluster, got " << getMulticast();
  // tma_load_c4
  if (getSpread() && (cluster == 1 || getMulticast() != 1))
    return emitOpError("expects spread rows in a cluster and no multicast");
  return success();
}

LogicalResult TmaStoreOp::verify() {
  return verifyBox(*this, cast<MemRefType>(getTarget().getType()),
                   getTile().getType(), getOffsets().size());
}
