//===- SwitchedKernelRoute.td - the choice of experts ------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A router is a dense product whose epilogue chooses. The choice needs the
// logits of all experts of a token, so one block has the sums of all columns of
// its tokens.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELROUTE_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELROUTE_TD

include "dialects/Moe/IR/MoeEnums.td"
include "dialects/Switched/IR/SwitchedKernelMemory.td"

def Switched_ForRowsOp
    : Switched_ProgramOp<"for_rows", [HasParent<"KernelOp">, SingleBlock]> {
  let summary = "The tiles of a tensor's rows that fall to this block.";
  let description = [{
    The first dimension of `rows`, which is global memory, is cut into tiles of
    `tile` rows. Each block takes a contiguous share of the tiles, in order: of
    n tiles and u blocks, block b has those from b * n / u (rounded down) up to
    (b + 1) * n / u. The region's arguments are, as indices, the first row of
    the tile and the rows that are left (at most the tile).
  }];
  let arguments = (ins AnyMemRef:$rows, I64Attr:$tile);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$rows `tile` `=` $tile attr-dict `:` type($rows) $body";
  let hasRegionVerifier = 1;
}

def Switched_ChooseOp
    : Switched_ProgramOp<"choose", [AttrSizedOperandSegments]> {
  let summary = "Chooses top_k experts of each token of a tile.";
  let description = [{
    `logits` are tiles of shared memory [1, tokens, columns] in f32 whose columns
    stand one after another; the first `experts` of them are experts, the rest is
    padding that is never chosen. Row i of the tiles is token `row` + i, and the
    first `left` rows are stored: [tokens of the step, top_k] of `weights` and of
    `indices`, best first, ties to the smaller index. `bias` [experts] is added
    to the logits, `correction` [experts] to the scores, for the choice only;
    with `ids` [tokens of the step] and `table` [V, top_k] the experts are looked
    up and only their weights are scores. What the attributes mean, `moe.route`
    says; arithmetic is in f32. A warp works on a row at a time.
  }];
  let arguments = (ins Variadic<Switched_Smem>:$logits, Index:$row, Index:$left,
    Optional<AnyMemRef>:$bias, Optional<AnyMemRef>:$correction,
    Optional<AnyMemRef>:$ids, Optional<AnyMemRef>:$table,
    AnyMemRef:$weights, AnyMemRef:$indices,
    I64Attr:$experts, I64Attr:$top_k, Moe_ScoringAttr:$scoring,
    DefaultValuedAttr<I64Attr, "1">:$groups,
    DefaultValuedAttr<I64Attr, "1">:$top_groups, UnitAttr:$normalize,
    DefaultValuedAttr<F64Attr, "1.0">:$scale,
    DefaultValuedAttr<I64Attr, "2">:$group_rank,
    DefaultValuedAttr<F64Attr, "0.0">:$jitter);
  let assemblyFormat = [{
    $logits `rows` $row `,` $left (`bias` $bias^)? (`correction` $correction^)?
    (`ids` $ids^)? (`table` $table^)? `to` $weights `,` $indices attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELROUTE_TD
