//===- OnnxMutator.cpp - changes to ONNX models ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/OnnxMutator.h"
#include "test/fuzz/Choices.h"
#include <google/protobuf/stubs/logging.h>

using namespace portolan;
using portolan::fuzz::Choices;
using portolan::fuzz::wordsOf;

namespace {

const char *const kOps =
    "Add ArgMax Attention Cast Concat Constant ConstantOfShape "
    "Cos CumSum DequantizeLinear Div Einsum Equal Expand Experts "
    "Flatten Gather GatherElements GatherND Gemm "
    "GroupQueryAttention Identity If Loop MatMul MatMulNBits MoE "
    "Mlp Mul Neg NonZero OneHot Pow QMoE RMSNormalization Range "
    "ReduceMean ReduceSum Reshape RotaryEmbedding Scan "
    "ScatterElements ScatterND SequenceAt Shape Sigmoid "
    "SimplifiedLayerNormalization Size SkipLayerNormalization "
    "SkipSimplifiedLayerNormalization Slice Softmax Split "
    "SplitToSequence Sqrt Squeeze Sub Swish Tile TopK Transpose "
    "Trilu Unsqueeze Where ";
const char *const kDomains = "ai.onnx com.microsoft portolan x ";
const char *const kAttributes =
    "axis axes perm to keepdims k epsilon value num_heads "
    "equation allowzero largest sorted transB start end "
    "batch_dims reduction exclusive upper kv_num_heads ";

class Mutator : public Choices {
public:
  using Choices::Choices;

  void mutate(onnx::ModelProto &model);
  void cross(onnx::ModelProto &model, const onnx::ModelProto &donor);

private:
  /// One of the graphs that are in `graph`, itself included.
  onnx::GraphProto *pickGraph(onnx::GraphProto *graph);
  /// The name of a value of `graph`, or of none.
  std::string pickValue(const onnx::GraphProto &graph);
  void mutateGraph(onnx::GraphProto &graph);
  void mutateNode(onnx::NodeProto &node, const onnx::GraphProto &graph);
  void mutateInputs(onnx::NodeProto &node, const onnx::GraphProto &graph);
  void mutateNodes(onnx::GraphProto &graph);
  void mutateOpset(onnx::ModelProto &model);
  void wrap(onnx::GraphProto &graph);

