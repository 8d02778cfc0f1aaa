//===- OnnxWireTest.cpp - where the bytes of tensors are ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Import/OnnxWire.h"
#include "onnx/onnx_pb.h"
#include "gtest/gtest.h"

using namespace portolan;
using namespace portolan::onnx_import;

namespace {

onnx::TensorProto *addInitializer(onnx::ModelProto &model, std::string raw) {
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_data_type(onnx::TensorProto::UINT8);
  tensor->add_dims(raw.size());
  tensor->set_raw_data(raw);
  return tensor;
}

/// Encodes, parses and scans `model`; `file` and `parsed` get the results.
TensorPlaces scan(const onnx::ModelProto &model, std::string &file,
                  onnx::ModelProto &parsed) {
  file = model.SerializeAsString();
  EXPECT_TRUE(parsed.ParseFromString(file));
  EXPECT_FALSE(bool(checkWireFormat(file)));
  return llvm::cantFail(locateTensors(file, parsed));
}

std::string message(llvm::Error error) {
  return llvm::toString(std::move(error));
}

} // namespace

TEST(OnnxWire, FindsRawDataOfInitializers) {
  onnx::ModelProto model, parsed;
  addInitializer(model, "abc");
  addInitializer(model, std::string(300, 'x')); // a length of two bytes
  std::string file;
  TensorPlaces places = scan(model, file, parsed);
  ASSERT_EQ(places.size(), 2u);
  for (const onnx::TensorProto &tensor : parsed.graph().initializer()) {
    ByteRange range = places.lookup(&tensor);
    EXPECT_EQ(file.substr(range.offset, range.length), tensor.raw_data());
  }
}

TEST(OnnxWire, FindsTensorsOfNodesAndOfBodies) {
  onnx::ModelProto model, parsed;
  onnx::NodeProto *node = model.mutable_graph()->add_node();
  node->add_attribute()->set_name("number");
  onnx::AttributeProto *tensor = node->add_attribute();
  tensor->mutable_t()->set_raw_data("node");
  onnx::AttributeProto *body = node->add_attribute();
  body->mutable_g()->add_initializer()->set_raw_data("body");
  std::string file;
  TensorPlaces places = scan(model, file, parsed);
  ASSERT_EQ(places.size(), 2u);
  const onnx::NodeProto &read = parsed.graph().node(0);
  ByteRange inNode = places.lookup(&read.attribute(1).t());
  ByteRange inBody = places.lookup(&read.attribute(2).g().initializer(0));
  EXPECT_EQ(file.substr(inNode.offset, inNode.length), "node");
  EXPECT_EQ(file.substr(inBody.offset, inBody.length), "body");
}

// Packed floats lie in the file as in memory; packed varints do not.
TEST(OnnxWire, FindsPackedFloatsOnly) {
  onnx::ModelProto model, parsed;
  onnx::TensorProto *floats = model.mutable_graph()->add_initializer();
  floats->set_data_type(onnx::TensorProto::FLOAT);
  floats->add_float_data(1.5f);
  floats->add_float_data(-2.0f);
  onnx::TensorProto *ints = model.mutable_graph()->add_initializer();
  ints->set_data_type(onnx::TensorProto::INT64);
  ints->add_int64_data(7);
  std::string file;
  TensorPlaces places = scan(model, file, parsed);
  ASSERT_EQ(places.size(), 1u);
  ByteRange range = places.lookup(&parsed.graph().initializer(0));
  ASSERT_EQ(range.length, 8u);
  float values[2];
  std::memcpy(values, file.data() + range.offset, 8);
  EXPECT_EQ(values[0], 1.5f);
  EXPECT_EQ(values[1], -2.0f);
}

TEST(OnnxWire, FloatsOfAnotherTypeAreNotAPlace) {
  onnx::ModelProto model, parsed;
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_data_type(onnx::TensorProto::INT32);
  tensor->add_float_data(1);
  std::string file;
  EXPECT_TRUE(scan(model, file, parsed).empty());
}

// A writer may split the elements; then no single run holds them.
TEST(OnnxWire, TwoPiecesAreNotAPlace) {
  // graph { initializer { data_type: 1 float_data: 4 bytes, twice } }
  std::string tensor("\x10\x01\x22\x04\0\0\0\0\x22\x04\0\0\0\0", 14);
  std::string graph = "\x2a" + std::string(1, char(tensor.size())) + tensor;
  std::string file = "\x3a" + std::string(1, char(graph.size())) + graph;
  onnx::ModelProto parsed;
  ASSERT_TRUE(parsed.ParseFromString(file));
  ASSERT_EQ(parsed.graph().initializer(0).float_data_size(), 2);
  EXPECT_TRUE(llvm::cantFail(locateTensors(file, parsed)).empty());
}

TEST(OnnxWire, TwoGraphsAreRefused) {
  std::string file("\x3a\0\x3a\0", 4);
  onnx::ModelProto parsed;
  ASSERT_TRUE(parsed.ParseFromString(file));
  llvm::Expected<TensorPlaces> places = locateTensors(file, parsed);
  ASSERT_FALSE(bool(places));
  EXPECT_EQ(message(places.takeError()), "expects one graph, got a second one");
}

