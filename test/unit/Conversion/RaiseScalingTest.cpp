//===- RaiseScalingTest.cpp - raising is linear in the nodes --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Invariant 7 for decomposed graphs, at 1x, 4x and 16x: what is quadratic takes
// 256 times as long for 16 times the layers, what is linear 16 times; the limit
// between them is 64.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/IR/Graph.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"
#include <ctime>

using namespace mlir;
using namespace portolan;

namespace {

/// A decoder of attention layers, written node by node.
class GraphText {
public:
  explicit GraphText(int64_t layers) {
    weight("table", "tensor<16x8xf32>");
    weight("gain", "tensor<8xf32>");
    weight("wq", "tensor<8x8xf32>");
    weight("wkv", "tensor<8x4xf32>");
    number("two_f", "tensor<f32>", "2.0");
    number("eps", "tensor<f32>", "1.0e-5");
    number("scale", "tensor<f32>", "0.5");
    number("low", "tensor<f32>", "-1.0e+38");
    number("none", "tensor<f32>", "0.0");
    number("inv", "tensor<1x2x1xf32>", "[[[1.0], [0.01]]]");
    number("zero", "tensor<i64>", "0");
    number("one", "tensor<i64>", "1");
    number("at0", "tensor<1xi64>", "0");
    number("at1", "tensor<1xi64>", "1");
    number("at2", "tensor<1xi64>", "2");
    number("at3", "tensor<1xi64>", "3");
    number("end", "tensor<1xi64>", "9223372036854775807");
    number("at12", "tensor<2xi64>", "[1, 2]");
    number("at01", "tensor<2xi64>", "[0, 1]");
    number("hq", "tensor<4xi64>", "[0, 0, 2, 4]");
    number("hkv", "tensor<4xi64>", "[0, 0, 1, 4]");
    number("flat", "tensor<3xi64>", "[0, 0, 8]");
    number("twice", "tensor<5xi64>", "[1, 1, 2, 1, 1]");
    number("joined", "tensor<4xi64>", "[0, 2, -1, 4]");
    std::string arguments =
        "%ids: tensor<?x?xi64> {moe.dims = [\"b\", \"s\"]}, %mask: "
        "tensor<?x?xi64> {moe.dims = [\"b\", \"t\"]}, %pos: tensor<?x?xi64> "
        "{moe.dims = [\"b\", \"s\"]}";
    for (const char *name : {"%ids", "%mask", "%pos"})
      types[name] = "tensor<?x?xi64>";
    for (int64_t i = 0; i < 2 * layers; ++i) {
      std::string name = "%past" + std::to_string(i);
      types[name] = "tensor<?x1x?x4xf32>";
      arguments += ", " + name + ": " + types[name] +
                   " {moe.dims = [\"b\", \"\", \"p\", \"\"]}";
    }
    addShared();
    std::string x = node("Gather", {"%table", "%ids"});
    for (int64_t i = 0; i < layers; ++i)
      x = addLayer(x, "%past" + std::to_string(2 * i),
                   "%past" + std::to_string(2 * i + 1));
    text = data + "func.func @main(" + arguments + ") -> !graph.unknown {\n" +
           weights + body + "return " + x + " : !graph.unknown\n}";
  }

  std::string text;

private:
  void weight(std::string name, std::string type, std::string value = "") {
    data += "moe.weight_data @" + name + value + " : " + type + "\n";
    weights += "%" + name + " = moe.weight @" + name + " : " + type + "\n";
    types["%" + name] = type;
  }
  void number(std::string name, std::string type, std::string value) {
    weight(name, type, " {value = dense<" + value + "> : " + type + "}");
  }
  std::string node(std::string op, std::vector<std::string> operands,
                   std::string attributes = "") {
    std::string result = "%n" + std::to_string(count++), names, kinds;
    for (const std::string &operand : operands) {
      auto type = types.find(operand);
      names += (names.empty() ? "" : ", ") + operand;
      kinds += (kinds.empty() ? "" : ", ") +
               (type == types.end() ? "!graph.unknown" : type->second);
    }
    body += result + " = graph.node \"" + op + "\"(" + names + ")" +
            (attributes.empty() ? "" : " attributes {" + attributes + "}") +
            " {version = 17 : i64} : (" + kinds + ") -> !graph.unknown\n";
    return result;
  }

