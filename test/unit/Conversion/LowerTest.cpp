//===- LowerTest.cpp - the price is of the program that was lowered -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Invariant 1 on random models and random plans of the space of each family:
// the steps read back from lowered IR equal those that a plan is priced by, and
// so do the estimates. Mutations of the lowered IR must break the equality.
//
//===----------------------------------------------------------------------===//

#include "portolan/Conversion/Lower.h"
#include "../Support/SharedConfigs.h"
#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Verifier.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/RegisterAll.h"
#include "portolan/Search/Evaluate.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kConfigs = 200;

class LowerTest : public ::testing::Test {
protected:
  LowerTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.disableMultithreading();
  }

  OwningOpRef<ModuleOp> model(uint64_t seed) {
    return llvm::cantFail(importHfConfigText(randomConfig(seed), "random.json",
                                             "random", context));
  }

  MLIRContext context;
};

/// A plan of Space(t), each class drawn from the family's values.
PlanPoint randomPlan(const Family &family, const PlanContext &context,
                     Random &random) {
  PlanPoint plan;
  for (PlanClass planClass : allPlanClasses()) {
    llvm::SmallVector<PlanValue> values;
    family.values(planClass, plan, context, values);
    plan.set(planClass, values[random.between(0, values.size() - 1)]);
  }
  return plan;
}

Workload smallWorkload(Phase phase) {
  Workload workload;
  workload.phase = phase;
  workload.contextTokens = 24;
  workload.outputTokens = 8;
  return workload;
}

/// Steps of every body of the lowered program of the first variant of each
/// stage, which holds the most.
FailureOr<std::vector<Steps>> loweredBodies(ModuleOp module) {
  FailureOr<std::vector<LoweredProgram>> programs = loweredPrograms(module);
  if (failed(programs))
    return failure();
  std::vector<Steps> bodies;
  for (const LoweredProgram &program : *programs) {
    if (!StringRef(program.entry).ends_with(".v0"))
      continue;
    for (const LoweredBody &body : program.bodies) {
      FailureOr<Steps> steps = readSteps(body.ops);
      if (failed(steps))
        return failure();
      bodies.push_back(*steps);
    }
  }
  return bodies;
}

/// Empty if `steps` is among `bodies`, else the first difference to the
/// closest.
std::string missingBody(const Steps &steps, const std::vector<Steps> &bodies) {
  std::string difference =
      "no body has " + std::to_string(steps.size()) + " steps";
  for (const Steps &body : bodies) {
    if (body.size() != steps.size())
      continue;
    size_t index = 0;
    std::string field;
    while (index < body.size() && sameStep(body[index], steps[index], &field))
      ++index;
    if (index == body.size())
      return "";
    difference = "step " + std::to_string(index) + " (" +
                 spell(steps[index].kind).str() + ") differs in " + field;
  }
  return difference;
}

std::string spellPlan(const PlanPoint &plan) {
  std::string text;
  for (PlanClass planClass : allPlanClasses())
    text +=
        (spell(planClass) + "=" + spell(planClass, plan.get(planClass)) + " ")
            .str();
  return text;
}

struct Case {
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<ModelShape> shape;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<Workload> workload;
  PlanPoint plan;
  int64_t concurrency = 1;
};

} // namespace

static Case makeCase(OwningOpRef<ModuleOp> module, StringRef target,
                     uint64_t seed) {
  Random random(seed * 7 + 3);
  Case result;
  result.shape =
      std::make_unique<ModelShape>(llvm::cantFail(extractModelShape(*module)));
  result.machine =
      std::make_unique<Machine>(llvm::cantFail(loadMachine(target)));
  result.workload = std::make_unique<Workload>(
      smallWorkload(random.chance(75) ? Phase::decode : Phase::prefill));
  if (random.chance(50) && result.workload->phase == Phase::decode)
    result.workload->acceptanceRate = 0.6;
  const Family &family = *llvm::cantFail(familyOf(*result.machine));
  result.plan = randomPlan(
      family, {*result.shape, *result.machine, *result.workload}, random);
  result.concurrency = random.between(1, 40);
  result.module = std::move(module);
  return result;
}

/// Puts nodes that were not raised in front of some readers of activations,
/// none inside of an expert block; returns how many.
static unsigned insertNodes(ModuleOp module, Random &random) {
  SmallVector<OpOperand *> places;
  module.walk([&](Operation *op) {
    auto layer = op->getParentOfType<func::FuncOp>();
    if (!layer || !layer.isPrivate() ||
        !isa<moe::MoeDialect>(op->getDialect()) ||
        isa<moe::ExpertsOp, moe::CombineOp>(op))
      return;
    for (OpOperand &use : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(use.get().getType());
      Operation *maker = use.get().getDefiningOp();
      // Behind the first result of an op there are caches.
      if (maker && !isa<moe::RouteOp>(maker) &&
          maker->getResult(0) == use.get() && type && type.getRank() == 3 &&
          type.isDynamicDim(1) && !type.isDynamicDim(2) && random.chance(20))
        places.push_back(&use);
    }
  });
  for (OpOperand *use : places) {
    OpBuilder b(use->getOwner());
    auto count = [&] { return b.getI64IntegerAttr(random.between(0, 4096)); };
    Value input = use->get();
    auto op = moe::DecomposedOp::create(
        b, input.getLoc(), input.getType(), input, ValueRange(), ValueRange(),
        count(), count(), count(), count(), count(), count(),
        b.getI64IntegerAttr(random.between(1, 4)));
    use->set(op.getResult());
  }
  return places.size();
}

