//===- Refusals.cpp - why a value is not legal ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Refusals that do not depend on the family: degrees that do not divide or
// exceed the model, tiles that the engine lacks, decisions that nothing uses.
// The ids are those of the remark catalogue.
//
//===----------------------------------------------------------------------===//

#include "portolan/Target/SpaceRules.h"

using namespace portolan;
using llvm::StringRef;
using llvm::Twine;

Refusal portolan::refuse(StringRef id, const Twine &reason, StringRef resource,
                         double needed, double available, StringRef unit,
                         StringRef op) {
  Refusal refusal;
  refusal.id = id.str();
  refusal.reason = reason.str();
  refusal.resource = resource.str();
  refusal.needed = needed;
  refusal.available = available;
  refusal.unit = unit.str();
  refusal.op = op.str();
  return refusal;
}

Refusal portolan::refuseUnavailable(PlanClass planClass, PlanValue value,
                                    const Twine &reason, StringRef op) {
  return refuse("unavailable_decision",
                Twine(spell(planClass)) + " " + spell(planClass, value) + ": " +
                    reason,
                spell(planClass), 0, 0, "", op);
}

/// Whether layers stand together in one function, which no stage cuts.
static bool hasGroups(const ModelShape &model) {
  return model.depth() != int64_t(model.sequence.size());
}

static Refusal refuseDivision(const Twine &reason, StringRef resource,
                              int64_t needed, int64_t available, StringRef unit,
                              StringRef op) {
  return refuse("not_divisible", reason, resource, double(needed),
                double(available), unit, op);
}

/// `value` parts of `whole` chips, at most `limit` of them.
static std::optional<Refusal> refuseParts(int64_t value, int64_t whole,
                                          StringRef resource, int64_t limit,
                                          StringRef limitUnit, StringRef op) {
  if (value > whole || whole % value)
    return refuseDivision(Twine(value) + " does not divide the " +
                              Twine(whole) + " chips that are left",
                          resource, value, whole, "chips", op);
  if (value > limit)
    return refuseDivision(Twine(limit) + " " + limitUnit +
                              " cannot be split over " + Twine(value) +
                              " ranks",
                          resource, value, limit, limitUnit, op);
  return std::nullopt;
}

static std::optional<Refusal> refuseInstance(PlanValue value,
                                             const PlanContext &context) {
  const Topology &topology = context.machine.topology;
  int64_t chips = topology.chips();
  StringRef op = feedForwardOp(context.model);
  if (value == kInstanceDomain && topology.domain >= chips)
    return refuseUnavailable(PlanClass::instance, value,
                             "the shape is one domain, which is spelled all",
                             op);
  int64_t size = chipsOf(value, topology);
  if (size > chips || chips % size)
    return refuseDivision(Twine("copies of ") + Twine(size) +
                              " chips do not fill a shape of " + Twine(chips),
                          "shape", size, chips, "chips", op);
  if (value > 0 && (size == chips || size == topology.domain))
    return refuseUnavailable(PlanClass::instance, value,
                             Twine("in normal form this is ") +
                                 (size == chips ? "all" : "domain"),
                             op);
  return std::nullopt;
}

