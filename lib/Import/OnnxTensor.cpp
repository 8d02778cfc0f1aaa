//===- OnnxTensor.cpp - element types and bytes of ONNX tensors -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element types that are newer than the schema of libonnx arrive as numbers,
// so they are numbers here.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/OnnxTensor.h"
#include "mlir/IR/Builders.h"
#include "onnx/onnx_pb.h"
#include "portolan/Support/File.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::onnx_import;

namespace {

/// Numbers of element types, in the order of the ONNX specification.
enum ElementNumber : int32_t {
  Float = 1,
  Uint8,
  Int8,
  Uint16,
  Int16,
  Int32,
  Int64,
  String,
  Bool,
  Float16,
  Double,
  Uint32,
  Uint64,
  Complex64,
  Complex128,
  Bfloat16,
  Float8e4m3fn,
  Float8e4m3fnuz,
  Float8e5m2,
  Float8e5m2fnuz,
  Uint4,
  Int4,
  Float4e2m1,
  Float8e8m0,
  Uint2,
  Int2
};

/// Bits of an element in a file.
unsigned storageBits(Type element) {
  return element.isInteger(1) ? 8 : element.getIntOrFloatBitWidth();
}

template <typename Elements>
std::vector<char> copyBytes(const Elements &elements) {
  const char *data = reinterpret_cast<const char *>(elements.data());
  return std::vector<char>(data,
                           data + elements.size() * sizeof(*elements.data()));
}

/// The low `bytes` bytes of each number; fails if one does not fit.
template <typename Elements>
llvm::Expected<std::vector<char>> narrow(const Elements &elements,
                                         unsigned bytes) {
  std::vector<char> result;
  result.reserve(elements.size() * bytes);
  int64_t least = -(int64_t(1) << (8 * bytes - 1));
  int64_t most = (int64_t(1) << (8 * bytes)) - 1;
  for (auto element : elements) {
    if (int64_t(element) < least || int64_t(element) > most)
      return llvm::createStringError("expects elements of " +
                                     llvm::Twine(8 * bytes) + " bits, got " +
                                     llvm::Twine(int64_t(element)));
    for (unsigned i = 0; i < bytes; ++i)
      result.push_back(char(uint64_t(int64_t(element)) >> (8 * i)));
  }
  return result;
}

llvm::Expected<std::vector<char>> rawBytes(const onnx::TensorProto &tensor,
                                           Type element) {
  if (tensor.has_raw_data())
    return std::vector<char>(tensor.raw_data().begin(),
                             tensor.raw_data().end());
  switch (tensor.data_type()) {
  case Float:
    return copyBytes(tensor.float_data());
  case Double:
    return copyBytes(tensor.double_data());
  case Int64:
    return copyBytes(tensor.int64_data());
  case Uint64:
    return copyBytes(tensor.uint64_data());
  case Uint32:
    return narrow(tensor.uint64_data(), 4);
  case Int32:
    return copyBytes(tensor.int32_data());
  default:
    // Each number of int32_data holds a byte of elements at least.
    return narrow(tensor.int32_data(), std::max(1u, storageBits(element) / 8));
  }
}

/// The value of `type` whose elements in a file are `bytes`.
DenseElementsAttr decode(RankedTensorType type, ArrayRef<char> bytes) {
  Type element = type.getElementType();
  unsigned bits = storageBits(element);
  unsigned width = element.getIntOrFloatBitWidth();
  auto bitsAt = [&](int64_t index) {
    uint64_t value = 0;
    if (bits < 8) {
      // The first element is in the low bits.
      unsigned perByte = 8 / bits;
      value = uint8_t(bytes[index / perByte]) >> (index % perByte * bits);
      value &= (1u << bits) - 1;
    } else {
      for (unsigned i = 0; i < bits / 8; ++i)
        value |= uint64_t(uint8_t(bytes[index * (bits / 8) + i])) << (8 * i);
    }
    if (width == 1)
      value = value != 0;
    return APInt(width, value);
  };
  int64_t count = type.getNumElements();
  if (auto floating = dyn_cast<FloatType>(element)) {
    SmallVector<APFloat> values;
    values.reserve(count);
    for (int64_t i = 0; i < count; ++i)
      values.push_back(APFloat(floating.getFloatSemantics(), bitsAt(i)));
    return DenseElementsAttr::get(type, values);
  }
  SmallVector<APInt> values;
  values.reserve(count);
  for (int64_t i = 0; i < count; ++i)
    values.push_back(bitsAt(i));
  return DenseElementsAttr::get(type, values);
}

llvm::Expected<WeightPlace> externalPlace(const onnx::TensorProto &tensor,
                                          uint64_t size) {
  WeightPlace place;
  place.bytes.length = size;
  bool located = false;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    uint64_t number = 0;
    if (entry.key() == "location") {
      place.file = entry.value();
      located = true;
    } else if (entry.key() == "offset" || entry.key() == "length") {
      if (StringRef(entry.value()).getAsInteger(10, number) ||
          number > uint64_t(std::numeric_limits<int64_t>::max()))
        return llvm::createStringError("expects a number as external " +
                                       entry.key() + ", got '" + entry.value() +
                                       "'");
      if (entry.key() == "offset")
        place.bytes.offset = number;
      else if (number != size)
        return llvm::createStringError("expects " + llvm::Twine(size) +
                                       " bytes of external data, got " +
                                       llvm::Twine(number));
    }
  }
  if (!located || place.file.empty())
    return llvm::createStringError("expects a location of its external data");
  if (!staysInside(place.file))
    return llvm::createStringError(
        "expects external data in the folder of the model, got '" + place.file +
        "'");
  return place;
}

} // namespace

