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
//   none beyond its bytes. Matmuls accumulate in registers: only operands and
//   the result move. Weights of experts without a row are not read.
// Not counted: index arithmetic, the router's top-k beyond one pass per choice.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/LocalOp.h"

using namespace portolan;

namespace {

constexpr double kSoftmaxVectorOperations = 4;
constexpr double kGateVectorOperations = 4;
constexpr double kNormVectorOperations = 4;
constexpr double kRotationVectorOperations = 3;
constexpr double kIndexBytes = 4;  // i32
constexpr double kWeightBytes = 4; // f32 routing weights

/// Activations between kernels stay at 16 bits or wider: a narrow `activation`
/// says how a matmul reads its operand, not how a residual is kept.
double wideBytes(const LocalOp &op) {
  return bytesPerElement(op.activation == Format::f32 ? Format::f32
                                                      : Format::bf16);
}

/// Pairs (new token, key) that one sequence attends to: each new token sees the
/// visible context and, causally, itself and the new tokens before it.
double attendedPairs(const LocalOp &op) {
  double fresh = op.newTokens;
  return fresh * op.context + fresh * (fresh + 1) / 2;
}

void addGatedFeedForward(const LocalOp &op, double rows, double copies,
                         Work &work) {
  double matrices = op.gated ? 3 : 2;
  work.matmulOperations = 2 * rows * op.inner * op.outer * matrices;
  work.transcendentalOperations = rows * op.outer;
  work.vectorOperations = kGateVectorOperations * rows * op.outer;
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
  double perToken = op.kvHeads * double(op.inner + op.outer);
  work.cacheReadBytes =
      op.sequences * double(op.context) * perToken * bytesPerElement(op.cache);
  work.cacheWriteBytes = op.rows * perToken * bytesPerElement(op.cache);
  work.activationInBytes =
      op.rows * (op.heads * double(op.inner) + perToken) * wideBytes(op);
  work.activationOutBytes = op.rows * op.heads * op.outer * wideBytes(op);
  return work;
}

Work latentAttentionWork(const LocalOp &op) {
  Work work;
  double pairs = attendedPairs(op) * op.sequences;
  double scores = pairs * op.heads;
  double latent = op.inner, key = op.keyWidth, rope = op.ropeWidth,
         value = op.outer;
  if (op.absorbed) {
    // Scores over latent + rope, values over the latent; the up-projections are
    // applied to each new token's query and result.
    work.matmulOperations = 2 * scores * (latent + rope + latent) +
                            2 * op.rows * op.heads * latent * (key + value);
  } else {
    // Keys and values of every visible token are expanded from the cache.
    double tokens = op.sequences * double(op.context + op.newTokens);
    work.matmulOperations = 2 * scores * (key + rope + value) +
                            2 * tokens * op.heads * latent * (key + value);
  }
  work.transcendentalOperations = scores;
  work.vectorOperations = kSoftmaxVectorOperations * scores;
  double perToken = latent + rope;
  work.cacheReadBytes =
      op.sequences * double(op.context) * perToken * bytesPerElement(op.cache);
  work.cacheWriteBytes = op.rows * perToken * bytesPerElement(op.cache);
  work.weightBytes =
      op.heads * latent * (key + value) * bytesPerElement(op.weight);
  work.activationInBytes =
      op.rows * (op.heads * (key + rope) + perToken) * wideBytes(op);
  work.activationOutBytes = op.rows * op.heads * value * wideBytes(op);
  return work;
}

} // namespace

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
    work.vectorOperations = kNormVectorOperations * op.rows * width;
    work.activationInBytes = work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::add:
    work.vectorOperations = op.rows * width;
    work.activationInBytes = 2 * op.rows * width * wide;
    work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::rope:
    work.vectorOperations = kRotationVectorOperations * op.rows * width;
    work.activationInBytes = work.activationOutBytes = op.rows * width * wide;
    break;
  case OpKind::linear:
    work.matmulOperations = 2 * op.rows * op.inner * width;
    work.weightBytes = op.inner * width * bytesPerElement(op.weight);
    work.activationInBytes =
        op.rows * op.inner * bytesPerElement(op.activation);
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
    work.vectorOperations = op.rows * width * op.topK;
    work.weightBytes = op.inner * width * bytesPerElement(op.weight);
    work.activationInBytes = op.rows * op.inner * wide;
    work.activationOutBytes = op.rows * op.topK * (kIndexBytes + kWeightBytes);
    break;
  case OpKind::dispatch:
  case OpKind::pack:
    // Every row is read from its token and written to its place.
    work.activationInBytes = op.rows * width * bytesPerElement(op.activation);
    work.activationOutBytes = op.rows * width * bytesPerElement(op.activation);
    break;
  case OpKind::combine:
  case OpKind::unpack:
    work.vectorOperations = 2 * op.rows * width;
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
  case OpKind::latentAttention:
    return double(op.heads) * double(op.inner) *
           double(op.keyWidth + op.outer) * element;
  default:
    return 0;
  }
}
