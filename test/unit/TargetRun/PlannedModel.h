//===- PlannedModel.h - random models and plans to be run ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small random models in f32 with weights and inputs, and plans of a family's
// space for them.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_TARGETRUN_PLANNEDMODEL_H
#define PORTOLAN_TEST_UNIT_TARGETRUN_PLANNEDMODEL_H

#include "../SpmdRun/Harness.h"
#include "../Support/SharedConfigs.h"
#include "portolan/Execution/RunTarget.h"
#include "portolan/Import/HfConfig.h"

namespace portolan::test {

struct PlannedModel : TestModel {
  /// Random model number `seed` with a step of its own: decode with a past, or
  /// a prompt. False if it has a block that is priced only.
  bool load(uint64_t seed) {
    return load(seed, randomConfig(seed, "float32", /*quantized=*/false));
  }
  /// The same of a model whose layers share.
  bool loadShared(uint64_t seed) {
    std::string config = randomSharedConfig(seed);
    constexpr llvm::StringLiteral kNarrow = "bfloat16";
    if (size_t at = config.find(kNarrow); at != std::string::npos)
      config.replace(at, kNarrow.size(), "float32");
    return load(seed, config);
  }

  /// The same of the families that pass streams from layer to layer.
  bool loadStreams(uint64_t seed) {
    std::string config = randomStreamsConfig(seed);
    constexpr llvm::StringLiteral kNarrow = "bfloat16";
    if (size_t at = config.find(kNarrow); at != std::string::npos)
      config.replace(at, kNarrow.size(), "float32");
    return load(seed, config);
  }

  bool load(uint64_t seed, const std::string &config) {
    Random choice(seed * 11 + 5);
    llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> imported =
        importHfConfigText(config, "random.json", "random", context);
    if (!imported) {
      ADD_FAILURE() << llvm::toString(imported.takeError()) << config;
      return false;
    }
    module = std::move(*imported);
    bool runs = true;
    module->walk([&](moe::SparseAttentionOp) { runs = false; });
    llvm::Expected<ModelShape> extracted = extractModelShape(*module);
    if (!runs || !extracted) {
      EXPECT_TRUE(bool(extracted)) << llvm::toString(extracted.takeError());
      return false;
    }
    shape = std::move(*extracted);
    addWeights();
    bool decodes = choice.chance(70);
    workload.phase = decodes ? Phase::decode : Phase::prefill;
    workload.contextTokens = decodes ? choice.between(1, 6) : 3;
    workload.outputTokens = 1;
    addInputs(choice.between(1, 7), decodes ? 1 : 3,
              decodes ? workload.contextTokens : 0, /*vocabulary=*/16);
    return true;
  }

  /// A plan of Space(t), each class drawn from the family's values.
  PlanPoint randomPlan(const Machine &machine, const Family &family,
                       uint64_t seed) const {
    Random choice(seed);
    PlanPoint plan;
    for (PlanClass planClass : allPlanClasses()) {
      llvm::SmallVector<PlanValue> values;
      family.values(planClass, plan, {shape, machine, workload}, values);
      plan.set(planClass, values[choice.between(0, values.size() - 1)]);
    }
    return plan;
  }

  llvm::Expected<TargetRun>
  onTarget(const Machine &machine, const PlanPoint &plan,
           llvm::function_ref<void(mlir::ModuleOp)> change = {}) {
    const Family &family = *llvm::cantFail(familyOf(machine));
    TargetSetting setting{machine, family, plan};
    llvm::Expected<int64_t> ranks = ranksOf(setting);
    if (!ranks)
      return ranks.takeError();
    ThreadFabric fabric(*ranks, std::chrono::seconds(20));
    return runOnTarget(*module, inputs, folder, setting, fabric, change);
  }

  ModelShape shape;
  Workload workload;
};

inline std::string spellPlan(const PlanPoint &plan) {
  std::string text;
  for (PlanClass planClass : allPlanClasses())
    if (plan.get(planClass) != kNone)
      text +=
          (spell(planClass) + "=" + spell(planClass, plan.get(planClass)) + ",")
              .str();
  return text;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_TARGETRUN_PLANNEDMODEL_H
