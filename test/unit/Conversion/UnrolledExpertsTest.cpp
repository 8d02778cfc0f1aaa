//===- UnrolledExpertsTest.cpp - experts with a subgraph each -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One network in many forms raises to the same moe ops, and computes what a
// plain loop over tokens and experts computes.
//
//===----------------------------------------------------------------------===//

#include "UnrolledGraph.h"
#include "dialects/Graph/IR/Graph.h"
#include "dialects/Moe/IR/Moe.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Execution/Run.h"
#include "portolan/RegisterAll.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kTokens = 5;

class UnrolledExperts : public ::testing::Test {
protected:
  UnrolledExperts() : context(registry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry registry() {
    DialectRegistry dialects;
    registerAllDialects(dialects);
    return dialects;
  }

  /// The raised module, or null with `error` set.
  OwningOpRef<ModuleOp> raise(const ExpertGraph &graph) {
    RaisingReport report;
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(graph.text, &context);
    if (!module) {
      ADD_FAILURE() << "the graph does not parse";
      return nullptr;
    }
    if (llvm::Error failure =
            raiseGraphToMoe(*module, &report, /*strict=*/true)) {
      error = llvm::toString(std::move(failure));
      return nullptr;
    }
    warnings = report.warnings;
    return module;
  }

  /// The moe ops with attributes and types, without weights.
  static std::string opsOf(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream os(text);
    module.walk([&](Operation *op) {
      if (!isa<moe::MoeDialect>(op->getDialect()) ||
          isa<moe::WeightOp, moe::WeightDataOp>(op))
        return;
      os << op->getName() << " " << op->getAttrDictionary();
      for (Type type : op->getResultTypes())
        os << " " << type;
      os << "\n";
    });
    return text;
  }

  static std::vector<float> tokens(const ExpertGraphForm &form) {
    std::vector<float> x;
    for (int64_t i = 0; i < kTokens * form.hidden; ++i)
      x.push_back(float(std::cos(1.9 * i)));
    return x;
  }

  /// What the raised graph makes of the tokens.
  std::vector<float> run(const ExpertGraphForm &form) {
    ExpertGraph graph(form);
    OwningOpRef<ModuleOp> module = raise(graph);
    if (!module) {
      ADD_FAILURE() << error;
      return {};
    }
    llvm::SmallString<128> folder;
    EXPECT_FALSE(
        llvm::sys::fs::createUniqueDirectory("portolan-unrolled", folder));
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, "weights.bin");
    std::error_code failed;
    llvm::raw_fd_ostream(path, failed)
        << StringRef(graph.bytes.data(), graph.bytes.size());
    NamedTensor x{"x",
                  Tensor::ofFloats({1, kTokens, form.hidden}, tokens(form))};
    llvm::Expected<std::vector<NamedTensor>> y = runModule(*module, x, folder);
    llvm::sys::fs::remove_directories(folder);
    if (!y) {
      ADD_FAILURE() << llvm::toString(y.takeError());
      return {};
    }
    return y->front().tensor.floats();
  }

