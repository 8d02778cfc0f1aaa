//===- Tensor.cpp - a tensor in host memory -------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstring>
#include <limits>

using namespace portolan;
using llvm::APFloat;
using llvm::ArrayRef;

llvm::StringRef portolan::spell(ElementType type) {
  switch (type) {
  case ElementType::f64:
    return "f64";
  case ElementType::f32:
    return "f32";
  case ElementType::bf16:
    return "bf16";
  case ElementType::f16:
    return "f16";
  case ElementType::i64:
    return "i64";
  case ElementType::i32:
    return "i32";
  case ElementType::i8:
    return "i8";
  case ElementType::boolean:
    return "i1";
  }
  llvm_unreachable("the switch covers the enumeration");
}

int64_t portolan::bytesPerElement(ElementType type) {
  switch (type) {
  case ElementType::f64:
  case ElementType::i64:
    return 8;
  case ElementType::f32:
  case ElementType::i32:
    return 4;
  case ElementType::bf16:
  case ElementType::f16:
    return 2;
  case ElementType::i8:
  case ElementType::boolean:
    return 1;
  }
  llvm_unreachable("the switch covers the enumeration");
}

bool portolan::isFloat(ElementType type) { return type <= ElementType::f16; }

std::optional<ElementType> portolan::elementTypeOf(mlir::Type type) {
  if (type.isF64())
    return ElementType::f64;
  if (type.isF32())
    return ElementType::f32;
  if (type.isBF16())
    return ElementType::bf16;
  if (type.isF16())
    return ElementType::f16;
  if (type.isInteger(64))
    return ElementType::i64;
  if (type.isInteger(32))
    return ElementType::i32;
  if (type.isInteger(8))
    return ElementType::i8;
  if (type.isInteger(1))
    return ElementType::boolean;
  return std::nullopt;
}

std::optional<ElementType> portolan::storageTypeOf(mlir::Type type) {
  if (std::optional<ElementType> element = elementTypeOf(type))
    return element;
  if (type.isIntOrFloat() && type.getIntOrFloatBitWidth() == 8)
    return ElementType::i8;
  return std::nullopt;
}

int64_t portolan::elementCount(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

std::string portolan::spellDims(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  auto spellDim = [](int64_t dim) {
    return mlir::ShapedType::isDynamic(dim) ? std::string("?")
                                            : std::to_string(dim);
  };
  return llvm::join(llvm::map_range(shape, spellDim), "x");
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

namespace {

template <typename T> T load(const char *at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

template <typename T> void store(char *at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

const llvm::fltSemantics &semanticsOf(ElementType type) {
  return type == ElementType::bf16 ? APFloat::BFloat() : APFloat::IEEEhalf();
}

double loadNarrow(ElementType type, uint16_t bits) {
  APFloat value(semanticsOf(type), llvm::APInt(16, bits));
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

void storeFloat(ElementType type, char *at, double value) {
  if (type == ElementType::f64)
    return store<double>(at, value);
  if (type == ElementType::f32)
    return store<float>(at, float(value));
  APFloat narrow(value);
  bool losesInfo;
  narrow.convert(semanticsOf(type), APFloat::rmNearestTiesToEven, &losesInfo);
  store<uint16_t>(at, uint16_t(narrow.bitcastToAPInt().getZExtValue()));
}

/// False if `value` does not fit.
bool storeInt(ElementType type, char *at, int64_t value) {
  switch (type) {
  case ElementType::i64:
    store<int64_t>(at, value);
    return true;
  case ElementType::i32:
    store<int32_t>(at, int32_t(value));
    return llvm::isInt<32>(value);
  case ElementType::i8:
    store<int8_t>(at, int8_t(value));
    return llvm::isInt<8>(value);
  default:
    store<int8_t>(at, value != 0);
    return true;
  }
}

} // namespace

Tensor::Tensor(ElementType type, ArrayRef<int64_t> shape)
    : type(type), shape(shape),
      bytes(elementCount(shape) * bytesPerElement(type)) {}

Tensor Tensor::ofFloats(ArrayRef<int64_t> shape, ArrayRef<float> values) {
  Tensor tensor(ElementType::f32, shape);
  assert(tensor.size() == int64_t(values.size()) && "one value per element");
  if (!values.empty())
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

Tensor Tensor::ofInts(ElementType type, ArrayRef<int64_t> shape,
                      ArrayRef<int64_t> values) {
  Tensor tensor(type, shape);
  assert(!isFloat(type) && tensor.size() == int64_t(values.size()) &&
         "one integer per element");
  for (auto [i, value] : llvm::enumerate(values)) {
    [[maybe_unused]] bool fits =
        storeInt(type, tensor.bytes.data() + i * bytesPerElement(type), value);
    assert(fits && "value outside the element type");
  }
  return tensor;
}

int64_t Tensor::intAt(int64_t index) const {
  const char *at = bytes.data() + index * bytesPerElement(type);
  switch (type) {
  case ElementType::i64:
    return load<int64_t>(at);
  case ElementType::i32:
    return load<int32_t>(at);
  default:
    return load<int8_t>(at);
  }
}

double Tensor::at(int64_t index) const {
  const char *at = bytes.data() + index * bytesPerElement(type);
  switch (type) {
  case ElementType::f64:
    return load<double>(at);
  case ElementType::f32:
    return load<float>(at);
  case ElementType::bf16:
  case ElementType::f16:
    return loadNarrow(type, load<uint16_t>(at));
  default:
    return double(intAt(index));
  }
}

std::vector<float> Tensor::floats() const {
  std::vector<float> values(size());
  for (int64_t i = 0, e = size(); i < e; ++i)
    values[i] = float(at(i));
  return values;
}

llvm::Expected<Tensor> Tensor::convert(ElementType to) const {
  if (to == type)
    return *this;
  if (isFloat(type) && !isFloat(to))
    return llvm::createStringError("expects an integer tensor to make one of " +
                                   spell(to) + ", got " + spell(type));
  Tensor result(to, shape);
  for (int64_t i = 0, e = size(); i < e; ++i) {
    char *out = result.bytes.data() + i * bytesPerElement(to);
    if (isFloat(to))
      storeFloat(to, out, at(i));
    else if (!storeInt(to, out, intAt(i)))
      return llvm::createStringError("expects values of " + spell(to) +
                                     ", got " + llvm::Twine(intAt(i)));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

llvm::Expected<Difference> portolan::compare(const Tensor &actual,
                                             const Tensor &expected,
                                             double rtol, double atol) {
  if (actual.shape != expected.shape)
    return llvm::createStringError("expects shape " +
                                   spellDims(expected.shape) + ", got " +
                                   spellDims(actual.shape));
  Difference result;
  for (int64_t i = 0, e = actual.size(); i < e; ++i) {
    double got = actual.at(i), want = expected.at(i);
    double error = std::abs(got - want);
    // Equal infinities and a NaN for a NaN agree; any other mismatch of them
    // makes the difference NaN, which no tolerance may accept.
    if (got == want || (std::isnan(got) && std::isnan(want)))
      error = 0;
    else if (std::isnan(error))
      error = std::numeric_limits<double>::infinity();
    if (error > result.maxAbsolute) {
      result.maxAbsolute = error;
      result.atExpected = want;
      result.index = i;
    }
    // An infinite error is beyond an infinite tolerance (infinite `want`).
    if (error > 0 &&
        (!std::isfinite(error) || error > atol + rtol * std::abs(want)))
      ++result.outOfTolerance;
  }
  return result;
}
