//===- CarryoverReport.h - carry-over as text, JSON and remarks -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints what runCarryover() found; computes nothing but units. The JSON is
// described in docs/json.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_REPORT_CARRYOVERREPORT_H
#define PORTOLAN_REPORT_CARRYOVERREPORT_H

#include "mlir/IR/Location.h"
#include "portolan/Search/Carryover.h"
#include "llvm/Support/JSON.h"

namespace portolan {

/// What a report is about.
struct ReportSubject {
  llvm::StringRef version;
  const ModelShape &model;
  llvm::ArrayRef<Target> targets;
  uint64_t peakBytes = 0;
};

llvm::json::Value carryoverJson(const ReportSubject &subject,
                                const CarryoverResult &result);
void printCarryover(llvm::raw_ostream &stream, const ReportSubject &subject,
                    const CarryoverResult &result);
/// Emits a Missed remark for every decision that does not carry over.
void emitCarryoverRemarks(mlir::Location location,
                          llvm::ArrayRef<Target> targets,
                          const CarryoverResult &result);

/// One target of one limit: the result of `portolan tune`.
llvm::json::Value tuneJson(const ReportSubject &subject,
                           const Workload &workload,
                           const TargetResult &result);
void printTune(llvm::raw_ostream &stream, const ReportSubject &subject,
               const Workload &workload, const TargetResult &result);
/// The values of each class and the number of plans.
void printSpace(llvm::raw_ostream &stream, const Target &target,
                const Tuner::SpaceSummary &space);

} // namespace portolan

#endif // PORTOLAN_REPORT_CARRYOVERREPORT_H
