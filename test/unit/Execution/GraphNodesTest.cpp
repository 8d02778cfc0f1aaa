//===- GraphNodesTest.cpp - nodes of a graph, one at a time ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each case is a node on small numbers whose result can be computed by hand.
// Operands are x, y, z as far as given, results are floats or integers.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

using namespace portolan;
using namespace portolan::test;

namespace {

using Floats = std::vector<float>;

/// A tensor as text: its type and, as a constant, its elements.
struct Operand {
  const char *type, *elements;
};

/// One node of these operands, which are constants of the graph, but for `x`.
std::string nodeText(llvm::StringRef op, llvm::StringRef attributes,
                     llvm::ArrayRef<Operand> more, llvm::StringRef xType,
                     int version, unsigned results, unsigned returned) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "func.func @main(%x: " << xType << ") -> !graph.unknown {\n";
  for (auto [i, operand] : llvm::enumerate(more))
    os << "  %c" << i
       << " = graph.node \"Constant\"() attributes {value = dense<"
       << operand.elements << "> : " << operand.type
       << "} {version = 13 : i64} : () -> !graph.unknown\n";
  os << "  %y:" << results << " = graph.node \"" << op << "\"(%x";
  for (size_t i = 0; i < more.size(); ++i)
    os << ", %c" << i;
  os << ") attributes {" << attributes << "} {version = " << version
     << " : i64} : (" << xType;
  for (size_t i = 0; i < more.size(); ++i)
    os << ", !graph.unknown";
  os << ") -> (";
  for (unsigned i = 0; i < results; ++i)
    os << (i ? ", " : "") << "!graph.unknown";
  os << ")\n  return %y#" << returned << " : !graph.unknown\n}\n";
  return text;
}

/// Fails the test unless result `returned` of the node on `x` is `expected`.
void expectNode(llvm::StringRef op, llvm::StringRef attributes, Array x,
                llvm::ArrayRef<Operand> more, Array expected, int version = 17,
                unsigned results = 1, unsigned returned = 0) {
  SCOPED_TRACE(op.str());
  std::string type = "tensor<";
  for (int64_t size : x.shape)
    type += std::to_string(size) + "x";
  type += "f32>";
  std::vector<Tensor> outputs =
      run(nodeText(op, attributes, more, type, version, results, returned),
          x.tensor());
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].shape, expected.shape);
  if (isFloat(outputs[0].type)) {
    expectNear(outputs[0], expected);
    return;
  }
  for (size_t i = 0; i < expected.values.size(); ++i)
    EXPECT_EQ(outputs[0].intAt(i), int64_t(expected.values[i])) << "at " << i;
}

Array array(llvm::ArrayRef<int64_t> shape, Floats values) {
  Array result(shape);
  EXPECT_EQ(result.values.size(), values.size());
  result.values = std::move(values);
  return result;
}

} // namespace

TEST(GraphNodes, ElementwiseNodesBroadcast) {
  // [[1],[2]] + [10,20] = [[11,21],[12,22]]
  expectNode("Add", "", array({2, 1}, {1, 2}),
             {{"tensor<2xf32>", "[10.0, 20.0]"}},
             array({2, 2}, {11, 21, 12, 22}));
  expectNode("Pow", "", array({3}, {1, -2, 3}), {{"tensor<f32>", "2.0"}},
             array({3}, {1, 4, 9}));
  expectNode("Min", "", array({3}, {1, 5, 3}),
             {{"tensor<f32>", "4.0"}, {"tensor<3xf32>", "[9.0, 9.0, 2.0]"}},
             array({3}, {1, 4, 2}));
}

TEST(GraphNodes, ModHasTheSignOfTheDivisor) {
  // -7 - floor(-7 / 3) * 3 = -7 + 9 = 2; with fmod the rest is -1.
  expectNode("Mod", "", array({2}, {-7, 7}), {{"tensor<f32>", "3.0"}},
             array({2}, {2, 1}));
  expectNode("Mod", "fmod = 1 : i64", array({2}, {-7, 7}),
             {{"tensor<f32>", "3.0"}}, array({2}, {-1, 1}));
}

