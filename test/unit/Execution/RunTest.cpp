//===- RunTest.cpp - a whole module: names, dimensions, weights -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
using namespace portolan::test;

namespace {

/// A folder of its own with the weight files of a test.
class RunTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("portolan-run", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) {
    llvm::SmallString<128> joined(folder);
    llvm::sys::path::append(joined, name);
    return joined.str().str();
  }
  void write(llvm::StringRef name, llvm::ArrayRef<char> bytes) {
    std::error_code error;
    llvm::raw_fd_ostream os(path(name), error);
    ASSERT_FALSE(error) << error.message();
    os.write(bytes.data(), bytes.size());
  }
  void writeFloats(llvm::StringRef name, const std::vector<float> &values) {
    write(name, {reinterpret_cast<const char *>(values.data()),
                 values.size() * sizeof(float)});
  }

  /// y = x w for x [1,2] = (1, 10) and the weight described by `data`.
  std::string errorOrResult(llvm::StringRef data) {
    std::string text = (R"(
      moe.weight_data @w )" +
                        data + R"( : tensor<2x2xf32>
      func.func @main(%x: tensor<1x2xf32> {moe.name = "x"})
          -> (tensor<1x2xf32> {moe.name = "y"}) {
        %w = moe.weight @w : tensor<2x2xf32>
        %y = moe.linear %x, %w
          : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
        return %y : tensor<1x2xf32>
      })")
                           .str();
    NamedTensor x{"x", Tensor::ofFloats({1, 2}, {1, 10})};
    llvm::Expected<std::vector<NamedTensor>> y = runNamed(text, x, folder);
    if (!y)
      return llvm::toString(y.takeError());
    EXPECT_EQ(y->size(), 1u);
    const NamedTensor &out = y->front();
    return out.name + " " + std::to_string(int(out.tensor.at(0))) + " " +
           std::to_string(int(out.tensor.at(1)));
  }

  llvm::SmallString<128> folder;
};

constexpr llvm::StringLiteral kTwoInputs = R"(
  func.func @main(
      %a: tensor<?x?x2xf32> {moe.name = "a", moe.dims = ["batch", "seq", ""]},
      %b: tensor<?x?x2xf32> {moe.name = "b", moe.dims = ["batch", "seq", ""]})
      -> tensor<?x?x2xf32> {
    %c = call @layer(%a, %b)
      : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
    %d = call @layer(%c, %b)
      : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
    return %d : tensor<?x?x2xf32>
  }
  func.func private @layer(%a: tensor<?x?x2xf32>, %b: tensor<?x?x2xf32>)
      -> tensor<?x?x2xf32> {
    %c = moe.add %a, %b : tensor<?x?x2xf32>
    return %c : tensor<?x?x2xf32>
  })";

} // namespace

TEST_F(RunTest, ShapesOfInputsBindDimensions) {
  NamedTensor inputs[] = {{"b", Tensor::ofFloats({1, 2, 2}, {1, 2, 3, 4})},
                          {"a", Tensor::ofFloats({1, 2, 2}, {0, 0, 0, 100})}};
  llvm::Expected<std::vector<NamedTensor>> outputs =
      runNamed(kTwoInputs, inputs);
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  EXPECT_EQ(outputs->front().name, "output_0");
  // Two layers: a + 2 b.
  EXPECT_EQ(outputs->front().tensor.floats(),
            (std::vector<float>{2, 4, 6, 108}));
}

TEST_F(RunTest, RotaryTablesReachAllPositionsWithoutAnAttention) {
  // One angle per head, of frequency 1: position p turns (1, 0) by p.
  constexpr llvm::StringLiteral kRotation = R"(
    func.func @main(
        %x: tensor<?x?x2xf32> {moe.name = "x", moe.dims = ["b", "s", ""]},
        %p: tensor<?x?xi64> {moe.name = "p", moe.dims = ["b", "s"]})
        -> tensor<?x?x2xf32> {
      %c, %s = moe.rotary_table {theta = 1.0e4 : f64}
        : tensor<?x1xf32>, tensor<?x1xf32>
      %y = moe.rope %x at %p by %c, %s {head_width = 2 : i64}
        : (tensor<?x?x2xf32>, tensor<?x?xi64>, tensor<?x1xf32>,
           tensor<?x1xf32>) -> tensor<?x?x2xf32>
      return %y : tensor<?x?x2xf32>
    })";
  NamedTensor inputs[] = {
      {"x", Tensor::ofFloats({1, 2, 2}, {1, 0, 1, 0})},
      {"p", Tensor::ofInts(ElementType::i64, {1, 2}, {0, 1})}};
  llvm::Expected<std::vector<NamedTensor>> outputs =
      runNamed(kRotation, inputs);
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  std::vector<float> turned = outputs->front().tensor.floats();
  EXPECT_FLOAT_EQ(turned[0], 1);
  EXPECT_FLOAT_EQ(turned[1], 0);
  EXPECT_NEAR(turned[2], 0.5403023, 1e-6); // cos 1
  EXPECT_NEAR(turned[3], 0.8414710, 1e-6); // sin 1
}

