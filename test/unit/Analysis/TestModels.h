//===- TestModels.h - small models and machines for tests ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_ANALYSIS_TESTMODELS_H
#define PORTOLAN_TEST_UNIT_ANALYSIS_TESTMODELS_H

#include "portolan/Analysis/Partition.h"
#include "portolan/Machine/Machine.h"

namespace portolan::test {

inline ModelOp modelOp(OpKind kind, int64_t inner, int64_t outer) {
  ModelOp op;
  op.local.kind = kind;
  op.local.inner = inner;
  op.local.outer = outer;
  return op;
}

/// Four equal layers: hidden 64, 8 heads of 8, 4 kv heads, 16 experts of width
/// 32, two per token; vocabulary 100.
inline ModelShape tinyMoe() {
  ModelShape model;
  model.name = "tiny";
  model.hidden = 64;
  model.heads = 8;
  model.kvHeads = 4;
  model.experts = 16;
  model.topK = 2;
  model.prologue.ops = {modelOp(OpKind::embedding, 100, 64)};
  ModelOp head = modelOp(OpKind::linear, 64, 100);
  head.sharding = Sharding::columns;
  head.units = 100;
  head.gatherColumns = head.lastPosition = true;
  model.epilogue.ops = {modelOp(OpKind::rmsNorm, 0, 64), head};

  LayerShape layer;
  layer.name = "layer";
  auto split = [](ModelOp op, Sharding sharding, int64_t units) {
    op.sharding = sharding;
    op.units = units;
    return op;
  };
  auto inRegion = [](ModelOp op) {
    op.expertRegion = true;
    return op;
  };
  ModelOp attention = modelOp(OpKind::attention, 8, 8);
  attention.local.heads = 8;
  attention.local.kvHeads = 4;
  ModelOp route = modelOp(OpKind::route, 64, 16);
  route.local.topK = 2;
  ModelOp dispatch = modelOp(OpKind::dispatch, 0, 64);
  dispatch.local.topK = 2;
  ModelOp experts = modelOp(OpKind::experts, 64, 32);
  experts.local.gated = true;
  experts.local.experts = 16;
  ModelOp combine = modelOp(OpKind::combine, 0, 64);
  combine.local.topK = 2;
  layer.ops = {modelOp(OpKind::rmsNorm, 0, 64),
               split(modelOp(OpKind::linear, 64, 64), Sharding::columns, 8),
               split(modelOp(OpKind::linear, 64, 32), Sharding::columns, 4),
               split(modelOp(OpKind::linear, 64, 32), Sharding::columns, 4),
               attention,
               split(modelOp(OpKind::linear, 64, 64), Sharding::contracted, 8),
               modelOp(OpKind::add, 0, 64),
               modelOp(OpKind::rmsNorm, 0, 64),
               inRegion(route),
               inRegion(dispatch),
               inRegion(experts),
               inRegion(combine),
               modelOp(OpKind::add, 0, 64)};
  model.layers = {layer};
  model.sequence = {0, 0, 0, 0};
  return model;
}

/// All bf16, one chip, nothing to exchange.
inline PlanPoint plainPlan() {
  PlanPoint plan;
  for (PlanClass formats : {PlanClass::weightFormat,
                            PlanClass::activationFormat, PlanClass::kvFormat})
    plan.set(formats, encodeFormats({Format::bf16, Format::bf16}));
  plan.set(PlanClass::instance, kInstanceAll);
  for (PlanClass degree : {PlanClass::pipeline, PlanClass::attentionTp,
                           PlanClass::attentionCp, PlanClass::expertTp})
    plan.set(degree, 1);
  return plan;
}

inline Quantity exactly(double value) {
  Quantity quantity;
  quantity.value = {value, value, value};
  quantity.unit = "test";
  quantity.source = "test";
  quantity.confidence = Confidence::vendor;
  return quantity;
}

/// Round numbers: 1 Tflop/s bf16, 0.1 T results/s, 1 GB/s memory, 0.1 GB/s
/// link, 1 us per hop, 2 us per start, 3 us per kernel.
inline Machine plainMachine() {
  Machine machine;
  machine.name = "plain";
  machine.family = "switched";
  machine.topology.axes = {8};
  machine.topology.domain = 8;
  Engine matmul;
  matmul.kind = EngineKind::matmul;
  matmul.peakOperationsPerSecond[unsigned(Format::bf16)] = exactly(1e12);
  matmul.efficiency[unsigned(Format::bf16)] = exactly(1);
  matmul.tokenTiles = {8};
  Engine vector, transcendental;
  vector.kind = EngineKind::vector;
  vector.peakOperationsPerSecond[unsigned(Format::f32)] = exactly(1e11);
  transcendental.kind = EngineKind::transcendental;
  transcendental.peakOperationsPerSecond[unsigned(Format::f32)] = exactly(1e11);
  machine.engines = {matmul, vector, transcendental};
  Memory memory;
  memory.name = "hbm";
  memory.capacityBytes = exactly(1e9);
  memory.bandwidthBytesPerSecond = exactly(1e9);
  memory.efficiency[unsigned(Format::bf16)] = exactly(1);
  machine.memories = {memory};
  Link link;
  link.name = "link";
  link.bandwidthBytesPerSecond = exactly(1e8);
  link.efficiency = exactly(1);
  link.latencySeconds = exactly(1e-6);
  link.startSeconds = exactly(2e-6);
  link.messageGapSeconds = exactly(0);
  machine.links = {link};
  machine.kernelLaunchSeconds = exactly(3e-6);
  machine.stepOverheadSeconds = exactly(0);
  machine.reserveFraction = exactly(0.1);
  return machine;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_ANALYSIS_TESTMODELS_H
