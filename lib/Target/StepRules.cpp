//===- StepRules.cpp - how an op is computed on a chip --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process, assumptions and what is not counted: StepRules.h. This code runs in
// the tuner's inner loop: no heap, no strings.
//
//===----------------------------------------------------------------------===//

#include "portolan/Target/StepRules.h"
#include <algorithm>
#include <limits>

using namespace portolan;

namespace {

/// More than sums of the same figures in another order differ.
constexpr double kRounding = 1 + 1e-12;

/// Smallest whole number of tiles that holds `amount`.
double tilesOf(double amount, double tile) {
  double quotient = amount / tile;
  double whole = double(int64_t(quotient));
  return whole < quotient ? whole + 1 : whole;
}

/// Kernels that an op is launched as.
struct KernelCount {
  OpKind kind;
  double kernels;
};
/// One each, except where a result must be complete before the next matmul can
/// start: mlp and experts (gate and up with activation, then down), route
/// (logits, then choice), read_streams (columns, then streams), latent
/// attention (query up-projection, attention, value up-projection); decomposed
/// (one per node). Communication starts are in its link load.
constexpr KernelCount kKernelTable[] = {
    {OpKind::embedding, 1},     {OpKind::rmsNorm, 1},
    {OpKind::linear, 1},        {OpKind::rope, 1},
    {OpKind::attention, 1},     {OpKind::latentAttention, 3},
    {OpKind::add, 1},           {OpKind::mlp, 2},
    {OpKind::route, 2},         {OpKind::dispatch, 1},
    {OpKind::experts, 2},       {OpKind::combine, 1},
    {OpKind::gate, 1},          {OpKind::shortConvolution, 1},
    {OpKind::recurrence, 1},    {OpKind::depthAttention, 1},
    {OpKind::readStreams, 2},   {OpKind::writeStreams, 1},
    {OpKind::poolKeys, 1},      {OpKind::pooledAttention, 1},
    {OpKind::decomposed, 1},    {OpKind::pack, 1},
    {OpKind::unpack, 1},        {OpKind::mergePartials, 1},
    {OpKind::allReduce, 0},     {OpKind::allGather, 0},
    {OpKind::reduceScatter, 0}, {OpKind::allToAll, 0},
    {OpKind::allToAllV, 0},     {OpKind::send, 0},
    {OpKind::receive, 0},
};

constexpr bool isOrdered() {
  for (unsigned i = 0; i < kNumOpKinds; ++i)
    if (kKernelTable[i].kind != OpKind(i))
      return false;
  return true;
}
static_assert(std::size(kKernelTable) == kNumOpKinds && isOrdered(),
              "the kernel table lists every op kind in order");

bool movesRows(OpKind kind) {
  switch (kind) {
  case OpKind::embedding:
  case OpKind::dispatch:
  case OpKind::combine:
  case OpKind::pack:
  case OpKind::unpack:
    return true;
  default:
    return false;
  }
}

} // namespace

