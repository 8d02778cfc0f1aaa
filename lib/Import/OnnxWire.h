//===- OnnxWire.h - where the bytes of tensors are in a file ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scans the protobuf wire format of a model beside its parsed form, in order
// to learn at which offset of the file the bytes of each tensor are: protobuf
// copies them and does not tell.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_ONNXWIRE_H
#define PORTOLAN_LIB_IMPORT_ONNXWIRE_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>

namespace onnx {
class ModelProto;
class TensorProto;
} // namespace onnx

namespace portolan::onnx_import {

/// A run of bytes of the file.
struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

/// The tensors whose elements are one run of bytes in the file (`raw_data`, or
/// `float_data` and `double_data` in one packed piece), by their parsed form.
using TensorPlaces = llvm::DenseMap<const onnx::TensorProto *, ByteRange>;

/// Checks that `file` is a sequence of whole protobuf fields; the error names
/// the byte at which it ends early or stops being one.
llvm::Error checkWireFormat(llvm::StringRef file);

/// The model `file` without the `raw_data` of `leastBytes` or more, which are
/// empty then: protobuf copies what it reads and takes no 2 GiB. Nothing if
/// there are none.
llvm::Expected<std::optional<std::string>> cutRawData(llvm::StringRef file,
                                                      uint64_t leastBytes);

/// Finds the bytes of the tensors of `model`, which was parsed from `file` or
/// from what cutRawData() left of it.
llvm::Expected<TensorPlaces> locateTensors(llvm::StringRef file,
                                           const onnx::ModelProto &model);

} // namespace portolan::onnx_import

#endif // PORTOLAN_LIB_IMPORT_ONNXWIRE_H
