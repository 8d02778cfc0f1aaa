//===- SwitchedOps.td - ops of switched ---------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDOPS_TD
#define PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDOPS_TD

include "dialects/Interfaces/SystemOps.td"
include "dialects/Switched/IR/SwitchedDialect.td"

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

def Switched_EmbeddingGatherOp
    : System_KernelOp<Switched_Dialect, "embedding_gather", ["embedding"]> {
  let summary = "Rows of the embedding table, gathered from memory.";
}

def Switched_RmsNormOp
    : System_KernelOp<Switched_Dialect, "rms_norm", ["rmsNorm"]> {
  let summary = "A row-wise normalization kernel.";
}

def Switched_GemmOp : System_KernelOp<Switched_Dialect, "gemm", ["linear"]> {
  let summary = "A dense GEMM on the tensor cores, its token tile chosen per "
                "shape.";
}

def Switched_RopeOp : System_KernelOp<Switched_Dialect, "rope", ["rope"]> {
  let summary = "The rotation of queries or keys.";
}

def Switched_AttentionOp
    : System_KernelOp<Switched_Dialect, "attention", ["attention"]> {
  let summary = "Attention with heads, over a paged cache.";
}

def Switched_LatentAttentionOp
    : System_KernelOp<Switched_Dialect, "latent_attention", ["latentAttention"]> {
  let summary = "Multi-head latent attention over one shared latent.";
}

def Switched_GateOp : System_KernelOp<Switched_Dialect, "gate", ["gate"]> {
  let summary = "A tensor multiplied with an activated gate.";
}

def Switched_ShortConvolutionOp
    : System_KernelOp<Switched_Dialect, "short_convolution", ["shortConvolution"]> {
  let summary = "Each channel over its last few tokens, kept beside the cache.";
}

def Switched_RecurrenceOp
    : System_KernelOp<Switched_Dialect, "recurrence", ["recurrence"]> {
  let summary = "A step of the states in memory, or a prompt in chunks on the tensor "
                "cores.";
}

def Switched_DepthAttentionOp
    : System_KernelOp<Switched_Dialect, "depth_attention", ["depthAttention"]> {
  let summary = "A token's streams, mixed by their scores, in one kernel.";
}

def Switched_ReadStreamsOp
    : System_KernelOp<Switched_Dialect, "read_streams", ["readStreams"]> {
  let summary = "A token's streams collapsed to one, with how they mix, by "
                "one thin matmul.";
}

def Switched_WriteStreamsOp
    : System_KernelOp<Switched_Dialect, "write_streams", ["writeStreams"]> {
  let summary = "A result spread over a token's streams, which are mixed.";
}

def Switched_PoolKeysOp
    : System_KernelOp<Switched_Dialect, "pool_keys", ["poolKeys"]> {
  let summary = "Keys of finished windows, summed by a softmax over their "
                "tokens.";
}

def Switched_PooledAttentionOp
    : System_KernelOp<Switched_Dialect, "pooled_attention", ["pooledAttention"]> {
  let summary = "Attention to a window and to pooled keys, heads of one key "
                "side by side.";
}

def Switched_AddOp : System_KernelOp<Switched_Dialect, "add", ["add"]> {
  let summary = "A residual sum.";
}

def Switched_DecomposedOp
    : System_KernelOp<Switched_Dialect, "decomposed", ["decomposed"]> {
  let summary = "Nodes of a graph that were not raised, a kernel each.";
}

def Switched_MlpOp : System_KernelOp<Switched_Dialect, "mlp", ["mlp"]> {
  let summary = "Two GEMMs with a gated activation between them.";
}

def Switched_RouterTopkOp
    : System_KernelOp<Switched_Dialect, "router_topk", ["route"]> {
  let summary = "Router logits, scores and the choice of experts.";
}

def Switched_PermuteOp
    : System_KernelOp<Switched_Dialect, "permute", ["dispatch"]> {
  let summary = "Rows copied into the order of their experts.";
}

def Switched_GroupedGemmOp
    : System_KernelOp<Switched_Dialect, "grouped_gemm", ["experts"]> {
  let summary = "The experts as two grouped GEMMs; each expert pads its rows "
                "to the token tile.";
}

def Switched_UnpermuteOp
    : System_KernelOp<Switched_Dialect, "unpermute", ["combine"]> {
  let summary = "Expert results summed into token rows.";
}

def Switched_PackOp : System_KernelOp<Switched_Dialect, "pack", ["pack"]> {
  let summary = "Rows copied once per destination GPU.";
}

def Switched_UnpackOp
    : System_KernelOp<Switched_Dialect, "unpack", ["unpack"]> {
  let summary = "Returned rows summed into tokens.";
}

def Switched_MergePartialsOp
    : System_KernelOp<Switched_Dialect, "merge_partials", ["mergePartials"]> {
  let summary = "Attention parts of a spread context merged.";
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

def Switched_AllReduceOp
    : System_TransferOp<Switched_Dialect, "all_reduce", ["allReduce"]> {
  let summary = "One-shot, ring, or reduced and multicast in the switch.";
}

def Switched_AllGatherOp
    : System_TransferOp<Switched_Dialect, "all_gather", ["allGather"]> {
  let summary = "Every GPU puts its piece to every other.";
}

def Switched_ReduceScatterOp
    : System_TransferOp<Switched_Dialect, "reduce_scatter", ["reduceScatter"]> {
  let summary = "Every GPU sums its piece of all others.";
}

def Switched_CountExchangeOp
    : System_TransferOp<Switched_Dialect, "count_exchange", ["allToAll"]> {
  let summary = "Row counts of a ragged exchange.";
}

def Switched_RowPutOp
    : System_TransferOp<Switched_Dialect, "row_put", ["allToAllV"]> {
  let summary = "Ragged rows put into the memory of their destination.";
}

def Switched_PutOp : System_TransferOp<Switched_Dialect, "put", ["send"]> {
  let summary = "One-sided write to the next stage.";
}

def Switched_WaitOp : System_TransferOp<Switched_Dialect, "wait", ["receive"]> {
  let summary = "Waits for the signal of the stage before.";
}

def Switched_ViewOp : System_ViewOp<Switched_Dialect>;

//===----------------------------------------------------------------------===//
// Inside a kernel
//===----------------------------------------------------------------------===//

include "dialects/Switched/IR/SwitchedKernelAttention.td"
include "dialects/Switched/IR/SwitchedKernelMma.td"
include "dialects/Switched/IR/SwitchedKernelPeers.td"
include "dialects/Switched/IR/SwitchedKernelProgram.td"
include "dialects/Switched/IR/SwitchedKernelReduce.td"
include "dialects/Switched/IR/SwitchedKernelRoute.td"
include "dialects/Switched/IR/SwitchedKernelRows.td"

#endif // PORTOLAN_DIALECTS_SWITCHED_IR_SWITCHEDOPS_TD
