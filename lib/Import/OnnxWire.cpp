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

/// One field: its number, its wire type and, for Bytes, its contents and the
/// place of the number that says how many there are.
struct Field {
  uint32_t number = 0;
  uint32_t wireType = 0;
  uint64_t lengthAt = 0;
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
      field.lengthAt = position;
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
  static llvm::Error unlikeParsed() {
    return llvm::createStringError("expects an ONNX model, got fields that "
                                   "its parsed form does not have");
  }

  llvm::Error visitGraph(ByteRange bytes, const onnx::GraphProto &graph) {
    int node = 0, initializer = 0;
    return forEachBytesField(
        file, bytes, [&](const Field &field) -> llvm::Error {
          if (field.number == onnx::GraphProto::kNodeFieldNumber)
            return node < graph.node_size()
                       ? visitNode(field.bytes, graph.node(node++))
                       : unlikeParsed();
          if (field.number == onnx::GraphProto::kInitializerFieldNumber)
            return initializer < graph.initializer_size()
                       ? visitTensor(field.bytes,
                                     graph.initializer(initializer++))
                       : unlikeParsed();
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
          if (attribute == node.attribute_size())
            return unlikeParsed();
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
    uint32_t typed = tensor.data_type() == onnx::TensorProto::DOUBLE
                         ? onnx::TensorProto::kDoubleDataFieldNumber
                         : onnx::TensorProto::kFloatDataFieldNumber;
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
            if (tensor.has_raw_data() || field.number != typed)
              break;
            range = field.bytes;
            ++pieces;
            break;
          }
          return llvm::Error::success();
        });
    if (error)
      return error;
    // What was parsed may lack it (cutRawData).
    if (tensor.has_raw_data()) {
      places[&tensor] = range;
      return llvm::Error::success();
    }
    // Unpacked elements are not runs of bytes; then the lengths differ.
    uint64_t parsed = 0;
    if (tensor.data_type() == onnx::TensorProto::FLOAT)
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

/// The messages on the way to a tensor.
enum class Message { Model, Graph, Node, Attribute, Tensor };

/// The message that field `number` of a `message` holds, if it may hold a
/// tensor.
std::optional<Message> childOf(Message message, uint32_t number) {
  switch (message) {
  case Message::Model:
    if (number == onnx::ModelProto::kGraphFieldNumber)
      return Message::Graph;
    break;
  case Message::Graph:
    if (number == onnx::GraphProto::kNodeFieldNumber)
      return Message::Node;
    if (number == onnx::GraphProto::kInitializerFieldNumber)
      return Message::Tensor;
    break;
  case Message::Node:
    if (number == onnx::NodeProto::kAttributeFieldNumber)
      return Message::Attribute;
    break;
  case Message::Attribute:
    if (number == onnx::AttributeProto::kTFieldNumber)
      return Message::Tensor;
    if (number == onnx::AttributeProto::kGFieldNumber)
      return Message::Graph;
    break;
  case Message::Tensor:
    break;
  }
  return std::nullopt;
}

/// Notes which bytes to leave out, and which lengths change by that.
class Cutter {
public:
  Cutter(llvm::StringRef file, uint64_t leastBytes)
      : file(file), leastBytes(leastBytes) {}

  llvm::Error visit(ByteRange bytes, Message message, unsigned depth) {
    return forEachBytesField(
        file, bytes, [&](const Field &field) -> llvm::Error {
          uint64_t before = removed;
          std::optional<Message> child = childOf(message, field.number);
          if (message == Message::Tensor &&
              field.number == onnx::TensorProto::kRawDataFieldNumber &&
              field.bytes.length >= leastBytes) {
            cuts.push_back(field.bytes);
            removed += field.bytes.length;
          } else if (child && depth < kMaxDepth) {
            if (llvm::Error error = visit(field.bytes, *child, depth + 1))
              return error;
          }
          // Places count in the shortened file; this one lies ahead of what
          // was removed since.
          if (removed != before)
            lengths.push_back({field.lengthAt - before,
                               unsigned(field.bytes.offset - field.lengthAt),
                               field.bytes.length - (removed - before)});
          return llvm::Error::success();
        });
  }

  std::optional<std::string> result() const {
    if (cuts.empty())
      return std::nullopt;
    std::string text;
    text.reserve(file.size() - removed);
    uint64_t position = 0;
    for (ByteRange cut : cuts) {
      text += file.slice(position, cut.offset);
      position = cut.offset + cut.length;
    }
    text += file.substr(position);
    // A number may have more bytes than it needs, so nothing has to move.
    for (const Length &length : lengths)
      for (unsigned i = 0; i < length.bytes; ++i)
        text[length.at + i] = char((length.value >> (7 * i) & 0x7f) |
                                   (i + 1 < length.bytes ? 0x80 : 0));
    return text;
  }

private:
  /// A number that says how long a field is.
  struct Length {
    uint64_t at;
    unsigned bytes;
    uint64_t value;
  };
  /// That of protobuf, which refuses what nests deeper.
  static constexpr unsigned kMaxDepth = 100;

  llvm::StringRef file;
  uint64_t leastBytes, removed = 0;
  std::vector<ByteRange> cuts;
  std::vector<Length> lengths;
};

} // namespace

llvm::Expected<std::optional<std::string>>
onnx_import::cutRawData(llvm::StringRef file, uint64_t leastBytes) {
  Cutter cutter(file, leastBytes);
  if (llvm::Error error =
          cutter.visit({0, file.size()}, Message::Model, /*depth=*/0))
    return std::move(error);
  return cutter.result();
}

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
