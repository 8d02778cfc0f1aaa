//===- JitTest.cpp - compiled code: ownership, symbols, threads -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Jit.h"
#include "Harness.h"
#include "mlir/ExecutionEngine/CRunnerUtils.h"
#include <thread>

using namespace portolan;
using namespace portolan::test;

namespace {

/// The runtime's half of @offset: fills a buffer with ten times the context.
void fillFromContext(int64_t context, StridedMemRefType<float, 1> *buffer) {
  for (int64_t i = 0; i < buffer->sizes[0]; ++i)
    buffer->data[buffer->offset + i * buffer->strides[0]] = 10.0f * context;
}

class JitTest : public testing::Test {
protected:
  llvm::Expected<std::unique_ptr<Executable>>
  compileText(llvm::StringRef text,
              llvm::ArrayRef<RuntimeSymbol> symbols = {}) {
    context = makeContext();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    if (!module)
      return llvm::createStringError("the test's module does not parse");
    return compile(*module, symbols);
  }

  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

TEST_F(JitTest, ArgumentsAndConstantsMayBeReturned) {
  auto executable = compileText(R"(
    func.func @main(%x: tensor<2xf32>)
        -> (tensor<2xf32>, tensor<2xf32>, tensor<2xi64>) {
      %c = arith.constant dense<[7, 9]> : tensor<2xi64>
      return %x, %x, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xi64>
    })");
  ASSERT_TRUE(bool(executable)) << llvm::toString(executable.takeError());
  Tensor x = Tensor::ofFloats({2}, {1, 2});
  for (int i = 0; i < 2; ++i) {
    auto outputs = (*executable)->call("main", {x});
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    EXPECT_EQ((*outputs)[0].floats(), x.floats());
    EXPECT_EQ((*outputs)[1].floats(), x.floats());
    EXPECT_EQ((*outputs)[2].intAt(1), 9);
  }
}

TEST_F(JitTest, ArgumentsAreNotWritten) {
  auto executable = compileText(R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %c0 = arith.constant 0 : index
      %f = arith.constant 5.0 : f32
      %0 = tensor.insert %f into %x[%c0] : tensor<2xf32>
      return %0 : tensor<2xf32>
    })");
  ASSERT_TRUE(bool(executable)) << llvm::toString(executable.takeError());
  Tensor x = Tensor::ofFloats({2}, {1, 2});
  auto outputs = (*executable)->call("main", {x});
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  EXPECT_EQ((*outputs)[0].floats(), (std::vector<float>{5, 2}));
  EXPECT_EQ(x.floats(), (std::vector<float>{1, 2}));
}

TEST_F(JitTest, SlicesPassThroughPrivateFunctions) {
  auto executable = compileText(R"(
    func.func @main(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
      %0 = tensor.extract_slice %x[0, 1] [3, 3] [1, 1]
        : tensor<3x4xf32> to tensor<3x3xf32>
      %1 = call @right(%0) : (tensor<3x3xf32>) -> tensor<3x2xf32>
      return %1 : tensor<3x2xf32>
    }
    func.func private @right(%x: tensor<3x3xf32>) -> tensor<3x2xf32> {
      %0 = tensor.extract_slice %x[0, 1] [3, 2] [1, 1]
        : tensor<3x3xf32> to tensor<3x2xf32>
      return %0 : tensor<3x2xf32>
    })");
  ASSERT_TRUE(bool(executable)) << llvm::toString(executable.takeError());
  auto outputs =
      (*executable)
          ->call("main", {Tensor::ofFloats(
                             {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})});
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  EXPECT_EQ((*outputs)[0].floats(), (std::vector<float>{2, 3, 6, 7, 10, 11}));
}

TEST_F(JitTest, ThreadsCallWithTheirOwnContext) {
  auto executable = compileText(
      R"(
    func.func private @offset(i64, memref<?xf32>)
      attributes {llvm.emit_c_interface}
    func.func @main(%context: i64, %x: tensor<3xf32>) -> tensor<3xf32> {
      %n = arith.constant 3 : index
      %buffer = memref.alloca(%n) : memref<?xf32>
      call @offset(%context, %buffer) : (i64, memref<?xf32>) -> ()
      %t = bufferization.to_tensor %buffer restrict
        : memref<?xf32> to tensor<?xf32>
      %y = tensor.cast %t : tensor<?xf32> to tensor<3xf32>
      %e = tensor.empty() : tensor<3xf32>
      %0 = linalg.add ins(%x, %y : tensor<3xf32>, tensor<3xf32>)
        outs(%e : tensor<3xf32>) -> tensor<3xf32>
      return %0 : tensor<3xf32>
    })",
      {{"_mlir_ciface_offset", reinterpret_cast<void *>(&fillFromContext)}});
  ASSERT_TRUE(bool(executable)) << llvm::toString(executable.takeError());
  Tensor x = Tensor::ofFloats({3}, {1, 2, 3});
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < 4; ++rank)
    threads.emplace_back([&, rank] {
      auto outputs = (*executable)->call("main", {x}, {rank});
      if (!outputs)
        results[rank] = llvm::toString(outputs.takeError());
      else
        for (float value : outputs->front().floats())
          results[rank] += std::to_string(int(value)) + " ";
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(results, (std::vector<std::string>{"1 2 3 ", "11 12 13 ",
                                               "21 22 23 ", "31 32 33 "}));
}

TEST_F(JitTest, RefusesWhatDoesNotLower) {
  auto executable = compileText(R"(
    func.func @main() -> tensor<1xi32> {
      %0 = nvvm.read.ptx.sreg.tid.x : i32
      %1 = tensor.from_elements %0 : tensor<1xi32>
      return %1 : tensor<1xi32>
    })");
  ASSERT_FALSE(bool(executable));
  EXPECT_EQ(llvm::toString(executable.takeError()),
            "-:3:12: 'nvvm.read.ptx.sreg.tid.x' op expects a lowering to the "
            "llvm dialect, got none");
}

TEST_F(JitTest, RefusesAnUnknownRuntimeFunction) {
  auto executable = compileText(R"(
    func.func private @nowhere() attributes {llvm.emit_c_interface}
    func.func @main() {
      call @nowhere() : () -> ()
      return
    })");
  ASSERT_TRUE(bool(executable)) << llvm::toString(executable.takeError());
  auto outputs = (*executable)->call("main", {});
  ASSERT_FALSE(bool(outputs));
  llvm::consumeError(outputs.takeError());
}

TEST_F(JitTest, RefusesArgumentsThatDoNotFit) {
  auto executable = compileText(R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      return %x : tensor<?x2xf32>
    })");
  ASSERT_TRUE(bool(executable)) << llvm::toString(executable.takeError());
  auto outputs =
      (*executable)->call("main", {Tensor(ElementType::f32, {4, 3})});
  ASSERT_FALSE(bool(outputs));
  EXPECT_EQ(llvm::toString(outputs.takeError()),
            "argument 0 of 'main' expects ?x2 of f32, got 4x3 of f32");
}

TEST_F(JitTest, RefusesAnElementTypeWithoutAHostForm) {
  auto executable = compileText(R"(
    func.func @main(%x: tensor<2xi4>) -> tensor<2xi4> {
      return %x : tensor<2xi4>
    })");
  ASSERT_FALSE(bool(executable));
  EXPECT_EQ(llvm::toString(executable.takeError()),
            "function 'main' expects tensors of f64, f32, bf16, f16, i64, i32, "
            "i8 or i1 to be run, got tensor<2xi4>");
}
