//===- WriteOutKernels.cpp - the kernel stratum of a lowered module -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only place that lists the dialects with a kernel stratum.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Switched/Transforms/Kernels.h"
#include "mlir/IR/Verifier.h"
#include "portolan/Conversion/Lower.h"
#include "portolan/Support/InternalError.h"

using namespace mlir;
using namespace portolan;

namespace {

struct KernelStratum {
  llvm::StringLiteral family;
  LogicalResult (*writeOut)(ModuleOp, StringRef target, bool keepRefused,
                            bool toRun);
};

constexpr KernelStratum kStrata[] = {{"switched", switched::lowerToKernels}};

} // namespace

std::optional<Stratum> portolan::parseStratum(StringRef name) {
  if (name == "system")
    return Stratum::system;
  if (name == "kernel")
    return Stratum::kernel;
  return std::nullopt;
}

llvm::Expected<KernelReport> portolan::writeOutKernels(ModuleOp module,
                                                       const Family &family,
                                                       StringRef target,
                                                       bool toRun) {
  const KernelStratum *stratum = nullptr;
  std::string names;
  for (const KernelStratum &candidate : kStrata) {
    names += (names.empty() ? "" : ", ") + candidate.family.str();
    if (candidate.family == family.name())
      stratum = &candidate;
  }
  if (!stratum)
    return llvm::createStringError("target '" + target +
                                   "': expects a family with a kernel stratum "
                                   "(" +
                                   names + "), got '" + family.name() + "'");
  KernelReport report;
  std::string error;
  LogicalResult result = failure();
  {
    ScopedDiagnosticHandler handler(
        module.getContext(), [&](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
            report.refusals.push_back(diagnostic.str());
          else if (error.empty())
            error = diagnostic.str();
          return success();
        });
    result = stratum->writeOut(module, target, /*keepRefused=*/true, toRun);
    if (succeeded(result))
      result = verify(module);
  }
  if (failed(result))
    return llvm::make_error<InternalError>(error);
  module.walk([&](Operation *op) {
    report.writtenOut += isa<StepOpInterface>(op) && op->getNumRegions() != 0;
  });
  return report;
}
