//===- Transfer.cpp - one plan on another target --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Repair, price, attribution and verdicts of one transfer; the definitions are
// in Carryover.h. Attribution is constrained search: the tuner with some
// classes fixed.
//
//===----------------------------------------------------------------------===//

#include "Transfer.h"
#include "portolan/Support/InternalError.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;

namespace {

/// A loss of more than this makes a legal decision `slower`.
constexpr double kSlowerLoss = 0.01;

bool isFormat(PlanClass planClass) {
  return valueKindOf(planClass) == PlanValueKind::format;
}

/// Whether replacing one format by another changes the numbers that are kept.
bool requantises(PlanClass planClass, PlanValue from, PlanValue to) {
  if (!isFormat(planClass) || from == to || from == kNone || to == kNone)
    return false;
  return decodeFormats(from).storage != decodeFormats(to).storage;
}

Refusal retunedAcrossFamilies(PlanClass planClass) {
  Refusal refusal;
  refusal.id = "retuned_across_families";
  refusal.reason = "kernels of another family are tuned anew; the " +
                   spell(planClass).str() + " with the best price was taken";
  return refusal;
}

} // namespace

llvm::Expected<RankedPlan> Transfer::bestUnder(Tuner &tuner,
                                               SearchOptions options,
                                               const PlanPoint &fallback) {
  llvm::Expected<TuneResult> tuned = tuner.search(limit, options);
  if (!tuned)
    return tuned.takeError();
  searched += tuned->statistics.plans;
  // Nothing above what was known means that the known is the best.
  if (!tuned->ranked.empty() && tuned->ranked.front().objective > options.known)
    return tuned->ranked.front();
  return RankedPlan{fallback, options.known, {}};
}

llvm::Expected<Refusal> Transfer::slowerReason(PlanClass planClass,
                                               const PlanPoint &with,
                                               const PlanPoint &without) {
  Evaluator &evaluator = target.tuner.evaluator();
  llvm::Expected<Evaluation> slower = evaluator.best(with, limit);
  if (!slower)
    return slower.takeError();
  llvm::Expected<Evaluation> faster = evaluator.best(without, limit);
  if (!faster)
    return faster.takeError();
  return explainSlower(planClass, *slower, *faster, evaluator.machine());
}

llvm::Error Transfer::run(TransferResult &result, uint64_t &evaluations) {
  repair = repairPlan(plan, *target.target.family,
                      target.tuner.evaluator().context());
  repaired = repair.plan;
  bool sameFamily = source.target.family == target.target.family;
  if (!sameFamily && !repair.infeasible) {
    llvm::Expected<PlanPoint> retuned =
        retuneKernels(target.tuner, repaired, limit);
    if (!retuned)
      return retuned.takeError();
    repaired = *retuned;
  }
  result.plan = repaired;
  if (llvm::Error error = price(result))
    return error;
  derive(result);
  if (llvm::Error error = decide(result))
    return error;
  evaluations += searched;
  return llvm::Error::success();
}

llvm::Error Transfer::price(TransferResult &result) {
  llvm::Expected<Evaluation> evaluation =
      target.tuner.evaluator().best(repaired, limit);
  if (!evaluation)
    return evaluation.takeError();
  if (repair.infeasible) {
    result.infeasible = repair.infeasible;
    return llvm::Error::success();
  }
  if (evaluation->infeasible) {
    result.infeasible = evaluation->infeasible;
    return llvm::Error::success();
  }
  const std::optional<Evaluation> &best = target.result.best;
  if (!best || evaluation->objective > best->objective * (1 + kTieTolerance)) {
    std::string text = "a plan repaired for '" + target.target.name +
                       "' beats the optimum that the search found:";
    for (PlanClass planClass : allPlanClasses())
      text += " " + spell(planClass, repaired.get(planClass));
    return llvm::make_error<InternalError>(std::move(text));
  }
  // Equal within the tolerance of a tie is equal.
  result.efficiencyUnseeded =
      std::min(1.0, evaluation->objective / best->objective);
  result.efficiency = result.efficiencyUnseeded;
  if (repaired == target.result.plan)
    result.efficiency = result.efficiencyUnseeded = 1;
  Parts stack = evaluation->parts;
  stack.add(best->parts, -1);
  result.resourceStack = stack;
  result.evaluation = std::move(*evaluation);
  return llvm::Error::success();
}

