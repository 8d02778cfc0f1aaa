//===- LatentKernelsTest.cpp - decode attention as kernels ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The op that the kernels cover is the reference here; LatentAttentionTest
// compares that one with plain loops.
//
//===----------------------------------------------------------------------===//

#include "ExpertsCase.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;
using namespace portolan::switched;

namespace {

struct LatentCase {
  std::string target = "gb300-nvl72";
  int64_t batch = 2, fresh = 1, past = 150, heads = 3;
  int64_t latent = 160, key = 16, rope = 16, value = 24;
  std::string compute = "bf16", weights = "bf16";
  int64_t tile = 16;
  bool pastOnly = false, hasLogSumExp = true;
};

std::string typeOf(std::initializer_list<int64_t> shape) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + "f32>";
}

std::string function(const LatentCase &c, bool isKernel) {
  std::string types[] = {typeOf({c.batch, c.fresh, c.heads * (c.key + c.rope)}),
                         typeOf({c.batch, c.fresh, c.latent}),
                         typeOf({c.batch, c.fresh, c.rope}),
                         typeOf({c.batch, c.past, c.latent}),
                         typeOf({c.batch, c.past, c.rope}),
                         typeOf({c.heads, c.latent, c.key}),
                         typeOf({c.heads, c.latent, c.value})};
  std::string arguments, names, operands;
  for (auto [i, type] : llvm::enumerate(types)) {
    std::string separator = i ? ", " : "";
    arguments += separator + "%a" + std::to_string(i) + ": " + type;
    names += separator + "%a" + std::to_string(i);
    operands += separator + type;
  }
  std::string results =
      typeOf({c.batch, c.fresh, c.heads * c.value}) + ", " +
      typeOf({c.batch, c.past + c.fresh, c.latent}) + ", " +
      typeOf({c.batch, c.past + c.fresh, c.rope}) +
      (c.hasLogSumExp ? ", " + typeOf({c.batch, c.fresh, c.heads}) : "");
  std::string count = c.hasLogSumExp ? "4" : "3";
  std::string attributes =
      "{absorbed, cache_format = #moe.format<\"" + c.compute + "\", \"" +
      c.compute + "\">, heads = " + std::to_string(c.heads) +
      " : i64, scale = 0.25 : f64, weight_format = #moe.format<\"" + c.weights +
      "\", \"" + c.compute + "\">" + (c.pastOnly ? ", past_only" : "") + "}";
  std::string op =
      isKernel ? "switched.latent_attention(" + names +
                     ") covers \"moe.latent_attention\" " + attributes +
                     " {engine = \"matmul\", issued_operations = 1.0e13 : f64, "
                     "kernels = 3.0 : f64, token_tile = " +
                     std::to_string(c.tile) + " : i64}"
               : "\"moe.latent_attention\"(" + names + ") <" + attributes + ">";
  return "func.func @main(" + arguments + ") -> (" + results +
         ") {\n%y:" + count + " = " + op + " : (" + operands + ") -> (" +
         results + ")\nreturn %y#0, %y#1, %y#2" +
         (c.hasLogSumExp ? ", %y#3" : "") + " : " + results + "\n}\n";
}

std::vector<NamedTensor> inputsOf(const LatentCase &c, Random &random) {
  std::vector<NamedTensor> inputs;
  auto add = [&](llvm::ArrayRef<int64_t> shape, double scale) {
    inputs.push_back({"", random.array(shape, scale).tensor()});
  };
  add({c.batch, c.fresh, c.heads * (c.key + c.rope)}, 1);
  add({c.batch, c.fresh, c.latent}, 1);
  add({c.batch, c.fresh, c.rope}, 1);
  add({c.batch, c.past, c.latent}, 1);
  add({c.batch, c.past, c.rope}, 1);
  add({c.heads, c.latent, c.key}, 0.3);
  add({c.heads, c.latent, c.value}, 0.3);
  return inputs;
}