TEST_F(RunTest, RefusesDimensionsThatDisagree) {
  NamedTensor inputs[] = {{"a", Tensor(ElementType::f32, {1, 2, 2})},
                          {"b", Tensor(ElementType::f32, {1, 3, 2})}};
  EXPECT_EQ(llvm::toString(runNamed(kTwoInputs, inputs).takeError()),
            "input 'b' expects seq = 2 as 'a' has, got 3");
}

TEST_F(RunTest, RefusesAStaticDimensionThatDiffers) {
  NamedTensor inputs[] = {{"a", Tensor(ElementType::f32, {1, 2, 3})},
                          {"b", Tensor(ElementType::f32, {1, 2, 2})}};
  EXPECT_EQ(llvm::toString(runNamed(kTwoInputs, inputs).takeError()),
            "input 'a' expects shape ?x?x2, got 1x2x3");
}

TEST_F(RunTest, RefusesAnotherElementType) {
  NamedTensor inputs[] = {{"a", Tensor(ElementType::bf16, {1, 2, 2})},
                          {"b", Tensor(ElementType::f32, {1, 2, 2})}};
  EXPECT_EQ(llvm::toString(runNamed(kTwoInputs, inputs).takeError()),
            "input 'a' expects f32 elements, got bf16");
}

TEST_F(RunTest, RefusesAMissingInput) {
  NamedTensor inputs[] = {{"a", Tensor(ElementType::f32, {1, 2, 2})}};
  EXPECT_EQ(llvm::toString(runNamed(kTwoInputs, inputs).takeError()),
            "input 'b' is missing from the data set");
}

TEST_F(RunTest, RefusesAnUnknownInput) {
  NamedTensor inputs[] = {{"q", Tensor(ElementType::f32, {1, 2, 2})}};
  EXPECT_EQ(llvm::toString(runNamed(kTwoInputs, inputs).takeError()),
            "input 'q' expects one of a, b");
}

TEST_F(RunTest, RefusesAnIdOutsideTheTable) {
  NamedTensor inputs[] = {
      {"ids", Tensor::ofInts(ElementType::i64, {2}, {1, 4})},
      {"t", Tensor(ElementType::f32, {4, 1})}};
  llvm::StringRef text = R"(
    func.func @main(%ids: tensor<2xi64> {moe.name = "ids"},
                    %t: tensor<4x1xf32> {moe.name = "t"}) -> tensor<2x1xf32> {
      %e = call @embed(%ids, %t)
        : (tensor<2xi64>, tensor<4x1xf32>) -> tensor<2x1xf32>
      return %e : tensor<2x1xf32>
    }
    func.func private @embed(%ids: tensor<2xi64>, %t: tensor<4x1xf32>)
        -> tensor<2x1xf32> {
      %e = moe.embedding %ids, %t
        : (tensor<2xi64>, tensor<4x1xf32>) -> tensor<2x1xf32>
      return %e : tensor<2x1xf32>
    })";
  EXPECT_EQ(llvm::toString(runNamed(text, inputs).takeError()),
            "input 'ids' expects ids in [0, 4), got 4");
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

TEST_F(RunTest, WeightFromAFile) {
  writeFloats("w.bin", {0, 0, 1, 2, 3, 4});
  // (1, 10) times [[1, 2], [3, 4]] = (31, 42).
  EXPECT_EQ(
      errorOrResult("{file = \"w.bin\", offset = 8 : i64, length = 16 : i64}"),
      "y 31 42");
}

