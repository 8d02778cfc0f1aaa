//===- MutationTest.cpp - broken lowerings are caught ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lowered program that is broken in one place must not pass for the model:
// its run fails, its outputs differ, or it moves other bytes than it states.
//
//===----------------------------------------------------------------------===//

#include "PlannedModel.h"
#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

/// Says whether it found what to break.
using Mutation = bool (*)(ModuleOp module);

struct Case {
  const char *name, *plan;
  Mutation mutate;
};

#define FORMATS                                                                \
  "weight_format=bf16/bf16,activation_format=bf16/bf16,kv_format=bf16/bf16,"   \
  "residency=hbm,fusion=elementwise,tile=64,instance=4,"
#define SENT "dispatch_exchange=all_to_all,combine_exchange=all_to_all,"
#define GATHERED "dispatch_exchange=all_gather,combine_exchange=reduce_scatter,"

constexpr const char *kTensor =
    FORMATS SENT "attention_tp=2,reduction=one_shot";
constexpr const char *kRanks = FORMATS SENT "attention_tp=1";
constexpr const char *kGathered = FORMATS GATHERED "attention_tp=1";
constexpr const char *kStages =
    FORMATS "pipeline=2,attention_tp=2,reduction=ring";
constexpr const char *kContext = FORMATS SENT "attention_tp=1,attention_cp=2";
constexpr const char *kCopies =
    FORMATS SENT "attention_tp=1,placement_form=distributed,replicas=1";

/// The first op of the module that covers `name`.
Operation *find(ModuleOp module, StringRef name) {
  Operation *found = nullptr;
  module.walk([&](Operation *op) {
    auto covers = op->getAttrOfType<StringAttr>("covers");
    if (!found && covers && covers.getValue() == name)
      found = op;
  });
  return found;
}

void setCovered(Operation *op, StringRef name, Attribute value) {
  NamedAttrList of(op->getAttrOfType<DictionaryAttr>("of"));
  of.set(name, value);
  op->setAttr("of", of.getDictionary(op->getContext()));
}

bool replaceByInput(ModuleOp module, StringRef name) {
  Operation *op = find(module, name);
  if (!op || op->getOperand(0).getType() != op->getResult(0).getType())
    return false;
  op->getResult(0).replaceAllUsesWith(op->getOperand(0));
  op->erase();
  return true;
}

bool swapOperands(ModuleOp module, StringRef name, unsigned a, unsigned b) {
  Operation *op = find(module, name);
  if (!op)
    return false;
  Value first = op->getOperand(a), second = op->getOperand(b);
  op->setOperand(a, second);
  op->setOperand(b, first);
  return first.getType() == second.getType() && first != second;
}

/// Swaps an attribute between two arguments of the first program that have the
/// same type.
bool swapArguments(ModuleOp module, StringRef name) {
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned a = 0; a < function.getNumArguments(); ++a)
      for (unsigned b = a + 1; b < function.getNumArguments(); ++b) {
        Attribute first = function.getArgAttr(a, name),
                  second = function.getArgAttr(b, name);
        if (!first || !second || first == second ||
            function.getArgumentTypes()[a] != function.getArgumentTypes()[b] ||
            function.getArgAttr(a, spmd::kShardName) !=
                function.getArgAttr(b, spmd::kShardName))
          continue;
        function.setArgAttr(a, name, second);
        function.setArgAttr(b, name, first);
        return true;
      }
  return false;
}

/// Turns round which ranks hold which block of the first argument that is cut
/// and has a name of kind `name`: ranks two apart instead of adjacent ones.
bool turnShards(ModuleOp module, StringRef name, int64_t rank) {
  bool turned = false;
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto shard =
          function.getArgAttrOfType<spmd::ShardAttr>(i, spmd::kShardName);
      if (!shard || !function.getArgAttr(i, name) ||
          int64_t(shard.getParts().size()) != rank)
        continue;
      SmallVector<int64_t> strides(shard.getStrides());
      for (auto [dim, parts] : llvm::enumerate(shard.getParts()))
        if (parts > 1 && parts < 4) {
          strides[dim] = strides[dim] == 1 ? 2 : 1;
          turned = true;
        }
      function.setArgAttr(
          i, spmd::kShardName,
          spmd::ShardAttr::get(module.getContext(), shard.getParts(), strides,
                               shard.getUnits(), shard.getSlots()));
    }
  return turned;
}

bool setGroupStride(ModuleOp module, StringRef name, int64_t size,
                    int64_t stride) {
  Operation *op = find(module, name);
  if (!op)
    return false;
  setCovered(op, "group",
             spmd::GroupAttr::get(module.getContext(), size, stride));
  return true;
}

class Mutations : public ::testing::TestWithParam<Case> {};

void load(TestModel &model) {
  model.module = parseSourceFile<ModuleOp>(
      std::string(PORTOLAN_TEST_INPUTS) + "/mixtral.mlir", &model.context);
  ASSERT_TRUE(model.module);
  model.addWeights();
  model.addInputs(/*batch=*/5, /*newTokens=*/1, /*past=*/3, /*vocabulary=*/20);
}

/// What gives the program away; empty if nothing does.
std::string caught(PlannedModel &model, const char *plan,
                   llvm::function_ref<void(ModuleOp)> change) {
  Machine machine = llvm::cantFail(loadMachine("gb300-nvl72:4"));
  PlanPoint point = llvm::cantFail(parsePlanPoint(plan));
  llvm::Expected<TargetRun> run = model.onTarget(machine, point, change);
  if (!run)
    return "error: " + llvm::toString(run.takeError());
  std::vector<NamedTensor> expected = model.reference();
  for (auto [got, want] : llvm::zip_equal(run->outputs, expected)) {
    llvm::Expected<Difference> difference =
        compare(got.tensor, want.tensor, 0, 1e-4);
    if (!difference)
      return llvm::toString(difference.takeError());
    if (difference->outOfTolerance)
      return "output " + want.name + " differs";
  }
  for (const TransferTraffic &row : run->traffic)
    if (!row.movesWhatItStates())
      return row.op + " moves other bytes";
  return "";
}

} // namespace

