//===- Space.cpp - the plans of a switched rack ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The declared space of the family: values per class, in order. A switch can
// express every group, so degrees are bounded by division and by the model.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Realize/SwitchedFamily.h"
#include "portolan/Target/SpaceRules.h"

using namespace portolan;
using namespace portolan::switched;

bool switched::liesInDomain(int64_t span, const Deployment &deployment,
                            const Machine &machine) {
  int64_t domain = machine.topology.domain;
  if (deployment.chips <= domain)
    return true;
  return domain % deployment.instance == 0 || domain % span == 0;
}

/// A switch connects any ranks.
static bool expressesAny(Group group) { return true; }

/// Inside a domain one_shot, ring and, where switches add, in_network; outside
/// the ring alone, as reads of every peer would all cross the scale-out
/// network.
static void addReductions(const PlanPoint &prefix, const PlanContext &context,
                          PlanValues &values) {
  Group group = widestReduction(prefix, context);
  if (group.size == 1) {
    values.push_back(kNone);
    return;
  }
  bool inside =
      liesInDomain(group.size * group.stride,
                   degreesOf(prefix, context.machine), context.machine);
  if (inside)
    values.push_back(PlanValue(Reduction::oneShot));
  values.push_back(PlanValue(Reduction::ring));
  if (inside && !context.machine.links.empty() &&
      context.machine.links.front().inNetworkReduction)
    values.push_back(PlanValue(Reduction::inNetwork));
}

void SwitchedFamily::values(PlanClass planClass, const PlanPoint &prefix,
                            const PlanContext &context,
                            llvm::SmallVectorImpl<PlanValue> &values) const {
  values.clear();
  switch (planClass) {
  case PlanClass::weightFormat:
    return addWeightFormats(context, values);
  case PlanClass::activationFormat:
    return addActivationFormats(prefix, context, values);
  case PlanClass::kvFormat:
    return addCacheFormats(context, values);
  case PlanClass::instance:
    return addInstances(
        context,
        [&](int64_t chips) { return hostsModel(chips, context, expressesAny); },
        values);
  case PlanClass::pipeline:
    return addPipelines(prefix, context, expressesAny, values);
  case PlanClass::attentionTp:
    return addAttentionTps(prefix, context, expressesAny, values);
  case PlanClass::attentionCp:
    return addAttentionCps(prefix, context, expressesAny, values);
  case PlanClass::expertTp:
    return addExpertTps(prefix, context, expressesAny, values);
  case PlanClass::placementForm:
    return addPlacementForms(prefix, context, values);
  case PlanClass::residency:
    // The nearer level is a hardware cache that holds no expert on command.
    values.push_back(PlanValue(Residency::hbm));
    return;
  case PlanClass::dispatchExchange: {
    addDispatchExchanges(prefix, context, values);
    Deployment degrees = degreesOf(prefix, context.machine);
    // Across domains a row may cross once per domain instead of once per rank.
    if (context.model.experts > 0 &&
        !liesInDomain(degrees.stageSize, degrees, context.machine))
      values.push_back(PlanValue(Exchange::hierarchical));
    return;
  }
  case PlanClass::combineExchange:
    return addCombineExchanges(prefix, values);
  case PlanClass::reduction:
    return addReductions(prefix, context, values);
  case PlanClass::overlap:
    return addOverlaps(prefix, context.machine, values);
  case PlanClass::batchForm:
    return addBatchForms(prefix, values);
  case PlanClass::tile:
    return addTiles(prefix, context, values);
  case PlanClass::replicas:
  case PlanClass::phaseSplit:
  case PlanClass::fusion:
  case PlanClass::speculation:
    values.push_back(kNone);
    return;
  }
}
