//===- Onnx.cpp - import of ONNX models -----------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass over the nodes in the order of the file, which ONNX demands to be
// topological: a name is looked up among those that stand before it. Graphs in
// attributes see the names around them.
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/Onnx.h"
#include "dialects/Graph/IR/Graph.h"
#include "lib/Import/OnnxTensor.h"
#include "onnx/onnx_pb.h"
#include "portolan/Support/File.h"
#include "portolan/Support/Message.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace portolan;
using namespace portolan::onnx_import;

namespace {

llvm::Error fail(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// Puts "place: " before the message of `error`.
llvm::Error within(const llvm::Twine &place, llvm::Error error) {
  return fail(place + ": " + llvm::toString(std::move(error)));
}

/// The newest version of the standard domain that may be meant: what an op
/// does in one that is far ahead of those known (26) is anyone's guess.
constexpr int64_t kNewestOpset = 30;

/// The standard domain has two spellings.
StringRef canonicalDomain(StringRef domain) {
  return domain == "ai.onnx" ? StringRef() : domain;
}

/// The values that a graph can name, with those of the graphs around it.
struct Scope {
  const Scope *parent = nullptr;
  const onnx::GraphProto *graph = nullptr;
  Block *block = nullptr;
  llvm::StringMap<Value> values;
  llvm::StringMap<Type> types;
  Value none;

  Value lookup(StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->parent)
      if (auto found = scope->values.find(name); found != scope->values.end())
        return found->second;
    return nullptr;
  }
};

class Importer {
public:
  Importer(MLIRContext *context, StringRef fileName, TensorPlaces places)
      : context(context), builder(context), fileName(fileName),
        places(std::move(places)) {}

  llvm::Expected<OwningOpRef<ModuleOp>> run(const onnx::ModelProto &model) {
    module = ModuleOp::create(NameLoc::get(builder.getStringAttr(fileName)));
    if (llvm::Error error = importHeader(model))
      return std::move(error);
    if (llvm::Error error = importMain(model.graph()))
      return within("graph '" + model.graph().name() + "'", std::move(error));
    return std::move(module);
  }

private:
  llvm::Error importHeader(const onnx::ModelProto &model);
  llvm::Error importMain(const onnx::GraphProto &graph);
  llvm::Error importTypes(const onnx::GraphProto &graph, Scope &scope);
  llvm::Error importWeights(const onnx::GraphProto &graph, Scope &scope);
  llvm::Error importNodes(const onnx::GraphProto &graph, Scope &scope);
  llvm::Error importNode(const onnx::NodeProto &node, Location loc,
                         Scope &scope);
  llvm::Error
  importAttributes(const onnx::NodeProto &node, const Scope &scope,
                   NamedAttrList &attributes,
                   SmallVectorImpl<Attribute> &bodyNames,
                   SmallVectorImpl<std::unique_ptr<Region>> &bodies);
  llvm::Expected<Attribute>
  importAttribute(const onnx::AttributeProto &attribute, StringRef owner);
  llvm::Error importBody(const onnx::GraphProto &graph, const Scope &parent,
                         Region &body);
  llvm::Expected<SmallVector<Value>>
  importOutputs(const onnx::GraphProto &graph, const Scope &scope);
  llvm::Expected<Type> importType(const onnx::TypeProto &type,
                                  SmallVectorImpl<Attribute> *dimNames);
  llvm::Error define(StringRef name, Value value, Scope &scope);
  llvm::Error undefined(StringRef name, const Scope &scope);
  Value absent(Scope &scope);
  /// The symbol of a new weight with the given contents.
  StringAttr addWeight(StringRef name, Location loc,
                       const ImportedTensor &tensor);
  Location locationOf(StringRef name) {
    return NameLoc::get(builder.getStringAttr(name));
  }

  MLIRContext *context;
  OpBuilder builder;
  std::string fileName;
  TensorPlaces places;
  OwningOpRef<ModuleOp> module;
  llvm::StringMap<int64_t> versions;
  llvm::StringMap<unsigned> symbols;
};

} // namespace

//===----------------------------------------------------------------------===//
// Header, types and weights
//===----------------------------------------------------------------------===//

