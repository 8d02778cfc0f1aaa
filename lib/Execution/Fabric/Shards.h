//===- Shards.h - slicing and gathering tensors ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What @prepare does to weights and a runner to inputs and results: cutting the
// pieces of a #spmd.shard, and putting pieces together again.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_FABRIC_SHARDS_H
#define PORTOLAN_LIB_EXECUTION_FABRIC_SHARDS_H

#include "dialects/Spmd/IR/Spmd.h"
#include "portolan/Execution/Tensor.h"

namespace portolan {

/// A copy of the piece of `whole` that `rank` of a stage holds.
Tensor cutShard(const TensorView &whole, spmd::ShardAttr shard, int64_t rank);

/// Puts pieces of a tensor together. Sizes are those of the pieces, so that a
/// cache that has grown on one rank only fits too.
class ShardGatherer {
public:
  ShardGatherer(ElementType type, llvm::ArrayRef<int64_t> shape,
                spmd::ShardAttr shard)
      : whole(type, shape), shard(shard) {}

  /// Adds the piece of `rank` of a stage, which must outlive gather().
  void add(int64_t rank, const Tensor &piece) {
    pieces.push_back({rank, &piece});
  }
  /// Fails if the pieces do not cover the whole exactly.
  llvm::Expected<Tensor> gather();

private:
  Tensor whole;
  spmd::ShardAttr shard;
  std::vector<std::pair<int64_t, const Tensor *>> pieces;
};

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_FABRIC_SHARDS_H
