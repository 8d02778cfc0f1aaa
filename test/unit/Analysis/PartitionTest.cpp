//===- PartitionTest.cpp - partition arithmetic by hand -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModels.h"
#include "gtest/gtest.h"
#include <array>

using namespace portolan;
using namespace portolan::test;

namespace {

LocalOps partitioned(const PlanPoint &plan, int64_t chips, int64_t sequences,
                     Phase phase = Phase::decode, int64_t domain = 0) {
  ModelShape model = tinyMoe();
  Workload workload;
  workload.phase = phase;
  workload.contextTokens = 100;
  workload.outputTokens = 20;
  workload.popularity.kind = Popularity::Kind::uniform;
  llvm::Expected<Deployment> deployment =
      deploymentOf(plan, chips, domain ? domain : chips);
  LocalOps ops;
  partitionLayer(model, model.layers[0], plan,
                 llvm::cantFail(std::move(deployment)), workload, sequences,
                 ops);
  return ops;
}

const LocalOp *findOp(const LocalOps &ops, OpKind kind, unsigned nth = 0) {
  for (const LocalOp &op : ops)
    if (op.kind == kind && nth-- == 0)
      return &op;
  return nullptr;
}

unsigned collectives(const LocalOps &ops) {
  unsigned count = 0;
  for (const LocalOp &op : ops)
    count += isCommunication(op.kind);
  return count;
}

} // namespace

TEST(Partition, OneChipSendsNothing) {
  LocalOps ops = partitioned(plainPlan(), 1, 6);
  EXPECT_EQ(collectives(ops), 0u);
  EXPECT_EQ(ops.size(), tinyMoe().layers[0].ops.size());
  // Context of a sequence in mid-life: 100 + 20 / 2.
  EXPECT_EQ(findOp(ops, OpKind::attention)->context, 110);
}

// Two drafted tokens: each of 6 sequences has 3 new ones in every op, which see
// the context and their predecessors, and all 18 get logits.
TEST(Partition, DraftedTokensAreVerifiedTogether) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::speculation, 2);
  LocalOps ops = partitioned(plan, 1, 6);
  const LocalOp *attention = findOp(ops, OpKind::attention);
  EXPECT_EQ(attention->rows, 18);
  EXPECT_EQ(attention->newTokens, 3);
  EXPECT_EQ(attention->context, 110);
  EXPECT_TRUE(attention->causalPrefill);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::experts)->meanRows, 18 * 2);
  ModelShape model = tinyMoe();
  Workload workload;
  workload.acceptanceRate = 0.5;
  partitionLayer(model, model.epilogue, plan,
                 llvm::cantFail(deploymentOf(plan, 1, 1)), workload, 6, ops);
  EXPECT_EQ(findOp(ops, OpKind::linear)->rows, 18);
}

// Redundant experts: 16 on 4 ranks are 4 each, and one more.
TEST(Partition, CopiesOfExpertsAreResident) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::allToAll));
  plan.set(PlanClass::replicas, 0);
  LocalOps ops = partitioned(plan, 4, 6);
  double without = residentWeightBytes(*findOp(ops, OpKind::experts));
  plan.set(PlanClass::replicas, 1);
  ops = partitioned(plan, 4, 6);
  EXPECT_EQ(findOp(ops, OpKind::experts)->experts, 5);
  EXPECT_DOUBLE_EQ(residentWeightBytes(*findOp(ops, OpKind::experts)),
                   without * 5 / 4);
}

