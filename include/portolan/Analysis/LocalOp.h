//===- LocalOp.h - one op of a device program, as plain data ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A LocalOp is what the seam (partition -> realize -> estimate) knows of an op:
// its kind, local shapes, formats and, for a collective, its group. There are
// two ways to one: partition() computes it from the model's shapes without IR
// (the tuner), and describe() reads it from an op's types and attributes
// (price, verification). workOf() is the only statement of work.
//
// Assumptions: a multiply-add is two operations; a softmax element costs one
// transcendental and four vector operations; the bytes of an operand are those
// of its storage format, scales included; rows of the slowest rank count.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_LOCALOP_H
#define PORTOLAN_ANALYSIS_LOCALOP_H

#include "portolan/Support/Format.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace portolan {

enum class OpKind : uint8_t {
  // Compute (moe ops).
  embedding,
  rmsNorm,
  linear,
  rope,
  attention,
  latentAttention,
  add,
  mlp,
  route,
  dispatch,
  experts,
  combine,
  gate,
  shortConvolution,
  recurrence,
  depthAttention,
  readStreams,
  writeStreams,
  poolKeys,
  pooledAttention,
  decomposed, ///< nodes of a graph that were not raised
  // Compute (spmd ops).
  pack,          ///< rows gathered per destination rank, one copy per rank
  unpack,        ///< partial rows scattered back and summed
  mergePartials, ///< parts of an attention over a spread context merged
  // Communication (spmd ops).
  allReduce,
  allGather,
  reduceScatter,
  allToAll,  ///< equal counts (the row counts of a ragged exchange)
  allToAllV, ///< ragged rows
  send,
  receive,
};
inline constexpr unsigned kNumOpKinds = unsigned(OpKind::receive) + 1;

constexpr bool isCommunication(OpKind kind) {
  return kind >= OpKind::allReduce;
}

/// Works on each element of a row, or on each row: its input can be taken from
/// the kernel that makes it.
constexpr bool isElementwise(OpKind kind) {
  return kind == OpKind::rmsNorm || kind == OpKind::rope ||
         kind == OpKind::add || kind == OpKind::gate;
}

/// Mixes the tokens of a sequence by heads: what attention_tp splits.
constexpr bool mixesTokens(OpKind kind) {
  return kind == OpKind::attention || kind == OpKind::latentAttention ||
         kind == OpKind::recurrence || kind == OpKind::pooledAttention;
}

/// How the state of a recurrence decays and is written, in the order of
/// `moe.recurrence`'s kinds.
enum class RecurrenceKind : uint8_t {
  selective,    ///< one decay per entry of the state's rows (Mamba)
  stateSpace,   ///< one per head (Mamba-2)
  delta,        ///< one per head, delta rule
  channelDelta, ///< one per row of the state, delta rule (KDA)
  fixedDecay,   ///< a constant per head (lightning attention)
};
constexpr bool followsDeltaRule(RecurrenceKind kind) {
  return kind == RecurrenceKind::delta || kind == RecurrenceKind::channelDelta;
}

/// "experts", "all_to_all_v": as in the IR.
llvm::StringRef spell(OpKind kind);

/// The ranks that take part in a collective: `size` ranks that are `stride`
/// apart in the linear order of a stage's ranks (tensor-parallel ranks are
/// adjacent). For send / receive the stride is the distance to the peer.
struct Group {
  int64_t size = 1;
  int64_t stride = 1;

  bool operator==(const Group &other) const {
    return size == other.size && stride == other.stride;
  }
};