Matmuls portolan::matmulsOf(const LocalOp &op) {
  Matmuls result;
  int64_t seen = op.context + op.newTokens;
  double sequences = double(op.sequences);
  switch (op.kind) {
  case OpKind::linear:
  case OpKind::route:
    result.add(1, op.rows, op.inner, op.outer);
    break;
  case OpKind::mlp:
    result.add(1, op.rows, op.inner, op.gated ? 2 * op.outer : op.outer);
    result.add(1, op.rows, op.outer, op.inner);
    break;
  case OpKind::experts: {
    double hit = op.hitExperts;
    double rows = hit > 0 ? op.rows / hit : 0;
    result.add(hit, rows, op.inner, op.gated ? 2 * op.outer : op.outer);
    result.add(hit, rows, op.outer, op.inner);
    break;
  }
  case OpKind::attention: {
    double queries = double(op.newTokens) * double(op.heads) /
                     double(std::max<int64_t>(op.kvHeads, 1));
    double groups = sequences * double(op.kvHeads);
    // The keys that an index chooses, after its own scores.
    if (op.topK > 0) {
      result.add(sequences * double(op.keyWidth) /
                     double(std::max<int64_t>(op.ropeWidth, 1)),
                 double(op.newTokens), op.ropeWidth, seen);
      seen = std::min(seen, op.topK);
    }
    result.add(groups, queries, op.inner, seen);
    result.add(groups, queries, seen, op.outer);
    break;
  }
  case OpKind::latentAttention: {
    double heads = double(op.heads);
    if (op.topKeys > 0) {
      if (op.indexHeads > 0)
        result.add(sequences, double(op.newTokens) * double(op.indexHeads),
                   op.indexWidth, seen);
      seen = std::min(seen, op.topKeys);
    }
    if (op.absorbed) {
      double queries = double(op.newTokens) * heads;
      result.add(heads, op.rows, op.keyWidth, op.inner);
      result.add(sequences, queries, op.inner + op.ropeWidth, seen);
      result.add(sequences, queries, seen, op.inner);
      result.add(heads, op.rows, op.inner, op.outer);
    } else {
      result.add(1, op.expanded ? op.rows : sequences * double(seen), op.inner,
                 op.heads * (op.keyWidth + op.outer));
      result.add(sequences * heads, double(op.newTokens),
                 op.keyWidth + op.ropeWidth, seen);
      result.add(sequences * heads, double(op.newTokens), seen, op.outer);
    }
    break;
  }
  case OpKind::readStreams:
    result.add(1, op.rows, op.inner * op.outer,
               op.chunk > 0 ? op.inner * (op.inner + 2) : op.inner);
    break;
  case OpKind::pooledAttention: {
    double queries = double(op.newTokens) * double(op.heads);
    int64_t entries = pooledEntries(op, seen);
    if (op.topKeys > 0) {
      result.add(sequences, double(op.newTokens) * double(op.indexHeads),
                 op.indexWidth, entries);
      entries = std::min(entries, op.topKeys);
    }
    int64_t keys = std::min(op.context, op.window) + op.newTokens + entries;
    result.add(sequences, queries, op.inner, keys);
    result.add(sequences, queries, keys, op.inner);
    break;
  }
  case OpKind::recurrence: {
    if (op.newTokens <= 1 || op.recurrence == RecurrenceKind::selective)
      break;
    int64_t chunk = std::min(op.chunk, op.newTokens);
    double chunks = double(op.rows) / double(chunk) * double(op.heads);
    double rows = double(chunk);
    bool isDelta = followsDeltaRule(op.recurrence);
    // Against the keys of the chunk, and against the state before it; under the
    // delta rule keys are rows as well as queries.
    double readers = isDelta ? 2 * rows : rows;
    result.add(chunks, readers, op.inner, chunk);
    result.add(chunks, readers, op.inner, op.outer);
    result.add(chunks, rows, chunk, op.outer);
    if (isDelta)
      result.add(chunks, rows, chunk, op.inner + op.outer);
    result.add(chunks, double(op.inner), chunk, op.outer);
    break;
  }
  case OpKind::decomposed: {
    // One product of all operations, as deep as the result is wide.
    DecomposedCounts counts = DecomposedCounts::of(op);
    int64_t depth = std::max<int64_t>(counts.width, 1);
    int64_t columns = (counts.matmulOperations / 2 + depth - 1) / depth;
    result.add(1, op.rows, depth, columns);
    break;
  }
  default:
    break;
  }
  return result;
}

TileChoice portolan::chooseTile(const Matmuls &matmuls, const Engine &engine,
                                Format compute,
                                llvm::ArrayRef<int64_t> tokenTiles) {
  double granule = double(engine.rowGranule[unsigned(compute)]);
  double columnTile = double(engine.columnTile);
  double contractionTile = double(std::max(
      engine.contractionTile, engine.contractionStep[unsigned(compute)]));
  double units = double(engine.units);
  // Iterations per row of tiles do not depend on the token tile.
  std::array<double, Matmuls::kMost> perRowTile = {};
  double mostRows = 0;
  for (unsigned i = 0; i < matmuls.size; ++i) {
    const Matmul &matmul = matmuls.items[i];
    perRowTile[i] = matmul.count * tilesOf(double(matmul.columns), columnTile) *
                    tilesOf(double(matmul.contraction), contractionTile);
    mostRows = std::max(mostRows, matmul.rows);
  }
  TileChoice best;
  for (int64_t tile : tokenTiles) {
    double rowTile =
        granule > 1 ? granule * tilesOf(double(tile), granule) : double(tile);
    double perIteration = 2 * rowTile * columnTile * contractionTile;
    std::array<double, 4> iterations = {};
    double least = 0;
    for (unsigned i = 0; i < matmuls.size; ++i) {
      iterations[i] = perRowTile[i] * tilesOf(matmuls.items[i].rows, rowTile);
      least += iterations[i];
    }
    // The last round only adds.
    if (best.tokenTile == 0 ||
        least * perIteration <= best.issuedOperations * kRounding) {
      double total = 0;
      for (unsigned i = 0; i < matmuls.size; ++i)
        total +=
            units > 1 ? units * tilesOf(iterations[i], units) : iterations[i];
      double issued = total * 2 * rowTile * columnTile * contractionTile;
      if (best.tokenTile == 0 || issued <= best.issuedOperations)
        best = {tile, issued};
    }
    // One tile holds all rows: a larger one only adds padding.
    if (double(tile) >= std::max(mostRows, granule))
      break;
  }
  return best;
}

