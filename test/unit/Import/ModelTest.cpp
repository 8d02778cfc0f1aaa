//===- ModelTest.cpp - models by name, parameter counts -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/Model.h"
#include "dialects/Moe/IR/Moe.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Analysis/ModelShape.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

ParameterCount countOf(llvm::StringRef model) {
  MLIRContext context;
  auto module = loadModel(model, context);
  if (!module) {
    ADD_FAILURE() << llvm::toString(module.takeError());
    return {};
  }
  llvm::Expected<ParameterCount> count = countParameters(**module);
  if (count)
    return *count;
  ADD_FAILURE() << llvm::toString(count.takeError());
  return {};
}

std::string errorOf(llvm::StringRef model) {
  MLIRContext context;
  auto module = loadModel(model, context);
  return module ? "loaded" : llvm::toString(module.takeError());
}

/// A file in a folder of its own, removed at the end of the test.
class ModelFile : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("portolan", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }
  std::string write(llvm::StringRef name, llvm::StringRef text) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    std::error_code code;
    llvm::raw_fd_ostream(path, code) << text;
    EXPECT_FALSE(code);
    return std::string(path);
  }
  llvm::SmallString<128> folder;
};

TEST(Parameters, Mixtral) {
  // Per layer, H = 4096:
  //   attention  4096*4096 * 2 + 4096*1024 * 2          =    41,943,040
  //   norms      2 * 4096                               =         8,192
  //   router     4096 * 8                               =        32,768
  //   expert     3 * 4096 * 14336                       =   176,160,768
  //   all eight                                         = 1,409,286,144
  //   layer                                             = 1,451,270,144
  // 32 layers                                           = 46,440,644,608
  // embedding, head 2 * 32000 * 4096 = 262,144,000; final norm 4,096
  // total                                               = 46,702,792,704
  // inactive: 32 * 6 experts * 176,160,768              = 33,822,867,456
  ParameterCount count = countOf("mixtral-8x7b");
  EXPECT_EQ(count.total, 46702792704);
  EXPECT_EQ(count.active, 46702792704 - 33822867456); // 12.88 B
}

TEST(Parameters, DeepSeek) {
  // Attention per layer, H = 7168, 128 heads:
  //   q_a 7168*1536 = 11,010,048; norm 1,536; q_b 1536*128*192 = 37,748,736
  //   kv_a 7168*576 = 4,128,768; norm 512
  //   kv_b 512*128*(128+128) = 16,777,216; o 128*128*7168 = 117,440,512
  //                                                 sum = 187,107,328
  //   two layer norms 2 * 7168                          = 14,336
  // dense layer: + 3 * 7168 * 18432 = 396,361,728       = 583,483,392
  // expert 3 * 7168 * 2048                              = 44,040,192
  // routed layer: + router 7168*256 = 1,835,008 + correction 256
  //   + 256 + 1 experts * 44,040,192 = 11,318,329,344   = 11,507,286,272
  // 3 dense + 58 routed                                 = 669,173,053,952
  // embedding, head 2 * 129280 * 7168 = 1,853,358,080; final norm 7,168
  // total                                               = 671,026,419,200
  // inactive: 58 * 248 experts * 44,040,192             = 633,474,121,728
  ParameterCount count = countOf("deepseek-v3");
  EXPECT_EQ(count.total, 671026419200);
  EXPECT_EQ(count.active, 671026419200 - 633474121728); // 37.55 B
}

TEST(Parameters, KimiK2) {
  // As DeepSeek, with 64 heads, 384 experts, 1 dense layer, 163840 tokens:
  //   attention 11,010,048 + 1,536 + 1536*64*192 = 18,874,368 + 4,128,768 + 512
  //     + 512*64*256 = 8,388,608 + 64*128*7168 = 58,720,256 = 101,124,096
  //   dense 101,124,096 + 14,336 + 396,361,728             = 497,500,160
  //   routed 101,124,096 + 14,336 + 7168*384 + 384
  //     + 385 * 44,040,192                                 = 17,059,365,248
  // total 497,500,160 + 60 * 17,059,365,248
  //   + 2 * 163840 * 7168 + 7,168                        = 1,026,408,232,448
  ParameterCount count = countOf(PORTOLAN_CONFIGS "/kimi-k2.json");
  EXPECT_EQ(count.total, 1026408232448);
  // inactive: 60 * 376 * 44,040,192                        = 993,546,731,520
  EXPECT_EQ(count.total - count.active, 993546731520);
}

TEST(Parameters, TheModelShapeHasTheSameTotals) {
  for (const std::string &name : shippedModelNames()) {
    MLIRContext context;
    auto module = loadModel(name, context);
    ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
    llvm::Expected<ModelShape> shape = extractModelShape(**module);
    ASSERT_TRUE(bool(shape)) << llvm::toString(shape.takeError());
    ParameterCount count = countOf(name);
    // A shape has no biases, which are up to 0.035 % (experts of 3 * 2880^2
    // elements with 3 * 2880 biases) and, of what is active, 0.06 %.
    EXPECT_NEAR(shape->parametersTotal / double(count.total), 1, 5e-4) << name;
    EXPECT_NEAR(shape->parametersActive / double(count.active), 1, 1e-3)
        << name;
  }
}

