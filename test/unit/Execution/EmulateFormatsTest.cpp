//===- EmulateFormatsTest.cpp - models in the formats of a plan -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program whose formats are emulated computes what plain loops compute with
// rounded operands, and something else than the program in f32.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "dialects/Spmd/Transforms/Passes.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

/// The outputs of @main of `text` with its formats emulated.
std::vector<Tensor> runEmulated(llvm::StringRef text,
                                llvm::ArrayRef<Tensor> inputs,
                                ElementFormat fp8 = ElementFormat::e4m3fn) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  std::vector<Tensor> result;
  if (!module || failed(spmd::emulateFormats(*module, fp8))) {
    ADD_FAILURE() << "the test's module does not parse or has other formats";
    return result;
  }
  std::vector<NamedTensor> named;
  for (const Tensor &input : inputs)
    named.push_back({"", input});
  llvm::Expected<std::vector<NamedTensor>> outputs =
      runModule(*module, named, "");
  if (!outputs) {
    ADD_FAILURE() << llvm::toString(outputs.takeError());
    return result;
  }
  for (NamedTensor &output : *outputs)
    result.push_back(std::move(output.tensor));
  return result;
}

Array rounded(Array array, Format format, int64_t axis, int64_t tensorDims,
              std::optional<ElementFormat> encoding = std::nullopt,
              bool unscaled = false) {
  fakeQuantize(*quantizationOf(format, encoding, unscaled), array.shape, axis,
               tensorDims, array.values);
  return array;
}

/// [T,K] times [K,N], summed in order.
Array product(Array a, Array b) {
  Array result({a.shape[0], b.shape[1]});
  for (int64_t t = 0; t < a.shape[0]; ++t)
    for (int64_t n = 0; n < b.shape[1]; ++n)
      for (int64_t k = 0; k < b.shape[0]; ++k)
        result(t, n) += a(t, k) * b(k, n);
  return result;
}

/// relu, which is exact.
Array positive(Array a) {
  for (float &value : a.values)
    value = std::max(value, 0.0f);
  return a;
}

/// Entry `index` of the first dimension.
Array entry(const Array &a, int64_t index) {
  Array result(llvm::ArrayRef<int64_t>(a.shape).drop_front());
  auto begin = a.values.begin() + index * int64_t(result.values.size());
  result.values.assign(begin, begin + int64_t(result.values.size()));
  return result;
}

/// The distance of two tensors over the length of the second.
double relativeError(const Array &actual, const Array &expected) {
  double error = 0, length = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    error += std::pow(actual.values[i] - expected.values[i], 2);
    length += std::pow(expected.values[i], 2);
  }
  return std::sqrt(error / length);
}

std::string mlpText(llvm::StringRef formats) {
  return (R"(
    func.func @main(%x: tensor<7x80xf32>, %u: tensor<80x48xf32>,
                    %d: tensor<48x80xf32>) -> tensor<7x80xf32> {
      %0 = moe.mlp %x up %u down %d {)" +
          formats + R"( activation = #moe<activation relu>}
        : (tensor<7x80xf32>, tensor<80x48xf32>, tensor<48x80xf32>)
        -> tensor<7x80xf32>
      return %0 : tensor<7x80xf32>
    })")
      .str();
}

struct Kept {
  Format format;
  double least, most; ///< bounds of the relative error
};

} // namespace

