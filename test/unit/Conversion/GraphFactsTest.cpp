//===- GraphFactsTest.cpp - symbolic shapes of graphs ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each test is a small graph whose returned values have the shapes in question.
// Symbols are numbered in the order of the arguments' dimensions.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// s0 = batch, s1 = seq in the graphs below.
constexpr llvm::StringLiteral kInput =
    R"(%x: tensor<?x?x64xf32> {moe.dims = ["batch", "seq", ""]})";

std::string spell(ArrayRef<Size> sizes) {
  std::string text;
  for (const Size &size : sizes)
    text += (text.empty() ? "" : ", ") + size.str();
  return "[" + text + "]";
}

class GraphFactsTest : public testing::Test {
protected:
  GraphFactsTest() {
    context
        .loadDialect<graph::GraphDialect, moe::MoeDialect, func::FuncDialect>();
  }

  /// The shape, or the elements, of each value that `body` returns. Lines of
  /// `body` are `%name = Op(%a, %b) {attributes}`, short for a graph.node.
  std::vector<std::string> infer(llvm::StringRef arguments,
                                 llvm::StringRef body, llvm::StringRef returned,
                                 bool data = false) {
    std::string text = "func.func @main(" + arguments.str() + ") {\n";
    llvm::SmallVector<llvm::StringRef> lines;
    body.split(lines, '\n', -1, /*KeepEmpty=*/false);
    for (llvm::StringRef line : lines) {
      auto [name, call] = line.trim().split(" = ");
      auto [op, rest] = call.split('(');
      auto [operands, attributes] = rest.split(')');
      llvm::SmallVector<llvm::StringRef> names;
      operands.split(names, ", ", -1, /*KeepEmpty=*/false);
      std::string types;
      for (llvm::StringRef operand : names)
        types += (types.empty() ? "" : ", ") + typeOf(operand, arguments);
      auto [result, count] = name.split(':');
      std::string results = "!graph.unknown";
      if (!count.empty())
        results = "(!graph.unknown, !graph.unknown)";
      std::string attrs =
          attributes.trim().empty() ? "" : (" attributes" + attributes).str();
      text += (name + " = graph.node \"" + op + "\"(" + operands + ")" + attrs +
               " {version = 17 : i64} : (" + types + ") -> " + results + "\n")
                  .str();
    }
    text += "\"test.use\"(" + returned.str() + ") : (";
    llvm::SmallVector<llvm::StringRef> names;
    returned.split(names, ", ");
    for (size_t i = 0; i < names.size(); ++i)
      text += i == 0 ? "!graph.unknown" : ", !graph.unknown";
    text += ") -> ()\nreturn\n}";

    context.allowUnregisteredDialects();
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(bool(module)) << text;
    if (!module)
      return {};
    auto main = module->lookupSymbol<func::FuncOp>("main");
    GraphFacts facts(main);
    Operation *use = main.getBody().front().getTerminator()->getPrevNode();
    std::vector<std::string> answers;
    for (Value value : use->getOperands()) {
      const Sizes *sizes = data ? facts.elements(value) : facts.shape(value);
      answers.push_back(sizes ? spell(*sizes) : "unknown");
    }
    return answers;
  }

  /// The type that `arguments` states for `name`, or the unknown one.
  static std::string typeOf(llvm::StringRef name, llvm::StringRef arguments) {
    size_t place = arguments.find((name + ": ").str());
    if (place == llvm::StringRef::npos)
      return "!graph.unknown";
    llvm::StringRef rest = arguments.substr(place + name.size() + 2);
    return rest.substr(0, rest.find('>') + 1).str();
  }

  using Answers = std::vector<std::string>;
  MLIRContext context;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

TEST(SizeTest, EqualPolynomialsAreEqual) {
  Size a = Size::symbol(0), b = Size::symbol(1);
  EXPECT_EQ(*a.plus(b), *b.plus(a));
  EXPECT_EQ(*a.times(b), *b.times(a));
  EXPECT_EQ(*a.plus(b)->minus(b), a);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.times(2)->plus(3)->str(), "3 + 2*s0");
}

