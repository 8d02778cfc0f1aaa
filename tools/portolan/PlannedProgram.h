//===- PlannedProgram.h - a model with its plan on a target ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `lower` and `price` have in common: the request (model, target, plan,
// workload, concurrency), and the program that it means.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TOOLS_PORTOLAN_PLANNEDPROGRAM_H
#define PORTOLAN_TOOLS_PORTOLAN_PLANNEDPROGRAM_H

#include "Session.h"
#include "WorkloadOptions.h"
#include "portolan/Conversion/Lower.h"

namespace portolan {

struct ProgramOptions {
  explicit ProgramOptions(llvm::cl::SubCommand &sub);

  llvm::cl::opt<std::string> model, target, plan, concurrency;
  WorkloadOptions workload;
};

struct PlannedProgram {
  Session session;
  Target target;
  Workload workload;
  PlanPoint plan;
  /// Requests in flight per model copy.
  int64_t concurrency = 1;

  /// Lowers the session's module to the target's dialect, down to `stratum`.
  /// Hot steps that have no kernel program are told on standard error.
  llvm::Error lower(Stratum stratum = Stratum::system);
};

/// The stratum of the option --stratum.
llvm::Expected<Stratum> stratumOf(llvm::StringRef option);

/// The program that the options mean: the plan of --plan, refused at its first
/// illegal decision, or the tuned one; --concurrency, or the plan's optimum
/// under the first limit.
llvm::Expected<std::unique_ptr<PlannedProgram>>
planProgram(const ProgramOptions &options);

} // namespace portolan

#endif // PORTOLAN_TOOLS_PORTOLAN_PLANNEDPROGRAM_H
