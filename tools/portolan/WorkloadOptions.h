//===- WorkloadOptions.h - the workload flags of the commands --*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --phase, --context, --output-tokens, --max-tpot-ms, --max-ttft-ms,
// --popularity, --formats and --acceptance-rate, shared by every command that
// serves a workload.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TOOLS_PORTOLAN_WORKLOADOPTIONS_H
#define PORTOLAN_TOOLS_PORTOLAN_WORKLOADOPTIONS_H

#include "portolan/Analysis/ModelShape.h"
#include "portolan/Analysis/Workload.h"
#include "llvm/Support/CommandLine.h"

namespace portolan {

/// What the flags ask for: one workload per limit.
struct RequestedWorkload {
  /// With the first limit.
  Workload workload;
  /// Seconds: TPOT, in prefill TTFT; at least one.
  std::vector<double> limitSeconds;

  /// The workload under one of the limits.
  Workload under(double limit) const {
    Workload result = workload;
    result.setLimit(limit);
    return result;
  }
};

/// The flags as options of one subcommand: a function-local static.
struct WorkloadOptions {
  explicit WorkloadOptions(llvm::cl::SubCommand &sub);

  /// Reads and checks them all; an error names the flag, what it expects and
  /// what it got.
  llvm::Expected<RequestedWorkload> parse(const ModelShape &model) const;

  llvm::cl::opt<std::string> phase, context, outputTokens, maxTpotMs, maxTtftMs,
      popularity, formats, acceptanceRate;

private:
  llvm::Error parseAllLimits(RequestedWorkload &result) const;
};

/// A whole number from 1 to a billion; an error "--FLAG: expects ..., got ...".
llvm::Expected<int64_t> parseCount(llvm::StringRef flag, llvm::StringRef text);

} // namespace portolan

#endif // PORTOLAN_TOOLS_PORTOLAN_WORKLOADOPTIONS_H
