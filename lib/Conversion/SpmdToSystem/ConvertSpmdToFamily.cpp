//===- ConvertSpmdToFamily.cpp - one pass per hardware dialect ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/Switched.h"
#include "dialects/Torus/IR/Torus.h"
#include "dialects/Trainium/IR/Trainium.h"
#include "dialects/Wafer/IR/Wafer.h"
#include "portolan/Conversion/SpmdToSystem.h"

namespace portolan {
#define GEN_PASS_DEF_CONVERTSPMDTOSWITCHED
#define GEN_PASS_DEF_CONVERTSPMDTOTORUS
#define GEN_PASS_DEF_CONVERTSPMDTOTRAINIUM
#define GEN_PASS_DEF_CONVERTSPMDTOWAFER
#include "lib/Conversion/SpmdToSystem/SpmdToSystemPasses.h.inc"
} // namespace portolan

using namespace mlir;
using namespace portolan;

namespace {

/// Loads the machine, checks that it is of the pass's family, and lowers.
LogicalResult lower(ModuleOp module, StringRef target, StringRef family) {
  if (target.empty())
    return module.emitError("expects the option target=MACHINE");
  llvm::Expected<Machine> machine = loadMachine(target);
  if (!machine)
    return module.emitError(llvm::toString(machine.takeError()));
  if (machine->family != family)
    return module.emitError("expects a machine of the family ")
           << family << ", got '" << target << "' of " << machine->family;
  llvm::Expected<const Family *> known = familyOf(*machine);
  if (!known)
    return module.emitError(llvm::toString(known.takeError()));
  llvm::Expected<PlanPoint> plan = planOf(module);
  if (!plan)
    return module.emitError(llvm::toString(plan.takeError()));
  return convertSpmdToSystem(module, **known, *machine, *plan);
}

struct ConvertSpmdToSwitched
    : portolan::impl::ConvertSpmdToSwitchedBase<ConvertSpmdToSwitched> {
  using ConvertSpmdToSwitchedBase::ConvertSpmdToSwitchedBase;
  void runOnOperation() override {
    if (failed(lower(getOperation(), target, "switched")))
      signalPassFailure();
  }
};

struct ConvertSpmdToTorus
    : portolan::impl::ConvertSpmdToTorusBase<ConvertSpmdToTorus> {
  using ConvertSpmdToTorusBase::ConvertSpmdToTorusBase;
  void runOnOperation() override {
    if (failed(lower(getOperation(), target, "torus")))
      signalPassFailure();
  }
};

struct ConvertSpmdToTrainium
    : portolan::impl::ConvertSpmdToTrainiumBase<ConvertSpmdToTrainium> {
  using ConvertSpmdToTrainiumBase::ConvertSpmdToTrainiumBase;
  void runOnOperation() override {
    if (failed(lower(getOperation(), target, "trainium")))
      signalPassFailure();
  }
};

struct ConvertSpmdToWafer
    : portolan::impl::ConvertSpmdToWaferBase<ConvertSpmdToWafer> {
  using ConvertSpmdToWaferBase::ConvertSpmdToWaferBase;
  void runOnOperation() override {
    if (failed(lower(getOperation(), target, "wafer")))
      signalPassFailure();
  }
};

} // namespace
