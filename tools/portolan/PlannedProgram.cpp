//===- PlannedProgram.cpp - a model with its plan on a target -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlannedProgram.h"
#include "portolan/Plan/PlanFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;

ProgramOptions::ProgramOptions(cl::SubCommand &sub)
    : model(cl::Positional, cl::Required, cl::sub(sub), cl::desc("MODEL"),
            cl::value_desc("name or file")),
      target("target", cl::sub(sub), cl::desc("Machine with its shape"),
             cl::value_desc("TARGET")),
      plan("plan", cl::sub(sub),
           cl::desc("Plan file; the tuned plan without it"),
           cl::value_desc("FILE")),
      concurrency("concurrency", cl::sub(sub),
                  cl::desc("Requests in flight per model copy; the plan's "
                           "optimum without it"),
                  cl::value_desc("N")),
      workload(sub) {}

llvm::Expected<Stratum> portolan::stratumOf(llvm::StringRef option) {
  std::optional<Stratum> stratum = parseStratum(option);
  if (!stratum)
    return llvm::createStringError(
        "--stratum: expects system or kernel, got '" + option + "'");
  return *stratum;
}

llvm::Error PlannedProgram::lower(Stratum stratum) {
  if (llvm::Error error = lowerModel(*session.module, target.machine, plan,
                                     workload, concurrency))
    return error;
  if (stratum == Stratum::system)
    return llvm::Error::success();
  llvm::Expected<KernelReport> report =
      writeOutKernels(*session.module, *target.family, target.name);
  if (!report)
    return report.takeError();
  for (const std::string &refusal : report->refusals)
    llvm::errs() << "portolan: remark: " << refusal << "\n";
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<PlannedProgram>>
portolan::planProgram(const ProgramOptions &options) {
  auto program = std::make_unique<PlannedProgram>();
  if (options.target.empty())
    return llvm::createStringError("--target: expects a target");
  llvm::Expected<Target> target = loadTarget(options.target);
  if (!target)
    return target.takeError();
  program->target = std::move(*target);
  if (llvm::Error error = program->session.loadModel(options.model))
    return std::move(error);
  const ModelShape &model = program->session.model;
  llvm::Expected<RequestedWorkload> workload = options.workload.parse(model);
  if (!workload)
    return workload.takeError();
  if (workload->workload.phase == Phase::both)
    return llvm::createStringError("--phase: expects decode or prefill, as a "
                                   "program is of one phase, got 'both'");
  double limit = workload->limitSeconds.front();
  program->workload = workload->under(limit);
  if (!options.concurrency.empty()) {
    llvm::Expected<int64_t> count =
        parseCount("concurrency", options.concurrency);
    if (!count)
      return count.takeError();
    program->concurrency = *count;
  }

  const Machine &machine = program->target.machine;
  const Family &family = *program->target.family;
  Tuner tuner(model, machine, family, program->workload);
  if (options.plan.empty()) {
    llvm::Expected<TuneResult> tuned = tuner.search(limit, SearchOptions());
    if (!tuned)
      return tuned.takeError();
    if (tuned->ranked.empty())
      return llvm::createStringError("no plan of '" + options.target +
                                     "' fits the model and the limit");
    program->plan = tuned->ranked.front().plan;
  } else {
    llvm::Expected<PlanPoint> plan =
        readPlan(options.plan, program->session.context);
    if (!plan)
      return plan.takeError();
    mlir::OwningOpRef<mlir::ModuleOp> scratch =
        program->session.module->clone();
    if (llvm::Error error = applyPlan(
            *plan, family, {model, machine, program->workload}, *scratch))
      return std::move(error);
    program->plan = *plan;
  }
  if (options.concurrency.empty()) {
    llvm::Expected<Evaluation> best =
        tuner.evaluator().best(program->plan, limit);
    if (!best)
      return best.takeError();
    if (!best->isFeasible())
      return llvm::createStringError("the plan does not run: " +
                                     best->infeasible->reason);
    program->concurrency = best->concurrency;
  }
  return program;
}