llvm::Error Importer::importHeader(const onnx::ModelProto &model) {
  if (model.functions_size() != 0)
    return fail("field functions: expects a graph without local functions, "
                "got function '" +
                model.functions(0).name() + "'");
  if (model.training_info_size() != 0)
    return fail("field training_info: expects an inference graph, got "
                "training information");
  NamedAttrList opsets;
  for (const onnx::OperatorSetIdProto &opset : model.opset_import()) {
    StringRef domain = canonicalDomain(opset.domain());
    if (opset.version() < 1)
      return fail("field opset_import: expects version >= 1 of domain '" +
                  domain + "', got " + llvm::Twine(opset.version()));
    if (domain.empty() && opset.version() > kNewestOpset)
      return fail("field opset_import: expects version <= " +
                  llvm::Twine(kNewestOpset) + " of domain 'ai.onnx', got " +
                  llvm::Twine(opset.version()));
    if (!versions.try_emplace(domain, opset.version()).second)
      return fail("field opset_import: expects domain '" + domain +
                  "' once, got it again");
    opsets.append(domain.empty() ? "ai.onnx" : domain,
                  builder.getI64IntegerAttr(opset.version()));
  }
  ModuleOp op = *module;
  op->setAttr("graph.ir_version",
              builder.getI64IntegerAttr(model.ir_version()));
  op->setAttr("graph.opsets", opsets.getDictionary(context));
  if (!model.producer_name().empty())
    op->setAttr("graph.producer",
                builder.getStringAttr(StringRef(model.producer_name() + " " +
                                                model.producer_version())
                                          .rtrim()));
  // Of entries with one key the last one holds.
  llvm::MapVector<StringAttr, Attribute> entries;
  for (const onnx::StringStringEntryProto &entry : model.metadata_props())
    if (!entry.key().empty())
      entries[builder.getStringAttr(entry.key())] =
          builder.getStringAttr(entry.value());
  NamedAttrList metadata;
  for (auto [key, value] : entries)
    metadata.append(key, value);
  if (!metadata.empty())
    op->setAttr("graph.metadata", metadata.getDictionary(context));
  return llvm::Error::success();
}

llvm::Expected<Type>
Importer::importType(const onnx::TypeProto &type,
                     SmallVectorImpl<Attribute> *dimNames) {
  if (type.value_case() != onnx::TypeProto::kTensorType)
    return graph::UnknownType::get(context);
  const onnx::TypeProto::Tensor &tensor = type.tensor_type();
  llvm::Expected<Type> element = elementType(tensor.elem_type(), context);
  if (!element)
    return element.takeError();
  if (!tensor.has_shape())
    return UnrankedTensorType::get(*element);
  SmallVector<int64_t> shape, sizes;
  for (const onnx::TensorShapeProto::Dimension &dim : tensor.shape().dim()) {
    bool isStatic = dim.has_dim_value();
    if (isStatic)
      sizes.push_back(dim.dim_value());
    shape.push_back(isStatic ? dim.dim_value() : ShapedType::kDynamic);
    if (dimNames)
      dimNames->push_back(builder.getStringAttr(dim.dim_param()));
  }
  if (llvm::Expected<uint64_t> size = byteSize(sizes, *element); !size)
    return size.takeError();
  if (shape.size() > kMaxRank)
    return fail("expects at most " + llvm::Twine(kMaxRank) +
                " dimensions, got " + llvm::Twine(shape.size()));
  return RankedTensorType::get(shape, *element);
}

llvm::Error Importer::importTypes(const onnx::GraphProto &graph, Scope &scope) {
  for (const auto *values : {&graph.output(), &graph.value_info()})
    for (const onnx::ValueInfoProto &info : *values) {
      llvm::Expected<Type> type = importType(info.type(), nullptr);
      if (!type)
        return within("value '" + info.name() + "'", type.takeError());
      scope.types.try_emplace(info.name(), *type);
    }
  return llvm::Error::success();
}

StringAttr Importer::addWeight(StringRef name, Location loc,
                               const ImportedTensor &tensor) {
  std::string symbol = name.empty() ? "weight" : name.str();
  for (auto found = symbols.try_emplace(symbol, 0); !found.second;
       found = symbols.try_emplace(symbol, 0))
    symbol = (name + "_" + llvm::Twine(++symbols[name])).str();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(module->getBody(), --module->getBody()->end());
  StringAttr attr = builder.getStringAttr(symbol);
  StringAttr file;
  IntegerAttr offset, length;
  if (tensor.place) {
    file = builder.getStringAttr(tensor.place->file);
    offset = builder.getI64IntegerAttr(tensor.place->bytes.offset);
    length = builder.getI64IntegerAttr(tensor.place->bytes.length);
  }
  moe::WeightDataOp::create(builder, loc, attr, TypeAttr::get(tensor.type),
                            file, offset, length, tensor.value);
  return attr;
}

