//===- Collectives.cpp - collectives for compiled programs ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C functions that compiled programs call, one per kind of op and element
// type; tensors arrive as unranked memrefs, dense and row-major. Every
// collective is made of sends and receives along the routes of its algorithm.
// A piece is summed up along one tree and then copied, so that all ranks get
// the same bits.
//
// Bytes are counted as those of the wire format, `format` (or those of the
// type, below 0): what an op states, not what its emulation takes.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RankContext.h"
#include <cstring>

using namespace portolan;
using llvm::Twine;

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
  void clear() const {
    if (size() > 0)
      std::memset(data, 0, size() * sizeof(T));
  }
};

template <typename T>
llvm::ArrayRef<char> bytesOf(const T *data, int64_t count) {
  return {reinterpret_cast<const char *>(data), count * sizeof(T)};
}
template <typename T>
llvm::MutableArrayRef<char> roomOf(T *data, int64_t count) {
  return {reinterpret_cast<char *>(data), count * sizeof(T)};
}

RankContext &contextOf(int64_t handle) {
  return *reinterpret_cast<RankContext *>(static_cast<intptr_t>(handle));
}

template <typename T> double wireBytes(int64_t format) {
  return format < 0 ? double(sizeof(T)) : bytesPerElement(Format(format));
}

int64_t memberOfGroup(int64_t handle, int64_t size, int64_t stride) {
  return contextOf(handle).member({size, stride});
}

void beginCollective(int64_t handle, int64_t site, int64_t kind, int64_t size,
                     int64_t stride) {
  contextOf(handle).begin(site, OpKind(kind), {size, stride});
}

/// Pieces of a tensor along `dim`: outer * extent(member) * inner elements.
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
  /// A flat tensor in parts that differ by one element at most.
  Pieces(int64_t elements, int64_t members) {
    for (int64_t i = 0; i <= members; ++i)
      offsets.push_back(elements * i / members);
  }
  int64_t extent() const { return offsets.back(); }
  int64_t extent(int64_t member) const {
    return offsets[member + 1] - offsets[member];
  }
  int64_t elements(int64_t member) const {
    return outer * extent(member) * inner;
  }
  template <typename T>
  void take(int64_t member, const T *whole, std::vector<T> &piece) const {
    int64_t run = extent(member) * inner;
    piece.resize(outer * run);
    for (int64_t i = 0; i < outer && run > 0; ++i)
      std::memcpy(piece.data() + i * run,
                  whole + (i * extent() + offsets[member]) * inner,
                  run * sizeof(T));
  }
  template <typename T>
  void put(int64_t member, const std::vector<T> &piece, T *whole) const {
    int64_t run = extent(member) * inner;
    for (int64_t i = 0; i < outer && run > 0; ++i)
      std::memcpy(whole + (i * extent() + offsets[member]) * inner,
                  piece.data() + i * run, run * sizeof(T));
  }
};

/// A channel's share of a piece.
struct Share {
  int64_t first, count;
  Share(int64_t elements, size_t channel, size_t channels)
      : first(elements * int64_t(channel) / int64_t(channels)),
        count(elements * int64_t(channel + 1) / int64_t(channels) - first) {}
};

