//===- SwitchedKernelReduce.td - sums over ranks -----------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor is cut into chunks of its elements in row-major order, 16 bytes for
// each thread of the block. Operands and results of the kernel are at the same
// place on all members of the group.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELREDUCE_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELREDUCE_TD

include "dialects/Spmd/IR/SpmdAttrs.td"
include "dialects/Switched/IR/SwitchedKernelMemory.td"

def Switched_ForChunksOp
    : Switched_ProgramOp<"for_chunks", [HasParent<"KernelOp">, SingleBlock]> {
  let summary = "The chunks of a tensor that fall to this block.";
  let description = [{
    Chunks of `chunk` elements. With `group` each member takes a contiguous share
    of them: of n chunks and m members, member i those from i * n / m (rounded
    down) up to (i + 1) * n / m; without, every member takes all. Blocks share
    what the member takes in the same way. The region's arguments are, as
    indices, the first element and the elements that are left (at most the
    chunk).
  }];
  let arguments = (ins AnyMemRef:$tensor, I64Attr:$chunk,
                       OptionalAttr<Spmd_GroupAttr>:$group);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $tensor `chunk` `=` $chunk (`over` $group^)? attr-dict `:` type($tensor)
    $body
  }];
  let hasRegionVerifier = 1;
}

class Switched_ChunkOp<string mnemonic> : Switched_ProgramOp<mnemonic> {
  let hasVerifier = 1;
}

def Switched_MultimemLoadReduceOp : Switched_ChunkOp<"multimem_load_reduce"> {
  let summary = "A chunk of the sum over all members, added in the switch.";
  let description = [{
    The elements of `tensor` from `first` on, `left` of them, of every member
    (multimem.ld_reduce .add, sums of 16-bit formats in f32). What is left of the
    tile is undefined.
  }];
  let arguments = (ins AnyMemRef:$tensor, Index:$first, Index:$left,
                       Switched_Registers:$tile);
  let assemblyFormat = [{
    $tensor `[` $first `]` `left` $left `to` $tile attr-dict
    `:` type($tensor) `to` type($tile)
  }];
}

def Switched_MultimemStoreOp : Switched_ChunkOp<"multimem_store"> {
  let summary = "A chunk to the memory of all members, copied in the switch.";
  let description = [{ `left` elements, from `first` on (multimem.st). }];
  let arguments = (ins Switched_Registers:$tile, AnyMemRef:$tensor,
                       Index:$first, Index:$left);
  let assemblyFormat = [{
    $tile `to` $tensor `[` $first `]` `left` $left attr-dict
    `:` type($tile) `to` type($tensor)
  }];
}

def Switched_ZeroOp : Switched_ProgramOp<"zero"> {
  let summary = "Sets a tile to 0.";
  let arguments = (ins Switched_Registers:$tile);
  let assemblyFormat = "$tile attr-dict `:` type($tile)";
}

def Switched_PeerAddOp : Switched_ChunkOp<"peer_add"> {
  let summary = "Adds a chunk of a peer's tensor to a tile.";
  let description = [{
    `left` elements of the member `peer`, from `first` on, read over the link.
    The tile holds sums in f32.
  }];
  let arguments = (ins AnyMemRef:$tensor, Index:$first, Index:$left,
                       Index:$peer, Switched_Registers:$tile);
  let assemblyFormat = [{
    $tensor `[` $first `]` `left` $left `at` $peer `to` $tile attr-dict
    `:` type($tensor) `to` type($tile)
  }];
}

def Switched_ChunkStoreOp : Switched_ChunkOp<"chunk_store"> {
  let summary = "A chunk to memory of this rank, rounded to its format.";
  let arguments = (ins Switched_Registers:$tile, AnyMemRef:$tensor,
                       Index:$first, Index:$left);
  let assemblyFormat = [{
    $tile `to` $tensor `[` $first `]` `left` $left attr-dict
    `:` type($tile) `to` type($tensor)
  }];
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELREDUCE_TD
