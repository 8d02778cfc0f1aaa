//===- KernelStepTest.cpp - a written-out step costs what it did ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Experts of random shapes, formats and tiles either become a kernel step whose
// step, work included, is the one before, or are refused with a label.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace portolan;

namespace {

constexpr unsigned kCases = 600;

class Cases {
public:
  explicit Cases(unsigned seed) : engine(seed) {}
  template <typename T> T oneOf(std::initializer_list<T> values) {
    return *(values.begin() + engine() % values.size());
  }

private:
  std::mt19937 engine;
};

/// A function of one grouped GEMM.
std::string randomExperts(Cases &cases) {
  int64_t rows = cases.oneOf<int64_t>({1, 16, 100, 512});
  int64_t experts = cases.oneOf<int64_t>({1, 2, 7});
  int64_t width = cases.oneOf<int64_t>({60, 64, 96, 256, 504, 4096});
  int64_t inner = cases.oneOf<int64_t>({64, 100, 128, 384, 2048});
  bool gated = cases.oneOf({true, false});
  std::string compute =
      cases.oneOf<const char *>({"bf16", "fp8", "mxfp8", "nvfp4", "mxfp4"});
  std::string weights = cases.oneOf({compute, std::string("mxfp4")});
  std::string activations = cases.oneOf({compute, std::string("bf16")});
  int64_t tile = cases.oneOf<int64_t>({0, 8, 16, 64, 128, 256});
  std::string x =
      "tensor<" + std::to_string(rows) + "x" + std::to_string(width) + "xbf16>";
  std::string up = "tensor<" + std::to_string(experts) + "x" +
                   std::to_string(width) + "x" + std::to_string(inner) +
                   "xbf16>";
  std::string down = "tensor<" + std::to_string(experts) + "x" +
                     std::to_string(inner) + "x" + std::to_string(width) +
                     "xbf16>";
  std::string counts = "tensor<" + std::to_string(experts) + "xi32>";
  return "func.func @f(%x: " + x + ", %n: " + counts + ", %g: " + up +
         ", %u: " + up + ", %d: " + down + ") -> " + x +
         " {\n%y = switched.grouped_gemm(%x, %n, " + (gated ? "%g, " : "") +
         "%u, %d) covers \"moe.experts\" {activation = #moe<activation silu>, "
         "activation_format = #moe.format<\"" +
         activations + "\", \"" + compute +
         "\">, operandSegmentSizes = array<i32: 1, 1, " + (gated ? "1" : "0") +
         ", 1, 1, 0, 0, 0>, weight_format = #moe.format<\"" + weights +
         "\", \"" + compute +
         "\">} {engine = \"matmul\", issued_operations = 1.0e13 : f64, "
         "kernels = 2.0 : f64, token_tile = " +
         std::to_string(tile) + " : i64} : (" + x + ", " + counts + ", " +
         (gated ? up + ", " : "") + up + ", " + down + ") -> " + x +
         "\nreturn %y : " + x + "\n}\n";
}

FailureOr<Step> onlyStep(ModuleOp module) {
  FailureOr<Step> step = failure();
  module.walk([&](StepOpInterface op) { step = op.step(); });
  return step;
}

TEST(KernelStepTest, RandomExpertsKeepTheirStepOrAreRefused) {
  registerAllPasses();
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  Cases cases(1);
  unsigned lowered = 0, refused = 0;
  for (unsigned i = 0; i < kCases; ++i) {
    std::string text = randomExperts(cases);
    std::string target = cases.oneOf<const char *>({"hgx-h100", "gb300-nvl72"});
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      message += diagnostic.str();
      return success();
    });
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << message << text;
    FailureOr<Step> before = onlyStep(*module);
    ASSERT_TRUE(succeeded(before));
    PassManager passes(&context);
    ASSERT_TRUE(succeeded(parsePassPipeline(
        "switched-lower-to-kernels{target=" + target + "}", passes)));
    if (failed(passes.run(*module))) {
      EXPECT_NE(message.find("(switched."), std::string::npos)
          << target << ": " << message << text;
      ++refused;
      continue;
    }
    ++lowered;
    FailureOr<Step> after = onlyStep(*module);
    ASSERT_TRUE(succeeded(after));
    std::string difference;
    EXPECT_TRUE(sameStep(*before, *after, &difference)) << difference << text;
    EXPECT_TRUE(before->work == after->work) << text;
  }
  // Both outcomes are tested, not one of them alone.
  EXPECT_GT(lowered, kCases / 10);
  EXPECT_GT(refused, kCases / 10);
}

} // namespace
