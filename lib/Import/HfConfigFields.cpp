//===- HfConfigFields.cpp - groups of fields that families share ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes, element type, rotation, heads and routing. Quantization is in
// HfConfigQuantization.cpp.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigFields.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

void portolan::readElementType(HfConfigReader &reader, DecoderSpec &spec,
                               bool bfloat16IfAbsent) {
  MLIRContext *context = spec.context;
  // Newer files say `dtype`.
  StringRef field = reader.has("torch_dtype") || !reader.has("dtype")
                        ? "torch_dtype"
                        : "dtype";
  Type plain[] = {BFloat16Type::get(context), Float16Type::get(context),
                  Float32Type::get(context)};
  spec.formats.plain = plain[0];
  if (reader.has(field) || !bfloat16IfAbsent)
    spec.formats.plain =
        plain[reader.choice(field, {"bfloat16", "float16", "float32"})];
  spec.formats.setMatrices(spec.formats.plain);
}

void portolan::readCommon(HfConfigReader &reader, DecoderSpec &spec,
                          const CommonFields &fields) {
  spec.hidden = reader.size(fields.hidden);
  spec.vocabulary = reader.size("vocab_size", kMaxVocabulary);
  spec.epsilon = reader.positive(fields.epsilon);
  spec.rotaries[0].positions = reader.size(fields.positions, kMaxPositions);
  readElementType(reader, spec, fields.bfloat16IfAbsent);
  readQuantization(reader, spec.formats);
}

moe::Activation portolan::readActivation(HfConfigReader &reader,
                                         StringRef field) {
  constexpr moe::Activation kActivations[] = {
      moe::Activation::silu, moe::Activation::gelu, moe::Activation::gelu_tanh,
      moe::Activation::relu};
  return kActivations[reader.choice(
      field, {"silu", "gelu", "gelu_pytorch_tanh", "relu"})];
}

int64_t portolan::readLayers(HfConfigReader &reader) {
  return reader.size("num_hidden_layers", kMaxLayers);
}

//===----------------------------------------------------------------------===//
// Rotation
//===----------------------------------------------------------------------===//

