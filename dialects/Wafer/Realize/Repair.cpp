//===- Repair.cpp - foreign values on wafers ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The family's ladders (docs: design section 6). By legality only, never by
// price; the result is always among values().
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/WaferFamily.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using namespace portolan::wafer;

PlanValue WaferFamily::repair(PlanClass planClass, PlanValue value,
                              const PlanPoint &prefix,
                              const PlanContext &context) const {
  llvm::SmallVector<PlanValue, 32> legal;
  values(planClass, prefix, context, legal);
  if (llvm::is_contained(legal, value))
    return value;
  switch (planClass) {
  case PlanClass::weightFormat:
  case PlanClass::activationFormat:
  case PlanClass::kvFormat:
    return repairFormat(value, legal);
  case PlanClass::instance:
    return nearestInstance(value, legal, context.machine.topology);
  case PlanClass::phaseSplit:
    return repairPhaseSplit(value, legal);
  case PlanClass::pipeline:
    // The first value is the fewest stages that wafers allow.
    return nearestNumber(value, legal);
  default:
    // Micro-batches are no attention tiles: 1 comes first. Heads, experts and
    // what is exchanged have one legal form.
    return legal.front();
  }
}
