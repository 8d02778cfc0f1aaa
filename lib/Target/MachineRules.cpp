//===- MachineRules.cpp - rules over a step and a machine -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Target/MachineRules.h"
#include "dialects/Interfaces/StepOpInterface.h"
#include "portolan/Conversion/SpmdToSystem.h"

using namespace mlir;
using namespace portolan;

namespace {

std::string nativeFormat(const Step &step, const Machine &machine,
                         const Deployment &) {
  const Engine *engine = machine.findEngine(EngineKind::matmul);
  if (step.work.matmulOperations == 0 ||
      (engine && engine->computes(step.work.compute)))
    return "";
  return "expects a compute format of the matmul engine, got " +
         spell(step.work.compute).str();
}

std::string readableFormat(const Step &step, const Machine &machine,
                           const Deployment &) {
  if (step.work.weightBytes == 0 || machine.reads(step.work.weightStorage))
    return "";
  return "expects weights in a storage format of the machine, got " +
         spell(step.work.weightStorage).str();
}

std::string tokenTile(const Step &step, const Machine &machine,
                      const Deployment &) {
  const Engine *engine = machine.findEngine(EngineKind::matmul);
  if (step.tokenTile == 0 ||
      (engine && llvm::is_contained(engine->tokenTiles, step.tokenTile)))
    return "";
  return "expects a token tile of the matmul engine, got " +
         std::to_string(step.tokenTile);
}

std::string memoryLevel(const Step &step, const Machine &machine,
                        const Deployment &) {
  unsigned last = step.memoryLevel + (step.prefetched ? 1 : 0);
  if (isCommunication(step.kind) || last < machine.memories.size())
    return "";
  return "expects one of " + std::to_string(machine.memories.size()) +
         " memory levels, got level " + std::to_string(last);
}

std::string linkTier(const Step &step, const Machine &machine,
                     const Deployment &) {
  unsigned last = step.linkTier + (step.outerLoad.starts > 0 ? 1 : 0);
  if (!isCommunication(step.kind) || last < machine.links.size())
    return "";
  return "expects one of " + std::to_string(machine.links.size()) +
         " link tiers, got tier " + std::to_string(last);
}

constexpr MachineRule kCommonRules[] = {{"format_c1", nativeFormat},
                                        {"format_c2", readableFormat},
                                        {"tile_c1", tokenTile},
                                        {"memory_c1", memoryLevel},
                                        {"link_c1", linkTier}};

} // namespace

llvm::ArrayRef<MachineRule> portolan::commonMachineRules() {
  return kCommonRules;
}

LogicalResult portolan::verifyMachine(ModuleOp module, StringRef target,
                                      StringRef family,
                                      ArrayRef<MachineRule> rules) {
  if (target.empty())
    if (auto named = module->getAttrOfType<StringAttr>(kTargetName))
      target = named.getValue();
  if (target.empty())
    return module.emitError("expects the option target=MACHINE or the "
                            "attribute ")
           << kTargetName;
  llvm::Expected<Machine> machine = loadMachine(target);
  if (!machine)
    return module.emitError(llvm::toString(machine.takeError()));
  if (machine->family != family)
    return module.emitError("expects a machine of the family ")
           << family << ", got '" << target << "' of " << machine->family;
  llvm::Expected<PlanPoint> plan = planOf(module);
  if (!plan)
    return module.emitError(llvm::toString(plan.takeError()));
  llvm::Expected<Deployment> deployment =
      deploymentOf(*plan, machine->topology);
  if (!deployment)
    return module.emitError(llvm::toString(deployment.takeError()));

  bool fits = true;
  module.walk([&](StepOpInterface op) {
    FailureOr<Step> step = op.step();
    if (failed(step)) {
      fits = false;
      return;
    }
    for (ArrayRef<MachineRule> table : {commonMachineRules(), rules})
      for (const MachineRule &rule : table) {
        std::string violation = rule.violation(*step, *machine, *deployment);
        if (violation.empty())
          continue;
        op->emitOpError(violation)
            << " (" << family << "." << rule.label << ")";
        fits = false;
        return;
      }
  });
  return success(fits);
}
