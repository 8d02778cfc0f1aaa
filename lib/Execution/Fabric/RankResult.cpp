//===- RankResult.cpp - what a rank hands in ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fields one after another, without padding, in the byte order of the host: all
// ranks of a run are processes of one program on machines of one kind.
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Fabric/RankResult.h"
#include <cstring>

using namespace portolan;

namespace {

class Writer {
public:
  template <typename T> void add(const T &value) {
    addBytes(reinterpret_cast<const char *>(&value), sizeof(T));
  }
  void addBytes(const char *data, size_t count) {
    bytes.insert(bytes.end(), data, data + count);
  }
  std::vector<char> bytes;
};

class Reader {
public:
  explicit Reader(llvm::ArrayRef<char> bytes) : bytes(bytes) {}
  template <typename T> T take() {
    T value{};
    takeBytes(reinterpret_cast<char *>(&value), sizeof(T));
    return value;
  }
  void takeBytes(char *data, size_t count) {
    if (count > bytes.size()) {
      ended = true;
      return;
    }
    if (count)
      std::memcpy(data, bytes.data(), count);
    bytes = bytes.drop_front(count);
  }
  /// A count of things that take at least `least` bytes each.
  size_t takeCount(size_t least) {
    auto count = take<uint64_t>();
    if (count > bytes.size() / least)
      ended = true;
    return ended ? 0 : size_t(count);
  }
  bool isWhole() const { return !ended && bytes.empty(); }

private:
  llvm::ArrayRef<char> bytes;
  bool ended = false;
};

void write(Writer &writer, const CollectiveCall &call) {
  writer.add(call.site);
  writer.add(call.kind);
  writer.add(call.group);
  writer.add(call.payloadBytes);
  writer.add(call.rows);
  writer.add(call.fromSwitchBytes);
  writer.add(uint64_t(call.sent.size()));
  for (const SentBytes &sent : call.sent) {
    writer.add(sent.to);
    writer.add(sent.phase);
    writer.add(sent.bytes);
  }
}

CollectiveCall readCall(Reader &reader) {
  CollectiveCall call;
  call.site = reader.take<int64_t>();
  call.kind = reader.take<OpKind>();
  call.group = reader.take<Group>();
  call.payloadBytes = reader.take<double>();
  call.rows = reader.take<int64_t>();
  call.fromSwitchBytes = reader.take<double>();
  constexpr size_t kSentBytes =
      sizeof(int64_t) + sizeof(int32_t) + sizeof(double);
  for (size_t i = 0, e = reader.takeCount(kSentBytes); i < e; ++i) {
    SentBytes &sent = call.sent.emplace_back();
    sent.to = reader.take<int64_t>();
    sent.phase = reader.take<int32_t>();
    sent.bytes = reader.take<double>();
  }
  return call;
}

} // namespace

void portolan::sendResult(Fabric &fabric, int64_t from, int64_t to,
                          const RankResult &result) {
  Writer writer;
  writer.add(uint64_t(result.tensors.size()));
  for (const Tensor &tensor : result.tensors) {
    writer.add(tensor.type);
    writer.add(uint64_t(tensor.shape.size()));
    for (int64_t extent : tensor.shape)
      writer.add(extent);
    writer.addBytes(tensor.bytes.data(), tensor.bytes.size());
  }
  writer.add(uint64_t(result.log.size()));
  for (const CollectiveCall &call : result.log)
    write(writer, call);
  auto size = uint64_t(writer.bytes.size());
  fabric.send(from, to, OpKind::send,
              {reinterpret_cast<const char *>(&size), sizeof(size)});
  fabric.send(from, to, OpKind::send, writer.bytes);
}

llvm::Error portolan::receiveResult(Fabric &fabric, int64_t to, int64_t from,
                                    RankResult &result) {
  uint64_t size = 0;
  fabric.receive(to, from, OpKind::send,
                 {reinterpret_cast<char *>(&size), sizeof(size)});
  // After a failure all messages are zeros; the fabric has the error.
  if (fabric.failed())
    return llvm::Error::success();
  std::vector<char> bytes(size);
  fabric.receive(to, from, OpKind::send, bytes);
  if (fabric.failed())
    return llvm::Error::success();
  Reader reader(bytes);
  for (size_t i = 0, e = reader.takeCount(1); i < e; ++i) {
    auto type = reader.take<ElementType>();
    llvm::SmallVector<int64_t> shape;
    for (size_t dim = 0, rank = reader.takeCount(sizeof(int64_t)); dim < rank;
         ++dim)
      shape.push_back(reader.take<int64_t>());
    Tensor &tensor = result.tensors.emplace_back(type, shape);
    reader.takeBytes(tensor.bytes.data(), tensor.bytes.size());
  }
  for (size_t i = 0, e = reader.takeCount(1); i < e; ++i)
    result.log.push_back(readCall(reader));
  if (!reader.isWhole())
    return llvm::createStringError("expects the results of rank " +
                                   llvm::Twine(from) + ", got " +
                                   llvm::Twine(size) + " bytes of others");
  return llvm::Error::success();
}
