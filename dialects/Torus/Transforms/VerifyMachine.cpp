//===- VerifyMachine.cpp - steps of a torus that fit ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Torus/Transforms/Passes.h"
#include "portolan/Analysis/Collectives.h"
#include "portolan/Target/MachineRules.h"

namespace portolan::torus {
#define GEN_PASS_DEF_TORUSVERIFYMACHINE
#include "dialects/Torus/Transforms/TorusPasses.h.inc"
} // namespace portolan::torus

using namespace portolan;

namespace {

bool isPeerToPeer(const Step &step) {
  return step.kind == OpKind::send || step.kind == OpKind::receive;
}

std::optional<TorusGroup> axesOf(const Step &step, const Machine &machine,
                                 const Deployment &deployment) {
  std::optional<Topology> slice =
      subSlice(machine.topology, deployment.instance);
  return slice ? torusGroup(*slice, step.work.message.group) : std::nullopt;
}

std::string wholeAxes(const Step &step, const Machine &machine,
                      const Deployment &deployment) {
  if (!isCommunication(step.kind) || isPeerToPeer(step) ||
      axesOf(step, machine, deployment))
    return "";
  return "expects a group of whole axes of the slice, got " +
         std::to_string(step.work.message.group.size) + " ranks " +
         std::to_string(step.work.message.group.stride) + " apart";
}

std::string ringWraps(const Step &step, const Machine &machine,
                      const Deployment &deployment) {
  if (step.algorithm != Algorithm::ring)
    return "";
  std::optional<TorusGroup> axes = axesOf(step, machine, deployment);
  if (axes)
    for (auto [size, wraps] : llvm::zip_equal(axes->sizes, axes->wraps))
      if (size > 2 && !wraps)
        return "expects a wrapped axis for a ring, got a line of " +
               std::to_string(size) + " chips";
  return "";
}

std::string onSwitch(const Step &step, const Machine &, const Deployment &) {
  if (step.algorithm != Algorithm::oneShot &&
      step.algorithm != Algorithm::inNetwork &&
      step.algorithm != Algorithm::direct)
    return "";
  return "expects an algorithm of a torus, got " + spell(step.algorithm).str();
}

constexpr MachineRule kRules[] = {{"group_c1", wholeAxes},
                                  {"wrap_c1", ringWraps},
                                  {"algorithm_c1", onSwitch}};

struct VerifyMachine : torus::impl::TorusVerifyMachineBase<VerifyMachine> {
  using TorusVerifyMachineBase::TorusVerifyMachineBase;
  void runOnOperation() override {
    if (failed(verifyMachine(getOperation(), target, "torus", kRules)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