namespace {

/// YaRN's growth of the attention logits: 1 at factor 1, then logarithmic.
double yarnMagnitude(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

double positiveOr(HfConfigReader &reader, StringRef field, double absent) {
  return reader.has(field) ? reader.positive(field) : absent;
}

/// The fields of yarn. Returns the growth of the scores, for latent attention.
double readYarn(HfConfigReader &reader, RotarySpec &rotary) {
  double factor = rotary.yarnFactor = reader.positive("factor");
  rotary.yarnOriginalPositions =
      reader.size("original_max_position_embeddings", kMaxPositions);
  rotary.yarnBetaFast = positiveOr(reader, "beta_fast", 32);
  rotary.yarnBetaSlow = positiveOr(reader, "beta_slow", 1);
  rotary.yarnExactBounds = !reader.flagOr("truncate", true);
  bool both = reader.has("mscale") && reader.has("mscale_all_dim");
  double whole = reader.has("mscale_all_dim")
                     ? yarnMagnitude(factor, reader.positive("mscale_all_dim"))
                     : 1;
  // The tables carry what `mscale` adds to the part that the softmax scale
  // (squared: query and key) already has.
  if (reader.has("attention_factor"))
    rotary.magnitude = reader.positive("attention_factor");
  else if (both)
    rotary.magnitude = yarnMagnitude(factor, reader.positive("mscale")) / whole;
  else
    rotary.magnitude = yarnMagnitude(factor, 1);
  return whole * whole;
}

/// The fields of llama3.
void readLlama(HfConfigReader &reader, RotarySpec &rotary) {
  rotary.llamaFactor = reader.positive("factor");
  rotary.llamaOriginalPositions =
      reader.size("original_max_position_embeddings", kMaxPositions);
  rotary.llamaLow = reader.positive("low_freq_factor");
  rotary.llamaHigh = reader.positive("high_freq_factor");
  reader.require(rotary.llamaHigh > rotary.llamaLow, "high_freq_factor",
                 "more than low_freq_factor");
}

} // namespace

double portolan::readRotationScaling(HfConfigReader &reader,
                                     RotarySpec &rotary) {
  StringRef field =
      reader.has("rope_type") || !reader.has("type") ? "rope_type" : "type";
  // Some files say both.
  unsigned kind = reader.choice(field, {"default", "yarn", "llama3"});
  if (field == "rope_type" && reader.has("type"))
    reader.require(reader.choice("type", {"default", "yarn", "llama3"}) == kind,
                   "type", "the kind of rope_type");
  if (kind == 2)
    readLlama(reader, rotary);
  return kind == 1 ? readYarn(reader, rotary) : 1;
}

double portolan::readRotation(HfConfigReader &reader, RotarySpec &rotary,
                              StringRef theta) {
  double growth = 1;
  if (reader.has("rope_parameters")) {
    reader.nested("rope_parameters", [&](HfConfigReader &inner) {
      rotary.theta = inner.positive("rope_theta");
      growth = readRotationScaling(inner, rotary);
    });
    // Files of both generations repeat what rope_parameters says.
    if (reader.has(theta))
      reader.require(reader.positive(theta) == rotary.theta, theta,
                     "the value of rope_parameters.rope_theta");
    reader.onlyNull("rope_scaling");
    return growth;
  }
  rotary.theta = reader.positive(theta);
  if (reader.has("rope_scaling"))
    reader.nested("rope_scaling", [&](HfConfigReader &inner) {
      growth = readRotationScaling(inner, rotary);
    });
  return growth;
}

int64_t portolan::readRotatedWidth(HfConfigReader &reader, int64_t width) {
  constexpr StringRef kField = "partial_rotary_factor";
  if (!reader.has(kField))
    return width;
  double factor = reader.positive(kField);
  reader.require(factor <= 1, kField, "a factor of at most 1");
  int64_t rotated = factor <= 1 ? int64_t(double(width) * factor) : width;
  reader.require(rotated >= 2 && rotated % 2 == 0, kField,
                 "an even rotated width of heads of " + Twine(width));
  return std::max<int64_t>(rotated, 2);
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

AttentionSpec portolan::readHeads(HfConfigReader &reader,
                                  const DecoderSpec &spec,
                                  const HeadFields &fields) {
  AttentionSpec attention;
  attention.heads = reader.size(fields.heads);
  attention.kvHeads = reader.size(fields.kvHeads, attention.heads);
  reader.require(attention.heads % attention.kvHeads == 0, fields.kvHeads,
                 "a divisor of " + fields.heads + " " + Twine(attention.heads));
  bool given = reader.has(fields.width);
  if (given) {
    attention.keyWidth = reader.size(fields.width);
  } else {
    reader.require(spec.hidden % attention.heads == 0, fields.heads,
                   "a divisor of hidden_size " + Twine(spec.hidden));
    attention.keyWidth = std::max<int64_t>(spec.hidden / attention.heads, 1);
  }
  if (attention.keyWidth % 2 != 0)
    reader.fail(given ? fields.width : "hidden_size",
                "an even head width for rotation", Twine(attention.keyWidth));
  attention.valueWidth = attention.keyWidth;
  attention.scale = 1 / std::sqrt(double(attention.keyWidth));
  return attention;
}

std::vector<bool> portolan::readWindowedLayers(HfConfigReader &reader,
                                               int64_t layers) {
  constexpr StringRef kField = "layer_types";
  std::vector<bool> windowed;
  if (!reader.has(kField))
    return windowed;
  std::vector<std::string> kinds = reader.strings(kField);
  reader.require(int64_t(kinds.size()) == layers, kField,
                 "one entry for each of " + Twine(layers) + " layers");
  for (StringRef kind : kinds) {
    windowed.push_back(kind == "sliding_attention");
    if (!windowed.back() && kind != "full_attention")
      reader.fail(kField, "\"sliding_attention\" or \"full_attention\"",
                  "\"" + kind + "\"");
  }
  windowed.resize(layers);
  return windowed;
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

void portolan::readGroupedRouting(HfConfigReader &reader, RoutingSpec &routing,
                                  bool scaleIfGiven) {
  reader.choice("topk_method", {"noaux_tc"});
  reader.choice("scoring_func", {"sigmoid"});
  readGroups(reader, routing, scaleIfGiven);
}

void portolan::readGroups(HfConfigReader &reader, RoutingSpec &routing,
                          bool scaleIfGiven) {
  routing.experts = reader.size("n_routed_experts", kMaxExperts);
  routing.topK = reader.size("num_experts_per_tok", routing.experts);
  routing.scoring = moe::Scoring::sigmoid;
  routing.correction = true;
  routing.groups = reader.size("n_group", routing.experts);
  reader.require(routing.experts % routing.groups == 0, "n_group",
                 "a divisor of n_routed_experts " + Twine(routing.experts));
  int64_t groupSize = routing.experts / routing.groups;
  reader.require(routing.groups == 1 || groupSize >= 2, "n_group",
                 "groups of at least 2 experts");
  routing.topGroups = reader.size("topk_group", routing.groups);
  reader.require(routing.topK <= groupSize * routing.topGroups,
                 "num_experts_per_tok",
                 "at most the " + Twine(groupSize * routing.topGroups) +
                     " experts of topk_group groups");
  routing.normalize = reader.flag("norm_topk_prob");
  if (!scaleIfGiven || reader.has("routed_scaling_factor"))
    routing.scale = reader.positive("routed_scaling_factor");
}

//===----------------------------------------------------------------------===//
// Fields without effect
//===----------------------------------------------------------------------===//

void portolan::ignoreCommonFields(HfConfigReader &reader) {
  reader.ignore({
      // What the file is.
      "_name_or_path",
      "architectures",
      "auto_map",
      "model_type",
      "name",
      "transformers_version",
      "_attn_implementation",
      "_commit_hash",
      "custom_pipelines",
      "task_specific_params",
      "is_encoder_decoder",
      "is_decoder",
      // Tokens and generation.
      "bos_token_id",
      "eos_token_id",
      "pad_token_id",
      "sep_token_id",
      "decoder_start_token_id",
      "temperature",
      "top_k",
      "top_p",
      "typical_p",
      "do_sample",
      "num_beams",
      "num_beam_groups",
      "max_length",
      "min_length",
      "early_stopping",
      "repetition_penalty",
      "length_penalty",
      "no_repeat_ngram_size",
      "use_cache",
      "return_dict",
      "output_attentions",
      "output_hidden_states",
      "output_router_logits",
      "id2label",
      "label2id",
      "num_labels",
      "problem_type",
      // Training.
      "attention_dropout",
      "attention_probs_dropout_prob",
      "hidden_dropout",
      "hidden_dropout_prob",
      "attn_pdrop",
      "embd_pdrop",
      "emb_pdrop",
      "resid_pdrop",
      "initializer_range",
      "initializer_factor",
      "router_aux_loss_coef",
      "router_z_loss_coef",
      "aux_loss_alpha",
      "seq_aux",
      "gradient_checkpointing",
      "pretraining_tp",
      "ep_size",
      // Layers that draft the next tokens are no part of the decoder.
      "num_nextn_predict_layers",
  });
}