// tp = 4 on 4 chips: 2 of 8 heads, 1 of 4 kv heads, one all-reduce after the
// output projection and one after the experts, [6, 64] bf16 each.
TEST(Partition, TensorParallelSplitsHeads) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::attentionTp, 4);
  plan.set(PlanClass::reduction, PlanValue(Reduction::ring));
  LocalOps ops = partitioned(plan, 4, 6);
  const LocalOp *attention = findOp(ops, OpKind::attention);
  EXPECT_EQ(attention->heads, 2);
  EXPECT_EQ(attention->kvHeads, 1);
  EXPECT_EQ(findOp(ops, OpKind::linear, 0)->outer, 16); // q: 2 heads of 8
  EXPECT_EQ(findOp(ops, OpKind::linear, 1)->outer, 8);  // k: 1 head
  EXPECT_EQ(findOp(ops, OpKind::linear, 3)->inner, 16); // o
  ASSERT_EQ(collectives(ops), 2u);
  for (unsigned nth : {0, 1}) {
    const LocalOp *reduce = findOp(ops, OpKind::allReduce, nth);
    EXPECT_EQ(reduce->group, (Group{4, 1}));
    EXPECT_DOUBLE_EQ(reduce->payloadBytes, 6 * 64 * 2);
  }
  // Four experts on each rank, all six tokens seen everywhere: 6 * 2 / 4 rows.
  EXPECT_EQ(findOp(ops, OpKind::experts)->experts, 4);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::experts)->meanRows, 3);
}

// With more ranks than kv heads each rank holds one.
TEST(Partition, KvHeadsAreReplicatedBeyondTheirNumber) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::attentionTp, 8);
  LocalOps ops = partitioned(plan, 8, 1);
  EXPECT_EQ(findOp(ops, OpKind::attention)->kvHeads, 1);
  EXPECT_EQ(findOp(ops, OpKind::linear, 1)->outer, 8);
}

// Data-parallel attention over 4 ranks with 18 sequences: the fullest has 5.
TEST(Partition, ExpertParallelExchange) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::allToAll));
  LocalOps ops = partitioned(plan, 4, 18);
  EXPECT_EQ(findOp(ops, OpKind::attention)->sequences, 5);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::route)->rows, 5);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::route)->meanRows, 5);
  ASSERT_EQ(collectives(ops), 3u); // counts, rows, rows back
  EXPECT_EQ(findOp(ops, OpKind::allToAll)->payloadBytes, 4 * 4);
  // Distinct ranks of 2 of 16 experts over 4: 4 (1 - (12/16)(11/15)) = 1.8.
  const LocalOp *pack = findOp(ops, OpKind::pack);
  EXPECT_NEAR(pack->rows, 5 * 1.8, 1e-9);
  EXPECT_NEAR(pack->meanRows, 4.5 * 1.8, 1e-9);
  // Mean rows received: 18 * 1.8 / 4 = 8.1, of 64 bf16 and two choices each.
  const LocalOp *exchange = findOp(ops, OpKind::allToAllV, 0);
  EXPECT_NEAR(exchange->meanPayloadBytes, 8.1 * (128 + 2 * 8), 1e-9);
  EXPECT_GE(exchange->payloadBytes, exchange->meanPayloadBytes);
  EXPECT_EQ(exchange->group, (Group{4, 1}));
  // Results come back at 16 bits without choices.
  EXPECT_NEAR(findOp(ops, OpKind::allToAllV, 1)->meanPayloadBytes, 8.1 * 128,
              1e-9);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::unpack)->rowsOut, 5);
}

