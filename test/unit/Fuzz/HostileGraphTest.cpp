//===- HostileGraphTest.cpp - graphs that want to do harm -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One node or field that no exporter writes, per test: each is imported or
// refused, with one error that names the place.
//
//===----------------------------------------------------------------------===//

#include "onnx/onnx_pb.h"
#include "test/fuzz/Targets.h"
#include "gtest/gtest.h"
#include <google/protobuf/text_format.h>

using namespace portolan::fuzz;

namespace {

/// The error of a graph of `text` (protobuf text) at opset 17 and, for
/// com.microsoft, 1. It has an input x of [2, 3, 4].
std::string errorOf(const std::string &text) {
  onnx::ModelProto model;
  bool parsed = google::protobuf::TextFormat::ParseFromString(
      R"(ir_version: 8
         opset_import { version: 17 }
         opset_import { domain: "com.microsoft" version: 1 }
         graph { name: "g"
           input { name: "x" type { tensor_type { elem_type: 1 shape {
             dim { dim_value: 2 } dim { dim_value: 3 } dim { dim_value: 4 }
           } } } }
           )" +
          text + "}",
      &model);
  EXPECT_TRUE(parsed) << text;
  std::string bytes = model.SerializeAsString();
  EXPECT_EQ(takeOnnx(bytes).imported, takeOnnxStrictly(bytes).imported);
  return takeOnnxStrictly(bytes).error;
}

/// The same with one node whose result "y" is the output.
std::string errorOfNode(const std::string &node) {
  return errorOf("node { name: \"n\" output: \"y\" " + node +
                 "} output { name: \"y\" }");
}

/// An i64 vector "c" with these elements as an initialiser.
std::string integers(std::vector<int64_t> elements) {
  std::string text = "initializer { name: \"c\" data_type: 7 dims: " +
                     std::to_string(elements.size());
  for (int64_t element : elements)
    text += " int64_data: " + std::to_string(element);
  return text + " }";
}

constexpr int64_t kHuge = int64_t(1) << 62;

} // namespace

// The domain of the ops that raising makes for itself.
TEST(HostileGraph, OpsOfRaisingAreNotTheFiles) {
  onnx::ModelProto model;
  model.add_opset_import()->set_domain("portolan");
  model.mutable_opset_import(0)->set_version(1);
  onnx::GraphProto *graph = model.mutable_graph();
  graph->add_input()->set_name("x");
  graph->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      1);
  for (const char *op : {"Experts", "Mlp", "Add"}) {
    graph->clear_node();
    onnx::NodeProto *node = graph->add_node();
    node->set_op_type(op);
    node->set_domain("portolan");
    node->add_input("x");
    node->set_name("n");
    node->add_output("y");
    EXPECT_EQ(takeOnnx(model.SerializeAsString()).error,
              "node 'n': expects a domain of ONNX, got 'portolan'");
  }
}

TEST(HostileGraph, NodesWithoutResults) {
  for (const char *op :
       {"Constant", "Add", "Reshape", "TopK", "Split", "If", "Loop", "Slice"})
    EXPECT_EQ(errorOf("node { name: \"n\" op_type: \"" + std::string(op) +
                      "\" input: \"x\" input: \"x\" attribute { name: "
                      "\"value\" type: TENSOR t { data_type: 1 float_data: 0 "
                      "} } } output { name: \"x\" }"),
              "")
        << op;
}

TEST(HostileGraph, NodesWithoutOperands) {
  for (const char *op : {"Add", "Reshape", "TopK", "Split", "If", "Concat",
                         "MatMul", "Einsum", "Gather", "ScatterND"})
    EXPECT_NE(errorOfNode("op_type: \"" + std::string(op) + "\"")
                  .find("node 'n' (op '"),
              std::string::npos)
        << op;
}

// Sizes that only a few bytes state.
TEST(HostileGraph, HugeCounts) {
  struct {
    const char *op, *inputs;
  } const cases[] = {{"ConstantOfShape", "input: \"c\""},
                     {"Reshape", "input: \"x\" input: \"c\""},
                     {"Tile", "input: \"x\" input: \"c\""},
                     {"TopK", "input: \"x\" input: \"c\""},
                     {"OneHot", "input: \"x\" input: \"c\" input: \"x\""},
                     {"Range", "input: \"c\" input: \"c\" input: \"c\""},
                     {"Unsqueeze", "input: \"x\" input: \"c\""},
                     {"Slice", "input: \"x\" input: \"c\" input: \"c\""},
                     {"Pad", "input: \"x\" input: \"c\""},
                     {"Split", "input: \"x\" input: \"c\""}};
  for (auto [op, inputs] : cases)
    for (const std::vector<int64_t> &counts : {std::vector<int64_t>{kHuge},
                                               {INT64_MIN},
                                               {INT64_MAX},
                                               {kHuge, kHuge, 16},
                                               {-1, -1, -1},
                                               {}}) {
      std::string error =
          errorOf(integers(counts) + "node { name: \"n\" op_type: \"" + op +
                  "\" " + inputs + " output: \"y\" } output { name: \"y\" }");
      EXPECT_NE(error.find("node 'n'"), std::string::npos) << op << error;
    }
}

// The rank of the result is the size of the target, which no byte has to
// stand for where it is an input.
TEST(HostileGraph, RanksOfAnySize) {
  EXPECT_NE(errorOf(R"(
              input { name: "shape" type { tensor_type { elem_type: 7 shape {
                dim { dim_value: 1000000000000 } } } } }
              node { name: "n" op_type: "Reshape" input: "x" input: "shape"
                     output: "y" }
              output { name: "y" })")
                .find("node 'n'"),
            std::string::npos);
}