  std::vector<std::string> ops = wordsOf(kOps), domains = wordsOf(kDomains),
                           names = wordsOf(kAttributes);
};

onnx::GraphProto *Mutator::pickGraph(onnx::GraphProto *graph) {
  std::vector<onnx::GraphProto *> bodies;
  for (onnx::NodeProto &node : *graph->mutable_node())
    for (onnx::AttributeProto &attribute : *node.mutable_attribute())
      if (attribute.has_g())
        bodies.push_back(attribute.mutable_g());
  if (bodies.empty() || oneIn(2))
    return graph;
  return pickGraph(bodies[below(int(bodies.size()))]);
}

std::string Mutator::pickValue(const onnx::GraphProto &graph) {
  int nodes = graph.node_size(), weights = graph.initializer_size();
  int at = below(nodes + weights + graph.input_size() + 1);
  if (at < nodes) {
    const onnx::NodeProto &node = graph.node(at);
    return node.output_size() == 0 ? ""
                                   : node.output(below(node.output_size()));
  }
  at -= nodes;
  if (at < weights)
    return graph.initializer(at).name();
  at -= weights;
  if (at < graph.input_size())
    return graph.input(at).name();
  return oneIn(2) ? "" : "ghost";
}

void Mutator::mutateInputs(onnx::NodeProto &node,
                           const onnx::GraphProto &graph) {
  auto *inputs = node.mutable_input();
  switch (below(5)) {
  case 0:
    node.add_input(pickValue(graph));
    break;
  case 1:
    if (!inputs->empty())
      inputs->RemoveLast();
    break;
  case 2:
    if (inputs->size() > 1)
      inputs->SwapElements(below(inputs->size()), below(inputs->size()));
    break;
  default:
    if (!inputs->empty())
      *pickOf(inputs) = pickValue(graph);
  }
}

void Mutator::mutateNode(onnx::NodeProto &node, const onnx::GraphProto &graph) {
  auto *attributes = node.mutable_attribute();
  switch (below(10)) {
  case 0:
    node.set_op_type(pick(ops));
    break;
  case 1:
    node.set_domain(pick(domains));
    break;
  case 2:
    if (oneIn(2))
      node.add_output("new" + std::to_string(below(1 << 30)));
    else if (node.output_size() > 0)
      node.mutable_output()->RemoveLast();
    break;
  case 3:
    if (node.output_size() > 0)
      *pickOf(node.mutable_output()) = oneIn(2) ? "" : pickValue(graph);
    break;
  case 4:
    if (!attributes->empty())
      attributes->DeleteSubrange(below(attributes->size()), 1);
    break;
  case 5: {
    onnx::AttributeProto *added = node.add_attribute();
    if (attributes->size() > 1 && oneIn(2))
      *added = attributes->Get(below(attributes->size() - 1));
    added->set_name(pick(names));
    added->set_type(oneIn(2) ? onnx::AttributeProto::INT
                             : onnx::AttributeProto::INTS);
    mutateAttribute(*added);
    break;
  }
  case 6:
  case 7:
    if (!attributes->empty())
      mutateAttribute(*pickOf(attributes));
    break;
  default:
    mutateInputs(node, graph);
  }
}

void Mutator::mutateNodes(onnx::GraphProto &graph) {
  auto *nodes = graph.mutable_node();
  if (nodes->empty())
    return;
  int at = below(nodes->size());
  switch (below(4)) {
  case 0:
    nodes->DeleteSubrange(at, 1);
    break;
  case 1:
    nodes->SwapElements(at, below(nodes->size()));
    break;
  case 2: {
    // A node of its own that reads the same and stands behind it.
    onnx::NodeProto copy = nodes->Get(at);
    for (std::string &output : *copy.mutable_output())
      output += oneIn(8) ? "" : "'";
    *graph.add_node() = copy;
    for (int i = nodes->size() - 1; i > at + 1; --i)
      nodes->SwapElements(i, i - 1);
    break;
  }
  default: {
    // What is behind the node reads another value instead of its result.
    const onnx::NodeProto node = nodes->Get(at);
    if (node.output_size() == 0)
      return;
    std::string other = pickValue(graph);
    for (int i = at + 1; i < nodes->size(); ++i)
      for (std::string &input : *nodes->Mutable(i)->mutable_input())
        if (input == node.output(0))
          input = other;
  }
  }
}

/// Puts a node into the branches of an If, or the body of a Loop.
void Mutator::wrap(onnx::GraphProto &graph) {
  if (graph.node_size() == 0)
    return;
  onnx::NodeProto &node = *pickOf(graph.mutable_node());
  onnx::NodeProto inner = node;
  bool isIf = oneIn(2);
  node.set_op_type(isIf ? "If" : "Loop");
  node.clear_domain();
  node.clear_attribute();
  node.clear_input();
  node.add_input(pickValue(graph));
  if (!isIf)
    node.add_input(pickValue(graph));
  for (const char *name : {"then_branch", "else_branch"}) {
    onnx::AttributeProto *body = node.add_attribute();
    body->set_name(isIf ? name : "body");
    body->set_type(onnx::AttributeProto::GRAPH);
    onnx::NodeProto *copy = body->mutable_g()->add_node();
    *copy = inner;
    for (std::string &output : *copy->mutable_output()) {
      output += "/" + std::string(name);
      body->mutable_g()->add_output()->set_name(output);
    }
    if (!isIf)
      return;
  }
}

void Mutator::mutateGraph(onnx::GraphProto &graph) {
  switch (below(16)) {
  case 0:
    mutateNodes(graph);
    break;
  case 1:
  case 2:
    if (graph.initializer_size() > 0)
      mutateTensor(*pickOf(graph.mutable_initializer()));
    break;
  case 3:
    if (graph.input_size() > 0)
      mutateInfo(*pickOf(graph.mutable_input()));
    break;
  case 4:
    if (graph.output_size() > 0 && oneIn(2))
      mutateInfo(*pickOf(graph.mutable_output()));
    else
      graph.add_output()->set_name(pickValue(graph));
    break;
  case 5: {
    onnx::ValueInfoProto *info = graph.add_value_info();
    info->set_name(pickValue(graph));
    info->mutable_type()->mutable_tensor_type()->set_elem_type(below(17));
    mutateInfo(*info);
    break;
  }
  case 6:
    if (oneIn(4))
      wrap(graph);
    break;
  default:
    if (graph.node_size() > 0)
      mutateNode(*pickOf(graph.mutable_node()), graph);
  }
}

void Mutator::mutateOpset(onnx::ModelProto &model) {
  onnx::OperatorSetIdProto *opset = model.opset_import_size() > 0 && oneIn(2)
                                        ? pickOf(model.mutable_opset_import())
                                        : model.add_opset_import();
  opset->set_domain(pick(domains));
  opset->set_version(oneIn(2) ? number() : below(30));
}

void Mutator::mutate(onnx::ModelProto &model) {
  for (int changes = 1 + below(4); changes > 0; --changes)
    if (oneIn(24))
      mutateOpset(model);
    else
      mutateGraph(*pickGraph(model.mutable_graph()));
}

void Mutator::cross(onnx::ModelProto &model, const onnx::ModelProto &donor) {
  onnx::GraphProto &graph = *model.mutable_graph();
  const onnx::GraphProto &other = donor.graph();
  for (int changes = 1 + below(4); changes > 0; --changes) {
    if (other.node_size() > 0 && graph.node_size() > 0) {
      // In the place of a node, its results under the names of the old ones.
      onnx::NodeProto &node = *pickOf(graph.mutable_node());
      onnx::NodeProto taken = other.node(below(other.node_size()));
      taken.mutable_input()->Swap(node.mutable_input());
      for (int i = 0; i < taken.output_size() && i < node.output_size(); ++i)
        taken.set_output(i, node.output(i));
      node = taken;
    }
    if (other.initializer_size() > 0) {
      onnx::TensorProto *weight = graph.add_initializer();
      *weight = other.initializer(below(other.initializer_size()));
      weight->set_name("new" + std::to_string(below(1 << 30)));
      if (graph.node_size() > 0)
        mutateInputs(*pickOf(graph.mutable_node()), graph);
    }
  }
  for (const onnx::OperatorSetIdProto &opset : donor.opset_import()) {
    bool known = false;
    for (const onnx::OperatorSetIdProto &own : model.opset_import())
      known |= own.domain() == opset.domain();
    if (!known)
      *model.add_opset_import() = opset;
  }
}

bool parse(llvm::StringRef bytes, onnx::ModelProto &model) {
  google::protobuf::LogSilencer silencer;
  return model.ParseFromArray(bytes.data(), int(bytes.size()));
}

} // namespace

std::string fuzz::mutateOnnx(llvm::StringRef bytes, uint32_t seed) {
  onnx::ModelProto model;
  if (!parse(bytes, model))
    return {};
  google::protobuf::LogSilencer silencer;
  Mutator(seed).mutate(model);
  return model.SerializeAsString();
}

std::string fuzz::crossOnnx(llvm::StringRef bytes, llvm::StringRef other,
                            uint32_t seed) {
  onnx::ModelProto model, donor;
  if (!parse(bytes, model) || !parse(other, donor))
    return {};
  google::protobuf::LogSilencer silencer;
  Mutator(seed).cross(model, donor);
  return model.SerializeAsString();
}