// Weights alone: computed in f32, rows are not rounded. An element is off by at
// most half a step: of e2m1 and int4 by 1/4 of itself where it is not close to
// zero, of e4m3 by 1/16, of bf16 by 2^-9. MX scales are powers of two, so that
// the largest of a group saturate, by 1/4 (8 at 6) and by 1/8 (512 at 448).
TEST(EmulateFormats, WeightsAsPlainLoopsRoundThem) {
  Random random(1);
  Array x = random.array({7, 80}), u = random.array({80, 48}),
        d = random.array({48, 80});
  std::vector<Tensor> inputs = {x.tensor(), u.tensor(), d.tensor()};
  std::vector<Tensor> plain = run(mlpText(""), inputs);
  ASSERT_EQ(plain.size(), 1u);
  for (Kept kept :
       {Kept{Format::mxfp4, 0.02, 0.25}, Kept{Format::nvfp4, 0.02, 0.25},
        Kept{Format::int4, 0.02, 0.25}, Kept{Format::fp8, 0.005, 0.06},
        Kept{Format::mxfp8, 0.005, 0.125}, Kept{Format::int8, 0.001, 0.02},
        Kept{Format::bf16, 1e-4, 0.004}, Kept{Format::fp16, 1e-5, 0.0005}}) {
    std::string name = spell(kept.format).str();
    std::vector<Tensor> got = runEmulated(
        mlpText("weight_format = #moe.format<\"" + name + "\", \"f32\">,"),
        inputs);
    ASSERT_EQ(got.size(), 1u);
    Array expected =
        product(positive(product(x, rounded(u, kept.format, 0, 2))),
                rounded(d, kept.format, 0, 2));
    expectNear(got[0], expected, 1e-5);
    double error = relativeError(got[0], plain[0]);
    EXPECT_GT(error, kept.least) << name;
    EXPECT_LT(error, kept.most) << name;
  }
}

