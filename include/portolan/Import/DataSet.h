//===- DataSet.h - inputs and expected outputs of a model ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads data sets in the layout of the ONNX backend tests: a folder with
// input_0.pb, input_1.pb, ... and output_0.pb, ..., one TensorProto each.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_IMPORT_DATASET_H
#define PORTOLAN_IMPORT_DATASET_H

#include "portolan/Execution/Tensor.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace portolan {

/// One data set: the model's inputs in its order, and the outputs if the
/// folder has them. A tensor's name is empty if its file has none.
struct DataSet {
  std::string folder;
  std::vector<NamedTensor> inputs;
  std::vector<NamedTensor> outputs;
};

/// Reads one tensor.
llvm::Expected<NamedTensor> readTensor(llvm::StringRef path);

/// Reads `folder`, which is one data set, or each test_data_set_N in it, in
/// the order of N. There is at least one, and each has an input or an output.
llvm::Expected<std::vector<DataSet>> readDataSets(llvm::StringRef folder);

} // namespace portolan

#endif // PORTOLAN_IMPORT_DATASET_H
