//===- UnrolledGraph.cpp - one expert block in many forms -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UnrolledGraph.h"
#include <algorithm>
#include <cmath>

using namespace portolan::test;
using llvm::StringRef;

float portolan::test::expertWeight(int64_t block, int64_t expert, int kind,
                                   int64_t i, int64_t j) {
  // No two weights of a small graph are alike.
  double x = 0.37 * block + 1.3 * expert + 2.1 * kind + 0.71 * i + 0.29 * j;
  return float(std::sin(3.7 * x) * (kind == 6 ? 1.5 : 0.8));
}

std::string ExpertGraph::node(StringRef op, std::vector<std::string> operands,
                              StringRef attributes, int results) {
  std::string result = "%n" + std::to_string(count++), names, kinds;
  for (const std::string &operand : operands) {
    auto type = types.find(operand);
    names += (names.empty() ? "" : ", ") + operand;
    kinds += (kinds.empty() ? "" : ", ") +
             (type == types.end() ? "!graph.unknown" : type->second);
  }
  std::string outs = "!graph.unknown";
  for (int i = 1; i < results; ++i)
    outs += ", !graph.unknown";
  body += (results == 1 ? result : result + ":" + std::to_string(results)) +
          " = graph.node \"" + op.str() + "\"(" + names + ")";
  if (!attributes.empty())
    body += " attributes {" + attributes.str() + "}";
  body += " {version = 18 : i64} : (" + kinds + ") -> " +
          (results == 1 ? outs : "(" + outs + ")") + " loc(\"" +
          result.substr(1) + "\")\n";
  return result;
}

template <typename At>
std::string ExpertGraph::weight(std::vector<int64_t> shape, At at) {
  std::string name = "w" + std::to_string(weights.size()), type = "tensor<";
  int64_t elements = 1;
  for (int64_t size : shape) {
    type += std::to_string(size) + "x";
    elements *= size;
  }
  type += "f32>";
  data += "moe.weight_data @" + name +
          " {file = \"weights.bin\", offset = " + std::to_string(bytes.size()) +
          " : i64, length = " + std::to_string(4 * elements) +
          " : i64} : " + type + "\n";
  for (int64_t i = 0; i < elements; ++i) {
    float value = at(i);
    const char *raw = reinterpret_cast<const char *>(&value);
    bytes.insert(bytes.end(), raw, raw + sizeof(value));
  }
  weights += "%" + name + " = moe.weight @" + name + " : " + type + "\n";
  types["%" + name] = type;
  return "%" + name;
}

std::string ExpertGraph::constant(StringRef type, StringRef value) {
  std::string &name = known[(type + value).str()];
  if (name.empty()) {
    std::string symbol = "c" + std::to_string(weights.size());
    name = "%" + symbol;
    data += "moe.weight_data @" + symbol + " {value = dense<" + value.str() +
            "> : " + type.str() + "} : " + type.str() + "\n";
    weights += name + " = moe.weight @" + symbol + " : " + type.str() + "\n";
    types[name] = type.str();
  }
  return name;
}

std::string ExpertGraph::indices(StringRef list, int64_t count) {
  return constant("tensor<" + std::to_string(count) + "xi64>",
                  ("[" + list + "]").str());
}

ExpertGraph::ExpertGraph(const ExpertGraphForm &form) : form(form) {
  std::string in = "tensor<?x?x" + std::to_string(form.hidden) + "xf32>";
  types["%x"] = in;
  std::string x = "%x";
  for (block = 0; block < form.blocks; ++block)
    x = addBlock(x);
  text = data + "func.func @main(%x: " + in +
         " {moe.dims = [\"batch\", \"seq\", \"\"], moe.name = \"x\"}) -> "
         "!graph.unknown {\n" +
         weights + body + "return " + x + " : !graph.unknown\n}";
}

