//===- ModelsCommand.cpp - portolan models --------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lists the models that ship, or prints one model: its sizes, its formats and
// the ops of each distinct layer.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "mlir/IR/MLIRContext.h"
#include "portolan/Analysis/ModelShape.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;
namespace json = llvm::json;

namespace {

/// A model and what was read from it.
struct Sheet {
  std::string name;
  ModelShape shape;
  ParameterCount parameters;
};

llvm::Expected<Sheet> readSheet(llvm::StringRef model) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reportWarnings(context);
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      loadServedModel(model, context);
  if (!module)
    return module.takeError();
  llvm::Expected<ModelShape> shape = extractModelShape(**module);
  if (!shape)
    return shape.takeError();
  llvm::Expected<ParameterCount> parameters = countParameters(**module);
  if (!parameters)
    return parameters.takeError();
  return Sheet{shape->name, std::move(*shape), *parameters};
}

//===----------------------------------------------------------------------===//
// Shapes of ops
//===----------------------------------------------------------------------===//

/// A size of an op with the name that a report gives it.
struct Size {
  const char *name;
  int64_t value;
};

/// The sizes of an op for one token (see the table in LocalOp.h).
std::vector<Size> sizesOf(const LocalOp &op) {
  switch (op.kind) {
  case OpKind::linear:
    if (op.heads > 1)
      return {{"groups", op.heads},
              {"inputs", op.inner * op.heads},
              {"outputs", op.outer}};
    return {{"inputs", op.inner}, {"outputs", op.outer}};
  case OpKind::mlp:
    return {{"hidden", op.inner}, {"intermediate", op.outer}};
  case OpKind::attention: {
    std::vector<Size> sizes = {{"heads", op.heads},
                               {"kv_heads", op.kvHeads},
                               {"key_width", op.inner},
                               {"value_width", op.outer}};
    if (op.topK > 0)
      sizes.push_back({"chosen_keys", op.topK});
    if (op.borrows)
      sizes.push_back({"borrowed_caches", 1});
    return sizes;
  }
  case OpKind::recurrence:
    return {{"heads", op.heads},
            {"key_heads", op.kvHeads},
            {"key_width", op.inner},
            {"value_width", op.outer}};
  case OpKind::poolKeys:
    return {{"tokens", op.chunk}, {"pooled", op.inner}, {"width", op.outer}};
  case OpKind::pooledAttention: {
    std::vector<Size> sizes = {
        {"heads", op.heads}, {"width", op.inner}, {"window", op.window}};
    if (op.chunk > 0)
      sizes.push_back({"tokens_per_entry", op.chunk});
    if (op.topKeys > 0) {
      sizes.push_back({"chosen_entries", op.topKeys});
      sizes.push_back({"index_heads", op.indexHeads});
      sizes.push_back({"index_width", op.indexWidth});
    }
    return sizes;
  }
  case OpKind::depthAttention:
  case OpKind::readStreams:
  case OpKind::writeStreams:
    return {{"streams", op.inner}, {"width", op.outer}};
  case OpKind::shortConvolution:
    return {{"taps", op.inner}, {"channels", op.outer}};
  case OpKind::latentAttention: {
    std::vector<Size> sizes = {{"heads", op.heads},
                               {"latent", op.inner},
                               {"key_width", op.keyWidth},
                               {"rotary_width", op.ropeWidth},
                               {"value_width", op.outer}};
    if (op.topKeys > 0)
      sizes.push_back({"chosen_keys", op.topKeys});
    if (op.indexHeads > 0)
      sizes.push_back({"index_heads", op.indexHeads});
    return sizes;
  }
  case OpKind::route:
    return {{"hidden", op.inner}, {"experts", op.outer}, {"top_k", op.topK}};
  case OpKind::experts:
    return {{"experts", op.experts},
            {"hidden", op.inner},
            {"intermediate", op.outer}};
  case OpKind::dispatch:
  case OpKind::combine:
    return {{"hidden", op.outer}, {"top_k", op.topK}};
  default:
    return {{"width", op.outer}};
  }
}

