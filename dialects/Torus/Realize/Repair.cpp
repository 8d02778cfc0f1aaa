//===- Repair.cpp - foreign values on a torus -----------------------------===//
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

#include "dialects/Torus/Realize/TorusFamily.h"
#include "portolan/Target/SpaceRules.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using namespace portolan::torus;

/// A foreign exchange: what multicasts or gathers becomes an all-gather, what
/// sends row by row an all-to-all. Rows that were equal on all ranks and are
/// not any more are gathered, so that again every rank has them.
static PlanValue repairDispatch(PlanValue value,
                                llvm::ArrayRef<PlanValue> legal) {
  static constexpr PlanValue toGather[] = {PlanValue(Exchange::allGather),
                                           kNone};
  static constexpr PlanValue toExchange[] = {PlanValue(Exchange::allToAll),
                                             kNone};
  bool gathers = value == PlanValue(Exchange::multicast) ||
                 value == PlanValue(Exchange::allGather) ||
                 value == PlanValue(Exchange::reduceScatter) || value == kNone;
  return gathers ? firstLegal<PlanValue>(toGather, legal)
                 : firstLegal<PlanValue>(toExchange, legal);
}

PlanValue TorusFamily::repair(PlanClass planClass, PlanValue value,
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
  case PlanClass::pipeline:
  case PlanClass::attentionTp:
  case PlanClass::attentionCp:
  case PlanClass::expertTp:
  case PlanClass::batchForm:
  case PlanClass::tile:
    return nearestNumber(value, legal);
  case PlanClass::dispatchExchange:
    return repairDispatch(value, legal);
  case PlanClass::residency: {
    // Weights that lived in on-chip memory are brought there one expert ahead.
    static constexpr Residency ladder[] = {Residency::hbmPrefetch};
    return value == PlanValue(Residency::sram)
               ? firstLegal<Residency>(ladder, legal)
               : legal.front();
  }
  case PlanClass::reduction: {
    // Switches that add, trees and one-directional rings: both directions of
    // each axis.
    static constexpr Reduction ladder[] = {Reduction::bidirectionalRing};
    return firstLegal<Reduction>(ladder, legal);
  }
  case PlanClass::overlap: {
    // Asynchronous and dataflow overlap: the two halves of a batch.
    static constexpr Overlap ladder[] = {Overlap::twoBatch};
    return value == kNone ? legal.front() : firstLegal<Overlap>(ladder, legal);
  }
  default:
    // One legal value, or a word that only other families know.
    return legal.front();
  }
}
