//===- OnnxLargeTest.cpp - ONNX files of more than 2 GiB ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The file is sparse: weights that are all zero take no room on the disk.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "onnx/onnx_pb.h"
#include "portolan/Execution/Weights.h"
#include "portolan/Import/Onnx.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value > 0x7f; value >>= 7)
    bytes.push_back(char(value | 0x80));
  bytes.push_back(char(value));
  return bytes;
}

/// The head of a field with `size` bytes.
std::string head(int field, uint64_t size) {
  return varint(uint64_t(field) << 3 | 2) + varint(size);
}

/// An initialiser "w" of zeros with `bytes` bytes, ahead of its raw data.
std::string weightHead(uint64_t bytes) {
  onnx::TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(onnx::TensorProto::INT8);
  tensor.add_dims(int64_t(bytes));
  std::string inner = tensor.SerializeAsString() +
                      head(onnx::TensorProto::kRawDataFieldNumber, bytes);
  return head(onnx::GraphProto::kInitializerFieldNumber, inner.size() + bytes) +
         inner;
}

} // namespace

// Behind 5 GiB of zeros an offset needs more than 32 bits.
TEST(OnnxLarge, FindsWeightsBehindFourGiB) {
  constexpr uint64_t kZeros = uint64_t(5) << 30;
  onnx::GraphProto rest;
  rest.set_name("g");
  onnx::TensorProto *last = rest.add_initializer();
  last->set_name("last");
  last->set_data_type(onnx::TensorProto::INT8);
  last->add_dims(2048);
  last->set_raw_data(std::string(2047, 'x') + "y");
  rest.add_output()->set_name("last");
  rest.mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::INT8);
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  std::string first = weightHead(kZeros), tail = rest.SerializeAsString();
  std::string begin = model.SerializeAsString() +
                      head(onnx::ModelProto::kGraphFieldNumber,
                           first.size() + kZeros + tail.size()) +
                      first;

  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("portolan-large", folder));
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "model.onnx");
  {
    std::error_code error;
    llvm::raw_fd_ostream file(path, error);
    ASSERT_FALSE(error) << error.message();
    file << begin;
    file.seek(begin.size() + kZeros);
    file << tail;
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = importOnnx(path, context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());

  auto zeros = (*module)->lookupSymbol<moe::WeightDataOp>("w");
  ASSERT_TRUE(zeros);
  EXPECT_EQ(*zeros.getOffset(), begin.size());
  EXPECT_EQ(*zeros.getLength(), kZeros);
  auto data = (*module)->lookupSymbol<moe::WeightDataOp>("last");
  ASSERT_TRUE(data);
  EXPECT_GT(*data.getOffset(), kZeros);
  EXPECT_EQ(*data.getLength(), 2048u);

  WeightFiles files(folder);
  auto view = files.view(data);
  ASSERT_TRUE(bool(view)) << llvm::toString(view.takeError());
  EXPECT_EQ(static_cast<const char *>(view->data)[0], 'x');
  EXPECT_EQ(static_cast<const char *>(view->data)[2047], 'y');
  llvm::sys::fs::remove_directories(folder);
}

// What protobuf has to read, here a name of 2 GiB, has its bound.
TEST(OnnxLarge, RefusesTwoGiBBesideTheWeights) {
  constexpr uint64_t kName = uint64_t(1) << 31;
  std::string begin =
      head(onnx::ModelProto::kGraphFieldNumber,
           head(onnx::GraphProto::kNameFieldNumber, kName).size() + kName) +
      head(onnx::GraphProto::kNameFieldNumber, kName);
  llvm::SmallString<128> path;
  int descriptor = -1;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("portolan-large", "onnx",
                                                  descriptor, path));
  {
    llvm::raw_fd_ostream file(descriptor, /*shouldClose=*/true);
    file << begin;
    file.seek(begin.size() + kName - 1);
    file << '\0';
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = importOnnx(path, context);
  ASSERT_FALSE(bool(module));
  EXPECT_EQ(llvm::toString(module.takeError()),
            (path +
             ": expects less than 2 GiB beside the raw data of its "
             "weights, got " +
             llvm::Twine(begin.size() + kName) + " bytes")
                .str());
  llvm::sys::fs::remove(path);
}