std::optional<Refusal> portolan::refuseDegree(PlanClass planClass,
                                              PlanValue value,
                                              const PlanPoint &prefix,
                                              const PlanContext &context) {
  const ModelShape &model = context.model;
  StringRef op =
      planClass == PlanClass::attentionTp || planClass == PlanClass::attentionCp
          ? attentionOp(model)
          : feedForwardOp(model);
  if (value == kNone || value == 0)
    return refuseUnavailable(
        planClass, value, "the plan has this degree, so it needs a number", op);
  Deployment degrees = degreesOf(prefix, context.machine);
  switch (planClass) {
  case PlanClass::instance:
    return refuseInstance(value, context);
  case PlanClass::pipeline:
    return refuseParts(value, degrees.instance, "instance",
                       int64_t(model.sequence.size()),
                       hasGroups(model) ? "groups of layers" : "layers", op);
  case PlanClass::attentionTp:
    if (std::optional<Refusal> refusal = refuseParts(
            value, degrees.stageSize, "stage", model.heads, "heads", op))
      return refusal;
    if (const ModelOp *kept = unsplitOp(value, model)) {
      const LocalOp &local = kept->local;
      if (local.kind == OpKind::decomposed)
        return refuseUnavailable(
            planClass, value,
            "nodes that stay decomposed between heads need all of them",
            spell(local.kind));
      if (!mixesTokens(local.kind))
        return refuseDivision(
            Twine(local.kind == OpKind::linear ? "a projection of "
                                               : "a norm over ") +
                Twine(kept->units) +
                " groups of heads cannot be shared equally "
                "by " +
                Twine(value) + " ranks",
            "stage", value, kept->units, "groups of heads", spell(local.kind));
      return refuseDivision(
          Twine(local.heads) + " heads in " + Twine(local.kvHeads) +
              " groups cannot be shared equally by " + Twine(value) + " ranks",
          "stage", value, local.kvHeads, "key-value heads", spell(local.kind));
    }
    return std::nullopt;
  case PlanClass::attentionCp:
    if (value > 1 && hasRecurrence(model))
      return refuseUnavailable(
          planClass, value,
          "the state of a recurrence follows from the one before, so that its "
          "sequence stays on one rank",
          spell(OpKind::recurrence));
    if (value > 1 && !spreadsContext(model))
      return refuseUnavailable(
          planClass, value,
          "a window of the context would lie on one rank alone, and an index "
          "chooses keys from all of it",
          op);
    return refuseParts(value, degrees.stageSize / degrees.tp, "stage",
                       context.workload.meanContextTokens(), "context tokens",
                       op);
  case PlanClass::expertTp: {
    if (std::optional<Refusal> refusal =
            refuseParts(value, degrees.stageSize, "stage", expertWidth(model),
                        "expert columns", op))
      return refusal;
    int64_t ep = degrees.stageSize / value;
    if (ep > model.experts)
      return refuseDivision(Twine(model.experts) +
                                " experts cannot be spread over " + Twine(ep) +
                                " groups of ranks",
                            "stage", ep, model.experts, "experts", op);
    return std::nullopt;
  }
  case PlanClass::batchForm:
    if (value % degrees.stages)
      return refuseDivision(Twine(value) + " micro-batches do not fill " +
                                Twine(degrees.stages) + " stages",
                            "pipeline", value, degrees.stages, "stages", op);
    return refuseUnavailable(planClass, value,
                             Twine("kept are one and two micro-batches per "
                                   "stage: ") +
                                 Twine(degrees.stages) + " and " +
                                 Twine(2 * degrees.stages),
                             op);
  default:
    return std::nullopt;
  }
}

Refusal portolan::refusePlacement(PlanClass planClass, PlanValue value,
                                  const PlanPoint &prefix,
                                  const PlanContext &context) {
  Deployment degrees = degreesOf(prefix, context.machine);
  int64_t stage = planClass == PlanClass::instance
                      ? chipsOf(value, context.machine.topology)
                      : degrees.instance / value;
  return refuseDivision(Twine(context.model.experts) + " experts of " +
                            Twine(expertWidth(context.model)) +
                            " columns cannot be spread over " + Twine(stage) +
                            " chips",
                        spell(planClass), stage, context.model.experts,
                        "experts", feedForwardOp(context.model));
}

Refusal portolan::refuseReplicas(PlanValue value, const PlanPoint &prefix,
                                 const PlanContext &context) {
  const ModelShape &model = context.model;
  StringRef op = feedForwardOp(model);
  PlanClass planClass = PlanClass::replicas;
  if (value < 0)
    return refuseUnavailable(planClass, value,
                             "experts are spread over ranks, so their copies "
                             "need a number",
                             op);
  if (context.workload.popularity.kind == Popularity::Kind::uniform)
    return refuseUnavailable(planClass, value,
                             "all experts are equally popular", op);
  int64_t ranks = degreesOf(prefix, context.machine).ep;
  int64_t own = (model.experts + ranks - 1) / ranks;
  if (own + value > model.experts)
    return refuse("not_divisible",
                  Twine("a rank of ") + Twine(own) + " experts has no " +
                      Twine(value) + " others to copy",
                  "experts", double(own + value), double(model.experts),
                  "experts", op);
  return refuseUnavailable(planClass, value,
                           "kept are 0, 1, 2 and 4 copies per rank, as far as "
                           "each lowers the load of the fullest rank by 1 %",
                           op);
}

