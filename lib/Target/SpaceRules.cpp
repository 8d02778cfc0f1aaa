//===- SpaceRules.cpp - degrees, words and nearest values -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values and repair of every class but the formats: divisors of what the
// earlier classes leave, limits of the model, and the words whose legality does
// not depend on the topology.
//
//===----------------------------------------------------------------------===//

#include "portolan/Target/SpaceRules.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace portolan;
using llvm::ArrayRef;

int64_t portolan::chipsOf(PlanValue instance, const Topology &topology) {
  int64_t chips = topology.chips();
  switch (instance) {
  case kInstanceAll:
    return chips;
  case kInstanceDomain:
    return std::min(topology.domain, chips);
  case kNone:
    return 1;
  default:
    return instance;
  }
}

Deployment portolan::degreesOf(const PlanPoint &prefix,
                               const Machine &machine) {
  return llvm::cantFail(deploymentOf(prefix, machine.topology));
}

Group portolan::groupOf(PlanClass planClass, PlanValue value,
                        const Deployment &degrees) {
  switch (planClass) {
  case PlanClass::pipeline:
    return {degrees.instance / value, 1};
  case PlanClass::attentionCp:
    return {value, degrees.tp};
  default:
    return {value, 1};
  }
}

int64_t portolan::expertWidth(const ModelShape &model) {
  int64_t width = 0;
  for (const LayerShape &layer : model.layers)
    for (const ModelOp &op : layer.ops)
      if (op.local.kind == OpKind::experts)
        width = width ? std::min(width, op.local.outer) : op.local.outer;
  return width;
}

double portolan::expertBytes(const ModelShape &model, Format format) {
  double elements = 0;
  for (const LayerShape &layer : model.layers)
    for (const ModelOp &op : layer.ops)
      if (op.local.kind == OpKind::experts)
        elements = std::max(elements, (op.local.gated ? 3.0 : 2.0) *
                                          double(op.local.inner) *
                                          double(op.local.outer));
  return elements * bytesPerElement(format);
}

llvm::StringRef portolan::feedForwardOp(const ModelShape &model) {
  return spell(model.experts > 0 ? OpKind::experts : OpKind::linear);
}

llvm::StringRef portolan::attentionOp(const ModelShape &model) {
  return spell(model.latentAttention   ? OpKind::latentAttention
               : model.pooledAttention ? OpKind::pooledAttention
                                       : OpKind::attention);
}

//===----------------------------------------------------------------------===//
// Degrees
//===----------------------------------------------------------------------===//

namespace {

/// Calls `visit` with the divisors of `number`, ascending, until it returns
/// true; true if it did.
bool anyDivisor(int64_t number, llvm::function_ref<bool(int64_t)> visit) {
  for (int64_t low = 1; low * low <= number; ++low)
    if (number % low == 0 && visit(low))
      return true;
  int64_t root = 1;
  while ((root + 1) * (root + 1) <= number)
    ++root;
  for (int64_t low = root; low >= 1; --low)
    if (number % low == 0 && number / low != low && number / low > root &&
        visit(number / low))
      return true;
  return false;
}

/// expert_tp may split an expert at most once per column of its width, and
/// every group of ranks must hold an expert.
bool splitsExperts(int64_t expertTp, int64_t stageSize,
                   const ModelShape &model) {
  return expertTp <= expertWidth(model) &&
         stageSize / expertTp <= model.experts;
}

bool hostsExperts(int64_t stageSize, const ModelShape &model,
                  ExpressesGroup expresses) {
  if (model.experts == 0)
    return true;
  return anyDivisor(stageSize, [&](int64_t expertTp) {
    return splitsExperts(expertTp, stageSize, model) &&
           expresses({expertTp, 1});
  });
}

bool isPipeline(int64_t stages, int64_t instance, const PlanContext &context,
                ExpressesGroup expresses) {
  int64_t stageSize = instance / stages;
  return stages <= int64_t(context.model.sequence.size()) &&
         expresses({stageSize, 1}) &&
         hostsExperts(stageSize, context.model, expresses);
}

} // namespace

bool portolan::hostsModel(int64_t instance, const PlanContext &context,
                          ExpressesGroup expresses) {
  return anyDivisor(instance, [&](int64_t stages) {
    return isPipeline(stages, instance, context, expresses);
  });
}

