//===- HfConfigErrorsTest.cpp - refusal of bad configurations -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every case changes one field of a good configuration and expects the whole
// error.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Import/HfConfig.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

using JsonValue = llvm::json::Value;

class HfConfigErrors : public testing::Test {
protected:
  llvm::json::Object read(llvm::StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(
        llvm::Twine(PORTOLAN_CONFIGS "/") + name + ".json");
    return *llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()))
                .getAsObject();
  }

  std::string import(llvm::StringRef text) {
    auto module = importHfConfigText(text, "c.json", "m", context);
    return module ? "imported" : llvm::toString(module.takeError());
  }

  std::string import(llvm::json::Object config) {
    return import(llvm::formatv("{0}", JsonValue(std::move(config))).str());
  }

  std::string mixtral(llvm::StringRef field, JsonValue value) {
    llvm::json::Object config = read("mixtral-tiny");
    config[field] = std::move(value);
    return import(std::move(config));
  }

  std::string deepseek(llvm::StringRef field, JsonValue value) {
    llvm::json::Object config = read("deepseek-tiny");
    config[field] = std::move(value);
    return import(std::move(config));
  }

  MLIRContext context;
};

TEST_F(HfConfigErrors, TheUnchangedFilesAreGood) {
  EXPECT_EQ(import(read("mixtral-tiny")), "imported");
  EXPECT_EQ(import(read("deepseek-tiny")), "imported");
}

TEST_F(HfConfigErrors, MissingField) {
  llvm::json::Object config = read("mixtral-tiny");
  config.erase("hidden_size");
  EXPECT_EQ(import(std::move(config)),
            "c.json: hidden_size: expects an integer from 1 to 1048576, got "
            "no such field");
}

TEST_F(HfConfigErrors, EveryFieldOfTheFilesIsNeededOrSaidToBeOptional) {
  for (const char *name : {"mixtral-tiny", "deepseek-tiny"}) {
    for (const auto &[key, value] : read(name)) {
      llvm::json::Object config = read(name);
      config.erase(key);
      std::string field = llvm::StringRef(key).str();
      static const char *const kOptional[] = {
          "attention_bias",      "moe_layer_freq", "n_shared_experts",
          "num_key_value_heads", "q_lora_rank",    "num_nextn_predict_layers",
          "rope_scaling",        "sliding_window", "tie_word_embeddings"};
      bool optional = llvm::is_contained(kOptional, llvm::StringRef(field));
      // Only latent attention does without the number of key-value heads.
      if (field == "num_key_value_heads" &&
          llvm::StringRef(name) == "mixtral-tiny")
        optional = false;
      std::string message = import(std::move(config));
      if (optional)
        EXPECT_EQ(message, "imported") << field;
      else
        EXPECT_NE(message.find("c.json: " + field + ": expects"),
                  std::string::npos)
            << message;
    }
  }
}

TEST_F(HfConfigErrors, NullIsNoSize) {
  EXPECT_EQ(mixtral("vocab_size", nullptr),
            "c.json: vocab_size: expects an integer from 1 to 67108864, got "
            "null");
}

TEST_F(HfConfigErrors, TextInsteadOfANumber) {
  EXPECT_EQ(mixtral("num_hidden_layers", "32"),
            "c.json: num_hidden_layers: expects an integer from 1 to 4096, "
            "got \"32\"");
  EXPECT_EQ(mixtral("rope_theta", "1e6"),
            "c.json: rope_theta: expects a number above 0, got \"1e6\"");
}

TEST_F(HfConfigErrors, FractionOfAnInteger) {
  EXPECT_EQ(mixtral("hidden_size", 64.5),
            "c.json: hidden_size: expects an integer from 1 to 1048576, got "
            "64.5");
}

TEST_F(HfConfigErrors, NumberInsteadOfAFlag) {
  EXPECT_EQ(deepseek("norm_topk_prob", 1),
            "c.json: norm_topk_prob: expects true or false, got 1");
}

