//===- OnnxDataSetTest.cpp - inputs and expected outputs ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "onnx/onnx_pb.h"
#include "portolan/Import/DataSet.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"
#include <fstream>

using namespace portolan;

namespace {

/// An empty folder that goes with the test.
struct DataSetTest : testing::Test {
  void SetUp() override {
    llvm::SmallString<128> path;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("dataset", path));
    folder = path.str().str();
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  void write(const std::string &name, const std::string &bytes) {
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
  }
  void writeInt(const std::string &name, int64_t value) {
    onnx::TensorProto proto;
    proto.set_name("ids");
    proto.set_data_type(onnx::TensorProto::INT64);
    proto.add_dims(1);
    proto.add_int64_data(value);
    write(name, proto.SerializeAsString());
  }
  std::string error() {
    return llvm::toString(readDataSets(folder).takeError());
  }

  std::string folder;
};

} // namespace

TEST_F(DataSetTest, ReadsOneSet) {
  writeInt("input_0.pb", 7);
  writeInt("input_1.pb", 8);
  writeInt("output_0.pb", 9);
  std::vector<DataSet> sets = llvm::cantFail(readDataSets(folder));
  ASSERT_EQ(sets.size(), 1u);
  ASSERT_EQ(sets[0].inputs.size(), 2u);
  ASSERT_EQ(sets[0].outputs.size(), 1u);
  EXPECT_EQ(sets[0].inputs[1].name, "ids");
  EXPECT_EQ(sets[0].inputs[1].tensor.type, ElementType::i64);
  EXPECT_EQ(sets[0].inputs[1].tensor.intAt(0), 8);
  EXPECT_EQ(sets[0].outputs[0].tensor.intAt(0), 9);
}

// By number, not by name: 10 comes after 9.
TEST_F(DataSetTest, ReadsSetsInOrder) {
  for (int i = 0; i <= 10; ++i) {
    std::string set = "test_data_set_" + std::to_string(i);
    ASSERT_FALSE(llvm::sys::fs::create_directory(folder + "/" + set));
    writeInt(set + "/input_0.pb", i);
  }
  std::vector<DataSet> sets = llvm::cantFail(readDataSets(folder));
  ASSERT_EQ(sets.size(), 11u);
  for (int i = 0; i <= 10; ++i)
    EXPECT_EQ(sets[i].inputs[0].tensor.intAt(0), i);
}

TEST_F(DataSetTest, EmptyFolderIsAnError) {
  EXPECT_EQ(error(), folder + ": expects input_0.pb or output_0.pb");
}

TEST_F(DataSetTest, MissingFolderIsAnError) {
  EXPECT_EQ(llvm::toString(readDataSets(folder + "/no").takeError()),
            folder + "/no: no such folder");
}

TEST_F(DataSetTest, FileIsNoFolder) {
  write("file", "");
  EXPECT_EQ(llvm::toString(readDataSets(folder + "/file").takeError()),
            folder + "/file: expects a folder, got a file");
}

TEST_F(DataSetTest, EmptyTensorFileIsAnError) {
  write("input_0.pb", "");
  EXPECT_EQ(error(), folder + "/input_0.pb: expects an ONNX tensor");
}

TEST_F(DataSetTest, MissingBytesAreAnError) {
  onnx::TensorProto proto;
  proto.set_data_type(onnx::TensorProto::FLOAT);
  proto.add_dims(3);
  proto.set_raw_data("1234");
  write("input_0.pb", proto.SerializeAsString());
  EXPECT_EQ(error(), folder + "/input_0.pb: expects 12 bytes for its shape and "
                              "element type, got 4");
}