// The same 18 sequences over two domains of two ranks. Distinct domains of a
// token: 2 (1 - (8/16)(7/15)) = 1.5333, of its 1.8 ranks.
TEST(Partition, RowsCrossOncePerDomain) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::hierarchical));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::hierarchical));
  LocalOps ops = partitioned(plan, 4, 18, Phase::decode, /*domain=*/2);
  const double crossing = 2 * (1 - 0.5 * 7 / 15);
  ASSERT_EQ(collectives(ops), 6u); // counts, rows, rows back, for two levels
  const Group rail{2, 2}, inside{2, 1};
  for (auto [nth, group] : llvm::enumerate(std::array{rail, inside})) {
    EXPECT_EQ(findOp(ops, OpKind::allToAll, nth)->group, group);
    EXPECT_EQ(findOp(ops, OpKind::allToAll, nth)->payloadBytes, 2 * 4);
    EXPECT_EQ(findOp(ops, OpKind::allToAllV, nth)->group, group);
  }
  const LocalOp *across = findOp(ops, OpKind::pack, 0);
  EXPECT_NEAR(across->rows, 5 * crossing, 1e-9);
  EXPECT_NEAR(across->meanRows, 4.5 * crossing, 1e-9);
  EXPECT_NEAR(findOp(ops, OpKind::allToAllV, 0)->meanPayloadBytes,
              4.5 * crossing * (128 + 2 * 8), 1e-9);
  // Inside, what comes to a rank is what its experts need: 8.1 rows, as with
  // one exchange.
  EXPECT_NEAR(findOp(ops, OpKind::pack, 1)->meanRows, 8.1, 1e-9);
  EXPECT_NEAR(findOp(ops, OpKind::allToAllV, 1)->meanPayloadBytes,
              8.1 * (128 + 2 * 8), 1e-9);
  // Back: inside first; summed there, so that a row crosses once per domain.
  EXPECT_EQ(findOp(ops, OpKind::allToAllV, 2)->group, inside);
  const LocalOp *summed = findOp(ops, OpKind::unpack, 0);
  EXPECT_NEAR(summed->meanRows, 8.1, 1e-9);
  EXPECT_EQ(findOp(ops, OpKind::allToAllV, 3)->group, rail);
  EXPECT_NEAR(findOp(ops, OpKind::allToAllV, 3)->meanPayloadBytes,
              4.5 * crossing * 128, 1e-9);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::unpack, 1)->rowsOut, 5);
}

// A stage in one domain, or of parts of domains, exchanges once.
TEST(Partition, OneLevelWithoutWholeDomains) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::hierarchical));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::hierarchical));
  for (int64_t domain : {3, 4, 8})
    EXPECT_EQ(collectives(partitioned(plan, 4, 18, Phase::decode, domain)), 3u);
  plan.set(PlanClass::expertTp, 4);
  EXPECT_EQ(collectives(partitioned(plan, 4, 18, Phase::decode, 2)), 3u);
}

// Equal rows on tp ranks are sliced before routing and gathered after.
TEST(Partition, EqualRowsAreSliced) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::attentionTp, 2);
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::allToAll));
  plan.set(PlanClass::reduction, PlanValue(Reduction::ring));
  LocalOps ops = partitioned(plan, 4, 10); // dp = 2, 5 sequences each
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::attention)->rows, 5);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::route)->rows, 3); // ceil(5 / 2)
  const LocalOp *gather = findOp(ops, OpKind::allGather);
  EXPECT_EQ(gather->group, (Group{2, 1}));
  EXPECT_DOUBLE_EQ(gather->payloadBytes, 5 * 64 * 2);
}

TEST(Partition, GatheredExchange) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allGather));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::reduceScatter));
  LocalOps ops = partitioned(plan, 4, 18);
  EXPECT_EQ(findOp(ops, OpKind::pack), nullptr);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::allGather)->payloadBytes,
                   18 * (64 * 2 + 2 * 8));
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::reduceScatter)->payloadBytes,
                   18 * 64 * 2);
}

TEST(Partition, ContextParallelMergesParts) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::attentionCp, 2);
  LocalOps ops = partitioned(plan, 2, 3);
  EXPECT_EQ(findOp(ops, OpKind::attention)->context, 55);
  EXPECT_EQ(findOp(ops, OpKind::mergePartials)->inner, 2);
  // Two parts of [3, 64] bf16 and 8 log-sum-exps.
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::allGather)->payloadBytes,
                   2 * 3 * (64 * 2 + 8 * 4));
}

