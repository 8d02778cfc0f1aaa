//===- MoeShared.td - attention with what another layer has -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by MoeOps.td, whose letters hold here too. Layers that read the
// cache of an earlier layer, or attend to the keys that an earlier layer's
// index has chosen.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOESHARED_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOESHARED_TD

def Moe_SharedAttentionOp : Moe_WorkOp<"shared_attention"> {
  let summary = "Causal attention over the cache that another attention keeps.";
  let description = [{
    `query` [B,S,heads*D], `keys` [B,kv_heads,T,D], `values` [B,kv_heads,T,Dv]
    -> [B,S,heads*Dv]: `moe.attention` over caches that hold the new tokens
    already, as the last S of T. Query i sees the keys up to position T - S + i.
    Nothing is appended: the caches are those of the attention that they come
    from, and count there. A second result and `past_only` (the caches hold no
    new token) are as in `moe.attention`.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$keys,
                       AnyRankedTensor:$values, I64Attr:$heads,
                       I64Attr:$kv_heads, F64Attr:$scale,
                       OptionalAttr<Moe_FormatAttr>:$cache_format,
                       UnitAttr:$past_only);
  let results = (outs AnyRankedTensor:$result,
                      Optional<AnyRankedTensor>:$log_sum_exp);
  let assemblyFormat = [{
    $query `cache` $keys `,` $values attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_ChosenLatentAttentionOp : Moe_WorkOp<"chosen_latent_attention"> {
  let summary = "Latent attention to the keys that an earlier layer has chosen.";
  let description = [{
    Operands and results of `moe.latent_attention` with latent caches, and
    `chosen` [B,S,K] (i32) beside them, as `moe.indexed_latent_attention` yields
    it: the positions of the keys that a token attends to. Each counts once;
    negative ones, and those that the token may not see, are passed over.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$latent,
                       AnyRankedTensor:$rotary_key, AnyRankedTensor:$chosen,
                       AnyRankedTensor:$past_latent,
                       AnyRankedTensor:$past_rotary_key,
                       AnyRankedTensor:$key_up, AnyRankedTensor:$value_up,
                       I64Attr:$heads, F64Attr:$scale,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$cache_format);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_latent,
                      AnyRankedTensor:$present_rotary_key);
  let assemblyFormat = [{
    $query `,` $latent `,` $rotary_key `chosen` $chosen
    `cache` $past_latent `,` $past_rotary_key
    `up` $key_up `,` $value_up attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOESHARED_TD