TEST_F(HfConfigErrors, ZeroAndNegativeSizes) {
  EXPECT_EQ(mixtral("intermediate_size", 0),
            "c.json: intermediate_size: expects an integer from 1 to 1048576, "
            "got 0");
  EXPECT_EQ(deepseek("kv_lora_rank", -512),
            "c.json: kv_lora_rank: expects an integer from 1 to 1048576, got "
            "-512");
  EXPECT_EQ(mixtral("rms_norm_eps", 0),
            "c.json: rms_norm_eps: expects a number above 0, got 0");
}

TEST_F(HfConfigErrors, AbsurdSizes) {
  EXPECT_EQ(mixtral("num_hidden_layers", 1000000000),
            "c.json: num_hidden_layers: expects an integer from 1 to 4096, "
            "got 1000000000");
  EXPECT_EQ(import("{\"model_type\": \"mixtral\", \"hidden_size\": 2e18}"),
            "c.json: hidden_size: expects an integer from 1 to 1048576, got "
            "2e+18");
}

TEST_F(HfConfigErrors, SizesWhoseProductIsAbsurd) {
  llvm::json::Object config = read("mixtral-tiny");
  config["num_local_experts"] = 65536;
  config["intermediate_size"] = 1048576;
  config["hidden_size"] = 1048576;
  // 2^16 * 2^20 * 2^20 = 2^56 elements
  EXPECT_EQ(import(std::move(config)),
            "c.json: expects weights of at most 2^46 elements, got "
            "65536x1048576x1048576 for layer_moe.experts_gate");
}

TEST_F(HfConfigErrors, HeadsThatDoNotDivide) {
  EXPECT_EQ(mixtral("num_attention_heads", 6),
            "c.json: num_attention_heads: expects a divisor of hidden_size 64, "
            "got 6");
  EXPECT_EQ(mixtral("num_key_value_heads", 3),
            "c.json: num_key_value_heads: expects a divisor of "
            "num_attention_heads 4, got 3");
  EXPECT_EQ(mixtral("num_key_value_heads", 8),
            "c.json: num_key_value_heads: expects an integer from 1 to 4, got "
            "8");
  EXPECT_EQ(deepseek("num_key_value_heads", 2),
            "c.json: num_key_value_heads: expects 4, got 2");
}

TEST_F(HfConfigErrors, OddRotation) {
  EXPECT_EQ(mixtral("head_dim", 15),
            "c.json: head_dim: expects an even head width for rotation, got "
            "15");
  EXPECT_EQ(deepseek("qk_rope_head_dim", 7),
            "c.json: qk_rope_head_dim: expects an even width, got 7");
}

TEST_F(HfConfigErrors, MoreExpertsPerTokenThanExperts) {
  EXPECT_EQ(mixtral("num_experts_per_tok", 9),
            "c.json: num_experts_per_tok: expects an integer from 1 to 8, got "
            "9");
  // 2 groups of 16 / 4 experts are eligible.
  EXPECT_EQ(deepseek("num_experts_per_tok", 9),
            "c.json: num_experts_per_tok: expects at most the 8 experts of "
            "topk_group groups, got 9");
}

TEST_F(HfConfigErrors, GroupsThatDoNotFit) {
  EXPECT_EQ(deepseek("n_group", 3),
            "c.json: n_group: expects a divisor of n_routed_experts 16, got 3");
  EXPECT_EQ(deepseek("n_group", 16),
            "c.json: n_group: expects groups of at least 2 experts, got 16");
  EXPECT_EQ(deepseek("topk_group", 5),
            "c.json: topk_group: expects an integer from 1 to 4, got 5");
}

TEST_F(HfConfigErrors, NoRoutedLayer) {
  EXPECT_EQ(deepseek("first_k_dense_replace", 3),
            "c.json: first_k_dense_replace: expects an integer from 0 to 2, "
            "got 3");
}

TEST_F(HfConfigErrors, UnsupportedActivationScoringAndChoice) {
  EXPECT_EQ(mixtral("hidden_act", "relu2"),
            "c.json: hidden_act: expects one of \"silu\", \"gelu\", "
            "\"gelu_pytorch_tanh\", \"relu\", got \"relu2\"");
  EXPECT_EQ(deepseek("scoring_func", "softmax"),
            "c.json: scoring_func: expects \"sigmoid\", got \"softmax\"");
  EXPECT_EQ(deepseek("topk_method", "group_limited_greedy"),
            "c.json: topk_method: expects \"noaux_tc\", got "
            "\"group_limited_greedy\"");
}