/// Lowers the model of a case: the steps read back are those that the plan is
/// priced by, and the slowest entry takes what it was priced at.
static void expectPricedSteps(Case &c, const std::string &what) {
  llvm::Error error =
      lowerModel(*c.module, *c.machine, c.plan, *c.workload, c.concurrency);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error)) << what;
  ASSERT_TRUE(succeeded(verify(*c.module))) << what;
  c.module->walk([&](Operation *op) {
    StringRef dialect = op->getName().getDialectNamespace();
    EXPECT_TRUE(dialect != "moe" && dialect != "spmd")
        << op->getName().getStringRef().str() << " is left: " << what;
  });

  FailureOr<std::vector<Steps>> bodies = loweredBodies(*c.module);
  ASSERT_TRUE(succeeded(bodies)) << what;
  const Family &family = *llvm::cantFail(familyOf(*c.machine));
  Evaluator evaluator(*c.shape, *c.machine, family, *c.workload);
  evaluator.forEachBody(c.plan, c.concurrency, [&](ArrayRef<Step> steps) {
    EXPECT_EQ(missingBody(Steps(steps), *bodies), "") << what;
  });

  // The estimates: the slowest entry takes what the plan was priced at.
  llvm::Expected<Evaluation> priced = evaluator.at(c.plan, c.concurrency);
  ASSERT_TRUE(bool(priced)) << llvm::toString(priced.takeError()) << what;
  double slowest = 0;
  for (const LoweredPrice &price :
       llvm::cantFail(priceLowered(*c.module, evaluator.priced())))
    slowest = std::max(slowest, price.seconds);
  double step = slowest * evaluator.stagePasses(priced->deployment) +
                evaluator.priced().stepOverheadSeconds();
  EXPECT_NEAR(step, priced->stepSeconds, 1e-9 * priced->stepSeconds) << what;
}

class LowerFamilyTest : public LowerTest,
                        public ::testing::WithParamInterface<const char *> {
protected:
  /// Configurations 0 to `count` of `make`, each with a random plan.
  void expectPriced(uint64_t count, std::string (*make)(uint64_t)) {
    for (uint64_t seed = 0; seed < count && !HasFailure(); ++seed) {
      std::string config = make(seed);
      llvm::Expected<OwningOpRef<ModuleOp>> module =
          importHfConfigText(config, "random.json", "random", context);
      ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError()) << config;
      Case c = makeCase(std::move(*module), GetParam(), seed);
      expectPricedSteps(c, config + " " + spellPlan(c.plan));
    }
  }
};

TEST_P(LowerFamilyTest, BlocksOfEveryFamilyOfModels) {
  expectPriced(4 * kNumFamilies, randomFamilyConfig);
}

TEST_P(LowerFamilyTest, NodesThatWereNotRaisedAnywhere) {
  unsigned nodes = 0;
  for (uint64_t seed = 0; seed < 4 * kNumFamilies; ++seed) {
    std::string config = randomFamilyConfig(seed);
    llvm::Expected<OwningOpRef<ModuleOp>> module =
        importHfConfigText(config, "random.json", "random", context);
    ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError()) << config;
    Random random(seed);
    nodes += insertNodes(**module, random);
    ASSERT_TRUE(succeeded(moe::applyServingForm(**module))) << config;
    Case c = makeCase(std::move(*module), GetParam(), seed);
    expectPricedSteps(c, config + " " + spellPlan(c.plan));
    if (HasFailure())
      return;
  }
  EXPECT_GT(nodes, 100u);
}

// Stage boundaries are as wide as the streams that cross them.
TEST_P(LowerFamilyTest, StreamsBetweenLayers) {
  expectPriced(12, randomStreamsConfig);
}

// Caches that layers read together are in one function; chosen keys cross stage
// boundaries.
TEST_P(LowerFamilyTest, LayersThatShare) {
  expectPriced(8 * kNumSharedFamilies, randomSharedConfig);
}