std::vector<NamedTensor> expectedOf(const LatentCase &c,
                                    llvm::ArrayRef<NamedTensor> inputs) {
  llvm::Expected<std::vector<NamedTensor>> expected =
      runNamed(function(c, /*isKernel=*/false), inputs);
  if (!expected) {
    ADD_FAILURE() << llvm::toString(expected.takeError());
    return {};
  }
  return std::move(*expected);
}

/// Runs a case both ways; false if it has no kernels, for a reason that has a
/// label.
bool runsAsTheOp(const LatentCase &c, Random &random) {
  std::vector<NamedTensor> inputs = inputsOf(c, random);
  std::string text = function(c, /*isKernel=*/true);
  llvm::Expected<std::vector<NamedTensor>> actual =
      runKernelModule(text, c.target, inputs);
  if (!actual) {
    std::string message = llvm::toString(actual.takeError());
    EXPECT_NE(message.find("(switched."), std::string::npos) << message << text;
    return false;
  }
  std::vector<NamedTensor> expected = expectedOf(c, inputs);
  for (auto [got, want] : llvm::zip_equal(*actual, expected))
    expectNear(got.tensor, Array(want.tensor), 2e-5);
  return true;
}

} // namespace

TEST(LatentKernels, RandomCasesEqualTheOp) {
  std::mt19937 engine(3);
  auto oneOf = [&](auto... values) {
    auto list = {values...};
    return *(list.begin() + engine() % list.size());
  };
  Random random(4);
  unsigned ran = 0, refused = 0;
  for (unsigned i = 0; i < 60; ++i) {
    LatentCase c;
    c.target = oneOf("hgx-h100", "gb300-nvl72");
    c.batch = oneOf(1, 3);
    c.fresh = oneOf(1, 1, 3);
    c.past = oneOf(1, 60, 127, 200);
    c.heads = oneOf(1, 3, 20);
    c.latent = oneOf(32, 64, 160);
    c.key = oneOf(16, 80);
    c.rope = oneOf(8, 16, 48);
    c.value = oneOf(16, 72);
    c.compute = oneOf("bf16", "fp16", "fp8");
    c.weights = oneOf(c.compute, c.compute, std::string("fp8"));
    c.tile = oneOf(8, 16, 32);
    c.pastOnly = oneOf(false, false, true);
    c.hasLogSumExp = oneOf(false, true);
    if (runsAsTheOp(c, random))
      ++ran;
    else
      ++refused;
    if (HasFailure())
      FAIL() << "on " << c.target << ": " << function(c, true);
  }
  EXPECT_GT(ran, 25u);
  EXPECT_GT(refused, 5u);
}