TEST(HostileGraph, TypesOfManyDimensions) {
  std::string dims;
  for (int i = 0; i < 65; ++i)
    dims += "dim { dim_value: 1 } ";
  EXPECT_EQ(errorOf("input { name: \"z\" type { tensor_type { elem_type: 1 "
                    "shape { " +
                    dims + "} } } } output { name: \"z\" }"),
            "fuzzed.onnx: graph 'g': input 'z': expects at most 64 dimensions, "
            "got 65");
}

TEST(HostileGraph, AttributesOfAnotherType) {
  for (const char *value :
       {"type: STRING s: \"0\"", "type: FLOAT f: nan", "type: INTS ints: 0",
        "type: FLOATS floats: inf", "type: STRINGS strings: \"\"",
        "type: TENSOR t { data_type: 7 int64_data: 0 }"})
    for (const char *node :
         {"op_type: \"Gather\" input: \"x\" input: \"x\" attribute { name: "
          "\"axis\"",
          "op_type: \"Transpose\" input: \"x\" attribute { name: \"perm\"",
          "op_type: \"Cast\" input: \"x\" attribute { name: \"to\"",
          "op_type: \"Einsum\" input: \"x\" attribute { name: \"equation\"",
          "op_type: \"Softmax\" input: \"x\" attribute { name: \"axis\"",
          "op_type: \"ReduceMean\" input: \"x\" attribute { name: \"axes\""})
      EXPECT_NE(errorOfNode(std::string(node) + value + " }").find("node 'n'"),
                std::string::npos)
          << node << value;
}

TEST(HostileGraph, AttributesOfUnknownKinds) {
  EXPECT_EQ(errorOfNode("op_type: \"Neg\" input: \"x\" attribute { name: "
                        "\"a\" type: SPARSE_TENSOR }"),
            "fuzzed.onnx: graph 'g': node 'n' (Neg): attribute 'a': expects "
            "numbers, strings, a tensor or a graph, got attribute type 11");
  EXPECT_EQ(errorOfNode("op_type: \"Neg\" input: \"x\" attribute { name: "
                        "\"a\" type: UNDEFINED }"),
            "fuzzed.onnx: graph 'g': node 'n' (Neg): attribute 'a': expects "
            "numbers, strings, a tensor or a graph, got attribute type 0");
}

TEST(HostileGraph, EpsilonsThatAreNoNumbers) {
  for (const char *epsilon : {"nan", "inf", "-1"})
    EXPECT_NE(errorOf("initializer { name: \"c\" data_type: 1 dims: 4 "
                      "float_data: [1, 1, 1, 1] } node { name: \"n\" op_type: "
                      "\"SimplifiedLayerNormalization\" input: \"x\" input: "
                      "\"c\" output: \"y\" attribute { name: \"epsilon\" "
                      "type: FLOAT f: " +
                      std::string(epsilon) + " } } output { name: \"y\" }")
                  .find("node 'n'"),
              std::string::npos)
        << epsilon;
}

TEST(HostileGraph, ScalesThatAreNoNumbers) {
  for (const char *name : {"scale", "softcap"})
    for (const char *value : {"nan", "inf", "-inf"}) {
      std::string error = errorOf(
          "input { name: \"past\" type { tensor_type { elem_type: 1 shape { "
          "dim { dim_value: 2 } dim { dim_value: 1 } dim { dim_value: 5 } dim "
          "{ dim_value: 4 } } } } } input { name: \"last\" type { tensor_type "
          "{ elem_type: 6 shape { dim { dim_value: 2 } } } } } node { name: "
          "\"n\" op_type: \"GroupQueryAttention\" domain: \"com.microsoft\" "
          "input: [\"x\", \"x\", \"x\", \"past\", \"past\", \"last\", "
          "\"last\"] output: \"y\" attribute { name: \"num_heads\" type: INT "
          "i: 1 } attribute { name: \"kv_num_heads\" type: INT i: 1 } "
          "attribute { name: \"" +
          std::string(name) + "\" type: FLOAT f: " + value +
          " } } output { name: \"y\" }");
      EXPECT_NE(error.find("node 'n'"), std::string::npos) << name << error;
      EXPECT_TRUE(error.find("softcap") != std::string::npos ||
                  error.find("NaN") != std::string::npos)
          << error;
    }
}

TEST(HostileGraph, SparseInitialisers) {
  EXPECT_EQ(errorOf("sparse_initializer { values { name: \"s\" data_type: 1 "
                    "dims: 1 float_data: 1 } indices { data_type: 7 dims: 1 "
                    "int64_data: 9000000000000000000 } dims: 4 }"),
            "fuzzed.onnx: graph 'g': initialiser 's': expects a dense tensor, "
            "got a sparse one");
}

TEST(HostileGraph, NamesThatAreNotText) {
  EXPECT_EQ(errorOf("node { name: \"\\xff\" op_type: \"Identity\" input: "
                    "\"x\" output: \"\\xc3\\x28\" } output { name: "
                    "\"\\xc3\\x28\" }"),
            "");
}

TEST(HostileGraph, WeightsWithNamesOfFunctions) {
  // "main" and "layer_moe" are what raising calls its functions.
  std::string text;
  for (const char *name : {"main", "layer_moe", "main_1"})
    text += "initializer { name: \"" + std::string(name) +
            "\" data_type: 1 dims: 1 float_data: 1 } output { name: \"" + name +
            "\" } ";
  EXPECT_EQ(errorOf(text), "");
}
