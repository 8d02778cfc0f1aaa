//===- Partition.cpp - the device program, as plain data ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The process is stated in Partition.h. Everything here is shape arithmetic for
// the slowest rank; speed is nowhere.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Partition.h"
#include <algorithm>
#include <cmath>

using namespace portolan;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// What travels beside a row to its experts: index and weight of each choice.
constexpr double kChoiceBytes = 8;
constexpr double kCountBytes = 4;
constexpr double kPositionBytes = 4; // i32
constexpr double kLogSumExpBytes = 4;

/// Kept values are 16 bits wide or wider; a narrow `activation_format` is how
/// they are read by matmuls and sent to experts.
double wideBytes(const ModelOp &op) {
  return op.local.activation == Format::f32 ? 4.0 : 2.0;
}

/// The format of what passes between ops: that of the embedding's result.
Format keptFormat(const ModelShape &model) {
  return model.prologue.find(OpKind::embedding)->local.activation;
}

/// Sequences of one half (or of all) of a micro-batch on the slowest rank and
/// in the whole stage.
struct Batch {
  int64_t local = 0;
  int64_t total = 0;
};

/// Emits the local ops of one (half) micro-batch.
class Emitter {
public:
  Emitter(const ModelShape &model, const LayerShape &layer,
          const PlanPoint &plan, const Deployment &deployment,
          const Workload &workload, Batch batch, uint8_t microBatch,
          LocalOps &ops)
      : model(model), layer(layer), plan(plan), formats(plannedFormats(plan)),
        deployment(deployment), workload(workload), batch(batch),
        microBatch(microBatch), ops(ops) {
    newTokens = stepTokens(workload, plan.count(PlanClass::speculation));
    rows = batch.local * newTokens;
    totalRows = batch.total * newTokens;
    equalRanks = deployment.tp * deployment.cp;
    exchangeNone = plan.get(PlanClass::dispatchExchange) == kNone;
    slicedRows = exchangeNone ? rows : ceilDiv(rows, equalRanks);
    meanSlicedRows = exchangeNone ? double(totalRows)
                                  : double(totalRows) / deployment.stageSize;
    if (layer.hasExperts())
      load = plan.is(PlanClass::placementForm, PlacementForm::spatial)
                 ? sideBySideLoad(workload.popularity, model.experts,
                                  model.topK, totalRows)
                 : expertLoad(workload.popularity, model.experts, model.topK,
                              deployment.ep, totalRows,
                              plan.count(PlanClass::replicas));
  }

  void emitAll() {
    const ModelOp *last = nullptr; // op of the region that is not left yet
    for (const ModelOp &op : layer.ops) {
      if (last && !op.expertRegion) {
        leaveRegion(*last);
        makers.back() = int32_t(ops.size()) - 1;
      }
      last = op.expertRegion ? &op : nullptr;
      emit(op);
      makers.push_back(int32_t(ops.size()) - 1);
    }
    if (last)
      leaveRegion(*last);
  }

private:
  /// The op with its rows and input.
  LocalOp copyOf(const ModelOp &op) const {
    LocalOp local = op.local;
    place(local, op);
    return local;
  }

  /// The same at the end of the list, until the next op is added.
  LocalOp &start(const ModelOp &op) {
    LocalOp &local = ops.emplace_back(op.local);
    place(local, op);
    return local;
  }

  void place(LocalOp &local, const ModelOp &op) const {
    local.microBatch = microBatch;
    setRows(local, op.expertRegion ? slicedRows : rows);
    // A prompt is continued from its last token; drafts are verified one by
    // one.
    if (op.lastPosition)
      setRows(local,
              batch.local * (1 + int64_t(plan.count(PlanClass::speculation))));
    // What the model's op makes comes out of the last op that stands for it.
    if (local.input >= 0)
      local.input = makers[local.input];
  }

  static void setRows(LocalOp &local, double count) {
    local.rows = local.meanRows = count;
  }

  int64_t share(int64_t whole, int64_t units) const {
    if (units == 0)
      return whole;
    return whole / units * ceilDiv(units, deployment.tp);
  }

