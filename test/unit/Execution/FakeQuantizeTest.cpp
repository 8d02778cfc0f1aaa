//===- FakeQuantizeTest.cpp - compiled rounding against the definition ----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decomposition of moe.fake_quantize, compiled, gives the bits that
// portolan/Support/NumberFormats.h defines (and the tests of that header hold
// against independent tables).
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "portolan/Support/NumberFormats.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A rule and the attributes that name it.
struct Rule {
  std::string attributes;
  Quantization quantization;
};

std::vector<Rule> allRules() {
  std::vector<Rule> rules;
  for (Format format : kAllFormats)
    for (ElementFormat encoding : kAllElementFormats)
      for (bool unscaled : {false, true})
        if (auto rule = quantizationOf(format, encoding, unscaled))
          rules.push_back({"format = \"" + spell(format).str() +
                               "\", encoding = \"" + spell(encoding).str() +
                               "\"" + (unscaled ? ", unscaled" : ""),
                           *rule});
  return rules;
}

std::string typeOf(llvm::ArrayRef<int64_t> shape) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + "f32>";
}

/// One program that rounds its input by all `rules`. `ragged`: its rows, each
/// dispatched to the only expert, are counted at run time.
std::string program(llvm::ArrayRef<Rule> rules, llvm::ArrayRef<int64_t> shape,
                    int64_t axis, int64_t tensorDims, bool ragged) {
  std::string type = typeOf(shape), opType = type, body, results, types;
  if (ragged) {
    opType = "tensor<?x" + std::to_string(shape[1]) + "xf32>";
    std::string indices = "tensor<" + std::to_string(shape[0]) + "x1xi32>";
    body = "  %i = arith.constant dense<0> : " + indices +
           "\n  %rows, %n = moe.dispatch %x, %i : (" + type + ", " + indices +
           ") -> (" + opType + ", tensor<1xi32>)\n";
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    std::string name = std::to_string(i);
    body += "  %q" + name + " = moe.fake_quantize " +
            (ragged ? "%rows" : "%x") + " {axis = " + std::to_string(axis) +
            " : i64, tensor_dims = " + std::to_string(tensorDims) + " : i64, " +
            rules[i].attributes + "} : " + opType + "\n";
    if (ragged)
      body += "  %r" + name + " = tensor.cast %q" + name + " : " + opType +
              " to " + type + "\n";
    results += (i ? ", %" : "%") + std::string(ragged ? "r" : "q") + name;
    types += (i ? ", " : "") + type;
  }
  return "func.func @main(%x: " + type + ") -> (" + types + ") {\n" + body +
         "  return " + results + " : " + types + "\n}\n";
}

void expectSame(llvm::StringRef what, llvm::ArrayRef<float> got,
                llvm::ArrayRef<float> expected, llvm::ArrayRef<float> from) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i]))
      ASSERT_TRUE(std::isnan(got[i]))
          << what.str() << " of " << from[i] << " at " << i;
    else
      ASSERT_EQ(llvm::bit_cast<uint32_t>(got[i]),
                llvm::bit_cast<uint32_t>(expected[i]))
          << what.str() << " of " << from[i] << " at " << i << ": " << got[i]
          << " for " << expected[i];
  }
}

/// Compiled and defined results of all rules on one tensor.
void expectDefinition(llvm::ArrayRef<Rule> rules, llvm::ArrayRef<int64_t> shape,
                      int64_t axis, int64_t tensorDims,
                      const std::vector<float> &values, bool ragged = false) {
  std::vector<Tensor> outputs =
      run(program(rules, shape, axis, tensorDims, ragged),
          {Tensor::ofFloats(shape, values)});
  ASSERT_EQ(outputs.size(), rules.size());
  for (auto [rule, output] : llvm::zip(rules, outputs)) {
    std::vector<float> expected = values;
    fakeQuantize(rule.quantization, shape, axis, tensorDims, expected);
    expectSame(rule.attributes, output.floats(), expected, values);
  }
}

/// Numbers of magnitudes from 2^-exponents to 2^exponents.
std::vector<float> spread(unsigned seed, int64_t count, int64_t exponents) {
  Random random(seed);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(std::ldexp(float(2 * random.next() - 1),
                                int(random.integer(-exponents, exponents))));
  return values;
}

} // namespace

// 70 elements are groups of 32, 32 and 6, or of 16, 16, 16, 16 and 6.
TEST(FakeQuantize, RowsOfManyMagnitudes) {
  std::vector<float> values;
  for (int64_t exponents : {0, 4, 20, 60, 149})
    llvm::append_range(values, spread(exponents, 2 * 70, exponents));
  std::fill_n(values.begin(), 70, 0.0f);
  values[3] = -0.0f;
  // The largest and smallest numbers of f32.
  values[2 * 70] = std::numeric_limits<float>::max();
  values[3 * 70] = 0x1p-149f;
  expectDefinition(allRules(), {10, 70}, 1, 1, values);
}

TEST(FakeQuantize, GroupsAlongTheFirstDimension) {
  expectDefinition(allRules(), {70, 3}, 0, 2, spread(1, 210, 6));
}

