//===- CarryoverText.cpp - the tables of a carry-over run -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Remarks.h"
#include "mlir/IR/Builders.h"
#include "portolan/Report/CarryoverReport.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace portolan;
using llvm::format;
using llvm::formatv;
using llvm::left_justify;
using llvm::raw_ostream;
using llvm::right_justify;

namespace {

constexpr double kMilli = 1e-3;
constexpr double kGiga = 1e9;

/// "3.2 %".
std::string percent(double share) {
  return formatv("{0:f1} %", 100 * share).str();
}

/// A figure in the unit that reads best.
std::string figure(double value, llvm::StringRef unit) {
  if (unit == "bytes" && std::abs(value) >= 1e6)
    return formatv("{0:f2} GB", value / kGiga).str();
  if (unit == "bytes/s")
    return formatv("{0:f1} GB/s", value / kGiga).str();
  if (unit == "seconds")
    return formatv("{0:f2} ms", value / kMilli).str();
  if (unit == "chip-seconds/token")
    return formatv("{0:f2} chip-us/token", value * 1e6).str();
  if (value == std::floor(value) && std::abs(value) < 1e9)
    return formatv("{0} {1}", int64_t(value), unit).str();
  return formatv("{0} {1}", value, unit).str();
}

/// What the plans may choose from: it is why two files of one model that ship
/// other formats differ under as-shipped.
std::string formatsOf(const Workload &workload, const ModelShape &model) {
  if (workload.formats == FormatPolicy::any)
    return "any";
  return formatv("as-shipped (weights {0}, activations {1}, cache {2})",
                 spell(model.shippedWeight), spell(model.shippedActivation),
                 spell(model.shippedCache))
      .str();
}

void printWorkload(raw_ostream &stream, const Workload &workload,
                   const ModelShape &model) {
  stream << spell(workload.phase) << ", context " << workload.contextTokens;
  if (workload.decodes())
    stream << ", output " << workload.outputTokens;
  if (workload.acceptanceRate)
    stream << formatv(", {0} of drafted tokens accepted",
                      percent(*workload.acceptanceRate));
  if (workload.decodes())
    stream << formatv(", TPOT <= {0} ms", workload.maxTpotSeconds / kMilli);
  if (workload.phase != Phase::decode)
    stream << formatv(", TTFT <= {0} ms", workload.maxTtftSeconds / kMilli);
  stream << formatv(", popularity {0}, formats {1}\n", workload.popularity.text,
                    formatsOf(workload, model));
}

void printParts(raw_ostream &stream, const Parts &parts, bool sign) {
  bool first = true;
  forEachPart(parts, [&](llvm::StringRef name, double seconds) {
    stream << (first ? "" : ", ") << name << " "
           << format(sign ? "%+.2f" : "%.2f", seconds / kMilli);
    first = false;
  });
  stream << " ms\n";
}

void printPlanLine(raw_ostream &stream, const PlanPoint &plan) {
  bool first = true;
  for (PlanClass planClass : allPlanClasses()) {
    if (plan.get(planClass) == kNone)
      continue;
    stream << (first ? "" : ", ") << spell(planClass) << " "
           << spell(planClass, plan.get(planClass));
    first = false;
  }
}

void printPrefill(raw_ostream &stream, const PrefillEvaluation &prefill,
                  const Deployment &deployment) {
  stream << formatv("  TTFT         {0:f2} ms at {1} prompts per copy, ",
                    prefill.seconds / kMilli, prefill.concurrency);
  if (prefill.copies == 0)
    stream << "on every copy between steps\n";
  else
    stream << formatv("on {0} of {1} copies, {2:f2} ms of it to hand the cache "
                      "over\n",
                      prefill.copies, deployment.copies,
                      prefill.handoverSeconds / kMilli);
  stream << "  prefill      ";
  printParts(stream, prefill.parts, /*sign=*/false);
}

void printTarget(raw_ostream &stream, const Target &target,
                 const Workload &workload, const TargetResult &result) {
  const Machine &machine = target.machine;
  stream << target.name << " (" << machine.title << ", " << machine.chips()
         << " chips)\n";
  if (!result.best) {
    const Refusal &refusal = *result.infeasible;
    stream << "  no plan fits: " << refusal.reason << " (" << refusal.id
           << "): needs " << figure(refusal.needed, refusal.unit) << ", has "
           << figure(refusal.available, refusal.unit) << "\n";
    return;
  }
  const Evaluation &best = *result.best;
  const Deployment &d = best.deployment;
  bool decode = workload.decodes();
  stream << formatv("  objective    {0:f1} {1} tokens/s/chip", best.objective,
                    decode ? "output" : "prompt");
  if (result.range)
    stream << formatv(" [{0:f1}, {1:f1}]", result.range->first,
                      result.range->second);
  stream << formatv(", {0} of the ideal {1:f1}\n",
                    percent(best.objective / result.idealObjective),
                    result.idealObjective);
  stream << formatv("  {0}         {1:f2} ms at {2} requests per copy, {3:f2} "
                    "users per chip",
                    decode ? "TPOT" : "TTFT",
                    (decode ? best.tokenSeconds() : best.stepSeconds) / kMilli,
                    best.concurrency, best.usersPerChip());
  if (decode)
    stream << formatv(", {0:f1} tokens/s/user", 1 / best.tokenSeconds());
  stream << ", bound by " << spell(best.bound) << "\n";
  stream << "  time         ";
  printParts(stream, best.parts, /*sign=*/false);
  if (best.prefill)
    printPrefill(stream, *best.prefill, d);
  PricedMachine priced(machine, Corner::nominal);
  stream << formatv(
      "  memory       weights {0:f2}, kv {1:f2}, activations "
      "{2:f2}, reserve {3:f2} of {4:f2} GB per chip\n",
      best.memory.weightBytes / kGiga, best.memory.cacheBytes / kGiga,
      best.memory.activationBytes / kGiga, priced.reserveBytes() / kGiga,
      priced.capacityBytes() / kGiga);
  stream << "  plan         ";
  printPlanLine(stream, result.plan);
  stream << formatv("\n  derived      dp {0}, ep {1}, copies {2}, ranks per "
                    "stage {3}\n",
                    d.dp, d.ep, d.copies, d.stageSize);
  stream << "  assumed      " << percent(result.assumedShare)
         << " of the step time rests on derived or assumed figures";
  llvm::StringRef separator = ": ";
  for (const AssumedFigure &figure :
       llvm::ArrayRef(result.assumed).take_front(4)) {
    stream << separator << figure.path << " " << percent(figure.share);
    separator = ", ";
  }
  stream << "\n";
  if (!machine.powerWattsPerChip || !machine.priceUsdPerChipHour)
    stream << "  not known    " << (machine.powerWattsPerChip ? "" : "power")
           << (machine.powerWattsPerChip || machine.priceUsdPerChipHour ? ""
                                                                        : ", ")
           << (machine.priceUsdPerChipHour ? "" : "price") << "\n";
}

void printMatrix(raw_ostream &stream, llvm::ArrayRef<Target> targets,
                 const LimitResult &limit) {
  size_t width = 8;
  for (const Target &target : targets)
    width = std::max(width, target.name.size());
  stream << "efficiency e(source -> target)\n  "
         << left_justify("source", unsigned(width));
  for (const Target &target : targets)
    stream << "  " << right_justify(target.name, unsigned(width));
  stream << "  " << right_justify("PP", 6) << right_justify("mean", 8)
         << right_justify("min", 8) << right_justify("legal", 8) << "\n";
  for (const PortabilityResult &row : limit.portability) {
    stream << "  " << left_justify(targets[row.source].name, unsigned(width));
    for (const TransferResult &transfer : limit.transfers)
      if (transfer.source == row.source)
        stream << "  "
               << right_justify(
                      transfer.efficiency
                          ? formatv("{0:f4}", *transfer.efficiency).str()
                          : "-",
                      unsigned(width));
    auto cell = [](std::optional<double> value) {
      return value ? formatv("{0:f4}", *value).str() : std::string("-");
    };
    stream << "  " << right_justify(cell(row.pennycook), 6)
           << right_justify(cell(row.mean), 8)
           << right_justify(cell(row.minimum), 8)
           << right_justify(cell(row.legalShare), 8) << "\n";
  }
}

void printDecision(raw_ostream &stream, const DecisionResult &decision) {
  PlanClass planClass = decision.planClass;
  std::string value = spell(planClass, decision.value);
  if (decision.value != decision.targetValue)
    value += " -> " + spell(planClass, decision.targetValue);
  stream << "  " << left_justify(spell(planClass), 18)
         << left_justify(value, 26)
         << left_justify(spell(decision.verdict), 11);
  auto cell = [&](std::optional<double> share) {
    stream << right_justify(share ? percent(*share) : "-", 9);
  };
  cell(decision.worthAtSource);
  cell(decision.alone);
  cell(decision.leaveOneOut);
  if (decision.requantised)
    stream << "  requantised";
  stream << "\n";
  if (!decision.refusal)
    return;
  const Refusal &refusal = *decision.refusal;
  stream << "    " << refusal.id << ": " << refusal.reason;
  if (refusal.needed != 0 || refusal.available != 0)
    stream << " (" << (refusal.resource.empty() ? "" : refusal.resource + ": ")
           << "needs " << figure(refusal.needed, refusal.unit) << ", has "
           << figure(refusal.available, refusal.unit) << ")";
  stream << "\n";
}

void printTransfer(raw_ostream &stream, llvm::ArrayRef<Target> targets,
                   const TransferResult &transfer) {
  stream << targets[transfer.source].name << " -> "
         << targets[transfer.target].name << ": ";
  if (transfer.efficiency) {
    stream << formatv("efficiency {0:f4}, {1:f1} tokens/s/chip",
                      *transfer.efficiency, transfer.evaluation->objective);
  } else {
    const Refusal &refusal = *transfer.infeasible;
    stream << "infeasible: " << refusal.reason << " (" << refusal.id
           << "): needs " << figure(refusal.needed, refusal.unit) << ", has "
           << figure(refusal.available, refusal.unit) << "; smallest set:";
    for (PlanClass planClass : transfer.infeasibleClasses)
      stream << " " << spell(planClass);
    if (transfer.infeasibleClasses.empty())
      stream << " none, no plan fits";
  }
  stream << formatv(", {0} ops differ\n", transfer.switchingOps);
  for (const DerivedResult &item : transfer.derived)
    if (item.sourceValue != item.targetValue)
      stream << formatv("  derived {0}: {1} -> {2}, rescaled\n", item.name,
                        item.sourceValue, item.targetValue);
  if (transfer.resourceStack) {
    stream << "  time against the best plan: ";
    printParts(stream, *transfer.resourceStack, /*sign=*/true);
  }
  bool header = false;
  for (const DecisionResult &decision : transfer.decisions) {
    if (decision.verdict == Verdict::carries)
      continue;
    if (!header)
      stream << "  " << left_justify("decision", 18)
             << left_justify("value", 26) << left_justify("verdict", 11)
             << right_justify("worth", 9) << right_justify("alone", 9)
             << right_justify("left out", 9) << "\n";
    header = true;
    printDecision(stream, decision);
  }
  if (!header)
    stream << "  every decision carries\n";
}

} // namespace

