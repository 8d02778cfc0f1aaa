//===- SmallWorld.cpp - small models, machines and a family ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SmallWorld.h"
#include "portolan/Target/SpaceRules.h"
#include "portolan/Target/StepRules.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

int64_t pick(std::mt19937 &random, std::initializer_list<int64_t> choices) {
  return *(choices.begin() + random() % choices.size());
}

double between(std::mt19937 &random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

/// A figure with a factor of two between its corners; worse is `low`.
Quantity figure(double nominal, bool lowerIsBetter = false) {
  Quantity quantity;
  double factor = lowerIsBetter ? 1.5 : 0.75;
  quantity.value = {nominal * factor, nominal, nominal / factor};
  quantity.confidence = Confidence::assumed;
  quantity.source = "test";
  return quantity;
}

ModelOp makeOp(OpKind kind, int64_t inner, int64_t outer) {
  ModelOp op;
  op.local.kind = kind;
  op.local.rows = 1;
  op.local.inner = inner;
  op.local.outer = outer;
  return op;
}

/// The last op of the layer takes what the one before it makes.
void readLast(LayerShape &layer) {
  layer.ops.back().local.input = int32_t(layer.ops.size()) - 2;
  layer.ops.back().local.soleReader = true;
}

void addAttention(LayerShape &layer, const ModelShape &model,
                  int64_t headWidth) {
  int64_t h = model.hidden;
  layer.ops.push_back(makeOp(OpKind::rmsNorm, 0, h));
  ModelOp query = makeOp(OpKind::linear, h, model.heads * headWidth);
  query.sharding = Sharding::columns;
  query.units = model.heads;
  layer.ops.push_back(query);
  ModelOp attention = makeOp(OpKind::attention, headWidth, headWidth);
  attention.local.heads = model.heads;
  attention.local.kvHeads = model.kvHeads;
  layer.ops.push_back(attention);
  ModelOp output = makeOp(OpKind::linear, model.heads * headWidth, h);
  output.sharding = Sharding::contracted;
  output.units = model.heads;
  layer.ops.push_back(output);
  layer.ops.push_back(makeOp(OpKind::add, 0, h));
  readLast(layer);
}

} // namespace

ModelShape test::smallModel(std::mt19937 &random) {
  ModelShape model;
  model.name = "small";
  model.hidden = pick(random, {64, 96, 128});
  model.heads = pick(random, {2, 4, 6});
  model.kvHeads = model.heads / pick(random, {1, 2});
  model.experts = pick(random, {4, 6, 8});
  model.topK = pick(random, {1, 2});
  int64_t width = pick(random, {32, 48, 128});

  LayerShape dense;
  dense.name = "dense";
  addAttention(dense, model, 16);
  ModelOp mlp = makeOp(OpKind::mlp, model.hidden, 4 * width);
  mlp.local.gated = true;
  dense.ops.push_back(mlp);
  dense.ops.push_back(makeOp(OpKind::add, 0, model.hidden));
  readLast(dense);

  LayerShape moe;
  moe.name = "moe";
  addAttention(moe, model, 16);
  auto addRegion = [&](ModelOp op) {
    op.expertRegion = true;
    moe.ops.push_back(op);
  };
  ModelOp route = makeOp(OpKind::route, model.hidden, model.experts);
  route.local.topK = model.topK;
  addRegion(route);
  ModelOp dispatch = makeOp(OpKind::dispatch, 0, model.hidden);
  dispatch.local.topK = model.topK;
  addRegion(dispatch);
  ModelOp experts = makeOp(OpKind::experts, model.hidden, width);
  experts.local.experts = model.experts;
  experts.local.gated = true;
  addRegion(experts);
  ModelOp combine = makeOp(OpKind::combine, 0, model.hidden);
  combine.local.topK = model.topK;
  addRegion(combine);
  moe.ops.push_back(makeOp(OpKind::add, 0, model.hidden));
  readLast(moe);

  model.layers = {dense, moe};
  int64_t layers = pick(random, {2, 3, 4});
  for (int64_t i = 0; i < layers; ++i)
    model.sequence.push_back(i == 0 && random() % 2 ? 0 : 1);
  model.prologue.ops = {makeOp(OpKind::embedding, 0, model.hidden)};
  model.epilogue.ops = {makeOp(OpKind::rmsNorm, 0, model.hidden),
                        makeOp(OpKind::linear, model.hidden, 256)};
  return model;
}

double test::weightBytesOf(const ModelShape &model) {
  PlanPoint plan;
  PlanValue bf16 = encodeFormats({Format::bf16, Format::bf16});
  for (PlanClass planClass : {PlanClass::weightFormat,
                              PlanClass::activationFormat, PlanClass::kvFormat})
    plan.set(planClass, bf16);
  return memoryUse(model, plan, Deployment(), Workload(), 1).weightBytes;
}

