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
    normalizes a row, G = head width is QK-norm.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gain,
                       F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $gain attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Moe_LinearOp : Moe_WorkOp<"linear"> {
  let summary = "Product with a weight matrix, with an optional bias.";
  let description = [{
    `input` [..,K], `weight` [K,N], `bias` [N] -> [..,N]. `last_position`: only
    the last P of the S positions are computed (serving logits: 1, or all that
    are verified), [B,P,N].
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
                       Optional<AnyRankedTensor>:$bias,
                       UnitAttr:$last_position,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_AddOp : Moe_WorkOp<"add", [SameOperandsAndResultType]> {
  let summary = "Elementwise sum of two tensors of one type (residual).";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def Moe_MlpOp : Moe_WorkOp<"mlp"> {
  let summary = "A dense feed-forward block (dense layer or shared expert).";
  let description = [{
    `input` [..,H], `gate` [H,I] (absent if not gated), `up` [H,I],
    `down` [I,H] -> [..,H]: (activation(x gate) * (x up)) down, or
    activation(x up) down.
  }];
  let arguments = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$gate,
                       AnyRankedTensor:$up, AnyRankedTensor:$down,
                       Moe_ActivationAttr:$activation,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format);
  let results = (outs AnyRankedTensor:$result);
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
    unless `yarn_exact_bounds`.
  }];
  let arguments = (ins F64Attr:$theta,
                       OptionalAttr<F64Attr>:$yarn_factor,
                       OptionalAttr<I64Attr>:$yarn_original_positions,
                       OptionalAttr<F64Attr>:$yarn_beta_fast,
                       OptionalAttr<F64Attr>:$yarn_beta_slow,
                       DefaultValuedAttr<F64Attr, "1.0">:$magnitude,
                       UnitAttr:$yarn_exact_bounds);
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
    otherwise (i, i+C).
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$positions,
                       AnyRankedTensor:$cosine, AnyRankedTensor:$sine,
                       I64Attr:$head_width,
                       DefaultValuedAttr<I64Attr, "0">:$offset,
                       UnitAttr:$interleaved);
  let results = (outs AnyRankedTensor:$result);
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
                       UnitAttr:$past_only);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_key,
                      AnyRankedTensor:$present_value,
                      Optional<AnyRankedTensor>:$log_sum_exp);
  let assemblyFormat = [{
    $query `,` $key `,` $value `cache` $past_key `,` $past_value
    (`lengths` $total_lengths^)? (`sinks` $sinks^)? attr-dict
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

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

def Moe_RouteOp : Moe_WorkOp<"route", [AttrSizedOperandSegments]> {
  let summary = "Chooses K experts per token and their weights.";
  let description = [{
    `input` [..,H], `router` [H,E], `bias` [E] (added to the logits),
    `correction` [E] (added to the scores for the choice only) ->
    `weights` [..,K] (f32) and `indices` [..,K] (i32), best first, ties to the
    smaller index. scores = softmax or sigmoid of the logits. With `groups` G
    and `top_groups` only the experts of the best groups are eligible, a group's
    rank being the sum of its two largest corrected scores. `normalize`: the K
    weights are divided by their sum. All weights are multiplied by `scale`.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$router,
                       Optional<AnyRankedTensor>:$bias,
                       Optional<AnyRankedTensor>:$correction,
                       I64Attr:$top_k, Moe_ScoringAttr:$scoring,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$top_groups,
                       UnitAttr:$normalize,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale);
  let results = (outs AnyRankedTensor:$weights, AnyRankedTensor:$indices);
  let assemblyFormat = [{
    $input `,` $router (`bias` $bias^)? (`correction` $correction^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_DispatchOp : Moe_WorkOp<"dispatch"> {
  let summary = "Copies token rows to the experts that they are routed to.";
  let description = [{
    `input` [..,H], `indices` [..,K] -> `rows` [R,H] ordered by (expert, token,
    slot), and `counts` [E] (i32), the rows of each expert. An index outside
    [first_expert, first_expert + E) is dropped, so R is dynamic unless every
    index is known to be inside, when R = tokens * K. `activation_format`: how
    the rows are kept on their way to the experts.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$first_expert,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_FormatAttr>:$activation_format);
  let results = (outs AnyRankedTensor:$rows, AnyRankedTensor:$counts);
  let builders = [OpBuilder<(ins "::mlir::Type":$rows, "::mlir::Type":$counts,
                                 "::mlir::Value":$input,
                                 "::mlir::Value":$indices,
                                 "uint64_t":$first_expert,
                                 "::portolan::moe::LoadAttr":$load), [{
    build($_builder, $_state, rows, counts, input, indices, first_expert, load,
          FormatAttr());
  }]>];
  let assemblyFormat = "$input `,` $indices attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Moe_ExpertsOp : Moe_WorkOp<"experts", [AttrSizedOperandSegments]> {
  let summary = "The feed-forward block of each expert on its rows.";
  let description = [{
    `rows` [R,H] grouped by expert, `counts` [E], `gate` [E,H,I] (absent if not
    gated), `up` [E,H,I], `down` [E,I,H], biases [E,I], [E,I], [E,H] -> [R,H].
    With `limit` c > 0 the gate is clamped to (-inf, c] and the linear part to
    [-c, c]; `alpha` scales the argument of the sigmoid, `linear_offset` is
    added to the linear part: act = g * sigmoid(alpha * g) * (u + offset).
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$counts,
                       Optional<AnyRankedTensor>:$gate, AnyRankedTensor:$up,
                       AnyRankedTensor:$down,
                       Optional<AnyRankedTensor>:$gate_bias,
                       Optional<AnyRankedTensor>:$up_bias,
                       Optional<AnyRankedTensor>:$down_bias,
                       Moe_ActivationAttr:$activation,
                       DefaultValuedAttr<F64Attr, "0.0">:$limit,
                       DefaultValuedAttr<F64Attr, "1.0">:$alpha,
                       DefaultValuedAttr<F64Attr, "0.0">:$linear_offset,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `,` $counts (`gate` $gate^)? `up` $up `down` $down
    (`gate_bias` $gate_bias^)? (`up_bias` $up_bias^)? (`down_bias` $down_bias^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_CombineOp : Moe_WorkOp<"combine"> {
  let summary = "Sums each token's expert results with its weights.";
  let description = [{
    `rows` [R,H] in the order that `moe.dispatch` gave them for `indices`
    [..,K], `weights` [..,K] -> [..,H]. Dropped indices add nothing.
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$weights,
                       AnyRankedTensor:$indices, I64Attr:$experts,
                       DefaultValuedAttr<I64Attr, "0">:$first_expert,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_LoadAttr>:$result_load);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `,` $weights `,` $indices attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEOPS_TD