void portolan::addInstances(const PlanContext &context,
                            llvm::function_ref<bool(int64_t chips)> hosts,
                            PlanValues &values) {
  const Topology &topology = context.machine.topology;
  int64_t chips = topology.chips(), domain = topology.domain;
  if (hosts(chips))
    values.push_back(kInstanceAll);
  bool hasDomain = domain < chips && chips % domain == 0;
  if (hasDomain && hosts(domain))
    values.push_back(kInstanceDomain);
  size_t first = values.size();
  anyDivisor(chips, [&](int64_t size) {
    if (size != chips && !(hasDomain && size == domain) && hosts(size))
      values.push_back(PlanValue(size));
    return false;
  });
  std::reverse(values.begin() + first, values.end());
}

void portolan::addPipelines(const PlanPoint &prefix, const PlanContext &context,
                            ExpressesGroup expresses, PlanValues &values) {
  int64_t instance = degreesOf(prefix, context.machine).instance;
  anyDivisor(instance, [&](int64_t stages) {
    if (isPipeline(stages, instance, context, expresses))
      values.push_back(PlanValue(stages));
    return false;
  });
}

/// Whether `tp` ranks share `heads` that `groups` keys serve.
static bool sharesGroups(int64_t tp, int64_t heads, int64_t groups) {
  return heads % tp == 0 && (groups % tp == 0 || tp % groups == 0);
}

static bool splitsHeads(int64_t tp, const ModelOp &op) {
  const LocalOp &local = op.local;
  switch (local.kind) {
  case OpKind::latentAttention:
  case OpKind::pooledAttention:
    return tp <= local.heads;
  case OpKind::attention:
    return tp <= local.heads && (local.heads == local.kvHeads ||
                                 sharesGroups(tp, local.heads, local.kvHeads));
  case OpKind::recurrence:
    return sharesGroups(tp, local.heads, local.kvHeads);
  default:
    return !op.spansHeads || op.units % tp == 0;
  }
}

const ModelOp *portolan::unsplitOp(int64_t tp, const ModelShape &model) {
  if (tp == 1)
    return nullptr;
  for (const LayerShape &layer : model.layers)
    for (const ModelOp &op : layer.ops)
      if (!::splitsHeads(tp, op))
        return &op;
  return nullptr;
}

bool portolan::splitsHeads(int64_t tp, const ModelShape &model) {
  return tp <= std::max<int64_t>(model.heads, 1) && !unsplitOp(tp, model);
}

bool portolan::hasRecurrence(const ModelShape &model) {
  return llvm::any_of(model.layers, [](const LayerShape &layer) {
    return layer.find(OpKind::recurrence) != nullptr;
  });
}

/// An attention whose keys an index chooses from the whole context.
static bool choosesKeys(const ModelOp &op) {
  return op.local.kind == OpKind::attention && op.local.topK > 0;
}

bool portolan::spreadsContext(const ModelShape &model) {
  for (const LayerShape &layer : model.layers)
    for (const ModelOp &op : layer.ops)
      if (op.wholeContext || op.local.kind == OpKind::recurrence ||
          choosesKeys(op))
        return false;
  return true;
}

void portolan::addAttentionTps(const PlanPoint &prefix,
                               const PlanContext &context,
                               ExpressesGroup expresses, PlanValues &values) {
  Deployment degrees = degreesOf(prefix, context.machine);
  anyDivisor(degrees.stageSize, [&](int64_t tp) {
    if (splitsHeads(tp, context.model) && expresses({tp, 1}))
      values.push_back(PlanValue(tp));
    return false;
  });
}

void portolan::addAttentionCps(const PlanPoint &prefix,
                               const PlanContext &context,
                               ExpressesGroup expresses, PlanValues &values) {
  if (context.workload.phase != Phase::decode || context.model.heads == 0) {
    values.push_back(kNone);
    return;
  }
  Deployment degrees = degreesOf(prefix, context.machine);
  anyDivisor(degrees.stageSize / degrees.tp, [&](int64_t cp) {
    if (cp <= std::max<int64_t>(context.workload.meanContextTokens(), 1) &&
        (cp == 1 || spreadsContext(context.model)) &&
        expresses({cp, degrees.tp}))
      values.push_back(PlanValue(cp));
    return false;
  });
}

