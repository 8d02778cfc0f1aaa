//===- MixtralRunTest.cpp - partitioned programs against the model --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every way to divide a small Mixtral gives the outputs of the un-lowered
// model, and each rank hands to collectives exactly the bytes that its ops
// state.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

/// Bytes per kind that the ops of a program state, calls followed.
void addStated(ModuleOp module, func::FuncOp function, Traffic &stated) {
  for (Operation &op : function.getBody().front()) {
    if (auto call = dyn_cast<func::CallOp>(op))
      addStated(module, module.lookupSymbol<func::FuncOp>(call.getCallee()),
                stated);
    if (!isa<spmd::SpmdDialect>(op.getDialect()) || !isa<WorkOpInterface>(op))
      continue;
    FailureOr<LocalOp> local = describeOp(&op);
    ASSERT_TRUE(succeeded(local));
    if (isCommunication(local->kind))
      stated[unsigned(local->kind)] += local->payloadBytes;
  }
}

func::FuncOp programOf(ModuleOp module, int64_t rank) {
  auto ranks = module->getAttrOfType<DenseI64ArrayAttr>(spmd::kRanksName);
  auto programs = module->getAttrOfType<ArrayAttr>(spmd::kProgramsName);
  auto name = cast<FlatSymbolRefAttr>(programs[ranks[rank]]);
  return module.lookupSymbol<func::FuncOp>(name.getAttr());
}

/// All but the ragged kind, whose bytes depend on the routing.
void expectStatedTraffic(SpmdRun &run) {
  for (auto [rank, counted] : llvm::enumerate(run.traffic)) {
    Traffic stated{};
    addStated(*run.program, programOf(*run.program, rank), stated);
    for (unsigned kind = 0; kind < kNumOpKinds; ++kind)
      if (OpKind(kind) != OpKind::allToAllV)
        EXPECT_EQ(counted[kind], stated[kind])
            << "rank " << rank << " " << spell(OpKind(kind)).str();
  }
}

struct Case {
  const char *name, *plan;
  int64_t ranks;
};

class MixtralRun : public ::testing::TestWithParam<Case> {};

void load(TestModel &model, StringRef zero = "") {
  model.module = parseSourceFile<ModuleOp>(
      std::string(PORTOLAN_TEST_INPUTS) + "/mixtral.mlir", &model.context);
  ASSERT_TRUE(model.module);
  model.addWeights(zero);
  model.addInputs(/*batch=*/5, /*newTokens=*/1, /*past=*/3, /*vocabulary=*/20);
}

} // namespace

TEST_P(MixtralRun, EqualsTheModel) {
  TestModel model;
  load(model);
  llvm::Expected<SpmdRun> run = model.spmd(GetParam().plan, GetParam().ranks);
  ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
  // Weights and inputs are the same in every case, and so are the outputs.
  static const std::vector<NamedTensor> expected = model.reference();
  expectClose(run->outputs, expected);
  expectStatedTraffic(*run);
}

#define SENT "dispatch_exchange=all_to_all,combine_exchange=all_to_all"
#define GATHERED "dispatch_exchange=all_gather,combine_exchange=reduce_scatter"

INSTANTIATE_TEST_SUITE_P(
    Plans, MixtralRun,
    ::testing::Values(
        Case{"tensorParallel", "attention_tp=2", 2},
        // 2 key-value heads over 4 ranks: neighbours hold copies; 6 experts
        // over 4 ranks are 2, 2, 1 and 1.
        Case{"replicatedKeyValueHeads", "attention_tp=4", 4},
        // 5 sequences over 4 ranks are 2, 1, 1 and 1.
        Case{"unevenExperts", SENT, 4},
        // 6 experts over 3 ranks of 2: each holds half of the width.
        Case{"expertTensor", "expert_tp=2," SENT, 6},
        Case{"tensorAndExperts", "attention_tp=2," SENT, 4},
        // 5 sequences over 3 replicas of 2 ranks; ranks slice 2, 2 and 1 rows.
        Case{"sixRanks", "attention_tp=2," SENT, 6},
        // 8 ranks in two stages of 4.
        Case{"pipelineAndExperts", "pipeline=2,attention_tp=2," SENT, 8},
        // 12 ranks of which 6 pairs hold 5 sequences: one pair has none.
        Case{"replicasWithoutSequences", "attention_tp=2,expert_tp=2," SENT,
             12},
        // 6 experts over 4 ranks with a copy more on each: 3, 3, 2 and 2 slots.
        Case{"copies", "placement_form=distributed,replicas=1," SENT, 4},
        Case{"copiesOfHalves",
             "placement_form=distributed,replicas=2,expert_tp=2," SENT, 4},
        Case{"copiesGathered",
             "placement_form=distributed,replicas=1," GATHERED, 4},
        Case{"copiesOfEqualRows",
             "attention_tp=4,placement_form=distributed,replicas=2", 4},
        Case{"gathered", "attention_tp=2,expert_tp=2," GATHERED, 4},
        Case{"gatheredUneven", GATHERED, 4},
        Case{"pipeline", "pipeline=2,attention_tp=2", 4},
        Case{"halves", "attention_tp=2,overlap=two_batch," SENT, 4},
        Case{"context", "attention_cp=2", 2},
        Case{"contextAndTensor", "attention_cp=2,attention_tp=2," SENT, 4}),
    [](const auto &info) { return std::string(info.param.name); });

TEST(SpmdTraffic, RaggedRowsAreSentOncePerRank) {
  // A router of zeros chooses experts 0 and 1 for every token. 6 experts over 4
  // ranks: both are on rank 0, so each of the 5 tokens is sent once per layer.
  // There and back: 16 floats, then 2 weights and 2 indices on the way there.
  TestModel model;
  load(model, /*zero=*/"router");
  llvm::Expected<SpmdRun> run = model.spmd(SENT, 4);
  ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
  double bytes = 0;
  for (const Traffic &traffic : run->traffic)
    bytes += traffic[unsigned(OpKind::allToAllV)];
  EXPECT_EQ(bytes, 2 /*layers*/ * 5 * (2 * 16 * 4 + 2 * 4 + 2 * 4));
  expectClose(run->outputs, model.reference());
}

TEST(SpmdRun, RefusesAPlanThatDoesNotDivide) {
  TestModel model;
  load(model);
  llvm::Expected<SpmdRun> run = model.spmd("attention_tp=3", 4);
  ASSERT_FALSE(bool(run));
  EXPECT_EQ(llvm::toString(run.takeError()),
            "attention_tp * attention_cp: expects a divisor of 4, got 3");
}

TEST(SpmdRun, RefusesMoreCopiesThanExperts) {
  TestModel model;
  load(model);
  llvm::Expected<SpmdRun> run = model.spmd("replicas=5," SENT, 4);
  ASSERT_FALSE(bool(run));
  EXPECT_NE(llvm::toString(run.takeError())
                .find("replicas: expects room for different experts on each of "
                      "4 ranks of 2, got 5 redundant ones"),
            std::string::npos);
}

TEST(SpmdRun, RefusesNoRanks) {
  TestModel model;
  load(model);
  llvm::Expected<SpmdRun> run = model.spmd("", 0);
  ASSERT_FALSE(bool(run));
  EXPECT_EQ(llvm::toString(run.takeError()),
            "ranks: expects at least 1, got 0");
}
