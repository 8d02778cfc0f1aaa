//===- Weights.h - the bytes of weights ------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the bytes that a moe.weight_data names. Files are memory-mapped once; a
// model cannot make Portolan read a file outside its own folder. Weights that a
// file keeps in parts are copied into one piece.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_WEIGHTS_H
#define PORTOLAN_EXECUTION_WEIGHTS_H

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Execution/Tensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace portolan {

class WeightFiles {
public:
  /// `folder` is the model's; the current folder if empty.
  explicit WeightFiles(llvm::StringRef folder) : folder(folder) {}

  /// The weight's bytes; valid as long as this object and `data` are.
  llvm::Expected<TensorView> view(moe::WeightDataOp data);

private:
  llvm::Expected<llvm::StringRef> contents(llvm::StringRef file);

  std::string folder;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
  /// Copies of the weights that are not aligned or not in one piece.
  std::vector<std::unique_ptr<Tensor>> copies;
};

} // namespace portolan

#endif // PORTOLAN_EXECUTION_WEIGHTS_H
