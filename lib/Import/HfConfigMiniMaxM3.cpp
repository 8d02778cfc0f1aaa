//===- HfConfigMiniMaxM3.cpp - model_type minimax_m3 --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped-query attention with normalized heads, rotated in part. In most
// layers an index of one key per token and one query per group of heads chooses
// the blocks of the context that are attended to. Sigmoid-routed experts with a
// correction of the choice and a shared expert; clamped, shifted SwiGLU
// everywhere. Gains of norms may be kept around zero.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigMixers.h"
#include "lib/Import/HfConfigModels.h"

using namespace mlir;
using namespace portolan;

namespace {

/// What an index chooses from.
struct IndexSpec {
  int64_t width = 0;
  int64_t block = 0, topBlocks = 0, localBlocks = 0;
  std::vector<int64_t> layers; ///< 1 where the index is used
};

IndexSpec readIndex(HfConfigReader &reader, const AttentionSpec &attention,
                    int64_t layers) {
  IndexSpec index;
  reader.nested("sparse_attention_config", [&](HfConfigReader &inner) {
    inner.onlyFlag("use_sparse_attention", true);
    index.width = inner.size("sparse_index_dim");
    // The tables rotate heads of one width.
    inner.onlyInteger("sparse_index_dim", attention.keyWidth);
    inner.integer("sparse_num_index_heads", attention.kvHeads,
                  attention.kvHeads);
    index.block = inner.size("sparse_block_size");
    index.topBlocks = inner.size("sparse_topk_blocks");
    index.localBlocks = inner.size("sparse_local_block", index.topBlocks);
    // Blocks at the beginning are not always among the chosen.
    inner.onlyInteger("sparse_init_block", 0);
    inner.choice("sparse_score_type", {"max"});
    index.layers = inner.integers("sparse_attention_freq", 0, 1, layers);
    // An index that has values of its own would add a result of its own.
    std::vector<int64_t> disabled =
        inner.integers("sparse_disable_index_value", 0, 1, layers);
    for (size_t i = 0; i < disabled.size() && i < index.layers.size(); ++i)
      inner.require(index.layers[i] == 0 || disabled[i] == 1,
                    "sparse_disable_index_value",
                    "1 in every layer of sparse_attention_freq");
  });
  return index;
}

Mixer sparseMixerOf(const AttentionSpec &attention, const IndexSpec &index) {
  auto add = [=](LayerClass &layer, const DecoderSpec &spec) {
    addAttentionWeights(layer, spec, attention);
    const WeightFormat &matrix = spec.formats.attention;
    layer.weights.push_back(
        {"index_q", {spec.hidden, attention.kvHeads * index.width}, matrix});
    layer.weights.push_back({"index_k", {spec.hidden, index.width}, matrix});
    for (const char *name : {"index_q_norm", "index_k_norm"})
      layer.weights.push_back({name, {index.width}, spec.formats.plain});
    layer.caches.push_back(
        {"index",
         {ShapedType::kDynamic, ShapedType::kDynamic, index.width},
         /*tokens=*/1});
  };
  auto build = [=](LayerBody &body, Value input) -> SmallVector<Value> {
    auto project = [&](const std::string &name, int64_t width) {
      Value value = body.norm(body.linear(input, name), name + "_norm");
      return body.rope("rope_" + name, value, width, /*offset=*/0,
                       /*interleaved=*/false);
    };
    Value query = project("q", attention.keyWidth);
    Value key = project("k", attention.keyWidth);
    Value value = body.linear(input, "v");
    Value indexQuery = project("index_q", index.width);
    Value indexKey = project("index_k", index.width);
    auto op = moe::SparseAttentionOp::create(
        body.builder, body.at("attention"),
        body.tokens(attention.heads * attention.valueWidth), body.grownType(0),
        body.grownType(1), body.grownType(2), query, key, value, indexQuery,
        indexKey, body.cache(0), body.cache(1), body.cache(2),
        uint64_t(attention.heads), uint64_t(attention.kvHeads),
        llvm::APFloat(attention.scale), uint64_t(index.block),
        uint64_t(index.topBlocks), uint64_t(index.localBlocks),
        moe::FormatAttr());
    return {body.linear(op.getResult(), "o"), op.getPresentKey(),
            op.getPresentValue(), op.getPresentIndex()};
  };
  return {add, build};
}

/// The clamp, the slope and the shift of a block's SwiGLU.
template <typename Spec> void readSwiglu(HfConfigReader &reader, Spec &spec) {
  spec.activation = moe::Activation::silu;
  spec.limit = reader.positive("swiglu_limit");
  spec.alpha = reader.positive("swiglu_alpha");
  spec.linearOffset = 1;
}

ExpertsSpec readExperts(HfConfigReader &reader) {
  ExpertsSpec experts;
  readSwiglu(reader, experts);
  readSwiglu(reader, experts.shared);
  experts.intermediate = reader.size("moe_intermediate_size");
  reader.onlyInteger("intermediate_size", experts.intermediate);
  if (reader.integer("n_shared_experts", 0, 1) == 1)
    experts.shared.intermediate = reader.size("shared_intermediate_size");
  RoutingSpec &routing = experts.routing;
  routing.experts = reader.size("num_local_experts", kMaxExperts);
  routing.topK = reader.size("num_experts_per_tok", routing.experts);
  reader.choice("scoring_func", {"sigmoid"});
  routing.scoring = moe::Scoring::sigmoid;
  routing.correction = reader.flag("use_routing_bias");
  routing.normalize = true;
  routing.scale = reader.positive("routed_scaling_factor");
  return experts;
}

} // namespace

