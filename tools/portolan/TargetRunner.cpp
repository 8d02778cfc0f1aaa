//===- TargetRunner.cpp - data sets on a target ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetRunner.h"
#include "portolan/Execution/Run.h"
#include "portolan/Plan/PlanFile.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace portolan;
using llvm::createStringError;

llvm::Expected<std::unique_ptr<TargetRunner>>
TargetRunner::create(llvm::StringRef model, llvm::StringRef target,
                     llvm::StringRef planFile, Stratum stratum) {
  std::unique_ptr<TargetRunner> runner(new TargetRunner());
  runner->stratum = stratum;
  llvm::Expected<Target> loaded = loadTarget(target);
  if (!loaded)
    return loaded.takeError();
  runner->target = std::move(*loaded);
  if (llvm::Error error = runner->session.loadModel(model))
    return std::move(error);
  if (planFile.empty())
    return runner;
  llvm::Expected<PlanPoint> plan = readPlan(planFile, runner->session.context);
  if (!plan)
    return plan.takeError();
  runner->given = *plan;
  return runner;
}

/// The workload that inputs are a step of: ids [batch, new tokens], caches
/// [batch, .., past, width].
static Workload workloadOf(llvm::ArrayRef<const Tensor *> inputs) {
  Workload workload;
  workload.outputTokens = 1;
  int64_t newTokens = 1, past = 0;
  if (!inputs.empty() && inputs.front()->shape.size() == 2)
    newTokens = inputs.front()->shape[1];
  for (const Tensor *input : inputs)
    if (input->shape.size() >= 3)
      past = std::max(past, input->shape[input->shape.size() - 2]);
  workload.phase = past > 0 || newTokens == 1 ? Phase::decode : Phase::prefill;
  workload.contextTokens =
      std::max<int64_t>(workload.decodes() ? past : newTokens, 1);
  return workload;
}

/// Whether a plan is in normal form and legal for a workload.
llvm::Error TargetRunner::check(const PlanPoint &point,
                                const Workload &workload) {
  mlir::OwningOpRef<mlir::ModuleOp> scratch = session.module->clone();
  return applyPlan(point, *target.family,
                   {session.model, target.machine, workload}, *scratch);
}

llvm::Expected<PlanPoint>
TargetRunner::planFor(llvm::ArrayRef<const Tensor *> inputs) {
  Workload workload = workloadOf(inputs);
  if (given) {
    // A plan is of one phase; a step of the other one runs under it too.
    llvm::Error error = check(*given, workload);
    if (!error)
      return *given;
    Workload other = workload;
    other.phase = workload.decodes() ? Phase::prefill : Phase::decode;
    if (llvm::Error second = check(*given, other)) {
      llvm::consumeError(std::move(second));
      return std::move(error);
    }
    llvm::consumeError(std::move(error));
    return *given;
  }
  Tuner tuner(session.model, target.machine, *target.family, workload);
  llvm::Expected<TuneResult> tuned =
      tuner.search(workload.limitSeconds(), SearchOptions());
  if (!tuned)
    return tuned.takeError();
  if (tuned->ranked.empty())
    return createStringError("no plan of '" + target.name +
                             "' fits the model and the limit");
  return tuned->ranked.front().plan;
}

static FormatError formatErrorOf(const NamedTensor &exact,
                                 const Tensor &rounded) {
  FormatError error{exact.name, 0, 0};
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < exact.tensor.size(); ++i) {
    double value = exact.tensor.at(i), distance = rounded.at(i) - value;
    error.largest = std::max(error.largest, std::abs(distance));
    difference += distance * distance;
    norm += value * value;
  }
  error.relative = norm > 0 ? std::sqrt(difference / norm) : 0;
  return error;
}

llvm::Expected<std::vector<NamedTensor>>
TargetRunner::run(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                  llvm::StringRef folder, FabricMaker &fabrics) {
  llvm::Expected<std::vector<const Tensor *>> matched =
      matchInputs(module, inputs);
  if (!matched)
    return matched.takeError();
  llvm::Expected<PlanPoint> chosen = planFor(*matched);
  if (!chosen)
    return chosen.takeError();
  plan = *chosen;
  TargetSetting setting{target.machine, *target.family, plan};
  setting.stratum = stratum;
  setting.target = target.name;
  llvm::Expected<int64_t> count = ranksOf(setting);
  if (!count)
    return count.takeError();
  ranks = *count;
  auto runIn = [&](RunFormats formats) -> llvm::Expected<TargetRun> {
    setting.formats = formats;
    llvm::Expected<Fabric *> fabric = fabrics.ofRanks(ranks);
    if (!fabric)
      return fabric.takeError();
    return runOnTarget(module, inputs, folder, setting, **fabric);
  };
  llvm::Expected<TargetRun> run = runIn(RunFormats::ofTypes);
  if (!run)
    return run.takeError();
  llvm::Expected<TargetRun> rounded = runIn(RunFormats::ofPlan);
  if (!rounded)
    return rounded.takeError();
  formatErrors.clear();
  for (auto [exact, other] : llvm::zip_equal(run->outputs, rounded->outputs))
    formatErrors.push_back(formatErrorOf(exact, other.tensor));
  kernels = std::move(run->kernels);
  traffic = std::move(run->traffic);
  for (const TransferTraffic &row : traffic)
    contradicted += !row.movesWhatItStates();
  return std::move(run->outputs);
}

/// "link 1024 of 1024", "rails 12 of 12", or nothing where none is stated.
static void printBusiest(llvm::raw_ostream &os, llvm::StringRef name,
                         double bytes, double stated) {
  if (stated > 0)
    os << llvm::format(", busiest %s %.0f bytes of %.0f", name.str().c_str(),
                       bytes, stated);
}

void TargetRunner::print(llvm::raw_ostream &os) const {
  os << "  " << target.name << ": " << ranks
     << (ranks == 1 ? " rank" : " ranks");
  for (PlanClass planClass : allPlanClasses())
    if (plan.get(planClass) != kNone)
      os << ", " << spell(planClass) << " "
         << spell(planClass, plan.get(planClass));
  os << "\n";
  if (stratum == Stratum::kernel)
    os << "  kernels of " << kernels.writtenOut
       << (kernels.writtenOut == 1 ? " step" : " steps") << " written out\n";
  for (const std::string &refusal : kernels.refusals)
    os << "  remark: " << refusal << "\n";
  for (const TransferTraffic &row : traffic) {
    os << "  " << row.op << " " << spell(row.algorithm) << ": " << row.calls
       << " calls, "
       << llvm::format("%.0f bytes of %.0f stated, ", row.payloadBytes,
                       row.statedPayloadBytes)
       << row.messages << " messages"
       << llvm::format(", %.0f bytes near and %.0f far", row.sentBytes[0],
                       row.sentBytes[1]);
    printBusiest(os, "near link", row.busiestBytes[0],
                 row.statedBusiestBytes[0]);
    printBusiest(os, "far link", row.busiestBytes[1],
                 row.statedBusiestBytes[1]);
    if (!row.movesWhatItStates())
      os << ": differs";
    os << "\n";
  }
  for (const FormatError &error : formatErrors)
    os << "  in the formats of the plan " << error.output
       << llvm::format(": largest difference %.2e, relative %.2e\n",
                       error.largest, error.relative);
}
