//===- HfConfigFields.h - groups of fields that families share -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading of the fields that mean the same in every family: sizes, element
// type, rotation, quantization, heads. What cannot be said exactly in the moe
// dialect is refused here, with the name of the field.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_HFCONFIGFIELDS_H
#define PORTOLAN_LIB_IMPORT_HFCONFIGFIELDS_H

#include "lib/Import/HfConfigLayers.h"
#include "lib/Import/HfConfigReader.h"

namespace portolan {

/// Names of common fields where a family has its own.
struct CommonFields {
  llvm::StringRef hidden = "hidden_size";
  llvm::StringRef epsilon = "rms_norm_eps";
  llvm::StringRef positions = "max_position_embeddings";
  /// The family's checkpoints are bfloat16 even if the file does not say so.
  bool bfloat16IfAbsent = false;
};

/// Sizes, epsilon, positions (of rotaries[0]), element type and quantization.
void readCommon(HfConfigReader &reader, DecoderSpec &spec,
                const CommonFields &fields = {});

/// `torch_dtype` or `dtype`, for all formats.
void readElementType(HfConfigReader &reader, DecoderSpec &spec,
                     bool bfloat16IfAbsent);

/// `quantization_config`: fp8, mxfp4, compressed-tensors (int4, mxfp4). Modules
/// that it leaves out keep the plain type.
void readQuantization(HfConfigReader &reader, FormatSpec &formats);

/// `rope_theta` and `rope_scaling`, or `rope_parameters`: theta, yarn and
/// magnitude of `rotary`. Returns what mscale_all_dim multiplies the scores of
/// latent attention with; 1 without it.
double readRotation(HfConfigReader &reader, RotarySpec &rotary,
                    llvm::StringRef theta = "rope_theta");

/// The fields of `rope_scaling` (or of what holds them): its kind and factors.
/// Returns what readRotation() does.
double readRotationScaling(HfConfigReader &reader, RotarySpec &rotary);

/// Field names of grouped-query attention.
struct HeadFields {
  llvm::StringRef heads = "num_attention_heads";
  llvm::StringRef kvHeads = "num_key_value_heads";
  llvm::StringRef width = "head_dim";
};

/// Heads, widths (hidden over heads without a field for it) and the scale
/// 1 / sqrt(width).
AttentionSpec readHeads(HfConfigReader &reader, const DecoderSpec &spec,
                        const HeadFields &fields = {});

/// The rotated width of heads of `width` elements, from
/// `partial_rotary_factor` (1 without it).
int64_t readRotatedWidth(HfConfigReader &reader, int64_t width);

/// The activation named by `hidden_act`.
moe::Activation readActivation(HfConfigReader &reader,
                               llvm::StringRef field = "hidden_act");

/// Whether each layer has a window, from `layer_types` ("sliding_attention",
/// "full_attention"); empty without the field.
std::vector<bool> readWindowedLayers(HfConfigReader &reader, int64_t layers);

/// Experts, groups, normalization and scale of a router with sigmoid scores and
/// a correction (`n_routed_experts`, `n_group`, ...). `scaleIfGiven`: no scale
/// is a scale of 1.
void readGroups(HfConfigReader &reader, RoutingSpec &routing,
                bool scaleIfGiven = false);

/// The same of a file that names the kind in `topk_method` and `scoring_func`.
void readGroupedRouting(HfConfigReader &reader, RoutingSpec &routing,
                        bool scaleIfGiven = false);

/// `num_hidden_layers`.
int64_t readLayers(HfConfigReader &reader);

/// Marks the fields that say nothing about the inference graph: training,
/// generation, tokens, bookkeeping.
void ignoreCommonFields(HfConfigReader &reader);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGFIELDS_H