TEST_P(LowerFamilyTest, StepsReadBackEqualStepsPriced) {
  unsigned copied = 0, drafted = 0, fused = 0;
  for (uint64_t seed = 0; seed < kConfigs; ++seed) {
    Case c = makeCase(model(seed), GetParam(), seed);
    copied += c.plan.count(PlanClass::replicas) > 0;
    drafted += c.plan.count(PlanClass::speculation) > 0;
    fused += c.plan.get(PlanClass::fusion) != kNone;
    std::string what = "seed " + std::to_string(seed) + " concurrency " +
                       std::to_string(c.concurrency) + " " + spellPlan(c.plan);
    expectPricedSteps(c, what);
    if (HasFailure())
      return;
  }
  EXPECT_GT(drafted, 10u);
  // Families whose engines pass on activations by themselves join nothing.
  Case c = makeCase(model(0), GetParam(), 0);
  llvm::SmallVector<PlanValue> fusions;
  llvm::cantFail(familyOf(*c.machine))
      ->values(PlanClass::fusion, PlanPoint(),
               {*c.shape, *c.machine, *c.workload}, fusions);
  EXPECT_EQ(fused > 10, fusions.size() > 1);
  EXPECT_EQ(copied > 0, fusions.size() > 1);
}

static std::string nameOf(const ::testing::TestParamInfo<const char *> &info) {
  constexpr const char *names[] = {"Switched", "SwitchedMesh",   "Torus",
                                   "Trainium", "TrainiumSwitch", "Wafer"};
  return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(Families, LowerFamilyTest,
                         ::testing::Values("gb300-nvl72:8", "mi300x:2",
                                           "tpu7x:2x2x2", "trn2-ultraserver",
                                           "trn3-ultraserver:24", "cs3:2"),
                         nameOf);

namespace {

/// Lowers one fixed case, applies `mutate` to an op of kind `kind` in it, and
/// says whether the steps still equal the priced ones.
template <typename Mutation>
bool survives(OwningOpRef<ModuleOp> module, OpKind kind, Mutation mutate) {
  Case c = makeCase(std::move(module), "gb300-nvl72:8", 0);
  *c.workload = smallWorkload(Phase::decode);
  // Every rank holds its own sequences, so that rows are exchanged.
  c.plan = PlanPoint();
  const Family &family = *llvm::cantFail(familyOf(*c.machine));
  for (PlanClass planClass : allPlanClasses()) {
    llvm::SmallVector<PlanValue> values;
    family.values(planClass, c.plan, {*c.shape, *c.machine, *c.workload},
                  values);
    c.plan.set(planClass, values.front());
  }
  llvm::cantFail(lowerModel(*c.module, *c.machine, c.plan, *c.workload, 16));
  bool mutated = false;
  c.module->walk([&](StepOpInterface op) {
    if (!mutated && llvm::is_contained(op.coveredKinds(), kind)) {
      mutate(op.getOperation());
      mutated = true;
    }
  });
  EXPECT_TRUE(mutated);
  FailureOr<std::vector<Steps>> bodies = loweredBodies(*c.module);
  if (failed(bodies))
    return false;
  bool same = true;
  Evaluator evaluator(*c.shape, *c.machine, family, *c.workload);
  evaluator.forEachBody(c.plan, 16, [&](ArrayRef<Step> steps) {
    same &= missingBody(Steps(steps), *bodies).empty();
  });
  return same;
}

NamedAttrList covered(Operation *op) {
  return NamedAttrList(op->getAttrOfType<DictionaryAttr>("of"));
}

void setCovered(Operation *op, NamedAttrList attributes) {
  op->setAttr("of", attributes.getDictionary(op->getContext()));
}

} // namespace

TEST_F(LowerTest, NothingMutatedSurvives) {
  EXPECT_TRUE(survives(model(0), OpKind::experts, [](Operation *) {}));
}

TEST_F(LowerTest, AMutatedShapeIsSeen) {
  EXPECT_FALSE(survives(model(0), OpKind::linear, [](Operation *op) {
    // One more output column in weight and result.
    auto widen = [](Value value) {
      auto type = cast<RankedTensorType>(value.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape.back() += 1;
      value.setType(type.clone(shape));
    };
    widen(op->getOperand(1));
    widen(op->getResult(0));
  }));
}

TEST_F(LowerTest, AMutatedGroupIsSeen) {
  EXPECT_FALSE(survives(model(0), OpKind::allToAllV, [](Operation *op) {
    NamedAttrList of = covered(op);
    of.set("group", parseAttribute("#spmd.group<4 by 2>", op->getContext()));
    setCovered(op, of);
  }));
}

TEST_F(LowerTest, AMutatedMessageSizeIsSeen) {
  EXPECT_FALSE(survives(model(0), OpKind::allToAllV, [](Operation *op) {
    NamedAttrList of = covered(op);
    of.set("load", parseAttribute(
                       "#moe.load<mean = 1.0, max = 1.0, capacity = 1, hit = "
                       "0.0>",
                       op->getContext()));
    setCovered(op, of);
  }));
}

TEST_F(LowerTest, AMutatedTileIsSeen) {
  EXPECT_FALSE(survives(model(0), OpKind::experts, [](Operation *op) {
    op->setAttr("token_tile",
                IntegerAttr::get(IntegerType::get(op->getContext(), 64), 7));
  }));
}