TEST(GraphNodes, ClipTakesBoundsAsOperandsSince11) {
  expectNode("Clip", "", array({3}, {-5, 0, 5}),
             {{"tensor<f32>", "-1.0"}, {"tensor<f32>", "2.0"}},
             array({3}, {-1, 0, 2}));
  expectNode("Clip", "min = -1.0 : f32, max = 2.0 : f32",
             array({3}, {-5, 0, 5}), {}, array({3}, {-1, 0, 2}), 6);
}

TEST(GraphNodes, CastsTruncateAndTestForZero) {
  expectNode("Cast", "to = 7 : i64", array({3}, {-1.7f, 0.5f, 2.9f}), {},
             array({3}, {-1, 0, 2}));
  expectNode("Cast", "to = 9 : i64", array({3}, {-1.7f, 0, 2.9f}), {},
             array({3}, {1, 0, 1}));
}

TEST(GraphNodes, GeluHasTwoForms) {
  // 0.5 (1 + erf(1 / sqrt 2)) = 0.841345; with tanh 0.841192.
  expectNode("Gelu", "", array({1}, {1}), {}, array({1}, {0.841345f}), 20);
  expectNode("Gelu", "approximate = \"tanh\"", array({1}, {1}), {},
             array({1}, {0.841192f}), 20);
}

TEST(GraphNodes, SoftmaxJoinsDimensionsBefore13) {
  // exp(0) / (3 exp(0) + ...): all equal, 4 elements from axis 1 on: 1/4; one
  // axis of 2 elements: 1/2.
  expectNode("Softmax", "axis = 1 : i64", array({1, 2, 2}, {3, 3, 3, 3}), {},
             array({1, 2, 2}, {.25f, .25f, .25f, .25f}), 11);
  expectNode("Softmax", "axis = 1 : i64", array({1, 2, 2}, {3, 3, 3, 3}), {},
             array({1, 2, 2}, {.5f, .5f, .5f, .5f}), 13);
}

TEST(GraphNodes, ReductionsTakeAxesAsAttributeOrOperand) {
  Array x = array({2, 2}, {1, 2, 3, 5});
  expectNode("ReduceSum", "keepdims = 0 : i64", x, {{"tensor<1xi64>", "0"}},
             array({2}, {4, 7}));
  expectNode("ReduceMean", "axes = array<i64: -1>", x, {},
             array({2, 1}, {1.5f, 4}));
  expectNode("ReduceMax", "keepdims = 0 : i64", x, {}, array({}, {5}));
  expectNode("ReduceSum", "noop_with_empty_axes = 1 : i64", x, {},
             array({2, 2}, {1, 2, 3, 5}));
}

TEST(GraphNodes, ArgMaxTakesTheFirstOrTheLast) {
  Array x = array({3}, {7, 2, 7});
  expectNode("ArgMax", "keepdims = 0 : i64", x, {}, array({}, {0}));
  expectNode("ArgMax", "keepdims = 0 : i64, select_last_index = 1 : i64", x, {},
             array({}, {2}));
}

TEST(GraphNodes, CumSumGoesBothWays) {
  Array x = array({3}, {1, 2, 4});
  expectNode("CumSum", "", x, {{"tensor<i64>", "0"}}, array({3}, {1, 3, 7}));
  expectNode("CumSum", "exclusive = 1 : i64", x, {{"tensor<i64>", "0"}},
             array({3}, {0, 1, 3}));
  expectNode("CumSum", "reverse = 1 : i64", x, {{"tensor<i64>", "0"}},
             array({3}, {7, 6, 4}));
}

TEST(GraphNodes, NormsDivideByTheRootMeanSquare) {
  // mean 2, centred (-1, 1), variance 1: (-1, 1) * 2 + 3 = (1, 5).
  expectNode("LayerNormalization", "epsilon = 0.0 : f32", array({1, 2}, {1, 3}),
             {{"tensor<2xf32>", "2.0"}, {"tensor<2xf32>", "3.0"}},
             array({1, 2}, {1, 5}));
  // mean of squares (1 + 49) / 2 = 25: (1, 7) / 5.
  expectNode("RMSNormalization", "epsilon = 0.0 : f32", array({1, 2}, {1, 7}),
             {{"tensor<2xf32>", "1.0"}}, array({1, 2}, {.2f, 1.4f}), 23);
}

