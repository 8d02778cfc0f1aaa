//===- Work.cpp - operations, bytes and messages of each op ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only statement of work.
//
// Process: exact counts from the local shapes.
// Assumptions: a multiply-add is two operations. A softmax element costs one
//   exponential and four vector operations (scale, max, subtract, sum), a
//   silu-gated element one exponential and four vector operations, a norm
//   element four, a rotation three per element, a quantized or copied element
//   none beyond its bytes. A recurrence of one new token updates each entry of
//   its state once (two operations for what is written, one to decay, two to
//   read; two more under the delta rule) without a matmul; a prompt is computed
//   in chunks: scores and values inside a chunk as attention does, what the
//   state gives and takes once per chunk, and the delta rule's triangular
//   system (KK^T, its solution applied to keys and values) besides. A selective
//   state, which decays by entry, has no such form and is scanned. States are
//   read and written once per step whatever the tokens. Streams are read by a
//   matmul as narrow as what it says of them, at the rate of the activations'
//   format. Sequences are anywhere in the window that is pooled next: a step
//   makes a part of an entry in the mean, of rows that are kept. Matmuls
//   accumulate in registers: only operands and the result move. Weights of
//   experts without a row are not read.
// Not counted: index arithmetic, the router's top-k beyond one pass per choice,
//   the top-k of an index beyond one pass, factors on scores by position.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/LocalOp.h"
#include <algorithm>

using namespace portolan;

