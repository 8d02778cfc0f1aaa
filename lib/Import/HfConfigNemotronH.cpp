//===- HfConfigNemotronH.cpp - model_type nemotron_h --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every layer is one block: Mamba-2, attention (not rotated: the fields of a
// rotation are there and not used), routed experts or a dense block. Experts
// are not gated, have squared-ReLU activations and may work in a latent width
// between two projections of the token; the router and the shared expert see
// the whole token.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;
using llvm::StringRef;

namespace {

enum class LayerKind { mamba, attention, experts, mlp };

/// One character per layer, or one word.
std::vector<LayerKind> readKinds(HfConfigReader &reader) {
  std::vector<LayerKind> kinds;
  if (reader.has("layers_block_type")) {
    for (const std::string &word : reader.strings("layers_block_type")) {
      if (word == "mamba")
        kinds.push_back(LayerKind::mamba);
      else if (word == "attention")
        kinds.push_back(LayerKind::attention);
      else if (word == "moe")
        kinds.push_back(LayerKind::experts);
      else if (word == "mlp")
        kinds.push_back(LayerKind::mlp);
      else
        reader.fail("layers_block_type",
                    "\"mamba\", \"attention\", \"moe\" or \"mlp\"",
                    "\"" + word + "\"");
    }
    reader.onlyInteger("num_hidden_layers", int64_t(kinds.size()));
    return kinds;
  }
  StringRef field = "hybrid_override_pattern";
  for (char letter : reader.text(field)) {
    size_t at = StringRef("M*E-").find(letter);
    if (at == StringRef::npos)
      reader.fail(field, "letters M, *, E and -");
    else
      kinds.push_back(LayerKind(at));
  }
  reader.onlyInteger("num_hidden_layers", int64_t(kinds.size()));
  return kinds;
}

Mamba2Spec readMamba(HfConfigReader &reader) {
  Mamba2Spec mamba;
  mamba.heads = reader.size("mamba_num_heads");
  mamba.width = reader.size("mamba_head_dim");
  mamba.state = reader.size("ssm_state_size");
  mamba.groups = reader.size("n_groups", mamba.heads);
  reader.require(mamba.heads % mamba.groups == 0, "n_groups",
                 "a divisor of mamba_num_heads " + Twine(mamba.heads));
  mamba.taps = reader.integer("conv_kernel", 2, 64);
  mamba.chunk = reader.size("chunk_size");
  mamba.convolutionBias = reader.flag("use_conv_bias");
  mamba.projectionBias = reader.flagOr("mamba_proj_bias", false);
  reader.onlyFlag("use_bias", mamba.projectionBias);
  reader.choice("mamba_hidden_act", {"silu"});
  if (reader.has("mamba_ssm_cache_dtype"))
    reader.choice("mamba_ssm_cache_dtype", {"float32"});
  // Steps are limited to a range that leaves them as they are.
  if (reader.has("time_step_limit")) {
    std::vector<double> limit = reader.numbers("time_step_limit", 2);
    reader.require(limit.size() == 2 && limit[0] == 0 && limit[1] > 1e30,
                   "time_step_limit", "no limit, [0, 1e308]");
  }
  // How the weights of steps are initialized; `expand` follows from the heads.
  reader.ignore({"time_step_floor", "time_step_max", "time_step_min", "expand",
                 "use_mamba_kernels"});
  return mamba;
}

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  experts.gated = experts.shared.gated = false;
  reader.choice("mlp_hidden_act", {"relu2"});
  experts.activation = experts.shared.activation =
      moe::Activation::relu_squared;
  experts.intermediate = reader.size("moe_intermediate_size");
  if (reader.integer("n_shared_experts", 0, 1) == 1)
    experts.shared.intermediate =
        reader.size("moe_shared_expert_intermediate_size");
  if (reader.has("moe_latent_size"))
    experts.latent = reader.size("moe_latent_size");
  RoutingSpec &routing = experts.routing;
  routing.experts = reader.size("n_routed_experts", kMaxExperts);
  routing.topK = reader.size("num_experts_per_tok", routing.experts);
  routing.scoring = moe::Scoring::sigmoid;
  routing.correction = true;
  reader.onlyInteger("n_group", 1);
  reader.onlyInteger("topk_group", 1);
  routing.normalize = reader.flag("norm_topk_prob");
  routing.scale = reader.positive("routed_scaling_factor");
  return experts;
}

} // namespace

void portolan::readNemotronH(HfConfigReader &reader, DecoderSpec &spec) {
  CommonFields fields;
  fields.epsilon = "layer_norm_epsilon";
  readCommon(reader, spec, fields);
  if (reader.has("norm_eps"))
    reader.require(reader.positive("norm_eps") == spec.epsilon, "norm_eps",
                   "the value of layer_norm_epsilon");
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_bias", false);
  reader.onlyFlag("mlp_bias", false);
  reader.onlyFlag("residual_in_fp32", false);
  reader.onlyNull("sliding_window");
  AttentionSpec attention = readHeads(reader, spec);
  spec.rotaries.clear();
  reader.ignore({"rope_theta", "partial_rotary_factor"});
  Mamba2Spec mamba = readMamba(reader);
  ExpertsSpec experts = readExperts(reader);
  MlpSpec mlp;
  mlp.gated = false;
  mlp.activation = moe::Activation::relu_squared;
  mlp.intermediate = reader.size("intermediate_size");
  // Initialization, serving, and layers that draft further tokens.
  reader.ignore({"rescale_prenorm_residual", "num_logits_to_keep",
                 "moe_shared_expert_overlap", "mtp_layers_block_type",
                 "mtp_hybrid_override_pattern"});
  std::vector<LayerKind> kinds = readKinds(reader);
  if (kinds.empty())
    reader.fail("num_hidden_layers", "at least one block", "none");
  for (LayerKind kind : kinds)
    switch (kind) {
    case LayerKind::mamba:
      spec.addLayer("layer_mamba",
                    [&] { return makeMixerLayer(spec, mixerOf(mamba)); });
      break;
    case LayerKind::attention:
      spec.addLayer("layer_attention",
                    [&] { return makeMixerLayer(spec, mixerOf(attention)); });
      break;
    case LayerKind::experts:
      spec.addLayer("layer_moe", [&] {
        return makeFeedForwardLayer(spec, feedForwardOf(experts));
      });
      break;
    case LayerKind::mlp:
      spec.addLayer("layer_dense", [&] {
        return makeFeedForwardLayer(spec, feedForwardOf(mlp));
      });
      break;
    }
}
