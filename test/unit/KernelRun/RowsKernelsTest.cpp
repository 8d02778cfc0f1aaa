//===- RowsKernelsTest.cpp - packed rows as kernels equal plain loops -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every block of a packing kernel runs with its own share of the tokens. The
// reference is written here: rows ordered by destination, then token (and
// choice, where destinations are experts).
//
//===----------------------------------------------------------------------===//

#include "ExpertsCase.h"

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kCases = 24;

struct RowsCase {
  int64_t tokens, width, choices, experts, first, ranks, spread;
  std::string format;
};

RowsCase randomCase(std::mt19937 &engine) {
  auto below = [&](unsigned bound) { return int64_t(engine() % bound); };
  RowsCase c;
  c.tokens = 1 + below(200);
  c.width = below(2) ? 512 : 64;
  c.choices = 1 + below(4);
  c.spread = 1 + below(2);
  c.ranks = c.spread * (1 + below(6));
  c.experts = c.ranks / c.spread + below(20);
  c.first = below(5);
  c.format = below(2) ? "bf16" : "mxfp4";
  return c;
}

std::string type(std::initializer_list<int64_t> shape, const char *element) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += (size < 0 ? "?" : std::to_string(size)) + "x";
  return text + element + ">";
}

/// A format whose rows are whole 16 bytes: 64 elements of mxfp4 are 34.
std::string formatOf(const RowsCase &c, const char *name) {
  bool fits = c.format != "mxfp4" || c.width % 512 == 0;
  std::string format = fits ? c.format : "fp8";
  return std::string(name) + " = #moe.format<\"" + format + "\", \"" + format +
         "\">, ";
}

const char *const kLoad =
    "load = #moe.load<mean = 10.0, max = 20.0, capacity = 64, hit = 1.0>";

/// Rows that there can be.
int64_t capacityOf(const RowsCase &c) {
  return c.tokens * std::max(c.ranks, c.choices);
}

constexpr double kPadding = -7;

/// @main of `op`, whose ragged results of these widths (0: a vector) and
/// elements are padded to the capacity, so that all shapes are known outside.
std::string
paddedText(const RowsCase &c, const std::string &arguments,
           const std::string &op, const std::string &operandTypes,
           const std::vector<std::pair<int64_t, const char *>> &ragged,
           const std::string &counts) {
  std::string inner, outer, body, names;
  for (auto [i, result] : llvm::enumerate(ragged)) {
    auto [width, element] = result;
    std::string n = std::to_string(i), w = std::to_string(width);
    bool isVector = width == 0;
    std::string from =
        isVector ? type({-1}, element) : type({-1, width}, element);
    std::string to = isVector ? type({capacityOf(c)}, element)
                              : type({capacityOf(c), width}, element);
    inner += from + ", ";
    outer += to + ", ";
    names += "%p" + n + ", ";
    body += "%e" + n + " = arith.constant dense<" +
            (element[0] == 'f' ? std::to_string(kPadding) : "-7") +
            "> : " + to + "\n%p" + n + " = tensor.insert_slice %r#" + n +
            " into %e" + n +
            (isVector ? "[0] [%n] [1]" : "[0, 0] [%n, " + w + "] [1, 1]") +
            " : " + from + " into " + to + "\n";
  }
  std::string last = "%r#" + std::to_string(ragged.size());
  std::string all = std::to_string(ragged.size() + 1);
  std::string results = "(" + outer + counts + ")";
  std::string returned;
  for (size_t i = 0; i <= ragged.size(); ++i)
    returned += (i ? ", %y#" : "%y#") + std::to_string(i);
  return "func.func @main(" + arguments + ") -> " + results + " {\n%y:" + all +
         " = scf.execute_region -> " + results + " {\n%r:" + all + " = " + op +
         " : (" + operandTypes + ") -> (" + inner + counts +
         ")\n%c0 = arith.constant 0 : index\n%n = tensor.dim %r#0, %c0 : " +
         type({-1, c.width}, "f32") + "\n" + body + "scf.yield " + names +
         last + " : " + outer + counts + "\n}\nreturn " + returned + " : " +
         outer + counts + "\n}\n";
}

