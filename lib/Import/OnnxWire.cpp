//===- OnnxWire.cpp - where the bytes of tensors are in a file ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The walk visits each message once and holds, beside the bytes of a message,
// the object that protobuf parsed from them; the n-th field of a repeated
// field is its n-th element. Recursion is bounded by protobuf's own limit,
// which the parse has passed.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/OnnxWire.h"
#include "onnx/onnx_pb.h"

using namespace portolan;
using namespace portolan::onnx_import;

namespace {

enum WireType : uint32_t {
  Varint = 0,
  Fixed64 = 1,
  Bytes = 2,
  StartGroup = 3,
  EndGroup = 4,
  Fixed32 = 5
};

/// One field: its number, its wire type and, for Bytes, its contents.
struct Field {
  uint32_t number = 0;
  uint32_t wireType = 0;
  ByteRange bytes;
};

/// Reads the fields of the message at [position, end) one after the other.
class FieldReader {
public:
  FieldReader(llvm::StringRef file, ByteRange message)
      : file(file), position(message.offset),
        end(message.offset + message.length) {}

  bool atEnd() const { return position == end; }

  llvm::Expected<Field> next() {
    uint64_t start = position;
    Field field;
    uint64_t tag = 0;
    if (llvm::Error error = readVarint(tag))
      return std::move(error);
    field.number = uint32_t(tag >> 3);
    field.wireType = uint32_t(tag & 7);
    if (tag >> 3 == 0 || tag >> 32 != 0)
      return fail("expects a protobuf field at byte %llu, got tag %llu", start,
                  tag);
    uint64_t size = 0;
    switch (field.wireType) {
    case Varint:
      if (llvm::Error error = readVarint(size))
        return std::move(error);
      return field;
    case Fixed64:
      size = 8;
      break;
    case Fixed32:
      size = 4;
      break;
    case Bytes:
      if (llvm::Error error = readVarint(size))
        return std::move(error);
      break;
    default:
      return fail("expects a protobuf field at byte %llu, got wire type %llu",
                  start, field.wireType);
    }
    if (size > end - position)
      return llvm::createStringError(
          "is truncated: field %u at byte %llu has %llu bytes, of which %llu "
          "are there",
          field.number, (unsigned long long)start, (unsigned long long)size,
          (unsigned long long)(end - position));
    field.bytes = {position, size};
    position += size;
    return field;
  }

private:
  static llvm::Error fail(const char *format, uint64_t at, uint64_t got) {
    return llvm::createStringError(format, (unsigned long long)at,
                                   (unsigned long long)got);
  }

  llvm::Error readVarint(uint64_t &value) {
    uint64_t start = position;
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (position == end)
        return llvm::createStringError("is truncated: a number at byte %llu "
                                       "does not end",
                                       (unsigned long long)start);
      uint8_t byte = uint8_t(file[position++]);
      value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return llvm::Error::success();
    }
    return llvm::createStringError("expects a number of at most 10 bytes at "
                                   "byte %llu, got a longer one",
                                   (unsigned long long)start);
  }

  llvm::StringRef file;
  uint64_t position, end;
};

/// Calls `visit` for each field of `message` that is a run of bytes.
template <typename Visit>
llvm::Error forEachBytesField(llvm::StringRef file, ByteRange message,
                              Visit visit) {
  FieldReader reader(file, message);
  while (!reader.atEnd()) {
    llvm::Expected<Field> field = reader.next();
    if (!field)
      return field.takeError();
    if (field->wireType == Bytes)
      if (llvm::Error error = visit(*field))
        return error;
  }
  return llvm::Error::success();
}

class Locator {
public:
  Locator(llvm::StringRef file, TensorPlaces &places)
      : file(file), places(places) {}

