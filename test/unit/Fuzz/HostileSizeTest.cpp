//===- HostileSizeTest.cpp - graphs that are long, wide or deep -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nothing may recurse over a chain of nodes, nor look at all operands of a node
// once per operand.
//
//===----------------------------------------------------------------------===//

#include "onnx/onnx_pb.h"
#include "test/fuzz/Targets.h"
#include "llvm/Support/thread.h"
#include "gtest/gtest.h"

using namespace portolan::fuzz;

namespace {

/// A model with an input "v0" of [2, 3, 4] and a weight "w" of [4, 4].
onnx::ModelProto emptyModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  model.add_opset_import()->set_domain("com.microsoft");
  model.mutable_opset_import(1)->set_version(1);
  onnx::GraphProto *graph = model.mutable_graph();
  onnx::ValueInfoProto *input = graph->add_input();
  input->set_name("v0");
  auto *type = input->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (int64_t size : {2, 3, 4})
    type->mutable_shape()->add_dim()->set_dim_value(size);
  onnx::TensorProto *weight = graph->add_initializer();
  weight->set_name("w");
  weight->set_data_type(onnx::TensorProto::FLOAT);
  weight->add_dims(4);
  weight->add_dims(4);
  weight->set_raw_data(std::string(64, '\0'));
  onnx::TensorProto *index = graph->add_initializer();
  index->set_name("i");
  index->set_data_type(onnx::TensorProto::INT64);
  index->add_dims(1);
  index->add_int64_data(1);
  return model;
}

onnx::NodeProto *addNode(onnx::GraphProto *graph, const std::string &op,
                         const std::vector<std::string> &inputs,
                         const std::string &output) {
  onnx::NodeProto *node = graph->add_node();
  node->set_op_type(op);
  for (const std::string &input : inputs)
    node->add_input(input);
  node->add_output(output);
  return node;
}

constexpr int kNodes = 7500;
constexpr std::optional<unsigned> kStackBytes = 1 << 20;

} // namespace

// As 60,000 nodes on a stack of 8 MiB: a frame each of 140 bytes would not fit.
TEST(HostileSize, ChainsOfOneOp) {
  struct {
    const char *op;
    std::vector<std::string> others;
  } const cases[] = {{"Identity", {}},
                     {"Neg", {}},
                     {"Cast", {}},
                     {"Add", {"v0"}},
                     {"Add", {"w"}},
                     {"Mul", {"v0"}},
                     {"MatMul", {"w"}},
                     {"Reshape", {"i"}},
                     {"Transpose", {}},
                     {"Unsqueeze", {"i"}},
                     {"Squeeze", {"i"}},
                     {"Concat", {"v0"}},
                     {"Slice", {"i", "i"}},
                     {"Gather", {"i"}},
                     {"Where", {"v0", "v0"}},
                     {"Expand", {"i"}},
                     {"ReduceSum", {"i"}},
                     {"Softmax", {}},
                     {"TopK", {"i"}},
                     {"ScatterND", {"i", "v0"}},
                     {"GatherND", {"i"}},
                     {"ScatterElements", {"i", "v0"}},
                     {"Einsum", {"v0"}},
                     {"Split", {"i"}},
                     {"Div", {"v0"}},
                     {"OneHot", {"i", "v0"}},
                     {"Sigmoid", {}},
                     {"SimplifiedLayerNormalization", {"w"}},
                     {"CumSum", {"i"}},
                     {"Tile", {"i"}}};
  for (const auto &[op, others] : cases) {
    onnx::ModelProto model = emptyModel();
    onnx::GraphProto *graph = model.mutable_graph();
    for (int i = 0; i < kNodes; ++i) {
      std::vector<std::string> inputs = {"v" + std::to_string(i)};
      inputs.insert(inputs.end(), others.begin(), others.end());
      addNode(graph, op, inputs, "v" + std::to_string(i + 1));
    }
    graph->add_output()->set_name("v" + std::to_string(kNodes));
    Outcome outcome;
    llvm::thread runner(kStackBytes,
                        [&] { outcome = takeOnnx(model.SerializeAsString()); });
    runner.join();
    EXPECT_TRUE(outcome.imported) << op << ": " << outcome.error;
  }
}

// Every value is read twice, so that there are 2^64 paths to the input.
TEST(HostileSize, LaddersOfManyPaths) {
  for (const char *op : {"Add", "Mul", "MatMul", "Where", "Concat", "Div"}) {
    onnx::ModelProto model = emptyModel();
    onnx::GraphProto *graph = model.mutable_graph();
    for (int i = 0; i < 64; ++i) {
      std::string value = "v" + std::to_string(i);
      addNode(graph, op, {value, value, value}, "v" + std::to_string(i + 1));
    }
    graph->add_output()->set_name("v64");
    EXPECT_TRUE(takeOnnx(model.SerializeAsString()).imported) << op;
  }
}

