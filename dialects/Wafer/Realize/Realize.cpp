//===- Realize.cpp - local ops as steps of a wafer ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exactly one step per op, in order. A computation takes place on the region of
// its stage, and the transfers between the PEs of the region are part of it.
//
// Process: weights K x N lie on the region with K along one side and N along
//   the other. Rows come in along the lines of N, partial sums are added along
//   the lines of K by a K-tree, which leaves the result where the next matmul,
//   laid out the other way round, wants it (WaferLLM). Many rows shift both
//   operands instead (MeshGEMM), if that puts fewer bytes through a PE.
//   Experts work side by side, each in a rectangle of its own, so that a step
//   has the units of the experts that are hit. Rows are multicast over all of
//   them, and results are added on the way back.
//   The cache of a sequence (and key head) lies in a square, tokens along one
//   side and the head along the other; other micro-batches use the same
//   squares. The state of a recurrence lies in a square per head, its keys
//   along one side and its values along the other. An attention tile takes a
//   part of the sequences at a time, which then have larger squares.
// Assumptions: a stage is paced by the mean of its boundaries: of the stages on
//   a wafer one sends to the next wafer, and a micro-batch passes them all.
//   Latencies inside a square are those of the region's lines.
// Not counted: the code and buffers that compete for a PE's memory.
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/Fabric.h"
#include "dialects/Wafer/Realize/WaferFamily.h"
#include "portolan/Target/StepRules.h"
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::wafer;

namespace {

constexpr double kScoreBytes = 4;  // scores and sums are added in f32
constexpr double kStateBytes = 8;  // maximum and sum of a softmax row
constexpr double kChoiceBytes = 8; // index and weight of a chosen expert
constexpr double kSquareBytes = 4; // sum of squares of a row

double tilesOf(double amount, double tile) { return std::ceil(amount / tile); }

/// Kept values are 16 bits wide or wider.
double wideBytes(const LocalOp &op) {
  return op.activation == Format::f32 ? 4 : 2;
}

/// PEs that a matmul is spread over.
struct Grid {
  int64_t alongK = 1, alongN = 1;
  double units = 1; ///< of all equal matmuls that work at once
  int64_t line = 1; ///< PEs that a partial sum passes
};

/// Transfers and issued operations of the matmuls of one step.
struct Spread {
  LinkLoad load;
  double issued = 0, useful = 0;
  bool adds = false; ///< partial sums along K-trees; else operands shift

  /// `count` matmuls at once, `times` over.
  void add(const Grid &grid, double count, double rows, double inner,
           double outer, double resultBytes, double operandBytes,
           double times = 1) {
    if (count <= 0 || rows <= 0)
      return;
    double k = tilesOf(inner, double(grid.alongK));
    double n = tilesOf(outer, double(grid.alongN));
    useful += times * 2 * count * rows * inner * outer;
    issued += times * 2 * rows * k * n * grid.units;
    LinkLoad tree =
        kTreeLoad(std::min<int64_t>(grid.line, int64_t(std::ceil(inner))),
                  rows * n * resultBytes);
    double shifted = (rows / double(grid.alongK) + n) * inner * operandBytes;
    if (shifted < tree.bottleneckBytes) {
      addLoad(load, shiftLoad(grid.alongK, shifted), times);
      return;
    }
    adds = true;
    addLoad(load, tree, times);
  }
};

/// Realizes ops on the region of one stage.
class StageRegion {
public:
  StageRegion(llvm::ArrayRef<LocalOp> ops, const Deployment &deployment,
              const Machine &machine)
      : deployment(deployment), grid(gridOf(machine.topology)),
        stage(regionOf(grid, deployment.stagesPerChip)), expert(stage) {
    for (const LocalOp &op : ops)
      if (op.kind == OpKind::experts)
        expert = regionOf(stage, std::max<int64_t>(op.experts, 1));
  }