/// One op. Fields that a kind does not use are zero.
///
/// What the fields hold, by kind (H: width of the model):
///
/// - embedding: rows tokens, outer H.
/// - rmsNorm, add: rows tokens, outer width.
/// - rope: rows tokens, outer rotated width.
/// - linear: rows tokens, inner K, outer N, weight; of a grouped one heads
///   groups, inner K of a group and outer N of all.
/// - mlp: rows tokens, inner H, outer I, gated, cappedParts, weight.
/// - attention: rows tokens, inner D of keys, outer D of values, heads,
///   kvHeads, sequences, context, newTokens, cache.
/// - latentAttention: rows tokens, inner latent width, outer D of values,
///   heads, ropeWidth, keyWidth, sequences, context, newTokens, cache, weight.
/// - gate: rows tokens, outer width, inner width of the gate (0: the tensor).
/// - shortConvolution: rows tokens, inner taps, outer channels, sequences,
///   newTokens, cache (of the last tokens), weight.
/// - recurrence: rows tokens, recurrence, inner K and outer V of a state,
/// heads,
///   kvHeads (that share keys and queries), chunk, sequences, newTokens, cache
///   (of the state), weight.
/// - depthAttention: rows tokens, inner streams, outer width of one, weight.
/// - readStreams: rows tokens, inner streams, outer width of one, chunk rounds
///   in which the mixing matrix is balanced (0: no matrix), weight.
/// - writeStreams: rows tokens, inner streams, outer width of one.
/// - poolKeys: rows tokens, inner tokens that an entry is made of, outer width,
///   chunk tokens per entry, ropeWidth, sequences, newTokens, cache (of the
///   entries), weight (of the rows that are kept, too).
/// - pooledAttention: rows tokens, inner D of keys that are their own values,
///   heads, kvHeads, window, chunk tokens per entry (0: none), topKeys (0:
///   all), indexHeads, indexWidth, sequences, context (all), newTokens, cache.
/// - route: rows tokens, inner H, outer experts, topK, tabled.
/// - dispatch: rows out (load), outer H, topK.
/// - experts: rows (load), inner H, outer I, experts, hitExperts, gated,
///   cappedParts, weight.
/// - combine: rows in (load), rowsOut of the result, outer H, topK.
/// - decomposed: rows tokens; what DecomposedCounts says.
/// - pack: rows out (load), outer H.
/// - unpack: rows in (load), rowsOut tokens, outer H.
/// - mergePartials: rows tokens, inner parts, outer width, heads.
/// - collectives: group, payloadBytes.
struct LocalOp {
  OpKind kind = OpKind::add;
  bool gated = false;
  bool absorbed = false;
  bool expanded = false; ///< latentAttention: keys and values are cached
  bool tabled = false;   ///< route: a table chooses
  bool borrows = false;  ///< attention: the cache is another op's
  /// latentAttention: the keys that its index chooses are a result.
  bool yieldsChoice = false;
  RecurrenceKind recurrence = RecurrenceKind::selective;
  /// Half of the micro-batch that the op works on (overlap two_batch: 0, 1).
  uint8_t microBatch = 0;
  bool causalPrefill = false; ///< new tokens see only their predecessors
  bool centered = false;      ///< rmsNorm: less the mean first
  bool softCapped = false;    ///< attention: scores through a tanh
  /// mlp, experts: how many of the gate and the linear part go through a tanh.
  uint8_t cappedParts = 0;
  /// dispatch: rows are multiplied with their weights; combine: they were.
  bool weighted = false;
  Format activation = Format::bf16; ///< storage of activation operands
  Format compute = Format::bf16;    ///< compute format of the matmuls
  Format weight = Format::bf16;     ///< storage of the weights
  Format cache = Format::bf16;      ///< storage of the cache

  double rows = 0;     ///< of the slowest rank; exact where static
  double meanRows = 0; ///< of the mean rank (= rows where static)
  double rowsOut =
      0; ///< rows of the result where they differ (combine, unpack)
  int64_t inner = 0;
  int64_t outer = 0;
  int64_t heads = 0;
  int64_t kvHeads = 0;
  int64_t keyWidth = 0;  ///< Dn of latent attention
  int64_t ropeWidth = 0; ///< Dr of latent attention
  int64_t sequences = 0;
  int64_t context =
      0; ///< past tokens that each sequence attends to, window applied
  int64_t newTokens = 0; ///< new tokens per sequence
  int64_t window = 0;    ///< pooledAttention: keys that are seen as they are
  // An index that chooses the keys of latent attention (topKeys 0: none;
  // indexHeads 0: they are an operand, another layer's choice).
  int64_t indexHeads = 0;
  int64_t indexWidth = 0;
  int64_t topKeys = 0;   ///< keys that a token attends to
  int64_t chunk = 0;     ///< tokens that a recurrence computes at once
  int64_t experts = 0;   ///< local experts
  double hitExperts = 0; ///< distinct local experts with at least one row
  int64_t topK = 0;

