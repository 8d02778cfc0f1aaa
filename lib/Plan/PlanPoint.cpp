//===- PlanPoint.cpp - spelling of plans and their deployment -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Plan/PlanPoint.h"
#include "portolan/Machine/Machine.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"

using namespace portolan;
using llvm::ArrayRef;
using llvm::StringLiteral;
using llvm::StringRef;

namespace {

struct ClassInfo {
  StringLiteral name;
  PlanValueKind kind;
  ArrayRef<StringLiteral> words;
};

constexpr StringLiteral kPlacementWords[] = {"distributed", "spatial"};
constexpr StringLiteral kResidencyWords[] = {"hbm", "hbm_prefetch", "sram",
                                             "host"};
constexpr StringLiteral kExchangeWords[] = {
    "all_to_all", "all_gather", "reduce_scatter", "hierarchical", "multicast"};
constexpr StringLiteral kReductionWords[] = {
    "one_shot", "ring", "in_network",         "bidirectional_ring",
    "k_tree",   "mesh", "recursive_doubling", "kanga_ring"};
constexpr StringLiteral kOverlapWords[] = {"two_batch", "async", "dataflow"};
constexpr StringLiteral kFusionWords[] = {"elementwise", "block"};

const ClassInfo &infoOf(PlanClass planClass) {
  static const ClassInfo table[kNumPlanClasses] = {
      {"weight_format", PlanValueKind::format, {}},
      {"activation_format", PlanValueKind::format, {}},
      {"kv_format", PlanValueKind::format, {}},
      {"instance", PlanValueKind::number, {}},
      {"pipeline", PlanValueKind::number, {}},
      {"attention_tp", PlanValueKind::number, {}},
      {"attention_cp", PlanValueKind::number, {}},
      {"expert_tp", PlanValueKind::number, {}},
      {"placement_form", PlanValueKind::word, kPlacementWords},
      {"replicas", PlanValueKind::number, {}},
      {"residency", PlanValueKind::word, kResidencyWords},
      {"dispatch_exchange", PlanValueKind::word, kExchangeWords},
      {"combine_exchange", PlanValueKind::word, kExchangeWords},
      {"reduction", PlanValueKind::word, kReductionWords},
      {"overlap", PlanValueKind::word, kOverlapWords},
      {"batch_form", PlanValueKind::number, {}},
      {"phase_split", PlanValueKind::number, {}},
      {"fusion", PlanValueKind::word, kFusionWords},
      {"tile", PlanValueKind::number, {}},
      {"speculation", PlanValueKind::number, {}},
  };
  return table[unsigned(planClass)];
}

llvm::Error badValue(PlanClass planClass, StringRef expected, StringRef text) {
  return llvm::createStringError(spell(planClass) + ": expects " + expected +
                                 ", got '" + text + "'");
}

llvm::Error refuseDivisor(StringRef what, int64_t divisor, int64_t whole) {
  return llvm::createStringError(what + ": expects a divisor of " +
                                 llvm::Twine(whole) + ", got " +
                                 llvm::Twine(divisor));
}

} // namespace

StringRef portolan::spell(PlanClass planClass) {
  return infoOf(planClass).name;
}

std::optional<PlanClass> portolan::parsePlanClass(StringRef name) {
  for (PlanClass planClass : allPlanClasses())
    if (spell(planClass) == name)
      return planClass;
  return std::nullopt;
}

PlanValueKind portolan::valueKindOf(PlanClass planClass) {
  return infoOf(planClass).kind;
}

std::string portolan::spell(PlanClass planClass, PlanValue value) {
  if (value == kNone)
    return "none";
  const ClassInfo &info = infoOf(planClass);
  switch (info.kind) {
  case PlanValueKind::format: {
    FormatPair pair = decodeFormats(value);
    return (spell(pair.storage) + "/" + spell(pair.compute)).str();
  }
  case PlanValueKind::number:
    if (planClass == PlanClass::instance && value == kInstanceAll)
      return "all";
    if (planClass == PlanClass::instance && value == kInstanceDomain)
      return "domain";
    return std::to_string(value);
  case PlanValueKind::word:
    return info.words[value].str();
  }
  return "";
}