void portolan::printCarryover(raw_ostream &stream, const ReportSubject &subject,
                              const CarryoverResult &result) {
  const ModelShape &model = subject.model;
  stream << formatv("{0}: {1:f1} billion parameters, {2:f1} active, {3} "
                    "layers\n",
                    model.name, model.parametersTotal / kGiga,
                    model.parametersActive / kGiga, model.depth());
  for (const LimitResult &limit : result.limits) {
    stream << "\n";
    printWorkload(stream, limit.workload, model);
    stream << "\n";
    for (auto [target, best] : llvm::zip_equal(subject.targets, limit.targets))
      printTarget(stream, target, limit.workload, best);
    stream << "Tokens per second and chip do not compare unlike chips; "
              "efficiencies do.\n\n";
    printMatrix(stream, subject.targets, limit);
    for (const TransferResult &transfer : limit.transfers) {
      if (transfer.source == transfer.target &&
          transfer.verdict == Verdict::carries)
        continue;
      stream << "\n";
      printTransfer(stream, subject.targets, transfer);
    }
  }
  stream << formatv("\n{0} plans priced in {1:f2} s, {2} MB\n",
                    result.evaluations, result.seconds,
                    subject.peakBytes >> 20);
}

void portolan::printTune(raw_ostream &stream, const ReportSubject &subject,
                         const Workload &workload, const TargetResult &result) {
  printWorkload(stream, workload, subject.model);
  printTarget(stream, subject.targets.front(), workload, result);
  for (size_t i = 1; i < result.ranked.size(); ++i) {
    const RankedPlan &plan = result.ranked[i];
    stream << formatv(
        "  runner-up {0}  {1:f1} tokens/s/chip ({2} below): ", i,
        plan.objective,
        percent(1 - plan.objective / result.ranked.front().objective));
    // Only what differs from the best.
    bool first = true;
    for (PlanClass planClass : allPlanClasses())
      if (plan.plan.get(planClass) != result.plan.get(planClass)) {
        stream << (first ? "" : ", ") << spell(planClass) << " "
               << spell(planClass, plan.plan.get(planClass));
        first = false;
      }
    stream << "\n";
  }
  const SearchStatistics &statistics = result.statistics;
  stream << formatv("{0} of {1} prefixes explored, {2} plans priced, {3} step "
                    "times, {4:f2} s, {5} MB\n",
                    statistics.explored, statistics.prefixes, statistics.plans,
                    statistics.probes, statistics.seconds,
                    subject.peakBytes >> 20);
}