  void compute(const LocalOp &op, Step &step) const {
    step.share = stage.area() / grid.area();
    Spread spread;
    switch (op.kind) {
    case OpKind::embedding:
      setLoad(step, Algorithm::multicast,
              multicastLoad(double(stage.longSide),
                            op.rows * perLine(op.outer) * wideBytes(op)));
      return;
    case OpKind::rmsNorm:
      setLoad(step, Algorithm::kTree,
              kTreeLoad(stage.longSide, op.rows * kSquareBytes));
      return;
    case OpKind::depthAttention:
      // A square and a score of every stream.
      setLoad(step, Algorithm::kTree,
              kTreeLoad(stage.longSide, op.rows * double(op.inner) *
                                            (kSquareBytes + kScoreBytes)));
      return;
    case OpKind::readStreams:
      whole(spread, op.rows, op.inner * op.outer,
            op.chunk > 0 ? op.inner * (op.inner + 2) : op.inner, op);
      addLoad(spread.load, kTreeLoad(stage.longSide, op.rows * kSquareBytes));
      break;
    case OpKind::writeStreams:
      // What a token's streams are mixed by comes to all of its line.
      setLoad(step, Algorithm::multicast,
              multicastLoad(double(stage.longSide), op.rows * double(op.inner) *
                                                        double(op.inner + 1) *
                                                        kScoreBytes));
      return;
    case OpKind::poolKeys:
      // Rows go to the squares of their sequences, where an entry's squares
      // are added up.
      setLoad(step, Algorithm::neighbour,
              exchangeLoad(stage, op.rows * 2 * double(op.inner) /
                                      double(std::max<int64_t>(op.chunk, 1)) *
                                      double(op.outer) * wideBytes(op)));
      addLoad(step.load,
              kTreeLoad(stage.longSide,
                        op.rows / double(std::max<int64_t>(op.chunk, 1)) *
                            kSquareBytes));
      return;
    case OpKind::linear:
      whole(spread, op.rows, op.inner, op.outer, op);
      break;
    case OpKind::decomposed: {
      Matmuls products = matmulsOf(op);
      if (products.size == 0)
        return;
      const Matmul &product = products.items[0];
      whole(spread, product.rows, product.contraction, product.columns, op);
      break;
    }
    case OpKind::route:
      whole(spread, op.rows, op.inner, op.outer, op);
      // The logits of a row meet on its line.
      addLoad(spread.load,
              multicastLoad(double(stage.shortSide),
                            tilesOf(op.rows, double(stage.longSide)) *
                                double(op.outer) * kScoreBytes));
      break;
    case OpKind::mlp:
      whole(spread, op.rows, op.inner, op.gated ? 2 * op.outer : op.outer, op);
      wholeBack(spread, op.rows, op.outer, op.inner, op);
      break;
    case OpKind::attention:
      attend(spread, op, op.kvHeads,
             double(op.newTokens) * double(op.heads) /
                 double(std::max<int64_t>(op.kvHeads, 1)),
             double(op.inner), double(op.outer),
             double(op.context + op.newTokens));
      break;
    case OpKind::pooledAttention:
      attendPooled(spread, op);
      break;
    case OpKind::latentAttention:
      attendLatent(spread, op);
      break;
    case OpKind::recurrence:
      recur(spread, op);
      break;
    case OpKind::experts:
      compute(spread, op, step);
      break;
    case OpKind::dispatch:
      setLoad(step, Algorithm::multicast, dispatchLoad(op));
      return;
    case OpKind::combine:
      setLoad(step, Algorithm::kTree, combineLoad(op));
      return;
    default:
      return;
    }
    if (spread.useful > 0)
      step.issuedOperations = step.work.matmulOperations *
                              std::max(1.0, spread.issued / spread.useful);
    setLoad(step, spread.adds ? Algorithm::kTree : Algorithm::neighbour,
            spread.load);
  }

