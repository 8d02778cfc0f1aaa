//===- TestTargets.h - small machines and models for tests -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Machines and models with round figures, so that expected values can be worked
// out by hand. They are no real chip's.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_TARGET_TESTTARGETS_H
#define PORTOLAN_TEST_UNIT_TARGET_TESTTARGETS_H

#include "portolan/Target/Family.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <random>

namespace portolan::test {

inline Quantity exactly(double value) {
  Quantity quantity;
  quantity.value = {value, value, value};
  quantity.confidence = Confidence::vendor;
  return quantity;
}

inline Link makeLink(llvm::StringRef name, double bytesPerSecond) {
  Link link;
  link.name = name.str();
  link.bandwidthBytesPerSecond = exactly(bytesPerSecond);
  link.efficiency = exactly(1);
  link.latencySeconds = exactly(1e-6);
  link.startSeconds = exactly(1e-6);
  link.messageGapSeconds = exactly(0);
  return link;
}

/// An engine of 16 x 128 x 64 tiles, fp8 rows in tiles of 32 if `granular`.
inline Engine makeMatmulEngine(std::initializer_list<Format> formats,
                               bool granular) {
  Engine engine;
  engine.name = "tensor";
  engine.kind = EngineKind::matmul;
  for (Format format : formats)
    engine.peakOperationsPerSecond[unsigned(format)] = exactly(1e12);
  engine.tokenTiles = {16, 32, 64, 128};
  engine.columnTile = 128;
  engine.contractionTile = 64;
  if (granular) {
    engine.rowGranule[unsigned(Format::bf16)] = 16;
    engine.rowGranule[unsigned(Format::fp8)] = 32;
  }
  return engine;
}

inline Engine makeEngine(EngineKind kind) {
  Engine engine;
  engine.name = spell(kind).str();
  engine.kind = kind;
  engine.peakOperationsPerSecond[unsigned(Format::f32)] = exactly(1e12);
  return engine;
}

inline Memory makeMemory(llvm::StringRef name, double bytes) {
  Memory memory;
  memory.name = name.str();
  memory.capacityBytes = exactly(bytes);
  memory.bandwidthBytesPerSecond = exactly(1e12);
  memory.efficiency[unsigned(Format::bf16)] = exactly(1);
  return memory;
}

/// A switched rack of `chips` in domains of `domain`: computes bf16, fp8 and
/// nvfp4, reads int4 as well (two operations per element to widen).
inline Machine makeSwitched(int64_t chips, int64_t domain,
                            bool addsInNetwork = true) {
  Machine machine;
  machine.name = "rack";
  machine.family = "switched";
  machine.topology.kind = TopologyKind::fullSwitch;
  machine.topology.axes = {chips};
  machine.topology.domain = std::min(domain, chips);
  machine.engines = {
      makeMatmulEngine({Format::f32, Format::bf16, Format::fp8, Format::nvfp4},
                       /*granular=*/false),
      makeEngine(EngineKind::vector), makeEngine(EngineKind::transcendental)};
  machine.memories = {makeMemory("hbm", 100e9), makeMemory("l2", 1e8)};
  machine.links = {makeLink("scale-up", 1e11), makeLink("scale-out", 1e10)};
  machine.links.front().inNetworkReduction = addsInNetwork;
  machine.links.front().reductionGain = exactly(1.3);
  for (Format format : {Format::f32, Format::bf16, Format::fp8, Format::nvfp4})
    machine.storageFormats.push_back({format, exactly(0)});
  machine.storageFormats.push_back({Format::int4, exactly(2)});
  machine.kernelLaunchSeconds = exactly(1e-6);
  machine.stepOverheadSeconds = exactly(0);
  machine.reserveFraction = exactly(0.1);
  return machine;
}

/// A torus whose axes wrap if all are multiples of 4: computes bf16 and fp8.
inline Machine makeTorus(llvm::ArrayRef<int64_t> axes,
                         double nearBytes = 100e6) {
  Machine machine = makeSwitched(8, 8);
  machine.name = "torus";
  machine.family = "torus";
  machine.topology.kind = TopologyKind::torus;
  machine.topology.axes.assign(axes.begin(), axes.end());
  machine.topology.domain = machine.topology.chips();
  bool wraps = llvm::all_of(axes, [](int64_t axis) { return axis % 4 == 0; });
  machine.topology.wraps.assign(axes.size(), wraps);
  machine.engines.front() = makeMatmulEngine(
      {Format::f32, Format::bf16, Format::fp8}, /*granular=*/true);
  machine.engines.push_back(makeEngine(EngineKind::gather));
  machine.memories = {makeMemory("hbm", 100e9), makeMemory("near", nearBytes)};
  machine.links = {makeLink("axis", 1e11)};
  machine.storageFormats.clear();
  for (Format format : {Format::f32, Format::bf16, Format::fp8})
    machine.storageFormats.push_back({format, exactly(0)});
  return machine;
}

/// Servers of 4x4 chips, and along a third axis links of half the speed between
/// them. fp8 is taken in contractions of 128; a transfer of 4 KiB fills the
/// gather engine, whose memory has 16 partitions.
inline Machine makeNeuron(llvm::ArrayRef<int64_t> axes) {
  Machine machine = makeTorus(axes);
  machine.name = "pod";
  machine.family = "trainium";
  machine.topology.wraps.assign(axes.size(), true);
  machine.engines.front().rowGranule.fill(1);
  machine.engines.front().contractionStep[unsigned(Format::fp8)] = 128;
  Engine &gather = machine.engines.back();
  gather.saturatingBytes = exactly(4096);
  gather.partitions = 16;
  if (axes.size() == 3)
    for (double rate : {1e11, 1e11, 5e10})
      machine.links.front().axisBandwidthBytesPerSecond.push_back(
          exactly(rate));
  machine.collectives = {/*ranksPerChip=*/4, /*maximumGroups=*/16, exactly(1e6),
                         exactly(56e6)};
  return machine;
}

/// The same chips behind a switch, in servers of four.
inline Machine makeNeuronSwitch(int64_t chips) {
  Machine machine = makeNeuron({chips});
  machine.topology.kind = TopologyKind::fullSwitch;
  machine.topology.server = 4;
  return machine;
}

/// Wafers of `width` x `height` PEs: compute bf16 and read fp8 (two operations
/// per element to widen). A hop takes 1 ns, a link 4 bytes in that time.
inline Machine makeWafer(int64_t wafers, int64_t width = 100,
                         int64_t height = 80) {
  Machine machine = makeSwitched(wafers, 1);
  machine.name = "wafer";
  machine.family = "wafer";
  machine.topology.kind = TopologyKind::waferMesh;
  machine.topology.units = {height, width};
  Engine pe = makeMatmulEngine({Format::f32, Format::bf16}, false);
  pe.name = "PE";
  pe.tokenTiles = {1};
  pe.columnTile = pe.contractionTile = 1;
  pe.units = width * height;
  machine.engines.front() = pe;
  machine.memories = {makeMemory("sram", 10e9)};
  Link fabric = makeLink("fabric", 4e9);
  fabric.latencySeconds = exactly(1e-9);
  fabric.startSeconds = exactly(5e-9);
  fabric.multicast = true;
  machine.links = {fabric, makeLink("system I/O", 1e11)};
  machine.storageFormats.clear();
  for (Format format : {Format::f32, Format::bf16})
    machine.storageFormats.push_back({format, exactly(0)});
  machine.storageFormats.push_back({Format::fp8, exactly(2)});
  return machine;
}

/// A model of `layers` equal layers with hidden 512, 16 heads of 128 and gated
/// experts of width 256.
inline ModelShape makeModel(int64_t layers = 4, int64_t experts = 64,
                            Format weight = Format::bf16) {
  ModelShape model;
  model.name = "model";
  model.hidden = 512;
  model.experts = experts;
  model.topK = experts ? 4 : 0;
  model.heads = 16;
  model.kvHeads = 4;
  model.shippedWeight = weight;
  LayerShape layer;
  layer.name = "layer";
  ModelOp attention;
  attention.local.kind = OpKind::attention;
  attention.local.heads = 16;
  attention.local.kvHeads = 4;
  attention.local.inner = attention.local.outer = 128;
  layer.ops.push_back(attention);
  ModelOp feedForward;
  feedForward.local.kind = experts ? OpKind::experts : OpKind::mlp;
  feedForward.local.gated = true;
  feedForward.local.inner = 512;
  feedForward.local.outer = 256;
  layer.ops.push_back(feedForward);
  model.layers.push_back(layer);
  model.sequence.assign(layers, 0);
  return model;
}

/// A context that owns what it refers to.
struct Setting {
  ModelShape model;
  Machine machine;
  Workload workload;
  const Family *family;