// Two experts, each a tensor with a scale of its own.
TEST(FakeQuantize, GroupsAlongTheMiddle) {
  std::vector<float> values = spread(2, 2 * 40 * 3, 6);
  for (float &value : llvm::MutableArrayRef(values).take_back(40 * 3))
    value *= 1000;
  expectDefinition(allRules(), {2, 40, 3}, 1, 2, values);
}

TEST(FakeQuantize, RowsThatAreCountedAtRunTime) {
  expectDefinition(allRules(), {5, 48}, 1, 1, spread(3, 5 * 48, 6),
                   /*ragged=*/true);
}

TEST(FakeQuantize, NotFinite) {
  std::vector<float> values = spread(4, 6 * 48, 3);
  values[0] = kInfinity;
  values[48] = -kInfinity;
  values[2 * 48 + 20] = std::numeric_limits<float>::quiet_NaN();
  values[3 * 48 + 47] = llvm::bit_cast<float>(0xFFFFFFFFu);
  values[4 * 48] = llvm::bit_cast<float>(0x7F800001u);
  expectDefinition(allRules(), {6, 48}, 1, 1, values);
}

// All middles between neighbours, and one step of f32 to either side. Each
// group starts with a number that makes its scale 1, so that they are met as
// they are: the largest element (of e8m0 scales any with its exponent).
TEST(FakeQuantize, EveryMiddleOfEveryNarrowFormat) {
  for (const Rule &rule : allRules()) {
    ElementFormat format = rule.quantization.element;
    ElementLayout layout = layoutOf(format);
    if (layout.bits > 8)
      continue;
    std::vector<float> numbers, met;
    for (uint32_t code = 0; code < 1u << layout.bits; ++code)
      if (float value = decode(format, code); std::isfinite(value))
        numbers.push_back(value);
    llvm::sort(numbers);
    for (size_t i = 0; i + 1 < numbers.size(); ++i) {
      float middle = (numbers[i] + numbers[i + 1]) / 2;
      if (layout.isInteger() && middle < -largestOf(format))
        continue;
      for (float value : {middle, std::nextafter(middle, -kInfinity),
                          std::nextafter(middle, kInfinity), numbers[i]})
        met.push_back(value);
    }
    int64_t group = rule.quantization.group;
    if (!group)
      group = int64_t(met.size()) + 1;
    // The first group holds what makes nvfp4's second scale 1.
    std::vector<float> values(group, 0.0f);
    values[0] = rule.quantization.scale == ScaleRule::e4m3
                    ? 448 * largestOf(format)
                    : largestOf(format);
    for (size_t i = 0; i < met.size(); ++i) {
      if (values.size() % group == 0)
        values.push_back(largestOf(format));
      values.push_back(met[i]);
    }
    int64_t count = values.size();
    if (rule.quantization.scale == ScaleRule::f32) {
      values.erase(values.begin(), values.begin() + group);
      count = values.size();
    }
    expectDefinition(rule, {count}, 0, 1, values);
    std::vector<float> plain = values;
    fakeQuantize(rule.quantization, {count}, 0, 1, plain);
    EXPECT_EQ(
        plain[1 + group * (rule.quantization.scale == ScaleRule::e4m3)],
        roundTo(
            format,
            values[1 + group * (rule.quantization.scale == ScaleRule::e4m3)]));
  }
}

// bf16 and fp16 at each exponent, ties among them.
TEST(FakeQuantize, SixteenBits) {
  Random random(5);
  std::vector<float> values;
  for (uint32_t top = 0; top < 512; ++top)
    for (uint32_t mantissa :
         {0u, 0x7FFFFFu, 0x8000u, 0x18000u, 0x1000u, 0x3000u, 0x7FF000u,
          0x7F8000u, uint32_t(random.integer(0, 0x7FFFFF))})
      values.push_back(llvm::bit_cast<float>(top << 23 | mantissa));
  std::vector<Rule> rules;
  for (const Rule &rule : allRules())
    if (rule.quantization.scale == ScaleRule::none)
      rules.push_back(rule);
  int64_t count = values.size();
  expectDefinition(rules, {count}, 0, 1, values);
}

// Kept in bf16, the product of a code of int4 and its scale is rounded again.
TEST(FakeQuantize, NarrowerTensorsRoundTheResult) {
  std::vector<float> values = spread(6, 64, 2);
  llvm::Expected<Tensor> input =
      Tensor::ofFloats({64}, values).convert(ElementType::bf16);
  ASSERT_TRUE(bool(input));
  std::vector<float> expected = input->floats();
  std::vector<Tensor> outputs = run(R"(
    func.func @main(%x: tensor<64xbf16>) -> tensor<64xbf16> {
      %0 = moe.fake_quantize %x {axis = 0 : i64, format = "int4"}
        : tensor<64xbf16>
      return %0 : tensor<64xbf16>
    })",
                                    {*input});
  ASSERT_EQ(outputs.size(), 1u);
  fakeQuantize(*quantizationOf(Format::int4), {64}, 0, 1, expected);
  for (float &value : expected)
    value = roundTo(ElementFormat::bf16, value);
  expectSame("int4", outputs[0].floats(), expected, input->floats());
}
