//===- SwitchedKernelAttention.td - attention over a cache -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Queries lie on the columns of the products, as tokens do: keys, then columns
// of the latent, lie on the rows of the instruction. So few heads cost few, and
// the tile of the cache that made the scores is multiplied again as it is.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELATTENTION_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELATTENTION_TD

include "dialects/Switched/IR/SwitchedKernelMma.td"

def Switched_ForHeadsOp
    : Switched_ProgramOp<"for_heads", [HasParent<"KernelOp">, SingleBlock]> {
  let summary = "The tiles of a product per head that fall to this block.";
  let description = [{
    For each of `heads`, `rows` are cut into tiles of `token_tile` and `columns`
    into tiles of `column_tile`. The region's arguments are, as indices: the
    head, the first row, the rows that are left (at most the tile) and the first
    column.
  }];
  let arguments = (ins I64Attr:$heads, I64Attr:$rows, I64Attr:$token_tile,
                       I64Attr:$column_tile, I64Attr:$columns);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $heads `rows` `=` $rows `token_tile` `=` $token_tile
    `column_tile` `=` $column_tile `columns` `=` $columns attr-dict `do` $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_ForSequencesOp
    : Switched_ProgramOp<"for_sequences", [HasParent<"KernelOp">, SingleBlock]> {
  let summary = "The queries of each sequence that fall to this block.";
  let description = [{
    Each of `sequences` has `queries`, cut into tiles of `tile`. The region's
    arguments are, as indices: the sequence, the first query in it and the
    queries that are left (at most the tile).
  }];
  let arguments = (ins I64Attr:$sequences, I64Attr:$queries, I64Attr:$tile);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sequences `queries` `=` $queries `tile` `=` $tile attr-dict `do` $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_ForCacheTilesOp
    : Switched_ProgramOp<"for_cache_tiles",
                         [HasParent<"ForSequencesOp">, SingleBlock]> {
  let summary = "A cache in tiles of keys, loads running ahead of products.";
  let description = [{
    As `switched.pipeline`, of `keys` in steps of `tile`: both sides have the
    step's first key and its stage as arguments. Scores start at 0 in each step;
    the state of a softmax (no maximum, a sum of 0) and the outputs in the first
    one.
  }];
  let arguments = (ins Switched_Mbarrier:$full, Switched_Mbarrier:$free,
                       I64Attr:$keys, I64Attr:$tile, I64Attr:$stages);
  let regions = (region SizedRegion<1>:$produce, SizedRegion<1>:$consume);
  let assemblyFormat = [{
    `keys` `=` $keys `tile` `=` $tile `stages` `=` $stages
    `full` `(` $full `)` `free` `(` $free `)` attr-dict `:` type($full)
    `,` type($free) `produce` $produce `consume` $consume
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getSteps() {
      return (int64_t(getKeys()) + int64_t(getTile()) - 1) / int64_t(getTile());
    }
  }];
}

def Switched_SoftmaxStepOp : Switched_ProgramOp<"softmax_step"> {
  let summary = "Takes a tile of scores into a running softmax.";
  let description = [{
    `scores` [keys, queries] from key `key` and query `query` on, times `scale`.
    Query q is of new token q / heads; it sees the keys before `past` and, unless
    `past_only`, those of new tokens up to its own. `state` holds, per query, the
    largest score so far and the sum of powers relative to it. It is updated,
    `outputs` [columns, queries] are multiplied by what the maximum grew by, and
    `probabilities` [1, queries, keys] get the powers.
  }];
  let arguments = (ins Switched_Sums:$scores, Index:$key, Index:$query,
    Switched_Registers:$state, Variadic<Switched_Sums>:$outputs,
    Switched_Smem:$probabilities, F64Attr:$scale, I64Attr:$heads, I64Attr:$past,
    UnitAttr:$past_only);
  let assemblyFormat = [{
    $scores `[` $key `,` $query `]` `state` $state `rescales` `(` $outputs `)`
    `to` $probabilities attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Switched_AttendOp : Switched_ProgramOp<"attend"> {
  let summary = "A product of probabilities with a tile of the cache.";
  let description = [{
    `sums` [columns, queries] += `latent` [keys, columns] transposed *
    `probabilities` [queries, keys] transposed, of the stage `stage` of the
    cache. It is issued as `switched.wgmma` or `switched.tcgen05_mma`, by where
    the sums are, with an operand whose rows are contiguous.
  }];
  let arguments = (ins Switched_Smem:$latent, Switched_Smem:$probabilities,
                       Switched_Sums:$sums, Index:$stage);
  let assemblyFormat = [{
    $latent `,` $probabilities `into` $sums `[` $stage `]` attr-dict
    `:` type($latent) `,` type($probabilities) `into` type($sums)
  }];
  let hasVerifier = 1;
}

def Switched_NormalizeOp : Switched_ProgramOp<"normalize"> {
  let summary = "Ends a softmax: outputs over their sums of powers.";
  let description = [{
    `result` [1, queries, columns] in its format, from `sums` [columns, queries]
    and `state`. A query that saw no key gets 0.
  }];
  let arguments = (ins Switched_Sums:$sums, Switched_Registers:$state,
                       Switched_Smem:$result);
  let assemblyFormat = [{
    $sums `state` $state `into` $result attr-dict
    `:` type($sums) `,` type($state) `into` type($result)
  }];
  let hasVerifier = 1;
}

def Switched_StoreLogSumExpOp : Switched_ProgramOp<"store_log_sum_exp"> {
  let summary = "Stores the logarithms of the sums of powers.";
  let description = [{
    `rows` queries of `state` go to `target` from `offset` on; one that saw no
    key gets minus infinity.
  }];
  let arguments = (ins Switched_Registers:$state, AnyMemRef:$target,
                       Index:$offset, Index:$rows);
  let assemblyFormat = [{
    $state `to` $target `[` $offset `]` `rows` $rows attr-dict
    `:` type($state) `to` type($target)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELATTENTION_TD
