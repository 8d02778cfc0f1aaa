//===- SwitchedKernelProgram.td - the frame of a kernel program -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELPROGRAM_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELPROGRAM_TD

include "dialects/Switched/IR/SwitchedKernelMemory.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Switched_YieldOp : Op<Switched_Dialect, "yield", [Pure, Terminator]> {
  let summary = "Ends a region of a kernel program.";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* no values */ }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Switched_KernelStepOp
    : System_Op<Switched_Dialect, "kernel_step",
                ["experts", "latentAttention", "attention", "route", "dispatch",
                 "combine", "pack", "unpack"],
                [Pure, IsolatedFromAbove, SingleBlock]> {
  let summary = "A step whose kernels are written out.";
  let description = [{
    It stands for the system op of the same attributes, operands and results,
    and is priced as that: it covers the same op. Its region computes the
    results from the operands by `switched.kernel`, and yields them.
  }];
  let arguments = Switched_GroupedGemmOp.arguments;
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` `covers` $covers $of attr-dict
    `:` functional-type($inputs, results) $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_KernelTransferOp
    : System_Op<Switched_Dialect, "kernel_transfer", ["allToAllV", "allReduce"],
                [MemoryEffects<[MemWrite]>, IsolatedFromAbove, SingleBlock]> {
  let summary = "A communication step whose kernels are written out.";
  let description = [{
    As `switched.kernel_step`, for a step between chips: its programs read and
    write the memory of the other members of the group, and send what the step
    is priced for.
  }];
  let arguments = Switched_RowPutOp.arguments;
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` `covers` $covers $of attr-dict
    `:` functional-type($inputs, results) $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_KernelOp
    : Op<Switched_Dialect, "kernel",
         [RecursiveMemoryEffects,
          ParentOneOf<["KernelStepOp", "KernelTransferOp"]>, IsolatedFromAbove,
          SingleBlock]> {
  let summary = "One kernel: the program of each of its blocks of threads.";
  let description = [{
    `units` blocks stay on as many units of the chip and share the work;
    `cluster` of them read each other's shared memory. The region's arguments
    are the operands in global memory, then the results, which the program
    stores.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$units,
                       I64Attr:$cluster);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` `units` `=` $units `cluster` `=` $cluster attr-dict
    `:` functional-type($inputs, results) $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_ForTilesOp
    : Switched_ProgramOp<"for_tiles", [HasParent<"KernelOp">, SingleBlock]> {
  let summary = "The tiles of a grouped product that fall to this block.";
  let description = [{
    Rows are ordered by expert, `counts` [E] of each. An expert's rows are cut
    into tiles of `token_tile` rows, its `columns` into tiles of `column_tile`;
    no tile holds rows of two experts. The blocks of a cluster work on
    neighbouring column tiles of the same rows. The region's arguments are, as
    indices: the expert, the first row, the rows that are left of the expert
    (at most the tile), and the first column of this block.
  }];
  let arguments = (ins AnyMemRef:$counts, I64Attr:$token_tile,
                       I64Attr:$column_tile, I64Attr:$columns);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $counts `token_tile` `=` $token_tile `column_tile` `=` $column_tile
    `columns` `=` $columns attr-dict `:` type($counts) $body
  }];
  let hasRegionVerifier = 1;
}

def Switched_PipelineOp
    : Switched_ProgramOp<"pipeline", [ParentOneOf<["ForTilesOp", "ForRowsOp", "ForHeadsOp"]>,
                             SingleBlock]> {
  let summary = "A contraction in steps, loads running ahead of products.";
  let description = [{
    Steps of `block` elements cover `contraction`. One warp runs `produce`, others
    run `consume`, both with the step's first element and its stage (the step
    modulo `stages`) as arguments. `full` and `free` keep them apart: a stage is
    filled when it is free and read when it is full. Where two blocks issue one
    product, the first one waits for the loads of both, and both of their stages
    are freed. What a pipeline computes is what produce and consume, alternating
    step by step, compute.
  }];
  let arguments = (ins Switched_Mbarrier:$full, Switched_Mbarrier:$free,
                       I64Attr:$contraction, I64Attr:$block, I64Attr:$stages);
  let regions = (region SizedRegion<1>:$produce, SizedRegion<1>:$consume);
  let assemblyFormat = [{
    `contraction` `=` $contraction `block` `=` $block `stages` `=` $stages
    `full` `(` $full `)` `free` `(` $free `)` attr-dict `:` type($full)
    `,` type($free) `produce` $produce `consume` $consume
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getSteps() {
      return (getContraction() + getBlock() - 1) / int64_t(getBlock());
    }
  }];
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELPROGRAM_TD
