//===- VerifyMachine.cpp - steps of a NeuronLink system that fit ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Trainium/Transforms/Passes.h"
#include "portolan/Analysis/StagedCollectives.h"
#include "portolan/Conversion/SpmdToSystem.h"
#include "portolan/Target/MachineRules.h"
#include "llvm/ADT/DenseSet.h"

namespace portolan::trainium {
#define GEN_PASS_DEF_TRAINIUMVERIFYMACHINE
#include "dialects/Trainium/Transforms/TrainiumPasses.h.inc"
} // namespace portolan::trainium

using namespace mlir;
using namespace portolan;

namespace {

bool isPeerToPeer(const Step &step) {
  return step.kind == OpKind::send || step.kind == OpKind::receive;
}

/// The links of a collective's group; nothing if there are none.
std::optional<StagedGroup> linksOf(const Step &step, const Machine &machine) {
  return stagedGroup(machine, step.work.message.group);
}

std::string spellGroup(const Step &step) {
  return std::to_string(step.work.message.group.size) + " ranks " +
         std::to_string(step.work.message.group.stride) + " apart";
}

std::string formsGroup(const Step &step, const Machine &machine,
                       const Deployment &) {
  if (!isCommunication(step.kind) || isPeerToPeer(step) ||
      linksOf(step, machine))
    return "";
  bool isSwitch = machine.topology.kind == TopologyKind::fullSwitch;
  return std::string("expects a group ") +
         (isSwitch ? "that is alike for all servers"
                   : "of whole axes that close to rings") +
         ", got " + spellGroup(step);
}

std::string knownAlgorithm(const Step &step, const Machine &,
                           const Deployment &) {
  if (!isCommunication(step.kind))
    return "";
  switch (step.algorithm) {
  case Algorithm::mesh:
  case Algorithm::recursiveDoubling:
  case Algorithm::kangaRing:
  case Algorithm::ring:
  case Algorithm::dimensionOrdered:
  case Algorithm::hierarchical:
  case Algorithm::neighbour:
    return "";
  default:
    return "expects an algorithm of the runtime, got " +
           spell(step.algorithm).str();
  }
}

std::string doublingFits(const Step &step, const Machine &machine,
                         const Deployment &) {
  if (step.algorithm != Algorithm::recursiveDoubling)
    return "";
  std::optional<StagedGroup> links = linksOf(step, machine);
  if (links && doublesRecursively(*links))
    return "";
  return "expects 2^p chips for recursive doubling, got " + spellGroup(step);
}

std::string kangaFits(const Step &step, const Machine &machine,
                      const Deployment &) {
  int64_t ranks = machine.collectives ? machine.collectives->ranksPerChip : 1;
  if (step.algorithm != Algorithm::kangaRing || ranks % 2 == 0)
    return "";
  return "expects chips with an even number of ranks for a kanga ring, got " +
         std::to_string(ranks);
}

std::string hasLevels(const Step &step, const Machine &machine,
                      const Deployment &) {
  if (step.algorithm != Algorithm::hierarchical)
    return "";
  std::optional<StagedGroup> links = linksOf(step, machine);
  if (links && links->stages.size() > 1)
    return "";
  return "expects links of two speeds for two levels, got " + spellGroup(step);
}

std::string statesTransfers(const Step &step, const Machine &machine,
                            const Deployment &) {
  const Engine *gather = machine.findEngine(EngineKind::gather);
  if (isCommunication(step.kind) || step.engine != EngineKind::gather ||
      !gather || !gather->saturatingBytes || step.transferBytes > 0)
    return "";
  return "expects transfer_bytes for an engine whose speed depends on them, "
         "got none";
}

constexpr MachineRule kRules[] = {
    {"group_c1", formsGroup},      {"algorithm_c1", knownAlgorithm},
    {"doubling_c1", doublingFits}, {"kanga_c1", kangaFits},
    {"level_c1", hasLevels},       {"transfer_c1", statesTransfers}};

/// communicators_c1: a program has at most as many groups as the runtime keeps.
LogicalResult verifyCommunicators(ModuleOp module, const Machine &machine) {
  if (!machine.collectives)
    return success();
  llvm::SmallDenseSet<std::pair<int64_t, int64_t>> groups;
  WalkResult walk = module.walk([&](StepOpInterface op) {
    FailureOr<Step> step = op.step();
    if (failed(step))
      return WalkResult::interrupt();
    if (isCommunication(step->kind)) {
      Group group = step->work.message.group;
      groups.insert({group.size, group.stride});
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  int64_t most = machine.collectives->maximumGroups;
  if (int64_t(groups.size()) > most)
    return module.emitError("expects at most ")
           << most << " groups of ranks in a program, got " << groups.size()
           << " (trainium.communicators_c1)";
  return success();
}

struct VerifyMachine
    : trainium::impl::TrainiumVerifyMachineBase<VerifyMachine> {
  using TrainiumVerifyMachineBase::TrainiumVerifyMachineBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    markAllAnalysesPreserved();
    if (failed(verifyMachine(module, target, "trainium", kRules)))
      return signalPassFailure();
    // The machine was found before.
    StringRef name = target;
    if (name.empty())
      name = module->getAttrOfType<StringAttr>(kTargetName).getValue();
    llvm::Expected<Machine> machine = loadMachine(name);
    if (!machine) {
      module.emitError(llvm::toString(machine.takeError()));
      return signalPassFailure();
    }
    if (failed(verifyCommunicators(module, *machine)))
      signalPassFailure();
  }
};

} // namespace
