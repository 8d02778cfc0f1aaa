//===- FabricSymbols.cpp - collectives for compiled programs --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C functions that compiled programs call, one per kind of op and element
// type; tensors arrive as unranked memrefs, dense and row-major. Every
// collective is made of sends and receives between its members; sums are taken
// in the order of the members, so that all ranks get the same bits.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Fabric.h"
#include <cstring>

using namespace portolan;

namespace {

/// An unranked memref as MLIR's C interface passes it.
struct Unranked {
  int64_t rank;
  int64_t *descriptor; ///< allocated, aligned, offset, sizes, strides
};

/// A dense tensor in a rank's own memory.
template <typename T> struct Span {
  T *data;
  llvm::ArrayRef<int64_t> shape;

  explicit Span(const Unranked *memref)
      : data(reinterpret_cast<T *>(memref->descriptor[1]) +
             memref->descriptor[2]),
        shape(memref->descriptor + 3, memref->rank) {}

  int64_t size(size_t first = 0) const {
    int64_t product = 1;
    for (int64_t extent : shape.drop_front(first))
      product *= extent;
    return product;
  }
  llvm::ArrayRef<char> bytes(int64_t first, int64_t count) const {
    return {reinterpret_cast<const char *>(data + first), count * sizeof(T)};
  }
  llvm::MutableArrayRef<char> room(int64_t first, int64_t count) const {
    return {reinterpret_cast<char *>(data + first), count * sizeof(T)};
  }
  void clear() const {
    if (size() > 0)
      std::memset(data, 0, size() * sizeof(T));
  }
};

RankContext &contextOf(int64_t handle) {
  return *reinterpret_cast<RankContext *>(static_cast<intptr_t>(handle));
}

int64_t memberOfGroup(int64_t handle, int64_t size, int64_t stride) {
  return contextOf(handle).member({size, stride});
}

/// Rows of a tensor along `dim`: outer * extent(dim) * inner elements.
struct Pieces {
  int64_t outer = 1, inner = 1;
  llvm::SmallVector<int64_t> offsets; ///< per member, and the end

