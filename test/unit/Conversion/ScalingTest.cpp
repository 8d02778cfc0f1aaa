//===- ScalingTest.cpp - the way down is linear in the layers -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Invariant 7: import, binding, partition and lowering at 1x, 4x and 16x. This
// is no measurement of speed: what is quadratic takes 256 times as long for 16
// times the layers, what is linear 16 times; the limit between them is 64.
//
//===----------------------------------------------------------------------===//

#include "portolan/Conversion/Lower.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"
#include <ctime>

using namespace mlir;
using namespace portolan;

namespace {

std::string configOf(int64_t layers) {
  return "{\"model_type\": \"mixtral\", \"hidden_size\": 64, "
         "\"intermediate_size\": 96, \"num_attention_heads\": 4, "
         "\"num_key_value_heads\": 2, \"num_local_experts\": 8, "
         "\"num_experts_per_tok\": 2, \"hidden_act\": \"silu\", "
         "\"max_position_embeddings\": 256, \"rms_norm_eps\": 1e-6, "
         "\"rope_theta\": 10000.0, \"vocab_size\": 128, "
         "\"torch_dtype\": \"bfloat16\", \"num_hidden_layers\": " +
         std::to_string(layers) + "}";
}

/// Eight ranks that hold their own sequences and exchange rows.
PlanPoint exchangePlan() {
  PlanPoint plan;
  for (PlanClass formats : {PlanClass::weightFormat,
                            PlanClass::activationFormat, PlanClass::kvFormat})
    plan.set(formats, encodeFormats({Format::bf16, Format::bf16}));
  plan.set(PlanClass::instance, kInstanceAll);
  plan.set(PlanClass::dispatchExchange, PlanValue(Exchange::allToAll));
  plan.set(PlanClass::combineExchange, PlanValue(Exchange::allToAll));
  return plan;
}

/// CPU seconds from the text of a configuration to lowered IR, best of three.
double secondsOf(int64_t layers, StringRef target) {
  double best = 1e9;
  for (int run = 0; run < 3; ++run) {
    DialectRegistry registry;
    registerAllDialects(registry);
    MLIRContext context(registry, MLIRContext::Threading::DISABLED);
    Machine machine = llvm::cantFail(loadMachine(target));
    Workload workload;
    std::clock_t begin = std::clock();
    OwningOpRef<ModuleOp> module = llvm::cantFail(
        importHfConfigText(configOf(layers), "config.json", "deep", context));
    llvm::Error error =
        lowerModel(*module, machine, exchangePlan(), workload, 16);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    best = std::min(best, double(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return best;
}

class ScalingTest : public ::testing::TestWithParam<const char *> {};

} // namespace

TEST_P(ScalingTest, LoweringIsLinearInTheLayers) {
  double one = secondsOf(48, GetParam());
  double four = secondsOf(4 * 48, GetParam());
  double sixteen = secondsOf(16 * 48, GetParam());
  EXPECT_LT(four / one, 16.0);
  EXPECT_LT(sixteen / one, 64.0);
  RecordProperty("ratio_4x", std::to_string(four / one));
  std::cout << "  4x: " << four / one << ", 16x: " << sixteen / one << "\n";
}

INSTANTIATE_TEST_SUITE_P(Families, ScalingTest,
                         ::testing::Values("gb300-nvl72:8", "tpu7x:2x2x2",
                                           "trn2:8"));