TEST(GraphNodes, ProductsContractTheInnerDimension) {
  // [1 2; 3 4] [1; 10] = [21; 43], as a vector on the right too.
  Array x = array({2, 2}, {1, 2, 3, 4});
  expectNode("MatMul", "", x, {{"tensor<2x1xf32>", "[[1.0], [10.0]]"}},
             array({2, 1}, {21, 43}));
  expectNode("MatMul", "", x, {{"tensor<2xf32>", "[1.0, 10.0]"}},
             array({2}, {21, 43}));
  // 2 x^T y + 3: [1 3; 2 4] [1; 10] = [31; 42].
  expectNode("Gemm", "transA = 1 : i64, alpha = 2.0 : f32, beta = 3.0 : f32", x,
             {{"tensor<2x1xf32>", "[[1.0], [10.0]]"}, {"tensor<1xf32>", "1.0"}},
             array({2, 1}, {65, 87}));
  expectNode("Einsum", "equation = \"ij,kj->ki\"", x,
             {{"tensor<1x2xf32>", "[[1.0, 10.0]]"}}, array({1, 2}, {21, 43}));
}

TEST(GraphNodes, GathersCountFromTheEnd) {
  Array x = array({3, 2}, {0, 1, 10, 11, 20, 21});
  expectNode("Gather", "", x, {{"tensor<2xi64>", "[-1, 0]"}},
             array({2, 2}, {20, 21, 0, 1}));
  expectNode("GatherElements", "axis = 1 : i64", x,
             {{"tensor<3x1xi64>", "[[1], [0], [-1]]"}},
             array({3, 1}, {1, 10, 21}));
  expectNode("GatherND", "", x, {{"tensor<2x2xi64>", "[[0, 1], [2, 0]]"}},
             array({2}, {1, 20}));
}

TEST(GraphNodes, ScattersKeepTheLastUpdateOrAddThem) {
  Array x = array({4}, {1, 1, 1, 1});
  Operand indices = {"tensor<3xi64>", "[1, 3, 1]"},
          updates = {"tensor<3xf32>", "[5.0, 6.0, 7.0]"};
  expectNode("ScatterElements", "", x, {indices, updates},
             array({4}, {1, 7, 1, 6}), 18);
  expectNode("ScatterElements", "reduction = \"add\"", x, {indices, updates},
             array({4}, {1, 13, 1, 7}), 18);
  expectNode("ScatterND", "reduction = \"add\"", array({2, 2}, {0, 0, 0, 0}),
             {{"tensor<2x1xi64>", "[[1], [1]]"},
              {"tensor<2x2xf32>", "[[1.0, 2.0], [3.0, 4.0]]"}},
             array({2, 2}, {0, 0, 4, 6}), 18);
}

TEST(GraphNodes, TopKOrdersByValueThenByPlace) {
  Array x = array({1, 4}, {2, 9, 2, 5});
  Operand k = {"tensor<1xi64>", "3"};
  expectNode("TopK", "", x, {k}, array({1, 3}, {9, 5, 2}), 17, 2, 0);
  expectNode("TopK", "", x, {k}, array({1, 3}, {1, 3, 0}), 17, 2, 1);
  expectNode("TopK", "largest = 0 : i64", x, {k}, array({1, 3}, {0, 2, 3}), 17,
             2, 1);
}

TEST(GraphNodes, NonZeroHasAColumnPerElement) {
  expectNode("NonZero", "", array({2, 3}, {0, 5, 0, 6, 0, 7}), {},
             array({2, 3}, {0, 1, 1, 1, 0, 2}));
}