TEST_F(RunTest, UnalignedWeight) {
  std::vector<float> values = {1, 2, 3, 4};
  std::vector<char> bytes(17);
  memcpy(bytes.data() + 1, values.data(), 16);
  write("w.bin", bytes);
  EXPECT_EQ(
      errorOrResult("{file = \"w.bin\", offset = 1 : i64, length = 16 : i64}"),
      "y 31 42");
}

TEST_F(RunTest, WeightFromItsValue) {
  EXPECT_EQ(errorOrResult("{value = dense<[[1.0, 2.0], [3.0, 4.0]]> : "
                          "tensor<2x2xf32>}"),
            "y 31 42");
}

TEST_F(RunTest, PartsOfAWeightAreStacked) {
  writeFloats("a.bin", {9, 9, 1, 2});
  writeFloats("b.bin", {3, 4});
  // Rows (1, 2) and (3, 4): (1, 10) w = (31, 42).
  EXPECT_EQ(errorOrResult("{files = [\"a.bin\", \"b.bin\"], length = 16 : i64, "
                          "offsets = array<i64: 8, 0>}"),
            "y 31 42");
  EXPECT_EQ(errorOrResult("{file = \"a.bin\", length = 16 : i64, "
                          "offsets = array<i64: 8, 0>}"),
            "y 91 92");
}

TEST_F(RunTest, APartThatTheModelLacksIsZero) {
  writeFloats("w.bin", {1, 2});
  EXPECT_EQ(errorOrResult("{file = \"w.bin\", length = 16 : i64, "
                          "offsets = array<i64: 0, -1>}"),
            "y 1 2");
}

TEST_F(RunTest, RefusesAPartBeyondTheEnd) {
  writeFloats("w.bin", {1, 2, 3});
  EXPECT_EQ(errorOrResult("{file = \"w.bin\", length = 16 : i64, "
                          "offsets = array<i64: 0, 8>}"),
            "weight 'w': expects bytes 8 to 16 of 'w.bin', got a file of 12");
}

TEST_F(RunTest, RefusesAWeightWithoutBytes) {
  EXPECT_EQ(errorOrResult(""), "weight 'w': expects a file, got none (the "
                               "model ships no weights)");
}

TEST_F(RunTest, RefusesAnotherLength) {
  writeFloats("w.bin", {1, 2, 3, 4});
  EXPECT_EQ(
      errorOrResult("{file = \"w.bin\", offset = 0 : i64, length = 12 : i64}"),
      "weight 'w': expects 16 bytes, got a length of 12");
}

TEST_F(RunTest, RefusesBytesBeyondTheFile) {
  writeFloats("w.bin", {1, 2, 3, 4});
  EXPECT_EQ(
      errorOrResult("{file = \"w.bin\", offset = 4 : i64, length = 16 : i64}"),
      "weight 'w': expects bytes 4 to 20 of 'w.bin', got a file of 16");
}

TEST_F(RunTest, RefusesAnAbsolutePath) {
  EXPECT_EQ(errorOrResult("{file = \"/etc/passwd\", offset = 0 : i64, "
                          "length = 16 : i64}"),
            "weight file '/etc/passwd': expects a path inside the model's "
            "folder");
}

TEST_F(RunTest, RefusesAPathThatLeavesTheFolder) {
  EXPECT_EQ(errorOrResult("{file = \"a/../../w.bin\", offset = 0 : i64, "
                          "length = 16 : i64}"),
            "weight file 'a/../../w.bin': expects a path inside the model's "
            "folder");
}

TEST_F(RunTest, RefusesALinkThatLeavesTheFolder) {
  ASSERT_FALSE(llvm::sys::fs::create_link("/etc/passwd", path("w.bin")));
  EXPECT_EQ(
      errorOrResult("{file = \"w.bin\", offset = 0 : i64, length = 16 : i64}"),
      "weight file 'w.bin': expects a file inside the model's folder, "
      "got a link that leaves it");
}

TEST_F(RunTest, RefusesAMissingFile) {
  EXPECT_EQ(
      errorOrResult("{file = \"w.bin\", offset = 0 : i64, length = 16 : i64}"),
      "weight file 'w.bin': cannot be opened: No such file or "
      "directory");
}
