//===- VerifyMachine.cpp - steps of a wafer that fit ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/FloorPlan.h"
#include "dialects/Wafer/Transforms/Passes.h"
#include "portolan/Target/MachineRules.h"

namespace portolan::wafer {
#define GEN_PASS_DEF_WAFERVERIFYMACHINE
#include "dialects/Wafer/Transforms/WaferPasses.h.inc"
} // namespace portolan::wafer

using namespace portolan;
using namespace portolan::wafer;

namespace {

bool isBoundary(const Step &step) {
  return step.kind == OpKind::send || step.kind == OpKind::receive;
}

std::string nextRectangle(const Step &step, const Machine &,
                          const Deployment &) {
  int64_t distance = step.work.message.group.stride;
  if (!isBoundary(step) || distance == 1)
    return "";
  return "expects a peer one rank away, as a stage is one rectangle of PEs, "
         "got a distance of " +
         std::to_string(distance);
}

std::string regionOfStage(const Step &step, const Machine &machine,
                          const Deployment &deployment) {
  if (isCommunication(step.kind))
    return "";
  Region grid = gridOf(machine.topology);
  double share = regionOf(grid, deployment.stagesPerChip).area() / grid.area();
  if (step.share <= share * (1 + 1e-9))
    return "";
  return "expects a share of at most " + std::to_string(share) +
         ", the region of a stage, got " + std::to_string(step.share);
}

std::string fitsUnits(const Step &step, const Machine &machine,
                      const Deployment &) {
  if (isCommunication(step.kind) || machine.memories.empty())
    return "";
  double available =
      step.share * machine.memories.front().capacityBytes.nominal();
  if (step.work.weightBytes <= available)
    return "";
  return "expects weights of at most " + std::to_string(int64_t(available)) +
         " bytes on its PEs, got " +
         std::to_string(int64_t(step.work.weightBytes));
}

std::string fixedRoutes(const Step &step, const Machine &, const Deployment &) {
  switch (step.algorithm) {
  case Algorithm::none:
  case Algorithm::neighbour:
  case Algorithm::kTree:
  case Algorithm::multicast:
    return "";
  default:
    return "expects an algorithm of a wafer, got " +
           spell(step.algorithm).str();
  }
}

std::string multicastLinks(const Step &step, const Machine &machine,
                           const Deployment &) {
  if (step.algorithm != Algorithm::multicast ||
      (step.linkTier < machine.links.size() &&
       machine.links[step.linkTier].multicast))
    return "";
  return "expects links that multicast on tier " +
         std::to_string(step.linkTier);
}

/// No transfer crosses a region faster than all links of its narrowest cut.
std::string cutOfRegion(const Step &step, const Machine &machine,
                        const Deployment &deployment) {
  if (!isBoundary(step))
    return "";
  Region region = regionOf(gridOf(machine.topology), deployment.stagesPerChip);
  double least = step.work.message.bytes / double(region.shortSide);
  if (step.linkTier != 0 || step.load.bottleneckBytes >= least * (1 - 1e-9))
    return "";
  return "expects at least " + std::to_string(int64_t(least)) +
         " bytes on each of the " + std::to_string(region.shortSide) +
         " links of the region's cut, got " +
         std::to_string(int64_t(step.load.bottleneckBytes));
}

constexpr MachineRule kRules[] = {
    {"group_c1", nextRectangle},  {"region_c1", regionOfStage},
    {"memory_c2", fitsUnits},     {"route_c1", fixedRoutes},
    {"route_c2", multicastLinks}, {"cut_c1", cutOfRegion}};

struct VerifyMachine : wafer::impl::WaferVerifyMachineBase<VerifyMachine> {
  using WaferVerifyMachineBase::WaferVerifyMachineBase;
  void runOnOperation() override {
    if (failed(verifyMachine(getOperation(), target, "wafer", kRules)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
