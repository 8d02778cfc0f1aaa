//===- MoeOps.td - ops of the moe dialect ------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// B sequences, S new tokens each, P past tokens, H hidden width, E experts,
// K experts per token, I intermediate width, R rows.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEOPS_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEOPS_TD

include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Interfaces/WorkOpInterface.td"
include "dialects/Moe/IR/MoeAttrs.td"
include "dialects/Moe/IR/MoeDialect.td"
include "dialects/Moe/IR/MoeEnums.td"

/// An op that computes: pure, with a statement of its work.
class Moe_WorkOp<string mnemonic, list<Trait> traits = []>
    : Moe_Op<mnemonic,
             !listconcat([Pure, DeclareOpInterfaceMethods<WorkOpInterface>],
                         traits)>;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def Moe_WeightDataOp : Moe_Op<"weight_data", [Symbol]> {
  let summary = "A weight: where its bytes are, never the bytes.";
  let description = [{
    Names a weight of type `type`. `file` (relative to the model's folder),
    `offset` and `length` locate its little-endian bytes; all three are absent
    if the model ships no weights (a configuration). Small tensors under 1 KiB
    may hold their bytes as `value` instead.

    A weight that a file keeps in parts, as the experts of an unrolled graph
    are, is stacked when its bytes are read: `offsets` locates part i of the
    first dimension in `file`, or in `files[i]` where the parts lie in several
    files; `length` counts the bytes of all. Offset -1 stands for a part that
    the model lacks, whose bytes are zero.

    ```mlir
    moe.weight_data @layers.0.q {file = "weights.bin", offset = 0 : i64,
                                 length = 33554432 : i64} : tensor<4096x4096xbf16>
    moe.weight_data @layers.0.gate {file = "weights.bin",
                                    offsets = array<i64: 0, 4096>,
                                    length = 2048 : i64} : tensor<2x16x16xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
                       OptionalAttr<StrAttr>:$file,
                       OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<I64Attr>:$length,
                       OptionalAttr<ElementsAttr>:$value,
                       OptionalAttr<DenseI64ArrayAttr>:$offsets,
                       OptionalAttr<StrArrayAttr>:$files);
  let assemblyFormat = "$sym_name attr-dict `:` $type";
  let builders = [
    // A weight in one piece.
    OpBuilder<(ins "::mlir::StringAttr":$sym_name, "::mlir::TypeAttr":$type,
                   "::mlir::StringAttr":$file, "::mlir::IntegerAttr":$offset,
                   "::mlir::IntegerAttr":$length,
                   "::mlir::ElementsAttr":$value), [{
      build($_builder, $_state, sym_name, type, file, offset, length, value,
            /*offsets=*/nullptr, /*files=*/nullptr);
    }]>];
  let hasVerifier = 1;
}

def Moe_WeightOp : Moe_Op<"weight", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The tensor that a `moe.weight_data` names.";
  let arguments = (ins FlatSymbolRefAttr:$source);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
}

include "dialects/Moe/IR/MoeDequantize.td"
include "dialects/Moe/IR/MoeFakeQuantize.td"

//===----------------------------------------------------------------------===//
// Token-wise ops
//===----------------------------------------------------------------------===//

def Moe_EmbeddingOp : Moe_WorkOp<"embedding"> {
  let summary = "Rows of an embedding table.";
  let description = "`ids` [B,S] integers, `table` [V,H] -> [B,S,H].";
  let arguments = (ins AnyRankedTensor:$ids, AnyRankedTensor:$table);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Moe_RmsNormOp : Moe_WorkOp<"rms_norm"> {
  let summary = "Root-mean-square normalization with a gain.";
  let description = [{
    x * rsqrt(mean(x^2) + epsilon) * gain over each run of G = size(gain)
    consecutive elements of the last dimension, which G divides: G = H
    normalizes a row, G = head width is QK-norm. `groups` g: each g-th of such a
    run is normalized on its own. `gain_offset` is added to the gain (1 if the
    weights are kept around zero). `centered`: the mean is subtracted first, and
    `shift` [G] is added at the end if there is one (layer normalization).
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gain,
                       Optional<AnyRankedTensor>:$shift,
                       F64Attr:$epsilon,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<F64Attr, "0.0">:$gain_offset,
                       UnitAttr:$centered);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                                 "::mlir::Value":$gain,
                                 "::mlir::FloatAttr":$epsilon), [{
    build($_builder, $_state, result, input, gain, ::mlir::Value(), epsilon,
          $_builder.getI64IntegerAttr(1), $_builder.getF64FloatAttr(0),
          ::mlir::UnitAttr());
  }]>, OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                      "::mlir::Value":$gain, "::llvm::APFloat":$epsilon), [{
    build($_builder, $_state, result, input, gain,
          $_builder.getF64FloatAttr(epsilon.convertToDouble()));
  }]>];
  let assemblyFormat = [{
    $input `,` $gain (`shift` $shift^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_LinearOp : Moe_WorkOp<"linear"> {
  let summary = "Product with a weight matrix, with an optional bias.";
  let description = [{
    `input` [..,K], `weight` [K,N], `bias` [N] -> [..,N]. `last_position`: only
    the last P of the S positions are computed (serving logits: 1, or all that
    are verified), [B,P,N]. `bias_share` n: one of n ops whose results are
    summed; each adds an n-th of the bias.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
                       Optional<AnyRankedTensor>:$bias,
                       UnitAttr:$last_position,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format,
                       DefaultValuedAttr<I64Attr, "1">:$bias_share);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                                 "::mlir::Value":$weight, "::mlir::Value":$bias,
                                 "::mlir::UnitAttr":$last_position,
                                 "::portolan::moe::FormatAttr":$weight_format,
                                 "::portolan::moe::FormatAttr":$activation_format), [{
    build($_builder, $_state, result, input, weight, bias, last_position,
          weight_format, activation_format, $_builder.getI64IntegerAttr(1));
  }]>];
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_AddOp : Moe_WorkOp<"add", [SameOperandsAndResultType]> {
  let summary = "Elementwise sum of two tensors of one type (residual).";
  let description = "lhs * lhs_scale + rhs * rhs_scale.";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs,
                       DefaultValuedAttr<F64Attr, "1.0">:$lhs_scale,
                       DefaultValuedAttr<F64Attr, "1.0">:$rhs_scale);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs), [{
    build($_builder, $_state, lhs.getType(), lhs, rhs, ::llvm::APFloat(1.0),
          ::llvm::APFloat(1.0));
  }]>];
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def Moe_GateOp : Moe_WorkOp<"gate"> {
  let summary = "A tensor multiplied with the activation of another.";
  let description = [{
    `input` [..,W], `gate` [..,G] -> input * activation(gate), where G divides W
    and each gate holds for W / G consecutive elements: G = W gates elements,
    the number of heads whole heads, 1 whole rows. With the same tensor twice
    and a sigmoid it is silu. A gate [G] is the same for all tokens.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gate,
                       Moe_ActivationAttr:$activation);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `by` $gate attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_ScaleOp : Moe_WorkOp<"scale", [SameOperandsAndResultType]> {
  let summary = "A tensor multiplied with a constant, then capped.";
  let description = [{
    y = input * factor; with `soft_cap` c > 0 the result is c * tanh(y / c),
    with `limit` l > 0 it is y limited to [-l, l].
  }];
  let arguments = (ins AnyRankedTensor:$input,
                       DefaultValuedAttr<F64Attr, "1.0">:$factor,
                       DefaultValuedAttr<F64Attr, "0.0">:$soft_cap,
                       DefaultValuedAttr<F64Attr, "0.0">:$limit);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                                 "::mlir::FloatAttr":$factor,
                                 "::mlir::FloatAttr":$soft_cap), [{
    build($_builder, $_state, result, input, factor, soft_cap,
          $_builder.getF64FloatAttr(0));
  }]>];
  let assemblyFormat = "$input attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Moe_MlpOp : Moe_WorkOp<"mlp"> {
  let summary = "A dense feed-forward block (dense layer or shared expert).";
  let description = [{
    `input` [..,H], `gate` [H,I] (absent if not gated), `up` [H,I],
    `down` [I,H] -> [..,H]: (activation(x gate) * (x up)) down, or
    activation(x up) down. `limit`, `limits_activated`, `alpha`,
    `linear_offset` and the caps are as in `moe.experts`.
  }];
  let arguments = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$gate,
                       AnyRankedTensor:$up, AnyRankedTensor:$down,
                       Moe_ActivationAttr:$activation,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format,
                       DefaultValuedAttr<F64Attr, "0.0">:$limit,
                       DefaultValuedAttr<F64Attr, "1.0">:$alpha,
                       DefaultValuedAttr<F64Attr, "0.0">:$linear_offset,
                       DefaultValuedAttr<F64Attr, "0.0">:$gate_cap,
                       DefaultValuedAttr<F64Attr, "0.0">:$linear_cap,
                       UnitAttr:$limits_activated);
  let results = (outs AnyRankedTensor:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::mlir::Value":$gate, "::mlir::Value":$up,
                   "::mlir::Value":$down,
                   "::portolan::moe::ActivationAttr":$activation,
                   "::portolan::moe::FormatAttr":$weight_format,
                   "::portolan::moe::FormatAttr":$activation_format), [{
      build($_builder, $_state, result, input, gate, up, down, activation,
            weight_format, activation_format, $_builder.getF64FloatAttr(0),
            $_builder.getF64FloatAttr(1), $_builder.getF64FloatAttr(0),
            $_builder.getF64FloatAttr(0), $_builder.getF64FloatAttr(0),
            ::mlir::UnitAttr());
    }]>,
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::mlir::Value":$gate, "::mlir::Value":$up,
                   "::mlir::Value":$down,
                   "::portolan::moe::Activation":$activation,
                   "::portolan::moe::FormatAttr":$weight_format,
                   "::portolan::moe::FormatAttr":$activation_format), [{
      build($_builder, $_state, result, input, gate, up, down,
            ActivationAttr::get($_builder.getContext(), activation),
            weight_format, activation_format);
    }]>];
  let assemblyFormat = [{
    $input (`gate` $gate^)? `up` $up `down` $down attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

def Moe_RotaryTableOp : Moe_Op<"rotary_table", [Pure]> {
  let summary = "Cosines and sines of the rotary angles, [length, dim/2] each.";
  let description = [{
    Row p, column i holds the angle p * f_i with f_i = theta^(-2i/dim). With
    `yarn_factor` the frequencies are interpolated as YaRN does
    (`yarn_original_positions`, `yarn_beta_fast`, `yarn_beta_slow`) and the
    table is scaled by `magnitude`. The ends of YaRN's ramp are whole columns
    unless `yarn_exact_bounds`. Last, f_i is multiplied with `factors[i]`.
  }];
  let arguments = (ins F64Attr:$theta,
                       OptionalAttr<F64Attr>:$yarn_factor,
                       OptionalAttr<I64Attr>:$yarn_original_positions,
                       OptionalAttr<F64Attr>:$yarn_beta_fast,
                       OptionalAttr<F64Attr>:$yarn_beta_slow,
                       DefaultValuedAttr<F64Attr, "1.0">:$magnitude,
                       UnitAttr:$yarn_exact_bounds,
                       OptionalAttr<DenseF64ArrayAttr>:$factors);
  let results = (outs AnyRankedTensor:$cosine, AnyRankedTensor:$sine);
  let assemblyFormat = "attr-dict `:` type($cosine) `,` type($sine)";
  let hasVerifier = 1;
}

def Moe_RopeOp : Moe_WorkOp<"rope"> {
  let summary = "Rotary position embedding on a part of each head.";
  let description = [{
    `input` [B,S,heads*head_width]; in each head the `2*C` elements from
    `offset` on (C = columns of the tables) are rotated by the angles of row
    `positions`[B,S]; the rest passes. `interleaved`: pairs are (2i, 2i+1),
    otherwise (i, i+C). `inverse`: they are rotated back.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$positions,
                       AnyRankedTensor:$cosine, AnyRankedTensor:$sine,
                       I64Attr:$head_width,
                       DefaultValuedAttr<I64Attr, "0">:$offset,
                       UnitAttr:$interleaved, UnitAttr:$inverse);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                                 "::mlir::Value":$positions,
                                 "::mlir::Value":$cosine, "::mlir::Value":$sine,
                                 "uint64_t":$head_width, "uint64_t":$offset,
                                 "bool":$interleaved), [{
    build($_builder, $_state, result, input, positions, cosine, sine,
          head_width, offset, interleaved, /*inverse=*/false);
  }]>];
  let assemblyFormat = [{
    $input `at` $positions `by` $cosine `,` $sine attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_AttentionOp : Moe_WorkOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "Causal attention of new tokens over a cache (MHA, GQA, MQA).";
  let description = [{
    `query` [B,S,heads*D], `key` [B,S,kv_heads*D], `value` [B,S,kv_heads*Dv],
    `past_key` [B,kv_heads,P,D], `past_value` [B,kv_heads,P,Dv] ->
    [B,S,heads*Dv] and the grown caches [B,kv_heads,P+S,..]. Query i of a
    sequence sees the keys up to position total - S + i, where total is its
    entry of `total_lengths` [B] (i32; P+S without it). A sequence's new tokens
    follow its own total - S past ones (0 if that is negative) in the grown
    caches, zeros pad their right end. `window` > 0: only the last `window`
    keys. `total_lengths` may also be [B,P+S] and say of each key whether it is
    there (not 0): the caches then grow at their end, padding may be anywhere,
    and a row that sees no key is the mean of all values, which is what equal
    scores amount to. `soft_cap` > 0: scores s become cap * tanh(s / cap).
    `sinks` [heads]: an extra score per head that takes part in the softmax and
    is dropped.
    With a fourth result it also yields the log-sum-exp [B,S,heads] of each row
    (its sink included), for merging the parts of a context that is spread over
    ranks. A row that sees no key is zero, its log-sum-exp minus infinity.
    `past_only`: queries do not see the new keys, which another rank attends to.
    `chunk` c > 0: a query at position p sees the keys from position p - p mod c
    on. `temperature_floor` f > 0: its scores are multiplied by
    1 + temperature_scale * ln(1 + floor((p + 1) / f)).
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
                       AnyRankedTensor:$value, AnyRankedTensor:$past_key,
                       AnyRankedTensor:$past_value,
                       Optional<AnyRankedTensor>:$total_lengths,
                       Optional<AnyRankedTensor>:$sinks,
                       I64Attr:$heads, I64Attr:$kv_heads, F64Attr:$scale,
                       DefaultValuedAttr<I64Attr, "0">:$window,
                       DefaultValuedAttr<F64Attr, "0.0">:$soft_cap,
                       OptionalAttr<Moe_FormatAttr>:$cache_format,
                       UnitAttr:$past_only,
                       DefaultValuedAttr<I64Attr, "0">:$chunk,
                       DefaultValuedAttr<I64Attr, "0">:$temperature_floor,
                       DefaultValuedAttr<F64Attr, "0.0">:$temperature_scale);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_key,
                      AnyRankedTensor:$present_value,
                      Optional<AnyRankedTensor>:$log_sum_exp);
  let builders = [OpBuilder<(ins "::mlir::Type":$result,
                                 "::mlir::Type":$present_key,
                                 "::mlir::Type":$present_value,
                                 "::mlir::Type":$log_sum_exp,
                                 "::mlir::Value":$query, "::mlir::Value":$key,
                                 "::mlir::Value":$value,
                                 "::mlir::Value":$past_key,
                                 "::mlir::Value":$past_value,
                                 "::mlir::Value":$total_lengths,
                                 "::mlir::Value":$sinks, "uint64_t":$heads,
                                 "uint64_t":$kv_heads, "::llvm::APFloat":$scale,
                                 "uint64_t":$window,
                                 "::llvm::APFloat":$soft_cap,
                                 "::portolan::moe::FormatAttr":$cache_format), [{
    build($_builder, $_state, result, present_key, present_value, log_sum_exp,
          query, key, value, past_key, past_value, total_lengths, sinks, heads,
          kv_heads, scale, window, soft_cap, cache_format, /*past_only=*/false,
          /*chunk=*/0, /*temperature_floor=*/0, ::llvm::APFloat(0.0));
  }]>];
  let assemblyFormat = [{
    $query `,` $key `,` $value `cache` $past_key `,` $past_value
    (`lengths` $total_lengths^)? (`sinks` $sinks^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_SparseAttentionOp : Moe_WorkOp<"sparse_attention"> {
  let summary = "Causal attention to the blocks of the context that an index "
                "chooses.";
  let description = [{
    Operands and results of `moe.attention`, and beside them `index_query`
    [B,S,kv_heads*I], `index_key` [B,S,I] and its cache `past_index` [B,P,I].
    The score of a block of `block` keys (by position) for a token and a group
    of heads is the largest product of the group's index query with an index key
    of the block that the token may see. The token attends to the keys of the
    `top_blocks` best blocks; the last `local_blocks`, its own included, are
    always among them. Equal scores: the smaller block.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
                       AnyRankedTensor:$value, AnyRankedTensor:$index_query,
                       AnyRankedTensor:$index_key, AnyRankedTensor:$past_key,
                       AnyRankedTensor:$past_value, AnyRankedTensor:$past_index,
                       I64Attr:$heads, I64Attr:$kv_heads, F64Attr:$scale,
                       I64Attr:$block, I64Attr:$top_blocks,
                       DefaultValuedAttr<I64Attr, "1">:$local_blocks,
                       OptionalAttr<Moe_FormatAttr>:$cache_format);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_key,
                      AnyRankedTensor:$present_value,
                      AnyRankedTensor:$present_index);
  let assemblyFormat = [{
    $query `,` $key `,` $value `index` $index_query `,` $index_key `cache`
    $past_key `,` $past_value `,` $past_index attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_LatentAttentionOp : Moe_WorkOp<"latent_attention"> {
  let summary = "Multi-head latent attention over a compressed cache.";
  let description = [{
    `query` [B,S,heads*(Dn+Dr)] (per head: Dn without, then Dr with rotation),
    `latent` [B,S,L] (normalized c_kv), `rotary_key` [B,S,Dr], caches
    `past_latent` [B,P,L] and `past_rotary_key` [B,P,Dr],
    `key_up` [heads,L,Dn], `value_up` [heads,L,Dv] -> [B,S,heads*Dv] and the
    grown caches. `absorbed`: `key_up` is applied to the query and `value_up`
    to the attended latent, so that the cache is read once for all heads;
    otherwise keys and values are expanded from the cache. Lengths, a fourth
    result and `past_only` are as in `moe.attention`.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$latent,
                       AnyRankedTensor:$rotary_key,
                       AnyRankedTensor:$past_latent,
                       AnyRankedTensor:$past_rotary_key,
                       AnyRankedTensor:$key_up, AnyRankedTensor:$value_up,
                       Optional<AnyRankedTensor>:$total_lengths,
                       I64Attr:$heads, F64Attr:$scale, UnitAttr:$absorbed,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$cache_format,
                       UnitAttr:$past_only);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_latent,
                      AnyRankedTensor:$present_rotary_key,
                      Optional<AnyRankedTensor>:$log_sum_exp);
  let assemblyFormat = [{
    $query `,` $latent `,` $rotary_key `cache` $past_latent `,` $past_rotary_key
    `up` $key_up `,` $value_up (`lengths` $total_lengths^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

include "dialects/Moe/IR/MoeDecomposed.td"
include "dialects/Moe/IR/MoeIndexed.td"
include "dialects/Moe/IR/MoeRecurrence.td"
include "dialects/Moe/IR/MoeDepth.td"
include "dialects/Moe/IR/MoePooled.td"
include "dialects/Moe/IR/MoeStreams.td"
include "dialects/Moe/IR/MoeShared.td"

include "dialects/Moe/IR/MoeExperts.td"

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEOPS_TD