  void planFeedForward(LocalOp &local) const {
    local.weight = formats.feedForward.storage;
    local.compute = formats.feedForward.compute;
    local.activation = formats.rows;
  }

  void planProjection(LocalOp &local) const {
    local.weight = formats.projection.storage;
    local.compute = formats.projection.compute;
    local.activation = formats.projected;
  }

  void planCache(LocalOp &local) const {
    local.cache = formats.cache.storage;
    local.compute = formats.cache.compute;
  }

  void collective(OpKind kind, Group group, double payload,
                  double meanPayload) {
    if (group.size <= 1)
      return;
    LocalOp &local = ops.emplace_back();
    local.kind = kind;
    local.microBatch = microBatch;
    // Counts are integers and have no format.
    if (kind != OpKind::allToAll)
      local.activation = local.compute = keptFormat(model);
    local.group = group;
    local.payloadBytes = payload;
    local.meanPayloadBytes = meanPayload;
  }

  void emit(const ModelOp &op) {
    switch (op.local.kind) {
    case OpKind::linear:
      emitLinear(op);
      break;
    case OpKind::attention:
    case OpKind::latentAttention:
    case OpKind::pooledAttention:
      emitAttention(op);
      break;
    case OpKind::recurrence: {
      // A token's state follows from the one before: heads are split over tp,
      // and the sequence stays whole.
      LocalOp &local = start(op);
      local.heads = ceilDiv(op.local.heads, deployment.tp);
      local.kvHeads = ceilDiv(op.local.kvHeads, deployment.tp);
      placeState(local);
      break;
    }
    case OpKind::shortConvolution: {
      LocalOp &local = start(op);
      local.outer = share(op.local.outer, op.units);
      placeState(local);
      break;
    }
    case OpKind::poolKeys: {
      // One key for all heads: every rank that shares a sequence pools it.
      LocalOp &local = start(op);
      local.cache = formats.cache.storage;
      local.compute = formats.cache.compute;
      placeState(local);
      break;
    }
    case OpKind::gate: {
      LocalOp &local = start(op);
      local.outer = share(op.local.outer, op.units);
      local.inner = share(op.local.inner, op.units);
      break;
    }
    case OpKind::mlp:
      emitMlp(op);
      break;
    case OpKind::dispatch:
      emitDispatch(op);
      break;
    case OpKind::experts: {
      LocalOp &local = start(op);
      planFeedForward(local);
      setLoad(local);
      local.outer = ceilDiv(op.local.outer, deployment.expertTp);
      local.experts = load.experts;
      break;
    }
    case OpKind::combine:
      emitCombine(op);
      break;
    case OpKind::rmsNorm:
    case OpKind::rope: {
      LocalOp &local = start(op);
      local.outer = share(op.local.outer, op.units);
      break;
    }
    default:
      start(op);
      break;
    }
  }

  void placeState(LocalOp &local) const {
    local.sequences = batch.local;
    local.newTokens = newTokens;
  }

  void setLoad(LocalOp &local) const {
    local.rows = load.maxRows;
    local.meanRows = load.meanRows;
    local.hitExperts = load.hitExperts;
  }

  void emitLinear(const ModelOp &op) {
    LocalOp &local = start(op);
    // A head keeps its format unless it ships as narrow as the layers do.
    if (!op.gatherColumns || bitsPerElement(local.weight) < 16)
      planProjection(local);
    if (op.sharding == Sharding::columns) {
      local.outer = share(op.local.outer, op.units);
      if (op.local.heads > 0)
        local.heads = share(op.local.heads, op.units);
    }
    if (op.sharding == Sharding::contracted)
      local.inner = share(op.local.inner, op.units);
    double count = local.rows;
    Group tensor{deployment.tp, 1};
    double bytes = count * op.local.outer * wideBytes(op);
    if (op.sharding == Sharding::contracted)
      collective(OpKind::allReduce, tensor, bytes, bytes);
    if (op.gatherColumns)
      collective(OpKind::allGather, tensor, bytes, bytes);
  }