  Pieces(llvm::ArrayRef<int64_t> shape, int64_t dim, Span<int64_t> sizes) {
    for (int64_t i = 0; i < dim; ++i)
      outer *= shape[i];
    for (size_t i = dim + 1; i < shape.size(); ++i)
      inner *= shape[i];
    offsets.push_back(0);
    for (int64_t i = 0; i < sizes.size(); ++i)
      offsets.push_back(offsets.back() + sizes.data[i]);
  }
  int64_t extent() const { return offsets.back(); }
  int64_t extent(int64_t member) const {
    return offsets[member + 1] - offsets[member];
  }
  int64_t elements(int64_t member) const {
    return outer * extent(member) * inner;
  }
  /// Copies a member's piece between a dense buffer and the whole tensor.
  template <typename T, typename Copy>
  void forRuns(int64_t member, T *whole, T *piece, Copy copy) const {
    int64_t run = extent(member) * inner;
    for (int64_t i = 0; i < outer; ++i)
      copy(whole + (i * extent() + offsets[member]) * inner, piece + i * run,
           run);
  }
};

template <typename T>
void allReduce(int64_t handle, Unranked *input, Unranked *result, int64_t size,
               int64_t stride) {
  RankContext &rank = contextOf(handle);
  Group group{size, stride};
  Span<T> in(input), out(result);
  int64_t count = in.size();
  rank.fabric->count(rank, OpKind::allReduce, count * sizeof(T));
  for (int64_t i = 0; i < size; ++i)
    if (i != rank.member(group))
      rank.fabric->send(rank, rank.peer(group, i), OpKind::allReduce,
                        in.bytes(0, count));
  out.clear();
  std::vector<T> other(count);
  for (int64_t i = 0; i < size; ++i) {
    const T *part = in.data;
    if (i != rank.member(group)) {
      rank.fabric->receive(
          rank, rank.peer(group, i), OpKind::allReduce,
          {reinterpret_cast<char *>(other.data()), count * sizeof(T)});
      part = other.data();
    }
    for (int64_t k = 0; k < count; ++k)
      out.data[k] += part[k];
  }
}

template <typename T>
void allGather(int64_t handle, Unranked *input, Unranked *result,
               Unranked *sizes, int64_t dim, int64_t size, int64_t stride) {
  RankContext &rank = contextOf(handle);
  Group group{size, stride};
  Span<T> in(input), out(result);
  Pieces pieces(out.shape, dim, Span<int64_t>(sizes));
  rank.fabric->count(rank, OpKind::allGather, out.size() * sizeof(T));
  if (in.size() != pieces.elements(rank.member(group)))
    rank.fabric->fail("rank " + llvm::Twine(rank.rank) +
                      ": all_gather expects the piece of its place, " +
                      llvm::Twine(pieces.elements(rank.member(group))) +
                      " elements, got " + llvm::Twine(in.size()));
  for (int64_t i = 0; i < size; ++i)
    if (i != rank.member(group))
      rank.fabric->send(rank, rank.peer(group, i), OpKind::allGather,
                        in.bytes(0, in.size()));
  auto place = [](T *whole, T *piece, int64_t run) {
    std::memcpy(whole, piece, run * sizeof(T));
  };
  for (int64_t i = 0; i < size; ++i) {
    if (i == rank.member(group)) {
      pieces.forRuns(i, out.data, in.data, place);
      continue;
    }
    std::vector<T> piece(pieces.elements(i));
    rank.fabric->receive(
        rank, rank.peer(group, i), OpKind::allGather,
        {reinterpret_cast<char *>(piece.data()), piece.size() * sizeof(T)});
    pieces.forRuns(i, out.data, piece.data(), place);
  }
}

template <typename T>
void reduceScatter(int64_t handle, Unranked *input, Unranked *result,
                   Unranked *sizes, int64_t dim, int64_t size, int64_t stride) {
  RankContext &rank = contextOf(handle);
  Group group{size, stride};
  Span<T> in(input), out(result);
  Pieces pieces(in.shape, dim, Span<int64_t>(sizes));
  rank.fabric->count(rank, OpKind::reduceScatter, in.size() * sizeof(T));
  int64_t self = rank.member(group);
  auto take = [](T *whole, T *piece, int64_t run) {
    std::memcpy(piece, whole, run * sizeof(T));
  };
  std::vector<T> own(pieces.elements(self));
  pieces.forRuns(self, in.data, own.data(), take);
  for (int64_t i = 0; i < size; ++i) {
    if (i == self)
      continue;
    std::vector<T> piece(pieces.elements(i));
    pieces.forRuns(i, in.data, piece.data(), take);
    rank.fabric->send(
        rank, rank.peer(group, i), OpKind::reduceScatter,
        {reinterpret_cast<char *>(piece.data()), piece.size() * sizeof(T)});
  }
  out.clear();
  std::vector<T> other(own.size());
  for (int64_t i = 0; i < size; ++i) {
    const std::vector<T> *part = &own;
    if (i != self) {
      rank.fabric->receive(
          rank, rank.peer(group, i), OpKind::reduceScatter,
          {reinterpret_cast<char *>(other.data()), other.size() * sizeof(T)});
      part = &other;
    }
    for (size_t k = 0; k < own.size(); ++k)
      out.data[k] += (*part)[k];
  }
}

template <typename T>
void allToAll(int64_t handle, Unranked *input, Unranked *result, int64_t size,
              int64_t stride) {
  RankContext &rank = contextOf(handle);
  Group group{size, stride};
  Span<T> in(input), out(result);
  int64_t block = in.size() / size, self = rank.member(group);
  rank.fabric->count(rank, OpKind::allToAll, in.size() * sizeof(T));
  for (int64_t i = 0; i < size; ++i)
    if (i != self)
      rank.fabric->send(rank, rank.peer(group, i), OpKind::allToAll,
                        in.bytes(i * block, block));
  for (int64_t i = 0; i < size; ++i)
    if (i != self)
      rank.fabric->receive(rank, rank.peer(group, i), OpKind::allToAll,
                           out.room(i * block, block));
    else
      std::memcpy(out.data + i * block, in.data + i * block, block * sizeof(T));
}

template <typename T>
void allToAllV(int64_t handle, Unranked *input, Unranked *sendCounts,
               Unranked *result, Unranked *receiveCounts, int64_t size,
               int64_t stride) {
  RankContext &rank = contextOf(handle);
  Group group{size, stride};
  Span<T> in(input), out(result);
  Span<int32_t> send(sendCounts), receive(receiveCounts);
  int64_t width = in.size(1), self = rank.member(group);
  rank.fabric->count(rank, OpKind::allToAllV, in.size() * sizeof(T));
  int64_t sent = 0, received = 0, own = 0;
  for (int64_t i = 0; i < size; ++i) {
    sent += send.data[i];
    received += receive.data[i];
  }
  if (rank.fabric->failed() || sent != in.shape[0] ||
      received != out.shape[0]) {
    rank.fabric->fail(
        "rank " + llvm::Twine(rank.rank) + ": all_to_all_v expects counts of " +
        llvm::Twine(in.shape[0]) + " and " + llvm::Twine(out.shape[0]) +
        " rows, got " + llvm::Twine(sent) + " and " + llvm::Twine(received));
    out.clear();
    return;
  }
  int64_t at = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (i == self)
      own = at;
    else
      rank.fabric->send(rank, rank.peer(group, i), OpKind::allToAllV,
                        in.bytes(at * width, send.data[i] * width));
    at += send.data[i];
  }
  at = 0;
  for (int64_t i = 0; i < size; ++i) {
    int64_t count = receive.data[i] * width;
    if (i != self)
      rank.fabric->receive(rank, rank.peer(group, i), OpKind::allToAllV,
                           out.room(at * width, count));
    else if (count > 0)
      std::memcpy(out.data + at * width, in.data + own * width,
                  count * sizeof(T));
    at += receive.data[i];
  }
}