const char *const kStep =
    "} {engine = \"gather\", kernels = 1.0 : f64, share = 0.05 : f64}";

std::string packText(const RowsCase &c) {
  std::string x = type({c.tokens, c.width}, "f32"),
              w = type({c.tokens, c.choices}, "f32"),
              i = type({c.tokens, c.choices}, "i32");
  return paddedText(
      c, "%x: " + x + ", %w: " + w + ", %i: " + i,
      "switched.pack(%x, %w, %i) covers \"spmd.pack\" {expert_tensor = " +
          std::to_string(c.spread) +
          " : i64, experts = " + std::to_string(c.experts) + " : i64, " +
          formatOf(c, "format") + "group = #spmd.group<" +
          std::to_string(c.ranks) + " by 1>, " + kLoad + kStep,
      x + ", " + w + ", " + i,
      {{c.width, "f32"}, {c.choices, "f32"}, {c.choices, "i32"}, {0, "i32"}},
      type({c.ranks}, "i32"));
}

std::string permuteText(const RowsCase &c) {
  std::string x = type({c.tokens, c.width}, "f32"),
              i = type({c.tokens, c.choices}, "i32");
  return paddedText(c, "%x: " + x + ", %i: " + i,
                    "switched.permute(%x, %i) covers \"moe.dispatch\" {" +
                        formatOf(c, "activation_format") + "first_expert = " +
                        std::to_string(c.first) + " : i64, " + kLoad + kStep,
                    x + ", " + i, {{c.width, "f32"}}, type({c.experts}, "i32"));
}

int32_t *wordsOf(Tensor &tensor) {
  return reinterpret_cast<int32_t *>(tensor.bytes.data());
}

struct Operands {
  std::vector<NamedTensor> tensors; ///< input, weights, indices
  std::vector<int64_t> indices;
};

/// Indices from `low` to `high`, which may name no expert.
Operands operandsOf(const RowsCase &c, int64_t low, int64_t high,
                    std::mt19937 &engine, bool weighted) {
  Random random{unsigned(engine())};
  Operands operands;
  operands.tensors.push_back({"", random.array({c.tokens, c.width}).tensor()});
  if (weighted)
    operands.tensors.push_back(
        {"", random.array({c.tokens, c.choices}).tensor()});
  Tensor indices(ElementType::i32, {c.tokens, c.choices});
  for (int64_t i = 0; i < c.tokens * c.choices; ++i) {
    operands.indices.push_back(low + int64_t(engine() % (high - low)));
    wordsOf(indices)[i] = int32_t(operands.indices.back());
  }
  operands.tensors.push_back({"", std::move(indices)});
  return operands;
}

/// Row `row` of `actual` is token `token` of `input`.
void expectRow(Array &actual, int64_t row, Array &input, int64_t token,
               int64_t width) {
  for (int64_t h = 0; h < width; ++h)
    ASSERT_EQ(actual(row, h), input(token, h)) << row << " " << h;
}

void expectPacked(const RowsCase &c, const Operands &operands,
                  std::vector<NamedTensor> &actual) {
  int64_t blocks = c.ranks / c.spread;
  std::vector<int64_t> owner, begin;
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t
             i = 0,
             size = c.experts / blocks + (block < c.experts % blocks ? 1 : 0),
             start = int64_t(owner.size());
         i < size; ++i) {
      owner.push_back(block);
      begin.push_back(start);
    }
  Array input(operands.tensors[0].tensor), weights(operands.tensors[1].tensor);
  Array rows(actual[0].tensor), rowWeights(actual[1].tensor);
  int64_t row = 0, held = actual[0].tensor.shape[0];
  for (int64_t rank = 0; rank < c.ranks; ++rank) {
    int64_t count = 0;
    for (int64_t token = 0; token < c.tokens; ++token) {
      auto at = [&](int64_t choice) {
        return operands.indices[token * c.choices + choice];
      };
      bool needed = false;
      for (int64_t k = 0; k < c.choices; ++k)
        needed |= owner[at(k)] == rank / c.spread;
      if (!needed)
        continue;
      ASSERT_LT(row, held);
      expectRow(rows, row, input, token, c.width);
      for (int64_t k = 0; k < c.choices; ++k) {
        bool here = owner[at(k)] == rank / c.spread;
        ASSERT_EQ(rowWeights(row, k), weights(token, k));
        ASSERT_EQ(actual[2].tensor.intAt(row * c.choices + k),
                  here ? at(k) - begin[at(k)] : -1);
      }
      ASSERT_EQ(actual[3].tensor.intAt(row), token);
      ++row;
      ++count;
    }
    ASSERT_EQ(actual[4].tensor.intAt(rank), count);
  }
  // Nothing is behind the last row.
  if (row < held) {
    EXPECT_EQ(rows(row, 0), kPadding);
  }
}

