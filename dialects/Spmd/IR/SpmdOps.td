//===- SpmdOps.td - ops of the spmd dialect ----------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// T tokens of a rank, H hidden width, K experts per token, N ranks of a group,
// R ragged rows.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_IR_SPMDOPS_TD
#define PORTOLAN_DIALECTS_SPMD_IR_SPMDOPS_TD

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Interfaces/WorkOpInterface.td"
include "dialects/Moe/IR/MoeAttrs.td"
include "dialects/Spmd/IR/SpmdAttrs.td"
include "dialects/Spmd/IR/SpmdDialect.td"
include "dialects/Spmd/IR/SpmdEnums.td"

/// A local op: pure, with a statement of its work.
class Spmd_LocalOp<string mnemonic, list<Trait> traits = []>
    : Spmd_Op<mnemonic,
              !listconcat([Pure, DeclareOpInterfaceMethods<WorkOpInterface>],
                          traits)>;

/// An op that communicates: it acts on the fabric, so that a rank neither drops
/// nor duplicates nor reorders its part of a collective.
class Spmd_CollectiveOp<string mnemonic, list<Trait> traits = []>
    : Spmd_Op<mnemonic,
              !listconcat([MemoryEffects<[MemWrite<Spmd_Fabric>]>,
                           DeclareOpInterfaceMethods<WorkOpInterface>],
                          traits)>;

//===----------------------------------------------------------------------===//
// Mesh
//===----------------------------------------------------------------------===//