TEST(SizeTest, DividesWhereNothingIsLeft) {
  Size a = Size::symbol(0), b = Size::symbol(1);
  // (6ab + 4b) / 2b = 3a + 2.
  std::optional<Size> sum = a.times(b)->times(6)->plus(*b.times(4));
  EXPECT_EQ(sum->dividedBy(*b.times(2))->str(), "2 + 3*s0");
  EXPECT_FALSE(a.dividedBy(b));
  EXPECT_FALSE(a.dividedBy(2));
  EXPECT_FALSE(a.dividedBy(0));
}

TEST(SizeTest, CommonFactorsCancelBeforeTheyAreMultiplied) {
  Size b = Size::symbol(0), past = Size::symbol(1), seq = Size::symbol(2);
  Size total = *past.plus(seq);
  // batch * 8 * (past + seq) * 16 over batch * (past + seq) * 16.
  EXPECT_EQ(quotientOf({b, 8, total, 16}, {b, total, 16}), Size(8));
}

TEST(SizeTest, OverflowIsUnknown) {
  EXPECT_FALSE(Size(INT64_MAX).plus(1));
  EXPECT_FALSE(Size(INT64_MAX).times(2));
  EXPECT_FALSE(Size(INT64_MIN).dividedBy(-1));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

TEST_F(GraphFactsTest, FollowsShapesThroughConcatIntoReshape) {
  // [batch, seq, 64] to [batch, seq, -1, 16], the target computed: 64/16 = 4.
  EXPECT_EQ(infer(kInput, R"(
    %zero = Constant() {value = dense<0> : tensor<i64>}
    %one = Constant() {value = dense<1> : tensor<i64>}
    %axis = Constant() {value = dense<0> : tensor<1xi64>}
    %open = Constant() {value = dense<-1> : tensor<1xi64>}
    %width = Constant() {value = dense<16> : tensor<1xi64>}
    %s = Shape(%x)
    %b = Gather(%s, %zero) {axis = 0 : i64}
    %n = Gather(%s, %one) {axis = 0 : i64}
    %b1 = Unsqueeze(%b, %axis)
    %n1 = Unsqueeze(%n, %axis)
    %t = Concat(%b1, %n1, %open, %width) {axis = 0 : i64}
    %r = Reshape(%x, %t)
    %h = Transpose(%r) {perm = array<i64: 0, 2, 1, 3>})",
                  "%r, %h"),
            (Answers{"[s0, s1, 4, 16]", "[s0, 4, s1, 16]"}));
}

TEST_F(GraphFactsTest, FollowsTheExpandIdiom) {
  // repeat_kv: where the target is -1, the size of the operand; 2 groups.
  EXPECT_EQ(infer("%x: tensor<?x8x?x16xf32> "
                  "{moe.dims = [\"batch\", \"\", \"total\", \"\"]}",
                  R"(
    %two = Constant() {value = dense<2> : tensor<1xi64>}
    %minus = Constant() {value = dense<-1> : tensor<i64>}
    %target = Constant() {value = dense<[-1, -1, 2, -1, -1]> : tensor<5xi64>}
    %u = Unsqueeze(%x, %two)
    %n = Shape(%target)
    %ones = ConstantOfShape(%n) {value = dense<1> : tensor<1xi64>}
    %m = Mul(%ones, %minus)
    %e = Equal(%target, %m)
    %w = Where(%e, %ones, %target)
    %y = Expand(%u, %w))",
                  "%u, %y"),
            (Answers{"[s0, 8, 1, s1, 16]", "[s0, 8, 2, s1, 16]"}));
}

TEST_F(GraphFactsTest, ASizeIsNeverMinusOne) {
  // Equal of a size and -1 is decided although the size is unknown.
  EXPECT_EQ(infer(kInput, R"(
    %minus = Constant() {value = dense<-1> : tensor<i64>}
    %s = Shape(%x)
    %e = Equal(%s, %minus)
    %w = Where(%e, %minus, %s))",
                  "%w", /*data=*/true),
            (Answers{"[s0, s1, 64]"}));
}