// Halves alternate, the larger first: 5 sequences become 3 and 2.
// Two halves of 5 sequences on 2 ranks with tp = 2 take turns that end with an
// all-reduce: attention, experts.
TEST(Partition, TwoBatchesTakeTurns) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::attentionTp, 2);
  plan.set(PlanClass::reduction, PlanValue(Reduction::ring));
  LocalOps whole = partitioned(plan, 2, 5);
  plan.set(PlanClass::overlap, PlanValue(Overlap::twoBatch));
  LocalOps ops = partitioned(plan, 2, 5);
  ASSERT_EQ(ops.size(), 2 * whole.size());
  EXPECT_DOUBLE_EQ(ops[0].rows, 3);
  llvm::SmallVector<unsigned> turns; // halves in order
  for (auto [index, op] : llvm::enumerate(ops)) {
    bool begins = index == 0 || op.microBatch != ops[index - 1].microBatch;
    if (begins)
      turns.push_back(op.microBatch);
    if (begins && index > 0 && turns.size() < 5)
      EXPECT_EQ(ops[index - 1].kind, OpKind::allReduce) << index;
    // What makes an op's input is of its half and comes before it.
    if (op.input >= 0) {
      EXPECT_LT(size_t(op.input), index);
      EXPECT_EQ(ops[op.input].microBatch, op.microBatch);
    }
  }
  EXPECT_EQ(turns, (llvm::SmallVector<unsigned>{0, 1, 0, 1, 0, 1}));
}

TEST(Partition, PrefillHasNoPast) {
  LocalOps ops = partitioned(plainPlan(), 1, 2, Phase::prefill);
  EXPECT_EQ(findOp(ops, OpKind::attention)->context, 0);
  EXPECT_EQ(findOp(ops, OpKind::attention)->newTokens, 100);
  EXPECT_DOUBLE_EQ(findOp(ops, OpKind::rmsNorm)->rows, 200);
}

TEST(StageLayers, EarlierStagesTakeTheRemainder) {
  ModelShape model = tinyMoe();
  Deployment deployment;
  deployment.stages = 3;
  using Range = std::pair<int64_t, int64_t>;
  EXPECT_EQ(stageLayers(model, deployment, 0), Range(0, 2));
  EXPECT_EQ(stageLayers(model, deployment, 1), Range(2, 3));
  EXPECT_EQ(stageLayers(model, deployment, 2), Range(3, 4));
}

// Layers 0 and 1 start from one stream of 64, layers 2 and 3 from three: two
// stages of two layers pass 192 elements of bf16 on for each of 5 sequences.
TEST(StageLayers, ABoundaryIsAsWideAsWhatCrossesIt) {
  ModelShape model = tinyMoe();
  model.layers.push_back(model.layers[0]);
  model.layers[1].inputWidth = 3 * 64;
  model.sequence = {0, 0, 1, 1};
  Workload workload;
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::pipeline, 2);
  Deployment deployment = llvm::cantFail(deploymentOf(plan, 2, 2));
  PassedList received = receivedBy(model, deployment, 1);
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].width, 192);
  LocalOp sent = stageBoundary(model, plan, deployment, workload, 5,
                               OpKind::send, received[0]);
  EXPECT_DOUBLE_EQ(sent.payloadBytes, 5 * 192 * 2);
  // Without a width of its own a layer starts from the model's.
  deployment.stages = 4;
  EXPECT_EQ(receivedBy(model, deployment, 1)[0].width, 64);
  EXPECT_EQ(receivedBy(model, deployment, 2)[0].width, 192);
}

// A layer that attends to the 7 keys that the layer before has chosen is sent
// their positions beside the hidden state: 5 * 7 * 4 bytes.
TEST(StageLayers, ChosenKeysCrossABoundary) {
  ModelShape model = tinyMoe();
  model.layers.push_back(model.layers[0]);
  model.layers[1].inputKeys = 7;
  model.sequence = {0, 0, 1, 1};
  Workload workload;
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::pipeline, 2);
  Deployment deployment = llvm::cantFail(deploymentOf(plan, 2, 2));
  PassedList received = receivedBy(model, deployment, 1);
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0], (Passed{64, false}));
  EXPECT_EQ(received[1], (Passed{7, true}));
  LocalOp sent = stageBoundary(model, plan, deployment, workload, 5,
                               OpKind::receive, received[1]);
  EXPECT_DOUBLE_EQ(sent.payloadBytes, 5 * 7 * 4);
}