TEST_P(Mutations, AreCaught) {
  PlannedModel model;
  load(model);
  // The program as it is passes.
  ASSERT_EQ(caught(model, GetParam().plan, {}), "");
  bool changed = false;
  std::string reason = caught(model, GetParam().plan, [&](ModuleOp module) {
    changed = GetParam().mutate(module);
  });
  EXPECT_TRUE(changed);
  EXPECT_NE(reason, "");
  RecordProperty("caught", reason);
}

INSTANTIATE_TEST_SUITE_P(
    Lowering, Mutations,
    ::testing::Values(
        Case{"forgottenReduction", kTensor,
             [](ModuleOp module) {
               return replaceByInput(module, "spmd.all_reduce");
             }},
        Case{"reductionOverStrangers", kTensor,
             [](ModuleOp module) {
               return setGroupStride(module, "spmd.all_reduce", 2, 2);
             }},
        Case{"swappedCounts", kRanks,
             [](ModuleOp module) {
               return swapOperands(module, "spmd.all_to_all_v", 3, 4);
             }},
        Case{"countsNotExchanged", kRanks,
             [](ModuleOp module) {
               return replaceByInput(module, "spmd.all_to_all");
             }},
        Case{"swappedRanks", kStages,
             [](ModuleOp module) {
               auto ranks =
                   module->getAttrOfType<DenseI64ArrayAttr>(spmd::kRanksName);
               SmallVector<int64_t> order(ranks.asArrayRef());
               std::swap(order.front(), order.back());
               module->setAttr(
                   spmd::kRanksName,
                   DenseI64ArrayAttr::get(module.getContext(), order));
               return order.front() != order.back();
             }},
        Case{"sentTooFar", kStages,
             [](ModuleOp module) {
               Operation *op = find(module, "spmd.send");
               if (op)
                 setCovered(op, "distance",
                            Builder(module.getContext()).getI64IntegerAttr(3));
               return op != nullptr;
             }},
        Case{"droppedRow", kGathered,
             [](ModuleOp module) {
               // The last row is taken for another member's.
               Operation *op = find(module, "spmd.all_gather");
               if (!op)
                 return false;
               auto sizes = cast<DenseI64ArrayAttr>(
                   op->getAttrOfType<DictionaryAttr>("of").get("sizes"));
               SmallVector<int64_t> changed(sizes.asArrayRef());
               changed.front() -= 1;
               changed.back() += 1;
               setCovered(op, "sizes",
                          DenseI64ArrayAttr::get(module.getContext(), changed));
               return true;
             }},
        Case{"scatteredWithoutSum", kGathered,
             [](ModuleOp module) {
               // Every rank keeps its own part of the sum.
               Operation *op = find(module, "spmd.reduce_scatter");
               if (!op)
                 return false;
               OpBuilder builder(op);
               OperationState state(op->getLoc(), "switched.view");
               state.addOperands(op->getOperands());
               state.addTypes(op->getResultTypes());
               state.addAttribute("covers",
                                  builder.getStringAttr("spmd.slice"));
               NamedAttrList of(op->getAttrOfType<DictionaryAttr>("of"));
               of.erase("format");
               state.addAttribute("of", of.getDictionary(op->getContext()));
               Operation *slice = builder.create(state);
               op->replaceAllUsesWith(slice);
               op->erase();
               return true;
             }},
        Case{"expertsNotLocalized", kGathered,
             [](ModuleOp module) {
               // Of all variants: on rank 0 experts count from 0 anyway.
               bool replaced = false;
               while (replaceByInput(module, "spmd.localize"))
                 replaced = true;
               return replaced;
             }},
        Case{"otherCopies", kCopies,
             [](ModuleOp module) {
               Operation *op = find(module, "spmd.choose_copy");
               if (!op)
                 return false;
               auto slots = cast<DenseI64ArrayAttr>(
                   op->getAttrOfType<DictionaryAttr>("of").get("slots"));
               SmallVector<int64_t> changed(slots.asArrayRef());
               std::reverse(changed.begin(), changed.end());
               setCovered(op, "slots",
                          DenseI64ArrayAttr::get(module.getContext(), changed));
               return changed != SmallVector<int64_t>(slots.asArrayRef());
             }},
        Case{"swappedWeights", kRanks,
             [](ModuleOp module) {
               return swapArguments(module, spmd::kWeightName);
             }},
        Case{"swappedTables", kRanks,
             [](ModuleOp module) {
               return swapArguments(module, spmd::kPreparedName);
             }},
        Case{"heldByOtherRanks", kTensor,
             [](ModuleOp module) {
               return turnShards(module, spmd::kWeightName, 2);
             }},
        Case{"cacheOfOtherRanks", kContext,
             [](ModuleOp module) {
               return turnShards(module, spmd::kArgumentName, 4);
             }}),
    [](const auto &info) { return std::string(info.param.name); });

// What a hand-written file may hold.
TEST(LoweredProgram, RefusesToCoverAnUnknownOp) {
  PlannedModel model;
  load(model);
  std::string reason = caught(model, kGathered, [](ModuleOp module) {
    find(module, "spmd.localize")
        ->setAttr("covers",
                  StringAttr::get(module.getContext(), "spmd.localise"));
  });
  EXPECT_NE(reason.find("expects to cover a known op, got 'spmd.localise'"),
            std::string::npos)
      << reason;
}
