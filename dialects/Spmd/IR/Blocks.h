//===- Blocks.h - exact division of extents over ranks ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How an extent is cut into contiguous blocks, and which ranks form a group.
// Everything is exact: 18 rows over 4 ranks are 5, 5, 4 and 4.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_IR_BLOCKS_H
#define PORTOLAN_DIALECTS_SPMD_IR_BLOCKS_H

#include "portolan/Analysis/LocalOp.h"
#include <algorithm>

namespace portolan::spmd {

/// Elements of block `index` of `total` in `parts` contiguous blocks, the first
/// ones one larger.
constexpr int64_t blockSize(int64_t total, int64_t parts, int64_t index) {
  return total / parts + (index < total % parts ? 1 : 0);
}

/// Elements before block `index`.
constexpr int64_t blockOffset(int64_t total, int64_t parts, int64_t index) {
  return total / parts * index + std::min(index, total % parts);
}

/// The sizes of all blocks.
inline llvm::SmallVector<int64_t> blockSizes(int64_t total, int64_t parts) {
  llvm::SmallVector<int64_t> sizes;
  for (int64_t index = 0; index < parts; ++index)
    sizes.push_back(blockSize(total, parts, index));
  return sizes;
}

/// Which member of its group `rank` is.
constexpr int64_t memberOf(Group group, int64_t rank) {
  return rank / group.stride % group.size;
}

/// The rank that is member `index` of the group of `rank`.
constexpr int64_t rankOf(Group group, int64_t rank, int64_t index) {
  return rank + (index - memberOf(group, rank)) * group.stride;
}

} // namespace portolan::spmd

#endif // PORTOLAN_DIALECTS_SPMD_IR_BLOCKS_H