  void emitAttention(const ModelOp &op) {
    LocalOp &local = start(op);
    // The up-projections of a latent cache; scores are computed as the cache.
    if (local.kind == OpKind::latentAttention)
      local.weight = formats.projection.storage;
    planCache(local);
    local.heads = ceilDiv(op.local.heads, deployment.tp);
    local.kvHeads = ceilDiv(op.local.kvHeads, deployment.tp);
    // The index of a sparse attention has a query per group of heads.
    if (local.kind == OpKind::attention && op.local.kvHeads > 0)
      local.keyWidth = op.local.keyWidth / op.local.kvHeads * local.kvHeads;
    local.sequences = batch.local;
    local.newTokens = newTokens;
    int64_t context =
        visibleContext(workload.meanContextTokens(), op.window, op.chunk);
    local.context = ceilDiv(context, deployment.cp);
    local.causalPrefill = local.newTokens > 1;
    if (deployment.cp == 1)
      return;
    int64_t heads = local.heads;
    double width = double(heads) * local.outer;
    double payload = deployment.cp * double(rows) *
                     (width * wideBytes(op) + heads * kLogSumExpBytes);
    collective(OpKind::allGather, {deployment.cp, deployment.tp}, payload,
               payload);
    LocalOp merge;
    merge.kind = OpKind::mergePartials;
    merge.microBatch = microBatch;
    merge.activation = merge.compute = keptFormat(model);
    setRows(merge, rows);
    merge.inner = deployment.cp;
    merge.outer = int64_t(width);
    merge.heads = heads;
    ops.push_back(merge);
  }

  void emitMlp(const ModelOp &op) {
    LocalOp &local = start(op);
    planFeedForward(local);
    // A shared expert beside an exchange works on the rank's own slice of rows;
    // every other feed-forward block is split over the ranks with equal rows.
    int64_t ranks = 1;
    if (!op.expertRegion)
      ranks = deployment.tp;
    else if (exchangeNone)
      ranks = deployment.stageSize;
    local.outer = ceilDiv(op.local.outer, ranks);
    if (!op.expertRegion) {
      double bytes = double(rows) * op.local.inner * wideBytes(op);
      collective(OpKind::allReduce, {deployment.tp, 1}, bytes, bytes);
    }
  }

  bool sendsRows(PlanClass exchange) const {
    return plan.is(exchange, Exchange::allToAll) ||
           plan.is(exchange, Exchange::hierarchical);
  }

  double rowBytes(const ModelOp &op, double elementBytes) const {
    return double(op.local.outer) * elementBytes;
  }

  /// `pack` or `unpack` beside the model's dispatch or combine.
  static LocalOp moveOf(const LocalOp &op, OpKind kind,
                        const ExchangeLevel &level) {
    LocalOp move = op;
    move.kind = kind;
    move.topK = 0;
    move.hitExperts = 0;
    move.weighted = false;
    move.rows = level.packedMax;
    move.meanRows = level.packedMean;
    return move;
  }

  void exchangeRows(const ExchangeLevel &level, double bytesPerRow) {
    collective(OpKind::allToAllV, level.group,
               level.exchangedMax() * bytesPerRow,
               level.receivedMean * bytesPerRow);
  }

  void emitDispatch(const ModelOp &op) {
    Group stage{deployment.stageSize, 1};
    double sent = bytesPerElement(formats.rows);
    LocalOp local = copyOf(op);
    local.activation = formats.rows;
    if (sendsRows(PlanClass::dispatchExchange)) {
      levels =
          exchangeLevels(Exchange(plan.get(PlanClass::dispatchExchange)),
                         deployment, model.experts, model.topK, model.groups,
                         model.topGroups, totalRows, slicedRows, load);
      for (const ExchangeLevel &level : levels) {
        ops.push_back(moveOf(local, OpKind::pack, level));
        double counts = kCountBytes * double(level.group.size);
        collective(OpKind::allToAll, level.group, counts, counts);
        exchangeRows(level, rowBytes(op, sent) + model.topK * kChoiceBytes);
      }
    } else if (plan.is(PlanClass::dispatchExchange, Exchange::allGather)) {
      double payload =
          double(totalRows) * (rowBytes(op, sent) + model.topK * kChoiceBytes);
      collective(OpKind::allGather, stage, payload, payload);
    }
    setLoad(local);
    local.hitExperts = load.hitExperts;
    ops.push_back(local);
  }

