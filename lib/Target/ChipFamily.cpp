//===- ChipFamily.cpp - families whose ranks form groups ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values, reasons and ladders that such families share (docs: design section
// 6). Legality is membership in the declared space; a repair is by legality
// only, never by price, and its result is always among the values.
//
//===----------------------------------------------------------------------===//

#include "portolan/Target/ChipFamily.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using llvm::Twine;

namespace {

int64_t instanceOf(const PlanPoint &prefix, const PlanContext &context) {
  return chipsOf(prefix.get(PlanClass::instance), context.machine.topology);
}

/// Bytes of the memory level next to the first one; 0 if there is none.
double nearCapacityBytes(const Machine &machine) {
  return machine.memories.size() > 1
             ? machine.memories[1].capacityBytes.nominal()
             : 0;
}

/// Bytes of one expert of the plan on a rank; 0 without experts.
double plannedExpertBytes(const PlanPoint &prefix, const PlanContext &context) {
  if (context.model.experts == 0 ||
      prefix.get(PlanClass::weightFormat) == kNone)
    return 0;
  return expertBytes(context.model,
                     prefix.formats(PlanClass::weightFormat).storage) /
         double(prefix.number(PlanClass::expertTp));
}

void addResidencies(bool placesNearMemory, const PlanPoint &prefix,
                    const PlanContext &context, PlanValues &values) {
  values.push_back(PlanValue(Residency::hbm));
  double bytes = plannedExpertBytes(prefix, context);
  if (placesNearMemory && bytes > 0 &&
      bytes <= nearCapacityBytes(context.machine))
    values.push_back(PlanValue(Residency::hbmPrefetch));
}

/// A foreign exchange: what multicasts or gathers stands for an all-gather,
/// what sends row by row for an all-to-all. Rows that were equal on all ranks
/// and are not any more are gathered, so that again every rank has them.
PlanValue repairDispatch(PlanValue value, llvm::ArrayRef<Exchange> sent,
                         llvm::ArrayRef<Exchange> gathered,
                         llvm::ArrayRef<PlanValue> legal) {
  bool gathers = value == PlanValue(Exchange::multicast) ||
                 value == PlanValue(Exchange::allGather) ||
                 value == PlanValue(Exchange::reduceScatter) || value == kNone;
  for (Exchange exchange : gathers ? gathered : sent)
    if (llvm::is_contained(legal, PlanValue(exchange)))
      return PlanValue(exchange);
  return llvm::is_contained(legal, kNone) ? kNone : legal.front();
}

} // namespace

void ChipFamily::values(PlanClass planClass, const PlanPoint &prefix,
                        const PlanContext &context,
                        llvm::SmallVectorImpl<PlanValue> &values) const {
  values.clear();
  const Machine &machine = context.machine;
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
        [&](int64_t chips) {
          return hostsModel(chips, context, groupsOf(chips, machine));
        },
        values);
  case PlanClass::pipeline:
    return addPipelines(prefix, context,
                        groupsOf(instanceOf(prefix, context), machine), values);
  case PlanClass::attentionTp:
    return addAttentionTps(prefix, context,
                           groupsOf(instanceOf(prefix, context), machine),
                           values);
  case PlanClass::attentionCp:
    return addAttentionCps(prefix, context,
                           groupsOf(instanceOf(prefix, context), machine),
                           values);
  case PlanClass::expertTp:
    return addExpertTps(prefix, context,
                        groupsOf(instanceOf(prefix, context), machine), values);
  case PlanClass::placementForm:
    return addPlacementForms(prefix, context, values);
  case PlanClass::residency:
    return addResidencies(placesNearMemory(), prefix, context, values);
  case PlanClass::dispatchExchange:
    addDispatchExchanges(prefix, context, values);
    return addExchanges(prefix, context, values);
  case PlanClass::combineExchange:
    return addCombineExchanges(prefix, values);
  case PlanClass::reduction: {
    Group group = widestReduction(prefix, context);
    if (group.size == 1)
      values.push_back(kNone);
    else
      addReductions(group, prefix, context, values);
    return;
  }
  case PlanClass::overlap:
    return addOverlaps(prefix, machine, values);
  case PlanClass::batchForm:
    return addBatchForms(prefix, values);
  case PlanClass::fusion:
    return addFusions(launchesKernels(), values);
  case PlanClass::tile:
    return addTiles(prefix, context, values);
  case PlanClass::replicas:
    return addReplicas(prefix, context, values);
  case PlanClass::phaseSplit:
    return addPhaseSplits(prefix, context, values);
  case PlanClass::speculation:
    return addSpeculations(context, values);
  }
}

Refusal ChipFamily::refuseGroup(PlanClass planClass, PlanValue value,
                                const PlanPoint &prefix,
                                const PlanContext &context) const {
  return refusePlacement(planClass, value, prefix, context);
}

