//===- SwitchedKernelRows.td - rows that go to destinations -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing: the rows of tokens, in the order of the ranks or experts that they
// go to. No block waits for another one: each counts for itself where its rows
// stand.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELROWS_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELROWS_TD

include "dialects/Switched/IR/SwitchedKernelMemory.td"

def Switched_DestinationsAttr : AttrDef<Switched_Dialect, "Destinations"> {
  let mnemonic = "destinations";
  let summary = "Where the rows of a token go.";
  let description = [{
    `ranks` = 0: each of the `experts` experts from `first` on is a destination,
    and a token has a row there for each of its indices that names it. Otherwise
    the experts are spread over ranks / `spread` blocks of `spread` ranks in
    contiguous shares, the first ones one larger, and each rank is a destination:
    a token has one row there if any of its indices names an expert of the
    rank's block. An index outside of the experts goes nowhere (experts) or
    counts as the nearest one (ranks).
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$first, "int64_t":$ranks,
                        "int64_t":$spread);
  let assemblyFormat = [{
    `<` `experts` `=` $experts `,` `first` `=` $first `,` `ranks` `=` $ranks
    `,` `spread` `=` $spread `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t count() const { return getRanks() ? getRanks() : getExperts(); }
  }];
}

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

def Switched_CountersAllocOp
    : Switched_AllocOp<"counters_alloc", Switched_Counters> {
  let summary = "Counters of 32 bits in the shared memory of the block.";
  let assemblyFormat = "attr-dict `:` type($tile)";
}

def Switched_CountRowsOp : Switched_ProgramOp<"count_rows"> {
  let summary = "Where the rows of this block's tokens stand.";
  let description = [{
    `indices` [T,K] are the experts of the tokens. Counter d of `next` becomes
    the place of the first row that a token of this block has at destination d:
    the rows of all destinations before d, and those at d of the tokens before
    this block's, which are its share in `switched.for_rows` of tiles of one row.
    One block stores in `counts` how many rows each destination has.
  }];
  let arguments = (ins AnyMemRef:$indices, Switched_Counters:$next,
                       AnyMemRef:$counts,
                       Switched_DestinationsAttr:$destinations);
  let assemblyFormat = [{
    $indices `to` $next `,` $counts `over` $destinations attr-dict
    `:` type($indices) `to` type($next) `,` type($counts)
  }];
  let hasVerifier = 1;
}

def Switched_ForDestinationsOp
    : Switched_ProgramOp<"for_destinations", [SingleBlock]> {
  let summary = "The rows of a token, one destination after another.";
  let description = [{
    In ascending order of ranks, or of the token's indices where destinations
    are experts. The region's arguments are, as indices, the destination and the
    place of the row, which is the counter of the destination; that is increased
    by one.
  }];
  let arguments = (ins AnyMemRef:$indices, Index:$token,
                       Switched_Counters:$next,
                       Switched_DestinationsAttr:$destinations);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $indices `[` $token `]` `next` $next `over` $destinations attr-dict
    `:` type($indices) `next` type($next) $body
  }];
  let hasRegionVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Copying
//===----------------------------------------------------------------------===//

def Switched_RowLoadOp : Switched_ProgramOp<"row_load"> {
  let summary = "Copies a row of global memory into a stage, asynchronously.";
  let description = [{
    A bulk copy without a tensor map (cp.async.bulk). It begins when the stores
    before it have read the stage, and signals its bytes at `barrier`. Rows in
    global memory have the format of the tile, block scales beside them.
  }];
  let arguments = (ins AnyMemRef:$source, Index:$row, Switched_Smem:$tile,
                       Index:$stage, Switched_Mbarrier:$barrier);
  let assemblyFormat = [{
    $source `[` $row `]` `to` $tile `[` $stage `]` `signals` $barrier attr-dict
    `:` type($source) `to` type($tile) `signals` type($barrier)
  }];
  let hasVerifier = 1;
}

def Switched_RowStoreOp : Switched_ProgramOp<"row_store"> {
  let summary = "Copies a row of shared memory to global memory.";
  let description = [{
    A bulk copy. With `peer` it goes to the memory of that member of the group,
    at the place that `target` has there.
  }];
  let arguments = (ins Switched_Smem:$tile, Index:$stage, AnyMemRef:$target,
                       Index:$row, Optional<Index>:$peer);
  let assemblyFormat = [{
    $tile `[` $stage `]` `to` $target `[` $row `]` (`at` $peer^)? attr-dict
    `:` type($tile) `to` type($target)
  }];
  let hasVerifier = 1;
}

def Switched_CopyRowOp : Switched_ProgramOp<"copy_row"> {
  let summary = "Copies a short row by loads and stores of threads.";
  let description = [{
    For what travels along with a row and is too short for a bulk copy. `peer` is
    as in `switched.row_store`.
  }];
  let arguments = (ins AnyMemRef:$source, Index:$from, AnyMemRef:$target,
                       Index:$to, Optional<Index>:$peer);
  let assemblyFormat = [{
    $source `[` $from `]` `to` $target `[` $to `]` (`at` $peer^)? attr-dict
    `:` type($source) `to` type($target)
  }];
  let hasVerifier = 1;
}

def Switched_RowMetadataOp : Switched_ProgramOp<"row_metadata"> {
  let summary = "Stores what a packed row is accompanied by.";
  let description = [{
    At `place`: the token's weights in `row_weights` [R,K]; its indices in
    `row_indices` [R,K], counted from the first expert of the destination's
    block, -1 for experts of others; the token's number in `tokens` [R].
    Destinations are ranks.
  }];
  let arguments = (ins AnyMemRef:$weights, AnyMemRef:$indices, Index:$token,
                       Index:$destination, AnyMemRef:$row_weights,
                       AnyMemRef:$row_indices, AnyMemRef:$tokens, Index:$place,
                       Switched_DestinationsAttr:$destinations);
  let assemblyFormat = [{
    $weights `,` $indices `[` $token `]` `for` $destination `to` $row_weights
    `,` $row_indices `,` $tokens `[` $place `]` `over` $destinations attr-dict
    `:` type($weights) `,` type($indices) `to` type($row_weights) `,`
    type($row_indices) `,` type($tokens)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELROWS_TD