  /// The same by definition; expert `missing` adds nothing.
  static std::vector<float> reference(const ExpertGraphForm &form,
                                      int64_t missing = -1) {
    int64_t h = form.hidden;
    std::vector<float> x = tokens(form), y(x.size(), 0.0f);
    if (form.isOpen)
      y = x;
    auto product = [&](const double *in, int64_t size, int64_t expert, int kind,
                       int64_t column) {
      double sum = 0;
      for (int64_t i = 0; i < size; ++i)
        sum += in[i] * expertWeight(0, expert, kind, i, column);
      if (form.isBiased && kind < 3)
        sum += expertWeight(0, expert, 3 + kind, 0, column);
      return sum;
    };
    for (int64_t t = 0; t < kTokens; ++t) {
      std::vector<double> row(x.begin() + t * h, x.begin() + (t + 1) * h);
      std::vector<std::pair<double, int64_t>> scores;
      for (int64_t e = 0; e < form.experts; ++e)
        scores.push_back({std::exp(product(row.data(), h, 0, 6, e)), e});
      std::sort(scores.rbegin(), scores.rend());
      double total = 0;
      for (int64_t k = 0; k < form.topK; ++k)
        total += scores[k].first;
      for (int64_t k = 0; k < form.topK; ++k) {
        auto [score, e] = scores[k];
        std::vector<double> hidden;
        for (int64_t j = 0; j < form.inner; ++j) {
          double gate = product(row.data(), h, e, 0, j),
                 up = product(row.data(), h, e, 1, j);
          if (form.isClamped) {
            gate = std::min(gate, 0.5);
            up = std::clamp(up, -0.5, 0.5) + 1;
          }
          double alpha = form.isClamped ? 1.702 : 1;
          hidden.push_back(gate / (1 + std::exp(-alpha * gate)) * up);
        }
        for (int64_t c = 0; e != missing && c < h; ++c)
          y[t * h + c] += float(score / total *
                                product(hidden.data(), form.inner, e, 2, c));
      }
    }
    return y;
  }

  void expectNear(const std::vector<float> &got,
                  const std::vector<float> &expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-5) << "element " << i;
  }

  /// The message on a graph with one fault.
  std::string failureOf(ExpertGraphForm form) {
    EXPECT_FALSE(raise(ExpertGraph(form)));
    return error;
  }

  MLIRContext context;
  std::vector<std::string> warnings;
  std::string error;
};

ExpertGraphForm formOf(Dispatch dispatch, Layout layout = Layout::Separate) {
  ExpertGraphForm form;
  form.dispatch = dispatch;
  form.layout = layout;
  return form;
}

class UnrolledForms
    : public UnrolledExperts,
      public ::testing::WithParamInterface<std::tuple<Dispatch, Layout>> {
protected:
  void expectForm(ExpertGraphForm form) {
    ExpertGraphForm dense = form;
    dense.dispatch = Dispatch::Dense;
    dense.isOpen = false;
    OwningOpRef<ModuleOp> all = raise(ExpertGraph(dense)),
                          each = raise(ExpertGraph(form));
    ASSERT_TRUE(all && each) << error;
    EXPECT_TRUE(warnings.empty()) << warnings.front();
    if (!form.isOpen)
      EXPECT_EQ(opsOf(*all), opsOf(*each));
    each->walk([](graph::NodeOp node) { ADD_FAILURE() << "a node is left"; });
    expectNear(run(form), reference(form));
  }
};

} // namespace

TEST_P(UnrolledForms, RaiseToTheOpsOfTheDenseForm) {
  auto [dispatch, layout] = GetParam();
  expectForm(formOf(dispatch, layout));
}

TEST_P(UnrolledForms, KeepBiasesAndLimits) {
  auto [dispatch, layout] = GetParam();
  ExpertGraphForm form = formOf(dispatch, layout);
  form.isBiased = form.isClamped = true;
  expectForm(form);
}

TEST_P(UnrolledForms, TakeExpertsInAnyOrder) {
  auto [dispatch, layout] = GetParam();
  ExpertGraphForm form = formOf(dispatch, layout);
  form.isShuffled = form.hasEqual = true;
  expectForm(form);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, UnrolledForms,
    ::testing::Combine(::testing::Values(Dispatch::Masked, Dispatch::Listed,
                                         Dispatch::Traced, Dispatch::Indexed,
                                         Dispatch::Summed),
                       ::testing::Values(Layout::Separate, Layout::Sliced,
                                         Layout::Interleaved, Layout::Gemm,
                                         Layout::Gathered)));

TEST_F(UnrolledExperts, SumsMayStartFromTheTokens) {
  for (Dispatch dispatch :
       {Dispatch::Masked, Dispatch::Listed, Dispatch::Traced, Dispatch::Indexed,
        Dispatch::Summed}) {
    ExpertGraphForm form = formOf(dispatch);
    form.isOpen = true;
    expectNear(run(form), reference(form));
  }
}

