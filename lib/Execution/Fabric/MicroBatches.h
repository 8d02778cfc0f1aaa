//===- MicroBatches.h - inputs cut along the batch -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_FABRIC_MICROBATCHES_H
#define PORTOLAN_LIB_EXECUTION_FABRIC_MICROBATCHES_H

#include "mlir/IR/BuiltinOps.h"
#include "portolan/Execution/Tensor.h"

namespace portolan {

/// The inputs of each micro-batch: `count` of them, or as many as there are
/// sequences, the first ones a sequence larger if uneven. Inputs whose first
/// dimension has the name of that of the ids are cut, the others are
/// everyone's. An error if the batch has no name, which alone can be cut, and
/// `count` is above 1.
llvm::Expected<std::vector<std::vector<NamedTensor>>>
cutBatch(mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
         int64_t count);

/// The outputs of all micro-batches, side by side along the first dimension.
llvm::Expected<std::vector<NamedTensor>>
joinBatch(std::vector<std::vector<NamedTensor>> outputs);

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_FABRIC_MICROBATCHES_H