void Transfer::derive(TransferResult &result) {
  llvm::Expected<Deployment> before =
      source.tuner.evaluator().deploymentOf(sourcePlan);
  llvm::Expected<Deployment> after =
      target.tuner.evaluator().deploymentOf(repaired);
  if (before && after)
    result.derived = {{"dp", before->dp, after->dp},
                      {"ep", before->ep, after->ep}};
  if (!before)
    llvm::consumeError(before.takeError());
  if (!after)
    llvm::consumeError(after.takeError());
}

llvm::Error Transfer::decide(TransferResult &result) {
  if (result.infeasible)
    if (llvm::Error error = findInfeasibleSet(result))
      return error;
  for (PlanClass planClass : allPlanClasses()) {
    DecisionResult decision;
    decision.planClass = planClass;
    decision.value = plan.get(planClass);
    decision.targetValue = repaired.get(planClass);
    decision.requantised =
        requantises(planClass, decision.value, decision.targetValue);
    bool changed = decision.value != decision.targetValue;
    if (changed) {
      decision.refusal = repair.decisions[unsigned(planClass)].refusal;
      if (!decision.refusal)
        decision.refusal = retunedAcrossFamilies(planClass);
    }
    if (llvm::Error error = attribute(result, decision))
      return error;
    if (llvm::is_contained(result.infeasibleClasses, planClass)) {
      decision.verdict = Verdict::infeasible;
      decision.refusal = result.infeasible;
    } else if (changed) {
      decision.verdict = Verdict::repaired;
    } else if (decision.refusal) {
      decision.verdict = Verdict::slower;
    }
    result.verdict = std::max(result.verdict, decision.verdict);
    result.decisions.push_back(std::move(decision));
  }
  if (result.infeasible)
    result.verdict = Verdict::infeasible;
  return llvm::Error::success();
}

llvm::Expected<RankedPlan> Transfer::bestWith(PlanClass planClass,
                                              double replayed) {
  PlanValue value = repaired.get(planClass);
  auto known = target.fixed.find({planClass, value});
  if (known != target.fixed.end())
    return known->second.objective > replayed
               ? known->second
               : RankedPlan{repaired, replayed, {}};
  SearchOptions options;
  options.filter.fix(planClass, value);
  options.known = replayed;
  llvm::Expected<RankedPlan> best = bestUnder(target.tuner, options, repaired);
  if (best && best->objective > replayed)
    target.fixed.insert({{planClass, value}, *best});
  return best;
}

llvm::Error Transfer::attribute(TransferResult &result,
                                DecisionResult &decision) {
  PlanClass planClass = decision.planClass;
  if (source.result.best) {
    llvm::Expected<std::optional<double>> worth = worthAtSource(planClass);
    if (!worth)
      return worth.takeError();
    decision.worthAtSource = *worth;
  }
  // No efficiency, no attribution.
  if (!result.efficiency)
    return llvm::Error::success();
  double optimum = target.result.best->objective;
  double replayed = result.evaluation->objective;

  decision.alone = 0;
  RankedPlan alone{target.result.plan, optimum, {}};
  if (target.result.plan.get(planClass) != repaired.get(planClass)) {
    llvm::Expected<RankedPlan> best = bestWith(planClass, replayed);
    if (!best)
      return best.takeError();
    alone = *best;
    decision.alone = std::max(0.0, (optimum - alone.objective) / optimum);
  }

  SearchOptions options;
  for (PlanClass other : allPlanClasses())
    if (other != planClass)
      options.filter.fix(other, repaired.get(other));
  options.known = replayed;
  llvm::Expected<RankedPlan> freed = bestUnder(target.tuner, options, repaired);
  if (!freed)
    return freed.takeError();
  decision.leaveOneOut = std::max(0.0, (freed->objective - replayed) / optimum);

  // A legal value that costs more has the reason of its larger loss.
  if (decision.value != decision.targetValue ||
      std::max(*decision.alone, *decision.leaveOneOut) <= kSlowerLoss)
    return llvm::Error::success();
  bool byAlone = *decision.alone >= *decision.leaveOneOut;
  llvm::Expected<Refusal> reason =
      byAlone ? slowerReason(planClass, alone.plan, target.result.plan)
              : slowerReason(planClass, repaired, freed->plan);
  if (!reason)
    return reason.takeError();
  decision.refusal = std::move(*reason);
  return llvm::Error::success();
}

