//===- HfConfigQuantization.cpp - how a checkpoint keeps its matrices -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `quantization_config` to number formats. Embedding, norms, router and head
// stay plain in every kind that is read. Lists of modules that are left out are
// applied to names of modules of three kinds (attention, dense blocks, experts)
// in every layer; one that takes some modules of a kind but not all is refused,
// as a kind has one format.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigFields.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

/// Whether an entry of a list of modules means `module`: "re:EXPRESSION", a
/// pattern with `*`, or the name of the module or of one around it.
bool means(StringRef entry, StringRef module) {
  if (entry.consume_front("re:"))
    return llvm::Regex(entry).match(module);
  if (entry.contains('*')) {
    std::string expression = "(^|\\.)";
    for (char c : entry)
      expression +=
          c == '*' ? std::string(".*") : llvm::Regex::escape(StringRef(&c, 1));
    return llvm::Regex(expression + "(\\.|$)").match(module);
  }
  std::string within = ("." + module + ".").str();
  return StringRef(within).contains(("." + entry + ".").str());
}

/// The names of the modules of a kind in one layer, "%" for the layer.
struct Kind {
  WeightFormat FormatSpec::*format;
  llvm::ArrayRef<StringRef> modules;
};
constexpr StringRef kAttention[] = {"model.layers.%.self_attn.q_proj",
                                    "model.layers.%.self_attn.o_proj"};
constexpr StringRef kMlp[] = {"model.layers.%.mlp.gate_proj",
                              "model.layers.%.mlp.shared_experts.down_proj"};
constexpr StringRef kExperts[] = {"model.layers.%.mlp.experts.0.down_proj"};

/// Returns the kinds that are left out of the quantization to the plain type.
void applyExclusions(HfConfigReader &reader, StringRef field, int64_t layers,
                     FormatSpec &formats) {
  if (!reader.has(field))
    return;
  std::vector<std::string> entries = reader.strings(field);
  for (const std::string &entry : entries)
    if (StringRef expression = entry; expression.consume_front("re:"))
      reader.require(llvm::Regex(expression).isValid(), field,
                     "regular expressions after re:");
  if (reader.failed())
    return;
  for (const Kind &kind :
       {Kind{&FormatSpec::attention, kAttention}, Kind{&FormatSpec::mlp, kMlp},
        Kind{&FormatSpec::experts, kExperts}}) {
    int64_t left = 0, all = 0;
    for (StringRef module : kind.modules)
      for (int64_t layer = 0; layer < layers; ++layer, ++all) {
        auto [head, tail] = module.split('%');
        std::string name = (head + Twine(layer) + tail).str();
        left += llvm::any_of(
            entries, [&](StringRef entry) { return means(entry, name); });
      }
    if (left == all)
      formats.*kind.format = formats.plain;
    else
      reader.require(left == 0, field,
                     "all modules of a kind or none (" +
                         kind.modules.front().split('%').second.drop_front() +
                         " of all layers)");
  }
}

/// 8-bit floats with one scale per block of the matrix.
void readFp8(HfConfigReader &reader, FormatSpec &formats) {
  reader.choice("fmt", {"e4m3", "float8_e4m3fn"});
  // Both quantize activations to the weights' format, before or while serving.
  reader.choice("activation_scheme", {"dynamic", "static"});
  if (reader.has("scale_fmt"))
    reader.choice("scale_fmt", {"ue8m0", "float32"});
  reader.ignore({"weight_block_size"});
  FormatPair fp8{Format::fp8, Format::fp8};
  formats.setMatrices(
      {Float8E4M3FNType::get(formats.plain.getContext()), fp8, fp8});
}

/// Narrow weights that are widened to the plain type on their way into the
/// matmul.
WeightFormat widened(Type element, Format storage, const FormatSpec &formats) {
  WeightFormat format(element);
  format.weight = FormatPair{storage, *moe::formatOf(formats.plain)};
  return format;
}

WeightFormat mxfp4(const FormatSpec &formats) {
  return widened(Float4E2M1FNType::get(formats.plain.getContext()),
                 Format::mxfp4, formats);
}

/// One group of weight-only quantization, 32 elements to a scale.
void readCompressedTensors(HfConfigReader &reader, FormatSpec &formats) {
  reader.onlyNull("kv_cache_scheme");
  reader.ignore({"quantization_status", "global_compression_ratio", "version",
                 "sparsity_config", "transform_config"});
  bool isFloat =
      reader.choice("format", {"pack-quantized", "mxfp4-pack-quantized"}) == 1;
  reader.nested("config_groups", [&](HfConfigReader &groups) {
    groups.nested("group_0", [&](HfConfigReader &group) {
      group.onlyNull("input_activations");
      group.onlyNull("output_activations");
      group.ignore({"format", "targets"});
      group.nested("weights", [&](HfConfigReader &weights) {
        weights.integer("num_bits", 4, 4);
        weights.choice("type", {isFloat ? StringRef("float") : "int"});
        weights.choice("strategy", {"group"});
        weights.integer("group_size", 32, 32);
        weights.onlyFlag("symmetric", true);
        weights.onlyFlag("dynamic", false);
        weights.onlyNull("actorder");
        weights.onlyNull("block_structure");
        weights.ignore(
            {"observer", "observer_kwargs", "scale_dtype", "zp_dtype"});
      });
    });
  });
  formats.setMatrices(
      isFloat ? mxfp4(formats)
              : widened(IntegerType::get(formats.plain.getContext(), 4),
                        Format::int4, formats));
}

} // namespace

void portolan::readQuantization(HfConfigReader &reader, FormatSpec &formats) {
  if (!reader.has("quantization_config"))
    return;
  int64_t layers =
      reader.has("num_hidden_layers") ? readLayers(reader) : int64_t(1);
  reader.nested("quantization_config", [&](HfConfigReader &inner) {
    switch (
        inner.choice("quant_method", {"fp8", "mxfp4", "compressed-tensors"})) {
    case 0:
      readFp8(inner, formats);
      break;
    case 1:
      // The kind quantizes the experts alone, whatever the list says.
      formats.experts = mxfp4(formats);
      break;
    default:
      readCompressedTensors(inner, formats);
    }
    for (StringRef kept :
         {"ignored_layers", "modules_to_not_convert", "ignore"})
      applyExclusions(inner, kept, layers, formats);
  });
}