namespace {

constexpr double kSoftmaxVectorOperations = 4;
constexpr double kGateVectorOperations = 4;
constexpr double kNormVectorOperations = 4;
constexpr double kRotationVectorOperations = 3;
constexpr double kSoftCapVectorOperations = 2; // divide, multiply
constexpr double kCenterVectorOperations = 3;  // sum, subtract, shift
constexpr double kStreamVectorOperations = 6;  // three multiply-adds
constexpr double kBalanceVectorOperations = 4; // two sums and two divisions
constexpr double kPoolVectorOperations = 7;    // bias, softmax, multiply-add
constexpr double kIndexBytes = 4;              // i32
constexpr double kWeightBytes = 4;             // f32 routing weights

/// Activations between kernels stay at 16 bits or wider: a narrow `activation`
/// says how a matmul reads its operand, not how a residual is kept.
double wideBytes(const LocalOp &op) {
  return bytesPerElement(op.activation == Format::f32 ? Format::f32
                                                      : Format::bf16);
}

/// Pairs (new token, key) that one sequence sees: each new token sees the
/// visible context and, causally, itself and the new tokens before it.
double visiblePairs(const LocalOp &op) {
  double fresh = op.newTokens;
  return fresh * op.context + fresh * (fresh + 1) / 2;
}

/// Those that it attends to: all, or at most so many per token as an index
/// chooses. Token i (from 1) sees context + i keys.
double attendedPairs(const LocalOp &op) {
  if (op.topK == 0)
    return visiblePairs(op);
  double fresh = op.newTokens, most = op.topK;
  double below = std::clamp(most - double(op.context), 0.0, fresh);
  return below * op.context + below * (below + 1) / 2 + (fresh - below) * most;
}

/// Past tokens whose keys and values one sequence's new tokens read, if each
/// reads `most` of them (0: all): their union is at most all.
double readContext(const LocalOp &op, int64_t most) {
  if (most == 0)
    return double(op.context);
  return std::min(double(op.context), double(op.newTokens) * double(most));
}

void addGatedFeedForward(const LocalOp &op, double rows, double copies,
                         Work &work) {
  double matrices = op.gated ? 3 : 2;
  work.matmulOperations = 2 * rows * op.inner * op.outer * matrices;
  work.transcendentalOperations = rows * op.outer;
  work.vectorOperations = kGateVectorOperations * rows * op.outer;
  double capped = double(op.cappedParts) * rows * double(op.outer);
  work.transcendentalOperations += capped;
  work.vectorOperations += kSoftCapVectorOperations * capped;
  work.weightBytes =
      copies * op.inner * op.outer * matrices * bytesPerElement(op.weight);
  work.activationInBytes = rows * op.inner * bytesPerElement(op.activation);
  // The inner activation is written and read once, quantized as the input is.
  work.activationOutBytes =
      rows * (op.inner * wideBytes(op) +
              2 * op.outer * bytesPerElement(op.activation));
}

Work attentionWork(const LocalOp &op) {
  Work work;
  double pairs = attendedPairs(op) * op.sequences;
  double scores = pairs * op.heads;
  work.matmulOperations = 2 * scores * (op.inner + op.outer);
  work.transcendentalOperations = scores;
  work.vectorOperations = kSoftmaxVectorOperations * scores;
  if (op.softCapped) {
    work.transcendentalOperations += scores;
    work.vectorOperations += kSoftCapVectorOperations * scores;
  }
  double perToken = op.kvHeads * double(op.inner + op.outer);
  // What another op keeps holds the new tokens already.
  double kept = op.borrows ? 0 : perToken;
  double fresh = op.borrows ? double(op.newTokens) : 0;
  // An index scores every key that is seen: a multiply-add per element of its
  // queries and a maximum; its keys are cached beside the others.
  double index = op.ropeWidth, queries = op.keyWidth;
  double seen = visiblePairs(op) * op.sequences;
  work.matmulOperations += 2 * seen * queries;
  if (index > 0)
    work.vectorOperations += seen * queries / index;
  work.cacheReadBytes =
      op.sequences *
      ((readContext(op, op.topK) + fresh) * perToken + op.context * index) *
      bytesPerElement(op.cache);
  work.cacheWriteBytes = op.rows * (kept + index) * bytesPerElement(op.cache);
  work.activationInBytes =
      op.rows * (op.heads * double(op.inner) + kept + index + queries) *
      wideBytes(op);
  work.activationOutBytes = op.rows * op.heads * op.outer * wideBytes(op);
  return work;
}

/// Pairs (new token, key) where each token attends to at most `topKeys` keys.
double chosenPairs(const LocalOp &op) {
  double all = attendedPairs(op);
  if (op.topKeys == 0)
    return all;
  double fresh = op.newTokens, top = op.topKeys, context = op.context;
  // Token i sees context + i keys: all of them up to topKeys, then topKeys.
  double whole = std::clamp(top - context, 0.0, fresh);
  return whole * context + whole * (whole + 1) / 2 + (fresh - whole) * top;
}

/// The index scores every visible key: a product per head, its positive part
/// times a weight, and one pass of the choice. A choice that passes from layer
/// to layer is written and read as positions.
void addIndexWork(const LocalOp &op, Work &work) {
  if (op.topKeys == 0)
    return;
  double positions = op.rows * double(op.topKeys) * kIndexBytes;
  if (op.yieldsChoice)
    work.activationOutBytes += positions;
  if (op.indexHeads == 0) {
    work.activationInBytes += positions;
    return;
  }
  double pairs = attendedPairs(op) * op.sequences;
  double heads = op.indexHeads, width = op.indexWidth;
  work.matmulOperations += 2 * pairs * heads * width;
  work.vectorOperations += pairs * (3 * heads + 1);
  double element = bytesPerElement(op.cache);
  work.cacheReadBytes += op.sequences * double(op.context) * width * element;
  work.cacheWriteBytes += op.rows * width * element;
  work.activationInBytes +=
      op.rows * (heads * width + heads + width) * wideBytes(op);
}

Work latentAttentionWork(const LocalOp &op) {
  Work work;
  double pairs = chosenPairs(op) * op.sequences;
  double scores = pairs * op.heads;
  double latent = op.inner, key = op.keyWidth, rope = op.ropeWidth,
         value = op.outer;
  if (op.absorbed) {
    // Scores over latent + rope, values over the latent; the up-projections are
    // applied to each new token's query and result.
    work.matmulOperations = 2 * scores * (latent + rope + latent) +
                            2 * op.rows * op.heads * latent * (key + value);
  } else {
    // Keys and values are expanded from the latents: those of every visible
    // token, or of the new ones where the cache holds the expanded ones.
    double tokens = op.expanded
                        ? op.rows
                        : op.sequences * double(op.context + op.newTokens);
    work.matmulOperations = 2 * scores * (key + rope + value) +
                            2 * tokens * op.heads * latent * (key + value);
  }
  work.transcendentalOperations = scores;
  work.vectorOperations = kSoftmaxVectorOperations * scores;
  double perToken = latent + rope;
  double cached = op.expanded ? op.heads * (key + rope + value) : perToken;
  work.cacheReadBytes = op.sequences * readContext(op, op.topKeys) * cached *
                        bytesPerElement(op.cache);
  work.cacheWriteBytes = op.rows * cached * bytesPerElement(op.cache);
  work.weightBytes =
      op.heads * latent * (key + value) * bytesPerElement(op.weight);
  work.activationInBytes =
      op.rows * (op.heads * (key + rope) + perToken) * wideBytes(op);
  work.activationOutBytes = op.rows * op.heads * value * wideBytes(op);
  addIndexWork(op, work);
  return work;
}

Work shortConvolutionWork(const LocalOp &op) {
  Work work;
  double elements = op.rows * double(op.outer);
  // A multiply-add per tap; the activation as that of a gated element.
  work.vectorOperations =
      elements * (2 * double(op.inner) + kGateVectorOperations);
  work.transcendentalOperations = elements;
  work.weightBytes =
      double(op.inner) * double(op.outer) * bytesPerElement(op.weight);
  work.activationInBytes = work.activationOutBytes = elements * wideBytes(op);
  work.cacheReadBytes = work.cacheWriteBytes = stateBytes(op);
  return work;
}

/// Elements that decide a token's decay: one per head, or per row of its state.
double decaysOf(const LocalOp &op) {
  switch (op.recurrence) {
  case RecurrenceKind::selective:
  case RecurrenceKind::channelDelta:
    return double(op.heads) * double(op.inner);
  case RecurrenceKind::stateSpace:
  case RecurrenceKind::delta:
    return double(op.heads);
  case RecurrenceKind::fixedDecay:
    return 0;
  }
  return 0;
}

/// Weights of a recurrence: its decays, and its biases and skips, of which a
/// state has the first and may have the second and the third.
double recurrenceParameters(const LocalOp &op) {
  double heads = double(op.heads), rows = heads * double(op.inner);
  switch (op.recurrence) {
  case RecurrenceKind::selective:
    return rows + 2 * heads;
  case RecurrenceKind::stateSpace:
    return 3 * heads;
  case RecurrenceKind::delta:
    return 2 * heads;
  case RecurrenceKind::channelDelta:
    return heads + rows;
  case RecurrenceKind::fixedDecay:
    return heads;
  }
  return 0;
}

Work recurrenceWork(const LocalOp &op) {
  Work work;
  double key = double(op.inner), value = double(op.outer);
  double heads = double(op.heads), rows = op.rows;
  bool isDelta = followsDeltaRule(op.recurrence);
  double decays = decaysOf(op);
  double steps = op.recurrence == RecurrenceKind::fixedDecay     ? 0
                 : op.recurrence == RecurrenceKind::channelDelta ? heads * key
                                                                 : heads;
  // A softplus is an exponential and a logarithm.
  work.transcendentalOperations = rows * (2 * steps + decays);
  if (isDelta)
    work.transcendentalOperations += rows * heads; // strength
  if (op.newTokens <= 1 || op.recurrence == RecurrenceKind::selective) {
    work.vectorOperations = rows * heads * key * value * (isDelta ? 7 : 5);
  } else {
    double chunk = double(std::min(op.chunk, op.newTokens));
    // Tokens of its chunk that a token sees, itself included.
    double seen = (chunk + 1) / 2;
    double perToken = 2 * seen * (key + value) + 4 * key * value;
    if (isDelta)
      perToken += 2 * seen * key + 2 * seen * (key + value) + 2 * key * value;
    work.matmulOperations = rows * heads * perToken;
    // A score is scaled by the decay between its two tokens.
    work.transcendentalOperations += rows * heads * seen;
    work.vectorOperations = 2 * rows * heads * seen + 2 * rows * decays +
                            rows * heads * key * value / chunk;
  }
  double in = 2 * double(op.kvHeads) * key + heads * value + steps +
              (isDelta ? heads : 0);
  work.weightBytes = recurrenceParameters(op) * bytesPerElement(op.weight);
  work.activationInBytes = rows * in * wideBytes(op);
  work.activationOutBytes = rows * heads * value * wideBytes(op);
  work.cacheReadBytes = work.cacheWriteBytes = stateBytes(op);
  return work;
}

/// Columns of the projection of streams: what is read of each, and with a
/// matrix what is written to each and the matrix.
double readColumns(const LocalOp &op) {
  double streams = double(op.inner);
  return op.chunk > 0 ? streams * (streams + 2) : streams;
}

/// The projection, its shift and its scales.
double readParameters(const LocalOp &op) {
  return (double(op.inner) * double(op.outer) + 1) * readColumns(op) +
         (op.chunk > 0 ? 3 : 1);
}

/// Values and scores of a token that are kept until they are pooled.
double keptColumns(const LocalOp &op) {
  return 2 * double(op.inner) / double(std::max<int64_t>(op.chunk, 1)) *
         double(op.outer);
}

/// A shift of the scores for each place in a window, and a gain.
double poolParameters(const LocalOp &op) {
  return (double(op.inner) + 1) * double(op.outer);
}

/// Each stream is read once: its square and its product with the query are
/// summed, and it is added by its share. A share is one element of a softmax.
Work depthAttentionWork(const LocalOp &op) {
  Work work;
  double shares = op.rows * double(op.inner);
  double elements = shares * double(op.outer);
  work.vectorOperations =
      kStreamVectorOperations * elements + kSoftmaxVectorOperations * shares;
  work.transcendentalOperations = shares;
  work.weightBytes = 2 * double(op.outer) * bytesPerElement(op.weight);
  work.activationInBytes = elements * wideBytes(op);
  work.activationOutBytes = op.rows * double(op.outer) * wideBytes(op);
  return work;
}

/// The row is read once for the matmul and its squares, and added up by what
/// the matmul gives; the matrix of each token is balanced in registers.
Work readStreamsWork(const LocalOp &op) {
  Work work;
  double streams = double(op.inner), columns = readColumns(op);
  double elements = op.rows * streams * double(op.outer);
  double matrix = op.chunk > 0 ? op.rows * streams * streams : 0;
  work.matmulOperations = 2 * elements * columns;
  // A square and a multiply-add per element; a scale and a shift per column.
  work.vectorOperations = 4 * elements + 2 * op.rows * columns +
                          kSoftmaxVectorOperations * matrix +
                          kBalanceVectorOperations * double(op.chunk) * matrix;
  work.transcendentalOperations = op.rows * columns;
  work.weightBytes = readParameters(op) * bytesPerElement(op.weight);
  work.activationInBytes = elements * wideBytes(op);
  work.activationOutBytes = op.rows * double(op.outer) * wideBytes(op);
  if (op.chunk > 0)
    work.activationOutBytes += op.rows * (columns - streams) * kWeightBytes;
  return work;
}

/// Each stream is a multiply-add with the result and with every stream.
Work writeStreamsWork(const LocalOp &op) {
  Work work;
  double streams = double(op.inner);
  double row = streams * double(op.outer) * wideBytes(op);
  work.vectorOperations =
      2 * op.rows * streams * double(op.outer) * (streams + 1);
  work.activationInBytes = op.rows * (row + double(op.outer) * wideBytes(op) +
                                      streams * (streams + 1) * kWeightBytes);
  work.activationOutBytes = op.rows * row;
  return work;
}

/// Rows are kept until they are part of no entry to come.
Work poolKeysWork(const LocalOp &op) {
  Work work;
  double pooled = double(op.inner), width = double(op.outer);
  double entries = op.rows / double(std::max<int64_t>(op.chunk, 1));
  double elements = entries * pooled * width;
  double perToken = keptColumns(op);
  work.vectorOperations =
      kPoolVectorOperations * elements +
      kNormVectorOperations * entries * width +
      kRotationVectorOperations * entries * double(op.ropeWidth);
  work.transcendentalOperations = elements;
  double element = bytesPerElement(op.weight);
  work.weightBytes = poolParameters(op) * element;
  work.activationInBytes = op.rows * perToken * wideBytes(op);
  // A value and a score of each; in a prompt most are at hand.
  double sequences = double(op.sequences), fresh = double(op.newTokens);
  double read = std::min(fresh / double(std::max<int64_t>(op.chunk, 1)), 1.0);
  work.cacheReadBytes = sequences * read * pooled * 2 * width * element;
  work.cacheWriteBytes =
      sequences * std::min(fresh, pooled) * perToken * element +
      entries * width * bytesPerElement(op.cache);
  return work;
}

/// The sum of min(t, most) over t from 1 to `last`.
double sumUpTo(double last, double most) {
  double below = std::min(last, most);
  return below * (below + 1) / 2 + (last - below) * most;
}

/// The sum of min(floor(t / ratio), most) over t from 1 to `last`; most 0: no
/// limit.
double sumEntries(int64_t last, int64_t ratio, int64_t most) {
  if (ratio <= 0)
    return 0;
  // All of them up to here, then `most`.
  int64_t below = most > 0 ? std::min(last, most * ratio) : last;
  double whole = double(below / ratio);
  return double(ratio) * whole * (whole - 1) / 2 +
         whole * double(below % ratio + 1) +
         double(last - below) * double(most);
}

Work pooledAttentionWork(const LocalOp &op) {
  Work work;
  int64_t first = op.context, last = op.context + op.newTokens;
  double sequences = double(op.sequences), width = double(op.inner);
  auto entries = [&](int64_t most) {
    return sumEntries(last, op.chunk, most) - sumEntries(first, op.chunk, most);
  };
  double window = double(op.window);
  double attended = sumUpTo(double(last), window) -
                    sumUpTo(double(first), window) + entries(op.topKeys);
  double scores = sequences * attended * double(op.heads);
  work.matmulOperations = 2 * scores * 2 * width;
  work.transcendentalOperations = scores;
  work.vectorOperations = kSoftmaxVectorOperations * scores;
  double element = bytesPerElement(op.cache);
  int64_t kept = pooledEntries(op, last);
  double read = double(kept);
  if (op.topKeys > 0) {
    read = std::min(read, double(op.newTokens) * double(op.topKeys));
    double seen = sequences * entries(0);
    double heads = double(op.indexHeads), index = double(op.indexWidth);
    work.matmulOperations += 2 * seen * heads * index;
    work.vectorOperations += seen * (3 * heads + 1);
    work.cacheReadBytes = sequences * double(kept) * index * element;
    work.activationInBytes = op.rows * heads * (index + 1) * wideBytes(op);
  }
  work.cacheReadBytes +=
      sequences * (std::min(double(first), window) + read) * width * element;
  work.cacheWriteBytes = op.rows * width * element;
  work.activationInBytes +=
      op.rows * (double(op.heads) + 1) * width * wideBytes(op);
  work.activationOutBytes = op.rows * double(op.heads) * width * wideBytes(op);
  return work;
}

} // namespace