TEST(GraphNodes, LayoutNodesMoveElements) {
  Array x = array({2, 3}, {1, 2, 3, 4, 5, 6});
  expectNode("Transpose", "", x, {}, array({3, 2}, {1, 4, 2, 5, 3, 6}));
  expectNode("Reshape", "", x, {{"tensor<2xi64>", "[-1, 2]"}},
             array({3, 2}, {1, 2, 3, 4, 5, 6}));
  expectNode("Concat", "axis = 1 : i64", x,
             {{"tensor<2x1xf32>", "[[7.0], [8.0]]"}},
             array({2, 4}, {1, 2, 3, 7, 4, 5, 6, 8}));
  expectNode("Tile", "", x, {{"tensor<2xi64>", "[1, 2]"}},
             array({2, 6}, {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  expectNode("Trilu", "upper = 0 : i64", x, {},
             array({2, 3}, {1, 0, 0, 4, 5, 0}));
  expectNode("Pad", "", array({2}, {1, 2}),
             {{"tensor<2xi64>", "[1, 2]"}, {"tensor<f32>", "9.0"}},
             array({5}, {9, 1, 2, 9, 9}));
  expectNode("Split", "axis = 1 : i64", x, {{"tensor<2xi64>", "[1, 2]"}},
             array({2, 2}, {2, 3, 5, 6}), 17, 2, 1);
}

TEST(GraphNodes, SlicesGoBackwardsToo) {
  Array x = array({5}, {0, 1, 2, 3, 4});
  expectNode("Slice", "", x, {{"tensor<1xi64>", "1"}, {"tensor<1xi64>", "-1"}},
             array({3}, {1, 2, 3}));
  // From the last element down to, but without, the first: 4, 2.
  expectNode("Slice", "", x,
             {{"tensor<1xi64>", "-1"},
              {"tensor<1xi64>", "0"},
              {"tensor<1xi64>", "0"},
              {"tensor<1xi64>", "-2"}},
             array({2}, {4, 2}));
}

TEST(GraphNodes, OneHotPutsTheValueWhereTheIndexIs) {
  // Indices are integers: the float input is cast first, so that two nodes run.
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<2xf32>) -> !graph.unknown {
      %d = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 13 : i64} : () -> !graph.unknown
      %v = graph.node "Constant"() attributes {value = dense<[0.0, 4.0]> : tensor<2xf32>} {version = 13 : i64} : () -> !graph.unknown
      %i = graph.node "Cast"(%x) attributes {to = 7 : i64} {version = 13 : i64} : (tensor<2xf32>) -> !graph.unknown
      %y = graph.node "OneHot"(%i, %d, %v) {version = 11 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
      return %y : !graph.unknown
    })",
                                    Array(array({2}, {2, -3})).tensor());
  ASSERT_EQ(outputs.size(), 1u);
  expectNear(outputs[0], array({2, 3}, {0, 0, 4, 4, 0, 0}));
}

TEST(GraphNodes, AnEmptyChoiceHasNoRows) {
  // No element is set: [1, 0] indices, no rows of the table, a sum of 0.
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<3xf32>) -> !graph.unknown {
      %n = graph.node "NonZero"(%x) {version = 13 : i64} : (tensor<3xf32>) -> !graph.unknown
      %a = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 13 : i64} : () -> !graph.unknown
      %i = graph.node "Squeeze"(%n, %a) {version = 13 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %r = graph.node "Gather"(%x, %i) {version = 13 : i64} : (tensor<3xf32>, !graph.unknown) -> !graph.unknown
      %y = graph.node "ReduceSum"(%r, %a) attributes {keepdims = 1 : i64} {version = 13 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      return %y : !graph.unknown
    })",
                                    Array(array({3}, {0, 0, 0})).tensor());
  ASSERT_EQ(outputs.size(), 1u);
  expectNear(outputs[0], array({1}, {0}));
}

TEST(GraphNodes, AnIfOfKnownConditionIsItsBranch) {
  // The rank of x is 2, so that the branch that negates is taken.
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<1x2xf32>) -> !graph.unknown {
      %s = graph.node "Shape"(%x) {version = 13 : i64} : (tensor<1x2xf32>) -> !graph.unknown
      %r = graph.node "Size"(%s) {version = 13 : i64} : (!graph.unknown) -> !graph.unknown
      %two = graph.node "Constant"() attributes {value = dense<2> : tensor<i64>} {version = 13 : i64} : () -> !graph.unknown
      %c = graph.node "Equal"(%r, %two) {version = 13 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %y = graph.node "If"(%c) bodies {
        %n = graph.node "Neg"(%x) {version = 13 : i64} : (tensor<1x2xf32>) -> !graph.unknown
        graph.yield %n : !graph.unknown
      }, {
        graph.yield %x : tensor<1x2xf32>
      } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      return %y : !graph.unknown
    })",
                                    Array(array({1, 2}, {3, 4})).tensor());
  ASSERT_EQ(outputs.size(), 1u);
  expectNear(outputs[0], array({1, 2}, {-3, -4}));
}

