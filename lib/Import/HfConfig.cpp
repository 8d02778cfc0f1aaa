//===- HfConfig.cpp - import of Hugging Face configurations ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the text and hands the object to the reader of the architecture that
// `model_type` and `architectures` name.
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/HfConfig.h"
#include "lib/Import/HfConfigModels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "portolan/Support/File.h"
#include "llvm/ADT/SetVector.h"
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

/// A reader by what a file says of itself. The first entry of a type is that of
/// a file that names no architecture.
struct Architecture {
  StringRef modelType;
  StringRef name; ///< in `architectures`
  void (*read)(HfConfigReader &, DecoderSpec &);
};
constexpr Architecture kArchitectures[] = {
    {"mixtral", "MixtralForCausalLM", readMixtral},
    {"mixtral", "Grok1ModelForCausalLM", readGrok},
    {"qwen3_moe", "Qwen3MoeForCausalLM", readQwen3},
    {"gemma4", "Gemma4ForConditionalGeneration", readGemma4},
    {"deepseek_v4", "DeepseekV4ForCausalLM", readDeepSeekV4},
    {"kimi_k3", "KimiK3ForConditionalGeneration", readKimiK3},
    {"jamba", "JambaForCausalLM", readJamba},
    {"minimax_m1", "MiniMaxM1ForCausalLM", readMiniMaxM1},
    {"minimax_m3", "MiniMaxM3ForCausalLM", readMiniMaxM3},
    {"nemotron_h", "NemotronHForCausalLM", readNemotronH},
    {"qwen3_next", "Qwen3NextForCausalLM", readQwen3Next},
    {"qwen3_5_moe", "Qwen3_5MoeForConditionalGeneration", readQwen35},
    {"deepseek_v3", "DeepseekV3ForCausalLM", readDeepSeek},
    {"kimi_k2", "DeepseekV3ForCausalLM", readDeepSeek},
    {"gpt_oss", "GptOssForCausalLM", readGptOss},
    {"glm4_moe", "Glm4MoeForCausalLM", readGlm4},
    {"olmoe", "OlmoeForCausalLM", readOlmoe},
    {"minimax_m2", "MiniMaxM2ForCausalLM", readMiniMaxM2},
    {"arctic", "ArcticForCausalLM", readArctic},
    {"deepseek_v2", "DeepseekV2ForCausalLM", readDeepSeekV2},
    {"deepseek_v32", "DeepseekV32ForCausalLM", readDeepSeekV32},
    {"glm_moe_dsa", "GlmMoeDsaForCausalLM", readDeepSeekV32},
    {"phimoe", "PhiMoEForCausalLM", readPhiMoe},
    {"llama4", "Llama4ForConditionalGeneration", readLlama4},
    {"dbrx", "DbrxForCausalLM", readDbrx},
    {"mimo_v2_flash", "MiMoV2FlashForCausalLM", readMiMoV2},
    {"hunyuan", "HunYuanForCausalLM", readHunYuan},
    {"step3p7", "Step3p7FlashForCausalLM", readStep37},
    {"step3p7", "Step3p7ForConditionalGeneration", readStep37},
};

/// The entry for the file; fails on an unknown type or architecture.
const Architecture &readArchitecture(HfConfigReader &reader) {
  llvm::SetVector<StringRef> types;
  for (const Architecture &architecture : kArchitectures)
    types.insert(architecture.modelType);
  StringRef type = types[reader.choice("model_type", types.getArrayRef())];
  SmallVector<const Architecture *> candidates;
  for (const Architecture &architecture : kArchitectures)
    if (architecture.modelType == type)
      candidates.push_back(&architecture);
  if (!reader.has("architectures"))
    return *candidates.front();
  std::vector<std::string> names = reader.strings("architectures");
  for (const Architecture *candidate : candidates)
    if (llvm::is_contained(names, candidate->name))
      return *candidate;
  std::string expected = candidates.size() > 1 ? "one of " : "";
  for (const Architecture *candidate : candidates)
    expected += (candidate == candidates.front() ? "\"" : ", \"") +
                candidate->name.str() + "\"";
  reader.fail("architectures", expected);
  return *candidates.front();
}

} // namespace

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
  const Architecture &architecture = readArchitecture(reader);
  if (reader.failed())
    return reader.takeError();

  context.loadDialect<moe::MoeDialect, func::FuncDialect, tensor::TensorDialect,
                      arith::ArithDialect, linalg::LinalgDialect>();
  DecoderSpec spec;
  spec.context = &context;
  spec.name = name.str();
  architecture.read(reader, spec);
  ignoreCommonFields(reader);
  reader.finish();
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