void portolan::printSpace(raw_ostream &stream, const Target &target,
                          const Tuner::SpaceSummary &space) {
  stream << "space of " << target.name << " (" << target.family->name()
         << "): " << space.plans << " plans\n";
  for (PlanClass planClass : allPlanClasses()) {
    const auto &values = space.values[unsigned(planClass)];
    stream << "  " << left_justify(spell(planClass), 18)
           << right_justify(std::to_string(values.size()), 3) << "  ";
    llvm::interleave(
        values, stream,
        [&](PlanValue value) { stream << spell(planClass, value); }, ", ");
    stream << "\n";
  }
}

void portolan::emitCarryoverRemarks(mlir::Location location,
                                    llvm::ArrayRef<Target> targets,
                                    const CarryoverResult &result) {
  mlir::OpBuilder builder(location.getContext());
  for (const LimitResult &limit : result.limits)
    for (const TransferResult &transfer : limit.transfers) {
      // The place of a remark is the transfer that it is about.
      mlir::Location place = mlir::NameLoc::get(
          builder.getStringAttr(targets[transfer.source].name + " -> " +
                                targets[transfer.target].name),
          location);
      for (const DecisionResult &decision : transfer.decisions)
        if (decision.refusal)
          plan::emitMissed(place, decision.planClass, decision.value,
                           decision.targetValue, spell(decision.verdict),
                           *decision.refusal);
    }
}