def Spmd_MeshOp : Spmd_Op<"mesh", [Symbol]> {
  let summary = "The ranks of a model copy, factored into axes in two ways.";
  let description = [{
    `stage` stages of data * context * tensor = expert * expert_tensor ranks.
    Within a stage the tensor axis is innermost, then context, then data; for
    experts, expert_tensor is innermost, then expert.

    ```mlir
    spmd.mesh @mesh {stage = 2 : i64, data = 2 : i64, context = 1 : i64,
                     tensor = 4 : i64, expert = 8 : i64, expert_tensor = 1 : i64}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$stage, I64Attr:$data,
                       I64Attr:$context, I64Attr:$tensor, I64Attr:$expert,
                       I64Attr:$expert_tensor);
  let assemblyFormat = "$sym_name attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

def Spmd_AllReduceOp : Spmd_CollectiveOp<"all_reduce",
                                         [SameOperandsAndResultType]> {
  let summary = "Sum over the ranks of a group; every rank has the result.";
  let description = "Payload: the tensor.";
  let arguments = (ins AnyRankedTensor:$input, Spmd_GroupAttr:$group,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `over` $group attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Spmd_AllGatherOp : Spmd_CollectiveOp<"all_gather"> {
  let summary = "The pieces of all ranks of a group, side by side along `dim`.";
  let description = [{
    Member i brings `sizes[i]` elements along `dim` of each input (0 is legal).
    `inputs[0]` holds the values (`format` is theirs), the others are metadata
    that travel along. Payload: the gathered results.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, Spmd_GroupAttr:$group,
                       I64Attr:$dim, DenseI64ArrayAttr:$sizes,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $inputs `over` $group attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spmd_ReduceScatterOp : Spmd_CollectiveOp<"reduce_scatter"> {
  let summary = "Sum over the ranks of a group; member i keeps its piece.";
  let description = [{
    Member i keeps `sizes[i]` elements along `dim`. Payload: the full tensor.
  }];
  let arguments = (ins AnyRankedTensor:$input, Spmd_GroupAttr:$group,
                       I64Attr:$dim, DenseI64ArrayAttr:$sizes,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `over` $group attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spmd_AllToAllOp : Spmd_CollectiveOp<"all_to_all",
                                        [SameOperandsAndResultType]> {
  let summary = "Block i of the first dimension goes to member i.";
  let description = [{
    N equal blocks along the first dimension; block i of the result comes from
    member i. It carries the row counts of a ragged exchange. Payload: the
    tensor.
  }];
  let arguments = (ins AnyRankedTensor:$input, Spmd_GroupAttr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `over` $group attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Spmd_AllToAllVOp : Spmd_CollectiveOp<"all_to_all_v"> {
  let summary = "Ragged exchange of rows, with their metadata.";
  let description = [{
    The first `send_counts[0]` rows of each input go to member 0, the next
    `send_counts[1]` to member 1, and so on; `receive_counts[i]` rows come from
    member i and stand in that order. All inputs have the same rows; `inputs[0]`
    holds the values (`format` is theirs), the others are metadata that travel
    along. `load` states the rows that this rank sends. Payload: the rows sent,
    metadata included.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs,
                       AnyRankedTensor:$send_counts,
                       AnyRankedTensor:$receive_counts, Spmd_GroupAttr:$group,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $inputs `send` $send_counts `receive` $receive_counts `over` $group
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spmd_SendOp : Spmd_CollectiveOp<"send"> {
  let summary = "Sends a tensor to the same rank of the next stage.";
  let description = [{
    The peer is `distance` ranks further on in the model copy. Payload: the
    tensor.
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$distance,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Spmd_ReceiveOp : Spmd_CollectiveOp<"receive"> {
  let summary = "Receives a tensor from the same rank of the stage before.";
  let description = [{
    The peer is `distance` ranks back in the model copy. Payload: the tensor.
  }];
  let arguments = (ins I64Attr:$distance,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Local ops
//===----------------------------------------------------------------------===//

def Spmd_SliceOp : Spmd_Op<"slice", [Pure]> {
  let summary = "This rank's piece of a tensor that the whole group holds.";
  let description = [{
    Member i takes `sizes[i]` elements along `dim`, after those of the members
    before it. A view: it moves no data and states no work.
  }];
  let arguments = (ins AnyRankedTensor:$input, Spmd_GroupAttr:$group,
                       I64Attr:$dim, DenseI64ArrayAttr:$sizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `over` $group attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spmd_LocalizeOp : Spmd_Op<"localize", [Pure, SameOperandsAndResultType]> {
  let summary = "Expert indices counted from this rank's first expert.";
  let description = [{
    `experts` experts are spread over the group in contiguous blocks, the first
    ones one larger if uneven; the first index of this rank's block is
    subtracted. What is outside [0, block) is another rank's. Index arithmetic
    that a dispatch absorbs: it states no work.
  }];
  let arguments = (ins AnyRankedTensor:$indices, I64Attr:$experts,
                       Spmd_GroupAttr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$indices `over` $group attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Spmd_ChooseCopyOp : Spmd_Op<"choose_copy",
    [Pure, SameOperandsAndResultType]> {
  let summary = "Expert indices as slots: which copy of an expert takes a row.";
  let description = [{
    `slots[s]` is the expert that slot s holds; an expert with c slots gives
    the rows of token t to the (t mod c)-th of them in order. `indices` [..,K]
    hold the experts of each token, tokens counted over the other dimensions.
    Index arithmetic that a pack or dispatch absorbs: it states no work.
  }];
  let arguments = (ins AnyRankedTensor:$indices, I64Attr:$experts,
                       DenseI64ArrayAttr:$slots);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$indices attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Spmd_PackOp : Spmd_LocalOp<"pack"> {
  let summary = "Gathers each token's row once per rank that needs it.";
  let description = [{
    `input` [T,H], `weights` [T,K], `indices` [T,K] (experts, -1: none) ->
    `rows` [R,H] ordered by (rank, token), `row_weights` [R,K], `row_indices`
    [R,K] counted from the first expert of the destination (-1: not there),
    `tokens` [R] (the token of each row, kept by the sender) and `counts` [N].
    The experts are spread over the holders behind N / expert_tensor blocks of
    ranks, `holders` behind each, the first holders having one more: a row that
    is sent to a domain goes on to its holders by another pack.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weights,
                       AnyRankedTensor:$indices, I64Attr:$experts,
                       Spmd_GroupAttr:$group,
                       DefaultValuedAttr<I64Attr, "1">:$expert_tensor,
                       DefaultValuedAttr<I64Attr, "1">:$holders,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_FormatAttr>:$format);
  let results = (outs AnyRankedTensor:$rows, AnyRankedTensor:$row_weights,
                      AnyRankedTensor:$row_indices, AnyRankedTensor:$tokens,
                      AnyRankedTensor:$counts);
  let assemblyFormat = [{
    $input `,` $weights `,` $indices `over` $group attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spmd_UnpackOp : Spmd_LocalOp<"unpack"> {
  let summary = "Sums the rows that came back into their tokens.";
  let description = [{
    `rows` [R,H], `tokens` [R] (from spmd.pack) -> [T,H]: each token is the sum
    of its rows, 0 if it has none. Where T is ragged, `packed` [T,...] is what
    the pack was given, and `result_load` says how much.
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$tokens,
                       Optional<AnyRankedTensor>:$packed,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_LoadAttr>:$result_load);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `,` $tokens (`of` $packed^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spmd_MergePartialsOp : Spmd_LocalOp<"merge_partials"> {
  let summary = "Merges attention over the parts of a context.";
  let description = [{
    `values` [N*B,S,heads*Dv], `log_sum_exp` [N*B,S,heads] (part-major) ->
    [B,S,heads*Dv]: sum over parts of values * exp(lse - lse_max), divided by
    the sum of the factors. A part that saw no key has lse = -inf and adds
    nothing.
  }];
  let arguments = (ins AnyRankedTensor:$values, AnyRankedTensor:$log_sum_exp,
                       I64Attr:$parts);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $values `,` $log_sum_exp attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_SPMD_IR_SPMDOPS_TD