std::string ExpertGraph::addRouter(std::string rows) {
  std::string router = weight({form.hidden, form.experts}, [&](int64_t at) {
    return expertWeight(block, 0, 6, at / form.experts, at % form.experts);
  });
  std::string scores =
      node("Softmax", {node("MatMul", {rows, router})}, "axis = -1 : i64");
  std::string top =
      node("TopK", {scores, indices(std::to_string(form.topK), 1)},
           "axis = -1 : i64", 2);
  choice = top + "#1";
  std::string total =
      node("ReduceSum", {top + "#0", indices("-1", 1)}, "keepdims = 1 : i64");
  std::string normed = node("Div", {top + "#0", total});
  if (form.dispatch != Dispatch::Dense && form.hasEqual)
    return normed;
  std::string hot =
      node("OneHot",
           {choice, constant("tensor<i64>", std::to_string(form.experts)),
            constant("tensor<2xi64>", "[0, 1]")},
           "axis = -1 : i64");
  oneHot = node("Transpose", {hot}, "perm = array<i64: 2, 1, 0>");
  return normed;
}

/// Columns of gate and up as a layout has them in one weight of `inner` each.
static std::pair<int, int64_t> columnOf(Layout layout, int64_t column,
                                        int64_t inner) {
  return layout == Layout::Interleaved
             ? std::pair<int, int64_t>(column % 2, column / 2)
             : std::pair<int, int64_t>(column / inner, column % inner);
}

std::string ExpertGraph::addBias(std::string value, int64_t expert, int kind) {
  if (!form.isBiased &&
      !(form.fault == Fault::Bias && expert == 2 && kind == 2))
    return value;
  int64_t inner = form.inner;
  bool isPair = kind != 2 && form.layout != Layout::Separate &&
                form.layout != Layout::Gemm;
  int64_t size = kind == 2 ? form.hidden : isPair ? 2 * inner : inner;
  std::string bias = weight({size}, [&](int64_t at) {
    auto [branch, column] = isPair ? columnOf(form.layout, at, inner)
                                   : std::pair<int, int64_t>(kind, at);
    return expertWeight(block, expert, 3 + branch, 0, column);
  });
  return node("Add", {value, bias});
}

ExpertGraph::Branches ExpertGraph::addBranches(std::string rows,
                                               int64_t expert) {
  int64_t h = form.hidden,
          inner = form.inner + (form.fault == Fault::Shape && expert == 2);
  if (form.layout == Layout::Separate || form.layout == Layout::Gemm) {
    std::string values[2];
    for (int kind : {0, 1}) {
      bool isGemm = form.layout == Layout::Gemm;
      std::string matrix = weight(
          isGemm ? std::vector<int64_t>{inner, h}
                 : std::vector<int64_t>{h, inner},
          [&](int64_t at) {
            return isGemm ? expertWeight(block, expert, kind, at % h, at / h)
                          : expertWeight(block, expert, kind, at / inner,
                                         at % inner);
          });
      values[kind] =
          addBias(isGemm ? node("Gemm", {rows, matrix}, "transB = 1 : i64")
                         : node("MatMul", {rows, matrix}),
                  expert, kind);
    }
    return {values[0], values[1]};
  }
  std::string matrix;
  auto element = [&](int64_t e, int64_t i, int64_t column) {
    auto [kind, j] = columnOf(form.layout, column, inner);
    return expertWeight(block, e, kind, i, j);
  };
  if (form.layout == Layout::Gathered) {
    std::string &all = known["stacked" + std::to_string(block)];
    if (all.empty())
      all = weight({form.experts, h, 2 * inner}, [&](int64_t at) {
        return element(at / (2 * inner * h), at / (2 * inner) % h,
                       at % (2 * inner));
      });
    matrix =
        node("Gather", {all, constant("tensor<i64>", std::to_string(expert))},
             "axis = 0 : i64");
  } else {
    matrix = weight({h, 2 * inner}, [&](int64_t at) {
      return element(expert, at / (2 * inner), at % (2 * inner));
    });
  }
  std::string both = addBias(node("MatMul", {rows, matrix}), expert, 0);
  if (form.layout == Layout::Gathered) {
    std::string halves = node("Split", {both}, "axis = -1 : i64", 2);
    return {halves + "#0", halves + "#1"};
  }
  auto slice = [&](std::string from, std::string to, StringRef step) {
    return node("Slice", {both, indices(from, 1), indices(to, 1),
                          indices("1", 1), indices(step, 1)});
  };
  std::string end = "9223372036854775807";
  if (form.layout == Layout::Interleaved)
    return {slice("0", end, "2"), slice("1", end, "2")};
  std::string half = std::to_string(inner);
  return {slice("0", half, "1"), slice(half, end, "1")};
}

