//===- OnnxTensorTest.cpp - element types and bytes of tensors ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Import/OnnxTensor.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/onnx_pb.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::onnx_import;

namespace {

struct OnnxTensor : testing::Test {
  MLIRContext context;

  onnx::TensorProto tensor(int32_t type, std::vector<int64_t> dims) {
    onnx::TensorProto proto;
    proto.set_data_type(type);
    for (int64_t dim : dims)
      proto.add_dims(dim);
    return proto;
  }
  std::string print(const onnx::TensorProto &proto) {
    llvm::Expected<ImportedTensor> imported =
        importTensor(proto, TensorPlaces(), "m.onnx", &context);
    if (!imported)
      return llvm::toString(imported.takeError());
    std::string text;
    llvm::raw_string_ostream(text) << imported->value;
    return text;
  }
};

} // namespace

TEST_F(OnnxTensor, SizesPackNarrowElements) {
  auto size = [&](std::vector<int64_t> shape, int32_t number) {
    return llvm::cantFail(
        byteSize(shape, llvm::cantFail(elementType(number, &context))));
  };
  EXPECT_EQ(size({}, 1), 4u);        // a scalar
  EXPECT_EQ(size({3}, 9), 3u);       // a bool is a byte
  EXPECT_EQ(size({3}, 22), 2u);      // 3 * 4 bits = 12 bits
  EXPECT_EQ(size({5}, 25), 2u);      // 5 * 2 bits = 10 bits
  EXPECT_EQ(size({2, 0, 9}, 1), 0u); // no elements
}

TEST_F(OnnxTensor, OverflowDoesNotHideBehindAZero) {
  Type f32 = llvm::cantFail(elementType(1, &context));
  int64_t large = int64_t(1) << 40;
  for (std::vector<int64_t> shape :
       {std::vector<int64_t>{large, large}, {0, large, large}})
    EXPECT_EQ(llvm::toString(byteSize(shape, f32).takeError()),
              "expects a tensor of less than 2^63 bits, got a larger one");
}

TEST_F(OnnxTensor, HalfPrecisionComesAsIntegers) {
  onnx::TensorProto proto = tensor(10, {2});
  proto.add_int32_data(0x3c00); // 1.0
  proto.add_int32_data(0xc000); // -2.0
  EXPECT_EQ(print(proto), "dense<[1.000000e+00, -2.000000e+00]> : "
                          "tensor<2xf16>");
}

// The first of two elements is in the low bits: 0x7e is -2 and then 7.
TEST_F(OnnxTensor, FourBitIntegersAreUnpacked) {
  onnx::TensorProto proto = tensor(22, {2});
  proto.set_raw_data("\x7e");
  EXPECT_EQ(print(proto), "dense<[-2, 7]> : tensor<2xi4>");
}

// e2m1: 0x2 is 1.0 and 0x7 is 6.0, the largest.
TEST_F(OnnxTensor, FourBitFloatsAreUnpacked) {
  onnx::TensorProto proto = tensor(23, {2});
  proto.set_raw_data("\x72");
  EXPECT_EQ(print(proto), "dense<[1.000000e+00, 6.000000e+00]> : "
                          "tensor<2xf4E2M1FN>");
}

TEST_F(OnnxTensor, UnsignedIntegersKeepTheirSign) {
  onnx::TensorProto proto = tensor(2, {1});
  proto.set_raw_data("\xff");
  EXPECT_EQ(print(proto), "dense<255> : tensor<1xui8>");
}

TEST_F(OnnxTensor, SegmentsAreRefused) {
  onnx::TensorProto proto = tensor(1, {1});
  proto.add_float_data(1);
  proto.mutable_segment()->set_begin(0);
  EXPECT_EQ(print(proto), "expects a whole tensor, got a segment");
}

TEST_F(OnnxTensor, UndefinedElementTypeIsRefused) {
  EXPECT_EQ(print(tensor(0, {1})), "expects a known element type, got 0");
}

// 2^50 claimed elements (2^52 bytes) without bytes: an error, and no allocation
// of them.
TEST_F(OnnxTensor, ClaimedSizeIsNotTrusted) {
  EXPECT_EQ(print(tensor(1, {int64_t(1) << 50})),
            "expects 4503599627370496 bytes for its shape and element type, "
            "got 0");
}
