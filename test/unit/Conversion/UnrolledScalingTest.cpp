//===- UnrolledScalingTest.cpp - import and raising are linear ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Invariant 7 for unrolled graphs, from the bytes of the file to moe, at 1x, 4x
// and 16x nodes: what is quadratic takes 256 times as long for 16 times the
// nodes, what is linear 16 times; the limit between them is 64.
//
//===----------------------------------------------------------------------===//

#include "UnrolledGraph.h"
#include "dialects/Graph/IR/Graph.h"
#include "dialects/Moe/IR/Moe.h"
#include "mlir/Parser/Parser.h"
#include "onnx/onnx_pb.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Import/Onnx.h"
#include "portolan/RegisterAll.h"
#include "gtest/gtest.h"
#include <ctime>

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

void writeTensor(RankedTensorType type, onnx::TensorProto &tensor) {
  for (int64_t size : type.getShape())
    tensor.add_dims(size);
  tensor.set_data_type(type.getElementType().isF32()
                           ? onnx::TensorProto::FLOAT
                           : onnx::TensorProto::INT64);
}

void writeValue(DenseElementsAttr value, onnx::TensorProto &tensor) {
  writeTensor(cast<RankedTensorType>(value.getType()), tensor);
  if (value.getElementType().isF32())
    for (float element : value.getValues<float>())
      tensor.add_float_data(element);
  else
    for (int64_t element : value.getValues<int64_t>())
      tensor.add_int64_data(element);
}

void writeAttribute(NamedAttribute attribute, onnx::AttributeProto &proto) {
  proto.set_name(attribute.getName().str());
  if (auto number = dyn_cast<IntegerAttr>(attribute.getValue())) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(number.getInt());
  } else if (auto text = dyn_cast<StringAttr>(attribute.getValue())) {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(text.str());
  } else if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute.getValue())) {
    proto.set_type(onnx::AttributeProto::INTS);
    for (int64_t number : list.asArrayRef())
      proto.add_ints(number);
  } else {
    proto.set_type(onnx::AttributeProto::TENSOR);
    writeValue(cast<DenseElementsAttr>(attribute.getValue()),
               *proto.mutable_t());
  }
}

/// The bytes of the file that a graph of the graph dialect came from.
std::string fileOf(ModuleOp module) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(18);
  onnx::GraphProto &graph = *model.mutable_graph();
  graph.set_name("unrolled");
  SymbolTable symbols(module);
  llvm::DenseMap<Value, std::string> names;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  onnx::ValueInfoProto &input = *graph.add_input();
  input.set_name("x");
  auto &type = *input.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("batch");
  type.mutable_shape()->add_dim()->set_dim_param("seq");
  type.mutable_shape()->add_dim()->set_dim_value(
      cast<RankedTensorType>(main.getArgument(0).getType()).getDimSize(2));
  names[main.getArgument(0)] = "x";
  for (Operation &op : main.getBody().front()) {
    if (auto weight = dyn_cast<moe::WeightOp>(op)) {
      auto data = symbols.lookup<moe::WeightDataOp>(weight.getSource());
      onnx::TensorProto &tensor = *graph.add_initializer();
      if (auto value =
              dyn_cast_or_null<DenseElementsAttr>(data.getValueAttr())) {
        writeValue(value, tensor);
      } else {
        writeTensor(cast<RankedTensorType>(weight.getType()), tensor);
        tensor.set_data_location(onnx::TensorProto::EXTERNAL);
        for (auto [key, text] :
             {std::pair{"location", std::string("weights.bin")},
              {"offset", std::to_string(*data.getOffset())},
              {"length", std::to_string(*data.getLength())}}) {
          onnx::StringStringEntryProto &entry = *tensor.add_external_data();
          entry.set_key(key);
          entry.set_value(text);
        }
      }
      tensor.set_name(weight.getSource().str());
      names[weight.getResult()] = tensor.name();
    } else if (auto node = dyn_cast<graph::NodeOp>(op)) {
      onnx::NodeProto &proto = *graph.add_node();
      proto.set_op_type(node.getOpType().str());
      proto.set_name("/model/mlp/" + node.getOpType().str() + "_" +
                     std::to_string(graph.node_size()));
      for (Value operand : node.getInputs())
        proto.add_input(names.lookup(operand));
      for (Value result : node.getOutputs()) {
        names[result] =
            proto.name() + "_output_" + std::to_string(proto.output_size());
        proto.add_output(names[result]);
      }
      for (NamedAttribute attribute : node.getOpAttributes())
        writeAttribute(attribute, *proto.add_attribute());
    } else if (isa<func::ReturnOp>(op)) {
      onnx::ValueInfoProto &output = *graph.add_output();
      output.set_name(names.lookup(op.getOperand(0)));
      output.mutable_type()->mutable_tensor_type()->set_elem_type(
          onnx::TensorProto::FLOAT);
    }
  }
  return model.SerializeAsString();
}

/// CPU seconds to import and raise a graph of that form, best of three.
double secondsOf(const ExpertGraphForm &form) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::string file;
  {
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(ExpertGraph(form).text, &context);
    if (!module) {
      ADD_FAILURE() << "the graph does not parse";
      return 0;
    }
    file = fileOf(*module);
  }
  double best = 1e9;
  for (int run = 0; run < 3; ++run) {
    std::clock_t begin = std::clock();
    llvm::Expected<OwningOpRef<ModuleOp>> module =
        importOnnx(llvm::MemoryBufferRef(file, "model.onnx"), context);
    if (!module) {
      ADD_FAILURE() << llvm::toString(module.takeError());
      return 0;
    }
    llvm::Error error =
        raiseGraphToMoe(module->get(), nullptr, /*strict=*/true);
    best = std::min(best, double(std::clock() - begin) / CLOCKS_PER_SEC);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    auto main = module->get().lookupSymbol<func::FuncOp>("main");
    EXPECT_EQ(llvm::range_size(main.getOps<moe::ExpertsOp>()), form.blocks);
  }
  return best;
}

void expectLinear(double one, double four, double sixteen) {
  EXPECT_LT(four / one, 16.0);
  EXPECT_LT(sixteen / one, 64.0);
  std::cout << "  4x: " << four / one << ", 16x: " << sixteen / one << "\n";
}

} // namespace

TEST(UnrolledScaling, ImportAndRaisingAreLinearInTheLayers) {
  for (Dispatch dispatch :
       {Dispatch::Masked, Dispatch::Listed, Dispatch::Traced}) {
    ExpertGraphForm form;
    form.dispatch = dispatch;
    form.experts = 16;
    double seconds[3];
    for (int i = 0; i < 3; ++i) {
      form.blocks = 4 << 2 * i;
      seconds[i] = secondsOf(form);
    }
    expectLinear(seconds[0], seconds[1], seconds[2]);
  }
}

TEST(UnrolledScaling, ImportAndRaisingAreLinearInTheExperts) {
  ExpertGraphForm form;
  form.dispatch = Dispatch::Listed;
  double seconds[3];
  for (int i = 0; i < 3; ++i) {
    form.experts = 64 << 2 * i;
    seconds[i] = secondsOf(form);
  }
  expectLinear(seconds[0], seconds[1], seconds[2]);
}