TEST_F(GraphFactsTest, SlicesWithComputedEnds) {
  // The half of the last dimension, as rotate_half computes it: 64 / 2.
  EXPECT_EQ(infer(kInput, R"(
    %last = Constant() {value = dense<2> : tensor<i64>}
    %two = Constant() {value = dense<2> : tensor<i64>}
    %zero = Constant() {value = dense<0> : tensor<1xi64>}
    %axis = Constant() {value = dense<2> : tensor<1xi64>}
    %end = Constant() {value = dense<9223372036854775807> : tensor<1xi64>}
    %s = Shape(%x)
    %w = Gather(%s, %last) {axis = 0 : i64}
    %h = Div(%w, %two)
    %c = Cast(%h) {to = 7 : i64}
    %m = Unsqueeze(%c, %zero)
    %low = Slice(%x, %zero, %m, %axis)
    %high = Slice(%x, %m, %end, %axis)
    %y = Concat(%high, %low) {axis = -1 : i64})",
                  "%low, %high, %y"),
            (Answers{"[s0, s1, 32]", "[s0, s1, 32]", "[s0, s1, 64]"}));
}

TEST_F(GraphFactsTest, AGrownCacheIsASum) {
  EXPECT_EQ(
      infer("%p: tensor<?x2x?x16xf32> {moe.dims = [\"b\", \"\", \"past\", "
            "\"\"]}, %k: tensor<?x2x?x16xf32> {moe.dims = [\"b\", \"\", "
            "\"seq\", \"\"]}",
            R"(
    %c = Concat(%p, %k) {axis = 2 : i64}
    %t = Transpose(%c) {perm = array<i64: 0, 1, 3, 2>}
    %m = MatMul(%k, %t))",
            "%c, %m"),
      (Answers{"[s0, 2, s1 + s2, 16]", "[s0, 2, s2, s1 + s2]"}));
}

TEST_F(GraphFactsTest, RowsAreAProductAndComeBack) {
  EXPECT_EQ(infer(kInput, R"(
    %rows = Constant() {value = dense<[-1, 64]> : tensor<2xi64>}
    %s = Shape(%x)
    %r = Reshape(%x, %rows)
    %y = Reshape(%r, %s))",
                  "%r, %y"),
            (Answers{"[s0*s1, 64]", "[s0, s1, 64]"}));
}

TEST_F(GraphFactsTest, SplitsInEqualPartsWithoutSizes) {
  EXPECT_EQ(infer(kInput, R"(
    %y:2 = Split(%x) {axis = -1 : i64})",
                  "%y#0, %y#1"),
            (Answers{"[s0, s1, 32]", "[s0, s1, 32]"}));
}

TEST_F(GraphFactsTest, ZeroCopiesADimension) {
  EXPECT_EQ(infer(kInput, R"(
    %t = Constant() {value = dense<[0, 0, -1, 8]> : tensor<4xi64>}
    %y = Reshape(%x, %t))",
                  "%y"),
            (Answers{"[s0, s1, 8, 8]"}));
}

//===----------------------------------------------------------------------===//
// What is not known
//===----------------------------------------------------------------------===//

TEST_F(GraphFactsTest, AnUnknownNodeHasNoShape) {
  EXPECT_EQ(infer(kInput, R"(
    %y = Mystery(%x)
    %z = Transpose(%y) {perm = array<i64: 0, 2, 1>})",
                  "%y, %z"),
            (Answers{"unknown", "unknown"}));
}

TEST_F(GraphFactsTest, ATargetOfUnknownElementsKeepsItsRank) {
  // The rank is the target's length; the sizes are symbols of their own.
  EXPECT_EQ(infer("%x: tensor<?x64xf32>, %t: tensor<3xi64>", R"(
    %y = Reshape(%x, %t))",
                  "%y"),
            (Answers{"[s1, s2, s3]"}));
}

TEST_F(GraphFactsTest, UnequalSizesDoNotBroadcast) {
  // Either may be 1, so the result is neither.
  EXPECT_EQ(infer("%x: tensor<?x4xf32>, %y: tensor<?x1xf32>", R"(
    %z = Add(%x, %y))",
                  "%z"),
            (Answers{"[s2, 4]"}));
}

TEST_F(GraphFactsTest, AWrongPermutationIsUnknown) {
  EXPECT_EQ(infer(kInput, R"(
    %y = Transpose(%x) {perm = array<i64: 0, 1>}
    %z = Transpose(%x) {perm = array<i64: 0, 1, 5>})",
                  "%y, %z"),
            (Answers{"unknown", "unknown"}));
}