bool hasWeight(OpKind kind) {
  return kind == OpKind::embedding || kind == OpKind::linear ||
         kind == OpKind::mlp || kind == OpKind::latentAttention ||
         kind == OpKind::route || kind == OpKind::experts;
}

/// The name of an op within its layer.
llvm::StringRef shortName(const ModelOp &op, const LayerShape &layer) {
  llvm::StringRef name = op.name;
  if (name.consume_front(layer.name))
    name.consume_front(".");
  return name;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string billions(int64_t count) {
  return llvm::formatv("{0:f2} B", double(count) / 1e9);
}

void printList(llvm::raw_ostream &os, llvm::ArrayRef<Sheet> sheets) {
  os << llvm::formatv("{0,-28}{1,8}{2,12}{3,12}{4,10}\n", "model", "layers",
                      "parameters", "active", "weights");
  std::string usual = defaultModelName();
  for (const Sheet &sheet : sheets)
    os << llvm::formatv("{0,-28}{1,8}{2,12}{3,12}{4,10}{5}\n", sheet.name,
                        sheet.shape.depth(), billions(sheet.parameters.total),
                        billions(sheet.parameters.active),
                        spell(sheet.shape.shippedWeight),
                        sheet.name == usual ? "  default" : "");
}

void printLayer(llvm::raw_ostream &os, const LayerShape &layer,
                const llvm::Twine &title) {
  os << "\n" << title << "\n";
  // Names of graphs are long.
  size_t width = 18;
  for (const ModelOp &op : layer.ops)
    width = std::max(width, shortName(op, layer).size() + 2);
  for (const ModelOp &op : layer.ops) {
    std::vector<std::string> sizes;
    for (const Size &size : sizesOf(op.local))
      sizes.push_back(llvm::formatv("{0} {1}", size.name, size.value));
    os << "  " << llvm::left_justify(shortName(op, layer), width)
       << llvm::formatv("{0,-18}{1,-6}{2}\n", spell(op.local.kind),
                        hasWeight(op.local.kind) ? spell(op.local.weight) : "-",
                        llvm::join(sizes, ", "));
  }
}

void printSheet(llvm::raw_ostream &os, const Sheet &sheet) {
  const ModelShape &shape = sheet.shape;
  auto row = [&](const char *name, const llvm::Twine &value) {
    os << llvm::formatv("  {0,-20}{1}\n", name, value.str());
  };
  os << sheet.name << "\n";
  std::vector<std::string> classes;
  for (unsigned i = 0; i < shape.layers.size(); ++i) {
    classes.push_back(
        llvm::formatv("{0} {1}", shape.callsOf(i), shape.layers[i].name));
    if (int64_t depth = shape.layers[i].depth; depth > 1)
      classes.back() += llvm::formatv(" of {0}", depth).str();
  }
  row("layers",
      llvm::Twine(shape.depth()) + " (" + llvm::join(classes, ", ") + ")");
  row("hidden width", llvm::Twine(shape.hidden));
  row("parameters", llvm::formatv("{0:n} ({1})", sheet.parameters.total,
                                  billions(sheet.parameters.total))
                        .str());
  row("active per token", llvm::formatv("{0:n} ({1})", sheet.parameters.active,
                                        billions(sheet.parameters.active))
                              .str());
  row("attention",
      llvm::Twine(shape.heads) + " heads, " +
          (shape.latentAttention ? llvm::Twine("one latent for all")
                                 : llvm::Twine(shape.kvHeads) + " of keys and "
                                                                "values"));
  if (shape.experts > 0) {
    std::string groups;
    if (shape.groups > 1)
      groups = llvm::formatv(", from {0} of {1} groups", shape.topGroups,
                             shape.groups);
    row("experts", llvm::Twine(shape.experts) + ", " + llvm::Twine(shape.topK) +
                       " per token" + groups);
  }
  row("shipped formats", "weights " + spell(shape.shippedWeight) +
                             ", activations " + spell(shape.shippedActivation) +
                             ", cache " + spell(shape.shippedCache));
  if (std::string source = shippedModelSource(sheet.name); !source.empty())
    row("source", source);
  printLayer(os, shape.prologue, "before the layers");
  for (unsigned i = 0; i < shape.layers.size(); ++i)
    printLayer(os, shape.layers[i],
               shape.layers[i].name + " (" + llvm::Twine(shape.callsOf(i)) +
                   " times)");
  printLayer(os, shape.epilogue, "after the layers");
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

json::Object modelJson(const Sheet &sheet) {
  return json::Object{{"name", sheet.name},
                      {"parameters_total", sheet.parameters.total},
                      {"parameters_active", sheet.parameters.active},
                      {"layers", sheet.shape.depth()}};
}

json::Object layerJson(const LayerShape &layer, int64_t calls) {
  json::Array ops;
  for (const ModelOp &op : layer.ops) {
    json::Object sizes;
    for (const Size &size : sizesOf(op.local))
      sizes[size.name] = size.value;
    json::Object entry{{"name", shortName(op, layer)},
                       {"op", spell(op.local.kind)},
                       {"sizes", std::move(sizes)}};
    if (hasWeight(op.local.kind))
      entry["weights"] = spell(op.local.weight);
    ops.push_back(std::move(entry));
  }
  return json::Object{
      {"name", layer.name}, {"calls", calls}, {"ops", std::move(ops)}};
}

json::Value sheetJson(const Sheet &sheet) {
  const ModelShape &shape = sheet.shape;
  json::Array layers{layerJson(shape.prologue, 1)};
  for (unsigned i = 0; i < shape.layers.size(); ++i)
    layers.push_back(layerJson(shape.layers[i], shape.callsOf(i)));
  layers.push_back(layerJson(shape.epilogue, 1));
  return json::Object{
      {"schema_version", 1},
      {"model", modelJson(sheet)},
      {"formats", json::Object{{"weights", spell(shape.shippedWeight)},
                               {"activations", spell(shape.shippedActivation)},
                               {"cache", spell(shape.shippedCache)}}},
      {"layers", std::move(layers)}};
}

json::Value listJson(llvm::ArrayRef<Sheet> sheets) {
  json::Array models;
  std::string usual = defaultModelName();
  for (const Sheet &sheet : sheets) {
    json::Object entry = modelJson(sheet);
    entry["default"] = sheet.name == usual;
    entry["source"] = shippedModelSource(sheet.name);
    models.push_back(std::move(entry));
  }
  return json::Object{{"schema_version", 1}, {"models", std::move(models)}};
}

//===----------------------------------------------------------------------===//
// Command
//===----------------------------------------------------------------------===//

int runModels(llvm::StringRef model, llvm::StringRef jsonPath) {
  std::vector<std::string> names = model.empty()
                                       ? shippedModelNames()
                                       : std::vector<std::string>{model.str()};
  std::vector<Sheet> sheets;
  for (const std::string &name : names) {
    llvm::Expected<Sheet> sheet = readSheet(name);
    if (!sheet)
      return reportError(sheet.takeError());
    sheets.push_back(std::move(*sheet));
  }
  if (jsonPath != "-") {
    if (model.empty())
      printList(llvm::outs(), sheets);
    else
      printSheet(llvm::outs(), sheets.front());
  }
  if (jsonPath.empty())
    return kExitDone;
  if (llvm::Error error =
          writeJson(jsonPath, model.empty() ? listJson(sheets)
                                            : sheetJson(sheets.front())))
    return reportError(std::move(error));
  return kExitDone;
}

} // namespace

Command portolan::modelsCommand() {
  static cl::SubCommand sub("models", "List the models that ship, or show one");
  static cl::opt<std::string> model(cl::Positional, cl::sub(sub),
                                    cl::desc("[NAME]"),
                                    cl::value_desc("name or file"));
  static cl::opt<std::string> jsonPath(
      "json", cl::sub(sub),
      cl::desc("Write JSON to a file, or - for standard "
               "output"),
      cl::value_desc("FILE|-"));
  return {&sub, [] { return runModels(model, jsonPath); }};
}
