//===- TargetRunner.h - data sets on a target ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `portolan run --target` does with each data set: choose or check a plan
// for the workload that the inputs are, lower, run, and tell what moved.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TOOLS_PORTOLAN_TARGETRUNNER_H
#define PORTOLAN_TOOLS_PORTOLAN_TARGETRUNNER_H

#include "FabricMaker.h"
#include "Session.h"
#include "portolan/Execution/RunTarget.h"

namespace portolan {

/// An output in the formats of a plan against the same output without them.
struct FormatError {
  std::string output;
  double largest = 0;  ///< difference of an element
  double relative = 0; ///< norm of the difference over that of the output
};

class TargetRunner {
public:
  /// `planFile` may be empty: the tuned plan then. With Stratum::kernel the
  /// kernels of hot steps run in their place.
  static llvm::Expected<std::unique_ptr<TargetRunner>>
  create(llvm::StringRef model, llvm::StringRef target,
         llvm::StringRef planFile, Stratum stratum);

  /// Runs `module`, the model as its file has it, on a fabric with as many
  /// ranks as the plan.
  llvm::Expected<std::vector<NamedTensor>>
  run(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
      llvm::StringRef folder, FabricMaker &fabrics);

  /// The program and the traffic of the last run.
  void print(llvm::raw_ostream &os) const;
  /// Transfers of all runs that moved other bytes than they state.
  unsigned contradictions() const { return contradicted; }

private:
  TargetRunner() = default;
  llvm::Error check(const PlanPoint &point, const Workload &workload);
  llvm::Expected<PlanPoint> planFor(llvm::ArrayRef<const Tensor *> inputs);

  Session session; ///< the model as it is served, for the plan
  Target target;
  std::optional<PlanPoint> given;
  PlanPoint plan;
  Stratum stratum = Stratum::system;
  KernelReport kernels;
  int64_t ranks = 0;
  std::vector<TransferTraffic> traffic;
  /// How far the plan's number formats are from the types of the model.
  std::vector<FormatError> formatErrors;
  unsigned contradicted = 0;
};

} // namespace portolan

#endif // PORTOLAN_TOOLS_PORTOLAN_TARGETRUNNER_H
