//===- HfConfig.cpp - import of Hugging Face configurations ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the text, the fields that every architecture has, and hands the rest to
// the reader of the architecture that `model_type` names.
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/HfConfig.h"
#include "lib/Import/HfConfigModels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "portolan/Support/File.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

/// A configuration is a few kilobytes of shallow JSON. The parser recurses, so
/// deep nesting is refused before it runs.
constexpr uint64_t kMaxBytes = uint64_t(16) << 20;
constexpr unsigned kMaxDepth = 64;

bool nestsTooDeep(StringRef text) {
  unsigned depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '[' || c == '{') && ++depth > kMaxDepth)
      return true;
    else if (!quoted && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return false;
}

llvm::Expected<llvm::json::Value> parseConfig(StringRef text, StringRef file) {
  if (text.trim().empty())
    return llvm::createStringError(
        Twine(file) + ": expects a configuration, got an empty file");
  if (nestsTooDeep(text))
    return llvm::createStringError(Twine(file) +
                                   ": expects JSON nested at most " +
                                   Twine(kMaxDepth) + " deep");
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value)
    return llvm::createStringError(Twine(file) + ": expects JSON, got " +
                                   llvm::toString(value.takeError()));
  return value;
}

/// A model type and its reader.
struct Architecture {
  StringRef modelType;
  void (*read)(HfConfigReader &, DecoderSpec &);
};
constexpr Architecture kArchitectures[] = {{"mixtral", readMixtral},
                                           {"deepseek_v3", readDeepSeek},
                                           {"kimi_k2", readDeepSeek}};

void readQuantization(HfConfigReader &reader, MLIRContext &context,
                      FormatSpec &formats) {
  if (!reader.has("quantization_config"))
    return;
  reader.nested("quantization_config", [&](HfConfigReader &inner) {
    inner.choice("quant_method", {"fp8"});
    inner.choice("fmt", {"e4m3"});
    // Both quantize activations to the weights' format, before or while
    // serving.
    inner.choice("activation_scheme", {"dynamic", "static"});
    for (StringRef kept : {"ignored_layers", "modules_to_not_convert"})
      inner.onlyNull(kept);
  });
  formats.matrix = Float8E4M3FNType::get(&context);
  formats.quantized = true;
}

/// The fields that all architectures share.
void readCommon(HfConfigReader &reader, MLIRContext &context,
                DecoderSpec &spec) {
  spec.hidden = reader.size("hidden_size");
  spec.vocabulary = reader.size("vocab_size", kMaxVocabulary);
  spec.epsilon = reader.positive("rms_norm_eps");
  spec.rotary.positions = reader.size("max_position_embeddings", kMaxPositions);
  spec.rotary.theta = reader.positive("rope_theta");
  // A tied head would be a transposed view of the embedding.
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_bias", false);
  // Newer files say `dtype` and keep the rotation in `rope_parameters`, with
  // rules of its own.
  reader.onlyNull("rope_parameters");
  StringRef type = reader.has("torch_dtype") || !reader.has("dtype")
                       ? "torch_dtype"
                       : "dtype";
  Type plain[] = {BFloat16Type::get(&context), Float16Type::get(&context),
                  Float32Type::get(&context)};
  spec.formats.plain =
      plain[reader.choice(type, {"bfloat16", "float16", "float32"})];
  spec.formats.matrix = spec.formats.plain;
  readQuantization(reader, context, spec.formats);
}

} // namespace

moe::Activation portolan::readActivation(HfConfigReader &reader) {
  constexpr moe::Activation kActivations[] = {
      moe::Activation::silu, moe::Activation::gelu, moe::Activation::gelu_tanh,
      moe::Activation::relu};
  return kActivations[reader.choice(
      "hidden_act", {"silu", "gelu", "gelu_pytorch_tanh", "relu"})];
}

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::importHfConfigText(StringRef text, StringRef file, StringRef name,
                             MLIRContext &context) {
  llvm::Expected<llvm::json::Value> value = parseConfig(text, file);
  if (!value)
    return value.takeError();
  const llvm::json::Object *object = value->getAsObject();
  if (!object)
    return llvm::createStringError(
        Twine(file) + ": expects a JSON object with a model's configuration");

  HfConfigReader reader(file, *object);
  SmallVector<StringRef> types;
  for (const Architecture &architecture : kArchitectures)
    types.push_back(architecture.modelType);
  unsigned architecture = reader.choice("model_type", types);
  if (reader.failed())
    return reader.takeError();

  context.loadDialect<moe::MoeDialect, func::FuncDialect, tensor::TensorDialect,
                      arith::ArithDialect>();
  DecoderSpec spec;
  spec.name = name.str();
  readCommon(reader, context, spec);
  kArchitectures[architecture].read(reader, spec);
  if (reader.failed())
    return reader.takeError();
  return buildDecoder(spec, file, context);
}

llvm::Expected<OwningOpRef<ModuleOp>>
portolan::importHfConfig(StringRef path, MLIRContext &context) {
  auto buffer = readFile(path, /*isText=*/true, kMaxBytes);
  if (!buffer)
    return llvm::createStringError(Twine(path) + ": " +
                                   llvm::toString(buffer.takeError()));
  StringRef name = llvm::sys::path::stem(path);
  if (name == "config") {
    StringRef folder =
        llvm::sys::path::filename(llvm::sys::path::parent_path(path));
    if (!folder.empty() && folder != "." && folder != "..")
      name = folder;
  }
  return importHfConfigText((*buffer)->getBuffer(), path, name, context);
}