  llvm::Error visitModel(ByteRange bytes, const onnx::ModelProto &model) {
    bool seen = false;
    return forEachBytesField(
        file, bytes, [&](const Field &field) -> llvm::Error {
          if (field.number != onnx::ModelProto::kGraphFieldNumber)
            return llvm::Error::success();
          if (std::exchange(seen, true))
            return llvm::createStringError(
                "expects one graph, got a second one");
          return visitGraph(field.bytes, model.graph());
        });
  }

private:
  llvm::Error visitGraph(ByteRange bytes, const onnx::GraphProto &graph) {
    int node = 0, initializer = 0;
    return forEachBytesField(
        file, bytes, [&](const Field &field) -> llvm::Error {
          if (field.number == onnx::GraphProto::kNodeFieldNumber)
            return visitNode(field.bytes, graph.node(node++));
          if (field.number == onnx::GraphProto::kInitializerFieldNumber)
            return visitTensor(field.bytes, graph.initializer(initializer++));
          return llvm::Error::success();
        });
  }

  llvm::Error visitNode(ByteRange bytes, const onnx::NodeProto &node) {
    if (node.attribute_size() == 0)
      return llvm::Error::success();
    int attribute = 0;
    return forEachBytesField(
        file, bytes, [&](const Field &field) -> llvm::Error {
          if (field.number != onnx::NodeProto::kAttributeFieldNumber)
            return llvm::Error::success();
          const onnx::AttributeProto &parsed = node.attribute(attribute++);
          if (!parsed.has_t() && !parsed.has_g())
            return llvm::Error::success();
          return visitAttribute(field.bytes, parsed);
        });
  }

  llvm::Error visitAttribute(ByteRange bytes,
                             const onnx::AttributeProto &attribute) {
    // A singular message that occurs twice is merged by protobuf; then no
    // single place holds it.
    int tensors = 0, graphs = 0;
    return forEachBytesField(
        file, bytes, [&](const Field &field) -> llvm::Error {
          bool isTensor = field.number == onnx::AttributeProto::kTFieldNumber;
          bool isGraph = field.number == onnx::AttributeProto::kGFieldNumber;
          if ((isTensor && tensors++) || (isGraph && graphs++))
            return llvm::createStringError(
                "attribute '%s' expects one value, got a second one",
                attribute.name().c_str());
          if (isTensor)
            return visitTensor(field.bytes, attribute.t());
          if (isGraph)
            return visitGraph(field.bytes, attribute.g());
          return llvm::Error::success();
        });
  }

  llvm::Error visitTensor(ByteRange bytes, const onnx::TensorProto &tensor) {
    int pieces = 0;
    ByteRange range;
    llvm::Error error =
        forEachBytesField(file, bytes, [&](const Field &field) -> llvm::Error {
          switch (field.number) {
          case onnx::TensorProto::kRawDataFieldNumber:
            // Of several the last one holds, as for any singular field.
            range = field.bytes;
            pieces = 1;
            break;
          case onnx::TensorProto::kFloatDataFieldNumber:
          case onnx::TensorProto::kDoubleDataFieldNumber:
            if (tensor.has_raw_data())
              break;
            range = field.bytes;
            ++pieces;
            break;
          }
          return llvm::Error::success();
        });
    if (error)
      return error;
    // Unpacked elements are not runs of bytes; then the lengths differ.
    uint64_t parsed = 0;
    if (tensor.has_raw_data())
      parsed = tensor.raw_data().size();
    else if (tensor.data_type() == onnx::TensorProto::FLOAT)
      parsed = tensor.float_data_size() * uint64_t(4);
    else if (tensor.data_type() == onnx::TensorProto::DOUBLE)
      parsed = tensor.double_data_size() * uint64_t(8);
    if (pieces == 1 && range.length == parsed)
      places[&tensor] = range;
    return llvm::Error::success();
  }

  llvm::StringRef file;
  TensorPlaces &places;
};

} // namespace

llvm::Error onnx_import::checkWireFormat(llvm::StringRef file) {
  return forEachBytesField(
      file, {0, file.size()},
      [](const Field &) -> llvm::Error { return llvm::Error::success(); });
}

llvm::Expected<TensorPlaces>
onnx_import::locateTensors(llvm::StringRef file,
                           const onnx::ModelProto &model) {
  TensorPlaces places;
  if (llvm::Error error =
          Locator(file, places).visitModel({0, file.size()}, model))
    return std::move(error);
  return places;
}