Refusal ChipFamily::refuseExchange(PlanClass planClass, PlanValue value,
                                   const PlanPoint &prefix,
                                   const PlanContext &context) const {
  Deployment degrees = degreesOf(prefix, context.machine);
  llvm::StringRef op =
      spell(planClass == PlanClass::dispatchExchange ? OpKind::dispatch
                                                     : OpKind::combine);
  if (context.model.experts == 0 || degrees.stageSize == 1)
    return refuseUnused(planClass, value, prefix, context);
  if (planClass == PlanClass::combineExchange)
    return refuseUnavailable(
        planClass, value,
        "rows return the way they came: the combine is the inverse of the "
        "dispatch",
        op);
  if (value == kNone)
    return refuseUnavailable(planClass, value,
                             Twine("rows differ between the ") +
                                 Twine(degrees.dp) +
                                 " data-parallel ranks and must be exchanged",
                             op);
  if (value == PlanValue(Exchange::allGather))
    return refuseUnavailable(planClass, value,
                             "every rank already has all rows", op);
  return refuseUnavailable(planClass, value,
                           whyNoExchange(Exchange(value), prefix, context), op);
}

Refusal ChipFamily::refuseResidency(PlanValue value, const PlanPoint &prefix,
                                    const PlanContext &context) const {
  const Machine &machine = context.machine;
  llvm::StringRef op = feedForwardOp(context.model);
  if (!placesNearMemory())
    return refuseUnavailable(
        PlanClass::residency, value,
        "weights stay in the first memory level; what is nearer is a hardware "
        "cache",
        op);
  double bytes = plannedExpertBytes(prefix, context);
  if (value != PlanValue(Residency::hbmPrefetch) || bytes == 0)
    return refuseUnavailable(PlanClass::residency, value,
                             "weights stay in the first memory level", op);
  return refuse("capacity_exceeded",
                "the memory level next to the engines holds no whole expert",
                machine.memories.size() > 1
                    ? llvm::StringRef(machine.memories[1].name)
                    : llvm::StringRef("nearer memory"),
                bytes, nearCapacityBytes(machine), "bytes", op);
}

std::optional<Refusal> ChipFamily::legalize(PlanClass planClass,
                                            PlanValue value,
                                            const PlanPoint &prefix,
                                            const PlanContext &context) const {
  llvm::SmallVector<PlanValue, 32> legal;
  values(planClass, prefix, context, legal);
  if (llvm::is_contained(legal, value))
    return std::nullopt;
  bool unused = legal.size() == 1 && legal.front() == kNone;
  switch (planClass) {
  case PlanClass::weightFormat:
  case PlanClass::activationFormat:
  case PlanClass::kvFormat:
    if (unused)
      break;
    return refuseFormat(planClass, value, prefix, context);
  case PlanClass::instance:
  case PlanClass::pipeline:
  case PlanClass::attentionTp:
  case PlanClass::attentionCp:
  case PlanClass::expertTp:
    if (unused)
      break;
    if (std::optional<Refusal> refusal =
            refuseDegree(planClass, value, prefix, context))
      return refusal;
    return refuseGroup(planClass, value, prefix, context);
  case PlanClass::batchForm:
    if (unused)
      break;
    return refuseDegree(planClass, value, prefix, context);
  case PlanClass::dispatchExchange:
  case PlanClass::combineExchange:
    return refuseExchange(planClass, value, prefix, context);
  case PlanClass::reduction: {
    Group group = widestReduction(prefix, context);
    if (group.size == 1)
      break;
    if (value == kNone)
      return refuseUnavailable(planClass, value,
                               Twine("partial sums of ") + Twine(group.size) +
                                   " ranks must be added",
                               spell(OpKind::allReduce));
    return refuseReduction(Reduction(value), group, prefix, context);
  }
  case PlanClass::replicas:
    if (unused)
      break;
    return refuseReplicas(value, prefix, context);
  case PlanClass::residency:
    return refuseResidency(value, prefix, context);
  case PlanClass::fusion:
    return refuseUnavailable(planClass, value,
                             "a step is one compiled program, so that no "
                             "kernel between two transfers is launched",
                             feedForwardOp(context.model));
  case PlanClass::tile:
    if (unused)
      break;
    return refuseTile(value, prefix, context);
  default:
    break;
  }
  return refuseUnused(planClass, value, prefix, context);
}

PlanValue ChipFamily::repair(PlanClass planClass, PlanValue value,
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
  case PlanClass::phaseSplit:
    return repairPhaseSplit(value, legal);
  case PlanClass::dispatchExchange:
    return repairDispatch(value, ladders(prefix, context).sent,
                          ladders(prefix, context).gathered, legal);
  case PlanClass::residency: {
    // Weights that lived in on-chip memory are brought there one expert ahead.
    static constexpr Residency ladder[] = {Residency::hbmPrefetch};
    return value == PlanValue(Residency::sram)
               ? firstLegal<Residency>(ladder, legal)
               : legal.front();
  }
  case PlanClass::replicas:
    return halvedReplicas(value, legal);
  case PlanClass::reduction:
    return firstLegal<Reduction>(ladders(prefix, context).reductions, legal);
  case PlanClass::overlap:
    return value == kNone
               ? legal.front()
               : firstLegal<Overlap>(ladders(prefix, context).overlaps, legal);
  case PlanClass::fusion: {
    // Kernels that cannot be one launch keep what they join.
    static constexpr Fusion ladder[] = {Fusion::elementwise};
    return firstLegal<Fusion>(ladder, legal);
  }
  default:
    // One legal value, or a word that only other families know.
    return legal.front();
  }
}
