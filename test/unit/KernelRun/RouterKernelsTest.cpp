//===- RouterKernelsTest.cpp - routers as kernels equal moe.route ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The op that the kernel covers is the reference here; RouteFormsTest and
// ExpertsTest compare that one with plain loops.
//
//===----------------------------------------------------------------------===//

#include "ExpertsCase.h"

using namespace portolan;
using namespace portolan::test;

namespace {

struct RouterCase {
  const char *name, *target;
  int64_t tokens, width, experts;
  /// Operands behind input and router, as "name: type", and their segments.
  const char *operands, *segments;
  const char *attributes; ///< with top_k
  int64_t topK;
  int64_t tile;
};

void PrintTo(const RouterCase &c, std::ostream *os) { *os << c.name; }

std::string function(const RouterCase &c, bool isKernel) {
  std::string t = std::to_string(c.tokens), h = std::to_string(c.width),
              x = std::to_string(c.experts), k = std::to_string(c.topK);
  std::string types =
      "tensor<" + t + "x" + h + "xbf16>, tensor<" + h + "x" + x + "xf32>";
  std::string arguments = "%x: tensor<" + t + "x" + h + "xbf16>, %r: tensor<" +
                          h + "x" + x + "xf32>";
  std::string names = "%x, %r";
  llvm::SmallVector<llvm::StringRef> extra;
  llvm::StringRef(c.operands).split(extra, ';', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef operand : extra) {
    auto [name, type] = operand.split(": ");
    arguments += (", " + operand).str();
    names += (", " + name).str();
    types += (", " + type).str();
  }
  std::string results =
      "(tensor<" + t + "x" + k + "xf32>, tensor<" + t + "x" + k + "xi32>)";
  std::string attributes = std::string("{") + c.attributes +
                           ", operandSegmentSizes = array<i32: " + c.segments +
                           ">, top_k = " + k + " : i64}";
  std::string op =
      isKernel ? "switched.router_topk(" + names + ") covers \"moe.route\" " +
                     attributes +
                     " {engine = \"matmul\", issued_operations = 1.0e12 : f64, "
                     "kernels = 1.0 : f64, token_tile = " +
                     std::to_string(c.tile) + " : i64}"
               : "\"moe.route\"(" + names + ") <" + attributes + ">";
  return "func.func @main(" + arguments + ") -> " + results +
         " {\n%y:2 = " + op + " : (" + types + ") -> " + results +
         "\nreturn %y#0, %y#1 : " + results.substr(1, results.size() - 2) +
         "\n}\n";
}

class RouterKernels : public ::testing::TestWithParam<RouterCase> {};

const RouterCase kCases[] = {
    {"Softmax", "hgx-h100", 21, 96, 70, "", "1, 1, 0, 0, 0, 0",
     "scoring = #moe<scoring softmax>, normalize", 3, 16},
    {"GroupsWithCorrection", "gb300-nvl72", 40, 160, 160, "%c: tensor<160xf32>",
     "1, 1, 0, 1, 0, 0",
     "scoring = #moe<scoring sigmoid>, groups = 8 : i64, top_groups = 3 : i64, "
     "scale = 2.5 : f64, normalize",
     6, 16},
    {"BiasedTable", "hgx-h100", 9, 64, 8,
     "%b: tensor<8xf32>;%i: tensor<9xi64>;%t: tensor<20x2xi32>",
     "1, 1, 1, 0, 1, 1", "scoring = #moe<scoring sqrt_softplus>", 2, 8},
    {"Mixer", "gb300-nvl72", 5, 32, 16, "", "1, 1, 0, 0, 0, 0",
     "scoring = #moe<scoring sparse_mixer>, jitter = 0.1 : f64", 2, 32},
};

} // namespace

TEST_P(RouterKernels, EqualTheOp) {
  const RouterCase &c = GetParam();
  Random random(5);
  std::vector<NamedTensor> inputs;
  inputs.push_back({"", llvm::cantFail(random.array({c.tokens, c.width})
                                           .tensor()
                                           .convert(ElementType::bf16))});
  inputs.push_back({"", random.array({c.width, c.experts}, 0.3).tensor()});
  llvm::StringRef operands(c.operands);
  if (operands.contains("%c") || operands.contains("%b"))
    inputs.push_back({"", random.array({c.experts}, 0.2).tensor()});
  if (operands.contains("%t")) {
    Tensor ids(ElementType::i64, {c.tokens});
    for (int64_t i = 0; i < c.tokens; ++i)
      reinterpret_cast<int64_t *>(ids.bytes.data())[i] = (i * 7) % 20;
    Tensor table(ElementType::i32, {20, c.topK});
    for (int64_t i = 0; i < 20 * c.topK; ++i)
      reinterpret_cast<int32_t *>(table.bytes.data())[i] = int32_t(i * 5 % 8);
    inputs.push_back({"", std::move(ids)});
    inputs.push_back({"", std::move(table)});
  }
  llvm::Expected<std::vector<NamedTensor>> expected =
      runNamed(function(c, /*isKernel=*/false), inputs);
  ASSERT_TRUE(bool(expected)) << llvm::toString(expected.takeError());
  llvm::Expected<std::vector<NamedTensor>> actual =
      runKernelModule(function(c, /*isKernel=*/true), c.target, inputs);
  ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
  expectNear((*actual)[0].tensor, Array((*expected)[0].tensor), 1e-5);
  for (int64_t i = 0; i < c.tokens * c.topK; ++i)
    EXPECT_EQ((*actual)[1].tensor.intAt(i), (*expected)[1].tensor.intAt(i));
}

INSTANTIATE_TEST_SUITE_P(Kernels, RouterKernels, ::testing::ValuesIn(kCases),
                         [](const auto &info) { return info.param.name; });