llvm::Expected<Type> onnx_import::elementType(int32_t number,
                                              MLIRContext *context) {
  Builder builder(context);
  auto integer = [&](unsigned width, bool isUnsigned) -> Type {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (number) {
  case Float:
    return builder.getF32Type();
  case Uint8:
    return integer(8, true);
  case Int8:
    return integer(8, false);
  case Uint16:
    return integer(16, true);
  case Int16:
    return integer(16, false);
  case Int32:
    return integer(32, false);
  case Int64:
    return integer(64, false);
  case Bool:
    return integer(1, false);
  case Float16:
    return builder.getF16Type();
  case Double:
    return builder.getF64Type();
  case Uint32:
    return integer(32, true);
  case Uint64:
    return integer(64, true);
  case Bfloat16:
    return builder.getBF16Type();
  case Float8e4m3fn:
    return Float8E4M3FNType::get(context);
  case Float8e4m3fnuz:
    return Float8E4M3FNUZType::get(context);
  case Float8e5m2:
    return Float8E5M2Type::get(context);
  case Float8e5m2fnuz:
    return Float8E5M2FNUZType::get(context);
  case Uint4:
    return integer(4, true);
  case Int4:
    return integer(4, false);
  case Float4e2m1:
    return Float4E2M1FNType::get(context);
  case Float8e8m0:
    return Float8E8M0FNUType::get(context);
  case Uint2:
    return integer(2, true);
  case Int2:
    return integer(2, false);
  case String:
  case Complex64:
  case Complex128:
    return llvm::createStringError(
        "expects real numbers as elements, got element type " +
        llvm::Twine(number) + (number == String ? " (string)" : " (complex)"));
  default:
    return llvm::createStringError("expects a known element type, got " +
                                   llvm::Twine(number));
  }
}

llvm::Expected<uint64_t> onnx_import::byteSize(ArrayRef<int64_t> shape,
                                               Type element) {
  if (shape.size() > kMaxRank)
    return llvm::createStringError("expects at most " + llvm::Twine(kMaxRank) +
                                   " dimensions, got " +
                                   llvm::Twine(shape.size()));
  // Zeros are left out, so that overflow does not depend on their place.
  int64_t bits = storageBits(element);
  bool overflow = false, empty = false;
  for (int64_t dim : shape) {
    if (dim < 0)
      return llvm::createStringError("expects dimensions >= 0, got " +
                                     llvm::Twine(dim));
    empty |= dim == 0;
    if (dim != 0)
      overflow |= llvm::MulOverflow(bits, dim, bits);
  }
  if (overflow)
    return llvm::createStringError(
        "expects a tensor of less than 2^63 bits, got a larger one");
  return empty ? 0 : llvm::divideCeil(uint64_t(bits), 8);
}

llvm::Expected<std::vector<char>>
onnx_import::tensorBytes(const onnx::TensorProto &tensor,
                         MLIRContext *context) {
  llvm::Expected<Type> element = elementType(tensor.data_type(), context);
  if (!element)
    return element.takeError();
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  llvm::Expected<uint64_t> size = byteSize(shape, *element);
  if (!size)
    return size.takeError();
  llvm::Expected<std::vector<char>> bytes = rawBytes(tensor, *element);
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() != *size)
    return llvm::createStringError("expects " + llvm::Twine(*size) +
                                   " bytes for its shape and element type, "
                                   "got " +
                                   llvm::Twine(bytes->size()));
  return bytes;
}

llvm::Expected<ImportedTensor>
onnx_import::importTensor(const onnx::TensorProto &tensor,
                          const TensorPlaces &places, StringRef fileName,
                          MLIRContext *context) {
  llvm::Expected<Type> element = elementType(tensor.data_type(), context);
  if (!element)
    return element.takeError();
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  llvm::Expected<uint64_t> size = byteSize(shape, *element);
  if (!size)
    return size.takeError();
  if (tensor.has_segment())
    return llvm::createStringError("expects a whole tensor, got a segment");

  ImportedTensor result;
  result.type = RankedTensorType::get(shape, *element);
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL) {
    llvm::Expected<WeightPlace> place = externalPlace(tensor, *size);
    if (!place)
      return place.takeError();
    result.place = std::move(*place);
    return result;
  }
  auto found = places.find(&tensor);
  if (found != places.end() && found->second.length != *size)
    return llvm::createStringError("expects " + llvm::Twine(*size) +
                                   " bytes for its shape and element type, "
                                   "got " +
                                   llvm::Twine(found->second.length));
  if (*size >= kInlineBytes && found != places.end()) {
    result.place = WeightPlace{fileName.str(), found->second};
    return result;
  }
  llvm::Expected<std::vector<char>> bytes = tensorBytes(tensor, context);
  if (!bytes)
    return bytes.takeError();
  result.value = decode(result.type, *bytes);
  return result;
}
