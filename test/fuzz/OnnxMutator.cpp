//===- OnnxMutator.cpp - changes to ONNX models ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The generator is spelled out so that a seed makes the same model everywhere.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/OnnxMutator.h"
#include "onnx/onnx_pb.h"
#include <cstring>
#include <google/protobuf/stubs/logging.h>
#include <limits>
#include <random>
#include <vector>

using namespace portolan;

namespace {

constexpr int64_t kNumbers[] = {0,
                                1,
                                -1,
                                2,
                                3,
                                4,
                                7,
                                8,
                                64,
                                65,
                                1000000000,
                                INT32_MAX,
                                INT32_MIN,
                                int64_t(1) << 32,
                                int64_t(1) << 62,
                                INT64_MAX,
                                INT64_MIN};
constexpr float kReals[] = {0,
                            1,
                            -1,
                            0.5f,
                            1e-6f,
                            1e38f,
                            std::numeric_limits<float>::denorm_min(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()};
constexpr const char *kOps[] = {"Add",
                                "ArgMax",
                                "Attention",
                                "Cast",
                                "Concat",
                                "Constant",
                                "ConstantOfShape",
                                "Cos",
                                "CumSum",
                                "DequantizeLinear",
                                "Div",
                                "Einsum",
                                "Equal",
                                "Expand",
                                "Experts",
                                "Flatten",
                                "Gather",
                                "GatherElements",
                                "GatherND",
                                "Gemm",
                                "GroupQueryAttention",
                                "Identity",
                                "If",
                                "Loop",
                                "MatMul",
                                "MatMulNBits",
                                "MoE",
                                "Mlp",
                                "Mul",
                                "Neg",
                                "NonZero",
                                "OneHot",
                                "Pow",
                                "QMoE",
                                "RMSNormalization",
                                "Range",
                                "ReduceMean",
                                "ReduceSum",
                                "Reshape",
                                "RotaryEmbedding",
                                "Scan",
                                "ScatterElements",
                                "ScatterND",
                                "SequenceAt",
                                "Shape",
                                "Sigmoid",
                                "SimplifiedLayerNormalization",
                                "Size",
                                "SkipLayerNormalization",
                                "SkipSimplifiedLayerNormalization",
                                "Slice",
                                "Softmax",
                                "Split",
                                "SplitToSequence",
                                "Sqrt",
                                "Squeeze",
                                "Sub",
                                "Swish",
                                "Tile",
                                "TopK",
                                "Transpose",
                                "Trilu",
                                "Unsqueeze",
                                "Where",
                                ""};
constexpr const char *kDomains[] = {
    "", "ai.onnx", "com.microsoft", "portolan.fused", "portolan", "x"};
constexpr const char *kAttributes[] = {
    "axis",      "axes",   "perm",        "to",       "keepdims",   "k",
    "epsilon",   "value",  "num_heads",   "equation", "allowzero",  "largest",
    "sorted",    "transB", "start",       "end",      "batch_dims", "reduction",
    "exclusive", "upper",  "kv_num_heads"};

class Mutator {
public:
  explicit Mutator(uint32_t seed) : random(seed) {}

  /// A number from 0 to `bound` - 1.
  int below(int bound) { return int(random() % uint32_t(bound)); }
  bool oneIn(int chance) { return below(chance) == 0; }
  template <typename T, size_t N> const T &pick(const T (&choices)[N]) {
    return choices[below(int(N))];
  }
  template <typename Repeated> auto *pickOf(Repeated *elements) {
    return elements->Mutable(below(elements->size()));
  }

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
  void mutateAttribute(onnx::AttributeProto &attribute);
  void mutateNodes(onnx::GraphProto &graph);
  void mutateTensor(onnx::TensorProto &tensor);
  void mutateInfo(onnx::ValueInfoProto &info);
  void mutateOpset(onnx::ModelProto &model);
  template <typename Numbers> void mutateNumbers(Numbers *numbers);
  void wrap(onnx::GraphProto &graph);

  std::minstd_rand random;
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

template <typename Numbers> void Mutator::mutateNumbers(Numbers *numbers) {
  int size = numbers->size();
  switch (below(5)) {
  case 0:
    numbers->Add(pick(kNumbers));
    break;
  case 1:
    if (size > 0)
      numbers->RemoveLast();
    break;
  case 2:
    if (size > 1)
      numbers->SwapElements(below(size), below(size));
    break;
  case 3:
    if (size > 0)
      numbers->Set(below(size),
                   numbers->Get(below(size)) + (oneIn(2) ? 1 : -1));
    break;
  default:
    if (size > 0)
      numbers->Set(below(size), pick(kNumbers));
  }
}

void Mutator::mutateTensor(onnx::TensorProto &tensor) {
  switch (below(7)) {
  case 0:
    mutateNumbers(tensor.mutable_dims());
    break;
  case 1:
    tensor.set_data_type(below(28));
    break;
  case 2:
    if (tensor.raw_data().size() >= 8) {
      // A shape, an index, a bound.
      int64_t number = pick(kNumbers);
      size_t at = size_t(below(int(tensor.raw_data().size() / 8))) * 8;
      std::memcpy(&(*tensor.mutable_raw_data())[at], &number, 8);
    }
    break;
  case 3: {
    // Consistent: another length with its bytes.
    int64_t count = below(6);
    tensor.clear_dims();
    tensor.add_dims(count);
    if (tensor.data_type() == onnx::TensorProto::INT64) {
      tensor.mutable_raw_data()->clear();
      for (int64_t i = 0; i < count; ++i) {
        int64_t number = pick(kNumbers);
        tensor.mutable_raw_data()->append(
            reinterpret_cast<const char *>(&number), 8);
      }
    } else {
      tensor.mutable_raw_data()->resize(size_t(count) * 4);
    }
    break;
  }
  case 4: {
    // As large as it likes.
    tensor.clear_raw_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    tensor.clear_external_data();
    onnx::StringStringEntryProto *entry = tensor.add_external_data();
    entry->set_key("location");
    entry->set_value(oneIn(4) ? "../w" : "w");
    if (tensor.dims_size() > 0 && oneIn(2))
      tensor.set_dims(below(tensor.dims_size()), pick(kNumbers));
    break;
  }
  case 5:
    mutateNumbers(tensor.mutable_int64_data());
    break;
  default:
    if (tensor.raw_data().size() >= 4) {
      float number = pick(kReals);
      size_t at = size_t(below(int(tensor.raw_data().size() / 4))) * 4;
      std::memcpy(&(*tensor.mutable_raw_data())[at], &number, 4);
    }
  }
}

void Mutator::mutateAttribute(onnx::AttributeProto &attribute) {
  if (oneIn(8))
    attribute.set_type(onnx::AttributeProto::AttributeType(below(15)));
  switch (attribute.type()) {
  case onnx::AttributeProto::INT:
    attribute.set_i(oneIn(2) ? pick(kNumbers) : below(8) - 3);
    break;
  case onnx::AttributeProto::FLOAT:
    attribute.set_f(pick(kReals));
    break;
  case onnx::AttributeProto::INTS:
    mutateNumbers(attribute.mutable_ints());
    break;
  case onnx::AttributeProto::FLOATS:
    attribute.add_floats(pick(kReals));
    break;
  case onnx::AttributeProto::TENSOR:
    mutateTensor(*attribute.mutable_t());
    break;
  case onnx::AttributeProto::STRING: {
    std::string text = attribute.s();
    if (!text.empty() && oneIn(2))
      text.erase(size_t(below(int(text.size()))), 1);
    else
      text.insert(size_t(below(int(text.size()) + 1)), 1, pick("a,->. \xff"));
    attribute.set_s(text);
    break;
  }
  default:
    break;
  }
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
    node.set_op_type(pick(kOps));
    break;
  case 1:
    node.set_domain(pick(kDomains));
    break;
  case 2:
    if (oneIn(2))
      node.add_output("new" + std::to_string(random()));
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
    added->set_name(pick(kAttributes));
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

void Mutator::mutateInfo(onnx::ValueInfoProto &info) {
  auto *type = info.mutable_type()->mutable_tensor_type();
  auto *dims = type->mutable_shape()->mutable_dim();
  switch (below(6)) {
  case 0:
    type->set_elem_type(below(28));
    break;
  case 1:
    dims->Add()->set_dim_value(pick(kNumbers));
    break;
  case 2:
    if (!dims->empty())
      dims->RemoveLast();
    break;
  case 3:
    if (!dims->empty())
      pickOf(dims)->set_dim_value(pick(kNumbers));
    break;
  case 4:
    if (!dims->empty())
      pickOf(dims)->set_dim_param(oneIn(2) ? "n" : "");
    break;
  default:
    if (oneIn(2))
      type->clear_shape();
    else
      info.clear_type();
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
  opset->set_domain(pick(kDomains));
  opset->set_version(oneIn(2) ? pick(kNumbers) : below(30));
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
    if (other.initializer_size() > 0)
      *graph.add_initializer() =
          other.initializer(below(other.initializer_size()));
  }
  for (const onnx::OperatorSetIdProto &opset : donor.opset_import())
    if (oneIn(2))
      *model.add_opset_import() = opset;
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
