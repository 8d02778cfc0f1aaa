//===- WaferOps.td - system ops of wafer -------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_IR_WAFEROPS_TD
#define PORTOLAN_DIALECTS_WAFER_IR_WAFEROPS_TD

include "dialects/Interfaces/SystemOps.td"
include "dialects/Wafer/IR/WaferDialect.td"

//===----------------------------------------------------------------------===//
// Programs of a region
//===----------------------------------------------------------------------===//

def Wafer_EmbeddingMulticastOp
    : System_KernelOp<Wafer_Dialect, "embedding_multicast", ["embedding"]> {
  let summary = "Rows of the table, multicast down the columns of the region.";
}

def Wafer_RmsNormOp : System_KernelOp<Wafer_Dialect, "rms_norm", ["rmsNorm"]> {
  let summary = "A normalization whose sum of squares is added along a line.";
}

def Wafer_RegionGemvOp
    : System_KernelOp<Wafer_Dialect, "region_gemv", ["linear"]> {
  let summary = "One row through weights spread over a region; partial sums are "
                "added along a K-tree.";
}

def Wafer_RegionGemmOp
    : System_KernelOp<Wafer_Dialect, "region_gemm", ["linear"]> {
  let summary = "Rows streamed through weights spread over a region, or both "
                "operands shifted through its PEs.";
}

def Wafer_RopeOp : System_KernelOp<Wafer_Dialect, "rope", ["rope"]> {
  let summary = "The rotation of queries or keys, local to each PE.";
}

def Wafer_MeshAttentionOp
    : System_KernelOp<Wafer_Dialect, "mesh_attention", ["attention"]> {
  let summary = "Attention; each cache lies in a rectangle of its own, "
                "tokens down the columns, the head along the rows.";
}

def Wafer_MeshLatentAttentionOp
    : System_KernelOp<Wafer_Dialect, "mesh_latent_attention",
                      ["latentAttention"]> {
  let summary = "Multi-head latent attention; a sequence's latents lie in one "
                "rectangle that all heads visit.";
}

def Wafer_GateOp : System_KernelOp<Wafer_Dialect, "gate", ["gate"]> {
  let summary = "A tensor multiplied with an activated gate, local to each PE.";
}

def Wafer_ShortConvolutionOp
    : System_KernelOp<Wafer_Dialect, "short_convolution", ["shortConvolution"]> {
  let summary = "Each channel over its last few tokens, local to each PE.";
}

def Wafer_RecurrenceOp
    : System_KernelOp<Wafer_Dialect, "recurrence", ["recurrence"]> {
  let summary = "States in rectangles of their own, keys down the columns, values along "
                "the rows; a selective state lies in one PE.";
}

def Wafer_DepthAttentionOp
    : System_KernelOp<Wafer_Dialect, "depth_attention", ["depthAttention"]> {
  let summary = "A token's streams, mixed by scores that are summed over its line.";
}

def Wafer_ReadStreamsOp
    : System_KernelOp<Wafer_Dialect, "read_streams", ["readStreams"]> {
  let summary = "A token's streams collapsed to one, with how they mix, by "
                "one thin matmul on the region.";
}

def Wafer_WriteStreamsOp
    : System_KernelOp<Wafer_Dialect, "write_streams", ["writeStreams"]> {
  let summary = "A result spread over a token's streams, which are mixed, "
                "local to each PE.";
}

def Wafer_PoolKeysOp
    : System_KernelOp<Wafer_Dialect, "pool_keys", ["poolKeys"]> {
  let summary = "Keys of finished windows, summed by a softmax over their "
                "tokens, in the squares of their sequences.";
}

def Wafer_PooledAttentionOp
    : System_KernelOp<Wafer_Dialect, "pooled_attention", ["pooledAttention"]> {
  let summary = "Attention of all heads in the square of a sequence's window "
                "and pooled keys.";
}

def Wafer_AddOp : System_KernelOp<Wafer_Dialect, "add", ["add"]> {
  let summary = "A residual sum, local to each PE.";
}

def Wafer_DecomposedOp
    : System_KernelOp<Wafer_Dialect, "decomposed", ["decomposed"]> {
  let summary = "Nodes of a graph that were not raised, a kernel each.";
}

def Wafer_RegionMlpOp : System_KernelOp<Wafer_Dialect, "region_mlp", ["mlp"]> {
  let summary = "Two matmuls of a region with a gated activation between them.";
}

def Wafer_RouterTopkOp
    : System_KernelOp<Wafer_Dialect, "router_topk", ["route"]> {
  let summary = "Router logits, gathered along lines, and the choice of "
                "experts.";
}

def Wafer_MulticastFilterOp
    : System_KernelOp<Wafer_Dialect, "multicast_filter", ["dispatch"]> {
  let summary = "All rows multicast over the experts' rectangles; each keeps "
                "its own.";
}

def Wafer_ExpertRegionsOp
    : System_KernelOp<Wafer_Dialect, "expert_regions", ["experts"]> {
  let summary = "Experts side by side, each in its rectangle; those without a "
                "row stay idle.";
}

def Wafer_KTreeCombineOp
    : System_KernelOp<Wafer_Dialect, "k_tree_combine", ["combine"]> {
  let summary = "Expert results added on the way back to their tokens.";
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

def Wafer_StreamSendOp
    : System_TransferOp<Wafer_Dialect, "stream_send", ["send"]> {
  let summary = "A stage's rows leave for the next region, or the wafer "
                "through its system I/O.";
}

def Wafer_StreamReceiveOp
    : System_TransferOp<Wafer_Dialect, "stream_receive", ["receive"]> {
  let summary = "Rows of the stage before are spread over the region.";
}

def Wafer_ViewOp : System_ViewOp<Wafer_Dialect>;

#endif // PORTOLAN_DIALECTS_WAFER_IR_WAFEROPS_TD
