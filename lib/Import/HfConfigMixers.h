//===- HfConfigMixers.h - mixers with a state of fixed size ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// State space models and linear attention as specs, in the manner of
// HfConfigLayers.h: what takes the place of attention in a hybrid's layer. A
// projection that checkpoints pack is one matrix for each of its parts here,
// and so is a convolution over packed channels: the same numbers.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_HFCONFIGMIXERS_H
#define PORTOLAN_LIB_IMPORT_HFCONFIGMIXERS_H

#include "lib/Import/HfConfigLayers.h"

namespace portolan {

/// What mixes the tokens of a layer: its weights and caches, and its ops from
/// the normalized hidden state to the projected result and the caches.
struct Mixer {
  std::function<void(LayerClass &, const DecoderSpec &)> addWeights;
  std::function<llvm::SmallVector<mlir::Value>(LayerBody &, mlir::Value)> build;
};

Mixer mixerOf(const AttentionSpec &attention);

/// Mamba: a selective state of `state` entries for each of `channels`, whose
/// steps have rank `stepRank`. `norms`: on the three parts that choose.
struct MambaSpec {
  int64_t channels = 0, state = 0, taps = 0, stepRank = 0;
  bool convolutionBias = false, projectionBias = false, norms = false;
};
Mixer mixerOf(const MambaSpec &mamba);

/// Mamba-2: `heads` states [state, width] with keys and queries in `groups`.
struct Mamba2Spec {
  int64_t heads = 0, width = 0, state = 0, groups = 0, taps = 0, chunk = 0;
  bool convolutionBias = false, projectionBias = false;
};
Mixer mixerOf(const Mamba2Spec &mamba);

/// The gated delta rule: `keyHeads` of `keyWidth`, `heads` of `valueWidth`, a
/// gated norm of each head after it.
struct DeltaSpec {
  int64_t keyHeads = 0, heads = 0, keyWidth = 0, valueWidth = 0, taps = 0;
};
Mixer mixerOf(const DeltaSpec &delta);

/// Lightning attention: a constant decay per head and layer, a norm of the
/// whole row and a gate after it. `layers`: of the model, which the decays
/// follow.
struct LightningSpec {
  int64_t heads = 0, width = 0, layers = 0;
  moe::Activation activation = moe::Activation::silu;
};
Mixer mixerOf(const LightningSpec &lightning);

/// Kimi delta attention: `heads` of `width`, a decay per channel of the keys.
struct KimiDeltaSpec {
  int64_t heads = 0, width = 0, taps = 0;
  /// Rank of the gate of the result; 0: full.
  int64_t gateRank = 0;
  double lowerBound = 0; ///< of a decay's logarithm; 0: none
};
Mixer mixerOf(const KimiDeltaSpec &delta);

/// A feed-forward block as a pair of functions, like a mixer.
struct FeedForward {
  std::string name; ///< "mlp" or "experts"
  std::function<void(LayerClass &, const DecoderSpec &)> addWeights;
  std::function<mlir::Value(LayerBody &, mlir::Value)> build;
};
FeedForward feedForwardOf(const MlpSpec &mlp);
FeedForward feedForwardOf(const ExpertsSpec &experts);

/// How a layer adds what it computes to what it started from.
struct ResidualSpec {
  bool fromNorm = false; ///< starts from the normalized state
  double mixerScale = 1, feedForwardScale = 1; ///< of what it starts from
};

/// A layer h += mixer(norm(h)); h += feed_forward(norm(h)).
LayerClass makeHybridLayer(const DecoderSpec &spec, const Mixer &mixer,
                           const FeedForward &feedForward,
                           std::optional<unsigned> rotary = std::nullopt,
                           const ResidualSpec &residual = {});
/// A layer with one of the two: h += block(norm(h)).
LayerClass makeMixerLayer(const DecoderSpec &spec, const Mixer &mixer,
                          std::optional<unsigned> rotary = std::nullopt);
LayerClass makeFeedForwardLayer(const DecoderSpec &spec,
                                const FeedForward &feedForward);

/// Columns [first, first + width) of `input`.
mlir::Value sliceColumns(LayerBody &body, llvm::StringRef name,
                         mlir::Value input, int64_t first, int64_t width);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGMIXERS_H