/// Runs gathers and reductions of pieces along routes.
template <typename T> class PieceMover {
public:
  PieceMover(RankContext &rank, const GatherRoutes &routes, double elementBytes)
      : rank(rank), routes(routes), elementBytes(elementBytes),
        self(int32_t(rank.member(rank.log.back().group))) {}

  /// Brings piece `owner` from its owner to everyone.
  void gather(int32_t owner, std::vector<T> &piece, int32_t firstPhase) {
    std::vector<T> again;
    forEachHop(owner, int64_t(piece.size()), /*backwards=*/false,
               [&](int32_t from, int32_t to, Share share, int32_t phase) {
                 if (from == self)
                   send(to, firstPhase + phase, piece.data(), share);
                 if (to != self)
                   return;
                 // The owner has it already.
                 again.resize(piece.size());
                 receive(from, self == owner ? again.data() : piece.data(),
                         share);
               });
  }

  /// Adds up everyone's `piece` of `owner` at its owner.
  void reduce(int32_t owner, std::vector<T> &piece, int32_t firstPhase) {
    std::vector<T> other(piece.size());
    forEachHop(owner, int64_t(piece.size()), /*backwards=*/true,
               [&](int32_t to, int32_t from, Share share, int32_t phase) {
                 if (from == self) {
                   send(to, firstPhase + routes.phases - 1 - phase,
                        piece.data(), share);
                   // What has been passed on is not added again, should the
                   // sum come back.
                   std::fill_n(piece.begin() + share.first, share.count, T(0));
                 }
                 if (to != self)
                   return;
                 receive(from, other.data(), share);
                 for (int64_t k = share.first; k < share.first + share.count;
                      ++k)
                   piece[k] += other[k];
               });
  }

private:
  template <typename Visit>
  void forEachHop(int32_t owner, int64_t elements, bool backwards,
                  Visit visit) {
    for (size_t channel = 0; channel < routes.channels.size(); ++channel) {
      Share share(elements, channel, routes.channels.size());
      if (share.count == 0)
        continue;
      const std::vector<Hop> &tree = routes.channels[channel].trees[owner];
      for (size_t i = 0; i < tree.size(); ++i) {
        const Hop &hop = tree[backwards ? tree.size() - 1 - i : i];
        visit(hop.from, hop.to, share, hop.phase);
      }
    }
  }
  void send(int32_t to, int32_t phase, const T *piece, Share share) {
    llvm::ArrayRef<char> bytes = bytesOf(piece + share.first, share.count);
    int64_t peer = rank.peer(rank.log.back().group, to);
    rank.fabric.send(rank.rank, peer, rank.log.back().kind, bytes);
    if (!routes.throughSwitch)
      rank.countSent(peer, phase, double(share.count) * elementBytes);
  }
  void receive(int32_t from, T *piece, Share share) {
    rank.receive(from, roomOf(piece + share.first, share.count));
  }

  RankContext &rank;
  const GatherRoutes &routes;
  double elementBytes;
  int32_t self;
};

/// Every member sends all it has to all others, who add in one order.
template <typename T>
void allReduceAtOnce(RankContext &rank, Span<T> in, Span<T> out,
                     double elementBytes) {
  Group group = rank.log.back().group;
  int64_t count = in.size(), self = rank.member(group);
  for (int64_t i = 0; i < group.size; ++i)
    if (i != self)
      rank.send(i, 0, bytesOf(in.data, count), double(count) * elementBytes);
  out.clear();
  std::vector<T> other(count);
  for (int64_t i = 0; i < group.size; ++i) {
    const T *part = in.data;
    if (i != self) {
      rank.receive(i, roomOf(other.data(), count));
      part = other.data();
    }
    for (int64_t k = 0; k < count; ++k)
      out.data[k] += part[k];
  }
}

