//===- ConfigRunTest.cpp - small models of every family, executed ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A configuration with random weights must yield the same logits and caches for
// a prompt whether its tokens are new together or come one by one: positions,
// windows, chunks, temperatures, sinks, an index's choice and routing all take
// part in that.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "dialects/Moe/IR/Moe.h"
#include "portolan/Import/HfConfig.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include <cmath>

// The harness has a generator of its own, with the same name.
#define Random ConfigRandom
#include "../Support/SharedConfigs.h"
#undef Random

using namespace mlir;
using namespace portolan;

namespace {

using test::Array;

constexpr int64_t kBatch = 2;

class ConfigRun : public ::testing::TestWithParam<unsigned> {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("config-run", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  /// The model with random weights in a file.
  OwningOpRef<ModuleOp> load(const std::string &config);

  /// A prompt at once, and its tokens one by one.
  void expectOneByOne(const std::string &config, int64_t prompt = 6);

  std::vector<NamedTensor> step(ModuleOp module,
                                const std::vector<NamedTensor> &caches,
                                int64_t from, int64_t to);

  llvm::SmallString<128> folder;
  std::unique_ptr<MLIRContext> context = test::makeContext();
};

OwningOpRef<ModuleOp> ConfigRun::load(const std::string &config) {
  llvm::Expected<OwningOpRef<ModuleOp>> module =
      importHfConfigText(config, "c.json", "m", *context);
  if (!module) {
    ADD_FAILURE() << llvm::toString(module.takeError()) << config;
    return {};
  }
  llvm::SmallString<128> path = folder;
  llvm::sys::path::append(path, "weights.bin");
  std::error_code code;
  llvm::raw_fd_ostream file(path, code);
  EXPECT_FALSE(code);
  Builder builder(context.get());
  int64_t offset = 0;
  for (auto data : (*module)->getOps<moe::WeightDataOp>()) {
    if (data.getValue())
      continue; // What the architecture fixes.
    auto type = cast<RankedTensorType>(data.getType());
    // Gains and biases have rank 1.
    double scale = type.getRank() == 1 ? 1 : 0.3;
    Array values =
        test::Random(unsigned(offset + 1)).array(type.getShape(), scale);
    int64_t length = int64_t(values.values.size() * sizeof(float));
    const void *bytes = values.values.data();
    // A table of small numbers.
    std::vector<int32_t> integers;
    if (type.getElementType().isInteger(32)) {
      for (float value : values.values)
        integers.push_back(int32_t(std::fabs(value) * 30) % 2);
      bytes = integers.data();
    }
    file.write(static_cast<const char *>(bytes), length);
    data.setFileAttr(builder.getStringAttr("weights.bin"));
    data.setOffsetAttr(builder.getI64IntegerAttr(offset));
    data.setLengthAttr(builder.getI64IntegerAttr(length));
    offset += length;
  }
  return std::move(*module);
}

std::vector<NamedTensor> ConfigRun::step(ModuleOp module,
                                         const std::vector<NamedTensor> &caches,
                                         int64_t from, int64_t to) {
  std::vector<int64_t> ids, positions;
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t t = from; t < to; ++t) {
      ids.push_back((7 * t + 5 * b + 3) % 16);
      positions.push_back(t);
    }
  std::vector<NamedTensor> inputs = caches;
  for (NamedTensor &input : inputs)
    if (llvm::StringRef name = input.name; name.consume_front("present"))
      input.name = ("past_key_values" + name).str();
  llvm::SmallVector<int64_t> shape = {kBatch, to - from};
  inputs.push_back({"input_ids", Tensor::ofInts(ElementType::i64, shape, ids)});
  inputs.push_back(
      {"position_ids", Tensor::ofInts(ElementType::i64, shape, positions)});
  llvm::Expected<std::vector<NamedTensor>> outputs =
      runModule(module, inputs, folder);
  if (outputs)
    return std::move(*outputs);
  ADD_FAILURE() << llvm::toString(outputs.takeError());
  return {};
}

/// Caches without a token, as @main takes them.
std::vector<NamedTensor> emptyCaches(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::vector<NamedTensor> caches;
  for (unsigned i = 2; i < main.getNumArguments(); ++i) {
    auto type = cast<RankedTensorType>(main.getArgument(i).getType());
    llvm::SmallVector<int64_t> shape(type.getShape());
    shape[0] = kBatch;
    for (int64_t &size : shape)
      if (ShapedType::isDynamic(size))
        size = 0;
    caches.push_back(
        {main.getArgAttrOfType<StringAttr>(i, "moe.name").getValue().str(),
         Tensor(ElementType::f32, shape)});
  }
  return caches;
}

/// The configuration with f32 weights.
std::string inFloats(const std::string &text) {
  llvm::json::Value config = llvm::cantFail(llvm::json::parse(text));
  llvm::json::Object &object = *config.getAsObject();
  object["torch_dtype"] = "float32";
  if (llvm::json::Object *inner = object.getObject("text_config"))
    (*inner)["torch_dtype"] = "float32";
  return llvm::formatv("{0}", config);
}

void ConfigRun::expectOneByOne(const std::string &config, int64_t prompt) {
  std::string text = inFloats(config);
  OwningOpRef<ModuleOp> module = load(text);
  ASSERT_TRUE(module);
  std::vector<NamedTensor> empty = emptyCaches(*module);
  std::vector<NamedTensor> whole = step(*module, empty, 0, prompt);
  std::vector<NamedTensor> parts = step(*module, empty, 0, 3);
  for (int64_t token = 3; token < prompt; ++token) {
    ASSERT_EQ(parts.size(), empty.size() + 1);
    parts.erase(parts.begin());
    parts = step(*module, parts, token, token + 1);
  }
  ASSERT_EQ(parts.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i)
    test::expectNear(parts[i].tensor, Array(whole[i].tensor), 1e-4);
  // Something was computed.
  double largest = 0;
  for (float logit : whole[0].tensor.floats())
    largest = std::max(largest, std::fabs(double(logit)));
  EXPECT_GT(largest, 0) << text;
}

TEST_P(ConfigRun, TokenByTokenEqualsAllAtOnce) {
  expectOneByOne(test::randomFamilyConfig(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Families, ConfigRun,
                         ::testing::Range(0u, 2 * test::kNumFamilies));

class StreamsRun : public ConfigRun {};

TEST_P(StreamsRun, TokenByTokenEqualsAllAtOnce) {
  // Long enough for entries of two windows of 4 tokens.
  expectOneByOne(test::randomStreamsConfig(GetParam()), /*prompt=*/9);
}

INSTANTIATE_TEST_SUITE_P(Blocks, StreamsRun, ::testing::Range(0u, 4u));

class SharedRun : public ConfigRun {};

TEST_P(SharedRun, TokenByTokenEqualsAllAtOnce) {
  expectOneByOne(test::randomSharedConfig(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Families, SharedRun,
                         ::testing::Range(0u, 4 * test::kNumSharedFamilies));

} // namespace
