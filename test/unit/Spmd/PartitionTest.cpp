//===- PartitionTest.cpp - the IR divides as the shapes do ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// describe() of the ops of the slowest rank's variant equals partitionLayer(),
// op for op, for the layers, the prologue and the epilogue.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Partition.h"
#include "dialects/Interfaces/WorkOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

std::string print(const LocalOp &op) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << spell(op.kind) << " half " << unsigned(op.microBatch) << " rows "
      << op.rows << "/" << op.meanRows << " out " << op.rowsOut << " inner "
      << op.inner << " outer " << op.outer << " heads " << op.heads << "/"
      << op.kvHeads << " widths " << op.keyWidth << "/" << op.ropeWidth
      << " seq " << op.sequences << " ctx " << op.context << " new "
      << op.newTokens << " experts " << op.experts << "/" << op.hitExperts
      << " k " << op.topK << " group " << op.group.size << "x"
      << op.group.stride << " payload " << op.payloadBytes << "/"
      << op.meanPayloadBytes << " formats " << spell(op.activation) << " "
      << spell(op.compute) << " " << spell(op.weight) << " " << spell(op.cache)
      << " flags " << op.gated << op.absorbed << op.causalPrefill;
  return text;
}

LocalOps describeAll(ArrayRef<Operation *> ops) {
  LocalOps locals;
  for (Operation *op : ops)
    if (isa<WorkOpInterface>(op)) {
      FailureOr<LocalOp> local = describeOp(op);
      EXPECT_TRUE(succeeded(local));
      if (succeeded(local))
        locals.push_back(*local);
    }
  return locals;
}

void expectEqual(const LocalOps &fromIR, const LocalOps &fromShapes,
                 llvm::StringRef what) {
  EXPECT_EQ(fromIR.size(), fromShapes.size()) << what.str();
  for (auto [ir, shapes] : llvm::zip(fromIR, fromShapes)) {
    EXPECT_EQ(print(ir), print(shapes)) << what.str();
    EXPECT_TRUE(workOf(ir) == workOf(shapes)) << what.str();
  }
}

struct Case {
  const char *name, *file, *plan;
  int64_t chips, sequences, context;
  int64_t domain = 0; ///< 0: all chips
};

class PartitionEquality : public ::testing::TestWithParam<Case> {};

} // namespace

TEST_P(PartitionEquality, LocalOps) {
  const Case &test = GetParam();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(
      std::string(PORTOLAN_TEST_INPUTS) + "/" + test.file, &context);
  ASSERT_TRUE(module);
  llvm::Expected<ModelShape> model = extractModelShape(*module);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());

  llvm::Expected<PlanPoint> plan = parsePlanPoint(test.plan);
  ASSERT_TRUE(bool(plan)) << llvm::toString(plan.takeError());
  llvm::Expected<Deployment> deployment =
      deploymentOf(*plan, test.chips, test.domain ? test.domain : test.chips);
  ASSERT_TRUE(bool(deployment)) << llvm::toString(deployment.takeError());
  MoeToSpmdOptions options;
  options.plan = *plan;
  options.deployment = *deployment;
  ASSERT_TRUE(succeeded(convertMoeToSpmd(*module, options)));
  ASSERT_TRUE(succeeded(verify(*module)));

  Workload workload;
  workload.contextTokens = test.context;
  workload.outputTokens = 0;
  auto expected = [&](const LayerShape &layer) {
    LocalOps ops;
    partitionLayer(*model, layer, *plan, *deployment, workload, test.sequences,
                   ops);
    return ops;
  };
  for (const LayerShape &layer : model->layers) {
    auto function = module->lookupSymbol<func::FuncOp>(layer.name + ".v0");
    ASSERT_TRUE(function) << layer.name;
    SmallVector<Operation *> ops;
    for (Operation &op : function.getBody().front())
      ops.push_back(&op);
    expectEqual(describeAll(ops), expected(layer), layer.name);
  }
  // Before the first call of the first stage, after the last of the last.
  auto first = module->lookupSymbol<func::FuncOp>("step.s0.v0");
  auto last = module->lookupSymbol<func::FuncOp>(
      ("step.s" + Twine(deployment->stages - 1) + ".v0").str());
  ASSERT_TRUE(first && last);
  SmallVector<Operation *> before, after;
  for (Operation &op : first.getBody().front()) {
    if (isa<func::CallOp>(op))
      break;
    before.push_back(&op);
  }
  for (Operation &op : last.getBody().front()) {
    after.push_back(&op);
    if (isa<func::CallOp>(op))
      after.clear();
  }
  expectEqual(describeAll(before), expected(model->prologue), "prologue");
  expectEqual(describeAll(after), expected(model->epilogue), "epilogue");

  if (deployment->stages > 1) {
    SmallVector<Operation *> sends, receives;
    first.walk([&](Operation *op) {
      if (op->getName().getStringRef() == "spmd.send")
        sends.push_back(op);
    });
    last.walk([&](Operation *op) {
      if (op->getName().getStringRef() == "spmd.receive")
        receives.push_back(op);
    });
    expectEqual(describeAll(sends),
                {stageBoundary(*model, *plan, *deployment, workload,
                               test.sequences, OpKind::send, {model->hidden})},
                "send");
    expectEqual(
        describeAll(receives),
        {stageBoundary(*model, *plan, *deployment, workload, test.sequences,
                       OpKind::receive, {model->hidden})},
        "receive");
  }
}

