//===- GateTest.cpp - gates, scales and variants of norms and routes ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

TEST(Gate, OneGateForEachHead) {
  Random random(1);
  Array x = random.array({1, 2, 6}), gate = random.array({1, 2, 3});
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<1x2x6xf32>, %g: tensor<1x2x3xf32>)
        -> tensor<1x2x6xf32> {
      %0 = moe.gate %x by %g {activation = #moe<activation sigmoid>}
        : (tensor<1x2x6xf32>, tensor<1x2x3xf32>) -> tensor<1x2x6xf32>
      return %0 : tensor<1x2x6xf32>
    })",
                                    {x.tensor(), gate.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({1, 2, 6});
  for (int64_t s = 0; s < 2; ++s)
    for (int64_t i = 0; i < 6; ++i)
      expected(0, s, i) =
          float(x(0, s, i) / (1 + std::exp(-double(gate(0, s, i / 2)))));
  expectNear(outputs[0], expected);
}

TEST(Gate, AWeightGatesAllTokens) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<1x2x2xf32>, %g: tensor<1xf32>)
        -> tensor<1x2x2xf32> {
      %0 = moe.gate %x by %g {activation = #moe<activation identity>}
        : (tensor<1x2x2xf32>, tensor<1xf32>) -> tensor<1x2x2xf32>
      return %0 : tensor<1x2x2xf32>
    })",
      {Tensor::ofFloats({1, 2, 2}, {1, 2, 3, 4}), Tensor::ofFloats({1}, {10})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{10, 20, 30, 40}));
}

// 3 * 2 = 6, capped at 4: 4 tanh(6 / 4) = 4 * 0.905148 = 3.62059.
TEST(Scale, FactorThenCap) {
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
      %0 = moe.scale %x {factor = 2.0 : f64} : tensor<1x1xf32>
      %1 = moe.scale %x {factor = 2.0 : f64, soft_cap = 4.0 : f64}
        : tensor<1x1xf32>
      return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
    })",
                                    {Tensor::ofFloats({1, 1}, {3})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{6}));
  EXPECT_NEAR(outputs[1].floats()[0], 3.62059, 1e-5);
}

TEST(Add, ScalesBothSides) {
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<1x2xf32>, %y: tensor<1x2xf32>)
        -> tensor<1x2xf32> {
      %0 = moe.add %x, %y {lhs_scale = 10.0 : f64, rhs_scale = -1.0 : f64}
        : tensor<1x2xf32>
      return %0 : tensor<1x2xf32>
    })",
          {Tensor::ofFloats({1, 2}, {1, 2}), Tensor::ofFloats({1, 2}, {3, 4})});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].floats(), (std::vector<float>{7, 16}));
}

// Groups of two of a run of four, gains kept around zero.
TEST(RmsNorm, GroupsAndGainOffset) {
  Random random(2);
  Array x = random.array({1, 1, 8}), gain = random.array({4});
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<1x1x8xf32>, %g: tensor<4xf32>)
        -> tensor<1x1x8xf32> {
      %0 = moe.rms_norm %x, %g {epsilon = 0.01 : f64, groups = 2 : i64,
                                gain_offset = 1.0 : f64}
        : (tensor<1x1x8xf32>, tensor<4xf32>) -> tensor<1x1x8xf32>
      return %0 : tensor<1x1x8xf32>
    })",
                                    {x.tensor(), gain.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array expected({1, 1, 8});
  for (int64_t i = 0; i < 8; ++i) {
    double a = x(0, 0, i - i % 2), b = x(0, 0, i - i % 2 + 1);
    expected(0, 0, i) = float(
        x(0, 0, i) / std::sqrt((a * a + b * b) / 2 + 0.01) * (1 + gain(i % 4)));
  }
  expectNear(outputs[0], expected);
}

// Logits 0 and 3: sqrt(ln 2) = 0.832555 and sqrt(ln(1 + e^3)) = 1.746020.
TEST(Route, SqrtSoftplusScores) {
  std::vector<Tensor> outputs =
      run(R"(
    func.func @main(%x: tensor<1x1xf32>, %r: tensor<1x2xf32>)
        -> (tensor<1x2xf32>, tensor<1x2xi32>) {
      %0:2 = moe.route %x, %r {top_k = 2 : i64,
                               scoring = #moe<scoring sqrt_softplus>}
        : (tensor<1x1xf32>, tensor<1x2xf32>)
        -> (tensor<1x2xf32>, tensor<1x2xi32>)
      return %0#0, %0#1 : tensor<1x2xf32>, tensor<1x2xi32>
    })",
          {Tensor::ofFloats({1, 1}, {1}), Tensor::ofFloats({1, 2}, {0, 3})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_NEAR(outputs[0].floats()[0], 1.746020, 1e-5);
  EXPECT_NEAR(outputs[0].floats()[1], 0.832555, 1e-5);
}

// Token 0 has id 2, token 1 has id 0; the scores are sigmoids of the logits.
TEST(Route, ATableChoosesAndScoresWeigh) {
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<2x1xf32>, %r: tensor<1x3xf32>,
                    %ids: tensor<2xi64>, %t: tensor<3x2xi32>)
        -> (tensor<2x2xf32>, tensor<2x2xi32>) {
      %0:2 = moe.route %x, %r ids %ids table %t
        {top_k = 2 : i64, scoring = #moe<scoring sigmoid>}
        : (tensor<2x1xf32>, tensor<1x3xf32>, tensor<2xi64>, tensor<3x2xi32>)
        -> (tensor<2x2xf32>, tensor<2x2xi32>)
      return %0#0, %0#1 : tensor<2x2xf32>, tensor<2x2xi32>
    })",
      {Tensor::ofFloats({2, 1}, {1, 1}), Tensor::ofFloats({1, 3}, {0, 1, 2}),
       Tensor::ofInts(ElementType::i64, {2}, {2, 0}),
       Tensor::ofInts(ElementType::i32, {3, 2}, {0, 1, 9, 9, 2, 0})});
  ASSERT_EQ(outputs.size(), 2u);
  int64_t chosen[] = {2, 0, 0, 1};
  for (int64_t i = 0; i < 4; ++i)
    EXPECT_EQ(outputs[1].intAt(i), chosen[i]);
  // sigmoid(2) = 0.880797, sigmoid(0) = 0.5, sigmoid(1) = 0.731059.
  std::vector<float> weights = outputs[0].floats();
  EXPECT_NEAR(weights[0], 0.880797, 1e-5);
  EXPECT_NEAR(weights[1], 0.5, 1e-5);
  EXPECT_NEAR(weights[2], 0.5, 1e-5);
  EXPECT_NEAR(weights[3], 0.731059, 1e-5);
}
