//===- SwitchedKernelPeers.td - memory of other ranks ------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One-sided communication inside a domain. Results of a kernel of a transfer,
// and what is allocated here, are at the same place on all members of a group,
// so that a member names a peer's memory by its own. What a peer wrote before a
// signal can be read after the wait for it.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELPEERS_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELPEERS_TD

include "dialects/Spmd/IR/SpmdAttrs.td"
include "dialects/Switched/IR/SwitchedKernelMemory.td"

def Switched_ForPeersOp
    : Switched_ProgramOp<"for_peers", [HasParent<"KernelOp">, SingleBlock]> {
  let summary = "The members of a group that fall to this block.";
  let description = [{
    Every member of `group`, this rank included, `parts` times. Block b of u has
    the pairs whose number member * `parts` + part is b modulo u, beginning with
    the first one after this rank's own, so that not all ranks write to the same
    one. The region's arguments are, as indices, the member and the part.
  }];
  let arguments = (ins Spmd_GroupAttr:$group, I64Attr:$parts);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$group `parts` `=` $parts attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Switched_EachPeerOp
    : Switched_ProgramOp<"each_peer", [ParentOneOf<["KernelOp", "ForChunksOp"]>,
                                       SingleBlock]> {
  let summary = "Every member of a group, in order, for every block.";
  let description = [{
    From member 0 on, this rank included. The region's argument is the member,
    as index.
  }];
  let arguments = (ins Spmd_GroupAttr:$group);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$group attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Switched_ForSentOp
    : Switched_ProgramOp<"for_sent", [HasParent<"ForPeersOp">, SingleBlock]> {
  let summary = "The rows for a peer that fall to a part.";
  let description = [{
    Rows are ordered by member, `counts` [N] of each. Those for `peer` are dealt
    to the parts of the enclosing loop, row i to part i modulo parts. The
    region's arguments are, as indices, the row and its number i among the rows
    for the peer.
  }];
  let arguments = (ins AnyMemRef:$counts, Index:$peer, Index:$part);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $counts `[` $peer `]` `part` $part attr-dict `:` type($counts) $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_PrefixOp : Switched_ProgramOp<"prefix"> {
  let summary = "The sum of the entries before one.";
  let arguments = (ins AnyMemRef:$counts, Index:$entry);
  let results = (outs Index:$sum);
  let assemblyFormat = "$counts `[` $entry `]` attr-dict `:` type($counts)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Words and signals
//===----------------------------------------------------------------------===//

def Switched_WordsAllocOp : Op<Switched_Dialect, "words_alloc",
                               [MemoryEffects<[MemAlloc]>]> {
  let summary = "A word per member of a group, which that member writes.";
  let results = (outs AnyMemRef:$words);
  let assemblyFormat = "attr-dict `:` type($words)";
  let hasVerifier = 1;
}

def Switched_PutWordOp : Switched_ProgramOp<"put_word"> {
  let summary = "Stores a number in this rank's word at a peer.";
  let arguments = (ins Index:$value, AnyMemRef:$words, Index:$peer);
  let assemblyFormat = "$value `to` $words `at` $peer attr-dict `:` type($words)";
  let hasVerifier = 1;
}

def Switched_SignalsAllocOp
    : Switched_AllocOp<"signals_alloc", Switched_Signals> {
  let summary = "A counter per member of a group, which that member increases.";
  let description = [{ 0 when the kernel starts, and again when it has ended. }];
  let assemblyFormat = "attr-dict `:` type($tile)";
}

def Switched_SignalOp
    : Switched_ProgramOp<"signal",
                         [ParentOneOf<["ForPeersOp", "EachPeerOp"]>]> {
  let summary = "Increases this rank's counter at a peer.";
  let description = [{
    What this block has written before it, bulk copies included, is visible to
    the whole system first (red.release.sys).
  }];
  let arguments = (ins Switched_Signals:$signals, Index:$peer);
  let assemblyFormat = "$signals `at` $peer attr-dict `:` type($signals)";
}

def Switched_SignalWaitOp : Switched_ProgramOp<"signal_wait"> {
  let summary = "Waits until a member has signalled `count` times.";
  let description = [{
    What the member wrote before can be read after (ld.acquire.sys).
  }];
  let arguments = (ins Switched_Signals:$signals, Index:$peer, I64Attr:$count);
  let assemblyFormat = [{
    $signals `[` $peer `]` `count` `=` $count attr-dict `:` type($signals)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELPEERS_TD