TEST(GraphNodes, AnIfOfUnknownConditionChoosesAResult) {
  // x is negated if its sum is positive.
  constexpr llvm::StringLiteral kIf = R"(
    func.func @main(%x: tensor<2xf32>) -> !graph.unknown {
      %s = graph.node "ReduceSum"(%x) attributes {keepdims = 0 : i64} {version = 13 : i64} : (tensor<2xf32>) -> !graph.unknown
      %zero = graph.node "Constant"() attributes {value = dense<0.0> : tensor<f32>} {version = 13 : i64} : () -> !graph.unknown
      %c = graph.node "Greater"(%s, %zero) {version = 13 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %y = graph.node "If"(%c) bodies {
        %n = graph.node "Neg"(%x) {version = 13 : i64} : (tensor<2xf32>) -> !graph.unknown
        graph.yield %n : !graph.unknown
      }, {
        graph.yield %x : tensor<2xf32>
      } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      return %y : !graph.unknown
    })";
  for (auto [x, y] : {std::pair{Floats{3, -2}, Floats{-3, 2}},
                      {Floats{1, -2}, Floats{1, -2}}}) {
    std::vector<Tensor> outputs = run(kIf, array({2}, x).tensor());
    ASSERT_EQ(outputs.size(), 1u);
    expectNear(outputs[0], array({2}, y));
  }
}

TEST(GraphNodes, ALoopRunsItsBodyWithTheNumberOfTheIteration) {
  // Starting from x, 3 times y <- 2 y + i: 8 x + 2 * 1 + 2 = 8 x + 4.
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<2xf32>) -> !graph.unknown {
      %none = graph.none : none
      %n = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 13 : i64} : () -> !graph.unknown
      %two = graph.node "Constant"() attributes {value = dense<2.0> : tensor<f32>} {version = 13 : i64} : () -> !graph.unknown
      %y = graph.node "Loop"(%n, %none, %x) bodies {
      ^bb0(%i: tensor<i64>, %c: tensor<i1>, %z: tensor<2xf32>):
        %d = graph.node "Mul"(%z, %two) {version = 13 : i64} : (tensor<2xf32>, !graph.unknown) -> !graph.unknown
        %j = graph.node "Cast"(%i) attributes {to = 1 : i64} {version = 13 : i64} : (tensor<i64>) -> !graph.unknown
        %s = graph.node "Add"(%d, %j) {version = 13 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        graph.yield %c, %s : tensor<i1>, !graph.unknown
      } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, none, tensor<2xf32>) -> !graph.unknown
      return %y : !graph.unknown
    })",
                                    array({2}, {1, 10}).tensor());
  ASSERT_EQ(outputs.size(), 1u);
  expectNear(outputs[0], array({2}, {12, 84}));
}

TEST(GraphNodes, ALoopEndsWithItsCondition) {
  // The condition of iteration i is i < 1: two of five iterations run.
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<2xf32>) -> !graph.unknown {
      %none = graph.none : none
      %n = graph.node "Constant"() attributes {value = dense<5> : tensor<i64>} {version = 13 : i64} : () -> !graph.unknown
      %one = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 13 : i64} : () -> !graph.unknown
      %y = graph.node "Loop"(%n, %none, %x) bodies {
      ^bb0(%i: tensor<i64>, %c: tensor<i1>, %z: tensor<2xf32>):
        %d = graph.node "Add"(%z, %z) {version = 13 : i64} : (tensor<2xf32>, tensor<2xf32>) -> !graph.unknown
        %goes = graph.node "Less"(%i, %one) {version = 13 : i64} : (tensor<i64>, !graph.unknown) -> !graph.unknown
        graph.yield %goes, %d : !graph.unknown, !graph.unknown
      } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, none, tensor<2xf32>) -> !graph.unknown
      return %y : !graph.unknown
    })",
                                    array({2}, {1, 10}).tensor());
  ASSERT_EQ(outputs.size(), 1u);
  expectNear(outputs[0], array({2}, {4, 40}));
}