static void startStep(const LocalOp &op, uint32_t index, Step &step) {
  step.covers = index;
  step.kind = op.kind;
  step.microBatch = op.microBatch;
  step.work = workOf(op);
  step.balance = balanceOf(op);
}

Step portolan::startStep(const LocalOp &op, uint32_t index) {
  Step step;
  ::startStep(op, index, step);
  return step;
}

Step &portolan::addStep(const LocalOp &op, uint32_t index, Steps &steps) {
  Step &step = steps.emplace_back();
  ::startStep(op, index, step);
  return step;
}

ComputeRules::ComputeRules(const Machine &machine, const PlanPoint &plan)
    : matmul(machine.findEngine(EngineKind::matmul)),
      rowMover(machine.findEngine(EngineKind::gather) ? EngineKind::gather
                                                      : EngineKind::vector),
      expertTile(plan.get(PlanClass::tile) > 0 ? plan.get(PlanClass::tile) : 0),
      prefetchesExperts(plan.is(PlanClass::residency, Residency::hbmPrefetch)) {
  // A format that no kernel reads is never free: a legal plan has none.
  widening.fill(std::numeric_limits<double>::infinity());
  for (const StorageFormat &storage : machine.storageFormats)
    widening[unsigned(storage.format)] =
        storage.dequantizeOperationsPerElement.nominal();
}

double ComputeRules::dequantizeOperations(Format storage, double bytes) const {
  return bytes > 0
             ? bytes / bytesPerElement(storage) * widening[unsigned(storage)]
             : 0;
}

void ComputeRules::fill(const LocalOp &op, Step &step) const {
  step.kernels = kKernelTable[unsigned(op.kind)].kernels;
  // Scores of the index, its choice, attention to what it chose.
  if (op.kind == OpKind::pooledAttention && op.topKeys > 0)
    step.kernels = 3;
  if (op.kind == OpKind::decomposed)
    step.kernels = double(DecomposedCounts::of(op).kernels);
  const Work &work = step.work;
  if (work.matmulOperations <= 0) {
    step.engine = movesRows(op.kind) ? rowMover : EngineKind::vector;
    return;
  }
  step.engine = EngineKind::matmul;
  step.prefetched = prefetchesExperts && op.kind == OpKind::experts;
  step.issuedOperations = work.matmulOperations;
  if (op.weight != op.compute)
    step.dequantizeOperations +=
        dequantizeOperations(op.weight, work.weightBytes);
  if (op.cache != op.compute)
    step.dequantizeOperations +=
        dequantizeOperations(op.cache, work.cacheReadBytes);
  if (!matmul || matmul->tokenTiles.empty())
    return;

  Matmuls matmuls = matmulsOf(op);
  bool planned = op.kind == OpKind::experts && expertTile > 0;
  TileChoice choice = chooseTile(matmuls, *matmul, op.compute,
                                 planned ? llvm::ArrayRef<int64_t>(expertTile)
                                         : matmul->tokenTiles);
  step.tokenTile = choice.tokenTile;
  double useful = 0;
  for (unsigned i = 0; i < matmuls.size; ++i) {
    const Matmul &item = matmuls.items[i];
    useful += 2 * item.count * item.rows * double(item.contraction) *
              double(item.columns);
  }
  // As a ratio, so that work which masks skip is not issued either.
  if (useful > 0)
    step.issuedOperations *= choice.issuedOperations / useful;
}

void portolan::joinKernels(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                           Steps &steps) {
  if (plan.get(PlanClass::fusion) == kNone)
    return;
  bool persistent = plan.is(PlanClass::fusion, Fusion::block);
  // Of each half of a micro-batch: where its kernels since the last transfer
  // begin, and whether there is one yet.
  std::array<uint32_t, 2> begin = {0, 0};
  std::array<bool, 2> isOpen = {false, false};
  for (uint32_t index = 0; index < ops.size(); ++index) {
    const LocalOp &op = ops[index];
    unsigned half = op.microBatch;
    // Kernels of nodes that were not raised stay as they are.
    if (isCommunication(op.kind) || op.kind == OpKind::decomposed) {
      begin[half] = index + 1;
      isOpen[half] = false;
      continue;
    }
    Step &step = steps[index];
    bool joins = isElementwise(op.kind) && isOpen[half];
    if (persistent)
      step.kernels = isOpen[half] ? 0 : 1;
    else if (joins)
      step.kernels = 0;
    isOpen[half] = true;
    if (!joins || op.input < int32_t(begin[half]))
      continue;
    // Of its operands it takes one from the kernel, which is as large as its
    // result, or the smaller gate.
    Step &maker = steps[op.input];
    double taken = step.work.activationOutBytes;
    double bytes = std::min(taken, maker.work.activationOutBytes);
    step.residentBytes += bytes;
    if (op.soleReader)
      maker.residentBytes += bytes;
  }
}
