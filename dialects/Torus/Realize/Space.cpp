//===- Space.cpp - the plans of a torus -----------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The declared space of the family: values per class, in order. An instance is
// a sub-slice, and every group is a run of whole axes of it: stages outermost,
// tensor parallelism innermost.
//
//===----------------------------------------------------------------------===//

#include "dialects/Torus/Realize/TorusFamily.h"
#include "portolan/Target/SpaceRules.h"

using namespace portolan;
using namespace portolan::torus;

std::optional<Topology> torus::sliceOf(const Topology &topology,
                                       int64_t chips) {
  if (chips == topology.chips())
    return topology;
  return subSlice(topology, chips);
}

std::optional<unsigned> torus::openAxis(const TorusGroup &group) {
  for (unsigned axis = 0; axis < group.sizes.size(); ++axis)
    if (group.sizes[axis] > 2 && !group.wraps[axis])
      return axis;
  return std::nullopt;
}

double torus::nearCapacityBytes(const Machine &machine) {
  return machine.memories.size() > 1
             ? machine.memories[1].capacityBytes.nominal()
             : 0;
}

namespace {

/// Groups of the slice that a plan prefix has chosen.
class SliceGroups {
public:
  SliceGroups(const PlanPoint &prefix, const Machine &machine)
      : slice(sliceOf(machine.topology, chipsOf(prefix.get(PlanClass::instance),
                                                machine.topology))) {}

  bool operator()(Group group) const {
    return slice && torusGroup(*slice, group).has_value();
  }

private:
  std::optional<Topology> slice;
};

bool hostsInstance(int64_t chips, const PlanContext &context) {
  std::optional<Topology> slice = sliceOf(context.machine.topology, chips);
  return slice && hostsModel(chips, context, [&](Group group) {
           return torusGroup(*slice, group).has_value();
         });
}

/// Both directions of each axis at once, then one direction where every axis
/// closes into a ring.
void addReductions(const PlanPoint &prefix, const PlanContext &context,
                   PlanValues &values) {
  Group group = widestReduction(prefix, context);
  if (group.size == 1) {
    values.push_back(kNone);
    return;
  }
  values.push_back(PlanValue(Reduction::bidirectionalRing));
  std::optional<Topology> slice =
      sliceOf(context.machine.topology, chipsOf(prefix.get(PlanClass::instance),
                                                context.machine.topology));
  std::optional<TorusGroup> axes =
      slice ? torusGroup(*slice, group) : std::nullopt;
  if (axes && !openAxis(*axes))
    values.push_back(PlanValue(Reduction::ring));
}

/// An expert of the plan's format, split over expert_tp, must fit the nearer
/// level to be there before its rows are.
void addResidencies(const PlanPoint &prefix, const PlanContext &context,
                    PlanValues &values) {
  values.push_back(PlanValue(Residency::hbm));
  if (context.model.experts == 0 ||
      prefix.get(PlanClass::weightFormat) == kNone)
    return;
  double bytes = expertBytes(context.model,
                             prefix.formats(PlanClass::weightFormat).storage) /
                 double(prefix.number(PlanClass::expertTp));
  if (bytes <= nearCapacityBytes(context.machine))
    values.push_back(PlanValue(Residency::hbmPrefetch));
}

} // namespace

void TorusFamily::values(PlanClass planClass, const PlanPoint &prefix,
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
        context, [&](int64_t chips) { return hostsInstance(chips, context); },
        values);
  case PlanClass::pipeline:
    return addPipelines(prefix, context, SliceGroups(prefix, context.machine),
                        values);
  case PlanClass::attentionTp:
    return addAttentionTps(prefix, context,
                           SliceGroups(prefix, context.machine), values);
  case PlanClass::attentionCp:
    return addAttentionCps(prefix, context,
                           SliceGroups(prefix, context.machine), values);
  case PlanClass::expertTp:
    return addExpertTps(prefix, context, SliceGroups(prefix, context.machine),
                        values);
  case PlanClass::placementForm:
    return addPlacementForms(prefix, context, values);
  case PlanClass::residency:
    return addResidencies(prefix, context, values);
  case PlanClass::dispatchExchange:
    return addDispatchExchanges(prefix, context, values);
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