void expectPermuted(const RowsCase &c, const Operands &operands,
                    std::vector<NamedTensor> &actual) {
  Array input(operands.tensors[0].tensor), rows(actual[0].tensor);
  int64_t row = 0, held = actual[0].tensor.shape[0];
  for (int64_t expert = 0; expert < c.experts; ++expert) {
    int64_t count = 0;
    for (int64_t i = 0; i < c.tokens * c.choices; ++i) {
      if (operands.indices[i] != c.first + expert)
        continue;
      ASSERT_LT(row, held);
      expectRow(rows, row++, input, i / c.choices, c.width);
      ++count;
    }
    ASSERT_EQ(actual[1].tensor.intAt(expert), count);
  }
  // Nothing is behind the last row.
  if (row < held) {
    EXPECT_EQ(rows(row, 0), kPadding);
  }
}

TEST(RowsKernels, PacksEqualPlainLoops) {
  std::mt19937 engine(11);
  for (unsigned i = 0; i < kCases && !HasFatalFailure(); ++i) {
    RowsCase c = randomCase(engine);
    std::string target = i % 2 ? "hgx-h100" : "gb300-nvl72";
    Operands operands = operandsOf(c, 0, c.experts, engine, /*weighted=*/true);
    llvm::Expected<std::vector<NamedTensor>> actual =
        runKernelModule(packText(c), target, operands.tensors);
    ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
    expectPacked(c, operands, *actual);
  }
}

// Some of the indices are of no expert of this rank.
TEST(RowsKernels, PermutationsEqualPlainLoops) {
  std::mt19937 engine(12);
  for (unsigned i = 0; i < kCases && !HasFatalFailure(); ++i) {
    RowsCase c = randomCase(engine);
    std::string target = i % 2 ? "hgx-h100" : "gb300-nvl72";
    Operands operands = operandsOf(c, -1, c.first + c.experts + 2, engine,
                                   /*weighted=*/false);
    llvm::Expected<std::vector<NamedTensor>> actual =
        runKernelModule(permuteText(c), target, operands.tensors);
    ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
    expectPermuted(c, operands, *actual);
  }
}

// Blocks that take tokens by two count as if they took them one by one.
TEST(RowsKernels, TokensThatAreLeftOutShow) {
  std::mt19937 engine(13);
  RowsCase c = randomCase(engine);
  c.tokens = 40;
  Operands operands =
      operandsOf(c, c.first, c.first + c.experts, engine, /*weighted=*/false);
  llvm::Expected<std::vector<NamedTensor>> expected =
      runKernelModule(permuteText(c), "hgx-h100", operands.tensors);
  llvm::Expected<std::vector<NamedTensor>> actual = runKernelModule(
      permuteText(c), "hgx-h100", operands.tensors, [](mlir::ModuleOp module) {
        bool found = false;
        module.walk([&](switched::ForRowsOp op) {
          op.setTile(2);
          found = true;
        });
        return found;
      });
  ASSERT_TRUE(bool(expected)) << llvm::toString(expected.takeError());
  ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
  EXPECT_NE((*expected)[0].tensor.bytes, (*actual)[0].tensor.bytes);
}

} // namespace