TEST(Parameters, AWeightOutsideTheExpertsIsActive) {
  MLIRContext context;
  context.loadDialect<moe::MoeDialect, func::FuncDialect>();
  auto module = parseSourceString<ModuleOp>(R"(
    func.func @main(%x: tensor<3x4xf32>) -> tensor<3x5xf32> {
      %w = moe.weight @w : tensor<4x5xf32>
      %y = moe.linear %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
      return %y : tensor<3x5xf32>
    }
    moe.weight_data @w : tensor<4x5xf32>
  )",
                                            &context);
  ASSERT_TRUE(bool(module));
  llvm::Expected<ParameterCount> count = countParameters(*module);
  ASSERT_TRUE(bool(count)) << llvm::toString(count.takeError());
  EXPECT_EQ(count->total, 20);
  EXPECT_EQ(count->active, 20);
}

TEST(Parameters, RowsFromElsewhereAreAnError) {
  MLIRContext context;
  context.loadDialect<moe::MoeDialect, func::FuncDialect>();
  auto module = parseSourceString<ModuleOp>(R"(
    func.func @main(%x: tensor<3x4xf32>, %c: tensor<2xi32>) -> tensor<3x4xf32> {
      %u = moe.weight @u : tensor<2x4x6xf32>
      %d = moe.weight @d : tensor<2x6x4xf32>
      %y = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>}
        : (tensor<3x4xf32>, tensor<2xi32>, tensor<2x4x6xf32>, tensor<2x6x4xf32>) -> tensor<3x4xf32>
      return %y : tensor<3x4xf32>
    }
    moe.weight_data @u : tensor<2x4x6xf32>
    moe.weight_data @d : tensor<2x6x4xf32>
  )",
                                            &context);
  ASSERT_TRUE(bool(module));
  llvm::Expected<ParameterCount> count = countParameters(*module);
  ASSERT_FALSE(bool(count));
  EXPECT_EQ(llvm::toString(count.takeError()),
            "moe.experts: expects rows from a moe.dispatch to count the "
            "parameters that a token uses");
}

TEST(Model, ShippedNamesAndTheDefault) {
  std::vector<std::string> names = shippedModelNames();
  ASSERT_GE(names.size(), 2u);
  EXPECT_EQ(names[0], "mixtral-8x7b");
  EXPECT_EQ(names[1], "deepseek-v3");
  EXPECT_EQ(defaultModelName(), "deepseek-v3");
}

TEST(Model, UnknownNameListsTheKnownOnes) {
  EXPECT_EQ(errorOf("mixtral").rfind(
                "unknown model 'mixtral': expects a file or one of "
                "mixtral-8x7b, deepseek-v3, ",
                0),
            0u)
      << errorOf("mixtral");
}

TEST(Model, MissingFile) {
  EXPECT_EQ(errorOf("nowhere/config.json"),
            "nowhere/config.json: no such file");
}

TEST(Model, Directory) {
  EXPECT_EQ(errorOf(PORTOLAN_CONFIGS),
            PORTOLAN_CONFIGS ": expects a file, got a directory");
}

TEST_F(ModelFile, UnknownExtension) {
  std::string path = write("model.gguf", "GGUF");
  EXPECT_NE(errorOf(path).find(path + ": expects a "), std::string::npos);
}

TEST_F(ModelFile, MlirReadsBackWhatWasImported) {
  MLIRContext context;
  auto imported = loadModel(PORTOLAN_CONFIGS "/deepseek-tiny.json", context);
  ASSERT_TRUE(bool(imported)) << llvm::toString(imported.takeError());
  std::string text, again;
  llvm::raw_string_ostream(text) << **imported;
  auto module = loadModel(write("m.mlir", text), context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  llvm::raw_string_ostream(again) << **module;
  EXPECT_EQ(text, again);
}

TEST_F(ModelFile, MlirThatDoesNotParse) {
  std::string path = write("m.mlir", "func.func @main(");
  EXPECT_EQ(errorOf(path).rfind(path + ":1:", 0), 0u) << errorOf(path);
}

TEST_F(ModelFile, MlirThatDoesNotVerify) {
  std::string path = write("m.mlir", R"(
    func.func @main(%x: tensor<3x4xf32>, %g: tensor<3xf32>) {
      %y = moe.rms_norm %x, %g {epsilon = 1.0 : f64} : (tensor<3x4xf32>, tensor<3xf32>) -> tensor<3x4xf32>
      return
    }
  )");
  EXPECT_NE(errorOf(path).find("expects a gain whose size divides the width 4, "
                               "got 3"),
            std::string::npos)
      << errorOf(path);
}

TEST_F(ModelFile, MlirWithoutMain) {
  std::string path = write("m.mlir", "module {}");
  EXPECT_EQ(errorOf(path), path + ": expects a function @main, got none");
}

TEST_F(ModelFile, MlirWithoutMoeOps) {
  std::string path = write("m.mlir", "func.func @main() { return }");
  EXPECT_EQ(errorOf(path), path + ": expects ops of the moe dialect, got none");
}

} // namespace
