//===- Space.cpp - the plans of wafers ------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The declared space of the family: values per class, in order. An instance is
// whole wafers; a stage is a wafer or a region of one; nothing inside a stage
// is spread over ranks.
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/WaferFamily.h"

using namespace portolan;
using namespace portolan::wafer;

/// Stages are single wafers or regions, so that a group has one rank.
static bool isOneWafer(Group group) { return group.size == 1; }

/// Whole wafers, each with at least one layer.
static bool hostsLayers(int64_t wafers, const PlanContext &context) {
  return wafers <= int64_t(context.model.sequence.size());
}

/// One stage per wafer, then twice as many while each still has a layer, then a
/// region per layer.
static void addStages(const PlanPoint &prefix, const PlanContext &context,
                      PlanValues &values) {
  int64_t layers = context.model.sequence.size();
  int64_t wafers =
      chipsOf(prefix.get(PlanClass::instance), context.machine.topology);
  for (int64_t stages = wafers; stages < layers; stages *= 2)
    values.push_back(PlanValue(stages));
  values.push_back(PlanValue(std::max(layers, wafers)));
}

void WaferFamily::values(PlanClass planClass, const PlanPoint &prefix,
                         const PlanContext &context,
                         llvm::SmallVectorImpl<PlanValue> &values) const {
  values.clear();
  bool hasExperts = context.model.experts > 0;
  switch (planClass) {
  case PlanClass::weightFormat:
    return addWeightFormats(context, values);
  case PlanClass::activationFormat:
    return addActivationFormats(prefix, context, values);
  case PlanClass::kvFormat:
    return addCacheFormats(context, values);
  case PlanClass::instance:
    return addInstances(
        context, [&](int64_t wafers) { return hostsLayers(wafers, context); },
        values);
  case PlanClass::pipeline:
    return addStages(prefix, context, values);
  case PlanClass::attentionTp:
    return addAttentionTps(prefix, context, isOneWafer, values);
  case PlanClass::attentionCp:
    return addAttentionCps(prefix, context, isOneWafer, values);
  case PlanClass::expertTp:
    return addExpertTps(prefix, context, isOneWafer, values);
  case PlanClass::placementForm:
    values.push_back(hasExperts ? PlanValue(PlacementForm::spatial) : kNone);
    return;
  case PlanClass::residency:
    values.push_back(PlanValue(Residency::sram));
    return;
  case PlanClass::dispatchExchange:
    values.push_back(hasExperts ? PlanValue(Exchange::multicast) : kNone);
    return;
  case PlanClass::combineExchange:
    return addCombineExchanges(prefix, values);
  case PlanClass::reduction:
    values.push_back(PlanValue(Reduction::kTree));
    return;
  case PlanClass::overlap:
    values.push_back(PlanValue(Overlap::dataflow));
    return;
  case PlanClass::batchForm:
    if (context.model.heads == 0) {
      values.push_back(kNone);
      return;
    }
    for (PlanValue tiles : {1, 2, 4, 8})
      values.push_back(tiles);
    return;
  case PlanClass::phaseSplit:
    return addPhaseSplits(prefix, context, values);
  case PlanClass::speculation:
    return addSpeculations(context, values);
  case PlanClass::replicas:
  case PlanClass::fusion:
  case PlanClass::tile:
    values.push_back(kNone);
    return;
  }
}