  void addShared() {
    std::string perm = "perm = array<i64: 0, 2, 1>";
    std::string at =
        node("Cast", {node("Unsqueeze", {"%pos", "%at1"})}, "to = 1 : i64");
    std::string angles =
        node("Transpose", {node("MatMul", {"%inv", at})}, perm);
    std::string all = node("Concat", {angles, angles}, "axis = -1 : i64");
    cosine = node("Unsqueeze", {node("Cos", {all}), "%at1"});
    sine = node("Unsqueeze", {node("Sin", {all}), "%at1"});
    std::string axis = "axis = 0 : i64";
    std::string total =
        node("Gather", {node("Shape", {"%mask"}), "%one"}, axis);
    std::string added = node("Gather", {node("Shape", {"%ids"}), "%one"}, axis);
    std::string past = node("Sub", {total, added});
    std::string keys = node("Range", {"%zero", total, "%one"});
    std::string queries = node("Range", {past, total, "%one"});
    std::string seen =
        node("LessOrEqual", {node("Unsqueeze", {keys, "%at0"}),
                             node("Unsqueeze", {queries, "%at1"})});
    std::string there =
        node("Cast", {node("Unsqueeze", {"%mask", "%at12"})}, "to = 9 : i64");
    std::string both = node("And", {node("Unsqueeze", {seen, "%at01"}), there});
    bias = node("Where", {both, "%none", "%low"});
  }

  std::string addHeads(std::string x, std::string matrix, std::string shape) {
    std::string heads = node("Reshape", {node("MatMul", {x, matrix}), shape});
    return node("Transpose", {heads}, "perm = array<i64: 0, 2, 1, 3>");
  }
  std::string addRotation(std::string x) {
    std::string low = node("Slice", {x, "%at0", "%at2", "%at3"});
    std::string high = node("Slice", {x, "%at2", "%end", "%at3"});
    std::string turned =
        node("Concat", {node("Neg", {high}), low}, "axis = -1 : i64");
    return node("Add", {node("Mul", {x, cosine}), node("Mul", {turned, sine})});
  }
  std::string addCache(std::string past, std::string added) {
    std::string all = node("Concat", {past, added}, "axis = 2 : i64");
    std::string more =
        node("Expand", {node("Unsqueeze", {all, "%at2"}), "%twice"});
    return node("Reshape", {more, "%joined"});
  }
  std::string addLayer(std::string x, std::string pastKey,
                       std::string pastValue) {
    std::string mean = node("ReduceMean", {node("Pow", {x, "%two_f"})},
                            "axes = array<i64: -1>, keepdims = 1 : i64");
    std::string root = node("Sqrt", {node("Add", {mean, "%eps"})});
    std::string normed = node("Mul", {"%gain", node("Div", {x, root})});
    std::string query = addRotation(addHeads(normed, "%wq", "%hq"));
    std::string key = addRotation(addHeads(normed, "%wkv", "%hkv"));
    std::string value = addHeads(normed, "%wkv", "%hkv");
    std::string keys = node("Transpose", {addCache(pastKey, key)},
                            "perm = array<i64: 0, 1, 3, 2>");
    std::string scores = node("Mul", {node("MatMul", {query, keys}), "%scale"});
    std::string weights =
        node("Softmax", {node("Add", {scores, bias})}, "axis = -1 : i64");
    std::string out = node("MatMul", {weights, addCache(pastValue, value)});
    out = node("Transpose", {out}, "perm = array<i64: 0, 2, 1, 3>");
    out = node("MatMul", {node("Reshape", {out, "%flat"}), "%wq"});
    return node("Add", {x, out});
  }

  std::string data, weights, body, cosine, sine, bias;
  llvm::StringMap<std::string> types;
  int64_t count = 0;
};

/// CPU seconds to raise a graph of that many layers, best of three.
double secondsOf(int64_t layers) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::string text = GraphText(layers).text;
  double best = 1e9;
  for (int run = 0; run < 3; ++run) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << "the graph does not parse";
      return 0;
    }
    std::clock_t begin = std::clock();
    llvm::Error error = raiseGraphToMoe(*module);
    best = std::min(best, double(std::clock() - begin) / CLOCKS_PER_SEC);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    // All layers are one function beside @main.
    EXPECT_EQ(llvm::range_size(module->getOps<func::FuncOp>()), 2u);
  }
  return best;
}

} // namespace

TEST(RaiseScaling, RaisingIsLinearInTheLayers) {
  double one = secondsOf(24), four = secondsOf(4 * 24),
         sixteen = secondsOf(16 * 24);
  EXPECT_LT(four / one, 16.0);
  EXPECT_LT(sixteen / one, 64.0);
  std::cout << "  4x: " << four / one << ", 16x: " << sixteen / one << "\n";
}