// Rows too, before both projections.
TEST(EmulateFormats, RowsBeforeBothProjections) {
  Random random(2);
  Array x = random.array({7, 80}), u = random.array({80, 48}),
        d = random.array({48, 80});
  std::vector<Tensor> got = runEmulated(
      mlpText(R"(weight_format = #moe.format<"fp8", "fp8">,
        activation_format = #moe.format<"fp8", "fp8">,)"),
      {x.tensor(), u.tensor(), d.tensor()}, ElementFormat::e4m3b11fnuz);
  ASSERT_EQ(got.size(), 1u);
  auto narrow = [](const Array &array, int64_t axis) {
    return rounded(array, Format::fp8, axis, 1 + (axis == 0),
                   ElementFormat::e4m3b11fnuz);
  };
  Array inner = narrow(positive(product(narrow(x, 1), narrow(u, 0))), 1);
  expectNear(got[0], product(inner, narrow(d, 0)), 1e-5);
}

// Two experts with 3 and 4 rows. Rows are kept in fp8 and computed in nvfp4;
// each expert is a tensor, and so is each row.
TEST(EmulateFormats, ExpertsInTheirOwnScales) {
  Random random(3);
  Array x = random.array({7, 32}), u = random.array({2, 32, 48}),
        d = random.array({2, 48, 32});
  for (int64_t i = 0; i < 32 * 48; ++i)
    u.values[i] *= 100;
  std::vector<Tensor> got = runEmulated(
      R"(
    func.func @main(%x: tensor<7x32xf32>, %c: tensor<2xi32>,
                    %u: tensor<2x32x48xf32>, %d: tensor<2x48x32xf32>)
        -> tensor<7x32xf32> {
      %0 = moe.experts %x, %c up %u down %d {
          activation = #moe<activation relu>,
          weight_format = #moe.format<"nvfp4", "nvfp4">,
          activation_format = #moe.format<"fp8", "nvfp4">}
        : (tensor<7x32xf32>, tensor<2xi32>, tensor<2x32x48xf32>,
           tensor<2x48x32xf32>) -> tensor<7x32xf32>
      return %0 : tensor<7x32xf32>
    })",
      {x.tensor(), Tensor::ofInts(ElementType::i32, {2}, {3, 4}), u.tensor(),
       d.tensor()});
  ASSERT_EQ(got.size(), 1u);
  auto rows = [](const Array &array) {
    return rounded(rounded(array, Format::fp8, 1, 1), Format::nvfp4, 1, 1);
  };
  Array expected({7, 32});
  for (int64_t expert = 0, row = 0; expert < 2; ++expert) {
    Array own({expert == 0 ? 3 : 4, 32});
    std::copy_n(x.values.begin() + row * 32, own.values.size(),
                own.values.begin());
    Array inner =
        product(rows(own), rounded(entry(u, expert), Format::nvfp4, 0, 2));
    Array result = product(rows(positive(inner)),
                           rounded(entry(d, expert), Format::nvfp4, 0, 2));
    llvm::copy(result.values, expected.values.begin() + row * 32);
    row += own.shape[0];
  }
  expectNear(got[0], expected, 1e-3);
}

// The grown cache holds what the format holds, old and new entries alike, and
// that is what the query meets: the result is that of rounded operands.
TEST(EmulateFormats, CachesHoldRoundedEntries) {
  Random random(4);
  Array q = random.array({2, 1, 32}), k = random.array({2, 1, 16}),
        v = random.array({2, 1, 16}), pk = random.array({2, 2, 3, 8}),
        pv = random.array({2, 2, 3, 8});
  auto text = [](llvm::StringRef formats) {
    return (R"(
    func.func @main(%q: tensor<2x1x32xf32>, %k: tensor<2x1x16xf32>,
        %v: tensor<2x1x16xf32>, %pk: tensor<2x2x3x8xf32>,
        %pv: tensor<2x2x3x8xf32>)
        -> (tensor<2x1x32xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>) {
      %0:3 = moe.attention %q, %k, %v cache %pk, %pv {heads = 4 : i64,
          kv_heads = 2 : i64, scale = 0.35 : f64)" +
            formats + R"(}
        : (tensor<2x1x32xf32>, tensor<2x1x16xf32>, tensor<2x1x16xf32>,
           tensor<2x2x3x8xf32>, tensor<2x2x3x8xf32>)
        -> (tensor<2x1x32xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>)
      return %0#0, %0#1, %0#2
        : tensor<2x1x32xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>
    })")
        .str();
  };
  auto inputs = [](std::initializer_list<Array> arrays) {
    std::vector<Tensor> tensors;
    for (const Array &array : arrays)
      tensors.push_back(array.tensor());
    return tensors;
  };
  auto narrow = [](const Array &array) {
    return rounded(array, Format::fp8, array.shape.size() - 1, 1, std::nullopt,
                   /*unscaled=*/true);
  };
  std::vector<Tensor> got =
      runEmulated(text(R"(, cache_format = #moe.format<"fp8", "bf16">)"),
                  inputs({q, k, v, pk, pv}));
  std::vector<Tensor> expected =
      run(text(""), inputs({rounded(q, Format::bf16, 2, 1), narrow(k),
                            narrow(v), narrow(pk), narrow(pv)}));
  ASSERT_EQ(got.size(), 3u);
  ASSERT_EQ(expected.size(), 3u);
  for (int i = 0; i < 3; ++i)
    expectNear(got[i], expected[i], 0);
  std::vector<Tensor> plain = run(text(""), inputs({q, k, v, pk, pv}));
  ASSERT_EQ(plain.size(), 3u);
  EXPECT_GT(relativeError(got[0], plain[0]), 1e-3);
  EXPECT_LT(relativeError(got[0], plain[0]), 0.1);
}

// What the formats hold already goes through unchanged.
TEST(EmulateFormats, RoundedWeightsStayAsTheyAre) {
  Random random(5);
  Array x = random.array({7, 80});
  Array u = rounded(random.array({80, 48}), Format::mxfp4, 0, 2),
        d = rounded(random.array({48, 80}), Format::mxfp4, 0, 2);
  std::vector<Tensor> inputs = {x.tensor(), u.tensor(), d.tensor()};
  std::vector<Tensor> got = runEmulated(
      mlpText(R"(weight_format = #moe.format<"mxfp4", "f32">,)"), inputs);
  std::vector<Tensor> plain = run(mlpText(""), inputs);
  ASSERT_EQ(got.size(), 1u);
  ASSERT_EQ(plain.size(), 1u);
  expectNear(got[0], plain[0], 0);
}

TEST(EmulateFormats, RefusesATensorThatNoFormatRounds) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      R"(
    func.func @main(%x: tensor<4x8xf64>) -> tensor<4x8xf64> {
      %0 = spmd.all_reduce %x over <2 by 1>
        {format = #moe.format<"fp8", "fp8">} : tensor<4x8xf64>
      return %0 : tensor<4x8xf64>
    })",
      context.get());
  ASSERT_TRUE(module);
  std::string message;
  mlir::ScopedDiagnosticHandler handler(context.get(),
                                        [&](mlir::Diagnostic &diagnostic) {
                                          message = diagnostic.str();
                                          return mlir::success();
                                        });
  EXPECT_TRUE(failed(spmd::emulateFormats(*module)));
  EXPECT_NE(message.find("expects f32, bf16 or f16 to round to fp8"),
            std::string::npos)
      << message;
}
