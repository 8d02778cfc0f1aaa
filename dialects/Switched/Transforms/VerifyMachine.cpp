//===- VerifyMachine.cpp - steps of a switched machine that fit -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "dialects/Switched/Transforms/Passes.h"
#include "portolan/Target/MachineRules.h"

namespace portolan::switched {
#define GEN_PASS_DEF_SWITCHEDVERIFYMACHINE
#include "dialects/Switched/Transforms/SwitchedPasses.h.inc"
} // namespace portolan::switched

using namespace portolan;

namespace {

/// Peers of a stage boundary are in one domain if the instance is.
bool leavesDomain(const Step &step, const Machine &machine,
                  const Deployment &deployment) {
  const Group &group = step.work.message.group;
  int64_t span = step.algorithm == Algorithm::neighbour
                     ? deployment.instance
                     : group.size * group.stride;
  return span > machine.topology.domain;
}

std::string groupInDomain(const Step &step, const Machine &machine,
                          const Deployment &deployment) {
  if (!isCommunication(step.kind) || step.linkTier > 0 ||
      step.outerLoad.starts > 0 || !leavesDomain(step, machine, deployment))
    return "";
  return "expects a group inside a domain of " +
         std::to_string(machine.topology.domain) + " chips on tier 0, got " +
         std::to_string(step.work.message.group.size) + " ranks";
}

std::string switchesReduce(const Step &step, const Machine &machine,
                           const Deployment &deployment) {
  if (step.algorithm != Algorithm::inNetwork)
    return "";
  if (!machine.links.empty() && machine.links.front().inNetworkReduction &&
      !leavesDomain(step, machine, deployment))
    return "";
  return "expects an algorithm that links without in-network reduction carry "
         "out, got in_network";
}

std::string onTorus(const Step &step, const Machine &, const Deployment &) {
  if (step.algorithm != Algorithm::bidirectionalRing &&
      step.algorithm != Algorithm::dimensionOrdered)
    return "";
  return "expects an algorithm of a switch, got " + spell(step.algorithm).str();
}

constexpr MachineRule kRules[] = {{"group_c1", groupInDomain},
                                  {"reduction_c1", switchesReduce},
                                  {"algorithm_c1", onTorus}};

struct VerifyMachine
    : switched::impl::SwitchedVerifyMachineBase<VerifyMachine> {
  using SwitchedVerifyMachineBase::SwitchedVerifyMachineBase;
  void runOnOperation() override {
    bool fits =
        succeeded(verifyMachine(getOperation(), target, "switched", kRules));
    fits &= succeeded(switched::verifyKernels(getOperation(), target));
    if (!fits)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