  void emitCombine(const ModelOp &op) {
    Group stage{deployment.stageSize, 1};
    LocalOp local = copyOf(op);
    setLoad(local);
    local.hitExperts = load.hitExperts;
    double perRow = rowBytes(op, wideBytes(op));
    if (sendsRows(PlanClass::combineExchange)) {
      local.rowsOut = levels.back().receivedMax;
      ops.push_back(local);
      // Back the way they came; each unpack yields what its pack was given.
      for (size_t i = levels.size(); i-- > 0;) {
        exchangeRows(levels[i], perRow);
        LocalOp unpack = moveOf(local, OpKind::unpack, levels[i]);
        unpack.rowsOut = i > 0 ? levels[i - 1].receivedMax : double(slicedRows);
        ops.push_back(unpack);
      }
    } else if (plan.is(PlanClass::combineExchange, Exchange::reduceScatter)) {
      local.rowsOut = double(totalRows);
      ops.push_back(local);
      double payload = double(totalRows) * perRow;
      collective(OpKind::reduceScatter, stage, payload, payload);
    } else {
      local.rowsOut = double(rows);
      ops.push_back(local);
    }
  }

  /// The rows that leave the expert block are equal again on the ranks that
  /// share a sequence.
  void leaveRegion(const ModelOp &last) {
    double bytes = double(rows) * double(last.local.outer) *
                   wideBytes(*model.prologue.find(OpKind::embedding));
    if (exchangeNone)
      collective(OpKind::allReduce, {deployment.stageSize, 1}, bytes, bytes);
    else
      collective(OpKind::allGather, {equalRanks, 1}, bytes, bytes);
  }

  const ModelShape &model;
  const LayerShape &layer;
  const PlanPoint &plan;
  const PlannedFormats formats;
  const Deployment &deployment;
  const Workload &workload;
  Batch batch;
  uint8_t microBatch;
  LocalOps &ops;
  int64_t newTokens, rows, totalRows, equalRanks, slicedRows;
  double meanSlicedRows;
  bool exchangeNone;
  ExpertLoad load;
  /// Of the dispatch, for the combine that follows.
  llvm::SmallVector<ExchangeLevel, 2> levels;
  /// For each of the layer's ops so far, the index of what holds its result.
  llvm::SmallVector<int32_t, 48> makers;
};

} // namespace

PlannedFormats portolan::plannedFormats(const PlanPoint &plan) {
  PlannedFormats result;
  result.feedForward = result.projection =
      plan.formats(PlanClass::weightFormat);
  result.cache = plan.formats(PlanClass::kvFormat);
  result.rows = result.projected =
      plan.formats(PlanClass::activationFormat).storage;
  // Published 4-bit checkpoints leave the weights of attention alone.
  FormatPair &weight = result.projection;
  if (bitsPerElement(weight.storage) < 8) {
    Format wider = *nextWider(weight.storage);
    if (weight.compute == weight.storage)
      weight.compute = wider;
    weight.storage = wider;
  }
  if (bitsPerElement(result.projected) < 8)
    result.projected = *nextWider(result.projected);
  return result;
}

bool LayerShape::hasExperts() const { return find(OpKind::experts) != nullptr; }

const ModelOp *LayerShape::find(OpKind kind) const {
  for (const ModelOp &op : ops)
    if (op.local.kind == kind)
      return &op;
  return nullptr;
}

int64_t ModelShape::callsOf(unsigned layer) const {
  return std::count(sequence.begin(), sequence.end(), layer);
}

int64_t ModelShape::depth() const {
  int64_t sum = 0;
  for (unsigned layer : sequence)
    sum += layers[layer].depth;
  return sum;
}

