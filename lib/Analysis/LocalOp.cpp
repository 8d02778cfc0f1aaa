//===- LocalOp.cpp - names and comparison of local ops --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/LocalOp.h"
#include <array>
#include <cmath>

using namespace portolan;

namespace {
constexpr std::array<llvm::StringLiteral, kNumOpKinds> kNames = {
    "embedding",
    "rms_norm",
    "linear",
    "rope",
    "attention",
    "latent_attention",
    "add",
    "mlp",
    "route",
    "dispatch",
    "experts",
    "combine",
    "gate",
    "short_convolution",
    "recurrence",
    "depth_attention",
    "read_streams",
    "write_streams",
    "pool_keys",
    "pooled_attention",
    "decomposed",
    "pack",
    "unpack",
    "merge_partials",
    "all_reduce",
    "all_gather",
    "reduce_scatter",
    "all_to_all",
    "all_to_all_v",
    "send",
    "receive"};

/// Equal but for the rounding of a sum in another order.
bool close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}
} // namespace

llvm::StringRef portolan::spell(OpKind kind) { return kNames[unsigned(kind)]; }

DecomposedCounts DecomposedCounts::of(const LocalOp &op) {
  DecomposedCounts counts;
  counts.width = op.outer;
  counts.matmulOperations = op.heads;
  counts.vectorOperations = op.kvHeads;
  counts.transcendentalOperations = op.chunk;
  counts.bytesRead = op.inner;
  counts.bytesWritten = op.keyWidth;
  counts.widestBytes = op.ropeWidth;
  counts.weightBytes = op.indexWidth;
  counts.kernels = op.topK;
  counts.residentBytes = op.topKeys;
  counts.parameters = op.indexHeads;
  return counts;
}

void DecomposedCounts::store(LocalOp &op) const {
  op.outer = width;
  op.heads = matmulOperations;
  op.kvHeads = vectorOperations;
  op.chunk = transcendentalOperations;
  op.inner = bytesRead;
  op.keyWidth = bytesWritten;
  op.ropeWidth = widestBytes;
  op.indexWidth = weightBytes;
  op.topK = kernels;
  op.topKeys = residentBytes;
  op.indexHeads = parameters;
}

int64_t portolan::visibleContext(int64_t past, int64_t window, int64_t chunk) {
  if (window > 0)
    return std::min(past, window);
  return chunk > 0 && past >= chunk ? chunk / 2 : past;
}

int64_t portolan::pooledEntries(const LocalOp &op, int64_t tokens) {
  return op.chunk > 0 ? tokens / op.chunk : 0;
}

bool LocalOp::operator==(const LocalOp &other) const {
  return kind == other.kind && gated == other.gated &&
         absorbed == other.absorbed && expanded == other.expanded &&
         tabled == other.tabled && borrows == other.borrows &&
         yieldsChoice == other.yieldsChoice && recurrence == other.recurrence &&
         chunk == other.chunk && microBatch == other.microBatch &&
         causalPrefill == other.causalPrefill && centered == other.centered &&
         softCapped == other.softCapped && cappedParts == other.cappedParts &&
         weighted == other.weighted && indexHeads == other.indexHeads &&
         indexWidth == other.indexWidth && topKeys == other.topKeys &&
         activation == other.activation && compute == other.compute &&
         weight == other.weight && cache == other.cache &&
         close(rows, other.rows) && close(meanRows, other.meanRows) &&
         close(rowsOut, other.rowsOut) && inner == other.inner &&
         outer == other.outer && heads == other.heads &&
         kvHeads == other.kvHeads && keyWidth == other.keyWidth &&
         ropeWidth == other.ropeWidth && sequences == other.sequences &&
         context == other.context && newTokens == other.newTokens &&
         window == other.window && experts == other.experts &&
         close(hitExperts, other.hitExperts) && topK == other.topK &&
         group == other.group && close(payloadBytes, other.payloadBytes) &&
         close(meanPayloadBytes, other.meanPayloadBytes);
}

bool Work::operator==(const Work &other) const {
  return close(matmulOperations, other.matmulOperations) &&
         compute == other.compute && weightStorage == other.weightStorage &&
         cacheStorage == other.cacheStorage &&
         close(vectorOperations, other.vectorOperations) &&
         close(transcendentalOperations, other.transcendentalOperations) &&
         close(weightBytes, other.weightBytes) &&
         close(activationInBytes, other.activationInBytes) &&
         close(activationOutBytes, other.activationOutBytes) &&
         close(cacheReadBytes, other.cacheReadBytes) &&
         close(cacheWriteBytes, other.cacheWriteBytes) &&
         message.pattern == other.message.pattern &&
         message.group == other.message.group &&
         close(message.bytes, other.message.bytes);
}

double portolan::balanceOf(const LocalOp &op) {
  double slowest = isCommunication(op.kind) ? op.payloadBytes : op.rows;
  double mean = isCommunication(op.kind) ? op.meanPayloadBytes : op.meanRows;
  return slowest > 0 ? mean / slowest : 1;
}
