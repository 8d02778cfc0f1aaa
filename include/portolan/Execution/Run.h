//===- Run.h - run a moe module on the host --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference that every lowered program is compared with: the moe module
// itself, decomposed to linalg and compiled for the host.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_RUN_H
#define PORTOLAN_EXECUTION_RUN_H

#include "mlir/IR/BuiltinOps.h"
#include "portolan/Execution/Tensor.h"
#include "llvm/ADT/StringMap.h"

namespace portolan {

/// Runs `@main` of `module`, which stays as it is. Inputs are matched by the
/// `moe.name` of the arguments, or by position if no input has a name; their
/// shapes give the dimensions of `moe.dims` their sizes. Weights are read from
/// files in `weightsFolder`. Outputs are named by the `moe.name` of the
/// results, or output_0, output_1, ..
llvm::Expected<std::vector<NamedTensor>>
runModule(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
          llvm::StringRef weightsFolder);

/// The sizes that `inputs`, in the order of the arguments of `@main` (null for
/// an argument without one), give to the names in `moe.dims`, after checking
/// element types, ranks and static dimensions.
llvm::Expected<llvm::StringMap<int64_t>>
sizesOfInputs(mlir::ModuleOp module, llvm::ArrayRef<const Tensor *> inputs);

/// One tensor of `inputs` per argument of `@main`, in their order.
llvm::Expected<std::vector<const Tensor *>>
matchInputs(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs);

/// Checks that ids and positions that come straight from an input lie within
/// their tables: compiled code does not report them.
llvm::Error checkIndexInputs(mlir::ModuleOp module,
                             llvm::ArrayRef<const Tensor *> inputs);

/// The names of the results of `@main`.
std::vector<std::string> outputNames(mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_RUN_H