// Layers that read the cache of an earlier one are one entry of the sequence.
TEST(StageLayers, DepthCountsTheLayersOfAGroup) {
  ModelShape model = tinyMoe();
  model.layers[0].depth = 3;
  EXPECT_EQ(model.depth(), 3 * int64_t(model.sequence.size()));
}

// One chip, by hand: per layer q 4096, k and v 2048 each, o 4096, router 1024,
// experts 16 * 3 * 64 * 32 = 98,304 elements = 111,616; four layers, table and
// head 6,400 each: 459,264 elements of 2 bytes.
TEST(Memory, WeightsAndCacheByHand) {
  ModelShape model = tinyMoe();
  Workload workload;
  workload.contextTokens = 100;
  workload.outputTokens = 20;
  PlanPoint plan = plainPlan();
  MemoryUse use = memoryUse(
      model, plan, llvm::cantFail(deploymentOf(plan, 1, 1)), workload, 3);
  EXPECT_DOUBLE_EQ(use.weightBytes, 2 * (4 * 111616.0 + 2 * 6400));
  // 3 sequences of 111 tokens, 4 layers of 4 heads of 16 bf16 elements.
  EXPECT_DOUBLE_EQ(use.cacheBytes, 3.0 * 111 * 4 * 4 * 16 * 2);
}

// Four layers as stages of one wafer hold what one stage of four layers holds;
// a tile of attention halves only activations.
TEST(Memory, StagesOfOneChipAddUp) {
  ModelShape model = tinyMoe();
  Workload workload;
  PlanPoint plan = plainPlan();
  Topology wafer;
  wafer.kind = TopologyKind::waferMesh;
  wafer.axes = {1};
  MemoryUse one = memoryUse(
      model, plan, llvm::cantFail(deploymentOf(plan, wafer)), workload, 4);
  plan.set(PlanClass::pipeline, 4);
  Deployment deployment = llvm::cantFail(deploymentOf(plan, wafer));
  MemoryUse four = memoryUse(model, plan, deployment, workload, 4);
  EXPECT_DOUBLE_EQ(four.weightBytes, one.weightBytes);
  EXPECT_DOUBLE_EQ(four.cacheBytes, one.cacheBytes);
  EXPECT_GT(four.activationBytes, 0);
}

TEST(Deployment, OnAWaferStagesMayBeRegions) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::pipeline, 5);
  plan.set(PlanClass::batchForm, 3);
  Topology wafers;
  wafers.kind = TopologyKind::waferMesh;
  wafers.axes = {2};
  Deployment deployment = llvm::cantFail(deploymentOf(plan, wafers));
  EXPECT_EQ(deployment.stages, 5);
  EXPECT_EQ(deployment.stageSize, 1);
  EXPECT_EQ(deployment.stagesPerChip, 3);
  EXPECT_EQ(deployment.microBatches, 5);
  EXPECT_EQ(deployment.attentionTiles, 3);
}

TEST(Deployment, ElsewhereAStageIsAWholeNumberOfChips) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::pipeline, 5);
  llvm::Expected<Deployment> deployment = deploymentOf(plan, 2, 2);
  ASSERT_FALSE(bool(deployment));
  EXPECT_EQ(llvm::toString(deployment.takeError()),
            "pipeline: expects a divisor of 2, got 5");
}

TEST(Deployment, RefusesDegreesThatDoNotDivide) {
  PlanPoint plan = plainPlan();
  plan.set(PlanClass::attentionTp, 3);
  llvm::Expected<Deployment> deployment = deploymentOf(plan, 4, 4);
  ASSERT_FALSE(bool(deployment));
  EXPECT_EQ(llvm::toString(deployment.takeError()),
            "attention_tp * attention_cp: expects a divisor of 4, got 3");
}