Machine test::smallMachine(std::mt19937 &random, int64_t chips,
                           double weightBytes) {
  Machine machine;
  machine.name = "small";
  machine.family = "small";
  machine.topology.axes = {chips};
  machine.topology.domain = chips;
  Engine matmul;
  matmul.kind = EngineKind::matmul;
  double peak = between(random, 1e9, 1e11);
  matmul.peakOperationsPerSecond[unsigned(Format::bf16)] = figure(peak);
  matmul.peakOperationsPerSecond[unsigned(Format::fp8)] =
      figure(peak * between(random, 1, 3));
  matmul.efficiency[unsigned(Format::bf16)] = figure(between(random, 0.5, 1));
  matmul.tokenTiles = {1, 16};
  Engine vector;
  vector.kind = EngineKind::vector;
  vector.peakOperationsPerSecond[unsigned(Format::f32)] = figure(peak / 10);
  Engine transcendental = vector;
  transcendental.kind = EngineKind::transcendental;
  machine.engines = {matmul, vector, transcendental};
  Memory memory;
  memory.name = "hbm";
  memory.capacityBytes = figure(weightBytes * between(random, 0.2, 1.6));
  memory.bandwidthBytesPerSecond = figure(between(random, 1e8, 1e10));
  memory.efficiency[unsigned(Format::bf16)] = figure(between(random, 0.5, 1));
  machine.memories = {memory};
  Link link;
  link.name = "link";
  link.bandwidthBytesPerSecond = figure(between(random, 1e7, 1e10));
  link.efficiency = figure(0.8);
  link.latencySeconds = figure(between(random, 1e-7, 1e-4), true);
  link.startSeconds = figure(between(random, 1e-7, 1e-4), true);
  link.messageGapSeconds = figure(1e-7, true);
  link.inNetworkReduction = true;
  link.reductionGain = figure(1.5);
  machine.links = {link};
  machine.storageFormats = {{Format::bf16, figure(0)},
                            {Format::fp8, figure(0)}};
  machine.kernelLaunchSeconds = figure(between(random, 1e-7, 1e-4), true);
  machine.stepOverheadSeconds = figure(between(random, 1e-6, 1e-3), true);
  machine.reserveFraction = figure(0.05, true);
  return machine;
}

Workload test::smallWorkload(std::mt19937 &random) {
  Workload workload;
  static constexpr Phase phases[] = {Phase::decode, Phase::decode,
                                     Phase::prefill, Phase::both};
  workload.phase = phases[random() % 4];
  workload.contextTokens = pick(random, {64, 256, 1024});
  if (workload.phase != Phase::decode)
    workload.contextTokens = 32;
  workload.maxTtftSeconds = random() % 2 ? 2.0 : 0.2;
  workload.outputTokens = 64;
  if (random() % 2)
    workload.popularity.kind = Popularity::Kind::uniform;
  return workload;
}

//===----------------------------------------------------------------------===//
// SmallFamily
//===----------------------------------------------------------------------===//