void portolan::readMiniMaxM3(HfConfigReader &reader, DecoderSpec &spec) {
  readCommon(reader, spec);
  spec.gainOffset = reader.flag("use_gemma_norm") ? 1 : 0;
  reader.onlyFlag("tie_word_embeddings", false);
  reader.onlyFlag("attention_output_gate", false);
  reader.choice("hidden_act", {"swigluoai"});
  AttentionSpec attention = readHeads(reader, spec);
  reader.require(reader.flag("use_qk_norm"), "use_qk_norm", "true");
  reader.choice("qk_norm_type", {"per_head"});
  attention.norm = QkNorm::head;
  readRotation(reader, spec.rotaries[0]);
  spec.rotaries[0].width = readRotatedWidth(reader, attention.keyWidth);
  reader.onlyInteger("rotary_dim", spec.rotaries[0].width);
  int64_t layers = readLayers(reader);
  IndexSpec index = readIndex(reader, attention, layers);
  ExpertsSpec experts = readExperts(reader);
  MlpSpec mlp;
  readSwiglu(reader, mlp);
  mlp.intermediate = reader.size("dense_intermediate_size");
  std::vector<int64_t> routes = reader.integers("moe_layer_freq", 0, 1, layers);
  // The same is said once more in number.
  if (reader.has("first_k_dense_replace")) {
    int64_t dense = reader.integer("first_k_dense_replace", 0, layers);
    for (int64_t i = 0; i < int64_t(routes.size()); ++i)
      reader.require((routes[i] == 0) == (i < dense), "moe_layer_freq",
                     "0 in the first first_k_dense_replace layers only");
  }
  reader.ignore({"num_mtp_modules"});
  if (reader.failed())
    return;
  for (int64_t i = 0; i < layers; ++i) {
    std::string name = index.layers[i] ? "layer_sparse" : "layer_attention";
    name += routes[i] ? "_moe" : "_dense";
    spec.addLayer(name, [&] {
      return makeHybridLayer(spec,
                             index.layers[i] ? sparseMixerOf(attention, index)
                                             : mixerOf(attention),
                             routes[i] ? feedForwardOf(experts)
                                       : feedForwardOf(mlp),
                             /*rotary=*/0);
    });
  }
}
