//===- ExpertsKernelsTest.cpp - experts as kernels equal plain loops ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertsCase.h"

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kCases = 300;

class Choice {
public:
  explicit Choice(unsigned seed) : engine(seed) {}
  template <typename T> T oneOf(std::initializer_list<T> values) {
    return *(values.begin() + engine() % values.size());
  }

private:
  std::mt19937 engine;
};

ExpertsCase randomCase(Choice &choice) {
  ExpertsCase c;
  c.target = choice.oneOf<const char *>({"hgx-h100", "gb300-nvl72"});
  bool registers = c.target == "hgx-h100";
  // Pairs of blocks take columns by 256.
  bool pair = !registers && choice.oneOf({false, false, false, true});
  c.width = pair ? 256 : choice.oneOf<int64_t>({32, 64, 96, 160, 320});
  c.inner = pair ? 256 : choice.oneOf<int64_t>({32, 64, 96, 160});
  c.counts.clear();
  for (int64_t i = choice.oneOf<int64_t>({1, 2, 3, 5}); i > 0; --i)
    c.counts.push_back(choice.oneOf<int32_t>({0, 0, 1, 3, 8, 16, 17, 21}));
  c.rows = choice.oneOf<int64_t>({1, 2, 9});
  for (int32_t count : c.counts)
    c.rows += count;
  c.gated = choice.oneOf({true, true, false});
  c.compute = registers ? choice.oneOf<const char *>({"bf16", "fp16", "fp8"})
                        : choice.oneOf<const char *>(
                              {"bf16", "fp8", "mxfp8", "nvfp4", "mxfp4"});
  c.weights = choice.oneOf({c.compute, c.compute, std::string("mxfp4")});
  c.activations = choice.oneOf({c.compute, c.compute, std::string("bf16")});
  c.tile = choice.oneOf<int64_t>({8, 16, 32});
  if (c.gated && choice.oneOf({false, true})) {
    c.limit = 0.75;
    c.alpha = 1.5;
    c.offset = 0.25;
  } else if (c.gated && choice.oneOf({false, true})) {
    c.gateCap = 0.5;
    c.linearCap = 0.625;
  }
  return c;
}

} // namespace

// Either the kernels compute what the loops do, or there are none, for a reason
// that has a label.
TEST(ExpertsKernels, RandomCasesEqualPlainLoops) {
  Choice choice(7);
  Random random(8);
  unsigned ran = 0, pairs = 0, converted = 0, scaled = 0, refused = 0;
  for (unsigned i = 0; i < kCases; ++i) {
    ExpertsCase c = randomCase(choice);
    std::vector<Tensor> operands = c.operands(random);
    llvm::Expected<Tensor> result = runKernels(c.text(), c.target, operands);
    if (!result) {
      std::string message = llvm::toString(result.takeError());
      EXPECT_NE(message.find("(switched."), std::string::npos)
          << message << c.text();
      ++refused;
      continue;
    }
    expectNear(*result, c.expected(operands), 2e-5);
    if (HasFailure())
      FAIL() << "case " << i << " on " << c.target << ": " << c.text();
    ++ran;
    pairs += c.target == "gb300-nvl72" && c.width == 256;
    converted += c.weights != c.compute || c.activations != c.compute;
    scaled +=
        c.compute == "mxfp8" || c.compute == "nvfp4" || c.compute == "mxfp4";
  }
  // Every kind of program is among them.
  EXPECT_GT(ran, kCases / 2);
  EXPECT_GT(pairs, 10u);
  EXPECT_GT(converted, 30u);
  EXPECT_GT(scaled, 20u);
  EXPECT_GT(refused, 10u);
}

// Counts that promise more rows than there are read and write none of others.
TEST(ExpertsKernels, CountsBeyondTheRowsStayInside) {
  ExpertsCase c;
  c.rows = 20;
  c.counts = {12, 30};
  Random random(3);
  std::vector<Tensor> operands = c.operands(random);
  llvm::Expected<Tensor> result = runKernels(c.text(), c.target, operands);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  c.counts = {12, 8};
  expectNear(*result, c.expected(operands), 2e-5);
}

// Without rows nothing is written.
TEST(ExpertsKernels, ExpertsWithoutRows) {
  ExpertsCase c;
  c.counts = {0, 0, 0};
  c.rows = 4;
  Random random(4);
  std::vector<Tensor> operands = c.operands(random);
  llvm::Expected<Tensor> result = runKernels(c.text(), c.target, operands);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  expectNear(*result, Array({4, 64}), 0);
}
