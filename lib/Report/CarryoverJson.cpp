//===- CarryoverJson.cpp - the JSON of a carry-over run -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Field by field as docs/json.md says. A field that is not real yet is absent;
// null means not available.
//
//===----------------------------------------------------------------------===//

#include "portolan/Report/CarryoverReport.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace portolan;
namespace json = llvm::json;

namespace {

constexpr double kMillisecondsPerSecond = 1000;
constexpr double kWattsPerKilowatt = 1000;
constexpr int64_t kSchemaVersion = 1;

json::Value orNull(std::optional<double> value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

json::Value orNull(const std::string &text) {
  return text.empty() ? json::Value(nullptr) : json::Value(text);
}

json::Value integer(double value) { return int64_t(std::llround(value)); }

json::Value planValue(PlanClass planClass, PlanValue value) {
  if (value > 0 && valueKindOf(planClass) == PlanValueKind::number)
    return int64_t(value);
  return spell(planClass, value);
}

json::Object planObject(const PlanPoint &plan) {
  json::Object object;
  for (PlanClass planClass : allPlanClasses())
    object[spell(planClass)] = planValue(planClass, plan.get(planClass));
  return object;
}

json::Object partsObject(const Parts &parts) {
  json::Object object;
  forEachPart(parts, [&](llvm::StringRef name, double seconds) {
    object[(name + "_s").str()] = seconds;
  });
  return object;
}

json::Object memoryObject(const Evaluation &evaluation,
                          const Machine &machine) {
  PricedMachine priced(machine, Corner::nominal);
  const MemoryUse &use = evaluation.memory;
  return json::Object{{"weights_bytes", integer(use.weightBytes)},
                      {"kv_bytes", integer(use.cacheBytes)},
                      {"activation_bytes", integer(use.activationBytes)},
                      {"reserve_bytes", integer(priced.reserveBytes())},
                      {"available_bytes", integer(priced.capacityBytes())}};
}

json::Object workloadObject(const Workload &workload) {
  json::Value tpot = nullptr, ttft = nullptr;
  if (workload.phase != Phase::prefill)
    tpot = workload.maxTpotSeconds * kMillisecondsPerSecond;
  if (workload.phase != Phase::decode)
    ttft = workload.maxTtftSeconds * kMillisecondsPerSecond;
  return json::Object{
      {"phase", spell(workload.phase)},
      {"context_tokens", workload.contextTokens},
      {"output_tokens", workload.outputTokens},
      {"max_tpot_ms", std::move(tpot)},
      {"max_ttft_ms", std::move(ttft)},
      {"popularity", workload.popularity.text},
      {"formats", workload.formats == FormatPolicy::any ? "any" : "as-shipped"},
      {"acceptance_rate", workload.acceptanceRate
                              ? json::Value(*workload.acceptanceRate)
                              : json::Value(nullptr)}};
}

json::Object modelObject(const ModelShape &model) {
  return json::Object{{"name", model.name},
                      {"parameters_total", integer(model.parametersTotal)},
                      {"parameters_active", integer(model.parametersActive)},
                      {"layers", model.depth()}};
}

json::Object prefillObject(const PrefillEvaluation &prefill) {
  return json::Object{
      {"copies", prefill.copies},
      {"concurrency", prefill.concurrency},
      {"handover_ms", prefill.handoverSeconds * kMillisecondsPerSecond},
      {"parts", partsObject(prefill.parts)}};
}

/// Objective per unit of a figure that may be unpublished.
json::Value perUnit(double objective, const std::optional<Quantity> &quantity,
                    double unitsPerUnit, llvm::StringRef what,
                    std::string &reason) {
  if (quantity)
    return objective / (quantity->nominal() / unitsPerUnit);
  reason += (reason.empty() ? "" : "; ") + what.str() + " is not published";
  return nullptr;
}

json::Object targetObject(const Target &target, const Workload &workload,
                          const TargetResult &result) {
  const Machine &machine = target.machine;
  json::Object object{{"name", target.name},
                      {"family", machine.family},
                      {"chips", machine.chips()},
                      {"machine_sha256", machine.sha256}};
  if (!result.best) {
    const Refusal &refusal = *result.infeasible;
    for (const char *field :
         {"objective_tokens_per_s_per_chip", "tpot_ms", "ttft_ms",
          "concurrency", "tokens_per_s_per_user", "users_per_chip",
          "tokens_per_s_per_kw", "tokens_per_s_per_usd_per_h", "bound_by",
          "range", "assumed_share", "plan", "parts", "memory"})
      object[field] = nullptr;
    object["ideal_tokens_per_s_per_chip"] = result.idealObjective;
    object["reason"] = refusal.id;
    object["needed"] = refusal.needed;
    object["available"] = refusal.available;
    object["unit"] = refusal.unit;
    return object;
  }
  const Evaluation &best = *result.best;
  bool decode = workload.decodes();
  double milliseconds = (decode ? best.tokenSeconds() : best.stepSeconds) *
                        kMillisecondsPerSecond;
  std::string reason;
  object["objective_tokens_per_s_per_chip"] = best.objective;
  object["tpot_ms"] = decode ? json::Value(milliseconds) : nullptr;
  object["ttft_ms"] = decode ? json::Value(nullptr) : milliseconds;
  if (best.prefill) {
    object["ttft_ms"] = best.prefill->seconds * kMillisecondsPerSecond;
    object["prefill"] = prefillObject(*best.prefill);
  }
  object["concurrency"] = best.concurrency;
  object["tokens_per_s_per_user"] =
      decode ? json::Value(1 / best.tokenSeconds()) : nullptr;
  object["users_per_chip"] = best.usersPerChip();
  object["tokens_per_s_per_kw"] =
      perUnit(best.objective, machine.powerWattsPerChip, kWattsPerKilowatt,
              "power", reason);
  object["tokens_per_s_per_usd_per_h"] =
      perUnit(best.objective, machine.priceUsdPerChipHour, 1, "price", reason);
  object["reason"] = orNull(reason);
  object["bound_by"] = spell(best.bound);
  object["ideal_tokens_per_s_per_chip"] = result.idealObjective;
  if (result.range)
    object["range"] = json::Array{result.range->first, result.range->second};
  object["assumed_share"] = result.assumedShare;
  object["plan"] = planObject(result.plan);
  object["parts"] = partsObject(best.parts);
  object["memory"] = memoryObject(best, machine);
  return object;
}

json::Object decisionObject(const DecisionResult &decision) {
  PlanClass planClass = decision.planClass;
  json::Object object{{"class", spell(planClass)},
                      {"value", planValue(planClass, decision.value)},
                      {"verdict", spell(decision.verdict)},
                      {"requantised", decision.requantised}};
  object["repaired_to"] = decision.value == decision.targetValue
                              ? json::Value(nullptr)
                              : planValue(planClass, decision.targetValue);
  const Refusal none;
  const Refusal &refusal = decision.refusal ? *decision.refusal : none;
  bool hasFigures = refusal.needed != 0 || refusal.available != 0;
  object["reason"] = orNull(refusal.id);
  object["resource"] = orNull(refusal.resource);
  object["needed"] = hasFigures ? json::Value(refusal.needed) : nullptr;
  object["available"] = hasFigures ? json::Value(refusal.available) : nullptr;
  object["unit"] = orNull(refusal.unit);
  object["op"] = orNull(refusal.op);
  object["worth_at_source"] = orNull(decision.worthAtSource);
  object["alone"] = orNull(decision.alone);
  object["leave_one_out"] = orNull(decision.leaveOneOut);
  return object;
}

json::Object transferObject(llvm::ArrayRef<Target> targets,
                            const TransferResult &transfer) {
  json::Object object{
      {"source", targets[transfer.source].name},
      {"target", targets[transfer.target].name},
      {"efficiency", orNull(transfer.efficiency)},
      {"efficiency_unseeded", orNull(transfer.efficiencyUnseeded)},
      {"verdict", spell(transfer.verdict)}};
  object["objective_tokens_per_s_per_chip"] =
      transfer.evaluation ? json::Value(transfer.evaluation->objective)
                          : nullptr;
  json::Array derived;
  for (const DerivedResult &item : transfer.derived)
    derived.push_back(
        json::Object{{"name", item.name},
                     {"source_value", item.sourceValue},
                     {"target_value", item.targetValue},
                     {"rescaled", item.sourceValue != item.targetValue}});
  object["derived"] = std::move(derived);
  json::Array decisions;
  for (const DecisionResult &decision : transfer.decisions)
    decisions.push_back(decisionObject(decision));
  object["decisions"] = std::move(decisions);
  if (transfer.infeasible) {
    json::Array classes;
    for (PlanClass planClass : transfer.infeasibleClasses)
      classes.push_back(spell(planClass));
    object["infeasible"] =
        json::Object{{"classes", std::move(classes)},
                     {"reason", transfer.infeasible->id},
                     {"needed", transfer.infeasible->needed},
                     {"available", transfer.infeasible->available},
                     {"unit", transfer.infeasible->unit}};
  }
  object["resource_stack"] =
      transfer.resourceStack ? json::Value(partsObject(*transfer.resourceStack))
                             : nullptr;
  return object;
}

json::Object runObject(const ReportSubject &subject, double seconds,
                       uint64_t evaluations) {
  return json::Object{{"seconds", seconds},
                      {"evaluations", int64_t(evaluations)},
                      {"peak_bytes", int64_t(subject.peakBytes)}};
}

json::Object limitObject(const ReportSubject &subject,
                         const LimitResult &limit) {
  json::Array targets, transfers, portability;
  for (auto [target, result] : llvm::zip_equal(subject.targets, limit.targets))
    targets.push_back(targetObject(target, limit.workload, result));
  for (const TransferResult &transfer : limit.transfers)
    transfers.push_back(transferObject(subject.targets, transfer));
  for (const PortabilityResult &item : limit.portability)
    portability.push_back(
        json::Object{{"source", subject.targets[item.source].name},
                     {"pp", item.pennycook},
                     {"mean", orNull(item.mean)},
                     {"min", orNull(item.minimum)},
                     {"legal_share", orNull(item.legalShare)},
                     {"switching_decisions", orNull(item.switchingDecisions)},
                     {"switching_ops", orNull(item.switchingOps)}});
  return json::Object{{"workload", workloadObject(limit.workload)},
                      {"targets", std::move(targets)},
                      {"transfers", std::move(transfers)},
                      {"portability", std::move(portability)}};
}

} // namespace

json::Value portolan::carryoverJson(const ReportSubject &subject,
                                    const CarryoverResult &result) {
  json::Array limits;
  for (const LimitResult &limit : result.limits)
    limits.push_back(limitObject(subject, limit));
  return json::Object{
      {"schema_version", kSchemaVersion},
      {"portolan_version", subject.version},
      {"run", runObject(subject, result.seconds, result.evaluations)},
      {"model", modelObject(subject.model)},
      {"results", std::move(limits)}};
}

json::Value portolan::tuneJson(const ReportSubject &subject,
                               const Workload &workload,
                               const TargetResult &result) {
  json::Array ranked;
  for (const RankedPlan &plan : result.ranked)
    ranked.push_back(
        json::Object{{"objective_tokens_per_s_per_chip", plan.objective},
                     {"plan", planObject(plan.plan)}});
  return json::Object{
      {"schema_version", kSchemaVersion},
      {"portolan_version", subject.version},
      {"run",
       runObject(subject, result.statistics.seconds, result.statistics.plans)},
      {"model", modelObject(subject.model)},
      {"workload", workloadObject(workload)},
      {"target", targetObject(subject.targets.front(), workload, result)},
      {"ranked", std::move(ranked)}};
}