TEST_F(HfConfigErrors, UnsupportedVariants) {
  EXPECT_EQ(mixtral("tie_word_embeddings", true),
            "c.json: tie_word_embeddings: expects false, got true");
  EXPECT_EQ(deepseek("attention_bias", true),
            "c.json: attention_bias: expects false, got true");
  EXPECT_EQ(deepseek("moe_layer_freq", 2),
            "c.json: moe_layer_freq: expects 1, got 2");
  EXPECT_EQ(mixtral("rope_scaling", llvm::json::Object{{"type", "linear"}}),
            "c.json: rope_scaling.type: expects one of \"default\", \"yarn\", "
            "\"llama3\", got \"linear\"");
  EXPECT_EQ(deepseek("rope_scaling", llvm::json::Object{{"type", "linear"}}),
            "c.json: rope_scaling.type: expects one of \"default\", \"yarn\", "
            "\"llama3\", got \"linear\"");
  EXPECT_EQ(mixtral("torch_dtype", "float64"),
            "c.json: torch_dtype: expects one of \"bfloat16\", \"float16\", "
            "\"float32\", got \"float64\"");
}

TEST_F(HfConfigErrors, UnsupportedQuantization) {
  EXPECT_EQ(mixtral("quantization_config",
                    llvm::json::Object{{"quant_method", "awq"}}),
            "c.json: quantization_config.quant_method: expects one of \"fp8\", "
            "\"mxfp4\", \"compressed-tensors\", got \"awq\"");
  EXPECT_EQ(mixtral("quantization_config", "fp8"),
            "c.json: quantization_config: expects an object, got \"fp8\"");
}

TEST_F(HfConfigErrors, FieldsOfUnknownEffect) {
  EXPECT_EQ(mixtral("attention_temperature", 2),
            "c.json: attention_temperature: expects no such field, as its "
            "effect is not known, got 2");
  EXPECT_EQ(
      deepseek("rope_scaling",
               llvm::json::Object{{"type", "default"}, {"ramp", 1}}),
      "c.json: rope_scaling.ramp: expects no such field, as its effect is not "
      "known, got 1");
  // Known to change nothing.
  EXPECT_EQ(mixtral("eos_token_id", 2), "imported");
}

TEST_F(HfConfigErrors, ArchitectureOfAnotherFamily) {
  EXPECT_EQ(mixtral("architectures", llvm::json::Array{"MixtralForCausalLM"}),
            "imported");
  EXPECT_EQ(mixtral("architectures", llvm::json::Array{"OtherForCausalLM"}),
            "c.json: architectures: expects one of \"MixtralForCausalLM\", "
            "\"Grok1ModelForCausalLM\", got [\"OtherForCausalLM\"]");
  EXPECT_EQ(mixtral("architectures", "MixtralForCausalLM"),
            "c.json: architectures: expects an array of strings, got "
            "\"MixtralForCausalLM\"");
}

TEST_F(HfConfigErrors, LongValuesAreCut) {
  std::string message = mixtral("hidden_size", std::string(1000, 'x'));
  EXPECT_LT(message.size(), 160u) << message;
}

TEST_F(HfConfigErrors, DeepNestingIsRefusedBeforeParsing) {
  EXPECT_EQ(import(std::string(1000000, '[')),
            "c.json: expects JSON nested at most 64 deep");
}

TEST_F(HfConfigErrors, DirectoryAndMissingFile) {
  auto directory = importHfConfig(PORTOLAN_CONFIGS, context);
  ASSERT_FALSE(bool(directory));
  EXPECT_EQ(llvm::toString(directory.takeError()),
            PORTOLAN_CONFIGS ": expects a file, got a directory");
  auto missing = importHfConfig("/nowhere/config.json", context);
  ASSERT_FALSE(bool(missing));
  EXPECT_EQ(llvm::toString(missing.takeError()),
            "/nowhere/config.json: No such file or directory");
}

} // namespace
