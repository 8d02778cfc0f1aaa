//===- Kernels.h - kernel programs and their machine -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the passes that make kernel programs and that check them.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_KERNELS_H
#define PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_KERNELS_H

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "portolan/Machine/Core.h"

namespace portolan::switched {

/// The machine named by `target` or, if that is empty, by the module's
/// `portolan.target`. Emits an error if there is none or if it is not switched.
mlir::FailureOr<std::string> targetOf(mlir::ModuleOp module,
                                      llvm::StringRef target);

/// Bytes that a ring of tiles takes in shared memory: every stage starts at a
/// multiple of 1024, the repeat of a swizzle of 128 bytes.
int64_t smemFootprint(SmemType type);

/// Bytes that the barriers of a ring take, and counters.
int64_t smemFootprint(MbarrierType type);
int64_t smemFootprint(CountersType type);

/// A machine that kernels are written for.
struct KernelMachine {
  const Machine &machine;
  const Core &core;
  /// A step without program stays as it is, and a remark says why; otherwise
  /// that is an error.
  bool keepRefused = false;

  /// Says why `op` has no program: "expects X, got Y" and the label of the rule
  /// in the dialect's README.
  mlir::InFlightDiagnostic refuse(mlir::Operation *op, llvm::StringRef label,
                                  const llvm::Twine &text) const;

  /// The engine of a step with a token tile; null: refused (lower_c1).
  const Engine *matmulOf(mlir::Operation *op, const Step &step) const;
  /// Refuses a format that the matrix unit does not add up in f32 (lower_c3).
  mlir::LogicalResult expectSums(mlir::Operation *op, Format compute) const;
  /// Refuses rows in global memory that no tensor map has (lower_c8).
  mlir::LogicalResult expectRows(mlir::Operation *op, int64_t elements,
                                 Format format) const;

  bool hasTensorMemory() const {
    return core.matrixUnit == MatrixUnit::tensorMemory;
  }
  /// Whether one block issues products of `columns` x `tokens`.
  bool hasShape(Format compute, int64_t columns, int64_t tokens) const {
    return hasTensorMemory()
               ? tcgen05HasShape(compute, columns, tokens, /*pair=*/false)
               : columns == kWgmmaRows && wgmmaHasTokens(tokens);
  }
};

/// As KernelMachine::refuse(), where no machine is known.
mlir::InFlightDiagnostic refuse(mlir::Operation *op, bool keepRefused,
                                llvm::StringRef label, const llvm::Twine &text);

/// Writes out the hot steps of a module for the machine of targetOf(). `toRun`:
/// only those whose programs convert-switched-to-linalg gives a meaning.
mlir::LogicalResult lowerToKernels(mlir::ModuleOp module,
                                   llvm::StringRef target, bool keepRefused,
                                   bool toRun = false);

/// A kernel step that covers what `step` covers, at the builder's place. Its
/// region has one block, the end of which the builder is set to. The step stays
/// and keeps its uses.
KernelStepOp createKernelStep(mlir::OpBuilder &builder, mlir::Operation *step);

/// The same of a communication step.
KernelTransferOp createKernelTransfer(mlir::OpBuilder &builder,
                                      mlir::Operation *step);

/// A kernel at the builder's place, which stays behind it. Its region has one
/// block, whose arguments are the inputs and results in global memory.
KernelOp createKernel(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::TypeRange results, mlir::ValueRange inputs,
                      int64_t units, int64_t cluster);

/// The programs of a step beside it, which stays; refused if it has none.
mlir::FailureOr<KernelStepOp> lowerGroupedGemm(GroupedGemmOp op,
                                               const KernelMachine &target);
mlir::FailureOr<KernelStepOp> lowerRouter(RouterTopkOp op,
                                          const KernelMachine &target);
mlir::FailureOr<KernelStepOp> lowerLatentAttention(LatentAttentionOp op,
                                                   const KernelMachine &target);
mlir::FailureOr<KernelStepOp> lowerPack(PackOp op, const KernelMachine &target);
mlir::FailureOr<KernelStepOp> lowerPermute(PermuteOp op,
                                           const KernelMachine &target);
mlir::FailureOr<KernelTransferOp> lowerRowPut(RowPutOp op,
                                              const KernelMachine &target);
mlir::FailureOr<KernelTransferOp> lowerAllReduce(AllReduceOp op,
                                                 const KernelMachine &target);

/// The value [.., X] with its leading dimensions as one; a vector if `leading`
/// says that all dimensions are leading ones.
mlir::Value flattenRows(mlir::OpBuilder &builder, mlir::Value value,
                        bool leading = false);
/// The inverse: `value` as `type`.
mlir::Value unflattenRows(mlir::OpBuilder &builder, mlir::Value value,
                          mlir::RankedTensorType type);
/// The type of flattenRows().
mlir::RankedTensorType flatType(mlir::RankedTensorType type,
                                bool leading = false);

/// Units of a communication step: the share of them that the machine's link
/// takes. Refused if the group is not inside of a domain.
mlir::FailureOr<int64_t> transferUnits(mlir::Operation *op,
                                       const LocalOp &local, const Step &step,
                                       const KernelMachine &target);

/// Checks the programs of one step against the machine.
mlir::LogicalResult verifyKernels(mlir::Operation *step,
                                  const KernelMachine &target);

/// Checks every kernel program of a module against the machine (labels in the
/// dialect's README). A module without programs needs no machine.core.
mlir::LogicalResult verifyKernels(mlir::ModuleOp module,
                                  llvm::StringRef target);

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_TRANSFORMS_KERNELS_H