TEST(OnnxWire, EveryTruncationIsReported) {
  onnx::ModelProto model;
  addInitializer(model, "some bytes");
  std::string file = model.SerializeAsString();
  for (size_t length = 1; length < file.size(); ++length)
    EXPECT_NE(
        message(checkWireFormat(file.substr(0, length))).find("truncated"),
        std::string::npos)
        << length;
}

TEST(OnnxWire, LengthBeyondTheFileIsReported) {
  // Field 7 claims 2^63 bytes.
  std::string file("\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
  EXPECT_EQ(message(checkWireFormat(file)),
            "is truncated: field 7 at byte 0 has 9223372036854775808 bytes, of "
            "which 0 are there");
}

TEST(OnnxWire, EndlessNumberIsReported) {
  EXPECT_EQ(message(checkWireFormat(std::string(11, '\xff'))),
            "expects a number of at most 10 bytes at byte 0, got a longer one");
}

TEST(OnnxWire, UnknownWireTypeIsReported) {
  EXPECT_EQ(message(checkWireFormat("\x0f")),
            "expects a protobuf field at byte 0, got wire type 7");
}

TEST(OnnxWire, FieldZeroIsReported) {
  EXPECT_EQ(message(checkWireFormat(std::string("\0", 1))),
            "expects a protobuf field at byte 0, got tag 0");
}

//===----------------------------------------------------------------------===//
// Models without their raw data
//===----------------------------------------------------------------------===//

TEST(OnnxWire, CutsNothingFromAModelOfSmallTensors) {
  onnx::ModelProto model;
  addInitializer(model, std::string(99, 'x'));
  auto cut = cutRawData(model.SerializeAsString(), /*leastBytes=*/100);
  EXPECT_FALSE(llvm::cantFail(std::move(cut)).has_value());
}

// The lengths of the tensor, its node, the body and the graph all shrink, from
// two bytes of length and from three, and stay where they are.
TEST(OnnxWire, CutsRawDataAndKeepsTheRest) {
  for (size_t size : {100, 127, 128, 300, 16383, 16384, 70000}) {
    onnx::ModelProto model;
    model.set_producer_name("before");
    addInitializer(model, std::string(size, 'x'))->set_name("first");
    addInitializer(model, "small")->set_doc_string("behind");
    onnx::NodeProto *node = model.mutable_graph()->add_node();
    onnx::AttributeProto *body = node->add_attribute();
    body->mutable_g()->add_initializer()->set_raw_data(std::string(size, 'y'));
    body->mutable_g()->set_name("inner");
    node->add_attribute()->mutable_t()->set_raw_data(std::string(size, 'z'));
    node->set_name("node");
    addInitializer(model, std::string(size, 'w'))->set_name("last");
    model.set_domain("end");
    std::string file = model.SerializeAsString();

    auto cut = cutRawData(file, /*leastBytes=*/100);
    ASSERT_TRUE(bool(cut)) << llvm::toString(cut.takeError());
    ASSERT_TRUE(cut->has_value());
    EXPECT_EQ((*cut)->size(), file.size() - 4 * size);
    onnx::ModelProto parsed;
    ASSERT_TRUE(parsed.ParseFromString(**cut));

    // The places are those in the whole file.
    TensorPlaces places = llvm::cantFail(locateTensors(file, parsed));
    auto contents = [&](const onnx::TensorProto &tensor) {
      ByteRange range = places.lookup(&tensor);
      return file.substr(range.offset, range.length);
    };
    const onnx::GraphProto &graph = parsed.graph();
    EXPECT_EQ(contents(graph.initializer(0)), std::string(size, 'x'));
    EXPECT_EQ(contents(graph.initializer(1)), "small");
    EXPECT_EQ(contents(graph.node(0).attribute(0).g().initializer(0)),
              std::string(size, 'y'));
    EXPECT_EQ(contents(graph.node(0).attribute(1).t()), std::string(size, 'z'));
    EXPECT_EQ(contents(graph.initializer(2)), std::string(size, 'w'));

    for (onnx::ModelProto *one : {&model, &parsed}) {
      onnx::GraphProto *whole = one->mutable_graph();
      for (int i : {0, 2})
        whole->mutable_initializer(i)->clear_raw_data();
      onnx::NodeProto *only = whole->mutable_node(0);
      only->mutable_attribute(0)
          ->mutable_g()
          ->mutable_initializer(0)
          ->clear_raw_data();
      only->mutable_attribute(1)->mutable_t()->clear_raw_data();
    }
    EXPECT_EQ(parsed.SerializeAsString(), model.SerializeAsString());
  }
}

TEST(OnnxWire, RefusesToCutAMessageThatEndsEarly) {
  onnx::ModelProto model;
  addInitializer(model, std::string(200, 'x'));
  std::string file = model.SerializeAsString();
  // The tensor's bytes are the last field; its length says one more.
  size_t at = file.find(std::string(200, 'x'));
  ASSERT_EQ(uint8_t(file[at - 2]), 200u % 128 + 128);
  file[at - 2] = char(201 % 128 + 128);
  EXPECT_EQ(message(cutRawData(file, 100).takeError()),
            "is truncated: field 9 at byte " + std::to_string(at - 3) +
                " has 201 bytes, of which 200 are there");
}