void portolan::addExpertTps(const PlanPoint &prefix, const PlanContext &context,
                            ExpressesGroup expresses, PlanValues &values) {
  if (context.model.experts == 0) {
    values.push_back(kNone);
    return;
  }
  int64_t stageSize = degreesOf(prefix, context.machine).stageSize;
  anyDivisor(stageSize, [&](int64_t expertTp) {
    if (splitsExperts(expertTp, stageSize, context.model) &&
        expresses({expertTp, 1}))
      values.push_back(PlanValue(expertTp));
    return false;
  });
}

//===----------------------------------------------------------------------===//
// Words and counts
//===----------------------------------------------------------------------===//

/// Copies that lower the fullest rank by less, in parts of the mean, are not
/// worth their memory to anyone.
static constexpr double kLeastRelief = 0.01;

void portolan::addPlacementForms(const PlanPoint &prefix,
                                 const PlanContext &context,
                                 PlanValues &values) {
  bool spread =
      context.model.experts > 0 && degreesOf(prefix, context.machine).ep > 1;
  values.push_back(spread ? PlanValue(PlacementForm::distributed) : kNone);
}

void portolan::addReplicas(const PlanPoint &prefix, const PlanContext &context,
                           PlanValues &values) {
  if (!prefix.is(PlanClass::placementForm, PlacementForm::distributed)) {
    values.push_back(kNone);
    return;
  }
  values.push_back(0);
  const Popularity &popularity = context.workload.popularity;
  if (popularity.kind == Popularity::Kind::uniform)
    return;
  const ModelShape &model = context.model;
  int64_t ranks = degreesOf(prefix, context.machine).ep;
  int64_t own = (model.experts + ranks - 1) / ranks;
  double mean = double(model.topK) / double(ranks);
  double fullest = fullestRank(popularity, model.experts, model.topK, ranks, 0);
  for (PlanValue redundant : {1, 2, 4}) {
    if (own + redundant > model.experts)
      return;
    double with =
        fullestRank(popularity, model.experts, model.topK, ranks, redundant);
    if (fullest - with < kLeastRelief * mean)
      return;
    values.push_back(redundant);
    fullest = with;
  }
}

void portolan::addSpeculations(const PlanContext &context, PlanValues &values) {
  values.push_back(kNone);
  if (context.workload.phase != Phase::decode ||
      !context.workload.acceptanceRate)
    return;
  for (PlanValue drafted : {1, 2, 3})
    values.push_back(drafted);
}

void portolan::addDispatchExchanges(const PlanPoint &prefix,
                                    const PlanContext &context,
                                    PlanValues &values) {
  Deployment degrees = degreesOf(prefix, context.machine);
  if (context.model.experts == 0 || degrees.stageSize == 1) {
    values.push_back(kNone);
    return;
  }
  if (degrees.dp == 1)
    values.push_back(kNone);
  values.push_back(PlanValue(Exchange::allToAll));
  if (degrees.dp > 1)
    values.push_back(PlanValue(Exchange::allGather));
}

void portolan::addCombineExchanges(const PlanPoint &prefix,
                                   PlanValues &values) {
  PlanValue dispatch = prefix.get(PlanClass::dispatchExchange);
  bool gathers = dispatch == PlanValue(Exchange::allGather) ||
                 dispatch == PlanValue(Exchange::multicast);
  values.push_back(gathers ? PlanValue(Exchange::reduceScatter) : dispatch);
}

void portolan::addOverlaps(const PlanPoint &prefix, const Machine &machine,
                           PlanValues &values) {
  values.push_back(kNone);
  if (degreesOf(prefix, machine).stageSize > 1)
    values.push_back(PlanValue(Overlap::twoBatch));
}

void portolan::addBatchForms(const PlanPoint &prefix, PlanValues &values) {
  PlanValue stages = PlanValue(prefix.number(PlanClass::pipeline));
  if (stages == 1) {
    values.push_back(kNone);
    return;
  }
  values.push_back(stages);
  values.push_back(2 * stages);
}

