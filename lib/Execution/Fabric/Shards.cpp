//===- Shards.cpp - slicing and gathering tensors -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Fabric/Shards.h"
#include <cstring>

using namespace portolan;

namespace {

/// A box in a dense row-major tensor.
struct Box {
  llvm::ArrayRef<int64_t> whole;
  llvm::SmallVector<int64_t, 6> offsets, sizes;

  /// Calls `visit(byte offset in the whole, byte offset in the box, bytes)` for
  /// each contiguous run.
  template <typename Visit> void forRuns(int64_t elementBytes, Visit visit) {
    size_t rank = whole.size();
    if (elementCount(sizes) == 0)
      return;
    int64_t run = rank ? sizes.back() : 1;
    llvm::SmallVector<int64_t> at(rank, 0);
    for (int64_t boxAt = 0;; boxAt += run) {
      int64_t wholeAt = 0;
      for (size_t dim = 0; dim < rank; ++dim)
        wholeAt = wholeAt * whole[dim] + offsets[dim] + at[dim];
      visit(wholeAt * elementBytes, boxAt * elementBytes, run * elementBytes);
      // The next run: count up from the last dimension but one.
      int64_t dim = int64_t(rank) - 2;
      for (; dim >= 0 && ++at[dim] == sizes[dim]; --dim)
        at[dim] = 0;
      if (dim < 0)
        return;
    }
  }
};

/// What the slots of `rank` name, one element of the first dimension after
/// another.
Tensor cutSlots(const TensorView &whole, spmd::ShardAttr shard, int64_t rank) {
  Box box{whole.shape, {0}, {1}};
  auto [first, count] = shard.sliceOf(0, whole.shape[0], rank);
  for (size_t dim = 1; dim < whole.shape.size(); ++dim) {
    auto [offset, size] = shard.sliceOf(dim, whole.shape[dim], rank);
    box.offsets.push_back(offset);
    box.sizes.push_back(size);
  }
  llvm::SmallVector<int64_t, 6> sizes(box.sizes.begin(), box.sizes.end());
  sizes[0] = count;
  Tensor piece(whole.type, sizes);
  const char *from = static_cast<const char *>(whole.data);
  int64_t slotBytes = elementCount(box.sizes) * bytesPerElement(whole.type);
  for (int64_t slot = 0; slot < count; ++slot) {
    box.offsets[0] = shard.getSlots()[first + slot];
    box.forRuns(bytesPerElement(whole.type),
                [&](int64_t wholeAt, int64_t pieceAt, int64_t bytes) {
                  std::memcpy(piece.bytes.data() + slot * slotBytes + pieceAt,
                              from + wholeAt, bytes);
                });
  }
  return piece;
}

} // namespace

Tensor portolan::cutShard(const TensorView &whole, spmd::ShardAttr shard,
                          int64_t rank) {
  if (!shard.getSlots().empty())
    return cutSlots(whole, shard, rank);
  Box box{whole.shape, {}, {}};
  for (auto [dim, extent] : llvm::enumerate(whole.shape)) {
    auto [offset, size] = shard.sliceOf(dim, extent, rank);
    box.offsets.push_back(offset);
    box.sizes.push_back(size);
  }
  Tensor piece(whole.type, box.sizes);
  const char *from = static_cast<const char *>(whole.data);
  box.forRuns(bytesPerElement(whole.type), [&](int64_t wholeAt, int64_t pieceAt,
                                               int64_t bytes) {
    std::memcpy(piece.bytes.data() + pieceAt, from + wholeAt, bytes);
  });
  return piece;
}

llvm::Expected<Tensor> ShardGatherer::gather() {
  size_t rank = whole.shape.size();
  auto blockOf = [&](int64_t place, size_t dim) {
    return place / shard.getStrides()[dim] % shard.getParts()[dim];
  };
  // The extent of each block of each dimension, from the pieces.
  llvm::SmallVector<llvm::SmallVector<int64_t>> extents(rank);
  for (size_t dim = 0; dim < rank; ++dim)
    extents[dim].assign(shard.getParts()[dim], -1);
  for (auto [place, piece] : pieces)
    for (size_t dim = 0; dim < rank; ++dim) {
      int64_t &extent = extents[dim][blockOf(place, dim)];
      if (extent >= 0 && extent != piece->shape[dim])
        return llvm::createStringError(
            "expects pieces of one extent along dimension " + llvm::Twine(dim) +
            ", got " + llvm::Twine(extent) + " and " +
            llvm::Twine(piece->shape[dim]));
      extent = piece->shape[dim];
    }
  for (size_t dim = 0; dim < rank; ++dim) {
    int64_t sum = 0;
    for (int64_t extent : extents[dim])
      sum += extent;
    if (sum != whole.shape[dim])
      return llvm::createStringError(
          "expects pieces that add up to " + llvm::Twine(whole.shape[dim]) +
          " along dimension " + llvm::Twine(dim) + ", got " + llvm::Twine(sum));
  }
  for (auto [place, piece] : pieces) {
    Box box{whole.shape, {}, llvm::to_vector_of<int64_t, 6>(piece->shape)};
    for (size_t dim = 0; dim < rank; ++dim) {
      int64_t offset = 0;
      for (int64_t block = 0; block < blockOf(place, dim); ++block)
        offset += extents[dim][block];
      box.offsets.push_back(offset);
    }
    box.forRuns(
        bytesPerElement(whole.type),
        [&, piece = piece](int64_t wholeAt, int64_t pieceAt, int64_t bytes) {
          std::memcpy(whole.bytes.data() + wholeAt,
                      piece->bytes.data() + pieceAt, bytes);
        });
  }
  return std::move(whole);
}
