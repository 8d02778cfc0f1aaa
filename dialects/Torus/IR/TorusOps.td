//===- TorusOps.td - system ops of torus -------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TORUS_IR_TORUSOPS_TD
#define PORTOLAN_DIALECTS_TORUS_IR_TORUSOPS_TD

include "dialects/Interfaces/SystemOps.td"
include "dialects/Torus/IR/TorusDialect.td"

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

def Torus_EmbeddingGatherOp
    : System_KernelOp<Torus_Dialect, "embedding_gather", ["embedding"]> {
  let summary = "Rows of the embedding table, gathered from memory.";
}

def Torus_RmsNormOp : System_KernelOp<Torus_Dialect, "rms_norm", ["rmsNorm"]> {
  let summary = "A row-wise normalization on the vector unit.";
}

def Torus_MatmulOp : System_KernelOp<Torus_Dialect, "matmul", ["linear"]> {
  let summary = "A matmul on the MXU; output and contraction are padded to "
                "its columns.";
}

def Torus_RopeOp : System_KernelOp<Torus_Dialect, "rope", ["rope"]> {
  let summary = "The rotation of queries or keys on the vector unit.";
}

def Torus_AttentionOp
    : System_KernelOp<Torus_Dialect, "attention", ["attention"]> {
  let summary = "Attention with heads, cache blocks streamed to VMEM.";
}

def Torus_LatentAttentionOp
    : System_KernelOp<Torus_Dialect, "latent_attention", ["latentAttention"]> {
  let summary = "Multi-head latent attention, the latent padded to MXU "
                "columns.";
}

def Torus_GateOp : System_KernelOp<Torus_Dialect, "gate", ["gate"]> {
  let summary = "A tensor multiplied with an activated gate, on the VPU.";
}

def Torus_ShortConvolutionOp
    : System_KernelOp<Torus_Dialect, "short_convolution", ["shortConvolution"]> {
  let summary = "Each channel over its last few tokens, on the VPU.";
}

def Torus_RecurrenceOp
    : System_KernelOp<Torus_Dialect, "recurrence", ["recurrence"]> {
  let summary = "A step of the states on the VPU, or a prompt in chunks on the MXU.";
}

def Torus_DepthAttentionOp
    : System_KernelOp<Torus_Dialect, "depth_attention", ["depthAttention"]> {
  let summary = "A token's streams, mixed by their scores, on the vector unit.";
}

def Torus_ReadStreamsOp
    : System_KernelOp<Torus_Dialect, "read_streams", ["readStreams"]> {
  let summary = "A token's streams collapsed to one, with how they mix, by "
                "one thin matmul on the MXU.";
}

def Torus_WriteStreamsOp
    : System_KernelOp<Torus_Dialect, "write_streams", ["writeStreams"]> {
  let summary = "A result spread over a token's streams, which are mixed, on "
                "the VPU.";
}

def Torus_PoolKeysOp
    : System_KernelOp<Torus_Dialect, "pool_keys", ["poolKeys"]> {
  let summary = "Keys of finished windows, summed by a softmax over their "
                "tokens, on the VPU.";
}

def Torus_PooledAttentionOp
    : System_KernelOp<Torus_Dialect, "pooled_attention", ["pooledAttention"]> {
  let summary = "Attention to a window and to pooled keys, heads of one key "
                "as rows of the MXU.";
}

def Torus_AddOp : System_KernelOp<Torus_Dialect, "add", ["add"]> {
  let summary = "A residual sum.";
}

def Torus_DecomposedOp
    : System_KernelOp<Torus_Dialect, "decomposed", ["decomposed"]> {
  let summary = "Nodes of a graph that were not raised, a kernel each.";
}

def Torus_MlpOp : System_KernelOp<Torus_Dialect, "mlp", ["mlp"]> {
  let summary = "Two matmuls with a gated activation between them.";
}

def Torus_RouterTopkOp
    : System_KernelOp<Torus_Dialect, "router_topk", ["route"]> {
  let summary = "Router logits, scores and the choice of experts.";
}

def Torus_RowGatherOp
    : System_KernelOp<Torus_Dialect, "row_gather", ["dispatch"]> {
  let summary = "Rows gathered into the order of their experts.";
}

def Torus_ExpertMatmulOp
    : System_KernelOp<Torus_Dialect, "expert_matmul", ["experts"]> {
  let summary = "The experts one after another; each pads its rows to "
                "sublanes; the next one may be prefetched to VMEM.";
}

def Torus_RowScatterOp
    : System_KernelOp<Torus_Dialect, "row_scatter", ["combine"]> {
  let summary = "Expert results summed into token rows.";
}

def Torus_PackOp : System_KernelOp<Torus_Dialect, "pack", ["pack"]> {
  let summary = "Rows copied once per destination chip.";
}

def Torus_UnpackOp : System_KernelOp<Torus_Dialect, "unpack", ["unpack"]> {
  let summary = "Returned rows summed into tokens.";
}

def Torus_MergePartialsOp
    : System_KernelOp<Torus_Dialect, "merge_partials", ["mergePartials"]> {
  let summary = "Attention parts of a spread context merged.";
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

def Torus_AllReduceOp
    : System_TransferOp<Torus_Dialect, "all_reduce", ["allReduce"]> {
  let summary = "Reduce-scatter and all-gather along whole axes, both "
                "directions of a ring.";
}

def Torus_AllGatherOp
    : System_TransferOp<Torus_Dialect, "all_gather", ["allGather"]> {
  let summary = "Pieces passed along whole axes.";
}

def Torus_ReduceScatterOp
    : System_TransferOp<Torus_Dialect, "reduce_scatter", ["reduceScatter"]> {
  let summary = "Partial sums passed along whole axes.";
}

def Torus_CountExchangeOp
    : System_TransferOp<Torus_Dialect, "count_exchange", ["allToAll"]> {
  let summary = "Row counts of a ragged exchange.";
}

def Torus_AllToAllOp
    : System_TransferOp<Torus_Dialect, "all_to_all", ["allToAllV"]> {
  let summary = "Rows routed dimension by dimension.";
}

def Torus_RemoteDmaOp
    : System_TransferOp<Torus_Dialect, "remote_dma", ["send"]> {
  let summary = "Remote DMA to the next stage.";
}

def Torus_DmaWaitOp
    : System_TransferOp<Torus_Dialect, "dma_wait", ["receive"]> {
  let summary = "Waits for the semaphore of the stage before.";
}

def Torus_ViewOp : System_ViewOp<Torus_Dialect>;

#endif // PORTOLAN_DIALECTS_TORUS_IR_TORUSOPS_TD
