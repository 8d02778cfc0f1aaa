//===- SwitchedKernelRows.cpp - rows that go to destinations --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

LogicalResult
DestinationsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t experts, int64_t first, int64_t ranks,
                         int64_t spread) {
  // destinations_c1
  if (experts < 1 || experts > kMostDestinations || first < 0 || ranks < 0 ||
      ranks > kMostDestinations)
    return emitError() << "expects 1 to " << kMostDestinations
                       << " experts from 0 on and at most as many ranks, got "
                       << experts << " from " << first << " and " << ranks;
  // destinations_c2
  if (spread < 1 || ranks % spread != 0 || experts < ranks / spread)
    return emitError() << "expects blocks of ranks that hold an expert each, "
                          "got "
                       << ranks << " ranks in blocks of " << spread << " for "
                       << experts << " experts";
  return success();
}

namespace {

MemRefType globalOf(Value value) { return cast<MemRefType>(value.getType()); }

/// Choices of tokens: [T,K] of integers.
LogicalResult verifyIndices(Operation *op, Value indices) {
  MemRefType type = globalOf(indices);
  if (type.getRank() == 2 && type.getElementType().isInteger(32))
    return success();
  return op->emitOpError("expects i32 indices [T,K], got ") << type;
}

/// A counter per destination.
LogicalResult verifyCounters(Operation *op, CountersType next,
                             DestinationsAttr destinations) {
  if (next.getCount() == destinations.count())
    return success();
  return op->emitOpError("expects a counter for each of ")
         << destinations.count() << " destinations, got " << next.getCount();
}

/// What a bulk copy of a row can be (`_c1`, `_c2`).
LogicalResult verifyRow(Operation *op, SmemType tile, MemRefType global) {
  if (global.getRank() != 2 || tile.getRows() != 1 ||
      tile.getContraction() != global.getDimSize(1))
    return op->emitOpError("expects a row of [R,W] and stages of one, got ")
           << global << " and " << tile;
  int64_t bytes = tile.getStageBytes();
  if (bytes % 16 != 0)
    return op->emitOpError("expects a row of a multiple of 16 bytes, got ")
           << bytes;
  return success();
}

} // namespace

LogicalResult CountRowsOp::verify() {
  // count_rows_c1
  if (failed(verifyIndices(*this, getIndices())))
    return failure();
  // count_rows_c2
  DestinationsAttr destinations = getDestinations();
  if (failed(verifyCounters(*this, getNext().getType(), destinations)))
    return failure();
  MemRefType counts = globalOf(getCounts());
  if (counts.getRank() != 1 || counts.getDimSize(0) != destinations.count() ||
      !counts.getElementType().isInteger(32))
    return emitOpError("expects one i32 count per destination, got ") << counts;
  return success();
}

LogicalResult ForDestinationsOp::verifyRegions() {
  // for_destinations_c1
  if (failed(verifyIndices(*this, getIndices())) ||
      failed(verifyCounters(*this, getNext().getType(), getDestinations())))
    return failure();
  // for_destinations_c2
  return verifyProgramRegion(*this, getBody(), /*indices=*/2);
}

LogicalResult RowLoadOp::verify() {
  // row_load_c1, row_load_c2
  return verifyRow(*this, getTile().getType(), globalOf(getSource()));
}

LogicalResult RowStoreOp::verify() {
  // row_store_c1, row_store_c2
  return verifyRow(*this, getTile().getType(), globalOf(getTarget()));
}

LogicalResult CopyRowOp::verify() {
  // copy_row_c1
  MemRefType source = globalOf(getSource()), target = globalOf(getTarget());
  if (source.getRank() < 1 || source.getRank() != target.getRank() ||
      source.getElementType() != target.getElementType() ||
      source.getShape().drop_front() != target.getShape().drop_front())
    return emitOpError("expects rows of one type, got ")
           << source << " and " << target;
  return success();
}

LogicalResult RowMetadataOp::verify() {
  // row_metadata_c1
  if (getDestinations().getRanks() == 0)
    return emitOpError("expects ranks as destinations, got experts");
  // row_metadata_c2
  if (failed(verifyIndices(*this, getIndices())))
    return failure();
  MemRefType indices = globalOf(getIndices()), weights = globalOf(getWeights());
  MemRefType rowWeights = globalOf(getRowWeights()),
             rowIndices = globalOf(getRowIndices()),
             tokens = globalOf(getTokens());
  int64_t choices = indices.getDimSize(1);
  auto isLike = [&](MemRefType type, Type element) {
    return type.getRank() == 2 && type.getDimSize(1) == choices &&
           type.getElementType() == element;
  };
  if (!isLike(weights, weights.getElementType()) ||
      !isLike(rowWeights, weights.getElementType()) ||
      !isLike(rowIndices, indices.getElementType()))
    return emitOpError("expects weights and indices of the width of the "
                       "token's, got ")
           << rowWeights << " and " << rowIndices;
  if (tokens.getRank() != 1 || !tokens.getElementType().isInteger(32))
    return emitOpError("expects one i32 token per row, got ") << tokens;
  return success();
}