/// The two halves in turns: a turn computes, then communicates while the other
/// half computes.
static void takeTurns(llvm::ArrayRef<LocalOp> first,
                      llvm::ArrayRef<LocalOp> second, LocalOps &ops) {
  size_t begin = 0;
  while (begin < first.size()) {
    size_t end = begin;
    while (end < first.size() && !isCommunication(first[end].kind))
      ++end;
    while (end < first.size() && isCommunication(first[end].kind))
      ++end;
    for (llvm::ArrayRef<LocalOp> half : {first, second})
      ops.append(half.begin() + begin, half.begin() + end);
    begin = end;
  }
  // Where each op of each half is now.
  llvm::SmallVector<int32_t, 48> places[2];
  for (auto [index, op] : llvm::enumerate(ops))
    places[op.microBatch].push_back(int32_t(index));
  for (LocalOp &op : ops)
    if (op.input >= 0)
      op.input = places[op.microBatch][op.input];
}

void portolan::partitionLayer(const ModelShape &model, const LayerShape &layer,
                              const PlanPoint &plan,
                              const Deployment &deployment,
                              const Workload &workload, int64_t sequences,
                              LocalOps &ops) {
  ops.clear();
  Batch whole{ceilDiv(sequences, deployment.dp), sequences};
  if (!plan.is(PlanClass::overlap, Overlap::twoBatch)) {
    Emitter(model, layer, plan, deployment, workload, whole, 0, ops).emitAll();
    return;
  }
  // Every rank halves its own sequences, the larger half first.
  int64_t floor = sequences / deployment.dp;
  int64_t longer = sequences % deployment.dp; // ranks with floor + 1
  Batch first{ceilDiv(whole.local, 2),
              longer * ceilDiv(floor + 1, 2) +
                  (deployment.dp - longer) * ceilDiv(floor, 2)};
  Batch second{whole.local / 2, sequences - first.total};
  LocalOps a, b;
  Emitter(model, layer, plan, deployment, workload, first, 0, a).emitAll();
  Emitter(model, layer, plan, deployment, workload, second, 1, b).emitAll();
  takeTurns(a, b, ops);
}

LocalOp portolan::stageBoundary(const ModelShape &model, const PlanPoint &plan,
                                const Deployment &deployment,
                                const Workload &workload, int64_t sequences,
                                OpKind sendOrReceive, Passed passed) {
  LocalOp local;
  local.kind = sendOrReceive;
  // A rank's peer is its counterpart in the next stage.
  local.group = {2, deployment.stageSize};
  double rows =
      double(ceilDiv(sequences, deployment.dp)) *
      double(stepTokens(workload, plan.count(PlanClass::speculation)));
  double elements = rows * double(passed.width);
  // Positions are integers and have no format.
  if (passed.keys) {
    local.payloadBytes = local.meanPayloadBytes = elements * kPositionBytes;
    return local;
  }
  // What leaves the embedding is what passes between layers.
  local.activation = local.compute = keptFormat(model);
  local.payloadBytes = local.meanPayloadBytes =
      elements * wideBytes(*model.prologue.find(OpKind::embedding));
  return local;
}

PassedList portolan::receivedBy(const ModelShape &model,
                                const Deployment &deployment, int64_t stage) {
  int64_t first = stageLayers(model, deployment, stage).first;
  const LayerShape &layer = model.layers[model.sequence[first]];
  PassedList list = {
      {layer.inputWidth > 0 ? layer.inputWidth : model.hidden, false}};
  if (layer.inputKeys > 0)
    list.push_back({layer.inputKeys, true});
  return list;
}

std::pair<int64_t, int64_t> portolan::stageLayers(const ModelShape &model,
                                                  const Deployment &deployment,
                                                  int64_t stage) {
  int64_t layers = model.sequence.size();
  int64_t floor = layers / deployment.stages;
  int64_t longer = layers % deployment.stages;
  int64_t first = stage * floor + std::min(stage, longer);
  return {first, first + floor + (stage < longer ? 1 : 0)};
}