llvm::Error Importer::importWeights(const onnx::GraphProto &graph,
                                    Scope &scope) {
  if (graph.sparse_initializer_size() != 0)
    return fail("initialiser '" + graph.sparse_initializer(0).values().name() +
                "': expects a dense tensor, got a sparse one");
  builder.setInsertionPointToEnd(scope.block);
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    std::string place = "initialiser '" + tensor.name() + "'";
    if (tensor.name().empty())
      return fail(place + ": expects a name");
    llvm::Expected<ImportedTensor> imported =
        importTensor(tensor, places, fileName, context);
    if (!imported)
      return within(place, imported.takeError());
    Location loc = locationOf(tensor.name());
    StringAttr symbol = addWeight(tensor.name(), loc, *imported);
    Value value = moe::WeightOp::create(builder, loc, imported->type,
                                        FlatSymbolRefAttr::get(symbol));
    if (llvm::Error error = define(tensor.name(), value, scope))
      return error;
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

llvm::Error Importer::define(StringRef name, Value value, Scope &scope) {
  if (scope.lookup(name))
    return fail("value '" + name + "': expects one definition, got a second");
  scope.values[name] = value;
  return llvm::Error::success();
}

llvm::Error Importer::undefined(StringRef name, const Scope &scope) {
  for (const Scope *at = &scope; at; at = at->parent)
    for (const onnx::NodeProto &node : at->graph->node())
      if (llvm::is_contained(node.output(), name))
        return fail("expects nodes in topological order, got input '" + name +
                    "' that node '" + node.name() + "' (" + node.op_type() +
                    ") defines later");
  return fail("expects a defined value as input, got '" + name + "'");
}

Value Importer::absent(Scope &scope) {
  if (!scope.none) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(scope.block);
    scope.none =
        graph::NoneOp::create(builder, module->getLoc(), builder.getNoneType());
  }
  return scope.none;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

llvm::Expected<Attribute>
Importer::importAttribute(const onnx::AttributeProto &attribute,
                          StringRef owner) {
  using Proto = onnx::AttributeProto;
  auto strings = [&] {
    SmallVector<Attribute> attrs;
    for (const std::string &string : attribute.strings())
      attrs.push_back(builder.getStringAttr(string));
    return builder.getArrayAttr(attrs);
  };
  switch (attribute.type()) {
  case Proto::FLOAT:
    return builder.getF32FloatAttr(attribute.f());
  case Proto::INT:
    return builder.getI64IntegerAttr(attribute.i());
  case Proto::STRING:
    return builder.getStringAttr(attribute.s());
  case Proto::FLOATS:
    return builder.getDenseF32ArrayAttr(SmallVector<float>(
        attribute.floats().begin(), attribute.floats().end()));
  case Proto::INTS:
    return builder.getDenseI64ArrayAttr(
        SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
  case Proto::STRINGS:
    return strings();
  case Proto::TENSOR: {
    llvm::Expected<ImportedTensor> tensor =
        importTensor(attribute.t(), places, fileName, context);
    if (!tensor)
      return tensor.takeError();
    if (tensor->value)
      return tensor->value;
    StringRef name = attribute.t().name();
    return FlatSymbolRefAttr::get(
        addWeight(name.empty() ? owner : name, locationOf(owner), *tensor));
  }
  default:
    return fail("expects numbers, strings, a tensor or a graph, got attribute "
                "type " +
                llvm::Twine(int(attribute.type())));
  }
}

llvm::Error
Importer::importAttributes(const onnx::NodeProto &node, const Scope &scope,
                           NamedAttrList &attributes,
                           SmallVectorImpl<Attribute> &bodyNames,
                           SmallVectorImpl<std::unique_ptr<Region>> &bodies) {
  llvm::StringSet<> names;
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    std::string place = "attribute '" + attribute.name() + "'";
    if (attribute.name().empty() || !names.insert(attribute.name()).second)
      return fail(place + ": expects a name of its own");
    if (!attribute.ref_attr_name().empty())
      return fail(place + ": expects a value, got a reference to '" +
                  attribute.ref_attr_name() + "'");
    if (attribute.type() == onnx::AttributeProto::GRAPH) {
      bodies.push_back(std::make_unique<Region>());
      bodyNames.push_back(builder.getStringAttr(attribute.name()));
      if (llvm::Error error = importBody(attribute.g(), scope, *bodies.back()))
        return within(place, std::move(error));
      continue;
    }
    llvm::Expected<Attribute> value = importAttribute(attribute, node.name());
    if (!value)
      return within(place, value.takeError());
    attributes.append(attribute.name(), *value);
  }
  return llvm::Error::success();
}

llvm::Error Importer::importNode(const onnx::NodeProto &node, Location loc,
                                 Scope &scope) {
  if (node.op_type().empty())
    return fail("expects an op type");
  StringRef domain = canonicalDomain(node.domain());
  auto version = versions.find(domain);
  if (version == versions.end())
    return fail("expects an opset_import of domain '" + domain + "'");

  SmallVector<Value> inputs;
  for (const std::string &name : node.input()) {
    Value value = name.empty() ? absent(scope) : scope.lookup(name);
    if (!value)
      return undefined(name, scope);
    inputs.push_back(value);
  }
  NamedAttrList attributes;
  SmallVector<Attribute> bodyNames;
  SmallVector<std::unique_ptr<Region>> bodies;
  if (llvm::Error error =
          importAttributes(node, scope, attributes, bodyNames, bodies))
    return error;

  SmallVector<Type> types;
  for (const std::string &name : node.output()) {
    Type type = graph::UnknownType::get(context);
    if (name.empty())
      type = builder.getNoneType();
    else if (auto stated = scope.types.find(name); stated != scope.types.end())
      type = stated->second;
    types.push_back(type);
  }
  builder.setInsertionPointToEnd(scope.block);
  auto op = graph::NodeOp::create(
      builder, loc, types, builder.getStringAttr(node.op_type()), inputs,
      builder.getStringAttr(domain), builder.getI64IntegerAttr(version->second),
      attributes.getDictionary(context),
      bodyNames.empty() ? ArrayAttr() : builder.getArrayAttr(bodyNames),
      unsigned(bodies.size()));
  for (auto [region, body] : llvm::zip_equal(op.getBodies(), bodies))
    region.takeBody(*body);
  for (auto [name, value] : llvm::zip_equal(node.output(), op.getOutputs()))
    if (!name.empty())
      if (llvm::Error error = define(name, value, scope))
        return error;
  return llvm::Error::success();
}

llvm::Error Importer::importNodes(const onnx::GraphProto &graph, Scope &scope) {
  for (int i = 0, e = graph.node_size(); i < e; ++i) {
    const onnx::NodeProto &node = graph.node(i);
    std::string name =
        node.name().empty() ? "#" + std::to_string(i) : node.name();
    if (llvm::Error error = importNode(node, locationOf(name), scope))
      return within("node '" + name + "' (" + node.op_type() + ")",
                    std::move(error));
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

llvm::Expected<SmallVector<Value>>
Importer::importOutputs(const onnx::GraphProto &graph, const Scope &scope) {
  SmallVector<Value> values;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    Value value = scope.lookup(output.name());
    if (!value)
      return fail("output '" + output.name() +
                  "': expects a defined value, got none of that name");
    values.push_back(value);
  }
  return values;
}

llvm::Error Importer::importBody(const onnx::GraphProto &graph,
                                 const Scope &parent, Region &body) {
  Scope scope;
  scope.parent = &parent;
  scope.graph = &graph;
  scope.block = &body.emplaceBlock();
  if (llvm::Error error = importTypes(graph, scope))
    return error;
  llvm::StringSet<> weights;
  for (const onnx::TensorProto &tensor : graph.initializer())
    weights.insert(tensor.name());
  for (const onnx::ValueInfoProto &input : graph.input()) {
    if (weights.contains(input.name()))
      continue;
    llvm::Expected<Type> type = importType(input.type(), nullptr);
    if (!type)
      return within("input '" + input.name() + "'", type.takeError());
    Value value = scope.block->addArgument(*type, locationOf(input.name()));
    if (llvm::Error error = define(input.name(), value, scope))
      return error;
  }
  if (llvm::Error error = importWeights(graph, scope))
    return error;
  if (llvm::Error error = importNodes(graph, scope))
    return error;
  llvm::Expected<SmallVector<Value>> outputs = importOutputs(graph, scope);
  if (!outputs)
    return outputs.takeError();
  builder.setInsertionPointToEnd(scope.block);
  graph::YieldOp::create(builder, module->getLoc(), *outputs);
  return llvm::Error::success();
}

llvm::Error Importer::importMain(const onnx::GraphProto &graph) {
  Scope scope;
  scope.graph = &graph;
  if (llvm::Error error = importTypes(graph, scope))
    return error;
  builder.setInsertionPointToEnd(module->getBody());
  auto main = func::FuncOp::create(builder, module->getLoc(), "main",
                                   builder.getFunctionType({}, {}));
  symbols.try_emplace("main", 0);
  scope.block = main.addEntryBlock();

  llvm::StringSet<> weights;
  for (const onnx::TensorProto &tensor : graph.initializer())
    weights.insert(tensor.name());
  auto describe = [&](const onnx::ValueInfoProto &info,
                      ArrayRef<Attribute> dims) {
    NamedAttrList attrs;
    attrs.append("moe.name", builder.getStringAttr(info.name()));
    if (!dims.empty())
      attrs.append("moe.dims", builder.getArrayAttr(dims));
    return attrs.getDictionary(context);
  };
  SmallVector<Attribute> argAttrs, resultAttrs;
  for (const onnx::ValueInfoProto &input : graph.input()) {
    if (weights.contains(input.name()))
      continue;
    SmallVector<Attribute> dims;
    llvm::Expected<Type> type = importType(input.type(), &dims);
    if (!type)
      return within("input '" + input.name() + "'", type.takeError());
    if (!isa<TensorType>(*type))
      return fail("input '" + input.name() + "': expects a tensor type");
    Value value = scope.block->addArgument(*type, locationOf(input.name()));
    if (llvm::Error error = define(input.name(), value, scope))
      return error;
    argAttrs.push_back(describe(input, dims));
  }
  if (llvm::Error error = importWeights(graph, scope))
    return error;
  if (llvm::Error error = importNodes(graph, scope))
    return error;
  llvm::Expected<SmallVector<Value>> outputs = importOutputs(graph, scope);
  if (!outputs)
    return outputs.takeError();
  for (const onnx::ValueInfoProto &output : graph.output()) {
    SmallVector<Attribute> dims;
    llvm::Expected<Type> type = importType(output.type(), &dims);
    if (!type)
      return within("output '" + output.name() + "'", type.takeError());
    resultAttrs.push_back(describe(output, dims));
  }
  builder.setInsertionPointToEnd(scope.block);
  auto results = func::ReturnOp::create(builder, module->getLoc(), *outputs);
  main.setFunctionType(builder.getFunctionType(scope.block->getArgumentTypes(),
                                               results.getOperandTypes()));
  main.setArgAttrsAttr(builder.getArrayAttr(argAttrs));
  main.setResAttrsAttr(builder.getArrayAttr(resultAttrs));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {

llvm::Expected<OwningOpRef<ModuleOp>>
importBytes(StringRef bytes, StringRef fileName, MLIRContext &context) {
  if (bytes.empty())
    return fail("expects an ONNX model, got an empty file");
  if (llvm::Error error = checkWireFormat(bytes))
    return std::move(error);
  onnx::ModelProto model;
  {
    llvm::Expected<std::optional<std::string>> cut =
        cutRawData(bytes, kInlineBytes);
    if (!cut)
      return cut.takeError();
    StringRef rest = *cut ? StringRef(**cut) : bytes;
    if (rest.size() > size_t(std::numeric_limits<int32_t>::max()))
      return fail("expects less than 2 GiB beside the raw data of its "
                  "weights, got " +
                  llvm::Twine(rest.size()) + " bytes");
    google::protobuf::LogSilencer silencer;
    if (!model.ParseFromArray(rest.data(), int(rest.size())))
      return fail("expects an ONNX model, got bytes that are not one or that "
                  "nest too deeply");
  }
  if (!model.has_graph())
    return fail("expects an ONNX model, got a file without a graph");
  llvm::Expected<TensorPlaces> places = locateTensors(bytes, model);
  if (!places)
    return places.takeError();
  context
      .loadDialect<func::FuncDialect, graph::GraphDialect, moe::MoeDialect>();
  return Importer(&context, fileName, std::move(*places)).run(model);
}

} // namespace

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::importOnnx(llvm::MemoryBufferRef file, MLIRContext &context) {
  StringRef path = file.getBufferIdentifier();
  llvm::Expected<OwningOpRef<ModuleOp>> module =
      importBytes(file.getBuffer(), llvm::sys::path::filename(path), context);
  if (!module)
    return within(path, oneLine(module.takeError()));
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::importOnnx(StringRef path, MLIRContext &context) {
  auto buffer = readFile(path);
  if (!buffer)
    return within(path, buffer.takeError());
  return importOnnx(**buffer, context);
}