Refusal portolan::refusePhaseSplit(PlanValue value, const PlanPoint &prefix,
                                   const PlanContext &context) {
  StringRef op = feedForwardOp(context.model);
  if (context.workload.phase != Phase::both)
    return refuseUnavailable(PlanClass::phaseSplit, value,
                             Twine("the workload is ") +
                                 spell(context.workload.phase) + " alone",
                             op);
  int64_t copies = degreesOf(prefix, context.machine).copies;
  if (copies == 1)
    return refuseUnavailable(PlanClass::phaseSplit, value,
                             "one copy of the model does both phases", op);
  return refuseDivision(Twine(value) + " percent of " + Twine(copies) +
                            " model copies is no whole number of them",
                        "copies", value, copies, "copies", op);
}

Refusal portolan::refuseTile(PlanValue value, const PlanPoint &prefix,
                             const PlanContext &context) {
  StringRef op = feedForwardOp(context.model);
  const Engine *matmul = context.machine.findEngine(EngineKind::matmul);
  if (value <= 0 || !matmul)
    return refuseUnavailable(PlanClass::tile, value,
                             "the experts' matmuls need a token tile", op);
  Format compute = prefix.formats(PlanClass::weightFormat).compute;
  int64_t granule = matmul->rowGranule[unsigned(compute)];
  if (value % granule)
    return refuse("tile_padding",
                  Twine("rows of ") + spell(compute) + " lie in tiles of " +
                      Twine(granule),
                  matmul->name, value, granule, "rows", op);
  return refuse(
      "tile_padding", Twine("no kernel has a token tile of ") + Twine(value),
      matmul->name, value,
      matmul->tokenTiles.empty() ? 0 : matmul->tokenTiles.back(), "rows", op);
}

Refusal portolan::refuseUnused(PlanClass planClass, PlanValue value,
                               const PlanPoint &prefix,
                               const PlanContext &context) {
  StringRef op = feedForwardOp(context.model);
  switch (planClass) {
  case PlanClass::phaseSplit:
    return refusePhaseSplit(value, prefix, context);
  case PlanClass::replicas:
    return refuseUnavailable(
        planClass, value,
        prefix.is(PlanClass::placementForm, PlacementForm::spatial)
            ? "experts lie on regions that a few rows keep busy, and a copy "
              "would idle beside the expert"
        : context.model.experts > 0 ? "the experts are not spread over ranks"
                                    : "the model has no experts",
        op);
  case PlanClass::speculation:
    return refuseUnavailable(planClass, value,
                             context.workload.phase == Phase::prefill
                                 ? "a prompt is known, so that nothing is "
                                   "drafted"
                             : context.workload.phase == Phase::both
                                 ? "drafts are priced in decode alone"
                             : context.workload.acceptanceRate
                                 ? "up to 3 tokens are drafted per step"
                                 : "no acceptance rate is given",
                             attentionOp(context.model));
  case PlanClass::fusion:
    return refuseUnavailable(planClass, value,
                             "data flows from engine to engine, so that no "
                             "kernel is launched and no activation is stored "
                             "between them",
                             op);
  case PlanClass::attentionCp:
    return refuseUnavailable(
        planClass, value, "prefill does not read a cache that could be spread",
        attentionOp(context.model));
  case PlanClass::batchForm:
    return refuseUnavailable(planClass, value,
                             "without a pipeline nothing is cut into "
                             "micro-batches",
                             op);
  case PlanClass::reduction:
    return refuseUnavailable(planClass, value,
                             "no op of the plan reduces over "
                             "ranks",
                             op);
  case PlanClass::overlap:
    return refuseUnavailable(
        planClass, value, "a stage of one rank has no exchange to overlap", op);
  case PlanClass::placementForm:
  case PlanClass::dispatchExchange:
  case PlanClass::combineExchange:
    return refuseUnavailable(planClass, value,
                             context.model.experts > 0
                                 ? "the experts are not spread over ranks"
                                 : "the model has no experts",
                             op);
  default:
    return refuseUnavailable(planClass, value, "no op of the plan uses it", op);
  }
}
