//===- HfConfigLayers.h - parts of layers that families share --*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grouped-query attention, dense blocks and routed experts as specs: what a
// block has, in numbers and flags. Each part comes as two functions, one that
// lists its weights (and caches) and one that builds its ops; a family whose
// layer is norm, attention, norm, feed-forward takes makeLayer().
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_HFCONFIGLAYERS_H
#define PORTOLAN_LIB_IMPORT_HFCONFIGLAYERS_H

#include "lib/Import/HfConfigBuilder.h"

namespace portolan {

/// What query and key are normalized over before (or after) rotation.
enum class QkNorm {
  none,
  head, ///< each head on its own, one gain of head width
  row,  ///< all heads of a token together
};

/// Attention with a cache of keys and values. Weights: `q`, `k`, `v`, `o`,
/// `q_norm`, `k_norm`, biases `q_bias` ..., `sinks`; caches `key`, `value`.
struct AttentionSpec {
  int64_t heads = 0;
  int64_t kvHeads = 0;
  int64_t keyWidth = 0;   ///< of a head of queries and keys
  int64_t valueWidth = 0; ///< of a head of values
  double scale = 0;       ///< of the scores
  int64_t window = 0;     ///< last keys that are seen; 0: all
  int64_t chunk = 0;      ///< keys are seen within chunks; 0: one chunk
  double softCap = 0;     ///< of the scores; 0: none
  /// Scores grow with the position (see moe.attention); 0: they do not.
  int64_t temperatureFloor = 0;
  double temperatureScale = 0;
  QkNorm norm = QkNorm::none;
  bool normAfterRotation = false;
  bool inputBias = false; ///< on q, k and v
  bool outputBias = false;
  bool sinks = false; ///< an extra score per head
  double clip = 0;    ///< limit of what q, k and v are projected to; 0: none
  double valueScale = 1;
  /// The result by the sigmoid of `attention_gate`, of one gate per element or
  /// per head.
  bool gated = false;
  bool headGates = false;
  /// A layer of several in a function: the first keeps a cache for all, the
  /// others read it. Gains of keys are then in those of queries (`q_norm`), so
  /// that one cache serves every layer.
  enum class Cache { own, first, borrowed } cache = Cache::own;
  /// Rotation of columns [rotaryOffset, rotaryOffset + table width) of a head.
  int64_t rotaryOffset = 0;
  bool interleaved = false;
};

void addAttentionWeights(LayerClass &layer, const DecoderSpec &spec,
                         const AttentionSpec &attention);

/// What an attention block returns: the projected result and its caches (null
/// if it keeps none).
struct AttentionParts {
  mlir::Value result;
  mlir::Value presentKey, presentValue;
};

/// Projections, norms, rotation (if the layer has tables), attention and output
/// projection of the normalized hidden state.
AttentionParts buildAttention(LayerBody &body, mlir::Value input,
                              const AttentionSpec &attention);

/// A dense feed-forward block with the weights PREFIX_gate, _up and _down.
struct MlpSpec {
  int64_t intermediate = 0;
  moe::Activation activation = moe::Activation::silu;
  bool gated = true;
  double limit = 0; ///< as of experts
  bool limitsActivated = false;
  double alpha = 1;
  double linearOffset = 0;
  double gateCap = 0, linearCap = 0;
};

void addMlpWeights(LayerClass &layer, const DecoderSpec &spec,
                   llvm::StringRef prefix, const MlpSpec &mlp);
mlir::Value buildMlp(LayerBody &body, llvm::StringRef prefix, mlir::Value input,
                     const MlpSpec &mlp);

/// What a router does with its logits.
struct RoutingSpec {
  int64_t experts = 0;
  int64_t topK = 0;
  moe::Scoring scoring = moe::Scoring::softmax;
  bool bias = false;       ///< weight `router_bias`, of the logits
  bool correction = false; ///< weight `router_correction`, of the choice
  int64_t groups = 1;
  int64_t topGroups = 1;
  bool normalize = false;
  double scale = 1;
  int64_t groupRank = 2; ///< scores that rank a group
  double jitter = 0;     ///< of a sparse mixer
  /// The choice is looked up by the tokens' ids in the weight `router_table`.
  bool tabled = false;
};

/// Routed experts with the weights `router`, `experts_gate`, `experts_up`,
/// `experts_down` and, beside them, a shared block `shared`.
struct ExpertsSpec {
  RoutingSpec routing;
  int64_t intermediate = 0;
  moe::Activation activation = moe::Activation::silu;
  bool gated = true;
  bool biases = false;          ///< experts_gate_bias, experts_up_bias, ...
  double limit = 0;             ///< clamp of gate and linear part; 0: none
  bool limitsActivated = false; ///< of the activated gate
  double alpha = 1;             ///< of the sigmoid's argument
  double linearOffset = 0;
  double gateCap = 0, linearCap = 0; ///< by a tanh; 0: none
  bool weightsFirst = false;         ///< rows are weighted before the experts
  MlpSpec shared;                    ///< intermediate 0: none
  bool sharedGate = false; ///< shared result by the sigmoid of `shared_switch`
  /// Width that the experts work in, between `latent_down` and `latent_up`; 0:
  /// that of the model.
  int64_t latent = 0;
  bool latentNorm = false; ///< `latent_norm` of what leaves the experts
};

void addExpertsWeights(LayerClass &layer, const DecoderSpec &spec,
                       const ExpertsSpec &experts);

/// route, dispatch, experts and combine, plus the shared block. The experts
/// work on `rows` where these are not what the router sees.
mlir::Value buildExperts(LayerBody &body, mlir::Value input,
                         const ExpertsSpec &experts,
                         mlir::Value rows = nullptr);

/// A layer h += attention(norm(h)); h += feed_forward(norm(h)), with routed
/// experts or, without `experts`, with `mlp`. Rotates by table `rotary`.
LayerClass makeLayer(const DecoderSpec &spec, const AttentionSpec &attention,
                     const MlpSpec &mlp, std::optional<unsigned> rotary = 0);
LayerClass makeLayer(const DecoderSpec &spec, const AttentionSpec &attention,
                     const ExpertsSpec &experts,
                     std::optional<unsigned> rotary = 0);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGLAYERS_H