void SmallFamily::values(PlanClass planClass, const PlanPoint &prefix,
                         const PlanContext &context,
                         llvm::SmallVectorImpl<PlanValue> &values) const {
  values.clear();
  int64_t chips = context.machine.chips();
  Deployment degrees =
      llvm::cantFail(deploymentOf(prefix, context.machine.topology));
  auto addDivisors = [&](int64_t of, int64_t most) {
    for (int64_t d = 1; d <= std::min(of, most); ++d)
      if (of % d == 0)
        values.push_back(PlanValue(d));
  };
  PlanValue bf16 = encodeFormats({Format::bf16, Format::bf16});
  switch (planClass) {
  case PlanClass::weightFormat:
    values.push_back(bf16);
    if (readsFp8)
      values.push_back(encodeFormats({Format::fp8, Format::fp8}));
    return;
  case PlanClass::activationFormat:
  case PlanClass::kvFormat:
    values.push_back(bf16);
    if (narrowsAll)
      values.push_back(encodeFormats({Format::fp8, Format::fp8}));
    return;
  case PlanClass::instance:
    values.push_back(kInstanceAll);
    if (chips % 2 == 0)
      values.push_back(PlanValue(chips / 2));
    if (chips == 4)
      values.push_back(1);
    return;
  case PlanClass::pipeline:
    return addDivisors(degrees.instance,
                       std::min<int64_t>(2, context.model.sequence.size()));
  case PlanClass::attentionTp:
    return addDivisors(degrees.stageSize, context.model.heads);
  case PlanClass::attentionCp:
    if (context.workload.phase != Phase::decode)
      return values.push_back(kNone);
    return addDivisors(degrees.stageSize / degrees.tp, 2);
  case PlanClass::expertTp:
    return addDivisors(degrees.stageSize, 2);
  case PlanClass::dispatchExchange:
    if (degrees.stageSize == 1)
      return values.push_back(kNone);
    if (degrees.dp == 1)
      values.push_back(kNone);
    values.push_back(PlanValue(Exchange::allToAll));
    if (degrees.dp > 1)
      values.push_back(PlanValue(Exchange::allGather));
    return;
  case PlanClass::combineExchange: {
    PlanValue dispatch = prefix.get(PlanClass::dispatchExchange);
    values.push_back(dispatch == PlanValue(Exchange::allGather)
                         ? PlanValue(Exchange::reduceScatter)
                         : dispatch);
    return;
  }
  case PlanClass::reduction:
    if (degrees.stageSize == 1)
      return values.push_back(kNone);
    values.push_back(PlanValue(Reduction::ring));
    if (reducesInNetwork)
      values.push_back(PlanValue(Reduction::inNetwork));
    return;
  case PlanClass::overlap:
    values.push_back(kNone);
    if (overlaps && degrees.stageSize > 1)
      values.push_back(PlanValue(Overlap::twoBatch));
    return;
  case PlanClass::batchForm:
    if (degrees.stages == 1)
      return values.push_back(kNone);
    values.push_back(PlanValue(degrees.stages));
    values.push_back(PlanValue(2 * degrees.stages));
    return;
  case PlanClass::placementForm:
    return values.push_back(copiesExperts && degrees.ep > 1
                                ? PlanValue(PlacementForm::distributed)
                                : kNone);
  case PlanClass::replicas:
    return addReplicas(prefix, context, values);
  case PlanClass::speculation:
    return addSpeculations(context, values);
  case PlanClass::fusion:
    if (fuses)
      return addFusions(/*launchesKernels=*/true, values);
    return values.push_back(kNone);
  case PlanClass::phaseSplit:
    return addPhaseSplits(prefix, context, values);
  case PlanClass::tile:
    values.push_back(1);
    values.push_back(16);
    return;
  default:
    values.push_back(kNone);
    return;
  }
}

std::optional<Refusal> SmallFamily::legalize(PlanClass planClass,
                                             PlanValue value,
                                             const PlanPoint &prefix,
                                             const PlanContext &context) const {
  llvm::SmallVector<PlanValue, 8> legal;
  values(planClass, prefix, context, legal);
  if (llvm::is_contained(legal, value))
    return std::nullopt;
  Refusal refusal;
  refusal.id = planClass == PlanClass::weightFormat ? "format_not_native"
               : planClass == PlanClass::reduction
                   ? "no_in_network_reduction"
                   : "group_shape_not_expressible";
  refusal.reason = "not in the space";
  return refusal;
}

PlanValue SmallFamily::repair(PlanClass planClass, PlanValue value,
                              const PlanPoint &prefix,
                              const PlanContext &context) const {
  llvm::SmallVector<PlanValue, 8> legal;
  values(planClass, prefix, context, legal);
  if (llvm::is_contained(legal, value))
    return value;
  PlanValue nearest = legal.front();
  for (PlanValue candidate : legal)
    if (candidate > 0 && value > 0 &&
        (nearest <= 0 ||
         std::abs(candidate - value) < std::abs(nearest - value)))
      nearest = candidate;
  return nearest;
}

void SmallFamily::realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                          const Deployment &deployment, const Machine &machine,
                          Steps &steps) const {
  double tile = double(plan.number(PlanClass::tile));
  for (auto [index, op] : llvm::enumerate(ops)) {
    Step step;
    step.covers = uint32_t(index);
    step.kind = op.kind;
    step.microBatch = op.microBatch;
    step.work = workOf(op);
    if (!isCommunication(op.kind)) {
      step.kernels = 1;
      step.issuedOperations = step.work.matmulOperations;
      if (op.kind == OpKind::experts && op.hitExperts > 0) {
        // A large tile pads few rows, a small one reloads weights.
        double rows = op.rows / op.hitExperts;
        double padded = tile * std::ceil(rows / tile) * (1 + 0.5 / tile);
        step.issuedOperations *= padded / rows;
      }
      step.balance = op.rows > 0 ? op.meanRows / op.rows : 1;
      steps.push_back(step);
      continue;
    }
    double n = double(op.group.size);
    step.load.starts = exchangeStarts;
    step.load.hops = 1;
    step.load.bottleneckBytes = op.payloadBytes * (n - 1) / n;
    if (op.kind == OpKind::allReduce) {
      if (plan.is(PlanClass::reduction, Reduction::inNetwork)) {
        step.algorithm = Algorithm::inNetwork;
      } else {
        step.load.hops = 2 * (n - 1);
        step.load.bottleneckBytes *= 2;
      }
    }
    steps.push_back(step);
  }
  joinKernels(ops, plan, steps);
}

llvm::StringRef SmallFamily::systemOpName(const Step &step) const {
  return spell(step.kind);
}