template <typename T>
void sendOn(int64_t handle, Unranked *input, int64_t distance) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input);
  rank.fabric->count(rank, OpKind::send, in.size() * sizeof(T));
  rank.fabric->send(rank, rank.rank + distance, OpKind::send,
                    in.bytes(0, in.size()));
}

template <typename T>
void receiveFrom(int64_t handle, Unranked *result, int64_t distance) {
  RankContext &rank = contextOf(handle);
  Span<T> out(result);
  rank.fabric->count(rank, OpKind::receive, out.size() * sizeof(T));
  rank.fabric->receive(rank, rank.rank - distance, OpKind::send,
                       out.room(0, out.size()));
}

template <typename T>
void addSymbols(llvm::StringRef type, std::vector<RuntimeSymbol> &symbols) {
  auto add = [&](llvm::StringRef name, auto *function) {
    symbols.push_back({("_mlir_ciface_portolan_" + name + "_" + type).str(),
                       reinterpret_cast<void *>(function)});
  };
  add("all_reduce", &allReduce<T>);
  add("all_gather", &allGather<T>);
  add("reduce_scatter", &reduceScatter<T>);
  add("all_to_all", &allToAll<T>);
  add("all_to_all_v", &allToAllV<T>);
  add("send", &sendOn<T>);
  add("receive", &receiveFrom<T>);
}

} // namespace

std::vector<RuntimeSymbol> portolan::fabricSymbols() {
  std::vector<RuntimeSymbol> symbols;
  addSymbols<float>("f32", symbols);
  addSymbols<double>("f64", symbols);
  addSymbols<int32_t>("i32", symbols);
  addSymbols<int64_t>("i64", symbols);
  symbols.push_back({"_mlir_ciface_portolan_member",
                     reinterpret_cast<void *>(&memberOfGroup)});
  return symbols;
}