template <typename T>
void allReduce(int64_t handle, Unranked *input, Unranked *result,
               int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input), out(result);
  Group group = rank.log.back().group;
  double elementBytes = wireBytes<T>(format);
  rank.count(double(in.size()) * elementBytes);
  // A program that no target was chosen for does as little as it can.
  if (rank.algorithm() == Algorithm::oneShot || rank.log.back().site < 0)
    return allReduceAtOnce(rank, in, out, elementBytes);
  const GatherRoutes *routes = rank.gatherRoutes();
  if (!routes)
    return out.clear();
  PieceMover<T> mover(rank, *routes, elementBytes);
  Pieces pieces(in.size(), group.size);
  std::vector<T> piece;
  std::vector<T> own;
  for (int32_t owner = 0; owner < group.size; ++owner) {
    pieces.take(owner, in.data, piece);
    mover.reduce(owner, piece, 0);
    if (owner == rank.member(group))
      own = piece;
  }
  for (int32_t owner = 0; owner < group.size; ++owner) {
    if (owner == rank.member(group))
      piece = own;
    else
      piece.assign(pieces.elements(owner), T(0));
    mover.gather(owner, piece, routes->phases);
    pieces.put(owner, piece, out.data);
  }
  if (!routes->throughSwitch)
    return;
  // Every slice goes up once to be added, the own sum once to be copied; the
  // sum comes down, and all slices.
  double whole = double(in.size()) * elementBytes;
  double slice = double(own.size()) * elementBytes;
  rank.countSent(SentBytes::kSwitch, 0, whole + slice);
  rank.log.back().fromSwitchBytes += whole + slice;
}

template <typename T>
void allGather(int64_t handle, Unranked *input, Unranked *result,
               Unranked *sizes, int64_t dim, int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input), out(result);
  Group group = rank.log.back().group;
  Pieces pieces(out.shape, dim, Span<int64_t>(sizes));
  int64_t self = rank.member(group);
  rank.count(double(out.size()) * wireBytes<T>(format));
  if (in.size() != pieces.elements(self))
    rank.fabric.fail("rank " + Twine(rank.rank) +
                     ": all_gather expects the piece of its place, " +
                     Twine(pieces.elements(self)) + " elements, got " +
                     Twine(in.size()));
  const GatherRoutes *routes = rank.gatherRoutes();
  if (!routes || rank.fabric.failed())
    return out.clear();
  PieceMover<T> mover(rank, *routes, wireBytes<T>(format));
  for (int32_t owner = 0; owner < group.size; ++owner) {
    std::vector<T> piece(pieces.elements(owner));
    if (owner == self && !piece.empty())
      std::memcpy(piece.data(), in.data, piece.size() * sizeof(T));
    mover.gather(owner, piece, 0);
    pieces.put(owner, piece, out.data);
  }
}

template <typename T>
void reduceScatter(int64_t handle, Unranked *input, Unranked *result,
                   Unranked *sizes, int64_t dim, int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input), out(result);
  Group group = rank.log.back().group;
  Pieces pieces(in.shape, dim, Span<int64_t>(sizes));
  rank.count(double(in.size()) * wireBytes<T>(format));
  const GatherRoutes *routes = rank.gatherRoutes();
  if (!routes)
    return out.clear();
  PieceMover<T> mover(rank, *routes, wireBytes<T>(format));
  std::vector<T> piece;
  for (int32_t owner = 0; owner < group.size; ++owner) {
    pieces.take(owner, in.data, piece);
    mover.reduce(owner, piece, 0);
    if (owner != rank.member(group) || piece.empty())
      continue;
    if (int64_t(piece.size()) != out.size()) {
      rank.fabric.fail(
          "rank " + Twine(rank.rank) + ": reduce_scatter expects room for " +
          Twine(piece.size()) + " elements, got " + Twine(out.size()));
      return out.clear();
    }
    std::memcpy(out.data, piece.data(), piece.size() * sizeof(T));
  }
}