std::string ExpertGraph::addActivation(Branches branches, bool isOther) {
  if (form.isClamped) {
    std::string most = constant("tensor<f32>", "0.5"),
                least = constant("tensor<f32>", "-0.5");
    std::string gate = node("Min", {branches.gate, most});
    std::string up = node("Clip", {branches.up, least, most});
    std::string swish = node(
        "Sigmoid", {node("Mul", {gate, constant("tensor<f32>", "1.702")})});
    up = node("Add", {up, constant("tensor<f32>", "1.0")});
    return node("Mul", {up, node("Mul", {gate, swish})});
  }
  if (isOther)
    return node("Mul", {node("Relu", {branches.gate}), branches.up});
  std::string swish = node("Sigmoid", {branches.gate});
  return node("Mul", {node("Mul", {branches.gate, swish}), branches.up});
}

std::string ExpertGraph::addExpert(std::string rows, int64_t expert) {
  int64_t h = form.hidden,
          inner = form.inner + (form.fault == Fault::Shape && expert == 2);
  std::string hidden =
      addActivation(addBranches(rows, expert),
                    form.fault == Fault::Activation && expert == 2);
  std::string down = weight({inner, h}, [&](int64_t at) {
    return expertWeight(block, expert, 2, at / h, at % h);
  });
  return addBias(node("MatMul", {hidden, down}), expert, 2);
}

std::string ExpertGraph::addDense(std::string rows) {
  int64_t e = form.experts, h = form.hidden, inner = form.inner;
  std::string mask = node(
      "ReduceSum",
      {node("Mul",
            {node("Unsqueeze", {slots, indices("-1", 1)}),
             node("Cast",
                  {node("Transpose", {oneHot}, "perm = array<i64: 2, 1, 0>")},
                  "to = 1 : i64")}),
       indices("1", 1)},
      "keepdims = 0 : i64");
  auto stacked = [&](int kind, int64_t in, int64_t out) {
    return weight({e, in, out}, [&](int64_t at) {
      return expertWeight(block, at / (in * out), kind, at / out % in,
                          at % out);
    });
  };
  auto biased = [&](std::string value, int kind, int64_t out) {
    if (!form.isBiased)
      return value;
    return node("Add", {value, weight({e, 1, out}, [&](int64_t at) {
                          return expertWeight(block, at / out, 3 + kind, 0,
                                              at % out);
                        })});
  };
  std::string all = node("Unsqueeze", {rows, indices("0", 1)});
  Branches branches = {
      biased(node("MatMul", {all, stacked(0, h, inner)}), 0, inner),
      biased(node("MatMul", {all, stacked(1, h, inner)}), 1, inner)};
  std::string out = biased(
      node("MatMul", {addActivation(branches, false), stacked(2, inner, h)}), 2,
      h);
  std::string weight =
      node("Unsqueeze", {node("Transpose", {mask}, "perm = array<i64: 1, 0>"),
                         indices("-1", 1)});
  return node("ReduceSum", {node("Mul", {out, weight}), indices("0", 1)},
              "keepdims = 0 : i64");
}
