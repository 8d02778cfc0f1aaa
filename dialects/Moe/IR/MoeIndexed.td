//===- MoeIndexed.td - attention to keys that an index chooses -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by MoeOps.td, whose letters hold here too.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEINDEXED_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEINDEXED_TD

def Moe_IndexedLatentAttentionOp : Moe_WorkOp<"indexed_latent_attention"> {
  let summary = "Latent attention to the keys that a small index scores best.";
  let description = [{
    Operands and results of `moe.latent_attention` with latent caches, and
    beside them, for an index of N heads of width I: `index_query` [B,S,N*I],
    `index_key` [B,S,I], `index_weights` [B,S,N] and the cache `past_index`
    [B,P,I]. The index scores key j for token i with
    sum over heads of weight * max(query . key, 0). A token attends to the
    `top_keys` best of the keys that it may see (to all if there are no more);
    of equal scores the earlier key is taken. With a fifth result it also yields
    their positions, `chosen` [B,S,top_keys] (i32), the best first and -1 where
    there are fewer, for layers that attend to the same ones.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$latent,
                       AnyRankedTensor:$rotary_key,
                       AnyRankedTensor:$index_query, AnyRankedTensor:$index_key,
                       AnyRankedTensor:$index_weights,
                       AnyRankedTensor:$past_latent,
                       AnyRankedTensor:$past_rotary_key,
                       AnyRankedTensor:$past_index,
                       AnyRankedTensor:$key_up, AnyRankedTensor:$value_up,
                       I64Attr:$heads, F64Attr:$scale, I64Attr:$index_heads,
                       I64Attr:$top_keys,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$cache_format);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present_latent,
                      AnyRankedTensor:$present_rotary_key,
                      AnyRankedTensor:$present_index,
                      Optional<AnyRankedTensor>:$chosen);
  let assemblyFormat = [{
    $query `,` $latent `,` $rotary_key
    `index` $index_query `,` $index_key `,` $index_weights
    `cache` $past_latent `,` $past_rotary_key `,` $past_index
    `up` $key_up `,` $value_up attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEINDEXED_TD
