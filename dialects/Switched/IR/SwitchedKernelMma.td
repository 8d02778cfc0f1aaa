//===- SwitchedKernelMma.td - matrix products and epilogues -*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product is columns x contraction times tokens x contraction: the columns of
// the weights lie on the rows of the instruction, so that few tokens cost few.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELMMA_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELMMA_TD

include "dialects/Moe/IR/MoeEnums.td"
include "dialects/Switched/IR/SwitchedKernelMemory.td"

def Switched_Operand : AnyTypeOf<[Switched_Smem, Switched_Tmem,
                                  Switched_Registers],
                                 "a tile in a memory of the unit">;
def Switched_Sums : AnyTypeOf<[Switched_Tmem, Switched_Registers],
                              "a tile of sums">;

def Switched_WgmmaOp : Switched_ProgramOp<"wgmma"> {
  let summary = "A product that a warpgroup issues, with sums in its registers.";
  let description = [{
    `sums` [64, N] += `weights` [64, K] * `tokens` [N, K] transposed, of the
    stage that `stage` names. In the first step of a pipeline the sums start at
    0. Weights come from shared memory or registers, tokens from shared memory.
  }];
  let arguments = (ins Switched_Operand:$weights, Switched_Smem:$tokens,
                       Switched_Registers:$sums, Index:$stage);
  let assemblyFormat = [{
    $weights `,` $tokens `into` $sums `[` $stage `]` attr-dict
    `:` type($weights) `,` type($tokens) `into` type($sums)
  }];
  let hasVerifier = 1;
}

def Switched_Tcgen05MmaOp
    : Switched_ProgramOp<"tcgen05_mma", [AttrSizedOperandSegments]> {
  let summary = "A product that one thread issues, with sums in tensor memory.";
  let description = [{
    As `switched.wgmma`, but sums are in tensor memory and weights may be there
    too. With `cta_pair` two neighbouring blocks issue one product: each holds
    its half of the weights' rows, of the tokens and of the sums' rows. Formats
    with block scales take those of both operands from tensor memory.
  }];
  let arguments = (ins Switched_Operand:$weights, Switched_Smem:$tokens,
                       Switched_Tmem:$sums, Index:$stage,
                       Optional<Switched_Tmem>:$weight_scales,
                       Optional<Switched_Tmem>:$token_scales,
                       UnitAttr:$cta_pair);
  let assemblyFormat = [{
    $weights `,` $tokens `into` $sums `[` $stage `]`
    (`scales` `(` $weight_scales^ `:` type($weight_scales) `,`
                  $token_scales `:` type($token_scales) `)`)?
    attr-dict `:` type($weights) `,` type($tokens) `into` type($sums)
  }];
  let hasVerifier = 1;
}

def Switched_Tcgen05CopyScalesOp : Switched_ProgramOp<"tcgen05_copy_scales"> {
  let summary = "Copies the block scales of a stage into tensor memory.";
  let description = [{ `scales` has one column per block of the contraction. }];
  let arguments = (ins Switched_Smem:$tile, Index:$stage, Switched_Tmem:$scales);
  let assemblyFormat = [{
    $tile `[` $stage `]` `to` $scales attr-dict
    `:` type($tile) `to` type($scales)
  }];
  let hasVerifier = 1;
}

def Switched_ConvertOp : Switched_ProgramOp<"convert"> {
  let summary = "Widens or narrows a stage to the format it is computed in.";
  let description = [{
    The warps that wait for the stage read it, change its format (block scales
    applied) and write it where the matrix unit reads it: to registers, tensor
    memory, or a single stage of shared memory.
  }];
  let arguments = (ins Switched_Smem:$tile, Index:$stage,
                       Switched_Operand:$result);
  let assemblyFormat = [{
    $tile `[` $stage `]` `to` $result attr-dict
    `:` type($tile) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Switched_EpilogueOp
    : Switched_ProgramOp<"epilogue"> {
  let summary = "Sums to a tile of results: activation, then quantization.";
  let description = [{
    `result` [1, tokens, columns] in its format, from `sums` [columns, tokens].
    Without `activation` the sums are the results. With it and without `gate`
    they are act(sums); with `gate`, what `moe.experts` does with gate and up
    (`limit`, `alpha`, `linear_offset` and the caps included).
  }];
  let arguments = (ins Switched_Sums:$sums, Optional<Switched_Sums>:$gate,
    Switched_Smem:$result, OptionalAttr<Moe_ActivationAttr>:$activation,
    DefaultValuedAttr<F64Attr, "0.0">:$limit,
    DefaultValuedAttr<F64Attr, "1.0">:$alpha,
    DefaultValuedAttr<F64Attr, "0.0">:$linear_offset,
    DefaultValuedAttr<F64Attr, "0.0">:$gate_cap,
    DefaultValuedAttr<F64Attr, "0.0">:$linear_cap);
  let assemblyFormat = [{
    $sums (`gate` $gate^ `:` type($gate))? `into` $result attr-dict
    `:` type($sums) `into` type($result)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDKERNELMMA_TD
