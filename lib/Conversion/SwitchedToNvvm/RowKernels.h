//===- RowKernels.h - kernels that pack rows by destination -----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_ROWKERNELS_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_ROWKERNELS_H

#include "lib/Conversion/SwitchedToNvvm/Emitter.h"
#include "lib/Conversion/SwitchedToNvvm/KernelForm.h"

namespace portolan::kernels {

/// A program that copies the rows of tokens to the experts that they name.
struct RowsForm {
  switched::KernelOp kernel;
  switched::CountRowsOp count;
  switched::ForRowsOp rows;
  switched::RowLoadOp load;
  switched::RowStoreOp store;
  int64_t tokens = 0, choices = 0; ///< of the indices [tokens, choices]
  int64_t experts = 0, first = 0;  ///< that are destinations
  int64_t rowBytes = 0;

  // Shared memory, in bytes from its start.
  int64_t tile = 0, barrier = 0, next = 0, totals = 0, before = 0;
  int64_t sharedBytes = 0;
  llvm::SmallVector<Parameter, 8> parameters; ///< one per argument
};

inline constexpr int64_t kRowThreads = 128;

/// Whether a program is of that kind: it counts rows.
bool packsRows(switched::KernelOp kernel);

/// Emits an error and fails if the program has no emission.
mlir::FailureOr<RowsForm> rowsFormOf(switched::KernelOp kernel,
                                     const Core &core);

/// Writes its function at the builder's place.
mlir::LLVM::LLVMFuncOp writeRows(mlir::OpBuilder &builder, const RowsForm &form,
                                 llvm::StringRef name);

/// The counters of `switched.count_rows`, for experts as destinations: `next`
/// and, in the first block, `counts`. `totals` and `before` are as many words
/// of shared memory, 0 at the start. A thread counts its share of the indices,
/// `increase` adding 1 to a counter; then one thread sums up.
struct RowCounts {
  Value indices, counts; ///< global memory
  Value next, totals, before;
  int64_t tokens = 0, choices = 0, experts = 0, first = 0;
};
void emitCountShare(Emitter &e, const RowCounts &rows, Value thread,
                    int64_t threads, Value firstToken,
                    llvm::function_ref<void(Value)> increase);
void emitSumCounts(Emitter &e, const RowCounts &rows, Value isFirstBlock);

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_ROWKERNELS_H