/// Blocks from every member to every other, along the ways of the algorithm.
/// `sent(to)` and `received(from)` are elements; blocks stand in member order.
template <typename T, typename Sent, typename Received>
void exchange(RankContext &rank, const T *in, T *out, double elementBytes,
              Sent sent, Received received) {
  const ExchangeRoutes *routes = rank.exchangeRoutes();
  if (!routes)
    return;
  Group group = rank.log.back().group;
  int64_t self = rank.member(group);
  llvm::SmallVector<int64_t> from, to;
  int64_t fromEnd = 0, toEnd = 0;
  for (int64_t i = 0; i < group.size; ++i) {
    from.push_back(fromEnd);
    to.push_back(toEnd);
    fromEnd += sent(i);
    toEnd += received(i);
  }
  if (received(self) > 0)
    std::memcpy(out + to[self], in + from[self], received(self) * sizeof(T));
  std::vector<T> passing;
  for (int64_t source = 0; source < group.size; ++source)
    for (int64_t target = 0; target < group.size; ++target)
      for (const Hop &hop : routes->ways[source * group.size + target]) {
        // Those on the way learn the size first; it is no part of the payload.
        bool tells = hop.to != target, told = hop.from != source;
        if (hop.from == self) {
          const T *block = told ? passing.data() : in + from[target];
          int64_t count = told ? int64_t(passing.size()) : sent(target);
          int64_t peer = rank.peer(group, hop.to);
          if (tells)
            rank.fabric.send(rank.rank, peer, rank.log.back().kind,
                             bytesOf(&count, 1));
          rank.send(hop.to, hop.phase, bytesOf(block, count),
                    double(count) * elementBytes);
        }
        if (hop.to != self)
          continue;
        if (!tells) {
          rank.receive(hop.from, roomOf(out + to[source], received(source)));
          continue;
        }
        int64_t count = 0;
        rank.receive(hop.from, roomOf(&count, 1));
        passing.assign(count, T(0));
        rank.receive(hop.from, roomOf(passing.data(), count));
      }
}

template <typename T>
void allToAll(int64_t handle, Unranked *input, Unranked *result,
              int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input), out(result);
  int64_t block = in.size() / rank.log.back().group.size;
  rank.count(double(in.size()) * wireBytes<T>(format));
  out.clear();
  auto size = [&](int64_t) { return block; };
  exchange(rank, in.data, out.data, wireBytes<T>(format), size, size);
}

template <typename T>
void allToAllV(int64_t handle, Unranked *input, Unranked *sendCounts,
               Unranked *result, Unranked *receiveCounts, int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input), out(result);
  Span<int32_t> send(sendCounts), receive(receiveCounts);
  int64_t width = in.size(1), sent = 0, received = 0;
  rank.log.back().rows = in.shape[0];
  rank.count(double(in.size()) * wireBytes<T>(format));
  bool negative = false;
  for (int64_t i = 0; i < rank.log.back().group.size; ++i) {
    sent += send.data[i];
    received += receive.data[i];
    negative |= send.data[i] < 0 || receive.data[i] < 0;
  }
  out.clear();
  if (rank.fabric.failed() || negative || sent != in.shape[0] ||
      received != out.shape[0]) {
    rank.fabric.fail("rank " + Twine(rank.rank) +
                     ": all_to_all_v expects counts of " + Twine(in.shape[0]) +
                     " and " + Twine(out.shape[0]) + " rows, got " +
                     Twine(sent) + " and " + Twine(received));
    return;
  }
  exchange(
      rank, in.data, out.data, wireBytes<T>(format),
      [&](int64_t i) { return send.data[i] * width; },
      [&](int64_t i) { return receive.data[i] * width; });
}

template <typename T>
void sendOn(int64_t handle, Unranked *input, int64_t distance, int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> in(input);
  double bytes = double(in.size()) * wireBytes<T>(format);
  rank.count(bytes);
  rank.fabric.send(rank.rank, rank.rank + distance, OpKind::send,
                   bytesOf(in.data, in.size()));
  rank.countSent(rank.rank + distance, 0, bytes);
}

template <typename T>
void receiveFrom(int64_t handle, Unranked *result, int64_t distance,
                 int64_t format) {
  RankContext &rank = contextOf(handle);
  Span<T> out(result);
  rank.count(double(out.size()) * wireBytes<T>(format));
  rank.fabric.receive(rank.rank, rank.rank - distance, OpKind::send,
                      roomOf(out.data, out.size()));
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
  symbols.push_back({"_mlir_ciface_portolan_begin",
                     reinterpret_cast<void *>(&beginCollective)});
  return symbols;
}