  /// The next or the last stage: on the same wafer, or behind system I/O.
  void boundary(const LocalOp &op, Step &step) const {
    step.algorithm = Algorithm::neighbour;
    step.load = multicastLoad(double(stage.longSide + stage.shortSide),
                              op.payloadBytes / double(stage.shortSide));
    if (op.kind != OpKind::send || deployment.instance == 1)
      return;
    double leaving = 1 / double(deployment.stagesPerChip);
    addLoad(step.outerLoad, multicastLoad(1, op.payloadBytes), leaving);
  }

private:
  static void setLoad(Step &step, Algorithm algorithm, const LinkLoad &load) {
    if (load.starts == 0)
      return;
    step.algorithm = algorithm;
    step.load = load;
    step.streamed = true;
  }

  /// Elements of a row on each line of the region.
  double perLine(int64_t width) const {
    return tilesOf(double(width), double(stage.shortSide));
  }

  /// A matmul on the whole region.
  void whole(Spread &spread, double rows, int64_t inner, int64_t outer,
             const LocalOp &op) const {
    spread.add({stage.longSide, stage.shortSide, stage.area(), stage.longSide},
               1, rows, double(inner), double(outer), wideBytes(op),
               bytesPerElement(op.compute));
  }
  /// One that is laid out the other way round.
  void wholeBack(Spread &spread, double rows, int64_t inner, int64_t outer,
                 const LocalOp &op) const {
    spread.add({stage.shortSide, stage.longSide, stage.area(), stage.shortSide},
               1, rows, double(inner), double(outer), wideBytes(op),
               bytesPerElement(op.compute));
  }

  /// Experts side by side, the idle ones included in the floor plan only.
  void compute(Spread &spread, const LocalOp &op, Step &step) const {
    double hit = op.hitExperts;
    if (hit <= 0)
      return;
    double units = hit * expert.area();
    step.share = std::min(step.share, units / grid.area());
    double rows = op.rows / hit;
    spread.add({expert.longSide, expert.shortSide, units, expert.longSide}, hit,
               rows, double(op.inner),
               double(op.gated ? 2 * op.outer : op.outer), wideBytes(op),
               bytesPerElement(op.compute));
    spread.add({expert.shortSide, expert.longSide, units, expert.shortSide},
               hit, rows, double(op.outer), double(op.inner), wideBytes(op),
               bytesPerElement(op.compute));
  }

  /// Tokens of the region: every token has topK rows.
  static double tokensOf(const LocalOp &op) {
    return op.meanRows / double(std::max<int64_t>(op.topK, 1));
  }

  /// Every token passes every expert, spread over the lines of its rectangle.
  LinkLoad dispatchLoad(const LocalOp &op) const {
    double rowBytes = double(op.outer) * bytesPerElement(op.activation) +
                      double(op.topK) * kChoiceBytes;
    LinkLoad load =
        multicastLoad(double(stage.longSide + stage.shortSide),
                      tokensOf(op) * rowBytes / double(expert.longSide));
    load.starts = 2; // along the lines, then across them
    return load;
  }
  /// The way back: a partial sum per line, added to at every expert.
  LinkLoad combineLoad(const LocalOp &op) const {
    LinkLoad load = multicastLoad(double(stage.longSide + stage.shortSide),
                                  tokensOf(op) * double(op.outer) *
                                      wideBytes(op) / double(expert.longSide));
    load.starts = tilesOf(double(stage.longSide), double(expert.longSide)) +
                  tilesOf(double(stage.shortSide), double(expert.shortSide));
    return load;
  }

  /// A square for each of `count` caches or heads that work at once.
  Grid squares(double count) const {
    double side = std::max(1.0, std::floor(std::sqrt(stage.area() / count)));
    // Where there are more of them than PEs, a PE has several.
    double rounds = std::max(1.0, count / stage.area());
    return {int64_t(side), int64_t(side), stage.area() * rounds, int64_t(side)};
  }

