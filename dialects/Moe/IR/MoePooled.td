//===- MoePooled.td - keys that are pooled ------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by MoeOps.td, whose letters hold here too. M tokens make an entry of
// width D.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEPOOLED_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEPOOLED_TD

def Moe_PoolKeysOp : Moe_WorkOp<"pool_keys"> {
  let summary = "One key for every M tokens: a sum by a softmax over them.";
  let description = [{
    `values`, `scores` [B,S,J*D], `bias` [M,J*D], `gain` [D], `positions` [B,S],
    rotary tables [L,C], the entries so far `past` [B,E,D] and the rows of the
    last J*M tokens `past_rows` [B,J*M,2*J*D] (values, then scores; rows before
    the first token are not read) -> `present` [B,(P+S)/M,D] and `present_rows`.

    Entry e is made when its window, the tokens from e*M to e*M + M - 1, is
    complete. It is a sum over the tokens of J windows, its own the last of
    them: window j of the J gives the columns from j*D on, a token at place i of
    its window the weight exp(score + bias[i]), divided by the sum over all
    tokens; each column has weights of its own. Tokens before the first have
    none. The sum is normalized (x * rsqrt(mean(x^2) + epsilon) * gain) and its
    last 2*C elements are rotated, in pairs (2i, 2i+1), by the angles of e*M.

    `positions` of a sequence count up from the number of its past tokens, of
    which floor(P/M) = E.
  }];
  let arguments = (ins AnyRankedTensor:$values, AnyRankedTensor:$scores,
                       AnyRankedTensor:$bias, AnyRankedTensor:$gain,
                       AnyRankedTensor:$positions, AnyRankedTensor:$cosine,
                       AnyRankedTensor:$sine, AnyRankedTensor:$past,
                       AnyRankedTensor:$past_rows, F64Attr:$epsilon,
                       OptionalAttr<Moe_FormatAttr>:$cache_format);
  let results = (outs AnyRankedTensor:$present, AnyRankedTensor:$present_rows);
  let assemblyFormat = [{
    $values `,` $scores `bias` $bias `norm` $gain `at` $positions `by` $cosine
    `,` $sine `cache` $past `,` $past_rows attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_PooledAttentionOp
    : Moe_WorkOp<"pooled_attention", [AttrSizedOperandSegments]> {
  let summary = "Causal attention to the last keys and to pooled ones, which "
                "are their own values.";
  let description = [{
    `query` [B,S,heads*D], `key` [B,S,D], `past_key` [B,P,D] -> [B,S,heads*D]
    and the grown cache. All heads attend to one key per token, which is its
    value too. A token at position p sees the keys of the last `window` tokens,
    its own included, and the entry e of `entries` [B,(P+S)/ratio,D] if
    e < floor((p + 1) / ratio): they are parts of one softmax, and so are
    `sinks` [heads], which are dropped.
    `index_query` [B,S,N*I], `index_weights` [B,S,N] and `index_entries`
    [B,(P+S)/ratio,I] say which entries: the `top_entries` best, as in
    `moe.indexed_latent_attention`; without them all.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
                       AnyRankedTensor:$past_key,
                       Optional<AnyRankedTensor>:$entries,
                       Optional<AnyRankedTensor>:$index_query,
                       Optional<AnyRankedTensor>:$index_weights,
                       Optional<AnyRankedTensor>:$index_entries,
                       Optional<AnyRankedTensor>:$sinks,
                       I64Attr:$heads, F64Attr:$scale, I64Attr:$window,
                       DefaultValuedAttr<I64Attr, "0">:$ratio,
                       DefaultValuedAttr<I64Attr, "0">:$top_entries,
                       OptionalAttr<Moe_FormatAttr>:$cache_format);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_key);
  let assemblyFormat = [{
    $query `,` $key `cache` $past_key (`entries` $entries^)?
    (`index` $index_query^ `,` $index_weights `,` $index_entries)?
    (`sinks` $sinks^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_GroupedLinearOp : Moe_WorkOp<"grouped_linear"> {
  let summary = "Equal parts of a row, each times a matrix of its own.";
  let description = [{
    `input` [..,G*K], `weight` [G,K,N] -> [..,G*N]: part g of the result is part
    g of the input times matrix g.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEPOOLED_TD