  // Communication. payloadBytes is, per rank of the slowest group member:
  //   allReduce, reduceScatter: the full tensor;  allGather: the gathered
  //   result; allToAll, allToAllV: what the rank sends to all others and
  //   itself, duplicates to one rank removed;  send, receive: the tensor.
  Group group;
  double payloadBytes = 0;
  double meanPayloadBytes = 0; ///< of the mean rank (= payloadBytes where even)

  // Dataflow inside a body, for element-wise ops (isElementwise()). It is a
  // fact about two ops, so that an op described alone has none and equality
  // leaves it out.
  /// Index in the body of the op that makes the input, the later one of two;
  /// -1 if the input comes from elsewhere.
  int32_t input = -1;
  bool soleReader = false; ///< nothing else reads what that op makes

  bool operator==(const LocalOp &other) const;
  bool operator!=(const LocalOp &other) const { return !(*this == other); }
};

/// What nodes of a graph do that were not raised: the other fields of a
/// decomposed op, by their names.
struct DecomposedCounts {
  int64_t width = 0; ///< of a row of the result
  // Per token.
  int64_t matmulOperations = 0;
  int64_t vectorOperations = 0;
  int64_t transcendentalOperations = 0;
  int64_t bytesRead = 0;    ///< of activations, and of rows of tables
  int64_t bytesWritten = 0; ///< of results, intermediate ones included
  int64_t widestBytes = 0;  ///< read and written by the node with the most
  // Per step, whatever the tokens.
  int64_t weightBytes = 0; ///< of the weights that are read whole
  int64_t kernels = 0;     ///< one per node that moves bytes
  // Kept.
  int64_t residentBytes = 0; ///< of all weights, tables too
  int64_t parameters = 0;    ///< elements of them

  static DecomposedCounts of(const LocalOp &op);
  void store(LocalOp &op) const;
};

/// What a collective asks of the network, target-neutral.
struct Message {
  OpKind pattern = OpKind::add; ///< a communication kind, or `add` for none
  Group group;
  double bytes = 0;
};

/// Target-neutral work of one op on the slowest rank. Bytes are by operand
/// role; operations by kind. `compute` is the format of the matmuls.
struct Work {
  double matmulOperations = 0;
  Format compute = Format::bf16;
  Format weightStorage = Format::bf16; ///< how weightBytes are stored
  Format cacheStorage = Format::bf16;  ///< how the cache bytes are stored
  double vectorOperations = 0;
  double transcendentalOperations = 0;
  double weightBytes = 0;
  double activationInBytes = 0;
  double activationOutBytes = 0;
  double cacheReadBytes = 0;
  double cacheWriteBytes = 0;
  Message message;

  double bytes() const {
    return weightBytes + activationInBytes + activationOutBytes +
           cacheReadBytes + cacheWriteBytes;
  }
  /// Equal within 1e-9 relative.
  bool operator==(const Work &other) const;
  bool operator!=(const Work &other) const { return !(*this == other); }
};

/// Past keys that a sequence's new tokens see. Of a context that is longer than
/// a chunk, sequences are anywhere in theirs: half of it in the mean.
int64_t visibleContext(int64_t past, int64_t window, int64_t chunk);

/// Entries of the keys that `tokens` tokens have left, of an op that pools
/// `op.chunk` tokens to one; 0 if it does not.
int64_t pooledEntries(const LocalOp &op, int64_t tokens);

/// Rows (or payload) of the mean rank over those of the slowest: 1 if balanced.
double balanceOf(const LocalOp &op);

/// Bytes of the states of fixed size that an op keeps for its sequences: of
/// recurrences, short convolutions and pooled keys, 0 for others.
double stateBytes(const LocalOp &op);

/// Bytes of weights that an op keeps resident on its rank, hit or not.
double residentWeightBytes(const LocalOp &op);

/// The work of an op. Every rule is in lib/Analysis/Work.cpp.
Work workOf(const LocalOp &op);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_LOCALOP_H