double portolan::stateBytes(const LocalOp &op) {
  double sequences = double(op.sequences) * bytesPerElement(op.cache);
  if (op.kind == OpKind::recurrence)
    return sequences * double(op.heads) * double(op.inner) * double(op.outer);
  if (op.kind == OpKind::shortConvolution)
    return sequences * double(op.inner - 1) * double(op.outer);
  if (op.kind == OpKind::poolKeys)
    return double(op.sequences) * double(op.inner) * keptColumns(op) *
           bytesPerElement(op.weight);
  return 0;
}

Work portolan::workOf(const LocalOp &op) {
  Work work;
  double wide = wideBytes(op);
  double width = double(op.outer);
  switch (op.kind) {
  case OpKind::embedding:
    work.weightBytes = op.rows * width * bytesPerElement(op.weight);
    work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::rmsNorm:
    work.vectorOperations =
        (kNormVectorOperations + (op.centered ? kCenterVectorOperations : 0)) *
        op.rows * width;
    work.activationInBytes = work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::add:
    work.vectorOperations = op.rows * width;
    work.activationInBytes = 2 * op.rows * width * wide;
    work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::gate:
    work.vectorOperations =
        op.rows * width + kGateVectorOperations * op.rows *
                              double(op.inner ? op.inner : op.outer);
    work.transcendentalOperations =
        op.rows * double(op.inner ? op.inner : op.outer);
    work.activationInBytes = op.rows * (width + double(op.inner)) * wide;
    work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::shortConvolution:
    work = shortConvolutionWork(op);
    break;
  case OpKind::recurrence:
    work = recurrenceWork(op);
    break;
  case OpKind::depthAttention:
    work = depthAttentionWork(op);
    break;
  case OpKind::readStreams:
    work = readStreamsWork(op);
    break;
  case OpKind::writeStreams:
    work = writeStreamsWork(op);
    break;
  case OpKind::poolKeys:
    work = poolKeysWork(op);
    break;
  case OpKind::pooledAttention:
    work = pooledAttentionWork(op);
    break;
  case OpKind::rope:
    work.vectorOperations = kRotationVectorOperations * op.rows * width;
    work.activationInBytes = work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::linear:
    work.matmulOperations = 2 * op.rows * op.inner * width;
    work.weightBytes = op.inner * width * bytesPerElement(op.weight);
    // The groups of a grouped one read a part of the row each.
    work.activationInBytes = op.rows * double(std::max<int64_t>(op.heads, 1)) *
                             op.inner * bytesPerElement(op.activation);
    work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::mlp:
    addGatedFeedForward(op, op.rows, 1, work);
    break;
  case OpKind::experts:
    addGatedFeedForward(op, op.rows, op.hitExperts, work);
    break;
  case OpKind::attention:
    work = attentionWork(op);
    break;
  case OpKind::latentAttention:
    work = latentAttentionWork(op);
    break;
  case OpKind::route:
    work.matmulOperations = 2 * op.rows * op.inner * width;
    work.transcendentalOperations = op.rows * width;
    // A table is read in place of a pass over the scores per choice.
    if (!op.tabled)
      work.vectorOperations = op.rows * width * op.topK;
    work.weightBytes = op.inner * width * bytesPerElement(op.weight);
    if (op.tabled)
      work.weightBytes += op.rows * op.topK * kIndexBytes;
    work.activationInBytes = op.rows * op.inner * wide;
    work.activationOutBytes = op.rows * op.topK * (kIndexBytes + kWeightBytes);
    break;
  case OpKind::decomposed: {
    DecomposedCounts counts = DecomposedCounts::of(op);
    work.matmulOperations = op.rows * double(counts.matmulOperations);
    work.vectorOperations = op.rows * double(counts.vectorOperations);
    work.transcendentalOperations =
        op.rows * double(counts.transcendentalOperations);
    work.weightBytes = double(counts.weightBytes);
    work.activationInBytes = op.rows * double(counts.bytesRead);
    work.activationOutBytes = op.rows * double(counts.bytesWritten);
    break;
  }
  case OpKind::dispatch:
  case OpKind::pack:
    // Every row is read from its token and written to its place.
    work.activationInBytes = op.rows * width * bytesPerElement(op.activation);
    work.activationOutBytes = op.rows * width * bytesPerElement(op.activation);
    if (op.weighted)
      work.vectorOperations = op.rows * width;
    break;
  case OpKind::combine:
  case OpKind::unpack:
    work.vectorOperations = (op.weighted ? 1 : 2) * op.rows * width;
    work.activationInBytes = op.rows * width * wide;
    work.activationOutBytes = op.rowsOut * width * wide;
    break;
  case OpKind::mergePartials:
    work.vectorOperations = 3 * op.rows * op.inner * width;
    work.transcendentalOperations = op.rows * op.inner * op.heads;
    work.activationInBytes = op.rows * op.inner * width * wide;
    work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::allReduce:
  case OpKind::allGather:
  case OpKind::reduceScatter:
  case OpKind::allToAll:
  case OpKind::allToAllV:
  case OpKind::send:
  case OpKind::receive:
    work.message = {op.kind, op.group, op.payloadBytes};
    break;
  }
  work.compute = op.compute;
  work.weightStorage = op.weight;
  work.cacheStorage = op.cache;
  return work;
}

double portolan::residentWeightBytes(const LocalOp &op) {
  double element = bytesPerElement(op.weight);
  double matrix = double(op.inner) * double(op.outer) * element;
  switch (op.kind) {
  case OpKind::embedding:
  case OpKind::linear:
  case OpKind::route:
    return matrix;
  case OpKind::mlp:
    return matrix * (op.gated ? 3 : 2);
  case OpKind::experts:
    return matrix * (op.gated ? 3 : 2) * double(op.experts);
  case OpKind::decomposed:
    return double(DecomposedCounts::of(op).residentBytes);
  case OpKind::latentAttention:
    return double(op.heads) * double(op.inner) *
           double(op.keyWidth + op.outer) * element;
  case OpKind::shortConvolution:
    return matrix;
  case OpKind::recurrence:
    return recurrenceParameters(op) * element;
  case OpKind::depthAttention:
    return 2 * double(op.outer) * element;
  case OpKind::readStreams:
    return readParameters(op) * element;
  case OpKind::poolKeys:
    return poolParameters(op) * element;
  default:
    return 0;
  }
}
