//===- Lower.h - from a moe module to a target's dialect -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The whole way down: bind the workload, partition, lower. And the price of
// what came out, read from the lowered ops alone.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_LOWER_H
#define PORTOLAN_CONVERSION_LOWER_H

#include "portolan/Analysis/Estimate.h"
#include "portolan/Conversion/SpmdToSystem.h"

namespace portolan {

/// Gives the dimensions of a model their sizes under a workload: `sequences` of
/// one micro-batch, each with the mean past of its life and, in decode, with
/// `drafted` new tokens beside the last one, all of which get logits.
mlir::LogicalResult bindToWorkload(mlir::ModuleOp module,
                                   const Workload &workload, int64_t sequences,
                                   int64_t drafted = 0);

/// Lowers a moe module in place for `machine` under `plan` with `concurrency`
/// sequences in flight per model copy. An error names the op and what does not
/// fit; an InternalError a family that covers an op with other work.
llvm::Error lowerModel(mlir::ModuleOp module, const Machine &machine,
                       const PlanPoint &plan, const Workload &workload,
                       int64_t concurrency);

/// The same for a module whose dimensions are static already.
llvm::Error lowerBound(mlir::ModuleOp module, const Machine &machine,
                       const PlanPoint &plan, const Popularity &popularity);

/// How far a program is written out: one op per kernel launch, or what happens
/// inside of the hot ones as well.
enum class Stratum : uint8_t { system, kernel };

/// The stratum of that name, or nothing.
std::optional<Stratum> parseStratum(llvm::StringRef name);

/// What became of the hot steps of a module.
struct KernelReport {
  int64_t writtenOut = 0; ///< steps whose kernels are there
  /// Why each other one stayed, with the label of the rule.
  std::vector<std::string> refusals;
};

/// Writes out the kernels of a module that was lowered for `target`, a machine
/// file or name with its shape, of `family`. Hot steps without program stay,
/// and if they are `toRun`, those without a meaning on the host. An error if
/// the family's dialect has no kernel stratum.
llvm::Expected<KernelReport> writeOutKernels(mlir::ModuleOp module,
                                             const Family &family,
                                             llvm::StringRef target,
                                             bool toRun = false);

/// The price of a lowered stage program.
struct LoweredPrice {
  std::string entry;
  int64_t stage = 0;
  double seconds = 0;
  Parts parts;
};

/// The price of every entry of a lowered module at nominal figures.
llvm::Expected<std::vector<LoweredPrice>>
priceLowered(mlir::ModuleOp module, const PricedMachine &machine);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_LOWER_H