int64_t portolan::prefillCopiesOf(PlanValue percent, int64_t copies) {
  return std::clamp<int64_t>((percent * copies + 50) / 100, 1, copies - 1);
}

void portolan::addPhaseSplits(const PlanPoint &prefix,
                              const PlanContext &context, PlanValues &values) {
  values.push_back(kNone);
  int64_t copies = degreesOf(prefix, context.machine).copies;
  if (context.workload.phase != Phase::both)
    return;
  for (int64_t prefills = 1; prefills < copies; ++prefills) {
    PlanValue percent = PlanValue((200 * prefills + copies) / (2 * copies));
    if (percent >= 1 && percent <= 99 && percent != values.back())
      values.push_back(percent);
  }
}

void portolan::addTiles(const PlanPoint &prefix, const PlanContext &context,
                        PlanValues &values) {
  const Engine *matmul = context.machine.findEngine(EngineKind::matmul);
  if (context.model.experts == 0 || !matmul || matmul->tokenTiles.empty() ||
      prefix.get(PlanClass::weightFormat) == kNone) {
    values.push_back(kNone);
    return;
  }
  Format compute = prefix.formats(PlanClass::weightFormat).compute;
  int64_t granule = matmul->rowGranule[unsigned(compute)];
  size_t first = values.size();
  for (int64_t tile : matmul->tokenTiles)
    if (tile % granule == 0)
      values.push_back(PlanValue(tile));
  if (values.size() == first)
    values.push_back(kNone);
}

void portolan::addFusions(bool launchesKernels, PlanValues &values) {
  values.push_back(kNone);
  values.push_back(PlanValue(Fusion::elementwise));
  if (launchesKernels)
    values.push_back(PlanValue(Fusion::block));
}

Group portolan::widestReduction(const PlanPoint &prefix,
                                const PlanContext &context) {
  Deployment degrees = degreesOf(prefix, context.machine);
  if (context.model.experts > 0 &&
      prefix.get(PlanClass::dispatchExchange) == kNone)
    return {degrees.stageSize, 1};
  return {degrees.tp, 1};
}

//===----------------------------------------------------------------------===//
// Nearest values
//===----------------------------------------------------------------------===//

PlanValue
portolan::nearestValue(double wanted, ArrayRef<PlanValue> values,
                       llvm::function_ref<double(PlanValue)> numberOf) {
  // |ln(a / b)| grows with the larger of a / b and b / a, and equal quotients
  // of whole numbers round alike, so that ties are exact.
  auto distance = [&](double number) {
    return std::max(number / wanted, wanted / number);
  };
  PlanValue best = values.front();
  double bestNumber = numberOf(best);
  for (PlanValue value : values.drop_front()) {
    double number = numberOf(value);
    double difference = distance(number) - distance(bestNumber);
    if (difference < 0 || (difference == 0 && number < bestNumber)) {
      best = value;
      bestNumber = number;
    }
  }
  return best;
}

PlanValue portolan::repairPhaseSplit(PlanValue value,
                                     ArrayRef<PlanValue> values) {
  // The first is none.
  ArrayRef<PlanValue> splits = values.drop_front();
  return value == kNone || splits.empty() ? values.front()
                                          : nearestNumber(value, splits);
}

PlanValue portolan::nearestNumber(PlanValue wanted,
                                  ArrayRef<PlanValue> values) {
  if (llvm::is_contained(values, wanted))
    return wanted;
  auto numberOf = [](PlanValue value) {
    return value <= 0 ? 1.0 : double(value);
  };
  return nearestValue(numberOf(wanted), values, numberOf);
}

PlanValue portolan::nearestInstance(PlanValue wanted,
                                    ArrayRef<PlanValue> values,
                                    const Topology &topology) {
  if (llvm::is_contained(values, wanted))
    return wanted;
  auto numberOf = [&](PlanValue value) {
    return double(std::max<int64_t>(chipsOf(value, topology), 1));
  };
  return nearestValue(numberOf(wanted), values, numberOf);
}

PlanValue portolan::halvedReplicas(PlanValue wanted,
                                   ArrayRef<PlanValue> values) {
  for (; wanted > 0; wanted /= 2)
    if (llvm::is_contained(values, wanted))
      return wanted;
  return values.front();
}