llvm::Expected<std::optional<double>>
Transfer::worthAtSource(PlanClass planClass) {
  const Family &family = *target.target.family;
  PlanContext context = target.tuner.evaluator().context();
  PlanPoint prefix;
  for (unsigned c = 0; c < unsigned(planClass); ++c)
    prefix.values[c] = repaired.values[c];
  llvm::SmallVector<PlanValue, 32> legal;
  family.values(planClass, prefix, context, legal);
  auto isLegalThere = [&](PlanValue value) {
    return llvm::is_contained(legal, value);
  };
  if (isLegalThere(source.result.plan.get(planClass)))
    return 0.0;
  std::vector<PlanValue> allowed(legal.begin(), legal.end());
  llvm::sort(allowed);
  auto [known, isNew] =
      source.worths.try_emplace({planClass, std::move(allowed)}, 0.0);
  if (isNew) {
    SearchOptions options;
    options.filter.allow(planClass, isLegalThere);
    llvm::Expected<RankedPlan> best =
        bestUnder(source.tuner, options, PlanPoint());
    if (!best)
      return best.takeError();
    known->second = best->objective;
  }
  if (known->second <= 0)
    return std::nullopt;
  return std::max(0.0, 1 - known->second / source.result.best->objective);
}

llvm::Expected<bool> Transfer::isFeasible(llvm::ArrayRef<PlanClass> fixed) {
  SearchOptions options;
  for (PlanClass planClass : fixed)
    options.filter.fix(planClass, repaired.get(planClass));
  options.anyWillDo = true;
  llvm::Expected<TuneResult> tuned = target.tuner.search(limit, options);
  if (!tuned)
    return tuned.takeError();
  searched += tuned->statistics.plans;
  return !tuned->ranked.empty();
}

/// First an irreducible set by dropping classes one after another, then every
/// smaller set of its size: what is left is of the smallest size.
llvm::Error Transfer::findInfeasibleSet(TransferResult &result) {
  auto classes = allPlanClasses();
  llvm::SmallVector<PlanClass> irreducible(classes.begin(), classes.end());
  for (PlanClass planClass : classes) {
    llvm::SmallVector<PlanClass> fewer;
    llvm::copy_if(irreducible, std::back_inserter(fewer),
                  [&](PlanClass other) { return other != planClass; });
    llvm::Expected<bool> feasible = isFeasible(fewer);
    if (!feasible)
      return feasible.takeError();
    if (!*feasible)
      irreducible = fewer;
  }
  result.infeasibleClasses.assign(irreducible.begin(), irreducible.end());
  // A set of one or none cannot shrink.
  for (size_t size = 1; size < irreducible.size(); ++size) {
    // Subsets as ascending index lists, in lexicographic order.
    llvm::SmallVector<unsigned> index(size);
    for (unsigned i = 0; i < size; ++i)
      index[i] = i;
    while (true) {
      llvm::SmallVector<PlanClass> subset;
      for (unsigned i : index)
        subset.push_back(classes[i]);
      llvm::Expected<bool> feasible = isFeasible(subset);
      if (!feasible)
        return feasible.takeError();
      if (!*feasible) {
        result.infeasibleClasses.assign(subset.begin(), subset.end());
        return llvm::Error::success();
      }
      int64_t place = int64_t(size) - 1;
      while (place >= 0 &&
             index[place] == kNumPlanClasses - size + unsigned(place))
        --place;
      if (place < 0)
        break;
      ++index[place];
      for (size_t i = place + 1; i < size; ++i)
        index[i] = index[i - 1] + 1;
    }
  }
  return llvm::Error::success();
}
