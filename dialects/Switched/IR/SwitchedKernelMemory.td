//===- SwitchedKernelMemory.td - memories and transfers of a kernel -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELMEMORY_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELMEMORY_TD

include "dialects/Switched/IR/SwitchedKernelTypes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// An op of a kernel program. It reads and writes memory that its operands
/// name, so nothing moves or drops it.
class Switched_ProgramOp<string mnemonic, list<Trait> traits = []>
    : Op<Switched_Dialect, mnemonic,
         !listconcat([MemoryEffects<[MemRead, MemWrite]>], traits)>;

class Switched_AllocOp<string mnemonic, Type type, list<Trait> traits = []>
    : Op<Switched_Dialect, mnemonic,
         !listconcat([MemoryEffects<[MemAlloc]>], traits)> {
  let results = (outs type:$tile);
}

//===----------------------------------------------------------------------===//
// Allocation
//===----------------------------------------------------------------------===//

def Switched_SmemAllocOp : Switched_AllocOp<"smem_alloc", Switched_Smem> {
  let summary = "A ring of tiles in the shared memory of the block.";
  let assemblyFormat = "attr-dict `:` type($tile)";
}

def Switched_TmemAllocOp : Switched_AllocOp<"tmem_alloc", Switched_Tmem> {
  let summary = "A tile in tensor memory, of whole allocation units.";
  let description = [{
    `columns` of 32 bits on all lanes are taken: a power of two, at least those
    of the tile.
  }];
  let arguments = (ins I64Attr:$columns);
  let assemblyFormat = "`columns` `=` $columns attr-dict `:` type($tile)";
  let hasVerifier = 1;
}

def Switched_RegisterAllocOp
    : Switched_AllocOp<"register_alloc", Switched_Registers> {
  let summary = "A tile in the registers of a warpgroup.";
  let assemblyFormat = "attr-dict `:` type($tile)";
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

def Switched_MbarrierInitOp
    : Switched_AllocOp<"mbarrier_init", Switched_Mbarrier> {
  let summary = "A ring of barriers that `arrivals` arrivals complete.";
  let arguments = (ins I64Attr:$arrivals);
  let assemblyFormat = "`arrivals` `=` $arrivals attr-dict `:` type($tile)";
  let hasVerifier = 1;
}

class Switched_BarrierOp<string mnemonic> : Switched_ProgramOp<mnemonic> {
  let arguments = (ins Switched_Mbarrier:$barrier, Index:$stage);
  let assemblyFormat = "$barrier `[` $stage `]` attr-dict `:` type($barrier)";
}

def Switched_MbarrierWaitOp : Switched_BarrierOp<"mbarrier_wait"> {
  let summary = "Waits until the current phase of a stage is complete.";
}

def Switched_MbarrierArriveOp : Switched_BarrierOp<"mbarrier_arrive"> {
  let summary = "Arrives at a stage, once the products before it are done.";
}

def Switched_MbarrierExpectOp : Switched_ProgramOp<"mbarrier_expect"> {
  let summary = "Arrives at a stage that also waits for `bytes` of transfers.";
  let arguments = (ins Switched_Mbarrier:$barrier, Index:$stage, I64Attr:$bytes);
  let assemblyFormat = [{
    $barrier `[` $stage `]` `bytes` `=` $bytes attr-dict `:` type($barrier)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Bulk transfers
//===----------------------------------------------------------------------===//

def Switched_TmaLoadOp : Switched_ProgramOp<"tma_load"> {
  let summary = "Copies a tile of global memory into a stage, asynchronously.";
  let description = [{
    One offset in elements per dimension of `source`. The last two dimensions
    are rows and contraction, or with `transposed` contraction and rows: such a
    tensor is prepared with its contraction innermost. What lies outside of the
    tensor reads as 0. The copy signals its bytes at `barrier`. `multicast`: the
    tile of the cluster's first block goes to that many blocks. `spread`: block r of the
    cluster reads r tiles of rows further on.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$offsets,
    Switched_Smem:$tile, Index:$stage, Switched_Mbarrier:$barrier,
    DefaultValuedAttr<I64Attr, "1">:$multicast, UnitAttr:$transposed,
    UnitAttr:$spread);
  let assemblyFormat = [{
    $source `[` $offsets `]` `to` $tile `[` $stage `]` `signals` $barrier
    attr-dict `:` type($source) `to` type($tile) `signals` type($barrier)
  }];
  let hasVerifier = 1;
}

def Switched_TmaStoreOp : Switched_ProgramOp<"tma_store"> {
  let summary = "Copies a tile to global memory.";
  let description = [{
    `rows` of the tile are stored, at most all of them: the tensor map ends with
    the rows of the expert, so that those of the next one stay.
  }];
  let arguments = (ins Switched_Smem:$tile, AnyMemRef:$target,
    Variadic<Index>:$offsets, Index:$rows);
  let assemblyFormat = [{
    $tile `to` $target `[` $offsets `]` `rows` $rows attr-dict
    `:` type($tile) `to` type($target)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELMEMORY_TD
