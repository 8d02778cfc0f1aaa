//===- OnnxTensor.h - element types and bytes of ONNX tensors --*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a TensorProto says of its type and elements, checked. Errors do not
// name the tensor; the caller knows what it is called.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_ONNXTENSOR_H
#define PORTOLAN_LIB_IMPORT_ONNXTENSOR_H

#include "lib/Import/OnnxWire.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>
#include <string>
#include <vector>

namespace portolan::onnx_import {

/// The element type of the number that ONNX files use for it, newer ones
/// included. Signed integers are signless in MLIR, unsigned ones are not.
llvm::Expected<mlir::Type> elementType(int32_t number,
                                       mlir::MLIRContext *context);

/// Tensors of more dimensions are refused: each step of an analysis looks at
/// all of them.
inline constexpr size_t kMaxRank = 64;

/// Bytes of a tensor of this shape in a file: elements narrower than a byte are
/// packed, an i1 takes one. Fails if a dimension is negative, if there are too
/// many, or if the size does not fit in 63 bits.
llvm::Expected<uint64_t> byteSize(llvm::ArrayRef<int64_t> shape,
                                  mlir::Type element);

/// The elements of a tensor that is not external, little-endian.
llvm::Expected<std::vector<char>> tensorBytes(const onnx::TensorProto &tensor,
                                              mlir::MLIRContext *context);

/// Where the bytes of a weight are.
struct WeightPlace {
  std::string file;
  ByteRange bytes;
};

/// A tensor of a model: its type, and either its value or its place.
struct ImportedTensor {
  mlir::RankedTensorType type;
  mlir::DenseElementsAttr value;
  std::optional<WeightPlace> place;
};

/// Tensors below this many bytes are imported as values.
inline constexpr uint64_t kInlineBytes = 1024;

/// Reads `tensor` of the model in `fileName`, whose tensors are at `places`.
llvm::Expected<ImportedTensor> importTensor(const onnx::TensorProto &tensor,
                                            const TensorPlaces &places,
                                            llvm::StringRef fileName,
                                            mlir::MLIRContext *context);

} // namespace portolan::onnx_import

#endif // PORTOLAN_LIB_IMPORT_ONNXTENSOR_H