llvm::Expected<PlanValue> portolan::parsePlanValue(PlanClass planClass,
                                                   StringRef text) {
  if (text == "none")
    return kNone;
  const ClassInfo &info = infoOf(planClass);
  switch (info.kind) {
  case PlanValueKind::format: {
    auto [storageName, computeName] = text.split('/');
    std::optional<Format> storage = parseFormat(storageName);
    std::optional<Format> compute = parseFormat(computeName);
    if (!storage || !compute)
      return badValue(planClass, "STORAGE/COMPUTE or none", text);
    return encodeFormats({*storage, *compute});
  }
  case PlanValueKind::number: {
    if (planClass == PlanClass::instance && text == "all")
      return kInstanceAll;
    if (planClass == PlanClass::instance && text == "domain")
      return kInstanceDomain;
    PlanValue number;
    // Degrees and counts start at 1; only a replica count may be 0.
    PlanValue least = planClass == PlanClass::replicas ? 0 : 1;
    if (text.getAsInteger(10, number) || number < least)
      return badValue(planClass,
                      planClass == PlanClass::instance
                          ? "all, domain or a number >= 1"
                          : "none or a number",
                      text);
    return number;
  }
  case PlanValueKind::word:
    for (auto [index, word] : llvm::enumerate(info.words))
      if (word == text)
        return PlanValue(index);
    if (info.words.empty())
      return badValue(planClass, "none", text);
    return badValue(planClass, "none, " + llvm::join(info.words, ", "), text);
  }
  return badValue(planClass, "a value", text);
}

llvm::Expected<Deployment>
portolan::deploymentOf(const PlanPoint &plan, int64_t chips, int64_t domain) {
  Topology topology;
  topology.axes = {chips};
  topology.domain = domain;
  return deploymentOf(plan, topology);
}

/// Stages of an instance: a whole number of chips each or, on a wafer mesh,
/// regions of a chip.
static llvm::Error placeStages(const PlanPoint &plan, const Topology &topology,
                               Deployment &result) {
  result.stagesAreRegions = topology.kind == TopologyKind::waferMesh;
  result.stages = plan.number(PlanClass::pipeline);
  if (result.stagesAreRegions && result.stages > result.instance) {
    result.stagesPerChip =
        (result.stages + result.instance - 1) / result.instance;
  } else {
    if (result.instance % result.stages)
      return refuseDivisor("pipeline", result.stages, result.instance);
    result.stageSize = result.instance / result.stages;
  }
  result.setBatchForm(plan.number(PlanClass::batchForm));
  return llvm::Error::success();
}

llvm::Expected<Deployment> portolan::deploymentOf(const PlanPoint &plan,
                                                  const Topology &topology) {
  Deployment result;
  int64_t chips = result.chips = topology.chips();
  PlanValue instance = plan.get(PlanClass::instance);
  result.instance = instance == kInstanceAll ? chips
                    : instance == kInstanceDomain
                        ? std::min(topology.domain, chips)
                    : instance == kNone ? 1
                                        : instance;
  if (result.instance > chips)
    return llvm::createStringError("instance: expects at most " +
                                   llvm::Twine(chips) + " chips, got " +
                                   llvm::Twine(result.instance));
  result.copies = chips / result.instance;
  if (llvm::Error error = placeStages(plan, topology, result))
    return std::move(error);
  result.tp = plan.number(PlanClass::attentionTp);
  result.cp = plan.number(PlanClass::attentionCp);
  if (result.stageSize % (result.tp * result.cp))
    return refuseDivisor("attention_tp * attention_cp", result.tp * result.cp,
                         result.stageSize);
  result.dp = result.stageSize / (result.tp * result.cp);
  result.expertTp = plan.number(PlanClass::expertTp);
  if (result.stageSize % result.expertTp)
    return refuseDivisor("expert_tp", result.expertTp, result.stageSize);
  result.ep = result.stageSize / result.expertTp;
  int64_t domain = topology.domain;
  if (topology.kind == TopologyKind::fullSwitch && result.stageSize > domain &&
      result.stageSize % domain == 0 && domain % result.expertTp == 0)
    result.stageDomain = domain;
  return result;
}