TEST(HostileSize, NodesOfAMillionOperands) {
  for (const char *op : {"Concat", "Sum", "Einsum", "Add"}) {
    onnx::ModelProto model = emptyModel();
    onnx::NodeProto *node = addNode(model.mutable_graph(), op, {}, "y");
    for (int i = 0; i < 1000000; ++i)
      node->add_input("v0");
    model.mutable_graph()->add_output()->set_name("y");
    EXPECT_TRUE(takeOnnx(model.SerializeAsString()).imported) << op;
  }
}

TEST(HostileSize, NodesOfManyResults) {
  onnx::ModelProto model = emptyModel();
  onnx::GraphProto *graph = model.mutable_graph();
  onnx::NodeProto *node = addNode(graph, "Split", {"v0"}, "y");
  for (int i = 0; i < 100000; ++i)
    node->add_output("r" + std::to_string(i));
  graph->add_output()->set_name("y");
  EXPECT_TRUE(takeOnnx(model.SerializeAsString()).imported);
}

TEST(HostileSize, AttributesOfAMillionNumbers) {
  for (auto [op, name] : {std::pair{"Transpose", "perm"},
                          {"Unsqueeze", "axes"},
                          {"ReduceMean", "axes"},
                          {"Squeeze", "axes"},
                          {"Split", "split"}}) {
    onnx::ModelProto model = emptyModel();
    onnx::NodeProto *node = addNode(model.mutable_graph(), op, {"v0"}, "y");
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (int i = 0; i < 1000000; ++i)
      attribute->add_ints(i);
    model.mutable_graph()->add_output()->set_name("y");
    EXPECT_TRUE(takeOnnx(model.SerializeAsString()).imported) << op;
  }
}

// Many nodes that read the numbers of one large constant.
TEST(HostileSize, ConstantsThatManyNodesRead) {
  onnx::ModelProto model = emptyModel();
  onnx::GraphProto *graph = model.mutable_graph();
  onnx::TensorProto *table = graph->add_initializer();
  table->set_name("table");
  table->set_data_type(onnx::TensorProto::INT64);
  table->add_dims(100000);
  for (int i = 0; i < 100000; ++i)
    table->add_int64_data(i);
  for (int i = 0; i < 20000; ++i)
    addNode(graph, i % 2 ? "Pow" : "Add", {"v" + std::to_string(i), "table"},
            "v" + std::to_string(i + 1));
  graph->add_output()->set_name("v20000");
  EXPECT_TRUE(takeOnnx(model.SerializeAsString()).imported);
}

// 100 messages is what protobuf reads.
TEST(HostileSize, BodiesInBodies) {
  for (int depth : {20, 40, 400}) {
    onnx::GraphProto inner;
    addNode(&inner, "Neg", {"v0"}, "n");
    inner.add_output()->set_name("n");
    for (int i = 0; i < depth; ++i) {
      onnx::GraphProto outer;
      onnx::NodeProto *node =
          addNode(&outer, "If", {"v0"}, "o" + std::to_string(i));
      onnx::AttributeProto *body = node->add_attribute();
      body->set_name("then_branch");
      body->set_type(onnx::AttributeProto::GRAPH);
      body->mutable_g()->Swap(&inner);
      outer.add_output()->set_name("o" + std::to_string(i));
      inner.Swap(&outer);
    }
    onnx::ModelProto model = emptyModel();
    model.mutable_graph()->MergeFrom(inner);
    Outcome outcome = takeOnnx(model.SerializeAsString());
    EXPECT_EQ(outcome.imported, depth == 20) << outcome.error;
    if (depth > 20) {
      EXPECT_EQ(outcome.error,
                "fuzzed.onnx: expects an ONNX model, got bytes that are not "
                "one or that nest too deeply");
    }
  }
}

// Groups are protobuf's older way to nest, which no ONNX file uses. One is
// refused where the file is scanned, many where protobuf reads them alone.
TEST(HostileSize, GroupsInGroups) {
  EXPECT_EQ(takeOnnx(std::string(1000000, '\x0b')).error,
            "fuzzed.onnx: expects a protobuf field at byte 0, got wire type 3");
  onnx::ModelProto model = emptyModel();
  model.mutable_graph()->add_value_info()->set_doc_string(
      std::string(1000000, '\x0b'));
  std::string bytes = model.SerializeAsString();
  // The doc string, field 3, becomes the type, field 2.
  size_t at = bytes.find(std::string(1000000, '\x0b'));
  ASSERT_EQ(bytes[at - 4], '\x1a');
  bytes[at - 4] = '\x12';
  EXPECT_EQ(takeOnnx(bytes).error,
            "fuzzed.onnx: expects an ONNX model, got bytes that are not one or "
            "that nest too deeply");
}

TEST(HostileSize, JsonInJson) {
  std::string open(100000, '['), close(100000, ']');
  EXPECT_EQ(takeConfig("{\"a\": " + open + close + "}").error,
            "config.json: expects JSON nested at most 64 deep");
}