TEST_F(UnrolledExperts, WeightsStayWhereTheyAre) {
  OwningOpRef<ModuleOp> module = raise(ExpertGraph(formOf(Dispatch::Traced)));
  ASSERT_TRUE(module) << error;
  // The router, gate, up and down; the parts of an expert are 48 bytes each, 16
  // floats of the router before them: 64, then 3 * 48 from expert to expert.
  std::vector<std::vector<int64_t>> offsets;
  for (auto data : module->getOps<moe::WeightDataOp>())
    if (data.getOffsets())
      offsets.push_back(data.getOffsets()->vec());
  std::sort(offsets.begin(), offsets.end());
  EXPECT_EQ(offsets, (std::vector<std::vector<int64_t>>{{64, 208, 352, 496},
                                                        {112, 256, 400, 544},
                                                        {160, 304, 448, 592}}));
}

TEST_F(UnrolledExperts, MissingExpertsAreZeroAndSaidSo) {
  for (Dispatch dispatch :
       {Dispatch::Masked, Dispatch::Listed, Dispatch::Traced, Dispatch::Indexed,
        Dispatch::Summed}) {
    ExpertGraphForm form = formOf(dispatch);
    form.fault = Fault::Missing;
    ASSERT_TRUE(raise(ExpertGraph(form))) << error;
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("chooses among 4 experts, got subgraphs of 3 "
                               "(missing: 1)"),
              std::string::npos)
        << warnings[0];
    expectNear(run(form), reference(form, /*missing=*/1));
  }
}

TEST_F(UnrolledExperts, MissingExpertsOfAStackedWeightAreZeroToo) {
  ExpertGraphForm form = formOf(Dispatch::Traced, Layout::Gathered);
  form.fault = Fault::Missing;
  expectNear(run(form), reference(form, /*missing=*/1));
}

TEST_F(UnrolledExperts, AnotherActivationIsNoSibling) {
  ExpertGraphForm form = formOf(Dispatch::Traced);
  form.fault = Fault::Activation;
  EXPECT_NE(failureOf(form).find(
                "(op 'Mul', domain '') cannot be raised to moe: expects the "
                "activation 'silu' of expert 0, got 'relu' of expert 2"),
            std::string::npos)
      << error;
}

TEST_F(UnrolledExperts, AnotherShapeIsNoSibling) {
  ExpertGraphForm form = formOf(Dispatch::Listed);
  form.fault = Fault::Shape;
  EXPECT_NE(failureOf(form).find(
                "expects the gate weight of expert 0, tensor<4x3xf32>, got "
                "tensor<4x4xf32> of expert 2"),
            std::string::npos)
      << error;
}

TEST_F(UnrolledExperts, AnExpertWithABiasIsNoSibling) {
  ExpertGraphForm form = formOf(Dispatch::Masked);
  form.fault = Fault::Bias;
  EXPECT_NE(failureOf(form).find(
                "expects no down bias of expert 0, got one of expert 2"),
            std::string::npos)
      << error;
}

TEST_F(UnrolledExperts, AnExpertCountsOnce) {
  ExpertGraphForm form = formOf(Dispatch::Masked);
  form.fault = Fault::Twice;
  EXPECT_NE(failureOf(form).find(
                "expects each expert once, got expert 1 a second time"),
            std::string::npos)
      << error;
}

TEST_F(UnrolledExperts, AScatterMustNotOverwrite) {
  ExpertGraphForm form = formOf(Dispatch::Listed);
  form.fault = Fault::Overwrites;
  EXPECT_NE(failureOf(form).find(
                "(op 'ScatterND', domain '') cannot be raised to moe: "
                "attribute 'reduction' expects 'add', got 'none'"),
            std::string::npos)
      << error;
}
