//===- Tensor.h - a tensor in host memory ----------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What goes into and comes out of an executed program: dense row-major tensors
// with their bytes, conversion between the element types, and comparison.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_TENSOR_H
#define PORTOLAN_EXECUTION_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class Type;
} // namespace mlir

namespace portolan {

/// Element types that a program can be run with. A boolean is one byte.
enum class ElementType : uint8_t { f64, f32, bf16, f16, i64, i32, i8, boolean };

/// "f32", "i1": as in the IR.
llvm::StringRef spell(ElementType type);

int64_t bytesPerElement(ElementType type);

bool isFloat(ElementType type);

/// The element type of an MLIR type, or nothing if it cannot be run.
std::optional<ElementType> elementTypeOf(mlir::Type type);

/// The same; i8 for another type of 8 bits, which a program reads as bytes
/// (codes of narrow weights).
std::optional<ElementType> storageTypeOf(mlir::Type type);

/// The product of `shape`; 1 for a scalar.
int64_t elementCount(llvm::ArrayRef<int64_t> shape);

/// "4x?x3" and "scalar", for messages.
std::string spellDims(llvm::ArrayRef<int64_t> shape);

/// A dense row-major tensor that owns its bytes.
struct Tensor {
  ElementType type = ElementType::f32;
  llvm::SmallVector<int64_t, 4> shape;
  /// elementCount(shape) * bytesPerElement(type) little-endian bytes, aligned
  /// as operator new aligns.
  std::vector<char> bytes;

  Tensor() = default;
  /// All zero.
  Tensor(ElementType type, llvm::ArrayRef<int64_t> shape);

  static Tensor ofFloats(llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<float> values);
  static Tensor ofInts(ElementType type, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> values);

  int64_t size() const { return elementCount(shape); }

  /// Element `index` as a double; an i64 beyond 2^53 is rounded.
  double at(int64_t index) const;
  /// Element `index` of an integer or boolean tensor.
  int64_t intAt(int64_t index) const;
  /// All elements, as floats.
  std::vector<float> floats() const;

  /// The same values in another type. Floats round to nearest even; an integer
  /// that does not fit, or a float to an integer type, is an error.
  llvm::Expected<Tensor> convert(ElementType to) const;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// A tensor whose bytes belong to somebody else (a mapped weight file).
struct TensorView {
  ElementType type = ElementType::f32;
  llvm::ArrayRef<int64_t> shape;
  const void *data = nullptr;

  TensorView() = default;
  TensorView(const Tensor &tensor)
      : type(tensor.type), shape(tensor.shape), data(tensor.bytes.data()) {}
  TensorView(ElementType type, llvm::ArrayRef<int64_t> shape, const void *data)
      : type(type), shape(shape), data(data) {}
};

/// How far `actual` is from `expected`.
struct Difference {
  double maxAbsolute = 0; ///< infinite if a NaN or an infinity does not match
  double atExpected = 0;  ///< the expected element there
  int64_t index = 0;      ///< where it is
  int64_t outOfTolerance = 0; ///< elements beyond atol + rtol * |expected|
};

/// Compares element by element; an error if the shapes differ.
llvm::Expected<Difference> compare(const Tensor &actual, const Tensor &expected,
                                   double rtol = 0, double atol = 0);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_TENSOR_H