  /// Scores and weighted values of `heads` squares per sequence, each for
  /// `queries` rows that see `seen` keys.
  void attend(Spread &spread, const LocalOp &op, int64_t heads, double queries,
              double keyWidth, double valueWidth, double seen) const {
    double sequences = double(op.sequences);
    if (sequences <= 0 || heads <= 0)
      return;
    double tiles = std::min(double(deployment.attentionTiles), sequences);
    double count = tilesOf(sequences, tiles) * double(heads);
    // Queries go to the squares and results come back.
    double moved = sequences * double(heads) * queries *
                   (keyWidth + valueWidth) * wideBytes(op);
    addLoad(spread.load, exchangeLoad(stage, moved));
    Grid scores = squares(count);
    scores.line = stage.shortSide;
    spread.add(scores, count, queries, keyWidth, seen, kScoreBytes,
               bytesPerElement(op.compute), tiles);
    Grid values = squares(count);
    values.line = stage.longSide;
    spread.add(values, count, queries, seen, valueWidth, kScoreBytes,
               bytesPerElement(op.compute), tiles);
    // The lines of a square share its rows.
    double rows = tilesOf(queries, double(values.alongN));
    addLoad(spread.load, kTreeLoad(stage.longSide, rows * kStateBytes), tiles);
  }

  /// All heads visit the square of a sequence, after the heads of the index.
  void attendPooled(Spread &spread, const LocalOp &op) const {
    int64_t entries = pooledEntries(op, op.context + op.newTokens);
    if (op.topKeys > 0) {
      double sequences = double(op.sequences);
      double queries = double(op.newTokens) * double(op.indexHeads);
      if (sequences > 0 && entries > 0) {
        addLoad(spread.load,
                exchangeLoad(stage, sequences * queries *
                                        double(op.indexWidth) * wideBytes(op)));
        double tiles = std::min(double(deployment.attentionTiles), sequences);
        Grid scores = squares(tilesOf(sequences, tiles));
        scores.line = stage.shortSide;
        spread.add(scores, tilesOf(sequences, tiles), queries,
                   double(op.indexWidth), double(entries), kScoreBytes,
                   bytesPerElement(op.compute), tiles);
      }
      entries = std::min(entries, op.topKeys);
    }
    double keys =
        double(std::min(op.context, op.window) + op.newTokens + entries);
    attend(spread, op, 1, double(op.newTokens) * double(op.heads),
           double(op.inner), double(op.inner), keys);
  }

  /// Absorbed latent attention: all heads visit the one square of a sequence,
  /// or the latents are multicast to a square per head, whichever puts fewer
  /// bytes through a link.
  void attendAbsorbed(Spread &spread, const LocalOp &op) const {
    double latent = double(op.inner), rope = double(op.ropeWidth);
    double seen = double(op.context + op.newTokens);
    Spread visits, copies;
    attend(visits, op, 1, double(op.newTokens) * double(op.heads),
           latent + rope, latent, seen);
    attend(copies, op, op.heads, double(op.newTokens), latent + rope, latent,
           seen);
    double tokens = double(op.sequences) * seen;
    double line = double(squares(double(op.heads)).alongK);
    addLoad(copies.load,
            multicastLoad(double(stage.longSide + stage.shortSide),
                          tokens * (latent + rope) * wideBytes(op) / line));
    const Spread &chosen =
        copies.load.bottleneckBytes < visits.load.bottleneckBytes ? copies
                                                                  : visits;
    addLoad(spread.load, chosen.load);
    spread.issued += chosen.issued;
    spread.useful += chosen.useful;
    spread.adds |= chosen.adds;
  }

