//===- CarryoverCommand.cpp - portolan carryover --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The main job: which decisions of each target's best plan carry over to the
// other targets, and what the others cost.
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "WorkloadOptions.h"
#include "dialects/Plan/IR/Remarks.h"
#include "mlir/IR/Remarks.h"
#include "portolan/Plan/PlanFile.h"
#include "portolan/Report/CarryoverReport.h"
#include "portolan/Support/InternalError.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;

namespace {

struct CarryoverFlags {
  llvm::StringRef model, targets, plan, json;
  bool remarks;
  const WorkloadOptions &workload;
};

/// The default targets of the families that exist.
std::vector<std::string> loweredDefaults() {
  std::vector<std::string> names;
  for (const std::string &name : defaultTargets()) {
    llvm::Expected<Machine> machine = loadMachine(name);
    bool exists = machine && llvm::any_of(allFamilies(), [&](auto *family) {
                    return family->name() == machine->family;
                  });
    if (!machine)
      llvm::consumeError(machine.takeError());
    else if (exists)
      names.push_back(name);
  }
  return names;
}

llvm::Expected<std::vector<Target>> loadTargets(llvm::StringRef list) {
  std::vector<Target> targets;
  std::vector<std::string> names = loweredDefaults();
  if (!list.empty()) {
    names.clear();
    llvm::SmallVector<llvm::StringRef> parts;
    list.split(parts, ',');
    for (llvm::StringRef part : parts)
      names.push_back(part.trim().str());
  }
  for (const std::string &name : names) {
    if (name.empty())
      return llvm::createStringError("--targets: expects names separated by "
                                     "commas, got '" +
                                     list + "'");
    for (const Target &other : targets)
      if (other.name == name)
        return llvm::createStringError("--targets: expects each target once, "
                                       "got '" +
                                       name + "' twice");
    llvm::Expected<Target> target = loadTarget(name);
    if (!target)
      return target.takeError();
    targets.push_back(std::move(*target));
  }
  return targets;
}

/// Replays every plan through the transform interpreter, too: both ways must
/// give the same repair.
llvm::Error crossCheck(Session &session, const CarryoverRequest &request,
                       const CarryoverResult &result) {
  for (const LimitResult &limit : result.limits)
    for (const TransferResult &transfer : limit.transfers) {
      const Target &target = request.targets[transfer.target];
      PlanPoint plan =
          request.pinned.value_or(limit.targets[transfer.source].plan);
      PlanContext context{request.model, target.machine, request.workload};
      Repair fast = repairPlan(plan, *target.family, context);
      llvm::Expected<Repair> replayed =
          replayPlan(plan, *target.family, context, *session.module);
      if (!replayed)
        return replayed.takeError();
      if (replayed->plan != fast.plan)
        return llvm::make_error<InternalError>(
            "the interpreter and the fast path repair a plan for '" +
            target.name + "' differently");
    }
  return llvm::Error::success();
}

void printRemarks(Session &session, const CarryoverRequest &request,
                  const CarryoverResult &result) {
  mlir::remark::RemarkCategories categories;
  categories.missed = plan::kRemarkCategory.str();
  // A streamer is not needed: remarks are printed as diagnostics.
  if (failed(mlir::remark::enableOptimizationRemarks(
          session.context, nullptr,
          std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), categories,
          /*printAsEmitRemarks=*/true)))
    return;
  mlir::ScopedDiagnosticHandler handler(
      &session.context, [](mlir::Diagnostic &diagnostic) {
        auto place = llvm::dyn_cast<mlir::NameLoc>(diagnostic.getLocation());
        llvm::errs() << (place ? place.getName().getValue() : "")
                     << ": remark: " << diagnostic.str() << "\n";
        return mlir::success();
      });
  emitCarryoverRemarks(session.module->getLoc(), request.targets, result);
}

llvm::Error runCommand(const CarryoverFlags &flags) {
  llvm::Expected<std::vector<Target>> targets = loadTargets(flags.targets);
  if (!targets)
    return targets.takeError();
  Session session;
  if (llvm::Error error = session.loadModel(flags.model))
    return error;
  llvm::Expected<RequestedWorkload> workload =
      flags.workload.parse(session.model);
  if (!workload)
    return workload.takeError();
  CarryoverRequest request{session.model, *targets, workload->workload,
                           workload->limitSeconds, std::nullopt};
  if (!flags.plan.empty()) {
    llvm::Expected<PlanPoint> plan = readPlan(flags.plan, session.context);
    if (!plan)
      return plan.takeError();
    request.pinned = *plan;
  }
  llvm::Expected<CarryoverResult> result = runCarryover(request);
  if (!result)
    return result.takeError();
  if (llvm::Error error = crossCheck(session, request, *result))
    return error;
  ReportSubject subject{PORTOLAN_VERSION, session.model, *targets,
                        peakResidentBytes()};
  if (flags.json != "-")
    printCarryover(llvm::outs(), subject, *result);
  if (flags.remarks)
    printRemarks(session, request, *result);
  if (!flags.json.empty())
    return writeJson(flags.json, carryoverJson(subject, *result));
  return llvm::Error::success();
}

} // namespace

Command portolan::carryoverCommand() {
  static cl::SubCommand sub(
      "carryover", "Say which decisions carry over to other targets, and what "
                   "it costs");
  static cl::opt<std::string> model(cl::Positional, cl::sub(sub),
                                    cl::desc("[MODEL]"),
                                    cl::value_desc("name or file"));
  static cl::opt<std::string> targets("targets", cl::sub(sub),
                                      cl::desc("Machines with their shapes"),
                                      cl::value_desc("T,T,..."));
  static WorkloadOptions workload(sub);
  static cl::opt<std::string> plan(
      "plan", cl::sub(sub),
      cl::desc("Replay this plan instead of each target's own"),
      cl::value_desc("FILE"));
  static cl::opt<std::string> json(
      "json", cl::sub(sub),
      cl::desc("Write JSON to a file, or - for standard output"),
      cl::value_desc("FILE|-"));
  static cl::opt<bool> remarks(
      "remarks", cl::sub(sub),
      cl::desc("Print an MLIR remark for every decision that does not carry"));
  return {&sub, []() -> int {
            CarryoverFlags flags{model, targets, plan, json, remarks, workload};
            if (llvm::Error error = runCommand(flags))
              return exitStatusOf(std::move(error));
            return kExitDone;
          }};
}
