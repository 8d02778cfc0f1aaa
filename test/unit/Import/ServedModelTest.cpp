//===- ServedModelTest.cpp - one model from two sources -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decomposed graph and a configuration of the same model, two layers each,
// are served by the same ops. The graphs hold full-size shapes and no weights.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Analysis/Partition.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

struct Served {
  ModelShape shape;
  ParameterCount parameters;
};

class ServedModel : public testing::Test {
protected:
  ServedModel() : context(registry()) {}

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    return registry;
  }

  Served serve(ModuleOp module) {
    EXPECT_TRUE(succeeded(moe::applyServingForm(module)));
    llvm::Expected<ModelShape> shape = extractModelShape(module);
    llvm::Expected<ParameterCount> parameters = countParameters(module);
    if (shape && parameters)
      return {std::move(*shape), *parameters};
    ADD_FAILURE() << (shape ? llvm::toString(parameters.takeError())
                            : llvm::toString(shape.takeError()));
    return {};
  }

  Served fromGraph(llvm::StringRef file) {
    auto module = parseSourceFile<ModuleOp>(
        (PORTOLAN_TEST_GRAPHS "/" + file).str(), &context);
    if (!module) {
      ADD_FAILURE() << file.str() << " cannot be parsed";
      return {};
    }
    if (llvm::Error error = raiseGraphToMoe(*module)) {
      ADD_FAILURE() << llvm::toString(std::move(error));
      return {};
    }
    return serve(*module);
  }

  /// The shipped configuration with other fields, and, unless it is
  /// `asShipped`, without the one that makes its matrices fp8.
  Served fromConfig(llvm::StringRef name, llvm::json::Object fields,
                    bool asShipped = false) {
    std::string path = (PORTOLAN_SHIPPED_CONFIGS "/" + name + ".json").str();
    auto buffer = llvm::MemoryBuffer::getFile(path);
    llvm::json::Value config =
        llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()));
    if (!asShipped)
      config.getAsObject()->erase("quantization_config");
    for (auto &[key, value] : fields)
      (*config.getAsObject())[key] = value;
    std::string text;
    llvm::raw_string_ostream(text) << config;
    auto module = importHfConfigText(text, path, name, context);
    if (module)
      return serve(**module);
    ADD_FAILURE() << llvm::toString(module.takeError());
    return {};
  }

  static void expectSame(const LayerShape &lhs, const LayerShape &rhs) {
    EXPECT_EQ(lhs.name, rhs.name);
    ASSERT_EQ(lhs.ops.size(), rhs.ops.size()) << lhs.name;
    for (unsigned i = 0; i < lhs.ops.size(); ++i) {
      const ModelOp &a = lhs.ops[i], &b = rhs.ops[i];
      SCOPED_TRACE(a.name + " and " + b.name);
      EXPECT_EQ(a.local.kind, b.local.kind);
      EXPECT_TRUE(a.local == b.local);
      EXPECT_EQ(a.sharding, b.sharding);
      EXPECT_EQ(a.units, b.units);
      EXPECT_EQ(a.expertRegion, b.expertRegion);
      EXPECT_EQ(a.gatherColumns, b.gatherColumns);
      EXPECT_EQ(a.window, b.window);
      EXPECT_EQ(a.groups, b.groups);
      EXPECT_EQ(a.topGroups, b.topGroups);
      EXPECT_EQ(a.lastPosition, b.lastPosition);
    }
  }

  static void expectSame(const Served &lhs, const Served &rhs) {
    const ModelShape &a = lhs.shape, &b = rhs.shape;
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (unsigned i = 0; i < a.layers.size(); ++i)
      expectSame(a.layers[i], b.layers[i]);
    expectSame(a.prologue, b.prologue);
    expectSame(a.epilogue, b.epilogue);
    EXPECT_EQ(a.sequence, b.sequence);
    EXPECT_EQ(a.hidden, b.hidden);
    EXPECT_EQ(a.experts, b.experts);
    EXPECT_EQ(a.topK, b.topK);
    EXPECT_EQ(a.groups, b.groups);
    EXPECT_EQ(a.topGroups, b.topGroups);
    EXPECT_EQ(a.heads, b.heads);
    EXPECT_EQ(a.kvHeads, b.kvHeads);
    EXPECT_EQ(a.latentAttention, b.latentAttention);
    EXPECT_EQ(a.shippedWeight, b.shippedWeight);
    EXPECT_EQ(a.shippedActivation, b.shippedActivation);
    EXPECT_EQ(a.shippedCache, b.shippedCache);
    EXPECT_EQ(lhs.parameters.total, rhs.parameters.total);
    EXPECT_EQ(lhs.parameters.active, rhs.parameters.active);
  }

  MLIRContext context;
};

TEST_F(ServedModel, DenseMixtralIsThatOfTheConfiguration) {
  expectSame(
      fromGraph("mixtral-dense.mlir"),
      fromConfig("mixtral-8x7b", llvm::json::Object{{"num_hidden_layers", 2}}));
}

TEST_F(ServedModel, GatheredDeepSeekIsThatOfTheConfiguration) {
  // One dense and one routed layer.
  llvm::json::Object fields{{"num_hidden_layers", 2},
                            {"first_k_dense_replace", 1}};
  expectSame(fromGraph("deepseek-gathered.mlir"),
             fromConfig("deepseek-v3", std::move(fields)));
}

TEST_F(ServedModel, APlanDecidesTheFormatsWhateverShipped) {
  // The graph ships bf16 matrices, the configuration fp8 ones.
  llvm::json::Object fields{{"num_hidden_layers", 2},
                            {"first_k_dense_replace", 1}};
  ModelShape wide = fromGraph("deepseek-gathered.mlir").shape;
  ModelShape narrow =
      fromConfig("deepseek-v3", std::move(fields), /*asShipped=*/true).shape;
  ASSERT_EQ(wide.shippedWeight, Format::bf16);
  ASSERT_EQ(narrow.shippedWeight, Format::fp8);
  PlanPoint plan;
  plan.set(PlanClass::weightFormat,
           encodeFormats({Format::mxfp4, Format::mxfp4}));
  plan.set(PlanClass::activationFormat,
           encodeFormats({Format::mxfp4, Format::mxfp4}));
  plan.set(PlanClass::kvFormat, encodeFormats({Format::fp8, Format::fp8}));
  Deployment deployment;
  Workload workload;
  ASSERT_EQ(wide.layers.size(), narrow.layers.size());
  for (unsigned i = 0; i < wide.layers.size(); ++i) {
    LocalOps a, b;
    partitionLayer(wide, wide.layers[i], plan, deployment, workload, 8, a);
    partitionLayer(narrow, narrow.layers[i], plan, deployment, workload, 8, b);
    EXPECT_TRUE(a == b) << wide.layers[i].name;
  }
}

} // namespace