  /// The states of the heads, a square for each. A selective state decays by
  /// entry and is a column in one PE.
  void recur(Spread &spread, const LocalOp &op) const {
    double sequences = double(op.sequences), heads = double(op.heads);
    if (sequences <= 0 || heads <= 0)
      return;
    double key = double(op.inner), value = double(op.outer);
    double moved = op.rows *
                   (2 * double(op.kvHeads) * key + 2 * heads * value) *
                   wideBytes(op);
    addLoad(spread.load, exchangeLoad(stage, moved));
    if (op.recurrence == RecurrenceKind::selective)
      return;
    double tiles = std::min(double(deployment.attentionTiles), sequences);
    double count = tilesOf(sequences, tiles) * heads;
    bool isDelta = followsDeltaRule(op.recurrence);
    Grid grid = squares(count);
    grid.line = stage.longSide;
    if (op.newTokens <= 1) {
      // What is read for the result, and before for the delta rule.
      LinkLoad sums =
          kTreeLoad(std::min<int64_t>(grid.line, op.inner),
                    tilesOf(value, double(grid.alongN)) * kScoreBytes);
      addLoad(spread.load, sums, tiles * (isDelta ? 2 : 1));
      spread.adds = true;
      return;
    }
    double chunk = double(std::min(op.chunk, op.newTokens));
    double times = tiles * tilesOf(double(op.newTokens), chunk);
    double readers = isDelta ? 2 * chunk : chunk;
    auto add = [&](double rows, double inner, double outer) {
      spread.add(grid, count, rows, inner, outer, kScoreBytes,
                 bytesPerElement(op.compute), times);
    };
    add(readers, key, chunk);
    add(readers, key, value);
    add(chunk, chunk, value);
    if (isDelta)
      add(chunk, chunk, key + value);
    add(key, chunk, value);
  }

  void attendLatent(Spread &spread, const LocalOp &op) const {
    double heads = double(op.heads), latent = double(op.inner);
    double key = double(op.keyWidth), rope = double(op.ropeWidth),
           value = double(op.outer);
    double operand = bytesPerElement(op.compute), result = wideBytes(op);
    if (op.absorbed) {
      spread.add(squares(heads), heads, op.rows, key, latent, result, operand);
      attendAbsorbed(spread, op);
      spread.add(squares(heads), heads, op.rows, latent, value, result,
                 operand);
      return;
    }
    // Keys and values of every visible token, or of the new ones if the others
    // are cached, then plain attention.
    double tokens =
        op.expanded ? op.rows
                    : double(op.sequences) * double(op.context + op.newTokens);
    Grid all{stage.longSide, stage.shortSide, stage.area(), stage.longSide};
    spread.add(all, 1, tokens, latent, heads * (key + value), result, operand);
    addLoad(spread.load,
            exchangeLoad(stage, tokens * heads * (key + value) * result));
    attend(spread, op, op.heads, double(op.newTokens), key + rope, value,
           double(op.context + op.newTokens));
  }

  const Deployment &deployment;
  Region grid;
  Region stage;
  Region expert;
};

} // namespace

void WaferFamily::realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                          const Deployment &deployment, const Machine &machine,
                          Steps &steps) const {
  steps.clear();
  ComputeRules rules(machine, plan);
  StageRegion region(ops, deployment, machine);
  for (auto [index, op] : llvm::enumerate(ops)) {
    Step step = startStep(op, uint32_t(index));
    if (isCommunication(op.kind)) {
      region.boundary(op, step);
    } else {
      rules.fill(op, step);
      region.compute(op, step);
      if (mixesTokens(op.kind))
        step.kernels *= double(std::max<int64_t>(
            std::min(deployment.attentionTiles, op.sequences), 1));
    }
    steps.push_back(step);
  }
}

llvm::StringRef WaferFamily::systemOpName(const Step &step) const {
  switch (step.kind) {
  case OpKind::embedding:
    return "embedding_multicast";
  case OpKind::linear: {
    // Two operations per row and weight.
    const Work &work = step.work;
    double weights = work.weightBytes / bytesPerElement(work.weightStorage);
    return work.matmulOperations <= 2 * weights * (1 + 1e-9) ? "region_gemv"
                                                             : "region_gemm";
  }
  case OpKind::attention:
    return "mesh_attention";
  case OpKind::latentAttention:
    return "mesh_latent_attention";
  case OpKind::mlp:
    return "region_mlp";
  case OpKind::route:
    return "router_topk";
  case OpKind::dispatch:
    return "multicast_filter";
  case OpKind::experts:
    return "expert_regions";
  case OpKind::combine:
    return "k_tree_combine";
  case OpKind::send:
    return "stream_send";
  case OpKind::receive:
    return "stream_receive";
  default:
    return spell(step.kind);
  }
}