#define FORMATS                                                                \
  "weight_format=nvfp4/nvfp4,activation_format=fp8/fp8,kv_format=fp8/bf16,"
#define PLAIN                                                                  \
  "weight_format=f32/f32,activation_format=f32/f32,kv_format=f32/f32,"
#define SENT "dispatch_exchange=all_to_all,combine_exchange=all_to_all"
#define LEVELS "dispatch_exchange=hierarchical,combine_exchange=hierarchical"
#define GATHERED "dispatch_exchange=all_gather,combine_exchange=reduce_scatter"

INSTANTIATE_TEST_SUITE_P(
    Mixtral, PartitionEquality,
    ::testing::Values(
        Case{"one", "mixtral.mlir", PLAIN "instance=1", 1, 5, 3},
        Case{"tp", "mixtral.mlir", PLAIN "instance=2,attention_tp=2", 2, 5, 3},
        Case{"replicatedKeyValueHeads", "mixtral.mlir",
             PLAIN "instance=4,attention_tp=4", 4, 5, 3},
        Case{"ep", "mixtral.mlir", PLAIN "instance=4,attention_tp=2," SENT, 4,
             5, 3},
        Case{"epNarrow", "mixtral.mlir",
             FORMATS "instance=4,attention_tp=2," SENT, 4, 5, 3},
        Case{"epTensor", "mixtral.mlir", PLAIN "instance=4,expert_tp=2," SENT,
             4, 5, 3},
        Case{"domains", "mixtral.mlir",
             PLAIN "instance=4,attention_tp=2," LEVELS, 4, 5, 3, 2},
        Case{"domainsNarrowHalves", "mixtral.mlir",
             FORMATS "instance=4,expert_tp=2,overlap=two_batch," LEVELS, 4, 5,
             3, 2},
        Case{"gathered", "mixtral.mlir",
             FORMATS "instance=4,attention_tp=2," GATHERED, 4, 5, 3},
        Case{"gatheredTensor", "mixtral.mlir",
             PLAIN "instance=4,attention_tp=2,expert_tp=2," GATHERED, 4, 5, 3},
        Case{"pipeline", "mixtral.mlir",
             PLAIN "instance=4,pipeline=2,attention_tp=2", 4, 5, 3},
        Case{"context", "mixtral.mlir", PLAIN "instance=2,attention_cp=2", 2, 5,
             3},
        Case{"contextExperts", "mixtral.mlir",
             PLAIN "instance=4,attention_cp=2," SENT, 4, 5, 3},
        Case{"halves", "mixtral.mlir",
             PLAIN "instance=4,attention_tp=2,overlap=two_batch," SENT, 4, 5,
             3},
        Case{"halvesGathered", "mixtral.mlir",
             FORMATS "instance=4,overlap=two_batch," GATHERED, 4, 5, 3}),
    [](const auto &info) { return std::string(info.param.name); });
