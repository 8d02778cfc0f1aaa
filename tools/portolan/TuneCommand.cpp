//===- TuneCommand.cpp - portolan tune ------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the best plan of a model on one target, with its runners-up.
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "WorkloadOptions.h"
#include "portolan/Plan/PlanFile.h"
#include "portolan/Report/CarryoverReport.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;

namespace {

constexpr unsigned kRunnersUp = 5;

struct TuneRequest {
  llvm::StringRef model, target, output, json;
  bool printSpace;
  const WorkloadOptions &workload;
};

llvm::Error runTune(const TuneRequest &request) {
  if (request.target.empty())
    return llvm::createStringError("--target: expects a target");
  llvm::Expected<Target> target = loadTarget(request.target);
  if (!target)
    return target.takeError();
  Session session;
  if (llvm::Error error = session.loadModel(request.model))
    return error;
  llvm::Expected<RequestedWorkload> workload =
      request.workload.parse(session.model);
  if (!workload)
    return workload.takeError();
  // One plan is asked for: the first limit counts.
  double limit = workload->limitSeconds.front();
  Tuner tuner(session.model, target->machine, *target->family,
              workload->workload);
  bool quiet = request.json == "-";
  if (request.printSpace && !quiet) {
    llvm::Expected<Tuner::SpaceSummary> space = tuner.summarize();
    if (!space)
      return space.takeError();
    printSpace(llvm::outs(), *target, *space);
  }
  llvm::Expected<TargetResult> result = tuneTarget(tuner, limit, kRunnersUp);
  if (!result)
    return result.takeError();
  ReportSubject subject{PORTOLAN_VERSION, session.model, *target,
                        peakResidentBytes()};
  if (!quiet)
    printTune(llvm::outs(), subject, workload->under(limit), *result);
  if (!request.json.empty())
    if (llvm::Error error = writeJson(
            request.json, tuneJson(subject, workload->under(limit), *result)))
      return error;
  if (request.output.empty())
    return llvm::Error::success();
  if (!result->best)
    return llvm::createStringError("no plan fits, so that there is none to "
                                   "write: " +
                                   result->infeasible->reason);
  return writeText(request.output, printPlan(result->plan));
}

} // namespace

Command portolan::tuneCommand() {
  static cl::SubCommand sub("tune", "Find the best plan on one target");
  static cl::opt<std::string> model(cl::Positional, cl::sub(sub), cl::Required,
                                    cl::desc("MODEL"),
                                    cl::value_desc("name or file"));
  static cl::opt<std::string> target("target", cl::sub(sub),
                                     cl::desc("Machine with its shape"),
                                     cl::value_desc("TARGET"));
  static WorkloadOptions workload(sub);
  static cl::opt<bool> printSpace(
      "print-space", cl::sub(sub),
      cl::desc("Print the values of every class before searching"));
  static cl::opt<std::string> output("o", cl::sub(sub),
                                     cl::desc("Write the plan to a file"),
                                     cl::value_desc("plan.mlir"));
  static cl::opt<std::string> json(
      "json", cl::sub(sub),
      cl::desc("Write JSON to a file, or - for standard output"),
      cl::value_desc("FILE|-"));
  return {&sub, []() -> int {
            TuneRequest request{model, target,     output,
                                json,  printSpace, workload};
            if (llvm::Error error = runTune(request))
              return exitStatusOf(std::move(error));
            return kExitDone;
          }};
}