  Setting(Machine given, ModelShape shape = makeModel())
      : model(std::move(shape)), machine(std::move(given)) {
    llvm::Expected<const Family *> found = familyOf(machine);
    family = found ? *found : nullptr;
    if (!found)
      ADD_FAILURE() << llvm::toString(found.takeError());
  }
  PlanContext context() const { return {model, machine, workload}; }

  std::vector<PlanValue> values(PlanClass planClass,
                                const PlanPoint &prefix) const {
    llvm::SmallVector<PlanValue, 32> list;
    family->values(planClass, prefix, context(), list);
    return {list.begin(), list.end()};
  }
  std::vector<std::string> spelled(PlanClass planClass,
                                   const PlanPoint &prefix) const {
    std::vector<std::string> list;
    for (PlanValue value : values(planClass, prefix))
      list.push_back(spell(planClass, value));
    return list;
  }
  std::optional<Refusal> legalize(PlanClass planClass, PlanValue value,
                                  const PlanPoint &prefix) const {
    return family->legalize(planClass, value, prefix, context());
  }
  std::string refusalId(PlanClass planClass, PlanValue value,
                        const PlanPoint &prefix) const {
    std::optional<Refusal> refusal = legalize(planClass, value, prefix);
    return refusal ? refusal->id : "legal";
  }
  std::string repaired(PlanClass planClass, PlanValue value,
                       const PlanPoint &prefix) const {
    return spell(planClass,
                 family->repair(planClass, value, prefix, context()));
  }
  /// The first value of every class.
  PlanPoint firstPlan() const {
    PlanPoint plan;
    for (PlanClass planClass : allPlanClasses())
      plan.set(planClass, values(planClass, plan).front());
    return plan;
  }
  /// `plan` with one class changed and the later ones repaired after it.
  PlanPoint with(PlanPoint plan, PlanClass planClass, PlanValue value) const {
    plan.set(planClass, value);
    for (unsigned i = unsigned(planClass) + 1; i < kNumPlanClasses; ++i)
      plan.set(PlanClass(i),
               family->repair(PlanClass(i), plan.values[i], plan, context()));
    return plan;
  }
  Deployment deployment(const PlanPoint &plan) const {
    auto result = deploymentOf(plan, machine.topology);
    if (result)
      return *result;
    ADD_FAILURE() << llvm::toString(result.takeError());
    return {};
  }
  Step realizeOne(const LocalOp &op, const PlanPoint &plan) const {
    Steps steps;
    family->realize(op, plan, deployment(plan), machine, steps);
    EXPECT_EQ(steps.size(), 1u);
    return steps.front();
  }
};

inline PlanValue formats(Format storage, Format compute) {
  return encodeFormats({storage, compute});
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_TARGET_TESTTARGETS_H