// A rank that holds no part of the context sees no key: 0 and minus infinity.
TEST(LatentKernels, WithoutKeysThereIsNothing) {
  LatentCase c;
  c.past = 0;
  c.pastOnly = true;
  Random random(6);
  llvm::Expected<std::vector<NamedTensor>> actual =
      runKernelModule(function(c, true), c.target, inputsOf(c, random));
  ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
  for (float value : (*actual)[0].tensor.floats())
    EXPECT_EQ(value, 0);
  for (float value : (*actual)[3].tensor.floats())
    EXPECT_EQ(value, -std::numeric_limits<float>::infinity());
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

namespace {

using Mutation = bool (*)(ModuleOp module);

struct Case {
  const char *name;
  Mutation mutate;
};

void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

template <typename Op> Op first(ModuleOp module) {
  Op found;
  module.walk([&](Op op) {
    if (!found)
      found = op;
  });
  return found;
}

const Case kMutations[] = {
    {"OutputsAreNotRescaled",
     [](ModuleOp m) {
       auto op = first<SoftmaxStepOp>(m);
       op.getOutputsMutable().erase(0);
       return true;
     }},
    {"TheNewTokenIsNotSeen",
     [](ModuleOp m) {
       first<SoftmaxStepOp>(m).setPastOnly(true);
       return true;
     }},
    {"KeysBehindTheEndAreSeen",
     [](ModuleOp m) {
       auto op = first<SoftmaxStepOp>(m);
       op.setPast(op.getPast() + 1);
       return true;
     }},
    {"AnotherScale",
     [](ModuleOp m) {
       first<SoftmaxStepOp>(m).setScale(llvm::APFloat(0.5));
       return true;
     }},
    {"TheFirstKeyAgain",
     [](ModuleOp m) {
       auto op = first<SoftmaxStepOp>(m);
       op.getKeyMutable().set(op.getQuery());
       return true;
     }},
    {"AttendsToAnotherPart",
     [](ModuleOp m) {
       SmallVector<AttendOp> products;
       m.walk([&](AttendOp op) { products.push_back(op); });
       products[1].getLatentMutable().set(products[0].getLatent());
       return true;
     }},
    {"RotatedPartOfTheKeys",
     [](ModuleOp m) {
       // The first loads of the query's tile, then of its rotated part.
       auto loop = first<ForSequencesOp>(m);
       SmallVector<TmaLoadOp> loads(loop.getBody().front().getOps<TmaLoadOp>());
       loads.back().getOffsetsMutable()[1].set(loads.front().getOffsets()[1]);
       return true;
     }},
    {"CacheOfTheFirstSequence",
     [](ModuleOp m) {
       auto loop = first<ForCacheTilesOp>(m);
       auto load = *loop.getProduce().front().getOps<TmaLoadOp>().begin();
       load.getOffsetsMutable()[0].set(load.getOffsets()[2]);
       return true;
     }},
    {"NotNormalized",
     [](ModuleOp m) {
       auto op = first<NormalizeOp>(m);
       OpBuilder builder(op);
       OperationState state(op.getLoc(), EpilogueOp::getOperationName());
       state.addOperands({op.getSums(), op.getResult()});
       builder.create(state);
       op->erase();
       return true;
     }},
    {"HeadsOfTheFirst",
     [](ModuleOp m) {
       auto loop = first<ForHeadsOp>(m);
       auto pipeline = *loop.getBody().front().getOps<PipelineOp>().begin();
       SmallVector<TmaLoadOp> loads(
           pipeline.getProduce().front().getOps<TmaLoadOp>());
       loads[1].getOffsetsMutable()[0].set(loads[1].getOffsets()[2]);
       return true;
     }},
};

class LatentMutation : public ::testing::TestWithParam<Case> {};

} // namespace

TEST_P(LatentMutation, ChangesTheOutput) {
  LatentCase c;
  // Two parts of equal width, so that the operations are the same.
  c.latent = 256;
  c.hasLogSumExp = false;
  Random random(9);
  std::vector<NamedTensor> inputs = inputsOf(c, random);
  llvm::Expected<std::vector<NamedTensor>> actual =
      runKernelModule(function(c, true), c.target, inputs, GetParam().mutate);
  std::vector<NamedTensor> expected = expectedOf(c, inputs);
  ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
  llvm::Expected<Difference> difference =
      compare((*actual)[0].tensor, expected[0].tensor, 0, 1e-4);
  ASSERT_TRUE(bool(difference));
  EXPECT_GT(difference->outOfTolerance, 0);
}

INSTANTIATE_TEST_SUITE_P(Kernels, LatentMutation,
                         ::testing::ValuesIn(kMutations),
                         [](const auto &info) { return info.param.name; });

// A loop over fewer keys lacks operations.
TEST(LatentMutation, ForgottenKeysAreRefused) {
  LatentCase c;
  Random random(9);
  llvm::Expected<std::vector<NamedTensor>> actual = runKernelModule(
      function(c, true), c.target, inputsOf(c, random), [](ModuleOp m) {
        auto loop = first<ForCacheTilesOp>(m);
        loop.setKeys(loop.getKeys() - 1);
        return true;
      });
  ASSERT_FALSE(bool(actual));
  std::string message = llvm::toString(actual.takeError());
  EXPECT_NE(message.find("operations of the covered op"), std::string::npos)
      << message;
}
